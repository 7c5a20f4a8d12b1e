//! The rules: each a small pure function from a [`Study`] to findings. Their pages are under `rules/`.

mod async_work;
mod clients;
mod contexts;
mod messaging;
mod settings;
mod spans;

use crate::analysis::HopCounts;
use crate::finding::Finding;
use crate::study::Study;

/// What the rules of one language found.
#[derive(Debug, Default)]
pub struct Verdicts {
    /// The findings, unfiltered.
    pub findings: Vec<Finding>,
    /// Hop counts by unit index.
    pub hops: rustc_hash::FxHashMap<usize, HopCounts>,
}

impl Verdicts {
    /// Counts one hop of a unit.
    pub fn count(&mut self, unit: usize, verdict: Verdict) {
        let counts = self.hops.entry(unit).or_default();
        match verdict {
            Verdict::Carried => counts.carried += 1,
            Verdict::Broken => counts.broken += 1,
            Verdict::Unknown => counts.unknown += 1,
        }
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

/// Runs every rule over one language's files.
pub fn check(study: &Study<'_>) -> Verdicts {
    let mut out = Verdicts::default();
    let lives = clients::Lives::new(study);
    clients::check(&lives, &mut out);
    contexts::check(&lives, &mut out);
    messaging::check(&lives, &mut out);
    settings::check(study, &mut out);
    spans::check(study, &mut out);
    async_work::check(study, &mut out);
    out.findings.retain(|finding| !study.is_out_of_traces(finding.place.path));
    out
}

/// Rules about whole services, after all languages were judged.
pub fn workspace(
    units: &[crate::study::UnitView],
    sources: &[crate::link::SourceFile],
    lines: &crate::services::CitedLines,
    out: &mut Verdicts,
) {
    clients::dark::check(units, sources, out);
    clients::loaded::check(units, sources, lines, out);
}
