//! How a line was judged, for people and for machines.

use super::text::clean;
use crate::analysis::StackReport;
use crate::rules::{WhyCall, WhyFunction, WhyPlace, WhyReport, WhyValue};
use crate::services::Mode;
use schemars::JsonSchema;
use serde::Serialize;
use std::io::{self, Write};

/// What `hoplint map --why FILE:LINE --format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "hoplint map --why --format json")]
pub struct WhyOutput<'a> {
    /// The version of this format.
    pub version: u32,
    /// How the line was judged.
    #[serde(flatten)]
    pub report: &'a WhyReport,
}

/// Writes it as one JSON object.
pub fn json(report: &WhyReport, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &WhyOutput { version: 1, report }).map_err(io::Error::from)?;
    writeln!(out)
}

/// Writes it for people.
pub fn text(report: &WhyReport, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "{}:{} in {} ({})",
        clean(&report.path),
        report.line,
        clean(&report.service),
        report.language.as_str()
    )?;
    if report.stacks.is_empty() {
        writeln!(out, "  traced by nothing that hoplint knows")?;
    }
    let switched_on = |id: &str| report.stacks.iter().any(|other| other.active && other.stack == id);
    for stack in report.stacks.iter().filter(|stack| stack.active || !switched_on(&stack.stack)) {
        let verb = standing(stack);
        let evidence = format!("{}:{}: {}", clean(&stack.path), stack.line, clean(&stack.evidence));
        writeln!(out, "  {verb} {} ({evidence})", clean(&stack.title))?;
    }
    for limit in &report.limits {
        writeln!(out, "  note: {}", clean(limit))?;
    }
    if let Some(found) = &report.function {
        function(found, out)?;
    }
    for found in &report.calls {
        call(found, out)?;
    }
    for found in &report.findings {
        writeln!(out, "\nfinding {} at {}:{}", found.rule, clean(&found.at.path), found.at.line)?;
        writeln!(out, "  {}", clean(&found.message))?;
    }
    if !report.is_about_something() {
        writeln!(out, "\nno hop begins on this line")?;
        places(out, "  the nearest in this file:", &report.nearest)?;
    }
    Ok(())
}

/// How a stack stands to the service that it is told of.
pub(super) fn standing(stack: &StackReport) -> &'static str {
    match (stack.active, stack.mode) {
        (true, _) => "traced by",
        (false, Mode::Elsewhere) => "set up by what is not in this tree:",
        (false, _) => "present, not seen switched on:",
    }
}

fn function(found: &WhyFunction, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\nfunction `{}`", clean(&found.name))?;
    writeln!(out, "  {}", found.runs)?;
    let holds =
        if found.can_hold_trace { "a trace can be current here" } else { "no trace is taken to be current here" };
    writeln!(out, "  {holds}")?;
    if let Some(context) = &found.context {
        writeln!(out, "  the context comes in with {}", place(context))?;
    }
    places(out, "  the way of the trace:", &found.chain)?;
    places(out, "  called by:", &found.callers)?;
    let known = found.ends.len() == 1 && found.callers.is_empty();
    places(out, "  nothing is seen to call:", if known { &[] } else { &found.ends })
}

fn call(found: &WhyCall, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n`{}` (line {})", clean(&found.text), found.line)?;
    if let Some(name) = &found.name {
        writeln!(out, "  is {}", clean(name))?;
    }
    if let Some(library) = &found.library {
        writeln!(out, "  library: {}", clean(library))?;
    }
    for does in &found.does {
        writeln!(out, "  {}", clean(does))?;
    }
    places(out, "  runs the service's own:", &found.runs)?;
    places(out, "  what it runs is not known:", &found.stopped)?;
    for verdict in &found.verdicts {
        writeln!(out, "  {}: {} ({})", verdict.verdict, verdict.because, verdict.rule)?;
    }
    if found.library.is_some() && found.verdicts.is_empty() {
        writeln!(out, "  no rule gives a verdict on it")?;
    }
    if let Some(coverage) = &found.coverage {
        writeln!(out, "  covered {}", clean(coverage))?;
    }
    found.values.iter().try_for_each(|found| value(found, out))
}

fn value(found: &WhyValue, out: &mut dyn Write) -> io::Result<()> {
    let text = if found.text.is_empty() { String::new() } else { format!(" `{}`", clean(&found.text)) };
    let ty = found.ty.as_ref().map(|ty| format!(" of type {}", clean(ty))).unwrap_or_default();
    writeln!(out, "  {} ({}){text}{ty}", found.role, clean(&found.slot))?;
    for origin in &found.origins {
        let state = origin.state.as_ref().map(|state| format!(" [{state}]")).unwrap_or_default();
        writeln!(out, "    from {}: {}{state}", place(&origin.at), clean(&origin.what))?;
        for because in &origin.because {
            writeln!(out, "      {}", place(because))?;
        }
    }
    Ok(())
}

fn places(out: &mut dyn Write, title: &str, found: &[WhyPlace]) -> io::Result<()> {
    if found.is_empty() {
        return Ok(());
    }
    writeln!(out, "{title}")?;
    found.iter().try_for_each(|found| writeln!(out, "    {}", place(found)))
}

fn place(found: &WhyPlace) -> String {
    match found.path.is_empty() {
        true => clean(&found.text),
        false => format!("{} ({}:{})", clean(&found.text), clean(&found.path), found.line),
    }
}
