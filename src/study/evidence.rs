//! What the code itself shows of a unit's tracing: imports of a stack, and process-wide switches.

use super::unit::{Coverage, UnitView};
use crate::link::{Program, ValueRef};
use crate::services::{Mode, StackUse, stacks};
use rustc_hash::{FxHashMap, FxHashSet};

/// Adds to the units what their code shows: stacks by import, libraries by a switch (`RequestsInstrumentor().instrument()`).
/// A switch counts for the unit that throws it and for every unit that shares code with it by import, in either direction.
pub fn code_evidence(program: &Program<'_>, units: &mut [UnitView]) {
    imports(program, units);
    let mut switched: FxHashMap<usize, Vec<(String, Coverage)>> = FxHashMap::default();
    for (at, file) in program.files.iter().enumerate() {
        for site in &file.flow.calls {
            let call = ValueRef { file: at as u32, expr: site.expr };
            let Some((_, effect)) = program.callee(call).name.and_then(|name| program.described(name)) else {
                continue;
            };
            for library in &effect.switches_on {
                let line = file.source.facts.lines.line(program.expr(call).span.start);
                let coverage = Coverage {
                    by: "a process-wide instrumentor".to_owned(),
                    at: Some((file.source.path.to_string(), line)),
                };
                switched.entry(file.source.unit).or_default().push((library.clone(), coverage));
            }
        }
    }
    if switched.is_empty() {
        return;
    }
    let links = links(program);
    for (unit, found) in switched {
        let near = units
            .iter()
            .enumerate()
            .map(|(at, _)| at)
            .filter(|at| *at == unit || links.contains(&(*at, unit)) || links.contains(&(unit, *at)));
        for at in near.collect::<Vec<_>>() {
            for (library, coverage) in &found {
                units[at].covered.entry(library.clone()).or_insert_with(|| coverage.clone());
            }
        }
    }
}

fn imports(program: &Program<'_>, units: &mut [UnitView]) {
    for file in &program.files {
        for import in &file.source.facts.imports {
            for page in stacks().iter().filter(|page| page.languages.contains(&program.language)) {
                let matches = |prefix: &String| {
                    import
                        .module
                        .strip_prefix(prefix.as_str())
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '/']))
                        || import
                            .target
                            .strip_prefix(prefix.as_str())
                            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '/']))
                };
                if !page.imports.iter().any(matches) {
                    continue;
                }
                let unit = &mut units[file.source.unit];
                let known =
                    unit.stacks.iter().any(|found| found.stack == page.id && found.mode == Mode::Code && found.active);
                if !known {
                    unit.stacks.push(StackUse {
                        stack: page.id.clone(),
                        mode: Mode::Code,
                        active: true,
                        path: file.source.path.to_string(),
                        line: file.source.facts.lines.line(import.span.start),
                        evidence: format!("imports {}", import.module),
                    });
                }
            }
        }
    }
}

/// Pairs of units of which the first imports from the second.
fn links(program: &Program<'_>) -> FxHashSet<(usize, usize)> {
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
