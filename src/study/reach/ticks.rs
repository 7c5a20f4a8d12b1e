//! The parts of Go functions that run by the clock, over and over, for as long as the process or its owner lives.

use super::super::Study;
use crate::ir::{ExprId, ExprKind, FileFacts, Jump, LoopKind, Span, Stmt, StmtKind};
use crate::knowledge::TypeRole;
use crate::link::{FuncRef, ValueRef};

/// The bytes of a file that run by the clock: bodies of `for range ticker.C`, and the arms of a `select` in an endless
/// loop that wait for a tick. Where a tick may end the loop, somebody waits for what it asks, and that belongs to who
/// waits; but nobody waits for a function that is only ever run in a goroutine of its own.
pub(super) fn ticking(study: &Study<'_>, file: u32) -> Vec<Span> {
    let Some(unit) = study.program.files.get(file as usize) else { return Vec::new() };
    let facts = &unit.source.facts;
    let is_clock = |expr: ExprId| is_clock(study, ValueRef { file, expr });
    let is_alone = |expr: ExprId| is_spawned(study, study.program.function_at(ValueRef { file, expr }));
    let mut out = Vec::new();
    for stmt in &facts.stmts {
        match &stmt.kind {
            StmtKind::Loop { kind: LoopKind::Each, subject: Some(subject), body, .. } if is_clock(*subject) => {
                out.extend((!may_end(facts, body, 0) || is_alone(*subject)).then_some(stmt.span));
            }
            StmtKind::Loop { kind: LoopKind::Forever, body, .. } => {
                for arm in facts.statements(body).flat_map(arms) {
                    let clock = facts.statements(arm).next().and_then(|first| waits_for(facts, first, &is_clock));
                    if clock.is_some_and(|clock| !may_end(facts, arm, 1) || is_alone(clock)) {
                        out.extend(facts.statements(arm).map(|stmt| stmt.span));
                    }
                }
            }
            _ => {}
        }
    }
    out
}

/// The arms of a `select` or `switch`.
fn arms(stmt: &Stmt) -> Vec<&[u32]> {
    match &stmt.kind {
        StmtKind::Switch { arms, .. } => arms.iter().map(|arm| &**arm).collect(),
        _ => Vec::new(),
    }
}

/// The clock that the first statement of an arm receives from: `case <-ticker.C:`, `case now := <-time.After(d):`.
fn waits_for(facts: &FileFacts, first: &Stmt, is_clock: &impl Fn(ExprId) -> bool) -> Option<ExprId> {
    let received = |expr: &ExprId| match facts.exprs.get(expr.0 as usize).map(|expr| &expr.kind) {
        Some(ExprKind::Receive(channel)) => Some(*channel).filter(|channel| is_clock(*channel)),
        _ => None,
    };
    match &first.kind {
        StmtKind::Expr(expr) => received(expr),
        StmtKind::Assign { values, .. } => values.iter().find_map(received),
        _ => None,
    }
}

/// Whether a function is only ever run in goroutines of its own: `go s.probe(ctx)`, `go func() { … }()`.
fn is_spawned(study: &Study<'_>, function: FuncRef) -> bool {
    let program = study.program;
    let Some(unit) = program.files.get(function.file as usize) else { return false };
    let is_spawn = |call: ValueRef| program.call_site(call).is_some_and(|site| site.spawned);
    let runs: Vec<ValueRef> = match unit.flow.closures.get(&function.id) {
        Some(made) => program.parent(ValueRef { file: function.file, expr: *made }).into_iter().collect(),
        None => program.callers(function).to_vec(),
    };
    !runs.is_empty() && runs.into_iter().all(is_spawn)
}

fn is_clock(study: &Study<'_>, channel: ValueRef) -> bool {
    let is = |value| study.program.role_of(value) == Some(TypeRole::Clock);
    match study.program.expr_kind(channel) {
        ExprKind::Member { base, .. } => is(ValueRef { expr: *base, ..channel }) || is(channel),
        _ => is(channel),
    }
}

/// Whether a block can leave the loop around it. `inside` says how many loops and switches lie between, which a plain
/// `break` leaves first.
fn may_end(facts: &FileFacts, block: &[u32], inside: u32) -> bool {
    facts.statements(block).any(|stmt| match &stmt.kind {
        StmtKind::Return(_) | StmtKind::Throw(_) | StmtKind::Jump(Jump::Elsewhere) => true,
        StmtKind::Jump(Jump::Break) => inside == 0,
        kind => {
            let deeper = matches!(kind, StmtKind::Loop { .. } | StmtKind::Switch { .. });
            kind.blocks().into_iter().any(|block| may_end(facts, block, inside + u32::from(deeper)))
        }
    })
}
