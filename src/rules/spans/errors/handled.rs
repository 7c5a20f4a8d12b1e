//! Exceptions that a Java or Python function catches while its span is open.

use super::touches::Touches;
use super::{Held, Untold};
use crate::ir::{ExprKind, FileFacts, Handler, Language, Span, Stmt, StmtKind};
use crate::knowledge::TypeRole;
use crate::link::ValueRef;
use crate::study::Study;

/// Names of methods by which loggers are told of an error.
const LOGS_ERROR: &[&str] = &["error", "exception", "critical", "severe", "fatal"];

/// A handler, with the `try` statements around it.
struct Catch<'f> {
    handler: &'f Handler,
    /// The statement that it belongs to.
    tries: Span,
    /// The `finally` blocks that run after it, its own first.
    finally: Vec<&'f [u32]>,
    /// The handlers of statements around its own, which see what it throws.
    outer: Vec<&'f Handler>,
}

/// The exceptions that are caught under a span which is not told of them.
pub(super) fn untold(study: &Study<'_>, held: Held, touches: &Touches) -> Vec<Untold> {
    let Some(file) = study.program.files.get(held.call.file as usize) else { return Vec::new() };
    let facts = &file.source.facts;
    let function = study.program.function(held.function);
    let started = study.program.expr(held.call).span;
    let body = match held.managed {
        true => managed_body(facts, held),
        false => Some(&*function.body),
    };
    let Some(body) = body else { return Vec::new() };
    let end = facts.statements(body).last().map_or(started.end, |stmt| stmt.span.end);
    let judge = Judge { study, facts, held, touches, end };
    let mut out: Vec<Untold> = catches(facts, body)
        .into_iter()
        .filter(|found| span_of(facts, &found.handler.body).is_some_and(|span| span.start > started.end))
        .filter_map(|found| judge.untold(&found))
        .collect();
    out.sort_by_key(|error| error.at.start);
    out
}

/// The body of the `with` that manages a span.
fn managed_body(facts: &FileFacts, held: Held) -> Option<&[u32]> {
    facts.stmts.iter().find_map(|stmt| match &stmt.kind {
        StmtKind::With { items, body, .. } if items.iter().any(|item| item.value == held.call.expr) => Some(&**body),
        _ => None,
    })
}

/// A block that is still to be walked, with the `finally` blocks and the handlers around it.
type Around<'f> = (&'f [u32], Vec<&'f [u32]>, Vec<&'f Handler>);

/// The handlers of a block, without those of functions written in it.
fn catches<'f>(facts: &'f FileFacts, body: &'f [u32]) -> Vec<Catch<'f>> {
    let mut out = Vec::new();
    let mut work: Vec<Around<'_>> = vec![(body, Vec::new(), Vec::new())];
    while let Some((block, finally, outer)) = work.pop() {
        for stmt in facts.statements(block) {
            let StmtKind::Try { body, handlers, otherwise, finally: last } = &stmt.kind else {
                work.extend(stmt.kind.blocks().into_iter().map(|block| (block, finally.clone(), outer.clone())));
                continue;
            };
            let mut after = vec![&**last];
            after.extend(&finally);
            let mut around: Vec<&Handler> = handlers.iter().collect();
            around.extend(&outer);
            for handler in handlers {
                let (finally, outer) = (after.clone(), outer.clone());
                out.push(Catch { handler, tries: stmt.span, finally, outer });
                work.push((&handler.body, after.clone(), outer_of(&around, handlers.len())));
            }
            work.push((body, after.clone(), around));
            work.push((otherwise, after, outer.clone()));
            work.push((last, finally.clone(), outer.clone()));
        }
    }
    out
}

/// The handlers around those of a statement itself.
fn outer_of<'f>(around: &[&'f Handler], own: usize) -> Vec<&'f Handler> {
    around.iter().skip(own).copied().collect()
}

/// What a block covers.
fn span_of(facts: &FileFacts, block: &[u32]) -> Option<Span> {
    let first = facts.statements(block).next()?.span;
    let last = facts.statements(block).last()?.span;
    Some(Span { start: first.start, end: last.end })
}

