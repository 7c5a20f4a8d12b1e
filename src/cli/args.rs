//! The command line.

use crate::finding::Severity;
use crate::hunt::Approach;
use crate::trace::Backend;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Find where a distributed trace breaks, without running anything.
#[derive(Debug, Parser)]
#[command(name = "hoplint", version, about, args_conflicts_with_subcommands = true, max_term_width = 100)]
#[command(after_help = "Exit status: 0 no finding at or above --fail-on, 1 findings, 2 usage, configuration or \
internal error, 3 nothing to analyse.")]
pub struct Cli {
    /// What to do; without one, `check`.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Options of `check`.
    #[command(flatten)]
    pub check: CheckArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Report the hops at which the trace breaks (the default)
    Check(Box<CheckArgs>),
    /// Show the services, what traces them, and how their hops stand
    Map(Box<MapArgs>),
    /// Fill in the checklist of trace propagation: what breaks, what is unknown, what passes, and why
    Audit(Box<AuditArgs>),
    /// Write a test that sends one request and asserts that one trace goes through all services of a journey
    Plan(Box<PlanArgs>),
    /// Write what this repository knows of its services and their hops, to be joined with that of others
    Facts(Box<FactsArgs>),
    /// Search where a journey loses its trace, and which source line does it
    Hunt(Box<HuntArgs>),
    /// Explain a rule
    Explain {
        /// Name or code.
        rule: String,
    },
    /// List all rules
    Rules {
        /// How to print them
        #[arg(long, value_enum, default_value_t)]
        format: TextFormat,
    },
    /// Print a completion script
    Completions {
        /// For which shell.
        shell: clap_complete::Shell,
    },
    /// Print the JSON schema of the configuration (or of an output format)
    ConfigSchema {
        /// Of what
        #[arg(long = "of", value_enum, default_value_t)]
        of: SchemaOf,
    },
}

/// Options that every analysis has.
#[derive(Debug, Clone, Default, Args)]
pub struct TreeArgs {
    /// Folders to analyse; for a file, its whole repository is analysed and what touches the file is reported
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Use this configuration file
    #[arg(long, value_name = "FILE", conflicts_with = "no_config")]
    pub config: Option<PathBuf>,
    /// Use no configuration file
    #[arg(long)]
    pub no_config: bool,
    /// How many threads work [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Do not show progress
    #[arg(long)]
    pub no_progress: bool,
    /// Only findings: no counts, no progress
    #[arg(short, long)]
    pub quiet: bool,
    /// Also tell why files were skipped
    #[arg(short, long)]
    pub verbose: bool,
    /// Colours
    #[arg(long, value_enum, default_value_t)]
    pub color: Color,
}

/// Options of `check`.
#[derive(Debug, Clone, Default, Args)]
pub struct CheckArgs {
    /// What is analysed, and how.
    #[command(flatten)]
    pub tree: TreeArgs,
    /// How findings are printed
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Write findings to a file
    #[arg(long, value_name = "FILE")]
    pub output_file: Option<PathBuf>,
    /// Run only these rules: names, codes, code prefixes, buckets, `all`
    #[arg(long, value_name = "RULES", value_delimiter = ',')]
    pub select: Vec<String>,
    /// Do not run these rules
    #[arg(long, value_name = "RULES", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// Run these rules too
    #[arg(long, value_name = "RULES", value_delimiter = ',')]
    pub extend_select: Vec<String>,
    /// Set a rule's severity: error, warning, info, off
    #[arg(long, value_name = "RULE=LEVEL", value_delimiter = ',')]
    pub severity: Vec<String>,
    /// The severity from which on the exit status is 1 [default: warning]
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<FailOn>,
    /// Exit with 0 even when there are findings
    #[arg(long)]
    pub exit_zero: bool,
    /// Also run pedantic rules and show findings of which more than one link was assumed
    #[arg(long)]
    pub pedantic: bool,
    /// Report only what touches lines changed since this commit or branch
    #[arg(long, value_name = "REF")]
    pub since: Option<String>,
    /// Let `hoplint: ignore[…]` comments have no effect
    #[arg(long)]
    pub no_suppressions: bool,
    /// Report suppressions that silence nothing, give no reason or name no rule
    #[arg(long)]
    pub report_unused_suppressions: bool,
    /// Also count findings by rule
    #[arg(long)]
    pub statistics: bool,
}

/// Options of `map`.
#[derive(Debug, Clone, Default, Args)]
pub struct MapArgs {
    /// What is analysed, and how.
    #[command(flatten)]
    pub tree: TreeArgs,
    /// How the map is printed
    #[arg(long, value_enum, default_value_t)]
    pub format: MapFormat,
    /// Write to a file
    #[arg(long, value_name = "FILE")]
    pub output_file: Option<PathBuf>,
    /// Show how the hops on one line were judged, and why
    #[arg(long, value_name = "FILE:LINE")]
    pub why: Option<String>,
}

/// Options of `facts`.
#[derive(Debug, Clone, Default, Args)]
pub struct FactsArgs {
    /// What is analysed, and how.
    #[command(flatten)]
    pub tree: TreeArgs,
    /// What the repository is called in the map [default: its folder's name]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Write to a file
    #[arg(long, value_name = "FILE")]
    pub output_file: Option<PathBuf>,
}

