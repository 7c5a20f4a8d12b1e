//! What one entry of the walk is.

use super::names::{escape_name, is_printable, is_test_path};
use super::{ManifestPath, SourcePath, WalkOptions};
use crate::ir::Language;
use ignore::DirEntry;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;

/// One thing that the walk tells.
pub(super) enum Found {
    /// A source file.
    Source(SourcePath),
    /// A manifest.
    Manifest(ManifestPath),
    /// Something left out: printable path and reason.
    Skipped(String, String),
}

/// Judges entries on one thread of the walk.
pub(super) struct Collector<'a> {
    /// The canonical root.
    pub root: &'a Path,
    /// What to take.
    pub options: &'a WalkOptions,
    /// Counts source files without content.
    pub empty: &'a AtomicUsize,
    /// Counts test files left out.
    pub tests: &'a AtomicUsize,
    /// Where findings go.
    pub sender: Sender<Found>,
}

impl Collector<'_> {
    /// Takes one result of the walker.
    pub fn take(&self, entry: Result<DirEntry, ignore::Error>) {
        let found = match entry {
            Ok(entry) => self.judge(&entry),
            Err(error) => Some(self.failure(&error)),
        };
        if let Some(found) = found {
            // The receiver lives until the walk is over.
            let _ = self.sender.send(found);
        }
    }

    fn judge(&self, entry: &DirEntry) -> Option<Found> {
        let kind = entry.file_type()?;
        if kind.is_symlink() {
            return self.link(entry.path());
        }
        let language = Language::of_path(entry.path());
        if !kind.is_file() {
            let special = !kind.is_dir() && language.is_some();
            return special.then(|| self.skipped(entry.path(), "not a regular file"));
        }
        let Some(relative) = super::relative(self.root, entry.path()).filter(|path| is_printable(path)) else {
            return language
                .map(|_| self.skipped(entry.path(), "its name is not valid UTF-8 or holds control characters"));
        };
        if super::hidden::is_within(&relative) {
            return (self.options.is_deployment)(&relative).then(|| self.manifest(entry, relative));
        }
        match language {
            Some(language) => self.source(entry, relative, language),
            None if (self.options.is_manifest)(&relative) => Some(self.manifest(entry, relative)),
            None => None,
        }
    }

    fn source(&self, entry: &DirEntry, relative: String, language: Language) -> Option<Found> {
        // A Python manifest (`setup.py`) is a source too; the services' reader takes it from the sources' list.
        if !self.options.include_tests && is_test_path(&relative, language) {
            self.tests.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let size = match entry.metadata() {
            Ok(metadata) => metadata.len(),
            Err(error) => return Some(self.failure(&error)),
        };
        // An empty file says nothing, but for that which makes its folder a package.
        if size == 0 && !relative.ends_with("__init__.py") {
            self.empty.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        if (self.options.is_manifest)(&relative) {
            let manifest = ManifestPath { relative: relative.clone(), absolute: entry.path().to_path_buf(), size };
            let _ = self.sender.send(Found::Manifest(manifest));
        }
        Some(Found::Source(SourcePath { relative, absolute: entry.path().to_path_buf(), language, size }))
    }

    fn manifest(&self, entry: &DirEntry, relative: String) -> Found {
        match entry.metadata() {
            Ok(metadata) => {
                Found::Manifest(ManifestPath { relative, absolute: entry.path().to_path_buf(), size: metadata.len() })
            }
            Err(error) => self.failure(&error),
        }
    }

    /// A link is told only where it would have led to sources or a folder.
    fn link(&self, path: &Path) -> Option<Found> {
        if Language::of_path(path).is_some() {
            return Some(self.skipped(path, "symbolic link, not followed"));
        }
        let folder = path.metadata().is_ok_and(|metadata| metadata.is_dir());
        folder.then(|| self.skipped(path, "symbolic link to a folder, not followed"))
    }

    fn skipped(&self, path: &Path, reason: &str) -> Found {
        let shown = path.strip_prefix(self.root).unwrap_or(path).to_string_lossy();
        Found::Skipped(escape_name(&shown), reason.to_owned())
    }

    fn failure(&self, error: &ignore::Error) -> Found {
        let reason = match error.io_error() {
            Some(io) => format!("cannot be read: {}", io.kind()),
            None => "cannot be read".to_owned(),
        };
        match path_of(error) {
            Some(path) => self.skipped(path, &reason),
            None => Found::Skipped(".".to_owned(), reason),
        }
    }
}

/// The path that a walker's error is about.
fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        ignore::Error::Loop { child, .. } => Some(child),
        ignore::Error::Partial(errors) => errors.iter().find_map(path_of),
        _ => None,
    }
}
