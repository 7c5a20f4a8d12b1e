//! Every place where something starts that must be finished, the calls of the service's own helpers included.

use super::life::{Fate, Finish, Life, Returned};
use crate::finding::Confidence;
use crate::ir::ExprKind;
use crate::knowledge::{FunctionDescription, Slot, TypeRole};
use crate::link::{FuncRef, Origin, Step, ValueRef};
use crate::study::{CallFact, Inbound, Study, UnitView};
use rustc_hash::{FxHashMap, FxHashSet};

/// A value that must be finished.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    /// The call that hands it out.
    pub call: ValueRef,
    /// Which result it is.
    pub index: u8,
    /// Which result is the context with it.
    pub derived: Option<u8>,
    /// The library call behind it: itself, or what a helper calls.
    pub origin: ValueRef,
    /// It is inside one of the service's own objects.
    pub wrapped: bool,
}

/// All starts with what becomes of them.
#[derive(Debug, Default)]
pub(super) struct Starts {
    /// In file order.
    pub all: Vec<(Start, Fate)>,
    known: FxHashMap<ValueRef, u8>,
}

fn result(slot: Slot) -> Option<u8> {
    match slot {
        Slot::Result(n) => Some(n),
        _ => None,
    }
}

fn library_starts(study: &Study<'_>, finish: Finish) -> Vec<Start> {
    let mut out = Vec::new();
    for fact in study.calls().iter().filter(|fact| !begins_its_receiver(study, fact)) {
        let returns_scope = fact.effect.returns.first().and_then(|ty| study.program.role(*ty)) == Some(TypeRole::Scope);
        let (index, derived) = match finish {
            Finish::End => {
                match fact.effect.span.filter(|span| span.must_end && (!span.unbegun || is_begun(study, fact))) {
                    Some(span) => (result(span.span), result(span.derived)),
                    None => continue,
                }
            }
            Finish::Close if returns_scope && (fact.effect.activates.is_some() || fact.effect.span.is_some()) => {
                (Some(0), None)
            }
            Finish::Close => continue,
        };
        if let Some(index) = index {
            out.push(Start { call: fact.call, index, derived, origin: fact.call, wrapped: false });
        }
    }
    out
}

/// Whether a call of its own begins the span in a variable, as `observation.start();` does, which hands back the variable
/// for chains: what becomes of the variable is not seen from the call.
fn begins_its_receiver(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let program = study.program;
    let is_variable = |value: &ValueRef| {
        matches!(program.expr_kind(*value), ExprKind::Name(_) | ExprKind::Member { .. })
            && program.type_of(*value) == fact.effect.returns.first().copied()
    };
    fact.site.dropped
        && !fact.effect.returns.is_empty()
        && program.receiver(fact.call).as_ref().is_some_and(is_variable)
}

/// How many calls of a chain are followed from where a span begins to where it was made.
const MAX_CHAIN: usize = 8;

/// Whether a span that a call only makes begins in the same function, or is made current there.
fn is_begun(study: &Study<'_>, made: &CallFact<'_>) -> bool {
    let within = study.with_nested(study.program.outermost(made.function));
    let facts = within.into_iter().flat_map(|function| study.calls_in(function));
    let mut begun = facts.filter_map(|fact| Some((fact.call, fact.effect.begins.or(fact.effect.activates)?)));
    begun.any(|(call, slot)| study.slot(call, slot).into_iter().any(|value| comes_from(study, value, made.call)))
}

/// Whether a value is what a call handed out, or got from that by methods that hand on their receiver.
fn comes_from(study: &Study<'_>, value: ValueRef, made: ValueRef) -> bool {
    let mut work = vec![value];
    for _ in 0..MAX_CHAIN {
        let calls: Vec<ValueRef> = work
            .iter()
            .flat_map(|value| study.program.origins(*value, false))
            .filter_map(|origin| match origin {
                Origin::Call(call, _) => Some(call),
                _ => None,
            })
            .collect();
        if calls.contains(&made) {
            return true;
        }
        let derived = |call: &ValueRef| Some(study.slot(*call, study.fact(*call)?.effect.derives?));
        work = calls.iter().filter_map(derived).flatten().collect();
        if work.is_empty() {
            break;
        }
    }
    false
}

