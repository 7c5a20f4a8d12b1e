//! Calls that hand out the context of a span which they start: of libraries, of helpers around them, of own functions.

use super::passed_over;
use crate::ir::{ExprId, ExprKind, Language};
use crate::knowledge::{Slot, TypeRole};
use crate::link::flow::DefKind;
use crate::link::{FuncRef, Origin, ValueRef};
use crate::study::{CallFact, Study, Summary};

/// How many contexts are looked at of which each is made of the one before.
const MAX_DERIVATIONS: u32 = 4;

/// A call that hands out a span's context: of a library, or of a helper of the service around it.
pub(super) struct Start {
    pub(super) call: ValueRef,
    /// The function it stands in.
    pub(super) function: FuncRef,
    /// Which result is the context.
    pub(super) derived: u8,
    /// The context from before.
    pub(super) old: ValueRef,
}

/// The calls of own functions that are declared to take a context and to hand out a span with its context, and that start
/// one, or are named for that where only an interface is seen.
pub(super) fn declared_starts(study: &Study<'_>) -> Vec<Start> {
    let program = study.program;
    let mut out = Vec::new();
    if study.language() != Language::Go {
        return out;
    }
    for (file, unit) in (0u32..).zip(&program.files).filter(|(file, _)| study.unit(*file).is_traced()) {
        for site in &unit.flow.calls {
            let call = ValueRef { file, expr: site.expr };
            let functions = &program.callee(call).functions;
            let Some(first) = functions.first().filter(|_| study.fact(call).is_none()) else { continue };
            let decl = program.function(*first);
            if !(2..=3).contains(&decl.results.len()) || decl.flags.is_closure {
                continue;
            }
            let role = |n: u8| program.result_type(call, n, 8).and_then(|ty| program.role(ty));
            let at = |wanted| (0..decl.results.len() as u8).find(|n| role(*n) == Some(wanted));
            let (Some(_), Some(derived)) = (at(TypeRole::Span), at(TypeRole::Context)) else { continue };
            let starts = study.effect_of(call).has(Summary::STARTS) || decl.name.to_lowercase().starts_with("start");
            let is_context = |value: &ValueRef| program.role_of(*value) == Some(TypeRole::Context);
            let old = study.slot(call, Slot::AnyArg).into_iter().find(is_context);
            if let Some(old) = old.filter(|_| starts) {
                out.push(Start { call, function: program.function_at(call), derived, old });
            }
        }
    }
    out
}

pub(super) fn library_start(study: &Study<'_>, fact: &CallFact<'_>) -> Option<Start> {
    let span = fact.effect.span.filter(|span| !span.current)?;
    let Slot::Result(derived) = span.derived else { return None };
    let old = study.program.slot(fact.call, span.context).first().copied()?;
    Some(Start { call: fact.call, function: fact.function, derived, old })
}

/// The calls of a helper that starts a span under a context it is given and hands the span's context back.
pub(super) fn helper_starts(study: &Study<'_>, start: &Start) -> Vec<Start> {
    let program = study.program;
    let function = start.function;
    let given = program.origins(start.old, false).into_iter().find_map(|origin| match origin {
        Origin::Param(of, n) if of == function && n != crate::link::flow::RECEIVER => Some(n),
        _ => None,
    });
    let (Some(param), Some(derived)) = (given, returned_at(study, start)) else { return Vec::new() };
    // The span is over for whoever is handed its context.
    if passed_over::is_ended_here(study, start) {
        return Vec::new();
    }
    let callers = program.callers(function).iter().filter(|call| program.callee(**call).functions.len() == 1);
    callers
        .filter_map(|call| {
            let old = program.argument(*call, function, param)?;
            Some(Start { call: *call, function: program.function_at(*call), derived, old })
        })
        .collect()
}

/// The position at which the function of a start returns the span's context.
fn returned_at(study: &Study<'_>, start: &Start) -> Option<u8> {
    let flow = &study.program.files[start.call.file as usize].flow;
    let is_derived = |value: &ExprId| continues(study, start, ValueRef { expr: *value, ..start.call }, MAX_DERIVATIONS);
    flow.returns_of(start.function.id).find_map(|found| match found.values.as_slice() {
        [one] if *one == start.call.expr => Some(start.derived),
        values => values.iter().position(is_derived).map(|at| at as u8),
    })
}

/// Whether a value of the function of a start is the span's context, or one that is made of it (`context.WithValue(ctx, …)`,
/// `withTags(ctx)`).
fn continues(study: &Study<'_>, start: &Start, value: ValueRef, depth: u32) -> bool {
    let program = study.program;
    let Some(depth) = depth.checked_sub(1) else { return false };
    let made_of = |call: ValueRef| {
        let is_context = |value: ValueRef| program.role_of(value) == Some(TypeRole::Context);
        let is_call = matches!(program.expr_kind(call), ExprKind::Call { .. });
        let given = || study.slot(call, Slot::AnyArg).into_iter().filter(|value| is_context(*value));
        is_call && is_context(call) && given().any(|value| continues(study, start, value, depth))
    };
    let defs = program.reaching(value).iter().map(|def| &program.def(value.file, *def).kind);
    made_of(value)
        || defs.into_iter().any(|kind| match kind {
            DefKind::Value { value, index } if *value == start.call.expr => index.unwrap_or(0) == start.derived,
            DefKind::Value { value, index: None | Some(0) } => made_of(ValueRef { expr: *value, ..start.call }),
            _ => false,
        })
}

/// Whether a call hands out a span or a bound request itself: the next phase beside this one.
pub(super) fn starts_by_itself(study: &Study<'_>, call: ValueRef) -> bool {
    const RESULTS: u8 = 3;
    let is_span = |n: u8| {
        let ty = study.program.result_type(call, n, 8);
        ty.and_then(|ty| study.program.role(ty)) == Some(TypeRole::Span)
    };
    study.fact(call).is_some_and(|fact| fact.effect.span.is_some() || fact.effect.binds_context.is_some())
        || (0..RESULTS).any(is_span)
}
