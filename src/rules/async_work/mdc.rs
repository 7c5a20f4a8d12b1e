//! Units that join their log records by an id in the logging context.

use super::task;
use crate::ir::{ExprKind, Language};
use crate::link::{FuncRef, ValueRef};
use crate::study::{Study, Summary};

/// Whether the unit of a file puts ids into the logging context while a request is handled.
pub(super) fn puts_ids(study: &Study<'_>, file: u32) -> bool {
    let unit = |file: u32| study.program.files.get(file as usize).map(|file| file.source.unit);
    study.language() == Language::Java
        && study.calls().iter().any(|fact| fact.effect.puts_mdc && unit(fact.call.file) == unit(file))
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
