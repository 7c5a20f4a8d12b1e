//! Spans and scopes that are finished on one path and left open on another.

use super::ended::variable;
use super::handed_on::is_handed_on;
use super::life::{Finish, Life};
use super::paths::{self, Exit, Leaving, Question};
use super::starts::{Start, assumption, judged};
use super::uses::Uses;
use crate::finding::{Confidence, Finding, Related};
use crate::ir::{Language, Span, StmtKind};
use crate::link::ValueRef;
use crate::link::flow::{Def, DefId, DefKind};
use crate::study::Study;

/// The finding for a start that some way out of its function forgets.
pub(super) fn check(life: &Life<'_, '_>, start: Start) -> Option<Finding> {
    let study = life.study;
    let confidence = judged(study, start.call)?;
    let def = taken_by(life, start)?;
    let handle = Handle::new(life, start, def)?;
    let file = study.program.files.get(start.call.file as usize)?;
    let function = study.program.function_at(start.call);
    let question = Question { start: study.program.expr(start.call).span, done: &handle.done, named: &handle.named };
    let exits = paths::exits(&file.source.facts, &study.program.function(function).body, &question);
    let first = exits.iter().find(|exit| exit.how != Leaving::End).or(exits.first()).copied()?;
    if is_handed_on(life, start) {
        return None;
    }
    Some(finding(life, start, &handle, (first, &exits), confidence))
}

/// The one variable that takes what was started.
fn taken_by(life: &Life<'_, '_>, start: Start) -> Option<DefId> {
    let mut made = life.uses.definitions_of(start.call, start.index);
    let only = made.next().filter(|made| !made.entered)?;
    if made.next().is_some() || Uses::is_shared(life.study.program, start.call.file, only.def) {
        return None;
    }
    let program = life.study.program;
    let function = program.function_at(start.call);
    let def = program.def(start.call.file, only.def);
    // A variable of an outer function that a closure assigns outlives the closure's ways out.
    let declared = program.files.get(start.call.file as usize)?.flow.vars.get(def.var.0 as usize)?.function;
    (function.id.0 != 0 && def.function == function.id && declared == function.id).then_some(only.def)
}

/// What is known of the variable.
struct Handle {
    /// Where it is finished or given away.
    done: Vec<Span>,
    /// A call that finishes it.
    finish: Option<ValueRef>,
    /// Every place that names it or the start's other results.
    named: Vec<Span>,
}

impl Handle {
    /// `None` where the value may be reached in another way, or where nothing finishes it at all.
    fn new(life: &Life<'_, '_>, start: Start, def: DefId) -> Option<Self> {
        let file = start.call.file;
        let program = life.study.program;
        if life.context_leaves(start.call, start.derived) {
            return None;
        }
        let mut out = Self { done: Vec::new(), finish: None, named: Vec::new() };
        let reached = life.uses.uses_of(life.study, file, def);
        let conditions = conditions(life.study, file);
        for used in &reached {
            let span = program.expr(*used).span;
            out.named.push(span);
            if conditions.contains(&used.expr) {
                continue;
            }
            let fate = life.fate_of_use(*used, start.wrapped);
            // A closure from before the start runs when the function is left, however that comes about.
            let is_before = span.start < program.expr(start.call).span.start;
            if fate.finished && is_before && program.function_at(*used) != program.function_at(start.call) {
                return None;
            }
            out.finish = out.finish.or(fate.finishes.first().copied());
            if fate.finished || !fate.is_kept() {
                out.done.push(span);
            }
        }
        let var = program.def(file, def).var;
        let unit = program.files.get(file as usize)?;
        let all = &unit.flow.vars.get(var.0 as usize)?.uses;
        for expr in all {
            let used = ValueRef { file, expr: *expr };
            if reached.contains(&used) || is_of_another(life.study, start, used) {
                continue;
            }
            // Another value of the same variable, or one that comes round in a loop.
            let fate = life.fate_of_use(used, start.wrapped);
            if fate.finished || !fate.is_kept() {
                return None;
            }
        }
        out.siblings(life, start, def);
        (!out.done.is_empty()).then_some(out)
    }

