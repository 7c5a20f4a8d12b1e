//! The spans of a recording by who made them: nodes of the map, and services that the map does not know.

use super::names::Names;
use super::{Recorded, RecordedService};
use crate::map::Address;
use crate::trace::{Id, Parent, Recording, Span, Tree};
use std::collections::{BTreeMap, HashMap};

/// How far a way through services is followed.
const MAX_STEPS: usize = 100;
/// How many entries of a service are looked at.
pub(super) const MAX_TOPS: usize = 100_000;

/// Clocks of two machines may differ by this much, in nanoseconds.
const SKEW: u64 = 1_000_000_000;
/// By so much they differ where they are kept, in nanoseconds: what only times tell goes by this.
const SMALL_SKEW: u64 = 50_000_000;

/// A recording, with who made its spans. A party is a node of the map, or a number behind the last node.
pub(super) struct Parties<'a> {
    pub(super) recording: &'a Recording,
    pub(super) tree: Tree,
    names: &'a Names,
    /// The party of each service of the recording.
    by_service: Vec<usize>,
    /// The nearest span above each that somebody else made.
    uppers: Vec<Option<usize>>,
    /// The spans of each party that hang under nothing of its own, in order of time.
    tops: BTreeMap<usize, Vec<usize>>,
    /// The spans of each party that stand for something that goes out.
    exits: BTreeMap<usize, Vec<usize>>,
    /// Spans under which, at whatever depth, somebody else made spans.
    answered: Vec<bool>,
    /// How many spans each service of the recording has.
    counts: Vec<usize>,
    /// Names of the other end of a call, with the nodes that they mean.
    peers: HashMap<&'a str, Option<usize>>,
    nodes: usize,
}

impl<'a> Parties<'a> {
    pub(super) fn new(recording: &'a Recording, names: &'a Names) -> Self {
        let nodes = names.all().count();
        let party = |(at, name): (usize, &String)| names.of_span(name).unwrap_or(nodes + at);
        let tree = Tree::new(recording);
        let mut out = Self {
            recording,
            names,
            by_service: recording.services.iter().enumerate().map(party).collect(),
            uppers: vec![None; recording.spans.len()],
            tops: BTreeMap::new(),
            exits: BTreeMap::new(),
            answered: vec![false; recording.spans.len()],
            counts: vec![0; recording.services.len()],
            peers: HashMap::new(),
            nodes,
            tree,
        };
        out.uppers = out.find_uppers();
        out.answered = out.find_answered();
        let mut order: Vec<usize> = out.tree.traces.values().flatten().copied().collect();
        order.sort_by_key(|at| (recording.spans[*at].start, *at));
        for at in order {
            let (span, party) = (&recording.spans[at], out.party(at));
            out.counts[span.service] += 1;
            let is_top = match out.tree.parents[at] {
                Parent::Span(parent) => out.party(parent) != party,
                Parent::None | Parent::Lost(_) => true,
            };
            if is_top {
                out.tops.entry(party).or_default().push(at);
            }
            if span.kind.is_exit() {
                out.exits.entry(party).or_default().push(at);
                for peer in &span.peers {
                    out.peers.entry(peer).or_insert_with(|| peer_of(peer, names));
                }
            }
        }
        out
    }

    /// The nearest span above each that another party made; every span is looked at a bounded number of times.
    fn find_uppers(&self) -> Vec<Option<usize>> {
        const NEW: u8 = 0;
        const OPEN: u8 = 1;
        const DONE: u8 = 2;
        let mut state = vec![NEW; self.recording.spans.len()];
        let mut uppers: Vec<Option<usize>> = vec![None; state.len()];
        let mut open = Vec::new();
        for start in 0..state.len() {
            let mut at = start;
            let upper = loop {
                if state[at] == DONE {
                    break uppers[at];
                }
                // A loop has nothing above it.
                if state[at] == OPEN {
                    break None;
                }
                state[at] = OPEN;
                open.push(at);
                match self.tree.parents[at] {
                    Parent::Span(parent) if self.party(parent) == self.party(at) => at = parent,
                    Parent::Span(parent) => break Some(parent),
                    Parent::None | Parent::Lost(_) => break None,
                }
            };
            while let Some(at) = open.pop() {
                uppers[at] = upper;
                state[at] = DONE;
            }
        }
        uppers
    }

