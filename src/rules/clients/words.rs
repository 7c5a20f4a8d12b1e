//! What names in code give away, whatever the library.

use crate::deploy::known;
use crate::knowledge::{self, NameOf};
use rustc_hash::FxHashSet;
use std::sync::LazyLock;

/// Whether a function of a language's own library, by its name, asks what a text begins with.
pub(super) fn asks_for_start(name: &str) -> bool {
    ["startswith", "startsWith", "HasPrefix"].contains(&name)
}

/// Whether a text is how addresses of the web begin.
pub(super) fn is_start_of_address(text: &str) -> bool {
    ["http", "http:", "http://", "https", "https:", "https://"].contains(&text)
}

/// Services on the public net that everybody calls and that go on with nobody's trace: one word a line, in lower case.
static STRANGERS: LazyLock<FxHashSet<&str>> =
    LazyLock::new(|| include_str!("../../../rules/strangers.txt").lines().collect());

/// Environment variables in which the platform that runs a process tells it addresses of its own: the first word of a line.
static OF_PLATFORMS: LazyLock<FxHashSet<&str>> = LazyLock::new(|| {
    let lines = include_str!("../../../rules/platform-addresses.txt").lines();
    lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_whitespace().next()).collect()
});

/// Whether a text is the name of an environment variable by which a platform tells where it listens itself.
pub(super) fn is_set_by_platform(text: &str) -> bool {
    OF_PLATFORMS.contains(text)
}

/// Whether a function or value of this name is about the headers of a trace: `getHeadersFromMDC`, `trace_headers`.
pub(super) fn names_trace_headers(name: &str) -> bool {
    let is_header = |word: &str| matches!(word, "header" | "headers");
    let is_of_trace = |word: &str| word == "mdc" || word.starts_with("trac");
    // Most names speak of neither.
    let may_be = name.contains("eader");
    may_be && split_words(name).any(|word| is_header(&word)) && split_words(name).any(|word| is_of_trace(&word))
}

/// Whether a text is written as the name of a variable of the environment (`TRACEPARENT`), by which a process is handed the
/// trace of the one that starts it: no request has a header of such a name. A gateway's variables stand for headers.
pub(super) fn is_variable_name(text: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_';
    text.chars().all(is_letter) && !text.starts_with("HTTP_")
}

/// Whether a setting of this name can hold no instrumentation.
pub(super) fn is_innocent(name: &str) -> bool {
    let innocent = split_words(name).any(|word| knowledge::has_start(&word, &knowledge::vocabulary().plain_settings));
    innocent && !speaks_of_tracing(name)
}

/// Whether the name of something that a client is made with speaks of tracing.
pub(super) fn speaks_of_tracing(name: &str) -> bool {
    knowledge::speaks_of_tracing(name, NameOf::ClientPart)
}

/// Whether a name or string belongs to an exporter, a health check or the like.
pub(super) fn is_apart(text: &str) -> bool {
    let words: Vec<String> = split_words(text).collect();
    words.iter().any(|word| knowledge::has_start(word, &knowledge::vocabulary().apart))
        || words.windows(2).any(|pair| matches!([pair[0].as_str(), pair[1].as_str()], ["wait", "for" | "until"]))
}

/// Whether a word of a name is that of what nothing traces by custom: metrics, profiles, checks of health.
pub(super) fn names_untraced(text: &str) -> bool {
    split_words(text)
        .any(|word| knowledge::vocabulary().untraced_paths.iter().any(|untraced| word == untraced.as_str()))
}

/// Whether a name is that of a health check.
pub(super) fn names_health(text: &str) -> bool {
    split_words(text)
        .any(|word| ["health", "readiness", "liveness", "probe"].iter().any(|start| word.starts_with(start)))
}

/// Whether a name says that it is there for tests.
pub(super) fn names_test(text: &str) -> bool {
    split_words(text).any(|word| matches!(word.as_str(), "test" | "tests" | "testing"))
}

