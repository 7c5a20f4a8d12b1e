//! Units that join their log records by an id in the logging context.

use super::task;
use crate::facts::{Piece, Text};
use crate::ir::{ExprKind, Language};
use crate::knowledge::{NameOf, Slot, TypeRole, has_part, speaks_of_tracing, vocabulary};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::rules::prints_ids;
use crate::services::{Ids, LogPattern};
use crate::study::{CallFact, Inbound, Study, Summary};

/// How far the callers of a function are followed.
const MAX_CALLERS: usize = 60;

/// Whether ids are put into the logging context around every request of the unit of a file: in what stands before
/// handlers, there or in the modules that the unit imports.
pub(super) fn puts_ids(study: &Study<'_>, file: u32) -> bool {
    let unit = study.program.files.get(file as usize).map(|file| file.source.unit);
    unit.is_some_and(|unit| ids_before_handlers(study, unit))
}

fn ids_before_handlers(study: &Study<'_>, unit: usize) -> bool {
    let unit_of = |function: &FuncRef| study.program.files.get(function.file as usize).map(|file| file.source.unit);
    // A filter is asked for in the module that has it: one of another is no part of this way.
    let in_filter = |at: usize| {
        let filtered = |above: &FuncRef| unit_of(above) == Some(at) && is_filter(study, *above);
        let puts = || {
            putting(study, at).any(|found| callers(study, found).iter().any(filtered))
                || calls_putting(study, at).any(|put| hands_back_filter(study, put) && is_printed(study, put))
                || extends_unseen_filter(study, at)
        };
        study.of_unit("puts ids in a filter", at, puts)
    };
    // A name alone says less: far above, in other modules and in those for all sorts of use, it says too little.
    let is_near = |above: &FuncRef| unit_of(above) == Some(unit);
    let by_name = |found: FuncRef| {
        let calls = study.program.callers(found).iter().map(|call| outermost_at(study, *call)).filter(is_near);
        std::iter::once(found).chain(calls).any(|above| stands_before(study, above))
    };
    let handed_back = || calls_putting(study, unit).any(|put| hands_back_filter(study, put));
    let near =
        || putting(study, unit).any(by_name) || handed_back() || study.with_imported(unit).into_iter().any(in_filter);
    study.language() == Language::Java && study.of_unit("ids before handlers", unit, near)
}

/// Whether ids are in the logging context where a function hands work over: put there around every request, or by one of
/// those that lead to the function, whatever modules these are in.
pub(super) fn has_ids(study: &Study<'_>, function: FuncRef) -> bool {
    if study.language() != Language::Java || prints_no_key(study, function.file) {
        return false;
    }
    let path = callers(study, study.program.outermost(function));
    let on_the_way = |putting: FuncRef| {
        let mut above = vec![putting];
        above.extend(study.program.callers(putting).iter().map(|call| outermost_at(study, *call)));
        above.iter().any(|function| path.contains(function))
    };
    let is_entry = |above: &&FuncRef| matches!(study.inbound(**above), Inbound::Entry(_));
    puts_ids(study, function.file)
        || hands_over_ids(study, study.unit_of(function.file))
        || (0..study.units.len()).any(|unit| putting(study, unit).any(on_the_way))
        || path.iter().filter(is_entry).any(|entry| puts_ids(study, entry.file))
}

/// Whether every record of a unit is seen to be written in a form that prints nothing of the logging context.
fn prints_no_key(study: &Study<'_>, file: u32) -> bool {
    let logging = &study.unit(file).logging;
    let is_without = |pattern: &LogPattern| pattern.ids == Ids::None && pattern.printed.is_empty();
    !logging.open && !logging.patterns.is_empty() && logging.patterns.iter().all(is_without)
}

/// Whether records of a unit bear the id of the trace that is current where they are written: what traces it, or a program
/// that it is a module of, keeps that in the logging context, and the records hold it.
pub(super) fn bear_ids(study: &Study<'_>, file: u32) -> bool {
    let unit = study.unit_of(file);
    let program = |at: &usize| study.is_program(*at) && prints_ids(&study.units[*at]);
    let bears = || prints_ids(&study.units[unit]) || study.units_near(unit).iter().any(program);
    study.language() == Language::Java && study.of_unit("records bear ids", unit, bears)
}

/// Whether a unit, or a module that it imports, gives other tasks a copy of the logging context by hand: whoever fills it,
/// records are joined by what is in it.
fn hands_over_ids(study: &Study<'_>, unit: usize) -> bool {
    let copies = |unit: usize| {
        let sets = |fact: &CallFact<'_>| fact.effect.copies_mdc && fact.effect.puts_mdc && is_in_task(study, fact);
        study.of_unit("hands over ids", unit, || study.calls_of_unit(unit).any(sets))
    };
    study.with_imported(unit).into_iter().any(copies)
}

/// Whether a call stands in what runs as a task: a function literal, or the method of a wrapper.
fn is_in_task(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let decl = study.program.function(fact.function);
    study.program.outermost(fact.function) != fact.function || task::RUNNERS.contains(&decl.name.as_str())
}

