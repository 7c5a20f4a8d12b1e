//! Clients that a container hands out as they were made, under a stack that instruments only what its own builders make.

use super::calls::injects_near;
use super::gate;
use super::life::{Life, Lives};
use super::sites::reports_here;
use crate::ir::Language;
use crate::knowledge::{AnnotationRole, HopKind, Slot, TypeRole};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::rules::bean_names;
use crate::services::Reach;
use crate::study::{CallFact, Study, finds_beans};
use rustc_hash::FxHashMap;
use ustr::Ustr;

/// A function whose result the container keeps.
struct Bean {
    names: Vec<Ustr>,
    ty: Ustr,
    unit: usize,
    /// Where the client is made that it hands out, if nothing instruments that.
    made: Option<ValueRef>,
}

/// An outbound call through a client that the container injects.
struct Injected {
    call: ValueRef,
    ty: Ustr,
    names: Vec<Ustr>,
    unit: usize,
}

/// Whether the container keeps a function's result.
pub(super) fn is_bean(study: &Study<'_>, function: FuncRef) -> bool {
    let annotations = &study.program.function(function).annotations;
    annotations
        .iter()
        .any(|annotation| crate::study::annotation_role(study, function.file, annotation) == Some(AnnotationRole::Bean))
}

/// The calls through plain clients of the container, each with the place where its client is made.
pub(super) fn plain(lives: &Lives<'_, '_>) -> FxHashMap<ValueRef, ValueRef> {
    if lives.study.language() != Language::Java {
        return FxHashMap::default();
    }
    let beans = beans(lives);
    if beans.iter().all(|bean| bean.made.is_none()) {
        return FxHashMap::default();
    }
    let calls = injected(lives).into_iter();
    calls.filter_map(|call| Some((call.call, handed_out(lives.study, &beans, &call)?))).collect()
}

/// The beans that are clients.
fn beans(lives: &Lives<'_, '_>) -> Vec<Bean> {
    let study = lives.study;
    let made = made(lives);
    let mut out = Vec::new();
    for function in study.program.all_functions().filter(|function| is_bean(study, *function)) {
        let decl = study.program.function(function);
        let Some(ty) = decl.results.first().map(|ty| study.program.type_ref(function.file, ty)) else { continue };
        if study.program.role(ty) == Some(TypeRole::HttpClient) {
            let made = made.iter().find(|(bean, _)| *bean == function).map(|(_, made)| *made);
            out.push(Bean {
                names: bean_names::of_bean(study, function),
                ty,
                unit: study.unit_of(function.file),
                made,
            });
        }
    }
    out
}

/// The bean functions whose client nothing instruments, with the place where it is made.
fn made(lives: &Lives<'_, '_>) -> Vec<(FuncRef, ValueRef)> {
    let study = lives.study;
    let mut out = Vec::new();
    for fact in study.calls().iter().filter(|fact| fact.effect.makes == Some(TypeRole::HttpClient)) {
        let view = study.unit(fact.call.file);
        let skip = !is_left_to_builders(study, fact)
            || !gate::is_traced_by_code(view, fact.library)
            || gate::is_apart(study, fact.function, fact.call)
            || gate::goes_to_third_party(study, fact.call)
            || is_instrumented_elsewhere(study, fact)
            || !finds_beans(study, study.unit_of(fact.call.file));
        if skip || lives.of_parts(fact.call) != Life::Plain {
            continue;
        }
        let later = lives.later(fact.call);
        let is_plain = later.escapes.is_empty() && later.life.is_none_or(|life| life == Life::Plain);
        let to_third_party = later.uses.iter().any(|call| gate::goes_to_third_party(study, *call));
        if is_plain && !to_third_party {
            out.extend(later.beans.iter().copied().map(|bean| (bean, fact.call)));
        }
    }
    out
}

/// Whether nothing instruments the clients of a call's library that a container keeps: what covers it leaves out all but
/// those of the builders that the container injects, or nothing covers it and no code of the tree looks at all that the
/// container makes.
fn is_left_to_builders(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    match study.unit(fact.call.file).coverage(fact.library) {
        Some(found) => found.reach == Reach::Injected,
        None => !study.of_unit("looks at what the container makes", 0, || sees_all_beans(study)),
    }
}

/// Whether a type of the tree is given everything that the container makes.
fn sees_all_beans(study: &Study<'_>) -> bool {
    let program = study.program;
    (0u32..).zip(&program.files).any(|(at, file)| {
        let supers = file.source.facts.types.iter().flat_map(|ty| &ty.supers);
        let mut described = supers.filter_map(|ty| program.knowledge.ty(program.type_ref(at, ty)));
        described.any(|(_, found)| found.sees_all_beans)
    })
}

/// Whether the unit instruments clients of the same library by hand: it may do so to each one that the container makes.
fn is_instrumented_elsewhere(study: &Study<'_>, made: &CallFact<'_>) -> bool {
    study.calls().iter().any(|fact| {
        fact.effect.instruments.is_some()
            && fact.library.id == made.library.id
            && study.unit_of(fact.call.file) == study.unit_of(made.call.file)
    })
}

/// The calls that go out inside a trace through a client that comes from the container.
fn injected(lives: &Lives<'_, '_>) -> Vec<Injected> {
    let study = lives.study;
    let mut out = Vec::new();
    for fact in study.calls() {
        let Some(hop) = fact.effect.hop.filter(|hop| hop.kind == HopKind::HttpCall) else { continue };
        if matches!(hop.client, Slot::None | Slot::Ambient | Slot::Global(_)) || !is_left_to_builders(study, fact) {
            continue;
        }
        if !reports_here(study, fact) || injects_near(lives, fact, hop.carrier) {
            continue;
        }
        let Some(client) = study.slot(fact.call, hop.client).first().copied() else { continue };
        if let [origin] = study.program.origins(client, true)[..]
            && let Some((ty, names)) = place(study, origin)
        {
            out.push(Injected { call: fact.call, ty, names, unit: study.unit_of(fact.call.file) });
        }
    }
    out
}

/// The type of the field or parameter that a value came in by, and the names by which the container fills it.
fn place(study: &Study<'_>, origin: Origin) -> Option<(Ustr, Vec<Ustr>)> {
    let program = study.program;
    match origin {
        Origin::Field(owner, name) => {
            Some((program.field_type(owner, name, 4)?, bean_names::of_field(study, owner, name)))
        }
        Origin::Param(function, n) => {
            Some((program.param_type(function, n)?, bean_names::of_param(study, function, n)?))
        }
        _ => None,
    }
}

/// Where the client is made that a call goes through: that of the bean of this name, else of the only kind there is.
fn handed_out(study: &Study<'_>, beans: &[Bean], call: &Injected) -> Option<ValueRef> {
    let fits = |bean: &&Bean| {
        bean.unit == call.unit && (bean.ty == call.ty || study.program.supertypes(bean.ty).contains(&call.ty))
    };
    let fitting: Vec<&Bean> = beans.iter().filter(fits).collect();
    let is_meant = |bean: &&&Bean| bean.names.iter().any(|name| call.names.contains(name));
    if let Some(named) = fitting.iter().find(is_meant) {
        return named.made;
    }
    if fitting.iter().any(|bean| bean.made.is_none()) {
        return None;
    }
    fitting.first()?.made
}
