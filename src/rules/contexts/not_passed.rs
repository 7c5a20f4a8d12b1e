//! `context-not-passed`: an instrumented client is called by a variant that carries no context, with one at hand.

use crate::finding::{Confidence, Finding, Related};
use crate::ir::Language;
use crate::knowledge::{HopKind, Slot, TypeRole};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::rules::Verdicts;
use crate::rules::clients::{Lives, can_be_inside, is_traced_client, is_traced_store};
use crate::study::{CallFact, ContextParam, Inbound, Study};
use rustc_hash::FxHashMap;

/// How far callers are asked for a context.
const MAX_LEVELS: usize = 3;

/// How many callers of a function are asked what request they give it.
const MAX_CALLERS: usize = 32;

/// Finds calls without a context in functions that hold one, or whose callers do.
pub(super) fn check(lives: &Lives<'_, '_>, out: &mut Verdicts) {
    let study = lives.study;
    // Queries of one function are mended together.
    let mut asking: FxHashMap<FuncRef, usize> = FxHashMap::default();
    for fact in study.calls() {
        let Some(hop) = fact.effect.hop else { continue };
        if !matches!(hop.kind, HopKind::HttpCall | HopKind::RpcCall | HopKind::Store)
            || study.unit(fact.call.file).keeps_span_by_goroutine()
            || !without_context(study, fact, hop.context)
            || !is_instrumented(lives, fact, hop.kind)
        {
            continue;
        }
        let own = study.context_param(fact.function);
        let (param, confidence) = match own {
            Some(_) if !may_hold_trace(study, fact.function) => continue,
            // A query has no span worth looking for but in the trace of a request.
            Some(_) if hop.kind == HopKind::Store && !can_be_inside(study, fact.function) => continue,
            Some(param) if is_sent_without(study, &param) => continue,
            Some(param) => (param, Confidence::Certain),
            None => match context_of_callers(study, fact.function) {
                Some(param) if hop.kind == HopKind::Store && !can_be_inside(study, param.function) => continue,
                Some(param) => (param, Confidence::Likely),
                None => continue,
            },
        };
        let known = asking.get(&fact.function).and_then(|at: &usize| out.findings.get_mut(*at));
        if let Some(first) = known.filter(|_| hop.kind == HopKind::Store) {
            first.related.push(study.related(fact.call, "and so does this"));
            continue;
        }
        if hop.kind == HopKind::Store {
            asking.insert(fact.function, out.findings.len());
        }
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
    let asks_store = fact.effect.hop.is_some_and(|hop| hop.kind == HopKind::Store);
    finding.help = match asks_store {
        true => {
            format!("give it {}: by the variant that takes a context, or by WithContext on the handle", param.context())
        }
        false => {
            format!(
                "build the request with {name}: http.NewRequestWithContext or the client's own SetContext/WithContext"
            )
        }
    };
    finding.confirm = "search for root spans of kind CLIENT from this service".to_owned();
    if asks_store {
        finding.effect = "the span of the query becomes a root, and is missed in the trace of the request".to_owned();
        finding.confirm = "search for root spans of the database from this service".to_owned();
    }
    if !own {
        finding.help = format!(
            "give {} a context parameter and hand it to the call (SetContext, WithContext); this assumes that {} runs inside a trace",
            study.function_name(fact.function),
            study.function_name(param.function)
        );
    }
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
        let mut params = holders.filter_map(|caller| study.context_param(*caller));
        let found = params.find(|param| !is_sent_without(study, param));
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

/// Whether the request that a function is given is one that its callers send, and made without a context: no trace is in it.
/// Of what nobody is seen to call and nothing answers (`Modify(request)`), it is such a one for all that is known.
pub(super) fn is_sent_without(study: &Study<'_>, param: &ContextParam) -> bool {
    let program = study.program;
    let params = &program.function(param.function).params;
    let Some(n) = params.iter().position(|own| own.name == param.name).filter(|_| param.is_request) else {
        return false;
    };
    let is_bare = |origin: Origin| match origin {
        Origin::Call(made, 0) => study.fact(made).is_some_and(|fact| fact.effect.root_context),
        _ => false,
    };
    if program.callers(param.function).is_empty() && study.inbound(param.function) == Inbound::Takes {
        return true;
    }
    program.callers(param.function).iter().take(MAX_CALLERS).any(|call| {
        let given = program.argument(*call, param.function, n as u16);
        given.is_some_and(|given| program.origins(given, true).into_iter().any(is_bare))
    })
}

fn is_instrumented(lives: &Lives<'_, '_>, fact: &CallFact<'_>, kind: HopKind) -> bool {
    if kind == HopKind::Store {
        return lives.study.language() == Language::Go && is_traced_store(lives, fact);
    }
    let unit = lives.study.unit(fact.call.file);
    (unit.is_traced() && unit.coverage(fact.library).is_some()) || is_traced_client(lives, fact)
}

fn without_context(study: &Study<'_>, fact: &CallFact<'_>, context: Slot) -> bool {
    if context == Slot::None {
        return study.language() == Language::Go;
    }
    if fact.effect.hop.is_some_and(|hop| hop.kind == HopKind::Store) {
        return context == Slot::Receiver && is_asked_bare(study, fact.call);
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

/// Whether a store is asked by a handle that no context is bound to on its way from where it was made
/// (`db.WithContext(ctx)` is missing).
fn is_asked_bare(study: &Study<'_>, call: ValueRef) -> bool {
    let Some(handle) = study.program.receiver(call) else { return false };
    let mut is_bound = false;
    let origins = study.program.origins_noting(handle, true, |at, _| {
        is_bound |= study.fact(at).is_some_and(|made| made.effect.binds_context.is_some());
    });
    !is_bound && !origins.is_empty()
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
