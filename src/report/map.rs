//! Which services there are, what traces them, and how their hops stand.

use super::text::{clean, count};
use super::{Report, Summary};
use crate::analysis::{HopCounts, ServiceReport, Skipped};
use schemars::JsonSchema;
use serde::Serialize;
use std::io::{self, Write};

/// What `hoplint map --format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "hoplint map --format json")]
pub struct MapOutput<'a> {
    /// The version of this format.
    pub version: u32,
    /// The services.
    pub services: &'a [ServiceReport],
    /// The hops of all services.
    pub hops: HopCounts,
    /// How many files were analysed.
    pub files: usize,
    /// What was not analysed, and why.
    pub skipped: &'a [Skipped],
}

/// Writes the map as one JSON object.
pub fn json(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let Summary { services, hops, files, skipped, .. } = &report.summary;
    let output = MapOutput { version: 1, services, hops: *hops, files: *files, skipped };
    serde_json::to_writer_pretty(&mut *out, &output).map_err(io::Error::from)?;
    writeln!(out)
}

/// Writes the map for people.
pub fn text(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for service in &report.summary.services {
        writeln!(out, "{} ({}, {})", clean(&service.name), service.language.as_str(), clean(&service.root))?;
        if service.stacks.is_empty() {
            writeln!(out, "  traced by nothing that hoplint knows")?;
        }
        let switched_on = |id: &str| service.stacks.iter().any(|other| other.active && other.stack == id);
        for stack in service.stacks.iter().filter(|stack| stack.active || !switched_on(&stack.stack)) {
            let verb = if stack.active { "traced by" } else { "present, not seen switched on:" };
            let mode = serde_json::to_value(stack.mode).ok();
            let mode = mode.as_ref().and_then(|mode| mode.as_str()).unwrap_or_default();
            writeln!(out, "  {verb} {} ({mode})", clean(&stack.title))?;
            writeln!(out, "    {}:{}: {}", clean(&stack.path), stack.line, clean(&stack.evidence))?;
        }
        let hops = service.hops;
        writeln!(out, "  hops: {} carried, {} broken, {} unknown", hops.carried, hops.broken, hops.unknown)?;
        writeln!(out)?;
    }
    let summary = &report.summary;
    let services = count(summary.services.len(), "service");
    let hops = summary.hops;
    writeln!(out, "{services} · {}", hops.words())
}
