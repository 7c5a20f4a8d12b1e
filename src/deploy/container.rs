//! Containers of compose files and of Kubernetes, with the places of their variables.

use super::collector::more_than_one;
use super::compose::{Composition, Service};
use super::settings::Maps;
use super::variable::{Entry, Given};
use super::{Deployment, compose, kubernetes, place};
use crate::finding::Place;
use crate::ir::LineIndex;
use crate::ir::Span;
use crate::paths::{file_name, folder};
use crate::services::ManifestFile;
use crate::yaml::{self, Node, is_template};
use rustc_hash::FxHashMap;
use ustr::Ustr;

/// Who runs a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// A compose file.
    Compose,
    /// Kubernetes.
    Kubernetes,
    /// ECS.
    Task,
    /// A machine, without a container.
    Machine,
    /// AWS Lambda.
    Function,
    /// Cloud Run.
    Service,
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
    /// Whether it comes with others, from a file, a map of settings or the image.
    pub is_common: bool,
    /// Whether its value is one for want of another (`${NAME:-value}`).
    pub is_fallback: bool,
}

impl From<Given> for Variable {
    fn from(given: Given) -> Self {
        let Given { name, value, place, is_common, is_fallback, .. } = given;
        // Quotes that are left here are part of the value.
        let value = value.filter(|value| is_written(value)).map(|value| value.trim().to_owned());
        Self { name, value, place, is_common, is_fallback }
    }
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
    /// What the pod calls it; empty for a compose service.
    pub part: String,
    /// Names by which others reach it.
    pub hosts: Vec<String>,
    /// Its image, as written.
    pub image: Option<(String, Place)>,
    /// The Dockerfile that it is built from.
    pub dockerfile: Option<String>,
    /// The commands that fill its image.
    pub fetches: Vec<String>,
    /// Its environment: what goes before the others stands last.
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
    /// Its ports that a compose file opens on the machine.
    pub publishes: Vec<(u16, Place)>,
}

impl Container {
    /// One of which nothing more is known than its name.
    pub(super) fn new(platform: Platform, path: Ustr, name: String, place: Place) -> Self {
        Self {
            platform,
            path,
            hosts: vec![name.clone()],
            name,
            place,
            part: String::new(),
            image: None,
            dockerfile: None,
            fetches: Vec::new(),
            variables: Vec::new(),
            is_open: false,
            is_alone: true,
            has_command: false,
            copies: None,
            mounts: Vec::new(),
            memory: None,
            publishes: Vec::new(),
        }
    }

    /// The value of a variable that is set and written out. The last of several wins, as for a process.
    pub fn variable(&self, name: &str) -> Option<(&str, Place)> {
        let found = self.variables.iter().rev().find(|found| found.name == name)?;
        Some((found.value.as_deref()?, found.place))
    }

    /// Whether the value of a variable is one for want of another.
    pub fn falls_back(&self, name: &str) -> bool {
        self.variables.iter().rev().find(|found| found.name == name).is_some_and(|found| found.is_fallback)
    }

    /// Whether a variable is set, whatever to.
    pub fn sets(&self, name: &str) -> bool {
        self.variables.iter().any(|found| found.name == name)
    }
}

/// A pod: its program's containers, and those that run before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// The workload's name.
    pub name: String,
    /// The containers, by their places in the list of all.
    pub containers: Vec<usize>,
    /// What each of them, and each one that runs before them, does beside its variables.
    pub parts: Vec<Part>,
    /// Whether annotations have something put into it when it is made.
    pub is_injected: bool,
}

/// A container of a pod, as the pod's template shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// Its image, as written.
    pub image: String,
    /// Whether it ends before the program's containers start.
    pub is_first: bool,
    /// Its command and arguments on one line.
    pub command: String,
    /// The volumes that it is given: their names, where they lie in it, and where that is said.
    pub volumes: Vec<(String, String, Place)>,
    /// The variables that it is given by itself.
    pub variables: Vec<Variable>,
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
    pub pod: Option<Vec<(String, String, Place)>>,
    /// Where the metadata of its pod template would stand.
    pub template: Option<Place>,
    /// The names and images of its pods' containers, in their order, with where each begins.
    pub containers: Vec<(String, String, Place)>,
    /// The names of those that run before them.
    pub before: Vec<String>,
}

