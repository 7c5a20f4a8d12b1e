//! What stands in front of a filter: of several that start spans, only the foremost has the caller's trace to read.

use super::extract::is_filter;
use crate::ir::ExprKind;
use crate::knowledge::{CallShape, NameOf, Slot, speaks_of_tracing};
use crate::link::{FuncRef, ValueRef};
use crate::study::{Study, Summary, functions_of};
use rustc_hash::FxHashSet;

/// Those of some functions that start spans for requests behind which no other is seen to stand: neither in the list of
/// a registration (`r.POST(path, Tracing(), Auth(), handler)`) nor, of a unit's filters, one that is there for the trace.
pub(super) fn foremost(study: &Study<'_>, functions: &[FuncRef]) -> FxHashSet<FuncRef> {
    let behind = behind_others(study, functions);
    let is_named =
        |function: FuncRef| speaks_of_tracing(&study.function_name(study.program.outermost(function)), NameOf::Filter);
    let filters: Vec<FuncRef> = functions.iter().copied().filter(|function| is_filter(study, *function)).collect();
    let named: FxHashSet<usize> =
        filters.iter().filter(|function| is_named(**function)).map(|function| study.unit_of(function.file)).collect();
    let is_inner = |function: FuncRef| {
        filters.contains(&function) && !is_named(function) && named.contains(&study.unit_of(function.file))
    };
    functions.iter().copied().filter(|function| !behind.contains(function) && !is_inner(*function)).collect()
}

/// Those of some functions that stand, in an argument list, behind what starts or reads traces.
fn behind_others(study: &Study<'_>, functions: &[FuncRef]) -> FxHashSet<FuncRef> {
    let mut out = FxHashSet::default();
    for (file, unit) in (0u32..).zip(&study.program.files) {
        for site in &unit.flow.calls {
            let call = ValueRef { file, expr: site.expr };
            let mut in_front: Vec<Option<CallShape>> = Vec::new();
            for value in study.slot(call, Slot::AnyArg) {
                let run = run_by(study, value);
                // What is for calls of one kind is in front of those alone.
                let shape = study.fact(value).and_then(|fact| fact.effect.for_calls);
                if in_front.iter().any(|front| front.is_none() || shape.is_none() || *front == shape) {
                    out.extend(functions.iter().filter(|function| run.contains(function)));
                }
                let traces = Summary::STARTS | Summary::EXTRACTS | Summary::INSTRUMENTS;
                if run.iter().any(|function| is_filter(study, *function) && study.summary(*function).has(traces)) {
                    in_front.push(shape);
                }
            }
        }
    }
    out
}

/// The functions behind a function value, with what is written in the function that makes it.
fn run_by(study: &Study<'_>, value: ValueRef) -> Vec<FuncRef> {
    let is_function = matches!(
        study.program.expr_kind(value),
        ExprKind::Call { .. } | ExprKind::Member { .. } | ExprKind::Name(_) | ExprKind::Closure(_)
    );
    if !is_function {
        return Vec::new();
    }
    let makers = study.program.callee(value).functions.to_vec();
    let given = functions_of(study, value).into_iter().chain(makers);
    given.flat_map(|function| study.with_nested(function)).collect()
}
