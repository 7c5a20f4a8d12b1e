//! Kubernetes workloads: who starts whom.
//!
//! Source: <https://opentelemetry.io/docs/platforms/kubernetes/operator/automatic/> (annotations count on the pod
//! template).

use super::ManifestFile;
use super::cluster::Cluster;
use super::launch::{FactKind, Launch, image_name};
use crate::deploy::kubernetes::{containers, environment, notes, template};
use crate::ir::{LineIndex, Span};
use crate::yaml::Node;

/// A file of workloads with what the others say of them.
struct Manifest<'f> {
    path: &'f str,
    lines: LineIndex,
    cluster: &'f Cluster,
}

/// The containers of the workloads in a file, or why it could not be read. `cluster` is what other files say of them.
pub(super) fn read(file: &ManifestFile, cluster: &Cluster) -> Result<Vec<Launch>, String> {
    if !is_workload(&file.text) {
        return Ok(Vec::new());
    }
    let documents = file.documents()?;
    let manifest = Manifest { path: &file.path, lines: LineIndex::new(file.text.as_bytes()), cluster };
    Ok(documents.iter().flat_map(|document| manifest.launches(document)).collect())
}

/// The cheap test whether a YAML file may hold a workload.
fn is_workload(text: &str) -> bool {
    let has = |word: &str| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    ["kind:", "apiVersion:", "containers:"].into_iter().all(has)
}

impl Manifest<'_> {
    fn line(&self, span: Span) -> u32 {
        self.lines.line(span.start)
    }

    /// The containers of a document that has any.
    fn launches(&self, document: &Node) -> Vec<Launch> {
        let pod = template(document).unwrap_or(document);
        let all = containers(pod);
        let named = document.at(&["metadata", "name"]).filter(|name| name.text().is_some());
        let workload = named.and_then(Node::text).map(str::to_owned);
        let line = self.line(named.unwrap_or(document).span);
        let on_node = document.get("kind").and_then(Node::text) == Some("DaemonSet");
        let mut out = Vec::new();
        for (at, container) in all.iter().enumerate() {
            let mut launch = self.launch(line, container);
            launch.hosts.extend(self.cluster.services_of(self.path, pod, container));
            self.given(&mut launch, container);
            if let Some(name) = workload.as_ref().filter(|_| all.len() == 1) {
                launch.title.clone_from(name);
                launch.names.push(name.clone());
            }
            for (key, value) in notes(pod) {
                launch.say(self.line(key.span), FactKind::Annotation(key.text.clone(), value.to_owned()));
            }
            let others = all.iter().enumerate().filter(|(other, _)| *other != at && !on_node);
            for image in others.filter_map(|(_, other)| other.get("image")) {
                if let Some(text) = image.text() {
                    launch.say(self.line(image.span), FactKind::Neighbour(text.to_owned(), true));
                }
            }
            out.push(launch);
        }
        out
    }

    fn launch(&self, line: u32, container: &Node) -> Launch {
        let mut launch = Launch::new(self.path);
        let image = container.get("image").and_then(Node::text);
        launch.line = line;
        launch.names.extend(image.map(|image| image_name(image).to_owned()));
        launch.image = image.unwrap_or_default().to_owned();
        launch.names.extend(container.get("name").and_then(Node::text).map(str::to_owned));
        for (entry, _) in environment(container) {
            if let Some(value) = entry.value {
                launch.say(self.line(entry.span), FactKind::Variable(entry.name.to_owned(), value.to_owned()));
            }
        }
        let parts =
            ["command", "args"].map(|key| container.entry(key).and_then(|(key, node)| Some((key, node.line()?))));
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        if let Some((key, _)) = parts.first() {
            let command = parts.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(" ");
            launch.say(self.line(key.span), FactKind::Command(command, key.text.clone()));
        }
        launch
    }

    /// What a container's environment takes from maps of settings; never what it takes from secrets.
    fn given(&self, launch: &mut Launch, container: &Node) {
        let mut found: Vec<(u32, FactKind)> = Vec::new();
        for source in container.get("envFrom").map(Node::items).unwrap_or_default() {
            let Some(map) = source.at(&["configMapRef", "name"]) else { continue };
            let prefix = source.get("prefix").and_then(Node::text).unwrap_or_default();
            let settings = map.text().and_then(|name| self.cluster.settings(self.path, name));
            let common = |(key, value): (&String, &String)| FactKind::Common(format!("{prefix}{key}"), value.clone());
            found.extend(settings.into_iter().flatten().map(|entry| (self.line(map.span), common(entry))));
        }
        for (entry, whole) in environment(container) {
            let taken = || {
                let from = whole.at(&["valueFrom", "configMapKeyRef"])?;
                let (map, key) = (from.get("name")?.text()?, from.get("key")?.text()?);
                self.cluster.settings(self.path, map)?.get(key)
            };
            if let Some(value) = taken() {
                found.push((self.line(entry.span), FactKind::Variable(entry.name.to_owned(), value.clone())));
            }
        }
        // What the container says itself goes before what it takes as a whole.
        let own = |name: &str| {
            launch.facts.iter().any(|fact| matches!(&fact.kind, FactKind::Variable(known, _) if known == name))
        };
        found.retain(|(_, kind)| !matches!(kind, FactKind::Common(name, _) if own(name)));
        found.into_iter().for_each(|(line, kind)| launch.say(line, kind));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: cart\n  annotations:\n    a/outer: \"true\"\nspec:\n  template:\n    metadata:\n      annotations:\n        a/inner: \"true\"\n    spec:\n      containers:\n      - name: server\n        image: r/cart:1\n        env:\n        - name: OPTS\n          value: \"x\"\n        args: [\"run\"]\n";

    #[test]
    fn only_the_annotations_of_the_template_count() {
        let launches = read(&ManifestFile::new("k.yaml", DEPLOYMENT), &Cluster::default()).expect("reads");
        let names: Vec<_> = launches[0]
            .facts
            .iter()
            .filter_map(|fact| {
                if let FactKind::Annotation(name, _) = &fact.kind { Some((name.as_str(), fact.line)) } else { None }
            })
            .collect();
        assert_eq!(names, [("a/inner", 11)]);
        assert_eq!(launches[0].names, ["cart", "server", "cart"]);
    }

    #[test]
    fn other_yaml_is_left_alone() {
        let read = |text: &str| read(&ManifestFile::new("x.yaml", text), &Cluster::default());
        assert!(read("a: [").expect("not looked at").is_empty());
        assert!(read("kind: a\napiVersion: b\ncontainers: [").is_err());
    }
}
