//! Libraries whose clients one switch of the process instruments.

use super::broken::Broken;
use super::sites::is_in_request;
use crate::knowledge::{LibraryDescription, Slot};
use crate::link::ValueRef;
use crate::study::{CallFact, Study};
use std::collections::BTreeMap;

/// Clients of a library for which one process-wide switch exists and which the unit instruments nowhere one by one are
/// one cause: the first place that is known to belong to requests stands for all, or else the first.
pub(super) fn by_switch(study: &Study<'_>, broken: BTreeMap<ValueRef, Broken>) -> BTreeMap<ValueRef, Broken> {
    let mut first: BTreeMap<(usize, String), ValueRef> = BTreeMap::new();
    let mut out: BTreeMap<ValueRef, Broken> = BTreeMap::new();
    let mut broken: Vec<(ValueRef, Broken)> = broken.into_iter().collect();
    broken.sort_by_key(|(_, found)| !found.uses.iter().any(|call| is_in_request(study, *call)));
    for (at, found) in broken {
        let Some(library) =
            study.fact(at).map(|fact| fact.library).filter(|found| has_switch(study, found)).map(|found| &found.id)
        else {
            out.insert(at, found);
            continue;
        };
        let unit = study.program.files.get(at.file as usize).map_or(0, |file| file.source.unit);
        let cause = *first.entry((unit, library.clone())).or_insert(at);
        match out.get_mut(&cause) {
            Some(known) if cause != at => {
                known.uses.push(at);
                known.uses.extend(found.uses.into_iter().filter(|call| *call != at));
            }
            _ => {
                out.insert(at, found);
            }
        }
    }
    out
}

/// Whether a process-wide switch for a library is described, and none of its clients is instrumented by hand.
fn has_switch(study: &Study<'_>, library: &LibraryDescription) -> bool {
    let is_it = |id: &String| *id == library.id || *id == library.through;
    let all = study.program.knowledge.libraries().iter().flat_map(|found| &found.functions);
    let mut switches = all.filter(|function| function.switches_on.iter().any(is_it));
    switches.any(|_| true) && !study.calls().iter().any(|fact| is_by_hand(study, fact, library))
}

/// Whether a call instruments something that it is given: a client of a library, if it takes all sorts.
fn is_by_hand(study: &Study<'_>, fact: &CallFact<'_>, library: &LibraryDescription) -> bool {
    let is_of_library = |value: ValueRef| {
        let ty = study.program.type_of(value).and_then(|ty| study.program.knowledge.ty(ty));
        ty.is_some_and(|(found, _)| found.id == library.id)
    };
    match fact.effect.instruments {
        Some(Slot::Arg(_) | Slot::Receiver) => true,
        Some(Slot::AnyArg) => study.slot(fact.call, Slot::AnyArg).into_iter().any(is_of_library),
        _ => false,
    }
}
