//! Whether a call can be part of a request's trace at all.

use crate::ir::{ExprKind, Language};
use crate::knowledge::{AnnotationRole, LibraryDescription, TypeRole};
use crate::link::{FuncRef, ValueRef};
use crate::rules::async_work::is_cut_off;
use crate::study::{Inbound, Study, Summary, UnitView};

/// Whether a unit's tracing was seen to be switched on, and not by something that may cover a library.
pub(super) fn is_traced_by_code(unit: &UnitView, library: &LibraryDescription) -> bool {
    not_by_code(unit, library).is_none()
}

/// Why a unit is not one in which code, or a list of what a launcher loads, says what becomes of a library.
pub(super) fn not_by_code(unit: &UnitView, library: &LibraryDescription) -> Option<&'static str> {
    if !unit.stacks.iter().any(|found| found.active) {
        return Some("nothing is seen to switch tracing on in the service");
    }
    unit.may_be_covered_from_outside(library)
        .then_some("an agent, launcher or build step traces the service, and may cover anything")
}

/// Whether a trace that came in can be current in a function.
pub(in crate::rules) fn can_be_inside(study: &Study<'_>, function: FuncRef) -> bool {
    if study.is_idle(function) || is_cut_off(study, function) {
        return false;
    }
    match study.inbound(function) {
        Inbound::Entry(_) | Inbound::Below(_) => study.is_lit(function),
        // Go hands its context over: of what nobody is seen to give one that holds a trace, none is known.
        inbound if study.language() == Language::Go => {
            study.is_under_span(function) || (inbound == Inbound::Takes && study.is_all_offered())
        }
        Inbound::Takes | Inbound::Unknown if study.is_beside_services(function.file) => false,
        Inbound::Takes => true,
        Inbound::Root => false,
        Inbound::Unknown => {
            let outer = study.program.function(study.program.outermost(function));
            let is_method = outer.owner.is_some() || !outer.owner_name.is_empty();
            is_method
                && !is_start_up(study, function)
                && !is_dead(study, function)
                && unit_takes_work(study, function.file)
                && !makes_bean(study, function)
        }
    }
}

/// How many callers are looked at for one that is alive.
const MAX_CALLERS: usize = 40;

/// Whether all that calls a method ends at private methods which nothing calls or names (Java).
fn is_dead(study: &Study<'_>, function: FuncRef) -> bool {
    if study.language() != Language::Java {
        return false;
    }
    let program = study.program;
    let mut seen = vec![program.outermost(function)];
    let mut at = 0;
    while let Some(function) = seen.get(at).copied() {
        at += 1;
        let above = program.callers(function).iter().map(|call| program.outermost(program.function_at(*call)));
        let mut above: Vec<FuncRef> = above.filter(|caller| *caller != function).collect();
        if above.is_empty() && !is_unused(study, function) {
            return false;
        }
        above.retain(|caller| !seen.contains(caller));
        seen.append(&mut above);
        if seen.len() > MAX_CALLERS {
            return false;
        }
    }
    true
}

/// Whether nothing can call a method: it is private, bears no annotation by which something may find it, and no method
/// reference in its file has its name.
fn is_unused(study: &Study<'_>, function: FuncRef) -> bool {
    let decl = study.program.function(function);
    let Some(file) = study.program.files.get(function.file as usize) else { return false };
    let names = |expr: &crate::ir::Expr| matches!(&expr.kind, ExprKind::MethodRef { name, .. } if *name == decl.name);
    decl.flags.is_private
        && !decl.flags.is_constructor
        && decl.annotations.is_empty()
        && !file.source.facts.exprs.iter().any(names)
}

