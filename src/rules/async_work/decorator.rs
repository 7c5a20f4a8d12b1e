//! What makes the executors of a unit take a context along: decorators of tasks and what wraps them.

use super::task;
use crate::knowledge::{AnnotationRole, FunctionDescription, NameOf, Slot, TypeRole, speaks_of_tracing};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::study::{CallFact, Study, functions_of};
use rustc_hash::FxHashSet;
use ustr::Ustr;

/// The method of a decorator.
const DECORATE: &str = "decorate";

/// Whether a unit, or a module that it imports, has anything that makes an executor carry the context: a decorator, a
/// wrapper, an instrumented pool. With `by_mdc`, what copies the logging context is enough.
pub(super) fn decorates(study: &Study<'_>, unit: usize, by_mdc: bool) -> bool {
    let by_hand = |fact: &CallFact<'_>| {
        (fact.effect.carries.is_some() && !is_for_others(study, fact, by_mdc))
            || (by_mdc && fact.effect.copies_mdc && !is_for_one_task(study, fact))
    };
    let question = if by_mdc { "carries or copies by hand" } else { "carries by hand" };
    let here = |unit: usize| {
        study.of_unit(question, unit, || study.calls_of_unit(unit).any(by_hand) || has_decorator(study, unit, by_mdc))
    };
    study.with_imported(unit).into_iter().any(here)
}

/// Whether a copy of the logging context is for the one task that is handed over in the same function, whatever other
/// executors and tasks get.
fn is_for_one_task(study: &Study<'_>, copy: &CallFact<'_>) -> bool {
    let around = study.with_nested(study.program.outermost(copy.function));
    around.into_iter().flat_map(|function| study.calls_in(function)).any(|fact| fact.effect.spawns.is_some())
}

/// Whether something that is seen makes the executors of a unit carry the context: a decorator that comes from a library of
/// which nothing is known may as well carry something else.
pub(in crate::rules) fn surely_decorates(study: &Study<'_>, unit: usize) -> bool {
    let is_strange = |fact: &CallFact<'_>| {
        let given = study.slot(fact.call, Slot::Arg(0));
        let known = |value: &crate::link::ValueRef| {
            let made = study.program.callee(*value).constructs;
            made.is_none_or(|ty| study.program.own_type(ty).is_some() || study.program.knowledge.ty(ty).is_some())
        };
        fact.effect.carries == Some(Slot::Receiver) && !given.is_empty() && !given.iter().all(known)
    };
    let sets = |unit: usize| study.calls_of_unit(unit).filter(|fact| fact.effect.carries.is_some());
    decorates(study, unit, false)
        && !study.of_unit("strange decorators alone", unit, || {
            let mut all = study.with_imported(unit).into_iter().flat_map(sets).peekable();
            all.peek().is_some() && all.all(is_strange)
        })
}

/// Whether the unit has a decorator of tasks, which its frameworks may use.
pub(super) fn has_decorator(study: &Study<'_>, unit: usize, by_mdc: bool) -> bool {
    let program = study.program;
    let is_decorator = |file: u32, ty: &crate::ir::TypeRef| {
        let name = program.type_ref(file, ty);
        program.knowledge.ty(name).is_some_and(|(library, found)| {
            found.role == TypeRole::Middleware
                && library.annotations.iter().any(|a| a.role == AnnotationRole::EnablesAsync)
        })
    };
    let serves = |function: FuncRef| !takes_others(study, &[function], by_mdc);
    let sets = |fact: &CallFact<'_>| fact.effect.carries == Some(Slot::Receiver) && !is_for_others(study, fact, by_mdc);
    if study.calls_of_unit(unit).any(sets) {
        return true;
    }
    let in_file = |at: u32| {
        let file = &program.files[at as usize];
        let facts = &file.source.facts;
        let functions = (0u32..).zip(&facts.functions);
        let functions = functions.map(|(id, decl)| (FuncRef { file: at, id: crate::ir::FunctionId(id) }, decl));
        let is_method = |name: &str| functions.clone().any(|(found, decl)| decl.name == name && serves(found));
        (facts.types.iter().any(|ty| ty.supers.iter().any(|ty| is_decorator(at, ty))) && is_method(DECORATE))
            || functions
                .clone()
                .any(|(found, decl)| decl.results.iter().any(|ty| is_decorator(at, ty)) && serves(found))
            || file.scope.targets().any(|target| {
                program.knowledge.ty(target).is_some_and(|(_, found)| {
                    found.instrumented && matches!(found.role, TypeRole::Executor | TypeRole::Middleware)
                })
            })
    };
    (0u32..).zip(&program.files).filter(|(_, file)| file.source.unit == unit).any(|(at, _)| in_file(at))
}

