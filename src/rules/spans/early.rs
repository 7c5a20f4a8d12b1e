//! Spans that are over before the asynchronous work that they stand for.

use super::life::{Fate, Finish, Life};
use super::starts::{Start, Starts, assumption, judged};
use super::streamed::shown;
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, Language, Span, StmtKind};
use crate::knowledge::{Slot, SpawnKind, TypeRole};
use crate::link::{FuncRef, Step, ValueRef};
use crate::rules::Verdicts;
use crate::study::{Study, Summary, functions_of};
use rustc_hash::FxHashSet;
use ustr::Ustr;

/// How many calls of a chain are looked at.
const MAX_CHAIN: usize = 12;

/// Finds spans that are ended on the way out of the method that starts asynchronous work.
pub(super) fn check(life: &Life<'_, '_>, starts: &Starts, out: &mut Verdicts) {
    let study = life.study;
    if study.language() != Language::Java {
        return;
    }
    let futures = future_types(study);
    for (start, fate) in &starts.all {
        let Some(confidence) = judged(study, start.call) else { continue };
        let Some(end) = on_the_way_out(study, start.call, fate) else { continue };
        let late = callback_end(study, start.call, fate).map(Late::End);
        let late = late.map(|late| (late, confidence)).or_else(|| {
            let work = returned_work(study, &futures, end)?;
            // What comes from elsewhere may be done at once.
            let is_foreign = study.fact(work).is_none() && study.program.callee(work).functions.is_empty();
            Some((Late::Work(work), if is_foreign { Confidence::Likely } else { confidence }))
        });
        out.findings.extend(late.map(|(late, confidence)| finding(study, start.call, end, late, confidence)));
    }
    scoped(study, life, out);
}

/// Scopes that end their span when they are closed, around work whose callback ends it again.
fn scoped(study: &Study<'_>, life: &Life<'_, '_>, out: &mut Verdicts) {
    let closing = Life::new(study, life.uses, Finish::Close);
    let mut seen = FxHashSet::default();
    for (start, fate) in &Starts::new(&closing).all {
        let owns = study.fact(start.call).and_then(|fact| fact.effect.span).is_some_and(|span| span.current);
        let Some(confidence) = judged(study, start.call).filter(|_| owns) else { continue };
        let Some(end) = fate.entered.or_else(|| on_the_way_out(study, start.call, fate)) else { continue };
        let Some(handle) = current_span(study, start.call) else { continue };
        let whole = Start { call: handle, index: 0, derived: None, origin: handle, wrapped: false };
        let Some(work) = callback_end(study, start.call, &life.fate(&whole)) else { continue };
        if seen.insert(start.call) {
            out.findings.push(finding(study, start.call, end, Late::End(work), confidence));
        }
    }
}

/// The call right after a scoped start that asks for the span that the start made current.
fn current_span(study: &Study<'_>, start: ValueRef) -> Option<ValueRef> {
    let function = study.program.function_at(start);
    let from = study.program.expr(start).span.end;
    let after = study.calls_in(function).filter(|fact| study.program.expr(fact.call).span.start >= from);
    let first = after
        .filter(|fact| {
            fact.effect.span.is_some()
                || fact.effect.returns.first().and_then(|ty| study.program.role(*ty)) == Some(TypeRole::Span)
        })
        .min_by_key(|fact| study.program.expr(fact.call).span.start)?;
    let asks = first.effect.span.is_none() && first.effect.context_of.is_some();
    asks.then_some(first.call)
}

/// The call that ends a span whatever happens, in the function that started it: in a `finally`.
fn on_the_way_out(study: &Study<'_>, start: ValueRef, fate: &Fate) -> Option<ValueRef> {
    let function = study.program.function_at(start);
    let mut ends = fate.finishes.iter().copied();
    ends.find(|end| study.program.function_covering(*end) == function && finally_around(study, *end).is_some())
}

/// The protected part of the `try` in whose `finally` a call stands directly.
fn finally_around(study: &Study<'_>, call: ValueRef) -> Option<Span> {
    let facts = &study.program.files.get(call.file as usize)?.source.facts;
    let span = study.program.expr(call).span;
    let mut block = &*study.program.function(study.program.function_covering(call)).body;
    while let Some(stmt) = facts.statements(block).find(|stmt| stmt.span.contains(span)) {
        if let StmtKind::Try { body, finally, .. } = &stmt.kind
            && facts.statements(finally).any(|inner| inner.span.contains(span) && inner.kind.blocks().is_empty())
        {
            let first = facts.statements(body).next()?.span;
            let last = facts.statements(body).last()?.span;
            return Some(Span { start: first.start, end: last.end });
        }
        block = stmt
            .kind
            .blocks()
            .into_iter()
            .find(|block| facts.statements(block).any(|stmt| stmt.span.contains(span)))?;
    }
    None
}

/// An end of the same span in a callback: a function literal or method reference that is handed to a call.
fn callback_end(study: &Study<'_>, start: ValueRef, fate: &Fate) -> Option<ValueRef> {
    let program = study.program;
    let function = program.function_at(start);
    fate.finishes.iter().copied().find(|end| {
        if matches!(program.expr_kind(*end), ExprKind::MethodRef { .. }) {
            return is_argument(study, *end);
        }
        let inner = program.function_covering(*end);
        let literal = program.files.get(end.file as usize).and_then(|file| file.flow.closures.get(&inner.id));
        inner != function && literal.is_some_and(|expr| is_argument(study, ValueRef { file: end.file, expr: *expr }))
    })
}

