//! What a rule says, before it is placed in lines and columns.

use crate::ir::{Language, Span};
use serde::{Deserialize, Serialize};
use ustr::Ustr;

/// A place in a file of the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file, relative to the workspace root, `/` separated.
    pub path: Ustr,
    /// Bytes in it.
    pub span: Span,
}

/// How much of the chain behind a finding was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// More than one link was assumed; shown only on request (`--pedantic`).
    Possible,
    /// Exactly one link was assumed, and the finding says which.
    Likely,
    /// Every link was seen.
    Certain,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing downstream is cut off.
    Info,
    /// Part of the trace is lost or wrong.
    Warning,
    /// The trace breaks.
    Error,
}

/// One place on the way of the trace that explains a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// Where.
    pub place: Place,
    /// What happens there, in a few words ("the trace arrives here").
    pub message: String,
}

/// One broken hop (or one cause of several).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's kebab-case name; its page holds code, bucket and default severity.
    pub rule: &'static str,
    /// How bad it is, where that is not what the rule's page says; what a user sets for the rule wins.
    pub severity: Option<Severity>,
    /// How much was seen.
    pub confidence: Confidence,
    /// The earliest cause on the chain.
    pub place: Place,
    /// What breaks, one sentence, no full stop.
    pub message: String,
    /// A few words for the label under the place.
    pub label: String,
    /// What the trace will look like.
    pub effect: String,
    /// How to mend it in this code's own names.
    pub help: String,
    /// How to see it in a running system.
    pub confirm: String,
    /// The service it belongs to.
    pub service: String,
    /// The language of the file; `None` for deployment files.
    pub language: Option<Language>,
    /// The other places on the chain, in the order in which the trace meets them.
    pub related: Vec<Related>,
}

impl Finding {
    /// One of a rule at a place, which has yet to say what breaks.
    pub fn new(rule: &'static str, place: Place, confidence: Confidence) -> Self {
        Self {
            rule,
            severity: None,
            confidence,
            place,
            message: String::new(),
            label: String::new(),
            effect: String::new(),
            help: String::new(),
            confirm: String::new(),
            service: String::new(),
            language: None,
            related: Vec::new(),
        }
    }
}
