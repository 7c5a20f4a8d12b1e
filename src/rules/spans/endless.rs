//! Python spans around a loop that runs until the process ends: such a span is exported when all is over, or never.

use super::streamed::{body_of, shown};
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprId, ExprKind, FileFacts, Jump, Language, LoopKind, Span, Stmt, StmtKind};
use crate::knowledge::{AnnotationRole, vocabulary};
use crate::link::{FuncRef, ValueRef};
use crate::rules::Verdicts;
use crate::study::{Inbound, Study, annotation_role};

/// Finds spans around loops that nothing but the end of the process ends.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    if study.language() != Language::Python {
        return;
    }
    let opens =
        |fact: &&crate::study::CallFact<'_>| fact.site.managed && fact.effect.span.is_some_and(|span| span.current);
    for fact in study.calls().iter().filter(opens) {
        let function = study.program.function_at(fact.call);
        let body = body_of(study, fact.call);
        out.findings.extend(body.and_then(|body| judge(study, function, fact.call, body)));
    }
    for function in study.program.all_functions() {
        let decl = study.program.function(function);
        let is_span =
            |found: &&crate::ir::Annotation| annotation_role(study, function.file, found) == Some(AnnotationRole::Span);
        if let Some(opener) = decl.annotations.iter().find(is_span) {
            let start = ValueRef { file: function.file, expr: opener.expr };
            out.findings.extend(judge(study, function, start, decl.span));
        }
    }
}

/// A finding, if an endless loop of a function lies in the bytes that a span is open for, and does what a trace would show.
fn judge(study: &Study<'_>, function: FuncRef, start: ValueRef, body: Span) -> Option<Finding> {
    let program = study.program;
    let file = program.files.get(function.file as usize)?;
    let facts = &file.source.facts;
    // What serves a request, or hands out values, ends with whoever asks.
    let is_asked = matches!(study.inbound(function), Inbound::Entry(_) | Inbound::Below(_));
    let is_judged = study.unit(function.file).is_traced() && !study.is_aside(&file.source.path);
    if is_asked || !is_judged || program.function(function).flags.is_generator {
        return None;
    }
    let shows = |span: Span| {
        file.flow.calls_of(function.id).any(|site| {
            let call = ValueRef { file: function.file, expr: site.expr };
            span.contains(program.expr(call).span) && study.effect_of(call).has(shown())
        })
    };
    let in_other = |span: Span| {
        let own = program.function(function).span;
        facts.functions.iter().any(|inner| inner.span != own && own.contains(inner.span) && inner.span.contains(span))
    };
    let mut loops = facts.stmts.iter().filter(|stmt| body.contains(stmt.span) && !in_other(stmt.span));
    let found = loops.find(|stmt| is_endless(facts, stmt) && shows(stmt.span))?;
    Some(finding(study, start, function, found.span))
}

/// Whether a loop runs until the process ends: nothing in it leaves it, and its condition says no more than that the
/// process goes on.
fn is_endless(facts: &FileFacts, stmt: &Stmt) -> bool {
    let StmtKind::Loop { kind, subject, body, .. } = &stmt.kind else { return false };
    let goes_on = match (kind, subject) {
        (LoopKind::Forever, _) => true,
        (LoopKind::While, Some(subject)) => says_process_goes_on(facts, *subject),
        _ => false,
    };
    goes_on && !leaves(facts, body, true, 0)
}

/// Whether a condition only asks if the process goes on: `not self._stopping.is_set()`, `self.running`.
fn says_process_goes_on(facts: &FileFacts, condition: ExprId) -> bool {
    let names = |expr: ExprId, words: &[String]| {
        let name = match &facts.expr(expr).kind {
            ExprKind::Name(name) | ExprKind::Member { name, .. } => *name,
            _ => return false,
        };
        name.split('_').any(|word| words.iter().any(|known| word.eq_ignore_ascii_case(known)))
    };
    match &facts.expr(condition).kind {
        ExprKind::Lit(text) => text == "True",
        ExprKind::Member { .. } => names(condition, &vocabulary().of_running),
        ExprKind::Unary { operand, .. } => match &facts.expr(*operand).kind {
            ExprKind::Member { .. } => names(*operand, &vocabulary().of_stopping),
            ExprKind::Call { callee, .. } => match &facts.expr(*callee).kind {
                ExprKind::Member { base, name, .. } => name == "is_set" && names(*base, &vocabulary().of_stopping),
                _ => false,
            },
            _ => false,
        },
        _ => false,
    }
}

/// How deep statements may lie in each other.
const MAX_DEPTH: usize = 40;

/// Whether a block has a way out of the loop around it. `own` where a `break` in it is one.
fn leaves(facts: &FileFacts, block: &[u32], own: bool, depth: usize) -> bool {
    depth > MAX_DEPTH
        || facts.statements(block).any(|stmt| match &stmt.kind {
            StmtKind::Return(_) | StmtKind::Throw(_) => true,
            StmtKind::Jump(jump) => own && *jump == Jump::Break,
            kind => {
                let inner = own && !matches!(kind, StmtKind::Loop { .. });
                kind.blocks().into_iter().any(|block| leaves(facts, block, inner, depth + 1))
            }
        })
}

fn finding(study: &Study<'_>, start: ValueRef, function: FuncRef, found: Span) -> Finding {
    let (opens, name) = (study.text(start), study.function_name(function));
    let mut out = study.finding("span-not-ended", start, Confidence::Likely);
    out.message =
        format!("the span of `{opens}` is open as long as the loop in `{name}` runs, which nothing in it ends");
    out.label = "ends with the process, or never".to_owned();
    out.effect =
        "the span is not exported while the process lives, all rounds are in one trace that never ends, and what \
                  they do names a parent that is not there"
            .to_owned();
    out.help = "start a span for each round, inside the loop (assumes that the process is meant to run on)".to_owned();
    out.confirm = format!("run `{name}` and open the trace of one round: its parent is missing");
    let place = study.program.place_of(function.file, found);
    out.related.push(crate::finding::Related { place, message: "this loop goes on".to_owned() });
    out
}
