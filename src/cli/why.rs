//! `hoplint map --why FILE:LINE`.

use super::args::{MapArgs, MapFormat, TreeArgs};
use super::error::CliError;
use super::target::{self, Tree};
use super::{CLEAN, NOTHING, check, output};
use crate::analysis::{Analysis, AnalysisRequest, WhyQuery};
use crate::engine;
use crate::ir::Language;
use crate::report::source::Paths;
use crate::report::why;
use crate::walk::is_test_path;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Shows how the hops on a line were judged. Exit status 3 where there is none.
pub(super) fn why(args: &MapArgs, place: &str) -> Result<u8, CliError> {
    let (file, line) = parse(place)?;
    let (tree, path) = locate(&args.tree, &file)?;
    let config = check::configuration(&args.tree, &tree)?;
    let request = AnalysisRequest {
        root: tree.target.root.clone(),
        paths: Vec::new(),
        config,
        threads: args.tree.threads.map(usize::from),
        why: Some(WhyQuery { path: path.clone(), line }),
        facts: false,
    };
    let analysis = engine::analyse(&request);
    let Some(mut report) = analysis.why.clone() else { return Err(not_analysed(&path, &analysis)) };
    let paths = Paths::new(&tree.target.root, &tree.target.cwd);
    report.each_path(&mut |path| {
        if !path.is_empty() {
            *path = paths.shown(path);
        }
    });
    let json = match args.format {
        MapFormat::Text => false,
        MapFormat::Json => true,
        _ => {
            let help = "--why is printed as text or JSON".to_owned();
            return Err(CliError::Usage("--why has no such format".to_owned(), Some(help)));
        }
    };
    output::write(args.output_file.as_deref(), false, |out| match json {
        false => why::text(&report, out),
        true => why::json(&report, out),
    })?;
    if report.is_about_something() {
        return Ok(CLEAN);
    }
    if !args.tree.quiet {
        let _ = writeln!(std::io::stderr(), "hoplint: nothing that hoplint judges begins on line {line} of {path}");
    }
    Ok(NOTHING)
}

/// `FILE:LINE`, with or without a column.
fn parse(place: &str) -> Result<(PathBuf, u32), CliError> {
    let usage = || {
        let help = "write a file and a line, such as `--why app/orders.py:42`".to_owned();
        CliError::Usage(format!("--why: cannot understand `{place}`"), Some(help))
    };
    let (rest, last) = place.rsplit_once(':').ok_or_else(usage)?;
    let last: u32 = last.parse().map_err(|_| usage())?;
    // `path:line:column`, as editors copy it.
    let (file, line) = match rest.rsplit_once(':').and_then(|(file, line)| Some((file, line.parse().ok()?))) {
        Some((file, line)) => (file, line),
        None => (rest, last),
    };
    if line == 0 || file.is_empty() { Err(usage()) } else { Ok((PathBuf::from(file), line)) }
}

/// The tree that holds a file, and the file's path in it: one that is named, or the one that is worked in, or the
/// file's own repository.
fn locate(args: &TreeArgs, file: &Path) -> Result<(Tree, String), CliError> {
    let io = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => CliError::MissingPath { path: file.to_path_buf(), help: None },
        _ => CliError::Io { what: file.display().to_string(), source: error },
    };
    let full = file.canonicalize().map_err(io)?;
    let within = |tree: &Tree| {
        let rest = full.strip_prefix(&tree.target.root).ok()?;
        let parts: Vec<_> = rest.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
        Some(parts.join("/"))
    };
    let own = TreeArgs { paths: vec![full.clone()], ..args.clone() };
    let mut trees = target::resolve(args)?.trees;
    if args.paths.is_empty() {
        trees.extend(target::resolve(&own)?.trees);
    }
    let found = trees.into_iter().find_map(|tree| within(&tree).map(|path| (tree, path)));
    found.ok_or_else(|| {
        let help = "name the folder that holds it, or none".to_owned();
        CliError::Usage(format!("--why: {} is not in the folders that are analysed", file.display()), Some(help))
    })
}

/// Why a file is not among those that were analysed.
fn not_analysed(path: &str, analysis: &Analysis) -> CliError {
    let because = match (Language::of_path(Path::new(path)), analysis.skipped.iter().find(|found| found.path == path)) {
        (None, _) => "hoplint reads Go, Python and Java sources".to_owned(),
        (_, Some(skipped)) => skipped.reason.clone(),
        (Some(language), None) if is_test_path(path, language) => {
            "it is test code by its path, and tests are roots of traces".to_owned()
        }
        _ => "it is ignored, hidden, vendored or excluded, or imports nothing by which a trace can travel".to_owned(),
    };
    CliError::Usage(format!("{path} is not analysed"), Some(because))
}
