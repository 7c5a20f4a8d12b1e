//! `hoplint audit`.

use super::args::{AuditArgs, AuditFormat, TreeArgs};
use super::error::CliError;
use super::facts::{gather_shown, is_facts};
use super::{CLEAN, NOTHING, check, output, target};
use crate::audit::{Audit, Input, Owners, Tests, look};
use crate::map::join;
use crate::report::audit;
use crate::report::source::Paths;

/// `hoplint audit`.
pub(super) fn audit(args: &AuditArgs) -> Result<u8, CliError> {
    let gathered = gather_shown(&args.tree)?;
    let map = join(&gathered.facts);
    let (owners, tests) = beside(&args.tree)?;
    let filled = Audit::new(&Input { facts: &gathered.facts, map: &map, owners: &owners, tests: &tests });
    let view = audit::View { audit: &filled, map: &map };
    output::write(args.output_file.as_deref(), false, |out| match args.format {
        AuditFormat::Markdown => audit::markdown(&view, out),
        AuditFormat::Html => audit::html(&view, out),
        AuditFormat::Json => audit::json(&view, out),
    })?;
    if gathered.analysed {
        return Ok(CLEAN);
    }
    check::nothing(args.tree.quiet);
    Ok(NOTHING)
}

/// What lies beside the code that is analysed: who owns the files, and what the tests look at.
fn beside(args: &TreeArgs) -> Result<(Owners, Tests), CliError> {
    let (files, folders): (Vec<_>, Vec<_>) = args.paths.iter().cloned().partition(|path| is_facts(path));
    let mut tests = Tests::default();
    if folders.is_empty() && !files.is_empty() {
        return Ok((Owners::default(), tests));
    }
    let targets = target::resolve(&TreeArgs { paths: folders, ..args.clone() })?;
    let cwd = targets.trees.first().map(|tree| tree.target.cwd.clone()).unwrap_or_default();
    let roots: Vec<_> = targets.trees.iter().map(|tree| tree.target.repository.clone()).collect();
    for tree in &targets.trees {
        let config = check::configuration(args, tree)?;
        let paths = Paths::new(&tree.target.root, &tree.target.cwd);
        let threads = args.threads.map(usize::from).unwrap_or_default();
        look(&mut tests, &tree.target.root, &paths, &config.exclude, threads);
    }
    Ok((Owners::read(&cwd, &roots), tests))
}
