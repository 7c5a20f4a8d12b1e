//! What of a stack holds with some versions of a framework alone.

use serde::Deserialize;

/// A dependency that the auto-configuration moved to in some version of a framework.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewerNeed {
    /// The group of the framework's dependencies, whose version decides: `org.springframework.boot`.
    pub platform: String,
    /// The first version that asks for it: `4.0`.
    pub from: String,
    /// The dependency.
    pub name: String,
}

/// A dependency that makes a stack available with some versions of a framework.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Brought {
    /// The dependency.
    pub name: String,
    /// The group of the framework's dependencies, whose version decides: `org.springframework.boot`.
    pub platform: String,
    /// The first of those versions; empty for all before `until`.
    #[serde(default)]
    pub from: String,
    /// The first version after them; empty for none.
    #[serde(default)]
    pub until: String,
}

/// A library that a stack instruments with newer versions of a framework alone.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoversSince {
    /// The library's id.
    pub library: String,
    /// The group of the framework's dependencies, whose version decides: `org.springframework.boot`.
    pub platform: String,
    /// The first version with which it does: `2.0`.
    pub from: String,
}

/// The versions of a framework from one on.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Since {
    /// The group of the framework's dependencies, whose version decides: `org.springframework.boot`.
    pub platform: String,
    /// The first of them: `3.2`.
    pub from: String,
}

/// A name that a framework gave up with one of its versions.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Until {
    /// The name.
    pub name: String,
    /// The group of the framework's dependencies, whose version decides: `org.springframework.boot`.
    pub platform: String,
    /// The first version without it: `2.4`.
    pub until: String,
}

/// A setting that says where spans are sent to, as some versions of a framework read it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddressSetting {
    /// Its name.
    pub name: String,
    /// What spans are sent in: settings of one format take each other's place.
    pub format: String,
    /// The group of the framework's dependencies, whose version decides: `org.springframework.boot`.
    pub platform: String,
    /// The first version that reads it; empty for all before `until`.
    #[serde(default)]
    pub from: String,
    /// The first version that reads it no longer; empty for none.
    #[serde(default)]
    pub until: String,
}

impl AddressSetting {
    /// Whether a version of the framework reads it.
    pub fn is_read(&self, version: (u32, u32)) -> bool {
        is_between(version, &self.from, &self.until)
    }
}

impl Brought {
    /// Whether it brings the stack with a version of the framework.
    pub fn is_with(&self, version: (u32, u32)) -> bool {
        is_between(version, &self.from, &self.until)
    }
}

/// Whether a version is one from the first on and before the second; empty ones bound nothing.
fn is_between(version: (u32, u32), from: &str, until: &str) -> bool {
    let minor = crate::study::minor;
    minor(from).is_none_or(|from| version >= from) && minor(until).is_none_or(|until| version < until)
}
