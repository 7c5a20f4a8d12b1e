//! `stale-context` where the current context belongs to the thread or task: a span is started, and the context from
//! before it is what the outgoing message gets.

use crate::finding::{Confidence, Finding};
use crate::ir::{Language, StmtKind};
use crate::knowledge::Slot;
use crate::link::ValueRef;
use crate::link::flow::DefId;
use crate::rules::Verdicts;
use crate::study::{CallFact, Study};

/// Finds injections of a span's parent while the span is open.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    if study.language() == Language::Go {
        return;
    }
    for inject in study.calls() {
        let Some(effect) = inject.effect.inject else { continue };
        if !(matches!(effect.context, Slot::Arg(_)) || effect.context.is_keyword())
            || !study.unit(inject.call.file).is_traced()
        {
            continue;
        }
        let given = study.slot(inject.call, effect.context);
        let [context] = given.as_slice() else { continue };
        if let Some(start) = open_span(study, inject, *context) {
            out.findings.push(finding(study, inject, *context, start));
        }
    }
}

/// The span that is open where a context from before it is injected: started under that very context, or after the
/// current context was read into it.
fn open_span(study: &Study<'_>, inject: &CallFact<'_>, context: ValueRef) -> Option<ValueRef> {
    let def = only_definition(study, context)?;
    let at = study.program.expr(inject.call).span.start;
    let starts = study.calls_in(inject.function).filter(|fact| fact.effect.span.is_some());
    let open = starts.filter(|fact| study.program.expr(fact.call).span.end <= at && is_open(study, fact, inject));
    let mut after =
        open.filter(|fact| is_parent(study, fact.call, def) || is_read_before(study, context, def, fact.call));
    let start = after.next()?;
    after.next().is_none().then_some(start.call)
}

/// The one definition that a local may hold here.
fn only_definition(study: &Study<'_>, value: ValueRef) -> Option<DefId> {
    match study.program.reaching(value) {
        [one] => Some(*one),
        _ => None,
    }
}

/// Whether a span's start, or the builder it ends, is given the context of this definition as the parent.
fn is_parent(study: &Study<'_>, start: ValueRef, def: DefId) -> bool {
    let mut at = Some(start);
    for _ in 0..16 {
        let Some(call) = at else { return false };
        let Some(fact) = study.fact(call) else { return false };
        let mut parents = fact.effect.span.map(|span| study.slot(call, span.context)).unwrap_or_default();
        parents.extend(fact.effect.binds_context.map(|slot| study.slot(call, slot)).unwrap_or_default());
        if parents.into_iter().any(|parent| study.program.reaching(parent) == [def]) {
            return true;
        }
        at = study.program.receiver(call);
    }
    false
}

/// Whether the local holds the context that was current before the span started.
fn is_read_before(study: &Study<'_>, context: ValueRef, def: DefId, start: ValueRef) -> bool {
    let from = study.program.def(context.file, def).span.start;
    let flow = &study.program.files[context.file as usize].flow;
    let read = study.calls_in(study.program.function_at(start)).any(|fact| {
        fact.effect.context_of == Some(Slot::Ambient) && flow.defs_from(fact.call.expr).any(|(id, _)| id == def)
    });
    read && from < study.program.expr(start).span.start
}

/// Whether a span that is started before an injection is still open there: inside the block that manages it, or not yet
/// ended.
fn is_open(study: &Study<'_>, start: &CallFact<'_>, inject: &CallFact<'_>) -> bool {
    let facts = &study.program.files[start.call.file as usize].source.facts;
    let at = study.program.expr(inject.call).span;
    let managed = facts.stmts.iter().find(|stmt| match &stmt.kind {
        StmtKind::With { items, .. } => items.iter().any(|item| item.value == start.call.expr),
        _ => false,
    });
    if let Some(block) = managed {
        return block.span.contains(at);
    }
    if start.effect.span.is_some_and(|span| span.current) {
        return false;
    }
    let from = study.program.expr(start.call).span.end;
    !study.calls_in(start.function).any(|fact| {
        let ends = study.program.expr(fact.call).span;
        fact.effect.ends.is_some() && ends.start >= from && ends.end <= at.start
    })
}

fn finding(study: &Study<'_>, inject: &CallFact<'_>, context: ValueRef, start: ValueRef) -> Finding {
    let (injects, old, starts) = (study.callee_text(inject.call), study.text(context), study.callee_text(start));
    let mut finding = study.finding("stale-context", start, Confidence::Certain);
    finding.message = format!("{injects} sends {old}, the context from before this span, while the span is open");
    finding.label = "this span is not what the receiver gets as its parent".to_owned();
    finding.effect = format!("the receiver's spans become siblings of the span from {starts}, not its children");
    finding.help = format!(
        "inject the context that holds the span: leave {old} out where the span is current, or put the span into {old} first"
    );
    finding.confirm = "look at one trace: this span has no children although it covers the outgoing call".to_owned();
    finding.related.push(study.related(inject.call, "the context from before the span is sent"));
    finding
}
