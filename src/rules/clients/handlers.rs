//! The handlers that a call mounts on a server.

use super::life::{Lives, is_registration};
use super::words;
use crate::ir::ExprKind;
use crate::knowledge::{Slot, TypeRole};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::study::{Inbound, Study, functions_of};

/// The functions that a call mounts on a server: by its description, or the methods of the service that a generated
/// registration (`RegisterOrdersServer(server, orders)`) is given.
pub(super) fn handlers(study: &Study<'_>, call: ValueRef) -> Vec<FuncRef> {
    let program = study.program;
    if let Some(fact) = study.fact(call) {
        let Some(registers) = fact.effect.registers.filter(|found| !found.root) else { return Vec::new() };
        return study.slot(call, registers.handler).into_iter().flat_map(|value| served_by(study, value)).collect();
    }
    if !is_registration(study, call) {
        return Vec::new();
    }
    let owners = study.slot(call, Slot::AnyArg).into_iter().filter_map(|value| program.type_of(value));
    let methods = owners.filter_map(|ty| program.own_type(ty)).flat_map(|ty| program.methods_of(ty));
    // A method that streams is given its context in the stream, the last of its parameters.
    let takes_context = |function: &FuncRef| {
        let decl = program.function(*function);
        let mut roles = (0..decl.params.len()).filter_map(|n| program.role(program.param_type(*function, n as u16)?));
        !decl.flags.is_private && roles.any(|role| matches!(role, TypeRole::Context | TypeRole::Request))
    };
    methods.filter(takes_context).collect()
}

/// The methods that take requests of an object that a function of the service makes and hands back as some handler:
/// `mux.Handle("/orders", newOrders())`. Only those that ask their request for its context (Go).
pub(super) fn handed_back(lives: &Lives<'_, '_>, call: ValueRef) -> Vec<FuncRef> {
    let (study, program) = (lives.study, lives.study.program);
    let registers = study.fact(call).and_then(|fact| fact.effect.registers).filter(|found| !found.root);
    let given = registers.map(|registers| study.slot(call, registers.handler)).unwrap_or_default();
    let given = given.into_iter().filter(|value| !lives.traces_handler(*value, 4));
    let made = given.flat_map(|value| program.origins(value, true)).filter_map(|origin| match origin {
        Origin::Literal(made) => program.type_of(made).and_then(|ty| program.own_type(ty)),
        _ => None,
    });
    let methods = made.flat_map(|ty| program.methods_of(ty));
    let asks = |method: FuncRef| {
        let mut calls = study.with_nested(method).into_iter().flat_map(|inner| study.calls_in(inner));
        calls.any(|fact| fact.effect.context_of.is_some())
    };
    methods.filter(|method| matches!(study.inbound(*method), Inbound::Entry(_)) && asks(*method)).collect()
}

/// The functions that a handler runs: itself, or the methods of an object that a library calls for inbound work.
pub(super) fn served_by(study: &Study<'_>, handler: ValueRef) -> Vec<FuncRef> {
    let found = functions_of(study, handler);
    if !found.is_empty() {
        return found;
    }
    let owner = study.program.type_of(handler).and_then(|ty| study.program.own_type(ty));
    let methods = owner.map(|ty| study.program.methods_of(ty)).unwrap_or_default();
    methods.into_iter().filter(|method| matches!(study.inbound(*method), Inbound::Entry(_))).collect()
}

pub(super) fn is_aside(study: &Study<'_>, call: ValueRef) -> bool {
    let named = |name: &str| words::names_health(name) || name.to_ascii_lowercase().contains("metric");
    let name = study.callee_text(call);
    if named(name.rsplit('.').next().unwrap_or(&name)) {
        return true;
    }
    study.slot(call, Slot::AnyArg).into_iter().any(|value| match study.program.expr_kind(value) {
        ExprKind::Str(text) => is_side_path(text),
        // A constant: `mux.Handle(PathMetrics, handler)`
        ExprKind::Name(name) | ExprKind::Member { name, .. } => named(name),
        _ => false,
    })
}

/// Whether a path is that of a health check, metrics or profiles, which stay out of traces.
pub(super) fn is_side_path(path: &str) -> bool {
    let words = ["health", "ready", "live", "metric", "debug", "ping", "status", "pprof", "version"];
    let path = path.to_ascii_lowercase();
    words.iter().any(|word| path.contains(word))
}
