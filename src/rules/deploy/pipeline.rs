//! `collector-pipeline`: pipelines of a collector that lose spans, or with which it does not start.

use super::super::Verdicts;
use super::{Material, is_development, listed, validate};
use crate::deploy::{Collector, Component, Kind, Pipeline, kind_of, known};
use crate::finding::{Confidence, Finding, Place, Related, Severity};
use crate::paths::folder;
use crate::yaml::Node;

const RULE: &str = "collector-pipeline";
/// The parts of a pipeline, with the words for one of them.
const PARTS: [(&str, &str); 3] = [("receivers", "receiver"), ("processors", "processor"), ("exporters", "exporter")];

/// Judges one configuration.
pub(super) fn check(material: &Material<'_>, collector: &Collector, out: &mut Verdicts) {
    let mut found = Vec::new();
    if collector.is_whole {
        undefined(material, collector, &mut found);
        empty(material, collector, &mut found);
        unused(material, collector, &mut found);
    }
    for pipeline in collector.of_traces() {
        order(pipeline, &mut found);
        printed(collector, pipeline, &mut found);
    }
    fragile(collector, &mut found);
    push(collector, found, out);
}

/// Judges the order of processors in pipelines of which no more is seen.
pub(super) fn check_order(collector: &Collector, out: &mut Verdicts) {
    let mut found = Vec::new();
    collector.of_traces().for_each(|pipeline| order(pipeline, &mut found));
    push(collector, found, out);
}

fn push(collector: &Collector, found: Vec<Finding>, out: &mut Verdicts) {
    for mut finding in found {
        finding.service = collector.name().to_owned();
        if finding.confirm.is_empty() {
            finding.confirm = validate(collector);
        }
        out.findings.push(finding);
    }
}

/// Components that are named and not defined: the collector does not start.
fn undefined(material: &Material<'_>, collector: &Collector, out: &mut Vec<Finding>) {
    let mut report = |id: &str, place: Place, who: &str, word: &str, section: &str| {
        if is_defined_elsewhere(material, collector, id) {
            return;
        }
        let mut found = Finding::new(RULE, place, Confidence::Certain);
        found.message = format!("{who} names the {word} `{id}`, which this configuration does not define");
        found.label = "not defined".to_owned();
        found.effect = "the collector refuses to start: no service's spans arrive".to_owned();
        found.help = format!("define `{id}` under `{section}`, or take it out here");
        out.push(found);
    };
    for pipeline in &collector.pipelines {
        let who = format!("the pipeline `{}`", pipeline.id);
        for ((section, word), part) in PARTS.iter().zip(&pipeline.parts) {
            for (id, place) in part.iter().flatten() {
                if collector.defined(section, id).is_none() {
                    report(id, *place, &who, word, section);
                }
            }
        }
    }
    for (id, place) in collector.running.iter().flatten() {
        if !collector.extensions.iter().any(|(known, _)| known == id) {
            report(id, *place, "`service.extensions`", "extension", "extensions");
        }
    }
}

/// Whether another file that the collector may read with this one defines a component.
fn is_defined_elsewhere(material: &Material<'_>, collector: &Collector, id: &str) -> bool {
    let deployment = material.deployment;
    let in_fragment = deployment.fragments.iter().any(|fragment| fragment.defines.iter().any(|known| known == id));
    let beside = deployment.collectors.iter().filter(|other| folder(&other.path) == folder(&collector.path));
    in_fragment
        || beside.flat_map(|other| &other.components).any(|component| component.id == id)
        || deployment
            .collectors
            .iter()
            .filter(|other| folder(&other.path) == folder(&collector.path))
            .any(|other| other.extensions.iter().any(|(known, _)| known == id) && other != collector)
}

/// Pipelines of traces that nothing enters or leaves.
fn empty(material: &Material<'_>, collector: &Collector, out: &mut Vec<Finding>) {
    if is_continued(material, collector) {
        return;
    }
    for pipeline in collector.of_traces() {
        for (at, word, effect) in [(0, "receivers", "takes no span in"), (2, "exporters", "sends no span on")] {
            if pipeline.parts[at].as_ref().is_some_and(|part| part.is_empty()) {
                let mut found = Finding::new(RULE, pipeline.place, Confidence::Certain);
                found.message = format!("the pipeline `{}` has no {word}", pipeline.id);
                found.label = format!("no {word}");
                found.effect = format!("a pipeline like this {effect}, and the collector refuses to start with it");
                found.help = format!("name at least one under `{word}`, or take the pipeline out");
                out.push(found);
            }
        }
    }
}

