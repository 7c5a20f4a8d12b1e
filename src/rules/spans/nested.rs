//! Spans of a loop that nest in each other or end together.

use super::life::{Fate, Life};
use super::starts::{Start, Starts, assumption, judged_anywhere};
use super::uses::Uses;
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, Jump, Language, StmtKind};
use crate::knowledge::Slot;
use crate::link::flow::{CallSite, Def, VarId};
use crate::link::{Step, ValueRef};
use crate::rules::Verdicts;
use crate::study::Study;

/// Finds loops whose every round overwrites the outer context with that of its own span.
pub(super) fn check(life: &Life<'_, '_>, starts: &Starts, out: &mut Verdicts) {
    let study = life.study;
    if study.language() != Language::Go {
        return;
    }
    for (start, fate) in &starts.all {
        let Some(site) = study.program.call_site(start.call).filter(|site| site.in_loop != 0) else { continue };
        let Some(confidence) = judged_anywhere(study, start.call) else { continue };
        if let Some(found) = overwritten(study, life.uses, start, site) {
            out.findings.push(finding(study, start, &found, confidence));
        } else if let Some(end) = deferred(study, fate, site).filter(|_| !is_collected(study, life.uses, start)) {
            out.findings.push(late(study, start, end, confidence));
        }
    }
}

struct Overwritten {
    name: String,
    declared: Def,
}

fn overwritten(study: &Study<'_>, uses: &Uses<'_>, start: &Start, site: &CallSite) -> Option<Overwritten> {
    let program = study.program;
    let file = start.call.file;
    let made = uses.definitions_of(start.call, start.derived?).next()?;
    let written = *program.def(file, made.def);
    let parent = study.fact(start.call).and_then(|fact| fact.effect.span).map_or(Slot::AnyArg, |span| span.context);
    if has_other_parent(study, start) {
        return None;
    }
    let same = study.slot(start.call, parent).iter().any(|parent| is_variable(study, *parent, written.var));
    let var = program.files.get(file as usize)?.flow.vars.get(written.var.0 as usize)?;
    let declared = *program.def(file, *var.defs.first()?);
    let inside = |def: &Def| def.in_loop == site.in_loop && def.function == site.function;
    if !same || !inside(&written) || inside(&declared) || declared.function != site.function {
        return None;
    }
    // A loop around this one may declare it, and another write in the round may put the outer context back.
    let others = var.defs.iter().filter(|def| **def != made.def).map(|def| program.def(file, *def));
    let restored = others.into_iter().any(inside);
    let only_round = leaves_loop(study, start.call);
    (!restored && !only_round).then(|| Overwritten { name: var.name.to_string(), declared })
}

/// Whether a helper puts another parent into the context before it starts the span.
fn has_other_parent(study: &Study<'_>, start: &Start) -> bool {
    let Some(span) = study.fact(start.origin).and_then(|fact| fact.effect.span) else { return true };
    let mut work = study.slot(start.origin, span.context);
    let mut seen = 0;
    while let Some(value) = work.pop() {
        seen += 1;
        if seen > 24 {
            return true;
        }
        match study.program.step(value) {
            Step::Values(values) => work.extend(values),
            Step::Call(call, _) => {
                let Some(fact) = study.fact(call) else { continue };
                if start.origin != start.call && (fact.effect.binds_context.is_some() || fact.effect.extract.is_some())
                {
                    return true;
                }
                work.extend(fact.effect.derives.map(|slot| study.slot(call, slot)).unwrap_or_default());
            }
            _ => {}
        }
    }
    false
}

/// The `defer` that ends the span of a round when the function returns, not when the round is over.
fn deferred(study: &Study<'_>, fate: &Fate, site: &CallSite) -> Option<ValueRef> {
    let end = fate.finishes.iter().copied().find(|end| {
        let found = study.program.call_site(*end);
        found.is_some_and(|end| end.deferred && end.in_loop == site.in_loop && end.function == site.function)
    })?;
    (!leaves_loop(study, end)).then_some(end)
}

