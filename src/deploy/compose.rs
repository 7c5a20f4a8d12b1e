//! What a compose file says of its services: read for who starts whom, and for the rules on the file itself.
//!
//! Sources: <https://docs.docker.com/reference/compose-file/services/>,
//! <https://docs.docker.com/compose/how-tos/environment-variables/envvars-precedence/>.

use super::variable::{Entry, Given};
use super::{DotEnv, place};
use crate::ir::Span;
use crate::paths::{file_name, folder, join};
use crate::services::{ManifestFile, expand, falls_back};
use crate::yaml::{Key, Node, Value};
use ustr::Ustr;

/// How many services may extend each other in a row.
const MAX_EXTENDS: usize = 8;

/// Whether this is a compose file, by its name.
pub fn is_compose(path: &str) -> bool {
    let name = file_name(path);
    (name.starts_with("docker-compose") || name.starts_with("compose"))
        && (name.ends_with(".yml") || name.ends_with(".yaml"))
}

/// Whether a file is a compose file: by its name, or as it holds services of which each has an image or a build, as text.
pub fn is_one(file: &ManifestFile) -> bool {
    if !file.is_yaml() || is_compose(&file.path) {
        return file.is_yaml();
    }
    let text = file.text.as_str();
    let may_be = (text.starts_with("services:") || text.contains("\nservices:"))
        && ["image:", "build:"].iter().any(|word| text.contains(word))
        && !text.contains("{{")
        && !super::values::is_values(&file.path);
    let Some([document]) = file.documents().ok().filter(|_| may_be) else { return false };
    let services = document.get("services").map(Node::entries).unwrap_or_default();
    let is_service = |service: &Node| {
        let is_text = |key: &str| service.get(key).is_some_and(|node| node.text().is_some());
        is_text("image")
            || service.get("build").is_some_and(|node| node.text().is_some() || node.get("context").is_some())
    };
    let is_object = ["apiVersion", "kind", "jobs", "pipeline"].iter().any(|key| document.get(key).is_some());
    !services.is_empty() && !is_object && services.iter().all(|(_, service)| is_service(service))
}

/// The names by which others reach a service.
pub fn hosts(name: &Key, service: &Node) -> Vec<String> {
    let own = ["container_name", "hostname"].iter().filter_map(|key| service.get(key));
    let networks = service.get("networks").map(Node::entries).unwrap_or_default();
    let aliases = networks.iter().filter_map(|(_, network)| network.get("aliases")).flat_map(Node::items);
    let names = [name.text.as_str()].into_iter().chain(own.chain(aliases).filter_map(Node::text));
    names.map(str::to_owned).collect()
}

/// A service with what it takes over from others.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its name.
    pub name: Key,
    /// What it says, with the values of variables put in.
    pub node: Node,
    /// What it says, as written.
    raw: Node,
}

/// A compose file with what lies around it.
pub struct Composition<'f> {
    file: &'f ManifestFile,
    /// The variables of the `.env` file beside it.
    known: DotEnv,
    other: &'f dyn Fn(&str) -> Option<&'f ManifestFile>,
}

impl<'f> Composition<'f> {
    /// A compose file; `other` gives another file of the workspace by its path.
    pub fn new(file: &'f ManifestFile, other: &'f dyn Fn(&str) -> Option<&'f ManifestFile>) -> Self {
        let beside = join(folder(&file.path), ".env").and_then(|path| other(&path));
        let known = beside.map(|file| crate::services::variables_of(&file.text)).unwrap_or_default();
        Self { file, known, other }
    }

