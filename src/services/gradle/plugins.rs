//! The plugins that Gradle builds apply, with the versions that a build, one above it or a version catalog tells.
//!
//! Source: <https://docs.gradle.org/current/userguide/plugins.html>.

use super::super::{Dependency, Scope};
use super::catalog::{Catalog, accessor, version};
use super::declared::known;
use super::regex;
use regex::Regex;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The name of a plugin that is applied, and its version.
pub(super) static PLUGIN: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r#"(?:^|[ {])(?:id[ (]*|apply plugin:[ ]*|apply\(plugin[ ]*=[ ]*)["']([^"']+)["'][ )]*(?:version[ (]*["']([^"']+)["'])?"#,
    )
});
/// A plugin that is applied by its name in the catalog.
static ALIAS: LazyLock<Regex> = LazyLock::new(|| regex(r"alias[ (]+libs\.plugins\.([A-Za-z0-9_.]+)"));

/// The plugins that a build file applies, as dependencies of the build. `above` are the texts of its build and of those above it, which
/// may tell the version for all builds below them.
pub(super) fn applied(
    path: &str,
    text: &str,
    above: &[&str],
    versions: &BTreeMap<String, String>,
    catalog: Option<&Catalog>,
) -> Vec<Dependency> {
    let mut out = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let mut push = |name: String, version: String| {
            let (path, line) = (path.to_owned(), at as u32 + 1);
            out.push(Dependency { name, version, path, line, scope: Scope::Build });
        };
        for found in PLUGIN.captures_iter(line).filter(|found| found[1].contains('.')) {
            let name = full(&found[1]);
            let own = found.get(2).map(|version| version.as_str());
            let told = own.or_else(|| told_above(&found[1], above)).map(|version| known(version, versions));
            let version = told.or_else(|| in_catalog(&name, catalog?)).unwrap_or_default();
            push(name, version);
        }
        for found in ALIAS.captures_iter(line) {
            let named = catalog.and_then(|catalog| catalog.get(&key(&found[1]))).into_iter().flatten();
            named.for_each(|(name, version)| push(name.clone(), version.clone()));
        }
    }
    out
}

/// The version of a plugin in a file of builds above.
fn told_above<'t>(id: &str, above: &[&'t str]) -> Option<&'t str> {
    let mut found = above.iter().filter(|text| text.contains(id)).flat_map(|text| PLUGIN.captures_iter(text));
    found.find_map(|found| found.get(2).filter(|_| &found[1] == id).map(|version| version.as_str()))
}

fn in_catalog(name: &str, catalog: &Catalog) -> Option<String> {
    catalog.values().flatten().find(|(known, _)| known == name).map(|(_, version)| version.clone())
}

/// The coordinates that stand for a plugin.
fn full(id: &str) -> String {
    format!("{id}:{id}.gradle.plugin")
}

/// The key of a plugin among the entries of a catalog.
pub(super) fn key(alias: &str) -> String {
    format!("plugins.{}", accessor(alias))
}

/// A plugin of a catalog: its coordinates and version.
pub(super) fn entry(entry: &toml::Value, versions: Option<&toml::Table>) -> Option<(String, String)> {
    if let Some((id, version)) = entry.as_str().and_then(|text| text.split_once(':')) {
        return Some((full(id), version.to_owned()));
    }
    Some((full(entry.get("id")?.as_str()?), version(entry, versions)))
}
