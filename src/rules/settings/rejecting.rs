//! `rejecting-filter`: a filter given to an instrumentation leaves out what should carry the trace.

use super::super::Verdicts;
use crate::finding::Confidence;
use crate::ir::ExprKind;
use crate::knowledge::{has_part, vocabulary};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::study::{CallFact, Study};

/// Finds filters that let nothing through, and those by which a client sends requests without a header.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    for fact in study.calls() {
        let Some(slot) = fact.effect.filters else { continue };
        let functions: Vec<FuncRef> =
            study.slot(fact.call, slot).into_iter().flat_map(|value| given(study, value)).collect();
        let Some(filter) = functions.first().copied() else { continue };
        if functions.iter().all(|filter| refuses_all(study, *filter)) {
            report(study, fact, out, true);
        } else if is_for_sending(study, fact) && texts(study, filter).iter().any(|text| !is_untraced(text)) {
            report(study, fact, out, false);
        }
    }
}

/// The functions that a value may be, all of them seen.
fn given(study: &Study<'_>, value: ValueRef) -> Vec<FuncRef> {
    let program = study.program;
    if let Some(name) = program.qualify(value) {
        return program.named_functions(name);
    }
    let mut out = Vec::new();
    for origin in program.origins(value, true) {
        let Origin::Literal(literal) = origin else { return Vec::new() };
        let ExprKind::Closure(id) = program.expr_kind(literal) else { return Vec::new() };
        out.push(FuncRef { file: literal.file, id: *id });
    }
    out
}

/// Whether a function says no to whatever it is asked.
fn refuses_all(study: &Study<'_>, filter: FuncRef) -> bool {
    let flow = &study.program.files[filter.file as usize].flow;
    let mut returned = flow.returns_of(filter.id).flat_map(|found| &found.values).peekable();
    let is_no = |expr: &crate::ir::ExprId| {
        let value = ValueRef { file: filter.file, expr: *expr };
        matches!(study.program.expr_kind(value), ExprKind::Lit(text) if text == "false")
    };
    returned.peek().is_some() && returned.all(is_no)
}

/// Whether an option is given to what sends requests, and leaves the header out with the span.
fn is_for_sending(study: &Study<'_>, option: &CallFact<'_>) -> bool {
    let user = study.program.parent(option.call).and_then(|call| study.fact(call));
    user.is_some_and(|user| user.effect.filtered_bare)
}

/// The texts that a filter compares with.
fn texts(study: &Study<'_>, filter: FuncRef) -> Vec<ustr::Ustr> {
    let unit = &study.program.files[filter.file as usize];
    let covered = unit.source.facts.function(filter.id).span;
    let inside = unit.source.facts.exprs.iter().filter(|expr| covered.contains(expr.span));
    let texts = inside.filter_map(|expr| match &expr.kind {
        ExprKind::Str(text) if !text.is_empty() => Some(*text),
        _ => None,
    });
    texts.collect()
}

fn is_untraced(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    text.len() < 2 || has_part(&lower, &vocabulary().untraced_paths)
}

fn report(study: &Study<'_>, option: &CallFact<'_>, out: &mut Verdicts, is_whole: bool) {
    let call = study.callee_text(option.call);
    let service = study.unit(option.call.file).name.clone();
    let confidence = if is_whole { Confidence::Certain } else { Confidence::Likely };
    let mut found = study.finding("rejecting-filter", option.call, confidence);
    found.message = match is_whole {
        true => format!("the filter given to `{call}` refuses every request, so nothing is instrumented"),
        false => format!("requests that the filter given to `{call}` refuses leave without the trace header"),
    };
    found.label = if is_whole { "refuses all" } else { "takes the header away too" }.to_owned();
    found.effect = "what receives such a request starts a trace of its own".to_owned();
    found.help = match is_whole {
        true => "return true for what is to be traced: the filter says what is kept".to_owned(),
        false => "keep the requests in the filter, and drop their spans where spans are sampled; this assumes that what they reach is traced".to_owned(),
    };
    found.confirm =
        format!("send such a request from {service} and look at the headers that arrive: there is no `traceparent`");
    out.findings.push(found);
}
