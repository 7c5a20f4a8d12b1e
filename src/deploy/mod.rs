//! Deployment files with the places of what they say: collectors, containers, proxies.
//!
//! [`crate::services`] asks the same files who starts whom. Here they are read for the rules on the files themselves; what
//! the parts of compose files and of Kubernetes objects are called, both ask `compose` and `kubernetes`.

mod agent;
mod browser;
mod collector;
pub(crate) mod compose;
mod composed;
mod container;
mod cors;
mod declarative;
mod directives;
mod gateway;
mod injection;
mod known;
pub(crate) mod kubernetes;
mod memory;
mod objects;
mod overlay;
mod pin;
mod pods;
pub(crate) mod process;
mod proxy;
mod settings;
pub(crate) mod tasks;
mod template;
pub(crate) mod terraform;
mod values;
mod variable;

pub use agent::{Agent, VARIABLES as JAVA_ARGUMENTS};
pub use browser::Browser;
pub use collector::{Collector, Component, Fragment, Kind, Pipeline, kind_of};
pub(crate) use compose::is_compose;
pub use container::{Container, Part, Platform, Pod, Project, Variable, Workload};
pub use cors::AllowList;
pub use gateway::{Gateway, Says};
pub use injection::Injection;
pub use known::{Backend, Chart, Injects, Known, Milliseconds, Off, Removed, Sends, Speaks, known};
pub use pin::Pin;
pub use proxy::Removal;
pub(crate) use proxy::is_configuration as is_proxy;
pub use variable::Given;

use crate::finding::Place;
use crate::ir::{Directive, Span};
use crate::paths::{file_name, folder};
use crate::services::ManifestFile;
use crate::yaml::Node;
use rustc_hash::FxHashMap;
use ustr::Ustr;

/// The variables of a file of variables.
pub(crate) type DotEnv = Vec<(String, String)>;

/// Words of the formats that are read here. A YAML file that is no compose file is read for the rules where it has one of
/// them, or speaks of tracing.
const WORDS: &[&str] = &[
    "-javaagent:",
    "exporters:",
    "processors:",
    "set_header",
    "headers_to_remove",
    "requestHeaderModifier",
    "customRequestHeaders",
    "VirtualService",
    "llowHeaders",
    "llow_headers",
    "llowedHeaders",
    "llow-headers",
    "llowed-headers",
    "Allow-Headers",
    "enable-cors",
    "file_format",
    "ampling",
    "disableSpanReporting",
    "extensionProviders",
    "headers():",
    "header_type",
    "name: cors",
    "plugin: cors",
];

/// What the deployment files of a workspace say about tracing itself.
#[derive(Debug, Default)]
pub struct Deployment {
    /// Configurations of collectors.
    pub collectors: Vec<Collector>,
    /// Pipelines whose components other files define.
    pub partials: Vec<Collector>,
    /// Files that only hold a part of such a configuration.
    pub fragments: Vec<Fragment>,
    /// Containers of compose files and Kubernetes manifests.
    pub containers: Vec<Container>,
    /// The networks of compose files.
    pub projects: Vec<Project>,
    /// Pods of several containers.
    pub pods: Vec<Pod>,
    /// What the operator gives to the programs that it instruments.
    pub injections: Vec<Injection>,
    /// Workloads of Kubernetes.
    pub workloads: Vec<Workload>,
    /// Headers that a proxy takes away.
    pub removals: Vec<Removal>,
    /// How gateways and meshes trace what passes through them.
    pub gateways: Vec<Gateway>,
    /// Versions of the collector that scripts fetch or images are built from.
    pub pins: Vec<Pin>,
    /// Headers that servers let browsers of other origins send.
    pub allow_lists: Vec<AllowList>,
    /// Clients in the browser that send traces to servers of other origins.
    pub browsers: Vec<Browser>,
    /// Agents that lie in an image, and that nothing loads.
    pub agents: Vec<Agent>,
    /// Files that say something of tracing and could not be read, with the reason.
    pub skipped: Vec<(String, String)>,
    /// Comments to hoplint, by file.
    pub directives: Vec<(Ustr, Vec<Directive>)>,
}