fn is_argument(study: &Study<'_>, value: ValueRef) -> bool {
    let parent = study.program.parent(value).map(|parent| study.program.expr_kind(parent));
    matches!(parent, Some(ExprKind::Call { .. }))
}

/// The types of results that are there before the work behind them is done.
fn future_types(study: &Study<'_>) -> FxHashSet<Ustr> {
    let functions = study.program.knowledge.libraries().iter().flat_map(|library| &library.functions);
    let later = functions.filter(|function| function.spawns.is_some_and(|spawns| spawns.kind == SpawnKind::Future));
    later.filter_map(|function| function.returns.first().copied()).filter(|ty| !ty.is_empty()).collect()
}

/// The asynchronous work that is returned from inside the `try` whose `finally` ends the span.
fn returned_work(study: &Study<'_>, futures: &FxHashSet<Ustr>, end: ValueRef) -> Option<ValueRef> {
    let program = study.program;
    let function = program.function_covering(end);
    if !returns_future(study, futures, function) {
        return None;
    }
    let range = finally_around(study, end)?;
    let file = program.files.get(end.file as usize)?;
    let mut returned = file.flow.returns_of(function.id).flat_map(|found| &found.values);
    returned.find_map(|expr| {
        let value = ValueRef { file: end.file, expr: *expr };
        range.contains(program.expr(value).span).then(|| starts_work(study, futures, value)).flatten()
    })
}

fn returns_future(study: &Study<'_>, futures: &FxHashSet<Ustr>, function: FuncRef) -> bool {
    let result = study.program.function(function).results.first();
    result.is_some_and(|ty| futures.contains(&study.program.type_ref(function.file, ty)))
}

/// The call in a chain that starts asynchronous work: a library's, or one of the service's own functions that returns
/// a future and goes out of the process or onto another thread.
fn starts_work(study: &Study<'_>, futures: &FxHashSet<Ustr>, value: ValueRef) -> Option<ValueRef> {
    let goes_out = Summary::CALLS_OUT | Summary::PRODUCES | Summary::SPAWNS;
    let (mut at, mut is_direct) = (value, true);
    for _ in 0..MAX_CHAIN {
        if study.fact(at).is_some_and(|fact| fact.effect.spawns.is_some_and(|spawns| spawns.kind == SpawnKind::Future))
        {
            return Some(at);
        }
        let functions = &study.program.callee(at).functions;
        let mut own = functions.iter().filter(|function| returns_future(study, futures, **function));
        if own.any(|function| study.summary(*function).has(goes_out))
            || is_direct && functions.is_empty() && is_foreign(study, at)
        {
            return Some(at);
        }
        at = match study.program.expr_kind(at) {
            ExprKind::Call { .. } => study.program.receiver(at)?,
            _ => match study.program.step(at) {
                Step::Values(values) if values.len() == 1 => {
                    // It may have been waited for since.
                    is_direct = false;
                    values.first().copied()?
                }
                _ => return None,
            },
        };
    }
    None
}

/// Whether a call asks a value of a type from elsewhere for what the function declares to hand out as a future: by what is
/// known of the type, by nothing else. A class of its own may hand out what is there already, unless it is given work that a
/// trace would show.
fn is_foreign(study: &Study<'_>, call: ValueRef) -> bool {
    let program = study.program;
    if study.fact(call).is_some() || !matches!(program.expr_kind(call), ExprKind::Call { .. }) {
        return false;
    }
    let (mut at, mut is_given_work) = (call, false);
    for _ in 0..MAX_CHAIN {
        let given = study.slot(at, Slot::AnyArg).into_iter().flat_map(|value| functions_of(study, value));
        is_given_work |= given.into_iter().any(|function| study.summary(function).has(shown()));
        let Some(receiver) = program.receiver(at) else { return false };
        match program.expr_kind(receiver) {
            ExprKind::Call { .. } => at = receiver,
            ExprKind::Name(name) | ExprKind::Member { name, .. } => {
                return is_given_work || !name.starts_with(|first: char| first.is_ascii_uppercase());
            }
            _ => return false,
        }
    }
    false
}

/// What comes after the span is over.
#[derive(Clone, Copy)]
enum Late {
    /// The work itself.
    Work(ValueRef),
    /// A second end, in the callback that runs when the work is done.
    End(ValueRef),
}

fn finding(study: &Study<'_>, start: ValueRef, end: ValueRef, late: Late, confidence: Confidence) -> Finding {
    let (Late::Work(work) | Late::End(work)) = late;
    let callee = study.callee_text(start);
    let function = study.function_name(study.program.function_at(start));
    let text = study.text(work);
    let mut finding = study.finding("span-ended-early", start, confidence);
    finding.message = match late {
        Late::Work(_) => format!("the span from `{callee}` is over when `{function}` returns, before `{text}` is done"),
        Late::End(_) => {
            format!(
                "the span from `{callee}` is over when `{function}` returns, so `{text}` in the callback is too late"
            )
        }
    };
    finding.label = "this span ends with the method, not with the work".to_owned();
    finding.effect = "the span shows how long it took to start the work, and what is set on it later, errors too, is \
                      ignored"
        .to_owned();
    finding.help = "end the span where the work completes, and on the way out only close the scope; where starting \
                    the work can throw, end it in a `catch`"
        .to_owned();
    finding.help += assumption(confidence);
    finding.confirm = "open a trace: the spans of the work end after this one, or start after it has ended".to_owned();
    finding.related.push(study.related(end, "ended here, on the way out"));
    let after = match late {
        Late::Work(_) => "still running, or still to run, then",
        Late::End(_) => "ends a span that is over",
    };
    finding.related.push(study.related(work, after));
    finding
}
