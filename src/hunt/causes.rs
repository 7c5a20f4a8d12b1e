//! Which lines explain a gap: broken hops on the way first, then what is wrong with the services at its ends.

use super::fitting::{RANK_NEAR, fit, rank};
use super::walk::Way;
use super::{Cause, Fit, GapKind, Question};
use super::{formats, idle};
use crate::facts::{Crossing, FindingFacts, HopFacts, ServiceFacts, Standing};
use crate::finding::Severity;
use crate::map::{Edge, NodeKind};
use std::collections::BTreeSet;

/// How many causes of one gap are named.
const MAX_CAUSES: usize = 10;
/// How many hops of one cause are named.
const MAX_HOPS: usize = 5;

/// Between whom a gap is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    /// The node before it, where one is known; the same as `to` where the trace is lost inside of one.
    pub(super) from: Option<usize>,
    /// What stands between them and makes no spans, where that is known; where the trace is lost inside of a service,
    /// whom the call meets that begins another one.
    pub(super) through: Option<usize>,
    /// The node behind it.
    pub(super) to: usize,
}

impl Ends {
    /// A gap of which only the far end is known.
    pub(super) fn only(to: usize) -> Self {
        Self { from: None, through: None, to }
    }
}

/// Where a gap is, and what the recording says of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Between whom it is.
    pub(super) ends: Ends,
    /// What kind it is.
    pub(super) kind: GapKind,
    /// Whether the near end recorded a span of its call; `None` where that is not known.
    pub(super) client: Option<bool>,
}

/// At which end of the way something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// At the one before the gap.
    Near,
    /// At the one behind it.
    Far,
    /// Inside of one, which is both.
    Inside,
}

/// The lines that can explain a gap, the best first.
pub(super) fn causes(question: &Question<'_>, place: &Place) -> Vec<Cause> {
    let mut finder = Finder { question, place, out: Vec::new(), used: BTreeSet::new() };
    let Ends { from, through, to } = place.ends;
    if let Some(from) = from.filter(|from| *from != to) {
        let stops: Vec<usize> = [Some(from), through, Some(to)].into_iter().flatten().collect();
        let ways = stops.windows(2).map(|pair| Way::between(question.map, pair[0], pair[1]));
        let direct = through.map(|_| Way::between(question.map, from, to));
        let edges: Vec<&Edge> = ways.chain(direct).flat_map(|way| way.edges).collect();
        for edge in &edges {
            finder.hops(edge, Standing::Broken);
        }
        finder.formats(from);
        finder.findings(from, End::Near);
        finder.findings(to, End::Far);
        finder.idle(to);
        // Who sent a span of the call is switched on.
        if place.client != Some(true) {
            finder.idle(from);
        }
        finder.between();
        for edge in &edges {
            finder.hops(edge, Standing::Unknown);
        }
        // Nothing explains it so far: the call may run where the trace is not.
        if place.client == Some(false) && finder.out.iter().all(|((rank, _), _)| *rank >= RANK_NEAR) {
            finder.handed_on(from);
        }
    } else {
        let end = if from == Some(to) { End::Inside } else { End::Far };
        finder.findings(to, end);
        if end == End::Far {
            finder.idle(to);
        }
        // The calls that begin the new trace, where the recording tells whom they meet.
        for edge in through.into_iter().flat_map(|called| Way::between(question.map, to, called).edges) {
            finder.leaving(edge);
        }
        if end == End::Inside && !finder.out.iter().any(|(_, cause)| cause.standing == Standing::Broken) {
            finder.handed_on(to);
        }
    }
    finder.finish()
}

/// The lines at which a service can lose the trace before it calls anybody.
pub(super) fn before_calls(question: &Question<'_>, node: usize) -> Vec<Cause> {
    let place = Place { ends: Ends::only(node), kind: GapKind::BrokenCode, client: None };
    let mut finder = Finder { question, place: &place, out: Vec::new(), used: BTreeSet::new() };
    finder.findings(node, End::Near);
    finder.finish()
}

