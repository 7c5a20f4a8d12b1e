//! `log-without-context`: a log handler that adds the trace's ids, and hands out others that do not (Go).

use crate::finding::{Confidence, Finding};
use crate::knowledge::TypeRole;
use crate::link::{TypeIndex, ValueRef};
use crate::rules::Verdicts;
use crate::study::{CallFact, Study};
use rustc_hash::FxHashSet;
use ustr::Ustr;

/// A handler of the program's own, and what of the library's it embeds.
struct Handler<'a> {
    ty: TypeIndex,
    library: &'a str,
    /// The method that it has from there, which hands out a handler without what this one adds.
    lost_by: Ustr,
}

/// Finds handlers that are left behind as soon as a logger is made of another one.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    let mut seen = FxHashSet::default();
    for fact in study.calls().iter().filter(|fact| fact.effect.yields_id.is_some()) {
        let found = handler(study, fact).filter(|_| study.unit(fact.call.file).is_traced());
        if let Some(found) = found.filter(|found| seen.insert(found.ty)) {
            out.findings.push(finding(study, &found));
        }
    }
}

/// The handler whose method asks for an id of the trace, by a context and a record that it is given.
fn handler<'a>(study: &Study<'a>, fact: &CallFact<'_>) -> Option<Handler<'a>> {
    let program = study.program;
    let outer = program.outermost(fact.function);
    let ty = program.enclosing_type(outer)?;
    let count = program.function(outer).params.len() as u16;
    let role = |n| program.param_type(outer, n).and_then(|ty| program.role(ty));
    (count == 2 && role(0) == Some(TypeRole::Context)).then_some(())?;
    let own: FxHashSet<Ustr> =
        program.declared_methods(ty).into_iter().map(|method| program.function(method).name).collect();
    let embedded = program.type_decl(ty).fields.iter().filter(|field| field.embedded);
    let mut lost = embedded.filter_map(|field| {
        let (library, described) = program.knowledge.ty(program.type_ref(ty.file, field.ty.as_ref()?))?;
        let lost_by = *described.hands_out.iter().find(|method| !own.contains(*method))?;
        Some(Handler { ty, library: &library.id, lost_by })
    });
    lost.next()
}

/// A call that makes a logger of another one, by the same library.
fn logger_of_logger(study: &Study<'_>, library: &str) -> Option<ValueRef> {
    let program = study.program;
    let is_logger = |value: ValueRef| program.role_of(value) == Some(TypeRole::Logger);
    let mut calls = study.calls().iter().filter(|fact| fact.library.id == library && fact.effect.log.is_none());
    let made = calls.find(|fact| is_logger(fact.call) && program.receiver(fact.call).is_some_and(is_logger));
    made.map(|fact| fact.call)
}

fn finding(study: &Study<'_>, handler: &Handler<'_>) -> Finding {
    let decl = study.program.type_decl(handler.ty);
    let made = logger_of_logger(study, handler.library);
    let confidence = if made.is_some() { Confidence::Certain } else { Confidence::Likely };
    let place = study.program.place_of(handler.ty.file, decl.name_span);
    let mut found = study.finding_at("log-without-context", handler.ty.file, place, confidence);
    let (name, method) = (decl.name, handler.lost_by);
    found.message = format!("{name} has no {method} of its own: a logger made by it logs without the trace id");
    found.label = format!("{method} hands out the handler that is embedded here");
    found.effect =
        "records of every logger that is made of another one (With, WithGroup) have no trace id, whatever context they are given"
            .to_owned();
    found.help = format!("add {method}, and have it wrap what the embedded handler hands out in a {name}");
    found.confirm =
        "look for records of a logger that was made with attributes: they have no trace id, while others of the request have one"
            .to_owned();
    found.related.extend(made.map(|made| study.related(made, "a logger that is made of another one")));
    found
}
