//! `hoplint check`.

use super::args::{CheckArgs, Format, TreeArgs};
use super::error::CliError;
use super::progress::Progress;
use super::target::{self, Tree};
use super::{CLEAN, FOUND, NOTHING, git, output};
use crate::analysis::AnalysisRequest;
use crate::config::{self, Config, Level, Selection};
use crate::engine;
use crate::finding::Severity;
use crate::report::{Options, Report, concise, full, github, json, sarif};
use std::io::{self, Write};

/// `hoplint check`.
pub fn check(args: &CheckArgs) -> Result<u8, CliError> {
    let mut fail_on = args.fail_on.map(Severity::from);
    let report = analyse(&args.tree, |tree, config| {
        fail_on = fail_on.or(config.fail_on);
        options(args, tree, config)
    })?;
    print(&report, args)?;
    if !report.analysed {
        nothing(args.tree.quiet);
        return Ok(NOTHING);
    }
    let failing = report.worst().is_some_and(|worst| worst >= fail_on.unwrap_or(Severity::Warning));
    Ok(if failing && !args.exit_zero { FOUND } else { CLEAN })
}

/// Analyses every tree and joins the reports.
fn analyse(
    args: &TreeArgs,
    mut options: impl FnMut(&Tree, &Config) -> Result<Options, CliError>,
) -> Result<Report, CliError> {
    let targets = target::resolve(args)?;
    let mut prepared = Vec::new();
    for tree in targets.trees {
        let config = configuration(args, &tree)?;
        let options = options(&tree, &config)?;
        prepared.push((tree, config, options));
    }
    let _progress = Progress::start(!args.quiet && !args.no_progress);
    let mut all = Report::default();
    for (tree, config, options) in prepared {
        let request = AnalysisRequest {
            root: tree.target.root.clone(),
            paths: tree.files.clone().unwrap_or_default(),
            config,
            threads: args.threads.map(usize::from),
            why: None,
            facts: false,
        };
        let analysis = engine::analyse(&request);
        all.merge(Report::new(analysis, &tree.target, &request.config, &options));
    }
    Ok(all)
}

pub(super) fn configuration(args: &TreeArgs, tree: &Tree) -> Result<Config, CliError> {
    if args.no_config {
        return Ok(Config::default());
    }
    match &args.config {
        Some(path) => {
            let full = path.canonicalize().map_err(CliError::io(path.display().to_string()))?;
            Ok(config::read(&full)?)
        }
        None => Ok(config::discover(&tree.target.root)?.unwrap_or_default()),
    }
}

fn options(args: &CheckArgs, tree: &Tree, config: &Config) -> Result<Options, CliError> {
    let mut selection = Selection::new(config)?;
    if !args.select.is_empty() {
        selection.select_only(&args.select)?;
    }
    selection.extend(&args.extend_select)?;
    selection.ignore(&args.ignore)?;
    selection.set_pedantic(args.pedantic);
    for setting in &args.severity {
        let (rule, level) = severity(setting)?;
        selection.set_severity(rule, level)?;
    }
    let since = args.since.as_ref().map(|reference| git::changes(&tree.target.root, reference)).transpose()?;
    let changes = tree.file_filter().into_iter().chain(since).collect();
    Ok(Options {
        selection,
        no_suppressions: args.no_suppressions,
        report_suppressions: args.report_unused_suppressions || config.report_unused_suppressions,
        changes,
    })
}

fn severity(setting: &str) -> Result<(&str, Level), CliError> {
    let level = |word: &str| match word {
        "off" => Some(Level::Off),
        "info" => Some(Level::Info),
        "warning" => Some(Level::Warning),
        "error" => Some(Level::Error),
        _ => None,
    };
    let parts = setting.split_once('=').and_then(|(rule, word)| Some((rule, level(word)?)));
    parts.ok_or_else(|| {
        let help = "write RULE=error, RULE=warning, RULE=info or RULE=off".to_owned();
        CliError::Usage(format!("--severity: cannot understand `{setting}`"), Some(help))
    })
}

fn print(report: &Report, args: &CheckArgs) -> Result<(), CliError> {
    let file = args.output_file.as_deref();
    let machine = matches!(args.format, Format::Json | Format::Sarif);
    let color = !machine && file.is_none() && output::stdout_color(args.tree.color);
    let links = color && args.format == Format::Full && supports_hyperlinks::on(supports_hyperlinks::Stream::Stdout);
    let style = full::Style {
        link_base: if links { std::env::current_dir().ok() } else { None },
        color,
        narrated: std::env::var_os("NO_GRAPHICS").is_some_and(|value| !value.is_empty() && value != "0"),
        quiet: args.tree.quiet,
        verbose: args.tree.verbose,
    };
    output::write(file, color || machine, |out| {
        match args.format {
            Format::Full => full::write(report, &style, out)?,
            Format::Concise => concise::write(report, out).and_then(|()| full::footer(report, &style, out))?,
            Format::Json => json::write(report, out)?,
            Format::Sarif => sarif::write(report, out)?,
            Format::Github => github::write(report, out).and_then(|()| full::footer(report, &style, out))?,
        }
        if args.statistics && matches!(args.format, Format::Full | Format::Concise) {
            full::statistics(report, out)?;
        }
        Ok(())
    })?;
    match std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| args.format == Format::Github && !path.is_empty()) {
        Some(path) => github::step_summary(report, path.as_ref()).map_err(CliError::io("the step summary")),
        None => Ok(()),
    }
}

pub(super) fn nothing(quiet: bool) {
    if !quiet {
        let _ = writeln!(
            io::stderr(),
            "hoplint: nothing to analyse: no Go, Python or Java sources and no deployment files that say anything of tracing found here"
        );
    }
}
