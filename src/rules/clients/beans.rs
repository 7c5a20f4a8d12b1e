//! Clients that a container hands out as they were made, under a stack that instruments only what its own builders make.

use super::calls::injects_near;
use super::life::{Life, Lives};
use super::sites::reports_here;
use super::{apart, gate, strangers};
use crate::ir::Language;
use crate::knowledge::{AnnotationRole, HopKind, Slot, TypeRole};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::rules::bean_names;
use crate::services::Reach;
use crate::study::{CallFact, Study, finds_beans};
use rustc_hash::FxHashMap;
use ustr::Ustr;

/// How many beans are gone back through that are made of each other: a stub of a channel.
const MAX_BEANS: usize = 4;

/// A function whose result the container keeps.
struct Bean {
    function: FuncRef,
    names: Vec<Ustr>,
    ty: Ustr,
    unit: usize,
    /// Where the client is made that it hands out, if nothing instruments that.
    made: Option<ValueRef>,
}

/// What the container injects.
struct Injected {
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
    calls.filter_map(|(call, client)| Some((call, handed_out(lives, &beans, &client, MAX_BEANS)?))).collect()
}

fn is_client(role: Option<TypeRole>) -> bool {
    matches!(role, Some(TypeRole::HttpClient | TypeRole::RpcChannel))
}

/// The beans that are clients.
fn beans(lives: &Lives<'_, '_>) -> Vec<Bean> {
    let study = lives.study;
    let made = made(lives);
    let mut out = Vec::new();
    for function in study.program.all_functions().filter(|function| is_bean(study, *function)) {
        let decl = study.program.function(function);
        let Some(ty) = decl.results.first().map(|ty| study.program.type_ref(function.file, ty)) else { continue };
        if is_client(study.program.role(ty)) {
            let made = made.iter().find(|(bean, _)| *bean == function).map(|(_, made)| *made);
            out.push(Bean {
                function,
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
    for fact in study.calls().iter().filter(|fact| is_client(fact.effect.makes)) {
        let view = study.unit(fact.call.file);
        let skip = !is_left_to_builders(study, fact)
            || !gate::is_traced_by_code(view, fact.library)
            || apart::is_apart(study, fact.function, fact.call)
            || strangers::goes_to_third_party(study, fact.call)
            || is_instrumented_elsewhere(study, fact)
            || !finds_beans(study, study.unit_of(fact.call.file));
        if skip || lives.of_parts(fact.call) != Life::Plain {
            continue;
        }
        let later = lives.later(fact.call);
        let is_plain = later.escapes.is_empty() && later.life.is_none_or(|life| life == Life::Plain);
        let to_third_party = later.uses.iter().any(|call| strangers::goes_to_third_party(study, *call));
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
fn injected(lives: &Lives<'_, '_>) -> Vec<(ValueRef, Injected)> {
    let study = lives.study;
    let mut out = Vec::new();
    for fact in study.calls() {
        let Some(hop) = fact.effect.hop.filter(|hop| matches!(hop.kind, HopKind::HttpCall | HopKind::RpcCall)) else {
            continue;
        };
        if matches!(hop.client, Slot::None | Slot::Ambient | Slot::Global(_)) || !is_left_to_builders(study, fact) {
            continue;
        }
        if !reports_here(study, fact) || injects_near(lives, fact, hop.carrier) {
            continue;
        }
        let Some(client) = study.slot(fact.call, hop.client).first().copied() else { continue };
        if !lives.comes_by_plain_stubs(client) {
            continue;
        }
        if let [origin] = study.program.origins(client, true)[..]
            && let Some(client) = place(study, origin, fact.call.file)
        {
            out.push((fact.call, client));
        }
    }
    out
}

/// What the container injects into the field or parameter that a value came in by.
fn place(study: &Study<'_>, origin: Origin, file: u32) -> Option<Injected> {
    let program = study.program;
    let (ty, names) = match origin {
        Origin::Field(owner, name) => (program.field_type(owner, name, 4)?, bean_names::of_field(study, owner, name)),
        Origin::Param(function, n) => (program.param_type(function, n)?, bean_names::of_param(study, function, n)?),
        _ => return None,
    };
    Some(Injected { ty, names, unit: study.unit_of(file) })
}

/// Where the client is made that the container injects: that of the bean of this name, else of the only kind there is.
fn handed_out(lives: &Lives<'_, '_>, beans: &[Bean], wanted: &Injected, depth: usize) -> Option<ValueRef> {
    let study = lives.study;
    let fits = |bean: &&Bean| {
        bean.unit == wanted.unit && (bean.ty == wanted.ty || study.program.supertypes(bean.ty).contains(&wanted.ty))
    };
    let made = |bean: &Bean| bean.made.or_else(|| made_of_another(lives, beans, bean, depth.checked_sub(1)?));
    let fitting: Vec<&Bean> = beans.iter().filter(fits).collect();
    let is_meant = |bean: &&&Bean| bean.names.iter().any(|name| wanted.names.contains(name));
    if let Some(named) = fitting.iter().find(is_meant) {
        return made(named);
    }
    let all: Option<Vec<ValueRef>> = fitting.iter().map(|bean| made(bean)).collect();
    all?.first().copied()
}

/// Where the client is made of which another function of the container makes its own: a stub of a channel that it is given.
fn made_of_another(lives: &Lives<'_, '_>, beans: &[Bean], bean: &Bean, depth: usize) -> Option<ValueRef> {
    let study = lives.study;
    if study.program.role(bean.ty) != Some(TypeRole::RpcChannel) {
        return None;
    }
    let results: Vec<ValueRef> = study.program.first_results(&[bean.function]).collect();
    let origins: Vec<Origin> = results.iter().flat_map(|value| study.program.origins(*value, true)).collect();
    let [origin] = origins[..] else { return None };
    if !results.iter().all(|value| lives.comes_by_plain_stubs(*value)) {
        return None;
    }
    handed_out(lives, beans, &place(study, origin, bean.function.file)?, depth)
}
