//! Gaps, and the words and spans that show them.

use super::{Found, Look, MAX_SHOWN};
use crate::facts::Standing;
use crate::hunt::causes::{Ends, Place, causes};
use crate::hunt::reasons::{self, Evidence};
use crate::hunt::walk::Way;
use crate::hunt::{Gap, GapKind, Seen};

impl Look<'_, '_> {
    pub(super) fn report(&mut self, way: &Way<'_>, ends: Ends, found: Found) {
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
            // Somebody who names a journey says that this way was taken.
            Seen::Elsewhere if way.standing() == Some(Standing::Broken) && self.is_asked(way) => {
                let text = format!(
                    "spans of {to} came by other ways than from {from}, and the code loses the trace on that one"
                );
                (GapKind::BrokenCode, text)
            }
            Seen::Whole if self.begins_calling(near, way.to) => return,
            Seen::Whole if way.standing() == Some(Standing::Broken) => {
                let line = causes(self.question, &Place { ends, kind: GapKind::BrokenCode, client: None });
                let line = line.first().map(|cause| format!(" ({}:{})", cause.path, cause.line)).unwrap_or_default();
                self.answer.notes.push(format!("the code says that the way from {from} to {to} is broken{line}, and the recording shows it whole: is it a recording of this code and of this request, or is another call of the same way the one that is lost?"));
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

    /// Whether a way is one of a journey that somebody named, and its near end is in the recording.
    fn is_asked(&self, way: &Way<'_>) -> bool {
        (!self.answer.journey.is_empty() || self.question.said.is_some()) && self.parties.is_there(way.from)
    }

    /// Whether the near end recorded a span of its call; `None` where that is not known.
    pub(super) fn client(&self, ends: Ends) -> Option<bool> {
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

    pub(super) fn gap(&mut self, kind: GapKind, ends: Ends, message: String, evidence: Vec<String>) {
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
    pub(super) fn calls(&self, from: usize, to: usize) -> Vec<String> {
        let parties = self.parties;
        let towards = parties.exits(from).iter().copied().filter(|exit| parties.called(*exit).any(|node| node == to));
        towards.take(MAX_SHOWN).map(|exit| format!("{} is a call of {}", self.shown(exit), parties.name(to))).collect()
    }

    /// A span for people, with its trace.
    pub(super) fn shown(&self, at: usize) -> String {
        format!("trace {}: {}", self.parties.span(at).trace, self.bare(at))
    }

    /// A span for people.
    pub(super) fn bare(&self, at: usize) -> String {
        let span = self.parties.span(at);
        format!("span {} `{}` of {}", span.id, span.name, self.parties.name(self.parties.party(at)))
    }
}
