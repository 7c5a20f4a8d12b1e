//! uninstrumented-rpc-client, in part: a generated gateway opens its own channel, with the options that it is given.

use super::super::Verdicts;
use super::life::{Life, Lives};
use super::{apart, gate};
use crate::finding::{Confidence, Finding};
use crate::ir::Language;
use crate::knowledge::{LibraryDescription, Slot, TypeRole};
use crate::link::{Origin, ValueRef};
use crate::study::{Study, stub_named};
use std::cell::LazyCell;
use std::collections::BTreeMap;

/// Most registrations that a finding lists.
const MAX_RELATED: usize = 8;

/// A call that registers a generated gateway by the address of its service.
struct Gateway<'a> {
    call: ValueRef,
    service: String,
    /// What it dials with.
    options: ValueRef,
    library: &'a LibraryDescription,
}

/// Finds the gateways that take up the traces of HTTP requests and hand none on.
pub(super) fn check(lives: &Lives<'_, '_>, out: &mut Verdicts) {
    let study = lives.study;
    if study.language() != Language::Go {
        return;
    }
    let files = (0u32..).zip(&study.program.files).filter(|(_, file)| !file.source.facts.generated);
    let calls =
        files.flat_map(|(at, file)| file.flow.calls.iter().map(move |site| ValueRef { file: at, expr: site.expr }));
    // A router stands as servers do: what its handlers ask others with says nothing of it.
    let servers = LazyCell::new(|| lives.of_servers());
    let mut broken: BTreeMap<ValueRef, Vec<Gateway<'_>>> = BTreeMap::new();
    let found = calls.filter_map(|call| gateway(study, call));
    for found in found.filter(|found| breaks(lives, found) && is_given_traced_router(&servers, found.call)) {
        // What several are given is one cause.
        let origins = study.program.origins(found.options, false);
        let cause = match origins.first() {
            Some(Origin::Literal(at) | Origin::Call(at, _)) => *at,
            _ => found.call,
        };
        broken.entry(cause).or_default().push(found);
    }
    out.findings.extend(broken.values().filter_map(|found| finding(study, found)));
}

/// The gateway that a call registers, if it does.
fn gateway<'a>(study: &Study<'a>, call: ValueRef) -> Option<Gateway<'a>> {
    let name = study.callee_name(call)?;
    let libraries = study.program.knowledge.libraries().iter();
    let library = libraries.filter(|library| library.stubs.is_some()).find(|library| {
        let patterns = library.stubs.iter().flat_map(|stubs| &stubs.gateways);
        patterns.into_iter().any(|pattern| pattern.split_once('*').is_some_and(|(_, end)| name.ends_with(end)))
    })?;
    let service = stub_named(study, &name, |names| &names.gateways)?;
    let given = study.slot(call, Slot::AnyArg);
    let options = *given.last()?;
    Some(Gateway { call, service, options, library })
}

/// Whether a gateway of a traced service is given no option by which its channel would send a trace on.
fn breaks(lives: &Lives<'_, '_>, found: &Gateway<'_>) -> bool {
    let study = lives.study;
    let unit = study.unit(found.call.file);
    let function = study.program.function_at(found.call);
    gate::is_traced_by_code(unit, found.library)
        && unit.coverage(found.library).is_none()
        && !study.is_out_of_traces(study.program.place(found.call).path)
        && !apart::is_apart(study, function, found.call)
        && lives.of_shared(found.options) == Life::Plain
}

/// Whether a registration is given a router that is seen to take up traces.
fn is_given_traced_router(lives: &Lives<'_, '_>, call: ValueRef) -> bool {
    router_of(lives.study, call).is_some_and(|router| is_traced(lives, router))
}

/// The router that a registration is given.
fn router_of(study: &Study<'_>, call: ValueRef) -> Option<ValueRef> {
    let mut given = study.slot(call, Slot::AnyArg).into_iter();
    given.find(|value| study.program.role_of(*value) == Some(TypeRole::Server))
}

/// Whether all that a router may be is seen to be instrumented.
fn is_traced(lives: &Lives<'_, '_>, router: ValueRef) -> bool {
    let origins = lives.study.program.origins(router, true);
    !origins.is_empty()
        && origins.into_iter().all(|origin| match origin {
            Origin::Call(made, _) => lives.of_construction(made) == Life::Instrumented,
            _ => false,
        })
}

fn finding(study: &Study<'_>, found: &[Gateway<'_>]) -> Option<Finding> {
    let first = found.first()?;
    // The service behind it is served by this program, or generated into it at least.
    let is_own = found.iter().any(|gateway| study.serves_calls_of(&gateway.service) == Some(true));
    let confidence = if is_own { Confidence::Certain } else { Confidence::Likely };
    let mut out = study.finding("uninstrumented-rpc-client", first.call, confidence);
    let maker = study.callee_text(first.call);
    out.message =
        format!("`{maker}` dials the service without tracing, so requests lose their trace behind the gateway");
    out.label = "dials with options that trace nothing".to_owned();
    out.effect = "The gateway's span is the last one of its trace: the service behind it starts a new one for each \
                  request"
        .to_owned();
    out.help = format!("Among the options that `{maker}` is given: {}", first.library.mend);
    out.confirm = "Send a request through the gateway and look for spans of the service behind it in the same trace: \
                   there are none"
        .to_owned();
    let others = found.iter().skip(1).take(MAX_RELATED);
    out.related.extend(others.map(|gateway| study.related(gateway.call, "this one dials with the same options")));
    Some(out)
}
