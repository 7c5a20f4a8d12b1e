//! Deployment files with the places of what they say: collectors, containers, proxies.
//!
//! [`crate::services`] reads the same files for who starts whom. Here they are read for the rules on the files themselves.

mod collector;
mod container;
mod directives;
mod known;
mod node;
mod proxy;
mod yaml;

pub use collector::{Collector, Component, Fragment, Kind, Pipeline, kind_of};
pub use container::{Container, Platform, Project, Variable, Workload};
pub use known::{Backend, Known, Off, Removed, known};
pub use node::{Key, Node, Value};
pub use proxy::Removal;
pub use yaml::{documents, is_template};

use crate::finding::Place;
use crate::ir::{Directive, Span};
use crate::services::ManifestFile;
use ustr::Ustr;

/// The largest YAML file that is looked at.
const MAX_YAML: usize = 512 * 1024;

/// What one of them must hold for a YAML file to be read for the rules.
const WORDS: &[&str] = &[
    "OTEL_",
    "DD_TRACE",
    "opentelemetry",
    "otel",
    "jaeger",
    "exporters:",
    "processors:",
    "traceparent",
    "b3",
    "headers_to_remove",
];

/// What the deployment files of a workspace say about tracing itself.
#[derive(Debug, Default)]
pub struct Deployment {
    /// Configurations of collectors.
    pub collectors: Vec<Collector>,
    /// Files that only hold a part of such a configuration.
    pub fragments: Vec<Fragment>,
    /// Containers of compose files and Kubernetes manifests.
    pub containers: Vec<Container>,
    /// The networks of compose files.
    pub projects: Vec<Project>,
    /// Workloads of Kubernetes.
    pub workloads: Vec<Workload>,
    /// Headers that a proxy takes away.
    pub removals: Vec<Removal>,
    /// Comments to hoplint, by file.
    pub directives: Vec<(Ustr, Vec<Directive>)>,
}

impl Deployment {
    /// Whether the files say anything that a rule can judge.
    pub fn says_anything(&self) -> bool {
        !self.collectors.is_empty() || !self.containers.is_empty() || !self.removals.is_empty()
    }

    /// The images of all containers, as written.
    pub fn images(&self) -> impl Iterator<Item = &str> {
        self.containers.iter().filter_map(|found| found.image.as_ref()).map(|(image, _)| image.as_str())
    }
}

/// Whether a file that is no manifest of a build is wanted here: the configuration of a proxy.
pub fn is_wanted(path: &str) -> bool {
    proxy::is_configuration(path)
}

/// Reads the files of a workspace. Never fails: what cannot be read says nothing.
///
/// Files that are no YAML at all are told by [`crate::services::discover`], which reads them too.
pub fn read(files: &[ManifestFile]) -> Deployment {
    let mut out = Deployment::default();
    for file in files {
        let path = Ustr::from(&file.path);
        let found = directives::read(&file.path, &file.text);
        if !found.is_empty() {
            out.directives.push((path, found));
        }
        if proxy::is_configuration(&file.path) {
            out.removals.extend(proxy::of_text(path, &file.text, 0));
        }
        let is_yaml = file.path.ends_with(".yaml") || file.path.ends_with(".yml");
        if is_yaml && file.text.len() <= MAX_YAML && WORDS.iter().any(|word| file.text.contains(word)) {
            read_yaml(path, &file.text, &mut out);
        }
    }
    container::unite(&mut out.projects);
    out
}

fn read_yaml(path: Ustr, text: &str, out: &mut Deployment) {
    let Ok(documents) = documents(text) else { return };
    let is_compose = crate::services::is_compose(&path);
    for document in &documents {
        collector::read(path, text, document, out);
        if is_compose {
            container::compose(path, document, out);
        } else if document.get("apiVersion").is_some() && document.get("kind").is_some() {
            container::kubernetes(path, document, out);
        }
        proxy::of_document(path, text, document, &mut out.removals);
    }
}

/// A place in a file.
fn place(path: Ustr, span: Span) -> Place {
    Place { path, span }
}
