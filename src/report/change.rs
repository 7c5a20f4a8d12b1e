//! Which places were changed: only findings with a place in them are reported.

use super::{Diagnostic, Range};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The changed lines of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lines {
    /// All of them.
    All,
    /// First and last line of each hunk.
    Hunks(Vec<(u32, u32)>),
}

/// Changed lines by absolute path.
#[derive(Debug, Clone, Default)]
pub struct ChangeSet {
    files: HashMap<PathBuf, Lines>,
}

impl ChangeSet {
    /// Marks lines of a file as changed.
    pub fn insert(&mut self, path: PathBuf, lines: Lines) {
        self.files.insert(path, lines);
    }

    /// Whether any place of the diagnostic was changed.
    pub fn touches(&self, diagnostic: &Diagnostic, cwd: &Path) -> bool {
        diagnostic.places().any(|(path, range)| self.has(&normal(cwd, path), range))
    }

    fn has(&self, path: &Path, range: Range) -> bool {
        match self.files.get(path) {
            None => false,
            Some(Lines::All) => true,
            Some(Lines::Hunks(hunks)) => {
                hunks.iter().any(|(first, last)| *first <= range.end.line && range.start.line <= *last)
            }
        }
    }
}

/// Joins a shown path to the working directory and resolves its `..`.
fn normal(cwd: &Path, shown: &str) -> PathBuf {
    let mut path = cwd.to_path_buf();
    for part in shown.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                path.pop();
            }
            part => path.push(part),
        }
    }
    path
}
