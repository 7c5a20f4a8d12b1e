//! Which files git tracks. A `.gitignore` keeps no file out that is tracked already: a line `server`, meant for a binary,
//! leaves out `cmd/server/main.go` for every tool but git.
//!
//! Source: <https://git-scm.com/docs/gitignore> ("files already tracked by Git are not affected"),
//! <https://git-scm.com/docs/gitrepository-layout>.

use gix_index::hash::Kind;
use gix_index::{File, decode};
use rustc_hash::FxHashSet;
use std::path::{Path, PathBuf};

/// The largest index that is read, in bytes: that of a million files takes about a tenth of it.
const MAX_INDEX: u64 = 1 << 30;

/// The repository that a folder is part of: the nearest folder from there up that has a `.git`.
pub(super) fn repository(root: &Path) -> Option<&Path> {
    root.ancestors().find(|folder| folder.join(".git").symlink_metadata().is_ok())
}

/// The tracked files below `root`, relative to it and with `/`, in the order of the index; names that are not UTF-8 are left
/// out. `None` where there is no index that can be read, as in a repository that names its objects by SHA-256.
pub(super) fn files(repository: &Path, root: &Path) -> Option<Vec<String>> {
    let inner = root.strip_prefix(repository).ok()?.to_str()?;
    let prefix = if inner.is_empty() { String::new() } else { format!("{}/", inner.replace('\\', "/")) };
    let index = read(&index_of(repository)?)?;
    let paths = index.entries().iter().map(|entry| entry.path(&index));
    let below =
        paths.filter_map(|path| std::str::from_utf8(path).ok()?.strip_prefix(prefix.as_str()).map(str::to_owned));
    Some(below.collect())
}

fn read(path: &Path) -> Option<File> {
    let kind = path.symlink_metadata().ok()?;
    if !kind.is_file() || kind.len() > MAX_INDEX {
        return None;
    }
    let options = decode::Options { alloc_limit_bytes: Some(MAX_INDEX as usize), ..decode::Options::default() };
    File::at(path, Kind::Sha1, true, options).ok()
}

/// Where the index lies: in `.git`, or in the folder that a `.git` of a worktree or submodule names.
fn index_of(repository: &Path) -> Option<PathBuf> {
    const MAX_POINTER: u64 = 4096;
    let git = repository.join(".git");
    let kind = git.symlink_metadata().ok()?;
    if kind.is_dir() {
        return Some(git.join("index"));
    }
    if !kind.is_file() || kind.len() > MAX_POINTER {
        return None;
    }
    let text = std::fs::read_to_string(&git).ok()?;
    let folder = text.strip_prefix("gitdir:")?.trim();
    Some(repository.join(folder).join("index"))
}

/// Some files and the folders that lead to them, relative to one root.
pub(super) struct Only {
    files: FxHashSet<String>,
    folders: FxHashSet<String>,
}

impl Only {
    /// Those of these paths; `None` where there are none.
    pub fn new(paths: impl Iterator<Item = String>) -> Option<Self> {
        let files: FxHashSet<String> = paths.collect();
        let above = |path: &String| path.match_indices('/').map(|(at, _)| path[..at].to_owned()).collect::<Vec<_>>();
        let folders = files.iter().flat_map(above).collect();
        (!files.is_empty()).then_some(Self { files, folders })
    }

    /// Whether a path is one of the files, or leads to one.
    pub fn has(&self, relative: &str, is_folder: bool) -> bool {
        if is_folder { self.folders.contains(relative) } else { self.files.contains(relative) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_lead_to_a_file_are_known() {
        let only = Only::new(["cmd/app/main.go".to_owned()].into_iter()).unwrap();
        assert!(only.has("cmd", true) && only.has("cmd/app", true) && only.has("cmd/app/main.go", false));
        assert!(!only.has("cmd/app", false) && !only.has("app", true));
        assert!(Only::new(std::iter::empty()).is_none());
    }

    #[test]
    fn an_index_that_is_none_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        assert!(repository(root).is_none_or(|found| found != root));
        for content in [&b""[..], b"DIRC", b"DIRC\0\0\0\x02\xff\xff\xff\xff", &[0; 4096]] {
            std::fs::create_dir_all(root.join(".git")).unwrap();
            std::fs::write(root.join(".git/index"), content).unwrap();
            assert_eq!(repository(root), Some(root));
            assert_eq!(files(root, root), None);
        }
        std::fs::remove_dir_all(root.join(".git")).unwrap();
        std::fs::write(root.join(".git"), "gitdir: nowhere\n").unwrap();
        assert_eq!(files(root, root), None);
    }
}
