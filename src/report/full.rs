//! For people: the source with its labels, then what it means.

use super::diagnostic::severity_word;
use super::excerpt::Excerpt;
use super::source::Source;
use super::text::{clean, clean_lines, count, without_secrets};
use super::{Diagnostic, Report};
use crate::analysis::{ServiceReport, StackReport};
use crate::finding::Severity;
use crate::ir::{Language, Span};
use crate::services::Mode;
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NarratableReportHandler};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// How to draw.
#[derive(Debug, Clone, Default)]
pub struct Style {
    /// The folder that paths are relative to, where the terminal can follow hyperlinks (OSC 8).
    pub link_base: Option<PathBuf>,
    /// With colours.
    pub color: bool,
    /// In words instead of lines (`NO_GRAPHICS`).
    pub narrated: bool,
    /// Without the counts at the end.
    pub quiet: bool,
    /// With the reason of each skipped file.
    pub verbose: bool,
}

/// Place, text, and whether it is the primary one.
type Label = (Span, String, bool);

/// What stands for itself in the path of a `file` URL.
const IN_PATHS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// Labels a snippet shows at most.
const MAX_LABELS: usize = 12;
/// Of labels on more lines than this the first line alone is drawn.
const MAX_DRAWN: usize = 8;
/// Lines longer than this many bytes are not drawn.
const MAX_LINE: usize = 1000;

/// Writes all findings and the footer.
pub fn write(report: &Report, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    for found in &report.diagnostics {
        write_one(report, found, style, out)?;
    }
    footer(report, style, out)
}

fn write_one(report: &Report, found: &Diagnostic, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    for (index, (path, labels)) in by_file(found).into_iter().enumerate() {
        let main = index == 0;
        let source = report.sources.get(path);
        let view = View {
            main,
            message: if main { clean(&found.message) } else { format!("the trace also goes through {}", clean(path)) },
            code: format!("{}[{}] {}", severity_word(found.severity), found.rule, found.name),
            severity: found.severity,
            source: source.filter(|source| drawable(source, found, path)).map(|source| named(path, source, style)),
            labels,
        };
        write!(out, "{}", render(&view, style))?;
        if view.source.is_none() {
            writeln!(out, "   at {}:{}:{}", clean(path), found.range.start.line, found.range.start.column)?;
        }
    }
    for (word, text) in [("effect", &found.effect), ("help", &found.help), ("confirm", &found.confirm)] {
        if !text.is_empty() {
            let text = clean_lines(text).replace('\n', "\n           ");
            let (on, off) = if style.color { ("\u{1b}[36m", "\u{1b}[0m") } else { ("", "") };
            writeln!(out, "  {on}{:<8}{off} {text}", format!("{word}:"))?;
        }
    }
    writeln!(out)
}

/// The labels of each file, the primary file first, then in the order of the trace.
fn by_file(found: &Diagnostic) -> Vec<(&str, Vec<Label>)> {
    let label = if found.label.is_empty() { &found.message } else { &found.label };
    let mut files = vec![(found.path.as_str(), vec![(found.span, clean(label), true)])];
    for place in &found.related {
        let label = (place.span, clean(&place.message), false);
        match files.iter_mut().find(|(path, _)| *path == place.path) {
            Some((_, labels)) if labels.len() < MAX_LABELS => labels.push(label),
            Some(_) => {}
            None => files.push((&place.path, vec![label])),
        }
    }
    files.truncate(MAX_LABELS);
    files
}

/// Whether the lines around every place in this file are short enough for a terminal.
fn drawable(source: &Source, found: &Diagnostic, path: &str) -> bool {
    let mut places = found.places().filter(|(file, _)| *file == path);
    !source.text.is_empty()
        && places.all(|(_, range)| {
            let lines = range.start.line.saturating_sub(1)..=range.end.line.saturating_add(1);
            lines.into_iter().all(|line| source.line(line).len() <= MAX_LINE)
        })
}

fn named(path: &str, source: &Source, style: &Style) -> Excerpt {
    let name = clean(path);
    let name = style.link_base.as_ref().map_or(name.clone(), |base| linked(&base.join(path), &name));
    let text = source.safe_text();
    // Only a source is shown as it is: deployment files hold what nobody else may read.
    let is_source = Language::of_path(Path::new(path)).is_some();
    Excerpt::new(name, if is_source { text } else { without_secrets(&text) })
}

/// A text as a hyperlink to a file.
fn linked(file: &Path, text: &str) -> String {
    let file = file.to_string_lossy();
    let slash = if file.starts_with('/') { "" } else { "/" };
    let url = utf8_percent_encode(&file, IN_PATHS);
    format!("\u{1b}]8;;file://{slash}{url}\u{1b}\\{text}\u{1b}]8;;\u{1b}\\")
}

