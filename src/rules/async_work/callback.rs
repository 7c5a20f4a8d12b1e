//! Callbacks that a client runs once its answer is there.

use crate::knowledge::{HopKind, Slot, Spawn, SpawnKind, TypeRole};
use crate::link::{Origin, ValueRef};
use crate::rules::clients::{Lives, is_plain_client, is_traced_client};
use crate::study::{CallFact, Study};

/// Whether a call that may be given a callback is given none.
pub(super) fn is_left_out(study: &Study<'_>, fact: &CallFact<'_>, spawn: Spawn) -> bool {
    spawn.kind == SpawnKind::Callback && study.slot(fact.call, spawn.task).is_empty()
}

/// Whether nothing puts the context back around a callback: an instrumented client wraps it, as do clients that run
/// callbacks on executors which carry contexts.
pub(super) fn is_run_plainly(lives: &Lives<'_, '_>, fact: &CallFact<'_>) -> bool {
    let study = lives.study;
    let Some(asked) = request(study, fact) else { return !is_of_request(study, fact) };
    (is_plain_client(lives, asked) || is_made_in_sight(lives, asked)) && !is_given_executor(study, fact)
}

/// Whether a client is made by its library's own constructor, and nothing that is seen instruments it: its settings may
/// name an interceptor, which sees what is sent and not the callback.
fn is_made_in_sight(lives: &Lives<'_, '_>, asked: &CallFact<'_>) -> bool {
    let study = lives.study;
    let clients = asked.effect.hop.map(|hop| study.slot(asked.call, hop.client)).unwrap_or_default();
    let mut origins = clients.into_iter().flat_map(|client| study.program.origins(client, true)).peekable();
    let is_made = |origin: Origin| match origin {
        Origin::Call(call, _) => study.fact(call).is_some_and(|fact| fact.effect.makes.is_some()),
        _ => false,
    };
    asked.effect.hop.is_some_and(|hop| hop.kind == HopKind::Produce)
        && !is_traced_client(lives, asked)
        && origins.peek().is_some()
        && origins.all(is_made)
}

/// The call that crosses to the other end: the one that is given the callback, or the one that made the request which is.
fn request<'a, 's>(study: &'s Study<'a>, fact: &'s CallFact<'a>) -> Option<&'s CallFact<'a>> {
    if fact.effect.hop.is_some() {
        return Some(fact);
    }
    let receiver = study.program.receiver(fact.call)?;
    let hop = |call: ValueRef| study.fact(call).filter(|found| found.effect.hop.is_some());
    study.program.origins(receiver, true).into_iter().find_map(|origin| match origin {
        Origin::Call(call, _) => hop(call),
        _ => None,
    })
}

/// Whether a callback is given to a request, so that the client that made it runs the callback.
fn is_of_request(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let program = study.program;
    let receiver = program.receiver(fact.call).and_then(|receiver| program.type_of(receiver));
    receiver.and_then(|ty| program.role(ty)) == Some(TypeRole::Request)
}

/// Whether a client of the library is given an executor of the service's own anywhere in the unit.
fn is_given_executor(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let program = study.program;
    let unit = program.files[fact.call.file as usize].source.unit;
    let makes_executor = |other: &CallFact<'_>| {
        let made = program.type_of(other.call).and_then(|ty| program.role(ty));
        other.library.id == fact.library.id
            && made == Some(TypeRole::Executor)
            && !study.slot(other.call, Slot::Arg(0)).is_empty()
    };
    study.calls_of_unit(unit).any(makes_executor)
}