/// The services of a compose file; `other` gives another file of the workspace.
pub(super) fn of_compose<'f>(
    file: &'f ManifestFile,
    other: &'f dyn Fn(&str) -> Option<&'f ManifestFile>,
    out: &mut Deployment,
) {
    let path = Ustr::from(&file.path);
    let composition = Composition::new(file, other);
    let Some(services) = composition.services().ok().filter(|services| !services.is_empty()) else { return };
    let mut found: Vec<Container> =
        services.iter().map(|service| compose_service(path, &composition, service)).collect();
    for service in &services {
        let mode = service.node.get("network_mode").and_then(Node::text);
        let joins = mode.and_then(|mode| mode.strip_prefix("service:"));
        found.iter_mut().filter(|one| joins == Some(one.name.as_str())).for_each(|one| one.is_alone = false);
    }
    let external = |node: &Node| node.get("external").is_some_and(|value| !value.is_false());
    let documents = file.documents().unwrap_or_default();
    let networks = documents.iter().filter_map(|document| document.get("networks")).flat_map(Node::entries);
    let reaches_out = services.iter().any(|service| {
        let keys = ["extra_hosts", "external_links", "links", "network_mode"];
        keys.iter().any(|key| service.node.get(key).is_some()) || composition.is_open(service)
    });
    let includes = documents.iter().any(|document| document.get("include").is_some());
    let is_whole = !reaches_out && !includes && !networks.into_iter().any(|(_, node)| external(node));
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

fn compose_service(path: Ustr, composition: &Composition<'_>, found: &Service) -> Container {
    let Service { name: key, node: service, .. } = found;
    let copies = [service.at(&["deploy", "replicas"]), service.get("scale")].into_iter().flatten();
    let memory = [service.at(&["deploy", "resources", "limits", "memory"]), service.get("mem_limit")];
    let dockerfile = composition.build(service).map(|(dockerfile, _)| dockerfile);
    let (of_image, fetches) =
        dockerfile.as_deref().map(|dockerfile| of_image(composition, dockerfile)).unwrap_or_default();
    let given = composition.environment(found).into_iter().map(Variable::from);
    Container {
        hosts: compose::hosts(key, service),
        image: image(path, service),
        variables: of_image.into_iter().chain(given).collect(),
        dockerfile,
        fetches,
        is_open: composition.is_open(found),
        is_alone: service.get("network_mode").is_none(),
        has_command: service.get("command").is_some() || service.get("entrypoint").is_some(),
        copies: copies
            .filter_map(|node| Some((format!("{} of them", more_than_one(node)?), place(path, node.span))))
            .next(),
        mounts: mounts(path, service),
        publishes: published(path, service),
        memory: memory.into_iter().flatten().find_map(|node| Some((byte_value(node.text()?)?, place(path, node.span)))),
        ..Container::new(Platform::Compose, path, key.text.clone(), place(path, key.span))
    }
}

/// The variables that a Dockerfile of the workspace puts into its image, and the commands that fill it.
fn of_image(composition: &Composition<'_>, dockerfile: &str) -> (Vec<Variable>, Vec<String>) {
    let Some(file) = composition.at(dockerfile) else { return Default::default() };
    let lines = LineIndex::new(file.text.as_bytes());
    let path = Ustr::from(dockerfile);
    let image = crate::services::Image::read(&file.path, &file.text);
    let variables = image.environment.into_iter().filter_map(|(name, value, line)| {
        let start = lines.line_start(line)? as usize;
        let end = start + file.text.get(start..)?.lines().next()?.len();
        let place = place(path, Span::new(start, end));
        Some(Variable { name, value: written(&value), place, is_common: true, is_fallback: false })
    });
    (variables.collect(), image.fetches)
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

/// The ports of a compose service that are opened on the machine.
///
/// Source: <https://docs.docker.com/reference/compose-file/services/#ports>.
fn published(path: Ustr, service: &Node) -> Vec<(u16, Place)> {
    let ports = service.get("ports").map(Node::items).unwrap_or_default();
    let port = |node: &Node| {
        let text = node.text().or_else(|| node.get("target")?.text())?;
        let inner = text.rsplit(':').next()?.split('/').next()?;
        Some((inner.parse().ok()?, place(path, node.span)))
    };
    ports.iter().filter_map(port).collect()
}

/// A variable as a file sets it.
pub(super) fn variable(path: Ustr, entry: Entry<'_>) -> Variable {
    let value = entry.value.and_then(written);
    let place = place(path, entry.span);
    Variable { name: entry.name.to_owned(), value, place, is_common: false, is_fallback: false }
}

/// A value that is written out: nothing is filled in.
pub(super) fn written(value: &str) -> Option<String> {
    let value = value.trim().trim_matches(['"', '\'']);
    is_written(value).then(|| value.to_owned())
}

fn is_written(value: &str) -> bool {
    !value.contains('$') && !is_template(value)
}

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

/// Completes the containers that are put over others: a compose file over the first one of its folder, a patch over a
/// workload. What they set is not known where it stands first.
pub(super) fn overlay(containers: &mut [Container]) {
    let mut bases: FxHashMap<(String, String, String), Vec<usize>> = FxHashMap::default();
    for (at, container) in containers.iter().enumerate().filter(|(_, container)| is_base(container)) {
        bases.entry(key(container)).or_default().push(at);
    }
    for at in 0..containers.len() {
        let over = &containers[at];
        if is_base(over) || over.image.is_some() || over.dockerfile.is_some() {
            continue;
        }
        let Some([base]) = bases.get(&key(over)).map(Vec::as_slice) else { continue };
        let (base, path) = (*base, over.path);
        let changes = over.variables.clone();
        let whole = completed(&containers[base], over);
        containers[at] = whole;
        // Compose reads this one by itself; others are asked for, or are deployed in its place.
        let always = file_name(&path).contains(".override.");
        containers[base].variables.extend(changes.into_iter().map(|change| match always {
            true => change,
            false => Variable { value: None, ..change },
        }));
    }
}

/// What a container and others that are put over it are known by.
fn key(container: &Container) -> (String, String, String) {
    let home = match container.platform {
        Platform::Compose => folder(&container.path).to_owned(),
        _ => String::new(),
    };
    (home, container.name.clone(), container.part.clone())
}

/// Whether a container can stand below others: a workload with an image, a service of the first compose file.
fn is_base(container: &Container) -> bool {
    match container.platform {
        Platform::Compose => {
            let stem = file_name(&container.path).split('.').next().unwrap_or_default();
            matches!(stem, "compose" | "docker-compose") && file_name(&container.path).matches('.').count() == 1
        }
        Platform::Kubernetes => container.image.is_some() && !container.part.is_empty(),
        Platform::Task | Platform::Machine | Platform::Function | Platform::Service => true,
    }
}

fn completed(base: &Container, over: &Container) -> Container {
    Container {
        hosts: base.hosts.iter().chain(&over.hosts).cloned().collect(),
        image: base.image.clone(),
        dockerfile: base.dockerfile.clone(),
        fetches: base.fetches.clone(),
        variables: base.variables.iter().chain(&over.variables).cloned().collect(),
        is_open: base.is_open || over.is_open,
        is_alone: base.is_alone && over.is_alone,
        has_command: base.has_command || over.has_command,
        copies: over.copies.clone().or_else(|| base.copies.clone()),
        mounts: base.mounts.iter().chain(&over.mounts).cloned().collect(),
        memory: over.memory.or(base.memory),
        publishes: base.publishes.iter().chain(&over.publishes).copied().collect(),
        ..over.clone()
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

/// An amount of memory in bytes as Kubernetes reads it: `512Mi`, `1G`, `1000000`.
///
/// Source: <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>.
pub(super) fn quantity(text: &str) -> Option<u64> {
    amount(text, 1000.0)
}

/// An amount of memory in bytes as compose reads it, for which a kilobyte has 1024: `512m`, `1g`, `1gb`.
///
/// Source: <https://docs.docker.com/reference/compose-file/extension/#specifying-byte-values>.
fn byte_value(text: &str) -> Option<u64> {
    amount(text, 1024.0)
}

fn amount(text: &str, kilo: f64) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text.get(..end)?.parse().ok()?;
    let unit = text.get(end..)?.trim().to_ascii_lowercase();
    let (letter, is_binary) = match unit.strip_suffix('i').or_else(|| unit.strip_suffix("ib")) {
        Some(letter) => (letter, true),
        None => (unit.strip_suffix('b').unwrap_or(&unit), false),
    };
    let power = ["", "k", "m", "g"].iter().position(|known| *known == letter)?;
    let bytes = number * if is_binary { 1024.0 } else { kilo }.powi(power as i32);
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
        assert_eq!(quantity("1G"), Some(1_000_000_000));
        assert_eq!(
            (byte_value("1G"), byte_value("1gb"), byte_value("512Mib")),
            (Some(1 << 30), Some(1 << 30), Some(512 << 20))
        );
    }

    #[test]
    fn a_container_that_another_joins_is_not_alone() {
        let text = "services:\n  app:\n    environment:\n      - A=1\n      - B=$C\n      - D\n  relay:\n    network_mode: service:app\n";
        let mut out = Deployment::default();
        of_compose(&ManifestFile::new("compose.yaml", text), &|_| None, &mut out);
        assert!(!out.containers[0].is_alone && !out.containers[1].is_alone && !out.projects[0].is_whole);
        let values: Vec<_> = out.containers[0].variables.iter().map(|found| found.value.as_deref()).collect();
        assert_eq!(values, [Some("1"), None, None]);
    }
}
