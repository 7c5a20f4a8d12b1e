//! The headers that code lets browsers of other origins send: read here, judged where the browsers are known.

use super::super::Verdicts;
use crate::deploy::AllowList;
use crate::facts::{Piece, elements};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::study::{CallFact, Study};
use rustc_hash::FxHashMap;

/// Collects the lists of one language. What one function adds to a list in several calls is one.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    let calls = study.calls().iter().filter(|fact| !fact.effect.allows_headers.is_empty());
    let mut by_function: FxHashMap<FuncRef, Option<AllowList>> = FxHashMap::default();
    for fact in calls {
        let given: Vec<ValueRef> =
            fact.effect.allows_headers.iter().flat_map(|slot| study.slot(fact.call, *slot)).collect();
        if given.is_empty() {
            continue;
        }
        let found = list(study, fact, &given);
        let known = by_function.entry(fact.function).or_insert_with(|| found.clone());
        match (known.as_mut(), found) {
            (Some(known), Some(found)) => known.headers.extend(found.headers),
            _ => *known = None,
        }
    }
    out.allow_lists.extend(by_function.into_values().flatten());
}

/// The list of one call; `None` where the code does not write all of it.
fn list(study: &Study<'_>, fact: &CallFact<'_>, given: &[ValueRef]) -> Option<AllowList> {
    let mut headers = Vec::new();
    for value in given.iter().flat_map(|value| elements(study, made(study, *value))) {
        for text in study.texts(value) {
            let [Piece::Literal(name)] = text.0.as_slice() else { return None };
            headers.extend(name.split(',').map(|name| name.trim().to_ascii_lowercase()));
        }
    }
    let by = study.callee_text(fact.call);
    (!headers.is_empty()).then(|| AllowList { headers, place: study.program.place(fact.call), by })
}

/// Where a list is written that has a name, if there is one such place.
fn made(study: &Study<'_>, value: ValueRef) -> ValueRef {
    match study.program.origins(value, true).as_slice() {
        [Origin::Literal(made)] => *made,
        _ => value,
    }
}
