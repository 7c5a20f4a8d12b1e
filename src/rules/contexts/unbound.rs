//! Contexts that are made with the wrong thing for a span, and therefore hold none (Python).

use crate::finding::{Confidence, Finding};
use crate::ir::Language;
use crate::link::ValueRef;
use crate::rules::Verdicts;
use crate::study::{CallFact, Study};

/// Finds contexts that are given a span's identifiers where a span is asked for: nothing complains, and no parent is found.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    if study.language() != Language::Python {
        return;
    }
    for fact in study.calls().iter().filter(|fact| !fact.effect.binds_in_vain.is_empty()) {
        out.findings.extend(identifiers(study, fact).map(|given| finding(study, fact, given)));
    }
}

/// The identifiers of a span that a call is given in place of the span.
fn identifiers(study: &Study<'_>, fact: &CallFact<'_>) -> Option<ValueRef> {
    let slot = fact.effect.binds_context.filter(|_| study.unit(fact.call.file).is_traced())?;
    let [given] = study.slot(fact.call, slot)[..] else { return None };
    let ty = study.program.type_of(given)?;
    fact.effect.binds_in_vain.contains(&ty).then_some(given)
}

fn finding(study: &Study<'_>, fact: &CallFact<'_>, given: ValueRef) -> Finding {
    let (binds, text) = (study.callee_text(fact.call), study.text(given));
    let mut finding = study.finding("context-not-passed", fact.call, Confidence::Certain);
    finding.message =
        format!("`{binds}` is given the span context `{text}`, which is no span: the context holds no parent");
    finding.label = "a span is asked for here".to_owned();
    finding.effect = "what is started under this context is the root of a new trace; no error says so".to_owned();
    finding.help = format!("wrap it: `{binds}(NonRecordingSpan({text}))`");
    finding.confirm =
        "search the tracing backend for the spans that are started under it: they have no parent".to_owned();
    finding
}
