//! The table of log forms in the settings of a Python framework, which hands it to the logging library itself.

use crate::ir::{ExprId, ExprKind, FileFacts};
use crate::knowledge::log_settings;
use crate::link::{FileUnit, ValueRef};
use crate::study::Study;
use rustc_hash::{FxHashMap, FxHashSet};
use ustr::Ustr;

/// The tables that frameworks take from modules of settings: those that programs name, and those that these import. A table
/// that is read again where it is set may be changed there, and is left out with all others of its unit.
pub(super) fn tables(study: &Study<'_>) -> Vec<ValueRef> {
    let program = study.program;
    let mut out: Vec<ValueRef> = Vec::new();
    for known in log_settings() {
        let named = named_modules(study, &known.named_by);
        if named.is_empty() {
            continue;
        }
        let name = Ustr::from(&known.table);
        let set: Vec<u32> = (0u32..program.files.len() as u32)
            .filter(|file| !program.writes((program.files[*file as usize].module, name)).is_empty())
            .collect();
        let used = used(study, &named);
        let open: Vec<usize> = (0u32..program.files.len() as u32)
            .filter(|file| reads(study, *file, name) || (set.contains(file) && !used.contains(file)))
            .map(|file| study.unit_of(file))
            .collect();
        for file in set.into_iter().filter(|file| !open.contains(&study.unit_of(*file))) {
            let writes = program.writes((program.files[file as usize].module, name));
            out.extend(writes.iter().filter(|(value, at)| at.is_none() && value.file == file).map(|(value, _)| *value));
        }
    }
    out
}

/// The modules that calls name beside a word: `setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")`.
fn named_modules(study: &Study<'_>, word: &str) -> Vec<Ustr> {
    let mut out = Vec::new();
    for file in &study.program.files {
        let facts = &file.source.facts;
        for expr in &facts.exprs {
            let ExprKind::Call { args, .. } = &expr.kind else { continue };
            let [first, second] = &args[..] else { continue };
            let text = |at: ExprId| match &facts.expr(at).kind {
                ExprKind::Str(text) => Some(*text),
                _ => None,
            };
            if text(first.value).is_some_and(|text| text == word) {
                out.extend(text(second.value));
            }
        }
    }
    out.sort_unstable();
    out.dedup();
    out
}

/// The files that are modules of these names, and those that they import, one by way of another (`from .base import *`).
fn used(study: &Study<'_>, named: &[Ustr]) -> FxHashSet<u32> {
    let files = &study.program.files;
    let mut known: FxHashMap<&str, Vec<u32>> = FxHashMap::default();
    for (at, file) in (0u32..).zip(files) {
        // A name counts from the root of the sources, wherever that lies in the tree.
        let starts = file.module.match_indices('.').map(|(dot, _)| dot + 1).chain([0]);
        starts.filter_map(|start| file.module.get(start..)).for_each(|name| known.entry(name).or_default().push(at));
    }
    let of_name = |name: &str| known.get(name).into_iter().flatten().copied();
    let mut work: Vec<u32> = named.iter().flat_map(|name| of_name(name)).collect();
    let mut seen = FxHashSet::default();
    while let Some(at) = work.pop() {
        let Some(file) = files.get(at as usize).filter(|_| seen.insert(at)) else { continue };
        let names = file.source.facts.imports.iter().flat_map(|import| [import.module, import.target]);
        let mut names: Vec<String> = names.map(|name| absolute(file, &name)).collect();
        names.sort_unstable();
        names.dedup();
        work.extend(names.iter().flat_map(|name| of_name(name)));
    }
    seen
}

/// The name of a module from the root, as a file names it: `.base` in `shop.settings.live` is `shop.settings.base`.
fn absolute(file: &FileUnit<'_>, name: &str) -> String {
    let rest = name.trim_start_matches('.');
    let ups = name.len() - rest.len();
    if ups == 0 {
        return rest.to_owned();
    }
    let is_package = file.source.path.ends_with("__init__.py");
    let mut parts: Vec<&str> = file.module.split('.').collect();
    parts.truncate(parts.len().saturating_sub(ups - usize::from(is_package)));
    parts.extend((!rest.is_empty()).then_some(rest));
    parts.join(".")
}

/// Whether a file reads a variable of this name, by which what it holds may be changed.
fn reads(study: &Study<'_>, file: u32, name: Ustr) -> bool {
    let facts = &study.program.files[file as usize].source.facts;
    facts.exprs.iter().any(|expr| match &expr.kind {
        ExprKind::Index { base, .. } | ExprKind::Member { base, .. } => is_name(facts, *base, name),
        ExprKind::Call { args, .. } => args.iter().any(|arg| is_name(facts, arg.value, name)),
        _ => false,
    })
}

fn is_name(facts: &FileFacts, at: ExprId, name: Ustr) -> bool {
    match &facts.expr(at).kind {
        ExprKind::Name(found) => *found == name,
        ExprKind::Member { name: found, .. } => *found == name,
        _ => false,
    }
}
