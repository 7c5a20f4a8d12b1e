//! Which listeners an event that is published runs.

use super::super::Study;
use super::annotation_role;
use crate::ir::Language;
use crate::knowledge::AnnotationRole;
use crate::link::FuncRef;
use rustc_hash::FxHashSet;
use ustr::Ustr;

/// Most pairs of a publisher and a listener that are looked at.
const MAX_PAIRS: usize = 20_000;

/// The functions that publish events, each with the listeners that take these. Nothing where an event of some unseen type
/// is published as well: any listener may be run by that.
pub(super) fn heard(study: &Study<'_>) -> Vec<(FuncRef, FuncRef)> {
    let Some(published) = published(study).filter(|found| !found.is_empty()) else { return Vec::new() };
    let listeners = listeners(study);
    if published.len() * listeners.len() > MAX_PAIRS {
        return Vec::new();
    }
    let mut out = Vec::new();
    for (listener, taken) in &listeners {
        let hears = |event: &Ustr| is_a(study, *event, *taken) || is_a(study, *taken, *event);
        let heard = published.iter().filter(|(_, event)| hears(event));
        out.extend(heard.map(|(publisher, _)| (*publisher, *listener)));
    }
    out
}

/// The functions that publish events, with the service's own types of these; `None` where one has another type.
fn published(study: &Study<'_>) -> Option<Vec<(FuncRef, Ustr)>> {
    if study.language() != Language::Java {
        return None;
    }
    let mut out = Vec::new();
    for fact in study.calls() {
        let Some(slot) = fact.effect.publishes else { continue };
        for event in study.slot(fact.call, slot) {
            let ty = study.program.type_of(event).filter(|ty| study.program.own_type(*ty).is_some())?;
            out.push((fact.function, ty));
        }
    }
    Some(out)
}

/// The functions that events are handed to, by annotation or by what their type implements, with the type that they take.
fn listeners(study: &Study<'_>) -> Vec<(FuncRef, Ustr)> {
    let program = study.program;
    let is_annotated = |function: FuncRef| {
        let mut found = program.function(function).annotations.iter();
        found.any(|found| annotation_role(study, function.file, found) == Some(AnnotationRole::Listener))
    };
    let types = program.knowledge.libraries().iter().flat_map(|library| &library.types);
    let names: FxHashSet<Ustr> = types.flat_map(|ty| ty.listener_methods.iter().copied()).collect();
    let listens = |function: FuncRef| {
        if !names.contains(&program.function(function).name) {
            return false;
        }
        let Some(owner) = program.enclosing_type(function).map(|ty| program.type_name(ty)) else { return false };
        let name = program.function(function).name;
        let supers = program.supertypes(owner);
        supers.iter().filter_map(|ty| program.knowledge.ty(*ty)).any(|(_, ty)| ty.listener_methods.contains(&name))
    };
    // Only what takes one event says of what type it is.
    let takes_one = |function: &FuncRef| program.function(*function).params.len() == 1;
    let found = program.all_functions().filter(takes_one).filter(|at| is_annotated(*at) || listens(*at));
    found.filter_map(|function| Some((function, program.param_type(function, 0)?))).collect()
}

fn is_a(study: &Study<'_>, event: Ustr, ty: Ustr) -> bool {
    event == ty || study.program.supertypes(event).contains(&ty)
}
