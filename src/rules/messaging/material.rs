//! What a message is made of, and whether a trace context is in it.

use crate::ir::{ExprKind, Language};
use crate::knowledge::{Slot, TypeRole, holds_message_key, is_message_key};
use crate::link::{FuncRef, Step, ValueRef};
use crate::study::{Study, Summary};
use rustc_hash::FxHashSet;

/// What is known of a message's trace context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// A context is in it, or something that looks like one.
    Traced,
    /// All of it was seen, and no context is.
    Bare,
    /// Part of it comes from where the code does not show.
    Unknown,
}

/// Whether a name may stand for a trace or span.
fn speaks_of_traces(name: &str) -> bool {
    let name = name.to_lowercase();
    name.contains("trace") || name.contains("span")
}

/// Whether a trace header's key, or a field named like one, is written anywhere in a function and its closures.
pub(super) fn names_key(study: &Study<'_>, function: FuncRef) -> bool {
    let Some(file) = study.program.files.get(function.file as usize) else { return false };
    let span = study.program.function(function).span;
    file.source.facts.exprs.iter().any(|expr| {
        let named = match &expr.kind {
            ExprKind::Str(text) => is_message_key(text),
            ExprKind::Name(name) | ExprKind::Member { name, .. } => holds_message_key(name),
            _ => return false,
        };
        named && span.contains(expr.span)
    })
}

/// Whether a function gives the identity of a span to another one, which may write it into a message.
pub(super) fn gives_identity(study: &Study<'_>, function: FuncRef) -> bool {
    let program = study.program;
    study.with_nested(function).into_iter().any(|inner| {
        let Some(file) = program.files.get(inner.file as usize) else { return false };
        file.flow.calls_of(inner.id).any(|site| {
            let call = ValueRef { file: inner.file, expr: site.expr };
            let given = || study.slot(call, Slot::AnyArg).into_iter();
            study.fact(call).is_none() && given().any(|value| program.role_of(value) == Some(TypeRole::SpanContext))
        })
    })
}

/// Whether a function, or a literal in it, puts what identifies a span into headers, by whatever name, or may.
pub(in crate::rules) fn sets_identity(study: &Study<'_>, function: FuncRef) -> bool {
    let program = study.program;
    study.with_nested(program.outermost(function)).into_iter().any(|inner| {
        let Some(file) = program.files.get(inner.file as usize) else { return false };
        file.flow.calls_of(inner.id).any(|site| {
            let call = ValueRef { file: inner.file, expr: site.expr };
            let into_headers =
                || program.receiver(call).is_some_and(|value| program.role_of(value) == Some(TypeRole::Carrier));
            into_headers() && {
                let given = study.slot(call, Slot::AnyArg);
                given.iter().any(|value| is_named_for_trace(study, *value))
                    || content(study, &[], &given) == Content::Traced
            }
        })
    })
}

/// Whether a value, or what it is converted from, has a name that speaks of traces.
fn is_named_for_trace(study: &Study<'_>, value: ValueRef) -> bool {
    match study.program.expr_kind(value) {
        ExprKind::Name(name) | ExprKind::Member { name, .. } => speaks_of_traces(name),
        ExprKind::Call { args, .. } => {
            matches!(&args[..], [only] if is_named_for_trace(study, ValueRef { expr: only.value, ..value }))
        }
        _ => false,
    }
}

/// Judges the values that make up a message, the parts that are written into it, and all that they are built from.
pub(super) fn content(study: &Study<'_>, carriers: &[ValueRef], parts: &[ValueRef]) -> Content {
    let mut work: Vec<(ValueRef, bool)> = carriers.iter().map(|value| (*value, true)).collect();
    work.extend(parts.iter().map(|value| (*value, false)));
    let mut seen = FxHashSet::default();
    let mut out = Content::Bare;
    while let Some((value, whole)) = work.pop() {
        if !seen.insert(value) {
            continue;
        }
        if seen.len() > 300 {
            return Content::Unknown;
        }
        match visit(study, value, whole, &mut work) {
            Content::Traced => return Content::Traced,
            Content::Unknown => out = Content::Unknown,
            Content::Bare => {}
        }
    }
    out
}

