//! Who hands work over, and whether a trace is there at that moment.

use crate::finding::Related;
use crate::ir::Language;
use crate::knowledge::{AnnotationRole, LibraryDescription, TypeRole};
use crate::link::FuncRef;
use crate::study::{Inbound, Study, annotation_role};

/// How far callers are followed.
const MAX_CALLERS: usize = 60;

/// Why a trace is there where work is handed over, as a related place; `None` when none is known to be.
pub(super) fn trace(study: &Study<'_>, function: FuncRef) -> Option<Related> {
    if starts_up(study, function) {
        return None;
    }
    match study.inbound(function) {
        Inbound::Root => None,
        Inbound::Entry(place) => Some(Related { place, message: "the trace comes in here".to_owned() }),
        Inbound::Below(above) => Some(entry(study, above)),
        Inbound::Takes => {
            let param = study.context_param(function)?;
            Some(Related { place: param.place, message: format!("`{}` brings the trace", param.name) })
        }
        Inbound::Unknown => {
            started(study, function).or_else(|| handed_span(study, function)).or_else(|| spans_around(study, function))
        }
    }
}

/// Whether a function runs in a process in which all that traces its service finds the context of the current invocation on
/// any thread.
pub(super) fn finds_context_anywhere(study: &Study<'_>, function: FuncRef) -> bool {
    let unit = study.unit(function.file);
    let mut active = unit.stacks.iter().filter(|found| found.active).peekable();
    let page = |id: &str| crate::services::stacks().iter().find(|page| page.id == id);
    if active.peek().is_none() {
        return false;
    }
    let pages: Option<Vec<_>> = active.map(|found| page(&found.stack)).collect();
    let Some(pages) = pages.filter(|pages| pages.iter().all(|page| !page.on_any_thread.is_empty())) else {
        return false;
    };
    let library = entry_library(study, function);
    library.is_some_and(|library| pages.iter().all(|page| page.on_any_thread.contains(&library.id)))
}

/// The library that calls the entry above a function, by the type that the entry overrides a method of.
fn entry_library<'a>(study: &Study<'a>, function: FuncRef) -> Option<&'a LibraryDescription> {
    let program = study.program;
    let mut at = program.outermost(function);
    for _ in 0..64 {
        match study.inbound(at) {
            Inbound::Below(above) => at = above,
            Inbound::Entry(_) => break,
            _ => return None,
        }
    }
    let name = program.function(at).name;
    let owner = program.type_name(program.enclosing_type(at)?);
    let supers = program.supertypes(owner);
    let described = supers.iter().filter_map(|ty| program.knowledge.ty(*ty));
    described.into_iter().find(|(_, ty)| ty.entry_methods.contains(&name)).map(|(library, _)| library)
}

/// Why a trace may be there in a Python library that starts spans itself: its users call it under spans of theirs. It is
/// an assumption, for work that the library waits for.
pub(super) fn of_library(study: &Study<'_>, function: FuncRef) -> Option<Related> {
    let program = study.program;
    let unit = program.files.get(function.file as usize)?.source.unit;
    let outer = program.outermost(function);
    let decl = program.function(outer);
    if study.language() != Language::Python || decl.owner.is_none() || starts_up(study, function) {
        return None;
    }
    if study.inbound(outer) != Inbound::Unknown {
        return None;
    }
    let is_entry = |function: FuncRef| matches!(study.inbound(function), Inbound::Entry(_));
    let serves = study.of_unit("has entries", unit, || study.functions_of_unit(unit).any(is_entry));
    let starts = |unit: usize| study.calls_of_unit(unit).any(|fact| fact.effect.span.is_some());
    // What plugs into a library runs inside the spans of that.
    let plugged = || study.units[unit].stacks.iter().all(|found| !found.active);
    let starts_spans = || starts(unit) || plugged() && study.with_imported(unit).into_iter().any(starts);
    let traced = !serves && study.of_unit("starts spans", unit, starts_spans);
    traced.then(|| Related {
        place: program.place_of(outer.file, decl.name_span),
        message: "this library starts spans itself: whoever calls it may hold a trace".to_owned(),
    })
}

/// A span that the function, or one around it, is given.
fn handed_span(study: &Study<'_>, function: FuncRef) -> Option<Related> {
    let program = study.program;
    let mut at = Some(function.id);
    while let Some(id) = at {
        let current = FuncRef { id, ..function };
        let decl = program.function(current);
        let span = (0..decl.params.len())
            .find(|n| program.param_type(current, *n as u16).and_then(|ty| program.role(ty)) == Some(TypeRole::Span));
        if let Some(param) = span.and_then(|n| decl.params.get(n)) {
            let place = program.place_of(function.file, param.span);
            return Some(Related { place, message: format!("`{}` brings the trace", param.name) });
        }
        at = decl.parent.filter(|parent| parent.0 != 0);
    }
    None
}

/// The spans that a project's own instrumentation package puts around its methods.
fn spans_around(study: &Study<'_>, function: FuncRef) -> Option<Related> {
    let outer = study.program.outermost(function);
    let decl = study.program.function(outer);
    let is_method = decl.owner.is_some() && !decl.flags.is_private;
    (study.unit(function.file).own_instrumentor && is_method).then(|| Related {
        place: study.program.place_of(function.file, decl.name_span),
        message: "this package's instrumentation has a span open around this work".to_owned(),
    })
}

fn entry(study: &Study<'_>, from: FuncRef) -> Related {
    let mut at = from;
    for _ in 0..64 {
        match study.inbound(at) {
            Inbound::Below(above) => at = above,
            Inbound::Entry(place) => return Related { place, message: "the trace comes in here".to_owned() },
            _ => break,
        }
    }
    let place = study.program.place_of(at.file, study.program.function(at).name_span);
    Related { place, message: "the trace comes in here".to_owned() }
}

/// A span that the function, or a caller of it, has started around the hand-over.
fn started(study: &Study<'_>, function: FuncRef) -> Option<Related> {
    let program = study.program;
    let mut seen = vec![function];
    let mut at = 0;
    while let Some(current) = seen.get(at).copied() {
        at += 1;
        if at > MAX_CALLERS {
            return None;
        }
        if study.inbound(current) == Inbound::Root || starts_up(study, current) {
            continue;
        }
        if let Some(fact) = study.calls_in(current).find(|fact| fact.effect.span.is_some()) {
            return Some(study.related(fact.call, "this span is current"));
        }
        let decl = program.function(current);
        let spanned = decl
            .annotations
            .iter()
            .find(|found| annotation_role(study, current.file, found) == Some(AnnotationRole::Span));
        if let Some(annotation) = spanned {
            return Some(Related {
                place: program.place_of(current.file, annotation.span),
                message: "this span is current".to_owned(),
            });
        }
        let mut above: Vec<FuncRef> = program.callers(current).iter().map(|call| program.function_at(*call)).collect();
        above.extend(decl.parent.filter(|parent| parent.0 != 0).map(|id| FuncRef { id, ..current }));
        for caller in above {
            if !seen.contains(&caller) {
                seen.push(caller);
            }
        }
    }
    None
}

/// Whether the function is load-time code or makes an object.
fn starts_up(study: &Study<'_>, function: FuncRef) -> bool {
    let outer = study.program.outermost(function);
    outer.id.0 == 0 || study.program.function(outer).flags.is_constructor
}
