//! Spans that a function takes from its context and ends, though whoever started them has yet to do so.

use super::life::Life;
use super::starts::{Starts, judged_anywhere};
use crate::finding::{Confidence, Finding, Related};
use crate::ir::{Language, StmtKind};
use crate::knowledge::{Slot, TypeRole, has_part, vocabulary};
use crate::link::flow::DefKind;
use crate::link::{FuncRef, Origin, ValueRef};
use crate::rules::Verdicts;
use crate::study::{CallFact, Inbound, Study, Summary};
use rustc_hash::FxHashSet;

/// Finds ends of a current span that the function did not start.
pub(super) fn check(life: &Life<'_, '_>, starts: &Starts, out: &mut Verdicts) {
    let study = life.study;
    let found: Vec<_> = study.calls().iter().filter_map(|end| Some((end, taken(study, end)?))).collect();
    if found.is_empty() {
        return;
    }
    let left_open = left_open(study, starts);
    for (end, taken) in found {
        let unit = study.program.files.get(end.call.file as usize).map(|file| file.source.unit);
        // Somebody here starts a span and leaves it to others to end: this may be that one.
        if unit.is_none_or(|unit| left_open.contains(&unit)) {
            continue;
        }
        if let Some(confidence) = judge(study, end) {
            out.findings.push(finding(study, end, taken, confidence));
        }
    }
}

/// The units in which a span is started that the function that has it does not end.
fn left_open(study: &Study<'_>, starts: &Starts) -> FxHashSet<usize> {
    let open = starts.all.iter().filter(|(_, fate)| !fate.finished && !fate.is_kept());
    open.filter_map(|(start, _)| Some(study.program.files.get(start.call.file as usize)?.source.unit)).collect()
}

/// The call that takes the current span for a call that ends it, where the function did not make it current itself.
fn taken(study: &Study<'_>, end: &CallFact<'_>) -> Option<ValueRef> {
    let values = study.slot(end.call, end.effect.ends?);
    let [value] = values.as_slice() else { return None };
    match made_by(study, *value) {
        Some(made) => Some(made).filter(|taken| takes_current(study, *taken) && comes_in(study, *taken)),
        None => current_or_own(study, *value).filter(|_| !is_conditional(study, end)),
    }
}

/// The call that takes the current span, where a local holds either that or, as none is current, a span of the function's
/// own: `span = tracer.currentSpan(); if (span == null) span = tracer.nextSpan().start();`
fn current_or_own(study: &Study<'_>, value: ValueRef) -> Option<ValueRef> {
    let reaching = study.program.reaching(value);
    let made = reaching.iter().map(|def| match study.program.def(value.file, *def).kind {
        DefKind::Value { value: from, index: None } => Some(ValueRef { expr: from, ..value }),
        _ => None,
    });
    let made: Vec<ValueRef> = made.collect::<Option<_>>()?;
    let (current, own): (Vec<ValueRef>, Vec<ValueRef>) = made.into_iter().partition(|made| takes_ambient(study, *made));
    let is_span = |made: &ValueRef| study.program.role_of(*made) == Some(TypeRole::Span);
    (!own.is_empty() && own.iter().all(is_span)).then_some(*current.first()?)
}

/// Whether a call hands out the span that is current on its thread.
fn takes_ambient(study: &Study<'_>, call: ValueRef) -> bool {
    takes_current(study, call) && study.fact(call).and_then(current_of) == Some(Slot::Ambient)
}

/// Whether a call stands under a condition: it may ask whose span it is.
fn is_conditional(study: &Study<'_>, call: &CallFact<'_>) -> bool {
    let program = study.program;
    let span = program.expr(call.call).span;
    let within = program.function(call.function).span;
    let facts = &program.files[call.call.file as usize].source.facts;
    let under = |block: &[u32]| facts.statements(block).any(|stmt| stmt.span.contains(span));
    facts.stmts.iter().filter(|stmt| within.contains(stmt.span)).any(|stmt| match &stmt.kind {
        StmtKind::If { then, otherwise, .. } => under(then) || under(otherwise),
        StmtKind::Switch { arms, .. } => arms.iter().any(|arm| under(arm)),
        _ => false,
    })
}

