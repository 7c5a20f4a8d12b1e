//! `missing-inject`: a call is traced by hand, and the context never gets into its request.

use super::super::Verdicts;
use super::client::{Instance, instance};
use super::hops::hop_calls;
use super::kind::says_kind;
use super::material::{Content, content, names_key};
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, Spread};
use crate::knowledge::{HopKind, Slot};
use crate::link::{FuncRef, ValueRef};
use crate::rules::clients::{Lives, can_be_inside, goes_to_third_party, is_broken};
use crate::study::{CallFact, Inbound, Study, Summary};
use rustc_hash::FxHashSet;

/// Finds outbound calls in functions with a client span of their own, or of a library that the same unit injects for
/// by hand elsewhere.
pub(super) fn check(lives: &Lives<'_, '_>, traced: &FxHashSet<usize>, out: &mut Verdicts) {
    let study = lives.study;
    let calls = hop_calls(study, &[HopKind::HttpCall, HopKind::RpcCall]);
    let by_hand = by_hand(study, &calls);
    let mut seen = FxHashSet::default();
    for fact in &calls {
        let unit = study.unit_of(fact.call.file);
        let view = study.unit(fact.call.file);
        let outer = study.program.outermost(fact.function);
        if !traced.contains(&unit) || view.coverage(fact.library).is_some() || study.inbound(outer) == Inbound::Root {
            continue;
        }
        let span = client_span(study, outer);
        let model = by_hand
            .iter()
            .find(|(at, library, near)| {
                *at == unit && *library == fact.library.id && folder(study, fact.function) == folder(study, *near)
            })
            .map(|found| found.2);
        if span.is_none() && (model.is_none() || study.context_param(fact.function).is_none()) {
            continue;
        }
        if study.summary(outer).has(Summary::INJECTS | Summary::INSTRUMENTS)
            || names_key(study, outer)
            || injected_by_caller(study, outer)
        {
            continue;
        }
        if goes_to_third_party(study, fact.call) || span.is_none() && !can_be_inside(study, fact.function) {
            continue;
        }
        let hop = fact.effect.hop.map_or(Slot::None, |hop| hop.carrier);
        let is_plain = instance(study, fact) == Instance::Plain || is_broken(lives, fact);
        if !is_plain || content(study, &headers(study, fact, hop), &[]) != Content::Bare {
            continue;
        }
        if seen.insert(outer) {
            out.findings.push(finding(study, fact, span, model));
        }
    }
}

/// Whether a call stands in a function that makes the client's span itself: then it is this function that must inject.
pub(in crate::rules) fn is_traced_by_hand(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let outer = study.program.outermost(fact.function);
    client_span(study, outer).is_some()
}

/// The values that may hold the request's headers. Where any argument may be it, one that is named so is meant.
fn headers(study: &Study<'_>, fact: &CallFact<'_>, carrier: Slot) -> Vec<ValueRef> {
    let all = study.slot(fact.call, carrier);
    let named = study.slot(fact.call, Slot::Named("headers".into()));
    let ExprKind::Call { args, .. } = study.program.expr_kind(fact.call) else { return all };
    match carrier {
        Slot::AnyArg if !named.is_empty() => named,
        Slot::AnyArg if args.iter().all(|arg| arg.spread == Spread::None) => Vec::new(),
        _ => all,
    }
}

/// The folder of a function's file: what injects next to it shows how it is done there.
fn folder(study: &Study<'_>, function: FuncRef) -> Option<&'static str> {
    let path = study.program.files.get(function.file as usize)?.source.path.as_str();
    Some(path.rsplit_once('/').map_or("", |(folder, _)| folder))
}

/// Where a unit injects by hand for a library: unit, library, the function.
fn by_hand<'a>(study: &Study<'a>, calls: &[CallFact<'a>]) -> Vec<(usize, &'a str, FuncRef)> {
    let mut out = Vec::new();
    for fact in calls {
        let injects = study.calls_in(fact.function).any(|near| near.effect.inject.is_some());
        if let (true, Some(file)) = (injects, study.program.files.get(fact.call.file as usize)) {
            out.push((file.source.unit, fact.library.id.as_str(), fact.function));
        }
    }
    out
}

/// The start of a span in a function that is said to be a client's.
fn client_span<'s, 'a>(study: &'s Study<'a>, function: FuncRef) -> Option<&'s CallFact<'a>> {
    study.calls_in(function).find(|fact| fact.effect.span.is_some() && is_client(study, fact))
}

fn is_client(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    says_kind(study, fact.call, &["CLIENT"])
}

/// Whether a caller injects: into a request or headers that it hands down.
fn injected_by_caller(study: &Study<'_>, function: FuncRef) -> bool {
    study.program.callers(function).iter().any(|call| {
        let caller = study.program.outermost(study.program.function_at(*call));
        caller.id.0 != 0 && study.summary(caller).has(Summary::INJECTS)
    })
}

fn finding(study: &Study<'_>, fact: &CallFact<'_>, span: Option<&CallFact<'_>>, model: Option<FuncRef>) -> Finding {
    let calls = study.callee_text(fact.call);
    let mut found = study.finding("missing-inject", fact.call, Confidence::Certain);
    found.message = format!("`{calls}` sends its request without the trace, which nothing here writes into it");
    found.label = "no trace header in the request".to_owned();
    found.effect = "the callee starts a new trace for each call".to_owned();
    found.help = match model {
        Some(model) => {
            format!("inject the context into the request's headers, as `{}` does", study.function_name(model))
        }
        None => "inject the context into the request's headers before it is sent".to_owned(),
    };
    found.confirm = "print the request's headers at the callee: there is no trace header".to_owned();
    if let Some(span) = span {
        found.related.push(study.related(span.call, "the client's span is started here"));
    } else if let Some(param) = study.context_param(fact.function) {
        let message = format!("the trace arrives in `{}`", param.name);
        found.related.push(crate::finding::Related { place: param.place, message });
    }
    found
}
