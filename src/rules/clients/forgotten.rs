//! A client that was left out where its siblings are instrumented one by one.

use super::life::{Life, Lives};
use super::{apart, gate, strangers};
use crate::ir::ExprKind;
use crate::knowledge::{Slot, TypeRole};
use crate::link::{Origin, ValueRef};
use crate::study::{CallFact, Study};
use ustr::Ustr;

/// A client that nothing instruments, and the call that instruments a sibling.
pub(super) struct Forgotten {
    /// Where it is made.
    pub(super) made: ValueRef,
    /// Where a sibling is instrumented.
    pub(super) sibling: ValueRef,
}

/// The clients that are kept where their calls are not seen, while others of the same library get their instrumentation
/// one by one.
pub(super) fn clients(lives: &Lives<'_, '_>) -> Vec<Forgotten> {
    let study = lives.study;
    let by_hand = by_hand(study);
    let candidates = study.calls().iter().filter(|fact| fact.effect.makes == Some(TypeRole::HttpClient));
    candidates.filter_map(|fact| forgotten(lives, fact, &by_hand)).collect()
}

/// Calls that instrument a client that they are given, with the library of the client.
fn by_hand(study: &Study<'_>) -> Vec<(ValueRef, String)> {
    let mut out = Vec::new();
    for fact in study.calls() {
        if !matches!(fact.effect.instruments, Some(Slot::Arg(_) | Slot::AnyArg)) {
            continue;
        }
        for value in study.slot(fact.call, Slot::AnyArg) {
            let made = study.program.origins(value, true).into_iter().filter_map(|origin| match origin {
                Origin::Call(call, _) => study.fact(call),
                _ => None,
            });
            let clients = made.filter(|made| made.effect.makes == Some(TypeRole::HttpClient));
            out.extend(clients.map(|made| (fact.call, made.library.id.clone())));
        }
    }
    out
}

fn forgotten(lives: &Lives<'_, '_>, fact: &CallFact<'_>, by_hand: &[(ValueRef, String)]) -> Option<Forgotten> {
    let study = lives.study;
    let unit = study.unit(fact.call.file);
    let (sibling, _) = by_hand.iter().find(|(_, library)| *library == fact.library.id)?;
    let later = lives.later(fact.call);
    let is_plain = lives.of_parts(fact.call) == Life::Plain
        && later.life.is_none_or(|life| life == Life::Plain)
        && later.beans.is_empty();
    // A client whose calls are seen is judged by them.
    let is_judged = later.uses.iter().any(|call| study.fact(*call).is_some_and(|fact| fact.effect.hop.is_some()));
    let is_kept = !later.escapes.is_empty() && !later.escapes.iter().any(|name| is_instrumented_by_name(study, *name));
    let in_trace = gate::is_traced_by_code(unit, fact.library)
        && unit.coverage(fact.library).is_none()
        && !apart::is_apart(study, fact.function, fact.call)
        && !strangers::goes_to_third_party(study, fact.call);
    (is_plain && is_kept && !is_judged && in_trace).then_some(Forgotten { made: fact.call, sibling: *sibling })
}

/// Whether something that instruments is given a field of this name, of whatever object.
fn is_instrumented_by_name(study: &Study<'_>, name: Ustr) -> bool {
    let is_it = |value: &ValueRef| matches!(study.program.expr_kind(*value), ExprKind::Member { name: found, .. } if *found == name);
    study.program.files.iter().enumerate().any(|(at, file)| {
        file.flow.calls.iter().any(|site| {
            let call = ValueRef { file: at as u32, expr: site.expr };
            let values = study.slot(call, Slot::AnyArg);
            let given =
                values.iter().any(|value| is_it(value) || origin_fields(study, *value).any(|field| field == name));
            given && study.effect_of(call).has(crate::study::Summary::INSTRUMENTS)
        })
    })
}

fn origin_fields(study: &Study<'_>, value: ValueRef) -> impl Iterator<Item = Ustr> {
    let is_name = matches!(study.program.expr_kind(value), ExprKind::Name(_));
    let origins = if is_name { study.program.origins(value, false) } else { Vec::new() };
    origins.into_iter().filter_map(|origin| match origin {
        Origin::Field(_, name) => Some(name),
        _ => None,
    })
}
