//! Go trees without a `go.mod`, whose place in a GOPATH only their own imports tell.

use crate::paths::folder;
use std::collections::{BTreeMap, BTreeSet};

/// The import path of the root of a tree, by what its files import: the path below which most of its folders are
/// imported. `files` gives paths and the import paths of each.
///
/// Without it, none of the tree's packages is known to be its own, and no call from one to another is followed.
pub fn module_by_imports<'a>(files: impl Iterator<Item = (&'a str, Vec<&'a str>)> + Clone) -> Option<String> {
    let folders: BTreeSet<&str> = files.clone().map(|(path, _)| folder(path)).filter(|path| !path.is_empty()).collect();
    let mut below: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for import in files.flat_map(|(_, imports)| imports) {
        // A package of the standard library has no host in front.
        if !import.split('/').next().is_some_and(|host| host.contains('.')) {
            continue;
        }
        let splits = import.match_indices('/').filter_map(|(at, _)| Some((import.get(..at)?, import.get(at + 1..)?)));
        for (root, inner) in splits.filter(|(root, inner)| root.contains('/') && folders.contains(inner)) {
            below.entry(root).or_default().insert(inner);
        }
    }
    // Of paths that fit equally, the longer one cannot be the folder of a host that somebody else's package lies in.
    let best = below.iter().max_by_key(|(root, inner)| (inner.len(), root.matches('/').count()))?;
    Some((*best.0).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(files: &[(&'static str, &[&'static str])]) -> Option<String> {
        module_by_imports(files.iter().map(|(path, imports)| (*path, imports.to_vec())))
    }

    #[test]
    fn own_folders_tell_the_root() {
        let files: &[(&str, &[&str])] = &[
            ("cmd/shop/main.go", &["fmt", "github.com/acme/shop/store", "github.com/pkg/errors"]),
            ("store/store.go", &["context", "github.com/acme/shop/errors", "go.opencensus.io/trace"]),
            ("errors/errors.go", &["net/http"]),
        ];
        assert_eq!(module(files).as_deref(), Some("github.com/acme/shop"));
        assert_eq!(module(&files[2..]), None);
    }

    #[test]
    fn a_folder_that_is_called_like_a_strangers_package_does_not_win() {
        let files: &[(&str, &[&str])] =
            &[("main.go", &["github.com/pkg/errors", "github.com/acme/shop/errors"]), ("errors/errors.go", &[])];
        assert_eq!(module(files).as_deref(), Some("github.com/acme/shop"));
        assert_eq!(module(&[("main.go", &["net/http"]), ("http/a.go", &[])]), None);
    }
}
