//! A recording laid over the map.

mod between;
mod inside;
mod tell;

use super::behind;
use super::causes::{self, Ends};
use super::parties::Parties;
use super::sentence::Lost;
use super::walk::{Way, ways};
use super::{Answer, Gap, GapKind, Question, Seen};
use crate::facts::Standing;
use crate::map::{NodeKind, Via};
use crate::trace::{Kind, Recording};
use std::collections::{BTreeMap, BTreeSet};

/// How many spans of one kind are named.
const MAX_SHOWN: usize = 3;
/// How many calls of one service to another are compared with what began at the other end.
const MAX_CALLS: usize = 1_000;
/// How many gaps are named.
const MAX_GAPS: usize = 50;

/// Lays a recording over the map.
pub(super) fn compare(question: &Question<'_>, recording: &Recording, answer: &mut Answer) {
    let parties = Parties::new(recording, question.names);
    answer.recording = Some(parties.recorded());
    answer.notes.extend(recording.notes.iter().cloned());
    notes(&parties, answer);
    let journey = journey(question);
    let mut look = Look { question, parties: &parties, answer };
    match journey.len() {
        0 | 1 => look.all(),
        _ => look.journey(&journey),
    }
    let left_out = look.answer.gaps.len().saturating_sub(MAX_GAPS);
    if left_out > 0 {
        look.answer.gaps.truncate(MAX_GAPS);
        look.answer.notes.push(format!("{left_out} more gaps are not shown"));
    }
}

/// The journey that was named, or that the sentence names.
fn journey(question: &Question<'_>) -> Vec<usize> {
    if !question.journey.nodes.is_empty() {
        return question.journey.nodes.clone();
    }
    let Some(said) = question.said else { return Vec::new() };
    let mut out = said.seen.clone();
    match &said.lost {
        Lost::Missing(nodes) => out.extend(nodes),
        Lost::NewTrace(node) => {
            out.retain(|at| at != node);
            out.push(*node);
        }
        Lost::Between(from, to) => out = vec![*from, *to],
        Lost::After(_) | Lost::Nothing => {}
    }
    out
}

/// What is odd about the recording itself.
fn notes(parties: &Parties<'_>, answer: &mut Answer) {
    let tree = &parties.tree;
    if tree.doubles > 0 {
        answer.notes.push(format!("{} stand in the recording more than once, and count once", spans(tree.doubles)));
    }
    if tree.looped > 0 {
        answer
            .notes
            .push(format!("{} are their own ancestors: whoever made their ids made some twice", spans(tree.looped)));
    }
    let unknown: Vec<&str> =
        parties.all().filter(|party| !parties.is_node(*party)).map(|at| parties.name(at)).collect();
    if !unknown.is_empty() {
        let list = unknown.join(", ");
        let text =
            format!("the map does not know who makes the spans of: {list}; --service NAME=SERVICE says whose they are");
        answer.notes.push(text);
    }
}

fn spans(number: usize) -> String {
    format!("{number} {}", if number == 1 { "span" } else { "spans" })
}

/// What was recorded between two services.
struct Found {
    seen: Seen,
    evidence: Vec<String>,
}

struct Look<'q, 'a> {
    question: &'q Question<'a>,
    parties: &'q Parties<'a>,
    answer: &'q mut Answer,
}

impl Look<'_, '_> {
    /// Each way of a journey that was named.
    fn journey(&mut self, named: &[usize]) {
        let ways: Vec<Way<'_>> = ways(self.question.map, named);
        let first = named.first().copied().unwrap_or_default();
        if !self.parties.is_there(first) && named.iter().any(|at| self.parties.is_there(*at)) {
            let message = format!("{} made no span in the recording", self.parties.name(first));
            self.gap(GapKind::Missing, Ends::only(first), message, Vec::new());
        }
        if !named.iter().any(|at| self.parties.is_there(*at)) {
            let text = "none of the services of the journey made a span in the recording: is it a recording of this journey, and do the services have these names in it?";
            self.answer.notes.push(text.to_owned());
            let message = format!("{} made no span in the recording", self.parties.name(first));
            self.gap(GapKind::Missing, Ends::only(first), message, Vec::new());
        }
        for (n, way) in ways.iter().enumerate() {
            let behind: Vec<usize> = ways[n + 1..].iter().map(|way| way.to).collect();
            let before: Vec<usize> = ways[..=n].iter().map(|way| way.from).collect();
            // What lies on the way and makes no spans by its nature is expected only where somebody named it.
            let is_named = named.contains(&way.to);
            let found = self.way(way, &before, &behind, is_named);
            self.answer.steps.push(way.step(self.question, found.seen));
            self.report(way, self.ends(way, &before), found);
        }
        self.starts_inside(Some(named));
        self.takes_nothing(Some(named));
    }

    /// The ends of a way: where what stands before its far end makes no spans, the last one before that that does.
    fn ends(&self, way: &Way<'_>, before: &[usize]) -> Ends {
        let makes = self.parties.is_there(way.from) || self.makes_spans(way.from);
        let near = before.iter().rev().copied().find(|at| self.parties.is_there(*at)).filter(|_| !makes);
        match near {
            Some(near) => Ends { from: Some(near), through: Some(way.from), to: way.to },
            None => Ends { from: Some(way.from), through: None, to: way.to },
        }
    }

