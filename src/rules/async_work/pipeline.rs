//! Reactive pipelines that a scheduler's threads run: work that is handed over as a step, where nothing is current unless the
//! library is told to put it there.

use crate::knowledge::{LibraryDescription, Slot, TypeRole};
use crate::link::{FuncRef, ValueRef};
use crate::services::Told;
use crate::study::{CallFact, Study, UnitView, functions_of};

/// Whether a call hands a pipeline over to another thread as a stage of it.
pub(super) fn is_one(fact: &CallFact<'_>) -> bool {
    fact.effect.derives == Some(Slot::Receiver) && fact.effect.spawns.is_some_and(|spawn| spawn.task == Slot::Receiver)
}

/// The functions with which a pipeline begins that do their work on the thread that runs them.
pub(super) fn sources(study: &Study<'_>, pipeline: ValueRef) -> Vec<FuncRef> {
    let mut out = Vec::new();
    study.program.origins_noting(pipeline, false, |at, _| {
        let Some(fact) = study.fact(at).filter(|fact| fact.effect.blocks) else { return };
        let steps = fact.effect.steps.map(|slot| study.slot(at, slot)).unwrap_or_default();
        out.extend(steps.into_iter().flat_map(|value| functions_of(study, value)));
    });
    out.sort_unstable();
    out.dedup();
    out
}

/// Whether a setting of the application may make the library put the context on the threads of its pipelines.
pub(super) fn may_be_told(unit: &UnitView, library: &LibraryDescription) -> bool {
    let mut settings = library.settings.iter().filter(|setting| setting.role == TypeRole::Other);
    settings.any(|setting| unit.configures(&setting.family) && unit.settings.switch(&setting.name) != Told::Off)
}
