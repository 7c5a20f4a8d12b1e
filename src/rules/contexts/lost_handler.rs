//! `log-without-context`: a log handler that adds the trace's ids, and hands out others that do not (Go).

use crate::finding::{Confidence, Finding};
use crate::ir::ExprKind;
use crate::knowledge::TypeRole;
use crate::link::{TypeIndex, ValueRef};
use crate::rules::Verdicts;
use crate::study::{CallFact, Inbound, Study};
use rustc_hash::FxHashSet;
use ustr::Ustr;

/// A handler of the program's own that embeds a library's.
struct Handler {
    ty: TypeIndex,
    /// The method that it has from there, which hands out a handler without what this one adds.
    lost_by: Ustr,
    /// A call by which a logger asks for that.
    asked_at: ValueRef,
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
fn handler(study: &Study<'_>, fact: &CallFact<'_>) -> Option<Handler> {
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
        let (_, described) = program.knowledge.ty(program.type_ref(ty.file, field.ty.as_ref()?))?;
        let mut missing = described.hands_out.iter().filter(|(method, _)| !own.contains(*method));
        missing.find_map(|(method, calls)| Some(Handler { ty, lost_by: *method, asked_at: asked_by(study, calls)? }))
    });
    lost.next()
}

/// The first call of the program by one of these names, outside of examples and of what runs in no trace.
fn asked_by(study: &Study<'_>, names: &[Ustr]) -> Option<ValueRef> {
    let is_it = |fact: &&CallFact<'_>| {
        study.program.callee(fact.call).name.is_some_and(|name| names.contains(&name))
            && !is_outside_traces(study, fact)
            && !study.is_aside(&study.program.place(fact.call).path)
    };
    study.calls().iter().find(is_it).map(|fact| fact.call)
}

/// Whether a logger is made in what only roots run, and nobody but its maker logs by it.
fn is_outside_traces(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let flow = &study.program.files[fact.call.file as usize].flow;
    let is_asked = |used: &crate::ir::ExprId| {
        let parent = study.program.parent(ValueRef { expr: *used, ..fact.call });
        parent.is_some_and(|parent| matches!(study.program.expr_kind(parent), ExprKind::Member { .. }))
    };
    let mut kept = flow.defs_from(fact.call.expr).map(|(_, def)| &flow.vars[def.var.0 as usize]).peekable();
    study.inbound(fact.function) == Inbound::Root
        && kept.peek().is_some()
        && kept.all(|local| local.uses.iter().all(is_asked))
}

fn finding(study: &Study<'_>, handler: &Handler) -> Finding {
    let decl = study.program.type_decl(handler.ty);
    let place = study.program.place_of(handler.ty.file, decl.name_span);
    let mut found = study.finding_at("log-without-context", handler.ty.file, place, Confidence::Certain);
    let (name, method) = (decl.name, handler.lost_by);
    found.message = format!("{name} has no {method} of its own: a logger made by it logs without the trace id");
    found.label = format!("{method} hands out the handler that is embedded here");
    let asked = study.callee_text(handler.asked_at);
    found.effect =
        format!("records of the loggers that `{asked}` makes have no trace id, whatever context they are given");
    found.help = format!("add {method}, and have it wrap what the embedded handler hands out in a {name}");
    found.confirm =
        "look for records of a logger that was made with attributes: they have no trace id, while others of the request have one"
            .to_owned();
    found.related.push(study.related(handler.asked_at, "a logger that is made of another one"));
    found
}