/// Whether a function hands back only what was started, so that whoever calls it knows that it must be finished: not the
/// span that is current, or a new one where there is none.
fn hands_back_starts(study: &Study<'_>, function: FuncRef, index: u8, known: &FxHashMap<ValueRef, u8>) -> bool {
    let Some(file) = study.program.files.get(function.file as usize) else { return false };
    let mut returned = file.flow.returns_of(function.id).filter_map(|found| match &found.values[..] {
        [only] => Some(*only),
        several => several.get(index as usize).copied(),
    });
    // The current span is nobody's to end, whoever finds it.
    returned.all(|expr| {
        let calls = calls_behind(study, ValueRef { file: function.file, expr }, MAX_CHAIN);
        calls.into_iter().all(|call| known.contains_key(&call) || !lends(study, call, MAX_LENDERS))
    })
}

/// The calls whose results a value may be.
fn calls_behind(study: &Study<'_>, value: ValueRef, steps: usize) -> Vec<ValueRef> {
    let Some(rest) = steps.checked_sub(1) else { return Vec::new() };
    match study.program.step(value) {
        Step::Call(call, _) => vec![call],
        Step::Values(values) => {
            let others = values.into_iter().filter(|next| *next != value);
            others.flat_map(|next| calls_behind(study, next, rest)).collect()
        }
        _ => Vec::new(),
    }
}

/// How many calls deep a function of the program's own is asked whether it hands out the current span.
const MAX_LENDERS: u8 = 3;

/// Whether a call hands out the span that is current, itself or by a function of the program's own.
fn lends(study: &Study<'_>, call: ValueRef, depth: u8) -> bool {
    if let Some(effect) = study.fact(call).map(|fact| fact.effect) {
        let FunctionDescription { context_of, span, derives, returns, stands_in, .. } = effect;
        let is_span = returns.first().and_then(|ty| study.program.role(*ty)) == Some(TypeRole::Span);
        // What a method of the span hands back for chains is the span itself; what stands in for one bears being ended.
        let is_other = span.is_none() && *derives != Some(Slot::Receiver) && !stands_in;
        return context_of.is_some() || (is_span && is_other);
    }
    let Some(rest) = depth.checked_sub(1) else { return false };
    let program = study.program;
    // `asSpan(SpanFromContext(ctx))`
    let given = study.slot(call, Slot::AnyArg).into_iter().flat_map(|value| calls_behind(study, value, MAX_CHAIN));
    if given.into_iter().any(|inner| inner != call && lends(study, inner, rest)) {
        return true;
    }
    program.callee(call).functions.iter().any(|function| {
        let Some(file) = program.files.get(function.file as usize) else { return false };
        let mut returned = file.flow.returns_of(function.id).flat_map(|found| &found.values);
        returned.any(|expr| {
            let calls = calls_behind(study, ValueRef { file: function.file, expr: *expr }, MAX_CHAIN);
            calls.into_iter().any(|inner| inner != call && lends(study, inner, rest))
        })
    })
}

