//! Which lines explain a gap: broken hops on the way first, then what is wrong with the services at its ends.

use super::walk::Way;
use super::{Cause, Fit, GapKind, Question};
use crate::facts::{Crossing, FindingFacts, HopFacts, Standing};
use crate::finding::Severity;
use crate::map::{Edge, NodeKind};
use std::collections::BTreeSet;

/// How many causes of one gap are named.
const MAX_CAUSES: usize = 10;
/// How many hops of one cause are named.
const MAX_HOPS: usize = 5;

/// Where a gap is, and what the recording says of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The node before it, where one is known; the same as `to` where the trace is lost inside of one.
    pub(super) from: Option<usize>,
    /// The node behind it.
    pub(super) to: usize,
    /// What kind it is.
    pub(super) kind: GapKind,
    /// Whether the near end recorded a span of its call; `None` where that is not known.
    pub(super) client: Option<bool>,
}

/// Rules of the bucket `span` whose findings keep a span from arriving.
const LOSES_SPAN: &[&str] = &["span-not-ended", "span-ended-early"];
/// Rules of the bucket `span` whose findings leave the wrong span current. What others of it find, such as a deprecated
/// attribute, changes no trace.
const LEAVES_WRONG: &[&str] = &["scope-not-closed", "span-in-loop"];

/// At which end of the way something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Near,
    Far,
    Inside,
}

/// The lines that can explain a gap, the best first.
pub(super) fn causes(question: &Question<'_>, place: &Place) -> Vec<Cause> {
    let mut finder = Finder { question, place, out: Vec::new(), used: BTreeSet::new() };
    if let Some(from) = place.from.filter(|from| *from != place.to) {
        let way = Way::between(question.map, from, place.to);
        for edge in &way.edges {
            finder.hops(edge, Standing::Broken);
        }
        finder.findings(from, End::Near);
        finder.findings(place.to, End::Far);
        for edge in &way.edges {
            finder.hops(edge, Standing::Unknown);
        }
    } else {
        let end = if place.from == Some(place.to) { End::Inside } else { End::Far };
        finder.findings(place.to, end);
    }
    let mut out = finder.out;
    out.sort_by(|(left, one), (right, other)| {
        (one.fit, left, &one.path, one.line).cmp(&(other.fit, right, &other.path, other.line))
    });
    out.truncate(MAX_CAUSES);
    out.into_iter().map(|(_, cause)| cause).collect()
}

struct Finder<'q, 'a> {
    question: &'q Question<'a>,
    place: &'q Place,
    /// Causes, each with what orders those that fit equally well.
    out: Vec<(u32, Cause)>,
    /// Findings and hops that are causes already.
    used: BTreeSet<(String, u32, String)>,
}

impl Finder<'_, '_> {
    /// The hops of a way that stand so.
    fn hops(&mut self, edge: &Edge, standing: Standing) {
        let near = edge.near.iter().map(|hop| (End::Near, edge.from, hop));
        let far = edge.far.iter().map(|hop| (End::Far, edge.to, hop));
        for (end, node, hop) in near.chain(far).filter(|(_, _, hop)| hop.standing == standing) {
            self.hop(end, node, hop);
        }
    }

    fn hop(&mut self, end: End, node: usize, hop: &HopFacts) {
        let finding = self.finding_of(node, hop).cloned();
        let finding = finding.as_ref();
        let (path, line) = finding.map_or((&hop.path, hop.line), |found| (&found.path, found.line));
        let shown = format!("{}:{} in {}", hop.path, hop.line, hop.function);
        let key = (path.clone(), line, hop.rule.clone());
        if !self.used.insert(key) {
            let same = |cause: &&mut (u32, Cause)| (&cause.1.path, cause.1.line) == (path, line);
            if let Some((_, cause)) = self.out.iter_mut().find(same)
                && cause.hops.len() < MAX_HOPS
                && !cause.hops.contains(&shown)
            {
                cause.hops.push(shown);
            }
            return;
        }
        // A span of the call means that its client is instrumented: then what takes the call is more likely.
        let shows = matches!((self.place.client, end), (Some(true), End::Far) | (Some(false), End::Near) | (None, _));
        let fit = match (hop.standing, shows) {
            (Standing::Broken, true) => Fit::Exact,
            (Standing::Broken, false) => Fit::OnTheWay,
            _ => Fit::Unknown,
        };
        let why = match (end, self.place.client) {
            (End::Near, Some(false)) => "it makes the call, and no span of the call was recorded",
            (End::Near, _) => "it makes the call",
            (_, Some(true)) => "it takes the call, and a span of the call was recorded at the caller",
            (_, _) => "it takes the call",
        };
        let message = match finding {
            Some(found) => found.message.clone(),
            None => format!("the trace does not cross here, because {}", hop.because),
        };
        let message = match hop.standing {
            Standing::Broken => message,
            _ => format!("the code does not tell whether the trace crosses here, because {}", hop.because),
        };
        let order = if end == End::Near { 0 } else { 1 };
        let cause = Cause {
            fit,
            path: path.clone(),
            line,
            standing: hop.standing,
            service: self.question.names.of(node).to_owned(),
            message,
            why: why.to_owned(),
            hops: vec![shown],
            finding: finding.filter(|_| hop.standing == Standing::Broken).cloned(),
        };
        self.out.push((order, cause));
    }

    /// The finding about a hop: of its rule, at its place or with it among the related places.
    fn finding_of(&self, node: usize, hop: &HopFacts) -> Option<&FindingFacts> {
        let at = |path: &str, line: u32| path == hop.path && line == hop.line;
        let about = |found: &&FindingFacts| {
            found.name == hop.rule
                && (at(&found.path, found.line) || found.related.iter().any(|place| at(&place.path, place.line)))
        };
        self.findings_of(node).find(about)
    }

