//! The guided search: where does a journey lose its trace, and which source line does it?
//!
//! A question names the journey, what somebody saw, and what was recorded, each if it is at hand. The answer walks the
//! journey over the map, says of each way how it stands, and names for each gap the lines that explain it.

mod behind;
mod causes;
mod compare;
mod fitting;
mod formats;
mod idle;
mod journey;
mod names;
mod parties;
mod reasons;
mod sampling;
mod sentence;
mod walk;

pub use journey::{Journey, JourneyError, parse as parse_journey};
pub use names::Names;
pub use sampling::{Approach, Sampling, found as found_sampling};
pub use sentence::{Said, understand};

use crate::facts::{Facts, FindingFacts, Standing};
use crate::map::{Map, Via};
use crate::trace::{Format, Recording};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Who talks to whom.
    pub map: &'a Map,
    /// What was joined to it.
    pub facts: &'a [Facts],
    /// How the services are called.
    pub names: &'a Names,
    /// The services of the journey, in its order; empty where nobody named one.
    pub journey: &'a Journey,
    /// What somebody said that they saw.
    pub said: Option<&'a Said>,
    /// How traces are chosen to be kept.
    pub sampling: &'a Sampling,
    /// What traces a service, where somebody said so: by its node; an empty text for nothing.
    pub stacks: &'a BTreeMap<usize, String>,
    /// What was recorded.
    pub recording: Option<&'a Recording>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(title = "hoplint hunt --format json")]
pub struct Answer {
    /// The version of this format.
    pub version: u32,
    /// The services of the journey, in its order.
    pub journey: Vec<String>,
    /// What was understood of the sentence.
    pub understood: Vec<String>,
    /// How traces are chosen to be kept.
    pub sampling: Sampling,
    /// What was recorded.
    pub recording: Option<Recorded>,
    /// The ways that were looked at, in the order of the journey.
    pub steps: Vec<Step>,
    /// Where the trace is lost, the first one first.
    pub gaps: Vec<Gap>,
    /// What else must be known to judge the answer.
    pub notes: Vec<String>,
}

impl Answer {
    /// Whether a break was found: in the recording, or by the code alone.
    pub fn is_broken(&self) -> bool {
        self.gaps.iter().any(|gap| gap.kind != GapKind::Unknown)
    }
}

/// What was read of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Recorded {
    /// Its formats.
    pub formats: Vec<Format>,
    /// How many traces are in it.
    pub traces: usize,
    /// How many spans.
    pub spans: usize,
    /// The services that made them, as the recording calls them.
    pub services: Vec<RecordedService>,
}

/// A service in a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RecordedService {
    /// As the recording calls it.
    pub name: String,
    /// As the map calls it; `None` where the map does not know it.
    pub service: Option<String>,
    /// How many spans it made.
    pub spans: usize,
}

/// One way of the journey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Step {
    /// Who calls or sends.
    pub from: String,
    /// Who is called or takes.
    pub to: String,
    /// How they are joined; empty where the map knows no way.
    pub via: Vec<Via>,
    /// How the code says that the way stands; `None` where the map knows no way.
    pub code: Option<Standing>,
    /// Why: a clause that goes on after "because".
    pub because: String,
    /// What was recorded of it.
    pub trace: Seen,
}

/// What was recorded of a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// Nothing was recorded at all.
    NotRecorded,
    /// The far end's spans hang under the near end's.
    Whole,
    /// The far end made no spans, and those behind it hang under those before it.
    Passed,
    /// The far end is in no trace of the recording.
    Missing,
    /// The far end begins a trace of its own.
    NewTrace,
    /// The far end is in the trace, under somebody else's span.
    WrongParent,
    /// The far end names a parent that was not recorded.
    LostParent,
    /// The far end begins a trace of its own, with a link to another.
    Linked,
    /// The far end is in the recording; nothing shows that this way was taken.
    Elsewhere,
    /// The trace was lost before.
    Behind,
}

/// What kind of gap it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GapKind {
    /// A service begins a trace of its own.
    NewTrace,
    /// A service made no spans in what was recorded or seen.
    Missing,
    /// A span hangs under the wrong one.
    WrongParent,
    /// The parent of a span was not recorded.
    LostParent,
    /// No recording shows it: the code says that the way is broken.
    BrokenCode,
    /// No recording shows it: the code does not tell how the way stands.
    Unknown,
}

/// A place at which a trace is lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Gap {
    /// What kind it is.
    pub kind: GapKind,
    /// The service before the gap; the same as `to` where the trace is lost inside of one.
    pub from: Option<String>,
    /// The service behind it.
    pub to: String,
    /// One sentence, no full stop.
    pub message: String,
    /// What was recorded, or what the code says, that shows it.
    pub evidence: Vec<String>,
    /// The lines that can explain it, the best first.
    pub causes: Vec<Cause>,
    /// What else can or cannot explain it.
    pub reasons: Vec<Reason>,
}

/// A line that can explain a gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Cause {
    /// How well it fits.
    pub fit: Fit,
    /// The file.
    pub path: String,
    /// 1-based line.
    pub line: u32,
    /// How the code stands there.
    pub standing: Standing,
    /// The service.
    pub service: String,
    /// What happens there, one sentence, no full stop.
    pub message: String,
    /// Why it fits, a clause.
    pub why: String,
    /// Hops of this way that it affects: `path:line in function`.
    pub hops: Vec<String>,
    /// The finding, where a rule reports one.
    pub finding: Option<FindingFacts>,
}

/// How well a line explains a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fit {
    /// It is on the very way, at the end where the recording shows the loss.
    Exact,
    /// It is on the very way.
    OnTheWay,
    /// It concerns all of a service at one end of the way.
    Service,
    /// It is in a service at one end of the way, and may concern it.
    Near,
    /// It is on the way, and the code does not tell whether the trace crosses it.
    Unknown,
}

/// One of the ways in which a trace can be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// Nobody makes the span.
    Instrumentation,
    /// The span is there and its context does not cross.
    Propagation,
    /// The trace was not chosen to be kept.
    Sampling,
    /// The span was made and never arrived.
    Export,
}

/// How likely it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Chance {
    /// Something was found that does it.
    Likely,
    /// Nothing speaks for or against it.
    Possible,
    /// What was found speaks against it.
    RuledOut,
}

/// What else can or cannot explain a gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reason {
    /// Which way of losing a trace.
    pub loss: Loss,
    /// How likely.
    pub chance: Chance,
    /// Why: a clause that goes on after "because".
    pub because: String,
    /// How to tell it apart from the others; empty where it is ruled out.
    pub confirm: String,
}

/// Searches.
pub fn hunt(question: &Question<'_>) -> Answer {
    let said = question.said.map(|said| said.understood.clone()).unwrap_or_default();
    let mut answer = Answer {
        version: 1,
        journey: question.journey.nodes.iter().map(|at| question.names.of(*at).to_owned()).collect(),
        understood: said,
        sampling: question.sampling.clone(),
        recording: None,
        steps: Vec::new(),
        gaps: Vec::new(),
        notes: question.journey.notes.clone(),
    };
    match question.recording {
        Some(recording) => compare::compare(question, recording, &mut answer),
        None => walk::walk(question, &mut answer),
    }
    answer.notes.extend(question.map.unread());
    answer
}
