//! Servers and clients that are made plain where tracing is switched off, and traced where it is on.

use super::life::{Life, Lives};
use super::words;
use crate::ir::{Block, ExprId, ExprKind, FileFacts, Span, Stmt, StmtKind};
use crate::knowledge::TypeRole;
use crate::link::ValueRef;
use crate::study::{CallFact, Study};

/// Whether what a call makes stands in where tracing is off: a choice that asks for tracing makes the same, instrumented,
/// on its other side (`if tracer != nil { … } else { … }`).
pub(super) fn is_made_where_off(lives: &Lives<'_, '_>, made: ValueRef) -> bool {
    let study = lives.study;
    let Some(fact) = study.fact(made) else { return false };
    let Some(file) = study.program.files.get(made.file as usize) else { return false };
    let facts = &file.source.facts;
    let at = study.program.expr(made).span;
    let function = study.program.function(fact.function).span;
    facts.stmts.iter().filter(|stmt| function.contains(stmt.span)).any(|stmt| {
        other_side(facts, stmt, at, function)
            .is_some_and(|(asked, other)| asks_for_tracing(study, asked, made) && is_traced_in(lives, fact, other))
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
        if matches!(program.role_of(value), Some(TypeRole::Tracer | TypeRole::Provider)) {
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

/// Whether the same is made in a stretch of the function, instrumented.
fn is_traced_in(lives: &Lives<'_, '_>, made: &CallFact<'_>, stretch: Span) -> bool {
    let is_same = |other: &&CallFact<'_>| {
        other.effect.makes == made.effect.makes
            && other.library.id == made.library.id
            && stretch.contains(lives.study.program.expr(other.call).span)
    };
    let mut others = lives.study.calls_in(made.function).filter(is_same);
    others.any(|other| lives.of_construction(other.call) == Life::Instrumented)
}