    /// Another file of the workspace.
    pub fn at(&self, path: &str) -> Option<&'f ManifestFile> {
        (self.other)(path)
    }

    /// Another file, by its path from this one.
    pub fn beside(&self, path: &str) -> Option<&'f ManifestFile> {
        self.at(&join(folder(&self.file.path), path)?)
    }

    /// The services, or why the file could not be read.
    pub fn services(&self) -> Result<Vec<Service>, String> {
        let documents = self.file.documents()?;
        let own = documents.iter().filter_map(|found| found.get("services")).flat_map(Node::entries);
        let services = own.map(|(name, service)| {
            let raw = self.extended(service, documents, MAX_EXTENDS);
            let mut node = raw.clone();
            node.walk_mut(&mut |node| self.put_in(node));
            Service { name: name.clone(), node, raw }
        });
        Ok(services.collect())
    }

    /// Puts the values of variables into a text.
    fn put_in(&self, node: &mut Node) {
        if let Value::Scalar(text) = &mut node.value
            && text.contains('$')
        {
            *text = expand(text, &self.known);
        }
    }

    /// A service with what it takes over from another one, of its own file or of another.
    fn extended(&self, service: &Node, own: &[Node], left: usize) -> Node {
        let Some(extends) = service.get("extends").filter(|_| left > 0 && service.is_map()) else {
            return service.clone();
        };
        let Some(mut whole) = self.base(extends, own, left).filter(Node::is_map) else { return service.clone() };
        for (key, value) in service.entries() {
            let merged = match whole.get(&key.text) {
                Some(base) if key.text == "environment" => both(base, value),
                _ => value.clone(),
            };
            whole.put(key.clone(), merged);
        }
        whole
    }

    /// The service that another one extends. What stands in another file has its place where it is asked for.
    fn base(&self, extends: &Node, own: &[Node], left: usize) -> Option<Node> {
        let name = extends.text().or_else(|| extends.get("service")?.text())?;
        let of = |documents: &[Node]| {
            let found = documents.iter().find_map(|found| found.at(&["services", name]))?;
            Some(self.extended(found, documents, left - 1))
        };
        let Some(file) = extends.get("file").and_then(Node::text) else { return of(own) };
        let mut found = of(self.beside(file)?.documents().ok()?)?;
        found.pin(extends.span);
        Some(found)
    }

    /// The environment: what the service says itself comes behind the files that it names, and goes before them.
    pub fn environment(&self, service: &Service) -> Vec<Given> {
        let path = Ustr::from(&self.file.path);
        let own = environment(&service.raw).into_iter().map(|entry| {
            let passed = || self.known.iter().rev().find(|(known, _)| known == entry.name).map(|(_, value)| value);
            let value = entry.value.map(|value| expand(value, &self.known)).or_else(|| passed().cloned());
            Given {
                name: entry.name.to_owned(),
                value,
                span: entry.span,
                place: place(path, entry.span),
                is_common: false,
                is_fallback: entry.value.is_some_and(|value| falls_back(value, &self.known)),
            }
        });
        let own: Vec<Given> = own.collect();
        let mut out = self.of_files(&service.node);
        out.extend(own);
        out
    }

    /// The files that a service names for its environment: where it does, and its path from this one.
    fn named<'n>(&self, service: &'n Node) -> Vec<(Span, &'n str)> {
        let Some(named) = service.get("env_file") else { return Vec::new() };
        let named = if let Value::List(items) = &named.value { items.as_slice() } else { std::slice::from_ref(named) };
        let path = |entry: &'n Node| entry.text().or_else(|| entry.get("path")?.text());
        named.iter().filter_map(|entry| Some((entry.span, path(entry)?))).collect()
    }

    /// The variables of the files that a service names for its environment.
    fn of_files(&self, service: &Node) -> Vec<Given> {
        let files = self.named(service).into_iter().filter_map(|(span, path)| Some((span, self.beside(path)?)));
        let variables = files.flat_map(|(span, file)| {
            let path = Ustr::from(&file.path);
            let all = crate::services::placed_variables_of(&file.text).into_iter();
            all.map(move |(name, value, at)| Given {
                name,
                value: Some(value),
                span,
                place: place(path, at),
                is_common: true,
                is_fallback: false,
            })
        });
        variables.collect()
    }

    /// Whether a service may be given more than is seen: by files that are not there, or another service that is not.
    pub fn is_open(&self, service: &Service) -> bool {
        let is_missing = |(_, path): (Span, &str)| self.beside(path).is_none();
        let extends = service.raw.get("extends");
        let own = || self.file.documents().unwrap_or_default();
        self.named(&service.node).into_iter().any(is_missing)
            || extends.is_some_and(|extends| self.base(extends, own(), 1).is_none())
    }

    /// The Dockerfile that a service is built from, and the folder of its build.
    pub fn build(&self, service: &Node) -> Option<(String, String)> {
        let build = service.get("build")?;
        let said = |key: &str| build.get(key).and_then(Node::text);
        let context = join(folder(&self.file.path), build.text().or_else(|| said("context")).unwrap_or("."))?;
        Some((join(&context, said("dockerfile").unwrap_or("Dockerfile"))?, context))
    }
}

/// The variables that a service names itself: a mapping, or a list of `NAME=value`.
fn environment(service: &Node) -> Vec<Entry<'_>> {
    match service.get("environment").map(|node| &node.value) {
        Some(Value::List(items)) => items.iter().filter_map(of_item).collect(),
        Some(Value::Map(entries)) => {
            entries.iter().map(|(key, value)| Entry::new(&key.text, key.span, value)).collect()
        }
        _ => Vec::new(),
    }
}

fn of_item(item: &Node) -> Option<Entry<'_>> {
    let text = item.text()?;
    let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
    Some(Entry { name: name.trim(), value, span: item.span })
}

/// Two environments together: the second goes before the first.
fn both(base: &Node, more: &Node) -> Node {
    let (mut out, more) = (mapped(base), mapped(more));
    more.entries().iter().for_each(|(key, value)| out.put(key.clone(), value.clone()));
    out
}

/// An environment as a mapping.
fn mapped(environment: &Node) -> Node {
    let Value::List(items) = &environment.value else { return environment.clone() };
    let entries = items.iter().filter_map(of_item).map(|entry| {
        let value = entry.value.map_or(Value::Null, |value| Value::Scalar(value.to_owned()));
        (Key { text: entry.name.to_owned(), span: entry.span }, Node { value, span: entry.span })
    });
    Node { value: Value::Map(entries.collect()), span: environment.span }
}
