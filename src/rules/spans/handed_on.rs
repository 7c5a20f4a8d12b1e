//! Spans that go on through the thread: what is called while one is current asks for the current span, keeps it in a field
//! of an object, and another function ends what is there.

use super::life::{Finish, Life};
use super::starts::Start;
use crate::knowledge::{Slot, TypeRole};
use crate::link::{FuncRef, Origin, Step, ValueRef};
use crate::study::{CallFact, Study};
use rustc_hash::FxHashSet;

/// How many functions are looked at below one that makes its span current.
const MAX_FUNCTIONS: usize = 400;

/// Whether a span may be ended by whom it is handed on to through the thread.
pub(super) fn is_handed_on(life: &Life<'_, '_>, start: Start) -> bool {
    if life.finish != Finish::End || !life.fate(&start).activated {
        return false;
    }
    let takers = takers(life.study);
    !takers.is_empty() && reaches(life.study, life.study.program.function_at(start.call), &takers)
}

/// The functions that ask for the current span, where another one ends what a field holds that came from there.
fn takers(study: &Study<'_>) -> FxHashSet<FuncRef> {
    let program = study.program;
    let ended = study.calls().iter().filter_map(|fact| Some((fact, fact.effect.ends?)));
    let ended =
        ended.flat_map(|(fact, slot)| study.slot(fact.call, slot).into_iter().map(|value| (fact.function, value)));
    let kept = ended.filter(|(_, value)| matches!(program.step(*value), Step::Field(..)));
    let asked = kept.flat_map(|(ender, value)| {
        let origins = program.origins(value, true).into_iter();
        origins.filter_map(move |origin| match origin {
            Origin::Call(call, _) if study.fact(call).is_some_and(|fact| asks_for_span(study, fact)) => {
                Some(program.function_at(call)).filter(|taker| *taker != ender)
            }
            _ => None,
        })
    });
    asked.collect()
}

/// Whether a call is one for the current span.
fn asks_for_span(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let effect = fact.effect;
    let is_ambient = [effect.context_of, effect.derives].contains(&Some(Slot::Ambient));
    let gives = effect.returns.first().and_then(|ty| study.program.role(*ty));
    is_ambient && effect.span.is_none() && gives == Some(TypeRole::Span)
}

/// Whether a function, with all that is written in it, leads to one of others along calls.
fn reaches(study: &Study<'_>, from: FuncRef, wanted: &FxHashSet<FuncRef>) -> bool {
    let mut seen = FxHashSet::default();
    let mut work = vec![from];
    while let Some(function) = work.pop() {
        if wanted.contains(&function) {
            return true;
        }
        if seen.len() == MAX_FUNCTIONS || !seen.insert(function) {
            continue;
        }
        for inner in study.with_nested(function) {
            let Some(file) = study.program.files.get(inner.file as usize) else { continue };
            for site in file.flow.calls_of(inner.id) {
                work.extend(&study.program.callee(ValueRef { file: inner.file, expr: site.expr }).functions);
            }
            work.extend((inner != function).then_some(inner));
        }
    }
    false
}
