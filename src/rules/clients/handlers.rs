//! The handlers that a call mounts on a server.

use super::life::{Lives, is_registration};
use super::words;
use crate::ir::{ExprKind, Language, TypeKind};
use crate::knowledge::{Slot, TypeRole};
use crate::link::{FuncRef, Origin, TypeIndex, ValueRef};
use crate::study::{Inbound, Study, functions_of, is_remote_shape, remote_methods, stub_of};

/// The functions that a call mounts on a server: by its description, or the methods of the service that a generated
/// registration (`RegisterOrdersServer(server, orders)`) is given. Only what is seen at the call.
pub(super) fn handlers(study: &Study<'_>, call: ValueRef) -> Vec<FuncRef> {
    let program = study.program;
    if let Some(values) = registered(study, call) {
        return values.into_iter().flat_map(|value| served_by(study, value)).collect();
    }
    if study.fact(call).is_some() || !is_registration(study, call) {
        return Vec::new();
    }
    let owners = study.slot(call, Slot::AnyArg).into_iter().filter_map(|value| program.type_of(value));
    let methods = owners.filter_map(|ty| program.own_type(ty)).flat_map(|ty| program.methods_of(ty));
    methods.filter(|method| is_open(study, *method)).collect()
}

/// The same, and in Go also what stands in tables of routes, behind interfaces and wrappers.
pub(super) fn all_handlers(study: &Study<'_>, call: ValueRef) -> Vec<FuncRef> {
    if study.language() != Language::Go {
        return handlers(study, call);
    }
    if let Some(values) = registered(study, call) {
        let served = |value: &ValueRef| [served_by(study, *value), behind(study, *value)].concat();
        return values.iter().flat_map(served).collect();
    }
    let is_generated = || is_registration(study, call) && !is_seen(study, call);
    if study.fact(call).is_none() && is_generated() { methods_given(study, call) } else { Vec::new() }
}

/// The handlers that a described registration is given; `None` for any other call.
fn registered(study: &Study<'_>, call: ValueRef) -> Option<Vec<ValueRef>> {
    let registers = study.fact(call)?.effect.registers.filter(|found| !found.root)?;
    Some(study.slot(call, registers.handler))
}

/// Whether a function that others may call takes a context or a request. A method that streams is given its context in the
/// stream, the last of its parameters.
fn is_open(study: &Study<'_>, function: FuncRef) -> bool {
    !study.program.function(function).flags.is_private && takes_work(study, function)
}

/// Whether the body of what a Go call runs says itself what it mounts: what is written by hand, not generated.
fn is_seen(study: &Study<'_>, call: ValueRef) -> bool {
    let program = study.program;
    let is_written = |function: &FuncRef| {
        let file = program.files.get(function.file as usize);
        file.is_some_and(|file| !file.source.facts.generated) && !program.function(*function).flags.is_abstract
    };
    let functions = &program.callee(call).functions;
    study.language() == Language::Go && !functions.is_empty() && functions.iter().all(is_written)
}

/// The methods of the objects that a generated registration is given, those of the remote service where it is known.
fn methods_given(study: &Study<'_>, call: ValueRef) -> Vec<FuncRef> {
    let program = study.program;
    let owners = study.slot(call, Slot::AnyArg).into_iter().flat_map(|value| objects(study, value));
    let names = remote_methods(study, call);
    let is_stub = stub_of(study, call, |names| &names.servers).is_some();
    let is_meant = |function: &FuncRef| {
        let is_generated = program.files.get(function.file as usize).is_none_or(|file| file.source.facts.generated);
        let is_remote = match &names {
            Some(names) => names.contains(&program.function(*function).name),
            None => !is_stub || is_remote_shape(study, *function),
        };
        // Of a package that is not in the tree, the type of a stream is known by its name alone.
        let is_of_unseen = is_stub && names.is_none() && !program.function(*function).flags.is_private;
        !is_generated && is_remote && (is_of_unseen || is_open(study, *function))
    };
    owners.flat_map(|ty| methods_with_embedded(study, ty)).filter(is_meant).collect()
}

