//! `parent-ignored`: a span inside a request is told to be a root, and nothing links it to the trace that led to it.

use super::replaced::spawned_closure;
use crate::finding::{Confidence, Finding, Related};
use crate::link::FuncRef;
use crate::rules::Verdicts;
use crate::study::{CallFact, Inbound, Study};

/// Finds options and builders that drop the parent in code that a request reaches.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    for fact in study.calls().iter().filter(|fact| fact.effect.drops_parent) {
        let outer = study.program.outermost(fact.function);
        let in_request = matches!(study.inbound(outer), Inbound::Entry(_) | Inbound::Below(_));
        if !in_request || !study.unit(fact.call.file).is_traced() || study.outlives_request(outer) {
            continue;
        }
        if !links(study, outer)
            && spawned_closure(study, fact.function, study.program.outermost(fact.function)).is_none()
        {
            out.findings.push(finding(study, fact, outer));
        }
    }
}

/// Whether a function links a span to another trace.
fn links(study: &Study<'_>, function: FuncRef) -> bool {
    let around = study.with_nested(function);
    around.iter().flat_map(|at| study.calls_in(*at)).any(|near| near.effect.links)
}

fn finding(study: &Study<'_>, fact: &CallFact<'_>, outer: FuncRef) -> Finding {
    let option = study.callee_text(fact.call);
    let mut finding = study.finding("parent-ignored", fact.call, Confidence::Likely);
    finding.message =
        format!("{option} makes this span a root although {} runs in a request", study.function_name(outer));
    finding.label = "the parent is dropped here, without a link".to_owned();
    finding.effect =
        "a new trace starts in the middle of the request, and neither of the two names the other".to_owned();
    finding.help = format!(
        "leave {option} out, or add a link to the span that led here (assumes that no link is added elsewhere)"
    );
    finding.confirm = "search for traces whose root is this span: each starts in the middle of a request".to_owned();
    if let Inbound::Entry(place) = study.inbound(outer) {
        finding.related.push(Related { place, message: "the trace arrives here".to_owned() });
    }
    finding
}
