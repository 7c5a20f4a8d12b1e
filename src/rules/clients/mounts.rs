//! Handlers that are mounted on a server without a call on it (Python): by decorators (`@app.get("/orders")`), as classes of
//! views, in tables of routes.

use super::handlers::{is_aside, served_by};
use super::life::Lives;
use super::server::calls_out;
use super::words;
use crate::ir::{Annotation, ExprKind, FunctionId, Language};
use crate::knowledge::{AnnotationRole, HopKind, LibraryDescription, Slot, TypeRole};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::study::{CallFact, Study, Summary, described_annotation};
use ustr::Ustr;

/// A handler that is mounted on a server.
struct Mounted {
    function: FuncRef,
    /// What mounts it, or stands for that in a report.
    by: ValueRef,
    /// It is mounted on whichever server of the library the unit makes.
    for_all: bool,
}

/// What mounts handlers which go on with a trace, without a call on the server: decorators of the server's library in its
/// unit, classes of views, tables of routes; `None` when a handler reads the trace itself. Where the unit's outgoing
/// requests are not traced, only those that ask traced stores, send traced messages or start spans by hand: a set-up for other spans (of models,
/// of tests) does not mean to join the traces of callers.
pub(super) fn decorated(lives: &Lives<'_, '_>, server: &CallFact<'_>) -> Option<Vec<ValueRef>> {
    let study = lives.study;
    if study.language() != Language::Python || !is_handed_out(study, server) {
        return Some(Vec::new());
    }
    let is_only = is_only(study, server);
    let traces_requests = covers(study, server, &[HopKind::HttpCall, HopKind::RpcCall]);
    let traces_stores = covers(study, server, &[HopKind::Store]);
    let traces_messages = covers(study, server, &[HopKind::Produce]);
    let goes_on = |mounted: &Mounted| {
        let (function, is_sure) = (mounted.function, is_only || mounted.for_all);
        let summary = study.summary(function);
        let is_traced = traces_requests && calls_out(summary)
            || traces_stores && summary.has(Summary::STORES)
            || traces_messages && summary.has(Summary::PRODUCES);
        is_sure && is_traced
            || !(is_sure && traces_requests)
                && study.with_nested(function).into_iter().any(|inner| starts_by_hand(study, inner))
    };
    let mut out = Vec::new();
    for mounted in mounted(study, server) {
        let is_on_it = is_only || mounted.for_all || is_mounted_on(study, mounted.function, mounted.by, server);
        if !is_on_it {
            continue;
        }
        if lives.works_on_traces(mounted.function) {
            return None;
        }
        if goes_on(&mounted) && !is_aside(study, mounted.by) {
            out.push(mounted.by);
        }
    }
    Some(out)
}

/// The handlers that a unit mounts without calls on a server of the library.
fn mounted(study: &Study<'_>, server: &CallFact<'_>) -> Vec<Mounted> {
    let unit = study.unit_of(server.call.file);
    let functions = study.functions_of_unit(unit);
    let found = functions.filter_map(|function| {
        let by = mounting(study, function, server).or_else(|| as_view(study, function, server))?;
        Some(Mounted { function, by, for_all: false })
    });
    let mut out: Vec<Mounted> = found.collect();
    for fact in study.calls_of_unit(unit).filter(|fact| fact.library.id == server.library.id) {
        let registers = fact.effect.registers.filter(|found| !found.root && found.on == Slot::None);
        let Some(registers) = registers else { continue };
        let handlers = study.slot(fact.call, registers.handler).into_iter();
        let functions = handlers.flat_map(|value| served_by(study, value));
        out.extend(functions.map(|function| Mounted { function, by: fact.call, for_all: true }));
    }
    out
}

/// The first call in a method that the server's library runs for a request, by the class that it is in (`class
/// Orders(Resource)`).
fn as_view(study: &Study<'_>, function: FuncRef, server: &CallFact<'_>) -> Option<ValueRef> {
    let program = study.program;
    let decl = program.function(function);
    decl.owner?;
    let owner = program.type_name(program.enclosing_type(function)?);
    let runs = |ty: &Ustr| {
        let described = program.knowledge.ty(*ty);
        described.is_some_and(|(library, ty)| library.id == server.library.id && ty.entry_methods.contains(&decl.name))
    };
    if !program.supertypes(owner).iter().any(runs) || words::names_health(&owner) {
        return None;
    }
    let sites = program.files.get(function.file as usize)?.flow.calls_of(function.id);
    let calls = sites.map(|site| ValueRef { file: function.file, expr: site.expr });
    calls.min_by_key(|call| program.expr(*call).span.start)
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

/// Whether the code of a unit instruments clients by which hops of certain kinds go out.
fn covers(study: &Study<'_>, server: &CallFact<'_>, kinds: &[HopKind]) -> bool {
    let view = study.unit(server.call.file);
    let goes_out = |library: &&LibraryDescription| {
        let mut hops = library.functions.iter().filter_map(|function| function.hop);
        hops.any(|hop| kinds.contains(&hop.kind))
    };
    let mut clients = study.program.knowledge.libraries().iter().filter(goes_out);
    clients.any(|library| view.coverage(library).is_some())
}
