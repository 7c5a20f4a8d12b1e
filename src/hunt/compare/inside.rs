//! Traces that end or begin where no way of the map says so: at what makes no spans, and inside of a service.

use super::{Look, MAX_CALLS, MAX_SHOWN};
use crate::facts::Standing;
use crate::hunt::behind;
use crate::hunt::causes::{Ends, Place, causes, is_entered};
use crate::hunt::parties::MAX_TOPS;
use crate::hunt::walk::Way;
use crate::hunt::{Cause, Fit, GapKind, Seen};
use crate::trace::Parent;
use std::collections::BTreeMap;

impl Look<'_, '_> {
    /// Calls of what makes no spans, of which it is known that it takes the trace away, with nothing behind them.
    pub(super) fn ends_at(&mut self, behind: &[behind::Behind]) {
        let parties = self.parties;
        let mut ends: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        for from in parties.all().filter(|party| parties.is_node(*party)) {
            for exit in parties.unanswered(from).take(MAX_CALLS) {
                let called = parties.called(exit).filter(|node| !parties.is_there(*node) && !self.makes_spans(*node));
                called.for_each(|node| {
                    ends.entry((from, node)).or_insert(exit);
                });
            }
        }
        for ((from, node), exit) in ends {
            let ends = Ends { from: Some(from), through: Some(node), to: node };
            let place = Place { ends, kind: GapKind::BrokenCode, client: Some(true) };
            let is_told = behind.iter().any(|one| one.from == from && one.through == Some(node));
            if is_told
                || !causes(self.question, &place)
                    .iter()
                    .any(|cause| cause.fit == Fit::OnTheWay && cause.hops.is_empty())
            {
                continue;
            }
            let (from, to) = (parties.name(from), parties.name(node));
            let message = format!("nothing behind {to} is in the trace, and {to} takes it from what {from} sends");
            let evidence = vec![format!("{} is a call of {to}", self.shown(exit))];
            self.gap(GapKind::BrokenCode, ends, message, evidence);
        }
    }

    /// Services whose traces begin while somebody waits for what makes no spans.
    pub(super) fn behind(&mut self, found: Vec<behind::Behind>) {
        let parties = self.parties;
        for one in found {
            let map = self.question.map;
            let edges =
                one.through.into_iter().flat_map(|node| map.leaving(one.from).filter(move |edge| edge.to == node));
            let way = Way { from: one.from, to: one.to, edges: edges.collect() };
            self.answer.steps.push(way.step(self.question, Seen::NewTrace));
            let through = one.through.map_or("somebody whom the map does not know", |node| parties.name(node));
            let (from, to) = (parties.name(one.from), parties.name(one.to));
            let message = format!("{to} begins a trace of its own each time that {from} waits for {through}");
            let pairs = one.roots.iter().zip(&one.waiting).take(MAX_SHOWN);
            let evidence = pairs.map(|(root, span)| {
                format!(
                    "{} has no parent, and lies within {} of trace {}",
                    self.shown(*root),
                    self.bare(*span),
                    parties.span(*span).trace
                )
            });
            let evidence = evidence.collect();
            let ends = Ends { from: Some(one.from), through: one.through, to: one.to };
            self.gap(GapKind::NewTrace, ends, message, evidence);
        }
    }

    /// Traces that begin with a call that a service makes while it serves somebody: its own hand-overs lose the trace. Where a
    /// journey is named, only calls of its services to others of it.
    pub(super) fn starts_inside(&mut self, journey: Option<&[usize]>) {
        let parties = self.parties;
        let is_asked = |node: &usize| journey.is_none_or(|named| named.contains(node));
        for party in parties.all().filter(|party| parties.is_node(*party) && is_asked(party)) {
            let roots = self.calls_at_the_root(party);
            let is_sure = self.are_all_inside(party, &roots);
            let mut groups: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
            for root in roots {
                let called = parties.called(root).next().or_else(|| parties.taker(root));
                if called.is_none_or(|node| is_asked(&node)) {
                    groups.entry(called).or_default().push(root);
                }
            }
            // Calls that do not say whom they meet are of one cause with others that do.
            if groups.len() > 1
                && let Some(unnamed) = groups.remove(&None)
                && let Some(first) = groups.values_mut().next()
            {
                first.extend(unnamed);
            }
            for (called, roots) in groups {
                self.starts_with(party, called, &roots, is_sure);
            }
        }
    }

