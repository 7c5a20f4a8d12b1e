//! The JSON contract: what one finding looks like outside of hoplint.

use crate::analysis::{HopCounts, ServiceReport, Skipped};
use crate::finding::{Confidence, Severity};
use crate::ir::{Language, Position, Span};
use schemars::JsonSchema;
use serde::Serialize;

/// A range in a file; the end is exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Range {
    /// The first character.
    pub start: Position,
    /// One past the last character.
    pub end: Position,
}

/// One finding.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Diagnostic {
    /// The rule's code.
    pub rule: String,
    /// The rule's kebab-case name.
    pub name: String,
    /// The rule's bucket.
    pub bucket: String,
    /// How bad it is.
    pub severity: Severity,
    /// How much of the chain was seen.
    pub confidence: Confidence,
    /// The file, relative to the working directory, `/` separated.
    pub path: String,
    /// The place of the earliest cause.
    pub range: Range,
    /// What breaks.
    pub message: String,
    /// What the trace will look like.
    pub effect: String,
    /// How to mend it.
    pub help: String,
    /// How to see it in a running system.
    pub confirm: String,
    /// The service.
    pub service: String,
    /// The language of the file; null for deployment files.
    pub language: Option<Language>,
    /// The other places on the chain, in the order in which the trace meets them.
    pub related: Vec<RelatedPlace>,
    /// Stays the same while the code at the places stays the same.
    pub fingerprint: String,
    /// An edit that mends it, or null.
    pub fix: Option<Fix>,
    /// The place in bytes.
    #[serde(skip)]
    pub(crate) span: Span,
    /// A few words for the label under the place.
    #[serde(skip)]
    pub(crate) label: String,
}

/// Another place on the chain.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RelatedPlace {
    /// The file.
    pub path: String,
    /// The place.
    pub range: Range,
    /// What happens there.
    pub message: String,
    /// The place in bytes.
    #[serde(skip)]
    pub(crate) span: Span,
}

/// An edit that mends a finding.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Fix {
    /// `safe` or `unsafe`.
    pub safety: String,
    /// The replacements.
    pub edits: Vec<Edit>,
}

/// One replacement.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Edit {
    /// The file.
    pub path: String,
    /// What is replaced.
    pub range: Range,
    /// By what.
    pub text: String,
}

/// What was looked at.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Summary {
    /// The services.
    pub services: Vec<ServiceReport>,
    /// The hops of all services.
    pub hops: HopCounts,
    /// How many files were analysed.
    pub files: usize,
    /// What was not analysed, and why.
    pub skipped: Vec<Skipped>,
    /// How many findings a suppression hides.
    pub suppressed: usize,
    /// How many diagnostics are errors.
    pub errors: usize,
    /// How many are warnings.
    pub warnings: usize,
    /// How many are for information.
    pub infos: usize,
}

impl Diagnostic {
    /// All its places: path and range, the primary one first.
    pub fn places(&self) -> impl Iterator<Item = (&str, Range)> {
        let related = self.related.iter().map(|place| (place.path.as_str(), place.range));
        std::iter::once((self.path.as_str(), self.range)).chain(related)
    }
}

/// The word for a severity.
pub fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}
