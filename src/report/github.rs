//! GitHub annotations: the ten of each severity that matter first, everything in the step summary.

use super::diagnostic::severity_word;
use super::text::{clean, clean_lines, count, markdown};
use super::{Diagnostic, Report};
use crate::finding::Severity;
use std::io::{self, Write};
use std::path::Path;

/// GitHub shows ten annotations of each level a step and drops the rest without a word.
const MAX_ANNOTATIONS: usize = 10;
/// GitHub refuses a step summary of more than one mebibyte.
const MAX_SUMMARY: usize = 1_048_576;

/// Writes the annotations.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut hidden = 0;
    for severity in [Severity::Error, Severity::Warning, Severity::Info] {
        let mut found: Vec<&Diagnostic> = report.diagnostics.iter().filter(|one| one.severity == severity).collect();
        found.sort_by_key(|one| std::cmp::Reverse(one.confidence));
        hidden += found.len().saturating_sub(MAX_ANNOTATIONS);
        for one in found.into_iter().take(MAX_ANNOTATIONS) {
            annotation(one, out)?;
        }
    }
    if hidden > 0 {
        writeln!(out, "hoplint: {hidden} more in the step summary, or with --format concise")?;
    }
    Ok(())
}

fn annotation(found: &Diagnostic, out: &mut dyn Write) -> io::Result<()> {
    let level = match found.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let (start, end) = (found.range.start, found.range.end);
    let columns = if start.line == end.line && end.column > start.column {
        format!(",endLine={},endColumn={}", end.line, end.column)
    } else {
        String::new()
    };
    let title = property(&format!("{} {}", found.rule, found.name));
    let lines = [("", &found.message), ("effect: ", &found.effect), ("help: ", &found.help)];
    let lines = lines.iter().filter(|(_, text)| !text.is_empty());
    let message: Vec<String> = lines.map(|(word, text)| format!("{word}{}", clean_lines(text))).collect();
    writeln!(
        out,
        "::{level} file={},line={},col={}{columns},title={title}::{}",
        property(&found.path),
        start.line,
        start.column,
        data(&message.join("\n"))
    )
}

/// Escapes a message.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property's value.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Adds everything to the step summary, up to GitHub's limit.
pub fn step_summary(report: &Report, file: &Path) -> io::Result<()> {
    let used = std::fs::metadata(file).map_or(0, |data| usize::try_from(data.len()).unwrap_or(usize::MAX));
    let text = summary(report, MAX_SUMMARY.saturating_sub(used));
    std::fs::OpenOptions::new().create(true).append(true).open(file)?.write_all(text.as_bytes())
}

/// The report as Markdown in at most `room` bytes.
fn summary(report: &Report, room: usize) -> String {
    let hops = report.summary.hops;
    let mut text = format!(
        "### hoplint\n\n{}, {} · {}\n\n",
        count(report.summary.errors, "error"),
        count(report.summary.warnings, "warning"),
        hops.words(),
    );
    if !report.diagnostics.is_empty() {
        text.push_str("| severity | rule | place | what breaks | help |\n| --- | --- | --- | --- | --- |\n");
    }
    for (index, found) in report.diagnostics.iter().enumerate() {
        let row = format!(
            "| {} | {} {} | {}:{} | {} | {} |\n",
            severity_word(found.severity),
            found.rule,
            markdown(&found.name),
            markdown(&clean(&found.path)),
            found.range.start.line,
            markdown(&found.message),
            markdown(&found.help),
        );
        if text.len() + row.len() + 100 > room {
            text.push_str(&format!("\n{} more\n", report.diagnostics.len() - index));
            break;
        }
        text.push_str(&row);
    }
    if text.len() > room { String::new() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_ends_a_property_or_a_command() {
        assert_eq!(property("a,b:c%\n::error::x"), "a%2Cb%3Ac%25%0A%3A%3Aerror%3A%3Ax");
        assert_eq!(data("50%\r\n::x"), "50%25%0D%0A::x");
    }
}
