//! Spans that a function starts itself, and that last until it returns (Go).

use super::replaced::spawned_closure;
use crate::ir::Span;
use crate::knowledge::TypeRole;
use crate::link::{FuncRef, ValueRef};
use crate::study::{CallFact, Study, Summary};

/// Whether a call stands below a span that its function, or the one that spawns it, started from the context that it was given, and
/// ends when it returns: whatever brings a trace in, there is that span.
pub(super) fn is_under_own_span(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let program = study.program;
    let Some(file) = program.files.get(fact.call.file as usize) else { return false };
    let at = program.expr(fact.call).span;
    let Some(function) = working(study, fact.function) else { return false };
    let ends = |call: ValueRef| {
        program.call_site(call).is_some_and(|site| site.deferred) && study.effect_of(call).has(Summary::ENDS)
    };
    let calls = || file.flow.calls_of(function.id).map(|site| ValueRef { expr: site.expr, ..fact.call });
    calls().any(|call| is_start(study, call) && is_above(study, call, at)) && calls().any(ends)
}

/// The function whose work a place is: itself, where it is named or takes the context, or the one that spawns it. What other
/// function literals are for is not known.
fn working(study: &Study<'_>, function: FuncRef) -> Option<FuncRef> {
    let decl = study.program.function(function);
    let is_own = study.context_param(function).is_some_and(|param| param.function == function);
    if !decl.flags.is_closure || is_own {
        return Some(function);
    }
    let holder = FuncRef { id: decl.parent.filter(|parent| parent.0 != 0)?, ..function };
    spawned_closure(study, function, holder).map(|_| holder)
}

/// Whether a call starts a span below a context that was handed in, itself or by an own helper that hands the span out.
fn is_start(study: &Study<'_>, call: ValueRef) -> bool {
    let program = study.program;
    let is_span = |n| program.result_type(call, n, 4).and_then(|ty| program.role(ty)) == Some(TypeRole::Span);
    let starts = study.fact(call).is_some_and(|fact| fact.effect.span.is_some()) || is_span(1);
    let is_fresh = |value: ValueRef| study.fact(value).is_some_and(|fact| fact.effect.root_context);
    starts && !study.slot(call, crate::knowledge::Slot::AnyArg).into_iter().any(is_fresh)
}

/// Whether a call is always made before what stands at a place of the same function: no block that holds the call ends
/// before that.
fn is_above(study: &Study<'_>, call: ValueRef, at: Span) -> bool {
    let from = study.program.expr(call).span;
    let Some(file) = study.program.files.get(call.file as usize) else { return false };
    let facts = &file.source.facts;
    let is_left = |block: &[u32]| {
        let holds = |span: Span| facts.statements(block).any(|stmt| stmt.span.contains(span));
        holds(from) && !holds(at)
    };
    from.end <= at.start
        && !facts
            .stmts
            .iter()
            .filter(|stmt| stmt.span.contains(from))
            .any(|stmt| stmt.kind.blocks().into_iter().any(is_left))
}
