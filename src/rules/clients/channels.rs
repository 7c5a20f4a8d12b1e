//! Channels of remote calls that break the trace by themselves, and which of them are meant to carry one.

use super::broken::Broken;
use super::life::{Life, Lives, is_registration};
use super::sites::{is_generated, is_in_request, sites};
use super::{apart, gate, words};
use crate::ir::Language;
use crate::knowledge::{HopKind, Slot, TypeRole};
use crate::link::ValueRef;
use crate::study::{CallFact, Inbound, Study};
use std::collections::BTreeMap;

/// Channels whose calls go through stubs that are not seen: judged where they are made.
pub(super) fn channels(lives: &Lives<'_, '_>, broken: &mut BTreeMap<ValueRef, Broken>) {
    let study = lives.study;
    for fact in study.calls().iter().filter(|fact| fact.effect.makes == Some(TypeRole::RpcChannel)) {
        let unit = study.unit(fact.call.file);
        let skip = broken.contains_key(&fact.call)
            || !gate::is_traced_by_code(unit, fact.library)
            || unit.coverage(fact.library).is_some()
            || apart::is_apart(study, fact.function, fact.call)
            || lives.of_construction(fact.call) != Life::Plain;
        if skip {
            continue;
        }
        let later = lives.later(fact.call);
        // A generated gateway asks through a channel that it is given.
        let is_given = later.given.iter().any(|call| is_registration(study, *call));
        let uses = later.uses.iter().copied().flat_map(|call| sites(study, call));
        let uses = uses.filter(|call| is_given || !is_generated(study, *call));
        let uses = uses.filter(|call| study.can_meet(fact.call.file, call.file));
        let uses: Vec<ValueRef> =
            uses.filter(|call| is_asked_for_requests(study, *call) && has_context(study, *call)).collect();
        if !uses.is_empty() {
            broken.insert(fact.call, Broken { kind: HopKind::RpcCall, uses });
        }
    }
}

/// Whether calls of a channel belong to requests: one is known to, or the unit traces others of the library. A context
/// alone says little, as loaders and watchers at start-up take one too.
pub(super) fn is_meant_to_be_traced(lives: &Lives<'_, '_>, at: ValueRef, found: &Broken) -> bool {
    let study = lives.study;
    let in_request = |call: &ValueRef| {
        let param = study.context_param(study.program.function_at(*call));
        is_in_request(study, *call) || param.is_some_and(|param| param.is_request)
    };
    let can_be = |call: &ValueRef| gate::can_be_inside(study, study.program.function_at(*call));
    found.uses.iter().any(in_request)
        || (study.is_offered(at.file) || found.uses.iter().any(can_be))
            && study.fact(at).is_none_or(|fact| is_traced_elsewhere(lives, fact))
}

/// Whether the unit instruments another channel or server of the same library, so that its calls are meant to be traced.
fn is_traced_elsewhere(lives: &Lives<'_, '_>, made: &CallFact<'_>) -> bool {
    let study = lives.study;
    let unit = |file: u32| study.program.files.get(file as usize).map(|file| file.source.unit);
    study.calls().iter().any(|fact| {
        matches!(fact.effect.makes, Some(TypeRole::RpcChannel | TypeRole::Server))
            && fact.library.id == made.library.id
            && unit(fact.call.file) == unit(made.call.file)
            && lives.of_construction(fact.call) == Life::Instrumented
    })
}

/// Whether a call of a channel can be made for a request, by the function that it stands in and by what it is named.
fn is_asked_for_requests(study: &Study<'_>, call: ValueRef) -> bool {
    let function = study.program.function_at(call);
    let inbound = study.inbound(function);
    (matches!(inbound, Inbound::Entry(_) | Inbound::Below(_) | Inbound::Takes) || study.is_under_span(function))
        && !words::is_apart(&study.callee_text(call))
        && !words::is_apart(&study.function_name(function))
        && !study.is_for_operator(call.file)
}

/// Whether a call takes a context, as a stub's method does.
fn has_context(study: &Study<'_>, call: ValueRef) -> bool {
    let is_context = |value: &ValueRef| study.program.role_of(*value) == Some(TypeRole::Context);
    match study.language() {
        Language::Go => study.slot(call, Slot::Arg(0)).first().is_some_and(is_context),
        _ => study.fact(call).is_some_and(|fact| fact.effect.hop.is_some()),
    }
}
