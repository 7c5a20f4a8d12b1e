//! The named values that switch a stack on or off.

use regex::Regex;
use serde::Deserialize;

/// What a resource of a platform must say so that the platform starts the service under a stack.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlatformSwitch {
    /// The group of its `apiVersion`.
    pub api: String,
    /// The settings in it, by their keys with dots between them; all must be thrown.
    pub when: Vec<Switch>,
}

/// A named value that switches a stack on or off.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    /// The variable or annotation.
    pub name: String,
    /// A regular expression on its value; without it any value but an empty one, `0` or `false`.
    pub value: Option<String>,
}

impl Switch {
    /// Whether this name with this value throws the switch.
    pub fn is_thrown(&self, name: &str, value: &str) -> bool {
        if self.name != name {
            return false;
        }
        match &self.value {
            Some(pattern) => Regex::new(pattern).is_ok_and(|regex| regex.is_match(value)),
            None => !matches!(value.trim().to_ascii_lowercase().as_str(), "" | "0" | "false"),
        }
    }
}
