//! `instrumentation-not-loaded`: an annotation for the operator that stands where the operator does not look.
//!
//! Source: <https://opentelemetry.io/docs/platforms/kubernetes/operator/automatic/>: it counts on a namespace and on the
//! template of a pod.

use super::super::Verdicts;
use super::Material;
use crate::deploy::known;
use crate::finding::{Confidence, Finding, Related};

/// Judges the objects that make pods.
pub(super) fn check(material: &Material<'_>, out: &mut Verdicts) {
    let workloads = &material.deployment.workloads;
    let counts = |key: &str| known().pod_annotations.iter().any(|start| key.starts_with(start.as_str()));
    for workload in workloads {
        let Some(pod) = &workload.pod else { continue };
        for (key, value, place) in workload.own.iter().filter(|(key, value, _)| counts(key) && value != "false") {
            let in_namespace =
                workloads.iter().any(|other| other.kind == "Namespace" && other.own.iter().any(|(own, ..)| own == key));
            if in_namespace || pod.iter().any(|(own, _)| own == key) {
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
