//! `unparented-sampler`: a root sampler is used without a parent-based wrapper.

use super::super::Verdicts;
use crate::finding::{Confidence, Finding};
use crate::ir::ExprKind;
use crate::knowledge::{Sampler, Slot};
use crate::link::Origin;
use crate::link::ValueRef;
use crate::study::{CallFact, Study};
use rustc_hash::FxHashSet;

/// Finds the samplers that reach a use without a parent-based wrapper on the way.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    let mut seen = FxHashSet::default();
    for fact in study.calls() {
        let Some(slot) = fact.effect.uses_sampler else { continue };
        let mut roots: Vec<ValueRef> = Vec::new();
        for value in study.slot(fact.call, slot) {
            collect(study, value, &mut roots);
        }
        roots.sort_unstable();
        roots.dedup();
        roots.retain(|root| seen.insert(*root));
        // The sampler that says most about what is dropped comes first.
        roots.sort_by_key(|root| study.fact(*root).and_then(|fact| fact.effect.sampler) != Some(Sampler::Ratio));
        if !roots.is_empty() {
            out.findings.push(finding(study, fact, &roots));
        }
    }
}

fn collect(study: &Study<'_>, value: ValueRef, roots: &mut Vec<ValueRef>) {
    let program = study.program;
    let named = |value: ValueRef| program.qualify(value).and_then(|name| program.described(name));
    if let Some(kind) = named(value).and_then(|(_, effect)| effect.sampler) {
        if is_root(kind) {
            roots.push(value);
        }
        return;
    }
    for origin in program.origins(value, true) {
        match origin {
            Origin::Call(call, _) => {
                let kind = study.fact(call).and_then(|fact| fact.effect.sampler);
                if kind.is_some_and(is_root) && !keeps_all(study, call) {
                    roots.push(call);
                }
            }
            Origin::Field(owner, name) => {
                let full = ustr::Ustr::from(&format!("{owner}.{name}"));
                let kind = program.described(full).and_then(|(_, effect)| effect.sampler);
                if kind.is_some_and(is_root) {
                    roots.push(value);
                }
            }
            Origin::Param(..) | Origin::Literal(_) | Origin::Unknown => {}
        }
    }
}

fn is_root(kind: Sampler) -> bool {
    matches!(kind, Sampler::Ratio | Sampler::AlwaysOn | Sampler::Remote)
}

/// A ratio of one, written out, or a remote sampler's own arguments that follow the parent.
fn keeps_all(study: &Study<'_>, call: ValueRef) -> bool {
    study.slot(call, Slot::AnyArg).into_iter().any(|arg| match study.program.expr_kind(arg) {
        ExprKind::Lit(text) => matches!(text.as_str(), "1" | "1.0" | "1.0f" | "1d" | "1.0d" | "1."),
        _ => false,
    })
}

fn finding(study: &Study<'_>, user: &CallFact<'_>, roots: &[ValueRef]) -> Finding {
    let at = roots.first().copied().unwrap_or(user.call);
    let text = study.text(at);
    let mut found = study.finding("unparented-sampler", at, Confidence::Certain);
    found.message = format!("`{text}` decides by itself, whatever the caller decided");
    found.label = "not parent-based".to_owned();
    let service = study.unit(at.file).name.clone();
    found.effect = format!(
        "`{service}` drops spans of traces that its caller keeps, or keeps spans of traces that its caller drops"
    );
    found.help = format!("wrap it in the parent-based sampler, with `{text}` as its root");
    found.confirm = format!(
        "send requests with a sampled `traceparent` to `{service}`, and others with an unsampled one, and count its spans"
    );
    for other in roots.iter().skip(1) {
        found.related.push(study.related(*other, "this sampler ignores the parent too"));
    }
    if !contains(study, user.call, at) {
        found.related.push(study.related(user.call, "it is used here"));
    }
    found
}

fn contains(study: &Study<'_>, outer: ValueRef, inner: ValueRef) -> bool {
    outer.file == inner.file && study.program.expr(outer).span.contains(study.program.expr(inner).span)
}