fn render(view: &View, style: &Style) -> String {
    let mut text = String::new();
    let result = if style.narrated {
        NarratableReportHandler::new().render_report(&mut text, view)
    } else {
        let theme = if style.color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        GraphicalReportHandler::new_themed(theme).with_links(false).with_width(110).render_report(&mut text, view)
    };
    match result {
        Ok(()) => text,
        Err(_) => format!("{}\n{}\n", view.code, view.message),
    }
}

/// One snippet for miette.
#[derive(Debug)]
struct View {
    main: bool,
    message: String,
    code: String,
    severity: Severity,
    source: Option<Excerpt>,
    labels: Vec<Label>,
}

impl fmt::Display for View {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for View {}

impl miette::Diagnostic for View {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.main.then(|| Box::new(&self.code) as Box<dyn fmt::Display>)
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            _ if !self.main => miette::Severity::Advice,
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Info => miette::Severity::Advice,
        })
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.source.as_ref().map(|source| source as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let text = self.source.as_ref()?.text();
        let length = text.len();
        Some(Box::new(self.labels.iter().map(move |(span, label, primary)| {
            let start = (span.start as usize).min(length.saturating_sub(1));
            let end = (span.end as usize).clamp(start, length);
            let end = start + shown(&text.as_bytes()[start..end]);
            let place = (start, (end - start).max(1).min(length - start));
            if *primary {
                LabeledSpan::new_primary_with_span(Some(label.clone()), place)
            } else {
                LabeledSpan::new_with_span(Some(label.clone()), place)
            }
        })))
    }
}

/// How much of a labelled stretch is drawn, in bytes: all, or its first line where it has many.
fn shown(stretch: &[u8]) -> usize {
    let mut ends = stretch.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
    match (ends.next(), ends.count()) {
        (Some(first), more) if more >= MAX_DRAWN => first,
        _ => stretch.len(),
    }
}

/// What is to be said where no stack of any service is seen to be switched on.
fn not_seen_on(services: &[ServiceReport]) -> &'static str {
    let elsewhere = |stack: &StackReport| stack.mode == Mode::Elsewhere;
    match services.iter().flat_map(|service| &service.stacks).all(elsewhere) {
        true => "tracing is there, and what sets it up is not in this tree, so what it covers is not known",
        false => "tracing is there, and nothing is seen to switch it on",
    }
}

/// The counts.
pub fn footer(report: &Report, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    if style.quiet || !report.analysed {
        return Ok(());
    }
    let summary = &report.summary;
    if style.verbose {
        for skipped in &summary.skipped {
            writeln!(out, "skipped {}: {}", clean(&skipped.path), clean(&skipped.reason))?;
        }
    }
    let mut parts = vec![format!("{}, {}", count(summary.errors, "error"), count(summary.warnings, "warning"))];
    if summary.infos > 0 {
        parts.push(count(summary.infos, "note"));
    }
    if !summary.services.is_empty() && summary.services.iter().all(|service| service.stacks.is_empty()) {
        parts.push("no tracing was found: no SDK, agent or launcher that hoplint knows".to_owned());
    } else {
        if summary.hops.total() > 0 {
            parts.push(summary.hops.words());
        }
        let is_on = |service: &ServiceReport| service.stacks.iter().any(|stack| stack.active);
        if !summary.services.iter().any(is_on) && !summary.services.is_empty() {
            parts.push(not_seen_on(&summary.services).to_owned());
        }
    }
    if summary.suppressed > 0 {
        parts.push(format!("{} suppressed", summary.suppressed));
    }
    if !summary.skipped.is_empty() {
        let why = if style.verbose { "" } else { " (why with -v)" };
        parts.push(format!("{} skipped{why}", count(summary.skipped.len(), "file")));
    }
    writeln!(out, "{}", parts.join(" · "))
}

/// How many findings each rule has.
pub fn statistics(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut counts: std::collections::BTreeMap<(&str, &str), usize> = std::collections::BTreeMap::new();
    for found in &report.diagnostics {
        *counts.entry((&found.rule, &found.name)).or_default() += 1;
    }
    let mut rows: Vec<_> = counts.into_iter().collect();
    rows.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    for ((code, name), count) in rows {
        writeln!(out, "{count:>6}  {code}  {name}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_long_stretches_the_first_line_is_drawn() {
        assert_eq!(shown(b"run(() -> {\n a\n})"), 17);
        let long = format!("run(() -> {{{}\n}})", "\n a".repeat(40));
        assert_eq!(shown(long.as_bytes()), 11);
        assert_eq!(shown(b""), 0);
    }
}
