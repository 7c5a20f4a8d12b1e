//! `sampling-off`: the only sampler of a program drops every trace.

use super::super::Verdicts;
use crate::finding::Confidence;
use crate::ir::{ExprKind, StmtKind};
use crate::knowledge::{Sampler, Slot};
use crate::link::{Origin, ValueRef};
use crate::study::{CallFact, Study, is_aside};
use std::collections::BTreeMap;

/// Finds units whose every provider is given a sampler that keeps nothing.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    let mut by_unit: BTreeMap<usize, Vec<&CallFact<'_>>> = BTreeMap::new();
    for fact in study.calls().iter().filter(|fact| fact.effect.uses_sampler.is_some() || fact.effect.tracer_provider) {
        let source = &study.program.files[fact.call.file as usize].source;
        if !is_aside(&source.path) {
            by_unit.entry(source.unit).or_default().push(fact);
        }
    }
    for facts in by_unit.into_values() {
        let users: Vec<_> = facts.iter().filter(|fact| is_given(study, fact)).collect();
        let providers = facts.iter().filter(|fact| fact.effect.tracer_provider).count();
        // A provider that keeps what the default keeps may be the one that counts.
        if users.is_empty() || providers > users.len() {
            continue;
        }
        let samplers: Option<Vec<ValueRef>> = users.iter().map(|fact| off(study, fact)).collect();
        let Some(first) = samplers.and_then(|all| all.first().copied()) else { continue };
        if !is_under_condition(study, first) {
            report(study, first, out);
        }
    }
}

fn is_given(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    fact.effect.uses_sampler.is_some_and(|slot| !study.slot(fact.call, slot).is_empty())
}

/// The sampler that a call uses, where it keeps nothing whatever happens.
fn off(study: &Study<'_>, fact: &CallFact<'_>) -> Option<ValueRef> {
    let values = study.slot(fact.call, fact.effect.uses_sampler?);
    let mut found = None;
    for value in values {
        if constant(study, value) == Some(Sampler::AlwaysOff) {
            found = Some(value);
            continue;
        }
        for origin in study.program.origins(value, true) {
            let Origin::Call(call, _) = origin else { return None };
            if !keeps_nothing(study, call) {
                return None;
            }
            found = Some(call);
        }
    }
    found
}

/// A sampler that is a constant of its library.
fn constant(study: &Study<'_>, value: ValueRef) -> Option<Sampler> {
    let name = study.program.qualify(value)?;
    study.program.described(name)?.1.sampler
}

/// Whether a call makes a sampler that never keeps a trace: one that says so, or a share of zero, written out.
fn keeps_nothing(study: &Study<'_>, call: ValueRef) -> bool {
    let Some(kind) = study.fact(call).and_then(|fact| fact.effect.sampler) else { return false };
    let args = study.slot(call, Slot::AnyArg);
    let is_zero = |arg: &ValueRef| match study.program.expr_kind(*arg) {
        ExprKind::Lit(text) => text.trim_end_matches(['f', 'd', 'F', 'D']).parse::<f64>() == Ok(0.0),
        _ => false,
    };
    match kind {
        Sampler::AlwaysOff => true,
        Sampler::Ratio => args.iter().any(is_zero),
        _ => false,
    }
}

/// Whether a value is one of several, by the statements and operators around it.
fn is_under_condition(study: &Study<'_>, value: ValueRef) -> bool {
    let program = study.program;
    let span = program.expr(value).span;
    let facts = &program.files[value.file as usize].source.facts;
    let chosen = facts.exprs.iter().any(|expr| {
        matches!(expr.kind, ExprKind::Conditional { .. } | ExprKind::Binary { .. }) && expr.span.contains(span)
    });
    chosen
        || facts
            .stmts
            .iter()
            .any(|stmt| matches!(stmt.kind, StmtKind::If { .. } | StmtKind::Switch { .. }) && stmt.span.contains(span))
}

fn report(study: &Study<'_>, sampler: ValueRef, out: &mut Verdicts) {
    let text = study.text(sampler);
    let service = study.unit(sampler.file).name.clone();
    let mut found = study.finding("sampling-off", sampler, Confidence::Certain);
    found.message = format!("`{text}` keeps no trace, and {service} has no other sampler");
    found.label = "drops every trace".to_owned();
    found.effect = format!(
        "{service} sends no span, and tells the services that it calls to drop their parts of its traces as well"
    );
    found.help = format!("use a parent-based sampler with a share above zero in place of `{text}`");
    found.confirm = format!(
        "send requests to {service}, and look at the last two digits of the `traceparent` that it sends on: 00"
    );
    out.findings.push(found);
}
