//! Names that stand only until the same span is given another one.

use crate::ir::{ExprKind, StmtKind};
use crate::knowledge::Slot;
use crate::link::ValueRef;
use crate::link::flow::DefKind;
use crate::study::{CallFact, Study};

/// How deep a span is followed into the service's own functions.
const MAX_DEPTH: u32 = 3;

/// Whether the span that a call starts is named again later on: what it is started with stands where nothing better is
/// known by then.
pub(super) fn is_provisional(study: &Study<'_>, start: &CallFact<'_>) -> bool {
    let Some(Slot::Result(result)) = start.effect.span.map(|span| span.span) else { return false };
    let Some(file) = study.program.files.get(start.call.file as usize) else { return false };
    let takes_span = |kind: DefKind| match kind {
        DefKind::Value { index, .. } => index.unwrap_or(0) == result,
        _ => false,
    };
    let taken = file.flow.defs_from(start.call.expr).filter(|(_, def)| takes_span(def.kind));
    let uses = taken.filter_map(|(_, def)| file.flow.vars.get(def.var.0 as usize)).flat_map(|var| &var.uses);
    let mut uses = uses.map(|used| ValueRef { expr: *used, ..start.call });
    uses.any(|used| is_named_again(study, used, MAX_DEPTH))
}

/// Whether one use of a span's variable gives the span a name, or hands it to an own function that does.
fn is_named_again(study: &Study<'_>, used: ValueRef, depth: u32) -> bool {
    let program = study.program;
    let Some((depth, parent)) = depth.checked_sub(1).zip(program.parent(used)) else { return false };
    match program.expr_kind(parent) {
        ExprKind::Member { base, .. } if *base == used.expr => {
            program.parent(parent).is_some_and(|call| names(study, call, parent))
        }
        ExprKind::Call { callee, .. } if *callee != used.expr => {
            program.callee(parent).functions.iter().any(|function| {
                let params = 0..program.function(*function).params.len() as u16;
                let Some(n) = params.into_iter().find(|n| program.argument(parent, *function, *n) == Some(used)) else {
                    return false;
                };
                let flow = program.files.get(function.file as usize).map(|file| &file.flow);
                let var = flow.and_then(|flow| flow.param_var(function.id, n));
                let mut uses = var.into_iter().flat_map(|var| &var.uses);
                uses.any(|inner| is_named_again(study, ValueRef { file: function.file, expr: *inner }, depth))
            })
        }
        _ => false,
    }
}

/// Whether a call of this method names its span for more than one case among others.
fn names(study: &Study<'_>, call: ValueRef, method: ValueRef) -> bool {
    let is_called = matches!(study.program.expr_kind(call), ExprKind::Call { callee, .. } if *callee == method.expr);
    let Some(fact) = study.fact(call).filter(|_| is_called) else { return false };
    let names = fact.effect.span.is_none() && !fact.effect.span_name.is_empty();
    names && !(is_one_case(study, fact) && is_fixed(study, fact))
}

/// Whether a call stands in a branch.
fn is_one_case(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let Some(file) = study.program.files.get(fact.call.file as usize) else { return false };
    let (at, function) = (study.program.expr(fact.call).span, study.program.function(fact.function).span);
    file.source.facts.stmts.iter().any(|stmt| {
        matches!(stmt.kind, StmtKind::If { .. } | StmtKind::Switch { .. })
            && stmt.span.contains(at)
            && function.contains(stmt.span)
    })
}

/// Whether the name is written out: a failure, an upgrade, a probe.
fn is_fixed(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let mut names = fact.effect.span_name.iter().flat_map(|slot| study.slot(fact.call, *slot));
    names.any(|name| matches!(study.program.expr_kind(name), ExprKind::Str(_)))
}
