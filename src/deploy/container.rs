//! Containers of compose files and of Kubernetes, with the places of their variables.

use super::collector::more_than_one;
use super::variable::Entry;
use super::{Deployment, compose, kubernetes, place};
use crate::finding::Place;
use crate::paths::folder;
use crate::yaml::{Key, Node, is_template};
use ustr::Ustr;

/// Who runs a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// A compose file.
    Compose,
    /// Kubernetes.
    Kubernetes,
}

/// An environment variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value; `None` where it is filled in from elsewhere.
    pub value: Option<String>,
    /// Where it is set.
    pub place: Place,
}

/// One container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Who runs it.
    pub platform: Platform,
    /// The file.
    pub path: Ustr,
    /// What it is called: the compose service, or the workload.
    pub name: String,
    /// Where it begins.
    pub place: Place,
    /// Names by which others reach it.
    pub hosts: Vec<String>,
    /// Its image, as written.
    pub image: Option<(String, Place)>,
    /// Its environment.
    pub variables: Vec<Variable>,
    /// Whether files or other objects may set more variables.
    pub is_open: bool,
    /// Whether nothing else shares its network: `localhost` is itself.
    pub is_alone: bool,
    /// Whether it is given a command or arguments.
    pub has_command: bool,
    /// How many of it run, where it is more than one, and where that is said.
    pub copies: Option<(String, Place)>,
    /// The files and ConfigMaps that it is given: paths from the workspace's root, or names.
    pub mounts: Vec<String>,
    /// The limit of its memory in bytes.
    pub memory: Option<(u64, Place)>,
}

impl Container {
    /// The value of a variable that is set and written out. The last of several wins, as for a process.
    pub fn variable(&self, name: &str) -> Option<(&str, Place)> {
        let found = self.variables.iter().rev().find(|found| found.name == name)?;
        Some((found.value.as_deref()?, found.place))
    }

    /// Whether a variable is set, whatever to.
    pub fn sets(&self, name: &str) -> bool {
        self.variables.iter().any(|found| found.name == name)
    }
}

/// The compose files of one folder, which compose can put together to one network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The folder, relative to the workspace's root.
    pub folder: String,
    /// All names by which its services reach each other.
    pub hosts: Vec<String>,
    /// Whether all that can be reached is seen.
    pub is_whole: bool,
}

/// A workload of Kubernetes, or a namespace, with what its metadata say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// The kind of object.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The annotations and labels of the object itself.
    pub own: Vec<(String, String, Place)>,
    /// Those of its pods; `None` where it has no template.
    pub pod: Option<Vec<(String, String)>>,
    /// Where the metadata of its pod template would stand.
    pub template: Option<Place>,
}

/// The services of a compose file.
pub(super) fn of_compose(path: Ustr, document: &Node, out: &mut Deployment) {
    let Some(services) = document.get("services").filter(|services| services.is_map()) else { return };
    let mut found: Vec<Container> =
        services.entries().iter().map(|(key, service)| compose_service(path, key, service)).collect();
    for (_, service) in services.entries() {
        let joins = service.get("network_mode").and_then(Node::text).and_then(|mode| mode.strip_prefix("service:"));
        found.iter_mut().filter(|one| joins == Some(one.name.as_str())).for_each(|one| one.is_alone = false);
    }
    let external = |node: &Node| node.get("external").is_some_and(|value| !value.is_false());
    let outside = document.get("networks").map(Node::entries).unwrap_or_default();
    let reaches_out = services.entries().iter().any(|(_, service)| {
        ["extra_hosts", "external_links", "links", "extends", "network_mode"]
            .iter()
            .any(|key| service.get(key).is_some())
    });
    let is_whole = !reaches_out && document.get("include").is_none() && !outside.iter().any(|(_, node)| external(node));
    let hosts = found.iter().flat_map(|one| one.hosts.clone()).collect();
    out.projects.push(Project { folder: folder(&path).to_owned(), hosts, is_whole });
    out.containers.extend(found);
}

