//! `removed-instrumentation`: what later versions of a library do not have.

use super::super::Verdicts;
use crate::finding::{Confidence, Finding};
use crate::knowledge::Removed;
use crate::study::{CallFact, Study};
use std::collections::BTreeMap;

/// Finds the calls of functions that are gone in later versions, one finding a unit and version.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    let mut found: BTreeMap<(usize, &str), Vec<(&CallFact<'_>, &Removed)>> = BTreeMap::new();
    for fact in study.calls() {
        let Some(removed) = &fact.effect.removed else { continue };
        let unit = study.program.files[fact.call.file as usize].source.unit;
        found.entry((unit, &removed.version)).or_default().push((fact, removed));
    }
    for ((unit, _), facts) in found {
        let Some(((first, removed), more)) = facts.split_first() else { continue };
        let declared =
            study.units.get(unit).and_then(|unit| unit.declared.iter().find(|d| d.name == removed.dependency));
        let version = declared.map_or("", |found| found.version.as_str());
        let more: Vec<_> = more.iter().map(|(fact, _)| *fact).collect();
        out.findings.push(finding(study, first, removed, version, &more));
    }
}

fn finding(
    study: &Study<'_>,
    first: &CallFact<'_>,
    removed: &Removed,
    version: &str,
    more: &[&CallFact<'_>],
) -> Finding {
    let callee = study.callee_text(first.call);
    let mut found = study.finding("removed-instrumentation", first.call, Confidence::Certain);
    let here = if version.is_empty() { String::new() } else { format!("; this service has {version}") };
    found.message = format!("`{callee}` is gone from {} on in {}{here}", removed.version, removed.dependency);
    found.label = "gone in later versions".to_owned();
    found.effect = "the next upgrade does not build, and whoever removes the call to make it build removes the spans and the headers with it".to_owned();
    found.help = format!("use {}", removed.instead);
    found.confirm = format!("go get {}@{} && go build ./...", removed.dependency, removed.version);
    found.related.extend(more.iter().map(|fact| study.related(fact.call, "gone with it")));
    found
}
