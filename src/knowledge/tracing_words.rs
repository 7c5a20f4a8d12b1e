//! Names that speak of tracing: `rules/tracing-words.toml`.

use serde::Deserialize;
use std::sync::LazyLock;

static WORDS: LazyLock<Words> =
    LazyLock::new(|| toml::from_str(include_str!("../../rules/tracing-words.toml")).unwrap_or_default());

/// The file `rules/tracing-words.toml`, which documents its fields.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    everywhere: Vec<String>,
    go_packages: Vec<String>,
    python_modules: Vec<String>,
    java_imports: Vec<String>,
    filters: Vec<String>,
    client_parts: Vec<String>,
    variables: Vec<String>,
}

/// What a name is the name of: some words speak of tracing in one place and of other things in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameOf {
    /// The path of a Go package.
    GoPackage,
    /// A Python module that something imports.
    PythonModule,
    /// A Java class that something imports.
    JavaImport,
    /// A function that stands in front of handlers.
    Filter,
    /// Something that a client is made with.
    ClientPart,
    /// A context variable, or what is bound to log records.
    Variable,
}

/// Whether a name speaks of tracing.
pub fn speaks_of_tracing(name: &str, of: NameOf) -> bool {
    let own = match of {
        NameOf::GoPackage => &WORDS.go_packages,
        NameOf::PythonModule => &WORDS.python_modules,
        NameOf::JavaImport => &WORDS.java_imports,
        NameOf::Filter => &WORDS.filters,
        NameOf::ClientPart => &WORDS.client_parts,
        NameOf::Variable => &WORDS.variables,
    };
    // An abstract class and a contract speak of no traces.
    let name = name.to_ascii_lowercase().replace("abstract", "").replace("contract", "");
    WORDS.everywhere.iter().chain(own).any(|word| name.contains(word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_reads_and_says_nothing_twice() {
        let words: Words = toml::from_str(include_str!("../../rules/tracing-words.toml")).expect("reads");
        let lists = [
            words.go_packages,
            words.python_modules,
            words.java_imports,
            words.filters,
            words.client_parts,
            words.variables,
        ];
        for own in lists {
            assert!(!own.is_empty() && own.iter().all(|word| !words.everywhere.contains(word)), "{own:?}");
            let lower = own.iter().all(|word| word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()));
            assert!(lower, "{own:?}");
        }
    }

    #[test]
    fn a_word_counts_where_it_is_meant() {
        assert!(speaks_of_tracing("github.com/shop/OTel", NameOf::GoPackage));
        assert!(!speaks_of_tracing("github.com/shop/contracts", NameOf::GoPackage));
        assert!(speaks_of_tracing("shop.instrumentation", NameOf::PythonModule));
        assert!(speaks_of_tracing("withDatadog", NameOf::ClientPart) && !speaks_of_tracing("datadog", NameOf::Filter));
    }
}
