//! `context-replaced` in a hook that a library runs for a message on its way out: the hook has the message and no
//! context, starts a span as a root and writes that root's ids over the message.

use super::forward::journey;
use crate::finding::{Confidence, Finding, Place, Related};
use crate::knowledge::TypeRole;
use crate::link::{FuncRef, ValueRef};
use crate::rules::Verdicts;
use crate::rules::clients::Lives;
use crate::study::{CallFact, Inbound, Study};

/// Finds hooks that put a fresh trace into the messages of others.
pub(super) fn check(lives: &Lives<'_, '_>, out: &mut Verdicts) {
    let study = lives.study;
    for fact in study.calls().iter().filter(|fact| fact.effect.root_context) {
        if study.unit(fact.call.file).is_traced() {
            out.findings.extend(judge(lives, fact));
        }
    }
}

fn judge(lives: &Lives<'_, '_>, fact: &CallFact<'_>) -> Option<Finding> {
    let study = lives.study;
    let program = study.program;
    let function = fact.function;
    let is_hook = program.callers(function).is_empty() && program.enclosing_type(function).is_some();
    if !is_hook || study.context_param(function).is_some() || study.inbound(function) == Inbound::Root {
        return None;
    }
    let (name, place) = message_param(study, function)?;
    let went = journey(lives, fact.call);
    let starts = |call: &&ValueRef| study.fact(**call).is_some_and(|fact| fact.effect.span.is_some());
    let start = *went.sinks.iter().find(starts).filter(|_| !went.rebound && !went.escapes)?;
    let inject = study.calls_in(function).find(|other| other.effect.inject.is_some())?;
    if study.calls_in(function).any(|other| other.effect.extract.is_some()) {
        return None;
    }
    let mut finding = study.finding("context-replaced", fact.call, Confidence::Likely);
    let fresh = study.text(fact.call);
    finding.message = format!("this span starts from {fresh}, and its ids go out in `{name}` instead of the sender's");
    finding.label = "a new trace starts here".to_owned();
    finding.effect = format!("who receives `{name}` continues a trace of one span, the sender's trace ends before it");
    finding.help = format!(
        "inject where `{name}` is built, with the sender's context, and start this span from what the propagator's \
         Extract reads from `{name}` (assumes that messages are sent inside a trace)"
    );
    finding.confirm = "send one message from a traced request: the receiver's spans have another trace id".to_owned();
    finding.related = vec![
        Related { place, message: "the message of a sender comes in".to_owned() },
        study.related(start, "the span is a root"),
        study.related(inject.call, "its ids are written to what is sent"),
    ];
    Some(finding)
}

/// The parameter by which a library hands a message to the function.
fn message_param(study: &Study<'_>, function: FuncRef) -> Option<(ustr::Ustr, Place)> {
    let program = study.program;
    let params = program.function(function).params.iter().enumerate();
    params
        .filter(|(n, _)| {
            let ty = program.param_type(function, *n as u16);
            ty.and_then(|ty| program.role(ty)) == Some(TypeRole::Message)
        })
        .map(|(_, param)| (param.name, program.place_of(function.file, param.span)))
        .next()
}
