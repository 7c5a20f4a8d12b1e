//! Generators each step of which runs in a task of its own.
//!
//! A task has a copy of the context. What a generator makes current in one step is then not there in the next, and can't
//! be taken back: the span stays current in a copy that nobody sees, and the log says that it could not be detached.

use crate::finding::{Confidence, Finding};
use crate::ir::ExprKind;
use crate::knowledge::SpawnKind;
use crate::link::{FuncRef, Origin, ValueRef};
use crate::rules::Verdicts;
use crate::study::{CallFact, Study, minor};
use rustc_hash::FxHashSet;
use ustr::Ustr;

/// Most generators that are looked at below one.
const MAX_GENERATORS: usize = 60;

/// Finds calls that run a step of a generator in a task, where the generator is, or runs over, one of `holding`, which
/// hold a span current from step to step.
pub(super) fn check(study: &Study<'_>, holding: &FxHashSet<FuncRef>, out: &mut Verdicts) {
    if holding.is_empty() {
        return;
    }
    for fact in study.calls() {
        let Some(spawn) = fact.effect.spawns.filter(|spawn| spawn.kind == SpawnKind::Task && spawn.carries) else {
            continue;
        };
        let Some(generator) = study.slot(fact.call, spawn.task).first().and_then(|task| stepped(study, *task)) else {
            continue;
        };
        let runs_inside = spawn.task_before.is_some_and(|before| is_at_least(study, fact, before));
        if runs_inside || !study.unit(fact.call.file).is_traced() {
            continue;
        }
        let below = run_by(study, generator);
        if let Some(holder) = below.into_iter().find(|function| holding.contains(function)) {
            out.findings.push(finding(study, fact, holder, spawn.task_before));
        }
    }
}

/// The generator of which a value is the next step: `stream.__anext__()`, `anext(stream)`.
fn stepped(study: &Study<'_>, task: ValueRef) -> Option<ValueRef> {
    let ExprKind::Call { callee, args } = study.program.expr_kind(task) else { return None };
    match study.program.expr_kind(ValueRef { expr: *callee, ..task }) {
        ExprKind::Member { base, name, .. } if name == "__anext__" => Some(ValueRef { expr: *base, ..task }),
        ExprKind::Name(name) if name == "anext" => args.first().map(|arg| ValueRef { expr: arg.value, ..task }),
        _ => None,
    }
}

/// The generators that a value may be, and those that these run over.
fn run_by(study: &Study<'_>, generator: ValueRef) -> Vec<FuncRef> {
    let program = study.program;
    let is_generator = |function: &FuncRef| program.function(*function).flags.is_generator;
    let made = program.origins(generator, true).into_iter().filter_map(|origin| match origin {
        Origin::Call(call, _) => Some(call),
        _ => None,
    });
    let mut out: Vec<FuncRef> = made.flat_map(|call| program.callee(call).functions.to_vec()).collect();
    out.retain(is_generator);
    let mut at = 0;
    while let Some(function) = out.get(at).copied() {
        at += 1;
        let Some(file) = program.files.get(function.file as usize) else { continue };
        let calls = file.flow.calls_of(function.id).map(|site| ValueRef { file: function.file, expr: site.expr });
        for inner in calls.flat_map(|call| program.callee(call).functions.to_vec()) {
            if is_generator(&inner) && !out.contains(&inner) && out.len() < MAX_GENERATORS {
                out.push(inner);
            }
        }
    }
    out
}

/// Whether the project runs on this version of the language or a later one alone, by what its manifest asks for.
fn is_at_least(study: &Study<'_>, fact: &CallFact<'_>, version: (u32, u32)) -> bool {
    let root = &study.unit(fact.call.file).root;
    let path = if root.is_empty() { "pyproject.toml".to_owned() } else { format!("{root}/pyproject.toml") };
    let Some(text) = study.file_text(Ustr::from(&path)) else { return false };
    let asked = text.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        matches!(key.trim(), "requires-python" | "python").then(|| value.trim().to_owned())
    });
    let lowest = asked.and_then(|value| {
        let start = value.find(|c: char| c.is_ascii_digit())?;
        let end = value[start..].find(|c: char| !c.is_ascii_digit() && c != '.').map_or(value.len(), |end| start + end);
        minor(&value[start..end])
    });
    lowest.is_some_and(|lowest| lowest >= version)
}

fn finding(study: &Study<'_>, fact: &CallFact<'_>, holder: FuncRef, before: Option<(u32, u32)>) -> Finding {
    let call = study.callee_text(fact.call);
    let name = study.function_name(holder);
    let confidence = if before.is_some() { Confidence::Likely } else { Confidence::Certain };
    let mut out = study.finding("generator-span", fact.call, confidence);
    out.message =
        format!("`{call}` runs each step of a generator in a task of its own, and `{name}` holds a span across them");
    out.message = match before {
        Some((major, minor)) => format!("{} (before Python {major}.{minor})", out.message),
        None => out.message,
    };
    out.label = "the next step runs in another copy of the context".to_owned();
    out.effect =
        "the span is current in the first step alone: spans of later steps become children of something else, and \
                  at the end the span can not be detached"
            .to_owned();
    out.help = format!(
        "run the whole loop in one task, for example `async with asyncio.timeout(…)` around an `async for`, in place of \
         `{call}` around each step"
    );
    out.confirm = format!("let `{name}` give two values: the log says that a context could not be detached");
    out.related.push(crate::finding::Related {
        place: study.program.place_of(holder.file, study.program.function(holder).name_span),
        message: "this generator holds a span from step to step".to_owned(),
    });
    out
}
