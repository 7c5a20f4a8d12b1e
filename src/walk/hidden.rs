//! Hidden files and folders: which are looked into.
//!
//! Teams keep what their services are deployed by in folders such as `.deploy`, `.k8s` and `.helm`, and each has a word of
//! its own for it. So all hidden folders are looked into but those of tools, for deployment files alone.

use ignore::DirEntry;
use std::path::Path;

/// Folders of tools: version control, editors, caches, environments, continuous integration, development containers.
const OF_TOOLS: &[&str] = &[
    ".angular",
    ".aws-sam",
    ".bazel",
    ".bundle",
    ".cache",
    ".cargo",
    ".circleci",
    ".conda",
    ".dart_tool",
    ".devcontainer",
    ".direnv",
    ".eggs",
    ".fleet",
    ".git",
    ".github",
    ".gitlab",
    ".gradle",
    ".hg",
    ".husky",
    ".hypothesis",
    ".idea",
    ".ipynb_checkpoints",
    ".ivy2",
    ".jj",
    ".local",
    ".m2",
    ".metadata",
    ".metals",
    ".mvn",
    ".mypy_cache",
    ".next",
    ".nox",
    ".npm",
    ".nuxt",
    ".pants.d",
    ".parcel-cache",
    ".pixi",
    ".pnpm-store",
    ".pytest_cache",
    ".pytype",
    ".ruff_cache",
    ".rustup",
    ".sbt",
    ".scannerwork",
    ".serverless",
    ".settings",
    ".sl",
    ".svn",
    ".terraform",
    ".terragrunt-cache",
    ".tox",
    ".turbo",
    ".venv",
    ".virtualenv",
    ".vs",
    ".vscode",
    ".yarn",
];

/// Most folders between a hidden one and a file in it.
const MAX_DEPTH: usize = 8;

/// Whether an entry of the walk is hidden, and not looked into.
pub(super) fn is_left_out(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    if name.as_encoded_bytes().first() != Some(&b'.') {
        return entry.depth() > MAX_DEPTH && is_deep(entry.path(), entry.depth());
    }
    // The file from which deployments take their variables.
    if !entry.file_type().is_some_and(|kind| kind.is_dir()) {
        return name != ".env";
    }
    let is_of_tool = OF_TOOLS.iter().any(|tool| name == *tool);
    let has = |sign: &str| entry.path().join(sign).exists();
    is_of_tool || has("pyvenv.cfg") || has("CACHEDIR.TAG")
}

/// Whether a path is far below a hidden folder; `depth` is how many of its names stand below the root.
fn is_deep(path: &Path, depth: usize) -> bool {
    let mut names = path.iter().rev().take(depth).skip(MAX_DEPTH);
    names.any(|name| name.as_encoded_bytes().first() == Some(&b'.') && name.len() > 1)
}

/// Whether a path from the root lies in a hidden folder.
pub(super) fn is_within(relative: &str) -> bool {
    let folders = relative.rsplit_once('/').map_or("", |(folders, _)| folders);
    folders.split('/').any(|folder| folder.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::is_within;

    #[test]
    fn files_of_hidden_folders_are_known_by_their_path() {
        assert!(is_within(".deploy/a/till.yaml") && is_within("till/.k8s/till.yaml"));
        assert!(!is_within("till/.env") && !is_within("till/till.yaml"));
    }
}
