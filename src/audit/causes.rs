//! What likely breaks traces: the findings, by how much of the map lies in the dark behind each.

use super::confirm::{self, Confirm};
use super::{Evidence, Input, Outcome, journeys};
use crate::facts::{FindingFacts, Standing};
use crate::finding::Severity;
use crate::map::{Edge, NodeKind};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// In which order causes are looked at: what is dropped can not be propagated, and what is not instrumented is not lost
/// between threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Triage {
    /// Traces are dropped on purpose.
    Sampling,
    /// Nobody makes the span, or writes or reads the header.
    Instrumentation,
    /// The context does not follow the work.
    Async,
    /// Spans are made and do not arrive.
    Export,
}

/// A likely cause of broken traces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Cause {
    /// When to look at it.
    pub triage: Triage,
    /// The rule's code; empty for what only the map tells.
    pub rule: String,
    /// The rule's name.
    pub name: String,
    /// The service.
    pub service: String,
    /// Who can mend it.
    pub owner: String,
    /// What breaks.
    pub message: String,
    /// What the trace will look like.
    pub effect: String,
    /// How to mend it.
    pub help: String,
    /// Where it stands.
    pub evidence: Vec<Evidence>,
    /// The services that lie behind it.
    pub services: Vec<String>,
    /// How many ways lie behind it.
    pub ways: usize,
    /// How to see it in a running system.
    pub confirm: Vec<Confirm>,
}

/// The causes: in the order of triage, and in each what darkens most first.
pub(super) fn causes(input: &Input<'_>) -> Vec<Cause> {
    let mut out: Vec<(Severity, Cause)> = Vec::new();
    let mut told: BTreeSet<usize> = BTreeSet::new();
    let map = Behind::new(input);
    for (at, found) in input.findings() {
        let Some(triage) = triage(&found.bucket).filter(|_| found.severity != Severity::Info) else { continue };
        let ways = map.ways_of(found);
        told.extend(ways.iter().copied());
        out.push((found.severity, cause(&map, triage, at, found, &ways)));
    }
    for (at, edge) in input.map.edges.iter().enumerate() {
        if edge.standing == Standing::Broken && !told.contains(&at) {
            out.push((Severity::Error, untold(&map, at, edge)));
        }
    }
    out.sort_by(|(left_severity, left), (right_severity, right)| {
        let dark = |cause: &Cause| std::cmp::Reverse((cause.services.len() + cause.ways, cause.ways));
        let place = |cause: &Cause| cause.evidence.first().cloned();
        (left.triage, dark(left), *left_severity, place(left), &left.name).cmp(&(
            right.triage,
            dark(right),
            *right_severity,
            place(right),
            &right.name,
        ))
    });
    out.into_iter().map(|(_, cause)| cause).collect()
}

fn triage(bucket: &str) -> Option<Triage> {
    match bucket {
        "sampling" => Some(Triage::Sampling),
        "instrumentation" | "propagation" => Some(Triage::Instrumentation),
        "async" => Some(Triage::Async),
        "export" => Some(Triage::Export),
        _ => None,
    }
}

/// The map as the search for what lies behind a cause needs it.
struct Behind<'a> {
    input: &'a Input<'a>,
    /// The ways that leave each node.
    leaving: BTreeMap<usize, Vec<(usize, usize)>>,
    /// The broken ways by the places at their ends.
    places: BTreeMap<(&'a str, u32), BTreeSet<usize>>,
}

impl<'a> Behind<'a> {
    fn new(input: &'a Input<'a>) -> Self {
        let ways = journeys::ways(input.map);
        let (mut leaving, mut places) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::<_, BTreeSet<_>>::new());
        for (at, edge) in input.map.edges.iter().enumerate() {
            if ways.contains_key(&(edge.from, edge.to)) {
                leaving.entry(edge.from).or_default().push((at, edge.to));
            }
            for hop in edge.near.iter().chain(&edge.far).filter(|hop| hop.standing == Standing::Broken) {
                places.entry((hop.path.as_str(), hop.line)).or_default().insert(at);
            }
        }
        Self { input, leaving, places }
    }

    /// The broken ways at whose ends a finding stands.
    fn ways_of(&self, found: &FindingFacts) -> BTreeSet<usize> {
        let related = found.related.iter().map(|place| (place.path.as_str(), place.line));
        let places = related.chain([(found.path.as_str(), found.line)]);
        places.filter_map(|place| self.places.get(&place)).flatten().copied().collect()
    }

    /// All that lies behind some nodes, with them.
    fn reach(&self, mut todo: Vec<usize>, dark: &mut BTreeSet<usize>, behind: &mut BTreeSet<usize>) {
        let mut seen: BTreeSet<usize> = BTreeSet::new();
        while let Some(node) = todo.pop() {
            if !seen.insert(node) {
                continue;
            }
            for (at, to) in self.leaving.get(&node).into_iter().flatten() {
                behind.insert(*at);
                todo.push(*to);
            }
        }
        dark.extend(seen);
    }
}

