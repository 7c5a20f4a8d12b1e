//! Set-up code that several units of a workspace share.

use super::super::unit::UnitView;
use super::{family_of, needs_telling};
use crate::knowledge::{FunctionDescription, Setting, Slot};
use crate::link::{DescribedCall, FuncRef, Program, ValueRef};
use crate::services::{Mode, StackUse, stacks};
use rustc_hash::FxHashSet;

/// Adds to each unit the stacks of another unit whose set-up code it runs: a service that calls the tracing set-up of a
/// library in the same workspace is traced by it.
pub(super) fn shared_set_up(program: &Program<'_>, units: &mut [UnitView], without: &FxHashSet<ValueRef>) {
    let mut seen: FxHashSet<(FuncRef, &str)> = FxHashSet::default();
    let mut work = set_ups(program, units, without);
    while let Some((function, family)) = work.pop() {
        if !seen.insert((function, family)) {
            continue;
        }
        let home = program.files[function.file as usize].source.unit;
        for call in program.callers(function) {
            let unit = program.files[call.file as usize].source.unit;
            if unit == home {
                let caller = program.function_at(*call);
                // Load-time code is nobody's helper.
                work.extend((caller.id.0 != 0).then(|| (program.outermost(caller), family)));
            } else {
                adopt(program, units, (home, unit), *call, (function, family));
            }
        }
    }
}

/// The functions that set tracing up, with the family of what they set up: they install a provider, switch a library's
/// instrumentation on, or instrument an app that they are given. What makes spans only where it is told to counts where it is.
fn set_ups<'p>(program: &Program<'p>, units: &[UnitView], without: &FxHashSet<ValueRef>) -> Vec<(FuncRef, &'p str)> {
    let is_idle = |found: &DescribedCall<'_>| {
        let unit = &units[program.files[found.call.file as usize].source.unit];
        needs_telling(program.language, &found.library.family) && !unit.has_family(&found.library.family)
    };
    let calls = program.described_calls().iter().filter(|found| !without.contains(&found.call));
    let found = calls.filter(|found| found.site.function.0 != 0 && sets_up(found.effect) && !is_idle(found));
    let function = |file, id| program.outermost(FuncRef { file, id });
    let family = |found: &DescribedCall<'p>| family_of(program.language, found.library);
    found.map(|found| (function(found.call.file, found.site.function), family(found))).collect()
}

pub(in crate::study) fn sets_up(effect: &FunctionDescription) -> bool {
    matches!(effect.sets, Some(Setting::TracerProvider | Setting::Everything))
        || !effect.switches_on.is_empty()
        || matches!(effect.instruments, Some(Slot::Arg(_) | Slot::AnyArg))
}

/// Hands the stacks that a set-up function sets up on to the unit that calls it: a shared module may hold the set-up of
/// several, those of other families among them. A set-up of which the module has no stack works for those that it has.
fn adopt(
    program: &Program<'_>,
    units: &mut [UnitView],
    (from, to): (usize, usize),
    call: ValueRef,
    (function, family): (FuncRef, &str),
) {
    let is_of_family = |found: &StackUse| {
        stacks().iter().find(|page| page.id == found.stack).is_some_and(|page| page.family == family)
    };
    let all = &units[from].stacks;
    let is_apart = all.iter().any(is_of_family);
    let active = all.iter().filter(|found| found.active && found.mode == Mode::Code);
    let shared: Vec<StackUse> = active.filter(|found| !is_apart || is_of_family(found)).cloned().collect();
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
