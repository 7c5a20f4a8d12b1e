//! Whether the instance that sends or receives is instrumented.

use crate::knowledge::{Slot, TypeRole};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::study::{CallFact, Study, Summary};

/// What is known of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instance {
    /// Something instruments it, or may.
    Instrumented,
    /// It is seen to be made, and nothing instruments it.
    Plain,
    /// It is not seen to be made, and nothing in the code instruments any of its kind.
    Unseen,
    /// Nothing can be said.
    Unknown,
}

/// Judges the instance behind a hop.
pub(super) fn instance(study: &Study<'_>, fact: &CallFact<'_>) -> Instance {
    let Some(hop) = fact.effect.hop else { return Instance::Unknown };
    if matches!(hop.client, Slot::None | Slot::Ambient) {
        return Instance::Plain;
    }
    let values = study.slot(fact.call, hop.client);
    let mut state = if values.is_empty() { unseen(study) } else { Instance::Plain };
    for value in values {
        match one(study, value) {
            Instance::Plain => {}
            Instance::Instrumented => return Instance::Instrumented,
            other => state = other,
        }
    }
    state
}

fn one(study: &Study<'_>, value: ValueRef) -> Instance {
    let program = study.program;
    if let Some(ty) = program.type_of(value)
        && program.knowledge.ty(ty).is_some_and(|(_, found)| found.instrumented)
    {
        return Instance::Instrumented;
    }
    let mut state = Instance::Plain;
    for origin in program.origins(value, true) {
        match origin {
            Origin::Call(call, _) | Origin::Literal(call) => {
                if made_instrumented(study, call) {
                    return Instance::Instrumented;
                }
                if study.fact(call).is_none() {
                    state = unseen(study);
                }
            }
            Origin::Param(..) | Origin::Field(..) | Origin::Unknown => state = unseen(study),
        }
    }
    state
}

/// Whether the call makes an instrumented value, or the function it stands in instruments anything.
fn made_instrumented(study: &Study<'_>, call: ValueRef) -> bool {
    let effect = study.effect_of(call);
    let function = study.program.outermost(study.program.function_at(call));
    effect.has(Summary::INSTRUMENTS) || (function.id.0 != 0 && instruments_near(study, function))
}

fn instruments_near(study: &Study<'_>, function: FuncRef) -> bool {
    study
        .with_nested(function)
        .into_iter()
        .any(|inner| study.calls_in(inner).any(|fact| is_messaging(study, fact) && fact.effect.instruments.is_some()))
}

fn unseen(study: &Study<'_>) -> Instance {
    let any = study.calls().iter().any(|fact| fact.effect.instruments.is_some() && is_messaging(study, fact));
    if any { Instance::Unknown } else { Instance::Unseen }
}

/// Whether an instrumenting call is about messages: by the types in it, or unknown ones.
fn is_messaging(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let role = |value: ValueRef| study.program.role_of(value);
    let about = |role: TypeRole| matches!(role, TypeRole::Producer | TypeRole::Consumer | TypeRole::Message);
    let mut roles = vec![role(fact.call)];
    roles.extend(study.slot(fact.call, Slot::AnyArg).into_iter().map(role));
    roles.extend(study.slot(fact.call, Slot::Receiver).into_iter().map(role));
    roles.into_iter().flatten().any(about) || makes_messaging(fact)
}

fn makes_messaging(fact: &CallFact<'_>) -> bool {
    let roles = fact.library.types.iter().map(|ty| ty.role);
    roles.into_iter().any(|role| matches!(role, TypeRole::Producer | TypeRole::Consumer | TypeRole::Message))
}
