//! `tail-sampling-split` and `tail-sampling-memory`: sampling of whole traces that does not see them whole.

use super::super::Verdicts;
use super::Material;
use super::removed::is_given;
use crate::deploy::{Collector, Component, Container, Kind, Pipeline, kind_of, known};
use crate::finding::{Confidence, Finding, Place, Related};
use crate::yaml::Node;

/// Judges one configuration.
pub(super) fn check(material: &Material<'_>, collector: &Collector, out: &mut Verdicts) {
    let is_tail = |id: &str| known().tail_samplers.iter().any(|kind| kind == kind_of(id));
    let mut seen = Vec::new();
    for pipeline in collector.of_traces() {
        let processors = pipeline.processors();
        let Some(at) = processors.iter().position(|(id, _)| is_tail(id)) else { continue };
        let (id, place) = &processors[at];
        if !seen.contains(id) {
            seen.push(id.clone());
            let is_alike = collector.defined("processors", id).is_some_and(decides_alike);
            if let Some(found) = split(material, collector, id, *place).filter(|_| !is_alike) {
                push(out, collector, found);
            }
            if let Some(component) = collector.defined("processors", id) {
                full(collector, component).into_iter().for_each(|found| push(out, collector, found));
            }
        }
        if let Some(found) = behind_batch(pipeline, at) {
            push(out, collector, found);
        }
    }
    limits(material, collector, out);
}

/// Judges the order of processors in pipelines of which no more is seen.
pub(super) fn check_order(collector: &Collector, out: &mut Verdicts) {
    let is_tail = |(id, _): &(String, Place)| known().tail_samplers.iter().any(|kind| kind == kind_of(id));
    let all = collector.of_traces().filter_map(|pipeline| {
        let at = pipeline.processors().iter().position(is_tail)?;
        behind_batch(pipeline, at)
    });
    all.for_each(|found| push(out, collector, found));
}

/// Tail sampling at this place of a pipeline, behind batches.
fn behind_batch(pipeline: &Pipeline, at: usize) -> Option<Finding> {
    let processors = pipeline.processors();
    let (id, _) = processors.get(at)?;
    let is_batch = |id: &str| known().batchers.iter().any(|kind| kind == kind_of(id));
    let (batch, place) = processors.get(..at)?.iter().find(|(id, _)| is_batch(id))?;
    let mut found = Finding::new("tail-sampling-split", *place, Confidence::Certain);
    found.message = format!("`{batch}` comes before `{id}` in the pipeline `{}`", pipeline.id);
    found.label = "should come after the sampling".to_owned();
    found.effect = "batches are made, taken apart into traces, and exported trace by trace: late spans miss the decision, and the backend gets a request for each trace".to_owned();
    found.help = format!("put `{batch}` behind `{id}`");
    found.confirm =
        "compare `otelcol_processor_tail_sampling_sampling_trace_dropped_too_early` before and after".to_owned();
    Some(found)
}

fn push(out: &mut Verdicts, collector: &Collector, mut found: Finding) {
    found.service = collector.name().to_owned();
    out.findings.push(found);
}

/// Tail sampling in one of several collectors, of which each gets a part of a trace.
fn split(material: &Material<'_>, collector: &Collector, id: &str, place: Place) -> Option<Finding> {
    let (copies, at, confidence) = copies(material, collector)?;
    if material.deployment.collectors.iter().any(balances) {
        return None;
    }
    let mut found = Finding::new("tail-sampling-split", place, confidence);
    found.message = format!(
        "`{id}` decides on whole traces, but this collector runs as {copies}, and nothing sends the spans of a trace to the same one"
    );
    found.label = "sees a part of each trace".to_owned();
    found.effect = "each collector decides by the spans that it happens to get: traces arrive in part, and those with an error are dropped where the error is not seen".to_owned();
    found.help = "put a layer of collectors with the `loadbalancing` exporter (`routing_key: traceID`) in front of it, or run one".to_owned();
    found.confirm =
        "look in the backend for traces with missing parents, and compare the services of one trace with the map"
            .to_owned();
    found.related.push(Related { place: at, message: format!("{copies} run here") });
    Some(found)
}

/// Whether all collectors decide on a trace alike, whatever they see of it: by its id, or that it is kept in any case.
fn decides_alike(component: &Component) -> bool {
    let known = &known().tail_sampling;
    let policies = component.settings.get("policies").map(Node::items).unwrap_or_default();
    let kind = |policy: &Node| policy.get("type").and_then(Node::text).unwrap_or_default().to_owned();
    let is_one = |policy: &Node, names: &[String]| names.contains(&kind(policy));
    let keeps_all = |policy: &Node| {
        let share = || policy.at(&[&kind(policy), &known.share])?.text()?.parse::<f64>().ok();
        is_one(policy, &known.all) || is_one(policy, &known.by_id) && share().is_some_and(|share| share >= 100.0)
    };
    // What is found not to be kept is dropped before the others are asked.
    let may_drop = |policy: &Node| {
        let mut inverts = false;
        policy.walk(&mut |node| inverts |= node.get("invert_match").is_some_and(|node| !node.is_false()));
        inverts || is_one(policy, &known.dropping)
    };
    let by_id = !policies.is_empty() && policies.iter().all(|policy| is_one(policy, &known.by_id));
    by_id || policies.iter().any(keeps_all) && !policies.iter().any(may_drop)
}