    /// A service that takes requests, and of which only calls were recorded, each of which begins a trace: nothing makes a
    /// span of what comes in. Without a journey its own background work looks the same.
    pub(super) fn takes_nothing(&mut self, journey: Option<&[usize]>) {
        let parties = self.parties;
        let is_asked = |node: &usize| journey.is_none_or(|named| named.first() == Some(node));
        for party in parties.all().filter(|party| parties.is_node(*party) && is_asked(party)) {
            let tops = parties.tops(party);
            let begins = |top: &usize| parties.tree.parents[*top] == Parent::None && parties.span(*top).kind.is_exit();
            if tops.len() < 2 || !tops.iter().take(MAX_TOPS).all(begins) || !is_entered(self.question, party) {
                continue;
            }
            let name = parties.name(party);
            let message =
                format!("{name} makes no span of what comes in: each call that it makes begins a trace of its own");
            if journey.is_none() {
                self.answer.notes.push(format!("{message}, if they are not its own background work"));
                continue;
            }
            let evidence = tops.iter().take(MAX_SHOWN).map(|at| format!("{} has no parent", self.shown(*at))).collect();
            self.gap(GapKind::NewTrace, Ends { from: Some(party), through: None, to: party }, message, evidence);
        }
    }

    /// Whether a service has calls to another that begin traces: that is told as what is lost inside of it.
    pub(super) fn begins_calling(&self, party: usize, to: usize) -> bool {
        let parties = self.parties;
        let called = |root: usize| parties.called(root).next().or_else(|| parties.taker(root));
        self.calls_at_the_root(party).into_iter().any(|root| called(root) == Some(to))
    }

    /// The spans of calls that begin traces while their service serves somebody.
    fn calls_at_the_root(&self, party: usize) -> Vec<usize> {
        let parties = self.parties;
        let serves = |top: usize| parties.span(top).kind.is_entry();
        if !parties.tops(party).iter().any(|top| serves(*top)) {
            return Vec::new();
        }
        let calls = parties.roots(party).take(MAX_TOPS).filter(|top| parties.span(*top).kind.is_exit());
        calls.filter(|top| parties.open_where(party, *top, true, &serves).is_some()).collect()
    }

    /// Whether all traces that a service begins by itself lie within what it serves: no background work looks like that.
    fn are_all_inside(&self, party: usize, roots: &[usize]) -> bool {
        let parties = self.parties;
        let serves = |top: &usize| parties.span(*top).kind.is_entry();
        let is_inside = |root: &usize| {
            let mut tops = parties.tops(party).iter().take(MAX_CALLS);
            tops.any(|top| serves(top) && parties.is_within(*root, *top))
        };
        let all = parties.roots(party).take(MAX_TOPS).filter(|root| !serves(root)).count();
        roots.len() == all && roots.len() <= MAX_CALLS && roots.iter().all(is_inside)
    }

    /// One such loss: on the way to who is called, where that is known.
    fn starts_with(&mut self, party: usize, called: Option<usize>, roots: &[usize], is_sure: bool) {
        let Some(first) = roots.first().copied() else { return };
        let name = self.parties.name(party).to_owned();
        let ends = Ends { from: Some(party), through: called, to: party };
        let place = Place { ends, kind: GapKind::NewTrace, client: None };
        let message = format!("a trace begins inside of {name}, with a call that it makes");
        // Where the code breaks nowhere, it takes more than that something was served about then.
        let explains = |cause: &Cause| cause.standing == Standing::Broken || is_sure;
        if !causes(self.question, &place).iter().any(explains) {
            let text = format!(
                "{message} ({}); its own background work looks the same, and nothing in its code explains a loss",
                self.shown(first)
            );
            self.answer.notes.push(text);
            return;
        }
        let evidence = roots.iter().take(MAX_SHOWN).map(|at| format!("{} has no parent", self.shown(*at))).collect();
        self.gap(GapKind::NewTrace, ends, message, evidence);
    }
}