/// Puts the projects of one folder together.
pub(super) fn unite(projects: &mut Vec<Project>) {
    let mut out: Vec<Project> = Vec::new();
    for project in projects.drain(..) {
        match out.iter_mut().find(|known| known.folder == project.folder) {
            Some(known) => {
                known.hosts.extend(project.hosts);
                known.is_whole &= project.is_whole;
            }
            None => out.push(project),
        }
    }
    *projects = out;
}

fn compose_service(path: Ustr, key: &Key, service: &Node) -> Container {
    let copies = [service.at(&["deploy", "replicas"]), service.get("scale")].into_iter().flatten();
    let memory = [service.at(&["deploy", "resources", "limits", "memory"]), service.get("mem_limit")];
    Container {
        platform: Platform::Compose,
        path,
        name: key.text.clone(),
        place: place(path, key.span),
        hosts: compose::hosts(key, service),
        image: image(path, service),
        variables: compose::environment(service).into_iter().map(|entry| variable(path, entry)).collect(),
        is_open: service.get("env_file").is_some() || service.get("extends").is_some(),
        is_alone: service.get("network_mode").is_none(),
        has_command: service.get("command").is_some() || service.get("entrypoint").is_some(),
        copies: copies
            .filter_map(|node| Some((format!("{} of them", more_than_one(node)?), place(path, node.span))))
            .next(),
        mounts: mounts(path, service),
        memory: memory.into_iter().flatten().find_map(|node| Some((quantity(node.text()?)?, place(path, node.span)))),
    }
}

fn image(path: Ustr, node: &Node) -> Option<(String, Place)> {
    let found = node.get("image")?;
    Some((found.text()?.to_owned(), place(path, found.span)))
}

/// The files of the workspace that a compose service is given.
fn mounts(path: Ustr, service: &Node) -> Vec<String> {
    let volumes = service.get("volumes").map(Node::items).unwrap_or_default();
    let sources = volumes.iter().filter_map(|volume| {
        volume.text().and_then(|text| text.split(':').next()).or_else(|| volume.get("source").and_then(Node::text))
    });
    sources
        .filter(|source| source.starts_with('.'))
        .filter_map(|source| crate::paths::join(folder(&path), source))
        .collect()
}

fn variable(path: Ustr, entry: Entry<'_>) -> Variable {
    let value = entry.value.and_then(written);
    Variable { name: entry.name.to_owned(), value, place: place(path, entry.span) }
}

/// A value that is written out: nothing is filled in.
fn written(value: &str) -> Option<String> {
    let value = value.trim().trim_matches(['"', '\'']);
    (!value.contains('$') && !is_template(value)).then(|| value.to_owned())
}

