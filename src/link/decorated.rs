//! What annotations and decorators mean.

use super::flow::DefKind;
use super::{FuncRef, Program, ValueRef};
use crate::ir::{Annotation, ExprKind, Language};
use crate::knowledge::{AnnotationDescription, AnnotationRole, LibraryDescription};
use ustr::Ustr;

/// Through how many functions a parameter is followed to those who give it.
const MAX_GIVEN: usize = 3;

impl<'a> Program<'a> {
    /// What is known of an annotation or decorator of a file, by its imported name or by the type of the object that it
    /// is a method of.
    pub fn described_annotation(
        &self,
        file: u32,
        annotation: &Annotation,
    ) -> Option<(&'a LibraryDescription, &'a AnnotationDescription)> {
        let value = ValueRef { file, expr: annotation.expr };
        let callee = match self.expr_kind(value) {
            ExprKind::Call { callee, .. } => ValueRef { file, expr: *callee },
            _ => value,
        };
        if self.language == Language::Java {
            let name = self.type_ref(file, &crate::ir::TypeRef { name: annotation.name, args: Vec::new() });
            return self.knowledge.annotation(name);
        }
        if let Some(found) = self.qualify(callee).and_then(|name| self.knowledge.annotation(name)) {
            return Some(found).filter(|(_, found)| found.when.is_empty() || self.is_given(value, &found.when));
        }
        let ExprKind::Member { base, name, .. } = self.expr_kind(callee) else { return None };
        let base = ValueRef { file, expr: *base };
        let ty = self.type_of(base).or_else(|| self.given_type(base))?;
        let named = |ty: Ustr| self.knowledge.annotation(Ustr::from_existing(&format!("{ty}.{name}"))?);
        named(ty).or_else(|| self.supertypes(ty).iter().find_map(|ty| named(*ty)))
    }

    /// The type of what the callers give for a parameter that is declared without one: `def register(app)`.
    fn given_type(&self, value: ValueRef) -> Option<Ustr> {
        let mut at = value;
        for _ in 0..MAX_GIVEN {
            let [def] = self.reaching(at) else { return None };
            let DefKind::Param(n) = self.def(at.file, *def).kind else { return None };
            let given = self.arguments(FuncRef { file: at.file, id: self.def(at.file, *def).function }, n);
            let found = given.iter().find_map(|given| self.type_of(*given));
            if found.is_some() {
                return found;
            }
            at = *given.first()?;
        }
        None
    }

    /// Whether a decorator is given one of these names, by itself or in a list.
    fn is_given(&self, decorator: ValueRef, names: &[Ustr]) -> bool {
        let ExprKind::Call { args, .. } = self.expr_kind(decorator) else { return false };
        let at = |expr| ValueRef { expr, ..decorator };
        let is_one = |value: ValueRef| self.qualify(value).is_some_and(|name| names.contains(&name));
        args.iter().any(|arg| match self.expr_kind(at(arg.value)) {
            ExprKind::Composite { fields, .. } => fields.iter().any(|field| is_one(at(field.value))),
            _ => is_one(at(arg.value)),
        })
    }

    /// Whether a decorator gives a Python function to a library, which calls it.
    pub(super) fn is_given_to_library(&self, function: FuncRef) -> bool {
        let is_called = |role| {
            use AnnotationRole::{Consumer, Entry, Root, Task, Worker};
            matches!(role, Consumer | Entry | Root | Task | Worker)
        };
        let mut annotations = self.function(function).annotations.iter();
        self.language == Language::Python
            && annotations.any(|found| {
                self.described_annotation(function.file, found).is_some_and(|(_, found)| is_called(found.role))
            })
    }

    /// The type of what a decorator puts in the place of a function of the service.
    pub(super) fn decorated_type(&self, function: FuncRef) -> Option<Ustr> {
        let annotations = &self.function(function).annotations;
        annotations.iter().find_map(|found| self.described_annotation(function.file, found)?.1.makes)
    }
}
