//! Tasks that are queued by a library which nothing instruments: one set-up decides for all of them, so they are one
//! finding for each way in which they are queued, at a place where a trace is known to be.

use super::produce::{runs_untraced_task, trace_at_hand};
use crate::finding::Finding;
use crate::knowledge::AnnotationRole;
use crate::link::FuncRef;
use crate::study::{CallFact, Inbound, Study, described_annotation};
use std::collections::BTreeMap;
use ustr::Ustr;

/// Most places that a finding lists.
const MAX_RELATED: usize = 8;

/// How many callers of a function are looked at for an entry.
const MAX_CALLERS: usize = 60;

/// How much is known of a trace where a task is queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Trace {
    /// It is queued by tasks of the library alone, which came in without one.
    None,
    /// How it comes to be queued is not seen.
    Unseen,
    /// One is there.
    Known,
}

/// One task that is queued, and the finding for it.
struct Queued<'a> {
    fact: CallFact<'a>,
    finding: Finding,
    trace: Trace,
}

/// What queues in the same way: the unit, and the library's function.
type Way = (usize, Option<Ustr>);

/// The tasks that lose their trace, by the way in which they are queued.
#[derive(Default)]
pub(super) struct Tasks<'a>(BTreeMap<Way, Vec<Queued<'a>>>);

impl<'a> Tasks<'a> {
    /// Takes note of one.
    pub(super) fn add(&mut self, study: &Study<'a>, unit: usize, fact: CallFact<'a>, finding: Finding) {
        let way = (unit, study.program.callee(fact.call).name);
        let trace = trace(study, fact.function);
        self.0.entry(way).or_default().push(Queued { fact, finding, trace });
    }

    /// The findings: where a trace is known to be in some way of a unit, the others add nothing but doubt.
    pub(super) fn findings(self, study: &Study<'a>) -> Vec<Finding> {
        let known = |all: &[Queued<'_>]| all.iter().map(|queued| queued.trace).max().unwrap_or(Trace::None);
        let mut best: BTreeMap<(usize, String), Trace> = BTreeMap::new();
        let about = |unit: usize, all: &[Queued<'_>]| {
            let library = all.first().map_or("", |queued| queued.fact.library.id.as_str());
            (unit, library.to_owned())
        };
        for ((unit, _), all) in &self.0 {
            let found = best.entry(about(*unit, all)).or_insert(Trace::None);
            *found = known(all).max(*found);
        }
        let mut out = Vec::new();
        for ((unit, _), all) in self.0 {
            let trace = known(&all);
            if trace != Trace::None && best.get(&about(unit, &all)) == Some(&trace) {
                out.extend(one(study, all, trace));
            }
        }
        out
    }
}

/// One finding for all that is queued in one way, at the first place at which most is known of the trace.
fn one(study: &Study<'_>, mut all: Vec<Queued<'_>>, trace: Trace) -> Option<Finding> {
    let at = all.iter().position(|queued| queued.trace == trace)?;
    let mut finding = all.remove(at).finding;
    // Those that only tasks queue are no part of it.
    for queued in all.iter().filter(|queued| queued.trace != Trace::None) {
        if finding.related.len() < MAX_RELATED {
            finding.related.push(study.related(queued.fact.call, "a task is queued here too"));
        }
    }
    Some(finding)
}

fn trace(study: &Study<'_>, function: FuncRef) -> Trace {
    if trace_at_hand(study, function).is_some() {
        return Trace::Known;
    }
    let known = |inbound: Inbound| matches!(inbound, Inbound::Entry(_) | Inbound::Below(_));
    let of_library = is_entry(study, function);
    match known(study.inbound(function)) {
        false => Trace::Unseen,
        // A task may be called like any function too, but is there to be queued.
        true if of_library && runs_untraced_task(study, function) => Trace::None,
        // The nearest entry is a task; another one may lead here as well.
        true if is_reached_by_others(study, function) => Trace::Known,
        true => Trace::None,
    }
}

/// Whether a library calls the function around a place itself.
fn is_entry(study: &Study<'_>, function: FuncRef) -> bool {
    matches!(study.inbound(study.program.outermost(function)), Inbound::Entry(_))
}

/// Whether an entry that is no untraced task calls a function, perhaps through others.
fn is_reached_by_others(study: &Study<'_>, function: FuncRef) -> bool {
    is_below_entry(study, function, |entry| !runs_untraced_task(study, entry))
}

/// Whether an entry that is no task calls a function, perhaps through others: a process that carries out no tasks.
pub(super) fn is_reached_outside_workers(study: &Study<'_>, function: FuncRef) -> bool {
    is_below_entry(study, function, |entry| {
        let annotations = study.program.function(entry).annotations.iter();
        let mut described = annotations.filter_map(|found| described_annotation(study, entry.file, found));
        !described.any(|(_, found)| matches!(found.role, AnnotationRole::Task | AnnotationRole::Worker))
    })
}

/// Whether an entry of a kind calls a function, perhaps through others, or too many functions do.
fn is_below_entry(study: &Study<'_>, function: FuncRef, is_of_kind: impl Fn(FuncRef) -> bool) -> bool {
    let program = study.program;
    let mut seen = vec![program.outermost(function)];
    let mut at = 0;
    while let Some(function) = seen.get(at).copied().filter(|_| seen.len() <= MAX_CALLERS) {
        at += 1;
        if matches!(study.inbound(function), Inbound::Entry(_)) && is_of_kind(function) {
            return true;
        }
        for call in program.callers(function) {
            let caller = program.outermost(program.function_at(*call));
            if !seen.contains(&caller) {
                seen.push(caller);
            }
        }
    }
    seen.len() > MAX_CALLERS
}
