//! `in-memory-backend`: the backend of a production keeps its traces in memory.

use super::super::Verdicts;
use super::{Material, is_development, is_production};
use crate::deploy::{Backend, Container, Platform, known};
use crate::finding::{Confidence, Finding, Severity};

/// Judges the containers of backends that are no part of a development or an example.
pub(super) fn check(material: &Material<'_>, out: &mut Verdicts) {
    for container in &material.deployment.containers {
        let is_production = is_production(&container.path);
        let judged = is_production || container.platform == Platform::Kubernetes && !is_development(&container.path);
        if !judged || container.is_open {
            continue;
        }
        let Some((image, place)) = &container.image else { continue };
        let Some(backend) = known().backend.iter().find(|backend| is_image(image, &backend.image)) else { continue };
        if !keeps_in_memory(container, backend, image) {
            continue;
        }
        // A cluster may be one of development, or the backend an aid for those who look for a fault, without saying so.
        let confidence = if is_production { Confidence::Certain } else { Confidence::Possible };
        let mut found = Finding::new("in-memory-backend", *place, confidence);
        found.severity = (!is_production).then_some(Severity::Info);
        let (title, name) = (&backend.title, &container.name);
        found.message = format!("{name} runs {title} without a storage: it keeps traces in its memory");
        found.label = "all traces in memory".to_owned();
        found.effect = "traces are gone when the container restarts, and the oldest when its memory is full".to_owned();
        let how = if backend.variable.is_empty() {
            "give it a configuration with a storage".to_owned()
        } else {
            format!("set `{}` to a storage that lasts", backend.variable)
        };
        let assumed = if is_production { "" } else { "; this assumes that it is meant for more than development" };
        found.help = format!("{how}{assumed}");
        found.confirm = format!("restart {name} and look for a trace from before");
        found.service = name.clone();
        out.findings.push(found);
    }
}

/// Whether a container is of an image: its registry and its tag left out.
fn is_image(image: &str, wanted: &str) -> bool {
    let plain = image.split('@').next().unwrap_or(image);
    let (folder, name) = plain.rsplit_once('/').unwrap_or(("", plain));
    let name = name.split(':').next().unwrap_or(name);
    let plain = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
    plain == wanted || plain.ends_with(&format!("/{wanted}"))
}

fn keeps_in_memory(container: &Container, backend: &Backend, image: &str) -> bool {
    let tag = image.rsplit('/').next().and_then(|name| name.split_once(':')).map_or("latest", |(_, tag)| tag);
    // From its second major version on it is a collector: a configuration names the storage.
    let is_configured = backend.variable.is_empty() || !tag.trim_start_matches('v').starts_with("1.");
    if is_configured && container.has_command {
        return false;
    }
    match container.variables.iter().rev().find(|found| found.name == backend.variable) {
        _ if backend.variable.is_empty() => true,
        None => true,
        Some(found) => found.value.as_deref().is_some_and(|value| value == backend.in_memory || value.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::is_image;

    #[test]
    fn registries_and_tags_are_left_out() {
        assert!(is_image("docker.io/jaegertracing/all-in-one:1.57@sha256:ab", "jaegertracing/all-in-one"));
        assert!(!is_image("me/notjaegertracing/all-in-one", "jaegertracing/all-in-one"));
    }
}
