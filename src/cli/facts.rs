//! `hoplint facts`, and where `map` and its like get their facts from.

use super::args::{FactsArgs, TreeArgs};
use super::error::CliError;
use super::progress::Progress;
use super::target;
use super::{CLEAN, NOTHING, check, output};
use crate::analysis::AnalysisRequest;
use crate::config::Selection;
use crate::engine;
use crate::facts::{Facts, FindingFacts, VERSION};
use crate::report::source::Paths;
use crate::report::{Options, Report, Target};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// The largest facts file that is read, in bytes.
const MAX_FACTS: u64 = 256 << 20;

/// What was gathered of several trees and facts files.
pub(super) struct Gathered {
    /// The facts, in the order in which their places were named.
    pub(super) facts: Vec<Facts>,
    /// The findings and counts of the trees.
    pub(super) report: Report,
    /// Whether there was anything to analyse.
    pub(super) analysed: bool,
    /// Where the trees lie, seen from the working directory; `None` for what comes from a facts file.
    roots: Vec<Option<Paths>>,
}

/// `hoplint facts`.
pub(super) fn facts(args: &FactsArgs) -> Result<u8, CliError> {
    let gathered = gather(&args.tree)?;
    let [facts] = gathered.facts.as_slice() else {
        let help = "name one folder; `hoplint map` joins the facts of several".to_owned();
        return Err(CliError::Usage("facts are written for one repository at a time".to_owned(), Some(help)));
    };
    let mut facts = facts.clone();
    if let Some(name) = &args.name {
        facts.repository.clone_from(name);
    }
    output::write(args.output_file.as_deref(), true, |out| {
        serde_json::to_writer_pretty(&mut *out, &facts).map_err(io::Error::from)?;
        writeln!(out)
    })?;
    // A repository that only deploys has no code, and something to tell.
    if gathered.analysed || !facts.workloads.is_empty() {
        return Ok(CLEAN);
    }
    check::nothing(args.tree.quiet);
    Ok(NOTHING)
}

/// The same, with paths as people find them: from the working directory, or from the name of the repository that facts
/// were written for.
pub(super) fn gather_shown(args: &TreeArgs) -> Result<Gathered, CliError> {
    let mut gathered = gather(args)?;
    for (facts, root) in gathered.facts.iter_mut().zip(&gathered.roots) {
        match root {
            Some(paths) => facts.each_path(&mut |path| *path = paths.shown(path)),
            None => {
                let repository = facts.repository.clone();
                facts.each_path(&mut |path| *path = format!("{repository}/{path}"));
            }
        }
    }
    Ok(gathered)
}

/// Analyses the trees and reads the facts files that are named.
fn gather(args: &TreeArgs) -> Result<Gathered, CliError> {
    let (files, folders): (Vec<PathBuf>, Vec<PathBuf>) = args.paths.iter().cloned().partition(|path| is_facts(path));
    let mut out =
        Gathered { facts: Vec::new(), report: Report::default(), analysed: !files.is_empty(), roots: Vec::new() };
    for file in &files {
        out.facts.push(read(file)?);
        out.roots.push(None);
    }
    if !folders.is_empty() || files.is_empty() {
        analyse(&TreeArgs { paths: folders, ..args.clone() }, &mut out)?;
    }
    Ok(out)
}

fn analyse(args: &TreeArgs, out: &mut Gathered) -> Result<(), CliError> {
    let targets = target::resolve(args)?;
    let _progress = Progress::start(!args.quiet && !args.no_progress);
    for tree in targets.trees {
        let config = check::configuration(args, &tree)?;
        let options = Options { selection: Selection::new(&config)?, ..Options::default() };
        let request = AnalysisRequest {
            root: tree.target.root.clone(),
            paths: Vec::new(),
            config,
            threads: args.threads.map(usize::from),
            why: None,
            facts: true,
        };
        let mut analysis = engine::analyse(&request);
        let mut facts = analysis.facts.take().unwrap_or_default();
        facts.repository =
            tree.target.root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        facts.skipped.clone_from(&analysis.skipped);
        out.analysed |= analysis.analysed;
        let target = Target { cwd: tree.target.root.clone(), ..tree.target.clone() };
        let report = Report::new(analysis, &target, &request.config, &options);
        facts.findings = report.diagnostics.iter().map(FindingFacts::from).collect();
        facts.findings.sort();
        out.facts.push(facts);
        out.roots.push(Some(Paths::new(&tree.target.root, &tree.target.cwd)));
        out.report.merge(report);
    }
    Ok(())
}

/// Whether an argument names a facts file.
pub(super) fn is_facts(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "json") && path.is_file()
}

fn read(path: &Path) -> Result<Facts, CliError> {
    let shown = path.display().to_string();
    let file = std::fs::File::open(path).map_err(CliError::io(shown.clone()))?;
    let mut text = String::new();
    file.take(MAX_FACTS + 1).read_to_string(&mut text).map_err(CliError::io(shown.clone()))?;
    let help = || Some("facts files are written by `hoplint facts`".to_owned());
    if text.len() as u64 > MAX_FACTS {
        return Err(CliError::Usage(format!("{shown} is larger than {} MiB", MAX_FACTS >> 20), help()));
    }
    let facts: Facts = serde_json::from_str(&text)
        .map_err(|error| CliError::Usage(format!("{shown} holds no facts: {error}"), help()))?;
    if facts.version != VERSION {
        let (own, other) = (VERSION, facts.version);
        let message = format!("{shown} has version {other} of the format, this hoplint reads version {own}");
        let help = "write it anew with this version of `hoplint facts`".to_owned();
        return Err(CliError::Usage(message, Some(help)));
    }
    Ok(facts)
}
