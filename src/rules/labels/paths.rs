//! Paths of requests that are the same for each request, or few.

use super::words::words;
use crate::facts::{Piece, Text};
use crate::ir::Annotation;
use crate::ir::ExprKind;
use crate::knowledge::{AnnotationRole, HopKind, Slot};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::study::{CallFact, Inbound, Study, described_annotation, functions_of};

/// What the path of a request is called in code; more of its address may hold a query.
const PATHS: &[&str] = &["path", "raw_path", "path_info"];

/// Whether a part of a request is its path and that is one path: its handler is mounted there alone, or it is sent to an
/// address that is written out.
pub(super) fn is_one(study: &Study<'_>, part: ValueRef) -> bool {
    let program = study.program;
    let ExprKind::Member { name, .. } = program.expr_kind(part) else { return false };
    if !PATHS.contains(&words(name).as_str()) {
        return false;
    }
    let request = request_of(study, part);
    let origins = program.origins(request, false);
    !origins.is_empty()
        && origins.iter().all(|origin| match origin {
            Origin::Call(made, _) => study.fact(*made).is_some_and(|fact| goes_to_one(study, fact)),
            Origin::Param(function, _) => is_mounted_at_one(study, *function),
            _ => false,
        })
}

/// Whether a part of a request is its path, and all handlers beside the function that names spans after it are mounted at
/// paths that are written out: but for what nobody serves, the names are few.
pub(super) fn are_few(study: &Study<'_>, part: ValueRef) -> bool {
    let program = study.program;
    let ExprKind::Member { name, .. } = program.expr_kind(part) else { return false };
    let origins = program.origins(request_of(study, part), false);
    let is_given = !origins.is_empty() && origins.iter().all(|origin| matches!(origin, Origin::Param(..)));
    let Some(file) =
        program.files.get(part.file as usize).filter(|_| is_given && PATHS.contains(&words(name).as_str()))
    else {
        return false;
    };
    let beside = |fact: &&CallFact<'_>| {
        program.files.get(fact.call.file as usize).is_some_and(|other| other.module == file.module)
            && fact.effect.registers.is_some_and(|registers| !registers.root)
    };
    let mut mounting = study.calls_of_unit(file.source.unit).filter(beside).peekable();
    mounting.peek().is_some() && mounting.all(|fact| is_one_path(study, fact))
}

/// What the address of a request without its query is called in code.
const ADDRESSES: &[&str] = &["path", "raw_path", "path_info", "servlet_path", "request_uri", "request_url"];

/// Whether a part of a request is its path, and the unit's handlers are declared by annotations at paths that are written
/// out: but for what nobody serves, the names are few.
pub(super) fn are_declared_few(study: &Study<'_>, part: ValueRef) -> bool {
    let program = study.program;
    let name = match program.expr_kind(part) {
        ExprKind::Member { name, .. } => words(name),
        ExprKind::Call { callee, .. } => match program.expr_kind(ValueRef { expr: *callee, ..part }) {
            ExprKind::Member { name, .. } => words(name),
            _ => return false,
        },
        _ => return false,
    };
    if !ADDRESSES.contains(&name.strip_prefix("get_").unwrap_or(&name)) {
        return false;
    }
    let unit = study.unit_of(part.file);
    let files = (0u32..).zip(&program.files).filter(|(_, file)| file.source.unit == unit);
    let declared = files.flat_map(|(at, file)| {
        let functions = file.source.facts.functions.iter().flat_map(|function| &function.annotations);
        let types = file.source.facts.types.iter().flat_map(|ty| &ty.annotations);
        functions.chain(types).map(move |annotation| (at, annotation))
    });
    let is_route = |(file, annotation): &(u32, &Annotation)| {
        described_annotation(study, *file, annotation)
            .is_some_and(|(_, found)| matches!(found.role, AnnotationRole::Entry | AnnotationRole::EntryType))
    };
    let mut routes = declared.filter(is_route).peekable();
    routes.peek().is_some() && routes.all(|(file, annotation)| leaves_nothing_open(study, file, annotation))
}

