//! Errors that a Go function returns while its span is open.

use super::touches::Touches;
use super::{Held, Untold};
use crate::ir::{ExprId, ExprKind, FileFacts, Stmt, StmtKind};
use crate::link::flow::DefKind;
use crate::link::{FuncRef, ValueRef};
use crate::study::{Study, Summary};
use ustr::Ustr;

/// How far into the calls around an error is looked for it (`fmt.Errorf("…: %w", errors.Join(err, other))`).
const MAX_WRAPS: u8 = 4;

/// The errors that a function hands back from under a span without telling it.
pub(super) fn untold(study: &Study<'_>, held: Held, touches: &Touches) -> Vec<Untold> {
    let Some(file) = study.program.files.get(held.call.file as usize) else { return Vec::new() };
    let facts = &file.source.facts;
    let function = study.program.function(held.function);
    if function.results.last().is_none_or(|ty| ty.name != "error") {
        return Vec::new();
    }
    let start = study.program.expr(held.call).span;
    let mut out = Vec::new();
    let mut work = vec![block_of(facts, &function.body, start.start)];
    while let Some(block) = work.pop() {
        for stmt in facts.statements(block).filter(|stmt| stmt.span.end > start.end) {
            out.extend(
                checked(study, held, stmt).filter(|found| found.is_untold(study, held, touches)).map(|found| Untold {
                    at: found.leaves,
                    error: found.name.to_string(),
                    swallowed: false,
                }),
            );
            work.extend(stmt.kind.blocks());
        }
    }
    out.sort_by_key(|error| error.at.start);
    out
}

/// The innermost block that holds an offset.
fn block_of<'f>(facts: &'f FileFacts, body: &'f [u32], at: u32) -> &'f [u32] {
    let mut block = body;
    let holds = |block: &[u32]| facts.statements(block).any(|stmt| stmt.span.start <= at && at < stmt.span.end);
    while let Some(inner) = facts
        .statements(block)
        .filter(|stmt| stmt.span.start <= at && at < stmt.span.end)
        .flat_map(|stmt| stmt.kind.blocks())
        .find(|block| holds(block))
    {
        block = inner;
    }
    block
}

/// A branch that is taken where there is an error, and returns it.
struct Checked {
    name: Ustr,
    error: ValueRef,
    leaves: crate::ir::Span,
}

/// `if err != nil { … return …, err }`. A branch for one sort of error, or one that looks at it more closely, says that
/// the error was expected.
fn checked(study: &Study<'_>, held: Held, stmt: &Stmt) -> Option<Checked> {
    let StmtKind::If { condition, then, .. } = &stmt.kind else { return None };
    let facts = &study.program.files.get(held.call.file as usize)?.source.facts;
    let at = |expr| ValueRef { file: held.call.file, expr };
    let ExprKind::Binary { op, left, right } = &facts.expr(*condition).kind else { return None };
    let nil = matches!(&facts.expr(*right).kind, ExprKind::Lit(text) if *text == "nil");
    let ExprKind::Name(name) = &facts.expr(*left).kind else { return None };
    if *op != "!=" || !nil {
        return None;
    }
    let returned = facts.statements(then).find_map(|stmt| match &stmt.kind {
        StmtKind::Return(values) => Some((stmt.span, values)),
        _ => None,
    });
    let (leaves, values) = returned?;
    let hands_on = match values.last() {
        Some(last) => mentions(facts, *last, *name, MAX_WRAPS),
        None => study.program.function(held.function).result_names.last() == Some(name),
    };
    hands_on.then(|| Checked { name: *name, error: at(*left), leaves })
}

/// Whether a returned value is the error, or something made of it.
fn mentions(facts: &FileFacts, value: ExprId, name: Ustr, depth: u8) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    match &facts.expr(value).kind {
        ExprKind::Name(found) => *found == name,
        ExprKind::Call { callee, args } => {
            args.iter().any(|arg| mentions(facts, arg.value, name, depth)) || mentions(facts, *callee, name, depth)
        }
        ExprKind::Member { base, .. } => mentions(facts, *base, name, depth),
        ExprKind::Composite { fields, .. } => fields.iter().any(|field| mentions(facts, field.value, name, depth)),
        ExprKind::Unary { operand, .. } => mentions(facts, *operand, name, depth),
        _ => false,
    }
}

impl Checked {
    /// Whether nothing tells the span of the error between where it comes up and where it is returned.
    fn is_untold(&self, study: &Study<'_>, held: Held, touches: &Touches) -> bool {
        let program = study.program;
        let started = program.expr(held.call).span.end;
        let defs = program.reaching(self.error);
        if defs.is_empty() {
            return false;
        }
        defs.iter().all(|def| {
            let DefKind::Value { value, .. } = program.def(held.call.file, *def).kind else { return false };
            let value = ValueRef { expr: value, ..held.call };
            let span = program.expr(value).span;
            span.start >= started
                && program.function_covering(value) == held.function
                && !is_told_below(study, value)
                && !touches.ends_within(started, span.start)
                && !touches.within(span.end, self.leaves.end)
        })
    }
}

/// Whether what makes an error tells a span of it itself: the trace shows the error there.
fn is_told_below(study: &Study<'_>, value: ValueRef) -> bool {
    let tells = |function: &FuncRef| study.summary(*function).has(Summary::RECORDS);
    match study.program.expr_kind(value) {
        ExprKind::Call { args, .. } => {
            let given = args.iter().any(|arg| is_told_below(study, ValueRef { expr: arg.value, ..value }));
            given || study.program.callee(value).functions.iter().any(tells)
        }
        ExprKind::Closure(id) => tells(&FuncRef { file: value.file, id: *id }),
        _ => false,
    }
}