impl Deployment {
    /// Whether the files say anything of tracing that a rule can judge.
    pub fn says_anything(&self) -> bool {
        let is_traced =
            |found: &Container| found.variables.iter().any(|variable| crate::services::is_of_tracing(&variable.name));
        !self.collectors.is_empty()
            || !self.partials.is_empty()
            || !self.removals.is_empty()
            || !self.gateways.is_empty()
            || !self.agents.is_empty()
            || !self.injections.is_empty()
            || !self.browsers.is_empty()
            || self.containers.iter().any(is_traced)
    }
}

/// Whether a file that is no manifest of a build is wanted here: the configuration of a proxy, or what may set up traces
/// in the browser.
pub fn is_wanted(path: &str) -> bool {
    proxy::is_configuration(path) || proxy::is_toml(path) || browser::may_be_setup(path)
}

/// Reads the files of a workspace. Never fails: what cannot be read is told.
pub fn read(files: &[ManifestFile]) -> Deployment {
    let mut out = Deployment::default();
    let all: FxHashMap<&str, &ManifestFile> = files.iter().map(|file| (file.path.as_str(), file)).collect();
    let other = |path: &str| all.get(path).copied();
    let maps = settings::Maps::new(files, &other);
    let mut configurations = Vec::new();
    for file in files {
        let path = Ustr::from(&file.path);
        let found = directives::read(&file.path, &file.text);
        if !found.is_empty() {
            out.directives.push((path, found));
        }
        if proxy::is_configuration(&file.path) {
            out.removals.extend(proxy::of_text(path, &file.text, 0));
            out.allow_lists.extend(cors::of_text(path, &file.text, 0));
        }
        out.pins.extend(pin::read(path, &file.text));
        out.browsers.extend(browser::read(file));
        let is_composed = compose::is_one(file);
        if is_composed {
            composed::of_compose(file, &other, &mut out);
        }
        if terraform::is_terraform(&path) {
            terraform::read(file, files, &maps, &mut out);
        }
        if process::is_process(&path) {
            out.containers.extend(process::containers(file));
        }
        if tasks::is_task(&path) {
            let documents = file.documents().unwrap_or_default();
            documents.iter().for_each(|document| tasks::containers(path, document, &mut out));
        }
        let has = |word: &str| file.text.contains(word);
        let is_meant =
            || is_composed || WORDS.iter().any(|word| has(word)) || known().mentions.iter().any(|word| has(word));
        if proxy::is_toml(&path) {
            match file.documents() {
                Ok(documents) => documents.iter().for_each(|document| of_proxies(file, document, &mut out)),
                Err(reason) => out.skipped.push((file.path.clone(), reason.to_owned())),
            }
        }
        if file.is_yaml() && is_meant() {
            let documents = file.documents().unwrap_or_else(|reason| {
                out.skipped.extend(is_ours(&file.text).then(|| (file.path.clone(), reason.to_owned())));
                &[]
            });
            documents.iter().for_each(|document| read_document(file, document, &maps, &mut out));
            configurations.extend(documents.iter().filter_map(|document| declarative::read(path, document)));
        }
    }
    composed::unite(&mut out.projects);
    injection::complete(&mut out.injections, &out.workloads);
    overlay::overlay(&mut out.containers);
    declarative::apply(&mut out.containers, &configurations);
    out.agents = agent::read(files, &out.containers);
    out
}

/// Whether a file that could not be read is one of those whose parts are known: an object of Kubernetes, a collector.
fn is_ours(text: &str) -> bool {
    let has = |words: [&str; 2]| words.iter().all(|word| text.contains(word));
    has(["apiVersion:", "kind:"]) || has(["exporters:", "pipelines:"])
}