/// The value itself, or the one that a local surely holds.
fn made_by(study: &Study<'_>, value: ValueRef) -> Option<ValueRef> {
    match study.program.reaching(value) {
        [] => Some(value),
        [one] => match study.program.def(value.file, *one).kind {
            DefKind::Value { value: from, index: None | Some(0) } => Some(ValueRef { expr: from, ..value }),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a call hands out the span that is current, without starting one.
fn takes_current(study: &Study<'_>, call: ValueRef) -> bool {
    let Some(fact) = study.fact(call) else { return false };
    let gives = fact.effect.returns.first().and_then(|ty| study.program.role(*ty)) == Some(TypeRole::Span);
    gives && fact.effect.span.is_none() && current_of(fact).is_some()
}

/// The context of which a call hands out the span.
fn current_of(fact: &CallFact<'_>) -> Option<Slot> {
    fact.effect.derives.or(fact.effect.context_of).filter(|slot| *slot != Slot::Receiver)
}

/// Whether the span was current when the function was called: its context is a parameter as it came, or nothing in the
/// function makes a span current.
fn comes_in(study: &Study<'_>, taken: ValueRef) -> bool {
    let Some(fact) = study.fact(taken) else { return false };
    let slot = current_of(fact).unwrap_or(Slot::None);
    if slot == Slot::Ambient {
        let around = study.with_nested(study.program.outermost(fact.function));
        let mut calls = around.iter().flat_map(|function| study.calls_in(*function));
        return !calls.any(|near| near.effect.activates.is_some() || near.effect.span.is_some());
    }
    // A request brings its context along.
    let holder = |context: ValueRef| {
        let slot = study.fact(context).and_then(|fact| fact.effect.context_of);
        slot.map_or_else(|| vec![context], |slot| study.slot(context, slot))
    };
    let contexts = study.slot(taken, slot).into_iter().flat_map(holder);
    let given = |origin: &Origin| matches!(origin, Origin::Param(function, _) if *function == fact.function);
    let origins: Vec<Origin> = contexts.flat_map(|context| study.program.origins(context, false)).collect();
    // A function that starts spans, too, may have put one of them into the context.
    let starts = study.calls_in(fact.function).any(|near| near.effect.span.is_some());
    !starts && !origins.is_empty() && origins.iter().all(given)
}

/// The functions that end a span which they take out of a context that they are given.
pub(super) fn enders(study: &Study<'_>) -> FxHashSet<FuncRef> {
    study.calls().iter().filter(|end| taken(study, end).is_some()).map(|end| end.function).collect()
}

/// How sure it is that another function ends the span: a library does that around its handlers, and whoever calls a
/// function for its work is assumed to.
fn judge(study: &Study<'_>, end: &CallFact<'_>) -> Option<Confidence> {
    let outer = study.program.outermost(end.function);
    let known = judged_anywhere(study, end.call)?;
    let name = study.program.function(outer).name.to_lowercase();
    if outer != end.function || has_part(&name, &vocabulary().ending_functions) {
        return None;
    }
    match study.inbound(outer) {
        Inbound::Entry(_) => Some(known),
        Inbound::Below(_) | Inbound::Takes => {
            let works = study.summary(outer).has(Summary::CALLS_OUT | Summary::PRODUCES | Summary::STORES);
            (works && study.language() == Language::Go && end.site.deferred).then_some(Confidence::Likely)
        }
        _ => None,
    }
}

fn finding(study: &Study<'_>, end: &CallFact<'_>, taken: ValueRef, confidence: Confidence) -> Finding {
    let function = study.program.function_at(end.call);
    let (name, ends, takes) = (study.function_name(function), study.callee_text(end.call), study.callee_text(taken));
    let mut finding = study.finding("span-ended-early", end.call, confidence);
    finding.message = format!("`{ends}` ends the span that `{name}` took from its context and did not start");
    finding.label = "ends the span of whoever called".to_owned();
    finding.effect = "whoever started the span ends it again and in vain: what it sets after this call, the status of \
                      the answer too, is ignored, and its later children have a parent that is over"
        .to_owned();
    finding.help = format!(
        "leave out `{ends}`: the one who started the span ends it; for a span of `{name}`'s own, start one in place of \
         `{takes}`"
    );
    finding.help += match confidence {
        Confidence::Certain => "",
        _ => " (assuming that a caller still has the span)",
    };
    finding.confirm =
        "open a trace: the span ends with this function, before the answer is sent, and has no status".to_owned();
    finding.related.push(study.related(taken, "taken from the context here"));
    if let Inbound::Entry(place) = study.inbound(function) {
        finding.related.push(Related { place, message: "whoever calls it here has the span".to_owned() });
    }
    finding
}
