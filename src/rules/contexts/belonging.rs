//! Which calls belong below the span that is open around them.

use super::span_starts::starts_by_itself;
use crate::knowledge::{Slot, TypeRole};
use crate::link::{FuncRef, ValueRef};
use crate::study::{Study, Summary};

/// Whether a call leaves the process, itself or below.
pub(super) fn leaves(study: &Study<'_>, call: ValueRef) -> bool {
    study.effect_of(call).has(Summary::CALLS_OUT | Summary::PRODUCES)
}

/// Whether a call runs an own function that starts spans for what it does, and hands none of them out. What is begun or
/// closed for longer than this work need not be below its span.
pub(super) fn starts_below(study: &Study<'_>, call: ValueRef) -> bool {
    let functions = &study.program.callee(call).functions;
    study.fact(call).is_none()
        && study.effect_of(call).has(Summary::STARTS)
        && !starts_by_itself(study, call)
        && !functions.iter().all(|function| study.outlives_request(*function) && !has_span_of_its_own(study, *function))
}

/// Whether a call leaves the process, or hands the work with its data to a function that may.
pub(super) fn takes_work(study: &Study<'_>, call: ValueRef) -> bool {
    let unknown = study.fact(call).is_none() && !study.program.callee(call).functions.is_empty();
    leaves(study, call) || (unknown && study.slot(call, Slot::AnyArg).len() > 2)
}

pub(super) fn takes_span(study: &Study<'_>, call: ValueRef) -> bool {
    study.program.slot(call, Slot::AnyArg).iter().any(|value| study.program.role_of(*value) == Some(TypeRole::Span))
}

/// Whether a function starts a span and ends it as it is left: its work is over then, whatever its name says. What is made
/// new may keep the context that it is given for longer.
fn has_span_of_its_own(study: &Study<'_>, function: FuncRef) -> bool {
    if study.program.function(function).name.to_lowercase().starts_with("new") {
        return false;
    }
    let Some(file) = study.program.files.get(function.file as usize) else { return false };
    let calls =
        || file.flow.calls_of(function.id).map(|site| (site, ValueRef { file: function.file, expr: site.expr }));
    let ends = |call: ValueRef| study.fact(call).is_some_and(|fact| fact.effect.ends.is_some());
    calls().any(|(_, call)| starts_by_itself(study, call)) && calls().any(|(site, call)| site.deferred && ends(call))
}
