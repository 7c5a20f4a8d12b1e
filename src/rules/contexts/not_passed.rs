//! `context-not-passed`: an instrumented client is called by a variant that carries no context, with one at hand.

use crate::finding::{Confidence, Related};
use crate::knowledge::{HopKind, Slot, TypeRole};
use crate::link::Origin;
use crate::rules::Verdicts;
use crate::study::{CallFact, Inbound, Study};

/// Finds calls without a context in functions that hold one.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    for fact in study.calls() {
        let Some(hop) = fact.effect.hop else { continue };
        if !matches!(hop.kind, HopKind::HttpCall | HopKind::RpcCall) || !is_instrumented(study, fact) {
            continue;
        }
        if study.inbound(fact.function) == Inbound::Root {
            continue;
        }
        let Some(param) = study.context_param(fact.function) else { continue };
        if !without_context(study, fact, hop.context) {
            continue;
        }
        let mut finding = study.finding("context-not-passed", fact.call, Confidence::Certain);
        let (call, name) = (study.callee_text(fact.call), param.name);
        finding.message = format!("{call} sends without a context although {name} is at hand");
        finding.label = "sent under a fresh context".to_owned();
        finding.effect = "the client's span becomes a root, and the called service continues that new trace".to_owned();
        finding.help = format!(
            "build the request with {name}: http.NewRequestWithContext or the client's own SetContext/WithContext"
        );
        finding.confirm = "search for root spans of kind CLIENT from this service".to_owned();
        finding.related.push(Related { place: param.place, message: "the trace arrives here".to_owned() });
        out.findings.push(finding);
    }
}

fn is_instrumented(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    study.unit(fact.call.file).is_traced() && study.unit(fact.call.file).coverage(fact.library).is_some()
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
    let origins = study.program.origins(*value, false);
    !origins.is_empty()
        && origins.iter().all(|origin| match origin {
            Origin::Call(call, 0) => study.fact(*call).is_some_and(|made| made.effect.root_context),
            _ => false,
        })
        && !rebound(study, fact, *value)
}

/// Whether a context is bound to the request between its making and the call.
fn rebound(study: &Study<'_>, fact: &CallFact<'_>, request: crate::link::ValueRef) -> bool {
    let Some(def) = study.program.reaching(request).first() else { return true };
    let var = study.program.def(request.file, *def).var;
    study.calls_in(fact.function).filter(|other| other.effect.binds_context.is_some()).any(|other| {
        study.program.slot(other.call, Slot::Receiver).iter().any(|receiver| {
            study.program.reaching(*receiver).iter().any(|def| study.program.def(receiver.file, *def).var == var)
        })
    })
}
