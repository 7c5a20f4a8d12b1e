//! The journey over the map, and what the code alone says of it.

use super::causes::{self, Ends, Place, causes};

use super::reasons::{self, Evidence};
use super::sentence::Lost;
use super::{Answer, Chance, Gap, GapKind, Question, Seen, Step};
use crate::facts::Standing;
use crate::map::{Edge, Map, NodeKind, Via};
use std::collections::{BTreeSet, VecDeque};

/// How many ways are walked.
const MAX_WAYS: usize = 2_000;
/// How many unknown ways are named where somebody saw a loss and no way is broken.
const MAX_UNKNOWN: usize = 5;

/// All that joins one service to another.
#[derive(Debug, Clone)]
pub(super) struct Way<'a> {
    pub(super) from: usize,
    pub(super) to: usize,
    /// Empty where the map knows none.
    pub(super) edges: Vec<&'a Edge>,
}

impl<'a> Way<'a> {
    /// The way between two nodes.
    pub(super) fn between(map: &'a Map, from: usize, to: usize) -> Self {
        Self { from, to, edges: map.leaving(from).filter(|edge| edge.to == to).collect() }
    }

    /// The edge that says how the way stands: a broken one; else one that the code shows, an unknown one first.
    pub(super) fn telling(&self) -> Option<&'a Edge> {
        let rank = |edge: &&&Edge| match (edge.standing, edge.via) {
            (Standing::Broken, _) => 0,
            (Standing::Unknown, Via::Http | Via::Rpc | Via::Message) => 1,
            (Standing::Carried, _) => 2,
            (Standing::Unknown, Via::Configured) => 3,
        };
        self.edges.iter().min_by_key(rank).copied()
    }

    pub(super) fn standing(&self) -> Option<Standing> {
        self.telling().map(|edge| edge.standing)
    }

    /// The way as a step of the answer.
    pub(super) fn step(&self, question: &Question<'_>, trace: Seen) -> Step {
        let via: BTreeSet<Via> = self.edges.iter().map(|edge| edge.via).collect();
        let unknown = || "the map knows no way between them".to_owned();
        Step {
            from: question.names.of(self.from).to_owned(),
            to: question.names.of(self.to).to_owned(),
            via: via.into_iter().collect(),
            code: self.standing(),
            because: self.telling().map_or_else(unknown, |edge| edge.because.clone()),
            trace,
        }
    }
}

/// The ways of a journey; between two that are not joined themselves, the shortest way over others.
pub(super) fn ways<'a>(map: &'a Map, nodes: &[usize]) -> Vec<Way<'a>> {
    let mut out = Vec::new();
    for pair in nodes.windows(2) {
        let [from, to] = pair else { continue };
        match path(map, *from, *to) {
            Some(path) => out.extend(path.windows(2).map(|pair| Way::between(map, pair[0], pair[1]))),
            None => out.push(Way { from: *from, to: *to, edges: Vec::new() }),
        }
    }
    out
}

/// The nodes on the shortest way, both ends included.
fn path(map: &Map, from: usize, to: usize) -> Option<Vec<usize>> {
    let mut before: Vec<Option<usize>> = vec![None; map.nodes.len()];
    let mut queue = VecDeque::from([from]);
    while let Some(at) = queue.pop_front() {
        if at == to {
            let mut out: Vec<usize> =
                std::iter::successors(Some(to), |at| before[*at].filter(|_| *at != from)).collect();
            out.reverse();
            return Some(out);
        }
        for edge in map.leaving(at) {
            if edge.to != from && before[edge.to].is_none() {
                before[edge.to] = Some(at);
                queue.push_back(edge.to);
            }
        }
    }
    None
}

/// All ways that a trace can take from some nodes, the nearest first.
fn reached<'a>(map: &'a Map, starts: &[usize]) -> Vec<Way<'a>> {
    let mut out: Vec<Way<'a>> = Vec::new();
    let mut seen: BTreeSet<usize> = starts.iter().copied().collect();
    let mut queue: VecDeque<usize> = starts.iter().copied().collect();
    while let Some(at) = queue.pop_front() {
        let ends: BTreeSet<usize> = map.leaving(at).map(|edge| edge.to).collect();
        for to in ends {
            if out.len() >= MAX_WAYS {
                return out;
            }
            out.push(Way::between(map, at, to));
            if seen.insert(to) {
                queue.push_back(to);
            }
        }
    }
    out
}

