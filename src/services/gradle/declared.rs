//! Dependencies, line by line.

use super::super::{Dependency, Scope};
use super::catalog::{Catalog, accessor};
use super::named::{self, Lists};
use super::{PROJECT, Part, regex};
use regex::Regex;
use std::collections::BTreeMap;
use std::sync::LazyLock;

static COORDINATES: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"["']([A-Za-z0-9_.-]+):([A-Za-z0-9_.-]+)(?::([^"'@:]*))?[^"']*["']"#));
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r#"group[ ]*[:=][ ]*["']([^"']+)["'][, ]+name[ ]*[:=][ ]*["']([^"']+)["'](?:[, ]+version[ ]*[:=][ ]*["']([^"']+)["'])?"#,
    )
});
/// A path of names: `libs.a.b`, `rootProject.libs.a.b`, or that of another name for the catalog.
static PATH: LazyLock<Regex> = LazyLock::new(|| regex(r"(?-u:\b)[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)+"));
/// An entry of the catalog that is asked for by its name there.
static ENTRY: LazyLock<Regex> = LazyLock::new(|| regex(r#"find(Library|Bundle)\(["']([A-Za-z0-9_.-]+)["']\)"#));

/// The scope of a configuration, or `None` when the word is none.
fn scope_of(word: &str) -> Option<Scope> {
    let lower = word.to_ascii_lowercase();
    if lower.starts_with("test") || lower.contains("test") {
        return Some(Scope::Test);
    }
    match lower.as_str() {
        "compileonly"
        | "annotationprocessor"
        | "kapt"
        | "ksp"
        | "classpath"
        | "mavenbom"
        | "dependency"
        | "platform"
        | "developmentonly" => Some(Scope::Build),
        _ => ["implementation", "api", "compile", "runtime", "runtimeonly", "provided"]
            .iter()
            .any(|end| lower.ends_with(end))
            .then_some(Scope::Direct),
    }
}

/// Adds the dependencies that a stretch of a build file declares.
///
/// `versions` are the variables that hold versions there, `lists` the build's own lists of dependencies.
pub(super) fn read(
    part: &mut Part,
    path: &str,
    text: &str,
    versions: &BTreeMap<String, String>,
    catalog: Option<&Catalog>,
    lists: &Lists,
) {
    let mut scope = None;
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        let code = if line.starts_with("//") || line.starts_with('*') { "" } else { line };
        let code = code
            .rsplit_once('{')
            .filter(|(head, tail)| head.contains("dependencies") && !tail.is_empty())
            .map_or(code, |(_, tail)| tail.trim());
        let word: String =
            code.trim_start_matches(['"', '\'']).chars().take_while(char::is_ascii_alphanumeric).collect();
        let after = code.trim_start_matches(['"', '\'']).get(word.len()..).unwrap_or("");
        let is_word = after.starts_with([' ', '(', '"', '\'']) && !after.trim_start().starts_with('=');
        if is_word && let Some(found) = scope_of(&word) {
            scope = Some(found);
        } else if !code.starts_with(['"', '\'', 'l']) && !code.starts_with("configurations.") {
            scope = None;
        }
        let Some(scope) = scope else { continue };
        let scope = if code.contains("latform(") { Scope::Build } else { scope };
        let mut push = |name: String, version: &str| {
            let version = known(version, versions);
            part.dependencies.push(Dependency { name, version, path: path.to_owned(), line: at as u32 + 1, scope });
        };
        let listed = named::asked(code).filter_map(|name| lists.get(name)).flatten();
        let listed = listed.filter(|line| !line.contains("latform(")).map(String::as_str);
        for found in listed.chain([code]).flat_map(|line| COORDINATES.captures_iter(line)) {
            push(format!("{}:{}", &found[1], &found[2]), found.get(3).map_or("", |version| version.as_str()));
        }
        for found in NAMED.captures_iter(code) {
            push(format!("{}:{}", &found[1], &found[2]), found.get(3).map_or("", |version| version.as_str()));
        }
        for (name, version) in catalog.iter().flat_map(|catalog| in_catalog(code, catalog)) {
            push(name.clone(), version);
        }
        if scope == Scope::Direct {
            part.projects.extend(PROJECT.captures_iter(code).map(|found| found[1].to_owned()));
        }
    }
}

/// The entries of a catalog that a line names, whatever the catalog is called there: several names lead to it.
fn in_catalog<'a>(code: &str, catalog: &'a Catalog) -> impl Iterator<Item = &'a (String, String)> {
    let below = |path: &str| {
        let mut ends = path.match_indices('.').map(|(at, _)| path.get(at + 1..).unwrap_or_default());
        ends.find_map(|end| catalog.get(end))
    };
    let mut out: Vec<&Vec<(String, String)>> = PATH.find_iter(code).filter_map(|found| below(found.as_str())).collect();
    out.extend(ENTRY.captures_iter(code).filter_map(|found| {
        let name = accessor(&found[2]);
        if &found[1] == "Bundle" { catalog.get(&format!("bundles.{name}")) } else { catalog.get(&name) }
    }));
    out.into_iter().flatten()
}

/// A version with its variable replaced, where it is known.
pub(super) fn known(version: &str, versions: &BTreeMap<String, String>) -> String {
    let Some((_, name)) = version.split_once('$') else { return version.to_owned() };
    let name = name.trim_matches(['{', '}']);
    versions.get(name).or_else(|| versions.get(name.rsplit('.').next()?)).cloned().unwrap_or_default()
}