/// Whether other files may add to the pipelines.
fn is_continued(material: &Material<'_>, collector: &Collector) -> bool {
    let deployment = material.deployment;
    deployment.fragments.iter().any(|fragment| fragment.has_pipelines)
        || deployment
            .collectors
            .iter()
            .any(|other| other != collector && folder(&other.path) == folder(&collector.path))
}

/// Components that no pipeline names.
fn unused(material: &Material<'_>, collector: &Collector, out: &mut Vec<Finding>) {
    if is_continued(material, collector) || collector.of_traces().next().is_none() {
        return;
    }
    let all_named = collector.pipelines.iter().all(|pipeline| {
        pipeline.parts.iter().all(|part| part.is_some())
            || pipeline.parts[1].is_none() && pipeline.parts[0].is_some() && pipeline.parts[2].is_some()
    });
    if !all_named {
        return;
    }
    let is_named = |component: &&Component| {
        collector.pipelines.iter().any(|pipeline| {
            let at = |part: usize| pipeline.parts[part].iter().flatten().any(|(id, _)| *id == component.id);
            match component.section {
                "receivers" => at(0),
                "processors" => at(1),
                "exporters" => at(2),
                _ => at(0) || at(2),
            }
        })
    };
    let idle: Vec<&Component> = collector.components.iter().filter(|component| !is_named(component)).collect();
    let Some((first, rest)) = idle.split_first() else { return };
    let one = |component: &Component| format!("the {} `{}`", component.section.trim_end_matches('s'), component.id);
    let names: Vec<String> = idle.iter().map(|component| one(component)).collect();
    // A spare component loses nothing by itself: told to who asks for opinions.
    let mut found = Finding::new(RULE, first.place, Confidence::Possible);
    found.severity = Some(Severity::Info);
    let verb = if rest.is_empty() { "is" } else { "are" };
    found.message = format!(
        "{} {verb} defined and no pipeline uses {}",
        listed(&names),
        if rest.is_empty() { "it" } else { "them" }
    );
    found.label = "in no pipeline".to_owned();
    found.effect =
        "the collector does not even start what no pipeline names: whoever sends to it, or counts on it, is left out"
            .to_owned();
    found.help = "name it in a pipeline, or take it out".to_owned();
    found.confirm = "look at the collector's log at its start: it lists what it starts".to_owned();
    found.related =
        rest.iter().map(|component| Related { place: component.place, message: "nor is this".to_owned() }).collect();
    out.push(found);
}

/// Processors in an order in which they do not do what they are for.
fn order(pipeline: &Pipeline, out: &mut Vec<Finding>) {
    let processors = pipeline.processors();
    let known = known();
    let at = |kinds: &[String]| processors.iter().position(|(id, _)| kinds.iter().any(|kind| kind == kind_of(id)));
    if let Some(limiter) = at(&known.limiters).filter(|limiter| *limiter > 0) {
        let (id, place) = &processors[limiter];
        // What works while its caller waits hands a refusal back, and the sender keeps its spans.
        let early = at(&known.answering_early).filter(|early| *early < limiter);
        let mut found = match early {
            Some(_) => Finding::new(RULE, *place, Confidence::Certain),
            None => Finding::new(RULE, *place, Confidence::Possible),
        };
        found.severity = Some(if early.is_some() { Severity::Warning } else { Severity::Info });
        found.message = format!("`{id}` is not the first processor of the pipeline `{}`", pipeline.id);
        found.label = "should come first".to_owned();
        found.effect = match early {
            Some(early) => format!(
                "`{}` has already told the sender that all is well when `{id}` refuses its spans under load: they are lost",
                processors[early].0
            ),
            None => "under load the collector refuses spans only after others have worked on them".to_owned(),
        };
        found.help = format!("put `{id}` at the head of `processors`");
        found.confirm =
            "send more than it can take: the collector is killed before `otelcol_processor_refused_spans` grows"
                .to_owned();
        out.push(found);
    }
    if let (Some(batch), Some(sampler)) = (at(&known.batchers), at(&known.head_samplers))
        && batch < sampler
    {
        let (id, place) = &processors[batch];
        let sampler = &processors[sampler].0;
        // It costs, and loses nothing.
        let mut found = Finding::new(RULE, *place, Confidence::Possible);
        found.severity = Some(Severity::Info);
        found.message = format!("`{id}` comes before `{sampler}` in the pipeline `{}`", pipeline.id);
        found.label = "should come after the sampling".to_owned();
        found.effect =
            "spans that are thrown away right after fill the batches, and what is left is exported in small ones"
                .to_owned();
        found.help = format!("put `{id}` behind `{sampler}`");
        found.confirm =
            "compare `otelcol_exporter_sent_spans` with the number of requests that the backend gets".to_owned();
        out.push(found);
    }
}