fn cause(map: &Behind<'_>, triage: Triage, at: Option<usize>, found: &FindingFacts, ways: &BTreeSet<usize>) -> Cause {
    let input = map.input;
    let node = at.and_then(|at| input.map.nodes.get(at));
    let edges: Vec<&Edge> = ways.iter().filter_map(|at| input.map.edges.get(*at)).collect();
    let whole = crate::rulepage::find(&found.name).is_some_and(|page| page.whole_service);
    let (mut dark, mut behind) = (BTreeSet::new(), ways.clone());
    if edges.is_empty() || whole {
        dark.extend(at);
    }
    let begins = edges.iter().map(|edge| edge.to).chain(at.filter(|_| whole));
    map.reach(begins.collect(), &mut dark, &mut behind);
    let related = found.related.iter().map(|place| (place.path.clone(), place.line, place.message.clone()));
    let places = [(found.path.clone(), found.line, found.message.clone())].into_iter().chain(related);
    let mut confirm = confirm::commands(input, triage, at, &edges);
    if !found.confirm.is_empty() {
        confirm.insert(0, Confirm::told(found.confirm.clone()));
    }
    Cause {
        triage,
        rule: found.rule.clone(),
        name: found.name.clone(),
        service: node.map_or_else(|| found.service.clone(), |node| node.name.clone()),
        owner: input.owner(&found.path, node),
        message: found.message.clone(),
        effect: found.effect.clone(),
        help: found.help.clone(),
        evidence: places.map(|(path, line, what)| Evidence { path, line, what }).collect(),
        services: names(input, &dark),
        ways: behind.len(),
        confirm,
    }
}

/// A way that breaks and of which no finding tells, as one was silenced or the rule is switched off.
fn untold(map: &Behind<'_>, at: usize, edge: &Edge) -> Cause {
    let input = map.input;
    let name = |at: usize| input.map.nodes.get(at).map(|node| node.name.clone()).unwrap_or_default();
    let hop = edge.near.iter().chain(&edge.far).find(|hop| hop.standing == Standing::Broken);
    let (mut dark, mut behind) = (BTreeSet::new(), BTreeSet::from([at]));
    map.reach(vec![edge.to], &mut dark, &mut behind);
    let evidence = hop.map(|hop| Evidence { path: hop.path.clone(), line: hop.line, what: hop.because.clone() });
    Cause {
        triage: Triage::Instrumentation,
        rule: String::new(),
        name: hop.map(|hop| hop.rule.clone()).unwrap_or_default(),
        service: name(edge.from),
        owner: hop.map(|hop| input.owner(&hop.path, input.map.nodes.get(edge.from))).unwrap_or_default(),
        message: format!("the way from {} to {} breaks: {}", name(edge.from), name(edge.to), edge.because),
        effect: String::new(),
        help: String::new(),
        evidence: evidence.into_iter().collect(),
        services: names(input, &dark),
        ways: behind.len(),
        confirm: confirm::commands(input, Triage::Instrumentation, Some(edge.from), &[edge]),
    }
}

/// The names of those that can have spans of their own.
fn names(input: &Input<'_>, nodes: &BTreeSet<usize>) -> Vec<String> {
    let nodes = nodes.iter().filter_map(|at| input.map.nodes.get(*at));
    nodes
        .filter(|node| matches!(node.kind, NodeKind::Service | NodeKind::Process))
        .map(|node| node.name.clone())
        .collect()
}

impl Triage {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Sampling => "sampling",
            Self::Instrumentation => "instrumentation and propagation",
            Self::Async => "async boundaries",
            Self::Export => "export",
        }
    }
}

impl Outcome {
    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passes => "passes",
            Self::Unknown => "unknown",
            Self::Breaks => "BREAKS",
        }
    }
}
