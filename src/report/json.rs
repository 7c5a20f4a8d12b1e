//! The machine format: one object, version 1.

use super::{Diagnostic, Report, Summary};
use schemars::JsonSchema;
use serde::Serialize;
use std::io::{self, Write};

/// What `hoplint check --format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "hoplint check --format json")]
pub struct CheckOutput<'a> {
    /// The version of this format.
    pub version: u32,
    /// The findings, sorted by path, line, column, rule.
    pub diagnostics: &'a [Diagnostic],
    /// What was looked at.
    pub summary: &'a Summary,
}

/// Writes the report.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let output = CheckOutput { version: 1, diagnostics: &report.diagnostics, summary: &report.summary };
    serde_json::to_writer_pretty(&mut *out, &output).map_err(io::Error::from)?;
    writeln!(out)
}

/// The JSON schema of the output.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(CheckOutput<'_>)
}