/// The functions of a unit that put ids into the logging context.
fn putting<'s>(study: &'s Study<'_>, unit: usize) -> impl Iterator<Item = FuncRef> + 's {
    calls_putting(study, unit).map(|fact| study.program.outermost(fact.function))
}

/// The calls of a unit that put ids into the logging context.
fn calls_putting<'s, 'a>(study: &'s Study<'a>, unit: usize) -> impl Iterator<Item = &'s CallFact<'a>> {
    let puts = move || study.calls_of_unit(unit).filter(|fact| is_putting(study, fact));
    let any = study.of_unit("puts ids", unit, || puts().next().is_some());
    any.then(puts).into_iter().flatten()
}

/// Whether a call stands in a function literal that a function of something called a filter hands back: start-up calls
/// the function, and requests run the literal.
fn hands_back_filter(study: &Study<'_>, put: &CallFact<'_>) -> bool {
    let program = study.program;
    let outermost = program.outermost(put.function);
    let owner = program.function(outermost).owner_name.to_ascii_lowercase();
    let flow = &program.files[put.call.file as usize].flow;
    let mut at = put.function;
    while at != outermost {
        let Some(outer) = program.function(at).parent else { return false };
        let literal = flow.closures.get(&at.id);
        if !flow.returns_of(outer).any(|found| found.values.iter().any(|value| Some(value) == literal)) {
            return false;
        }
        at = FuncRef { id: outer, ..at };
    }
    put.function != outermost && has_part(&owner, &vocabulary().filter_types)
}

/// Whether a program of the tree prints what a call puts into the logging context on its records.
fn is_printed(study: &Study<'_>, put: &CallFact<'_>) -> bool {
    let given = study.slot(put.call, Slot::Arg(0)).into_iter().flat_map(|value| study.texts(value));
    let printed = |key: &String| {
        let mut patterns = study.units.iter().flat_map(|unit| &unit.logging.patterns);
        patterns.any(|pattern| pattern.printed.contains(key))
    };
    given.into_iter().any(|text| matches!(text.0.as_slice(), [Piece::Literal(name)] if printed(name)))
}

/// Whether a unit has a filter whose work is done by a type that is not seen, and which is about the logging context by
/// its name.
fn extends_unseen_filter(study: &Study<'_>, unit: usize) -> bool {
    let program = study.program;
    let is_unseen = |name: &ustr::Ustr| program.own_type(*name).is_none() && program.knowledge.ty(*name).is_none();
    let is_about = |name: &ustr::Ustr| {
        let name = name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase();
        name.contains("mdc") && has_part(&name, &vocabulary().filter_types)
    };
    let files = (0u32..).zip(&program.files).filter(|(_, file)| file.source.unit == unit);
    let mut supers = files.flat_map(|(at, file)| {
        let types = file.source.facts.types.iter().filter(|ty| !ty.annotations.is_empty());
        types.flat_map(|ty| &ty.supers).map(move |ty| program.type_ref(at, ty))
    });
    supers.any(|name| is_about(&name) && is_unseen(&name))
}

/// Whether a call puts ids into the logging context, and is not the one by which a wrapped task sets a copy of it.
fn is_putting(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let joins = fact.effect.puts_mdc && !(fact.effect.copies_mdc && is_in_task(study, fact));
    joins && !is_for_one_record(study, fact) && !is_beside_trace(study, fact)
}

/// Whether an agent puts the trace's id into each record by itself, on whatever thread, and what is put by hand is
/// something else (`user`): records are joined without it.
fn is_beside_trace(study: &Study<'_>, put: &CallFact<'_>) -> bool {
    let unit = study.unit(put.call.file);
    let key = study.slot(put.call, Slot::Arg(0)).first().copied();
    let key = key.filter(|_| unit.is_traced_from_outside() && unit.logs_ids());
    let is_other = |origin: &Origin| match origin {
        Origin::Literal(text) => match study.program.expr_kind(*text) {
            ExprKind::Str(text) => !speaks_of_tracing(text, NameOf::Filter),
            _ => false,
        },
        _ => false,
    };
    let origins = key.map(|key| study.program.origins(key, true)).unwrap_or_default();
    !origins.is_empty() && origins.iter().all(is_other)
}

