//! Which files of a tree are read: sources, manifests, and what is left out with the reason.
//!
//! Symbolic links are never followed, so the walk cannot loop and cannot leave its root. `.gitignore` and `.ignore`
//! files hold with and without a `.git`. Hidden files are left out, and in hidden folders everything but what services are
//! deployed by. Files are only listed here, none is opened.

mod entry;
mod hidden;
mod names;
mod vendored;

pub use names::{escape_name, is_test_path};

use crate::ir::Language;
use entry::{Collector, Found};
use ignore::overrides::{Override, OverrideBuilder};
use ignore::{WalkBuilder, WalkState};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

/// What the walk takes and leaves.
#[derive(Debug, Clone)]
pub struct WalkOptions {
    /// Whether the file with this path (relative to the root, `/` separated) is a manifest.
    pub is_manifest: fn(&str) -> bool,
    /// Whether a manifest in a hidden folder is one to be read.
    pub is_deployment: fn(&str) -> bool,
    /// Globs in `.gitignore` syntax of what is left out.
    pub exclude: Vec<String>,
    /// The folder that those globs are relative to: the root or one above it; `None` for the root.
    pub exclude_base: Option<PathBuf>,
    /// Whether test code is listed with the sources.
    pub include_tests: bool,
    /// Number of threads; 0 means one for each core.
    pub threads: usize,
}

impl Default for WalkOptions {
    fn default() -> Self {
        Self {
            is_manifest: |_| false,
            is_deployment: |_| false,
            exclude: Vec::new(),
            exclude_base: None,
            include_tests: false,
            threads: 0,
        }
    }
}

/// One source file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePath {
    /// Its path from the root, `/` separated.
    pub relative: String,
    /// Where it is opened.
    pub absolute: PathBuf,
    /// The language by its extension.
    pub language: Language,
    /// Its size in bytes at the time of the walk, never 0.
    pub size: u64,
}

/// One manifest or deployment file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestPath {
    /// Its path from the root, `/` separated.
    pub relative: String,
    /// Where it is opened.
    pub absolute: PathBuf,
    /// Its size in bytes at the time of the walk.
    pub size: u64,
}

/// What a tree holds; every list is sorted by path.
#[derive(Debug, Default)]
pub struct Walked {
    /// Source files with at least one byte.
    pub sources: Vec<SourcePath>,
    /// Files that the options call manifests.
    pub manifests: Vec<ManifestPath>,
    /// What could not be listed, as a printable path and the reason.
    pub skipped: Vec<(String, String)>,
    /// Number of test files left out.
    pub tests: usize,
    /// Number of source files without content, which are left out.
    pub empty: usize,
    /// Number of folders left out because they hold others' code or build output.
    pub vendored: usize,
}

/// Lists the files under `root`, which may also be one file. Never fails: what cannot be read is in `skipped`.
pub fn walk(root: &Path, options: &WalkOptions) -> Walked {
    let mut walked = Walked::default();
    let root = match root.canonicalize() {
        Ok(root) => root,
        Err(error) => {
            let reason = format!("cannot be opened: {}", error.kind());
            walked.skipped.push((escape_name(&root.to_string_lossy()), reason));
            return walked;
        }
    };
    let base = options.exclude_base.as_ref().and_then(|base| base.canonicalize().ok());
    let base = base.filter(|base| root.starts_with(base)).unwrap_or_else(|| root.clone());
    let exclude = excludes(&base, &options.exclude, &mut walked.skipped);
    collect(&root, exclude, options, &mut walked);
    walked.sources.sort_unstable_by(|a, b| a.relative.cmp(&b.relative));
    walked.manifests.sort_unstable_by(|a, b| a.relative.cmp(&b.relative));
    walked.skipped.sort_unstable();
    walked
}

/// Runs the parallel walk and sorts what it finds into its lists.
fn collect(root: &Path, exclude: Override, options: &WalkOptions, walked: &mut Walked) {
    let vendored = Arc::new(AtomicUsize::new(0));
    let (sender, found) = mpsc::channel();
    let walker = builder(root, exclude, options.threads, Arc::clone(&vendored)).build_parallel();
    let empty = AtomicUsize::new(0);
    let tests = AtomicUsize::new(0);
    walker.run(|| {
        let collector = Collector { root, options, empty: &empty, tests: &tests, sender: sender.clone() };
        Box::new(move |entry| {
            collector.take(entry);
            WalkState::Continue
        })
    });
    drop(sender);
    for item in found {
        match item {
            Found::Source(source) => walked.sources.push(source),
            Found::Manifest(manifest) => walked.manifests.push(manifest),
            Found::Skipped(path, reason) => walked.skipped.push((path, reason)),
        }
    }
    walked.vendored = vendored.load(Ordering::Relaxed);
    walked.empty = empty.into_inner();
    walked.tests = tests.into_inner();
}

/// The walker with hoplint's filters.
fn builder(root: &Path, exclude: Override, threads: usize, vendored: Arc<AtomicUsize>) -> WalkBuilder {
    let mut builder = WalkBuilder::new(root);
    builder
        .follow_links(false)
        .hidden(false)
        .require_git(false)
        .git_global(false)
        .parents(in_repository(root))
        .threads(threads)
        .overrides(exclude)
        .filter_entry(move |entry| {
            if entry.depth() > 0 && hidden::is_left_out(entry) {
                return false;
            }
            let keep = entry.depth() == 0
                || !entry.file_type().is_some_and(|kind| kind.is_dir())
                || !vendored::is_vendored(entry.path());
            if !keep {
                vendored.fetch_add(1, Ordering::Relaxed);
            }
            keep
        });
    builder
}

/// Whether ignore files above the root belong to the same repository.
fn in_repository(root: &Path) -> bool {
    root.ancestors().any(|folder| folder.join(".git").exists())
}

/// The user's globs as one matcher; a glob that is none is reported and left out.
fn excludes(base: &Path, globs: &[String], skipped: &mut Vec<(String, String)>) -> Override {
    let mut builder = OverrideBuilder::new(base);
    for glob in globs {
        if builder.add(&format!("!{glob}")).is_err() {
            skipped.push((escape_name(glob), "not a glob: this exclusion has no effect".to_owned()));
        }
    }
    builder.build().unwrap_or_else(|_| Override::empty())
}
