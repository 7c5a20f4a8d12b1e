//! Servers and clients that are made plain where tracing is switched off, and traced where it is on.

use super::life::{Life, Lives};
use super::words;
use crate::ir::{Block, ExprId, ExprKind, FileFacts, Span, Stmt, StmtKind};
use crate::knowledge::{Slot, TypeRole};
use crate::link::flow::DefKind;
use crate::link::{FuncRef, ValueRef};
use crate::study::{CallFact, Study};

/// Whether what a call makes stands in where tracing is off: a choice that asks for tracing makes the same, instrumented,
/// on its other side (`if tracer != nil { … } else { … }`), there or around all calls of the function that makes it.
pub(super) fn is_made_where_off(lives: &Lives<'_, '_>, made: ValueRef) -> bool {
    let Some(fact) = lives.study.fact(made) else { return false };
    if is_on_side(lives, fact, made) {
        return true;
    }
    let callers = lives.study.program.callers(lives.study.program.outermost(fact.function));
    !callers.is_empty() && callers.len() <= MAX_CALLERS && callers.iter().all(|call| is_on_side(lives, fact, *call))
}

/// Whether a place stands in one arm of a condition that asks for tracing.
pub(super) fn stands_where_off(study: &Study<'_>, at: ValueRef) -> bool {
    let program = study.program;
    let Some(file) = program.files.get(at.file as usize) else { return false };
    let facts = &file.source.facts;
    let around = program.function(program.function_at(at)).span;
    let mut stmts = facts.stmts.iter().filter(|stmt| around.contains(stmt.span));
    stmts.any(|stmt| {
        let found = other_side(facts, stmt, program.expr(at).span, around);
        found.is_some_and(|(asked, _)| asks_for_tracing(study, asked, at))
    })
}

/// How many calls of the function that makes a server or client are looked at.
const MAX_CALLERS: usize = 8;

/// Whether a place stands on the side of a choice where tracing is off.
fn is_on_side(lives: &Lives<'_, '_>, made: &CallFact<'_>, at: ValueRef) -> bool {
    let program = lives.study.program;
    let Some(file) = program.files.get(at.file as usize) else { return false };
    let facts = &file.source.facts;
    let function = program.function_at(at);
    let around = program.function(function).span;
    facts.stmts.iter().filter(|stmt| around.contains(stmt.span)).any(|stmt| {
        other_side(facts, stmt, program.expr(at).span, around).is_some_and(|(asked, other)| {
            asks_for_tracing(lives.study, asked, at) && is_traced_in(lives, made, function, other)
        })
    })
}

/// The condition of a choice, and the side of it on which a place does not lie. Where one side returns, all that comes
/// after the choice is the other.
fn other_side(facts: &FileFacts, stmt: &Stmt, at: Span, function: Span) -> Option<(ExprId, Span)> {
    let StmtKind::If { condition, then, otherwise, .. } = &stmt.kind else { return None };
    let then_side = covered(facts, then)?;
    let returns = facts.statements(then).any(|inner| matches!(inner.kind, StmtKind::Return(_)));
    let after = returns.then_some(Span { start: stmt.span.end, end: function.end });
    let other_side = covered(facts, otherwise).or(after)?;
    if then_side.contains(at) {
        return Some((*condition, other_side));
    }
    other_side.contains(at).then_some((*condition, then_side))
}

/// What the statements of a block cover.
fn covered(facts: &FileFacts, block: &Block) -> Option<Span> {
    let first = facts.statements(block).next()?;
    let last = facts.statements(block).last()?;
    Some(Span { start: first.span.start, end: last.span.end })
}

/// Whether a condition asks for a tracer, or for what is named after tracing.
fn asks_for_tracing(study: &Study<'_>, condition: ExprId, near: ValueRef) -> bool {
    let program = study.program;
    let mut work = vec![condition];
    while let Some(expr) = work.pop() {
        let value = ValueRef { expr, ..near };
        if matches!(program.role_of(value), Some(TypeRole::Tracer | TypeRole::Provider)) || is_of_tracing(study, value)
        {
            return true;
        }
        match program.expr_kind(value) {
            ExprKind::Name(name) if words::speaks_of_tracing(name) => return true,
            ExprKind::Member { name, .. } if words::speaks_of_tracing(name) => return true,
            ExprKind::Member { base, .. } => work.push(*base),
            ExprKind::Call { callee, .. } => work.push(*callee),
            ExprKind::Unary { operand, .. } => work.push(*operand),
            ExprKind::Binary { left, right, .. } => work.extend([*left, *right]),
            _ => {}
        }
    }
    false
}

/// Whether a value is of a type that is named after tracing, or whose package is (`datadog.Config`), or is what a function of
/// such a package hands out: of packages that no trace travels through, the types are not known.
fn is_of_tracing(study: &Study<'_>, value: ValueRef) -> bool {
    let program = study.program;
    if let Some(ty) = program.type_of(value) {
        return words::speaks_of_tracing(ty.rsplit('/').next().unwrap_or(&ty));
    }
    program.reaching(value).iter().any(|def| match program.def(value.file, *def).kind {
        DefKind::Value { value: made, .. } => {
            let made = ValueRef { expr: made, ..value };
            matches!(program.expr_kind(made), ExprKind::Call { .. })
                && words::speaks_of_tracing(&study.callee_text(made))
        }
        _ => false,
    })
}

/// Whether the same is made in a stretch of a function, instrumented, or in a function that it calls there.
fn is_traced_in(lives: &Lives<'_, '_>, made: &CallFact<'_>, function: FuncRef, stretch: Span) -> bool {
    let program = lives.study.program;
    let is_inside = |call: ValueRef| stretch.contains(program.expr(call).span);
    let is_client = matches!(made.effect.makes, Some(TypeRole::HttpClient | TypeRole::RpcChannel));
    let is_same = |other: &&CallFact<'_>| {
        let effect = other.effect;
        // A tracing library may have one of its own, instead of wrapping that one.
        let is_own = effect.instruments == Some(Slot::Result(0)) && effect.outbound == is_client;
        is_own
            || effect.makes == made.effect.makes
                && other.library.id == made.library.id
                && lives.of_construction(other.call) == Life::Instrumented
    };
    let mut here = lives.study.calls_in(function).filter(|other| is_inside(other.call));
    if here.any(|other| is_same(&other)) {
        return true;
    }
    let Some(file) = program.files.get(function.file as usize) else { return false };
    let calls = file.flow.calls_of(function.id).map(|site| ValueRef { file: function.file, expr: site.expr });
    let called = calls.filter(|call| is_inside(*call)).flat_map(|call| program.callee(call).functions.to_vec());
    called.into_iter().any(|inner| lives.study.calls_in(inner).any(|other| is_same(&other)))
}
