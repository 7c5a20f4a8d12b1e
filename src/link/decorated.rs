//! What annotations and decorators mean.

use super::{FuncRef, Program, ValueRef};
use crate::ir::{Annotation, ExprKind, Language};
use crate::knowledge::{AnnotationDescription, LibraryDescription};
use ustr::Ustr;

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
        let ty = self.type_of(ValueRef { file, expr: *base })?;
        let named = |ty: Ustr| self.knowledge.annotation(Ustr::from_existing(&format!("{ty}.{name}"))?);
        named(ty).or_else(|| self.supertypes(ty).iter().find_map(|ty| named(*ty)))
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

    /// The type of what a decorator puts in the place of a function of the service.
    pub(super) fn decorated_type(&self, function: FuncRef) -> Option<Ustr> {
        let annotations = &self.function(function).annotations;
        annotations.iter().find_map(|found| self.described_annotation(function.file, found)?.1.makes)
    }
}