/// Where traces begin: services that nobody calls; all services where each is called by another.
fn starts(map: &Map) -> Vec<usize> {
    let called: BTreeSet<usize> = map.edges.iter().map(|edge| edge.to).collect();
    let calls: BTreeSet<usize> = map.edges.iter().map(|edge| edge.from).collect();
    let free: Vec<usize> = calls.difference(&called).copied().collect();
    if free.is_empty() { calls.into_iter().collect() } else { free }
}

/// What stands behind the ways that are looked at.
struct Look<'a> {
    ways: Vec<Way<'a>>,
    /// What somebody saw.
    saw: Option<(GapKind, String)>,
}

/// Walks without a recording.
pub(super) fn walk(question: &Question<'_>, answer: &mut Answer) {
    let look = look(question);
    answer.steps = look.ways.iter().map(|way| way.step(question, Seen::NotRecorded)).collect();
    let mut unknown: Vec<Gap> = Vec::new();
    for way in &look.ways {
        let gap = gap(question, way, look.saw.as_ref());
        match gap.kind {
            GapKind::Unknown if way.standing() == Some(Standing::Carried) => {}
            // What somebody else runs can break nothing that comes behind it here.
            GapKind::Unknown if look.saw.is_none() && !tells(question.map, way) => {}
            GapKind::Unknown => unknown.push(gap),
            _ => answer.gaps.push(gap),
        }
    }
    // What the code breaks explains what somebody saw better than what may be.
    let is_sure = |gap: &Gap| gap.causes.iter().any(|cause| cause.standing == Standing::Broken);
    answer.gaps.sort_by_key(|gap| !is_sure(gap));
    if look.saw.is_none() && answer.gaps.is_empty() {
        answer.gaps.extend(inside(question, &look.ways));
    }
    let room = if look.saw.is_some() { MAX_UNKNOWN } else { 1 };
    if look.saw.is_none() || answer.gaps.is_empty() {
        answer.gaps.extend(unknown.into_iter().take(room));
    }
    if look.ways.is_empty() {
        answer.notes.push("the map knows no way to look at".to_owned());
    }
    if let Some((_, saw)) = look.saw.filter(|_| answer.gaps.is_empty() && !answer.steps.is_empty()) {
        answer.notes.push(format!("{saw}, but the code hands the trace on there: record a trace and use --trace FILE"));
    }
}

/// Services on the way whose code loses the trace at a place that no way shows, such as a thread of theirs.
fn inside(question: &Question<'_>, ways: &[Way<'_>]) -> Vec<Gap> {
    let mut nodes: Vec<usize> = Vec::new();
    for at in ways.iter().map(|way| way.from) {
        if !nodes.contains(&at) {
            nodes.push(at);
        }
    }
    let gap = |at: usize| {
        let kind = GapKind::BrokenCode;
        let causes = causes::before_calls(question, at);
        let first = causes.first()?;
        let name = question.names.of(at).to_owned();
        let message = format!("the trace can be lost inside of {name}, at {}:{}", first.path, first.line);
        let from = Some(name.clone());
        Some(Gap { kind, from, to: name, message, evidence: Vec::new(), causes, reasons: Vec::new() })
    };
    nodes.into_iter().filter_map(gap).collect()
}

/// Whether an unknown way is one of the house's own, of which the code could tell.
fn tells(map: &Map, way: &Way<'_>) -> bool {
    let kind = |at: usize| map.nodes.get(at).map(|node| node.kind);
    way.edges.is_empty()
        || kind(way.to) == Some(NodeKind::Service)
        || kind(way.to) == Some(NodeKind::Process) && way.telling().is_some_and(|edge| edge.via != Via::Configured)
}

