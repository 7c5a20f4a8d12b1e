//! What names and struct tags say about addresses: `rules/addresses.toml`.

use rustc_hash::FxHashSet;
use serde::Deserialize;
use std::sync::LazyLock;

static KNOWN: LazyLock<Addresses> =
    LazyLock::new(|| toml::from_str(include_str!("../../rules/addresses.toml")).unwrap_or_default());

/// The file `rules/addresses.toml`, which documents its fields.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Addresses {
    house_words: FxHashSet<String>,
    address_words: FxHashSet<String>,
    identity_documents: Vec<String>,
    inside_endings: Vec<String>,
    common_words: FxHashSet<String>,
    data_keys: FxHashSet<String>,
    setting_keys: FxHashSet<String>,
    setting_types: Vec<String>,
}

/// Whether a word in the name of an address, in lower case, says that a service of the house is meant.
pub fn is_house_word(word: &str) -> bool {
    KNOWN.house_words.contains(word)
}

/// Whether a word, in lower case, is one that names of addresses have.
pub fn is_address_word(word: &str) -> bool {
    KNOWN.address_words.contains(word)
}

/// Whether a word in the name of a service, in lower case, does not tell it from others.
pub fn is_common_word(word: &str) -> bool {
    KNOWN.common_words.contains(word)
}

/// Whether an address, or the name of what holds one, is that of an identity provider's keys or metadata.
pub fn names_identity_document(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    KNOWN.identity_documents.iter().any(|part| lower.contains(part.as_str()))
}

/// Whether a host resolves inside alone, by its ending.
pub fn ends_inside(host: &str) -> bool {
    KNOWN.inside_endings.iter().any(|end| host.ends_with(end.as_str()))
}

/// Whether fields with this key in their struct tag are read from data (Go).
pub fn is_data_key(key: &str) -> bool {
    KNOWN.data_keys.contains(key)
}

/// Whether fields with this key in their struct tag are read from settings (Go).
pub fn is_setting_key(key: &str) -> bool {
    KNOWN.setting_keys.contains(key)
}

/// Whether a type holds settings, by its name.
pub fn names_settings(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    KNOWN.setting_types.iter().any(|part| name.contains(part.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_reads_and_its_lists_keep_apart() {
        let read: Addresses = toml::from_str(include_str!("../../rules/addresses.toml")).expect("reads");
        assert!(read.data_keys.is_disjoint(&read.setting_keys), "a key is of data or of settings");
        let words = read.house_words.iter().chain(&read.address_words).chain(&read.common_words);
        let words: Vec<&String> = words.chain(&read.setting_types).collect();
        assert!(words.len() > 100 && words.iter().all(|word| word.chars().all(|c| c.is_ascii_lowercase())));
        assert!(read.inside_endings.iter().all(|end| end.starts_with('.')));
    }

    #[test]
    fn names_are_told_apart() {
        assert!(is_house_word("svc") && is_address_word("url") && is_common_word("server"));
        assert!(ends_inside("till.shop.svc") && !ends_inside("till.example.com"));
        assert!(is_data_key("json") && !is_data_key("yaml") && is_setting_key("yaml") && !is_setting_key("json"));
        assert!(names_identity_document("AZURE_JWKS_URI") && !names_identity_document("https://till/keys"));
        assert!(names_settings("AppConfig") && !names_settings("Order"));
    }
}
