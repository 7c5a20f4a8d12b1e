//! `framework-context`: a framework's own request type is passed as a context, and hands out none of the request's values.

use super::forward::{GOES_ON, Journey, MAX_HANDED, is_given_headers, journey};
use super::vain::{is_given_in_vain, is_logged, is_of_store_apart};
use crate::finding::{Confidence, Related};
use crate::ir::ExprKind;
use crate::knowledge::{HopKind, TypeRole};
use crate::link::{FuncRef, ValueRef};
use crate::rules::Verdicts;
use crate::rules::clients::{Lives, can_be_inside, is_traced_store, traces_stores};
use crate::study::{CallFact, Study, Summary};
use rustc_hash::FxHashSet;

/// Finds framework contexts passed where a context is expected.
pub(super) fn check(lives: &Lives<'_, '_>, out: &mut Verdicts) {
    let study = lives.study;
    let program = study.program;
    let libraries = program.knowledge.libraries().iter();
    let switched = libraries.filter(|library| library.types.iter().any(|ty| !ty.context_switch.is_empty()));
    let modules: Vec<&str> = switched.flat_map(|library| &library.modules).map(String::as_str).collect();
    for (at, file) in program.files.iter().enumerate() {
        let imports = || file.scope.targets().any(|target| modules.iter().any(|module| target.starts_with(module)));
        if !study.unit(at as u32).is_traced() || !imports() {
            continue;
        }
        for site in &file.flow.calls {
            check_call(lives, ValueRef { file: at as u32, expr: site.expr }, out);
        }
    }
}

fn check_call(lives: &Lives<'_, '_>, call: ValueRef, out: &mut Verdicts) {
    let study = lives.study;
    let program = study.program;
    let ExprKind::Call { args, .. } = program.expr_kind(call) else { return };
    let callee = program.callee(call);
    for (n, arg) in args.iter().enumerate().take(2) {
        let value = ValueRef { file: call.file, expr: arg.value };
        let Some(ty) = program.type_of(value) else { continue };
        let Some((_, description)) = program.knowledge.ty(ty) else { continue };
        if description.context_switch.is_empty() || is_switched_on(study, description.context_switch) {
            continue;
        }
        let taken_as_context = callee.functions.iter().any(|function| {
            program.param_type(*function, n as u16).and_then(|ty| program.role(ty)) == Some(TypeRole::Context)
        });
        let effect = study.effect_of(call);
        // What takes no own parameter, or is not seen, is judged by all that it does.
        let is_seen = || taken_as_context && study.fact(call).is_none();
        let needs_trace = effect.has(GOES_ON) && !(is_seen() && is_given_in_vain(lives, call, value, MAX_HANDED))
            || effect.has(Summary::LOGS) && (!is_seen() || is_logged(lives, call, value, MAX_HANDED));
        let asks_store = || taken_as_context && may_reach_traced_store(lives, call, n as u16);
        let is_parted = study.effect_of(call).has(Summary::EXTRACTS) && is_given_headers(study, call);
        let caller = program.function_at(call);
        let has_trace = can_be_inside(study, caller);
        if !taken_as_context || !has_trace || is_parted || !needs_trace && !asks_store() {
            continue;
        }
        let confidence = if needs_trace { Confidence::Certain } else { Confidence::Likely };
        let name = study.text(value);
        let mut finding = study.finding("framework-context", value, confidence);
        finding.message = format!("{name} is passed as the context, but it does not hold the request's trace");
        finding.label = "the trace stays in the request's own context".to_owned();
        finding.effect = format!("everything below {} starts a new trace", study.callee_text(call));
        finding.help = format!(
            "pass {name}.Request.Context(), or set {} on the router so that {name} falls back to it",
            description.context_switch
        );
        if !needs_trace {
            finding.help +=
                &format!("; this assumes that {} asks the store that is traced here", study.callee_text(call));
        }
        finding.confirm =
            "call the route once with a traceparent header and look for its trace id below this call".to_owned();
        finding.related.extend(study.context_param(caller).map(|param| Related {
            place: param.place,
            message: "the trace arrives here, inside the request".to_owned(),
        }));
        out.findings.push(finding);
    }
}

/// Whether an own function that a call runs asks a store with the context that it is given, directly, through what is not
/// seen, or through others that it hands the context on to, in a unit that traces stores: less sure than
/// `forward::asks_traced_store`, which wants the very client to be traced.
fn may_reach_traced_store(lives: &Lives<'_, '_>, call: ValueRef, n: u16) -> bool {
    let study = lives.study;
    if !traces_stores(study, study.unit_of(call.file)) {
        return false;
    }
    let mut level: Vec<(FuncRef, u16)> = study.program.callee(call).functions.iter().map(|f| (*f, n)).collect();
    let mut seen = FxHashSet::default();
    for depth in 0..=MAX_HANDED {
        let mut next = Vec::new();
        for (function, n) in level.into_iter().filter(|at| seen.insert(*at)) {
            for went in uses_of(lives, function, n) {
                let is_unseen = |call: &ValueRef| study.fact(*call).is_none() && !is_of_store_apart(study, *call);
                let mut used = went.sinks.iter().chain(&went.opaque);
                // What is not seen further down is further from being a store.
                if used.any(|call| asks_store_of_traced_kind(lives, *call) || depth == 0 && is_unseen(call)) {
                    return true;
                }
                next.extend(went.handed.iter().flat_map(|call| given_context(study, *call)));
            }
        }
        level = next;
    }
    false
}

/// Where a context goes that a function is given.
fn uses_of(lives: &Lives<'_, '_>, function: FuncRef, n: u16) -> Vec<Journey> {
    let flow = lives.study.program.files.get(function.file as usize).map(|file| &file.flow);
    let var = flow.and_then(|flow| flow.param_var(function.id, n));
    let uses = var.map(|var| var.uses.as_slice()).unwrap_or_default();
    uses.iter().map(|used| journey(lives, ValueRef { file: function.file, expr: *used })).collect()
}

/// The own functions that a call may run, and as which parameter they are given a context.
fn given_context(study: &Study<'_>, call: ValueRef) -> Vec<(FuncRef, u16)> {
    let ExprKind::Call { args, .. } = study.program.expr_kind(call) else { return Vec::new() };
    let is_context = |expr| study.program.role_of(ValueRef { expr, ..call }) == Some(TypeRole::Context);
    let Some(n) = args.iter().position(|arg| is_context(arg.value)) else { return Vec::new() };
    study.program.callee(call).functions.iter().map(|function| (*function, n as u16)).collect()
}

/// Whether a call asks a store through a client that makes spans, or of a library whose clients are instrumented in the unit.
fn asks_store_of_traced_kind(lives: &Lives<'_, '_>, call: ValueRef) -> bool {
    let study = lives.study;
    let Some(fact) = study.fact(call) else { return false };
    let instruments = |other: &CallFact<'_>| {
        other.library.id == fact.library.id && other.effect.instruments.is_some() && other.effect.outbound
    };
    let is_store = fact.effect.hop.is_some_and(|hop| hop.kind == HopKind::Store);
    is_store && (is_traced_store(lives, fact) || study.calls_of_unit(study.unit_of(call.file)).any(instruments))
}

/// Whether the field that makes the framework's type fall back to the request's context is set anywhere.
fn is_switched_on(study: &Study<'_>, field: ustr::Ustr) -> bool {
    study.program.files.iter().any(|file| {
        file.flow.writes.iter().any(|write| {
            matches!(&file.source.facts.expr(write.target).kind, ExprKind::Member { name, .. } if *name == field)
        })
    })
}
