//! `uninstrumented-datastore`: databases and caches that a traced service asks without a span.

use super::super::Verdicts;
use super::life::{Life, Lives};
use super::{apart, gate};
use crate::finding::{Confidence, Finding};
use crate::ir::Language;
use crate::knowledge::{HopKind, LibraryDescription, TypeRole};
use crate::link::{Origin, ValueRef};
use crate::rules::messaging::reading_units;
use crate::study::{CallFact, Inbound, Study, Summary};
use std::collections::{BTreeMap, BTreeSet};

/// Most places that a finding lists.
const MAX_RELATED: usize = 8;

/// What a unit asks through one library.
#[derive(Default)]
struct Asked {
    /// Calls under a request, by clients that nothing instruments.
    calls: Vec<ValueRef>,
    /// Where those clients are made.
    made: BTreeSet<ValueRef>,
    /// A span is made around some of them by hand, or a client is instrumented, or may be.
    shown: bool,
}

/// Finds the libraries that a unit asks databases by, of which no trace shows anything. One finding a unit and library.
pub(super) fn check(lives: &Lives<'_, '_>, out: &mut Verdicts) {
    let study = lives.study;
    let mut asked: BTreeMap<(usize, &str), Asked> = BTreeMap::new();
    for fact in study.calls() {
        let asks = fact.effect.hop.is_some_and(|hop| hop.kind == HopKind::Store);
        if !asks || fact.library.mend.is_empty() || !is_unshown(lives, fact) {
            continue;
        }
        let unit = study.unit_of(fact.call.file);
        let entry = asked.entry((unit, fact.library.id.as_str())).or_default();
        let outer = study.program.outermost(fact.function);
        // Whoever makes a span for a query by hand has it in the trace, and does so for others.
        entry.shown |= study.summary(outer).has(Summary::STARTS);
        let (life, made) = client(lives, fact);
        entry.shown |= life != Life::Plain;
        if is_in_request(study, fact) {
            entry.calls.push(fact.call);
            entry.made.extend(made);
        }
    }
    asked.retain(|_, found| !found.shown && !found.calls.is_empty());
    if asked.is_empty() {
        return;
    }
    // Asked last: it looks at every call. Spans that record something else than requests (audits, model calls) have no
    // place for a query.
    let reading = reading_units(study);
    for ((_, library), found) in asked.into_iter().filter(|((unit, _), _)| reading.contains(unit)) {
        let described = study.program.knowledge.libraries().iter().find(|known| known.id == library);
        out.findings.extend(described.and_then(|library| finding(study, library, &found)));
    }
}

/// Whether the unit's tracing is switched on by its code and covers neither the library nor one that it asks by.
fn is_unshown(lives: &Lives<'_, '_>, fact: &CallFact<'_>) -> bool {
    let study = lives.study;
    let unit = study.unit(fact.call.file);
    let libraries = study.program.knowledge.libraries().iter();
    let mut below = libraries.filter(|library| fact.library.over.contains(&library.id));
    gate::is_traced_by_code(unit, fact.library)
        && lives.joins_traces(fact.call.file)
        && unit.coverage(fact.library).is_none()
        && !below.any(|library| unit.coverage(library).is_some())
}

/// Whether a call is known to run for a request, and to be part of its work.
fn is_in_request(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    matches!(study.inbound(fact.function), Inbound::Entry(_) | Inbound::Below(_))
        && !apart::is_apart(study, fact.function, fact.call)
        && !apart::checks_health(study, fact.function)
        && !apart::helps_tests(study, fact.function)
        && !study.is_for_operator(fact.call.file)
}

/// How the client of a call stands, and where it is made. Python's are instrumented by what the whole process switches on.
fn client(lives: &Lives<'_, '_>, fact: &CallFact<'_>) -> (Life, Vec<ValueRef>) {
    let study = lives.study;
    if study.language() == Language::Python {
        return (Life::Plain, Vec::new());
    }
    let Some(hop) = fact.effect.hop else { return (Life::Unknown, Vec::new()) };
    let clients = study.slot(fact.call, hop.client);
    let origins = clients.into_iter().flat_map(|client| study.program.origins(client, true));
    let mut made = Vec::new();
    for origin in origins {
        let (Origin::Call(call, _) | Origin::Literal(call)) = origin else { continue };
        let makes = study.fact(call).is_some_and(|fact| fact.effect.makes == Some(TypeRole::Other));
        match lives.of_construction(call) {
            Life::Plain if makes => made.push(call),
            Life::Plain => {}
            other => return (other, made),
        }
    }
    (if made.is_empty() { Life::Unknown } else { Life::Plain }, made)
}

fn finding(study: &Study<'_>, library: &LibraryDescription, found: &Asked) -> Option<Finding> {
    let first = *found.calls.first()?;
    let at = found.made.first().copied().unwrap_or(first);
    let mut out = study.finding("uninstrumented-datastore", at, Confidence::Certain);
    let title = &library.title;
    out.message = format!("what this service asks by {title} shows in no trace: nothing makes a span for it");
    out.label = match found.made.is_empty() {
        true => "asked without a span".to_owned(),
        false => "made without tracing".to_owned(),
    };
    out.effect = "nothing behind it breaks, but the time that requests wait for the database looks like work of the \
                  service itself, and no trace shows the query that was slow"
        .to_owned();
    out.help = study.unit(first.file).mend(library).into_owned();
    out.confirm =
        format!("open a trace of a request that comes by `{}`: no span stands for it", study.callee_text(first));
    let made = found.made.iter().skip(1).map(|made| study.related(*made, "another one that nothing traces"));
    out.related.extend(made.take(MAX_RELATED));
    let calls = found.calls.iter().filter(|call| **call != at).take(MAX_RELATED);
    out.related.extend(calls.map(|call| study.related(*call, "asked here, under a request")));
    Some(out)
}
