//! `context-not-passed`: the sender's context, or that of a span, is read or made and then dropped, and a span is started
//! without it.

use super::nowhere;
use crate::finding::{Confidence, Finding};
use crate::ir::Language;
use crate::knowledge::{Slot, TypeRole};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::rules::Verdicts;
use crate::study::{CallFact, Inbound, Study, Summary};
use rustc_hash::FxHashSet;

/// What kind of a context it is that nothing reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The sender's, read from what came in.
    Extracted,
    /// That of a span which is not current by itself.
    OfSpan,
}

/// Finds contexts that nothing reads. Hands out the functions that are told to drop one.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) -> FxHashSet<FuncRef> {
    let mut told = FxHashSet::default();
    for fact in study.calls() {
        let Some(kind) = kind(study, fact) else { continue };
        // A Go helper's result is a context that its caller is bound to use.
        let made = match study.language() {
            Language::Go => vec![fact.call],
            _ => nowhere::handed_back(study, fact.call),
        };
        for made in made {
            let function = study.program.function_at(made);
            let is_left_out = kind == Kind::Extracted && study.inbound(function) == Inbound::Root;
            if is_left_out || !study.unit(made.file).is_traced() {
                continue;
            }
            let Some(taken_by) = nowhere::taken_by(study, made) else { continue };
            let start = match taken_by.as_slice() {
                [] => started_without(study, function, Some(made)).or_else(|| started_below(study, function, made)),
                functions => functions.iter().find_map(|function| started_without(study, *function, None)),
            };
            // Asked last: it follows the span's value.
            let is_lost = match (kind, start) {
                (Kind::Extracted, start) => start.is_some(),
                (Kind::OfSpan, Some(_)) => made == fact.call && is_apart(study, fact),
                (Kind::OfSpan, None) => made == fact.call && taken_by.is_empty() && is_kept_span(study, fact),
            };
            if is_lost {
                out.findings.push(finding(study, made, kind, start));
                told.extend(taken_by);
            }
        }
    }
    told
}

/// What context a call hands out, if one of those that are told.
fn kind(study: &Study<'_>, fact: &CallFact<'_>) -> Option<Kind> {
    if let Some(extract) = fact.effect.extract {
        return matches!(extract.context, Slot::Result(_)).then_some(Kind::Extracted);
    }
    let gives = fact.effect.returns.first().and_then(|ty| study.program.role(*ty));
    let binds = fact.effect.binds_context.is_some() && fact.effect.derives.is_some() && fact.effect.span.is_none();
    let is_ambient = study.language() != Language::Go;
    (is_ambient && binds && gives == Some(TypeRole::Context)).then_some(Kind::OfSpan)
}

/// Whether what a context is made of is surely not current: a span that is started without that, or one that stands for
/// one elsewhere. And nothing in the function makes any current.
fn is_apart(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let around = study.with_nested(study.program.outermost(fact.function));
    let activates = |function: &FuncRef| study.calls_in(*function).any(|near| near.effect.activates.is_some());
    let bound = fact.effect.binds_context.map(|slot| study.slot(fact.call, slot)).unwrap_or_default();
    let origins: Vec<Origin> = bound.into_iter().flat_map(|span| study.program.origins(span, false)).collect();
    let is_other = |origin: &Origin| match origin {
        Origin::Call(made, _) => match study.fact(*made) {
            Some(made) => made.effect.remote_by_hand || made.effect.span.is_some_and(|span| !span.current),
            // An object with the identifiers of a span elsewhere, as they stand in what came in.
            None => study.program.callee(*made).constructs.is_some(),
        },
        _ => false,
    };
    !origins.is_empty() && origins.iter().all(is_other) && !around.iter().any(activates)
}

/// Whether the span that a context is made of came in or is kept somewhere, and the function neither makes a span current
/// nor starts one: the context was all that it was asked for.
fn is_kept_span(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let around = study.with_nested(study.program.outermost(fact.function));
    let acts = |function: &FuncRef| {
        let mut near = study.calls_in(*function);
        near.any(|near| near.effect.activates.is_some() || near.effect.span.is_some())
    };
    let bound = fact.effect.binds_context.map(|slot| study.slot(fact.call, slot)).unwrap_or_default();
    let origins: Vec<Origin> = bound.into_iter().flat_map(|span| study.program.origins(span, false)).collect();
    let is_kept = |origin: &Origin| matches!(origin, Origin::Param(..) | Origin::Field(..));
    !origins.is_empty() && origins.iter().all(is_kept) && !around.iter().any(acts)
}

