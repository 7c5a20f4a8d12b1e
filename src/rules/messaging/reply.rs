//! Answers to messages: what is sent to where a message asks its answer to go.

use crate::knowledge::Slot;
use crate::link::{Origin, Step, ValueRef};
use crate::study::{CallFact, Study};

/// How many values are looked at for where a message goes.
const MAX_VALUES: u32 = 40;

/// Whether a call sends the answer to a message that came in: whoever asked is still under the trace in which it did, and
/// takes the answer there.
pub(super) fn is_answer(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let carrier = fact.effect.hop.map_or(Slot::None, |hop| hop.carrier);
    let mut channels: Vec<ValueRef> =
        fact.effect.channel.iter().flat_map(|slot| study.slot(fact.call, *slot)).collect();
    for message in study.slot(fact.call, carrier) {
        for origin in study.program.origins(message, false) {
            let (Origin::Call(made, _) | Origin::Literal(made)) = origin else { continue };
            let Some(described) = study.fact(made) else { continue };
            channels.extend(described.effect.channel.iter().flat_map(|slot| study.slot(made, *slot)));
        }
    }
    let mut left = MAX_VALUES;
    !channels.is_empty() && channels.into_iter().all(|channel| is_asked_for(study, channel, &mut left))
}

/// Whether a value is where a message asks its answer to go, whoever hands it over.
fn is_asked_for(study: &Study<'_>, value: ValueRef, left: &mut u32) -> bool {
    let Some(rest) = left.checked_sub(1) else { return false };
    *left = rest;
    let program = study.program;
    match program.step(value) {
        Step::Field(owner, name) => program.knowledge.ty(owner).is_some_and(|(_, ty)| ty.reply_to.contains(&name)),
        Step::Values(values) => !values.is_empty() && values.into_iter().all(|next| is_asked_for(study, next, left)),
        Step::Param(function, n) => {
            let given = program.arguments(function, n);
            !given.is_empty() && given.into_iter().all(|next| is_asked_for(study, next, left))
        }
        _ => false,
    }
}
