//! Spans that are current while a generator waits for its consumer.

use super::stepped;
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, Language, Span, StmtKind};
use crate::knowledge::AnnotationRole;
use crate::link::{FuncRef, ValueRef};
use crate::rules::Verdicts;
use crate::study::{Inbound, Study, Summary, annotation_role};
use rustc_hash::FxHashSet;

/// A `with` that holds a span current in a generator.
struct Held {
    /// The managed call.
    call: ValueRef,
    function: FuncRef,
    /// A `yield` in that.
    gives: ValueRef,
}

/// How a generator is run, as far as it is seen.
enum Consumer {
    /// To its end, by loops of the service that do nothing a trace shows.
    Harmless,
    /// By this loop, which does something that gets the wrong parent, or leaves early.
    Loop(ValueRef, &'static str),
    /// By code that is not seen.
    Unknown,
}

/// Finds generators that yield while their span is current: the context is their consumer's too.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    if study.language() != Language::Python {
        return;
    }
    let facts = study.calls().iter();
    let current = |fact: &&crate::study::CallFact<'_>| {
        fact.site.managed && (fact.effect.activates.is_some() || fact.effect.span.is_some_and(|span| span.current))
    };
    let mut work: Vec<ValueRef> = facts.filter(current).map(|fact| fact.call).collect();
    let mut seen: FxHashSet<ValueRef> = FxHashSet::default();
    let mut reported: FxHashSet<FuncRef> = FxHashSet::default();
    let mut holding: FxHashSet<FuncRef> = FxHashSet::default();
    while let Some(call) = work.pop() {
        if !seen.insert(call) {
            continue;
        }
        let Some(held) = held(study, call) else { continue };
        if is_manager(study, held.function) {
            // A manager of the service's own: whoever enters it holds the span.
            let managed = |call: &&ValueRef| study.program.call_site(**call).is_some_and(|site| site.managed);
            work.extend(study.program.callers(held.function).iter().filter(managed));
            continue;
        }
        holding.insert(held.function);
        if is_judged(study, &held) && reported.insert(held.function) {
            out.findings.extend(finding(study, &held));
        }
    }
    stepped::check(study, &holding, out);
}

/// The `with` of a managed call, if a generator yields in it.
fn held(study: &Study<'_>, call: ValueRef) -> Option<Held> {
    let program = study.program;
    let function = program.function_at(call);
    if !program.function(function).flags.is_generator {
        return None;
    }
    let facts = &program.files.get(call.file as usize)?.source.facts;
    let span = program.expr(call).span;
    let own = program.function(function).span;
    let around = facts.stmts.iter().filter(|stmt| own.contains(stmt.span) && stmt.span.contains(span));
    let body = around
        .filter_map(|stmt| match &stmt.kind {
            StmtKind::With { items, body, .. } => {
                items.iter().any(|item| facts.expr(item.value).span.contains(span)).then_some(body)
            }
            _ => None,
        })
        .next()?;
    let statement = |id: &u32| facts.stmts.get(*id as usize).map(|stmt| stmt.span);
    let body = Span { start: statement(body.first()?)?.start, end: statement(body.last()?)?.end };
    let gives = yields(study, function).into_iter().find(|value| body.contains(program.expr(*value).span))?;
    Some(Held { call, function, gives })
}

/// The places where a generator gives something to its consumer.
fn yields(study: &Study<'_>, function: FuncRef) -> Vec<ValueRef> {
    let program = study.program;
    let own = program.function(function).span;
    let Some(file) = program.files.get(function.file as usize) else { return Vec::new() };
    let exprs = file.source.facts.exprs.iter().enumerate();
    let given = exprs.filter(|(_, expr)| matches!(expr.kind, ExprKind::Yield(_)) && own.contains(expr.span));
    given
        .map(|(id, _)| ValueRef { file: function.file, expr: crate::ir::ExprId(id as u32) })
        .filter(|value| program.function_at(*value) == function)
        .collect()
}

fn is_manager(study: &Study<'_>, function: FuncRef) -> bool {
    let annotations = &study.program.function(function).annotations;
    let is = |found| annotation_role(study, function.file, found) == Some(AnnotationRole::ContextManager);
    annotations.iter().any(is)
}

/// Whether a generator is consumed step by step by code that goes on in between: not one that a decorator or a framework
/// makes something else of, nor one that gives a single value, as resources and dependencies do.
fn is_judged(study: &Study<'_>, held: &Held) -> bool {
    let program = study.program;
    let plain = |name: &str| matches!(name, "staticmethod" | "classmethod" | "override" | "typing.override");
    let decl = program.function(held.function);
    if !decl.annotations.iter().all(|found| plain(&found.name)) || !study.unit(held.call.file).is_traced() {
        return false;
    }
    if matches!(study.inbound(held.function), Inbound::Entry(_) | Inbound::Root) {
        return false;
    }
    let given = yields(study, held.function);
    given.len() > 1 || is_repeated(study, held.gives)
}

