//! Traces that end or begin where no way of the map says so: at what makes no spans, and inside of a service.

use super::{Look, MAX_CALLS, MAX_SHOWN};
use crate::facts::Standing;
use crate::hunt::behind;
use crate::hunt::causes::{Ends, Place, causes};
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

    /// Traces that begin with a call that a service makes while it serves somebody: its own hand-overs lose the trace.
    pub(super) fn starts_inside(&mut self) {
        let parties = self.parties;
        for party in parties.all().filter(|party| parties.is_node(*party)) {
            let is_root =
                |top: &&usize| parties.tree.parents[**top] == Parent::None && parties.span(**top).kind.is_exit();
            let serves = |top: &usize| parties.span(*top).kind.is_entry();
            if !parties.tops(party).iter().any(serves) {
                continue;
            }
            let while_open = |top: &&usize| parties.open_where(party, **top, true, &|open| serves(&open)).is_some();
            let roots: Vec<usize> =
                parties.tops(party).iter().take(MAX_TOPS).filter(is_root).filter(while_open).copied().collect();
            let Some(first) = roots.first().copied() else { continue };
            let name = parties.name(party).to_owned();
            let called = roots.iter().find_map(|root| parties.called(*root).next().or_else(|| parties.taker(*root)));
            let ends = Ends { from: Some(party), through: called, to: party };
            let place = Place { ends, kind: GapKind::NewTrace, client: None };
            let message = format!("a trace begins inside of {name}, with a call that it makes");
            // Where the code breaks nowhere, it takes more than that something was served about then.
            let is_inside = |root: &usize| {
                let mut tops = parties.tops(party).iter().take(MAX_CALLS);
                tops.any(|top| serves(top) && parties.is_within(*root, *top))
            };
            let all = parties.roots(party).take(MAX_TOPS).filter(|root| !serves(root)).count();
            let is_sure = roots.len() == all && roots.len() <= MAX_CALLS && roots.iter().all(is_inside);
            let explains = |cause: &Cause| cause.standing == Standing::Broken || is_sure;
            if !causes(self.question, &place).iter().any(explains) {
                let text = format!(
                    "{message} ({}); its own background work looks the same, and nothing in its code explains a loss",
                    self.shown(first)
                );
                self.answer.notes.push(text);
                continue;
            }
            let evidence =
                roots.iter().take(MAX_SHOWN).map(|at| format!("{} has no parent", self.shown(*at))).collect();
            self.gap(GapKind::NewTrace, ends, message, evidence);
        }
    }
}