struct Finder<'q, 'a> {
    question: &'q Question<'a>,
    place: &'q Place,
    /// Causes, each with its rank and what orders those of one rank.
    out: Vec<((u32, u32), Cause)>,
    /// Findings and hops that are causes already.
    used: BTreeSet<(String, u32, String)>,
}

impl Finder<'_, '_> {
    /// What was found, the best first.
    fn finish(self) -> Vec<Cause> {
        let mut out = self.out;
        out.sort_by(|(left, one), (right, other)| (left, &one.path, one.line).cmp(&(right, &other.path, other.line)));
        out.truncate(MAX_CAUSES);
        out.into_iter().map(|(_, cause)| cause).collect()
    }

    fn push(&mut self, order: u32, cause: Cause) {
        self.out.push(((rank(cause.fit, false), order), cause));
    }

    /// The calls of a way that do not surely carry the trace.
    fn leaving(&mut self, edge: &Edge) {
        for hop in edge.near.iter().filter(|hop| hop.standing != Standing::Carried) {
            self.hop(End::Near, edge.from, hop);
        }
    }

    /// Where a service hands work on: the code has it that the trace goes along, and what was recorded has it that it
    /// does not everywhere.
    fn handed_on(&mut self, node: usize) {
        let facts = services_of(self.question, node);
        for hop in facts.flat_map(|found| &found.crossings).filter(|hop| hop.kind == Crossing::Spawn) {
            let counts = match hop.standing {
                Standing::Carried => "counts this as carried",
                _ => "does not tell whether the trace goes along",
            };
            let cause = Cause {
                fit: Fit::Unknown,
                path: hop.path.clone(),
                line: hop.line,
                standing: hop.standing,
                service: self.question.names.of(node).to_owned(),
                message: format!("work is handed on here: the code {counts}, because {}", hop.because),
                why: "the recording shows that the trace is lost inside of the service".to_owned(),
                hops: vec![format!("{}:{} in {}", hop.path, hop.line, hop.function)],
                finding: None,
            };
            self.push(0, cause);
        }
    }

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
        // What the code does not tell of a client is decided where it is made.
        let made = hop.made.as_ref().filter(|_| hop.standing == Standing::Unknown && finding.is_none());
        let (path, line) = match (finding, made) {
            (Some(found), _) => (&found.path, found.line),
            (None, Some(made)) => (&made.path, made.line),
            (None, None) => (&hop.path, hop.line),
        };
        let shown = format!("{}:{} in {}", hop.path, hop.line, hop.function);
        let key = (path.clone(), line, hop.rule.clone());
        if !self.used.insert(key) {
            let same = |cause: &&mut ((u32, u32), Cause)| (&cause.1.path, cause.1.line) == (path, line);
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
        let rank = rank(fit, shows && self.place.client.is_some());
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
        self.out.push(((rank, order), cause));
    }

    /// That one end writes what the other does not read.
    fn formats(&mut self, from: usize) {
        if matches!(self.place.kind, GapKind::LostParent | GapKind::Missing) && self.place.client == Some(false) {
            return;
        }
        let Some(found) = formats::differ(self.question, from, self.place.ends.to) else { return };
        let cause = Cause {
            fit: if found.is_told { Fit::Exact } else { Fit::OnTheWay },
            path: found.path,
            line: found.line,
            standing: Standing::Broken,
            service: self.question.names.of(found.node).to_owned(),
            message: found.message,
            why: "what one end writes, the other end does not read".to_owned(),
            hops: Vec::new(),
            finding: None,
        };
        self.push(0, cause);
    }

    /// What is wrong with what stands between services, and is no service: proxies, gateways.
    fn between(&mut self) {
        // A call of which no span was recorded sent no header that something could take away.
        if self.place.client == Some(false) || self.place.kind == GapKind::LostParent {
            return;
        }
        let through = self.place.ends.through.map(|node| self.question.names.of(node).to_owned());
        for (facts, finding) in
            self.question.facts.iter().flat_map(|facts| facts.findings.iter().map(move |one| (facts, one)))
        {
            let is_own = facts.services.iter().any(|one| one.service.name == finding.service);
            let key = (finding.path.clone(), finding.line, finding.name.clone());
            if is_own || finding.bucket != "propagation" || !self.used.insert(key) {
                continue;
            }
            let is_there = through
                .as_deref()
                .is_some_and(|name| finding.service == name || finding.path.split('/').any(|part| part == name));
            let (fit, why) = match is_there {
                true => (Fit::OnTheWay, "it stands between them".to_owned()),
                false => (Fit::Near, "it may stand between them".to_owned()),
            };
            self.push(1, of_finding(finding, finding.service.clone(), fit, why));
        }
    }

