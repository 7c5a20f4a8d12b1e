//! `instrumentation-not-loaded`: spans by what the whole process shares, in a program whose tracing is set up inside a
//! container alone (Java).

use super::super::Verdicts;
use crate::finding::{Confidence, Finding};
use crate::ir::Language;
use crate::knowledge::Setting;
use crate::services::{StackDescription, stacks};
use crate::study::{CallFact, Study, UnitView, is_aside};
use std::collections::BTreeMap;

/// Reports the units that ask for what nobody has set.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    let sets = |fact: &CallFact<'_>| {
        matches!(fact.effect.sets, Some(Setting::TracerProvider | Setting::Everything))
            && !is_aside(&study.program.place(fact.call).path)
    };
    if study.language() != Language::Java || study.calls().iter().any(sets) {
        return;
    }
    let mut by_unit: BTreeMap<usize, Vec<&CallFact<'_>>> = BTreeMap::new();
    for fact in study.calls().iter().filter(|fact| fact.effect.of_process) {
        let unit = study.unit(fact.call.file);
        if !is_aside(&study.program.place(fact.call).path) && left_unset(unit).is_some() {
            by_unit.entry(study.unit_of(fact.call.file)).or_default().push(fact);
        }
    }
    for facts in by_unit.values() {
        let Some((first, others)) = facts.split_first() else { continue };
        let by = left_unset(study.unit(first.call.file));
        out.findings.extend(by.map(|by| finding(study, first, others, by)));
    }
}

/// The stack that traces a unit, where each that does leaves what the process shares unset.
fn left_unset(unit: &UnitView) -> Option<&'static StackDescription> {
    let page = |id: &str| stacks().iter().find(|page| page.id == id);
    let mut found =
        unit.stacks.iter().map(|found| page(&found.stack).filter(|page| found.active && page.leaves_global));
    let first = found.next()??;
    (found.all(|page| page.is_some()) && !unit.set_up_by_others).then_some(first)
}

fn finding(study: &Study<'_>, first: &CallFact<'_>, others: &[&CallFact<'_>], by: &StackDescription) -> Finding {
    let call = first.call;
    let text = study.callee_text(call);
    let mut out = study.finding("instrumentation-not-loaded", call, Confidence::Likely);
    out.message = format!("`{text}` hands out what does nothing: nobody sets the one of the process");
    out.label = format!("{} sets up a bean alone", by.title);
    out.effect =
        "the spans that are made with it are never sent, and headers that it writes or reads stay empty".to_owned();
    out.help =
        "have the container hand it in: take an `OpenTelemetry`, or the stack's own tracer, as a parameter of the \
                constructor; this assumes that no agent is brought by the deployment"
            .to_owned();
    out.confirm = "look for a span of this code in any trace: there is none".to_owned();
    out.related.extend(others.iter().take(8).map(|fact| study.related(fact.call, "asks for the same")));
    out
}
