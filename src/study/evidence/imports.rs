//! The stacks that code imports, and those that a framework loads because its settings name them.

use super::super::unit::UnitView;
use super::{in_full, prefixes};
use crate::aside::is_aside;
use crate::ir::{ExprKind, Import, Language};
use crate::link::{FileUnit, Program};
use crate::services::{Mode, StackDescription, StackUse, stacks};
use rustc_hash::{FxHashMap, FxHashSet};
use ustr::Ustr;

pub(super) fn imports(program: &Program<'_>, units: &mut [UnitView]) {
    let pages = || stacks().iter().enumerate().filter(|(_, page)| page.languages.contains(&program.language));
    let mut by_prefix: FxHashMap<&str, Vec<usize>> = FxHashMap::default();
    for (at, page) in pages() {
        for prefix in &page.imports {
            by_prefix.entry(prefix).or_default().push(at);
        }
    }
    let mut memo: FxHashMap<(Ustr, Ustr), Vec<usize>> = FxHashMap::default();
    let with_code = with_code(program, units);
    let words: FxHashSet<&str> = by_prefix.keys().filter_map(|prefix| prefix.split('.').next()).collect();
    for (at, file) in (0u32..).zip(&program.files) {
        // What an example sets up is not set up in the program or library that it shows.
        if with_code.contains(&file.source.unit) && is_beside(file, &units[file.source.unit]) {
            continue;
        }
        let in_full = in_full::imports(program, at, &words);
        for import in file.source.facts.imports.iter().chain(&in_full) {
            let found = memo.entry((import.module, import.target)).or_insert_with(|| {
                let names = [import.module.as_str(), import.target.as_str()];
                let mut found: Vec<usize> = names
                    .into_iter()
                    .flat_map(prefixes)
                    .filter_map(|name| by_prefix.get(name))
                    .flatten()
                    .copied()
                    .collect();
                found.sort_unstable();
                found.dedup();
                found
            });
            for page in found.iter().filter_map(|at| stacks().get(*at)) {
                if !prefixes(&import.target).any(|name| page.imports_beside.iter().any(|beside| beside == name)) {
                    imported(file, import, page, &mut units[file.source.unit]);
                }
            }
        }
    }
}

/// The Python units that have code of their own beside their examples and tools.
fn with_code(program: &Program<'_>, units: &[UnitView]) -> FxHashSet<usize> {
    let files = program.files.iter().filter(|_| program.language == Language::Python);
    let own =
        files.filter(|file| !is_beside(file, &units[file.source.unit]) && !file.source.facts.functions.is_empty());
    own.map(|file| file.source.unit).collect()
}

/// Whether a file is an example or tool of its unit.
fn is_beside(file: &FileUnit<'_>, unit: &UnitView) -> bool {
    let path = file.source.path.strip_prefix(unit.root.as_str()).unwrap_or(&file.source.path);
    const SHOWS: &[&str] = &["example", "examples", "sample", "samples", "docs", "cookbook", "notebooks", "tutorials"];
    path.trim_start_matches('/').split('/').rev().skip(1).any(|folder| SHOWS.contains(&folder))
}

/// Takes note of a stack that a file of a unit imports.
fn imported(file: &FileUnit<'_>, import: &Import, page: &StackDescription, unit: &mut UnitView) {
    if page.patching_imports.iter().any(|module| *module == import.module || *module == import.target)
        && !is_aside(&file.source.path)
    {
        unit.patch(page, Mode::Code, (file.source.path.to_string(), file.source.facts.lines.line(import.span.start)));
    }
    let known = unit.stacks.iter().any(|found| found.stack == page.id && found.mode == Mode::Code && found.active);
    if !known {
        unit.stacks.push(StackUse {
            stack: page.id.clone(),
            mode: Mode::Code,
            active: true,
            path: file.source.path.to_string(),
            line: file.source.facts.lines.line(import.span.start),
            evidence: format!("{} {}", in_full::verb(import), import.module),
        });
    }
}

/// Adds the stacks that a framework loads because its settings name them in a text.
pub(super) fn listed(program: &Program<'_>, units: &mut [UnitView]) {
    let pages = stacks().iter().filter(|page| page.languages.contains(&program.language));
    let names = pages.flat_map(|page| page.listed_as.iter().map(move |name| (Ustr::from(name), page)));
    let names: FxHashMap<Ustr, &StackDescription> = names.collect();
    for file in program.files.iter().filter(|_| !names.is_empty()) {
        for expr in &file.source.facts.exprs {
            let ExprKind::Str(text) = &expr.kind else { continue };
            let Some(page) = names.get(text).filter(|_| !is_aside(&file.source.path)) else { continue };
            let place = (file.source.path.to_string(), file.source.facts.lines.line(expr.span.start));
            let unit = &mut units[file.source.unit];
            unit.patch(page, Mode::Code, place.clone());
            if !unit.stacks.iter().any(|found| found.stack == page.id && found.active) {
                unit.stacks.push(StackUse {
                    stack: page.id.clone(),
                    mode: Mode::Code,
                    active: true,
                    path: place.0,
                    line: place.1,
                    evidence: format!("lists {text}"),
                });
            }
        }
    }
}