/// Whether a `yield` may give several values: it stands in a loop, or hands on all of another generator.
fn is_repeated(study: &Study<'_>, value: ValueRef) -> bool {
    let program = study.program;
    let Some(file) = program.files.get(value.file as usize) else { return false };
    let span = program.expr(value).span;
    let own = program.function(program.function_at(value)).span;
    let mut around = file.source.facts.stmts.iter().filter(|stmt| own.contains(stmt.span) && stmt.span.contains(span));
    study.text(value).starts_with("yield from") || around.any(|stmt| matches!(stmt.kind, StmtKind::Loop { .. }))
}

fn consumer(study: &Study<'_>, function: FuncRef) -> Consumer {
    let callers = study.program.callers(function);
    let mut unknown = callers.is_empty();
    for call in callers {
        match looped(study, *call) {
            Some((body, leaves)) => {
                if let Some(found) = effect_in(study, *call, body) {
                    return Consumer::Loop(found, "becomes a child of the generator's span");
                }
                if leaves {
                    return Consumer::Loop(*call, "may be left early, so the span stays current here");
                }
            }
            None => unknown = true,
        }
    }
    if unknown { Consumer::Unknown } else { Consumer::Harmless }
}

/// The body of the loop that runs over the result of a call, and whether it can be left before the end.
fn looped(study: &Study<'_>, call: ValueRef) -> Option<(Span, bool)> {
    let file = study.program.files.get(call.file as usize)?;
    let facts = &file.source.facts;
    // The generator itself, or the variable that holds it.
    let held = file.flow.defs_from(call.expr).flat_map(|(_, def)| file.flow.vars.get(def.var.0 as usize));
    let mut runs = vec![study.program.expr(call).span];
    runs.extend(held.flat_map(|var| &var.uses).map(|used| facts.expr(*used).span));
    facts
        .stmts
        .iter()
        .filter_map(|stmt| match &stmt.kind {
            StmtKind::Loop { subject: Some(subject), body, .. } if runs.contains(&facts.expr(*subject).span) => {
                let first = facts.stmts.get(*body.first()? as usize)?;
                let last = facts.stmts.get(*body.last()? as usize)?;
                let body = Span { start: first.span.start, end: last.span.end };
                let leaves =
                    facts.stmts.iter().filter(|inner| body.contains(inner.span)).any(|inner| {
                        matches!(inner.kind, StmtKind::Return(_) | StmtKind::Jump(crate::ir::Jump::Break))
                    });
                Some((body, leaves))
            }
            _ => None,
        })
        .next()
}

/// A call in a loop's body that a trace shows.
fn effect_in(study: &Study<'_>, call: ValueRef, body: Span) -> Option<ValueRef> {
    let shows = Summary::STARTS | Summary::CALLS_OUT | Summary::PRODUCES;
    let flow = &study.program.files.get(call.file as usize)?.flow;
    let calls = flow.calls_of(study.program.function_at(call).id).map(|site| ValueRef { expr: site.expr, ..call });
    let mut inside = calls.filter(|inner| body.contains(study.program.expr(*inner).span));
    inside.find(|inner| study.effect_of(*inner).has(shows))
}

fn finding(study: &Study<'_>, held: &Held) -> Option<Finding> {
    let (confidence, related) = match consumer(study, held.function) {
        Consumer::Harmless => return None,
        Consumer::Loop(place, why) => (Confidence::Certain, Some((place, why))),
        Consumer::Unknown => (Confidence::Likely, None),
    };
    let name = study.function_name(held.function);
    let span = study.callee_text(held.call);
    let mut out = study.finding("generator-span", held.call, confidence);
    let given = study.program.function(held.function).flags.is_async;
    let kind = if given { "async generator" } else { "generator" };
    out.message = format!("`{name}` yields inside `with {span}(…)`: the {kind}'s span stays current in its consumer");
    out.label = "current across every `yield` below".to_owned();
    out.effect = "what the consumer does between two values becomes a child of this span; where it stops early, or \
                  each step runs in a context of its own, the span can not be detached and stays current"
        .to_owned();
    out.help = format!(
        "start the span without making it current, hold it with `use_span` only around the work between two `yield`s, \
         and end it in a `finally` of `{name}`"
    );
    out.confirm = format!(
        "start a span in the loop over `{name}`: its parent is the {kind}'s span; leave the loop early and the log says \
         that a context could not be detached"
    );
    out.related.push(study.related(held.gives, "the consumer goes on from here with the span"));
    out.related.extend(related.map(|(place, why)| study.related(place, why)));
    Some(out)
}
