//! Whose files are whose, by CODEOWNERS.
//!
//! Sources: <https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners>,
//! <https://docs.gitlab.com/user/project/codeowners/reference/>.

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use std::fs;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

/// Where the file can lie, the first counts.
const PLACES: &[&str] = &[".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"];
/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;
/// How many lines of it count.
const MAX_LINES: usize = 2000;

/// The owners of the files of some repositories.
#[derive(Debug, Default)]
pub struct Owners {
    cwd: PathBuf,
    repositories: Vec<Repository>,
}

#[derive(Debug)]
struct Repository {
    root: PathBuf,
    /// What stands in the file, the last line first.
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    pattern: Gitignore,
    /// Whether only what lies in the folder itself is meant (`docs/*`).
    direct: bool,
    owners: String,
}

impl Owners {
    /// Reads the files of repositories, whose roots are absolute; `cwd` is what shown paths are relative to.
    pub fn read(cwd: &Path, roots: &[PathBuf]) -> Self {
        let mut repositories: Vec<Repository> = Vec::new();
        for root in roots {
            if repositories.iter().any(|known| known.root == *root) {
                continue;
            }
            let found = PLACES.iter().find_map(|place| text(&root.join(place)));
            let entries = found.map(|text| entries(root, &text)).unwrap_or_default();
            repositories.push(Repository { root: root.clone(), entries });
        }
        Self { cwd: cwd.to_path_buf(), repositories }
    }

    /// The owners of a file, by the path that people see; `None` where nobody is named.
    pub fn of(&self, shown: &str) -> Option<String> {
        let full = plain(&self.cwd.join(shown));
        let inside = self.repositories.iter().filter(|repository| full.starts_with(&repository.root));
        let repository = inside.max_by_key(|repository| repository.root.components().count())?;
        let path = full.strip_prefix(&repository.root).ok()?;
        let found = repository.entries.iter().find(|entry| entry.is_of(path))?;
        (!found.owners.is_empty()).then(|| found.owners.clone())
    }
}

impl Entry {
    fn is_of(&self, path: &Path) -> bool {
        match self.direct {
            true => self.pattern.matched(path, false).is_ignore(),
            false => self.pattern.matched_path_or_any_parents(path, false).is_ignore(),
        }
    }
}

fn text(path: &Path) -> Option<String> {
    if !fs::symlink_metadata(path).ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    fs::File::open(path).ok()?.take(MAX_BYTES).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn entries(root: &Path, text: &str) -> Vec<Entry> {
    let mut out = Vec::new();
    // The owners that a section names for the lines in it that name none.
    let mut section = String::new();
    for line in text.lines().take(MAX_LINES) {
        let line = line.split(" #").next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        if let Some((_, rest)) = line.trim_start_matches('^').strip_prefix('[').and_then(|line| line.split_once(']')) {
            let rest = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(rest, |(_, rest)| rest);
            section = rest.split_whitespace().collect::<Vec<_>>().join(" ");
            continue;
        }
        let mut words = line.split_whitespace();
        let Some(pattern) = words.next() else { continue };
        let mut owners = words.collect::<Vec<_>>().join(" ");
        if owners.is_empty() {
            owners.clone_from(&section);
        }
        let mut builder = GitignoreBuilder::new(root);
        if builder.add_line(None, pattern).is_ok()
            && let Ok(compiled) = builder.build()
        {
            out.push(Entry { pattern: compiled, direct: pattern.len() > 2 && pattern.ends_with("/*"), owners });
        }
    }
    out.reverse();
    out
}

/// A path without `.` and `..`; links are not looked at.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            part => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_that_fits_names_the_owners() {
        let folder = tempfile::tempdir().expect("folder");
        let root = folder.path().canonicalize().expect("path");
        let text =
            "* @all\n/cart/ @cart @more # why\ncart/gen/\n*.py @snakes\ndocs/* @writers\n[Mail][2] @post\n/mail/\n";
        fs::write(root.join("CODEOWNERS"), text).expect("written");
        let owners = Owners::read(&root, std::slice::from_ref(&root));
        let of = |path: &str| owners.of(path);
        assert_eq!(of("a.go").as_deref(), Some("@all"));
        assert_eq!(of("cart/x/a.go").as_deref(), Some("@cart @more"));
        assert_eq!(of("cart/gen/a.go"), None);
        assert_eq!(of("cart/../b.py").as_deref(), Some("@snakes"));
        assert_eq!(of("docs/a.md").as_deref(), Some("@writers"));
        assert_eq!(of("docs/deep/a.md").as_deref(), Some("@all"));
        assert_eq!(of("mail/a.go").as_deref(), Some("@post"));
        assert_eq!(of("../outside.go"), None);
    }
}