/// Options of `hunt`.
#[derive(Debug, Clone, Default, Args)]
#[command(
    after_help = "A PATH that is no file and has several words is what you saw: \"our traces show the gateway and \
checkout, and nothing after\".\nExit status: 0 no break found, 1 a break found, 2 usage or an input that cannot be read, \
3 nothing to analyse."
)]
pub struct HuntArgs {
    /// What is analysed, and how.
    #[command(flatten)]
    pub tree: TreeArgs,
    /// The services that the request meets: `gateway -> checkout -> email`
    #[arg(long, value_name = "SERVICES")]
    pub journey: Option<String>,
    /// A recorded trace: Jaeger JSON, Zipkin v2 JSON, OTLP JSON or Tempo JSON
    #[arg(long, value_name = "FILE")]
    pub trace: Vec<PathBuf>,
    /// Fetch this trace from a backend
    #[arg(long, value_name = "ID", requires = "backend", requires = "url")]
    pub trace_id: Option<String>,
    /// The backend to fetch it from
    #[arg(long, value_enum, requires = "trace_id")]
    pub backend: Option<Backend>,
    /// The address of the backend's API
    #[arg(long, value_name = "URL", requires = "trace_id")]
    pub url: Option<String>,
    /// How many seconds the backend has
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=600))]
    pub time_limit: u16,
    /// How traces are chosen to be kept
    #[arg(long, value_enum)]
    pub sampling: Option<Approach>,
    /// What traces a service, where hoplint does not find it: `email=opentelemetry`, `email=none`
    #[arg(long, value_name = "SERVICE=STACK")]
    pub stack: Vec<String>,
    /// Which service makes the spans of this service name: `prod-mailer-1=email`
    #[arg(long, value_name = "NAME=SERVICE")]
    pub service: Vec<String>,
    /// Ask nothing on the terminal
    #[arg(long)]
    pub no_questions: bool,
    /// How the answer is printed
    #[arg(long, value_enum, default_value_t)]
    pub format: TextFormat,
    /// Write to a file
    #[arg(long, value_name = "FILE")]
    pub output_file: Option<PathBuf>,
}

/// Options of `audit`.
#[derive(Debug, Clone, Default, Args)]
pub struct AuditArgs {
    /// What is analysed, and how.
    #[command(flatten)]
    pub tree: TreeArgs,
    /// How the checklist is printed
    #[arg(long, value_enum, default_value_t)]
    pub format: AuditFormat,
    /// Write to a file
    #[arg(long, value_name = "FILE")]
    pub output_file: Option<PathBuf>,
}

/// Formats of `audit`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum AuditFormat {
    /// For people and pull requests
    #[default]
    Markdown,
    /// One page that needs nothing else
    Html,
    /// For machines
    Json,
}

/// Options of `plan`.
#[derive(Debug, Clone, Default, Args)]
pub struct PlanArgs {
    /// The services that the request goes through, in order: `gateway,checkout,email` or `gateway -> checkout -> email`
    #[arg(value_name = "JOURNEY")]
    pub journey: String,
    /// What is analysed, and how.
    #[command(flatten)]
    pub tree: TreeArgs,
    /// What kind of test is written
    #[arg(long, value_enum, default_value_t)]
    pub format: PlanFormat,
    /// The address at which the journey begins
    #[arg(long, value_name = "URL")]
    pub entry: String,
    /// Where the traces are kept [default: jaeger]
    #[arg(long, value_enum)]
    pub backend: Option<PlanBackend>,
    /// The address of the query API [default: http://localhost:16686 for jaeger, http://localhost:3200 for tempo]
    #[arg(long, value_name = "URL")]
    pub backend_url: Option<String>,
    /// Write to a file
    #[arg(long, value_name = "FILE")]
    pub output_file: Option<PathBuf>,
}

/// Formats of `plan`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    /// A shell script with curl and jq
    #[default]
    Shell,
    /// A Python test that needs nothing but pytest
    Pytest,
    /// A Go test that needs nothing but the standard library
    Go,
    /// A Tracetest definition
    Tracetest,
}

/// Where traces are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum PlanBackend {
    /// Jaeger's query API
    #[default]
    Jaeger,
    /// Grafana Tempo's query API
    Tempo,
}

/// Formats of `map`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum MapFormat {
    /// For people
    #[default]
    Text,
    /// For machines
    Json,
    /// A Mermaid flowchart
    Mermaid,
    /// A Graphviz graph
    Dot,
    /// One page that needs nothing else
    Html,
}

/// Formats of `check`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The source with labels, effect, help, confirm
    #[default]
    Full,
    /// One line a finding
    Concise,
    /// One JSON object
    Json,
    /// SARIF 2.1.0
    Sarif,
    /// GitHub annotations and step summary
    Github,
}

/// Text or JSON.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum TextFormat {
    /// For people
    #[default]
    Text,
    /// For machines
    Json,
}

/// What a schema describes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// hoplint.toml
    #[default]
    Config,
    /// `check --format json`
    Check,
    /// `map --format json`
    Map,
    /// `map --why FILE:LINE --format json`
    Why,
    /// `facts`
    Facts,
    /// `hunt --format json`
    Hunt,
    /// `audit --format json`
    Audit,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// A severity on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Errors only
    Error,
    /// Errors and warnings
    Warning,
    /// Everything
    Info,
}

impl From<FailOn> for Severity {
    fn from(level: FailOn) -> Self {
        match level {
            FailOn::Error => Self::Error,
            FailOn::Warning => Self::Warning,
            FailOn::Info => Self::Info,
        }
    }
}
