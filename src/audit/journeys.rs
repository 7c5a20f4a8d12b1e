//! The ways that requests and messages take through the services, from where they come in.

use super::{Evidence, Input, Item, Outcome};
use crate::facts::Standing;
use crate::map::{Edge, Map, NodeKind, Via};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The longest chain, in nodes.
const MAX_LENGTH: usize = 12;
/// How many journeys begin at one node, and how many there are.
const MAX_OF_ONE: usize = 20;
const MAX_JOURNEYS: usize = 100;
/// How many steps the search takes.
const MAX_WORK: usize = 50_000;

/// A chain of services.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Journey {
    /// The first service on it whose code was read.
    pub entry: String,
    /// Their positions among the nodes of the map.
    pub nodes: Vec<usize>,
    /// Their names.
    pub services: Vec<String>,
    /// How the worst of its ways stands.
    pub standing: Standing,
    /// The first way that stands so, and why; empty where all carry.
    pub because: String,
}

/// The ways between two nodes, by their ends.
pub(super) type Ways<'m> = BTreeMap<(usize, usize), Vec<&'m Edge>>;

/// All journeys, as far as the bounds allow, and whether there are more.
pub(super) fn journeys(map: &Map) -> (Vec<Journey>, bool) {
    let ways = ways(map);
    let mut search = Search { map, ways: &ways, out: Vec::new(), work: 0, cut: false };
    let starts = starts(&ways);
    let mut led_to = behind(&ways, starts.iter().copied().collect());
    starts.iter().for_each(|start| search.from(*start));
    // Those that only a circle leads to.
    let callers: BTreeSet<usize> = ways.keys().map(|(from, _)| *from).collect();
    for at in callers {
        if !led_to.contains(&at) {
            led_to.extend(behind(&ways, vec![at]));
            search.from(at);
        }
    }
    (search.out, search.cut)
}

/// The ways on which a journey can go on: a process that only its address names and that leads to no service whose code
/// was read is a database or the like.
pub(super) fn ways(map: &Map) -> Ways<'_> {
    let mut all: Ways<'_> = BTreeMap::new();
    let mut callers: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for edge in &map.edges {
        all.entry((edge.from, edge.to)).or_default().push(edge);
        callers.entry(edge.to).or_default().insert(edge.from);
    }
    let is_service = |at: usize| map.nodes.get(at).is_some_and(|node| node.kind == NodeKind::Service);
    let mut leading: BTreeSet<usize> = (0..map.nodes.len()).filter(|at| is_service(*at)).collect();
    let mut todo: Vec<usize> = leading.iter().copied().collect();
    while let Some(to) = todo.pop() {
        todo.extend(callers.get(&to).into_iter().flatten().copied().filter(|from| leading.insert(*from)));
    }
    all.retain(|(_, to), edges| leading.contains(to) || edges.iter().any(|edge| edge.via != Via::Configured));
    all
}

/// Where journeys begin: what nobody else calls.
fn starts(ways: &Ways<'_>) -> BTreeSet<usize> {
    let called: BTreeSet<usize> = ways.keys().map(|(_, to)| *to).collect();
    ways.keys().map(|(from, _)| *from).filter(|from| !called.contains(from)).collect()
}

/// Nodes with all to which they lead.
fn behind(ways: &Ways<'_>, mut todo: Vec<usize>) -> BTreeSet<usize> {
    let mut out = BTreeSet::new();
    while let Some(at) = todo.pop() {
        if out.insert(at) {
            todo.extend(ways.range((at, 0)..(at + 1, 0)).map(|((_, to), _)| *to));
        }
    }
    out
}

struct Search<'m> {
    map: &'m Map,
    ways: &'m Ways<'m>,
    out: Vec<Journey>,
    work: usize,
    cut: bool,
}

impl Search<'_> {
    fn from(&mut self, start: usize) {
        let first = self.out.len();
        let mut chains = vec![vec![start]];
        while let Some(chain) = chains.pop() {
            self.work += 1;
            if self.work > MAX_WORK || self.out.len() - first >= MAX_OF_ONE || self.out.len() >= MAX_JOURNEYS {
                self.cut = true;
                return;
            }
            let Some(last) = chain.last().copied() else { continue };
            let next = self.ways.range((last, 0)..(last + 1, 0)).map(|((_, to), _)| *to);
            let next: Vec<usize> = next.filter(|to| !chain.contains(to)).collect();
            if next.is_empty() || chain.len() >= MAX_LENGTH {
                self.cut |= !next.is_empty();
                self.take(&chain);
                continue;
            }
            // The last one is looked at first.
            chains.extend(next.into_iter().rev().map(|to| chain.iter().copied().chain([to]).collect()));
        }
    }

    fn take(&mut self, chain: &[usize]) {
        let nodes = &self.map.nodes;
        let name = |at: &usize| nodes.get(*at).map(|node| node.name.clone()).unwrap_or_default();
        let is_read = |at: &&usize| nodes.get(**at).is_some_and(|node| node.kind == NodeKind::Service);
        let Some(entry) = chain.iter().find(is_read).filter(|_| chain.len() > 1) else { return };
        let between =
            chain.windows(2).filter_map(|pair| Some((pair, self.ways.get(&(*pair.first()?, *pair.get(1)?))?)));
        let (mut standing, mut because) = (Standing::Carried, String::new());
        for (pair, edges) in between {
            let Some(worst) = edges.iter().max_by_key(|edge| edge.standing) else { continue };
            if worst.standing > standing {
                standing = worst.standing;
                let ends: Vec<String> = pair.iter().map(name).collect();
                because = format!("{}: {}", ends.join(" → "), worst.because);
            }
        }
        self.out.push(Journey {
            entry: name(entry),
            nodes: chain.to_vec(),
            services: chain.iter().map(name).collect(),
            standing,
            because,
        });
    }
}

