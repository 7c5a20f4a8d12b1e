//! The work that is done for a message: spans, and calls that leave the process.

use super::client::{Instance, instance};
use super::handlers::{By, Handler, hands_out_span};
use super::hops::loop_over;
use super::{relay, reply};
use crate::knowledge::{HopKind, Slot, TypeRole};
use crate::link::{FuncRef, ValueRef};
use crate::study::{CallFact, Study, Summary};

/// The first call under a handler that starts a span or carries a context on.
pub(super) fn work_of(study: &Study<'_>, fact: Option<&CallFact<'_>>, handler: &Handler) -> Option<ValueRef> {
    let inner = study.with_nested(handler.function);
    let own = inner.iter().flat_map(|function| study.calls_in(*function));
    let mut starts: Vec<ValueRef> =
        own.filter(|work| is_work(study, work, fact, handler)).map(|fact| fact.call).collect();
    if starts.is_empty() {
        starts = below(study, &inner, fact, handler);
    }
    if starts.is_empty() {
        starts = relay::under_fresh_context(study, handler.function);
    }
    starts.sort_unstable();
    starts.first().copied()
}

/// Whether a library call is done for a message: any under a handler; in a function that receives it, a span in the
/// same loop, or what leaves after it.
fn is_work(study: &Study<'_>, work: &CallFact<'_>, fact: Option<&CallFact<'_>>, handler: &Handler) -> bool {
    let Some(fact) = fact.filter(|_| handler.by == By::Receiving) else {
        return work.effect.span.is_some() || leaves(study, work);
    };
    let start = |value: ValueRef| study.program.expr(value).span.start;
    if let Some(round) = loop_over(study, fact.call) {
        let inside = work.call.file == fact.call.file && round.contains(study.program.expr(work.call).span);
        return inside && start(work.call) > start(fact.call) && (work.effect.span.is_some() || leaves(study, work));
    }
    let together = fact.site.in_loop == 0 || work.site.in_loop != 0 || work.function != fact.function;
    let after = start(work.call) > start(fact.call);
    together && (work.effect.span.is_some() || (leaves(study, work) && after))
}

/// Whether a call leaves the process with a trace, or should. A message that goes out by a plain client, without a span
/// around it, shows in no trace whatever is read from the one that came in.
fn leaves(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    !reply::is_answer(study, fact)
        && fact.effect.hop.is_some_and(|hop| match hop.kind {
            HopKind::HttpCall | HopKind::RpcCall => true,
            HopKind::Produce => instance(study, fact) != Instance::Plain,
            _ => false,
        })
}

/// The calls of own functions that start a span further down, or (for a relayed message) work under a context; in a
/// function that receives messages only those that get something of them.
fn below(study: &Study<'_>, inner: &[FuncRef], fact: Option<&CallFact<'_>>, handler: &Handler) -> Vec<ValueRef> {
    let mut out = Vec::new();
    for function in inner {
        let Some(file) = study.program.files.get(function.file as usize) else { continue };
        for site in file.flow.calls_of(function.id) {
            let call = ValueRef { file: function.file, expr: site.expr };
            let handed = study.run_through(call);
            let own = !study.program.callee(call).functions.is_empty() || !handed.is_empty();
            let works = own
                && (study.effect_of(call).has(Summary::STARTS)
                    || handed.iter().any(|function| study.summary(*function).has(Summary::STARTS))
                    || handler.by == By::Relay && is_under_context(study, call));
            let of_message =
                || fact.is_some_and(|fact| relay::gets(study, call, fact.call)) || hands_out_span(study, call);
            if works && (handler.by != By::Receiving || of_message()) {
                out.push(call);
            }
        }
    }
    out
}

/// Whether a call does something outside the program under a context that it is given.
fn is_under_context(study: &Study<'_>, call: ValueRef) -> bool {
    let given = study.slot(call, Slot::AnyArg);
    given.into_iter().any(|value| study.program.role_of(value) == Some(TypeRole::Context))
}
