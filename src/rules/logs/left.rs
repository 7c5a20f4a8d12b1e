//! `wrong-id`: a filter puts an id into the logging context for some requests, and nothing takes it away again, so that the next
//! request on that thread which brings none is logged under it.

use crate::facts::Piece;
use crate::finding::{Confidence, Finding};
use crate::ir::{Language, StmtKind};
use crate::knowledge::Slot;
use crate::link::ValueRef;
use crate::rules::Verdicts;
use crate::rules::async_work::{RUNNERS, stands_before};
use crate::study::{CallFact, Study, is_aside};

/// Reports what filters leave in the logging context.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    if study.language() != Language::Java {
        return;
    }
    for fact in study.calls().iter().filter(|fact| fact.effect.puts_mdc && !fact.effect.copies_mdc) {
        if fact.effect.span.is_some() || fact.site.managed || !fact.site.dropped {
            continue;
        }
        let Some(name) = name(study, fact.call) else { continue };
        let function = study.program.outermost(fact.function);
        let is_left = || !is_put_always(study, fact, &name) && !is_taken_away(study, &name);
        if function == fact.function
            && !is_aside(&study.program.place(fact.call).path)
            && stands_before(study, function)
            && is_left()
        {
            out.findings.push(finding(study, fact.call, &name));
        }
    }
}

/// The one name under which a call puts something.
fn name(study: &Study<'_>, call: ValueRef) -> Option<String> {
    let given = study.slot(call, Slot::Arg(0));
    let texts: Vec<_> = given.into_iter().flat_map(|value| study.texts(value)).collect();
    match texts.as_slice() {
        [text] => match text.0.as_slice() {
            [Piece::Literal(name)] => Some(name.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// Whether every request puts something under the name: the call stands under no condition, or the other branch of it does so
/// too.
fn is_put_always(study: &Study<'_>, put: &CallFact<'_>, key: &str) -> bool {
    let program = study.program;
    let span = program.expr(put.call).span;
    let facts = &program.files[put.call.file as usize].source.facts;
    let within = program.function(put.function).span;
    let under = |block: &[u32]| facts.statements(block).any(|stmt| stmt.span.contains(span));
    let mut inside = facts.stmts.iter().filter(|stmt| within.contains(stmt.span));
    let is_chosen = inside.any(|stmt| match &stmt.kind {
        StmtKind::If { then, otherwise, .. } => under(then) || under(otherwise),
        _ => false,
    });
    // Another call puts it where this one does not.
    let mut others = study.calls_in(put.function).filter(|fact| fact.effect.puts_mdc && fact.call != put.call);
    !is_chosen || others.any(|fact| name(study, fact.call).is_none_or(|other| other == key))
}

/// Whether anything in the tree takes an id of this name, or of one that is not seen, out of the logging context.
fn is_taken_away(study: &Study<'_>, key: &str) -> bool {
    // What a task does at its end is about the thread of the task.
    let is_task = |fact: &CallFact<'_>| {
        let copies = || study.calls_in(fact.function).any(|other| other.effect.copies_mdc);
        study.program.outermost(fact.function) != fact.function && copies()
            || RUNNERS.contains(&study.program.function(fact.function).name.as_str())
    };
    let takes = |fact: &CallFact<'_>| {
        let replaces = fact.effect.copies_mdc && !study.slot(fact.call, Slot::Arg(0)).is_empty();
        let clears = || fact.effect.clears_mdc && name(study, fact.call).is_none_or(|other| other == key);
        (replaces || clears()) && !is_task(fact)
    };
    study.calls().iter().any(takes)
}

fn finding(study: &Study<'_>, put: ValueRef, key: &str) -> Finding {
    let mut out = study.finding("wrong-id", put, Confidence::Certain);
    out.message =
        format!("`{key}` is put into the logging context for some requests only, and stays on the thread afterwards");
    out.label = "never taken away".to_owned();
    out.effect = "A later request on this thread, for which none is put, is logged under the id of this one".to_owned();
    out.help = format!("remove `{key}` in a `finally` around the rest of the chain, or put it by `putCloseable`");
    out.confirm =
        "send one request with the id and one without through one thread: the records of both bear the id".to_owned();
    out
}
