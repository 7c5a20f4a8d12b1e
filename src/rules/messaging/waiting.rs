//! Loops that wait for replies: what comes belongs to the work that asked for it, whose span is current all the while.

use super::hops::method_name;
use crate::ir::{Language, Span, StmtKind};
use crate::knowledge::{AnnotationRole, FunctionDescription, HopKind};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::study::{CallFact, Study, Summary, annotation_role};

/// Whether a call that receives messages stands in a span of its own function that has asked somebody for something
/// before.
pub(super) fn is_for_replies(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let Some(file) = study.program.files.get(fact.call.file as usize) else { return false };
    let call = study.program.expr(fact.call).span;
    if is_own_answer(study, fact) {
        return true;
    }
    let around = file.source.facts.stmts.iter().filter(|stmt| stmt.span.contains(call));
    around.into_iter().any(|stmt| {
        let StmtKind::With { items, .. } = &stmt.kind else { return false };
        let is_span = |value: ValueRef| makes_current(study, value) && !study.program.expr(value).span.contains(call);
        items.iter().any(|item| is_span(ValueRef { expr: item.value, ..fact.call }))
            && asks(study, fact, Span { start: stmt.span.start, end: call.start })
    })
}

/// Whether a Go call receives once, by a subscription that its own function makes for itself, after that has asked for what
/// comes: the work under way is that of the trace already.
fn is_own_answer(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let program = study.program;
    let made_here = |origin: &Origin| match origin {
        Origin::Call(made, _) => program.function_at(*made) == fact.function,
        _ => false,
    };
    let is_once = study.language() == Language::Go && fact.site.in_loop == 0;
    let Some(receiver) = program.receiver(fact.call).filter(|_| is_once && fact.effect.registers.is_none()) else {
        return false;
    };
    let origins = program.origins(receiver, false);
    let before = Span { start: program.function(fact.function).span.start, end: program.expr(fact.call).span.start };
    !origins.is_empty() && origins.iter().all(made_here) && asks(study, fact, before)
}

/// Whether what a `with` manages is a span that is current within.
fn makes_current(study: &Study<'_>, value: ValueRef) -> bool {
    let is_described = |effect: &FunctionDescription| effect.activates.is_some() || effect.span.is_some();
    let is_manager = |function: &FuncRef| {
        let mut annotations = study.program.function(*function).annotations.iter();
        let role = |found| annotation_role(study, function.file, found);
        study.summary(*function).has(Summary::STARTS)
            && annotations.any(|found| role(found) == Some(AnnotationRole::ContextManager))
    };
    study.fact(value).is_some_and(|fact| is_described(fact.effect))
        || study.program.callee(value).functions.iter().any(is_manager)
        || is_called_like_one(study, value)
}

/// Whether a call on something of an unseen type has the name of a method that starts current spans.
fn is_called_like_one(study: &Study<'_>, value: ValueRef) -> bool {
    let callee = study.program.callee(value);
    if study.fact(value).is_some() || !callee.functions.is_empty() {
        return false;
    }
    let Some(method) = method_name(study, value) else { return false };
    let starts = |effect: &&FunctionDescription| effect.span.is_some_and(|span| span.current);
    let libraries = study.program.knowledge.libraries().iter();
    let mut names = libraries.flat_map(|library| &library.functions).filter(starts).flat_map(|effect| &effect.names);
    names.any(|name| name.rsplit_once('.').is_some_and(|(_, last)| last == method))
}

/// Whether the function of a call sends something in a range before it.
fn asks(study: &Study<'_>, fact: &CallFact<'_>, before: Span) -> bool {
    let Some(file) = study.program.files.get(fact.call.file as usize) else { return false };
    file.flow.calls_of(fact.function.id).any(|site| {
        let call = ValueRef { expr: site.expr, ..fact.call };
        let sends = |effect: &CallFact<'_>| {
            let kind = effect.effect.hop.map(|hop| hop.kind);
            matches!(kind, Some(HopKind::HttpCall | HopKind::RpcCall | HopKind::Produce))
        };
        before.contains(study.program.expr(call).span)
            && (study.fact(call).is_some_and(sends) || is_own_sender(study, call))
    })
}

/// Whether a call runs functions of the service's own that send something.
fn is_own_sender(study: &Study<'_>, call: ValueRef) -> bool {
    let functions = &study.program.callee(call).functions;
    functions.iter().any(|function| study.summary(*function).has(Summary::CALLS_OUT | Summary::PRODUCES))
}
