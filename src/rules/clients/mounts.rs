//! Handlers that decorators mount on a server: `@app.get("/orders")` (Python).

use super::life::Lives;
use super::server::{calls_out, is_aside};
use crate::ir::{Annotation, ExprKind, FunctionId, Language};
use crate::knowledge::{AnnotationRole, HopKind, LibraryDescription, TypeRole};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::study::{CallFact, Study, described_annotation};

/// The decorators of the server's library in its unit that mount handlers which go on with a trace; `None` when one of
/// them reads the trace itself. Where the unit's outgoing requests are not traced, only those that start spans by hand: a
/// set-up for other spans (of models, of tests) does not mean to join the traces of callers.
pub(super) fn decorated(lives: &Lives<'_, '_>, server: &CallFact<'_>) -> Option<Vec<ValueRef>> {
    let study = lives.study;
    if study.language() != Language::Python || !is_handed_out(study, server) {
        return Some(Vec::new());
    }
    let is_only = is_only(study, server);
    let traces_requests = is_only && traces_requests(study, server);
    let goes_on = |function: FuncRef| match traces_requests {
        true => calls_out(study.summary(function)),
        false => study.with_nested(function).into_iter().any(|inner| starts_by_hand(study, inner)),
    };
    let unit = study.unit_of(server.call.file);
    let mut out = Vec::new();
    for function in study.program.all_functions().filter(|function| study.unit_of(function.file) == unit) {
        let Some(mounted_by) = mounting(study, function, server) else { continue };
        if !is_only && !is_mounted_on(study, function, mounted_by, server) {
            continue;
        }
        if lives.works_on_traces(function) {
            return None;
        }
        if goes_on(function) && !is_aside(study, mounted_by) {
            out.push(mounted_by);
        }
    }
    Some(out)
}

/// Whether a server can be run from outside: a variable of its module, or the result of the function that makes it. One
/// that another server of the unit mounts is traced with that.
fn is_handed_out(study: &Study<'_>, server: &CallFact<'_>) -> bool {
    let flow = &study.program.files[server.call.file as usize].flow;
    let mut returned = flow.returns_of(server.function.id).flat_map(|found| &found.values);
    let is_it = |value: &crate::ir::ExprId| {
        let value = ValueRef { expr: *value, ..server.call };
        value == server.call || study.program.origins(value, false).contains(&Origin::Call(server.call, 0))
    };
    server.function.id.0 == 0 || returned.any(is_it)
}

/// Whether the unit makes one server of the library alone: then all that is mounted on some is mounted on it.
fn is_only(study: &Study<'_>, server: &CallFact<'_>) -> bool {
    let unit = study.unit_of(server.call.file);
    let same = |other: &&CallFact<'_>| {
        other.effect.makes == Some(TypeRole::Server)
            && other.library.id == server.library.id
            && study.unit_of(other.call.file) == unit
    };
    study.calls().iter().filter(same).count() == 1
}

/// Whether the decorator of a handler mounts it on this very server, `@app.get("/orders")`, by the function around both,
/// or the one around the handler that is given the server.
fn is_mounted_on(study: &Study<'_>, handler: FuncRef, mounted_by: ValueRef, server: &CallFact<'_>) -> bool {
    let program = study.program;
    let around = FuncRef { id: program.function(handler).parent.unwrap_or(FunctionId(0)), ..handler };
    if around == server.function {
        return true;
    }
    let Some(ExprKind::Name(on)) = program.receiver(mounted_by).map(|on| program.expr_kind(on)) else { return false };
    let Some(n) = program.function(around).params.iter().position(|param| param.name == *on) else { return false };
    let given = program.callers(around).iter().filter_map(|call| program.argument(*call, around, n as u16));
    given.into_iter().any(|value| program.origins(value, true).contains(&Origin::Call(server.call, 0)))
}

/// Whether a function runs under a span of the service's own, which it starts itself or in what it calls at once. One that
/// is not made current stands for no request.
fn starts_by_hand(study: &Study<'_>, function: FuncRef) -> bool {
    let starts =
        |function: FuncRef| study.calls_in(function).any(|fact| fact.effect.span.is_some_and(|span| span.current));
    let file = study.program.files.get(function.file as usize);
    let mut sites = file.into_iter().flat_map(|file| file.flow.calls_of(function.id));
    starts(function)
        || sites.any(|site| {
            let call = ValueRef { file: function.file, expr: site.expr };
            study.program.callee(call).functions.iter().any(|callee| starts(*callee))
        })
}

/// The decorator of the server's library that mounts a handler.
fn mounting(study: &Study<'_>, function: FuncRef, server: &CallFact<'_>) -> Option<ValueRef> {
    let mounts = |found: &&Annotation| {
        let described = described_annotation(study, function.file, found);
        described.is_some_and(|(library, found)| library.id == server.library.id && found.role == AnnotationRole::Entry)
    };
    let annotations = &study.program.function(function).annotations;
    annotations.iter().find(mounts).map(|found| ValueRef { file: function.file, expr: found.expr })
}

/// Whether the code of a unit instruments a client for outgoing requests.
fn traces_requests(study: &Study<'_>, server: &CallFact<'_>) -> bool {
    let view = study.unit(server.call.file);
    let calls_out = |library: &&LibraryDescription| {
        let mut hops = library.functions.iter().filter_map(|function| function.hop);
        hops.any(|hop| matches!(hop.kind, HopKind::HttpCall | HopKind::RpcCall))
    };
    let mut clients = study.program.knowledge.libraries().iter().filter(calls_out);
    clients.any(|library| view.coverage(library).is_some())
}