    /// The uses of results that come with the value: an error says that there is none.
    fn siblings(&mut self, life: &Life<'_, '_>, start: Start, def: DefId) {
        let program = life.study.program;
        let Some(file) = program.files.get(start.call.file as usize) else { return };
        let beside = |found: &Def| match found.kind {
            DefKind::Value { value, index: Some(n) } => {
                value == start.call.expr && n != start.index && Some(n) != start.derived
            }
            _ => false,
        };
        for (n, _) in (0u32..).zip(&file.flow.defs).filter(|(n, found)| DefId(*n) != def && beside(found)) {
            let uses = life.uses.uses_of(life.study, start.call.file, DefId(n));
            self.named.extend(uses.into_iter().map(|used| program.expr(used).span));
        }
    }
}

/// Whether a use of the variable is of another value for certain, that was put there after this one: it stands in the same
/// function, and the start in no loop, by which values come round.
fn is_of_another(study: &Study<'_>, start: Start, used: ValueRef) -> bool {
    let program = study.program;
    let site = program.call_site(start.call);
    site.is_some_and(|site| site.in_loop == 0)
        && program.function_at(used) == program.function_at(start.call)
        && program.expr(used).span.start > program.expr(start.call).span.end
        && !program.reaching(used).is_empty()
}

/// The expressions that decide a branch.
fn conditions(study: &Study<'_>, file: u32) -> Vec<crate::ir::ExprId> {
    let stmts = study.program.files.get(file as usize).map(|file| &file.source.facts.stmts);
    let conditions = stmts.into_iter().flatten().filter_map(|stmt| match &stmt.kind {
        StmtKind::If { condition, .. } => Some(*condition),
        _ => None,
    });
    conditions.collect()
}

fn finding(
    life: &Life<'_, '_>,
    start: Start,
    handle: &Handle,
    (first, exits): (Exit, &[Exit]),
    confidence: Confidence,
) -> Finding {
    let study = life.study;
    let file = start.call.file;
    let (rule, verb) = match life.finish {
        Finish::End => ("span-not-ended", "ended"),
        Finish::Close => ("scope-not-closed", "closed"),
    };
    let name = variable(study, life.uses, start).unwrap_or_else(|| "it".to_owned());
    let function = study.function_name(study.program.function_at(start.call));
    let end = handle.finish.map_or_else(|| "end it".to_owned(), |call| format!("call `{}()`", study.callee_text(call)));
    let way = match first.how {
        Leaving::Return => "this return",
        Leaving::Throw => "this exception",
        Leaving::Jump => "this jump",
        Leaving::End => "one path to the end",
    };
    let place = study.program.place_of(file, first.span);
    let at = if first.how == Leaving::End { study.program.place(start.call) } else { place };
    let mut finding = study.finding_at(rule, file, at, confidence);
    let others = if handle.finish.is_some() { "finish it" } else { "hand it on" };
    finding.message = format!("{way} leaves `{function}` with `{name}` not {verb}, though other paths {others}");
    finding.label = format!("`{name}` is still open on this path");
    finding.effect = match life.finish {
        Finish::End => "on this path the span is never exported, so the calls that fail are the ones whose span is \
                        missing, and what ran below it is an orphan"
            .to_owned(),
        Finish::Close => {
            "on this path the context stays current, and later work on the thread joins this trace".to_owned()
        }
    };
    finding.help = mend(study, &name, &end);
    finding.help += assumption(confidence);
    finding.confirm = format!("take this path through `{function}` and open the trace: `{name}` is missing from it");
    finding.related.push(study.related(start.call, format!("`{name}` is started here")));
    finding.related.extend(handle.finish.map(|call| study.related(call, "this path finishes it")));
    let others = exits.iter().filter(|exit| exit.span != first.span && exit.how != Leaving::End);
    finding.related.extend(others.take(8).map(|exit| Related {
        place: study.program.place_of(file, exit.span),
        message: "this way out forgets it too".to_owned(),
    }));
    finding
}

fn mend(study: &Study<'_>, name: &str, end: &str) -> String {
    match study.language() {
        Language::Go => format!("{end} in a `defer` right after `{name}` is started, instead of on each path"),
        Language::Python => format!("{end} in a `finally`, or start `{name}` in a `with` statement"),
        Language::Java => format!("{end} in a `finally` around everything that uses `{name}`"),
    }
}
