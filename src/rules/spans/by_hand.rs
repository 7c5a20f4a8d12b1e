//! `wrong-id`: a `traceparent` that is put together by hand from numbers, whose plain text has other digits than the header.

use super::starts::{assumption, judged};
use super::wrong_id::described;
use crate::ir::{ExprKind, Language};
use crate::link::{Step, ValueRef};
use crate::rules::Verdicts;
use crate::study::Study;
use rustc_hash::FxHashSet;

/// How the header begins: its version.
const VERSION: &str = "00-";
/// How many variables a number is followed through.
const MAX_STEPS: usize = 3;

/// Finds the texts that are the header's.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    if study.language() != Language::Python {
        return;
    }
    let libraries = study.program.knowledge.libraries();
    let numbers = libraries.iter().flat_map(|library| &library.functions).filter(|found| found.yields_number);
    let names: FxHashSet<&str> =
        numbers.flat_map(|found| &found.names).filter_map(|name| Some(name.rsplit_once('.')?.1)).collect();
    let reads = |kind: &ExprKind| matches!(kind, ExprKind::Member { name, .. } if names.contains(name.as_str()));
    let files = (0u32..).zip(&study.program.files);
    for (file, unit) in files.filter(|(_, unit)| unit.source.facts.exprs.iter().any(|expr| reads(&expr.kind))) {
        let texts = (0u32..).zip(&unit.source.facts.exprs).filter(|(_, expr)| may_be_text(&expr.kind));
        for (expr, _) in texts {
            let text = ValueRef { file, expr: crate::ir::ExprId(expr) };
            let Some(number) = plain_number(study, text) else { continue };
            let Some(confidence) = judged(study, number) else { continue };
            let id = study.text(number);
            let mut finding = study.finding("wrong-id", text, confidence);
            finding.message = format!("`{id}` is put into a traceparent as a decimal number");
            finding.label = "the header has hexadecimal digits".to_owned();
            finding.effect = "Whoever reads this header finds it malformed and starts a trace of its own".to_owned();
            finding.help =
                "write the ids by `format_trace_id` and `format_span_id` and the flags as `:02x`, or let the \
                            propagator write the header: `propagate.inject(carrier)`"
                    .to_owned();
            finding.help += assumption(confidence);
            finding.confirm = "print the header: its second part is no 32 hexadecimal digits".to_owned();
            out.findings.push(finding);
        }
    }
}

fn may_be_text(kind: &ExprKind) -> bool {
    match kind {
        ExprKind::Unknown(parts) => parts.len() >= 2,
        ExprKind::Binary { op, .. } => op == "%",
        ExprKind::Call { args, .. } => args.len() >= 2,
        _ => false,
    }
}

/// The first number that stands in a header's text without a format of its own.
fn plain_number(study: &Study<'_>, text: ValueRef) -> Option<ValueRef> {
    let program = study.program;
    let at = |expr| ValueRef { expr, ..text };
    let places: Vec<ValueRef> = match program.expr_kind(text) {
        // f"00-{trace_id}-{span_id}-01"
        ExprKind::Unknown(parts) => {
            let numbers: Vec<ValueRef> =
                parts.iter().map(|part| at(*part)).filter(|part| number(study, *part, MAX_STEPS)).collect();
            let whole = (!numbers.is_empty()).then(|| study.raw_text(text))??;
            let inner = whole.strip_prefix(['f', 'F'])?.trim_start_matches(['"', '\'']);
            let is_plain =
                |part: &ValueRef| study.raw_text(*part).is_some_and(|id| whole.contains(&format!("{{{id}}}")));
            return numbers.into_iter().find(|part| inner.starts_with(VERSION) && is_plain(part));
        }
        // "00-%s-%s-01" % (trace_id, span_id)
        ExprKind::Binary { left, right, .. } => {
            let ExprKind::Str(form) = program.expr_kind(at(*left)) else { return None };
            (form.starts_with(VERSION) && !form.contains('x')).then_some(())?;
            let ExprKind::Composite { fields, .. } = program.expr_kind(at(*right)) else { return None };
            fields.iter().map(|field| at(field.value)).collect()
        }
        // "00-{}-{}-01".format(trace_id, span_id)
        ExprKind::Call { callee, args } => {
            let ExprKind::Member { base, name, .. } = program.expr_kind(at(*callee)) else { return None };
            let ExprKind::Str(form) = program.expr_kind(at(*base)) else { return None };
            (name == "format" && form.starts_with(VERSION) && !form.contains(':')).then_some(())?;
            args.iter().map(|arg| at(arg.value)).collect()
        }
        _ => return None,
    };
    places.into_iter().find(|value| number(study, *value, MAX_STEPS))
}

/// Whether a value is an identifier as a number, on some way.
fn number(study: &Study<'_>, value: ValueRef, steps: usize) -> bool {
    if described(study, value).is_some_and(|(_, effect)| effect.yields_number) {
        return true;
    }
    match study.program.expr_kind(value) {
        ExprKind::Name(_) if steps > 0 => match study.program.step(value) {
            Step::Values(values) => values.into_iter().any(|next| next != value && number(study, next, steps - 1)),
            _ => false,
        },
        _ => false,
    }
}
