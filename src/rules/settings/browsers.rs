//! The headers that code lets browsers of other origins send: read here, judged where the browsers are known.

use super::super::Verdicts;
use crate::deploy::AllowList;
use crate::facts::{Piece, elements};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::study::{CallFact, Study};
use rustc_hash::FxHashMap;

/// Collects the lists of one language. What one function adds in several calls to what one name stands for is one list.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    let calls = study.calls().iter().filter(|fact| !fact.effect.allows_headers.is_empty());
    let mut by_owner: FxHashMap<(FuncRef, String), Option<AllowList>> = FxHashMap::default();
    for fact in calls {
        let given: Vec<ValueRef> =
            fact.effect.allows_headers.iter().flat_map(|slot| study.slot(fact.call, *slot)).collect();
        if given.is_empty() {
            continue;
        }
        let found = list(study, fact, &given);
        let known = by_owner.entry((fact.function, owner(study, fact, &given))).or_insert_with(|| found.clone());
        match (known.as_mut(), found) {
            (Some(known), Some(found)) => known.headers.extend(found.headers),
            _ => *known = None,
        }
    }
    out.allow_lists.extend(by_owner.into_values().flatten());
}

/// Whose list a call is about: the value before the dot, which may have several calls; else the call's own. One that is
/// given everything at once (`add_middleware`) has a list of its own for each.
fn owner(study: &Study<'_>, fact: &CallFact<'_>, given: &[ValueRef]) -> String {
    let receiver = study.program.receiver(fact.call);
    let is_made_of = fact.effect.allows_headers.iter().any(|slot| slot.is_keyword());
    match receiver.filter(|_| !is_made_of) {
        Some(receiver) => study.text(receiver),
        None => format!("{given:?}"),
    }
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
    let whole = study.callee_text(fact.call);
    let by = if whole.ends_with('}') { whole } else { whole.rsplit('.').next().unwrap_or_default().to_owned() };
    (!headers.is_empty()).then(|| AllowList { headers, place: study.program.place(fact.call), by })
}

/// Where a list is written that has a name, if there is one such place.
fn made(study: &Study<'_>, value: ValueRef) -> ValueRef {
    match study.program.origins(value, true).as_slice() {
        [Origin::Literal(made)] => *made,
        _ => value,
    }
}
