//! The checklist as one page that needs nothing else.

use super::super::text::clean;
use super::{MAX_CAUSES, MAX_ITEMS, OUTCOMES, View, caveats, groups, summary};
use crate::audit::{Cause, Evidence, Outcome, Step};
use std::io::{self, Write};

/// What stands before and after the checklist.
const PAGE: &str = include_str!("page.html");
/// Where the checklist stands in it.
const PLACE: &str = "<!--CHECKLIST-->";

/// Writes one page with the checklist; it runs no script and reads nothing from anywhere.
pub fn html(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    let (before, after) = PAGE.split_once(PLACE).unwrap_or((PAGE, ""));
    out.write_all(before.as_bytes())?;
    writeln!(out, "<p>{}</p>", text(&summary(view)))?;
    for caveat in caveats(view) {
        writeln!(out, "<p>{}</p>", text(&caveat))?;
    }
    writeln!(out, "<table><tr><th>step</th><th>breaks</th><th>unknown</th><th>passes</th></tr>")?;
    for step in &view.audit.steps {
        let cells = step.counts().map(|count| format!("<td>{count}</td>")).concat();
        let (number, name) = (step.number, step.name);
        writeln!(out, "<tr><td><a href=\"#step{number}\">{number}. {name}</a></td>{cells}</tr>")?;
    }
    writeln!(out, "</table>\n<h2>Likely root causes</h2>")?;
    if view.audit.causes.is_empty() {
        writeln!(out, "<p>None was found in what was read.</p>")?;
    }
    writeln!(out, "<ol>")?;
    for cause in view.audit.causes.iter().take(MAX_CAUSES) {
        one_cause(cause, out)?;
    }
    writeln!(out, "</ol>")?;
    more(view.audit.causes.len(), MAX_CAUSES, out)?;
    for step in &view.audit.steps {
        one_step(step, out)?;
    }
    out.write_all(after.as_bytes())
}

fn one_cause(cause: &Cause, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<li><strong>{}: {}</strong>", text(&cause.service), text(&cause.message))?;
    let rule = [cause.rule.as_str(), cause.name.as_str()].join(" ");
    writeln!(out, "<p>{} · {} · owner: {}</p>", cause.triage.words(), text(rule.trim()), text(&cause.owner))?;
    let services = if cause.services.is_empty() { "no service".to_owned() } else { cause.services.join(", ") };
    let ways = super::super::text::count(cause.ways, "way");
    writeln!(out, "<p>In the dark behind it: {ways}; {}</p>", text(&services))?;
    for (word, said) in [("Effect", &cause.effect), ("Help", &cause.help)] {
        if !said.is_empty() {
            writeln!(out, "<p>{word}: {}</p>", text(said))?;
        }
    }
    places(&cause.evidence, 0, out)?;
    for confirm in &cause.confirm {
        let needs = match confirm.needs.is_empty() {
            true => String::new(),
            false => format!(" (needs {})", text(&confirm.needs)),
        };
        writeln!(out, "<p>Confirm: {}{needs}</p>", text(&confirm.what))?;
        if let Some(command) = &confirm.command {
            writeln!(out, "<pre>{}</pre>", text(command))?;
        }
    }
    writeln!(out, "</li>")
}

fn one_step(step: &Step, out: &mut dyn Write) -> io::Result<()> {
    let number = step.number;
    writeln!(out, "<h2 id=\"step{number}\">{number}. {}</h2>\n<p>{}</p>", step.name, step.question)?;
    if step.items.is_empty() {
        writeln!(out, "<p>Nothing of the kind was found.</p>")?;
    }
    let groups = groups(step);
    let (shown, _) = groups.split_at(groups.len().min(MAX_ITEMS));
    for outcome in OUTCOMES {
        for group in shown.iter().filter(|group| group.first.outcome == outcome) {
            let item = group.first;
            let open = if outcome == Outcome::Breaks { " open" } else { "" };
            let (class, word) = (outcome.word().to_lowercase(), outcome.word());
            writeln!(
                out,
                "<details class=\"{class}\"{open}><summary><b>{word}</b> {}: because {}</summary>",
                { text(&group.subjects.join(", ")) },
                text(&item.because)
            )?;
            let owners: Vec<&str> = group.owners.iter().copied().filter(|name| !name.is_empty()).collect();
            if !owners.is_empty() {
                writeln!(out, "<p>Owner: {}</p>", text(&owners.join(", ")))?;
            }
            for note in &item.notes {
                writeln!(out, "<p>{}</p>", text(note))?;
            }
            places(&item.evidence, item.more, out)?;
            writeln!(out, "</details>")?;
        }
    }
    more(groups.len(), MAX_ITEMS, out)
}

fn places(evidence: &[Evidence], unnamed: usize, out: &mut dyn Write) -> io::Result<()> {
    if evidence.is_empty() {
        return Ok(());
    }
    writeln!(out, "<ul>")?;
    for Evidence { path, line, what } in evidence {
        writeln!(out, "<li><code>{}:{line}</code> {}</li>", text(path), text(what))?;
    }
    if unnamed > 0 {
        writeln!(out, "<li>and {unnamed} more</li>")?;
    }
    writeln!(out, "</ul>")
}

fn more(all: usize, shown: usize, out: &mut dyn Write) -> io::Result<()> {
    match all.saturating_sub(shown) {
        0 => Ok(()),
        more => writeln!(out, "<p>And {more} more, which the JSON names.</p>"),
    }
}

/// A text inside an element: no markup, no control characters.
fn text(text: &str) -> String {
    clean(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::{PAGE, PLACE, text};

    #[test]
    fn the_page_has_one_place_for_the_checklist_and_asks_for_nothing() {
        assert_eq!(PAGE.matches(PLACE).count(), 1);
        assert!(!PAGE.contains("http") || PAGE.contains("http-equiv"));
        assert!(!PAGE.contains("://") && !PAGE.contains("<script"));
    }

    #[test]
    fn texts_are_no_markup() {
        assert_eq!(text("<b a=\"x\">&\u{1b}"), "&lt;b a=&quot;x&quot;&gt;&amp;\u{FFFD}");
    }
}
