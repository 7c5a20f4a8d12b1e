//! Go modules.
//!
//! Source: <https://go.dev/ref/mod#go-mod-file>.

use super::{Dependency, Scope, Unit};
use crate::ir::Language;
use crate::paths::folder;

/// The unit that a `go.mod` declares.
pub(super) fn read(path: &str, text: &str) -> Unit {
    let mut unit = Unit {
        root: folder(path).to_owned(),
        language: Language::Go,
        name: String::new(),
        module: String::new(),
        dependencies: Vec::new(),
        stacks: Vec::new(),
        launchers: Vec::new(),
        starts: Vec::new(),
        settings: super::Settings::default(),
        logging: super::Logging::default(),
        may_be_named: false,
        not_installed: Default::default(),
        not_asked: Default::default(),
    };
    let mut block = String::new();
    for (at, line) in text.lines().enumerate() {
        let (code, comment) = line.split_once("//").unwrap_or((line, ""));
        let words: Vec<&str> = code.split_whitespace().map(|word| word.trim_matches('"')).collect();
        match (block.as_str(), words.as_slice()) {
            ("", ["module", module]) => unit.module = (*module).to_owned(),
            ("", [word, "("]) => block = (*word).to_owned(),
            ("", ["require", name, version]) | ("require", [name, version]) => {
                unit.dependencies.push(dependency(path, at, name, version, comment));
            }
            (_, [")"]) => block.clear(),
            _ => {}
        }
    }
    unit.name = project_name(&unit.module).to_owned();
    unit
}

fn dependency(path: &str, at: usize, name: &str, version: &str, comment: &str) -> Dependency {
    let scope = if comment.trim_start().starts_with("indirect") { Scope::Indirect } else { Scope::Direct };
    Dependency { name: name.to_owned(), version: version.to_owned(), path: path.to_owned(), line: at as u32 + 1, scope }
}

/// The last part of a module path that is not a major version.
fn project_name(module: &str) -> &str {
    let is_version = |part: &str| {
        part.strip_prefix('v').is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
    };
    module.rsplit('/').find(|part| !is_version(part)).unwrap_or(module)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_read() {
        let unit = read(
            "a/go.mod",
            "module \"x.org/cart/v2\"\n\nrequire one.org/a v1.0.0\nrequire (\n\ttwo.org/b v0.1.0 // indirect\n)\nreplace (\n\tq => ../q\n)\n",
        );
        assert_eq!((unit.module.as_str(), unit.name.as_str(), unit.root.as_str()), ("x.org/cart/v2", "cart", "a"));
        assert_eq!(unit.dependencies.len(), 2);
        assert_eq!((unit.dependencies[1].line, unit.dependencies[1].scope), (5, Scope::Indirect));
    }
}
