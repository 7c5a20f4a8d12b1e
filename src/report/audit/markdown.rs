//! The checklist as Markdown.

use super::super::text::markdown as text;
use super::{MAX_CAUSES, MAX_ITEMS, MAX_PLACES, View, caveats, groups, summary};
use crate::audit::{Cause, Confirm, Evidence, Step};
use std::io::{self, Write};

/// Writes the checklist for people and for pull requests.
pub fn markdown(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# Trace propagation audit\n\n{}\n", text(&summary(view)))?;
    for caveat in caveats(view) {
        writeln!(out, "{}\n", text(&caveat))?;
    }
    writeln!(out, "| step | breaks | unknown | passes |\n| --- | --- | --- | --- |")?;
    for step in &view.audit.steps {
        let [breaks, unknown, passes] = step.counts();
        writeln!(out, "| {}. {} | {breaks} | {unknown} | {passes} |", step.number, step.name)?;
    }
    writeln!(out, "\n## Likely root causes\n")?;
    if view.audit.causes.is_empty() {
        writeln!(out, "None was found in what was read.\n")?;
    }
    for (at, cause) in view.audit.causes.iter().take(MAX_CAUSES).enumerate() {
        one_cause(at + 1, cause, out)?;
    }
    more(view.audit.causes.len(), MAX_CAUSES, out)?;
    view.audit.steps.iter().try_for_each(|step| one_step(step, out))
}

fn one_cause(number: usize, cause: &Cause, out: &mut dyn Write) -> io::Result<()> {
    let rule = [cause.rule.as_str(), cause.name.as_str()].join(" ");
    writeln!(out, "### {number}. {}: {}\n", text(&cause.service), text(&cause.message))?;
    writeln!(out, "- {} · {} · owner: {}", cause.triage.words(), text(rule.trim()), text(&cause.owner))?;
    let services = cause.services.iter().map(|name| text(name)).collect::<Vec<_>>().join(", ");
    let ways = super::super::text::count(cause.ways, "way");
    writeln!(out, "- in the dark behind it: {ways}; {}", if services.is_empty() { "no service" } else { &services })?;
    for (word, said) in [("effect", &cause.effect), ("help", &cause.help)] {
        if !said.is_empty() {
            writeln!(out, "- {word}: {}", text(said))?;
        }
    }
    places(&cause.evidence, 0, "", out)?;
    for Confirm { what, needs, command } in &cause.confirm {
        let needs = if needs.is_empty() { String::new() } else { format!(" (needs {})", text(needs)) };
        writeln!(out, "- confirm: {}{needs}", text(what))?;
        if let Some(command) = command {
            code(command, out)?;
        }
    }
    writeln!(out)
}

/// A command as a block that nothing in it can end.
fn code(command: &str, out: &mut dyn Write) -> io::Result<()> {
    let longest = command.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    writeln!(out, "\n  {fence}sh\n  {}\n  {fence}\n", super::super::text::clean(command))
}

fn one_step(step: &Step, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "## {}. {}\n\n{}\n", step.number, step.name, step.question)?;
    if step.items.is_empty() {
        writeln!(out, "Nothing of the kind was found.\n")?;
    }
    let groups = groups(step);
    for group in groups.iter().take(MAX_ITEMS) {
        let item = group.first;
        let subjects = group.subjects.iter().map(|name| text(name)).collect::<Vec<_>>().join(", ");
        writeln!(out, "- **{}** {subjects}: because {}", item.outcome.word(), text(&item.because))?;
        let owners: Vec<String> = group.owners.iter().filter(|name| !name.is_empty()).map(|name| text(name)).collect();
        if !owners.is_empty() {
            writeln!(out, "  - owner: {}", owners.join(", "))?;
        }
        for note in &item.notes {
            writeln!(out, "  - {}", text(note))?;
        }
        places(&item.evidence, item.more, "  ", out)?;
    }
    writeln!(out)?;
    more(groups.len(), MAX_ITEMS, out)
}

fn places(evidence: &[Evidence], unnamed: usize, indent: &str, out: &mut dyn Write) -> io::Result<()> {
    for Evidence { path, line, what } in evidence.iter().take(MAX_PLACES) {
        writeln!(out, "{indent}- {}:{line}: {}", text(path), text(what))?;
    }
    let more = evidence.len().saturating_sub(MAX_PLACES) + unnamed;
    if more > 0 {
        writeln!(out, "{indent}- and {} more", more)?;
    }
    Ok(())
}

fn more(all: usize, shown: usize, out: &mut dyn Write) -> io::Result<()> {
    match all.saturating_sub(shown) {
        0 => Ok(()),
        more => writeln!(out, "And {more} more, which the JSON names.\n"),
    }
}
