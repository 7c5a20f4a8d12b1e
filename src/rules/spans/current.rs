//! Spans that work runs under without belonging to them.

use super::life::{Fate, Finish, Life};
use super::starts::{Start, Starts, assumption, judged};
use super::uses::Uses;
use crate::finding::{Confidence, Finding};
use crate::ir::{Language, Span, StmtKind};
use crate::knowledge::{HopKind, Slot};
use crate::link::ValueRef;
use crate::rules::{Verdict, Verdicts};
use crate::study::{CallFact, Study};

/// Finds spans that are started, never made current nor handed on, and have calls made while they are open.
pub(super) fn check(study: &Study<'_>, uses: &Uses, out: &mut Verdicts) {
    if study.language() == Language::Go {
        return;
    }
    let life = Life::new(study, uses, Finish::End);
    let starts = Starts::new(&life);
    for (start, fate) in &starts.all {
        let Some(confidence) = judged(study, start.call) else { continue };
        let Some(inside) = open_range(study, *start, fate) else { continue };
        let within = escaping(study, *start, inside);
        if within.is_empty() {
            continue;
        }
        out.findings.push(finding(study, *start, &within, confidence));
        let unit = study.program.files.get(start.call.file as usize).map_or(0, |file| file.source.unit);
        within.iter().for_each(|_| out.count(unit, Verdict::Broken));
    }
}

/// The bytes in which the span is open, where every use of it was seen and none makes it a parent.
fn open_range(study: &Study<'_>, start: Start, fate: &Fate) -> Option<Span> {
    let fact = study.fact(start.call)?;
    let span = fact.effect.span.filter(|span| !span.current)?;
    if span.derived != Slot::None || fate.activated || fate.handed || fate.escapes || !fate.returned.is_empty() {
        return None;
    }
    let from = study.program.expr(start.call).span.end;
    if let Some(entered) = fate.entered {
        let file = study.program.files.get(entered.file as usize)?;
        let block = file.source.facts.stmts.iter().find(|stmt| match &stmt.kind {
            StmtKind::With { items, .. } => items.iter().any(|item| item.value == entered.expr),
            _ => false,
        })?;
        return Some(Span { start: from.max(study.program.expr(entered).span.end), end: block.span.end });
    }
    let same = fate.finishes.iter().all(|end| study.program.function_at(*end) == fact.function);
    let end = fate.finishes.iter().map(|end| study.program.expr(*end).span.start).max()?;
    (same && end > from).then_some(Span { start: from, end })
}

/// The calls in a range that look for the current span.
fn escaping<'s, 'a>(study: &'s Study<'a>, start: Start, range: Span) -> Vec<&'s CallFact<'a>> {
    let function = study.program.function_at(start.call);
    let inside = |call: ValueRef| range.contains(study.program.expr(call).span);
    let found: Vec<_> = study.calls_in(function).filter(|fact| inside(fact.call)).collect();
    let activates = study.program.files.get(start.call.file as usize).is_some_and(|file| {
        file.flow.calls_of(function.id).any(|site| {
            let call = ValueRef { file: start.call.file, expr: site.expr };
            inside(call)
                && study.effect_of(call).has(crate::study::Summary::ACTIVATES | crate::study::Summary::BINDS)
                && study.fact(call).is_none_or(|fact| fact.effect.span.is_none())
        })
    });
    if activates {
        return Vec::new();
    }
    found.into_iter().filter(|fact| is_ambient(study, fact)).collect()
}

fn is_ambient(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let given = |slot: Slot| matches!(slot, Slot::Ambient) || study.slot(fact.call, slot).is_empty();
    if let Some(span) = fact.effect.span {
        return given(span.context)
            && !fact.effect.drops_parent
            && matches!(span.context, Slot::Ambient | Slot::Named(_));
    }
    fact.effect.hop.is_some_and(|hop| {
        matches!(hop.kind, HopKind::HttpCall | HopKind::RpcCall | HopKind::Produce)
            && hop.context == Slot::Ambient
            && study.unit(fact.call.file).coverage(fact.library).is_some()
    })
}

fn finding(study: &Study<'_>, start: Start, within: &[&CallFact<'_>], confidence: Confidence) -> Finding {
    let callee = study.callee_text(start.call);
    let first = within.first().map(|fact| study.callee_text(fact.call)).unwrap_or_default();
    let mut finding = study.finding("span-not-current", start.call, confidence);
    finding.message = format!("the span from `{callee}` is never made current, so `{first}` does not run under it");
    finding.label = "started, but not current".to_owned();
    finding.effect = "the span is a leaf, and the calls made while it is open hang on the span around it or start a trace of their own".to_owned();
    finding.help = match study.language() {
        Language::Java => format!("make it current around `{first}` with a scope in a resource block"),
        _ => format!("start it so that it is current around `{first}`, with the `with` form that activates the span"),
    };
    finding.help += assumption(confidence);
    finding.confirm = format!("open a trace: the span has no children, and `{first}` is its sibling");
    finding.related.extend(
        within.iter().take(8).map(|fact| study.related(fact.call, "looks for the current span, which is not this one")),
    );
    finding
}
