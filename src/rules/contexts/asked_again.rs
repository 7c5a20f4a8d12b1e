//! Requests that are asked for their context again, though the span that was made from it is in another one.

use super::belonging::takes_span;
use super::span_ends::first_end;
use super::span_starts::{Start, starts_by_itself};
use super::stale::request_of;
use crate::ir::ExprKind;
use crate::knowledge::{Slot, TypeRole};
use crate::link::ValueRef;
use crate::link::flow::DefId;
use crate::study::{CallFact, Study, Summary};
use ustr::Ustr;

/// How many steps lie between a variable and the request that it holds.
const MAX_STEPS: usize = 4;

/// Calls of the same function, behind a start and before its span ends, that ask the request for its context again
/// (`r.Context()`, `c.Request.Context()`) although the span is in another one, and under which a span or call can begin.
pub(super) fn again_from_request(study: &Study<'_>, start: &Start) -> Vec<ValueRef> {
    let program = study.program;
    let Some(place) = request_of(study, start.old).and_then(|request| Place::of(study, request)) else {
        return Vec::new();
    };
    let started = program.expr(start.call).span.end;
    let ends = first_end(study, start).unwrap_or(u32::MAX);
    let asks = study.calls_in(start.function).filter(|fact| fact.effect.context_of.is_some());
    let mut out: Vec<ValueRef> = asks
        .filter(|fact| (started..ends).contains(&program.expr(fact.call).span.start))
        .filter(|fact| {
            let of = fact.effect.context_of.and_then(|slot| study.slot(fact.call, slot).first().copied());
            of.and_then(|of| Place::of(study, of)).is_some_and(|of| of == place)
                && !place.is_given_context(study, start, fact)
        })
        .filter_map(|fact| program.parent(fact.call))
        .filter(|call| goes_on(study, *call))
        .filter(|call| !starts_by_itself(study, *call) && !takes_span(study, *call))
        .collect();
    out.sort_by_key(|call| program.expr(*call).span.start);
    out
}

/// Whether a span or call can begin under what a call is given.
fn goes_on(study: &Study<'_>, call: ValueRef) -> bool {
    study.effect_of(call).has(Summary::CALLS_OUT | Summary::PRODUCES | Summary::STARTS)
        || study.asks_traced_foreigner(call)
}

/// Where a request is held: in a variable (`r`), or in something that is asked for it (`c.Request`, `c.Request()`).
#[derive(PartialEq)]
struct Place<'a> {
    /// What reaches the variable.
    holder: &'a [DefId],
    /// What lies between the variable and the request, last step first.
    path: Vec<Ustr>,
}

impl<'a> Place<'a> {
    fn of(study: &Study<'a>, request: ValueRef) -> Option<Self> {
        let program = study.program;
        let (mut at, mut path) = (request, Vec::new());
        for _ in 0..=MAX_STEPS {
            match program.expr_kind(at) {
                ExprKind::Name(_) => {
                    let holder = program.reaching(at);
                    return (!holder.is_empty()).then_some(Self { holder, path });
                }
                ExprKind::Member { base, name, .. } => {
                    path.push(*name);
                    at = ValueRef { expr: *base, ..at };
                }
                ExprKind::Call { callee, args } if args.is_empty() => at = ValueRef { expr: *callee, ..at },
                _ => return None,
            }
        }
        None
    }

    /// Whether what holds the request may have been given another one, or another context, since a span was started. A
    /// variable that is written again is another one.
    fn is_given_context(&self, study: &Study<'_>, start: &Start, asked: &CallFact<'_>) -> bool {
        if self.path.is_empty() {
            return false;
        }
        let program = study.program;
        let flow = &program.files[start.call.file as usize].flow;
        let between = program.expr(start.call).span.end..program.expr(asked.call).span.start;
        let mut calls = flow.calls_of(start.function.id).map(|site| ValueRef { expr: site.expr, ..start.call });
        calls.any(|call| {
            let binds = study.fact(call).is_some_and(|fact| fact.effect.binds_context.is_some());
            between.contains(&program.expr(call).span.start) && (binds || self.is_handed_context(study, call))
        })
    }

    /// Whether what holds the request is given to a call together with a context, which that may put into it.
    fn is_handed_context(&self, study: &Study<'_>, call: ValueRef) -> bool {
        let given = study.slot(call, Slot::AnyArg);
        let is_holder = |value: &ValueRef| study.program.reaching(*value) == self.holder;
        let holds = given.iter().any(is_holder) || study.program.receiver(call).is_some_and(|value| is_holder(&value));
        let is_context = |value: &ValueRef| {
            study.program.role_of(*value) == Some(TypeRole::Context) && request_of(study, *value).is_none()
        };
        holds && given.iter().any(is_context)
    }
}