/// Whether a round keeps what it makes under its span (an iterator, an open stream) for after the loop, so that the
/// span may be meant to last as long.
fn is_collected(study: &Study<'_>, uses: &Uses<'_>, start: &Start) -> bool {
    let program = study.program;
    let file = start.call.file;
    let used = |call, index: u8| -> Vec<ValueRef> {
        let made = uses.definitions_of(call, index);
        made.flat_map(|made| uses.uses_of(study, file, made.def)).collect()
    };
    let contexts = start.derived.map(|index| used(start.call, index)).unwrap_or_default();
    let calls = contexts.into_iter().filter_map(|context| program.parent(context));
    calls.flat_map(|call| used(call, 0)).any(|made| is_kept(study, made))
}

/// Whether a value is put into a list, a composite or a field.
fn is_kept(study: &Study<'_>, value: ValueRef) -> bool {
    let program = study.program;
    let mut at = value;
    for _ in 0..8 {
        let Some(parent) = program.parent(at) else { break };
        let keeps = match program.expr_kind(parent) {
            ExprKind::Composite { .. } => true,
            ExprKind::Call { callee, .. } => {
                let callee = ValueRef { file: at.file, expr: *callee };
                matches!(program.expr_kind(callee), ExprKind::Name(name) if name == "append")
            }
            _ => false,
        };
        if keeps {
            return true;
        }
        at = parent;
    }
    program.files.get(at.file as usize).is_some_and(|file| file.flow.writes_from(at.expr).next().is_some())
}

/// Whether the block that a call stands in leaves the loop at its end, so that there is no further round.
fn leaves_loop(study: &Study<'_>, call: ValueRef) -> bool {
    let Some(file) = study.program.files.get(call.file as usize) else { return true };
    let facts = &file.source.facts;
    let span = study.program.expr(call).span;
    let mut block = &*study.program.function(study.program.function_at(call)).body;
    let mut leaves = false;
    while let Some(stmt) = facts.statements(block).find(|stmt| stmt.span.contains(span)) {
        let is_loop = matches!(stmt.kind, StmtKind::Loop { .. });
        let inner = stmt.kind.blocks();
        let Some(inner) = inner.into_iter().find(|block| facts.statements(block).any(|stmt| stmt.span.contains(span)))
        else {
            break;
        };
        let last = facts.statements(inner).last();
        let ends = last.is_some_and(|last| {
            matches!(
                last.kind,
                StmtKind::Return(_) | StmtKind::Throw(_) | StmtKind::Jump(Jump::Break | Jump::Elsewhere)
            )
        });
        leaves = (leaves && !is_loop) || ends;
        block = inner;
    }
    leaves
}

fn is_variable(study: &Study<'_>, value: ValueRef, var: VarId) -> bool {
    study.program.reaching(value).iter().any(|def| study.program.def(value.file, *def).var == var)
}

fn finding(study: &Study<'_>, start: &Start, found: &Overwritten, confidence: Confidence) -> Finding {
    let name = &found.name;
    let callee = study.callee_text(start.call);
    let mut finding = study.finding("span-in-loop", start.call, confidence);
    finding.message = format!(
        "each round of the loop overwrites `{name}` with its own span's context, so the next round's span nests in it"
    );
    finding.label = format!("`{name}` is parent and result");
    finding.effect =
        "siblings show up as a chain, each the child of the one before, which has often ended already".to_owned();
    finding.help =
        format!("give the round a variable of its own: `roundCtx, span := {callee}({name}, …)`, and pass that one on");
    finding.help += assumption(confidence);
    finding.confirm = "run the loop over three items and open the trace: the spans form a staircase".to_owned();
    let place = study.program.place_of(start.call.file, found.declared.span);
    finding.related.push(crate::finding::Related { place, message: format!("`{name}` is declared outside the loop") });
    finding
}

fn late(study: &Study<'_>, start: &Start, end: ValueRef, confidence: Confidence) -> Finding {
    let function = study.function_name(study.program.function_at(start.call));
    let mut finding = study.finding("span-in-loop", end, confidence);
    finding.message =
        format!("`defer {}` in a loop ends the span of every round only when `{function}` returns", study.text(end));
    finding.label = "runs when the function returns, not when the round is over".to_owned();
    finding.effect =
        "the spans of all rounds end at the same moment, so no duration is right, and all of them are kept \
                      in memory until then"
            .to_owned();
    finding.help = "move the round into a function of its own, where the `defer` runs at the round's end".to_owned();
    finding.help += assumption(confidence);
    finding.confirm = "run the loop over three items and open the trace: all three spans end together".to_owned();
    finding.related.push(study.related(start.call, "the span of one round starts here"));
    finding
}
