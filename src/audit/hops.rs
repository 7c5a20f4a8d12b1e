//! The steps about hops: the ways between services, and the boundaries inside them.

use super::settings::{formats, known};
use super::{Evidence, Input, Item, Outcome, broken_by};
use crate::facts::{Crossing, HopFacts, Standing};
use crate::map::{Edge, Node, NodeKind};
use std::collections::{BTreeMap, BTreeSet};

/// One item for each way, and one for each sort of hops whose other end is not on the map.
pub(super) fn ways(input: &Input<'_>) -> Vec<Item> {
    let mut out: Vec<Item> = input.map.edges.iter().map(|edge| way(input, edge)).collect();
    let near = input.map.edges.iter().flat_map(|edge| &edge.near);
    let joined: BTreeSet<(&str, u32, u32)> = near.map(|hop| (hop.path.as_str(), hop.line, hop.column)).collect();
    let kinds = [Crossing::HttpCall, Crossing::RpcCall, Crossing::Serve];
    let lone = |hop: &HopFacts| !joined.contains(&(hop.path.as_str(), hop.line, hop.column));
    out.extend(sorts(input, &|hop| kinds.contains(&hop.kind) && lone(hop)));
    out
}

fn way(input: &Input<'_>, edge: &Edge) -> Item {
    let nodes = &input.map.nodes;
    let name = |at: usize| nodes.get(at).map(|node| node.name.clone()).unwrap_or_default();
    let mut notes = Vec::new();
    let (writes, reads) = (headers(input, nodes.get(edge.from)), headers(input, nodes.get(edge.to)));
    for (end, verb, told) in [(edge.from, "writes", &writes), (edge.to, "reads", &reads)] {
        let is_service = nodes.get(end).is_some_and(|node| node.kind == NodeKind::Service);
        match told {
            Some((names, _, told)) => notes.push(format!("{} {verb} {} ({told})", name(end), names.join(", "))),
            None if is_service => {
                notes.push(format!(
                    "which headers {} {verb} is told neither by its deployment nor by a default",
                    name(end)
                ));
            }
            None => {}
        }
    }
    let (mut outcome, mut because) = (Outcome::from(edge.standing), edge.because.clone());
    if let (Outcome::Passes, Some((_, written, _)), Some((_, read, _))) = (outcome, &writes, &reads)
        && written.is_disjoint(read)
    {
        outcome = Outcome::Unknown;
        because = "both ends trace, but by what is known the one writes no format that the other reads".to_owned();
    }
    let near = edge.near.iter().map(|hop| end("leaves", hop));
    let evidence: Vec<Evidence> = near.chain(edge.far.iter().map(|hop| end("arrives", hop))).collect();
    let broken = edge.near.iter().chain(&edge.far).find(|hop| hop.standing == Standing::Broken);
    let far = edge.far.iter().find(|hop| Some(*hop) == broken).map(|_| edge.to);
    let node = nodes.get(far.unwrap_or(edge.from));
    let owner = broken.or(edge.near.first()).map(|hop| input.owner(&hop.path, node));
    Item {
        outcome,
        subject: format!("{} → {} ({}, {})", name(edge.from), name(edge.to), edge.via.word(), edge.by),
        owner: owner.or_else(|| node.map(|node| input.owner_of(node))).unwrap_or_default(),
        because,
        notes,
        evidence,
        more: 0,
    }
}

fn end(verb: &str, hop: &HopFacts) -> Evidence {
    let what = format!("{verb} in {}: {}, because {}", hop.function, word(hop.standing), hop.because);
    Evidence { path: hop.path.clone(), line: hop.line, what }
}

fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Carried => "carried",
        Standing::Unknown => "unknown",
        Standing::Broken => "broken",
    }
}

/// The headers of a node by name, the formats that they belong to, and what says so.
fn headers(input: &Input<'_>, node: Option<&Node>) -> Option<(Vec<String>, BTreeSet<String>, String)> {
    let (names, told) = formats(input.facts, node?)?;
    let formats = known(&names);
    if formats.is_empty() {
        return None;
    }
    let headers = formats.iter().flat_map(|format| &format.headers).map(|(name, _)| name.clone());
    Some((headers.collect(), formats.iter().map(|format| format.id.clone()).collect(), told))
}

/// The boundaries inside services, and those where messages leave and arrive.
pub(super) fn boundaries(input: &Input<'_>) -> Vec<Item> {
    let kinds = [Crossing::Spawn, Crossing::Produce, Crossing::Consume];
    let mut out = sorts(input, &|hop| kinds.contains(&hop.kind));
    // What a finding tells at length need not be told a second time.
    let told: BTreeSet<(String, u32)> = input
        .findings()
        .flat_map(|(_, found)| {
            let related = found.related.iter().map(|place| (place.path.clone(), place.line));
            related.chain([(found.path.clone(), found.line)]).collect::<Vec<_>>()
        })
        .collect();
    for item in out.iter_mut().filter(|item| item.outcome == Outcome::Breaks) {
        item.evidence.retain(|place| !told.contains(&(place.path.clone(), place.line)));
    }
    out.retain(|item| item.outcome != Outcome::Breaks || !item.evidence.is_empty());
    out.extend(broken_by(input, &|found| found.bucket == "async"));
    out
}

/// One item for all hops of a service that are of one kind and stand alike for one reason.
fn sorts(input: &Input<'_>, wanted: &dyn Fn(&HopFacts) -> bool) -> Vec<Item> {
    let mut out = Vec::new();
    for (_, node, service) in input.services() {
        let mut sorts: BTreeMap<(Crossing, Standing, &str), Vec<&HopFacts>> = BTreeMap::new();
        for hop in service.crossings.iter().filter(|hop| wanted(hop)) {
            sorts.entry((hop.kind, hop.standing, &hop.because)).or_default().push(hop);
        }
        for ((kind, standing, because), hops) in sorts {
            let is_call = matches!(kind, Crossing::HttpCall | Crossing::RpcCall);
            let (outcome, because) = match (Outcome::from(standing), is_call) {
                (Outcome::Passes, true) => {
                    (Outcome::Unknown, format!("{because}, but who is at the other end was not found"))
                }
                (outcome, _) => (outcome, because.to_owned()),
            };
            let place = |hop: &&HopFacts| Evidence {
                path: hop.path.clone(),
                line: hop.line,
                what: if hop.library.is_empty() {
                    format!("in {}", hop.function)
                } else {
                    format!("in {}, by {}", hop.function, hop.library)
                },
            };
            out.push(Item {
                outcome,
                subject: format!("{}: {}", node.name, sort(kind)),
                owner: hops.first().map(|hop| input.owner(&hop.path, Some(node))).unwrap_or_default(),
                because,
                notes: Vec::new(),
                evidence: hops.iter().map(place).collect(),
                more: 0,
            });
        }
    }
    out
}

fn sort(kind: Crossing) -> &'static str {
    match kind {
        Crossing::Serve => "where requests arrive",
        Crossing::HttpCall => "HTTP requests that leave",
        Crossing::RpcCall => "remote calls that leave",
        Crossing::Produce => "messages that leave",
        Crossing::Consume => "messages that arrive",
        Crossing::Store => "queries to stores",
        Crossing::Spawn => "work that goes to threads, tasks or goroutines",
        Crossing::Span => "spans that are made current",
    }
}
