//! Clients that break the trace, and how a finding tells of one.

use super::sites::is_in_request;
use super::{gate, house};
use crate::finding::{Confidence, Finding, Related};
use crate::knowledge::HopKind;
use crate::link::{FuncRef, ValueRef};
use crate::study::Study;

/// Most uses that a finding lists.
const MAX_RELATED: usize = 8;

/// A client that breaks the trace, and the calls through it.
pub(super) struct Broken {
    pub(super) kind: HopKind,
    pub(super) uses: Vec<ValueRef>,
}

/// The rule on calls of a kind.
pub(super) fn rule_of(kind: HopKind) -> &'static str {
    match kind {
        HopKind::RpcCall => "uninstrumented-rpc-client",
        _ => "uninstrumented-http-client",
    }
}

/// The finding on a client.
pub(super) fn finding(study: &Study<'_>, at: ValueRef, found: &Broken) -> Finding {
    let mut out = study.finding(rule_of(found.kind), at, confidence(study, at, found));
    let maker = study.callee_text(at);
    let direct = found.uses.contains(&at);
    let what = if found.kind == HopKind::RpcCall { "metadata" } else { "header" };
    out.message = if direct {
        format!("`{maker}` sends its request without a trace {what}: nothing instruments it")
    } else {
        format!("`{maker}` is built without tracing, so what is sent through it carries no trace {what}")
    };
    out.label = if direct { "sends no trace context".to_owned() } else { "built without tracing".to_owned() };
    out.effect =
        "There is no client span, and the service that is called starts a new trace instead of continuing this one"
            .to_owned();
    // What is mounted as it is sends on what comes in.
    let forwards =
        |call: &ValueRef| study.fact(*call).is_some_and(|fact| fact.effect.forwards || fact.effect.registers.is_some());
    if !found.uses.is_empty() && found.uses.iter().all(forwards) {
        out.message = format!("`{maker}` sends requests on as they came in, without the span of this service");
        out.label = "sends on the headers that came in".to_owned();
        out.effect =
            "The service behind it continues the trace of the caller, beside this service's own span; a request \
                      that comes in without a trace header starts a second trace there"
                .to_owned();
    }
    out.help = match study.fact(at).map(|fact| study.mend(fact)).filter(|mend| !mend.is_empty()) {
        Some(mend) => format!("For `{maker}`: {mend}"),
        None => format!("Instrument `{maker}`, or inject the current context into what it sends"),
    };
    if out.confidence == Confidence::Likely {
        out.help.push_str("; this assumes that the function runs inside a request");
    }
    out.confirm = format!(
        "Send a request without a trace {what} that reaches `{maker}` and look for one on the callee's side: there is none"
    );
    related(study, &mut out, at, found);
    out
}

/// How sure a finding is: that the other end is one of the house, and that a call through the client belongs to a request.
fn confidence(study: &Study<'_>, at: ValueRef, found: &Broken) -> Confidence {
    let is_of_house = |call: ValueRef| {
        house::is_asked(study, call) || found.kind == HopKind::RpcCall && house::is_called(study, call)
    };
    // Where a proxy is mounted says nothing of whom it asks.
    let is_mount = |call: &&ValueRef| study.fact(**call).is_some_and(|fact| fact.effect.registers.is_some());
    if !is_of_house(at) && !found.uses.iter().filter(|call| !is_mount(call)).any(|call| is_of_house(*call)) {
        return Confidence::Possible;
    }
    let seen = found.uses.iter().any(|call| is_in_request(study, *call));
    match seen {
        true => Confidence::Certain,
        false if gate::is_left_to_the_user(study, at) => Confidence::Possible,
        false => Confidence::Likely,
    }
}

/// Adds where the trace comes in, and where it is lost.
fn related(study: &Study<'_>, out: &mut Finding, at: ValueRef, found: &Broken) {
    let mut functions: Vec<FuncRef> = Vec::new();
    for call in &found.uses {
        let function = study.program.function_at(*call);
        if !functions.contains(&function) {
            functions.push(function);
        }
    }
    let context = functions.iter().find_map(|function| study.context_param(*function));
    out.related.extend(
        context
            .map(|param| Related { place: param.place, message: format!("the trace comes in with `{}`", param.name) }),
    );
    let uses = found.uses.iter().filter(|call| **call != at).take(MAX_RELATED);
    out.related.extend(uses.map(|call| study.related(*call, "the trace is lost on this call")));
}