    /// All findings of a service.
    fn findings_of(&self, node: usize) -> impl Iterator<Item = &FindingFacts> {
        findings_of(self.question, node)
    }

    /// What is wrong with a service at one end, apart from the hops of the way.
    fn findings(&mut self, node: usize, end: End) {
        let found: Vec<FindingFacts> = self.findings_of(node).cloned().collect();
        for finding in found {
            let key = (finding.path.clone(), finding.line, finding.name.clone());
            if self.used.contains(&key) {
                continue;
            }
            let Some((fit, why)) = self.fit(node, end, &finding) else { continue };
            self.used.insert(key);
            let order = match finding.severity {
                Severity::Error => 2,
                Severity::Warning => 3,
                Severity::Info => 4,
            };
            let cause = Cause {
                fit,
                path: finding.path.clone(),
                line: finding.line,
                standing: Standing::Broken,
                service: self.question.names.of(node).to_owned(),
                message: finding.message.clone(),
                why,
                hops: Vec::new(),
                finding: Some(finding),
            };
            self.out.push((order, cause));
        }
    }

    /// How well a finding of a service fits, and why; `None` where it cannot make such a gap.
    fn fit(&self, node: usize, end: End, finding: &FindingFacts) -> Option<(Fit, String)> {
        let name = self.question.names.of(node);
        // What loses spans makes no new trace, and what cuts a trace does not lose the parent's span.
        let loses = matches!(finding.bucket.as_str(), "sampling" | "export");
        let cuts = matches!(finding.bucket.as_str(), "instrumentation" | "propagation" | "async");
        let fits = match self.place.kind {
            GapKind::LostParent => loses || LOSES_SPAN.contains(&finding.name.as_str()),
            GapKind::Missing => loses || cuts,
            GapKind::NewTrace | GapKind::WrongParent => cuts || LEAVES_WRONG.contains(&finding.name.as_str()),
            GapKind::BrokenCode | GapKind::Unknown => cuts,
        };
        if !fits {
            return None;
        }
        let hops = self.hops_of(node, finding);
        let crossing = |kinds: &[Crossing]| hops.iter().any(|hop| kinds.contains(&hop.kind));
        let inside = crossing(&[Crossing::Spawn, Crossing::Span]);
        let incoming = crossing(&[Crossing::Serve, Crossing::Consume]);
        let outgoing: Vec<&&HopFacts> = hops
            .iter()
            .filter(|hop| matches!(hop.kind, Crossing::HttpCall | Crossing::RpcCall | Crossing::Produce))
            .collect();
        if hops.is_empty() {
            // It concerns the process as a whole, or a place that is no hop.
            let whole = loses || matches!(finding.bucket.as_str(), "instrumentation" | "propagation");
            let fit = if whole { Fit::Service } else { Fit::Near };
            return Some((fit, format!("it is in {name}")));
        }
        match end {
            End::Near if inside => Some((Fit::Near, format!("{name} can lose the trace here before it calls"))),
            End::Near if !outgoing.is_empty() && outgoing.iter().all(|hop| hop.peers.is_empty()) => {
                Some((Fit::Near, format!("{name} calls somebody here, and the code does not tell whom")))
            }
            End::Far if incoming => Some((Fit::Service, format!("{name} takes what comes in here"))),
            End::Inside if inside => Some((Fit::Exact, format!("{name} hands work on here"))),
            End::Inside if incoming || !outgoing.is_empty() => Some((Fit::Service, format!("it is in {name}"))),
            _ => None,
        }
    }

    /// The hops of a service that a finding is about.
    fn hops_of(&self, node: usize, finding: &FindingFacts) -> Vec<&HopFacts> {
        let Some(node) = self.question.map.nodes.get(node) else { return Vec::new() };
        let facts = self.question.facts.iter().filter(|facts| facts.repository == node.repository);
        let services = facts.flat_map(|facts| &facts.services).filter(|found| found.service.root == node.root);
        let about = |hop: &&HopFacts| {
            let at = |path: &str, line: u32| path == hop.path && line == hop.line;
            hop.rule == finding.name
                && (at(&finding.path, finding.line) || finding.related.iter().any(|place| at(&place.path, place.line)))
        };
        services.flat_map(|found| &found.crossings).filter(about).collect()
    }
}

/// All findings of a service.
pub(super) fn findings_of<'q>(question: &'q Question<'_>, node: usize) -> impl Iterator<Item = &'q FindingFacts> {
    let found = question.map.nodes.get(node).filter(|node| node.kind == NodeKind::Service);
    let name = question.names.own(node);
    // Where several services have one name, the folder tells them apart.
    let shared = question.names.share(node);
    let below = move |path: &str, root: &str| root == "." || path.contains(&format!("{root}/"));
    found.into_iter().flat_map(move |node| {
        let facts = question.facts.iter().filter(|facts| facts.repository == node.repository);
        facts
            .flat_map(|facts| &facts.findings)
            .filter(move |finding| finding.service == name && (!shared || below(&finding.path, &node.root)))
    })
}

#[cfg(test)]
mod tests {
    use super::{LEAVES_WRONG, LOSES_SPAN};

    #[test]
    fn rules_that_are_named_are_there() {
        for name in LOSES_SPAN.iter().chain(LEAVES_WRONG) {
            assert!(crate::rulepage::find(name).is_some_and(|page| page.bucket == "span"), "{name}");
        }
    }
}
