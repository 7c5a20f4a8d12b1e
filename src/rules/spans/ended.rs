//! Spans that nobody ends.

use super::handed_on::is_handed_on;
use super::life::Life;
use super::starts::{Start, Starts, assumption, judged};
use super::uses::Uses;
use crate::finding::{Confidence, Finding};
use crate::ir::ExprKind;
use crate::ir::{ExprId, Stmt, StmtKind};
use crate::knowledge::{Slot, TypeRole};
use crate::link::flow::{Def, DefKind};
use crate::link::{Origin, Step, ValueRef};
use crate::rules::Verdicts;
use crate::study::Study;

/// Finds spans whose handle is never ended.
pub(super) fn check(life: &Life<'_, '_>, starts: &Starts, out: &mut Verdicts) {
    let study = life.study;
    for (start, fate) in &starts.all {
        let Some(confidence) = judged(study, start.call) else { continue };
        let function = study.program.function_at(start.call);
        if ends_in_next_round(study, life.uses, *start) {
            continue;
        }
        out.findings.extend(super::leaving::check(life, *start));
        if !fate.is_never_finished() || starts.finishes_unknown(study, super::life::Finish::End, function) {
            continue;
        }
        let beside =
            || life.context_leaves(start.call, start.derived) && is_ended_from_context(study, *start, Home::Package);
        if is_spread(study, *start) {
            continue;
        }
        if fate.dropped && is_ended_from_context(study, *start, Home::Unit)
            || beside()
            || is_found_again(study, *start)
            || is_handed_on(life, *start)
        {
            continue;
        }
        out.findings.push(finding(study, life.uses, *start, fate.dropped, confidence));
    }
}

/// Whether all that a start hands out goes into another call at once, which may hand the span back: `log(tracer.Start(ctx, …))`
/// (Go).
fn is_spread(study: &Study<'_>, start: Start) -> bool {
    let taker = study.program.parent(start.call).map(|taker| study.program.expr_kind(taker));
    start.index > 0
        && matches!(taker, Some(ExprKind::Call { args, .. }) if matches!(&args[..], [only] if only.value == start.call.expr))
}

/// Whether who asks for the current span is given one that was started, and code of its package ends what it is given so.
fn is_found_again(study: &Study<'_>, start: Start) -> bool {
    let Some(fact) = study.fact(start.call).filter(|fact| fact.effect.span.is_some_and(|span| span.is_found)) else {
        return false;
    };
    let module = |file: u32| study.program.files.get(file as usize).map(|file| file.module);
    let is_asked_for = |value: ValueRef| {
        let asked = |call| study.fact(call).is_some_and(|asked| asked.effect.context_of == Some(Slot::Ambient));
        let origins = study.program.origins(value, false);
        origins.iter().any(|origin| matches!(origin, Origin::Call(call, _) if asked(*call)))
    };
    study.calls().iter().filter(|other| module(other.call.file) == module(start.call.file)).any(|other| {
        let ended = other.effect.ends.map(|slot| study.slot(other.call, slot)).unwrap_or_default();
        other.library.id == fact.library.id && ended.into_iter().any(is_asked_for)
    })
}

/// Whether a span that is started in a loop is kept in a variable whose span the loop ends before that: the next round ends
/// it.
fn ends_in_next_round(study: &Study<'_>, uses: &Uses<'_>, start: Start) -> bool {
    let program = study.program;
    let Some(file) = program.files.get(start.call.file as usize) else { return false };
    let facts = &file.source.facts;
    let begin = program.expr(start.call).span;
    let mut vars = uses.definitions_of(start.call, start.index).filter_map(|made| {
        let var = program.def(start.call.file, made.def).var;
        file.flow.vars.get(var.0 as usize)
    });
    let ends_before = |used: ExprId| {
        let at = facts.expr(used).span;
        let is_around = |stmt: &Stmt| {
            matches!(stmt.kind, StmtKind::Loop { .. }) && stmt.span.contains(begin) && stmt.span.contains(at)
        };
        at.start < begin.start && facts.stmts.iter().any(is_around)
    };
    let is_ended = |used: ExprId| {
        let call = program.parent(ValueRef { expr: used, ..start.call }).and_then(|member| program.parent(member));
        let fact = call.and_then(|call| study.fact(call));
        fact.is_some_and(|fact| {
            let slot = fact.effect.ends;
            slot.is_some_and(|slot| study.slot(fact.call, slot).iter().any(|value| value.expr == used))
        })
    };
    vars.any(|var| var.uses.iter().any(|used| is_ended(*used) && ends_before(*used)))
}

/// Where the code is looked for that may end a span: what throws its span away leaves that to anybody.
#[derive(Clone, Copy)]
enum Home {
    Unit,
    Package,
}

