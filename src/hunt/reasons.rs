//! Which of instrumentation, propagation, sampling and export can explain a gap, which cannot, and how to tell.

use super::causes::{Place, findings_of};
use super::sampling::Approach;
use super::{Chance, GapKind, Loss, Question, Reason};
use crate::map::NodeKind;

/// Variables by which spans are made and sent nowhere, with the values that do it.
///
/// Source: <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>.
const OFF: &[(&str, &str)] = &[("OTEL_TRACES_EXPORTER", "none"), ("OTEL_SDK_DISABLED", "true")];

/// What a recording says of a gap.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Evidence {
    /// Whether spans of the far end are in the recording.
    pub(super) far_spans: bool,
    /// Whether the sampled flag of the spans before the gap is not set.
    pub(super) unsampled: bool,
}

/// What can and cannot explain a gap.
pub(super) fn of(question: &Question<'_>, place: &Place, evidence: &Evidence) -> Vec<Reason> {
    let to = question.names.of(place.ends.to);
    match place.kind {
        GapKind::NewTrace | GapKind::WrongParent => {
            let arrived = format!("spans of {to} arrived, under other ids");
            let mut out = vec![propagation(place, to)];
            for loss in [Loss::Sampling, Loss::Export] {
                out.push(ruled_out(loss, arrived.clone()));
            }
            // Without a recording it is what somebody saw, not what arrived here.
            if !evidence.far_spans {
                out.iter_mut().skip(1).for_each(|reason| reason.because = format!("{to} is seen to make spans"));
            }
            out
        }
        GapKind::LostParent => {
            let carried = format!("{to} took over an id: something before it handed a context on");
            let parent = place.ends.from.unwrap_or(place.ends.to);
            let mut out = vec![ruled_out(Loss::Propagation, carried)];
            out.extend(exported(question, parent));
            out.push(sampled(question, parent, evidence));
            let name = question.names.of(parent);
            out.push(Reason {
                loss: Loss::Instrumentation,
                chance: Chance::Possible,
                because: "a proxy or gateway on the way can make ids and send no spans".to_owned(),
                confirm: format!(
                    "compare the span id in the `traceparent` that leaves {name} with the one that reaches {to}"
                ),
            });
            out
        }
        GapKind::Missing => {
            let mut out = vec![instrumented(question, place.ends.to)];
            out.extend(exported(question, place.ends.to));
            out.push(sampled(question, place.ends.to, evidence));
            out.push(propagation(place, to));
            out.sort_by_key(|reason| reason.chance);
            out
        }
        GapKind::BrokenCode | GapKind::Unknown => Vec::new(),
    }
}

fn ruled_out(loss: Loss, because: String) -> Reason {
    Reason { loss, chance: Chance::RuledOut, because, confirm: String::new() }
}

fn propagation(place: &Place, to: &str) -> Reason {
    let (chance, because, confirm) = match place.kind {
        GapKind::Missing => (
            Chance::Possible,
            format!("spans of {to} can be in a trace of their own"),
            format!(
                "look in the backend for traces of the same minute that begin with a span of {to}: where there is one, the context was not handed on"
            ),
        ),
        _ => (
            Chance::Likely,
            match place.client {
                Some(true) => "a span of the call was recorded: the header was not sent, not passed on or not read",
                Some(false) => {
                    "no span of the call was recorded: the caller's client adds no header, or runs without the context"
                }
                None => "the context was not handed on",
            }
            .to_owned(),
            format!(
                "log the `traceparent` header of requests that reach {to}: without one the caller does not send it, with one {to} does not read it"
            ),
        ),
    };
    Reason { loss: Loss::Propagation, chance, because, confirm }
}

