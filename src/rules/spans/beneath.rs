//! Work that runs while a span is open and looks for the current span somewhere below (Python).

use super::streamed::body_of;
use super::wrapped::own_decorator;
use crate::ir::{ExprKind, Span};
use crate::knowledge::AnnotationRole;
use crate::link::{FuncRef, Step, ValueRef};
use crate::study::{CallFact, Study, Summary, annotation_role, functions_of};

/// How many calls deep the service's own functions are followed.
const MAX_BELOW: usize = 5;
/// How many functions are looked at for one call.
const MAX_FUNCTIONS: usize = 64;
/// How many callers are asked what they hand in.
const MAX_CALLERS: usize = 32;

/// Whether some function of the service's own looks for the current span, itself or in what it calls at once. What it
/// hands to another task may well be meant to stay out of the span.
pub(super) fn looks(study: &Study<'_>, from: Vec<FuncRef>, ambient: &dyn Fn(&CallFact<'_>) -> bool) -> bool {
    let mut functions = from;
    let mut at = 0;
    for _ in 0..MAX_BELOW {
        let level = functions.len();
        while let Some(function) = functions.get(at).copied().filter(|_| at < level) {
            at += 1;
            if study.calls_in(function).any(ambient) {
                return true;
            }
            for call in calls_of(study, function).filter(|call| !is_handed_over(study, *call)) {
                for next in &study.program.callee(call).functions {
                    if functions.len() < MAX_FUNCTIONS && shows(study, *next) && !functions.contains(next) {
                        functions.push(*next);
                    }
                }
            }
        }
    }
    false
}

/// Whether a function does anything that a trace shows.
fn shows(study: &Study<'_>, function: FuncRef) -> bool {
    study.summary(function).has(Summary::STARTS | Summary::CALLS_OUT | Summary::PRODUCES | Summary::STORES)
}

fn calls_of<'s>(study: &'s Study<'_>, function: FuncRef) -> impl Iterator<Item = ValueRef> + 's {
    let file = study.program.files.get(function.file as usize);
    let sites = file.into_iter().flat_map(move |file| file.flow.calls_of(function.id));
    sites.map(move |site| ValueRef { file: function.file, expr: site.expr })
}

/// Whether a call stands among the arguments of one that runs work elsewhere: `create_task(self._listen())`.
fn is_handed_over(study: &Study<'_>, call: ValueRef) -> bool {
    let parent = study.program.parent(call);
    parent.is_some_and(|parent| study.fact(parent).is_some_and(|fact| fact.effect.spawns.is_some()))
}

/// The functions that a call runs which are handed to the one around it, or to one around that: `func(*args)` in the
/// wrapper of a decorator runs all that is decorated.
pub(super) fn handed_in(study: &Study<'_>, call: ValueRef) -> Vec<FuncRef> {
    let program = study.program;
    let ExprKind::Call { callee, .. } = program.expr_kind(call) else { return Vec::new() };
    let named = ValueRef { expr: *callee, ..call };
    if !matches!(program.expr_kind(named), ExprKind::Name(_)) {
        return Vec::new();
    }
    let Some((owner, n)) = param_of(study, named) else { return Vec::new() };
    let callers = program.callers(owner).iter().take(MAX_CALLERS);
    let given = callers.filter_map(|call| program.argument(*call, owner, n));
    let mut out: Vec<FuncRef> = given.flat_map(|value| functions_of(study, value)).collect();
    if n == 0 {
        out.extend(decorated(study, program.outermost(owner)));
    }
    out
}

/// The parameter that a name is, its own function's or that of one around it.
fn param_of(study: &Study<'_>, name: ValueRef) -> Option<(FuncRef, u16)> {
    match study.program.step(name) {
        Step::Param(owner, n) => Some((owner, n)),
        Step::Values(values) => match values[..] {
            [only] => match study.program.step(only) {
                Step::Param(owner, n) => Some((owner, n)),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// The functions that one of the service's own decorates.
fn decorated(study: &Study<'_>, decorator: FuncRef) -> Vec<FuncRef> {
    let is_by = |function: &FuncRef| {
        let annotations = study.program.function(*function).annotations.iter();
        let mut used = annotations.map(|found| ValueRef { file: function.file, expr: found.expr });
        used.any(|value| own_decorator(study, value) == Some(decorator))
    };
    study.program.all_functions().filter(is_by).collect()
}

/// The blocks that run while a context manager of the service's own has its span open: where the range in which that is
/// open holds its `yield`, those of whoever enters it.
pub(super) fn blocks(study: &Study<'_>, function: FuncRef, range: Span) -> Vec<(FuncRef, u32, Span)> {
    let annotations = &study.program.function(function).annotations;
    let manager = |found| annotation_role(study, function.file, found) == Some(AnnotationRole::ContextManager);
    if !annotations.iter().any(manager) || !yields_in(study, function, range) {
        return Vec::new();
    }
    let callers = study.program.callers(function).iter().take(MAX_CALLERS);
    callers.filter_map(|call| Some((study.program.function_at(*call), call.file, body_of(study, *call)?))).collect()
}

fn yields_in(study: &Study<'_>, function: FuncRef, range: Span) -> bool {
    let Some(file) = study.program.files.get(function.file as usize) else { return false };
    let mut exprs = file.source.facts.exprs.iter();
    exprs.any(|expr| matches!(expr.kind, ExprKind::Yield(_)) && range.contains(expr.span))
}
