//! The Go files that put together what other packages of the tree have: they make its services and call its set-up.
//!
//! Such a file need not name anything by which a trace travels (`webhook.NewService(config, storage)`), yet without it
//! what it makes and calls looks unused.

use super::relevance::go_imports;
use memchr::memmem;
use rustc_hash::FxHashSet;

/// The folders of a tree in which something by which a trace can travel is imported.
#[derive(Debug, Default)]
pub(super) struct Travelled<'s> {
    folders: FxHashSet<&'s str>,
}

impl<'s> Travelled<'s> {
    /// Takes the folders' paths from the root, `/` separated.
    pub(super) fn new(folders: impl IntoIterator<Item = &'s str>) -> Self {
        Self { folders: folders.into_iter().filter(|folder| !folder.is_empty()).collect() }
    }

    /// Whether a file makes or sets up something of one of these folders.
    pub(super) fn is_put_together_by(&self, text: &str) -> bool {
        go_imports(text).any(|path| self.holds(path) && makes_of(text, package(path)))
    }

    /// Whether an import path ends with the path of one of the folders: modules lie anywhere in a tree.
    fn holds(&self, path: &str) -> bool {
        path.match_indices('/').any(|(at, _)| path.get(at + 1..).is_some_and(|folder| self.folders.contains(folder)))
    }
}

/// The name by which a package is mostly called in a file: the last part of its path that is no version.
fn package(path: &str) -> &str {
    let is_version = |part: &&str| !part.strip_prefix('v').is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()));
    path.rsplit('/').find(is_version).unwrap_or(path)
}

/// Whether a file calls something of a package whose name says that it makes or begins something.
fn makes_of(text: &str, package: &str) -> bool {
    const BEGINNINGS: [&str; 12] =
        ["New", "Make", "Build", "Create", "Init", "Setup", "SetUp", "Start", "Run", "Register", "Module", "Provide"];
    memmem::find_iter(text.as_bytes(), package.as_bytes()).any(|at| {
        let rest = text.get(at + package.len()..).and_then(|rest| rest.strip_prefix('.')).unwrap_or_default();
        BEGINNINGS.iter().any(|beginning| rest.starts_with(beginning))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_parts_of_travelled_folders_puts_them_together() {
        let travelled = Travelled::new(["internal/hooks", "libs/otlp/v2", ""]);
        let file = |import: &str, body: &str| format!("package a\nimport \"{import}\"\nfunc f() {{ {body} }}");
        assert!(travelled.is_put_together_by(&file("example.com/shop/internal/hooks", "hooks.NewService()")));
        assert!(travelled.is_put_together_by(&file("example.com/mono/libs/otlp/v2", "otlp.SetUp()")));
        assert!(!travelled.is_put_together_by(&file("example.com/shop/internal/hooks", "hooks.Limit()")));
        assert!(!travelled.is_put_together_by(&file("example.com/shop/hooks", "hooks.NewService()")));
        assert!(!travelled.is_put_together_by("package a\nfunc f() { hooks.NewService() }"));
    }
}