/// The items of the step: one for each journey, one for each service that is on none.
pub(super) fn items(input: &Input<'_>, journeys: &[Journey]) -> Vec<Item> {
    let on: BTreeSet<usize> = journeys.iter().flat_map(|journey| journey.nodes.iter().copied()).collect();
    let mut out: Vec<Item> = journeys.iter().map(|journey| item(input, journey)).collect();
    for (_, node, _) in input.services().filter(|(at, ..)| !on.contains(at)) {
        out.push(Item {
            outcome: Outcome::Unknown,
            subject: node.name.clone(),
            owner: input.owner_of(node),
            because: "no way on which a trace could go was found to it or from it".to_owned(),
            notes: Vec::new(),
            evidence: Vec::new(),
            more: 0,
        });
    }
    out
}

fn item(input: &Input<'_>, journey: &Journey) -> Item {
    let nodes = &input.map.nodes;
    let entry = nodes.iter().find(|node| node.name == journey.entry);
    let because = if journey.because.is_empty() { "both ends of each way hand the trace on" } else { &journey.because };
    let pairs = journey.nodes.windows(2);
    let edges = pairs.flat_map(|pair| {
        input.map.edges.iter().filter(move |edge| pair.first() == Some(&edge.from) && pair.get(1) == Some(&edge.to))
    });
    let worst = edges.filter(|edge| edge.standing == journey.standing && journey.standing == Standing::Broken);
    let hops = worst.flat_map(|edge| edge.near.iter().chain(&edge.far)).filter(|hop| hop.standing == Standing::Broken);
    let evidence = hops.map(|hop| Evidence { path: hop.path.clone(), line: hop.line, what: hop.because.clone() });
    Item {
        outcome: journey.standing.into(),
        subject: journey.services.join(" → "),
        owner: entry.map(|node| input.owner_of(node)).unwrap_or_default(),
        because: because.to_owned(),
        notes: vec![format!("entry: {}", journey.entry)],
        evidence: evidence.collect(),
        more: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::HopCounts;
    use crate::map::{End, Node};

    fn map(kinds: &[NodeKind], ways: &[(usize, usize)]) -> Map {
        let node = |(at, kind): (usize, &NodeKind)| Node {
            name: format!("n{at}"),
            kind: *kind,
            repository: String::new(),
            root: String::new(),
            language: None,
            stacks: Vec::new(),
            hops: HopCounts::default(),
            hosts: Vec::new(),
        };
        let edge = |(from, to): &(usize, usize)| Edge {
            from: *from,
            to: *to,
            via: Via::Configured,
            by: String::new(),
            standing: Standing::Unknown,
            because: "x".to_owned(),
            leaves: End { standing: Standing::Unknown, because: "x".to_owned(), formats: Vec::new() },
            arrives: End { standing: Standing::Unknown, because: "x".to_owned(), formats: Vec::new() },
            near: Vec::new(),
            far: Vec::new(),
        };
        let nodes = kinds.iter().enumerate().map(node).collect();
        Map { nodes, edges: ways.iter().map(edge).collect(), skipped: Vec::new() }
    }

    fn chains(map: &Map) -> Vec<Vec<usize>> {
        journeys(map).0.into_iter().map(|journey| journey.nodes).collect()
    }

    #[test]
    fn chains_begin_where_nobody_calls_and_leave_databases_out() {
        let map = map(
            &[NodeKind::Process, NodeKind::Service, NodeKind::Service, NodeKind::Process],
            &[(0, 1), (1, 2), (1, 3), (2, 3)],
        );
        assert_eq!(chains(&map), [[0, 1, 2]]);
    }

    #[test]
    fn circles_end_and_are_found() {
        let map = map(&[NodeKind::Service, NodeKind::Service], &[(0, 1), (1, 0)]);
        assert_eq!(chains(&map), [[0, 1]]);
    }

    #[test]
    fn many_ways_are_cut_and_that_is_told() {
        let kinds = [NodeKind::Service; 40];
        let all: Vec<(usize, usize)> = (0..40).flat_map(|a| (a + 1..40).map(move |b| (a, b))).collect();
        let (found, cut) = journeys(&map(&kinds, &all));
        assert!(cut && found.len() == MAX_OF_ONE, "{}", found.len());
    }
}
