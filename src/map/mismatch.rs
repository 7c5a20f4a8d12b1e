//! Ways whose two ends surely set formats of which none is in common.

use super::formats::Sure;
use super::join::Joiner;
use crate::facts::{Facts, HopFacts, ServiceFacts, Standing};

/// One end of such a way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Side<'f> {
    /// The service.
    pub(crate) service: &'f ServiceFacts,
    /// Its number on the map.
    pub(crate) number: usize,
}

/// Two services of which one surely calls the other, and which share no format.
#[derive(Debug, Clone)]
pub(crate) struct Mismatch<'f> {
    /// The caller.
    pub(crate) from: Side<'f>,
    /// Its formats.
    pub(crate) writes: Sure,
    /// The called service.
    pub(crate) to: Side<'f>,
    /// Its formats.
    pub(crate) reads: Sure,
    /// The hops in the caller's code that carry the trace out.
    pub(crate) near: Vec<&'f HopFacts>,
}

/// Those of a map, in the order of its ways. What is broken by something else, or of which it is not known whether the trace
/// leaves, is none.
pub(crate) fn mismatches(all: &[Facts]) -> Vec<Mismatch<'_>> {
    let mut joiner = Joiner::new(all);
    if joiner.formats.len() < 2 {
        return Vec::new();
    }
    joiner.calls();
    joiner.messages();
    let service = |node: usize| {
        let ((repository, n), _) = joiner.services.iter().find(|(_, at)| **at == node)?;
        Some(Side { service: all.get(*repository)?.services.get(*n)?, number: node })
    };
    let mut out: Vec<Mismatch<'_>> = Vec::new();
    for ((from, to, ..), near) in &joiner.edges {
        let (Some(writes), Some(reads)) = (joiner.formats.get(from), joiner.formats.get(to)) else { continue };
        let carried: Vec<&HopFacts> = near.iter().copied().filter(|hop| hop.standing == Standing::Carried).collect();
        if carried.is_empty() || !writes.formats.is_disjoint(&reads.formats) {
            continue;
        }
        let (Some(from), Some(to)) = (service(*from), service(*to)) else { continue };
        match out.iter_mut().find(|known| known.from.number == from.number && known.to.number == to.number) {
            Some(known) => known.near.extend(carried),
            None => out.push(Mismatch { from, writes: writes.clone(), to, reads: reads.clone(), near: carried }),
        }
    }
    out
}