/// The containers of a Kubernetes object, and what its metadata say.
pub(super) fn of_kubernetes(path: Ustr, document: &Node, out: &mut Deployment) {
    let kind = document.get("kind").and_then(Node::text).unwrap_or_default();
    let name = document.at(&["metadata", "name"]);
    let template = kubernetes::template(document);
    let pod = template.or_else(|| (kind == "Pod").then_some(document));
    let own =
        kubernetes::notes(document).map(|(key, value)| (key.text.clone(), value.to_owned(), place(path, key.span)));
    let of_pod = |pod: &Node| -> Vec<(String, String)> {
        kubernetes::notes(pod).map(|(key, value)| (key.text.clone(), value.to_owned())).collect()
    };
    if template.is_some() || kind == "Namespace" {
        out.workloads.push(Workload {
            kind: kind.to_owned(),
            name: name.and_then(Node::text).unwrap_or_default().to_owned(),
            own: own.collect(),
            pod: template.map(of_pod),
            template: template.map(|node| place(path, node.span)),
        });
    }
    let Some(spec) = pod.and_then(|pod| pod.get("spec")) else { return };
    let containers = pod.map(kubernetes::containers).unwrap_or_default();
    let copies = copies(path, kind, document);
    let injected = pod.map(of_pod).unwrap_or_default().iter().any(|(key, value)| {
        (key.contains("sidecar") || key.contains("inject")) && value != "false" && !key.starts_with("instrumentation.")
    });
    let keeps_running = |node: &Node| node.get("restartPolicy").is_some();
    let helpers = spec.get("initContainers").map(Node::items).unwrap_or_default().iter().any(keeps_running);
    let shares = spec.get("hostNetwork").is_some_and(|node| !node.is_false());
    let volumes = spec.get("volumes").map(Node::items).unwrap_or_default();
    let maps =
        volumes.iter().filter_map(|volume| volume.at(&["configMap", "name"]).and_then(Node::text).map(str::to_owned));
    let maps: Vec<String> = maps.collect();
    for container in containers {
        let at = container.entry("name").map_or(container.span, |(key, _)| key.span);
        let own = container.get("name").and_then(Node::text).unwrap_or_default();
        let workload = name.and_then(Node::text).unwrap_or(own);
        let memory = container.at(&["resources", "limits", "memory"]);
        out.containers.push(Container {
            platform: Platform::Kubernetes,
            path,
            name: workload.to_owned(),
            place: place(path, at),
            hosts: vec![workload.to_owned()],
            image: image(path, container),
            variables: kubernetes::environment(container).map(|(entry, _)| variable(path, entry)).collect(),
            is_open: container.get("envFrom").is_some(),
            is_alone: containers.len() == 1 && !injected && !helpers && !shares,
            has_command: container.get("command").is_some() || container.get("args").is_some(),
            copies: copies.clone(),
            mounts: maps.clone(),
            memory: memory.and_then(|node| Some((quantity(node.text()?)?, place(path, node.span)))),
        });
    }
}

fn copies(path: Ustr, kind: &str, document: &Node) -> Option<(String, Place)> {
    if kind == "DaemonSet" {
        let at = document.get("kind").map_or(document.span, |node| node.span);
        return Some(("one on each node".to_owned(), place(path, at)));
    }
    let count = document.at(&["spec", "replicas"])?;
    Some((format!("{} of them", more_than_one(count)?), place(path, count.span)))
}

/// An amount of memory in bytes: `512Mi`, `1g`, `1000000`.
pub(super) fn quantity(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text.get(..end)?.parse().ok()?;
    let factor: f64 = match text.get(end..)?.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" => 1e3,
        "ki" | "kb" | "kib" => 1024.0,
        "m" | "mb" => 1e6,
        "mi" | "mib" => 1_048_576.0,
        "g" | "gb" => 1e9,
        "gi" | "gib" => 1_073_741_824.0,
        _ => return None,
    };
    let bytes = number * factor;
    // Kubernetes reads `m` as a thousandth, which nobody means.
    (1_048_576.0..1e15).contains(&bytes).then_some(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_memory_are_read() {
        assert_eq!(quantity("512Mi"), Some(512 << 20));
        assert_eq!(quantity("1.5Gi"), Some(3 << 29));
        assert_eq!(quantity("lots"), None);
        assert_eq!(quantity("100m"), Some(100_000_000));
    }

    #[test]
    fn a_container_that_another_joins_is_not_alone() {
        let text = "services:\n  app:\n    environment:\n      - A=1\n      - B=$C\n      - D\n  relay:\n    network_mode: service:app\n";
        let mut out = Deployment::default();
        of_compose(Ustr::from("compose.yaml"), &crate::yaml::documents(text).expect("reads")[0], &mut out);
        assert!(!out.containers[0].is_alone && !out.containers[1].is_alone && !out.projects[0].is_whole);
        let values: Vec<_> = out.containers[0].variables.iter().map(|found| found.value.as_deref()).collect();
        assert_eq!(values, [Some("1"), None, None]);
    }
}