    /// The spans under which somebody else made spans; every span is marked once.
    fn find_answered(&self) -> Vec<bool> {
        let mut answered = vec![false; self.uppers.len()];
        for upper in self.uppers.iter().flatten() {
            let mut at = *upper;
            while !std::mem::replace(&mut answered[at], true) {
                let Parent::Span(parent) = self.tree.parents[at] else { break };
                at = parent;
            }
        }
        answered
    }

    /// Who made a span.
    pub(super) fn party(&self, at: usize) -> usize {
        self.by_service[self.recording.spans[at].service]
    }

    /// Whether a party is a node of the map.
    pub(super) fn is_node(&self, party: usize) -> bool {
        party < self.nodes
    }

    /// Whether a party made spans.
    pub(super) fn is_there(&self, party: usize) -> bool {
        self.tops.contains_key(&party)
    }

    /// All who made spans.
    pub(super) fn all(&self) -> impl Iterator<Item = usize> {
        self.tops.keys().copied()
    }

    /// The spans of a party that hang under nothing of its own.
    pub(super) fn tops(&self, party: usize) -> &[usize] {
        self.tops.get(&party).map(Vec::as_slice).unwrap_or_default()
    }

    /// The spans of a party that stand for something that goes out.
    pub(super) fn exits(&self, party: usize) -> &[usize] {
        self.exits.get(&party).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn span(&self, at: usize) -> &Span {
        &self.recording.spans[at]
    }

    pub(super) fn name(&self, party: usize) -> &str {
        match party.checked_sub(self.nodes) {
            None => self.names.of(party),
            Some(service) => match self.recording.services.get(service).map(String::as_str) {
                Some("") | None => "a service without a name",
                Some(name) => name,
            },
        }
    }

    /// The nearest span above one that somebody else made.
    pub(super) fn upper(&self, at: usize) -> Option<usize> {
        self.uppers.get(at).copied().flatten()
    }

    /// Who is above a span, the nearest first.
    pub(super) fn above(&self, at: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(self.upper(at), |at| self.upper(*at)).take(MAX_STEPS).map(|at| self.party(at))
    }

    /// The spans of a party that stand for something that went out, with nothing recorded of who took it.
    pub(super) fn unanswered(&self, party: usize) -> impl Iterator<Item = usize> {
        self.exits(party).iter().copied().filter(|exit| !self.answered[*exit])
    }

    /// Whether somebody else made spans under one.
    pub(super) fn is_answered(&self, at: usize) -> bool {
        self.answered[at]
    }

    /// The spans of a party that begin traces.
    pub(super) fn roots(&self, party: usize) -> impl Iterator<Item = usize> {
        self.tops(party).iter().copied().filter(|top| self.tree.parents[*top] == Parent::None)
    }

    /// Whether one span can have been made while another one waited for it: it begins no sooner and ends no later, but
    /// for the clocks.
    pub(super) fn is_within(&self, inner: usize, outer: usize) -> bool {
        let (inner, outer) = (self.span(inner), self.span(outer));
        let starts = inner.start > 0 && outer.start > 0 && inner.start.saturating_add(SMALL_SKEW) >= outer.start;
        starts && inner.end <= outer.end.saturating_add(SMALL_SKEW)
    }

    /// Whether one span can come from what another one sent: it begins no sooner, but for the clocks, and no later than
    /// the other one ends, where that one waits.
    pub(super) fn is_after(&self, later: usize, earlier: usize, waits: bool) -> bool {
        let (later, earlier) = (self.span(later), self.span(earlier));
        let starts = later.start > 0 && earlier.start > 0 && later.start.saturating_add(SKEW) >= earlier.start;
        starts && (!waits || later.start <= earlier.end.saturating_add(SKEW))
    }

    /// Whether the spans of one party are above those of another anywhere.
    pub(super) fn is_above(&self, party: usize, below: usize) -> bool {
        self.tops(below).iter().take(MAX_TOPS).any(|top| self.above(*top).any(|above| above == party))
    }

    /// The nodes at the other end of a call, as far as its span tells.
    pub(super) fn called(&self, at: usize) -> impl Iterator<Item = usize> {
        let own = self.party(at);
        let found = self.span(at).peers.iter().filter_map(|peer| self.peers.get(&**peer).copied().flatten());
        found.filter(move |node| *node != own)
    }

    /// Who made the first span below one.
    pub(super) fn taker(&self, at: usize) -> Option<usize> {
        let members = self.tree.traces.get(&self.span(at).trace)?;
        members.iter().take(MAX_TOPS).find(|span| self.upper(**span) == Some(at)).map(|span| self.party(*span))
    }

    /// Whether a party has spans in a trace.
    pub(super) fn is_in(&self, party: usize, trace: Id) -> bool {
        let in_trace = self.tree.traces.get(&trace).map(Vec::as_slice).unwrap_or_default();
        // The shorter of the two lists.
        match in_trace.len() <= self.tops(party).len() {
            true => in_trace.iter().any(|at| self.party(*at) == party),
            false => self.tops(party).iter().any(|at| self.span(*at).trace == trace),
        }
    }

    /// Of a span that a party could have caused by its time: the span of the party that was open, in another trace. Of
    /// several, one that began before it; of those the last. Where times are not told, none.
    pub(super) fn open_at(&self, party: usize, at: usize, waits: bool) -> Option<usize> {
        self.open_where(party, at, waits, &|_| true)
    }

    /// The same, of the spans that are wanted.
    pub(super) fn open_where(
        &self,
        party: usize,
        at: usize,
        waits: bool,
        is_wanted: &dyn Fn(usize) -> bool,
    ) -> Option<usize> {
        let (start, trace) = (self.span(at).start, self.span(at).trace);
        let tops = self.tops(party);
        let until = |time: u64| tops.partition_point(|top| self.span(*top).start <= time);
        let could = |top: &usize| self.span(*top).trace != trace && self.is_after(at, *top, waits) && is_wanted(*top);
        let (before, about) = (until(start), until(start.saturating_add(SKEW)));
        let sooner = tops[..before].iter().rev().copied().take(MAX_STEPS).find(could);
        sooner.or_else(|| tops[before..about].iter().copied().take(MAX_STEPS).find(could))
    }

    /// What was read, for the answer.
    pub(super) fn recorded(&self) -> Recorded {
        let services = self.recording.services.iter().enumerate().filter(|(at, _)| self.counts[*at] > 0);
        let mut services: Vec<RecordedService> = services
            .map(|(at, name)| RecordedService {
                name: name.clone(),
                service: Some(self.by_service[at])
                    .filter(|party| self.is_node(*party))
                    .map(|at| self.names.of(at).to_owned()),
                spans: self.counts[at],
            })
            .collect();
        services.sort_by(|one, other| one.name.cmp(&other.name));
        let mut formats = self.recording.formats.clone();
        formats.sort();
        Recorded { formats, traces: self.tree.traces.len(), spans: self.counts.iter().sum(), services }
    }
}

/// The node that a host, an address or a name means.
fn peer_of(peer: &str, names: &Names) -> Option<usize> {
    let address = Address::parse(peer);
    let host = address.as_ref().map(|address| (address.short(), address.host.as_str()));
    let by_host = host.and_then(|(short, host)| names.exactly(short).or_else(|| names.exactly(host)));
    // Remote services have their package before their name.
    let last = || peer.rsplit('.').next().and_then(|last| names.exactly(last));
    by_host.or_else(|| names.exactly(peer)).or_else(last)
}
