//! Requests whose trace travels in what they bring along: a propagator writes it into a value of which the body is made.

use crate::ir::{ExprKind, Language};
use crate::knowledge::{Slot, TypeRole};
use crate::link::flow::RECEIVER;
use crate::link::{FuncRef, Origin, Step, ValueRef};
use crate::study::{CallFact, Study, Summary};
use rustc_hash::FxHashSet;

/// Most values that are looked at for one request.
const MAX_VALUES: usize = 300;

/// How deep an injection is followed into the service's own functions.
const MAX_DEPTH: u32 = 4;

/// Whether a propagator writes the trace into something that a request is made of, here or in a caller that hands it down
/// (Go, where a value that is given is the same value below).
pub(super) fn brings_trace(study: &Study<'_>, fact: &CallFact<'_>, carrier: Slot) -> bool {
    if study.language() != Language::Go || !injects_by_hand(study, fact) {
        return false;
    }
    let mut work = material(study, fact, carrier);
    let mut seen = FxHashSet::default();
    while let Some(value) = work.pop() {
        if !seen.insert(value) || seen.len() > MAX_VALUES {
            continue;
        }
        if is_injected_into(study, value) {
            return true;
        }
        work.extend(made_of(study, value, true));
    }
    false
}

/// Whether anything in the unit writes a trace into a carrier.
fn injects_by_hand(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let Some(unit) = study.program.files.get(fact.call.file as usize).map(|file| file.source.unit) else {
        return false;
    };
    study.of_unit("injects by hand", unit, || study.calls_of_unit(unit).any(|found| found.effect.inject.is_some()))
}

/// What a request is made of: what the call that makes it is given, and what is given along with it to own functions.
fn material(study: &Study<'_>, fact: &CallFact<'_>, carrier: Slot) -> Vec<ValueRef> {
    let program = study.program;
    let mut out = Vec::new();
    for request in study.slot(fact.call, carrier) {
        for origin in program.origins(request, false) {
            let Origin::Call(made, _) = origin else { continue };
            out.extend(study.slot(made, Slot::AnyArg));
            let flow = &program.files[made.file as usize].flow;
            let vars = flow.defs_from(made.expr).filter_map(|(_, def)| flow.vars.get(def.var.0 as usize));
            let uses = vars.flat_map(|var| &var.uses).map(|used| ValueRef { expr: *used, ..made });
            let given = uses.filter_map(|used| program.parent(used));
            let own = given.filter(|call| !program.callee(*call).functions.is_empty());
            out.extend(own.flat_map(|call| study.slot(call, Slot::AnyArg)));
        }
    }
    out
}

/// What a value is made of: one step back, and at parameters (`up`) what callers give. Contexts and the objects that
/// methods are called on are no material.
fn made_of(study: &Study<'_>, value: ValueRef, up: bool) -> Vec<ValueRef> {
    let program = study.program;
    if program.role_of(value) == Some(TypeRole::Context) {
        return Vec::new();
    }
    if let ExprKind::Composite { fields, .. } = program.expr_kind(value) {
        return fields.iter().map(|field| ValueRef { expr: field.value, ..value }).collect();
    }
    if let ExprKind::Member { base, .. } = program.expr_kind(value) {
        // A text out of something that holds the trace does not hold it.
        let is_text = program.type_of(value).is_some_and(|ty| ty == "string");
        return if is_text { Vec::new() } else { vec![ValueRef { expr: *base, ..value }] };
    }
    match program.step(value) {
        Step::Values(values) => values.to_vec(),
        Step::Call(call, _) => study.slot(call, Slot::AnyArg).into_iter().chain(program.receiver(call)).collect(),
        Step::Part(whole) => vec![whole],
        Step::Param(function, n) if up && n != RECEIVER => program.arguments(function, n).to_vec(),
        _ => Vec::new(),
    }
}

/// Whether a variable is also given to a function that writes the trace into it.
fn is_injected_into(study: &Study<'_>, value: ValueRef) -> bool {
    let program = study.program;
    let flow = &program.files[value.file as usize].flow;
    let vars = flow.reaching(value.expr).iter().map(|def| flow.defs[def.0 as usize].var);
    let mut uses = vars.filter_map(|var| flow.vars.get(var.0 as usize)).flat_map(|var| &var.uses);
    uses.any(|used| {
        let used = ValueRef { expr: *used, ..value };
        program.parent(used).is_some_and(|call| writes_into(study, call, used, MAX_DEPTH))
    })
}

/// Whether a call writes the trace into an argument: a propagator's, or an own function's that does so with its parameter.
fn writes_into(study: &Study<'_>, call: ValueRef, given: ValueRef, depth: u32) -> bool {
    let program = study.program;
    if let Some(inject) = study.fact(call).and_then(|fact| fact.effect.inject) {
        return study.slot(call, inject.carrier).contains(&given);
    }
    let functions = program.callee(call).functions.clone();
    functions.iter().any(|function| {
        let params = 0..program.function(*function).params.len() as u16;
        study.summary(*function).has(Summary::INJECTS)
            && params.into_iter().any(|n| {
                program.argument(call, *function, n) == Some(given) && injects_into(study, *function, n, depth)
            })
    })
}

/// Whether a function writes the trace into what its parameter is or holds.
fn injects_into(study: &Study<'_>, function: FuncRef, n: u16, depth: u32) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    let program = study.program;
    let is_of_param = |value: ValueRef| {
        let mut work = vec![value];
        let mut seen = FxHashSet::default();
        while let Some(value) = work.pop() {
            if program.step(value) == Step::Param(function, n) {
                return true;
            }
            if seen.insert(value) && seen.len() < MAX_VALUES / 6 {
                work.extend(made_of(study, value, false));
            }
        }
        false
    };
    let flow = &program.files[function.file as usize].flow;
    study.with_nested(function).into_iter().flat_map(|inner| flow.calls_of(inner.id)).any(|site| {
        let call = ValueRef { file: function.file, expr: site.expr };
        if let Some(inject) = study.fact(call).and_then(|fact| fact.effect.inject) {
            return study.slot(call, inject.carrier).into_iter().any(is_of_param);
        }
        let calls = study.effect_of(call).has(Summary::INJECTS);
        calls
            && study
                .slot(call, Slot::AnyArg)
                .into_iter()
                .filter(|value| program.step(*value) == Step::Param(function, n))
                .any(|value| writes_into(study, call, value, depth))
    })
}
