//! Addresses that come in with the request that is served, or with its data: whoever sent them says whose service is called.

use crate::ir::{ExprKind, StmtKind};
use crate::knowledge::{Slot, TypeRole};
use crate::link::{Origin, Step, ValueRef};
use crate::study::Study;

/// How many values are looked at for where an address comes from.
const MAX_VALUES: u32 = 60;
/// How deep the request lies in what is read from it: `r.URL.Query().Get("url")`.
const MAX_DEPTH: u32 = 8;

/// Whether a call goes to an address that the service was handed by whoever asks it.
pub(super) fn goes_where_told(study: &Study<'_>, call: ValueRef) -> bool {
    let mut left = MAX_VALUES;
    addresses(study, call)
        .into_iter()
        .any(|address| is_brought(study, address, &mut left) || is_told_from_path(study, call, address))
}

/// The address that a call names, itself or through the request that it sends.
pub(super) fn addresses(study: &Study<'_>, call: ValueRef) -> Vec<ValueRef> {
    let Some(fact) = study.fact(call) else { return Vec::new() };
    let named = |at: ValueRef| {
        let slots = study.fact(at).map(|fact| fact.effect.address.iter()).into_iter().flatten();
        slots.flat_map(|slot| study.slot(at, *slot)).collect::<Vec<_>>()
    };
    let mut out = named(call);
    for request in fact.effect.hop.map(|hop| study.slot(call, hop.carrier)).into_iter().flatten() {
        for origin in study.program.origins(request, false) {
            if let Origin::Call(made, _) = origin {
                out.extend(named(made));
            }
        }
    }
    out
}

/// Whether a value is read whole from a request, by a key.
fn is_brought(study: &Study<'_>, value: ValueRef, left: &mut u32) -> bool {
    let Some(rest) = left.checked_sub(1) else { return false };
    *left = rest;
    let program = study.program;
    if reads_request(study, value) {
        return true;
    }
    if let ExprKind::Call { .. } = program.expr_kind(value) {
        // `url.Parse(text)`, `strings.TrimSpace(text)`, `address.String()`
        let given = study.slot(value, Slot::AnyArg);
        return match given.as_slice() {
            [only] => is_brought(study, *only, left),
            [] => program.receiver(value).is_some_and(|receiver| is_brought(study, receiver, left)),
            _ => false,
        };
    }
    match program.step(value) {
        Step::Values(values) => !values.is_empty() && values.into_iter().all(|next| is_brought(study, next, left)),
        Step::Call(call, 0) if call != value => is_brought(study, call, left),
        Step::Part(container) => is_brought(study, container, left),
        Step::Param(function, n) => {
            let given = program.arguments(function, n);
            !given.is_empty() && given.into_iter().all(|next| is_brought(study, next, left))
        }
        _ => false,
    }
}

/// Whether a value asks a request for something of its own by a name: `c.Query("url")`, `r.URL.Query()["url"]`.
fn reads_request(study: &Study<'_>, value: ValueRef) -> bool {
    let program = study.program;
    let at = |expr| ValueRef { expr, ..value };
    let is_key = |expr| matches!(program.expr_kind(at(expr)), ExprKind::Str(_)) || is_constant(study, at(expr));
    match program.expr_kind(value) {
        ExprKind::Call { callee, args } => match (program.expr_kind(at(*callee)), &args[..]) {
            (ExprKind::Member { base, .. }, [key]) => is_key(key.value) && lies_in_request(study, at(*base), MAX_DEPTH),
            _ => false,
        },
        ExprKind::Index { base, index: Some(key) } => is_key(*key) && lies_in_request(study, at(*base), MAX_DEPTH),
        _ => false,
    }
}

/// Whether all that a value may be is a text written in the code.
fn is_constant(study: &Study<'_>, value: ValueRef) -> bool {
    let origins = study.program.origins(value, false);
    let is_text = |found: &Origin| matches!(found, Origin::Literal(at) if matches!(study.program.expr_kind(*at), ExprKind::Str(_)));
    !origins.is_empty() && origins.iter().all(is_text)
}

/// Whether a value is a request, or a part of one that it hands out without being asked for anything by name.
fn lies_in_request(study: &Study<'_>, value: ValueRef, depth: u32) -> bool {
    let program = study.program;
    let Some(rest) = depth.checked_sub(1) else { return false };
    if program.role_of(value) == Some(TypeRole::Request) {
        return is_served(study, value);
    }
    let at = |expr| ValueRef { expr, ..value };
    match program.expr_kind(value) {
        ExprKind::Member { base, .. } => lies_in_request(study, at(*base), rest),
        ExprKind::Call { callee, args } if args.is_empty() => match program.expr_kind(at(*callee)) {
            ExprKind::Member { base, .. } => lies_in_request(study, at(*base), rest),
            _ => false,
        },
        ExprKind::Name(_) => match program.step(value) {
            Step::Values(values) => {
                !values.is_empty() && values.into_iter().all(|next| lies_in_request(study, next, rest))
            }
            Step::Call(call, 0) if call != value => lies_in_request(study, call, rest),
            _ => false,
        },
        _ => false,
    }
}

/// Whether a request is one that came in: the function is given it, and does not make it.
fn is_served(study: &Study<'_>, request: ValueRef) -> bool {
    let origins = study.program.origins(request, false);
    !origins.is_empty() && origins.iter().all(|origin| matches!(origin, Origin::Param(..)))
}

/// Whether a call stands in a branch for addresses, where the other one takes the same text for a name or path of the
/// service's own: `if strings.Contains(picture, "://") { http.Get(picture) } else { open(picture) }`.
fn is_told_from_path(study: &Study<'_>, call: ValueRef, address: ValueRef) -> bool {
    let program = study.program;
    let ExprKind::Name(name) = program.expr_kind(address) else { return false };
    let Some(file) = program.files.get(call.file as usize) else { return false };
    let facts = &file.source.facts;
    let at = program.expr(call).span;
    facts.stmts.iter().any(|stmt| match &stmt.kind {
        StmtKind::If { condition, then, otherwise, .. } => {
            let in_branch = |block: &[u32]| {
                block.iter().filter_map(|id| facts.stmts.get(*id as usize)).any(|inner| inner.span.contains(at))
            };
            !otherwise.is_empty()
                && stmt.span.contains(at)
                && in_branch(then)
                && asks_for_scheme(study, ValueRef { expr: *condition, ..call }, name)
        }
        _ => false,
    })
}

/// Whether a condition asks whether a variable holds an address, by the mark of one.
fn asks_for_scheme(study: &Study<'_>, condition: ValueRef, name: &str) -> bool {
    let program = study.program;
    let is_mark = |value: ValueRef| matches!(program.expr_kind(value), ExprKind::Str(text) if text == "://");
    let is_it = |value: ValueRef| matches!(program.expr_kind(value), ExprKind::Name(other) if other == name);
    let at = |expr| ValueRef { expr, ..condition };
    match program.expr_kind(condition) {
        // `strings.Contains(text, "://")`, `text.contains("://")`
        ExprKind::Call { .. } => {
            let given = study.slot(condition, Slot::AnyArg);
            given.last().copied().is_some_and(is_mark)
                && (given.first().copied().is_some_and(is_it) || program.receiver(condition).is_some_and(is_it))
        }
        // `"://" in text`
        ExprKind::Binary { op, left, right } => op == "in" && is_mark(at(*left)) && is_it(at(*right)),
        _ => false,
    }
}
