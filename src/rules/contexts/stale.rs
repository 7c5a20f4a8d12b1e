//! `stale-context`: a span is started, its context is thrown away, and the work goes on under the old one.

use crate::finding::Confidence;
use crate::ir::ExprKind;
use crate::knowledge::{Slot, TypeRole};
use crate::link::ValueRef;
use crate::link::flow::{Def, DefKind};
use crate::rules::Verdicts;
use crate::study::{CallFact, Study, Summary};

/// Finds spans whose derived context is dropped while calls under the old context follow.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    for fact in study.calls() {
        let Some(span) = fact.effect.span else { continue };
        let Slot::Result(n) = span.derived else { continue };
        if span.current || !study.unit(fact.call.file).is_traced() || is_kept(study, fact.call, n) {
            continue;
        }
        let Some(old) = study.program.slot(fact.call, span.context).first().copied() else { continue };
        let used = uses_under_old(study, fact, old);
        let Some(first) = used.first() else { continue };
        let mut finding = study.finding("stale-context", fact.call, Confidence::Certain);
        let (name, target) = (study.text(old), study.callee_text(*first));
        finding.message = format!("the context of this span is thrown away and {target} goes on under the old {name}");
        finding.label = "starts a span, its context is dropped".to_owned();
        finding.effect = format!("what {target} does becomes a sibling of this span, not its child");
        finding.help = format!("keep it: `{name}, span := …`, so that everything below uses the span's context");
        finding.confirm = "look at one trace: this span has no children although it covers calls".to_owned();
        finding.related = used.iter().take(6).map(|call| study.related(*call, "runs under the old context")).collect();
        out.findings.push(finding);
    }
}

fn is_kept(study: &Study<'_>, call: ValueRef, n: u8) -> bool {
    let flow = &study.program.files[call.file as usize].flow;
    let index = |def: &Def| match def.kind {
        DefKind::Value { index, .. } => Some(index),
        _ => None,
    };
    let mut kept = flow.defs_from(call.expr).filter_map(|(_, def)| index(def)).collect::<Vec<_>>();
    kept.extend(flow.writes_from(call.expr).map(|write| write.index));
    kept.iter().any(|index| index.unwrap_or(0) == n) || kept.iter().all(Option::is_none)
}

/// Calls after the start that take the same context variable and do something that belongs under the span.
fn uses_under_old(study: &Study<'_>, fact: &CallFact<'_>, old: ValueRef) -> Vec<ValueRef> {
    let program = study.program;
    if !matches!(program.expr_kind(old), ExprKind::Name(_)) {
        return Vec::new();
    }
    let flow = &program.files[old.file as usize].flow;
    let reaching = program.reaching(old);
    let Some(var) = reaching.first().map(|def| program.def(old.file, *def).var) else { return Vec::new() };
    let started = program.expr(fact.call).span.end;
    let ends = first_end(study, fact).unwrap_or(u32::MAX);
    let function = program.function(fact.function).span;
    let mut out = Vec::new();
    for used in &flow.vars[var.0 as usize].uses {
        let value = ValueRef { file: old.file, expr: *used };
        let span = program.expr(value).span;
        if span.start < started || span.start > ends || !function.contains(span) || program.reaching(value) != reaching
        {
            continue;
        }
        let Some(call) = program.parent(value) else { continue };
        let effect = study.effect_of(call);
        let binds = study.fact(call).is_some_and(|fact| fact.effect.binds_context.is_some());
        if binds || takes_span(study, call) {
            return Vec::new();
        }
        if effect.has(Summary::CALLS_OUT | Summary::PRODUCES) {
            out.push(call);
        }
    }
    out
}

/// Where the span is ended in the open, not by `defer`.
fn first_end(study: &Study<'_>, fact: &CallFact<'_>) -> Option<u32> {
    let start = study.program.expr(fact.call).span.end;
    let ends = study.calls_in(fact.function).filter(|other| other.effect.ends.is_some() && !other.site.deferred);
    ends.map(|other| study.program.expr(other.call).span.start).filter(|at| *at > start).min()
}

fn takes_span(study: &Study<'_>, call: ValueRef) -> bool {
    study.program.slot(call, Slot::AnyArg).iter().any(|value| study.program.role_of(*value) == Some(TypeRole::Span))
}
