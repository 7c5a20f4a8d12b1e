//! Set-ups of tracing that only the body of a task runs, or only a process that carries out tasks: they trace nothing
//! else.

use super::evidence::sets_up;
use super::unit::UnitView;
use crate::ir::Language;
use crate::knowledge::AnnotationRole;
use crate::link::{DescribedCall, FuncRef, Program, ValueRef};
use crate::services::{Mode, stacks};
use rustc_hash::{FxHashMap, FxHashSet};

/// How many functions that lead to a set-up are looked at.
const MAX_CALLERS: usize = 60;

/// The calls that set tracing up in the body of a task alone. Where a unit has no others, its stack counts as present and
/// not as switched on: the process that takes requests never runs them.
pub(super) fn within_tasks(program: &Program<'_>, units: &mut [UnitView]) -> FxHashSet<ValueRef> {
    let mut within = FxHashSet::default();
    if program.language != Language::Python {
        return within;
    }
    let mut elsewhere: FxHashSet<(usize, &str)> = FxHashSet::default();
    let mut tasks: FxHashMap<(usize, &str), FuncRef> = FxHashMap::default();
    let mut known: FxHashMap<FuncRef, Option<FuncRef>> = FxHashMap::default();
    for found in program.described_calls().iter().filter(|found| sets_up(found.effect)) {
        let Some(file) = program.files.get(found.call.file as usize) else { continue };
        let outer = program.outermost(FuncRef { file: found.call.file, id: found.site.function });
        let task = *known.entry(outer).or_insert_with(|| only_above(program, outer, AnnotationRole::Task));
        let about = (file.source.unit, found.library.family.as_str());
        match task {
            Some(task) => {
                within.insert(found.call);
                tasks.insert(about, task);
            }
            None => {
                elsewhere.insert(about);
            }
        }
    }
    for ((unit, family), task) in tasks {
        if !elsewhere.contains(&(unit, family)) {
            switch_off(&mut units[unit], family, &program.function(task).name);
        }
    }
    within
}

/// The stacks of a family that code switches on do so only while one task runs.
fn switch_off(unit: &mut UnitView, family: &str, task: &str) {
    let of_family = |id: &str| stacks().iter().any(|page| page.id == id && page.family == family);
    for found in unit.stacks.iter_mut().filter(|found| found.mode == Mode::Code && of_family(&found.stack)) {
        found.active = false;
        found.evidence = format!("set up only in the body of the task {task}");
    }
    unit.set_up_within_task = true;
}

/// The calls that switch something on only when a process starts that carries out tasks.
pub(super) fn within_workers(program: &Program<'_>) -> FxHashSet<ValueRef> {
    if program.language != Language::Python {
        return FxHashSet::default();
    }
    let switches = program.described_calls().iter().filter(|found| !found.effect.switches_on.is_empty());
    let function = |found: &DescribedCall<'_>| FuncRef { file: found.call.file, id: found.site.function };
    switches.filter(|found| runs_only_in_workers(program, function(found))).map(|found| found.call).collect()
}

/// Whether a function runs only when a process starts or ends that carries out tasks.
pub fn runs_only_in_workers(program: &Program<'_>, function: FuncRef) -> bool {
    only_above(program, program.outermost(function), AnnotationRole::Worker).is_some()
}

/// A function of a role in whose body a function runs, if nothing else is seen to lead there: neither start-up nor what
/// nobody calls.
fn only_above(program: &Program<'_>, function: FuncRef, role: AnnotationRole) -> Option<FuncRef> {
    let mut seen = vec![function];
    let mut at = 0;
    let mut above = None;
    while let Some(function) = seen.get(at).copied() {
        at += 1;
        if has_role(program, function, role) {
            above = Some(function);
            continue;
        }
        let callers = program.callers(function);
        if function.id.0 == 0 || callers.is_empty() || seen.len() > MAX_CALLERS {
            return None;
        }
        for call in callers {
            let caller = program.outermost(program.function_at(*call));
            if !seen.contains(&caller) {
                seen.push(caller);
            }
        }
    }
    above
}

fn has_role(program: &Program<'_>, function: FuncRef, role: AnnotationRole) -> bool {
    let mut annotations = program.function(function).annotations.iter();
    annotations.any(|found| {
        let described = program.described_annotation(function.file, found);
        described.is_some_and(|(_, found)| found.role == role)
    })
}
