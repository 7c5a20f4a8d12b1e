//! `exemplars-off`: a measurement that is recorded under a fresh context, where the trace's own is at hand.

use super::replaced::is_dark;
use crate::finding::{Confidence, Related};
use crate::link::ValueRef;
use crate::rules::Verdicts;
use crate::rules::clients::checks_health;
use crate::study::{CallFact, Inbound, Study};

/// Finds measurements that lose their exemplar (Go).
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    for fact in study.calls() {
        let Some(slot) = fact.effect.measures else { continue };
        let Some(fresh) = study.slot(fact.call, slot).first().copied().filter(|value| is_root(study, *value)) else {
            continue;
        };
        let Some(param) = study.context_param(fact.function).filter(|_| belongs_to_request(study, fact)) else {
            continue;
        };
        let mut finding = study.finding("exemplars-off", fact.call, Confidence::Certain);
        let (name, fresh) = (param.context(), study.text(fresh));
        finding.message = format!("{} records under {fresh}, so no exemplar is kept", study.callee_text(fact.call));
        finding.label = format!("{name} holds the span");
        finding.effect = "from this measurement no dashboard can lead to a trace that it was taken in".to_owned();
        finding.help = format!("give it {name} in the place of {fresh}");
        finding.confirm = "ask for the exemplars of this metric: those of the request are missing".to_owned();
        finding.related.push(Related { place: param.place, message: "the context with the trace".to_owned() });
        out.findings.push(finding);
    }
}

/// Whether a value is a root context as it stands there.
fn is_root(study: &Study<'_>, value: ValueRef) -> bool {
    study.fact(value).is_some_and(|fact| fact.effect.root_context)
}

/// Whether what is measured is part of the work under a trace.
fn belongs_to_request(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let outer = study.program.outermost(fact.function);
    study.unit(fact.call.file).is_traced()
        && study.inbound(fact.function) != Inbound::Root
        && !is_dark(study, fact.function)
        && !study.outlives_request(fact.function)
        && !checks_health(study, outer)
}