/// The first call behind another one in a function which runs own functions that start a span, where nothing that could
/// hold the parent is made current in between or handed on.
fn started_below(study: &Study<'_>, function: FuncRef, behind: ValueRef) -> Option<ValueRef> {
    let program = study.program;
    let after = program.expr(behind).span.end;
    let flow = &program.files.get(function.file as usize)?.flow;
    let sites = flow.calls_of(function.id).map(|site| ValueRef { expr: site.expr, ..behind });
    let later: Vec<ValueRef> = sites.filter(|call| program.expr(*call).span.start >= after).collect();
    let is_helped = |call: &ValueRef| {
        let does = study.effect_of(*call);
        let binds = Summary::EXTRACTS.or(Summary::BINDS).or(Summary::CLOSES);
        does.has(binds) || !does.has(Summary::STARTS) && does.has(Summary::ACTIVATES)
    };
    let is_told = |call: &ValueRef| {
        let mut given = study.slot(*call, Slot::AnyArg).into_iter().chain(program.receiver(*call));
        given.any(|value| matches!(program.role_of(value), Some(TypeRole::Context | TypeRole::Span)))
    };
    let starts = |call: &&ValueRef| {
        study.fact(**call).is_none()
            && study.effect_of(**call).has(Summary::STARTS)
            && !program.callee(**call).functions.is_empty()
    };
    let start = later.iter().find(starts).copied()?;
    (!later.iter().any(|call| is_helped(call) || is_told(call))).then_some(start)
}

/// The first span that a function starts without a parent that is given to it, behind a call or anywhere.
pub(super) fn started_without(study: &Study<'_>, function: FuncRef, behind: Option<ValueRef>) -> Option<ValueRef> {
    let after = behind.map_or(0, |call| study.program.expr(call).span.end);
    let later = || study.calls_in(function).filter(move |fact| study.program.expr(fact.call).span.start >= after);
    if later().any(|fact| {
        fact.effect.extract.is_some() || fact.effect.activates.is_some_and(|slot| !is_span(study, fact, slot))
    }) {
        return None;
    }
    let bound = later().any(|fact| fact.effect.binds_context.is_some() && fact.effect.derives.is_some());
    later()
        .find(|fact| fact.effect.span.is_some_and(|span| study.slot(fact.call, span.context).is_empty()))
        .map(|fact| fact.call)
        .filter(|_| !bound)
}

/// Whether what a call makes current is a span, not a context that may hold the parent.
fn is_span(study: &Study<'_>, fact: &CallFact<'_>, slot: Slot) -> bool {
    study.slot(fact.call, slot).into_iter().all(|value| study.program.role_of(value) == Some(TypeRole::Span))
}

fn finding(study: &Study<'_>, made: ValueRef, kind: Kind, start: Option<ValueRef>) -> Finding {
    let reads = study.callee_text(made);
    let starts = start.map(|start| study.callee_text(start)).unwrap_or_default();
    let mut finding = study.finding("context-not-passed", made, Confidence::Certain);
    finding.help = match start {
        Some(_) => {
            format!("give what {reads} returns to {starts} as the parent, or make it current before the span starts")
        }
        None => format!("make what {reads} returns current, or hand it on"),
    };
    match kind {
        Kind::Extracted => {
            finding.message = format!("{reads} reads the sender's context, and nothing uses what it returns");
            finding.label = "the sender's context is read and dropped".to_owned();
            finding.effect =
                format!("the span from {starts} has no parent from the sender: it starts a trace of its own");
            finding.confirm = "send a request with a known trace header: the span is not in that trace".to_owned();
            finding
                .related
                .extend(start.map(|start| study.related(start, "this span starts without the sender's context")));
        }
        Kind::OfSpan => {
            finding.message = format!("{reads} makes a context that holds a span, and nothing uses it");
            finding.label = "the parent's context is made and dropped".to_owned();
            finding.effect = match start {
                Some(_) => format!("the span from {starts} is not below the span in that context"),
                None => "the span is not current: what runs meanwhile is not below it".to_owned(),
            };
            finding.confirm = "look at one trace: the spans below are siblings, or roots of their own".to_owned();
            finding.related.extend(start.map(|start| study.related(start, "this span starts without that context")));
        }
    }
    finding
}
