//! The steps about what is set up once for a service: sampling, export, logs and metrics, frontend, spans.

use super::catalogue::catalogue;
use super::settings::{Set, values, workloads};
use super::{Evidence, Input, Item, Outcome, broken_by};
use crate::facts::{Crossing, Standing};
use crate::map::{Address, Node, NodeKind, Via};
use std::collections::{BTreeMap, BTreeSet};

/// How each service decides which traces it keeps.
pub(super) fn sampling(input: &Input<'_>) -> Vec<Item> {
    judged(input, "sampling", "neither its deployment nor a finding says which traces it keeps; code or a default can")
}

/// Where the spans of each service go, and whether they get there.
pub(super) fn export(input: &Input<'_>) -> Vec<Item> {
    let mut out = broken_by(input, &|found| found.bucket == "export");
    let broken: BTreeSet<usize> =
        input.findings().filter(|(_, found)| found.bucket == "export").filter_map(|(at, _)| at).collect();
    let mut targets: BTreeMap<String, Vec<Evidence>> = BTreeMap::new();
    for (at, node, _) in input.services() {
        let own = workloads(input.facts, node);
        let sets = values(&own, &catalogue().endpoint);
        let addressed: Vec<(Address, &Set<'_>)> =
            sets.iter().filter_map(|set| Some((Address::parse(&set.variable.value)?, set))).collect();
        for (address, set) in addressed.iter().filter(|(address, _)| !address.is_local()) {
            targets.entry(address.short().to_owned()).or_default().push(place(set));
        }
        let off = settings(input, node, "export");
        if !off.is_empty() {
            out.extend(off);
        } else if let (Some((address, _)), false, true) = (addressed.first(), broken.contains(&at), is_traced(node)) {
            let because = format!("its spans go to {address}, and no finding says that they do not leave it");
            out.push(item(input, Outcome::Passes, node, &because, sets.iter().map(place).collect()));
        } else if !broken.contains(&at) {
            let because = match is_traced(node) {
                true => "its deployment does not say where its spans go; code or a default can",
                false => "nothing was seen to trace it",
            };
            out.push(item(input, Outcome::Unknown, node, because, Vec::new()));
        }
    }
    for (host, evidence) in targets {
        out.push(Item {
            outcome: Outcome::Unknown,
            subject: format!("{host}: takes spans, by {}", settings_words(evidence.len())),
            owner: String::new(),
            because: "whether it refuses or drops spans under load is seen only in its own metrics".to_owned(),
            notes: vec![format!("look at {}", catalogue().collector_metrics.join(", "))],
            evidence,
            more: 0,
        });
    }
    out
}

/// Whether logs and metrics lead to traces.
pub(super) fn correlation(input: &Input<'_>) -> Vec<Item> {
    let mut out = judged(
        input,
        "correlation",
        "no finding was made, which does not show that logs and metrics carry the trace id",
    );
    let breaks: BTreeSet<String> =
        out.iter().filter(|item| item.outcome == Outcome::Breaks).map(|item| item.subject.clone()).collect();
    let broken: BTreeSet<usize> =
        input.findings().filter(|(_, found)| found.bucket == "correlation").filter_map(|(at, _)| at).collect();
    for (at, node, service) in input.services() {
        let Some(found) = service.logged.as_ref().filter(|_| !broken.contains(&at) && !breaks.contains(&node.name))
        else {
            continue;
        };
        let what = "prints the id of the trace".to_owned();
        let evidence = vec![Evidence { path: found.path.clone(), line: found.line, what }];
        let because = "all of its log patterns print the id that its tracing holds ready; metrics were not looked at";
        out.retain(|item| item.subject != node.name);
        out.push(item(input, Outcome::Passes, node, because, evidence));
    }
    out
}

/// Whether the trace of a page goes on in the services that it calls.
pub(super) fn frontend(input: &Input<'_>) -> Vec<Item> {
    let of_edge = |name: &str| matches!(name, "header-stripped" | "public-endpoint");
    let mut out = broken_by(input, &|found| of_edge(&found.name));
    for (at, node, service) in input.services() {
        let serves: Vec<_> = service.crossings.iter().filter(|hop| hop.kind == Crossing::Serve).collect();
        let is_service = |at: usize| input.map.nodes.get(at).is_some_and(|node| node.kind == NodeKind::Service);
        let mut arriving = input.map.edges.iter().filter(|edge| edge.to == at).peekable();
        let is_seen = !serves.is_empty() || arriving.peek().is_some();
        if !is_seen || arriving.any(|edge| is_service(edge.from) && edge.via != Via::Configured) {
            continue;
        }
        let (outcome, because) = if let Some(hop) = serves.iter().find(|hop| hop.standing == Standing::Broken) {
            (Outcome::Breaks, format!("it does not take the trace that comes in: {}", hop.because))
        } else if serves.is_empty() {
            (Outcome::Unknown, "where it takes requests was not seen in its code".to_owned())
        } else if serves.iter().all(|hop| hop.standing == Standing::Carried) {
            let because = "it takes the trace that comes in; whether a page sends it, and whether what stands between \
                lets the header through, is not seen in its code";
            (Outcome::Unknown, because.to_owned())
        } else {
            (Outcome::Unknown, "whether it takes the trace that comes in is not known".to_owned())
        };
        let places = serves.iter().map(|hop| Evidence {
            path: hop.path.clone(),
            line: hop.line,
            what: format!("takes requests in {}, by {}", hop.function, hop.library),
        });
        out.push(item(input, outcome, node, &because, places.collect()));
    }
    out
}

/// What findings say of spans.
pub(super) fn spans(input: &Input<'_>) -> Vec<Item> {
    let of = |bucket: &str| bucket == "span";
    let mut out = broken_by(input, &|found| of(&found.bucket));
    let broken: BTreeSet<usize> =
        input.findings().filter(|(_, found)| of(&found.bucket)).filter_map(|(at, _)| at).collect();
    for (_, node, service) in input.services().filter(|(at, ..)| !broken.contains(at)) {
        let (outcome, because) = match service.spans_to_end {
            0 if is_traced(node) => {
                let because = "its code makes no span that somebody must end: what traces it ends them";
                (Outcome::Passes, because.to_owned())
            }
            0 => (Outcome::Unknown, "nothing was seen to trace it".to_owned()),
            many => {
                let calls = crate::report::text::count(many, "call");
                let because = format!(
                    "no finding was made on the spans that {calls} of its code make, which does not show that all end"
                );
                (Outcome::Unknown, because)
            }
        };
        out.push(item(input, outcome, node, &because, Vec::new()));
    }
    out
}

/// A step by the findings of its bucket and by settings; where neither says anything it is unknown.
fn judged(input: &Input<'_>, step: &str, unknown: &str) -> Vec<Item> {
    let mut out = broken_by(input, &|found| found.bucket == step);
    let broken: BTreeSet<usize> =
        input.findings().filter(|(_, found)| found.bucket == step).filter_map(|(at, _)| at).collect();
    for (at, node, _) in input.services() {
        let told = settings(input, node, step);
        let is_told = !told.is_empty();
        // What the deployment says does not make good what the code does.
        out.extend(told.into_iter().filter(|item| item.outcome != Outcome::Passes || !broken.contains(&at)));
        if !is_told && !broken.contains(&at) {
            out.push(item(input, Outcome::Unknown, node, unknown, Vec::new()));
        }
    }
    out
}

/// What the environments of a service's processes say of a step, one item for each outcome.
fn settings(input: &Input<'_>, node: &Node, step: &str) -> Vec<Item> {
    let own = workloads(input.facts, node);
    let mut found: BTreeMap<(Outcome, &str), Vec<Evidence>> = BTreeMap::new();
    for known in catalogue().setting.iter().filter(|known| known.step == step) {
        for set in values(&own, std::slice::from_ref(&known.variable)) {
            if known.values.contains(&set.variable.value.trim().to_ascii_lowercase()) {
                found.entry((known.outcome, &known.because)).or_default().push(place(&set));
            }
        }
    }
    let made = found.into_iter().map(|((outcome, because), evidence)| item(input, outcome, node, because, evidence));
    made.collect()
}

fn item(input: &Input<'_>, outcome: Outcome, node: &Node, because: &str, evidence: Vec<Evidence>) -> Item {
    Item {
        outcome,
        subject: node.name.clone(),
        owner: input.owner_of(node),
        because: because.to_owned(),
        notes: Vec::new(),
        evidence,
        more: 0,
    }
}

fn place(set: &Set<'_>) -> Evidence {
    let Set { workload, variable } = set;
    let what = format!("{} sets {}={}", workload.name, variable.name, variable.value);
    Evidence { path: workload.path.clone(), line: variable.line, what }
}

/// Whether something was seen to trace a service.
fn is_traced(node: &Node) -> bool {
    node.stacks.iter().any(|stack| stack.active)
}

/// "1 setting", "2 settings": how many settings name an address.
fn settings_words(number: usize) -> String {
    crate::report::text::count(number, "setting")
}
