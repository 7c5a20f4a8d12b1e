//! Whether the executor that work is handed to takes the context along.

use super::task;
use crate::ir::{ExprKind, Language};
use crate::knowledge::Slot;
use crate::link::{Origin, ValueRef};
use crate::study::{CallFact, Study, is_given_plain_executors};

/// How an executor stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Executor {
    /// It carries the context.
    Carries,
    /// It does not; the place where it is made, if there is one.
    Plain(Option<ValueRef>),
    /// Where it comes from is not seen.
    Unknown,
}

/// Judges the executor of a spawning call.
pub(super) fn judge(study: &Study<'_>, fact: &CallFact<'_>, slot: Slot) -> Executor {
    if slot == Slot::None {
        return Executor::Plain(None);
    }
    let values = study.slot(fact.call, slot);
    let mut made = None;
    for value in values {
        if matches!(study.program.expr_kind(value), ExprKind::Lit(_)) {
            continue;
        }
        if task::carried(study, value) {
            return Executor::Carries;
        }
        for origin in study.program.origins(value, true) {
            match origin {
                Origin::Call(call, _) if study.fact(call).is_some() => made = made.or(Some(call)),
                Origin::Literal(literal) if matches!(study.program.expr_kind(literal), ExprKind::Lit(_)) => {}
                Origin::Param(function, _) if is_given_plain_executors(study, function) => {}
                _ if study.language() == Language::Python => {}
                _ => return Executor::Unknown,
            }
        }
    }
    match made {
        Some(call) if instrumented_later(study, call) => Executor::Carries,
        made => Executor::Plain(made),
    }
}

/// Whether some call on the same instance makes it carry the context.
fn instrumented_later(study: &Study<'_>, made: ValueRef) -> bool {
    study
        .calls()
        .iter()
        .filter(|fact| study.program.files[fact.call.file as usize].source.unit == unit(study, made))
        .any(|fact| {
            let Some(slot) = fact.effect.instruments.or(fact.effect.carries) else { return false };
            let same = |value: ValueRef| study.program.origins(value, true).contains(&Origin::Call(made, 0));
            study.slot(fact.call, slot).into_iter().any(same)
        })
}

fn unit(study: &Study<'_>, value: ValueRef) -> usize {
    study.program.files[value.file as usize].source.unit
}
