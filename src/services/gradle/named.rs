//! Lists of dependencies that a Gradle build keeps under names of its own, as configurations, for its modules to ask for:
//! `metrics "a:b:1"` in one build file, and `implementation configurations.metrics` in others.

use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

static ASKED: LazyLock<Regex> = LazyLock::new(|| super::regex(r"(?-u:\b)configurations\.([A-Za-z0-9_]+)"));

/// The lines of dependencies that are kept under each name.
pub(super) type Lists = BTreeMap<String, Vec<String>>;

/// The names that a line asks for.
pub(super) fn asked(line: &str) -> impl Iterator<Item = &str> {
    ASKED.captures_iter(line).filter_map(|found| found.get(1)).map(|name| name.as_str())
}

/// The lists that the build files of a workspace keep, of those names that any of them asks for.
pub(super) fn lists<'t>(texts: impl Iterator<Item = &'t str> + Clone) -> Lists {
    let names: BTreeSet<&str> = texts.clone().flat_map(asked).collect();
    let mut out = Lists::new();
    for text in texts.filter(|_| !names.is_empty()) {
        let mut open: Option<&str> = None;
        for line in text.lines().map(str::trim) {
            let word = line.split([' ', '(']).next().unwrap_or_default();
            if let Some(name) = names.get(word) {
                open = Some(name);
            } else if !line.starts_with(['"', '\'']) {
                open = None;
            }
            if let Some(name) = open {
                out.entry((*name).to_owned()).or_default().push(line.to_owned());
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_over_lines() {
        let root = "subprojects {\n  dependencies {\n    telemetry platform(\"a:bom:1\"),\n            \"a:core\"\n    other \"b:c:1\"\n  }\n}\n";
        let module = "dependencies {\n  implementation configurations.telemetry,\n    configurations.none\n}\n";
        let found = lists([root, module].into_iter());
        assert_eq!(found.len(), 1);
        assert_eq!(found["telemetry"], ["telemetry platform(\"a:bom:1\"),", "\"a:core\""]);
    }
}
