//! Where the service itself makes a call, and whether that can be part of a request's trace.

use super::{apart, brought, gate, stored, strangers};
use crate::ir::{ExprKind, Language};
use crate::knowledge::Slot;
use crate::link::ValueRef;
use crate::study::{CallFact, Inbound, Study};

/// Why a call that cannot be in a request's trace is not judged further.
pub(super) const OUTSIDE: &str = "the call is not known to run inside a request's trace";
/// Most calls of one generated stub's method that are looked at.
const MAX_STUB_CALLS: usize = 64;

/// Where the service itself makes a call: one in a generated stub is made by whoever calls the stub's method.
pub(super) fn sites(study: &Study<'_>, call: ValueRef) -> Vec<ValueRef> {
    let program = study.program;
    if study.language() == Language::Java {
        return std::iter::once(call).chain(through_proxy(study, call)).collect();
    }
    // A generated gateway calls methods of a stub, which send.
    let sends = study.fact(call).is_some_and(|fact| fact.effect.hop.is_some());
    if !is_generated(study, call) || study.language() != Language::Go || !sends {
        return vec![call];
    }
    let stub = program.outermost(program.function_at(call));
    // A generated server calls methods of the same names, without options; a generated gateway calls the stub with some.
    let gives_options = |call: ValueRef| study.slot(call, Slot::AnyArg).len() > 2;
    let is_caller = |call: &ValueRef| !is_generated(study, *call) || (call.file != stub.file && gives_options(*call));
    let callers = program.callers(stub).iter().copied().filter(is_caller);
    callers.take(MAX_STUB_CALLS).collect()
}

/// The calls of an interface's methods, where a client is told to implement one of the service's own: it is made once, and
/// sends a request with each of them (`retrofit.create(Stock.class)`).
fn through_proxy(study: &Study<'_>, call: ValueRef) -> Vec<ValueRef> {
    let program = study.program;
    let given = study.slot(call, Slot::AnyArg).into_iter();
    let interfaces = given.filter_map(|value| match program.expr_kind(value) {
        ExprKind::Type(ty) => program.own_type(program.type_ref(value.file, ty)),
        _ => None,
    });
    let methods = interfaces.flat_map(|ty| program.declared_methods(ty));
    methods.flat_map(|method| program.callers(method).iter().copied()).take(MAX_STUB_CALLS).collect()
}

/// Whether a call stands in generated code.
pub(super) fn is_generated(study: &Study<'_>, call: ValueRef) -> bool {
    study.program.files.get(call.file as usize).is_some_and(|file| file.source.facts.generated)
}

/// Whether a call can be part of a request's trace at one of its places.
pub(super) fn reports_here(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    sites(study, fact.call).into_iter().any(|call| is_in_trace(study, call))
}

/// Whether a call can be part of a request's trace.
pub(super) fn is_in_trace(study: &Study<'_>, call: ValueRef) -> bool {
    outside(study, call).is_none()
}

/// Why a call is no part of a request's trace.
pub(super) fn outside(study: &Study<'_>, call: ValueRef) -> Option<&'static str> {
    let function = study.program.function_at(call);
    if !gate::can_be_inside(study, function) {
        return Some(OUTSIDE);
    }
    if study.is_out_of_traces(study.program.place(call).path) {
        return Some("its file is part of no program that is traced");
    }
    if apart::is_apart(study, function, call) {
        return Some("by its name it is about exporters, health checks, start-up or an example");
    }
    if study.is_for_operator(call.file) {
        return Some("its file declares commands of a command line");
    }
    if strangers::goes_to_third_party(study, call) {
        return Some("by its name or address it goes to a stranger's service");
    }
    if brought::goes_where_told(study, call) {
        return Some("its address comes with the request, from whoever sent that");
    }
    stored::goes_where_data_says(study, call).then_some("its address lies in the data that the service works on")
}

/// Whether a call is known to run for inbound work that may bring a trace.
pub(super) fn is_in_request(study: &Study<'_>, call: ValueRef) -> bool {
    let function = study.program.function_at(call);
    matches!(study.inbound(function), Inbound::Entry(_) | Inbound::Below(_)) && gate::can_be_inside(study, function)
}
