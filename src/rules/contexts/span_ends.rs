//! Where a span that hands out its context ends.

use super::span_starts::Start;
use crate::ir::ExprKind;
use crate::knowledge::Slot;
use crate::link::ValueRef;
use crate::study::{Study, Summary};

/// Where a span is first ended in the open, not by `defer`: by its library, or by a helper that it is given to.
pub(super) fn first_end(study: &Study<'_>, start: &Start) -> Option<u32> {
    let program = study.program;
    let after = program.expr(start.call).span.end;
    let by_library = study.calls_in(start.function).filter(|other| other.effect.ends.is_some() && !other.site.deferred);
    let sites = &program.files[start.call.file as usize].flow.calls;
    let by_helper = sites
        .iter()
        .filter(|site| site.function == start.function.id && !site.deferred)
        .map(|site| ValueRef { expr: site.expr, ..start.call })
        .filter(|call| study.fact(*call).is_none() && only_ends(study, *call))
        .filter(|call| {
            let given = study.slot(*call, Slot::AnyArg).into_iter().chain(program.receiver(*call));
            given.into_iter().any(|value| is_of_start(study, start, value))
        });
    let by_hand = sites
        .iter()
        .filter(|site| site.function == start.function.id && !site.deferred)
        .map(|site| ValueRef { expr: site.expr, ..start.call })
        .filter(|call| is_handed_out(study, start, *call));
    let ends = by_library.map(|other| other.call).chain(by_helper).chain(by_hand);
    ends.map(|call| program.expr(call).span.start).filter(|at| *at > after).min()
}

/// Whether a call runs a function value that a start handed out beside the context: it ends the span.
fn is_handed_out(study: &Study<'_>, start: &Start, call: ValueRef) -> bool {
    let ExprKind::Call { callee, .. } = study.program.expr_kind(call) else { return false };
    let callee = ValueRef { expr: *callee, ..call };
    matches!(study.program.expr_kind(callee), ExprKind::Name(_)) && is_of_start(study, start, callee)
}

/// Whether a call runs an own function that ends a span and starts none: what makes a span of its own ends that one.
pub(super) fn only_ends(study: &Study<'_>, call: ValueRef) -> bool {
    let effect = study.effect_of(call);
    effect.has(Summary::ENDS) && !effect.has(Summary::STARTS)
}

/// Whether a variable holds what a start handed out.
pub(super) fn is_of_start(study: &Study<'_>, start: &Start, value: ValueRef) -> bool {
    let reaching = study.program.reaching(value);
    let flow = &study.program.files[start.call.file as usize].flow;
    flow.defs_from(start.call.expr).any(|(id, _)| reaching.contains(&id))
}
