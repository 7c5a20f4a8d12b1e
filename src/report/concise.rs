//! One line a finding.

use super::Report;
use super::diagnostic::severity_word;
use super::text::clean;
use std::io::{self, Write};

/// Writes `path:line:col: severity[CODE] message` for each finding.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for found in &report.diagnostics {
        let (path, message) = (clean(&found.path), clean(&found.message));
        let (line, column) = (found.range.start.line, found.range.start.column);
        let severity = severity_word(found.severity);
        writeln!(out, "{path}:{line}:{column}: {severity}[{}] {message} ({})", found.rule, found.name)?;
    }
    Ok(())
}