/// Whether a call sets a decorator that takes along something else alone: the tenant, the user, or the logging context
/// where that is not enough.
pub(super) fn is_for_others(study: &Study<'_>, fact: &CallFact<'_>, by_mdc: bool) -> bool {
    if fact.effect.carries != Some(Slot::Receiver) {
        return false;
    }
    let given = study.slot(fact.call, Slot::Arg(0));
    let functions: Vec<FuncRef> = given.into_iter().flat_map(|value| decorating(study, value)).collect();
    !functions.is_empty() && takes_others(study, &functions, by_mdc)
}

/// The functions of a decorator: the literal itself, or the method of the service's own type that it is an object of.
fn decorating(study: &Study<'_>, value: ValueRef) -> Vec<FuncRef> {
    let program = study.program;
    let literal = functions_of(study, value);
    if !literal.is_empty() {
        return literal;
    }
    let made = program.origins(value, true).into_iter().filter_map(|origin| match origin {
        Origin::Call(found, _) | Origin::Literal(found) => program.callee(found).constructs,
        _ => None,
    });
    made.flat_map(|ty| program.methods(ty, DECORATE.into())).collect()
}

/// Whether functions take along nothing of what is asked for, by their calls and their files' imports: nothing of a trace, nor,
/// with `by_mdc`, of the logging context. What has calls into code that is not seen may take along anything, unless it copies
/// the logging context, as that is what such a function is for.
fn takes_others(study: &Study<'_>, functions: &[FuncRef], by_mdc: bool) -> bool {
    let inside = task::below(study, functions, 2);
    let facts = || inside.iter().flat_map(|function| study.calls_in(*function)).map(|fact| fact.effect);
    let traces = |effect: &FunctionDescription| {
        let places = [effect.carries, effect.activates, effect.binds_context, effect.context_of];
        places.iter().any(Option::is_some) || effect.span.is_some() || effect.extract.is_some()
    };
    let copies = facts().any(|effect| effect.copies_mdc);
    let files: FxHashSet<u32> = inside.iter().map(|function| function.file).collect();
    let speaks = |target: Ustr| speaks_of_tracing(&target, NameOf::JavaImport);
    let imports = |file: &u32| study.program.files[*file as usize].scope.targets().any(speaks);
    let takes = |effect: &FunctionDescription| traces(effect) || (by_mdc && (effect.copies_mdc || effect.puts_mdc));
    let is_seen = || copies || files.iter().all(|file| is_known(study, *file));
    !facts().any(takes) && !files.iter().any(imports) && is_seen()
}

/// Whether all that a file imports is the service's own, of the language, or of a library that is described.
fn is_known(study: &Study<'_>, file: u32) -> bool {
    const LANGUAGE: &[&str] = &["java.", "javax.", "jakarta."];
    let program = study.program;
    let is_below = |name: &str, module: &str| {
        name.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let described = |name: &str| {
        let mut modules = program.knowledge.libraries().iter().flat_map(|library| &library.modules);
        modules.any(|module| is_below(name, module))
    };
    let is_own = |target: Ustr| {
        program.own_type(target).is_some()
            || target.rsplit_once('.').is_some_and(|(owner, _)| program.own_type(owner.into()).is_some())
    };
    let known =
        |target: Ustr| is_own(target) || LANGUAGE.iter().any(|start| target.starts_with(start)) || described(&target);
    program.files[file as usize].scope.targets().all(known)
}