/// How many of a collector run, where it is more than one.
fn copies(material: &Material<'_>, collector: &Collector) -> Option<(String, Place, Confidence)> {
    let sure = |(copies, place): (String, Place)| (copies, place, Confidence::Certain);
    match &collector.kind {
        Kind::Resource { copies, .. } => copies.clone().map(sure),
        Kind::Values { copies, .. } => copies.clone().map(|(copies, place)| (copies, place, Confidence::Likely)),
        _ => runners(material, collector).find_map(|container| container.copies.clone()).map(sure),
    }
}

/// The containers that are given a configuration.
pub(super) fn runners<'a>(material: &Material<'a>, collector: &'a Collector) -> impl Iterator<Item = &'a Container> {
    material.deployment.containers.iter().filter(move |container| is_given(container, collector))
}

/// Whether a collector sends all spans of a trace to the same one of others.
fn balances(collector: &Collector) -> bool {
    let known = known();
    collector.of_traces().flat_map(|pipeline| pipeline.exporters()).any(|(id, _)| {
        let key = || {
            let component = collector.defined("exporters", id)?;
            component.settings.get("routing_key")?.text()
        };
        known.balancers.iter().any(|kind| kind == kind_of(id))
            && known.trace_keys.iter().any(|known| known == key().unwrap_or_default())
    })
}

/// More traces wait for a decision than are kept.
fn full(collector: &Collector, component: &Component) -> Option<Finding> {
    let known = &known().tail_sampling;
    let (key, rate) = component.settings.entry(&known.rate)?;
    let rate: u64 = rate.text()?.parse().ok()?;
    if component.settings.get("block_on_overflow").is_some_and(|node| !node.is_false()) {
        return None;
    }
    let traces = match component.settings.get(&known.traces) {
        Some(node) => node.text()?.parse().ok()?,
        None => known.default_traces,
    };
    let wait = match component.settings.get(&known.wait) {
        Some(node) => seconds(node.text()?)?,
        None => known.default_wait as f64,
    };
    let wanted = rate as f64 * wait;
    if wanted <= traces as f64 {
        return None;
    }
    let (wanted, id) = (wanted.ceil() as u64, &component.id);
    let place = Place { path: collector.path, span: key.span };
    let mut found = Finding::new("tail-sampling-memory", place, Confidence::Certain);
    found.message = format!(
        "`{id}` expects {rate} traces a second and decides after {wait} s: {wanted} wait at a time, and it keeps {traces}"
    );
    found.label = format!("{rate} × {wait} s = {wanted} traces");
    found.effect = format!(
        "the oldest of the traces that wait are dropped undecided: of {wanted} about {} are lost, whatever the policies say",
        wanted.saturating_sub(traces)
    );
    found.help = format!("set `{}` to {wanted} or more, with the memory for it, or decide sooner", known.traces);
    found.confirm = "watch `otelcol_processor_tail_sampling_sampling_trace_dropped_too_early` grow".to_owned();
    Some(found)
}

/// A limiter that acts only above what the container may have.
fn limits(material: &Material<'_>, collector: &Collector, out: &mut Verdicts) {
    let is_tail = |component: &&Component| known().tail_samplers.iter().any(|kind| kind == component.kind());
    if !collector.components.iter().any(|component| is_tail(&component)) {
        return;
    }
    let memory = match &collector.kind {
        Kind::Resource { memory, .. } => *memory,
        _ => runners(material, collector).find_map(|container| container.memory),
    };
    let Some((memory, at)) = memory else { return };
    for component in collector.components.iter().filter(|one| known().limiters.iter().any(|kind| kind == one.kind())) {
        let Some((key, node)) = component.settings.entry("limit_mib") else { continue };
        let Some(limit) = node.text().and_then(|text| text.parse::<u64>().ok()) else { continue };
        if limit.saturating_mul(1 << 20) <= memory {
            continue;
        }
        let have = memory >> 20;
        let place = Place { path: collector.path, span: key.span };
        let mut found = Finding::new("tail-sampling-memory", place, Confidence::Certain);
        found.message =
            format!("`{}` acts at {limit} MiB, but the container gets no more than {have} MiB", component.id);
        found.label = "above the container's limit".to_owned();
        found.effect =
            "the collector is killed before it refuses anything: all traces that wait for a decision are lost"
                .to_owned();
        found.help = format!("set `limit_mib` to about 80 % of the container's limit: {}", have * 8 / 10);
        found.confirm = "look for containers of the collector that ended with `OOMKilled`".to_owned();
        found.related.push(Related { place: at, message: format!("the limit of {have} MiB") });
        push(out, collector, found);
    }
}

/// A duration as Go writes it: `30s`, `1m30s`, `500ms`.
fn seconds(text: &str) -> Option<f64> {
    let mut rest = text.trim();
    let mut out = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest.get(..end)?.parse().ok()?;
        let unit = rest.get(end..)?;
        let end = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        let factor = match unit.get(..end)? {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        out += number * factor;
        rest = unit.get(end..)?;
    }
    (out > 0.0 && out < 1e9).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn durations_are_read() {
        assert_eq!(seconds("1m30s"), Some(90.0));
        assert_eq!(seconds("500ms"), Some(0.5));
        assert_eq!(seconds("10"), None);
        assert_eq!(seconds(""), None);
    }
}
