//! The table of log forms in the settings of a Python framework, which hands it to the logging library itself.

use crate::ir::{ExprId, ExprKind, FileFacts};
use crate::knowledge::log_settings;
use crate::link::ValueRef;
use crate::study::Study;
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
        let open: Vec<usize> = (0u32..program.files.len() as u32)
            .filter(|file| reads(study, *file, name) || (set.contains(file) && !is_used(study, *file, &named)))
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

/// Whether a file is a module of these names, or one that such a module imports.
fn is_used(study: &Study<'_>, file: u32, named: &[Ustr]) -> bool {
    let files = &study.program.files;
    let module = files[file as usize].module;
    let is_it = |found: &str| found == module || module.ends_with(&format!(".{found}"));
    named.iter().any(|name| is_it(name))
        || files
            .iter()
            .filter(|other| named.contains(&other.module))
            .any(|other| other.source.facts.imports.iter().any(|import| is_it(&import.module) || is_it(&import.target)))
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