/// The own types that an object may be of: its own, or (Go) those of what stands behind an interface.
fn objects(study: &Study<'_>, value: ValueRef) -> Vec<TypeIndex> {
    let program = study.program;
    let is_open = |ty: &TypeIndex| program.type_decl(*ty).kind == TypeKind::Interface;
    let own = program.type_of(value).and_then(|ty| program.own_type(ty));
    if study.language() != Language::Go || own.is_some_and(|ty| !is_open(&ty)) {
        return own.into_iter().collect();
    }
    let mut out: Vec<TypeIndex> = Vec::new();
    for origin in program.origins(value, true) {
        let (Origin::Call(made, _) | Origin::Literal(made)) = origin else { continue };
        let ty = program.type_of(made).and_then(|ty| program.own_type(ty)).filter(|ty| !is_open(ty));
        out.extend(ty.filter(|ty| !out.contains(ty)));
    }
    out
}

/// The methods of a type, and those that it has of the types that it embeds (Go).
fn methods_with_embedded(study: &Study<'_>, ty: TypeIndex) -> Vec<FuncRef> {
    let program = study.program;
    let mut out = program.methods_of(ty);
    if study.language() == Language::Go {
        let embedded = program.supertypes(program.type_name(ty)).to_vec();
        let own = embedded.into_iter().filter_map(|ty| program.own_type(ty));
        for method in own.flat_map(|ty| program.methods_of(ty)) {
            let name = program.function(method).name;
            if !out.iter().any(|known| program.function(*known).name == name) {
                out.push(method);
            }
        }
    }
    out
}

/// Whether a function has a parameter that is a request or a context.
fn takes_work(study: &Study<'_>, function: FuncRef) -> bool {
    let program = study.program;
    let count = program.function(function).params.len() as u16;
    let mut roles = (0..count).filter_map(|n| program.role(program.param_type(function, n)?));
    roles.any(|role| matches!(role, TypeRole::Context | TypeRole::Request))
}

/// How many wrappers around one another are looked at for the handler inside.
const MAX_WRAPPERS: u32 = 5;

/// How many values are looked at for one handler.
const MAX_VALUES: usize = 200;

/// The functions that a Go handler may be which is kept somewhere: in a table of routes, a field or a parameter, handed back
/// by functions of the service, and behind wrappers. Only those that take requests.
pub(super) fn behind(study: &Study<'_>, handler: ValueRef) -> Vec<FuncRef> {
    let program = study.program;
    let mut out: Vec<FuncRef> = Vec::new();
    let mut work = vec![(handler, MAX_WRAPPERS)];
    let mut seen: Vec<ValueRef> = Vec::new();
    while let Some((value, depth)) = work.pop().filter(|_| seen.len() < MAX_VALUES) {
        if seen.contains(&value) {
            continue;
        }
        seen.push(value);
        out.extend(functions_of(study, value));
        for origin in program.origins(value, true) {
            match origin {
                Origin::Field(owner, name) => out.extend(program.methods(owner, name)),
                Origin::Literal(found) => {
                    out.extend(functions_of(study, found));
                    out.extend(entries_of(study, found));
                }
                Origin::Call(found, _) => {
                    out.extend(functions_of(study, found));
                    out.extend(entries_of(study, found));
                    if stub_of(study, found, |names| &names.servers).is_some() {
                        out.extend(methods_given(study, found));
                    } else if depth > 0 {
                        work.extend(study.slot(found, Slot::AnyArg).into_iter().map(|value| (value, depth - 1)));
                    }
                }
                Origin::Param(..) | Origin::Unknown => {}
            }
        }
    }
    out.retain(|function| takes_work(study, *function));
    out.sort_unstable();
    out.dedup();
    out
}

/// The methods that a library calls for inbound work of the own type that an object is made of.
fn entries_of(study: &Study<'_>, made: ValueRef) -> Vec<FuncRef> {
    let owner = study.program.type_of(made).and_then(|ty| study.program.own_type(ty));
    let methods = owner.map(|ty| methods_with_embedded(study, ty)).unwrap_or_default();
    methods.into_iter().filter(|method| matches!(study.inbound(*method), Inbound::Entry(_))).collect()
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
