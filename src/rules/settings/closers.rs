//! `no-shutdown`: what a Go call hands out to end what holds spans back is thrown away.

use super::super::Verdicts;
use super::handed_back::left_open;
use super::shutdown::{finding, runs};
use super::simple::is_local;
use crate::ir::{ExprKind, Language};
use crate::knowledge::{CloserEffect, Slot, TypeRole};
use crate::link::ValueRef;
use crate::study::{CallFact, Study, is_aside};
use ustr::Ustr;

/// Finds the closers of tracers and the exporters that nobody ends.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    if study.language() != Language::Go {
        return;
    }
    for fact in study.calls() {
        let Some(closer) = &fact.effect.closer else { continue };
        if !is_for_others(study, fact) || is_ended_otherwise(study, fact, closer) {
            continue;
        }
        let Slot::Result(at) = closer.at else { continue };
        for call in left_open(study, fact.call, usize::from(at), &closer.by).unwrap_or_default() {
            if runs_in_program(study, call) {
                report(study, fact, closer, call, out);
            }
        }
    }
}

/// Whether the spans would leave the process.
fn is_for_others(study: &Study<'_>, made: &CallFact<'_>) -> bool {
    !study.slot(made.call, Slot::AnyArg).into_iter().any(|value| is_local(&study.text(value)))
}

fn runs_in_program(study: &Study<'_>, call: ValueRef) -> bool {
    let path = &study.program.files[call.file as usize].source.path;
    !is_aside(path) && runs(study, study.program.function_at(call))
}

/// Whether the unit ends a tracer by itself: `tracer.(io.Closer).Close()`.
fn is_ended_otherwise(study: &Study<'_>, made: &CallFact<'_>, closer: &CloserEffect) -> bool {
    let unit = study.unit_of(made.call.file);
    let files = (0u32..).zip(&study.program.files).filter(|(_, file)| file.source.unit == unit);
    files.into_iter().any(|(at, file)| {
        file.source.facts.exprs.iter().any(|expr| match &expr.kind {
            ExprKind::Member { base, name, .. } => {
                closer.by.contains(name) && is_tracer(study, ValueRef { file: at, expr: *base })
            }
            _ => false,
        })
    })
}

/// Whether a value is a tracer, perhaps taken for something else.
fn is_tracer(study: &Study<'_>, value: ValueRef) -> bool {
    let is_one = |value| study.program.role_of(value) == Some(TypeRole::Tracer);
    match study.program.expr_kind(value) {
        ExprKind::Cast { value: inner, .. } => is_one(ValueRef { expr: *inner, ..value }) || is_one(value),
        _ => is_one(value),
    }
}

fn report(study: &Study<'_>, made: &CallFact<'_>, closer: &CloserEffect, call: ValueRef, out: &mut Verdicts) {
    let ends = closer.by.first().map_or("", Ustr::as_str);
    let mut found = finding(study, call, made.call);
    found.message = format!(
        "nothing calls `{ends}` on what `{}` hands out to end it, which holds spans back to send many at once",
        study.callee_text(call)
    );
    found.label = "never ended".to_owned();
    found.help = format!("call `{ends}` before the process ends, also when it is told to stop");
    if call == made.call {
        found.related.clear();
    }
    out.findings.push(found);
}
