//! Units whose spans are made by an API while nothing that is seen sets its SDK up.

use super::super::unit::UnitView;
use super::prefixes;
use crate::aside::is_aside;
use crate::ir::{Function, Import, Language};
use crate::knowledge::FunctionDescription;
use crate::link::Program;
use crate::services::{Mode, StackUse, stacks};
use rustc_hash::{FxHashMap, FxHashSet};

/// Takes note of the Go units that start spans by an API, or instrument something for it, while nothing in the tree sets
/// its SDK up: a package from elsewhere does, or the program that a library is built into. What else that instruments is not known, so the stack
/// counts as present and not as switched on.
pub(super) fn set_up_out_of_sight(program: &Program<'_>, units: &mut [UnitView]) {
    if program.language != Language::Go {
        return;
    }
    let by_api = |family: &str| {
        let mut pages = stacks().iter().filter(|page| page.languages.contains(&Language::Go) && page.needs_code);
        pages.find(|page| page.family == family && !page.imports.is_empty())
    };
    let takes_part = |effect: &FunctionDescription| effect.span.is_some() || effect.instruments.is_some();
    for found in program.described_calls().iter().filter(|found| takes_part(found.effect)) {
        let Some(file) = program.files.get(found.call.file as usize).map(|file| &file.source) else { continue };
        let family = found.library.family.as_str();
        let Some(unit) = units.get_mut(file.unit) else { continue };
        if family.is_empty() || unit.has_family(family) || is_aside(&file.path) {
            continue;
        }
        let Some(page) = by_api(family) else { continue };
        unit.stacks.push(StackUse {
            stack: page.id.clone(),
            mode: Mode::Code,
            active: false,
            path: file.path.to_string(),
            line: file.facts.lines.line(program.expr(found.call).span.start),
            evidence: match found.effect.span {
                Some(_) => format!("starts spans of {}, and nothing here sets it up", found.library.title),
                None => format!("uses {}, and nothing here sets it up", found.library.title),
            },
        });
    }
}

/// Takes note of the Python units without a stack that derive types from those of another unit of the tree, which starts
/// spans of a stack: that unit runs what is written here, inside its spans. What else is instrumented is not known, so the
/// stack counts as present and not as switched on.
pub(super) fn plugged_in(program: &Program<'_>, units: &mut [UnitView]) {
    if program.language != Language::Python {
        return;
    }
    let starting = program.described_calls().iter().filter(|found| found.effect.span.is_some());
    let files = starting.filter_map(|found| program.files.get(found.call.file as usize));
    let starting: FxHashSet<usize> =
        files.filter(|file| !is_aside(&file.source.path)).map(|file| file.source.unit).collect();
    let mut found: FxHashMap<usize, StackUse> = FxHashMap::default();
    for (at, file) in (0u32..).zip(&program.files) {
        let unit = file.source.unit;
        if units[unit].is_traced() || found.contains_key(&unit) || is_aside(&file.source.path) {
            continue;
        }
        let above = file.source.facts.types.iter().flat_map(|ty| ty.supers.iter().map(move |above| (ty, above)));
        let derived = above.filter_map(|(ty, above)| Some((ty, program.own_type(program.type_ref(at, above))?)));
        let stack = derived.filter_map(|(ty, above)| {
            let home = program.files.get(above.file as usize)?.source.unit;
            let by_code = |found: &&StackUse| found.active && found.mode == Mode::Code;
            let stack = units[home].stacks.iter().find(by_code).filter(|_| home != unit && starting.contains(&home))?;
            Some((ty, home, stack))
        });
        if let Some((ty, home, stack)) = stack.into_iter().next() {
            let evidence = format!("`{}` is run by {}, which starts spans", ty.name, units[home].name);
            let (path, line) = (file.source.path.to_string(), file.source.facts.lines.line(ty.span.start));
            let stack = stack.stack.clone();
            found.insert(unit, StackUse { stack, mode: Mode::Elsewhere, active: false, path, line, evidence });
        }
    }
    for (unit, stack) in found {
        units[unit].stacks.push(stack);
    }
}

/// Takes note of the Java and Python units that make spans by an API while nothing that is seen sets its SDK up: an agent
/// that the deployment brings, a parent of the build, or the program that a library is built into.
pub(super) fn used_by_api(program: &Program<'_>, units: &mut [UnitView]) {
    if program.language == Language::Go {
        return;
    }
    let starts = |function: &Function| function.name == "main" && function.flags.is_static;
    let programs = program.files.iter().filter(|file| file.source.facts.functions.iter().any(starts));
    let programs: FxHashSet<usize> = programs.map(|file| file.source.unit).collect();
    for page in stacks().iter().filter(|page| page.languages.contains(&program.language)) {
        for file in program.files.iter().filter(|file| !is_aside(&file.source.path)) {
            let unit = &mut units[file.source.unit];
            if page.used_through.is_empty() || unit.sign.is_some() || !unit.stacks.is_empty() {
                continue;
            }
            // What comes by its dependencies alone is missing where a program has none of them.
            if page.auto_configuration && programs.contains(&file.source.unit) {
                continue;
            }
            let is_it =
                |import: &&Import| prefixes(&import.target).any(|name| page.used_through.iter().any(|api| api == name));
            let Some(import) = file.source.facts.imports.iter().find(is_it) else { continue };
            unit.sign = Some(StackUse {
                stack: page.id.clone(),
                mode: Mode::Elsewhere,
                active: false,
                path: file.source.path.to_string(),
                line: file.source.facts.lines.line(import.span.start),
                evidence: format!("uses {}, and nothing here sets it up", import.target),
            });
        }
    }
}
