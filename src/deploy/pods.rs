//! The containers of Kubernetes' workloads and of patches over them, and what their metadata say.

use super::collector::more_than_one;
use super::container::{Container, Part, Platform, Pod, Variable, Workload, image, variable};
use super::memory::quantity;
use super::settings::Maps;
use super::variable::Entry;
use super::{Deployment, kubernetes, place};
use crate::finding::Place;
use crate::yaml::{self, Node};
use ustr::Ustr;

/// The containers of a Kubernetes object, and what its metadata say.
pub(super) fn of_kubernetes(path: Ustr, document: &Node, maps: &Maps, out: &mut Deployment) {
    let kind = document.get("kind").and_then(Node::text).unwrap_or_default();
    let name = document.at(&["metadata", "name"]);
    let template = kubernetes::template(document);
    let pod = template.or_else(|| (kind == "Pod").then_some(document));
    let own =
        kubernetes::notes(document).map(|(key, value)| (key.text.clone(), value.to_owned(), place(path, key.span)));
    let of_pod = |pod: &Node| -> Vec<(String, String, Place)> {
        let all = kubernetes::notes(pod);
        all.map(|(key, value)| (key.text.clone(), value.to_owned(), place(path, key.span))).collect()
    };
    if template.is_some() || kind == "Namespace" {
        out.workloads.push(Workload {
            kind: kind.to_owned(),
            name: name.and_then(Node::text).unwrap_or_default().to_owned(),
            own: own.collect(),
            pod: template.map(of_pod),
            template: template.map(|node| place(path, node.span)),
            containers: template.map(|pod| parts(path, pod)).unwrap_or_default(),
            before: template.map(names_before).unwrap_or_default(),
        });
    }
    let Some(spec) = pod.and_then(|pod| pod.get("spec")) else { return };
    let containers = pod.map(kubernetes::containers).unwrap_or_default();
    let copies = copies(path, kind, document);
    let of_pod_notes = pod.map(of_pod).unwrap_or_default();
    let injected = of_pod_notes.iter().any(|(key, value, _)| {
        (key.contains("sidecar") || key.contains("inject")) && value != "false" && !key.starts_with("instrumentation.")
    });
    let keeps_running = |node: &Node| node.get("restartPolicy").is_some();
    let helpers = spec.get("initContainers").map(Node::items).unwrap_or_default().iter().any(keeps_running);
    let shares = spec.get("hostNetwork").is_some_and(|node| !node.is_false());
    let volumes = spec.get("volumes").map(Node::items).unwrap_or_default();
    let mounted =
        volumes.iter().filter_map(|volume| volume.at(&["configMap", "name"]).and_then(Node::text).map(str::to_owned));
    let maps_of_pod: Vec<String> = mounted.collect();
    let first = out.containers.len();
    for container in containers {
        let at = container.entry("name").map_or(container.span, |(key, _)| key.span);
        let own = container.get("name").and_then(Node::text).unwrap_or_default();
        let workload = name.and_then(Node::text).unwrap_or(own);
        let memory = container.at(&["resources", "limits", "memory"]);
        let (common, is_open) = maps.of(&path, container);
        let own_variables = kubernetes::environment(container).map(|(entry, whole)| {
            let value = entry.value.or_else(|| maps.value(&path, whole));
            variable(path, Entry { value, ..entry })
        });
        out.containers.push(Container {
            part: own.to_owned(),
            image: image(path, container),
            variables: common.into_iter().map(Variable::from).chain(own_variables).collect(),
            is_open,
            is_alone: containers.len() == 1 && !injected && !helpers && !shares,
            has_command: container.get("command").is_some() || container.get("args").is_some(),
            copies: copies.clone(),
            mounts: maps_of_pod.clone(),
            memory: memory.and_then(|node| Some((quantity(node.text()?)?, place(path, node.span)))),
            ..Container::new(Platform::Kubernetes, path, workload.to_owned(), place(path, at))
        });
    }
    let before = spec.get("initContainers").map(Node::items).unwrap_or_default();
    // A patch shows only what it changes.
    let is_whole = containers.iter().all(|container| container.get("image").is_some());
    if is_whole && containers.len() + before.len() > 1 {
        let parts = containers.iter().map(|node| part(path, node, false));
        let parts = parts.chain(before.iter().map(|node| part(path, node, !keeps_running(node))));
        out.pods.push(Pod {
            name: name.and_then(Node::text).unwrap_or_default().to_owned(),
            containers: (first..out.containers.len()).collect(),
            parts: parts.collect(),
            is_injected: injected || of_pod_notes.iter().any(|(key, ..)| key.contains("inject")),
        });
    }
}

/// A container of a pod as it is written.
fn part(path: Ustr, container: &Node, is_first: bool) -> Part {
    let text = |key: &str| container.get(key).and_then(Node::text).unwrap_or_default().to_owned();
    let words = ["command", "args"].into_iter().filter_map(|key| container.get(key)?.line());
    let volumes = container.get("volumeMounts").map(Node::items).unwrap_or_default().iter();
    let volumes = volumes.filter_map(|mount| {
        let (name, at) = (mount.get("name")?, mount.get("mountPath")?.text()?);
        Some((name.text()?.to_owned(), at.to_owned(), place(path, name.span)))
    });
    Part {
        name: text("name"),
        image: text("image"),
        is_first,
        command: words.collect::<Vec<_>>().join(" "),
        volumes: volumes.collect(),
        variables: kubernetes::environment(container).map(|(entry, _)| variable(path, entry)).collect(),
    }
}

/// The containers that patches change which are written into a file of Kustomize.
///
/// Source: <https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/patches/>.
pub(super) fn of_patches(path: Ustr, text: &str, document: &Node, maps: &Maps, out: &mut Deployment) {
    if document.get("kind").and_then(Node::text) != Some("Kustomization") {
        return;
    }
    let named = document.get("patches").map(Node::items).unwrap_or_default();
    let merged = document.get("patchesStrategicMerge").map(Node::items).unwrap_or_default();
    let written = named.iter().filter_map(|patch| patch.get("patch")).chain(merged);
    for patch in written.filter(|patch| patch.text().is_some_and(|text| text.contains("containers:"))) {
        let documents = yaml::nested(text, patch).unwrap_or_default();
        documents.iter().for_each(|document| of_kubernetes(path, document, maps, out));
    }
}

/// The containers of a pod: their names, images and places.
fn parts(path: Ustr, pod: &Node) -> Vec<(String, String, Place)> {
    let text = |container: &Node, key: &str| container.get(key).and_then(Node::text).unwrap_or_default().to_owned();
    let all = kubernetes::containers(pod).iter().map(|container| {
        let at = container.entry("name").map_or(container.span, |(key, _)| key.span);
        (text(container, "name"), text(container, "image"), place(path, at))
    });
    all.collect()
}

/// The names of the containers that run before those of a pod's program.
fn names_before(pod: &Node) -> Vec<String> {
    let all = pod.at(&["spec", "initContainers"]).map(Node::items).unwrap_or_default();
    all.iter().filter_map(|container| container.get("name")?.text().map(str::to_owned)).collect()
}

fn copies(path: Ustr, kind: &str, document: &Node) -> Option<(String, Place)> {
    if kind == "DaemonSet" {
        let at = document.get("kind").map_or(document.span, |node| node.span);
        return Some(("one on each node".to_owned(), place(path, at)));
    }
    let count = document.at(&["spec", "replicas"])?;
    Some((format!("{} of them", more_than_one(count)?), place(path, count.span)))
}
