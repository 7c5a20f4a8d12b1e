//! Set-up code that several units of a workspace share.

use super::super::unit::UnitView;
use crate::knowledge::{FunctionDescription, Setting, Slot};
use crate::link::{FuncRef, Program, ValueRef};
use crate::services::{Mode, StackUse};
use rustc_hash::FxHashSet;

/// Adds to each unit the stacks of another unit whose set-up code it runs: a service that calls the tracing set-up of a
/// library in the same workspace is traced by it.
pub(super) fn shared_set_up(program: &Program<'_>, units: &mut [UnitView], without: &FxHashSet<ValueRef>) {
    let mut seen: FxHashSet<FuncRef> = FxHashSet::default();
    let mut work: Vec<FuncRef> = set_ups(program, without);
    while let Some(function) = work.pop() {
        if !seen.insert(function) {
            continue;
        }
        let home = program.files[function.file as usize].source.unit;
        for call in program.callers(function) {
            let unit = program.files[call.file as usize].source.unit;
            if unit == home {
                let caller = program.function_at(*call);
                // Load-time code is nobody's helper.
                work.extend((caller.id.0 != 0).then(|| program.outermost(caller)));
            } else {
                adopt(program, units, home, unit, *call, function);
            }
        }
    }
}

/// The functions that set tracing up: they install a provider, switch a library's instrumentation on, or instrument an
/// app that they are given.
fn set_ups(program: &Program<'_>, without: &FxHashSet<ValueRef>) -> Vec<FuncRef> {
    let calls = program.described_calls().iter().filter(|found| !without.contains(&found.call));
    let found = calls.filter(|found| found.site.function.0 != 0 && sets_up(found.effect));
    found.map(|found| program.outermost(FuncRef { file: found.call.file, id: found.site.function })).collect()
}

pub(in crate::study) fn sets_up(effect: &FunctionDescription) -> bool {
    matches!(effect.sets, Some(Setting::TracerProvider | Setting::Everything))
        || !effect.switches_on.is_empty()
        || matches!(effect.instruments, Some(Slot::Arg(_) | Slot::AnyArg))
}

fn adopt(program: &Program<'_>, units: &mut [UnitView], from: usize, to: usize, call: ValueRef, function: FuncRef) {
    let shared: Vec<StackUse> =
        units[from].stacks.iter().filter(|found| found.active && found.mode == Mode::Code).cloned().collect();
    let place = program.place(call);
    let line = program.files[call.file as usize].source.facts.lines.line(place.span.start);
    for found in shared {
        let known = units[to].stacks.iter().any(|own| own.stack == found.stack && own.active);
        if !known {
            let evidence = format!("calls `{}`, which sets tracing up", program.function(function).name);
            units[to].stacks.push(StackUse { path: place.path.to_string(), line, evidence, ..found });
        }
    }
}

/// Pairs of units of which the first imports from the second.
pub(in crate::study) fn links(program: &Program<'_>) -> FxHashSet<(usize, usize)> {
    let mut out = FxHashSet::default();
    for file in &program.files {
        for target in file.scope.targets() {
            let mut name = target.as_str();
            loop {
                if let Some(other) = program.module_unit(name) {
                    if other != file.source.unit {
                        out.insert((file.source.unit, other));
                    }
                    break;
                }
                match name.rsplit_once(['.', '/']) {
                    Some((outer, _)) => name = outer,
                    None => break,
                }
            }
        }
    }
    out
}
