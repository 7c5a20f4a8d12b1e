//! What names in code give away where nothing else is known: `rules/vocabulary.toml`.

use serde::Deserialize;
use std::sync::LazyLock;

static KNOWN: LazyLock<Vocabulary> =
    LazyLock::new(|| toml::from_str(include_str!("../../rules/vocabulary.toml")).unwrap_or_default());

/// The file `rules/vocabulary.toml`, which documents its lists. All words are in lower case.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vocabulary {
    /// Ends of identifiers that hold another value for each request, as words joined by `_`.
    pub per_request: Vec<String>,
    /// Parts of a request that are others for each resource, as words joined by `_`.
    pub of_request: Vec<String>,
    /// What a request is asked for the route that it took by, as words joined by `_`.
    pub route_names: Vec<String>,
    /// What nobody who reads traces may know, as words joined by `_`.
    pub secrets: Vec<String>,
    /// Words that make of a secret something that is none.
    pub harmless: Vec<String>,
    /// Words of a flag or event that says when a process is to end.
    pub of_stopping: Vec<String>,
    /// Words of a flag that holds while a process goes on.
    pub of_running: Vec<String>,
    /// Parts of the names of exporters by which nothing leaves the process.
    pub local_exporters: Vec<String>,
    /// Parts of paths at which nothing is traced by custom.
    pub untraced_paths: Vec<String>,
    /// Starts of words in the names of a client's settings that carry no instrumentation.
    pub plain_settings: Vec<String>,
    /// Starts of words in the names of what never takes part in a request's trace.
    pub apart: Vec<String>,
    /// Starts of the names of Go methods that take a context and send nothing.
    pub staying_methods: Vec<String>,
    /// Names of the methods that end a request which was built step by step, and send it (Go).
    pub sending_methods: Vec<String>,
    /// Parts of the names of Go types whose methods stay in the process.
    pub staying_types: Vec<String>,
    /// Parts of the names of Go packages in which an organisation's own libraries make servers.
    pub serving_packages: Vec<String>,
    /// Parts of the paths of Go packages about tracing by which nothing is set up.
    pub helping_packages: Vec<String>,
    /// Parts of the paths of Go packages that are named after tracing and have nothing to do with how it is set up.
    pub unrelated_packages: Vec<String>,
    /// Starts of the names of Go methods that clean up behind a piece of work, or say that it is done.
    pub cleaning_up: Vec<String>,
    /// Starts of the names of functions that begin or end what lives longer than a request.
    pub lifetime: Vec<String>,
    /// Parts of the names of functions that are there to end what others started.
    pub ending_functions: Vec<String>,
    /// Parts of the names of Java types whose methods run around the handlers of requests.
    pub filter_types: Vec<String>,
    /// Parameters by which Python functions take the log records that they complete.
    pub log_records: Vec<String>,
    /// Parameters by which Python middleware takes what comes behind it.
    pub next_handlers: Vec<String>,
    /// Hosts where everybody keeps repositories, under the name of whoever they belong to.
    pub code_hosts: Vec<String>,
}

/// What names give away, read once.
pub fn vocabulary() -> &'static Vocabulary {
    &KNOWN
}

/// Whether a name in lower case has one of the listed parts.
pub fn has_part(name: &str, parts: &[String]) -> bool {
    parts.iter().any(|part| name.contains(part.as_str()))
}

/// Whether a name in lower case begins with one of the listed words.
pub fn has_start(name: &str, starts: &[String]) -> bool {
    starts.iter().any(|start| name.starts_with(start.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_reads_and_no_list_says_a_word_twice() {
        let text = include_str!("../../rules/vocabulary.toml");
        let _: Vocabulary = toml::from_str(text).expect("reads");
        let lists: std::collections::BTreeMap<String, Vec<String>> = toml::from_str(text).expect("lists of words");
        for (name, words) in lists {
            let mut once = words.clone();
            once.sort();
            once.dedup();
            assert_eq!(once.len(), words.len(), "{name}");
            assert!(!words.is_empty() && words.iter().all(|word| *word == word.to_lowercase()), "{name}");
        }
    }
}
