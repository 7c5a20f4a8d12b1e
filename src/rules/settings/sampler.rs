//! `unparented-sampler`: a root sampler is used without a parent-based wrapper.

use super::super::Verdicts;
use super::own_sampler::decides_by_itself;
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, Language};
use crate::knowledge::{HopKind, Sampler, Slot};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::rules::clients::helps_tests;
use crate::study::{CallFact, Study};
use rustc_hash::FxHashSet;

/// Finds the samplers that reach a use without a parent-based wrapper on the way.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    let mut seen = FxHashSet::default();
    let dropping = dropping(study);
    for fact in study.calls() {
        let Some(slot) = fact.effect.uses_sampler else { continue };
        if reads_nothing(study, fact, out) {
            continue;
        }
        if !may_receive(study, fact.call.file) || helps_tests(study, study.program.outermost(fact.function)) {
            continue;
        }
        let mut roots: Vec<ValueRef> = Vec::new();
        for value in study.slot(fact.call, slot) {
            collect(study, value, &mut roots);
        }
        roots.sort_unstable();
        roots.dedup();
        roots.retain(|root| seen.insert(*root));
        // The sampler that says most about what is dropped comes first.
        roots.sort_by_key(|root| study.fact(*root).and_then(|fact| fact.effect.sampler) != Some(Sampler::Ratio));
        let judged = !roots.is_empty() && !is_one_choice(study, fact) && !chosen_among(study, &roots);
        if judged && !super::beside::is_for_own_work(study, fact) {
            out.findings.push(finding(study, fact, &roots, confidence(study, &roots, &dropping)));
        }
    }
}

/// Whether no propagator is set in a command, which another rule tells: no caller's decision ever arrives. Who uses a
/// package that Go lets others import may well set one, unless the service's own commands use it.
fn reads_nothing(study: &Study<'_>, user: &CallFact<'_>, out: &Verdicts) -> bool {
    let service = &study.unit(user.call.file).name;
    let tells = |found: &Finding| found.rule == "no-propagator" && found.language == Some(study.language());
    let Some(file) = study.program.files.get(user.call.file as usize) else { return false };
    let is_closed = file.source.facts.package == "main" || file.module.split('/').any(|part| part == "internal");
    let is_own = || !study.program.callers(study.program.outermost(user.function)).is_empty();
    (is_closed || is_own()) && out.findings.iter().any(|found| tells(found) && found.service == *service)
}

/// Whether the function that uses a sampler also uses a parent-based one: in another branch, so that whoever runs the
/// service chooses, or for the same provider, where the last one counts.
fn is_one_choice(study: &Study<'_>, user: &CallFact<'_>) -> bool {
    let others = study.calls_in(user.function).filter(|fact| fact.call != user.call);
    let mut samplers = others.filter_map(|fact| Some(study.slot(fact.call, fact.effect.uses_sampler?)));
    samplers.any(|values| values.into_iter().any(|value| kind_of(study, value) == Some(Sampler::ParentBased)))
}

/// Whether a function that makes one of the samplers also makes a parent-based one: whoever runs the service chooses. One
/// inside another is no choice.
fn chosen_among(study: &Study<'_>, roots: &[ValueRef]) -> bool {
    let is_parent_based = |fact: &CallFact<'_>| fact.effect.sampler == Some(Sampler::ParentBased);
    let is_choice =
        |root: ValueRef| move |fact: &CallFact<'_>| is_parent_based(fact) && !contains(study, root, fact.call);
    roots.iter().any(|root| study.calls_in(study.program.function_at(*root)).any(is_choice(*root)))
}

