//! The command line: what was asked, what is printed, which exit status.

pub mod args;
mod ask;
mod audit;
mod check;
mod error;
mod facts;
mod git;
mod hunt;
mod info;
mod map;
mod output;
mod plan;
mod progress;
mod target;
mod why;

use args::{Cli, Command};
use clap::Parser;
use error::CliError;
use std::io::Write;
use std::process::ExitCode;

/// Nothing at or above the failing severity.
const CLEAN: u8 = 0;
/// Findings.
const FOUND: u8 = 1;
/// Usage, configuration or internal error.
const FAILED: u8 = 2;
/// Nothing to analyse.
const NOTHING: u8 = 3;

/// Runs the command.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::from(FAILED)
        }
    }
}

fn run(cli: Cli) -> Result<u8, CliError> {
    match cli.command {
        None => check::check(&cli.check),
        Some(Command::Check(args)) => check::check(&args),
        Some(Command::Map(args)) => map::map(&args),
        Some(Command::Audit(args)) => audit::audit(&args),
        Some(Command::Plan(args)) => plan::plan(&args),
        Some(Command::Facts(args)) => facts::facts(&args),
        Some(Command::Hunt(args)) => hunt::hunt(&args),
        Some(Command::Explain { rule }) => info::explain(&rule),
        Some(Command::Rules { format }) => info::rules(format),
        Some(Command::Completions { shell }) => info::completions(shell),
        Some(Command::ConfigSchema { of }) => info::schema(of),
    }
}
