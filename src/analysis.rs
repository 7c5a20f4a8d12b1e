//! What the engine is asked, and what it answers.

use crate::config::Config;
use crate::finding::Finding;
use crate::ir::{Directive, Language};
use crate::services::Mode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use ustr::Ustr;

/// One tree to be analysed.
#[derive(Debug, Clone, Default)]
pub struct AnalysisRequest {
    /// The tree's root; every path of the answer is relative to it.
    pub root: PathBuf,
    /// Files whose findings are wanted (absolute); empty for all. The whole tree is analysed either way, so this is
    /// only a hint: the report filters by itself.
    pub paths: Vec<PathBuf>,
    /// The configuration that counts for this tree.
    pub config: Config,
    /// How many threads may work; `None` for one a core.
    pub threads: Option<usize>,
    /// The place of which it is asked how it was judged.
    pub why: Option<WhyQuery>,
    /// Whether the hops themselves are wanted, with who is at their other ends.
    pub facts: bool,
}

/// A place of which it is asked how it was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhyQuery {
    /// The file, relative to the tree's root, `/` separated.
    pub path: String,
    /// 1-based line.
    pub line: u32,
}

/// Everything that was learned about one tree.
#[derive(Debug, Clone, Default)]
pub struct Analysis {
    /// All findings, unfiltered: selection, suppression and order are the report's work.
    pub findings: Vec<Finding>,
    /// Comments addressed to hoplint, by file.
    pub directives: Vec<(Ustr, Vec<Directive>)>,
    /// The services, in order of their roots.
    pub services: Vec<ServiceReport>,
    /// What could not be analysed.
    pub skipped: Vec<Skipped>,
    /// How many files were read and understood.
    pub files: usize,
    /// Whether there was anything to analyse at all.
    pub analysed: bool,
    /// How a place was judged, when that was asked and the file was analysed.
    pub why: Option<crate::rules::WhyReport>,
    /// The hops and workloads, when they were asked for.
    pub facts: Option<crate::facts::Facts>,
}

/// One service and how its hops stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceReport {
    /// Its name for people.
    pub name: String,
    /// Its folder, `/` separated; `.` for the root itself.
    pub root: String,
    /// The language of its sources.
    pub language: Language,
    /// What traces it, with the evidence.
    pub stacks: Vec<StackReport>,
    /// How its hops stand.
    pub hops: HopCounts,
}

/// One tracing stack of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StackReport {
    /// The id of its page under `rules/stacks/`.
    pub stack: String,
    /// Its name for people.
    pub title: String,
    /// How it is switched on.
    #[schemars(with = "String")]
    pub mode: Mode,
    /// Whether it was seen to be switched on, or only to be present.
    pub active: bool,
    /// The file with the evidence.
    pub path: String,
    /// 1-based line in it.
    pub line: u32,
    /// What stands there.
    pub evidence: String,
}

/// How many hops carry the trace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HopCounts {
    /// Hops that carry it.
    pub carried: usize,
    /// Hops that break it.
    pub broken: usize,
    /// Hops of which the code does not tell.
    pub unknown: usize,
}

impl HopCounts {
    /// Adds another count to this one.
    pub fn add(&mut self, other: Self) {
        self.carried += other.carried;
        self.broken += other.broken;
        self.unknown += other.unknown;
    }

    /// The counts for people: `22 of 24 hops carry the trace, 1 is unknown`.
    pub fn words(self) -> String {
        let total = self.total();
        let hops = if total == 1 { "hop" } else { "hops" };
        let mut out = format!("{} of {total} {hops} carry the trace", self.carried);
        if self.unknown > 0 {
            out += &format!(", {} {} unknown", self.unknown, if self.unknown == 1 { "is" } else { "are" });
        }
        out
    }

    /// All hops.
    pub fn total(self) -> usize {
        self.carried + self.broken + self.unknown
    }
}

/// Something that was not analysed, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Skipped {
    /// The file or folder.
    pub path: String,
    /// Why, in a few words.
    pub reason: String,
}
