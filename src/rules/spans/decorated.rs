//! Spans that a decorator opens at each call and leaves to the function to end.

use super::starts::judged;
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, Language, Span, StmtKind};
use crate::knowledge::{Slot, TypeRole};
use crate::link::{FuncRef, ValueRef};
use crate::rules::Verdicts;
use crate::study::{Study, described_annotation};

/// Finds decorated functions that return on some path before they take the span that they have to end.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    if study.language() != Language::Python {
        return;
    }
    for function in study.program.all_functions() {
        let Some(decorator) = left_open(study, function) else { continue };
        let Some(taken) = taken(study, function) else { continue };
        let Some(confidence) = judged(study, taken) else { continue };
        if let Some(leaves) = leaves_before(study, function, taken) {
            out.findings.push(finding(study, function, decorator, (leaves, taken), confidence));
        }
    }
}

/// The decorator of a function that opens a span and does not end it.
fn left_open(study: &Study<'_>, function: FuncRef) -> Option<ValueRef> {
    let is_false = |value: &ValueRef| matches!(study.program.expr_kind(*value), ExprKind::Lit(text) if text == "False");
    study.program.function(function).annotations.iter().find_map(|annotation| {
        let (_, described) = described_annotation(study, function.file, annotation)?;
        let call = ValueRef { file: function.file, expr: annotation.expr };
        let open = !described.open_unless.is_empty()
            && study.slot(call, Slot::Named(described.open_unless)).first().is_some_and(is_false);
        open.then_some(call)
    })
}

/// Where a function first asks for the current span, which it can keep or end from there on.
fn taken(study: &Study<'_>, function: FuncRef) -> Option<ValueRef> {
    let asks = study.with_nested(function).into_iter().flat_map(|inner| study.calls_in(inner)).filter(|fact| {
        let gives = fact.effect.returns.first().and_then(|ty| study.program.role(*ty));
        fact.effect.derives == Some(Slot::Ambient) && gives == Some(TypeRole::Span)
    });
    asks.map(|fact| fact.call).min_by_key(|call| study.program.expr(*call).span.start)
}

/// The first statement that leaves a function before a call in it.
fn leaves_before(study: &Study<'_>, function: FuncRef, call: ValueRef) -> Option<Span> {
    let facts = &study.program.files.get(function.file as usize)?.source.facts;
    let end = study.program.expr(call).span.start;
    let nested = study.with_nested(function).into_iter().skip(1).map(|inner| study.program.function(inner).span);
    let nested: Vec<Span> = nested.collect();
    let own = study.program.function(function).span;
    let leaving = facts.stmts.iter().filter(|stmt| matches!(stmt.kind, StmtKind::Return(_)));
    let before = leaving.map(|stmt| stmt.span).filter(|span| own.contains(*span) && span.end <= end);
    before.filter(|span| !nested.iter().any(|inner| inner.contains(*span))).min_by_key(|span| span.start)
}

fn finding(
    study: &Study<'_>,
    function: FuncRef,
    decorator: ValueRef,
    (leaves, taken): (Span, ValueRef),
    confidence: Confidence,
) -> Finding {
    let name = study.function_name(function);
    let opens = study.callee_text(decorator);
    let mut found = study.finding("span-not-ended", decorator, confidence);
    found.message = format!("`{opens}` opens a span at each call of `{name}`, and one path leaves before it is taken");
    found.label = "this span stays open on that path".to_owned();
    found.effect = "each such call starts a span that is never exported".to_owned();
    found.help = format!("start the span in `{name}` after the early return, or end `{}` there", study.text(taken));
    found.confirm = format!("call `{name}` so that it returns early: no span of it arrives");
    let place = study.program.place_of(function.file, leaves);
    found.related.push(crate::finding::Related { place, message: "this path leaves the span open".to_owned() });
    found.related.push(study.related(taken, "only here does the function get hold of the span"));
    found
}
