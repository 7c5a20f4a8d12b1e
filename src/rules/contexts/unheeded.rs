//! `context-not-passed`: a function is given a context that it never reads, and starts a span without it, or runs what it
//! was given that context for (Python, Java).

use super::looked_at::{is_current_or_none, is_only_looked_at};
use super::unread::started_without;
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, Language};
use crate::knowledge::TypeRole;
use crate::link::{FuncRef, Step, ValueRef};
use crate::rules::Verdicts;
use crate::study::{Study, functions_of};
use rustc_hash::FxHashSet;

/// How many callers are asked what they hand in.
const MAX_CALLERS: usize = 32;

/// What a function does without the context that it is given.
enum Work {
    /// It starts a span.
    Start(ValueRef),
    /// It runs another parameter of its own, here.
    Run(ValueRef),
}

/// Finds parameters that are contexts and that nothing reads. `told` are functions of which a finding says so already, at
/// the context that they are given.
pub(super) fn check(study: &Study<'_>, told: &FxHashSet<FuncRef>, out: &mut Verdicts) {
    if study.language() == Language::Go {
        return;
    }
    for function in study.program.all_functions() {
        let decl = study.program.function(function);
        if decl.flags.is_abstract || decl.flags.is_closure || decl.params.is_empty() || told.contains(&function) {
            continue;
        }
        if !study.unit(function.file).is_traced() {
            continue;
        }
        let unread = (0..decl.params.len() as u16).find(|n| is_unread(study, function, *n));
        let Some(n) = unread else { continue };
        if let Some(work) = work(study, function, n) {
            out.findings.push(finding(study, function, n, &work));
        }
    }
}

/// Whether a parameter is a context and nothing in the function does anything with it.
fn is_unread(study: &Study<'_>, function: FuncRef, n: u16) -> bool {
    let Some(flow) = study.program.files.get(function.file as usize).map(|file| &file.flow) else { return false };
    let uses = flow.param_var(function.id, n).map(|var| var.uses.as_slice()).unwrap_or_default();
    let mut looked = uses.iter().map(|used| ValueRef { file: function.file, expr: *used });
    // The type is asked last: it may take a look at all callers.
    uses.len() <= 2 && looked.all(|used| is_only_looked_at(study, used)) && is_context(study, function, n)
}

/// Whether a parameter is a context: it is declared as one, or is given nothing else.
fn is_context(study: &Study<'_>, function: FuncRef, n: u16) -> bool {
    let program = study.program;
    if let Some(ty) = program.param_type(function, n) {
        return program.role(ty) == Some(TypeRole::Context);
    }
    let untyped = program.function(function).params.get(n as usize).is_some_and(|param| param.ty.is_none());
    let mut given = arguments(study, function, n).filter(|value| !is_none(study, *value)).peekable();
    untyped && given.peek().is_some() && given.all(|value| program.role_of(value) == Some(TypeRole::Context))
}

/// What callers pass for a parameter.
fn arguments<'s>(study: &'s Study<'_>, function: FuncRef, n: u16) -> impl Iterator<Item = ValueRef> + 's {
    let callers = study.program.callers(function).iter().take(MAX_CALLERS);
    callers.filter_map(move |call| study.program.argument(*call, function, n))
}

/// What a function does that its context was for.
fn work(study: &Study<'_>, function: FuncRef, n: u16) -> Option<Work> {
    let around = study.with_nested(function);
    let mut given = arguments(study, function, n).peekable();
    // Who hands over what is current anyway loses nothing here.
    let is_told = given.peek().is_none() || given.any(|value| !is_current_or_none(study, value));
    if is_told && let Some(start) = around.iter().find_map(|inner| started_without(study, *inner, None)) {
        return Some(Work::Start(start));
    }
    let is_helped = around.iter().any(|inner| study.calls_in(*inner).any(|fact| fact.effect.activates.is_some()));
    let runs = || around.iter().find_map(|inner| run_of_param(study, function, *inner));
    (!is_helped).then(runs).flatten().filter(|run| is_told || runs_later(study, function, *run)).map(Work::Run)
}

fn is_none(study: &Study<'_>, value: ValueRef) -> bool {
    matches!(study.program.expr_kind(value), ExprKind::Lit(text) if matches!(text.as_str(), "null" | "None"))
}

/// A call in a function, or in a closure of it, of what a caller hands in as another parameter: a function, or the method
/// of an object that holds one.
fn run_of_param(study: &Study<'_>, owner: FuncRef, inner: FuncRef) -> Option<ValueRef> {
    let program = study.program;
    let flow = &program.files.get(inner.file as usize)?.flow;
    let calls = flow.calls_of(inner.id).map(|site| ValueRef { file: inner.file, expr: site.expr });
    let is_param = |call: &ValueRef| {
        let ExprKind::Call { callee, .. } = program.expr_kind(*call) else { return false };
        let callee = ValueRef { expr: *callee, ..*call };
        let run = match program.expr_kind(callee) {
            ExprKind::Name(_) => Some(callee),
            _ => program.receiver(*call).filter(|_| study.language() == Language::Java),
        };
        run.and_then(|run| param_of(study, run)).is_some_and(|(of, n)| of == owner && is_given_functions(study, of, n))
    };
    calls.into_iter().find(is_param)
}

/// The parameter that a name is.
fn param_of(study: &Study<'_>, name: ValueRef) -> Option<(FuncRef, u16)> {
    let step = match study.program.step(name) {
        Step::Values(values) if values.len() == 1 => study.program.step(values[0]),
        step => step,
    };
    match step {
        Step::Param(owner, n) => Some((owner, n)),
        _ => None,
    }
}

/// Whether some caller hands a function to a parameter.
fn is_given_functions(study: &Study<'_>, function: FuncRef, n: u16) -> bool {
    let is_function = |value: ValueRef| {
        matches!(study.program.expr_kind(value), ExprKind::Closure(_) | ExprKind::MethodRef { .. })
            || !functions_of(study, value).is_empty()
    };
    arguments(study, function, n).any(is_function)
}

/// Whether a call runs at another time or in another place than its function is called: it stands in a closure that the
/// function makes, or its function is handed around as a value.
fn runs_later(study: &Study<'_>, function: FuncRef, run: ValueRef) -> bool {
    study.program.function_at(run) != function
}

fn finding(study: &Study<'_>, function: FuncRef, n: u16, work: &Work) -> Finding {
    let decl = study.program.function(function);
    let param = &decl.params[n as usize];
    let place = study.program.place_of(function.file, param.span);
    let mut finding = study.finding_at("context-not-passed", function.file, place, Confidence::Certain);
    let name = study.function_name(function);
    finding.message = format!("{name} is given a context as `{}`, and nothing in it uses that", param.name);
    finding.label = "this context is given and dropped".to_owned();
    match work {
        Work::Start(start) => {
            let starts = study.callee_text(*start);
            finding.effect =
                format!("the span from {starts} is not below the span in that context: it has another parent, or none");
            finding.help = format!("give `{}` to {starts} as the parent", param.name);
            finding.related.push(study.related(*start, "this span starts without that context"));
        }
        Work::Run(run) => {
            let runs = study.callee_text(*run);
            finding.effect =
                format!("what {runs} does is not below the span in that context: it has another parent, or none");
            finding.help = format!("make `{}` current around {runs}", param.name);
            finding.related.push(study.related(*run, "this runs without that context"));
        }
    }
    finding.confirm = "look at one trace: the spans below are siblings, or roots of their own".to_owned();
    finding
}
