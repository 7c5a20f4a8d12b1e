//! What the objects of Kubernetes say of their pods: read for who starts whom, and for the rules on the files themselves.
//!
//! Source: <https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/>.

use super::variable::Entry;
use crate::yaml::{Key, Node, Value};

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
    // What a loop of a template makes stands in a list of its own.
    let entries = all.iter().flat_map(|entry| match &entry.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(entry),
    });
    entries.filter_map(|entry| {
        let name = entry.get("name")?;
        let text = name.text()?;
        let alone = Entry { name: text, value: None, span: name.span };
        Some((entry.get("value").map_or(alone, |value| Entry::new(text, name.span, value)), entry))
    })
}

/// Settings under a name, from which pods take variables.
pub struct Settings<'n> {
    /// The name.
    pub name: &'n str,
    /// Those that are written out.
    pub entries: Vec<Entry<'n>>,
    /// The files of variables that they are made from, by their paths from this one.
    pub files: Vec<&'n str>,
}

/// The maps of settings in a document: a ConfigMap, or what Kustomize makes them from.
///
/// Source: <https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/configmapgenerator/>.
pub fn settings(document: &Node) -> Vec<Settings<'_>> {
    match document.get("kind").and_then(Node::text) {
        Some("ConfigMap") => {
            let entries = document.get("data").map(Node::entries).unwrap_or_default().iter();
            let entries = entries.map(|(key, value)| Entry::new(&key.text, key.span, value)).collect();
            let name = document.at(&["metadata", "name"]).and_then(Node::text);
            name.map(|name| Settings { name, entries, files: Vec::new() }).into_iter().collect()
        }
        Some("Kustomization") | None => {
            let made = document.get("configMapGenerator").map(Node::items).unwrap_or_default();
            made.iter().filter_map(generated).collect()
        }
        _ => Vec::new(),
    }
}

fn generated(map: &Node) -> Option<Settings<'_>> {
    let literals = map.get("literals").map(Node::items).unwrap_or_default().iter();
    let entries = literals.filter_map(|item| {
        let (name, value) = item.text()?.split_once('=')?;
        Some(Entry { name, value: Some(value), span: item.span })
    });
    let files = ["envs", "env"].into_iter().filter_map(|key| map.get(key));
    let files = files.flat_map(|node| node.items().iter().chain([node])).filter_map(Node::text);
    Some(Settings { name: map.get("name")?.text()?, entries: entries.collect(), files: files.collect() })
}