/// Whether a unit takes requests or starts spans itself. Java handlers are registered by what is written at them.
fn unit_takes_work(study: &Study<'_>, file: u32) -> bool {
    let Some(unit) = study.program.files.get(file as usize).map(|file| file.source.unit) else { return false };
    let handles = |function: FuncRef| matches!(study.inbound(function), Inbound::Entry(_));
    study.of_unit("takes work", unit, || {
        study
            .calls_of_unit(unit)
            .any(|fact| fact.effect.span.is_some() || fact.effect.registers.is_some_and(|found| !found.root))
            || (study.language() == Language::Java && study.functions_of_unit(unit).any(handles))
    })
}

/// Whether a function runs while the container is set up.
fn makes_bean(study: &Study<'_>, function: FuncRef) -> bool {
    super::beans::is_bean(study, study.program.outermost(function))
}

/// Whether work comes in through a library.
pub(in crate::rules) fn serves(library: &LibraryDescription) -> bool {
    let called = |role| matches!(role, AnnotationRole::Entry | AnnotationRole::Consumer | AnnotationRole::Task);
    library.annotations.iter().any(|found| called(found.role))
        || library.types.iter().any(|ty| ty.role == TypeRole::Server)
}

/// Whether spans of a unit belong to traces that come in: something reads or instruments what comes in, or starts spans in
/// the code. A unit that only watches what a library of its own does has no trace to hand on.
pub(super) fn joins_traces(study: &Study<'_>, unit: usize) -> bool {
    study.of_unit("joins traces", unit, || is_joined(study, unit))
}

fn is_joined(study: &Study<'_>, unit: usize) -> bool {
    let Some(view) = study.units.get(unit).filter(|_| study.language() == Language::Python) else { return true };
    let mut libraries = study.program.knowledge.libraries().iter();
    if libraries.any(|library| serves(library) && view.coverage(library).is_some()) {
        return true;
    }
    if is_set_up_by_others(study, unit) {
        return true;
    }
    study.calls_of_unit(unit).any(|fact| {
        let effect = fact.effect;
        let traces = effect.span.is_some() || effect.extract.is_some() || effect.instruments.is_some();
        let is_instrumented = || {
            let made = study.program.callee(fact.call).constructs;
            made.and_then(|ty| study.program.knowledge.ty(ty)).is_some_and(|(_, ty)| ty.instrumented)
        };
        traces || is_instrumented()
    })
}

/// Whether a unit calls a function of another one that instruments something or starts spans for it.
fn is_set_up_by_others(study: &Study<'_>, unit: usize) -> bool {
    let program = study.program;
    let unit_of = |file: u32| program.files.get(file as usize).map(|file| file.source.unit);
    let works = |function: &FuncRef| {
        let summary = study.summary(*function);
        summary.has(Summary::INSTRUMENTS | Summary::STARTS | Summary::EXTRACTS) && unit_of(function.file) != Some(unit)
    };
    let files = program.files.iter().enumerate().filter(|(_, file)| file.source.unit == unit);
    files.into_iter().any(|(at, file)| {
        let calls = file.flow.calls.iter().map(|site| ValueRef { file: at as u32, expr: site.expr });
        calls.into_iter().any(|call| program.callee(call).functions.iter().any(works))
    })
}

/// Whether the unit of a client is a library: nothing of it is called for inbound work, so that process-wide
/// instrumentation is up to the program that uses it.
pub(super) fn is_left_to_the_user(study: &Study<'_>, client: ValueRef) -> bool {
    let Some(unit) = study.program.files.get(client.file as usize).map(|file| file.source.unit) else { return false };
    let is_entry = |function: FuncRef| matches!(study.inbound(function), Inbound::Entry(_));
    study.language() == Language::Python
        && !study.of_unit("has entries", unit, || study.functions_of_unit(unit).any(is_entry))
}

fn is_start_up(study: &Study<'_>, function: FuncRef) -> bool {
    let outer = study.program.function(study.program.outermost(function));
    let name = outer.name.to_ascii_lowercase();
    outer.flags.is_constructor
        || ["main", "init", "new", "start", "setup", "bootstrap"].iter().any(|word| name.starts_with(word))
}
