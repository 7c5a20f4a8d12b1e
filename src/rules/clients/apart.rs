//! What a function or file is about, where that keeps a call out of the traces of requests.

use super::words;
use crate::ir::{ExprKind, Language};
use crate::knowledge::Slot;
use crate::link::{FuncRef, Origin, ValueRef};
use crate::study::Study;

/// Whether what a function or file is about stays out of traces: exporters, health checks, start-up metadata.
pub(super) fn is_apart(study: &Study<'_>, function: FuncRef, call: ValueRef) -> bool {
    let path = study.program.place(call).path;
    let name = study.function_name(function);
    if words::is_apart(&name) || words::is_apart(&path) || study.is_aside(&path) || is_test_agent(study, function) {
        return true;
    }
    // The client's own name says it too: `s.collectorClient.Do(request)`.
    let client = study.program.receiver(call).into_iter();
    client.chain(study.slot(call, Slot::AnyArg)).any(|value| mentions(study, value, 5))
}

/// Whether a function is a health check, by its name or what it answers: what it asks for is part of no request's work.
pub(in crate::rules) fn checks_health(study: &Study<'_>, function: FuncRef) -> bool {
    let answers = study.program.function(function).results.first().is_some_and(|ty| words::names_health(&ty.name));
    answers || words::names_health(&study.function_name(function))
}

/// Whether a function literal answers at a path of checks of health, where it is mounted: `r.GET("/liveness", func(…) {…})`.
pub(in crate::rules) fn answers_checks(study: &Study<'_>, function: FuncRef) -> bool {
    let program = study.program;
    let file = program.files.get(function.file as usize);
    let Some(made) = file.and_then(|file| file.flow.closures.get(&function.id)) else { return false };
    let made = ValueRef { file: function.file, expr: *made };
    let beside = program.parent(made).map(|call| study.slot(call, Slot::AnyArg)).unwrap_or_default();
    beside.into_iter().any(|value| match program.expr_kind(value) {
        ExprKind::Str(path) => path.starts_with('/') && words::names_health(path),
        _ => false,
    })
}

/// Whether a function is there for tests, by its name.
pub(in crate::rules) fn helps_tests(study: &Study<'_>, function: FuncRef) -> bool {
    words::names_test(&study.function_name(function))
}

/// Whether a Java method belongs to what runs tests: class names say so, as the classes lie among those of the service.
fn is_test_agent(study: &Study<'_>, function: FuncRef) -> bool {
    study.language() == Language::Java && words::names_test(&study.function_name(function))
}

fn mentions(study: &Study<'_>, value: ValueRef, depth: u32) -> bool {
    let program = study.program;
    let here = |value: ValueRef| match program.expr_kind(value) {
        ExprKind::Name(text) | ExprKind::Str(text) => words::is_apart(text),
        ExprKind::Member { name, .. } => words::is_apart(name),
        _ => false,
    };
    if depth == 0 || here(value) {
        return depth != 0;
    }
    match program.expr_kind(value) {
        ExprKind::Call { args, .. } | ExprKind::New { args, .. } => {
            args.iter().any(|arg| mentions(study, ValueRef { expr: arg.value, ..value }, depth - 1))
        }
        ExprKind::Member { base, .. } => mentions(study, ValueRef { expr: *base, ..value }, depth - 1),
        ExprKind::Binary { left, right, .. } => {
            [left, right].into_iter().any(|side| mentions(study, ValueRef { expr: *side, ..value }, depth - 1))
        }
        ExprKind::Name(_) => program.origins(value, false).iter().any(|origin| match origin {
            Origin::Literal(found) | Origin::Call(found, _) if *found != value => {
                here(*found) || mentions(study, *found, depth - 1)
            }
            _ => false,
        }),
        _ => false,
    }
}

/// Whether a call only keeps records, by what its function and file are named after: audit logs, telemetry.
pub(in crate::rules) fn keeps_records(study: &Study<'_>, call: ValueRef) -> bool {
    let function = study.function_name(study.program.function_at(call));
    words::names_records(&function) || words::names_records(&study.program.place(call).path)
}

/// Whether a call only keeps caches in step, by what its function and file are named after.
pub(in crate::rules) fn drops_copies(study: &Study<'_>, call: ValueRef) -> bool {
    let function = study.function_name(study.program.function_at(call));
    let path = study.program.place(call).path;
    let file = path.rsplit('/').next().unwrap_or_default();
    words::names_caches(&function) || words::names_caches(file)
}
