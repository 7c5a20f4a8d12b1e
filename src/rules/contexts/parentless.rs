//! `context-replaced` where nothing is handed over as a span's parent: an own function starts a span under the parent that
//! it is given, and a caller inside a trace gives it `null`.

use super::ambient::parts_on_purpose;
use crate::finding::{Confidence, Finding, Related};
use crate::ir::ExprKind;
use crate::link::{FuncRef, Step, ValueRef};
use crate::rules::{Verdicts, messaging};
use crate::study::{Inbound, Study};
use std::collections::BTreeMap;

/// How many values a parent is followed back over.
const MAX_VALUES: usize = 200;
/// How far the way up to an entry is followed.
const MAX_ABOVE: usize = 64;

/// Finds spans that are started as roots because a caller has no parent for them.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    // One `null` may be the parent of several spans: it is one finding.
    let mut found: BTreeMap<ValueRef, Vec<ValueRef>> = BTreeMap::new();
    for fact in study.calls() {
        let Some(slot) = fact.effect.root_if_none.filter(|_| study.unit(fact.call.file).is_traced()) else { continue };
        for value in study.slot(fact.call, slot) {
            for none in nothing(study, value).into_iter().filter(|none| cuts(study, *none)) {
                found.entry(none).or_default().push(fact.call);
            }
        }
    }
    if found.is_empty() {
        return;
    }
    // Asked last: it looks at every call. Where nothing reads what the caller sent, there is no trace to cut.
    let reading = messaging::reading_units(study);
    let in_trace = |file: u32| {
        study.unit(file).is_traced_from_outside() || reading.contains(&study.program.files[file as usize].source.unit)
    };
    let found = found.into_iter().filter(|(none, _)| in_trace(none.file));
    out.findings.extend(found.filter_map(|(none, starts)| report(study, none, &starts)));
}

/// The empty literals that callers hand over, over any number of own functions, for a value. One that is written at the
/// start of the span itself is a choice, and no oversight: it is left out.
fn nothing(study: &Study<'_>, value: ValueRef) -> Vec<ValueRef> {
    let program = study.program;
    let mut work = vec![(value, false)];
    let mut seen = Vec::new();
    let mut out = Vec::new();
    while let Some((value, handed_over)) = work.pop() {
        if seen.contains(&value) || seen.len() > MAX_VALUES {
            continue;
        }
        seen.push(value);
        match program.step(value) {
            Step::Literal(literal) if handed_over && literal == value && is_none(study, literal) => out.push(literal),
            Step::Values(values) if values.len() == 1 => {
                work.extend(values.into_iter().map(|next| (next, handed_over)))
            }
            Step::Param(function, n) if !is_compared(study, function, n) => {
                work.extend(arguments(study, function, n).map(|next| (next, true)));
            }
            _ => {}
        }
    }
    out
}

/// What callers pass for a parameter, by calls that can only mean this one of the functions that are called alike.
fn arguments<'s>(study: &'s Study<'_>, function: FuncRef, n: u16) -> impl Iterator<Item = ValueRef> + 's {
    let program = study.program;
    let decl = program.function(function);
    let takes = |other: &FuncRef, given: usize| program.function(*other).params.len() == given;
    let is_meant = move |call: &ValueRef| {
        let ExprKind::Call { args, .. } = program.expr_kind(*call) else { return false };
        let alike = |other: &&FuncRef| {
            let same_type = other.file == function.file && program.function(**other).owner == decl.owner;
            same_type && takes(other, args.len())
        };
        let functions = &program.callee(*call).functions;
        takes(&function, args.len()) && functions.iter().filter(alike).all(|other| *other == function)
    };
    let calls = program.callers(function).iter().filter(move |call| is_meant(call));
    calls.filter_map(move |call| program.argument(*call, function, n))
}

fn is_none(study: &Study<'_>, value: ValueRef) -> bool {
    matches!(study.program.expr_kind(value), ExprKind::Lit(text) if matches!(text.as_str(), "null" | "None" | "nil"))
}

/// Whether a function asks if a parameter is there: it has an answer for when it is not.
fn is_compared(study: &Study<'_>, function: FuncRef, n: u16) -> bool {
    let decl = study.program.function(function);
    let Some(param) = decl.params.get(n as usize) else { return true };
    let facts = &study.program.files[function.file as usize].source.facts;
    let is_param = |expr| matches!(&facts.expr(expr).kind, ExprKind::Name(name) if *name == param.name);
    let is_none = |expr| is_none(study, ValueRef { file: function.file, expr });
    facts.exprs.iter().filter(|expr| decl.span.contains(expr.span)).any(|expr| match &expr.kind {
        ExprKind::Binary { left, right, .. } => {
            (is_param(*left) && is_none(*right)) || (is_param(*right) && is_none(*left))
        }
        _ => false,
    })
}

/// Whether an empty literal is the argument of a call that stands in work with a trace.
fn cuts(study: &Study<'_>, none: ValueRef) -> bool {
    let program = study.program;
    let is_argument = program.parent(none).is_some_and(|call| program.call_site(call).is_some());
    let function = program.function_at(none);
    let runs_in_request = matches!(study.inbound(function), Inbound::Entry(_) | Inbound::Below(_));
    is_argument
        && runs_in_request
        && function == program.outermost(function)
        && !study.outlives_request(function)
        && !parts_on_purpose(study, function)
}

fn report(study: &Study<'_>, none: ValueRef, starts: &[ValueRef]) -> Option<Finding> {
    let call = study.program.parent(none)?;
    let (target, text) = (study.callee_text(call), study.text(none));
    let mut finding = study.finding("context-replaced", none, Confidence::Certain);
    finding.message =
        format!("{target} starts its span under the parent that it is given: with {text} it leaves the trace");
    finding.label = "no parent, although a span is current".to_owned();
    finding.effect = format!("the span that {target} starts, and all below it, is a trace of its own without a parent");
    finding.help = format!("hand the current span to {target} in place of {text}");
    finding.confirm =
        format!("search the tracing backend for root spans of `{}`: they appear once for each call", finding.service);
    finding.related.extend(arrival(study, study.program.function_at(none)));
    finding.related.extend(starts.iter().take(6).map(|start| study.related(*start, "this span has no parent then")));
    Some(finding)
}

/// Where the trace comes in that a function works for.
fn arrival(study: &Study<'_>, function: FuncRef) -> Option<Related> {
    let mut at = function;
    for _ in 0..MAX_ABOVE {
        match study.inbound(at) {
            Inbound::Below(above) => at = above,
            Inbound::Entry(place) => return Some(Related { place, message: "the trace arrives here".to_owned() }),
            _ => return None,
        }
    }
    None
}
