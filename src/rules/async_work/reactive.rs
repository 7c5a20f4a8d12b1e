//! Steps of a reactive pipeline that ask what is current, where nothing is.

use super::{mdc, task};
use crate::finding::{Confidence, Finding};
use crate::ir::Language;
use crate::knowledge::{LibraryDescription, Slot, TypeRole};
use crate::link::{FuncRef, ValueRef};
use crate::rules::{Verdicts, prints_ids};
use crate::services::Told;
use crate::study::{CallFact, Inbound, Study, UnitView, functions_of};
use rustc_hash::FxHashSet;
use std::collections::BTreeMap;

/// A read of what is current, in a step of a pipeline.
struct Read<'a> {
    call: ValueRef,
    step: &'a CallFact<'a>,
    what: What,
}

/// What a step does with what is current.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// It starts a span under it.
    Starts,
    /// It asks for it.
    Asks,
    /// It writes a record that is to hold its id.
    Logs,
}

/// Finds the steps of each unit; all of a unit are one finding, as one setting mends them.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    if study.language() != Language::Java {
        return;
    }
    let mut reads: BTreeMap<usize, Vec<Read<'_>>> = BTreeMap::new();
    let mut seen: FxHashSet<FuncRef> = FxHashSet::default();
    for step in study.calls() {
        let Some(slot) = step.effect.steps else { continue };
        if !is_lost(study.unit(step.call.file), step.library)
            || study.inbound(study.program.outermost(step.function)) == Inbound::Root
        {
            continue;
        }
        let unit = study.program.files[step.call.file as usize].source.unit;
        let functions = study.slot(step.call, slot).into_iter().flat_map(|value| functions_of(study, value));
        for function in functions.filter(|function| study.program.function(*function).flags.is_closure) {
            if !seen.insert(function) || restores(study, function) {
                continue;
            }
            let prints = study.of_unit("prints ids of traces", unit, || prints_ids(&study.units[unit]));
            let found = task::calls(study, function).filter_map(|call| Some((call, what(study, call, prints)?)));
            reads.entry(unit).or_default().extend(found.map(|(call, what)| Read { call, step, what }));
        }
    }
    out.findings.extend(reads.values().filter_map(|reads| finding(study, reads)));
}

/// Whether nothing puts the context of a pipeline on its threads: the server is a reactive one, the setting is off, and
/// neither an agent nor a hook of the code does it.
fn is_lost(view: &UnitView, library: &LibraryDescription) -> bool {
    let Some(setting) = library.settings.iter().find(|setting| setting.role == TypeRole::Other) else { return false };
    let has = |names: &[String]| names.iter().any(|name| view.dependencies.contains(name));
    let off = || view.settings.switch(&setting.name) == Told::Off;
    let judged = view.configures(&setting.family) && view.covers_all.is_none() && view.coverage(library).is_none();
    judged && has(&setting.needs) && !has(&setting.unless) && off()
}

/// What a call in a step does with what is current on its thread; a record counts where all of them print the trace's id.
fn what(study: &Study<'_>, call: ValueRef, prints: bool) -> Option<What> {
    if let Some(fact) = study.fact(call).filter(|fact| asks(study, fact)) {
        return Some(if fact.effect.span.is_some() { What::Starts } else { What::Asks });
    }
    let logs = || study.fact(call).is_some_and(|fact| fact.effect.log.is_some()) || mdc::is_log_call(study, call);
    (prints && logs()).then_some(What::Logs)
}

/// Whether a step asks for what is current on its thread.
fn asks(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let effect = fact.effect;
    let gives = effect.returns.first().and_then(|ty| study.program.role(*ty));
    let reads = effect.context_of == Some(Slot::Ambient) && matches!(gives, Some(TypeRole::Span | TypeRole::Context));
    reads || effect.span.is_some_and(|span| span.context == Slot::Ambient)
}

/// Whether a step puts something current itself before it asks.
fn restores(study: &Study<'_>, function: FuncRef) -> bool {
    let within = study.with_nested(function);
    within.into_iter().flat_map(|inner| study.calls_in(inner)).any(|fact| {
        let effect = fact.effect;
        effect.activates.is_some() || effect.carries.is_some() || effect.extract.is_some()
    })
}

fn finding(study: &Study<'_>, reads: &[Read<'_>]) -> Option<Finding> {
    // What breaks a trace goes before what only loses its id.
    let (at, first) = reads.iter().enumerate().min_by_key(|(_, read)| read.what == What::Logs)?;
    let asks = study.callee_text(first.call);
    let step = study.callee_text(first.step.call);
    let operator = step.rsplit('.').next().unwrap_or(&step).to_owned();
    let view = study.unit(first.call.file);
    let mut out = study.finding("reactive-context", first.call, Confidence::Certain);
    out.message = format!(
        "`{asks}` in a step of `{operator}` finds nothing: {} keeps the trace in the context of {} alone",
        view.name, first.step.library.title
    );
    out.label = "no span is current here".to_owned();
    out.effect = match first.what {
        What::Starts => "the span that starts here is the root of a trace of its own",
        What::Asks => "the call gives no span, so what is written to it, or made from it, is lost",
        What::Logs => "the records of this step have no trace id, where the log's pattern prints one",
    }
    .to_owned();
    let file = view.settings.path().map(|path| format!(" in {path}")).unwrap_or_default();
    out.help = format!("{}{file}", first.step.library.mend);
    out.confirm = format!("log the trace id in this step of `{operator}`: it is empty");
    let others = reads.iter().enumerate().filter(|(other, _)| *other != at).take(8);
    out.related = others.map(|(_, read)| study.related(read.call, "nor here")).collect();
    Some(out)
}
