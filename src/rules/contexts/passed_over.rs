//! Spans whose context is kept in a local, while calls below them are given the one from before.

use super::asked_again::again_from_request;
use super::belonging::{leaves, starts_below};
use super::forward::{MAX_HANDED, asks_traced_store, is_function_value, takes_another_context};
use super::replaced::is_cleanup;
use super::span_ends::{is_of_start, only_ends};
use super::span_starts::{Start, starts_by_itself};
use super::stale::request_of;
use super::under_old::uses_under_old;
use super::unseen;
use super::vain::is_given_in_vain;
use crate::finding::{Confidence, Finding};
use crate::ir::Language;
use crate::knowledge::{Slot, TypeRole};
use crate::link::flow::{CallSite, DefKind};
use crate::link::{Origin, ValueRef};
use crate::rules::clients::Lives;
use crate::study::Study;

/// A span whose context is kept in a local while calls below it ask the request for its own, older one again, or are given
/// the older one.
pub(super) fn judge(lives: &Lives<'_, '_>, start: &Start) -> Option<Finding> {
    let study = lives.study;
    let mut used = again_from_request(study, start);
    used.extend(given_the_old(lives, start));
    used.sort_by_key(|call| study.program.expr(*call).span.start);
    used.dedup();
    let first = used.first()?;
    let confidence = if leaves(study, *first) { Confidence::Certain } else { Confidence::Likely };
    let (target, old) = (study.callee_text(*first), study.text(start.old));
    let kept = kept_in(study, start).unwrap_or_else(|| "ctx".to_owned());
    let mut finding = study.finding("stale-context", *first, confidence);
    finding.message = format!("{target} is given {old}, the context from before the span that {kept} holds");
    finding.label = "runs under the context from before the span".to_owned();
    finding.effect = format!("what {target} does becomes a sibling of the span that covers it, not its child");
    finding.help = match request_of(study, start.old).map(|request| study.text(request)) {
        Some(request) => format!(
            "give it `{kept}`, or bind the span's context to the request first: `{request} = {request}.WithContext({kept})`"
        ),
        None => format!("give it `{kept}`"),
    };
    finding.confirm = "look at one trace: the span around these calls is not their parent".to_owned();
    finding.related.push(study.related(start.call, "the span is started here"));
    finding.related.extend(used.iter().skip(1).take(6).map(|call| study.related(*call, "and so is this")));
    Some(finding)
}

/// The calls that surely run while a span lasts, go on, and are given the context from before it (Go).
fn given_the_old(lives: &Lives<'_, '_>, start: &Start) -> Vec<ValueRef> {
    let study = lives.study;
    if study.language() != Language::Go || kept_in(study, start).is_none() || !is_ended_here(study, start) {
        return Vec::new();
    }
    let goes_on = |call: ValueRef, old: ValueRef| {
        (leaves(study, call) && !lives.sends_plainly(call)
            || starts_below(study, call)
            || unseen::goes_on(lives, call)
            || is_function_value(study, call)
            || asks_traced_store(lives, call, old, MAX_HANDED))
            && !is_given_in_vain(lives, call, old, MAX_HANDED)
    };
    let mut used = uses_under_old(lives, start, |call, old| {
        goes_on(call, old)
            && !starts_by_itself(study, call)
            && !hands_out_context(study, call)
            && !takes_another_context(study, call, old)
            && !is_cleanup(study, call)
            && !is_apart(study, start, call)
            && (request_of(study, start.old).is_none() || asks_request(study, call, old))
    });
    used.retain(|call| !study.program.callee(*call).functions.iter().any(|function| study.outlives_request(*function)));
    used
}

/// Whether an own function that a call runs asks the request that it is given for its context.
fn asks_request(study: &Study<'_>, call: ValueRef, request: ValueRef) -> bool {
    let program = study.program;
    let functions = &program.callee(call).functions;
    functions.iter().any(|function| {
        let params = 0..program.function(*function).params.len() as u16;
        let mut given = params.filter(|n| program.argument(call, *function, *n) == Some(request));
        let Some(n) = given.next() else { return false };
        let is_it = |value: ValueRef| program.origins(value, false).contains(&Origin::Param(*function, n));
        study.calls_in(*function).any(|fact| {
            let of = fact.effect.context_of.map(|slot| study.slot(fact.call, slot));
            of.is_some_and(|of| of.into_iter().any(is_it))
        })
    })
}

/// Whether a call hands out a context: it begins the next phase beside this one.
fn hands_out_context(study: &Study<'_>, call: ValueRef) -> bool {
    const RESULTS: u8 = 3;
    let role = |n| study.program.result_type(call, n, 8).and_then(|ty| study.program.role(ty));
    (0..RESULTS).any(|n| role(n) == Some(TypeRole::Context))
}

/// Whether a call runs at another time than the function that starts a span: in a literal of its own, in a goroutine, when
/// the function ends, or once more from its beginning.
fn is_apart(study: &Study<'_>, start: &Start, call: ValueRef) -> bool {
    let program = study.program;
    program.function_at(call) != start.function
        || program.call_site(call).is_some_and(|site| site.spawned || site.deferred)
        || program.callee(call).functions.contains(&start.function)
}

/// Whether a span is ended in the function that starts it, either in one place or when it ends: not by whoever it is handed
/// to, nor on some ways here and on others there.
pub(super) fn is_ended_here(study: &Study<'_>, start: &Start) -> bool {
    let program = study.program;
    let Some(file) = program.files.get(start.call.file as usize) else { return false };
    let is_end = |site: &&CallSite| {
        let call = ValueRef { expr: site.expr, ..start.call };
        let ends = match study.fact(call) {
            Some(fact) => fact.effect.ends.is_some(),
            None => only_ends(study, call),
        };
        let given = || study.slot(call, Slot::AnyArg).into_iter().chain(program.receiver(call));
        ends && given().any(|value| is_of_start(study, start, value))
    };
    let is_deferred = |site: &CallSite| {
        let made = file.flow.closures.get(&site.function);
        let runs = made.and_then(|expr| program.parent(ValueRef { expr: *expr, ..start.call }));
        let is_here = site.function == start.function.id;
        is_here && site.deferred || runs.and_then(|call| program.call_site(call)).is_some_and(|site| site.deferred)
    };
    let (mut deferred, mut open, mut elsewhere) = (false, false, false);
    for site in file.flow.calls.iter().filter(is_end) {
        match is_deferred(site) {
            true => deferred = true,
            false if site.function == start.function.id => open = true,
            false => elsewhere = true,
        }
    }
    !elsewhere && deferred != open
}

/// The local that a span's context is kept in.
fn kept_in(study: &Study<'_>, start: &Start) -> Option<String> {
    let flow = &study.program.files.get(start.call.file as usize)?.flow;
    let (_, def) = flow
        .defs_from(start.call.expr)
        .find(|(_, def)| matches!(def.kind, DefKind::Value { index, .. } if index.unwrap_or(0) == start.derived))?;
    Some(flow.vars.get(def.var.0 as usize)?.name.to_string())
}
