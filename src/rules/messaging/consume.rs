//! `consume-without-extract`: a message is handled outside its trace.

use super::super::{Verdict, Verdicts};
use super::client::{Instance, instance};
use super::hops::{hop_calls, traced_units, unit_of};
use super::material::names_key;
use crate::finding::{Confidence, Finding};
use crate::knowledge::{HopKind, LibraryDescription};
use crate::link::{FuncRef, ValueRef};
use crate::study::{CallFact, Study, Summary, functions_of};
use rustc_hash::FxHashSet;

/// How many callers up the message may be handled.
const CALLERS_UP: usize = 4;

/// Judges every call that receives messages, and every handler that is registered or annotated for them.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    let traced = traced_units(study);
    let mut seen = FxHashSet::default();
    for fact in &hop_calls(study, &[HopKind::Consume]) {
        if !traced.contains(&unit_of(study, fact.call.file)) {
            continue;
        }
        let unit = unit_of(study, fact.call.file);
        match judge(study, fact) {
            Ok(verdict) => out.count(unit, verdict),
            Err(found) => {
                out.count(unit, Verdict::Broken);
                if seen.insert(found.place) {
                    out.findings.push(*found);
                }
            }
        }
    }
}

fn judge(study: &Study<'_>, fact: &CallFact<'_>) -> Result<Verdict, Box<Finding>> {
    if study.unit(fact.call.file).coverage(fact.library).is_some() {
        return Ok(Verdict::Carried);
    }
    let made = instance(study, fact);
    if made == Instance::Instrumented {
        return Ok(Verdict::Carried);
    }
    let (handlers, received) = match fact.effect.registers {
        Some(registers) => {
            let given = study.slot(fact.call, registers.handler);
            (given.into_iter().flat_map(|value| functions_of(study, value)).collect::<Vec<_>>(), false)
        }
        None => (vec![study.program.outermost(fact.function)], true),
    };
    let mut verdict = Verdict::Unknown;
    for handler in handlers {
        let handled = handling(study, handler, received);
        if handled.has(Summary::EXTRACTS) {
            verdict = Verdict::Carried;
        } else if !handled.has(Summary::BINDS | Summary::INSTRUMENTS) && made != Instance::Unknown {
            let Some(work) = work_of(study, handler) else { continue };
            if names_key_below(study, handler) {
                continue;
            }
            let confidence = if made == Instance::Plain { Confidence::Certain } else { Confidence::Likely };
            let at = if received && !starts_before(study, work, fact) { fact.call } else { work };
            return Err(Box::new(finding(study, fact, at, handler, work, confidence)));
        }
    }
    Ok(verdict)
}

/// Whether the work is a span that is started before the message is there, so that it cannot be the message's.
fn starts_before(study: &Study<'_>, work: ValueRef, fact: &CallFact<'_>) -> bool {
    let is_span = study.fact(work).is_some_and(|work| work.effect.span.is_some());
    let start = |value: ValueRef| study.program.expr(value).span.start;
    is_span && work.file == fact.call.file && start(work) < start(fact.call)
}

/// What is done around a handler: by itself, and by its callers where it hands the message back.
fn handling(study: &Study<'_>, handler: FuncRef, up: bool) -> Summary {
    let mut out = study.summary(handler);
    let mut level = if up { vec![handler] } else { Vec::new() };
    let mut seen = FxHashSet::default();
    for _ in 0..CALLERS_UP {
        let callers = level.iter().flat_map(|at| study.program.callers(*at).to_vec());
        let callers: Vec<FuncRef> = callers
            .map(|call| study.program.outermost(study.program.function_at(call)))
            .filter(|f| seen.insert(*f))
            .collect();
        for caller in &callers {
            out |= summary_of(study, *caller);
        }
        level = callers;
    }
    out
}

/// What a caller does; load-time code stands for nothing.
fn summary_of(study: &Study<'_>, function: FuncRef) -> Summary {
    if function.id.0 == 0 {
        return Summary::default();
    }
    study.summary(function)
}

/// The first call under a handler that starts a span or carries a context on.
fn work_of(study: &Study<'_>, handler: FuncRef) -> Option<ValueRef> {
    let inner = study.with_nested(handler);
    let own = inner.iter().flat_map(|function| study.calls_in(*function));
    let mut starts: Vec<ValueRef> =
        own.filter(|fact| fact.effect.span.is_some() || leaves(fact)).map(|fact| fact.call).collect();
    if starts.is_empty() {
        starts = below(study, &inner);
    }
    starts.sort_unstable();
    starts.first().copied()
}

fn leaves(fact: &CallFact<'_>) -> bool {
    fact.effect.hop.is_some_and(|hop| matches!(hop.kind, HopKind::HttpCall | HopKind::RpcCall | HopKind::Produce))
}

/// The calls of own functions that start a span further down.
fn below(study: &Study<'_>, inner: &[FuncRef]) -> Vec<ValueRef> {
    let mut out = Vec::new();
    for function in inner {
        let Some(file) = study.program.files.get(function.file as usize) else { continue };
        for site in file.flow.calls_of(function.id) {
            let call = ValueRef { file: function.file, expr: site.expr };
            if !study.program.callee(call).functions.is_empty() && study.effect_of(call).has(Summary::STARTS) {
                out.push(call);
            }
        }
    }
    out
}

fn names_key_below(study: &Study<'_>, handler: FuncRef) -> bool {
    let mut work = vec![(handler, 0)];
    let mut seen = FxHashSet::default();
    while let Some((function, depth)) = work.pop() {
        if !seen.insert(function) || depth > 3 || seen.len() > 80 {
            continue;
        }
        if names_key(study, function) {
            return true;
        }
        for inner in study.with_nested(function) {
            let Some(file) = study.program.files.get(inner.file as usize) else { continue };
            for site in file.flow.calls_of(inner.id) {
                let callee = study.program.callee(ValueRef { file: inner.file, expr: site.expr });
                work.extend(callee.functions.iter().map(|next| (*next, depth + 1)));
            }
        }
    }
    false
}

fn finding(
    study: &Study<'_>,
    fact: &CallFact<'_>,
    at: ValueRef,
    handler: FuncRef,
    work: ValueRef,
    confidence: Confidence,
) -> Finding {
    let receives = study.callee_text(fact.call);
    let works = study.callee_text(work);
    let name = study.function_name(handler);
    let mut found = study.finding("consume-without-extract", at, confidence);
    found.message = format!("nothing in `{name}` reads the trace from the message that `{receives}` hands out");
    found.label = "handled outside the message's trace".to_owned();
    found.effect = format!("`{works}` belongs to another trace than the one that sent the message");
    found.help = match mend(fact.library) {
        Some(mend) => {
            format!("extract the context from the message and give it to `{works}`; for {}: {mend}", fact.library.title)
        }
        None => format!("extract the context from the message and give it to `{works}`"),
    };
    if confidence == Confidence::Likely {
        found.help.push_str(" (assumed: the consumer, which is made elsewhere, is not instrumented)");
    }
    found.confirm = format!("send a message with a known trace header: `{name}` is not in that trace");
    if at != work {
        found.related.push(study.related(work, "work for the message starts here"));
    } else {
        found.related.push(study.related(fact.call, "messages arrive here"));
    }
    found
}

fn mend(library: &LibraryDescription) -> Option<&str> {
    Some(library.mend.as_str()).filter(|text| !text.is_empty())
}