/// The functions in which a sampler is named that drops traces.
fn dropping(study: &Study<'_>) -> FxHashSet<FuncRef> {
    let keeps = |kind: Sampler| matches!(kind, Sampler::AlwaysOn | Sampler::ParentBased);
    let drops =
        |fact: &&CallFact<'_>| fact.effect.sampler.is_some_and(|kind| !keeps(kind)) && !keeps_all(study, fact.call);
    let mut out: FxHashSet<FuncRef> = study.calls().iter().filter(drops).map(|fact| fact.function).collect();
    // A sampler that is a constant of its library is no call.
    let libraries = study.program.knowledge.libraries().iter().flat_map(|library| &library.functions);
    let dropping = libraries.filter(|effect| effect.sampler.is_some_and(|kind| !keeps(kind)));
    let dropping: FxHashSet<ustr::Ustr> = dropping.flat_map(|effect| effect.names.iter().copied()).collect();
    let last: FxHashSet<&str> = dropping.iter().filter_map(|name| Some(name.as_str().rsplit_once('.')?.1)).collect();
    let is_constant = |value: ValueRef| match study.program.expr_kind(value) {
        ExprKind::Member { name, .. } | ExprKind::Name(name) if last.contains(name.as_str()) => {
            study.program.qualify(value).is_some_and(|name| dropping.contains(&name))
                && !matches!(study.program.parent(value).map(|at| study.program.expr_kind(at)), Some(ExprKind::Call { callee, .. }) if *callee == value.expr)
        }
        _ => false,
    };
    for (file, unit) in (0u32..).zip(&study.program.files) {
        let exprs = (0..unit.source.facts.exprs.len()).map(|at| crate::ir::ExprId(at as u32));
        let constants = exprs.map(|expr| ValueRef { file, expr }).filter(|value| is_constant(*value));
        out.extend(constants.map(|value| study.program.function_at(value)));
    }
    out
}

/// How sure it is that a sampler which keeps everything keeps what others drop: where nobody drops anything there is no
/// decision to ignore, and what the same function would set in its place (`always`, `never`) decides for the same traces.
fn confidence(study: &Study<'_>, roots: &[ValueRef], dropping: &FxHashSet<FuncRef>) -> Confidence {
    let keeps_all = |root: &ValueRef| kind_of(study, *root) == Some(Sampler::AlwaysOn);
    if roots.iter().any(|root| kind_of(study, *root).is_none() && study.language() == Language::Python) {
        return Confidence::Certain;
    }
    let is_alternative = |at: &FuncRef| roots.iter().any(|root| study.program.function_at(*root) == *at);
    let alone = if roots.iter().all(keeps_all) { dropping.iter().all(is_alternative) } else { dropping.is_empty() };
    if alone { Confidence::Possible } else { Confidence::Certain }
}

/// What a sampler is: a call, or a constant of its library.
pub(super) fn kind_of(study: &Study<'_>, sampler: ValueRef) -> Option<Sampler> {
    let constant = || study.program.qualify(sampler).and_then(|name| study.program.described(name));
    study.fact(sampler).map(|fact| fact.effect).or_else(|| constant().map(|found| found.1))?.sampler
}

/// Whether the program that a file is part of can receive a trace. A Go command is what it runs of the packages that it
/// imports; of anything else it is not known who uses it.
fn may_receive(study: &Study<'_>, file: u32) -> bool {
    // What takes nobody's trace up decides for nobody.
    if study.is_alone(file) {
        return false;
    }
    let receives = |fact: &&CallFact<'_>| {
        let effect = fact.effect;
        effect.extract.is_some()
            || effect.registers.is_some()
            || effect.hop.is_some_and(|hop| matches!(hop.kind, HopKind::Serve | HopKind::Consume))
    };
    let receiving: Vec<FuncRef> = study.calls().iter().filter(receives).map(|fact| fact.function).collect();
    study.may_run(file, &receiving)
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
                let own = || study.fact(call).is_none() && decides_by_itself(study, call);
                if kind.is_some_and(is_root) && !keeps_all(study, call) || own() {
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
            Origin::Literal(made) if decides_by_itself(study, made) => roots.push(value),
            Origin::Param(..) | Origin::Literal(_) | Origin::Unknown => {}
        }
    }
}

fn is_root(kind: Sampler) -> bool {
    matches!(kind, Sampler::Ratio | Sampler::AlwaysOn | Sampler::Remote)
}

/// A ratio of one, written out, or a remote sampler's own arguments that follow the parent.
pub(super) fn keeps_all(study: &Study<'_>, call: ValueRef) -> bool {
    study.slot(call, Slot::AnyArg).into_iter().any(|arg| match study.program.expr_kind(arg) {
        ExprKind::Lit(text) => matches!(text.as_str(), "1" | "1.0" | "1.0f" | "1d" | "1.0d" | "1."),
        _ => false,
    })
}

fn finding(study: &Study<'_>, user: &CallFact<'_>, roots: &[ValueRef], confidence: Confidence) -> Finding {
    let at = roots.first().copied().unwrap_or(user.call);
    let text = study.text(at);
    let mut found = study.finding("unparented-sampler", at, confidence);
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
