//! What is said of a hand-over that loses its context.

use super::spawned::Lost;
use super::{pipeline, task};
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, Language};
use crate::knowledge::SpawnKind;
use crate::study::Study;

/// The finding on the hand-overs that lose a context through one executor.
pub(super) fn finding(study: &Study<'_>, group: &[Lost<'_>]) -> Option<Finding> {
    let first = group.first()?;
    let is_pipeline = pipeline::is_one(&first.fact);
    let text = match study.program.expr_kind(first.task) {
        ExprKind::Closure(_) => "the task".to_owned(),
        _ if is_pipeline => "the work that the pipeline begins with".to_owned(),
        _ if first.task == first.fact.call => format!("`{}.run`", study.callee_text(first.task)),
        _ => format!("`{}`", study.text(first.task)),
    };
    let call = match study.program.expr_kind(first.fact.call) {
        // It is handed over as what it is.
        ExprKind::Closure(_) => first.fact.effect.names.first()?.rsplit('.').next()?.to_owned(),
        _ if is_pipeline => task::method_name(study, first.fact.call)?.to_string(),
        _ => study.callee_text(first.fact.call),
    };
    let what = what(study, first);
    let rule = rule(first);
    let place = first.fact.call;
    let likely = group.iter().all(|lost| lost.given.is_some() || lost.assumed);
    let confidence = if likely { Confidence::Likely } else { Confidence::Certain };
    let mut out = study.finding(rule, place, confidence);
    out.message = if first.set.is_some() {
        format!(
            "{text} runs on {what} of `{call}`, which begins without the context variable that holds the request's id"
        )
    } else if first.logs_only {
        format!(
            "{text} runs on {what} of `{call}`, where the ids that were put into the logging context for the request are missing"
        )
    } else {
        format!("{text} runs on {what} of `{call}` without the trace context of its caller")
    };
    out.message = capitalized(&out.message);
    out.label = "the context does not go along".to_owned();
    out.effect = if first.set.is_some() {
        "What this work logs and sends has no id and can't be joined with the rest of the request".to_owned()
    } else if first.logs_only {
        "The log records of this work carry no id and can't be joined with those of the request".to_owned()
    } else {
        "The spans of this work, and of the services that it calls, start traces of their own".to_owned()
    };
    out.help = if first.set.is_some() {
        format!(
            "Hand `{call}` the function `contextvars.copy_context().run` with {text} as its first argument, or use `asyncio.to_thread`"
        )
    } else if first.logs_only {
        format!(
            "Take a copy of the logging context before `{call}`, set it in the task and clear it afterwards, or decorate the executor once"
        )
    } else {
        match study.mend(&first.fact).as_ref() {
            "" => format!("Capture the current context before `{call}` and make it current in {text}"),
            mend => format!("For {text}: {mend}"),
        }
    };
    out.confirm = if first.logs_only {
        "Log in the task: the id is missing in the record".to_owned()
    } else {
        "Print the current trace id in the task: it is invalid, or not the caller's".to_owned()
    };
    out.related.push(first.trace.clone());
    out.related.extend(first.set.clone());
    out.related.extend(first.given.map(|call| study.related(call, "what runs here sees no current span")));
    if let Some(made) = first.made.filter(|made| *made != place) {
        out.related.push(study.related(made, "the executor is made here and carries no context"));
    }
    out.related
        .extend(group.iter().skip(1).take(8).map(|lost| study.related(lost.fact.call, "runs on the same executor")));
    Some(out)
}

fn what(study: &Study<'_>, lost: &Lost<'_>) -> &'static str {
    match lost.kind {
        SpawnKind::Thread => "the new thread",
        SpawnKind::Callback => "the thread that calls back",
        SpawnKind::Future if runs_on_common_pool(study, lost) => "a common pool's thread",
        _ => "a pool's thread",
    }
}

/// Whether a future is given no executor.
fn runs_on_common_pool(study: &Study<'_>, lost: &Lost<'_>) -> bool {
    let executor = lost.fact.effect.spawns.map(|spawn| study.slot(lost.fact.call, spawn.executor));
    study.language() == Language::Java && executor.is_none_or(|values| values.is_empty())
}

/// The rule that a loss belongs to.
pub(super) fn rule(lost: &Lost<'_>) -> &'static str {
    if lost.logs_only { "mdc-lost" } else { rule_of(lost.kind) }
}

/// The rule that hand-overs of a kind belong to.
pub(super) fn rule_of(kind: SpawnKind) -> &'static str {
    match kind {
        SpawnKind::Thread => "thread-context",
        SpawnKind::Future => "future-context",
        SpawnKind::Callback => "callback-context",
        _ => "executor-context",
    }
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
