//! A file that may say what is built and how it starts.

use crate::yaml::{self, Node};
use std::sync::OnceLock;

/// The largest YAML or TOML file that is looked at.
const MAX_YAML: usize = 512 * 1024;

/// One file, read once for all who ask what it says.
#[derive(Debug, Clone)]
pub struct ManifestFile {
    /// Relative to the workspace root, `/` separated.
    pub path: String,
    /// What it holds.
    pub text: String,
    documents: OnceLock<Result<Vec<Node>, String>>,
}

impl ManifestFile {
    /// A file with this path and text.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into(), documents: OnceLock::new() }
    }

    /// Its documents, for a file of YAML or TOML, or why it could not be read.
    pub fn documents(&self) -> Result<&[Node], &str> {
        let read = || match self.text.len() {
            ..=MAX_YAML if self.path.ends_with(".toml") => yaml::of_toml(&self.text).map(|document| vec![document]),
            ..=MAX_YAML => yaml::documents(&self.text),
            _ => Err("larger than 512 KiB".to_owned()),
        };
        self.documents.get_or_init(read).as_deref().map_err(String::as_str)
    }

    /// Whether it is YAML, by its name.
    pub fn is_yaml(&self) -> bool {
        is_yaml(&self.path)
    }
}

/// Whether a file is YAML, by its name.
pub(super) fn is_yaml(path: &str) -> bool {
    path.ends_with(".yaml") || path.ends_with(".yml")
}
