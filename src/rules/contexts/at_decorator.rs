//! `context-replaced` in a decorator: the span of each call of a function is started under a fresh root (Python).

use super::ambient::{parts_on_purpose, report};
use crate::finding::Finding;
use crate::ir::{Annotation, ExprKind};
use crate::link::{FuncRef, ValueRef};
use crate::rules::messaging;
use crate::study::{Inbound, Study, described_annotation};

/// Findings for decorators that are given a fresh context as the parent of the span that they start, with their files.
pub(super) fn found(study: &Study<'_>) -> Vec<(u32, Finding)> {
    let traced = study.program.all_functions().filter(|function| study.unit(function.file).is_traced());
    traced.filter_map(|function| Some((function.file, judge(study, function)?))).collect()
}

fn judge(study: &Study<'_>, function: FuncRef) -> Option<Finding> {
    let decorators = &study.program.function(function).annotations;
    let (start, fresh) = decorators.iter().find_map(|decorator| fresh_parent(study, function.file, decorator))?;
    let runs_in_request = matches!(study.inbound(function), Inbound::Entry(_) | Inbound::Below(_));
    let on_purpose = study.outlives_request(function)
        || parts_on_purpose(study, function)
        || messaging::says_kind(study, start, &["SERVER", "CONSUMER"]);
    if !runs_in_request || on_purpose {
        return None;
    }
    Some(report(study, (fresh, function), "the span".to_owned(), &[start]))
}

/// The start of a span by a decorator, and the fresh context that it is given.
fn fresh_parent(study: &Study<'_>, file: u32, decorator: &Annotation) -> Option<(ValueRef, ValueRef)> {
    let program = study.program;
    let (_, described) = described_annotation(study, file, decorator)?;
    let called = described.names.iter().find_map(|name| program.knowledge.function(*name));
    let parent = called?.1.span?.context;
    let start = ValueRef { file, expr: decorator.expr };
    let is_fresh = |value: &ValueRef| {
        let ExprKind::Call { callee, .. } = program.expr_kind(*value) else { return false };
        let name = program.qualify(ValueRef { file, expr: *callee });
        name.and_then(|name| program.described(name)).is_some_and(|(_, effect)| effect.root_context)
    };
    Some((start, study.slot(start, parent).into_iter().find(is_fresh)?))
}
