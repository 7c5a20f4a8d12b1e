//! Services behind something that makes no spans, such as a proxy: nobody says who called them, but their traces begin
//! while somebody waits for what stands before them.

use super::parties::{MAX_TOPS, Parties};
use crate::map::{Map, Via};
use crate::trace::Kind;
use std::collections::{BTreeMap, BTreeSet};

/// How many calls of one service, and how many traces of another, are compared.
const MAX_CALLS: usize = 1_000;
/// How many services of a recording are compared with each other.
const MAX_PARTIES: usize = 100;

/// A service whose traces begin behind something that makes no spans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Behind {
    /// Who waits.
    pub(super) from: usize,
    /// What stands between; `None` where the map does not know it.
    pub(super) through: Option<usize>,
    /// Whose traces begin there.
    pub(super) to: usize,
    /// The spans that begin them.
    pub(super) roots: Vec<usize>,
    /// For each of them what waits.
    pub(super) waiting: Vec<usize>,
}

/// Finds them. A service counts only where each of its traces begins and ends while another one waits for the same
/// thing, no more of them than waits, and where only one can have waited so.
pub(super) fn find(map: &Map, parties: &Parties<'_>, makes_spans: &dyn Fn(usize) -> bool) -> Vec<Behind> {
    let all: Vec<usize> = parties.all().filter(|party| parties.is_node(*party)).take(MAX_PARTIES).collect();
    let is_opaque = |node: usize| !parties.is_there(node) && !makes_spans(node);
    let waits: Vec<Wait> = all.iter().flat_map(|party| waits(map, parties, *party, &is_opaque)).collect();
    let mut out = Vec::new();
    for to in all {
        let is_called = map.edges.iter().any(|edge| edge.to == to && parties.is_there(edge.from));
        let roots: Vec<usize> = parties.roots(to).take(MAX_CALLS).collect();
        let comes_in = |at: &usize| parties.span(*at).kind == Kind::Server && !parties.span(*at).linked;
        if is_called || roots.is_empty() || !roots.iter().all(comes_in) {
            continue;
        }
        let fits = waits.iter().filter_map(|wait| fit(map, parties, wait, to, &roots));
        // A call that was recorded tells more than that somebody was at work.
        let (called, at_work): (Vec<(bool, Behind)>, Vec<_>) = fits.partition(|(is_call, _)| *is_call);
        let best = if called.is_empty() { at_work } else { called };
        if let [(_, only)] = best.as_slice() {
            out.push(only.clone());
        }
    }
    out
}

/// Spans during which a service waits for something that makes no spans.
struct Wait {
    from: usize,
    through: Option<usize>,
    /// Whether they are calls that were recorded, and not all that the service does.
    is_call: bool,
    spans: Vec<usize>,
}

fn waits(map: &Map, parties: &Parties<'_>, from: usize, is_opaque: &dyn Fn(usize) -> bool) -> Vec<Wait> {
    let mut calls: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
    for exit in parties.unanswered(from).filter(|exit| parties.span(*exit).kind == Kind::Client).take(MAX_CALLS) {
        let mut called = parties.called(exit);
        match called.next() {
            Some(node) if is_opaque(node) => calls.entry(Some(node)).or_default().push(exit),
            None if !parties.span(exit).peers.is_empty() => calls.entry(None).or_default().push(exit),
            _ => {}
        }
    }
    // Where the calls left no span, all that the service does is a wait.
    let ways = map.leaving(from).filter(|edge| matches!(edge.via, Via::Http | Via::Rpc) && is_opaque(edge.to));
    let silent: BTreeSet<usize> = ways.map(|edge| edge.to).filter(|to| !calls.contains_key(&Some(*to))).collect();
    let works: Vec<usize> = parties.tops(from).iter().copied().take(MAX_CALLS).collect();
    let calls = calls.into_iter().map(|(through, spans)| Wait { from, through, is_call: true, spans });
    let silent =
        silent.into_iter().map(|node| Wait { from, through: Some(node), is_call: false, spans: works.clone() });
    calls.chain(silent).collect()
}

fn fit(map: &Map, parties: &Parties<'_>, wait: &Wait, to: usize, roots: &[usize]) -> Option<(bool, Behind)> {
    let leads = |node: usize| {
        let mut ways = map.leaving(node).peekable();
        ways.peek().is_none() || ways.any(|edge| edge.to == to)
    };
    let can_be = wait.from != to
        && roots.len() <= wait.spans.len().min(MAX_TOPS)
        && wait.through.is_none_or(leads)
        // Who stands before the one that waits is not behind it.
        && !parties.is_above(to, wait.from);
    if !can_be {
        return None;
    }
    let waiting = |root: &usize| {
        let spans = wait.spans.iter().copied();
        spans
            .filter(|span| parties.is_within(*root, *span))
            .min_by_key(|span| parties.span(*root).start.abs_diff(parties.span(*span).start))
    };
    let waiting: Option<Vec<usize>> = roots.iter().map(waiting).collect();
    let waiting = waiting?;
    let behind = Behind { from: wait.from, through: wait.through, to, roots: roots.to_vec(), waiting };
    Some((wait.is_call, behind))
}
