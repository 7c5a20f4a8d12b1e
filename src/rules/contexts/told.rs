//! What is surely seen in traces of the work that a context is given to (Go).

use super::forward::follow;
use super::replaced::crosses_by_type;
use crate::ir::ExprKind;
use crate::knowledge::{HopKind, TypeRole};
use crate::link::{FuncRef, ValueRef};
use crate::rules::clients::{Lives, checks_health, is_traced_client, is_traced_store};
use crate::study::Summary;
use rustc_hash::FxHashSet;

/// How many own functions are looked into that hand a context on to one another.
const MAX_FUNCTIONS: usize = 24;

/// Whether what a call does is surely seen in traces: no store is asked, which may be anybody's, no client that nothing
/// instruments, and nothing is only looked after. Own functions are followed with the context that they are given; of more
/// than are looked into, it is taken for granted.
pub(in crate::rules) fn is_told_of(lives: &Lives<'_, '_>, call: ValueRef) -> bool {
    let study = lives.study;
    let functions = &study.program.callee(call).functions;
    let Some(fact) = study.fact(call) else {
        let looks_after = functions.iter().any(|function| checks_health(study, *function));
        return !looks_after && (functions.is_empty() || tells_below(lives, call));
    };
    fact.effect.hop.is_none_or(|hop| hop.kind != HopKind::Store) && tells(lives, call)
}

/// Whether a call of a library makes a span, or goes out by a client that does.
fn tells(lives: &Lives<'_, '_>, call: ValueRef) -> bool {
    let Some(fact) = lives.study.fact(call) else { return true };
    match fact.effect.hop.map(|hop| hop.kind) {
        Some(HopKind::Store) => is_traced_store(lives, fact),
        Some(HopKind::HttpCall) => {
            lives.study.unit(call.file).coverage(fact.library).is_some() || is_traced_client(lives, fact)
        }
        Some(HopKind::RpcCall) => !lives.sends_plainly(call),
        // A message goes on with a trace where something covers the library, or somebody injects, who is a hop himself.
        Some(HopKind::Produce) => lives.study.unit(call.file).coverage(fact.library).is_some(),
        _ => true,
    }
}

/// Whether one of the own functions that a call may run does something that is surely seen in traces with the context that
/// it is given, or hands it to what is not seen.
fn tells_below(lives: &Lives<'_, '_>, call: ValueRef) -> bool {
    let Some(mut work) = given(lives, call) else { return true };
    let mut seen = FxHashSet::default();
    while let Some((function, n)) = work.pop() {
        if !seen.insert((function, n)) {
            continue;
        }
        if seen.len() > MAX_FUNCTIONS {
            return true;
        }
        let flow = lives.study.program.files.get(function.file as usize).map(|file| &file.flow);
        let var = flow.and_then(|flow| flow.param_var(function.id, n));
        let uses = var.map(|var| var.uses.as_slice()).unwrap_or_default();
        let went = follow(lives, uses.iter().map(|used| ValueRef { file: function.file, expr: *used }).collect(), 0);
        let is_unseen = went.escapes || !went.handlers.is_empty();
        if is_unseen || went.opaque.iter().any(|call| crosses_by_type(lives.study, *call)) {
            return true;
        }
        for next in went.sinks.into_iter().chain(went.handed) {
            let is_own = lives.study.fact(next).is_none();
            match given(lives, next).filter(|_| is_own) {
                Some(_) if lives.sends_plainly(next) => {}
                Some(more) => work.extend(more),
                None if is_own || tells(lives, next) => return true,
                None => {}
            }
        }
    }
    false
}

/// The own functions that a call may run which do anything outside, and as which parameter they are given its context.
fn given(lives: &Lives<'_, '_>, call: ValueRef) -> Option<Vec<(FuncRef, u16)>> {
    let study = lives.study;
    let ExprKind::Call { args, .. } = study.program.expr_kind(call) else { return None };
    let is_context = |expr| study.program.role_of(ValueRef { expr, ..call }) == Some(TypeRole::Context);
    let n = args.iter().position(|arg| is_context(arg.value))? as u16;
    let does = Summary::STARTS | Summary::CALLS_OUT | Summary::PRODUCES | Summary::INJECTS | Summary::STORES;
    let callee = study.program.callee(call);
    let doing = callee.functions.iter().filter(|function| study.summary(**function).has(does));
    Some(doing.map(|function| (*function, n)).collect())
}
