//! `instrumentation-not-loaded`: an annotation for the operator that stands where the operator does not look, or by which
//! it looks at the wrong container.
//!
//! Source: <https://opentelemetry.io/docs/platforms/kubernetes/operator/automatic/>: it counts on a namespace and on the
//! template of a pod, and for the first container where none is named.

use super::super::Verdicts;
use super::Material;
use crate::deploy::{Workload, known};
use crate::finding::{Confidence, Finding, Related};
use crate::services::image_name;

/// The beginning of the operator's annotations.
const OPERATOR: &str = "instrumentation.opentelemetry.io/";

/// Judges the objects that make pods.
pub(super) fn check(material: &Material<'_>, out: &mut Verdicts) {
    let workloads = &material.deployment.workloads;
    let counts = |key: &str| known().pod_annotations.iter().any(|start| key.starts_with(start.as_str()));
    for workload in workloads {
        let Some(pod) = &workload.pod else { continue };
        beside(workload, out);
        unfitting(workload, out);
        for (key, value, place) in workload.own.iter().filter(|(key, value, _)| counts(key) && value != "false") {
            let in_namespace =
                workloads.iter().any(|other| other.kind == "Namespace" && other.own.iter().any(|(own, ..)| own == key));
            if in_namespace || pod.iter().any(|(own, ..)| own == key) {
                continue;
            }
            let (kind, name) = (&workload.kind, &workload.name);
            let mut found = Finding::new("instrumentation-not-loaded", *place, Confidence::Certain);
            found.message = format!("`{key}: {value}` stands on the {kind} {name}, and counts only on its pods");
            found.label = "does nothing here".to_owned();
            found.effect =
                format!("{name} makes no spans and sends no trace header: each service behind it starts a new trace");
            found.help = "move it to `spec.template.metadata.annotations`".to_owned();
            found.confirm = format!("look for the operator's init container in a pod of {name}: there is none");
            found.service.clone_from(name);
            found.related = workload
                .template
                .iter()
                .map(|place| Related { place: *place, message: "the pod's template".to_owned() })
                .collect();
            out.findings.push(found);
        }
    }
}

/// The operator is told nothing of containers, and the first one runs no program of its own.
fn beside(workload: &Workload, out: &mut Verdicts) {
    let notes = workload.pod.iter().flatten();
    let is_on = |key: &str, value: &str| {
        known().pod_annotations.iter().any(|start| key.starts_with(start.as_str())) && value != "false"
    };
    let Some((key, value, _)) = notes.clone().find(|(key, value, _)| is_on(key, value)) else { return };
    let names = notes.clone().any(|(key, ..)| key.ends_with("container-names"));
    let is_beside = |image: &str| known().beside_images.iter().any(|known| known == image_name(image));
    let [(first, image, place), rest @ ..] = workload.containers.as_slice() else { return };
    let Some((other, ..)) = rest.iter().find(|(_, image, _)| !is_beside(image)).filter(|_| !names) else { return };
    if !is_beside(image) {
        return;
    }
    let name = &workload.name;
    let mut found = Finding::new("instrumentation-not-loaded", *place, Confidence::Likely);
    found.message = format!("`{key}: {value}` counts for the first container of {name}: {first}, which runs {image}");
    found.label = "is instrumented in its place".to_owned();
    found.effect =
        format!("{other} makes no spans and sends no trace header: each service behind it starts a new trace");
    found.help = format!(
        "put {other} first, or name it in `instrumentation.opentelemetry.io/container-names`; this assumes that {other} is the one that is meant"
    );
    found.confirm = format!("look for the variables of the agent in {other}: `kubectl exec … -c {other} -- env`");
    found.service.clone_from(name);
    out.findings.push(found);
}

/// The operator is told names that no container of the pod has.
///
/// Source: <https://github.com/open-telemetry/opentelemetry-operator/pull/4635>: until version 0.146 the operator took the first
/// container in the place of one that there is not.
fn unfitting(workload: &Workload, out: &mut Verdicts) {
    let all = || workload.containers.iter().map(|(name, ..)| name).chain(&workload.before);
    let is_open = |text: &str| text.contains("{{") || text.contains('$') || text.is_empty();
    let [(first, image, _), ..] = workload.containers.as_slice() else { return };
    let notes = workload.pod.iter().flatten();
    let asks = |key: &str| known().pod_annotations.iter().any(|start| key.starts_with(start.as_str()));
    if all().any(|name| is_open(name)) || !notes.clone().any(|(key, value, _)| asks(key) && value != "false") {
        return;
    }
    for (key, value, place) in notes.filter(|(key, ..)| key.starts_with(OPERATOR) && key.ends_with("container-names")) {
        let mut names = value.split(',').map(str::trim);
        if is_open(value) || names.any(|wanted| all().any(|name| name == wanted)) {
            continue;
        }
        let is_beside = known().beside_images.iter().any(|known| known == image_name(image));
        let name = &workload.name;
        // The first container of an older operator may be the one that is meant.
        let confidence = if is_beside { Confidence::Likely } else { Confidence::Possible };
        let mut found = Finding::new("instrumentation-not-loaded", *place, confidence);
        found.message = format!("`{key}` names {value}, and no container of {name} is called so");
        found.label = "no such container".to_owned();
        found.effect =
            format!("{name} makes no spans and sends no trace header: each service behind it starts a new trace");
        let have = super::listed(&all().cloned().collect::<Vec<_>>());
        found.help = format!(
            "name one of {have}; this assumes an operator of version 0.146 or later: an older one takes the first, {first}"
        );
        found.confirm = format!("look for the operator's init container in a pod of {name}: there is none");
        found.service.clone_from(name);
        out.findings.push(found);
    }
}
