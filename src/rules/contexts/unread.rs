//! `context-not-passed`: the sender's context is extracted and then dropped, and a span is started without it.

use crate::finding::{Confidence, Finding};
use crate::knowledge::Slot;
use crate::link::ValueRef;
use crate::rules::Verdicts;
use crate::study::{CallFact, Inbound, Study};

/// Finds extracted contexts that nothing reads.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    for fact in study.calls() {
        let Some(extract) = fact.effect.extract else { continue };
        if !matches!(extract.context, Slot::Result(_)) || !study.unit(fact.call.file).is_traced() {
            continue;
        }
        if study.inbound(fact.function) == Inbound::Root || !is_dropped(study, fact.call) {
            continue;
        }
        if let Some(start) = started_without(study, fact) {
            out.findings.push(finding(study, fact, start));
        }
    }
}

/// Whether a call's result is thrown away, or kept only in locals that nothing reads.
fn is_dropped(study: &Study<'_>, call: ValueRef) -> bool {
    let flow = &study.program.files[call.file as usize].flow;
    let function = study.program.function_covering(call);
    let returned = flow.returns_of(function.id).any(|found| found.values.contains(&call.expr));
    study.program.parent(call).is_none()
        && !returned
        && flow.writes_from(call.expr).next().is_none()
        && is_statement(study, call)
        && flow.defs_from(call.expr).all(|(id, def)| {
            let var = &flow.vars[def.var.0 as usize];
            !var.uses.iter().any(|used| flow.reaching(*used).contains(&id))
        })
}

/// Whether a call stands alone or is assigned: not a condition, a managed value or what a loop runs over.
fn is_statement(study: &Study<'_>, call: ValueRef) -> bool {
    use crate::ir::StmtKind;
    let facts = &study.program.files[call.file as usize].source.facts;
    facts.stmts.iter().any(|stmt| match &stmt.kind {
        StmtKind::Expr(expr) => *expr == call.expr,
        StmtKind::Assign { values, .. } => values.contains(&call.expr),
        _ => false,
    })
}

/// The first span that the same function starts afterwards without a parent that is given to it.
fn started_without(study: &Study<'_>, extract: &CallFact<'_>) -> Option<ValueRef> {
    let after = study.program.expr(extract.call).span.end;
    let later =
        || study.calls_in(extract.function).filter(move |fact| study.program.expr(fact.call).span.start >= after);
    if later().any(|fact| {
        fact.effect.extract.is_some() || fact.effect.activates.is_some_and(|slot| !is_span(study, fact, slot))
    }) {
        return None;
    }
    let bound = later().any(|fact| fact.effect.binds_context.is_some() && fact.effect.derives.is_some());
    later()
        .find(|fact| fact.effect.span.is_some_and(|span| study.slot(fact.call, span.context).is_empty()))
        .map(|fact| fact.call)
        .filter(|_| !bound)
}

/// Whether what a call makes current is a span, not a context that may hold the parent.
fn is_span(study: &Study<'_>, fact: &CallFact<'_>, slot: Slot) -> bool {
    study
        .slot(fact.call, slot)
        .into_iter()
        .all(|value| study.program.role_of(value) == Some(crate::knowledge::TypeRole::Span))
}

fn finding(study: &Study<'_>, fact: &CallFact<'_>, start: ValueRef) -> Finding {
    let (extract, starts) = (study.callee_text(fact.call), study.callee_text(start));
    let mut finding = study.finding("context-not-passed", fact.call, Confidence::Certain);
    finding.message = format!("{extract} reads the sender's context, and nothing uses what it returns");
    finding.label = "the sender's context is read and dropped".to_owned();
    finding.effect = format!("the span from {starts} has no parent from the sender: it starts a trace of its own");
    finding.help =
        format!("give what {extract} returns to {starts} as the parent, or make it current before the span starts");
    finding.confirm = "send a request with a known trace header: the span is not in that trace".to_owned();
    finding.related.push(study.related(start, "this span starts without the sender's context"));
    finding
}