impl Starts {
    /// Finds the starts and follows each.
    pub(super) fn new(life: &Life<'_, '_>) -> Self {
        let mut work = library_starts(life.study, life.finish);
        let mut factories: FxHashSet<(FuncRef, u8)> = FxHashSet::default();
        let mut out = Self::default();
        let mut seen = FxHashSet::default();
        while let Some(start) = work.pop() {
            if !seen.insert((start.call, start.index)) {
                continue;
            }
            out.known.insert(start.call, start.index);
            let fate = life.fate(&start);
            if !fate.finished && !fate.escapes && !fate.yielded {
                for returned in &fate.returned {
                    let starts = hands_back_starts(life.study, returned.function, returned.index, &out.known);
                    if starts && factories.insert((returned.function, returned.index)) {
                        let contexts = fate.contexts.iter().filter(|(function, _)| *function == returned.function);
                        let derived = contexts.map(|(_, index)| *index).find(|index| *index != returned.index);
                        let like = Start { derived, wrapped: returned.wrapped, ..start };
                        work.extend(helper_starts(life.study, *returned, like, &factories));
                    }
                }
            }
            out.all.push((start, fate));
        }
        out.all
            .sort_by_key(|(start, _)| (start.call.file, life.study.program.expr(start.call).span.start, start.index));
        out
    }

    /// Whether a function finishes something of which the start isn't seen, so that it may be any of its values.
    pub(super) fn finishes_unknown(&self, study: &Study<'_>, finish: Finish, function: FuncRef) -> bool {
        let within = study.with_nested(study.program.outermost(function));
        let facts = within.into_iter().flat_map(|function| study.calls_in(function));
        facts.filter_map(|fact| Some((fact.call, finish.slot(fact.effect)?))).any(|(call, slot)| {
            study.slot(call, slot).into_iter().any(|value| {
                let origins = study.program.origins(value, false);
                origins.into_iter().any(|origin| match origin {
                    Origin::Call(call, index) => self.known.get(&call) != Some(&index),
                    Origin::Literal(_) => false,
                    _ => true,
                })
            })
        })
    }
}

fn helper_starts(
    study: &Study<'_>,
    Returned { function, index, .. }: Returned,
    like: Start,
    factories: &FxHashSet<(FuncRef, u8)>,
) -> Vec<Start> {
    let decl = study.program.function(function);
    if decl.flags.is_generator || decl.flags.is_abstract || decl.flags.is_constructor || !decl.annotations.is_empty() {
        return Vec::new();
    }
    let callers = study.program.callers(function).iter().filter(|call| {
        study.program.callee(**call).functions.iter().all(|function| factories.contains(&(*function, index)))
    });
    callers.map(|call| Start { call: *call, index, ..like }).collect()
}

/// How sure a finding about what this call leaves open can be; `None` where it lasts as long as the process, or as for
/// `judged_anywhere`.
pub(super) fn judged(study: &Study<'_>, call: ValueRef) -> Option<Confidence> {
    let lasts = study.starts_process(study.program.function_covering(call));
    judged_anywhere(study, call).filter(|_| !(lasts && is_root(study, call)))
}

/// How sure a finding about this call can be that what starts the process bears no more than others do, such as a span
/// that ends before its work; `None` where nothing in the workspace traces, or not in the commands that run it. What runs
/// from roots loses its spans as surely as what serves requests. A unit without a tracer of its own that starts spans is
/// assumed to run inside one of the workspace's traced services, or under what sets the API up that it makes them by.
pub(super) fn judged_anywhere(study: &Study<'_>, call: ValueRef) -> Option<Confidence> {
    if is_root(study, call) && study.is_in_untraced_command(study.program.function_covering(call)) {
        return None;
    }
    if study.unit(call.file).is_traced() {
        return Some(Confidence::Certain);
    }
    let is_traced = |unit: &&UnitView| unit.language == study.language() && unit.is_traced();
    let is_set_up = study.unit(call.file).sign.is_some() || study.units.iter().any(|unit| is_traced(&unit));
    is_set_up.then_some(Confidence::Likely)
}

/// Whether no request leads to a call.
fn is_root(study: &Study<'_>, call: ValueRef) -> bool {
    study.inbound(study.program.function_covering(call)) == Inbound::Root
}

/// The words that name the assumption behind a likely finding.
pub(super) fn assumption(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Certain => "",
        _ => " (assuming that what this code runs in is traced)",
    }
}
