//! What the objects of Kubernetes say of their pods: read for who starts whom, and for the rules on the files themselves.
//!
//! Source: <https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/>.

use super::variable::Entry;
use crate::yaml::{Key, Node};

/// The template by which a workload makes its pods.
pub fn template(document: &Node) -> Option<&Node> {
    let ways = [&["spec", "template"][..], &["spec", "jobTemplate", "spec", "template"]];
    ways.iter().find_map(|way| document.at(way))
}

/// The containers of a pod or its template.
pub fn containers(pod: &Node) -> &[Node] {
    pod.at(&["spec", "containers"]).map(Node::items).unwrap_or_default()
}

/// The annotations and labels of an object or a pod template.
pub fn notes(object: &Node) -> impl Iterator<Item = (&Key, &str)> {
    let groups = ["annotations", "labels"].into_iter().filter_map(|group| object.at(&["metadata", group]));
    groups.flat_map(Node::entries).map(|(key, value)| (key, value.text().unwrap_or_default()))
}

/// The variables that a container names itself, each with its whole entry.
pub fn environment(container: &Node) -> impl Iterator<Item = (Entry<'_>, &Node)> {
    let all = container.get("env").map(Node::items).unwrap_or_default();
    all.iter().filter_map(|entry| {
        let name = entry.get("name")?;
        let text = name.text()?;
        let alone = Entry { name: text, value: None, span: name.span };
        Some((entry.get("value").map_or(alone, |value| Entry::new(text, name.span, value)), entry))
    })
}
