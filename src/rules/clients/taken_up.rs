//! Whether a handler goes on under the request that it is given, so that a server which reads the trace would help it (Go).

use crate::ir::{ExprKind, Language};
use crate::knowledge::TypeRole;
use crate::link::{FuncRef, ValueRef};
use crate::study::Study;
use rustc_hash::FxHashSet;

/// How many functions are looked into that a request is handed on to.
const MAX_FUNCTIONS: usize = 40;

/// Whether a handler may ask its request for a context, or hand it on to what may. One that works under a context of the
/// process, or a fresh one, goes on without the trace however its server is made.
pub(super) fn takes_request_up(study: &Study<'_>, handler: FuncRef) -> bool {
    if study.language() != Language::Go {
        return true;
    }
    let given = requests_of(study, handler);
    given.is_empty() || reaches_context(study, given)
}

/// The parameters of a function, by number, that are requests or contexts.
fn requests_of(study: &Study<'_>, function: FuncRef) -> Vec<(FuncRef, u16)> {
    let count = study.program.function(function).params.len() as u16;
    let is_request = |n: &u16| {
        let role = study.program.param_type(function, *n).and_then(|ty| study.program.role(ty));
        matches!(role, Some(TypeRole::Request | TypeRole::Context))
    };
    (0..count).filter(is_request).map(|n| (function, n)).collect()
}

/// Whether one of some parameters, here or in the own functions that they are handed on to, is used as a context or goes
/// where nothing is seen of it.
fn reaches_context(study: &Study<'_>, mut work: Vec<(FuncRef, u16)>) -> bool {
    let mut seen = FxHashSet::default();
    while let Some((function, n)) = work.pop() {
        if !seen.insert((function, n)) {
            continue;
        }
        let Some(file) = study.program.files.get(function.file as usize) else { return true };
        if seen.len() > MAX_FUNCTIONS || study.program.function(function).flags.is_abstract {
            return true;
        }
        let uses = file.flow.param_var(function.id, n).map(|var| var.uses.as_slice()).unwrap_or_default();
        for used in uses {
            match use_of(study, ValueRef { file: function.file, expr: *used }) {
                Use::Context => return true,
                Use::Other => {}
                Use::HandedTo(functions) => work.extend(functions),
            }
        }
    }
    false
}

/// What is done with a request.
enum Use {
    /// It gives a context, or may.
    Context,
    /// It is asked for something else, or given to a library's function that only reads it.
    Other,
    /// It is given to own functions, as these parameters.
    HandedTo(Vec<(FuncRef, u16)>),
}

fn use_of(study: &Study<'_>, mut value: ValueRef) -> Use {
    let program = study.program;
    if program.role_of(value) == Some(TypeRole::Context) {
        return Use::Context;
    }
    // `r.URL.Query().Get("id")`, `c.Request.Context()`
    loop {
        let Some(parent) = program.parent(value) else { return Use::Context };
        match program.expr_kind(parent) {
            ExprKind::Member { base, name, .. } if *base == value.expr => {
                if name.to_ascii_lowercase().ends_with("context") {
                    return Use::Context;
                }
                value = parent;
            }
            ExprKind::Call { callee, .. } if *callee == value.expr => {
                if study.fact(parent).is_some_and(|fact| fact.effect.context_of.is_some()) {
                    return Use::Context;
                }
                value = parent;
            }
            ExprKind::Call { .. } => return given_to(study, parent, value),
            _ if !is_request(study, value) => return Use::Other,
            _ => return Use::Context,
        }
        if program.parent(value).is_none() {
            return if is_request(study, value) { Use::Context } else { Use::Other };
        }
    }
}

fn is_request(study: &Study<'_>, value: ValueRef) -> bool {
    matches!(study.program.role_of(value), Some(TypeRole::Request | TypeRole::Context))
}

/// What becomes of a value that a call is given.
fn given_to(study: &Study<'_>, call: ValueRef, value: ValueRef) -> Use {
    let program = study.program;
    if !is_request(study, value) {
        return Use::Other;
    }
    if let Some(fact) = study.fact(call) {
        let effect = fact.effect;
        let works = effect.context_of.is_some() || effect.span.is_some() || effect.extract.is_some();
        return if works || effect.hop.is_some() || effect.binds_context.is_some() { Use::Context } else { Use::Other };
    }
    let ExprKind::Call { args, .. } = program.expr_kind(call) else { return Use::Context };
    let functions = &program.callee(call).functions;
    let position = args.iter().position(|arg| arg.value == value.expr);
    match position {
        Some(n) if !functions.is_empty() => Use::HandedTo(functions.iter().map(|to| (*to, n as u16)).collect()),
        // `chi.URLParam(r, "id")`: a function of a library's package, no method that may serve the request.
        Some(_) if program.receiver(call).is_some_and(|receiver| program.qualify(receiver).is_some()) => Use::Other,
        _ => Use::Context,
    }
}
