//! Which files of a tree are read: sources, manifests, and what is left out with the reason.
//!
//! Symbolic links are never followed, so the walk cannot loop and cannot leave its root. `.ignore` files hold everywhere,
//! `.gitignore` files as in git: in a repository, and not for what it tracks. Hidden files are left out, and in hidden
//! folders everything but what services are deployed by. Files are only listed here, none is opened but the index of git.

mod entry;
mod hidden;
mod names;
mod tracked;
mod vendored;

pub use names::{escape_name, is_test_path};

use crate::ir::Language;
use entry::{Collector, Found};
use ignore::overrides::{Override, OverrideBuilder};
use ignore::{WalkBuilder, WalkState};
use rustc_hash::FxHashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use tracked::Only;

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
    let repository = tracked::repository(&root);
    collect(&root, Filter { exclude: &exclude, git: repository.is_some(), only: None }, options, &mut walked);
    if let Some(only) = repository.and_then(|repository| left_out(repository, &root, options, &walked)) {
        let mut rest = Walked::default();
        collect(&root, Filter { exclude: &exclude, git: false, only: Some(only) }, options, &mut rest);
        walked.sources.extend(rest.sources);
        walked.manifests.extend(rest.manifests);
    }
    walked.sources.sort_unstable_by(|a, b| a.relative.cmp(&b.relative));
    walked.manifests.sort_unstable_by(|a, b| a.relative.cmp(&b.relative));
    walked.skipped.sort_unstable();
    walked
}

/// The tracked files that matter and that the walk did not take, mostly what `.gitignore` names all the same.
fn left_out(repository: &Path, root: &Path, options: &WalkOptions, walked: &Walked) -> Option<Only> {
    let sources = walked.sources.iter().map(|source| source.relative.as_str());
    let taken: FxHashSet<&str> = sources.chain(walked.manifests.iter().map(|found| found.relative.as_str())).collect();
    let matters = |path: &String| match Language::of_path(Path::new(path)) {
        Some(language) => options.include_tests || !is_test_path(path, language),
        None => (options.is_manifest)(path),
    };
    let tracked = tracked::files(repository, root)?.into_iter();
    Only::new(tracked.filter(|path| matters(path) && !taken.contains(path.as_str())))
}

/// What one walk looks at.
struct Filter<'f> {
    /// The user's globs.
    exclude: &'f Override,
    /// Whether `.gitignore` files hold.
    git: bool,
    /// The files that alone are looked for.
    only: Option<Only>,
}

/// Runs the parallel walk and sorts what it finds into its lists.
fn collect(root: &Path, filter: Filter<'_>, options: &WalkOptions, walked: &mut Walked) {
    let vendored = Arc::new(AtomicUsize::new(0));
    let (sender, found) = mpsc::channel();
    let walker = builder(root, filter, options.threads, Arc::clone(&vendored)).build_parallel();
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
fn builder(root: &Path, filter: Filter<'_>, threads: usize, vendored: Arc<AtomicUsize>) -> WalkBuilder {
    let Filter { exclude, git, only } = filter;
    let mut builder = WalkBuilder::new(root);
    let top = root.to_path_buf();
    builder
        .follow_links(false)
        .hidden(false)
        .require_git(false)
        .git_ignore(git)
        .git_exclude(git)
        .git_global(false)
        // Ignore files above the root belong to it where they are of the same repository.
        .parents(tracked::repository(root).is_some())
        .threads(threads)
        .overrides(exclude.clone())
        .filter_entry(move |entry| {
            if entry.depth() > 0 && hidden::is_left_out(entry) {
                return false;
            }
            let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
            if let Some(only) = only.as_ref().filter(|_| entry.depth() > 0)
                && !relative(&top, entry.path()).is_some_and(|path| only.has(&path, is_folder))
            {
                return false;
            }
            let keep = entry.depth() == 0 || !is_folder || !vendored::is_vendored(entry.path());
            if !keep {
                vendored.fetch_add(1, Ordering::Relaxed);
            }
            keep
        });
    builder
}

/// The path of an entry from the root, with `/`; of the root itself its name. `None` of what is not UTF-8.
fn relative(root: &Path, path: &Path) -> Option<String> {
    let inner = path.strip_prefix(root).ok()?;
    let inner = if inner.as_os_str().is_empty() { Path::new(path.file_name()?) } else { inner };
    let text = inner.to_str()?;
    if cfg!(windows) { Some(text.replace('\\', "/")) } else { Some(text.to_owned()) }
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
