//! Tasks that a helper is given by its callers, and hands on.

use super::task::{self, RUNNERS};
use crate::ir::{ExprKind, Language};
use crate::link::{FuncRef, Step, ValueRef};
use crate::study::{Inbound, Study, functions_of};

/// How many helpers that hand a task on to one another are looked through.
const MAX_DEPTH: u32 = 3;
/// How many callers of a helper are asked what they hand it to run.
const MAX_GIVEN: usize = 40;

/// The functions that the callers of a helper hand it by their names, which hands them on: `pool.submit(func, *args)` and
/// `partial(func, *args)` in `def run_blocking(func, *args)`.
pub(super) fn functions(study: &Study<'_>, value: ValueRef) -> Vec<FuncRef> {
    found(study, value, MAX_DEPTH)
}

fn found(study: &Study<'_>, value: ValueRef, depth: u32) -> Vec<FuncRef> {
    let program = study.program;
    let mut out = Vec::new();
    if depth == 0 || study.language() == Language::Go {
        return out;
    }
    match program.step(value) {
        Step::Param(function, n) => {
            // What runs while the process starts hands over work of its own.
            let serves = |given: &ValueRef| {
                let caller = program.function_covering(*given);
                study.inbound(caller) != Inbound::Root && !study.starts_process(caller)
            };
            for given in program.arguments(function, n).iter().copied().filter(serves).take(MAX_GIVEN) {
                let named = functions_of(study, given);
                out.extend(if named.is_empty() { found(study, given, depth - 1) } else { named });
            }
        }
        Step::Values(values) => {
            let others = values.into_iter().filter(|next| *next != value);
            out.extend(others.flat_map(|next| found(study, next, depth - 1)));
        }
        Step::Call(call, _) => {
            let given = study.fact(call).and_then(|fact| fact.effect.derives).map(|slot| study.slot(call, slot));
            out.extend(given.into_iter().flatten().flat_map(|next| found(study, next, depth - 1)));
        }
        _ => {}
    }
    out
}

/// The functions that a task, which is written out, runs of what the function around it was given: `() -> work.call()`,
/// `lambda: func(*args)`.
pub(super) fn called_inside(study: &Study<'_>, tasks: &[FuncRef]) -> Vec<FuncRef> {
    let program = study.program;
    let closures = tasks.iter().filter(|found| program.function(**found).parent.is_some_and(|parent| parent.0 != 0));
    let run = |call: ValueRef| {
        let ExprKind::Call { callee, .. } = program.expr_kind(call) else { return None };
        let callee = ValueRef { expr: *callee, ..call };
        match program.expr_kind(callee) {
            ExprKind::Name(_) if study.language() == Language::Python => Some(callee),
            ExprKind::Member { base, name, .. } if RUNNERS.contains(&name.as_str()) => {
                Some(ValueRef { expr: *base, ..call })
            }
            _ => None,
        }
    };
    let given = closures.flat_map(|closure| task::calls(study, *closure)).filter_map(run);
    given
        .filter(|value| matches!(program.step(*value), Step::Param(function, _) if !tasks.contains(&function)))
        .flat_map(|value| functions(study, value))
        .collect()
}
