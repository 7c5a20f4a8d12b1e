//! `service-name-missing`: a provider that nobody tells whose spans it makes.

use super::super::Verdicts;
use super::simple::is_local;
use crate::finding::Confidence;
use crate::ir::{ExprKind, FileFacts, Spread};
use crate::knowledge::Slot;
use crate::link::{Origin, ValueRef};
use crate::services::stacks;
use crate::study::{CallFact, Inbound, Study, is_aside};
use rustc_hash::FxHashSet;

/// Finds the first provider of each unit that is named neither in its code nor in any deployment file.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    let mut seen = FxHashSet::default();
    let providers = study.calls().iter().filter(|fact| fact.effect.tracer_provider);
    for fact in providers.filter(|fact| !is_for_others(study, fact)) {
        let source = &study.program.files[fact.call.file as usize].source;
        if is_aside(&source.path) || !seen.insert(source.unit) {
            continue;
        }
        let unit = study.unit(fact.call.file);
        // Where no start of it is seen, its environment is not either.
        if unit.may_be_named
            || unit.starts.is_empty()
            || unit.is_traced_from_outside()
            || is_named(study, source.unit)
            || keeps_all(study, source.unit)
        {
            continue;
        }
        report(study, fact, out);
    }
}

/// Whether a provider is made by a function that nothing in the tree is seen to run, of a library for other programs.
fn is_for_others(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let outer = study.program.outermost(fact.function);
    outer.id.0 != 0
        && study.program.callers(outer).is_empty()
        && study.inbound(outer) == Inbound::Unknown
        && !study.is_handed_around(outer)
}

/// Whether no span of a unit leaves its process, by the exporters that its processors are given: what prints spans or keeps
/// them files them under no name.
fn keeps_all(study: &Study<'_>, unit: usize) -> bool {
    let processors = study.calls_of_unit(unit).filter(|fact| fact.effect.batches || fact.effect.simple_processor);
    let given = processors.map(|fact| study.slot(fact.call, Slot::AnyArg).first().copied());
    let mut exporters = given.filter(|exporter| !exporter.is_some_and(|value| is_processor(study, value))).peekable();
    exporters.peek().is_some() && exporters.all(|exporter| exporter.is_some_and(|value| stays(study, value)))
}

/// Whether a value is a processor itself, whose own exporter is judged where it is made.
fn is_processor(study: &Study<'_>, value: ValueRef) -> bool {
    study.fact(value).is_some_and(|fact| fact.effect.batches || fact.effect.simple_processor)
}

/// Whether an exporter is seen to be one that keeps what it is given in the process, by the names of all that makes it.
fn stays(study: &Study<'_>, exporter: ValueRef) -> bool {
    let program = study.program;
    let is_kept = |origin: &Origin| match origin {
        Origin::Call(made, _) => {
            let callee = program.callee(*made);
            callee.constructs.or(callee.name).is_some_and(|name| is_local(&name))
        }
        _ => false,
    };
    let origins = program.origins(exporter, true);
    !origins.is_empty() && origins.iter().all(is_kept)
}

/// Whether the code of a unit, or of those that it shares code with, describes or names the service in any way.
fn is_named(study: &Study<'_>, unit: usize) -> bool {
    let near = study.units_near(unit);
    let in_unit = |call: ValueRef| near.contains(&study.program.files[call.file as usize].source.unit);
    let spreads = |call: ValueRef| match study.program.expr_kind(call) {
        ExprKind::Call { args, .. } => args.iter().any(|arg| arg.spread != Spread::None),
        _ => false,
    };
    let describes = |fact: &CallFact<'_>| {
        fact.effect.resource.is_some_and(|slot| !study.slot(fact.call, slot).is_empty())
            || (fact.effect.tracer_provider && spreads(fact.call))
    };
    study.calls().iter().filter(|fact| in_unit(fact.call)).any(describes)
        || study.program.files.iter().any(|file| near.contains(&file.source.unit) && names_service(&file.source.facts))
}

/// Whether a file speaks of the name of a service, by whatever spelling.
fn names_service(facts: &FileFacts) -> bool {
    let tells = |name: &str| {
        name.len() > 10 && {
            let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
            let plain = plain.to_ascii_lowercase();
            plain.contains("servicename") || plain.contains("resourceattributes")
        }
    };
    facts.exprs.iter().any(|expr| match &expr.kind {
        ExprKind::Name(name) | ExprKind::Member { name, .. } | ExprKind::Str(name) => tells(name),
        ExprKind::Call { args, .. } => args.iter().any(|arg| arg.name.is_some_and(|name| tells(&name))),
        _ => false,
    })
}

fn report(study: &Study<'_>, fact: &CallFact<'_>, out: &mut Verdicts) {
    let view = study.unit(fact.call.file);
    let page = view.stacks.iter().find_map(|found| stacks().iter().find(|page| page.id == found.stack));
    let Some(variable) = page.and_then(|page| page.names_service.first()) else { return };
    let (service, maker) = (view.name.clone(), study.callee_text(fact.call));
    let mut found = study.finding("service-name-missing", fact.call, Confidence::Likely);
    found.message = format!("`{maker}` makes spans of a service without a name");
    found.label = "no service name".to_owned();
    found.effect = format!(
        "the spans of {service} are filed under `unknown_service`, together with those of others that have no name"
    );
    found.help = format!(
        "give the provider a resource with `service.name`, or set {variable} where {service} is started; this assumes that nothing outside of this repository sets it"
    );
    found.confirm = format!("look for {service} in the list of services of the tracing backend: it is not there");
    out.findings.push(found);
}
