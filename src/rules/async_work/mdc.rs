//! Units that join their log records by an id in the logging context.

use super::task;
use crate::ir::{ExprKind, Language};
use crate::link::{FuncRef, ValueRef};
use crate::study::{Inbound, Study, Summary};

/// How far the callers of a function are followed.
const MAX_CALLERS: usize = 60;

/// Whether the unit of a file puts ids into the logging context around every request: in what stands before handlers.
pub(super) fn puts_ids(study: &Study<'_>, file: u32) -> bool {
    putting(study, file).any(|function| callers(study, function).into_iter().any(|above| stands_before(study, above)))
}

/// Whether ids are in the logging context where a function hands work over: put there around every request, or by one of
/// those that lead to the function.
pub(super) fn has_ids(study: &Study<'_>, function: FuncRef) -> bool {
    let mut path = None;
    let mut on_the_way = |putting: FuncRef| {
        let path = path.get_or_insert_with(|| callers(study, study.program.outermost(function)));
        let mut above = vec![putting];
        above.extend(study.program.callers(putting).iter().map(|call| outermost_at(study, *call)));
        above.iter().any(|function| path.contains(function))
    };
    putting(study, function.file).any(&mut on_the_way) || puts_ids(study, function.file)
}

/// The functions of a file's unit that put ids into the logging context.
fn putting<'s>(study: &'s Study<'_>, file: u32) -> impl Iterator<Item = FuncRef> + 's {
    let unit = study.program.files.get(file as usize).map(|file| file.source.unit);
    let puts = move |unit: usize| study.calls_of_unit(unit).filter(|fact| fact.effect.puts_mdc);
    let any = move |unit: &usize| {
        study.language() == Language::Java && study.of_unit("puts ids", *unit, || puts(*unit).next().is_some())
    };
    unit.filter(any).into_iter().flat_map(puts).map(|fact| study.program.outermost(fact.function))
}

fn outermost_at(study: &Study<'_>, call: ValueRef) -> FuncRef {
    study.program.outermost(study.program.function_at(call))
}

/// A function and those that lead to it.
fn callers(study: &Study<'_>, function: FuncRef) -> Vec<FuncRef> {
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

/// What types are called whose methods run around the handlers of requests.
const AROUND: &[&str] = &["filter", "interceptor", "aspect", "advice", "valve"];

/// Whether a function runs around the handlers of requests: it overrides a method of a library's filter or interceptor,
/// or its type is called so.
fn stands_before(study: &Study<'_>, function: FuncRef) -> bool {
    let decl = study.program.function(function);
    let overrides = decl.annotations.iter().any(|found| found.name == "Override");
    let owner = decl.owner_name.to_ascii_lowercase();
    match study.inbound(function) {
        Inbound::Entry(_) if overrides => true,
        Inbound::Root => false,
        _ => AROUND.iter().any(|word| owner.contains(word)),
    }
}

/// Whether a task, or what it calls, logs.
pub(super) fn logs(study: &Study<'_>, functions: &[FuncRef]) -> bool {
    functions.iter().any(|function| study.summary(*function).has(Summary::LOGS))
        || task::below(study, functions, 3)
            .into_iter()
            .any(|function| task::calls(study, function).any(|call| is_log_call(study, call)))
}

/// Whether a task, or what it calls, puts ids into the logging context itself.
pub(super) fn puts_again(study: &Study<'_>, functions: &[FuncRef]) -> bool {
    task::below(study, functions, 2)
        .into_iter()
        .any(|function| study.calls_in(function).any(|fact| fact.effect.puts_mdc))
}

/// Whether a call logs by a logger that a code generator declares, so that its type is not seen.
fn is_log_call(study: &Study<'_>, call: ValueRef) -> bool {
    let ExprKind::Call { callee, .. } = study.program.expr_kind(call) else { return false };
    let at = |expr| ValueRef { file: call.file, expr };
    let ExprKind::Member { base, name, .. } = study.program.expr_kind(at(*callee)) else { return false };
    let ExprKind::Name(logger) = study.program.expr_kind(at(*base)) else { return false };
    matches!(name.as_str(), "trace" | "debug" | "info" | "warn" | "error")
        && matches!(logger.as_str(), "log" | "logger" | "LOG" | "LOGGER")
}
