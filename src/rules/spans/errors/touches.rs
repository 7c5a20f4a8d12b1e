//! The places of a function from which its span may hear of an error.

use super::Held;
use crate::ir::{ExprKind, Language, Span};
use crate::knowledge::{Slot, TypeRole};
use crate::link::flow::{CallSite, DefKind};
use crate::link::{FuncRef, ValueRef};
use crate::rules::spans::life::{Fate, Life};
use crate::study::{CallFact, Study, Summary};
use rustc_hash::FxHashSet;

/// Every place that works on the span, on another one, or is given a context that has it. Ending a span tells it nothing.
#[derive(Debug, Default)]
pub(super) struct Touches {
    at: Vec<Span>,
    /// Where spans are ended, without anything else being said, outside `defer`.
    ends: Vec<Span>,
    tells: bool,
}

impl Touches {
    /// The places; `None` where what runs at the end of the function, or another function, may tell the span.
    pub(super) fn new(life: &Life<'_, '_>, held: Held, fate: Option<&Fate>) -> Option<Self> {
        let study = life.study;
        let mut out = Self::default();
        if fate.is_some_and(|fate| !fate.finishes.iter().all(|end| is_plain_end(study, *end))) {
            return None;
        }
        let functions = study.with_nested(held.function);
        let sites = sites(study, &functions);
        let deferred = |site: &CallSite| {
            site.deferred.then(|| study.program.expr(ValueRef { file: held.call.file, expr: site.expr }).span)
        };
        let deferred: Vec<Span> = sites.iter().filter_map(deferred).collect();
        out.variables(life, held)?;
        out.calls(study, held, &sites, &deferred);
        let late = |at: &Span| deferred.iter().any(|defer| defer.contains(*at));
        (!out.at.iter().any(late)).then_some(out)
    }

    /// Whether something between two offsets may tell the span.
    pub(super) fn within(&self, from: u32, to: u32) -> bool {
        self.at.iter().any(|at| from <= at.start && at.end <= to)
    }

    /// Whether the span is ended between two offsets.
    pub(super) fn ends_within(&self, from: u32, to: u32) -> bool {
        self.ends.iter().any(|at| from <= at.start && at.end <= to)
    }

    /// Whether the span is ended after an offset, or when the function is left.
    pub(super) fn is_open_at(&self, at: u32) -> bool {
        self.ends.is_empty() || self.ends.iter().any(|end| end.start >= at)
    }

    /// Whether the function tells the span of an error somewhere.
    pub(super) fn tells(&self) -> bool {
        self.tells
    }

    /// The uses of the variable that holds the span.
    fn variables(&mut self, life: &Life<'_, '_>, held: Held) -> Option<()> {
        let study = life.study;
        let made: Vec<_> = life.uses.definitions_of(held.call, held.index).copied().collect();
        for used in made.iter().flat_map(|made| life.uses.uses_of(study, held.call.file, made.def)) {
            if ends_it(study, used) || is_compared(study, used) || activates_it(study, used) {
                continue;
            }
            // A closure may run whenever it likes, unless all that it says is what the span is about.
            if study.program.function_covering(used) != held.function {
                return None;
            }
            self.at.push(study.program.expr(used).span);
        }
        Some(())
    }

    fn calls(&mut self, study: &Study<'_>, held: Held, sites: &[CallSite], deferred: &[Span]) {
        let mut informed: FxHashSet<ValueRef> = FxHashSet::default();
        for site in sites {
            let call = ValueRef { file: held.call.file, expr: site.expr };
            let span = study.program.expr(call).span;
            let fact = study.fact(call);
            self.tells |= fact.is_some_and(|fact| fact.effect.records.is_some());
            if call == held.call || fact.is_some_and(|fact| fact.effect.span.is_some()) {
                continue;
            }
            if is_plain_end(study, call) {
                if !deferred.iter().any(|defer| defer.contains(span)) {
                    self.ends.push(span);
                }
                continue;
            }
            if may_tell(study, call, fact) {
                informed.insert(call);
                self.at.push(span);
            } else if study.program.receiver(call).is_some_and(|on| holds(study, on, &informed)) {
                self.at.push(span);
            }
        }
    }
}

/// The calls of functions, in order.
fn sites(study: &Study<'_>, functions: &[FuncRef]) -> Vec<CallSite> {
    let of = |function: &FuncRef| {
        let file = study.program.files.get(function.file as usize);
        file.map(|file| file.flow.calls_of(function.id).copied().collect::<Vec<_>>()).unwrap_or_default()
    };
    functions.iter().flat_map(of).collect()
}

/// Whether a call ends a span and is told nothing.
fn is_plain_end(study: &Study<'_>, call: ValueRef) -> bool {
    let plain = |fact: &CallFact<'_>| fact.effect.ends == Some(Slot::Receiver);
    study.fact(call).is_some_and(plain) && study.slot(call, Slot::AnyArg).is_empty()
}

/// Whether a use of a span is what a plain end is called on.
fn ends_it(study: &Study<'_>, used: ValueRef) -> bool {
    let member = study.program.parent(used);
    let call = member.and_then(|member| study.program.parent(member));
    call.is_some_and(|call| is_plain_end(study, call) && study.program.receiver(call) == Some(used))
}

/// Whether a use of a span makes it current, which tells it nothing.
fn activates_it(study: &Study<'_>, used: ValueRef) -> bool {
    let makes_current = |call: ValueRef| study.fact(call).is_some_and(|fact| fact.effect.activates.is_some());
    let Some(parent) = study.program.parent(used) else { return false };
    makes_current(parent) || study.program.parent(parent).is_some_and(makes_current)
}

/// Whether a use of a span only asks whether there is one.
fn is_compared(study: &Study<'_>, used: ValueRef) -> bool {
    let parent = study.program.parent(used).map(|parent| study.program.expr_kind(parent));
    matches!(parent, Some(ExprKind::Binary { .. }))
}

/// Whether a call may tell a span of an error: it works on one, takes the current one, or is given a context and is not
/// seen to tell its span of none.
fn may_tell(study: &Study<'_>, call: ValueRef, fact: Option<&CallFact<'_>>) -> bool {
    let program = study.program;
    let callee = program.callee(call);
    if callee.functions.iter().any(|function| study.summary(*function).has(Summary::RECORDS)) {
        return true;
    }
    let gives_span = |fact: &CallFact<'_>| {
        fact.effect.returns.first().and_then(|ty| program.role(*ty)) == Some(TypeRole::Span)
            && (fact.effect.derives == Some(Slot::Ambient) || fact.effect.context_of == Some(Slot::Ambient))
    };
    if fact.is_some_and(gives_span) {
        return true;
    }
    // What asks another service or a database has a span of its own, or none.
    let is_known = fact.is_some_and(|fact| fact.effect.hop.is_some()) || !callee.functions.is_empty();
    let given = study.slot(call, Slot::AnyArg).into_iter().chain(program.receiver(call));
    given.into_iter().any(|value| match program.role_of(value) {
        Some(TypeRole::Span) => fact.is_none_or(|fact| fact.effect.activates.is_none()),
        Some(TypeRole::Context) => study.language() == Language::Go && !is_known,
        _ => false,
    })
}

/// Whether a value was got from a call that was given a context: a logger that may write to its span.
fn holds(study: &Study<'_>, value: ValueRef, informed: &FxHashSet<ValueRef>) -> bool {
    study.program.reaching(value).iter().any(|def| match study.program.def(value.file, *def).kind {
        DefKind::Value { value: made, index: None } => informed.contains(&ValueRef { expr: made, ..value }),
        _ => false,
    })
}
