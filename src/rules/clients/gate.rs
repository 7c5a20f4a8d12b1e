//! Whether a call can be part of a request's trace at all.

use super::words;
use crate::ir::{ExprKind, Language};
use crate::knowledge::{Slot, TypeRole};
use crate::link::{FuncRef, Origin, Step, ValueRef};
use crate::services::Mode;
pub(super) use crate::study::is_aside;
use crate::study::{Inbound, Study, UnitView};

/// Whether a unit's tracing was seen to be switched on, and not by something that may cover everything.
pub(super) fn is_traced_by_code(unit: &UnitView) -> bool {
    let on = unit.stacks.iter().any(|found| found.active);
    on && !unit.stacks.iter().any(|found| matches!(found.mode, Mode::Agent | Mode::Launcher | Mode::Build))
}

/// Whether a trace that came in can be current in a function.
pub(super) fn can_be_inside(study: &Study<'_>, function: FuncRef) -> bool {
    match study.inbound(function) {
        Inbound::Entry(_) | Inbound::Below(_) | Inbound::Takes => true,
        Inbound::Root => false,
        Inbound::Unknown => {
            let outer = study.program.function(study.program.outermost(function));
            let is_method = outer.owner.is_some() || !outer.owner_name.is_empty();
            is_method
                && !is_start_up(study, function)
                && unit_takes_work(study, function.file)
                && !makes_bean(study, function)
        }
    }
}

/// Whether a unit takes requests or starts spans itself. Java handlers are registered by what is written at them.
fn unit_takes_work(study: &Study<'_>, file: u32) -> bool {
    let unit = |file: u32| study.program.files.get(file as usize).map(|file| file.source.unit);
    let handles =
        |function: FuncRef| unit(function.file) == unit(file) && matches!(study.inbound(function), Inbound::Entry(_));
    study.calls().iter().any(|fact| {
        (fact.effect.span.is_some() || fact.effect.registers.is_some_and(|found| !found.root))
            && unit(fact.call.file) == unit(file)
    }) || (study.language() == Language::Java && study.program.all_functions().any(handles))
}

/// Whether a function runs while the container is set up.
fn makes_bean(study: &Study<'_>, function: FuncRef) -> bool {
    super::beans::is_bean(study, study.program.outermost(function))
}

/// Whether the unit of a client is a library: nothing of it is called for inbound work, so that process-wide
/// instrumentation is up to the program that uses it.
pub(super) fn is_left_to_the_user(study: &Study<'_>, client: ValueRef) -> bool {
    let unit = |file: u32| study.program.files.get(file as usize).map(|file| file.source.unit);
    let mut here = study.program.all_functions().filter(|function| unit(function.file) == unit(client.file));
    study.language() == Language::Python && !here.any(|function| matches!(study.inbound(function), Inbound::Entry(_)))
}

fn is_start_up(study: &Study<'_>, function: FuncRef) -> bool {
    let outer = study.program.function(study.program.outermost(function));
    let name = outer.name.to_ascii_lowercase();
    outer.flags.is_constructor
        || ["main", "init", "new", "start", "setup", "bootstrap"].iter().any(|word| name.starts_with(word))
}

/// Whether a file declares the commands of a command line: what its code asks for, it asks for an operator, also where it
/// opens a port to wait for an answer.
pub(super) fn is_for_operator(study: &Study<'_>, file: u32) -> bool {
    let program = study.program;
    let commands = program
        .knowledge
        .libraries()
        .iter()
        .filter(|library| library.types.iter().any(|ty| ty.role == TypeRole::Command));
    let modules: Vec<&str> = commands.flat_map(|library| &library.modules).map(String::as_str).collect();
    let imports = program.files.get(file as usize).map(|file| &file.source.facts.imports);
    study.language() == Language::Go
        && imports.into_iter().flatten().any(|import| modules.contains(&import.target.as_str()))
}

/// Whether what a function or file is about stays out of traces: exporters, health checks, start-up metadata.
pub(super) fn is_apart(study: &Study<'_>, function: FuncRef, call: ValueRef) -> bool {
    let path = study.program.place(call).path;
    let name = study.function_name(function);
    if words::is_apart(&name) || words::is_apart(&path) || is_aside(&path) {
        return true;
    }
    // The client's own name says it too: `s.collectorClient.Do(request)`.
    let client = study.program.receiver(call).into_iter();
    client.chain(study.slot(call, Slot::AnyArg)).any(|value| mentions(study, value, 3))
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

/// Whether a call goes to a stranger's service: one that its function or file is named after, or that it names by a
/// literal URL.
pub(super) fn goes_to_third_party(study: &Study<'_>, call: ValueRef) -> bool {
    let function = study.function_name(study.program.function_at(call));
    if words::names_stranger(&function) || words::names_stranger(&study.program.place(call).path) {
        return true;
    }
    let is_one =
        |value: ValueRef| matches!(study.program.expr_kind(value), ExprKind::Str(text) if words::is_third_party(text));
    let mut work = study.slot(call, Slot::AnyArg);
    let mut rounds = 0;
    while let Some(value) = work.pop() {
        rounds += 1;
        if is_one(value) || rounds > 60 {
            return rounds <= 60;
        }
        match study.program.expr_kind(value) {
            ExprKind::Binary { left, .. } => work.push(ValueRef { expr: *left, ..value }),
            ExprKind::Unknown(parts) => work.extend(parts.iter().map(|expr| ValueRef { expr: *expr, ..value })),
            ExprKind::Name(_) | ExprKind::Member { .. } => {
                // `url := c.base + path` is made of parts, where its origins end.
                if let Step::Values(values) = study.program.step(value) {
                    work.extend(values.into_iter().filter(|next| *next != value));
                }
                for origin in study.program.origins(value, false) {
                    match origin {
                        Origin::Literal(found) if is_one(found) => return true,
                        Origin::Call(found, _) => work.extend(study.slot(found, Slot::AnyArg)),
                        _ => {}
                    }
                }
            }
            ExprKind::Call { .. } => work.extend(study.slot(value, Slot::AnyArg)),
            _ => {}
        }
    }
    false
}
