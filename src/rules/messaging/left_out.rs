//! Libraries that a process-wide set-up leaves out while it instruments others.

use crate::finding::{Confidence, Finding};
use crate::ir::Language;
use crate::link::{Origin, ValueRef};
use crate::study::{CallFact, Study};

/// A finding for a message that is sent by a library which could be switched on where others are, and is not.
pub(super) fn judge(study: &Study<'_>, fact: &CallFact<'_>) -> Option<Finding> {
    if study.language() != Language::Python || study.outlives_request(fact.function) {
        return None;
    }
    // Where it is switched on in workers alone, nothing has left it out.
    if study.unit(fact.call.file).coverage(fact.library).is_some() {
        return None;
    }
    let switch = switch_near(study, fact)?;
    let made = client(study, fact);
    let sends = study.callee_text(fact.call);
    let library = &fact.library.title;
    let mut found = study.finding("produce-without-inject", made.unwrap_or(fact.call), Confidence::Likely);
    found.message = format!("`{sends}` sends without a trace: the tracing set-up leaves {library} out");
    found.label = format!("{library} is not instrumented");
    found.effect = "whoever handles the message starts a new trace".to_owned();
    found.help = format!(
        "for {library}: {} (assumed: the process that sends runs `{}`)",
        study.mend(fact),
        study.callee_text(switch)
    );
    found.confirm = "print the headers of one message at the consumer: there is no trace header".to_owned();
    found.related.push(study.related(switch, "other libraries are instrumented here"));
    if made.is_some() {
        found.related.push(study.related(fact.call, "a message leaves here"));
    }
    Some(found)
}

/// A call that switches another library on for the unit of a call, by the same means that could switch this one on.
fn switch_near(study: &Study<'_>, fact: &CallFact<'_>) -> Option<ValueRef> {
    let unit = study.unit(fact.call.file);
    let switchers = study.program.knowledge.libraries().iter();
    let able = |id: &str| {
        let mut same = switchers.clone().filter(|library| library.id == id);
        same.any(|library| library.functions.iter().any(|function| function.switches_on.contains(&fact.library.id)))
    };
    let found = study.calls().iter().find(|switch| {
        if switch.effect.switches_on.is_empty() || !able(&switch.library.id) {
            return false;
        }
        let place = study.program.place(switch.call);
        let line = study.program.files[switch.call.file as usize].source.facts.lines.line(place.span.start);
        let here = (place.path.to_string(), line);
        let covers = |library: &String| unit.covered.get(library).and_then(|found| found.at.as_ref()) == Some(&here);
        switch.effect.switches_on.iter().any(covers)
    });
    found.map(|switch| switch.call)
}

/// Where the client that sends is made, if that is seen.
fn client(study: &Study<'_>, fact: &CallFact<'_>) -> Option<ValueRef> {
    let slot = fact.effect.hop?.client;
    let value = study.slot(fact.call, slot).first().copied()?;
    let origins = study.program.origins(value, true);
    origins.into_iter().find_map(|origin| match origin {
        Origin::Call(call, 0) => study.fact(call).filter(|made| made.effect.makes.is_some()).map(|_| call),
        _ => None,
    })
}
