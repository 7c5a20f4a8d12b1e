//! What a team says about its repository: `hoplint.toml`, `.hoplint.toml` or `[tool.hoplint]` in `pyproject.toml`.

mod load;
mod select;
mod wrappers;

pub use load::{ConfigError, discover, parse, read};
pub use select::{Selection, Selector, UnknownRule};
pub use wrappers::wrapper_knowledge;

use crate::finding::Severity;
use crate::ir::Language;
use crate::paths::{is_below, join};
use crate::services::Mode;
use globset::{Glob, GlobSet, GlobSetBuilder};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The configuration of hoplint.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[schemars(title = "hoplint configuration")]
pub struct Config {
    /// Rules to run: names, codes, code prefixes (`HOP2`), buckets (`propagation`) or `all`.
    pub select: Option<Vec<String>>,
    /// Rules to run besides the selected ones.
    pub extend_select: Vec<String>,
    /// Rules not to run.
    pub ignore: Vec<String>,
    /// Severity of rules: `error`, `warning`, `info` or `off`.
    pub severity: BTreeMap<String, Level>,
    /// Rules not to report in files that match a glob (relative to this file).
    pub per_path_ignores: BTreeMap<String, Vec<String>>,
    /// Globs of files and folders that are not analysed (relative to this file).
    pub exclude: Vec<String>,
    /// The severity from which on the exit status is 1; `warning` by default.
    pub fail_on: Option<Severity>,
    /// Also run pedantic rules and show findings of which more than one link was assumed.
    pub pedantic: bool,
    /// Report suppressions that suppress nothing, give no reason or name no rule.
    pub report_unused_suppressions: bool,
    /// Bounds that keep hostile input from taking over.
    pub limits: Limits,
    /// The team's own helpers, which hoplint cannot see through.
    pub wrappers: Vec<Wrapper>,
    /// Services that the walk cannot guess.
    pub services: Vec<ServiceEntry>,
    /// The folder that the globs are relative to.
    #[serde(skip)]
    pub base: PathBuf,
    /// The file that says all this, for people; empty where nothing does.
    #[serde(skip)]
    pub file: String,
}

/// A severity, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Do not report.
    Off,
    /// Worth knowing.
    Info,
    /// Part of the trace is lost or wrong.
    Warning,
    /// The trace breaks.
    Error,
}

impl Level {
    /// The severity, or `None` for [`Level::Off`].
    pub fn severity(self) -> Option<Severity> {
        match self {
            Self::Off => None,
            Self::Info => Some(Severity::Info),
            Self::Warning => Some(Severity::Warning),
            Self::Error => Some(Severity::Error),
        }
    }
}

/// Bounds on one file.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Limits {
    /// Files with more bytes are skipped.
    pub max_file_size: u64,
    /// Milliseconds of processor time after which a file is given up.
    pub max_file_time_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_file_size: 2_097_152, max_file_time_ms: 1500 }
    }
}

/// What a wrapper does to the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WrapperKind {
    /// Starts a span for its caller, who must end it.
    StartsSpan,
    /// Ends the span that it is given.
    EndsSpan,
    /// Puts the context on a carrier.
    Injects,
    /// Takes a context off a carrier.
    Extracts,
    /// Instruments the value that it is given.
    Instruments,
    /// Returns an instrumented client, channel or executor.
    MakesClient,
    /// Hands the context on (to another thread, task or function).
    Propagates,
    /// Leaves the trace on purpose.
    Detaches,
    /// It is a type of the team's own that extends the one of a library in `of`, where its source is not in the tree.
    Extends,
}

/// One helper of the team.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Wrapper {
    /// Its language.
    pub language: Language,
    /// Its qualified name: `example.com/lib/trace.Start`, `lib.tracing.start`, `com.example.Tracing.start`.
    pub function: String,
    /// What it does.
    pub does: WrapperKind,
    /// The argument it works on, counted from 0.
    pub argument: Option<u32>,
    /// The result it works on, counted from 0.
    pub result: Option<u32>,
    /// The qualified name of the type that it extends.
    pub of: Option<String>,
}

/// One service that the walk cannot guess.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ServiceEntry {
    /// Its name for people.
    pub name: String,
    /// Its folder, relative to this file.
    pub root: String,
    /// The id of the stack that traces it.
    pub stack: Option<String>,
    /// How the stack is switched on; `code` by default.
    #[schemars(with = "Option<String>")]
    pub mode: Option<Mode>,
}

impl Config {
    /// The globs of `exclude`, to be matched against paths relative to [`Config::base`].
    pub fn exclude_set(&self) -> GlobSet {
        glob_set(self.exclude.iter().map(String::as_str))
    }

    /// The globs of `per-path-ignores` with their rules.
    pub fn path_ignores(&self) -> Vec<(GlobSet, &[String])> {
        self.per_path_ignores.iter().map(|(glob, rules)| (glob_set([glob.as_str()]), rules.as_slice())).collect()
    }

    /// The folder that globs and folders of this configuration count from, for a tree that is analysed: the
    /// configuration's own where the tree lies in it, else the tree's root.
    pub fn base_for<'a>(&'a self, root: &'a Path) -> &'a Path {
        let is_around = !self.base.as_os_str().is_empty() && root.starts_with(&self.base);
        if is_around { &self.base } else { root }
    }

    /// A folder of this configuration, relative to the root of the analysed tree; `None` outside of that.
    pub fn folder_in(&self, root: &Path, folder: &str) -> Option<String> {
        let home = root.strip_prefix(self.base_for(root)).ok()?.to_str()?.replace(std::path::MAIN_SEPARATOR, "/");
        let folder = join("", folder)?;
        is_below(&folder, &home)
            .then(|| folder.get(home.len()..).unwrap_or_default().trim_start_matches('/').to_owned())
    }

    /// The JSON schema of the configuration.
    pub fn json_schema() -> schemars::Schema {
        schemars::schema_for!(Config)
    }
}

/// One set of globs. A glob that names a folder also means what is in it; one without `/` matches at any depth.
fn glob_set<'a>(globs: impl IntoIterator<Item = &'a str>) -> GlobSet {
    let mut builder = GlobSetBuilder::new();
    for glob in globs.into_iter().flat_map(variants) {
        if let Ok(glob) = Glob::new(&glob) {
            builder.add(glob);
        }
    }
    builder.build().unwrap_or_else(|_| GlobSet::empty())
}

/// The globs that one written glob stands for.
fn variants(glob: &str) -> [String; 2] {
    let trimmed = glob.trim_end_matches('/').trim_start_matches("./").trim_start_matches('/');
    let anchored = if glob.trim_end_matches('/').contains('/') { trimmed.to_owned() } else { format!("**/{trimmed}") };
    let inside = format!("{anchored}/**");
    [anchored, inside]
}
