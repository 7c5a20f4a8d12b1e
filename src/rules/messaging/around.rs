//! What is done around the handler of a message: by itself, below it, and in callers that it hands the message back to.

use super::handlers::{By, Handler};
use super::hops::method_name;
use super::material::names_key;
use super::relay;
use crate::ir::{ExprKind, Language};
use crate::knowledge::{LibraryDescription, Slot};
use crate::link::{FuncRef, ValueRef};
use crate::study::{CallFact, Inbound, Study, Summary, functions_of, handling};
use rustc_hash::FxHashSet;

/// How many callers up the message may be handled.
const CALLERS_UP: usize = 4;

/// Whether something of the service's own stands before the handlers of a library: it extracts and hands on by the same
/// method.
pub(super) fn is_decorated(study: &Study<'_>, function: FuncRef, library: &LibraryDescription) -> bool {
    let name = study.program.function(function).name;
    let hands_on = |other: FuncRef| {
        let calls = study.with_nested(other).into_iter().flat_map(|inner| {
            let file = &study.program.files[inner.file as usize];
            file.flow.calls_of(inner.id).map(move |site| ValueRef { file: inner.file, expr: site.expr })
        });
        calls.into_iter().any(|call| method_name(study, call) == Some(name.as_str()))
    };
    handling(study)
        .into_iter()
        .any(|(other, owner)| owner.id == library.id && study.summary(other).has(Summary::EXTRACTS) && hands_on(other))
}

/// Whether the service gives a function of its own that extracts to what a handler is registered with, by another of its
/// methods, which puts it in front of all handlers: `mux.Use(continueTrace)`.
pub(super) fn is_fronted(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let registration = study.program.callee(fact.call);
    let Some((owner, method)) = registration.name.as_ref().and_then(|name| name.rsplit_once('.')) else { return false };
    let is_other = |call: ValueRef| {
        let name = study.program.callee(call).name;
        name.is_some_and(|name| name.rsplit_once('.').is_some_and(|(known, other)| known == owner && other != method))
    };
    let unit = study.unit_of(fact.call.file);
    let files = (0u32..).zip(&study.program.files).filter(|(_, file)| file.source.unit == unit);
    let mut calls =
        files.flat_map(|(file, known)| known.flow.calls.iter().map(move |site| ValueRef { file, expr: site.expr }));
    calls.any(|call| is_other(call) && given_functions(study, call).has(Summary::EXTRACTS | Summary::REBUILDS))
}

/// What is done around a handler: by itself and below it, and beside it in the callers to which it hands the message
/// back, or whose function it gives the message to.
pub(super) fn handled(study: &Study<'_>, handler: &Handler) -> Summary {
    let mut out = study.summary(handler.function) | of_handed(study, handler.function);
    if handler.by != By::Receiving {
        return out;
    }
    let mut level = vec![handler.function];
    let mut seen = FxHashSet::default();
    for _ in 0..CALLERS_UP {
        let mut next = Vec::new();
        for at in level {
            let back = hands_back(study, at);
            for call in study.program.callers(at) {
                let caller = study.program.outermost(study.program.function_at(*call));
                out |= given_functions(study, *call);
                if back && caller.id.0 != 0 && seen.insert(caller) {
                    out |= beside(study, caller);
                    next.push(caller);
                }
            }
        }
        level = next;
    }
    out
}

/// What the functions do that a handler runs through values: it may have been given them.
fn of_handed(study: &Study<'_>, function: FuncRef) -> Summary {
    let inner = study.with_nested(function).into_iter();
    let calls = inner.flat_map(|inner| {
        let sites = study.program.files.get(inner.file as usize).map(|file| file.flow.calls_of(inner.id));
        sites.into_iter().flatten().map(move |site| ValueRef { file: inner.file, expr: site.expr })
    });
    let handed = calls.flat_map(|call| study.run_through(call));
    handed.fold(Summary::default(), |out, function| out | study.summary(*function))
}

/// Whether a function has a result other than an error.
fn hands_back(study: &Study<'_>, function: FuncRef) -> bool {
    let decl = study.program.function(function);
    let Some(file) = study.program.files.get(function.file as usize) else { return true };
    match study.language() {
        Language::Python => {
            let returns = file.flow.returns_of(function.id).any(|found| !found.values.is_empty());
            let is_yield = |expr: &crate::ir::Expr| matches!(expr.kind, ExprKind::Yield(_));
            returns || file.source.facts.exprs.iter().any(|expr| is_yield(expr) && decl.span.contains(expr.span))
        }
        _ => decl.results.iter().any(|ty| !matches!(ty.name.as_str(), "error" | "void" | "boolean" | "bool")),
    }
}

/// What the functions do that a call gives away: the message may come to them.
fn given_functions(study: &Study<'_>, call: ValueRef) -> Summary {
    let given = study.slot(call, Slot::AnyArg).into_iter().flat_map(|value| functions_of(study, value));
    given.fold(Summary::default(), |out, function| out | study.summary(function))
}

/// What a caller does with what it gets: its own calls of libraries, and the own functions that it calls. A function
/// that only starts everything says nothing of one message.
fn beside(study: &Study<'_>, caller: FuncRef) -> Summary {
    if study.inbound(caller) == Inbound::Root && !hands_back(study, caller) {
        return direct(study, caller);
    }
    study.summary(caller)
}

/// What a function does itself, and the own functions that it calls do themselves.
fn direct(study: &Study<'_>, function: FuncRef) -> Summary {
    let mut out = Summary::default();
    for inner in study.with_nested(function) {
        let Some(file) = study.program.files.get(inner.file as usize) else { continue };
        for site in file.flow.calls_of(inner.id) {
            let call = ValueRef { file: inner.file, expr: site.expr };
            out |= study.own_effect(call);
            for callee in &study.program.callee(call).functions {
                let known = study.with_nested(*callee);
                let facts = known.iter().flat_map(|at| study.calls_in(*at));
                out |= facts.fold(Summary::default(), |out, fact| out | study.own_effect(fact.call));
            }
        }
    }
    out
}

/// Whether a function gives a span or context to another one, links to one, or instruments something: the message's may be
/// in it.
pub(super) fn takes_over(study: &Study<'_>, function: FuncRef) -> bool {
    study.with_nested(function).into_iter().any(|inner| {
        study.calls_in(inner).any(|fact| {
            let traces = || fact.library.functions.iter().any(|effect| effect.span.is_some());
            (fact.effect.binds_context.is_some() && traces()) || fact.effect.instruments.is_some() || fact.effect.links
        })
    })
}

/// Whether the messages are only put into a channel or queue, and something in the unit extracts: that may be where
/// they come out.
pub(super) fn is_handed_on(study: &Study<'_>, handler: &Handler) -> bool {
    let unit = study.unit_of(handler.function.file);
    handler.by == By::Receiving
        && relay::sends(study, handler.function)
        && study.calls().iter().any(|fact| fact.effect.extract.is_some() && study.unit_of(fact.call.file) == unit)
}

pub(super) fn names_key_below(study: &Study<'_>, handler: FuncRef) -> bool {
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
                let call = ValueRef { file: inner.file, expr: site.expr };
                let callee = study.program.callee(call);
                work.extend(callee.functions.iter().chain(study.run_through(call)).map(|next| (*next, depth + 1)));
            }
        }
    }
    false
}
