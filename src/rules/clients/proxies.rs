//! Proxies that are mounted as they are, behind what traces the requests that come in: nothing is seen to call them (Go).

use super::broken::Broken;
use super::life::{Life, Lives};
use super::{apart, gate, strangers};
use crate::ir::Language;
use crate::knowledge::{HopKind, TypeRole};
use crate::link::{Origin, ValueRef};
use crate::study::{CallFact, Study};
use std::collections::BTreeMap;

/// Adds the proxies that nothing instruments, each with the places where it is mounted.
pub(super) fn proxies(lives: &Lives<'_, '_>, broken: &mut BTreeMap<ValueRef, Broken>) {
    let study = lives.study;
    if study.language() != Language::Go {
        return;
    }
    let servers = lives.of_servers();
    for fact in study.calls().iter().filter(|fact| fact.effect.makes == Some(TypeRole::HttpClient)) {
        if broken.contains_key(&fact.call) || !is_handler(study, fact) {
            continue;
        }
        let unit = study.unit(fact.call.file);
        let skip = !gate::is_traced_by_code(unit, fact.library)
            || unit.coverage(fact.library).is_some()
            || apart::is_apart(study, fact.function, fact.call)
            || strangers::goes_to_third_party(study, fact.call)
            || lives.of_construction(fact.call) != Life::Plain;
        if skip {
            continue;
        }
        let uses: Vec<ValueRef> =
            lives.later(fact.call).given.iter().copied().filter(|call| is_mount(&servers, *call)).collect();
        if !uses.is_empty() {
            broken.insert(fact.call, Broken { kind: HopKind::HttpCall, uses });
        }
    }
}

/// Whether what a call makes answers requests by sending them on.
fn is_handler(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let made = study.program.type_of(fact.call).and_then(|ty| study.program.knowledge.ty(ty));
    made.is_some_and(|(_, ty)| !ty.runs.is_empty())
}

/// Whether a call mounts a handler on a server of which something traces the requests.
fn is_mount(servers: &Lives<'_, '_>, call: ValueRef) -> bool {
    let study = servers.study;
    let registers = study.fact(call).and_then(|fact| fact.effect.registers).filter(|found| !found.root);
    let on = registers.map(|found| study.slot(call, found.on)).unwrap_or_default();
    let is_traced = |origin: Origin| match origin {
        Origin::Call(made, _) | Origin::Literal(made) => {
            let makes = study.fact(made).and_then(|fact| fact.effect.makes);
            makes == Some(TypeRole::Server) && servers.beside_routes(made) == Life::Instrumented
        }
        _ => false,
    };
    on.into_iter().flat_map(|server| study.program.origins(server, true)).any(is_traced)
}
