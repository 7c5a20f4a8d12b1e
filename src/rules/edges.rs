//! `propagator-mismatch`: two services of which one calls the other, and whose formats have nothing in common.

use super::Verdicts;
use crate::deploy::Deployment;
use crate::facts::HopFacts;
use crate::finding::{Confidence, Finding, Place, Related};
use crate::link::SourceFile;
use crate::map::{Mismatch, SetBy};
use std::collections::BTreeSet;
use ustr::Ustr;

/// How many calls one finding names.
const MAX_CALLS: usize = 8;
/// The format that is taken for the one that is meant, where only one side has it.
const USUAL: &str = "tracecontext";

/// What the places of settings and calls are found in.
#[derive(Clone, Copy)]
struct Files<'a> {
    sources: &'a [SourceFile],
    deployment: &'a Deployment,
}

/// Reports the ways of a map whose ends share no format: at the setting of the side that differs from what is usual.
pub(crate) fn check(found: &[Mismatch<'_>], sources: &[SourceFile], deployment: &Deployment, out: &mut Verdicts) {
    let files = Files { sources, deployment };
    let mut made: Vec<Finding> = Vec::new();
    for mismatch in found {
        let Some(finding) = finding(files, mismatch) else { continue };
        // One setting is one cause, whoever is on the other side.
        match made.iter_mut().find(|known| known.place == finding.place) {
            Some(known) => known.related.extend(finding.related),
            None => made.push(finding),
        }
    }
    for finding in &mut made {
        let mut seen = BTreeSet::new();
        finding.related.retain(|one| seen.insert((one.place.path, one.place.span.start, one.message.clone())));
    }
    out.findings.extend(made);
}

fn finding(files: Files<'_>, found: &Mismatch<'_>) -> Option<Finding> {
    let (caller, called) = (&found.from.service.service, &found.to.service.service);
    let is_usual = |formats: &BTreeSet<String>| formats.contains(USUAL);
    // The called one differs where it alone does without what is usual, else the caller.
    let at_called = is_usual(&found.writes.formats) && !is_usual(&found.reads.formats);
    let (odd, other) = if at_called { (&found.reads, &found.writes) } else { (&found.writes, &found.reads) };
    let place = files.set(&odd.by)?;
    let (writes, reads) = (words(&found.writes.formats), words(&found.reads.formats));
    let mut out = Finding::new("propagator-mismatch", place, Confidence::Certain);
    out.message = match at_called {
        true => {
            format!("{} reads the trace as {reads} alone, but {} calls it and sends {writes}", called.name, caller.name)
        }
        false => format!(
            "{} calls {} and sends the trace as {writes} alone, but {} reads {reads}",
            caller.name, called.name, called.name
        ),
    };
    out.label = format!("{} alone", words(&odd.formats));
    out.effect = format!("{} starts a new trace for each call from {}", called.name, caller.name);
    out.help = format!("set {} here as well: a service can write and read several formats", words(&other.formats));
    out.confirm = format!("send a request through {} and look for {} in its trace", caller.name, called.name);
    let service = if at_called { called } else { caller };
    out.service.clone_from(&service.name);
    out.language = matches!(odd.by, SetBy::Code(..)).then_some(service.language);
    let calls = found.near.iter().take(MAX_CALLS).filter_map(|hop| files.call(hop));
    out.related.extend(calls.map(|place| Related { place, message: format!("{} calls {}", caller.name, called.name) }));
    let whose = if at_called { caller } else { called };
    let there = files.set(&other.by);
    out.related.extend(
        there.map(|place| Related { place, message: format!("{} sets {}", whose.name, words(&other.formats)) }),
    );
    Some(out)
}

fn words(formats: &BTreeSet<String>) -> String {
    formats.iter().cloned().collect::<Vec<_>>().join(" and ")
}

impl Files<'_> {
    /// Where formats are set.
    fn set(self, by: &SetBy) -> Option<Place> {
        match by {
            SetBy::Code(path, line) => self.line(path, *line),
            SetBy::Variable(path, name, value) => {
                let own = self.deployment.containers.iter().filter(|container| container.path == path.as_str());
                own.filter_map(|container| container.variable(name))
                    .find(|(set, _)| set == value)
                    .map(|(_, place)| place)
            }
        }
    }

    /// Where a call stands.
    fn call(self, hop: &HopFacts) -> Option<Place> {
        self.line(&hop.path, hop.line)
    }

    /// The widest expression that begins on a line.
    fn line(self, path: &str, line: u32) -> Option<Place> {
        let file = self.sources.iter().find(|file| file.path == path)?;
        let begins = file.facts.exprs.iter().filter(|expr| file.facts.lines.line(expr.span.start) == line);
        let widest = begins.max_by_key(|expr| (expr.span.end - expr.span.start, std::cmp::Reverse(expr.span.start)))?;
        Some(Place { path: Ustr::from(path), span: widest.span })
    }
}
