//! Tracer providers that a service makes beside its global one.

use crate::knowledge::{Setting, Slot, TypeRole};
use crate::link::{Origin, ValueRef};
use crate::study::{CallFact, Inbound, Study};

/// How many calls may lie between an option and the provider that it is given to: a list, an `append`.
const MAX_WRAPPERS: usize = 4;

/// Whether the provider that a setting is for is made beside the global one, and only for what the service does by itself:
/// no library gets it, and nothing that may be work for a caller is seen to start spans by it. No caller has decided
/// anything for those spans.
pub(super) fn is_for_own_work(study: &Study<'_>, setting: &CallFact<'_>) -> bool {
    let Some(provider) = provider_of(study, setting.call) else { return false };
    let Some(unit) = study.program.files.get(provider.file as usize).map(|file| file.source.unit) else { return false };
    let is_it = |value: ValueRef| study.program.origins(value, true).contains(&Origin::Call(provider, 0));
    if !study.calls_of_unit(unit).any(|fact| sets_another(study, fact)) || is_handed_to_library(study, unit, is_it) {
        return false;
    }
    let starts = study.calls_of_unit(unit).filter(|fact| fact.effect.span.is_some());
    let mut by_it = starts.filter(|fact| tracers_made(study, fact).into_iter().any(is_it));
    by_it.all(|fact| matches!(study.inbound(fact.function), Inbound::Root | Inbound::Unknown))
}

/// Whether a call sets a global provider that is seen to be made: what is not may be any.
fn sets_another(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let is_made = |origin: Origin| match origin {
        Origin::Call(made, _) => study.fact(made).is_some_and(|fact| fact.effect.tracer_provider),
        _ => false,
    };
    let given = study.slot(fact.call, Slot::AnyArg);
    let mut origins = given.into_iter().flat_map(|value| study.program.origins(value, true)).peekable();
    fact.effect.sets == Some(Setting::TracerProvider) && origins.peek().is_some() && origins.all(is_made)
}

/// The call that makes the provider to which an option is given.
fn provider_of(study: &Study<'_>, option: ValueRef) -> Option<ValueRef> {
    let above = std::iter::successors(Some(option), |at| study.program.parent(*at));
    let mut above = above.take(MAX_WRAPPERS + 1);
    above.find(|call| study.fact(*call).is_some_and(|fact| fact.effect.tracer_provider))
}

/// Whether a function of a library, or one that is not seen, is given a provider: to make it the global one, or to trace
/// with it.
fn is_handed_to_library(study: &Study<'_>, unit: usize, is_it: impl Fn(ValueRef) -> bool) -> bool {
    let program = study.program;
    let files = (0u32..).zip(&program.files).filter(|(_, file)| file.source.unit == unit);
    let mut calls =
        files.flat_map(|(at, file)| file.flow.calls.iter().map(move |site| ValueRef { file: at, expr: site.expr }));
    calls.any(|call| {
        let given = study.slot(call, Slot::AnyArg).into_iter();
        let mut given = given.filter(|value| program.role_of(*value) == Some(TypeRole::Provider)).peekable();
        let is_own = || {
            let callee = program.callee(call);
            !callee.functions.is_empty() || callee.constructs.is_some_and(|ty| program.own_type(ty).is_some())
        };
        given.peek().is_some() && !is_own() && given.any(&is_it)
    })
}

/// What the tracer by which a call starts a span is made by: the providers.
fn tracers_made(study: &Study<'_>, start: &CallFact<'_>) -> Vec<ValueRef> {
    let tracers = study.slot(start.call, Slot::Receiver).into_iter();
    let origins = tracers.flat_map(|tracer| study.program.origins(tracer, true));
    let makers = origins.filter_map(|origin| match origin {
        Origin::Call(made, 0) => Some(made),
        _ => None,
    });
    makers.flat_map(|made| study.slot(made, Slot::Receiver)).collect()
}
