//! Variables that hold versions.

use super::{PROPERTIES, Workspace, regex};
use crate::paths::{file_name, folder, is_below};
use regex::Regex;
use std::collections::BTreeMap;
use std::sync::LazyLock;

static ASSIGNED: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r#"(?:(?:def|val|var|String|ext\.|set\()[ ]*["']?)?([A-Za-z_][A-Za-z0-9_.]*)["']?[ ]*[=:,][ ]*["']([0-9][^"'\n]*)["']"#,
    )
});

static PROPERTY: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?m)^[ ]*([A-Za-z_][A-Za-z0-9_.]*)[ ]*=[ ]*([0-9]\S*)[ ]*\r?$"));

/// Simple variables that hold versions, from the file itself and the build files above it.
pub(super) fn read(workspace: &Workspace<'_>, path: &str) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for (other, text) in files_above(workspace, path) {
        let form = if file_name(other) == PROPERTIES { &PROPERTY } else { &ASSIGNED };
        out.extend(form.captures_iter(text).map(|found| (found[1].to_owned(), found[2].to_owned())));
    }
    out
}

/// The files of a build and of those above it, without its catalogs.
pub(super) fn files_above<'w>(workspace: &'w Workspace<'_>, path: &str) -> impl Iterator<Item = (&'w str, &'w str)> {
    let is_above = |other: &str| is_below(folder(path), folder(other)) && !other.ends_with(".toml");
    workspace.files.iter().map(|(other, text)| (*other, *text)).filter(move |(other, _)| is_above(other))
}
