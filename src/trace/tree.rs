//! Which span hangs under which.

use super::{Id, Recording, Span};
use std::collections::{BTreeMap, HashMap, HashSet};

/// How far a way through spans is followed.
const MAX_STEPS: usize = 10_000;

/// Where a span hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parent {
    /// Nowhere: it begins a trace.
    None,
    /// Under this span.
    Span(usize),
    /// Under a span that was not recorded.
    Lost(Id),
}

/// The spans of a recording by their parents.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// Where each span hangs.
    pub parents: Vec<Parent>,
    /// The spans of each trace, in order of their start.
    pub traces: BTreeMap<Id, Vec<usize>>,
    /// Spans that stand in the recording more than once; all but the first are in no trace.
    pub doubles: usize,
    /// Spans that are their own ancestors.
    pub looped: usize,
}

impl Tree {
    /// Finds the parents.
    pub fn new(recording: &Recording) -> Self {
        let spans = &recording.spans;
        let mut out = Self { parents: vec![Parent::None; spans.len()], ..Self::default() };
        let mut seen = HashSet::with_capacity(spans.len());
        let mut by_id: HashMap<(Id, Id), Vec<usize>> = HashMap::with_capacity(spans.len());
        for (at, span) in spans.iter().enumerate() {
            if !seen.insert((span.trace, span.id, span.kind, span.service)) {
                out.doubles += 1;
                continue;
            }
            by_id.entry((span.trace, span.id)).or_default().push(at);
            out.traces.entry(span.trace).or_default().push(at);
        }
        for at in out.traces.values().flatten() {
            out.parents[*at] = parent(spans, *at, &by_id);
        }
        for members in out.traces.values_mut() {
            members.sort_by_key(|at| (spans[*at].start, *at));
        }
        out.looped = out.loops();
        out
    }

    /// The spans above one, nearest first; a loop is followed once.
    pub fn above(&self, at: usize) -> impl Iterator<Item = usize> {
        let next = |at: &usize| match self.parents.get(*at) {
            Some(Parent::Span(parent)) => Some(*parent),
            _ => None,
        };
        std::iter::successors(Some(at), next).skip(1).take(MAX_STEPS)
    }

    /// Counts the spans on loops, each once: every span is walked over twice at most.
    fn loops(&self) -> usize {
        let mut state = vec![0_u32; self.parents.len()];
        let mut looped = 0;
        for start in 0..self.parents.len() {
            let walk = u32::try_from(start).unwrap_or(u32::MAX - 1) + 1;
            let mut at = start;
            while state[at] == 0 {
                state[at] = walk;
                let Parent::Span(parent) = self.parents[at] else { break };
                at = parent;
                if state[at] == walk {
                    looped += self.round(at);
                    break;
                }
            }
        }
        looped
    }

    /// How many spans are on the loop through this one.
    fn round(&self, start: usize) -> usize {
        let mut count = 1;
        let mut at = start;
        while let Parent::Span(parent) = self.parents[at] {
            if parent == start {
                break;
            }
            at = parent;
            count += 1;
        }
        count
    }
}

/// Where one span hangs. In Zipkin's model both ends of a call can have one id: the far end hangs under the near one.
fn parent(spans: &[Span], at: usize, by_id: &HashMap<(Id, Id), Vec<usize>>) -> Parent {
    let span = &spans[at];
    let of = |id: Id| by_id.get(&(span.trace, id)).map(Vec::as_slice).unwrap_or_default();
    let twin = of(span.id).iter().find(|other| span.kind.is_entry() && spans[**other].kind.is_exit());
    if let Some(twin) = twin {
        return Parent::Span(*twin);
    }
    let Some(wanted) = span.parent else { return Parent::None };
    // Of twins, the own service's is the one that this span was made under.
    let own = of(wanted).iter().find(|other| spans[**other].service == span.service);
    match own.or_else(|| of(wanted).first()) {
        Some(parent) => Parent::Span(*parent),
        None => Parent::Lost(wanted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Kind;

    fn span(id: u128, parent: u128, service: usize, kind: Kind) -> Span {
        let parent = (parent != 0).then_some(Id(parent));
        Span { trace: Id(1), id: Id(id), parent, service, kind, ..Span::default() }
    }

    fn tree(spans: Vec<Span>) -> Tree {
        Tree::new(&Recording { spans, ..Recording::default() })
    }

    #[test]
    fn both_ends_of_a_call_can_have_one_id() {
        let found = tree(vec![
            span(7, 0, 0, Kind::Client),
            span(7, 0, 1, Kind::Server),
            span(8, 7, 1, Kind::Internal),
            span(9, 66, 1, Kind::Internal),
            span(8, 7, 1, Kind::Internal),
        ]);
        assert_eq!(found.parents[..4], [Parent::None, Parent::Span(0), Parent::Span(1), Parent::Lost(Id(66))]);
        assert_eq!(found.doubles, 1);
    }

    #[test]
    fn loops_are_counted_and_followed_to_an_end() {
        let kind = Kind::Internal;
        let found = tree(vec![span(1, 2, 0, kind), span(2, 1, 0, kind), span(3, 1, 0, kind), span(4, 4, 0, kind)]);
        assert_eq!(found.looped, 3);
        assert_eq!(found.above(2).count(), MAX_STEPS);
    }
}
