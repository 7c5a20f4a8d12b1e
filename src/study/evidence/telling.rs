//! Stacks that trace, or trace one library, only where code tells them to.

use super::super::unit::UnitView;
use crate::ir::{ExprKind, FileFacts, Language};
use crate::link::{FileUnit, Program};
use crate::services::stacks;
use rustc_hash::FxHashSet;
use ustr::Ustr;

/// Whether the stacks of a family only trace when told to.
pub(in crate::study) fn needs_telling(language: Language, family: &str) -> bool {
    let mut pages = stacks().iter().filter(|page| page.family == family && page.languages.contains(&language));
    !family.is_empty() && pages.any(|page| !page.tracing_words.is_empty())
}

/// Takes away the stacks that only trace when told to, from units whose code does not tell them.
pub(super) fn without_tracing(program: &Program<'_>, units: &mut [UnitView]) {
    for page in stacks().iter().filter(|page| !page.tracing_words.is_empty()) {
        let uses = |unit: &UnitView| unit.stacks.iter().any(|found| found.stack == page.id);
        let candidates: Vec<usize> = (0..units.len()).filter(|at| uses(&units[*at])).collect();
        for at in candidates {
            let mut files = program.files.iter().filter(|file| file.source.unit == at);
            let is_of_language = units[at].language == program.language;
            let is_told = |name: &String| {
                let value = units[at].settings.value(name);
                value.is_some_and(|value| value != "false" && value.parse::<f64>() != Ok(0.0))
            };
            if is_of_language
                && !page.tracing_settings.iter().any(is_told)
                && !files.any(|file| mentions(&file.source.facts, &page.tracing_words))
            {
                units[at].stacks.retain(|found| found.stack != page.id);
            }
        }
    }
}

/// Whether a file names any of these: as a name, a keyword, or in a text.
fn mentions(facts: &FileFacts, words: &[String]) -> bool {
    let is_word = |name: &str| words.iter().any(|word| word == name);
    facts.exprs.iter().any(|expr| match &expr.kind {
        ExprKind::Name(name) | ExprKind::Member { name, .. } | ExprKind::Str(name) => is_word(name),
        ExprKind::Call { args, .. } => args.iter().any(|arg| arg.name.is_some_and(|name| is_word(&name))),
        _ => false,
    })
}

/// Forgets what is seen to be asked of a stack in code, anywhere: `config.celery["distributed_tracing"] = True`.
pub(super) fn asked_in_code(program: &Program<'_>, units: &mut [UnitView]) {
    let asking: FxHashSet<Ustr> = units
        .iter()
        .flat_map(|unit| unit.not_asked.values())
        .flat_map(|found| found.in_code.iter().map(|word| Ustr::from(word)))
        .collect();
    let of_file = |file: &FileUnit<'_>| -> Vec<Ustr> {
        let words = file.source.facts.exprs.iter().filter_map(|expr| match &expr.kind {
            ExprKind::Str(word) | ExprKind::Name(word) | ExprKind::Member { name: word, .. } => Some(*word),
            _ => None,
        });
        words.filter(|word| asking.contains(word)).collect()
    };
    let files = program.files.iter().filter(|_| !asking.is_empty());
    let asked: FxHashSet<Ustr> = files.flat_map(of_file).collect();
    for unit in units.iter_mut().filter(|_| !asked.is_empty()) {
        unit.not_asked.retain(|_, found| !found.in_code.iter().any(|word| asked.contains(&Ustr::from(word))));
    }
}