/// The statements of a block and of all that is in it.
fn all<'f>(facts: &'f FileFacts, block: &'f [u32]) -> Vec<&'f Stmt> {
    let mut out: Vec<&Stmt> = Vec::new();
    let mut work = vec![block];
    while let Some(block) = work.pop() {
        for stmt in facts.statements(block) {
            out.push(stmt);
            work.extend(stmt.kind.blocks());
        }
    }
    out
}

struct Judge<'j, 's> {
    study: &'j Study<'s>,
    facts: &'j FileFacts,
    held: Held,
    touches: &'j Touches,
    /// Where what happens under the span ends.
    end: u32,
}

impl Judge<'_, '_> {
    fn untold(&self, found: &Catch<'_>) -> Option<Untold> {
        let body = span_of(self.facts, &found.handler.body)?;
        let started = self.study.program.expr(self.held.call).span.end;
        let error = found.handler.binding.map_or_else(|| "the error".to_owned(), |name| name.to_string());
        let inside = all(self.facts, &found.handler.body);
        let throws = inside.iter().find(|stmt| matches!(stmt.kind, StmtKind::Throw(_))).map(|stmt| stmt.span);
        let leaves = throws.is_some() || inside.iter().any(|stmt| matches!(stmt.kind, StmtKind::Return(_)));
        if self.touches.within(body.start, body.end)
            || self.is_told_later(found, body, leaves)
            || !self.touches.is_open_at(body.start)
            || self.touches.ends_within(started, found.tries.start)
            || self.starts_another(found)
        {
            return None;
        }
        match throws {
            // The manager records what leaves; a branch of a handler may.
            Some(_) if self.held.records_itself || self.study.language() == Language::Python => None,
            Some(at) => (!self.is_caught_again(found)).then_some(Untold { at, error, swallowed: false }),
            None => self.logs(body).map(|at| Untold { at, error, swallowed: true }),
        }
    }

    /// Whether the span is told after a handler: by a `finally`, or by what follows where the handler goes on.
    fn is_told_later(&self, found: &Catch<'_>, body: Span, leaves: bool) -> bool {
        let told =
            |block: &&[u32]| span_of(self.facts, block).is_some_and(|span| self.touches.within(span.start, span.end));
        found.finally.iter().any(told) || (!leaves && self.touches.within(body.end, self.end))
    }

    /// Whether what a handler throws is seen by one around it that tells the span.
    fn is_caught_again(&self, found: &Catch<'_>) -> bool {
        let tells = |handler: &&Handler| {
            span_of(self.facts, &handler.body).is_some_and(|span| self.touches.within(span.start, span.end))
        };
        found.outer.iter().any(tells)
    }

    /// Whether another span is started between the asked one and the statement, or in its body: the error is that one's.
    fn starts_another(&self, found: &Catch<'_>) -> bool {
        let started = self.study.program.expr(self.held.call).span;
        self.study.calls_in(self.held.function).any(|fact| {
            let at = self.study.program.expr(fact.call).span;
            fact.effect.span.is_some() && at.start >= started.end && at.start < found.tries.end
        })
    }

    /// Where a handler logs an error as one.
    fn logs(&self, body: Span) -> Option<Span> {
        let program = self.study.program;
        let file = program.files.get(self.held.call.file as usize)?;
        file.flow.calls_of(self.held.function.id).find_map(|site| {
            let call = ValueRef { file: self.held.call.file, expr: site.expr };
            let span = program.expr(call).span;
            let ExprKind::Call { callee, .. } = program.expr_kind(call) else { return None };
            let ExprKind::Member { base, name, .. } = program.expr_kind(ValueRef { expr: *callee, ..call }) else {
                return None;
            };
            let on = ValueRef { expr: *base, ..call };
            let logs = LOGS_ERROR.contains(&name.as_str()) && is_logger(self.study, on);
            (logs && body.contains(span)).then_some(span)
        })
    }
}

/// Whether a value is a logger, by its type or its name.
fn is_logger(study: &Study<'_>, value: ValueRef) -> bool {
    let name = match study.program.expr_kind(value) {
        ExprKind::Name(name) | ExprKind::Member { name, .. } => name.to_lowercase(),
        _ => String::new(),
    };
    study.program.role_of(value) == Some(TypeRole::Logger)
        || name == "log"
        || name.ends_with("logger")
        || name == "logging"
}