/// Whether a name is that of a database, cache or broker, or of its address: `dev_elasticsearch`, `CLICKHOUSE_URL`. No
/// trace goes on behind one, but for a service in front of it: `REDIS_SERVICE_URL`.
pub(super) fn names_store(name: &str) -> bool {
    let is_store = |word: &str| {
        let is_it = |image: &str| image == word || image.strip_suffix("-server") == Some(word);
        known().stores.iter().any(|image| is_it(image))
    };
    let words: Vec<String> = split_words(name).collect();
    words.iter().any(|word| is_store(word)) && !words.iter().any(|word| knowledge::is_house_word(word))
}

/// Whether a part of a host's name says that it stands in for another service.
pub(super) fn names_stand_in(word: &str) -> bool {
    ["mock", "fake", "stub"].iter().any(|stand_in| word.starts_with(stand_in)) || word == "wiremock"
}

/// Whether a name is that of an address.
pub(super) fn names_address(text: &str) -> bool {
    split_words(text).any(|word| ["url", "uri", "link", "address"].iter().any(|end| word.ends_with(end)))
}

/// Whether a method finds one of the program's own files (Java's class path).
pub(super) fn finds_own_file(name: &str) -> bool {
    matches!(
        name,
        "getResource" | "getSystemResource" | "findResource" | "getResources" | "getSystemResources" | "findResources"
    )
}

/// Whether a method hands out the next of several things.
pub(super) fn takes_next(name: &str) -> bool {
    matches!(name, "nextElement" | "next")
}

/// Whether a name or path is about a stranger's service: a word of it, or several written as one (`PyPI`).
pub(super) fn names_stranger(text: &str) -> bool {
    let words: Vec<String> = split_words(text).collect();
    words.iter().any(|word| STRANGERS.contains(word.as_str()))
        || words.windows(2).any(|pair| STRANGERS.contains(pair.concat().as_str()))
}

/// Whether a name or path is about records that are only kept: nobody goes on with a request that reads them.
pub(super) fn names_records(text: &str) -> bool {
    split_words(text).any(|word| matches!(word.as_str(), "audit" | "auditlog" | "telemetry" | "otlp" | "exporter"))
}

/// Whether something is named after a cache or after throwing what is in one away.
pub(super) fn names_caches(text: &str) -> bool {
    let is_one = |word: &str| {
        matches!(word, "cache" | "caches" | "caching" | "evict" | "eviction") || word.starts_with("invalidat")
    };
    split_words(text).any(|word| is_one(&word))
}

/// The words of a name or string, in lower case: `HealthCheck` is `health` and `check`, `shipping` is one word.
pub(super) fn split_words(text: &str) -> impl Iterator<Item = String> {
    let mut words = vec![String::new()];
    let mut lower = false;
    for letter in text.chars() {
        if !letter.is_alphanumeric() || (letter.is_uppercase() && lower) {
            words.push(String::new());
        }
        lower = letter.is_lowercase();
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
    }
    words.into_iter().filter(|word| !word.is_empty())
}

/// Whether a literal URL names somebody else's service on the public net.
pub(super) fn is_third_party(text: &str) -> bool {
    let host = host_of(text);
    let inner = [".local", ".internal", ".svc", ".cluster", ".lan", "localhost"];
    host.contains('.')
        && !inner.iter().any(|end| host.ends_with(end))
        && !host.starts_with(|c: char| c.is_ascii_digit())
}

/// The host of a literal URL; of other texts none.
pub(super) fn host_of(text: &str) -> &str {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.and_then(|rest| rest.split(['/', ':', '?', '{']).next()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{is_innocent, names_trace_headers};

    #[test]
    fn headers_of_traces_are_named() {
        assert!(names_trace_headers("getHeadersFromMDC") && names_trace_headers("trace_headers"));
        assert!(!names_trace_headers("getHeaders") && !names_trace_headers("traceReader"));
    }

    #[test]
    fn a_transport_is_no_port() {
        assert!(is_innocent("base_url") && is_innocent("ReadTimeout") && is_innocent("http2"));
        assert!(!is_innocent("Transport") && !is_innocent("traceHeader") && !is_innocent("interceptors"));
    }
}
