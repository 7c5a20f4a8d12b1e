//! What the code itself shows of a unit's tracing: imports of a stack, and process-wide switches.

mod declared;
mod elsewhere;
mod imports;
mod in_full;
mod named;
mod shared;
mod telling;

use super::tasks::{within_tasks, within_workers};
use super::unit::{Coverage, UnitView, instruments_project};
use crate::aside::is_aside;
use crate::ir::Language;
use crate::knowledge::LibraryDescription;
use crate::link::{Program, ValueRef, plain};
use crate::services::{StackDescription, stacks};
use rustc_hash::{FxHashMap, FxHashSet};
pub(super) use shared::{links, sets_up};
pub(super) use telling::needs_telling;

/// Adds to the units what their code shows: stacks by import, libraries by a switch (`RequestsInstrumentor().instrument()`).
/// A switch counts for the unit that throws it and for every unit that shares code with it by import, in either
/// direction; one in an example counts for the example alone.
pub fn code_evidence(program: &Program<'_>, units: &mut [UnitView]) {
    imports::imports(program, units);
    imports::listed(program, units);
    telling::without_tracing(program, units);
    own_instrumentors(program, units);
    let within_tasks = within_tasks(program, units);
    let switched = switched(program, units, &within_tasks);
    shared::shared_set_up(program, units, &within_tasks);
    declared::declared_for_others(program, units);
    elsewhere::set_up_out_of_sight(program, units);
    named::set_up_by_name(program, units);
    elsewhere::used_by_api(program, units);
    elsewhere::plugged_in(program, units);
    telling::asked_in_code(program, units);
    super::by_name::note(program, units);
    spread(program, units, switched);
}

/// The libraries whose instrumentation the code of each unit switches on.
fn switched(
    program: &Program<'_>,
    units: &[UnitView],
    within_tasks: &FxHashSet<ValueRef>,
) -> FxHashMap<usize, Vec<(String, Coverage)>> {
    let within_workers = within_workers(program);
    let mut switched: FxHashMap<usize, Vec<(String, Coverage)>> = FxHashMap::default();
    for found in program.described_calls().iter().filter(|found| !found.effect.switches_on.is_empty()) {
        let file = &program.files[found.call.file as usize].source;
        if within_tasks.contains(&found.call) {
            continue;
        }
        if needs_telling(program.language, &found.library.family) && !units[file.unit].has_family(&found.library.family)
        {
            continue;
        }
        let coverage = Coverage {
            by: "a process-wide instrumentor".to_owned(),
            at: Some((file.path.to_string(), file.facts.lines.line(program.expr(found.call).span.start))),
            reach: crate::services::Reach::All,
            family: family_of(program.language, found.library).to_owned(),
            in_workers: within_workers.contains(&found.call),
        };
        let libraries = found.effect.switches_on.iter().map(|library| (library.clone(), coverage.clone()));
        switched.entry(file.unit).or_default().extend(libraries);
    }
    switched
}

/// Adds what a unit's code switches on to it and to the units that share code with it.
fn spread(program: &Program<'_>, units: &mut [UnitView], switched: FxHashMap<usize, Vec<(String, Coverage)>>) {
    if switched.is_empty() {
        return;
    }
    let links = links(program);
    for (unit, found) in switched {
        let near =
            (0..units.len()).filter(|at| *at == unit || links.contains(&(*at, unit)) || links.contains(&(unit, *at)));
        for at in near {
            let counts =
                |coverage: &Coverage| at == unit || !coverage.at.as_ref().is_some_and(|(path, _)| is_aside(path));
            for (library, coverage) in found.iter().filter(|(_, coverage)| counts(coverage)) {
                units[at].add_coverage(library, coverage.clone());
            }
        }
    }
}

/// The family whose spans a library makes: its own, or that of the stack whose code it is.
fn family_of(language: Language, library: &LibraryDescription) -> &str {
    let is_of = |page: &&StackDescription| {
        let is_below = |name: &String, outer: &String| {
            name.strip_prefix(outer.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let is_code =
            |module: &String| page.imports.iter().any(|import| is_below(import, module) || is_below(module, import));
        page.languages.contains(&language) && library.modules.iter().all(is_code)
    };
    let found = || stacks().iter().find(is_of).map_or("", |page| page.family.as_str());
    if library.family.is_empty() { found() } else { &library.family }
}

/// Takes note of projects that code of their own imports an instrumentation for: `….instrumentation.<project>`.
fn own_instrumentors(program: &Program<'_>, units: &mut [UnitView]) {
    if program.language != Language::Python {
        return;
    }
    let project = |module: &str| plain(module).split('.').next().map(str::to_owned).unwrap_or_default();
    let mut found: FxHashSet<String> = FxHashSet::default();
    for file in &program.files {
        let own = project(&file.module);
        if file.source.facts.imports.iter().any(|import| instruments_project(&import.module, &own)) {
            found.insert(own);
        }
    }
    for file in program.files.iter().filter(|file| found.contains(&project(&file.module))) {
        units[file.source.unit].own_instrumentor = true;
    }
}

/// A name and every package around it.
fn prefixes(name: &str) -> impl Iterator<Item = &str> {
    let ends = name.match_indices(['.', '/']).map(|(at, _)| at).chain([name.len()]);
    ends.filter_map(|end| name.get(..end))
}