    /// Without a journey: all ways that the recording shows, or ought to show.
    fn all(&mut self) {
        let mut pairs: BTreeMap<(usize, usize), Seen> = BTreeMap::new();
        let parties = self.parties;
        for party in parties.all() {
            for upper in parties.tops(party).iter().filter_map(|top| parties.upper(*top)) {
                pairs.insert((parties.party(upper), party), Seen::Whole);
            }
        }
        let behind = behind::find(self.question.map, parties, &|node| self.makes_spans(node));
        // What those tell who begin traces there need not be told of what stands before them.
        let told = |from: usize, to: usize| behind.iter().any(|one| one.from == from && one.through == Some(to));
        let mut found: Vec<(Way<'_>, Found)> = Vec::new();
        for (from, to) in self.expected().into_iter().filter(|(from, to)| !told(*from, *to)) {
            let way = Way::between(self.question.map, from, to);
            let one = match parties.is_there(to) {
                true => self.between(&way, &[from], false),
                false => Found { seen: Seen::Missing, evidence: self.calls(from, to) },
            };
            if !matches!(one.seen, Seen::Elsewhere) {
                pairs.remove(&(from, to));
                found.push((way, one));
            }
        }
        for (from, to) in pairs.into_keys().filter(|(from, to)| parties.is_node(*from) && parties.is_node(*to)) {
            let way = Way::between(self.question.map, from, to);
            found.push((way, Found { seen: Seen::Whole, evidence: Vec::new() }));
        }
        let first = |party: usize| parties.tops(party).first().map(|top| parties.span(*top).start);
        // Those that the recording shows come before those that only the code speaks of.
        found.sort_by_key(|(way, found)| {
            (found.seen == Seen::Missing && found.evidence.is_empty(), first(way.from), way.from, way.to)
        });
        for (way, found) in found {
            self.answer.steps.push(way.step(self.question, found.seen));
            let ends = Ends { from: Some(way.from), through: None, to: way.to };
            self.report(&way, ends, found);
        }
        self.ends_at(&behind);
        self.behind(behind);
        self.starts_inside(None);
        self.takes_nothing(None);
        self.leave_out_unexplained();
    }

    /// Leaves out new traces of which the code explains nothing where another gap shows the same ones and is explained: they
    /// were laid to somebody else who was open then.
    fn leave_out_unexplained(&mut self) {
        let gaps = &mut self.answer.gaps;
        let is_explained = |gap: &Gap| gap.causes.iter().any(|cause| cause.standing == Standing::Broken);
        let new = gaps.iter().filter(|gap| gap.kind == GapKind::NewTrace && is_explained(gap));
        let explained: Vec<(String, Option<String>)> =
            new.map(|gap| (gap.to.clone(), gap.evidence.first().cloned())).collect();
        let is_same =
            |gap: &Gap| explained.iter().any(|(to, seen)| *to == gap.to && seen.as_ref() == gap.evidence.first());
        gaps.retain(|gap| gap.kind != GapKind::NewTrace || is_explained(gap) || !is_same(gap));
    }

    /// The ways that a recording without a journey is expected to show: calls that were recorded, ways of the map of
    /// which both ends are there, and broken ways of those who are there.
    fn expected(&self) -> BTreeSet<(usize, usize)> {
        let parties = self.parties;
        let mut out = BTreeSet::new();
        for from in parties.all().filter(|party| parties.is_node(*party)) {
            // Who is sent a message by a broker is not called, and the broker makes no span of it.
            let calls = parties.exits(from).iter().filter(|exit| parties.span(**exit).kind != Kind::Producer);
            let called: BTreeSet<usize> = calls.flat_map(|exit| parties.called(*exit)).collect();
            let sends = parties.unanswered(from).any(|exit| parties.span(exit).kind == Kind::Producer);
            for to in called {
                if parties.is_there(to) || self.makes_spans(to) {
                    out.insert((from, to));
                }
            }
            // Who makes no spans by nature would not be seen anyhow, and a way that carries is lost only with all that
            // comes after: the recording tells only where it ends there.
            let ends_here =
                parties.exits(from).is_empty() && !parties.tops(from).iter().any(|top| parties.is_answered(*top));
            for edge in self.question.map.leaving(from) {
                let is_broken = edge.standing == Standing::Broken;
                let ought = self.is_service(edge.to)
                    || ends_here && edge.via != Via::Configured
                    || sends && edge.via == Via::Message && self.makes_spans(edge.to);
                let lost = || {
                    ends_here
                        && edge.via != Via::Configured
                        && self.is_service(edge.to)
                        && !causes::before_calls(self.question, from).is_empty()
                };
                if parties.is_there(edge.to) || is_broken && ought || lost() {
                    out.insert((from, edge.to));
                }
            }
        }
        out
    }

    fn is_service(&self, node: usize) -> bool {
        self.question.map.nodes.get(node).is_some_and(|node| node.kind == NodeKind::Service)
    }

    /// Whether a service ought to make spans.
    fn makes_spans(&self, node: usize) -> bool {
        let said = self.question.stacks.get(&node).map(|stack| !stack.is_empty());
        said.unwrap_or_else(|| self.is_service(node) || self.question.names.is_traced(node))
    }
}
