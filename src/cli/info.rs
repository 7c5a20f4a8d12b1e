//! Commands that analyse nothing.

use super::args::{Cli, SchemaOf, TextFormat};
use super::error::CliError;
use super::{CLEAN, output};
use crate::config::{Config, Selector};
use crate::report::diagnostic::severity_word;
use crate::report::{audit, json, map, why};
use crate::rulepage;
use clap::CommandFactory;
use std::io;

/// `hoplint explain`.
pub fn explain(rule: &str) -> Result<u8, CliError> {
    let Some(page) = rulepage::find(rule) else {
        let help = Selector::parse(rule).err().and_then(|error| error.help);
        let help = help.or_else(|| Some("`hoplint rules` lists all rules".to_owned()));
        return Err(CliError::Usage(format!("unknown rule `{rule}`"), help));
    };
    output::write(None, false, |out| {
        writeln!(out, "{} {}: {}\n", page.code, page.name, page.title)?;
        writeln!(out, "{}\n", page.summary)?;
        let predicts = page.predicts.as_ref().map(|rule| format!(" · predicts {rule}")).unwrap_or_default();
        let languages = page.languages.join(", ");
        let pedantic = if page.pedantic { " · pedantic" } else { "" };
        writeln!(out, "{} · {}{pedantic} · {languages}{predicts}\n", page.bucket, severity_word(page.severity))?;
        writeln!(out, "{}", page.body)
    })?;
    Ok(CLEAN)
}

/// `hoplint rules`.
pub fn rules(format: TextFormat) -> Result<u8, CliError> {
    output::write(None, false, |out| match format {
        TextFormat::Json => {
            serde_json::to_writer_pretty(&mut *out, rulepage::rules()).map_err(io::Error::from)?;
            writeln!(out)
        }
        TextFormat::Text => rulepage::rules().iter().try_for_each(|page| {
            let severity = severity_word(page.severity);
            writeln!(out, "{}  {:<7}  {:<28}  {}", page.code, severity, page.name, page.summary)
        }),
    })?;
    Ok(CLEAN)
}

/// `hoplint completions`.
pub fn completions(shell: clap_complete::Shell) -> Result<u8, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "hoplint", &mut script);
    output::write(None, true, |out| out.write_all(&script))?;
    Ok(CLEAN)
}

/// `hoplint config-schema`.
pub fn schema(of: SchemaOf) -> Result<u8, CliError> {
    let schema = match of {
        SchemaOf::Config => Config::json_schema(),
        SchemaOf::Check => json::schema(),
        SchemaOf::Map => schemars::schema_for!(map::MapOutput<'_>),
        SchemaOf::Facts => schemars::schema_for!(crate::facts::Facts),
        SchemaOf::Hunt => schemars::schema_for!(crate::hunt::Answer),
        SchemaOf::Audit => schemars::schema_for!(audit::AuditOutput<'_>),
        SchemaOf::Why => schemars::schema_for!(why::WhyOutput<'_>),
    };
    output::write(None, false, |out| {
        serde_json::to_writer_pretty(&mut *out, &schema).map_err(io::Error::from)?;
        writeln!(out)
    })?;
    Ok(CLEAN)
}
