//! `error-not-recorded`: errors that a function meets while its span is open, and does not tell the span of.

mod handled;
mod returned;
mod touches;

use super::life::{Fate, Life};
use super::starts::{Starts, assumption, judged};
use crate::finding::{Confidence, Finding, Related};
use crate::ir::{Language, Span};
use crate::knowledge::Slot;
use crate::link::{FuncRef, ValueRef};
use crate::rules::Verdicts;
use crate::study::Study;
use std::collections::BTreeMap;
use touches::Touches;

/// Most places that a finding lists.
const MAX_RELATED: usize = 12;

/// A span that a function keeps to itself.
#[derive(Debug, Clone, Copy)]
struct Held {
    /// The call that starts it.
    call: ValueRef,
    /// The function that holds it.
    function: FuncRef,
    /// Which result of the call it is.
    index: u8,
    /// What leaves by an exception is recorded by its manager.
    records_itself: bool,
    /// It is the manager of a `with`, whose body is all that happens under it.
    managed: bool,
}

/// An error of which a span is not told.
#[derive(Debug, Clone)]
struct Untold {
    /// The statement that hands it on, or the place that handles it.
    at: Span,
    /// Its name.
    error: String,
    /// It is logged and goes no further.
    swallowed: bool,
}

/// A span, with the errors that it is not told of.
struct Found {
    held: Held,
    errors: Vec<Untold>,
    /// The same function tells it of others.
    tells_others: bool,
    confidence: Confidence,
}

/// Finds spans that are not told of errors.
pub(super) fn check(life: &Life<'_, '_>, starts: &Starts, out: &mut Verdicts) {
    let study = life.study;
    let mut by_unit: BTreeMap<usize, Vec<Found>> = BTreeMap::new();
    for (held, fate) in held(study, starts) {
        let Some(confidence) = judged(study, held.call).filter(|_| can_hold_errors(study, held.call)) else { continue };
        let Some(touches) = Touches::new(life, held, fate) else { continue };
        let errors = match study.language() {
            Language::Go => returned::untold(study, held, &touches),
            _ => handled::untold(study, held, &touches),
        };
        if !errors.is_empty() {
            let found = Found { held, errors, tells_others: touches.tells(), confidence };
            by_unit.entry(study.unit_of(held.call.file)).or_default().push(found);
        }
    }
    for (unit, found) in by_unit {
        if has_habit(study, unit) {
            out.findings.extend(found.iter().filter_map(|found| finding(study, found)));
        } else {
            out.findings.extend(of_unit(study, &found));
        }
    }
}

/// The spans that stay in the function which starts them.
fn held<'f>(study: &Study<'_>, starts: &'f Starts) -> Vec<(Held, Option<&'f Fate>)> {
    let kept = starts.all.iter().filter(|(start, fate)| fate.finished && fate.is_kept() && !start.wrapped);
    let mut out: Vec<(Held, Option<&Fate>)> = kept
        .map(|(start, fate)| {
            let function = study.program.function_at(start.call);
            let records_itself = study.language() == Language::Python && fate.activated;
            let held = Held { call: start.call, function, index: start.index, records_itself, managed: false };
            (held, Some(fate))
        })
        .collect();
    let managed = study
        .calls()
        .iter()
        .filter(|fact| fact.site.managed && fact.effect.span.is_some_and(|span| span.current && !span.must_end));
    out.extend(managed.map(|fact| {
        let held = Held { call: fact.call, function: fact.function, index: 0, records_itself: true, managed: true };
        (held, None)
    }));
    out
}

/// Whether a span of the library behind a call can be told of an error.
fn can_hold_errors(study: &Study<'_>, call: ValueRef) -> bool {
    let own = |call: ValueRef| study.fact(call).map(|fact| fact.library);
    // A helper of the service starts one for its caller.
    let helped = || {
        let callee = study.program.callee(call);
        callee
            .functions
            .iter()
            .flat_map(|function| study.calls_in(*function))
            .find_map(|fact| fact.effect.span.is_some().then_some(fact.library))
    };
    own(call).or_else(helped).is_some_and(|library| library.functions.iter().any(|function| function.records.is_some()))
}

/// Whether a unit, or one that it imports, tells spans of errors anywhere.
fn has_habit(study: &Study<'_>, unit: usize) -> bool {
    let records = |unit: usize| {
        study.of_unit("records errors", unit, || study.calls_of_unit(unit).any(|fact| fact.effect.records.is_some()))
    };
    study.with_imported(unit).into_iter().any(records)
}

/// How the library of a span is told of an error, for the help text.
fn recorder(study: &Study<'_>, held: Held) -> Option<String> {
    let library = study.fact(held.call).map(|fact| fact.library)?;
    let recorder = library.functions.iter().find(|function| function.records == Some(Slot::Receiver))?;
    Some(recorder.names.first()?.rsplit('.').next()?.to_owned())
}

fn message(study: &Study<'_>, found: &Found, error: &Untold) -> String {
    let function = study.function_name(found.held.function);
    let (name, span) = (&error.error, "its span");
    match (error.swallowed, found.tells_others) {
        (true, _) => format!("`{function}` logs `{name}` and goes on, and {span} is not told of it"),
        (false, true) => {
            format!("`{function}` hands `{name}` on without telling {span}, which it tells of other errors")
        }
        (false, false) => format!("`{function}` hands `{name}` on without telling {span}"),
    }
}

fn finding(study: &Study<'_>, found: &Found) -> Option<Finding> {
    let (first, rest) = found.errors.split_first()?;
    let file = found.held.call.file;
    let place = study.program.place_of(file, first.at);
    let mut out = study.finding_at("error-not-recorded", file, place, found.confidence);
    out.message = message(study, found, first);
    explain(study, found.held, &mut out, found.confidence);
    out.related.push(study.related(found.held.call, "the span is started here"));
    out.related.extend(rest.iter().take(MAX_RELATED).map(|error| Related {
        place: study.program.place_of(file, error.at),
        message: format!("`{}` is not recorded either", error.error),
    }));
    Some(out)
}

/// One finding for a unit that tells none of its spans of any error: it is a habit, not a slip.
fn of_unit(study: &Study<'_>, found: &[Found]) -> Option<Finding> {
    let (first, rest) = found.split_first()?;
    let mut out = finding(study, first)?;
    if !rest.is_empty() {
        let functions = rest.len() + 1;
        out.message = format!(
            "{}; none of the spans of {functions} functions here is ever told of an error",
            message(study, first, first.errors.first()?)
        );
        out.related.truncate(1);
        out.related.extend(rest.iter().take(MAX_RELATED).filter_map(|other| {
            let error = other.errors.first()?;
            Some(Related {
                place: study.program.place_of(other.held.call.file, error.at),
                message: format!("nor is the span of `{}`", study.function_name(other.held.function)),
            })
        }));
    }
    Some(out)
}

fn explain(study: &Study<'_>, held: Held, out: &mut Finding, confidence: Confidence) {
    out.label = "the span does not hear of this error".to_owned();
    out.effect =
        "the span ends like one of work that went well: it has no error status, so searches for failed traces, \
                  error rates made of spans and sampling of failures pass it by"
            .to_owned();
    out.help = match recorder(study, held) {
        Some(name) => format!("call `{name}` on the span here, and set its status to error where the library has one"),
        None => "tell the span of the error here, by the library's own means".to_owned(),
    };
    out.help += assumption(confidence);
    out.confirm = "make this call fail and open the trace: the span is not marked as failed".to_owned();
}
