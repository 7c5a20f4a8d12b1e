//! Names under which traces travel: `rules/headers.toml`.

use serde::Deserialize;
use std::sync::LazyLock;

static HEADERS: LazyLock<Headers> =
    LazyLock::new(|| toml::from_str(include_str!("../../rules/headers.toml")).unwrap_or_default());

/// The file `rules/headers.toml`, which documents its fields.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Headers {
    headers: Vec<String>,
    short_headers: Vec<String>,
    companions: Vec<String>,
    message_keys: Vec<String>,
    message_words: Vec<String>,
}

fn is_in(names: &[String], text: &str) -> bool {
    names.iter().any(|name| name.eq_ignore_ascii_case(text))
}

/// Whether a header of this name says which trace a request belongs to.
pub fn is_trace_header(name: &str) -> bool {
    is_in(&HEADERS.headers, name) || is_in(&HEADERS.short_headers, name)
}

/// Whether whoever names this header sends a trace on by hand: it is one of a trace, or goes with one.
pub fn is_sent_on_by_hand(name: &str) -> bool {
    is_trace_header(name) || is_in(&HEADERS.companions, name)
}

/// Whether a text is the key of a trace in a message, or holds one.
pub fn is_message_key(text: &str) -> bool {
    is_in(&HEADERS.short_headers, text) || is_in(&HEADERS.message_words, text) || holds_message_key(text)
}

/// Whether the key of a trace in a message stands somewhere in a text.
pub fn holds_message_key(text: &str) -> bool {
    let text = text.to_lowercase();
    HEADERS.headers.iter().chain(&HEADERS.message_keys).any(|key| text.contains(key.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_reads_and_names_are_told_apart() {
        assert!(toml::from_str::<Headers>(include_str!("../../rules/headers.toml")).is_ok());
        assert!(is_trace_header("B3") && is_trace_header("Traceparent") && !is_trace_header("x-request-id"));
        assert!(is_sent_on_by_hand("X-Request-Id") && !is_sent_on_by_hand("x-b3"));
        assert!(is_message_key("tracing") && is_message_key("my_TraceParent") && !is_message_key("ab3"));
        assert!(!holds_message_key("tracing"));
    }
}