fn look<'a>(question: &Question<'a>) -> Look<'a> {
    let map = question.map;
    let named = &question.journey.nodes;
    let own = ways(map, named);
    let lost = question.said.map(|said| &said.lost);
    let names = question.names;
    match lost {
        Some(Lost::After(node)) => {
            let on_journey: Vec<Way<'a>> = own.into_iter().filter(|way| way.from == *node).collect();
            let seen = question.said.map(|said| said.seen.as_slice()).unwrap_or_default();
            let ends: BTreeSet<usize> =
                map.leaving(*node).map(|edge| edge.to).filter(|to| !seen.contains(to)).collect();
            let leaving = ends.into_iter().map(|to| Way::between(map, *node, to)).collect();
            let saw = format!("nothing is seen behind {}", names.of(*node));
            Look { ways: if on_journey.is_empty() { leaving } else { on_journey }, saw: Some((GapKind::Missing, saw)) }
        }
        Some(Lost::Missing(nodes)) => {
            let ways = nodes.iter().flat_map(|node| towards(question, &own, *node)).collect();
            let list: Vec<&str> = nodes.iter().map(|at| names.of(*at)).collect();
            Look { ways, saw: Some((GapKind::Missing, format!("{} is not seen", list.join(", ")))) }
        }
        Some(Lost::NewTrace(node)) => {
            let saw = format!("{} is seen to begin a trace of its own", names.of(*node));
            Look { ways: towards(question, &own, *node), saw: Some((GapKind::NewTrace, saw)) }
        }
        Some(Lost::Between(from, to)) => {
            let saw = format!("the trace is lost between {} and {}", names.of(*from), names.of(*to));
            Look { ways: ways(map, &[*from, *to]), saw: Some((GapKind::Missing, saw)) }
        }
        _ => {
            let seen = question.said.map(|said| said.seen.as_slice()).unwrap_or_default();
            let all = match (named.as_slice(), seen) {
                ([], []) => reached(map, &starts(map)),
                ([], [one]) | ([one], _) => reached(map, &[*one]),
                ([], seen) => ways(map, seen),
                _ => own,
            };
            Look { ways: all, saw: None }
        }
    }
}

/// The ways on which a trace comes to a service: of the journey, from those that were seen, or from all that call it.
fn towards<'a>(question: &Question<'a>, journey: &[Way<'a>], node: usize) -> Vec<Way<'a>> {
    let map = question.map;
    let on_journey: Vec<Way<'a>> = journey.iter().filter(|way| way.to == node).cloned().collect();
    if !on_journey.is_empty() {
        return on_journey;
    }
    let seen = question.said.map(|said| said.seen.as_slice()).unwrap_or_default();
    let from_seen = seen.iter().rev().filter(|from| **from != node).find_map(|from| path(map, *from, node));
    if let Some(path) = from_seen {
        return path.windows(2).map(|pair| Way::between(map, pair[0], pair[1])).collect();
    }
    upstream(map, node)
}

/// The ways that lead to a service, the nearest first, up to where one is broken: a trace that was lost there is missed
/// in all that comes after.
fn upstream<'a>(map: &'a Map, node: usize) -> Vec<Way<'a>> {
    let mut out: Vec<Way<'a>> = Vec::new();
    let mut seen = BTreeSet::from([node]);
    let mut level = vec![node];
    while !level.is_empty() && !out.iter().any(|way| way.standing() == Some(Standing::Broken)) {
        let mut next = Vec::new();
        for to in level {
            let callers: BTreeSet<usize> =
                map.edges.iter().filter(|edge| edge.to == to).map(|edge| edge.from).collect();
            for from in callers {
                if out.len() >= MAX_WAYS {
                    return out;
                }
                out.push(Way::between(map, from, to));
                if seen.insert(from) {
                    next.push(from);
                }
            }
        }
        level = next;
    }
    out
}

/// What the code says of one way: a gap of the kind that somebody saw where something explains it, else one that is
/// broken, else an unknown.
fn gap(question: &Question<'_>, way: &Way<'_>, saw: Option<&(GapKind, String)>) -> Gap {
    let kind = saw.map_or(GapKind::BrokenCode, |(kind, _)| *kind);
    let place = Place { ends: Ends { from: Some(way.from), through: None, to: way.to }, kind, client: None };
    let causes = causes(question, &place);
    let is_broken = way.standing() == Some(Standing::Broken);
    let reasons = match saw {
        Some(_) => reasons::of(question, &place, &Evidence::default()),
        None => Vec::new(),
    };
    let explained = reasons.iter().any(|reason| reason.chance == Chance::Likely)
        || causes.iter().any(|cause| cause.standing == Standing::Broken);
    let kind = if is_broken || saw.is_some() && explained { kind } else { GapKind::Unknown };
    let (from, to) = (question.names.of(way.from), question.names.of(way.to));
    let because = way.telling().map_or("the map knows no way between them", |edge| edge.because.as_str());
    let message = match kind {
        GapKind::Unknown => {
            format!("the code does not tell whether the trace comes from {from} to {to}, because {because}")
        }
        _ if is_broken => format!("the trace is lost from {from} to {to}, because {because}"),
        _ => format!("the trace can be lost from {from} to {to}"),
    };
    let evidence = saw.map(|(_, words)| words.clone()).into_iter().collect();
    Gap { kind, from: Some(from.to_owned()), to: to.to_owned(), message, evidence, causes, reasons }
}