/// Whether ids are put for what the same function logs alone: it takes them away again, and calls nothing in between but
/// what logs.
fn is_for_one_record(study: &Study<'_>, put: &CallFact<'_>) -> bool {
    let program = study.program;
    let start = |call: ValueRef| program.expr(call).span.start;
    let put_at = program.expr(put.call).span;
    let takes_away = |fact: &&CallFact<'_>| fact.effect.clears_mdc && start(fact.call) >= put_at.end;
    let Some(end) = study.calls_in(put.function).filter(takes_away).map(|fact| start(fact.call)).min() else {
        return false;
    };
    let between = task::calls(study, put.function).filter(|call| (put_at.end..end).contains(&start(*call)));
    let logs =
        |call: ValueRef| study.fact(call).is_some_and(|fact| fact.effect.log.is_some()) || is_log_call(study, call);
    let (records, others): (Vec<ValueRef>, Vec<ValueRef>) = between.partition(|call| logs(*call));
    let puts = |call: &&ValueRef| study.fact(**call).is_some_and(|fact| fact.effect.puts_mdc);
    let known: Vec<ValueRef> = records.iter().chain(others.iter().filter(puts)).copied().collect();
    let is_part = |call: &ValueRef| {
        let span = program.expr(*call).span;
        known.iter().any(|other| program.expr(*other).span.contains(span))
    };
    !records.is_empty() && others.iter().all(is_part)
}

fn outermost_at(study: &Study<'_>, call: ValueRef) -> FuncRef {
    study.program.outermost(study.program.function_at(call))
}

/// A function and those that lead to it.
pub(super) fn callers(study: &Study<'_>, function: FuncRef) -> Vec<FuncRef> {
    let mut out = vec![function];
    let mut at = 0;
    while let Some(current) = out.get(at).copied().filter(|_| out.len() < MAX_CALLERS) {
        at += 1;
        for call in study.program.callers(current) {
            let caller = outermost_at(study, *call);
            if !out.contains(&caller) {
                out.push(caller);
            }
        }
    }
    out
}

/// Whether a function runs around the handlers of requests: it overrides a method of a library's filter or interceptor,
/// or its type is called so.
pub(in crate::rules) fn stands_before(study: &Study<'_>, function: FuncRef) -> bool {
    let owner = study.program.function(function).owner_name.to_ascii_lowercase();
    is_filter(study, function)
        || (study.inbound(function) != Inbound::Root && has_part(&owner, &vocabulary().filter_types))
}

/// Whether a function overrides a method of a library's filter or interceptor. One of a handler puts ids there for its
/// own requests alone.
fn is_filter(study: &Study<'_>, function: FuncRef) -> bool {
    let program = study.program;
    let overrides = program.function(function).annotations.iter().any(|found| found.name == "Override");
    let owner = program.enclosing_type(function).filter(|_| overrides).map(|owner| program.type_name(owner));
    let is_middleware =
        |ty: &ustr::Ustr| program.knowledge.ty(*ty).is_some_and(|(_, found)| found.role == TypeRole::Middleware);
    owner.is_some_and(|owner| program.supertypes(owner).iter().any(is_middleware))
}

/// Whether a task, or what it calls, logs.
pub(super) fn logs(study: &Study<'_>, functions: &[FuncRef]) -> bool {
    functions.iter().any(|function| study.summary(*function).has(Summary::LOGS))
        || task::below(study, functions, 3)
            .into_iter()
            .any(|function| task::calls(study, function).any(|call| is_log_call(study, call)))
}

/// Whether a task, or what it calls so many steps below, writes log records.
pub(super) fn logs_within(study: &Study<'_>, functions: &[FuncRef], depth: usize) -> bool {
    let writes = |function: &FuncRef| {
        study.calls_in(*function).any(|fact| fact.effect.log.is_some())
            || task::calls(study, *function).any(|call| is_log_call(study, call))
    };
    task::below(study, functions, depth).iter().any(writes)
}

/// Whether a task, or what it calls, puts ids into the logging context itself.
pub(super) fn puts_again(study: &Study<'_>, functions: &[FuncRef]) -> bool {
    task::below(study, functions, 2)
        .into_iter()
        .any(|function| study.calls_in(function).any(|fact| fact.effect.puts_mdc && may_be_id(study, fact)))
}

/// Whether what a call puts may be an id, by the name under which it does: a user's name joins no records.
fn may_be_id(study: &Study<'_>, put: &CallFact<'_>) -> bool {
    let given = study.slot(put.call, Slot::Arg(0));
    let texts: Vec<_> = given.into_iter().flat_map(|value| study.texts(value)).collect();
    let is_other = |text: &Text| match text.0.as_slice() {
        [Piece::Literal(name)] => {
            !name.to_ascii_lowercase().ends_with("id") && !speaks_of_tracing(name, NameOf::Filter)
        }
        _ => false,
    };
    study.language() != Language::Java || texts.is_empty() || !texts.iter().all(is_other)
}

/// Whether a call logs by a logger that a code generator declares, so that its type is not seen.
pub(super) fn is_log_call(study: &Study<'_>, call: ValueRef) -> bool {
    let ExprKind::Call { callee, .. } = study.program.expr_kind(call) else { return false };
    let at = |expr| ValueRef { file: call.file, expr };
    let ExprKind::Member { base, name, .. } = study.program.expr_kind(at(*callee)) else { return false };
    let ExprKind::Name(logger) = study.program.expr_kind(at(*base)) else { return false };
    matches!(name.as_str(), "trace" | "debug" | "info" | "warn" | "error")
        && matches!(logger.as_str(), "log" | "logger" | "LOG" | "LOGGER")
}