fn read_document(file: &ManifestFile, document: &Node, maps: &settings::Maps, out: &mut Deployment) {
    if let Some(objects) = template::objects(document) {
        objects.iter().for_each(|object| read_document(file, object, maps, out));
        return;
    }
    let (path, text) = (Ustr::from(&file.path), file.text.as_str());
    collector::read(path, text, document, out);
    pin::of_charts(path, document, &mut out.pins);
    if compose::is_one(file) {
        // Its services are read together, as one may take over from another.
    } else if document.get("apiVersion").is_some() && document.get("kind").is_some() {
        pods::of_kubernetes(path, document, maps, out);
        pods::of_patches(path, text, document, maps, out);
        injection::read(path, document, &mut out.injections);
    } else if values::is_values(&path) {
        values::read(path, file_name(folder(&path)), document, out);
    } else {
        tasks::containers(path, document, out);
    }
    of_proxies(file, document, out);
    for inner in inside(text, document) {
        of_proxies(file, &inner, out);
    }
}

/// What a document says of proxies, gateways and meshes.
fn of_proxies(file: &ManifestFile, document: &Node, out: &mut Deployment) {
    let (path, text) = (Ustr::from(&file.path), file.text.as_str());
    proxy::of_document(path, text, document, &mut out.removals);
    gateway::of_document(path, document, &mut out.gateways);
    cors::of_document(path, text, document, &mut out.allow_lists);
}

/// The documents of the YAML files that a ConfigMap holds, where they have a word of what is read here.
fn inside(text: &str, document: &Node) -> Vec<Node> {
    let is_map = document.get("kind").and_then(Node::text) == Some("ConfigMap");
    let files = document.get("data").filter(|_| is_map).map(Node::entries).unwrap_or_default();
    let has_word = |held: &str| {
        let mut words = WORDS.iter().copied().chain(known().mentions.iter().map(String::as_str));
        words.any(|word| held.contains(word)) && !held.contains("proxy_set_header")
    };
    let held = files.iter().filter(|(_, held)| held.text().is_some_and(has_word));
    held.filter_map(|(_, held)| crate::yaml::nested(text, held)).flatten().collect()
}

/// A place in a file.
fn place(path: Ustr, span: Span) -> Place {
    Place { path, span }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLES: [(&str, &str); 3] = [
        (
            "relay.yaml",
            "receivers: {otlp: {}}\nexporters:\n  otlp: {}\nservice:\n  pipelines:\n    traces: {receivers: [otlp], exporters: ['ä']}\n",
        ),
        (
            "a.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: otel}\ndata:\n  x: |\n    receivers:\n    exporters: {ü: }\n    service: {pipelines: {traces: {}}}\n  y: |\n    proxy_set_header b3 \"\";\n",
        ),
        (
            "compose.yaml",
            "services:\n  a: &a\n    environment: [OTEL_X=1, {{ b }}]\n    deploy: {replicas: 3}\n  b:\n    <<: *a\n    volumes: ['./x:/y', {source: ../../../z}]\n",
        ),
    ];

    #[test]
    fn every_cut_of_a_file_is_read_without_a_panic_and_places_lie_in_it() {
        for (path, text) in SAMPLES {
            let cuts = (0..=text.len()).filter(|at| text.is_char_boundary(*at));
            for part in cuts.flat_map(|at| [&text[..at], &text[at..]]) {
                let found = read(&[ManifestFile::new(path, part)]);
                let of_parts = found.collectors.iter().flat_map(|one| &one.components).map(|one| one.place);
                let places = of_parts.chain(found.containers.iter().map(|one| one.place));
                for place in places.chain(found.removals.iter().map(|one| one.place)) {
                    assert!(part.get(place.span.start as usize..place.span.end as usize).is_some(), "{part}");
                }
            }
        }
    }

    #[test]
    fn a_repository_with_no_word_of_tracing_says_nothing() {
        let file = |text: &str| [ManifestFile::new("compose.yaml", text)];
        assert!(!read(&file("services: {db: {image: postgres, environment: {A: b}}}")).says_anything());
        assert!(read(&file("services: {a: {environment: {OTEL_SERVICE_NAME: b}}}")).says_anything());
    }
}
