//! The functions that handle messages, and how messages come to them.

use super::around::handled;
use super::client::{Instance, Plugged, instance};
use super::hops::hop_calls;
use super::made::made_handlers;
use super::relay;
use crate::ir::Language;
use crate::knowledge::{AnnotationRole, HopKind, LibraryDescription, Slot, TypeRole};
use crate::link::{FuncRef, ValueRef};
use crate::study::{CallFact, Study, Summary, described_annotation, functions_of, handling};
use rustc_hash::FxHashSet;

/// A function that handles messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Handler {
    pub(super) function: FuncRef,
    pub(super) by: By,
}

/// How messages come to a handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// It receives them itself.
    Receiving,
    /// The library calls it.
    Library,
    /// Another function puts what is in them into a value of an own type, and that into a channel.
    Relay,
}

pub(super) fn handlers(study: &Study<'_>, fact: &CallFact<'_>) -> Vec<Handler> {
    if let Some(registers) = fact.effect.registers {
        let given = study.slot(fact.call, registers.handler);
        let functions = given.into_iter().flat_map(|value| functions_of(study, value));
        return functions.map(|function| Handler { function, by: By::Library }).collect();
    }
    let receiving = study.program.outermost(fact.function);
    let mut out = vec![Handler { function: receiving, by: By::Receiving }];
    for ty in relay::sent_types(study, receiving) {
        let takers = relay::takers(study, ty).into_iter().filter(|taker| *taker != receiving);
        out.extend(takers.map(|function| Handler { function, by: By::Relay }));
    }
    out
}

/// The functions that are registered for messages and begin without their traces (Go): nothing covers or instruments what
/// calls them, and neither they nor what is around them reads a trace or starts a span.
pub(in crate::rules) fn untraced_handlers(study: &Study<'_>) -> FxHashSet<FuncRef> {
    let mut out = FxHashSet::default();
    if study.language() != Language::Go {
        return out;
    }
    let plugged = Plugged::default();
    let reads = Summary::EXTRACTS | Summary::INSTRUMENTS;
    for fact in &hop_calls(study, &[HopKind::Consume]) {
        let is_open = fact.effect.registers.is_none()
            || study.unit(fact.call.file).coverage(fact.library).is_some()
            || plugged.has(study, fact.call.file, fact.library)
            || instance(study, fact) == Instance::Instrumented;
        if is_open {
            continue;
        }
        // A span further down stands for what is below it alone.
        let is_dark = |handler: &Handler| !handled(study, handler).has(reads) && !starts_here(study, handler.function);
        let handlers = handlers(study, fact).into_iter().filter(is_dark);
        out.extend(handlers.map(|handler| handler.function));
    }
    out.extend(without_plugs(study, &plugged));
    out
}

/// The functions that are registered with what hands out work and takes up traces only by what is plugged into it, where
/// nothing near plugs anything in (`worker.RegisterActivity(pack)`).
fn without_plugs<'a>(study: &Study<'a>, plugged: &Plugged<'a>) -> Vec<FuncRef> {
    let is_plugged = |unit: usize, library: &LibraryDescription| {
        let instruments = |fact: &CallFact<'_>| fact.library.id == library.id && fact.effect.instruments.is_some();
        plugged.in_unit(study, unit, library) || study.calls_of_unit(unit).any(instruments)
    };
    let is_without = |fact: &&CallFact<'_>| {
        let library = fact.library;
        let mut on = study.slot(fact.call, Slot::Receiver).into_iter();
        !library.plugs.is_empty()
            && fact.effect.hop.is_none()
            && on.any(|on| study.program.role_of(on) == Some(TypeRole::Consumer))
            && study.unit(fact.call.file).coverage(library).is_none()
            && !study.units_near(study.unit_of(fact.call.file)).into_iter().any(|unit| is_plugged(unit, library))
    };
    let registering =
        study.calls().iter().filter_map(|fact| Some((fact, fact.effect.registers.filter(|found| !found.root)?)));
    let without = registering.filter(|(fact, _)| is_without(fact));
    let handlers = without.flat_map(|(fact, registers)| study.slot(fact.call, registers.handler));
    let functions = handlers.flat_map(|handler| functions_of(study, handler));
    functions.filter(|function| !starts_here(study, *function)).collect()
}

/// Whether a function starts a span itself, or is handed one by a helper.
fn starts_here(study: &Study<'_>, function: FuncRef) -> bool {
    study.with_nested(function).into_iter().any(|inner| {
        let Some(file) = study.program.files.get(inner.file as usize) else { return true };
        let mut calls = file.flow.calls_of(inner.id).map(|site| ValueRef { file: inner.file, expr: site.expr });
        calls.any(|call| hands_out_span(study, call) || study.own_effect(call).has(Summary::STARTS))
    })
}

/// The functions that a library gives messages to, by annotation or by the type that they belong to.
pub(super) fn given_by_library<'a>(study: &Study<'a>) -> Vec<(FuncRef, &'a LibraryDescription)> {
    let mut out: Vec<_> = handling(study).into_iter().filter(|(_, library)| consumes(library)).collect();
    for function in study.program.all_functions() {
        let annotations = study.program.function(function).annotations.iter();
        let described = annotations.filter_map(|found| described_annotation(study, function.file, found));
        let mut consumers = described.filter(|(_, found)| found.role == AnnotationRole::Consumer);
        out.extend(consumers.next().map(|(library, _)| (function, library)));
    }
    out.extend(made_handlers(study));
    out
}

/// Whether a library hands out messages.
pub(super) fn consumes(library: &LibraryDescription) -> bool {
    library.types.iter().any(|ty| ty.role == TypeRole::Consumer)
}

/// Whether a call of an own helper starts a span for its caller.
pub(super) fn hands_out_span(study: &Study<'_>, call: ValueRef) -> bool {
    let is_span =
        |n| study.program.result_type(call, n, 8).and_then(|ty| study.program.role(ty)) == Some(TypeRole::Span);
    study.fact(call).is_none() && (is_span(0) || is_span(1))
}
