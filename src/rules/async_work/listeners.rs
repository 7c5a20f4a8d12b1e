//! Events whose listeners run on an executor of their own, which nothing makes carry the context.

use super::executor::{self, Executor};
use super::{annotated, decorator, mdc, spawner, task};
use crate::finding::{Confidence, Finding, Related};
use crate::ir::Language;
use crate::knowledge::AnnotationRole;
use crate::link::FuncRef;
use crate::rules::{Ruling, Verdicts};
use crate::study::{CallFact, Study, Summary, annotation_role};
use ustr::Ustr;

/// An event that is published in work with a trace, and a listener that continues this work.
struct Lost {
    trace: Related,
    published: Related,
    listener: FuncRef,
}

/// Judges every place that gives listeners an executor.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    if study.language() != Language::Java {
        return;
    }
    for fact in study.calls().iter().filter(|fact| fact.effect.runs_listeners.is_some()) {
        let unit = study.unit_of(fact.call.file);
        let lost = judge(study, fact, unit);
        let ruling = match lost.is_empty() {
            true => Ruling::unknown("no listener is seen to lose the trace of an event"),
            false => Ruling::broken("listeners run on an executor that does not carry the context"),
        };
        out.count(unit, fact.call, "task-context", ruling);
        out.findings.extend(finding(study, fact, &lost));
    }
}

fn judge(study: &Study<'_>, fact: &CallFact<'_>, unit: usize) -> Vec<Lost> {
    let file = fact.call.file;
    let view = study.unit(file);
    let mdc_only = !view.is_traced() || view.is_set_up_out_of_sight();
    let carried =
        view.covers_all.is_some() || annotated::is_carried(study, file) || decorator::decorates(study, unit, mdc_only);
    if carried || (mdc_only && !mdc::puts_ids(study, file)) || !is_plain(study, fact) {
        return Vec::new();
    }
    let listeners = listeners(study, unit, mdc_only);
    let published = study.calls().iter().filter(|found| study.unit_of(found.call.file) == unit);
    let mut out: Vec<Lost> = Vec::new();
    for (found, slot) in published.filter_map(|found| Some((found, found.effect.publishes?))) {
        let events = study.slot(found.call, slot);
        let hears = |ty: Ustr| {
            events.iter().filter_map(|event| study.program.type_of(*event)).any(|event| is_a(study, event, ty))
        };
        for (listener, _) in listeners.iter().filter(|(_, ty)| hears(*ty)) {
            if out.iter().any(|lost| lost.listener == *listener) {
                continue;
            }
            let Some(trace) = spawner::trace(study, found.function) else { break };
            let published = study.related(found.call, "publishes what it listens for");
            out.push(Lost { trace, published, listener: *listener });
        }
    }
    out
}

/// Whether the executor is seen, and is one that takes no context along.
fn is_plain(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let Some(slot) = fact.effect.runs_listeners else { return false };
    match executor::judge(study, fact, slot, !study.unit(fact.call.file).is_traced()) {
        Executor::Plain(made) => made.is_some(),
        Executor::Kept(_) => true,
        Executor::Carries | Executor::Unknown => false,
    }
}

/// The listeners of a unit that take part in a trace, and the events that they take.
fn listeners(study: &Study<'_>, unit: usize, mdc_only: bool) -> Vec<(FuncRef, Ustr)> {
    let program = study.program;
    let has = |function: FuncRef, role| {
        let mut found = program.function(function).annotations.iter();
        found.any(|found| annotation_role(study, function.file, found) == Some(role))
    };
    let is_listener = |function: &FuncRef| {
        // One that hops to another executor by itself is judged there.
        study.unit_of(function.file) == unit
            && has(*function, AnnotationRole::Listener)
            && !has(*function, AnnotationRole::Async)
            && takes_part(study, *function, mdc_only)
    };
    let found = program.all_functions().filter(is_listener);
    found.filter_map(|function| Some((function, event_type(study, function)?))).collect()
}

/// The type of the one parameter that a listener has.
fn event_type(study: &Study<'_>, function: FuncRef) -> Option<Ustr> {
    let params = 0..study.program.function(function).params.len() as u16;
    let mut types = params.filter_map(|n| study.program.param_type(function, n));
    types.next_back()
}

fn takes_part(study: &Study<'_>, listener: FuncRef, mdc_only: bool) -> bool {
    let functions = [listener];
    !task::restores(study, &functions, false, mdc_only)
        && if mdc_only {
            mdc::logs(study, &functions) && !mdc::puts_again(study, &functions)
        } else {
            study.summary(listener).has(Summary::STARTS | Summary::CALLS_OUT | Summary::PRODUCES)
        }
}

fn is_a(study: &Study<'_>, event: Ustr, ty: Ustr) -> bool {
    event == ty || study.program.supertypes(event).contains(&ty)
}

fn finding(study: &Study<'_>, fact: &CallFact<'_>, lost: &[Lost]) -> Option<Finding> {
    let first = lost.first()?;
    let name = study.function_name(first.listener);
    let mdc_only = !study.unit(fact.call.file).is_traced();
    let (rule, what) = if mdc_only { ("mdc-lost", "logging context") } else { ("task-context", "trace context") };
    let mut out = study.finding(rule, fact.call, Confidence::Certain);
    out.message = format!("Event listeners such as `{name}` run on an executor that does not carry the {what}");
    out.label = "no task decorator is set on this executor".to_owned();
    out.effect = if mdc_only {
        "The log records of these listeners carry no id and can't be joined with those of the request".to_owned()
    } else {
        "The spans and calls of these listeners start traces of their own".to_owned()
    };
    out.help = format!(
        "Give the executor a task decorator that carries the {what}, or leave it out: `{name}` then runs on the \
         publisher's thread"
    );
    out.confirm = format!("Log the trace id where the event is published and in `{name}`: they differ");
    out.related.push(first.trace.clone());
    for found in lost.iter().take(6) {
        let place = study.program.place_of(found.listener.file, study.program.function(found.listener).name_span);
        out.related.push(found.published.clone());
        out.related.push(Related { place, message: "runs on another thread".to_owned() });
    }
    Some(out)
}
