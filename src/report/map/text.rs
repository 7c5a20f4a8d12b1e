//! The map for people.

use super::super::text::{clean, count};
use super::super::why::standing;
use super::View;
use crate::analysis::{HopCounts, StackReport};
use crate::facts::{HopFacts, Standing};
use crate::map::{Edge, Map, Node, NodeKind};
use std::io::{self, Write};

/// How many hops of one way are named.
const MAX_HOPS: usize = 5;

/// Writes the map for people: each service, what traces it, how its hops stand, and where its ways lead.
pub fn text(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    let map = view.map;
    for (at, node) in map.nodes.iter().enumerate() {
        if node.kind == NodeKind::Service || map.leaving(at).next().is_some() {
            one(map, at, node, out)?;
        }
    }
    let others: Vec<String> = (map.nodes.iter().enumerate())
        .filter(|(at, node)| node.kind == NodeKind::Process && map.leaving(*at).next().is_none())
        .map(|(_, node)| clean(&node.name).to_string())
        .collect();
    if !others.is_empty() {
        writeln!(out, "also started, their code not read: {}\n", others.join(", "))?;
    }
    let services = count(map.nodes.iter().filter(|node| node.kind == NodeKind::Service).count(), "service");
    let mut hops = HopCounts::default();
    map.nodes.iter().for_each(|node| hops.add(node.hops));
    writeln!(out, "{services} · {}", hops.words())?;
    ways(map, out)?;
    match map.unread() {
        Some(unread) => writeln!(out, "note: {}", clean(&unread)),
        None => Ok(()),
    }
}

/// How all ways stand.
fn ways(map: &Map, out: &mut dyn Write) -> io::Result<()> {
    if map.edges.is_empty() {
        return Ok(());
    }
    let ways = map.counts();
    let total = count(map.edges.len(), "way");
    write!(out, "{total} between them: {} carried, {} broken, {} unknown", ways.carried, ways.broken, ways.unknown)?;
    let is_half = |edge: &&Edge| {
        edge.standing == Standing::Unknown
            && [&edge.leaves, &edge.arrives].iter().any(|end| end.standing == Standing::Carried)
    };
    match map.edges.iter().filter(is_half).count() {
        0 => writeln!(out),
        half => writeln!(out, "; of the unknown, {half} with one end that hands the trace on"),
    }
}

fn one(map: &Map, at: usize, node: &Node, out: &mut dyn Write) -> io::Result<()> {
    let what = match (node.kind, node.language) {
        (NodeKind::Service, Some(language)) => format!("{}, {}", language.as_str(), clean(&node.root)),
        (NodeKind::Channel, _) => "a channel; who sends to it was not found".to_owned(),
        _ => "its code was not read".to_owned(),
    };
    writeln!(out, "{} ({what})", clean(&node.name))?;
    if node.kind == NodeKind::Service || !node.stacks.is_empty() {
        traced(&node.stacks, out)?;
    }
    if node.kind == NodeKind::Service {
        let hops = node.hops;
        writeln!(out, "  hops: {} carried, {} broken, {} unknown", hops.carried, hops.broken, hops.unknown)?;
    }
    for edge in map.leaving(at) {
        way(map, edge, out)?;
    }
    writeln!(out)
}

fn traced(stacks: &[StackReport], out: &mut dyn Write) -> io::Result<()> {
    if stacks.is_empty() {
        writeln!(out, "  traced by nothing that hoplint knows")?;
    }
    let switched_on = |id: &str| stacks.iter().any(|other| other.active && other.stack == id);
    for stack in stacks.iter().filter(|stack| stack.active || !switched_on(&stack.stack)) {
        let verb = standing(stack);
        let mode = serde_json::to_value(stack.mode).ok();
        let mode = mode.as_ref().and_then(|mode| mode.as_str()).unwrap_or_default();
        writeln!(out, "  {verb} {} ({mode})", clean(&stack.title))?;
        writeln!(out, "    {}:{}: {}", clean(&stack.path), stack.line, clean(&stack.evidence))?;
    }
    Ok(())
}

fn way(map: &Map, edge: &Edge, out: &mut dyn Write) -> io::Result<()> {
    let name = map.nodes.get(edge.to).map(|node| clean(&node.name)).unwrap_or_default();
    writeln!(out, "  → {name} · {} · {} · {}", edge.via.word(), clean(&edge.by), word(edge.standing))?;
    writeln!(out, "    because {}", clean(&edge.because))?;
    let telling = |hop: &&HopFacts| edge.standing != Standing::Broken || hop.standing == Standing::Broken;
    for hop in edge.near.iter().filter(telling).take(MAX_HOPS) {
        write!(out, "    {}:{} in {}", clean(&hop.path), hop.line, clean(&hop.function))?;
        match &hop.lost {
            Some(lost) => writeln!(out, ", lost at {}:{}", clean(&lost.path), lost.line)?,
            None => writeln!(out)?,
        }
    }
    let more = edge.near.iter().filter(telling).count().saturating_sub(MAX_HOPS);
    if more > 0 {
        writeln!(out, "    and {more} more")?;
    }
    let far = edge.far.iter().filter(|hop| hop.standing == Standing::Broken).take(1);
    for hop in far {
        writeln!(out, "    taken at {}:{} in {}", clean(&hop.path), hop.line, clean(&hop.function))?;
    }
    Ok(())
}

/// The word for people.
pub(super) fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Carried => "carried",
        Standing::Unknown => "unknown",
        Standing::Broken => "BROKEN",
    }
}
