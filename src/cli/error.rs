//! What ends a run with exit status 2.

use crate::config::{ConfigError, UnknownRule};
use crate::report::text::clean;
use std::path::PathBuf;

/// What ends a run with exit status 2.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A path that is not there.
    #[error("no such file or folder: {}{}", clean(&.path.display().to_string()), hint(.help))]
    MissingPath {
        /// As given.
        path: PathBuf,
        /// What may have been meant.
        help: Option<String>,
    },
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A rule on the command line.
    #[error("{}{}", clean(&.0.message), hint(&.0.help))]
    Rule(#[from] UnknownRule),
    /// Anything else that the user can mend.
    #[error("{}{}", clean(.0), hint(.1))]
    Usage(String, Option<String>),
    /// Reading or writing.
    #[error("{}: {source}", clean(.what))]
    Io {
        /// What was read or written.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
}

impl CliError {
    /// An input or output error with its object.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

fn hint(help: &Option<String>) -> String {
    help.as_ref().map(|help| format!("\n  help: {}", clean(help))).unwrap_or_default()
}
