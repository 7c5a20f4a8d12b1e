//! What still runs under the context from before a span was started, while that span is open.

use super::belonging::{takes_span, takes_work};
use super::span_ends::first_end;
use super::span_starts::Start;
use super::stale::request_of;
use crate::ir::{ExprKind, StmtKind};
use crate::knowledge::TypeRole;
use crate::link::ValueRef;
use crate::link::flow::{Def, DefKind, VarId};
use crate::rules::clients::Lives;
use crate::rules::spans::exclude;
use crate::study::Study;

/// How many uses of a context, and of those made of it, are looked at.
const MAX_USES: usize = 64;

/// Calls after the start that take the same context variable, or the request that holds it, and do something that
/// belongs under the span.
pub(super) fn uses_under_old(
    lives: &Lives<'_, '_>,
    start: &Start,
    matters: impl Fn(ValueRef, ValueRef) -> bool,
) -> Vec<ValueRef> {
    let study = lives.study;
    let program = study.program;
    let request = request_of(study, start.old);
    let old = request.unwrap_or(start.old);
    if !matches!(program.expr_kind(old), ExprKind::Name(_)) {
        return Vec::new();
    }
    let reaching = program.reaching(old);
    let Some(var) = reaching.first().map(|def| program.def(old.file, *def).var) else { return Vec::new() };
    let same = |value: ValueRef| program.reaching(value) == reaching;
    let mut out = calls_after(study, start, var, same, matters).unwrap_or_default();
    let ends = end_of_block(study, start.call);
    let is_open = is_left_open(study, start, ends);
    let is_covered =
        |call: &ValueRef| program.expr(*call).span.start < ends || is_open && !exclude(study, start.call, *call);
    out.retain(is_covered);
    out
}

/// Whether a span is still open behind the block that it is started in, which goes on into what follows: it is ended by
/// `defer` there.
fn is_left_open(study: &Study<'_>, start: &Start, ends: u32) -> bool {
    let program = study.program;
    let from = program.expr(start.call).span.start;
    let is_inside = |span: crate::ir::Span| (from..ends).contains(&span.start);
    let stmts = &program.files[start.call.file as usize].source.facts.stmts;
    let leaves = stmts.iter().any(|stmt| is_inside(stmt.span) && matches!(stmt.kind, StmtKind::Return(_)));
    let mut ended = study.calls_in(start.function).filter(|fact| fact.effect.ends.is_some() && fact.site.deferred);
    !leaves && ended.any(|fact| is_inside(program.expr(fact.call).span))
}

/// Calls after the start that take the function's own context instead of the one that was put into a field.
pub(super) fn uses_of_own(study: &Study<'_>, start: &Start, field: ValueRef) -> Option<Vec<ValueRef>> {
    let program = study.program;
    let ExprKind::Member { name, .. } = program.expr_kind(field) else { return None };
    let flow = &program.files[field.file as usize].flow;
    let read_later = program.files[field.file as usize].source.facts.exprs.iter().any(|expr| {
        let after = expr.span.start > program.expr(start.call).span.end;
        let inside = program.function(start.function).span.contains(expr.span);
        after && inside && matches!(&expr.kind, ExprKind::Member { name: read, .. } if read == name)
    });
    if read_later {
        return None;
    }
    let params = 0..program.function(start.function).params.len() as u16;
    let own = params
        .filter(|n| program.param_type(start.function, *n).and_then(|ty| program.role(ty)) == Some(TypeRole::Context));
    let vars = own.filter_map(|n| flow.param_var(start.function.id, n));
    let mut out = Vec::new();
    for var in vars {
        let Some(first) = var.defs.first() else { continue };
        let only = |value: ValueRef| program.reaching(value) == [*first];
        out.extend(calls_after(study, start, flow.defs[first.0 as usize].var, only, |call, _| {
            takes_work(study, call)
        })?);
    }
    Some(out)
}

/// The calls behind a start, before its span ends, that a variable is given to and that matter; `None` when
/// one of them binds the span to it.
fn calls_after(
    study: &Study<'_>,
    start: &Start,
    var: VarId,
    same: impl Fn(ValueRef) -> bool,
    matters: impl Fn(ValueRef, ValueRef) -> bool,
) -> Option<Vec<ValueRef>> {
    let program = study.program;
    let flow = &program.files[start.call.file as usize].flow;
    let started = program.expr(start.call).span.end;
    let ends = first_end(study, start).unwrap_or(u32::MAX);
    let function = program.function(start.function).span;
    let mut out = Vec::new();
    let is_after = |value: &ValueRef| {
        let span = program.expr(*value).span;
        (started..=ends).contains(&span.start) && function.contains(span)
    };
    let uses = flow.vars[var.0 as usize].uses.iter().map(|used| ValueRef { expr: *used, ..start.call });
    let mut work: Vec<ValueRef> = uses.filter(|value| is_after(value) && same(*value)).collect();
    let mut at = 0;
    while let Some(value) = work.get(at).copied() {
        at += 1;
        let Some(call) = program.parent(value) else { continue };
        let binds = study.fact(call).is_some_and(|fact| fact.effect.binds_context.is_some());
        if binds || takes_span(study, call) {
            return None;
        }
        if matters(call, value) {
            out.push(call);
        } else if work.len() < MAX_USES {
            work.extend(uses_of_derived(study, call, value).into_iter().filter(is_after));
        }
    }
    Some(out)
}

/// Where the context is used that a call makes of another one and that is kept in a variable of its own:
/// `limited, cancel := context.WithTimeout(ctx, …)`.
fn uses_of_derived(study: &Study<'_>, call: ValueRef, context: ValueRef) -> Vec<ValueRef> {
    let program = study.program;
    let derives = study.fact(call).filter(|fact| fact.effect.span.is_none()).and_then(|fact| fact.effect.derives);
    if !derives.is_some_and(|slot| study.slot(call, slot).contains(&context)) {
        return Vec::new();
    }
    let Some(file) = program.files.get(call.file as usize) else { return Vec::new() };
    let is_context = |def: &Def| matches!(def.kind, DefKind::Value { index: None | Some(0), .. });
    let Some((id, def)) = file.flow.defs_from(call.expr).find(|(_, def)| is_context(def)) else { return Vec::new() };
    let uses = file.flow.vars.get(def.var.0 as usize).map(|var| var.uses.as_slice()).unwrap_or_default();
    let uses = uses.iter().map(|used| ValueRef { expr: *used, ..call });
    uses.filter(|used| program.reaching(*used) == [id]).collect()
}

/// Where the innermost block ends that a call stands in: what comes behind is not below it on every way.
fn end_of_block(study: &Study<'_>, call: ValueRef) -> u32 {
    let facts = &study.program.files[call.file as usize].source.facts;
    let at = study.program.expr(call).span;
    let statements = |block: &[u32]| -> Option<crate::ir::Span> {
        let inner = |id: &u32| facts.stmts.get(*id as usize).map(|stmt| stmt.span);
        block
            .iter()
            .filter_map(inner)
            .any(|span| span.contains(at))
            .then(|| block.iter().filter_map(inner).next_back())?
    };
    let blocks = facts.stmts.iter().filter(|stmt| stmt.span.contains(at)).flat_map(|stmt| stmt.kind.blocks());
    let ends = blocks.filter_map(statements).map(|last| last.end);
    ends.min().unwrap_or(u32::MAX)
}
