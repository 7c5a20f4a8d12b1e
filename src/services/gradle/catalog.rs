//! Version catalogs (`gradle/libs.versions.toml`).
//!
//! Source: <https://docs.gradle.org/current/userguide/version_catalogs.html>.

use super::plugins;
use std::collections::BTreeMap;

/// Entries of a version catalog by accessor (`a.b.c`); a bundle has several.
pub(super) type Catalog = BTreeMap<String, Vec<(String, String)>>;

/// The entries of a version catalog that was read as TOML.
pub(super) fn read(table: &toml::Table) -> Catalog {
    let versions = table.get("versions").and_then(toml::Value::as_table);
    let mut out = Catalog::new();
    let mut by_alias = BTreeMap::new();
    for (alias, entry) in table.get("libraries").and_then(toml::Value::as_table).into_iter().flatten() {
        if let Some(found) = library(entry, versions) {
            by_alias.insert(alias.clone(), found.clone());
            out.insert(accessor(alias), vec![found]);
        }
    }
    for (alias, entry) in table.get("bundles").and_then(toml::Value::as_table).into_iter().flatten() {
        let all =
            entry.as_array().into_iter().flatten().filter_map(|name| by_alias.get(name.as_str()?).cloned()).collect();
        out.insert(format!("bundles.{}", accessor(alias)), all);
    }
    for (alias, entry) in table.get("plugins").and_then(toml::Value::as_table).into_iter().flatten() {
        out.extend(plugins::entry(entry, versions).map(|found| (plugins::key(alias), vec![found])));
    }
    out
}

/// The words by which build files name an entry.
pub(super) fn accessor(alias: &str) -> String {
    alias.replace(['-', '_'], ".")
}

fn library(entry: &toml::Value, versions: Option<&toml::Table>) -> Option<(String, String)> {
    if let Some(text) = entry.as_str() {
        let mut parts = text.splitn(3, ':');
        return Some((format!("{}:{}", parts.next()?, parts.next()?), parts.next().unwrap_or("").to_owned()));
    }
    let text = |key: &str| entry.get(key).and_then(toml::Value::as_str);
    let name = match text("module") {
        Some(module) => module.to_owned(),
        None => format!("{}:{}", text("group")?, text("name")?),
    };
    Some((name, version(entry, versions)))
}

/// The version of an entry of a catalog, empty where none is told.
pub(super) fn version(entry: &toml::Value, versions: Option<&toml::Table>) -> String {
    let version = entry.get("version");
    let referred =
        version.and_then(|version| version.get("ref")?.as_str()).and_then(|name| versions?.get(name)?.as_str());
    version.and_then(toml::Value::as_str).or(referred).unwrap_or("").to_owned()
}
