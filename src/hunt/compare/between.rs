//! What was recorded between two services.

use super::{Found, Look, MAX_CALLS, MAX_SHOWN};
use crate::facts::Standing;
use crate::hunt::Seen;
use crate::hunt::parties::MAX_TOPS;
use crate::hunt::walk::Way;
use crate::map::Via;
use crate::trace::Parent;

impl Look<'_, '_> {
    /// What was recorded of one way of a journey.
    pub(super) fn way(&self, way: &Way<'_>, before: &[usize], behind: &[usize], is_named: bool) -> Found {
        let (from, to) = (way.from, way.to);
        let parties = self.parties;
        let none = |seen| Found { seen, evidence: Vec::new() };
        if !parties.is_there(to) {
            // Under somebody else's span they came another way.
            let hangs = |at: &usize| {
                let mut tops = parties.tops(*at).iter().take(MAX_TOPS);
                tops.any(|top| parties.upper(*top).is_some_and(|upper| before.contains(&parties.party(upper))))
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
    pub(super) fn between(&self, way: &Way<'_>, before: &[usize], is_named: bool) -> Found {
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
    pub(super) fn is_wrong(&self, top: usize, from: usize, to: usize) -> bool {
        let parties = self.parties;
        let Some(upper) = parties.upper(top) else { return false };
        let above = parties.party(upper);
        parties.is_node(above)
            && parties.is_in(from, parties.span(top).trace)
            && !self.question.map.leaving(above).any(|edge| edge.to == to)
    }
}
