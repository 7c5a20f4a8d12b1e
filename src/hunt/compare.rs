//! A recording laid over the map.

use super::behind;
use super::causes::{self, Ends, Place, causes};
use super::parties::{MAX_TOPS, Parties};
use super::reasons::{self, Evidence};
use super::sentence::Lost;
use super::walk::{Way, ways};
use super::{Answer, Cause, Fit, Gap, GapKind, Question, Seen};
use crate::facts::Standing;
use crate::map::{NodeKind, Via};
use crate::trace::{Parent, Recording};
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

    /// What was recorded of one way of a journey.
    fn way(&self, way: &Way<'_>, before: &[usize], behind: &[usize], is_named: bool) -> Found {
        let (from, to) = (way.from, way.to);
        let parties = self.parties;
        let none = |seen| Found { seen, evidence: Vec::new() };
        if !parties.is_there(to) {
            let hangs = |at: &usize| {
                parties
                    .tops(*at)
                    .iter()
                    .take(MAX_TOPS)
                    .any(|top| parties.above(*top).any(|above| before.contains(&above)))
            };
            if behind.iter().any(hangs) {
                return none(Seen::Passed);
            }
            // Who makes no spans by nature, such as a proxy, is no gap: those behind it tell.
            if !self.makes_spans(to) && behind.iter().any(|at| parties.is_there(*at)) {
                return none(Seen::Passed);
            }
            return match before.iter().any(|at| parties.is_there(*at)) {
                true if parties.is_there(from) && is_named => {
                    Found { seen: Seen::Missing, evidence: self.calls(from, to) }
                }
                // Somebody before it passes traces on without spans of its own, or was lost already.
                true if is_named && self.answer.gaps.is_empty() => none(Seen::Missing),
                _ => none(Seen::Behind),
            };
        }
        let found = self.between(way, before, true);
        match parties.is_there(from) || found.seen == Seen::Whole || !self.makes_spans(from) {
            true => found,
            false if found.seen == Seen::NewTrace && self.answer.gaps.is_empty() => found,
            false => none(Seen::Behind),
        }
    }

    /// How the spans of one service hang under those of others before it. `is_named`: somebody said that the one comes
    /// behind the other, so times need not show it.
    fn between(&self, way: &Way<'_>, before: &[usize], is_named: bool) -> Found {
        let (from, to) = (way.from, way.to);
        let parties = self.parties;
        let tops = &parties.tops(to)[..parties.tops(to).len().min(MAX_TOPS)];
        let is_whole = tops.iter().any(|top| parties.above(*top).any(|above| above == from))
            || !parties.is_there(from)
                && tops.iter().any(|top| parties.above(*top).any(|above| before.contains(&above)));
        let is_broken = way.standing() == Some(Standing::Broken);
        let waits = !way.edges.iter().any(|edge| edge.via == Via::Message);
        let open = |top: usize| parties.open_at(from, top, waits);
        // A call that was recorded, with nothing behind it.
        let calls: Vec<usize> = parties
            .unanswered(from)
            .filter(|exit| parties.called(*exit).any(|node| node == to))
            .take(MAX_TOPS)
            .collect();
        let is_called = |top: usize| calls.iter().take(MAX_CALLS).any(|exit| parties.is_after(top, *exit, waits));
        let roots: Vec<usize> = parties.roots(to).take(MAX_TOPS).collect();
        let shown = |list: Vec<usize>, words: &str| -> Vec<String> {
            list.into_iter().take(MAX_SHOWN).map(|at| format!("{} {words}", self.shown(at))).collect()
        };
        if is_whole {
            // Some come whole and some do not: only the code can tell that the latter are of this way too.
            let own: Vec<usize> =
                roots.iter().copied().filter(|top| open(*top).is_some() && !parties.span(*top).linked).collect();
            if !is_broken || own.is_empty() {
                return Found { seen: Seen::Whole, evidence: Vec::new() };
            }
            return Found {
                seen: Seen::NewTrace,
                evidence: shown(own, "has no parent; others of its service have one"),
            };
        }
        let linked: Vec<usize> = roots.iter().copied().filter(|top| parties.span(*top).linked).collect();
        if !linked.is_empty() && linked.len() == roots.len() {
            return Found { seen: Seen::Linked, evidence: Vec::new() };
        }
        let lost = tops.iter().copied().filter(|top| matches!(parties.tree.parents[*top], Parent::Lost(_)));
        let lost: Vec<usize> = lost.filter(|top| is_named || parties.is_in(from, parties.span(*top).trace)).collect();
        // Without a name it takes the times, and what comes in; a call that was recorded tells of whatever began then.
        let is_own = |top: &usize| {
            let span = parties.span(*top);
            is_named || !span.linked && (span.kind.is_entry() && open(*top).is_some() || is_called(*top))
        };
        let own: Vec<usize> = roots.into_iter().filter(is_own).collect();
        if !own.is_empty() {
            let mut evidence = shown(own.clone(), "has no parent");
            if let Some(open) = own.first().and_then(|top| parties.open_at(from, *top, waits)) {
                evidence.push(format!(
                    "{} was open when it began, in trace {}",
                    self.bare(open),
                    parties.span(open).trace
                ));
            }
            evidence.extend(self.calls(from, to));
            return Found { seen: Seen::NewTrace, evidence };
        }
        if !lost.is_empty() {
            return Found {
                seen: Seen::LostParent,
                evidence: shown(lost, "names a parent that is not in the recording"),
            };
        }
        let wrong: Vec<usize> = tops.iter().copied().filter(|top| self.is_wrong(*top, from, to)).collect();
        if !wrong.is_empty() {
            let under = wrong.iter().take(MAX_SHOWN).filter_map(|top| {
                let upper = parties.upper(*top)?;
                Some(format!("{} hangs under {}", self.shown(*top), self.bare(upper)))
            });
            return Found { seen: Seen::WrongParent, evidence: under.collect() };
        }
        Found { seen: Seen::Elsewhere, evidence: Vec::new() }
    }

    /// Whether a span hangs under somebody who has no way to it, in a trace in which its caller is too.
    fn is_wrong(&self, top: usize, from: usize, to: usize) -> bool {
        let parties = self.parties;
        let Some(upper) = parties.upper(top) else { return false };
        let above = parties.party(upper);
        parties.is_node(above)
            && parties.is_in(from, parties.span(top).trace)
            && !self.question.map.leaving(above).any(|edge| edge.to == to)
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
        self.starts_inside();
    }

    /// Calls of what makes no spans, of which it is known that it takes the trace away, with nothing behind them.
    fn ends_at(&mut self, behind: &[behind::Behind]) {
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
    fn behind(&mut self, found: Vec<behind::Behind>) {
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

    /// The ways that a recording without a journey is expected to show: calls that were recorded, ways of the map of
    /// which both ends are there, and broken ways of those who are there.
    fn expected(&self) -> BTreeSet<(usize, usize)> {
        let parties = self.parties;
        let mut out = BTreeSet::new();
        for from in parties.all().filter(|party| parties.is_node(*party)) {
            let called: BTreeSet<usize> = parties.exits(from).iter().flat_map(|exit| parties.called(*exit)).collect();
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
                let ought = self.is_service(edge.to) || ends_here && edge.via != Via::Configured;
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

    /// Traces that begin with a call that a service makes while it serves somebody: its own hand-overs lose the trace.
    fn starts_inside(&mut self) {
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

    fn report(&mut self, way: &Way<'_>, ends: Ends, found: Found) {
        let near = ends.from.unwrap_or(way.from);
        let (from, to) = (self.parties.name(near).to_owned(), self.parties.name(way.to).to_owned());
        let behind = ends.through.map(|node| format!(", behind {}", self.parties.name(node))).unwrap_or_default();
        let (kind, message) = match found.seen {
            Seen::NewTrace => {
                let text = format!("{to} begins a trace of its own instead of going on with that of {from}{behind}");
                (GapKind::NewTrace, text)
            }
            Seen::Missing
                if found.evidence.is_empty() && self.answer.journey.is_empty() && self.question.said.is_none() =>
            {
                (
                    GapKind::Missing,
                    format!(
                        "{to} is not in the recording, and the code loses the trace on the way from {from} to it: if the request went there, it was lost"
                    ),
                )
            }
            Seen::Missing => (GapKind::Missing, format!("{to} made no span in the recording, behind {from}")),
            Seen::WrongParent => (GapKind::WrongParent, format!("spans of {to} hang under somebody else than {from}")),
            Seen::LostParent => (
                GapKind::LostParent,
                format!("spans of {to} name a parent that is not in the recording, behind {from}"),
            ),
            Seen::Whole if way.standing() == Some(Standing::Broken) => {
                let line = causes(self.question, &Place { ends, kind: GapKind::BrokenCode, client: None });
                let line = line.first().map(|cause| format!(" ({}:{})", cause.path, cause.line)).unwrap_or_default();
                self.answer.notes.push(format!("the code says that the way from {from} to {to} is broken{line}, and the recording shows it whole: is it a recording of this code, and of this request?"));
                return;
            }
            Seen::Linked => {
                self.answer.notes.push(format!("{to} begins traces of its own with links to others, as is right for batches and for work that is cut off on purpose"));
                return;
            }
            _ => return,
        };
        self.gap(kind, ends, message, found.evidence);
    }

    /// Whether the near end recorded a span of its call; `None` where that is not known.
    fn client(&self, ends: Ends) -> Option<bool> {
        let parties = self.parties;
        let from = ends.from.filter(|from| parties.is_there(*from) && *from != ends.to)?;
        let is_end = |node: usize| node == ends.to || Some(node) == ends.through;
        if parties.exits(from).iter().any(|exit| parties.called(*exit).any(is_end)) {
            return Some(true);
        }
        // A call that does not say whom it meets can be the one.
        let is_open = parties.unanswered(from).any(|exit| parties.called(exit).next().is_none());
        (!is_open).then_some(false)
    }

    fn gap(&mut self, kind: GapKind, ends: Ends, message: String, evidence: Vec<String>) {
        let parties = self.parties;
        let (from, to, client) = (ends.from, ends.to, self.client(ends));
        let tops = from.map(|from| parties.tops(from)).unwrap_or_default();
        let shown = Evidence {
            far_spans: parties.is_there(to),
            unsampled: !tops.is_empty() && tops.iter().all(|top| parties.span(*top).unsampled),
        };
        let place = Place { ends, kind, client };
        let gap = Gap {
            kind,
            from: from.map(|from| parties.name(from).to_owned()),
            to: parties.name(to).to_owned(),
            message,
            evidence,
            causes: causes(self.question, &place),
            reasons: reasons::of(self.question, &place, &shown),
        };
        self.answer.gaps.push(gap);
    }

    /// The spans of calls from one to another.
    fn calls(&self, from: usize, to: usize) -> Vec<String> {
        let parties = self.parties;
        let towards = parties.exits(from).iter().copied().filter(|exit| parties.called(*exit).any(|node| node == to));
        towards.take(MAX_SHOWN).map(|exit| format!("{} is a call of {}", self.shown(exit), parties.name(to))).collect()
    }

    /// A span for people, with its trace.
    fn shown(&self, at: usize) -> String {
        format!("trace {}: {}", self.parties.span(at).trace, self.bare(at))
    }

    /// A span for people.
    fn bare(&self, at: usize) -> String {
        let span = self.parties.span(at);
        format!("span {} `{}` of {}", span.id, span.name, self.parties.name(self.parties.party(at)))
    }
}