/// Whether something traces a service.
fn instrumented(question: &Question<'_>, node: usize) -> Reason {
    let name = question.names.of(node);
    let confirm = format!(
        "is there any span of {name} in the backend, of whatever trace? If not, nothing traces it or nothing arrives"
    );
    let likely = |because: String| Reason {
        loss: Loss::Instrumentation,
        chance: Chance::Likely,
        because,
        confirm: confirm.clone(),
    };
    match question.stacks.get(&node).map(String::as_str) {
        Some("") => return likely(format!("nothing traces {name}, as was said")),
        Some(stack) => {
            return ruled_out(Loss::Instrumentation, format!("{stack} traces {name}, as was said"));
        }
        None => {}
    }
    let Some(found) = question.map.nodes.get(node) else { return likely(format!("the map does not know {name}")) };
    if let Some(stack) = found.stacks.iter().find(|stack| stack.active) {
        let because = format!("{} traces {name} ({}:{}: {})", stack.title, stack.path, stack.line, stack.evidence);
        return ruled_out(Loss::Instrumentation, because);
    }
    if let Some(stack) = found.stacks.first() {
        let (title, path, line) = (&stack.title, &stack.path, stack.line);
        return likely(format!("{title} is present in {name} ({path}:{line}) and was not seen to be switched on"));
    }
    if found.kind == NodeKind::Service {
        return likely(format!("nothing that hoplint knows traces {name}"));
    }
    let because = match question.names.is_traced(node) {
        true => format!("the code of {name} was not read; its environment names it for traces"),
        false => format!("the code of {name} was not read, and nothing in its deployment speaks of traces"),
    };
    Reason { loss: Loss::Instrumentation, chance: Chance::Possible, because, confirm }
}

/// Whether the spans of a service leave it.
fn exported(question: &Question<'_>, node: usize) -> Vec<Reason> {
    let name = question.names.of(node);
    let confirm = format!(
        "read the log of {name} and of the collector for failed exports, and look for any of its spans in the backend"
    );
    let reason =
        |chance: Chance, because: String| Reason { loss: Loss::Export, chance, because, confirm: confirm.clone() };
    let mut out: Vec<Reason> = Vec::new();
    for workload in question.names.workloads(node) {
        let is_off = |variable: &&crate::facts::Variable| {
            OFF.iter().any(|(name, value)| variable.name == *name && variable.value.eq_ignore_ascii_case(value))
        };
        for variable in workload.environment.iter().filter(is_off) {
            let because = format!("{}:{} sets {}={}", workload.path, variable.line, variable.name, variable.value);
            out.push(reason(Chance::Likely, because));
        }
    }
    let lost = findings_of(question, node).filter(|finding| finding.bucket == "export");
    out.extend(lost.map(|found| reason(Chance::Likely, format!("{} ({}:{})", found.message, found.path, found.line))));
    if out.is_empty() {
        out.push(reason(Chance::Possible, "spans are sent in the background and can fail to arrive".to_owned()));
    }
    out
}

/// Whether the trace was kept.
fn sampled(question: &Question<'_>, node: usize, evidence: &Evidence) -> Reason {
    let name = question.names.of(node);
    let confirm = format!(
        "log the `traceparent` header that reaches {name}: ending in -00 the trace was not chosen, ending in -01 it was, and then its spans are not made or do not arrive"
    );
    let reason =
        |chance: Chance, because: String| Reason { loss: Loss::Sampling, chance, because, confirm: confirm.clone() };
    if evidence.unsampled {
        return reason(
            Chance::Likely,
            "the recorded spans before it say that the trace was not chosen to be kept".to_owned(),
        );
    }
    let found = findings_of(question, node).find(|finding| finding.bucket == "sampling");
    if let Some(found) = found {
        return reason(Chance::Likely, format!("{} ({}:{})", found.message, found.path, found.line));
    }
    let sampling = question.sampling;
    let place = if sampling.because.is_empty() { String::new() } else { format!(" ({})", sampling.because) };
    match sampling.approach {
        Approach::Always => ruled_out(Loss::Sampling, format!("every trace is kept{place}")),
        Approach::Parent if question.recording.is_some() => {
            let because = format!("{name} follows the decision of its caller, whose spans were kept{place}");
            ruled_out(Loss::Sampling, because)
        }
        Approach::Off => reason(Chance::Likely, format!("no trace is kept{place}")),
        Approach::Ratio => {
            let because =
                format!("each service decides by a share of its own, so a part of a trace can be lost{place}");
            reason(Chance::Possible, because)
        }
        Approach::Tail => {
            let because = format!("several collectors that decide for themselves lose parts of a trace{place}");
            reason(Chance::Possible, because)
        }
        Approach::Parent | Approach::Unknown => {
            reason(Chance::Possible, "how traces are chosen is not known of all services".to_owned())
        }
    }
}