/// Pipelines of traces that end in the collector's own output.
fn printed(collector: &Collector, pipeline: &Pipeline, out: &mut Vec<Finding>) {
    let exporters = pipeline.exporters();
    let prints = |id: &str| known().console_exporters.iter().any(|kind| kind == kind_of(id));
    let all = !exporters.is_empty() && exporters.iter().all(|(id, _)| prints(id));
    let sends = |other: &Pipeline| other.exporters().iter().any(|(id, _)| !prints(id));
    // Values are put over those of a chart, whose pipelines may be others. A collector that sends nothing anywhere, or a file
    // of its own that sends no trace anywhere, is there to try things with.
    let is_trial = || match collector.kind {
        Kind::File => !collector.of_traces().any(sends),
        _ => !collector.pipelines.iter().any(sends),
    };
    // What shows traces from a storage has pipelines only because its program asks for one.
    let shows = |(id, _): &(String, Place)| known().showing_extensions.iter().any(|kind| kind == kind_of(id));
    if collector.running.iter().flatten().any(shows) {
        return;
    }
    if !all
        || collector.has_choices
        || is_development(&collector.path)
        || matches!(collector.kind, Kind::Values { .. })
        || is_trial()
    {
        return;
    }
    let (id, place) = &exporters[0];
    let mut found = Finding::new(RULE, *place, Confidence::Certain);
    found.severity = Some(Severity::Warning);
    found.message = format!("the pipeline `{}` only prints its spans with `{id}`", pipeline.id);
    found.label = "the only exporter".to_owned();
    found.effect = "no trace that passes through this pipeline reaches a backend".to_owned();
    found.help = "add the exporter of the backend".to_owned();
    found.confirm = "look for the spans that the collector prints in the backend: they are not there".to_owned();
    out.push(found);
}

/// Whether nothing stands between those who send to the collector and an exporter: they are told when it fails, and try
/// again themselves. That is how a collector loses nothing that it has answered for.
fn hands_back(collector: &Collector, exporter: &Component) -> bool {
    let has_no_queue = exporter.settings.at(&["sending_queue", "enabled"]).is_some_and(Node::is_false);
    let answers_early =
        |id: &str| known().answering_early.iter().any(|kind| kind == id.split('/').next().unwrap_or(id));
    let uses = |pipeline: &&Pipeline| pipeline.exporters().iter().any(|(id, _)| *id == exporter.id);
    let is_told = |pipeline: &Pipeline| {
        !pipeline.processors().is_empty() && !pipeline.processors().iter().any(|(id, _)| answers_early(id))
    };
    has_no_queue && collector.of_traces().filter(uses).all(is_told)
}

/// Exporters of traces that give up at the first failure.
fn fragile(collector: &Collector, out: &mut Vec<Finding>) {
    for component in collector.components.iter().filter(|component| component.section == "exporters") {
        let used = collector.of_traces().any(|pipeline| pipeline.exporters().iter().any(|(id, _)| *id == component.id));
        if !used || is_development(&collector.path) || hands_back(collector, component) {
            continue;
        }
        let switches = [
            ("retry_on_failure", "a batch that the backend refuses once is lost"),
            ("sending_queue", "what arrives while the backend is slow is refused"),
        ];
        let retries_itself = known().retrying_exporters.iter().any(|kind| kind == component.kind());
        for (name, effect) in switches.into_iter().skip(usize::from(retries_itself)) {
            let Some(enabled) = component.settings.at(&[name, "enabled"]).filter(|node| node.is_false()) else {
                continue;
            };
            let place = Place { path: collector.path, span: enabled.span };
            let mut found = Finding::new(RULE, place, Confidence::Certain);
            found.severity = Some(Severity::Warning);
            found.message = format!("`{name}` of the exporter `{}` is switched off", component.id);
            found.label = "off".to_owned();
            found.effect = format!("{effect}: traces have holes after each disturbance");
            found.help = format!("leave `{name}` on, which is the default");
            found.confirm = "stop the backend for a minute and count `otelcol_exporter_send_failed_spans`".to_owned();
            out.push(found);
        }
    }
}
