//! By what names the container keeps what a function makes, and fills a field or parameter.

use crate::ir::{Annotation, ExprKind};
use crate::knowledge::AnnotationRole;
use crate::link::{FuncRef, Origin, ValueRef};
use crate::study::{Study, annotation_role};
use ustr::Ustr;

/// The names by which the container picks what it puts into a field: that of its qualifier, or its own.
pub(in crate::rules) fn of_field(study: &Study<'_>, owner: Ustr, name: Ustr) -> Vec<Ustr> {
    let own = study.program.own_type(owner);
    let field = own.and_then(|ty| study.program.type_decl(ty).fields.iter().find(|field| field.name == name));
    let qualified = own.zip(field).map(|(ty, field)| qualified(study, ty.file, &field.annotations)).unwrap_or_default();
    if qualified.is_empty() { vec![name] } else { qualified }
}

/// The names by which the container picks what it gives a parameter.
pub(in crate::rules) fn of_param(study: &Study<'_>, function: FuncRef, n: u16) -> Option<Vec<Ustr>> {
    let param = study.program.function(function).params.get(n as usize)?;
    let qualified = qualified(study, function.file, &param.annotations);
    Some(if qualified.is_empty() { vec![param.name] } else { qualified })
}

/// The names by which the container keeps what a function makes: those of its annotation, or its own.
pub(in crate::rules) fn of_bean(study: &Study<'_>, function: FuncRef) -> Vec<Ustr> {
    let decl = study.program.function(function);
    let given = with_role(study, function.file, &decl.annotations, AnnotationRole::Bean);
    if given.is_empty() { vec![decl.name] } else { given }
}

fn qualified(study: &Study<'_>, file: u32, annotations: &[Annotation]) -> Vec<Ustr> {
    with_role(study, file, annotations, AnnotationRole::Qualifier)
}

/// The texts that annotations of a role are given as a name.
fn with_role(study: &Study<'_>, file: u32, annotations: &[Annotation], role: AnnotationRole) -> Vec<Ustr> {
    let of_role = annotations.iter().filter(|found| annotation_role(study, file, found) == Some(role));
    of_role.flat_map(|found| texts(study, ValueRef { file, expr: found.expr })).collect()
}

/// The arguments by which an annotation names something.
const NAMING: &[&str] = &["value", "name"];

fn texts(study: &Study<'_>, annotation: ValueRef) -> Vec<Ustr> {
    let program = study.program;
    let ExprKind::Call { args, .. } = program.expr_kind(annotation) else { return Vec::new() };
    let naming = args.iter().filter(|arg| arg.name.is_none_or(|name| NAMING.contains(&name.as_str())));
    let mut out = Vec::new();
    for value in naming.map(|arg| ValueRef { expr: arg.value, ..annotation }) {
        let values = match program.expr_kind(value) {
            ExprKind::Composite { fields, .. } => {
                fields.iter().map(|field| ValueRef { expr: field.value, ..annotation }).collect()
            }
            _ => vec![value],
        };
        for origin in values.into_iter().flat_map(|value| program.origins(value, false)) {
            if let Origin::Literal(literal) = origin
                && let ExprKind::Str(text) = program.expr_kind(literal)
            {
                out.push(*text);
            }
        }
    }
    out
}
