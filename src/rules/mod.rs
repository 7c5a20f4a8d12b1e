//! The rules: each a small pure function from a [`Study`] to findings. Their pages are under `rules/`.

mod async_work;
mod bean_names;
mod clients;
mod contexts;
mod deploy;
pub(crate) mod edges;
mod labels;
mod logs;
mod messaging;
mod settings;
mod spans;
mod why;

pub(crate) use logs::patterns::{printed, prints_ids};
pub(crate) use messaging::sent_into;
pub use why::{WhyCall, WhyFinding, WhyFunction, WhyOrigin, WhyPlace, WhyReport, WhyValue, WhyVerdict};
pub use why::{explain, findings_at};

use crate::analysis::HopCounts;
use crate::finding::Finding;
use crate::link::{FuncRef, ValueRef};
use crate::study::Study;

/// What the rules of one language found.
#[derive(Debug, Default)]
pub struct Verdicts {
    /// The findings, unfiltered.
    pub findings: Vec<Finding>,
    /// Hop counts by unit index.
    pub hops: rustc_hash::FxHashMap<usize, HopCounts>,
    /// The headers that code lets browsers send, for the rules on what lies between services.
    pub allow_lists: Vec<crate::deploy::AllowList>,
    /// How each hop was judged, where somebody asks: the rules tell it as they go.
    pub notes: Option<Vec<Note>>,
}

/// Where a hop is: a call, or a function that a library calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    /// A call, or a loop's subject.
    Call(ValueRef),
    /// A function.
    Function(FuncRef),
}

impl From<ValueRef> for Site {
    fn from(call: ValueRef) -> Self {
        Self::Call(call)
    }
}

impl From<FuncRef> for Site {
    fn from(function: FuncRef) -> Self {
        Self::Function(function)
    }
}

/// How one hop was judged.
#[derive(Debug, Clone, Copy)]
pub struct Note {
    /// The hop.
    pub hop: Site,
    /// The rule.
    pub rule: &'static str,
    /// The verdict; `None` where the rule has nothing to say of the hop.
    pub verdict: Option<Verdict>,
    /// Why.
    pub because: &'static str,
}

impl Verdicts {
    /// Counts one hop of a unit.
    pub fn count(&mut self, unit: usize, hop: impl Into<Site>, rule: &'static str, ruling: Ruling) {
        let counts = self.hops.entry(unit).or_default();
        match ruling.verdict {
            Verdict::Carried => counts.carried += 1,
            Verdict::Broken => counts.broken += 1,
            Verdict::Unknown => counts.unknown += 1,
        }
        if let Some(notes) = &mut self.notes {
            notes.push(Note { hop: hop.into(), rule, verdict: Some(ruling.verdict), because: ruling.because });
        }
    }

    /// Notes that a library carries the trace over a hop which is none of the service's own.
    pub fn carried(&mut self, hop: impl Into<Site>, rule: &'static str, because: &'static str) {
        if let Some(notes) = &mut self.notes {
            notes.push(Note { hop: hop.into(), rule, verdict: Some(Verdict::Carried), because });
        }
    }

    /// Takes note of a hop that a rule says nothing of, and is not counted.
    pub fn pass(&mut self, hop: impl Into<Site>, rule: &'static str, because: &'static str) {
        if let Some(notes) = &mut self.notes {
            notes.push(Note { hop: hop.into(), rule, verdict: None, because });
        }
    }
}

/// A verdict, and why: a clause that goes on after "because".
#[derive(Debug, Clone, Copy)]
pub struct Ruling {
    /// The verdict.
    pub verdict: Verdict,
    /// The reason.
    pub because: &'static str,
}

impl Ruling {
    /// The trace crosses.
    pub const fn carried(because: &'static str) -> Self {
        Self { verdict: Verdict::Carried, because }
    }

    /// It does not.
    pub const fn broken(because: &'static str) -> Self {
        Self { verdict: Verdict::Broken, because }
    }

    /// The code does not tell.
    pub const fn unknown(because: &'static str) -> Self {
        Self { verdict: Verdict::Unknown, because }
    }
}

/// How one hop stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The trace crosses.
    Carried,
    /// It does not.
    Broken,
    /// The code does not tell.
    Unknown,
}

/// Runs every rule over one language's files. `notes`: also tells how each hop was judged.
pub fn check(study: &Study<'_>, notes: bool) -> Verdicts {
    let mut out = Verdicts { notes: notes.then(Vec::new), ..Verdicts::default() };
    let lives = clients::Lives::new(study);
    clients::check(&lives, &mut out);
    contexts::check(&lives, &mut out);
    messaging::check(&lives, &mut out);
    settings::check(study, &mut out);
    logs::check(study, &mut out);
    spans::check(&lives, &mut out);
    async_work::check(&lives, &mut out);
    labels::check(study, &mut out);
    out.findings.retain(|finding| !study.is_out_of_traces(finding.place.path) && !study.is_in_unused(finding.place));
    out.findings.retain(|finding| !study.is_run_untraced(finding.place) && !study.starts_unrecorded(finding.place));
    without_repeats(&mut out.findings);
    out
}

/// Takes away what says of a span that starts without its caller's trace a second time that its context is a fresh one.
fn without_repeats(findings: &mut Vec<Finding>) {
    let starts = findings.iter().filter(|finding| finding.rule == "missing-extract");
    let starts: Vec<crate::finding::Place> = starts.map(|finding| finding.place).collect();
    let is_said = |place: &crate::finding::Place| {
        starts.iter().any(|start| start.path == place.path && start.span.contains(place.span))
    };
    findings.retain(|finding| finding.rule != "context-replaced" || !is_said(&finding.place));
}

/// Rules about whole services, after all languages were judged.
pub fn workspace(
    units: &[crate::study::UnitView],
    sources: &[crate::link::SourceFile],
    lines: &crate::services::CitedLines,
    deployment: (&crate::deploy::Deployment, &[crate::facts::Workload], &crate::services::Environments),
    out: &mut Verdicts,
) {
    clients::dark::check(units, sources, out);
    clients::loaded::check(units, sources, lines, out);
    logs::patterns::check(units, sources, deployment.2, out);
    settings::share::check(units, sources, lines, out);
    deploy::check(&deploy::Material { deployment: deployment.0, workloads: deployment.1, units, sources }, out);
}