/// Whether a span lives on in its context, which is kept, while code near it ends spans that it gets from a context: the
/// one may be the other.
fn is_ended_from_context(study: &Study<'_>, start: Start, home: Home) -> bool {
    let Some(Slot::Result(derived)) = study.fact(start.call).and_then(|fact| fact.effect.span).map(|span| span.derived)
    else {
        return false;
    };
    let Some(file) = study.program.files.get(start.call.file as usize) else { return false };
    let named = |def: &Def| {
        let is_it = matches!(def.kind, DefKind::Value { index, .. } if index.unwrap_or(0) == derived);
        is_it && file.flow.vars.get(def.var.0 as usize).is_some_and(|var| var.name != "_")
    };
    if !file.flow.defs_from(start.call.expr).any(|(_, def)| named(def)) {
        return false;
    }
    let is_near = |other: u32| {
        study.program.files.get(other as usize).is_some_and(|other| match home {
            Home::Unit => other.source.unit == file.source.unit,
            Home::Package => other.module == file.module,
        })
    };
    study.calls().iter().filter(|fact| is_near(fact.call.file)).any(|fact| {
        let ended = fact.effect.ends.map(|slot| study.slot(fact.call, slot)).unwrap_or_default();
        ended.into_iter().any(|span| is_got_from_context(study, span))
    })
}

/// Whether a span is got from a context, by a local name or at once.
fn is_got_from_context(study: &Study<'_>, span: ValueRef) -> bool {
    let mut at = vec![span];
    for _ in 0..4 {
        let mut next = Vec::new();
        for value in at.iter().take(8) {
            let made = study.fact(*value).is_some_and(|fact| {
                fact.effect.span.is_none()
                    && fact.effect.derives.is_some()
                    && fact.effect.returns.first().and_then(|ty| study.program.role(*ty)) == Some(TypeRole::Span)
            });
            if made {
                return true;
            }
            if let Step::Values(values) = study.program.step(*value) {
                next.extend(values.into_iter().filter(|found| found != value));
            }
        }
        at = next;
    }
    false
}

/// The variable that takes a start's result.
pub(super) fn variable(study: &Study<'_>, uses: &Uses<'_>, start: Start) -> Option<String> {
    let made = uses.definitions_of(start.call, start.index).next()?;
    let def = study.program.def(start.call.file, made.def);
    let named = matches!(def.kind, DefKind::Value { .. } | DefKind::Entered(_));
    let file = study.program.files.get(start.call.file as usize)?;
    file.flow.vars.get(def.var.0 as usize).filter(|_| named).map(|var| var.name.to_string())
}

/// How this language finishes a span, by what the library's own ending call is named.
fn ending(study: &Study<'_>, start: Start) -> String {
    let library = study.fact(start.origin).map(|fact| fact.library);
    let functions = library.into_iter().flat_map(|library| &library.functions);
    let ending = functions.filter(|function| function.ends.is_some()).find_map(|function| function.names.first());
    ending.and_then(|name| name.rsplit('.').next()).unwrap_or("end").to_owned()
}

fn finding(study: &Study<'_>, uses: &Uses<'_>, start: Start, dropped: bool, confidence: Confidence) -> Finding {
    let callee = study.callee_text(start.call);
    let variable = variable(study, uses, start);
    let end = ending(study, start);
    let function = study.function_name(study.program.function_at(start.call));
    let mut finding = study.finding("span-not-ended", start.call, confidence);
    finding.message = match &variable {
        // What a chained call hands back may be thrown away, while the variable is kept.
        Some(name) if !dropped || name != "_" => format!("`{name}` from `{callee}` is never ended in `{function}`"),
        _ => format!("the span that `{callee}` starts is thrown away, so nothing can end it"),
    };
    finding.label = "this span is never ended".to_owned();
    finding.effect = "the span is never exported, and whatever runs below it becomes an orphan in the trace".to_owned();
    let handle = variable.unwrap_or_else(|| "span".to_owned());
    finding.help = match study.language() {
        crate::ir::Language::Go => format!("keep the span and add `defer {handle}.{end}()` right after the start"),
        crate::ir::Language::Python => {
            format!("call `{handle}.{end}()` in a `finally`, or start it in a `with` statement")
        }
        crate::ir::Language::Java => format!("keep the span and call `{handle}.{end}()` in a `finally`"),
    };
    finding.help += assumption(confidence);
    finding.confirm = format!(
        "run `{function}` and open the trace: this span is missing, its children name a parent that is not there"
    );
    if start.origin != start.call {
        finding.related.push(study.related(start.origin, "the span is started here"));
    }
    if let Some(param) = study.context_param(study.program.function_at(start.call)) {
        finding
            .related
            .push(crate::finding::Related { place: param.place, message: "the trace arrives here".to_owned() });
    }
    finding
}
