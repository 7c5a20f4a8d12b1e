//! Scopes that nobody closes.

use super::life::{Fate, Finish, Life};
use super::starts::{Start, Starts, assumption, judged};
use super::uses::Uses;
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, Language};
use crate::knowledge::{AnnotationRole, Slot};
use crate::link::{FuncRef, ValueRef};
use crate::rules::Verdicts;
use crate::study::{Inbound, Study, annotation_role};

/// Finds scopes and tokens that are never closed or given back.
pub(super) fn check(study: &Study<'_>, uses: &Uses<'_>, out: &mut Verdicts) {
    if study.language() == Language::Go {
        return;
    }
    let life = Life::new(study, uses, Finish::Close);
    let starts = Starts::new(&life);
    for (start, fate) in &starts.all {
        let found = super::leaving::check(&life, *start);
        out.findings.extend(found.filter(|_| harms(study, study.program.function_at(start.call))));
        let Some(confidence) = judged(study, start.call).filter(|_| fate.is_never_finished()) else { continue };
        if clears(study, start.call) {
            continue;
        }
        let function = study.program.function_at(start.call);
        let wrong = wrong_close(study, function, start.call);
        if wrong.is_none() && (starts.finishes_unknown(study, Finish::Close, function) || !harms(study, function)) {
            continue;
        }
        out.findings.push(finding(study, uses, *start, fate, (wrong, confidence)));
    }
}

/// Whether a call takes away what is current (`withSpan(null)`), on purpose.
fn clears(study: &Study<'_>, call: ValueRef) -> bool {
    let given = study.fact(call).and_then(|fact| fact.effect.activates).map(|slot| study.slot(call, slot));
    given.is_some_and(|given| {
        !given.is_empty()
            && given
                .iter()
                .all(|value| matches!(study.program.expr_kind(*value), ExprKind::Lit(text) if *text == "null"))
    })
}

/// Whether a context left behind reaches other work. A coroutine's own task takes it away when it ends.
fn harms(study: &Study<'_>, function: FuncRef) -> bool {
    let decl = study.program.function(study.program.outermost(function));
    match study.language() {
        Language::Python if decl.flags.is_async => false,
        Language::Python => match study.inbound(function) {
            Inbound::Entry(_) | Inbound::Below(_) => true,
            Inbound::Root => false,
            // What is there for the blocks of others is entered again and again, whoever they are.
            _ => is_manager(study, study.program.outermost(function)),
        },
        _ => true,
    }
}

/// Whether a function is a context manager.
fn is_manager(study: &Study<'_>, function: FuncRef) -> bool {
    let role = |found| annotation_role(study, function.file, found);
    study.program.function(function).annotations.iter().any(|found| role(found) == Some(AnnotationRole::ContextManager))
}

/// A close in the same function that is given the very value that was activated, not what activating it returned.
fn wrong_close(study: &Study<'_>, function: FuncRef, call: ValueRef) -> Option<ValueRef> {
    let given = study.slot(call, study.fact(call)?.effect.activates?);
    let origins = |values: &[ValueRef]| -> Vec<_> {
        values.iter().flat_map(|value| study.program.reaching(*value).to_vec()).collect()
    };
    let given = origins(&given);
    let within = study.with_nested(study.program.outermost(function));
    let facts = within.into_iter().flat_map(|function| study.calls_in(function));
    let mut closes = facts.filter_map(|fact| Some((fact.call, fact.effect.closes?)));
    closes.find_map(|(close, slot)| {
        let closed = origins(&study.slot(close, slot));
        (slot != Slot::Receiver && close.file == call.file && closed.iter().any(|def| given.contains(def)))
            .then_some(close)
    })
}

fn finding(
    study: &Study<'_>,
    uses: &Uses<'_>,
    start: Start,
    fate: &Fate,
    how: (Option<ValueRef>, Confidence),
) -> Finding {
    let (wrong, confidence) = how;
    let callee = study.callee_text(start.call);
    let variable = super::ended::variable(study, uses, start).filter(|_| !fate.dropped);
    let function = study.function_name(study.program.function_at(start.call));
    let mut finding = study.finding("scope-not-closed", start.call, confidence);
    finding.message = match (&variable, wrong) {
        (_, Some(close)) => {
            format!("`{}` is not given what `{callee}` returned, so the context stays current", study.text(close))
        }
        (Some(name), None) => format!("`{name}` from `{callee}` is never closed in `{function}`"),
        (None, None) => {
            format!("what `{callee}` returns is thrown away, so the context stays current after `{function}`")
        }
    };
    finding.label = "made current here and never restored".to_owned();
    finding.effect = "later work on the same thread joins this trace instead of its own".to_owned();
    let text = study.text(start.call);
    finding.help = match study.language() {
        Language::Java => format!("open it in a resource block: `try (var scope = {text}) {{ … }}`"),
        _ => format!("keep the token (`token = {text}`) and give it back in a `finally`"),
    };
    finding.help += assumption(confidence);
    finding.confirm = format!(
        "run `{function}` twice on one thread with different parents: the second run shows up in the first trace"
    );
    if start.origin != start.call {
        finding.related.push(study.related(start.origin, "the context is made current here"));
    }
    finding.related.extend(wrong.map(|close| study.related(close, "this is not the token")));
    finding
}
