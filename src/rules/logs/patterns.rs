//! `log-without-trace-id` in Java: patterns in configuration files and settings.

use super::super::Verdicts;
use super::super::clients::dark;
use crate::finding::{Confidence, Finding, Place, Related};
use crate::ir::{ExprKind, Language};
use crate::link::SourceFile;
use crate::services::{Environments, Ids, LogPattern, Mode, StackDescription, StackUse, Until, stacks};
use crate::study::{UnitView, is_aside, minor};
use rustc_hash::FxHashSet;

/// Reports programs that are traced and whose log patterns print no id of the trace, or read it where nobody puts it.
pub(crate) fn check(units: &[UnitView], sources: &[SourceFile], environments: &Environments, out: &mut Verdicts) {
    let elsewhere: Vec<&str> = stacks().iter().flat_map(|page| &page.log_files).map(String::as_str).collect();
    for (at, unit) in units.iter().enumerate().filter(|(_, unit)| unit.language == Language::Java) {
        // The deployment names another file, which comes with it.
        if !environments.of(&unit.root, &elsewhere).is_empty() {
            continue;
        }
        if unit.logging.open || unit.logging.patterns.is_empty() || is_aside(&format!("{}/x", unit.root)) {
            continue;
        }
        let is_program = || sources.iter().any(|file| file.unit == at && dark::is_program(file));
        let Some(pages) = pages(unit) else {
            out.findings.extend(unfilled(unit, sources).filter(|_| is_program()));
            continue;
        };
        let keys: Vec<&str> = pages.iter().flat_map(|page| log_keys(unit, page)).collect();
        let Some(key) = keys.first().copied() else { continue };
        if !is_program() {
            continue;
        }
        if let Some(found) = bare(unit, &pages, key).or_else(|| mistaken(unit, sources, &keys)) {
            out.findings.push(found);
        }
    }
}

/// A pattern by which a unit prints the id of the trace, where all of its patterns do and what traces it puts the id there.
pub(crate) fn printed(unit: &UnitView) -> Option<&LogPattern> {
    if unit.logging.open {
        return None;
    }
    let pages = pages(unit)?;
    let is_key = |key: &String| pages.iter().all(|page| log_keys(unit, page).any(|known| known == key));
    let prints = |pattern: &LogPattern| matches!(&pattern.ids, Ids::Keys(read) if read.iter().any(is_key));
    unit.logging.patterns.first().filter(|_| unit.logging.patterns.iter().all(prints))
}

/// Whether all records of a unit bear the id of the trace that is current: by its patterns, or, where it has none, by the
/// form that its framework writes them in by itself.
pub(crate) fn prints_ids(unit: &UnitView) -> bool {
    let by_itself = |page: &&StackDescription| {
        page.prints_ids.iter().any(|since| unit.platform(&since.platform) >= minor(&since.from))
    };
    let is_plain = !unit.logging.open && unit.logging.patterns.is_empty();
    printed(unit).is_some() || (is_plain && pages(unit).is_some_and(|pages| pages.iter().all(by_itself)))
}

/// The keys under which a stack puts the id into the logging context of a unit, whose version may not be known.
pub(super) fn log_keys<'a>(unit: &UnitView, page: &'a StackDescription) -> impl Iterator<Item = &'a str> {
    let is_kept = |key: &&Until| {
        let first_without = minor(&key.until);
        unit.platform(&key.platform).is_none_or(|version| first_without.is_none_or(|end| version < end))
    };
    let former: Vec<&str> = page.former_log_keys.iter().filter(is_kept).map(|key| key.name.as_str()).collect();
    page.log_keys.iter().map(String::as_str).chain(former)
}

/// The stacks that trace a unit, where all of them put ids into the logging context, and none is switched off by a setting
/// of the application.
pub(super) fn pages(unit: &UnitView) -> Option<Vec<&'static StackDescription>> {
    let active = unit.stacks.iter().filter(|found| found.active);
    let found: Vec<_> = active.filter_map(|found| stacks().iter().find(|page| page.id == found.stack)).collect();
    let holds_ids = |page: &&StackDescription| {
        !page.log_keys.is_empty() && !page.refused_by.iter().any(|name| unit.settings.denies(name))
    };
    (!found.is_empty() && found.iter().all(holds_ids)).then_some(found)
}

/// No pattern of the unit prints anything of the logging context that is called a trace's.
fn bare(unit: &UnitView, pages: &[&StackDescription], key: &str) -> Option<Finding> {
    let patterns = &unit.logging.patterns;
    if patterns.iter().any(|pattern| pattern.ids != Ids::None) || pages.iter().any(|page| page.sends_logs) {
        return None;
    }
    let (first, more) = patterns.split_first()?;
    let by = pages.first()?.title.as_str();
    let mut found = finding(unit, first.place);
    found.message = format!("this pattern prints no trace id, though {by} holds it ready under `{key}`");
    found.label = "no trace id in it".to_owned();
    found.help = format!("print it: put `%X{{{key}}}` into the pattern");
    found.related = related(more, "this pattern prints none either");
    Some(found)
}