/// Judges one value and adds what it is built from. `whole`: it is the message, not a part of its content.
fn visit(study: &Study<'_>, value: ValueRef, whole: bool, work: &mut Vec<(ValueRef, bool)>) -> Content {
    let program = study.program;
    let at = |expr| ValueRef { file: value.file, expr };
    match program.role_of(value) {
        Some(TypeRole::Span | TypeRole::SpanContext) => return Content::Traced,
        // It is no part of the message; who injects is told by what is called with it.
        Some(TypeRole::Context) if !whole => return Content::Bare,
        _ => {}
    }
    if has_place_for_trace(study, value) {
        return Content::Unknown;
    }
    match program.expr_kind(value) {
        ExprKind::Str(text) if is_message_key(text) => return Content::Traced,
        // A key by which a context is asked: `ctx.Value(traceKey{})`.
        ExprKind::Composite { ty: Some(ty), .. } if speaks_of_traces(&ty.name) => return Content::Unknown,
        ExprKind::Name(name) | ExprKind::Member { name, .. } if !whole && speaks_of_traces(name) => {
            return Content::Unknown;
        }
        ExprKind::Composite { fields, .. } => {
            work.extend(fields.iter().filter_map(|field| field.key).map(|key| (at(key), false)));
            work.extend(fields.iter().map(|field| (at(field.value), false)));
            return Content::Bare;
        }
        ExprKind::Call { .. } | ExprKind::New { .. } => return called(study, value, whole, work),
        _ => {}
    }
    let opaque = if whole || is_carrier(study, value) { Content::Unknown } else { Content::Bare };
    if matches!(program.expr_kind(value), ExprKind::Zero(_)) {
        return opaque;
    }
    match program.step(value) {
        Step::Values(values) => work.extend(values.into_iter().filter(|next| *next != value).map(|next| (next, whole))),
        Step::Call(call, _) => work.push((call, whole)),
        // A text that is looked up somewhere else says nothing of the message's headers.
        Step::Part(_) if !whole && is_scalar(study, value) => {}
        Step::Part(container) => work.push((container, whole)),
        Step::Literal(_) => {}
        Step::Param(function, n) => {
            let given = program.arguments(function, n);
            if given.is_empty() {
                return opaque;
            }
            work.extend(given.into_iter().map(|next| (next, whole)));
        }
        Step::Field(..) | Step::Unknown => return opaque,
    }
    Content::Bare
}

fn called(study: &Study<'_>, call: ValueRef, whole: bool, work: &mut Vec<(ValueRef, bool)>) -> Content {
    let program = study.program;
    if study.effect_of(call).has(Summary::INJECTS) || study.own_effect(call).has(Summary::INSTRUMENTS) {
        return Content::Traced;
    }
    if let Some(values) = program.collected(call) {
        work.extend(values.into_iter().map(|value| (value, whole)));
        return Content::Bare;
    }
    let callee = program.callee(call);
    // What an own method hands back is looked at where it does: the object that it works with is no part of that.
    let is_followed = study.language() != Language::Go && !callee.functions.is_empty();
    let receiver = study.slot(call, Slot::Receiver).into_iter().filter(|_| !is_followed);
    let inner: Vec<ValueRef> = study.slot(call, Slot::AnyArg).into_iter().chain(receiver).collect();
    let known = !callee.functions.is_empty() || study.fact(call).is_some() || callee.constructs.is_some();
    let takes_context =
        inner.iter().any(|value| matches!(program.role_of(*value), Some(TypeRole::Context | TypeRole::Span)));
    if !known && (takes_context || whole || is_carrier(study, call)) {
        return Content::Unknown;
    }
    for function in &callee.functions {
        if names_key(study, *function) {
            return Content::Traced;
        }
        let Some(file) = program.files.get(function.file as usize) else { continue };
        for returned in file.flow.returns_of(function.id) {
            work.extend(returned.values.iter().map(|expr| (ValueRef { file: function.file, expr: *expr }, false)));
        }
    }
    work.extend(inner.into_iter().map(|value| (value, false)));
    Content::Bare
}

/// Whether a value is of a class of the service's own (Python) that has a field for a trace: who fills it is not asked.
fn has_place_for_trace(study: &Study<'_>, value: ValueRef) -> bool {
    let program = study.program;
    let Some(ty) = program.type_of(value).filter(|_| study.language() == Language::Python) else { return false };
    let supers = program.supertypes(ty);
    let own = supers.iter().copied().chain([ty]).filter_map(|ty| program.own_type(ty));
    let is_place = |name: &str| speaks_of_traces(name) || is_message_key(name) || matches!(name, "headers" | "carrier");
    own.into_iter().any(|ty| program.type_decl(ty).fields.iter().any(|field| is_place(&field.name)))
}

/// Whether headers or a message may be in a value whose making is not seen.
fn is_carrier(study: &Study<'_>, value: ValueRef) -> bool {
    if let ExprKind::Name(name) | ExprKind::Member { name, .. } = study.program.expr_kind(value)
        && matches!(name.as_str(), "headers" | "kwargs" | "options" | "properties" | "metadata" | "attributes")
    {
        return true;
    }
    let Some(ty) = study.program.type_of(value) else { return false };
    let inner = ty.strip_prefix("[]").or_else(|| ty.strip_prefix("map:"));
    let role = study.program.role(inner.map_or(ty, ustr::Ustr::from));
    ty.starts_with("map:") || matches!(role, Some(TypeRole::Carrier | TypeRole::Message | TypeRole::Propagator))
}

/// Whether a value is a plain text or number, which holds no headers.
fn is_scalar(study: &Study<'_>, value: ValueRef) -> bool {
    const SCALARS: &[&str] =
        &["string", "int", "int32", "int64", "bool", "float64", "str", "float", "String", "java.lang.String"];
    study.program.type_of(value).is_some_and(|ty| SCALARS.contains(&ty.as_str()))
}