    /// That a service has what traces it, and is started without what switches it on.
    fn idle(&mut self, node: usize) {
        let is_lost = matches!(self.place.kind, GapKind::Missing | GapKind::NewTrace);
        let found = services_of(self.question, node).find_map(|facts| idle::cause(facts, self.question.names.of(node)));
        // A finding about it says more.
        let is_told = self.findings_of(node).any(|finding| idle::TOLD_BY.contains(&finding.name.as_str()));
        if let Some(cause) = found.filter(|_| is_lost && !is_told) {
            self.push(3, cause);
        }
    }

    /// The finding about a hop: of its rule, at its place or with it among the related places.
    fn finding_of(&self, node: usize, hop: &HopFacts) -> Option<&FindingFacts> {
        let at = |path: &str, line: u32| path == hop.path && line == hop.line;
        let lost = |found: &&FindingFacts| {
            hop.lost.as_ref().is_some_and(|lost| (&lost.path, lost.line) == (&found.path, found.line))
        };
        let about = |found: &&FindingFacts| {
            lost(found) || at(&found.path, found.line) || found.related.iter().any(|place| at(&place.path, place.line))
        };
        let own: Vec<&FindingFacts> = self.findings_of(node).filter(|found| found.name == hop.rule).collect();
        // Where a rule found one thing only, its hops are about that: a client that is made here and wrapped there.
        let only = match own.as_slice() {
            [only] if only.path == hop.path && hop.standing == Standing::Broken => Some(*only),
            _ => None,
        };
        own.into_iter().find(about).or(only)
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
            let hops = self.hops_of(node, &finding);
            let name = self.question.names.of(node);
            let Some((fit, why)) = fit(self.place, end, &finding, &hops, name) else { continue };
            self.used.insert(key);
            let order = match finding.severity {
                Severity::Error => 2,
                Severity::Warning => 3,
                Severity::Info => 4,
            };
            self.push(order, of_finding(&finding, self.question.names.of(node).to_owned(), fit, why));
        }
    }

    /// The hops of a service that a finding is about.
    fn hops_of(&self, node: usize, finding: &FindingFacts) -> Vec<&HopFacts> {
        let services = services_of(self.question, node);
        let about = |hop: &&HopFacts| {
            let at = |path: &str, line: u32| path == hop.path && line == hop.line;
            let lost = hop.lost.as_ref().is_some_and(|lost| (&lost.path, lost.line) == (&finding.path, finding.line));
            hop.rule == finding.name
                && (lost
                    || at(&finding.path, finding.line)
                    || finding.related.iter().any(|place| at(&place.path, place.line)))
        };
        services.flat_map(|found| &found.crossings).filter(about).collect()
    }
}

/// The facts of a node.
pub(super) fn services_of<'q>(question: &'q Question<'_>, node: usize) -> impl Iterator<Item = &'q ServiceFacts> {
    let node = question.map.nodes.get(node).filter(|node| node.kind == NodeKind::Service);
    node.into_iter().flat_map(move |node| {
        let facts = question.facts.iter().filter(|facts| facts.repository == node.repository);
        facts.flat_map(|facts| &facts.services).filter(|found| found.service.root == node.root)
    })
}

/// Whether the code of a node is called from outside.
pub(super) fn is_entered(question: &Question<'_>, node: usize) -> bool {
    services_of(question, node).any(|facts| facts.entered)
}

/// A finding as a cause.
fn of_finding(finding: &FindingFacts, service: String, fit: Fit, why: String) -> Cause {
    Cause {
        fit,
        path: finding.path.clone(),
        line: finding.line,
        standing: Standing::Broken,
        service,
        message: finding.message.clone(),
        why,
        hops: Vec::new(),
        finding: Some(finding.clone()),
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
