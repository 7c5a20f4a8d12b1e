//! `instrumentation-not-loaded` where an instrumentation that the process has once is switched on for several instances:
//! each call but the first is ignored (Python).

use super::super::Verdicts;
use crate::finding::{Confidence, Finding};
use crate::ir::{Language, Span, StmtKind};
use crate::knowledge::Slot;
use crate::link::{FuncRef, Step, ValueRef};
use crate::rules::spans::exclude;
use crate::study::{CallFact, Study};
use rustc_hash::{FxHashMap, FxHashSet};

/// How many calls up the one is looked for that chooses the instance.
const MAX_UP: usize = 2;

/// A place that switches an instrumentation on for one instance.
struct Site<'a> {
    fact: CallFact<'a>,
    call: ValueRef,
}

/// Finds the second call in a function that switches the same on for another instance, and the one in a loop.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    if study.language() != Language::Python {
        return;
    }
    let mut by_function: FxHashMap<FuncRef, Vec<Site<'_>>> = FxHashMap::default();
    for fact in study.calls() {
        let Some(slot) = fact.effect.first_alone else { continue };
        if study.is_aside(&study.program.place(fact.call).path) || takes_back(study, fact) {
            continue;
        }
        for call in choosing(study, fact, slot) {
            by_function.entry(study.program.function_at(call)).or_default().push(Site { fact: *fact, call });
        }
    }
    let mut functions: Vec<_> = by_function.into_iter().collect();
    functions.sort_unstable_by_key(|(function, _)| *function);
    let mut told = FxHashSet::default();
    for (_, mut sites) in functions {
        sites.sort_by_key(|site| study.program.expr(site.call).span.start);
        if let Some((first, again)) = ignored(study, &sites)
            && told.insert(again.call)
        {
            out.findings.push(finding(study, first, again));
        }
    }
}

/// Whether the unit switches the instrumentation off again, so that it may be switched on anew.
fn takes_back(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let callee = |call: ValueRef| study.program.callee(call).name;
    let Some(name) = callee(fact.call) else { return false };
    let Some((owner, _)) = name.rsplit_once('.') else { return false };
    let undo = format!("{owner}.uninstrument");
    let unit = study.unit_of(fact.call.file);
    study.calls_of_unit(unit).any(|other| callee(other.call).is_some_and(|name| name == undo.as_str()))
}

/// The calls that choose the instance: the call itself, or those of a function that hands its parameter on.
fn choosing(study: &Study<'_>, fact: &CallFact<'_>, slot: Slot) -> Vec<ValueRef> {
    let program = study.program;
    let mut level: Vec<(ValueRef, ValueRef)> =
        study.slot(fact.call, slot).into_iter().map(|value| (fact.call, value)).collect();
    for _ in 0..MAX_UP {
        level = level
            .into_iter()
            .flat_map(|(call, value)| match param(study, value) {
                Some((owner, n)) if !program.callers(owner).is_empty() => {
                    let callers = program.callers(owner).iter().take(16);
                    callers.filter_map(|call| Some((*call, program.argument(*call, owner, n)?))).collect()
                }
                _ => vec![(call, value)],
            })
            .collect();
    }
    level.into_iter().map(|(call, _)| call).collect()
}

/// The parameter that a value is, or of which it is an attribute: `engine.sync_engine`.
fn param(study: &Study<'_>, value: ValueRef) -> Option<(FuncRef, u16)> {
    let mut at = value;
    for _ in 0..4 {
        at = match study.program.step(at) {
            Step::Param(owner, n) => return Some((owner, n)),
            Step::Values(values) if values.len() == 1 => *values.first()?,
            Step::Field { .. } => study.program.receiver(at)?,
            _ => return None,
        };
    }
    None
}

/// The first two of several calls that run one after the other, or one that a loop repeats.
fn ignored<'s, 'a>(study: &Study<'_>, sites: &'s [Site<'a>]) -> Option<(&'s Site<'a>, &'s Site<'a>)> {
    let in_loop = |site: &&Site<'_>| study.program.call_site(site.call).is_some_and(|found| found.in_loop != 0);
    if let Some(repeated) = sites.iter().find(in_loop) {
        return Some((repeated, repeated));
    }
    let same = |one: &Site<'_>, other: &Site<'_>| {
        study.program.callee(one.fact.call).name == study.program.callee(other.fact.call).name
            && !exclude(study, one.call, other.call)
            && !leaves_between(study, one.call, other.call)
    };
    sites.iter().enumerate().find_map(|(at, first)| {
        let again = sites.get(at + 1..)?.iter().find(|again| same(first, again))?;
        Some((first, again))
    })
}

/// Whether the branch that the first call stands in leaves the function, so that the second does not run after it.
fn leaves_between(study: &Study<'_>, first: ValueRef, second: ValueRef) -> bool {
    let Some(file) = study.program.files.get(first.file as usize) else { return false };
    let facts = &file.source.facts;
    let (first, second) = (study.program.expr(first).span, study.program.expr(second).span);
    let leaves = |block: &[u32]| {
        let stmts = || block.iter().filter_map(|at| facts.stmts.get(*at as usize));
        let holds = |span: Span| stmts().any(|stmt| stmt.span.contains(span));
        let ends =
            stmts().next_back().is_some_and(|stmt| matches!(stmt.kind, StmtKind::Return(_) | StmtKind::Throw(_)));
        ends && holds(first) && !holds(second)
    };
    facts.stmts.iter().any(|stmt| match &stmt.kind {
        StmtKind::If { then, otherwise, .. } => leaves(then) || leaves(otherwise),
        _ => false,
    })
}

fn finding(study: &Study<'_>, first: &Site<'_>, again: &Site<'_>) -> Finding {
    let text = study.callee_text(again.call);
    let mut out = study.finding("instrumentation-not-loaded", again.call, Confidence::Certain);
    out.message = format!("`{text}` does nothing the second time: the process has one such instrumentation");
    out.label = "ignored after the first call".to_owned();
    out.effect = "what goes through the other instances shows in no trace".to_owned();
    out.help = "call it once, after all instances are made, and give it all of them (`engines=[…]`)".to_owned();
    out.confirm = "look for `already instrumented` in the log when the service starts".to_owned();
    if first.call != again.call {
        out.related.push(study.related(first.call, "this call is the one that counts"));
    }
    out
}