/// The patterns read the id under a key that nothing writes.
fn mistaken(unit: &UnitView, sources: &[SourceFile], keys: &[&str]) -> Option<Finding> {
    let read = |pattern: &LogPattern| match &pattern.ids {
        Ids::Keys(read) if read.iter().all(|key| !keys.contains(&key.as_str())) => read.first().cloned(),
        _ => None,
    };
    let patterns = &unit.logging.patterns;
    let wrong: Vec<(&LogPattern, String)> = patterns.iter().filter_map(|found| Some((found, read(found)?))).collect();
    let ((first, key), more) = wrong.split_first()?;
    let told: FxHashSet<&str> = wrong.iter().map(|(_, key)| key.as_str()).collect();
    let right = patterns.iter().any(|found| {
        found.ids == Ids::Unknown
            || matches!(&found.ids, Ids::Keys(read) if read.iter().any(|key| keys.contains(&key.as_str())))
    });
    if right || sources.iter().any(|file| writes(file, &told)) {
        return None;
    }
    let written = keys.first()?;
    let mut found = finding(unit, first.place);
    found.confidence = Confidence::Likely;
    found.message =
        format!("this pattern prints `{key}` of the logging context, where the trace id stands under `{written}`");
    found.label = "empty on every record".to_owned();
    found.help =
        format!("write `%X{{{written}}}` in place of `%X{{{key}}}`; this assumes that no setting renames the key");
    let more: Vec<LogPattern> = more.iter().map(|(pattern, _)| (*pattern).clone()).collect();
    found.related = related(&more, "the same key is read here");
    Some(found)
}

/// The patterns print the id of the trace under a key that nothing fills: the stack puts no id into the logging context by
/// itself, none of what does so for it is a dependency, and no code of the tree names the key.
fn unfilled(unit: &UnitView, sources: &[SourceFile]) -> Option<Finding> {
    let active: Vec<_> = unit.stacks.iter().filter(|found| found.active).collect();
    let leaves = |page: &StackDescription| {
        !page.log_fillers.is_empty() && !page.log_fillers.iter().any(|name| unit.dependencies.contains(name))
    };
    let is_left = |found: &&StackUse| {
        let mut pages = stacks().iter().filter(|page| page.id == found.stack);
        found.mode == Mode::Code && pages.any(leaves)
    };
    let read = |pattern: &LogPattern| match &pattern.ids {
        Ids::Keys(read) => read.first().cloned(),
        _ => None,
    };
    let patterns: Vec<(&LogPattern, String)> =
        unit.logging.patterns.iter().filter_map(|found| Some((found, read(found)?))).collect();
    let ((first, key), more) = patterns.split_first()?;
    let keys: FxHashSet<&str> = patterns.iter().map(|(_, key)| key.as_str()).collect();
    if active.is_empty() || !active.iter().all(is_left) || sources.iter().any(|file| writes(file, &keys)) {
        return None;
    }
    let mut found = finding(unit, first.place);
    found.confidence = Confidence::Likely;
    found.message = format!("this pattern prints `{key}` of the logging context, which nothing fills");
    found.label = "empty on every record".to_owned();
    let filler = stacks().iter().find(|page| page.id == active[0].stack)?.log_fillers.first()?;
    found.help = format!("add {filler}, which puts the ids there; this assumes that no agent is attached from outside");
    let more: Vec<LogPattern> = more.iter().map(|(pattern, _)| (*pattern).clone()).collect();
    found.related = related(&more, "so does this one");
    Some(found)
}

/// Whether a file names a key, and so may write it itself, for whatever unit uses it.
fn writes(file: &SourceFile, keys: &FxHashSet<&str>) -> bool {
    file.facts.exprs.iter().any(|expr| matches!(&expr.kind, ExprKind::Str(text) if keys.contains(text.as_str())))
}

fn related(patterns: &[LogPattern], message: &str) -> Vec<Related> {
    patterns.iter().map(|pattern| Related { place: pattern.place, message: message.to_owned() }).collect()
}

fn finding(unit: &UnitView, place: Place) -> Finding {
    let service = &unit.name;
    Finding {
        rule: "log-without-trace-id",
        severity: None,
        confidence: Confidence::Certain,
        place,
        message: String::new(),
        label: String::new(),
        effect: format!("no record of {service} can be found from its trace, nor the trace from a record"),
        help: String::new(),
        confirm: format!(
            "send a request with a known trace id to {service} and search its logs for the id: nothing is found"
        ),
        service: service.clone(),
        language: Some(unit.language),
        related: Vec::new(),
    }
}
