//! `context-not-passed`: an instrumented client is called by a variant that carries no context, with one at hand.

use crate::finding::{Confidence, Finding, Related};
use crate::knowledge::{HopKind, Slot, TypeRole};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::rules::Verdicts;
use crate::rules::clients::{Lives, is_traced_client};
use crate::study::{CallFact, ContextParam, Inbound, Study};

/// How far callers are asked for a context.
const MAX_LEVELS: usize = 3;

/// Finds calls without a context in functions that hold one, or whose callers do.
pub(super) fn check(lives: &Lives<'_, '_>, out: &mut Verdicts) {
    let study = lives.study;
    for fact in study.calls() {
        let Some(hop) = fact.effect.hop else { continue };
        if !matches!(hop.kind, HopKind::HttpCall | HopKind::RpcCall)
            || study.unit(fact.call.file).keeps_span_by_goroutine()
            || !without_context(study, fact, hop.context)
            || !is_instrumented(lives, fact)
        {
            continue;
        }
        let own = study.context_param(fact.function);
        let (param, confidence) = match own {
            Some(_) if !may_hold_trace(study, fact.function) => continue,
            Some(param) => (param, Confidence::Certain),
            None => match context_of_callers(study, fact.function) {
                Some(param) => (param, Confidence::Likely),
                None => continue,
            },
        };
        out.findings.push(finding(study, fact, &param, confidence));
    }
}

fn finding(study: &Study<'_>, fact: &CallFact<'_>, param: &ContextParam, confidence: Confidence) -> Finding {
    let mut finding = study.finding("context-not-passed", fact.call, confidence);
    let (call, name) = (study.callee_text(fact.call), param.name);
    let own = confidence == Confidence::Certain;
    finding.message = if own {
        format!("{call} sends without a context although {name} is at hand")
    } else {
        let function = study.function_name(fact.function);
        format!("{call} sends without a context: {function} takes none, although its callers hold {name}")
    };
    finding.label = "sent under a fresh context".to_owned();
    finding.effect = "the client's span becomes a root, and the called service continues that new trace".to_owned();
    finding.help =
        format!("build the request with {name}: http.NewRequestWithContext or the client's own SetContext/WithContext");
    if !own {
        finding.help = format!(
            "give {} a context parameter and bind it to the request (SetContext, WithContext); this assumes that {} runs inside a trace",
            study.function_name(fact.function),
            study.function_name(param.function)
        );
    }
    finding.confirm = "search for root spans of kind CLIENT from this service".to_owned();
    finding.related.push(Related { place: param.place, message: "the trace arrives here".to_owned() });
    finding
}

/// The context of the nearest caller that has one and runs for inbound work.
fn context_of_callers(study: &Study<'_>, function: FuncRef) -> Option<ContextParam> {
    let program = study.program;
    if study.language() != crate::ir::Language::Go || study.outlives_request(function) {
        return None;
    }
    let mut level = vec![program.outermost(function)];
    for _ in 0..MAX_LEVELS {
        let above = level.iter().flat_map(|function| program.callers(*function)).take(64);
        level = above.map(|call| program.function_at(*call)).collect();
        level.retain(|caller| !study.outlives_request(*caller));
        let holders = level.iter().filter(|caller| may_hold_trace(study, **caller));
        let found = holders.filter_map(|caller| study.context_param(*caller)).next();
        if found.is_some() {
            return found;
        }
    }
    None
}

/// Whether a trace can be in the context of a function: one that came in, or, for work that the service begins by itself,
/// that of a span which the function starts.
pub(super) fn may_hold_trace(study: &Study<'_>, function: FuncRef) -> bool {
    study.inbound(function) != Inbound::Root || study.calls_in(function).any(|fact| fact.effect.span.is_some())
}

fn is_instrumented(lives: &Lives<'_, '_>, fact: &CallFact<'_>) -> bool {
    let unit = lives.study.unit(fact.call.file);
    (unit.is_traced() && unit.coverage(fact.library).is_some()) || is_traced_client(lives, fact)
}

fn without_context(study: &Study<'_>, fact: &CallFact<'_>, context: Slot) -> bool {
    if context == Slot::None {
        return study.language() == crate::ir::Language::Go;
    }
    let values = study.program.slot(fact.call, context);
    let Some(value) = values.first() else { return false };
    if study.program.role_of(*value) != Some(TypeRole::Request) {
        return false;
    }
    if context == Slot::Receiver {
        return is_bare_chain(study, *value);
    }
    // `wrap(request.WithContext(ctx))`: a context is bound on the way.
    let mut bound = false;
    let origins = study.program.origins_noting(*value, false, |at, _| {
        bound |= study.fact(at).is_some_and(|made| made.effect.binds_context.is_some());
    });
    !bound
        && !origins.is_empty()
        && origins.iter().all(|origin| match origin {
            Origin::Call(call, 0) => study.fact(*call).is_some_and(|made| made.effect.root_context),
            _ => false,
        })
        && !rebound(study, fact, *value)
}

/// Whether a request that is built and sent in one chain of calls starts at a client and is given no context.
fn is_bare_chain(study: &Study<'_>, request: ValueRef) -> bool {
    let program = study.program;
    let mut at = request;
    for _ in 0..40 {
        let Some(fact) = study.fact(at) else { return false };
        if fact.effect.binds_context.is_some() || fact.effect.derives != Some(Slot::Receiver) {
            return false;
        }
        let Some(receiver) = program.receiver(at) else { return false };
        match program.role_of(receiver) {
            Some(TypeRole::HttpClient) => return true,
            Some(TypeRole::Request) => at = receiver,
            _ => return false,
        }
    }
    false
}

/// Whether a context is bound to the request between its making and the call.
fn rebound(study: &Study<'_>, fact: &CallFact<'_>, request: ValueRef) -> bool {
    let Some(def) = study.program.reaching(request).first() else { return true };
    let var = study.program.def(request.file, *def).var;
    study.calls_in(fact.function).filter(|other| other.effect.binds_context.is_some()).any(|other| {
        study.program.slot(other.call, Slot::Receiver).iter().any(|receiver| {
            study.program.reaching(*receiver).iter().any(|def| study.program.def(receiver.file, *def).var == var)
        })
    })
}
