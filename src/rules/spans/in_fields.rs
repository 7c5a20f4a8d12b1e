//! Values that somebody must finish, in fields of the program's own objects that only code which is seen can name: where
//! none of it finishes what it reads there, or hands it on, nobody does.

use super::life::{Life, MAX_DEPTH, Walk, Way};
use crate::ir::{Expr, ExprId, ExprKind, Field, Language, TypeKind};
use crate::link::{FileUnit, Step, TypeIndex, ValueRef};
use crate::study::is_asked_for;
use ustr::Ustr;

impl Life<'_, '_> {
    /// Whether a value is written to a field in which it stays, and nothing that reads the field finishes it.
    pub(super) fn is_kept_in(&self, target: ValueRef, way: Way) -> bool {
        match self.study.program.step(target) {
            Step::Field(owner, name) if way.same => self.stays(owner, name, way),
            _ => false,
        }
    }

    /// The same of a value in the braces of an object of `owner`.
    pub(super) fn is_kept_at(&self, owner: Ustr, (value, made): (ValueRef, ValueRef), way: Way) -> bool {
        let program = self.study.program;
        let ExprKind::Composite { fields, .. } = program.expr_kind(made) else { return false };
        let is_it = |field: &Field| field.value == value.expr;
        let Some((at, field)) = fields.iter().enumerate().find(|(_, field)| is_it(field)) else { return false };
        let key = field.key.map(|key| program.expr_kind(ValueRef { expr: key, ..value }));
        let name = match key {
            Some(ExprKind::Name(name)) => Some(*name),
            Some(_) => None,
            None => program.own_type(owner).and_then(|ty| Some(program.type_decl(ty).fields.get(at)?.name)),
        };
        name.is_some_and(|name| self.stays(owner, name, way))
    }

    /// The same of a value that a constructor of the program's own is given, and puts into fields alone (Java).
    pub(super) fn is_kept_by_constructor(&self, value: ValueRef, call: ValueRef, way: Way) -> bool {
        let callee = self.study.program.callee(call);
        let is_own = callee.constructs.is_some() && !callee.functions.is_empty();
        is_own
            && self.study.language() == Language::Java
            && is_quiet(|walk| {
                callee.functions.iter().for_each(|function| self.parameter(walk, value, call, *function, way));
            })
    }

    /// Whether all that reads a field is seen, and none of it finishes the value or lets it go out of sight.
    fn stays(&self, owner: Ustr, name: Ustr, way: Way) -> bool {
        // A field may be copied to a field, and so on.
        let inside = Way { wrapped: false, depth: way.depth + 1, ..way };
        match self.reads(owner, name).filter(|_| inside.depth < MAX_DEPTH) {
            Some(reads) if !reads.is_empty() => is_quiet(|walk| {
                reads.into_iter().for_each(|read| self.follow(walk, read, 0, inside));
            }),
            _ => false,
        }
    }

    /// Where a private field of one of the program's own types is read; `None` where other code may read it too.
    fn reads(&self, owner: Ustr, name: Ustr) -> Option<Vec<ValueRef>> {
        let program = self.study.program;
        let ty = program.own_type(owner)?;
        let decl = program.type_decl(ty);
        let field = decl.fields.iter().find(|field| field.name == name)?;
        // What annotations make of a type is not seen: `@Getter`.
        let is_plain = decl.kind == TypeKind::Class && decl.annotations.is_empty() && field.annotations.is_empty();
        if !field.is_private || field.embedded || !is_plain {
            return None;
        }
        let mut out = Vec::new();
        for (at, file) in (0u32..).zip(&program.files).filter(|(at, file)| self.can_name(ty, *at, file)) {
            if !file.source.facts.exprs.iter().any(|expr| matches!(expr.kind, ExprKind::Member { .. }))
                && self.study.file_text(file.source.path).is_none_or(|text| is_asked_for(&text, &name))
            {
                return None;
            }
            for (id, expr) in (0u32..).zip(&file.source.facts.exprs) {
                let read = ValueRef { file: at, expr: ExprId(id) };
                if self.is_read(read, expr, owner, name)? {
                    out.push(read);
                }
            }
        }
        Some(out)
    }

    /// Whether the code of a file can name the private fields of a type.
    fn can_name(&self, ty: TypeIndex, at: u32, file: &FileUnit<'_>) -> bool {
        match self.study.language() {
            Language::Go => {
                self.study.program.files.get(ty.file as usize).is_some_and(|home| home.module == file.module)
            }
            Language::Java | Language::Python => at == ty.file,
        }
    }

    /// Whether an expression reads a field; `None` where that is not known.
    fn is_read(&self, value: ValueRef, expr: &Expr, owner: Ustr, field: Ustr) -> Option<bool> {
        let program = self.study.program;
        let is_it = match &expr.kind {
            ExprKind::Member { base, name, .. } if *name == field => {
                program.type_of(ValueRef { expr: *base, ..value })? == owner
            }
            ExprKind::Name(name) if *name == field && program.language == Language::Java => {
                program.step(value) == Step::Field(owner, field)
            }
            _ => false,
        };
        let is_written = || {
            let file = program.files.get(value.file as usize);
            file.is_some_and(|file| file.flow.writes.iter().any(|write| write.target == value.expr))
        };
        Some(is_it && !is_written())
    }
}

/// Whether a walk finds nothing that finishes the value or lets it go out of sight. It is a walk of its own: what it meets
/// is of other moments than what comes after a start.
fn is_quiet(part: impl FnOnce(&mut Walk)) -> bool {
    let mut walk = Walk::default();
    part(&mut walk);
    walk.fate.is_never_finished()
}
