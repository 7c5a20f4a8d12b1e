//! Several messages that are handled under the trace of one.

use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, StmtKind};
use crate::knowledge::Slot;
use crate::link::{FuncRef, Step, ValueRef};
use crate::rules::Verdicts;
use crate::study::Study;
use rustc_hash::FxHashSet;

/// How far a carrier is followed to the message that it is of.
const MAX_STEPS: u32 = 8;

/// Methods that give the first element of what they are called on.
const FIRST: &[&str] = &["getFirst", "get", "first", "elementAt"];

/// Finds functions that extract from the first message of several, or from each into one variable.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    let mut reported: FxHashSet<FuncRef> = FxHashSet::default();
    for fact in study.calls() {
        let Some(effect) = fact.effect.extract else { continue };
        let mut carriers = vec![(fact.call, study.slot(fact.call, effect.carrier))];
        // A helper of the service that extracts: what it is given is the carrier.
        let helper = study.program.outermost(fact.function);
        let callers = study.program.callers(helper).iter().take(32);
        carriers.extend(callers.map(|call| (*call, study.slot(*call, Slot::AnyArg))));
        for (call, values) in carriers {
            let function = study.program.outermost(study.program.function_at(call));
            if !study.unit(call.file).is_traced() || links(study, function) || reported.contains(&function) {
                continue;
            }
            let first = values.iter().find_map(|value| first_of(study, *value, MAX_STEPS));
            let found = match first {
                Some(all) => looped(study, function, all).map(|run| first_only(study, call, all, run)),
                None => last_only(study, call),
            };
            if let Some(found) = found {
                reported.insert(function);
                out.findings.push(found);
            }
        }
    }
}

/// Whether a function ties its span to other traces, as a batch should.
fn links(study: &Study<'_>, function: FuncRef) -> bool {
    study.with_nested(function).into_iter().flat_map(|inner| study.calls_in(inner)).any(|fact| fact.effect.links)
}

/// The collection whose first element a value is, or is a part of.
fn first_of(study: &Study<'_>, value: ValueRef, steps: u32) -> Option<ValueRef> {
    let steps = steps.checked_sub(1)?;
    let at = |expr| ValueRef { expr, ..value };
    let is_zero = |value| matches!(study.program.expr_kind(value), ExprKind::Lit(text) if text == "0");
    match study.program.expr_kind(value) {
        ExprKind::Index { base, index: Some(index) } if is_zero(at(*index)) => {
            is_several(study, at(*base)).then(|| at(*base))
        }
        ExprKind::Index { base, .. } | ExprKind::Member { base, .. } => first_of(study, at(*base), steps),
        ExprKind::Unary { operand, .. } => first_of(study, at(*operand), steps),
        ExprKind::Cast { value, .. } => first_of(study, at(*value), steps),
        ExprKind::Call { callee, args } => {
            let ExprKind::Member { base, name, .. } = study.program.expr_kind(at(*callee)) else {
                return args.iter().find_map(|arg| first_of(study, at(arg.value), steps));
            };
            let zero = args.first().is_none_or(|arg| is_zero(at(arg.value)));
            let counted = args.len() == 1 || (args.is_empty() && name != "get");
            if FIRST.contains(&name.as_str()) && zero && counted && is_several(study, at(*base)) {
                return Some(at(*base));
            }
            first_of(study, at(*base), steps)
                .or_else(|| args.iter().find_map(|arg| first_of(study, at(arg.value), steps)))
        }
        ExprKind::New { args, .. } => args.iter().find_map(|arg| first_of(study, at(arg.value), steps)),
        ExprKind::Name(_) => match study.program.step(value) {
            Step::Values(values) => values.into_iter().find_map(|value| first_of(study, value, steps)),
            Step::Call(call, 0) => first_of(study, call, steps),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a value is a variable or field that can be gone through.
fn is_several(study: &Study<'_>, value: ValueRef) -> bool {
    matches!(study.program.expr_kind(value), ExprKind::Name(_) | ExprKind::Member { .. } | ExprKind::Index { .. })
}

/// The place in a function where all elements of a collection are gone through.
fn looped(study: &Study<'_>, function: FuncRef, all: ValueRef) -> Option<ValueRef> {
    let file = study.program.files.get(function.file as usize)?;
    let facts = &file.source.facts;
    let own = study.program.function(function).span;
    let wanted = study.text(all);
    let subjects = facts.stmts.iter().filter(|stmt| own.contains(stmt.span)).filter_map(|stmt| match &stmt.kind {
        StmtKind::Loop { subject: Some(subject), .. } => Some(ValueRef { file: function.file, expr: *subject }),
        _ => None,
    });
    let mut same = subjects.filter(|subject| study.text(*subject) == wanted);
    same.next().filter(|_| function.file == all.file)
}

/// A context that each round of a loop overwrites, and a span that starts under it after the loop.
fn last_only(study: &Study<'_>, call: ValueRef) -> Option<Finding> {
    let program = study.program;
    let site = program.call_site(call).filter(|site| site.in_loop != 0)?;
    let file = program.files.get(call.file as usize)?;
    let (_, def) = file.flow.defs_from(call.expr).find(|(_, def)| def.in_loop == site.in_loop)?;
    let var = file.flow.vars.get(def.var.0 as usize)?;
    let outside = var.defs.iter().any(|other| program.def(call.file, *other).in_loop != site.in_loop);
    let starts = study.calls_in(FuncRef { file: call.file, id: site.function }).find(|fact| {
        let Some(span) = fact.effect.span.filter(|_| fact.site.in_loop == 0) else { return false };
        let uses = study.slot(fact.call, span.context);
        uses.iter().any(|value| var.uses.contains(&value.expr))
            && program.expr(fact.call).span.start > program.expr(call).span.start
    })?;
    if !outside {
        return None;
    }
    let mut out = study.finding("batch-consume-parent", call, Confidence::Certain);
    out.message =
        format!("each round overwrites `{}`, so the span after the loop has the last message's trace alone", var.name);
    out.label = "the contexts of the messages before are lost".to_owned();
    out.related.push(study.related(starts.call, "this span is the child of one message"));
    Some(described(study, out, call))
}

fn first_only(study: &Study<'_>, call: ValueRef, all: ValueRef, run: ValueRef) -> Finding {
    let mut out = study.finding("batch-consume-parent", call, Confidence::Likely);
    let name = study.text(all);
    out.message = format!("all of `{name}` are handled under the trace of the first one");
    out.label = "reads the context of one message".to_owned();
    out.related.push(study.related(run, "here all of them are handled"));
    described(study, out, call)
}

fn described(study: &Study<'_>, mut out: Finding, call: ValueRef) -> Finding {
    let function = study.function_name(study.program.function_at(call));
    out.effect =
        "the other messages' traces end at their producer, and one trace shows work that it did not cause".to_owned();
    out.help = format!(
        "start one span a message under its own context, or one span for the batch of `{function}` with a link to the \
         context of each message"
    );
    out.confirm =
        format!("send two messages from two traces in one batch: the work of `{function}` is in one of them only");
    out
}