/// Whether no text of an annotation has a place for a variable, and all that it is given is text.
fn leaves_nothing_open(study: &Study<'_>, file: u32, annotation: &Annotation) -> bool {
    let at = |expr| ValueRef { file, expr };
    let ExprKind::Call { args, .. } = study.program.expr_kind(at(annotation.expr)) else { return true };
    let paths = args.iter().filter(|arg| arg.name.is_none_or(|name| name == "value" || name == "path"));
    let texts = paths.flat_map(|arg| match study.program.expr_kind(at(arg.value)) {
        ExprKind::Composite { fields, .. } => fields.iter().map(|field| at(field.value)).collect(),
        _ => vec![at(arg.value)],
    });
    texts
        .into_iter()
        .flat_map(|value| study.texts(value))
        .all(|text| text.0.iter().all(|piece| matches!(piece, Piece::Literal(text) if !text.contains(['{', '*', '<']))))
}

/// Whether something is a part of a request that goes out: the addresses that a program asks for may be few.
pub(super) fn is_sent(study: &Study<'_>, part: ValueRef) -> bool {
    let program = study.program;
    let request = request_of(study, part);
    let function = program.outermost(program.function_at(request));
    if matches!(study.inbound(function), Inbound::Entry(_)) {
        return false;
    }
    let origins = program.origins(request, false);
    let same = |carrier: ValueRef| program.origins(carrier, false).iter().any(|origin| origins.contains(origin));
    let params = origins.iter().any(|origin| matches!(origin, Origin::Param(..)));
    params
        && study.with_nested(function).into_iter().flat_map(|inner| study.calls_in(inner)).any(|fact| {
            let hop = fact.effect.hop.filter(|hop| hop.kind == HopKind::HttpCall);
            hop.is_some_and(|hop| study.slot(fact.call, hop.carrier).into_iter().any(same))
        })
}

fn goes_to_one(study: &Study<'_>, made: &CallFact<'_>) -> bool {
    let addresses: Vec<ValueRef> = made.effect.address.iter().flat_map(|slot| study.slot(made.call, *slot)).collect();
    let texts = addresses.into_iter().flat_map(|address| study.texts(address));
    let ends: Vec<bool> =
        texts.map(|text| matches!(text.0.last(), Some(Piece::Literal(_))) && has_one_hole(&text)).collect();
    !ends.is_empty() && ends.into_iter().all(|written| written)
}

/// Whether all of a text but its beginning, the host, is written out.
fn has_one_hole(text: &Text) -> bool {
    text.0.iter().skip(1).all(|piece| matches!(piece, Piece::Literal(_)))
}

/// Whether all that leads to a handler are registrations at paths that are written out and leave nothing open.
fn is_mounted_at_one(study: &Study<'_>, handler: FuncRef) -> bool {
    let program = study.program;
    let Some(unit) = program.files.get(handler.file as usize).map(|file| file.source.unit) else { return false };
    let outer = program.outermost(handler);
    let mounts = |fact: &&CallFact<'_>| {
        let given = fact.effect.registers.map(|registers| study.slot(fact.call, registers.handler));
        given.into_iter().flatten().any(|value| functions_of(study, value).contains(&handler))
    };
    let mounting: Vec<&CallFact<'_>> = study.calls_of_unit(unit).filter(mounts).collect();
    // A wrapper that is called elsewhere too is around other handlers as well.
    let calls = program.callers(outer);
    let within = |call: &ValueRef| {
        let place = program.expr(*call).span;
        mounting.iter().any(|fact| fact.call.file == call.file && program.expr(fact.call).span.contains(place))
    };
    !mounting.is_empty() && calls.iter().all(within) && mounting.iter().all(|fact| is_one_path(study, fact))
}

fn is_one_path(study: &Study<'_>, mounting: &CallFact<'_>) -> bool {
    let slot = mounting.effect.registers.map_or(Slot::None, |registers| registers.path);
    let texts: Vec<Text> = study.slot(mounting.call, slot).into_iter().flat_map(|path| study.texts(path)).collect();
    let is_one = |text: &Text| match text.0.as_slice() {
        [Piece::Literal(path)] => !path.ends_with('/') && !path.contains(['{', '*', ':', '<', '(']),
        _ => false,
    };
    !texts.is_empty() && texts.iter().all(is_one)
}

/// The request that a value is a part of: `r` of `r.URL.Path`.
fn request_of(study: &Study<'_>, part: ValueRef) -> ValueRef {
    let mut at = part;
    for _ in 0..4 {
        let inner = match study.program.expr_kind(at) {
            ExprKind::Member { base, .. } => *base,
            ExprKind::Call { callee, args } if args.is_empty() => *callee,
            _ => break,
        };
        at = ValueRef { expr: inner, ..at };
    }
    at
}
