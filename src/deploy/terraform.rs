//! Processes that Terraform sets up, with their environments.
//!
//! Sources: <https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/lambda_function>,
//! <https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/ecs_task_definition>,
//! <https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/cloud_run_v2_service>,
//! <https://registry.terraform.io/providers/hashicorp/kubernetes/latest/docs/resources/deployment>,
//! <https://registry.terraform.io/providers/hashicorp/helm/latest/docs/resources/release>.

use super::container::written;
use super::variable::Entry;
use super::{Container, Deployment, Platform, Variable, collector, objects, pin, place, settings, tasks, values};
use crate::hcl::{self, Resource};
use crate::ir::Span;
use crate::paths::folder;
use crate::services::{ManifestFile, expand, falls_back};
use crate::yaml::{Node, Value};
use ustr::Ustr;

const FUNCTION: &str = "aws_lambda_function";
const TASK: &str = "aws_ecs_task_definition";
const RELEASE: &str = "helm_release";
/// Beginnings of the types of resources that run containers of their own, and of those of Kubernetes.
const RUN: &str = "google_cloud_run";
const PODS: &[&str] = &[
    "kubernetes_deployment",
    "kubernetes_stateful_set",
    "kubernetes_daemonset",
    "kubernetes_daemon_set",
    "kubernetes_cron_job",
];

/// How deep the containers of a resource may lie in its blocks.
const MAX_DEPTH: usize = 8;

/// A process that a resource sets up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Who runs it.
    pub platform: Platform,
    /// Its name for people.
    pub name: String,
    /// Names by which its code may be known.
    pub names: Vec<String>,
    /// Its image, as written, and where that stands.
    pub image: Option<(String, Span)>,
    /// Where it begins.
    pub span: Span,
    /// Its environment: a value is `None` where it is made elsewhere.
    pub variables: Vec<(String, Option<String>, Span)>,
    /// Whether more may be set where that is not seen.
    pub is_open: bool,
    /// Whether nothing else shares its network.
    pub is_alone: bool,
    /// What starts it, and where that stands.
    pub command: Option<(String, Span)>,
}

/// Whether a file is one of Terraform, by its name.
pub fn is_terraform(path: &str) -> bool {
    path.ends_with(".tf")
}

/// Whether a resource of this type is read: it may set the environment of a process, or makes an object of Kubernetes.
fn is_wanted(kind: &str) -> bool {
    matches!(kind, FUNCTION | TASK | RELEASE)
        || kind.starts_with(RUN)
        || PODS.iter().any(|pods| kind.starts_with(pods))
        || objects::is_object(kind)
}

/// The wanted resources of a file, or why it could not be read. One without the name of such a type is not looked at. `all`
/// are the files of the workspace.
fn resources<'f>(file: &'f ManifestFile, all: impl Iterator<Item = &'f ManifestFile>) -> Result<Vec<Resource>, String> {
    let has = |word: &&str| file.text.contains(*word);
    if ![FUNCTION, TASK, RELEASE, RUN].iter().chain(PODS).chain(&objects::WORDS).any(has) {
        return Ok(Vec::new());
    }
    let names = ["local.", "var."].iter().any(|start| file.text.contains(start));
    let is_beside = |other: &&ManifestFile| {
        names && folder(&other.path) == folder(&file.path) && (is_terraform(&other.path) || hcl::is_values(&other.path))
    };
    let around = hcl::Around::new(all.filter(is_beside).map(|other| (other.path.as_str(), other.text.as_str())));
    hcl::resources(&file.text, &around, &is_wanted)
}

/// The processes that a file sets up, or why it could not be read. `all` are the files of the workspace.
pub fn processes<'f>(
    file: &'f ManifestFile,
    all: impl Iterator<Item = &'f ManifestFile>,
) -> Result<Vec<Process>, String> {
    Ok(resources(file, all)?.iter().flat_map(|resource| of_resource(&file.text, resource)).collect())
}

fn of_resource(text: &str, resource: &Resource) -> Vec<Process> {
    match resource.kind.as_str() {
        FUNCTION => vec![function(resource)],
        TASK => task(text, resource),
        RELEASE => release(resource).into_iter().collect(),
        kind if objects::is_object(kind) => Vec::new(),
        _ => containers(resource),
    }
}

/// A process of a resource of which nothing more is known than its name: what `key` says, or the resource's own.
fn named(resource: &Resource, platform: Platform, said: Option<&Node>) -> Process {
    let own = resource.name.text().unwrap_or_default().to_owned();
    let said = said.and_then(Node::text).map(|said| expand(said, &[])).unwrap_or_default();
    let is_open = said.is_empty() || said.contains('$');
    let name = if is_open { own } else { said.clone() };
    let mut names = vec![name.clone(), said];
    names.retain(|name| !name.is_empty());
    names.dedup();
    Process {
        platform,
        name,
        names,
        image: None,
        span: resource.name.span,
        variables: Vec::new(),
        is_open: false,
        is_alone: false,
        command: None,
    }
}

/// A function, whose layers may run what they like beside it.
fn function(resource: &Resource) -> Process {
    let body = &resource.body;
    let mut out = named(resource, Platform::Function, body.get("function_name"));
    let set = blocks(body, "environment").filter_map(|block| block.get("variables"));
    for entries in set {
        out.is_open |= !entries.is_map() || entries.entries().iter().any(|(key, _)| key.text.contains('$'));
        out.variables
            .extend(entries.entries().iter().map(|(key, value)| entry(&Entry::new(&key.text, key.span, value))));
    }
    out.is_open |= body.get("dynamic").is_some();
    out.image = image(body.get("image_uri"));
    out
}

/// The containers of a task, which reach each other at `localhost`.
fn task(text: &str, resource: &Resource) -> Vec<Process> {
    let Some(list) = resource.body.get("container_definitions") else { return Vec::new() };
    let inner;
    let all = match &list.value {
        Value::List(items) => items.as_slice(),
        Value::Scalar(_) => {
            inner = hcl::nested(text, list).unwrap_or_default();
            inner.first().map(Node::items).unwrap_or_default()
        }
        Value::Map(_) | Value::Null => &[],
    };
    let made = all.iter().filter(|container| container.is_map()).map(|container| {
        let part = |key: &str| tasks::part(container, key);
        let mut out = named(resource, Platform::Task, part("name"));
        let environment = part("environment");
        out.is_open = part("environmentFiles").is_some()
            || environment.is_some_and(|list| list.items().is_empty() || !list.items().iter().all(Node::is_map));
        out.span = part("name").map_or(container.span, |name| name.span);
        out.variables = tasks::environment(container).iter().map(entry).collect();
        out.image = image(part("image"));
        out.is_alone = all.len() == 1;
        out.command = command([part("entryPoint"), part("command")]);
        out
    });
    made.collect()
}

/// The containers in the blocks of a resource.
fn containers(resource: &Resource) -> Vec<Process> {
    let platform = if resource.kind.starts_with(RUN) { Platform::Service } else { Platform::Kubernetes };
    let metadata = blocks(&resource.body, "metadata").next();
    let said = metadata.and_then(|block| block.get("name")).or_else(|| resource.body.get("name"));
    let (mut found, mut is_open) = (Vec::new(), false);
    collect(&resource.body, MAX_DEPTH, &mut found, &mut is_open);
    let made = found.iter().map(|container| {
        let mut out = named(resource, platform, said);
        out.names.extend(container.get("name").and_then(Node::text).map(str::to_owned));
        let entries = blocks(container, "env").filter_map(|block| {
            let name = block.get("name")?;
            let alone = Entry { name: name.text()?, value: None, span: name.span };
            Some(entry(&block.get("value").map_or(alone, |value| Entry::new(alone.name, name.span, value))))
        });
        out.variables = entries.collect();
        out.is_open = ["dynamic", "env_from"].iter().any(|key| container.get(key).is_some());
        out.is_alone = found.len() == 1 && !is_open;
        out.image = image(container.get("image"));
        out.command = command([container.get("command"), container.get("args")]);
        out
    });
    made.collect()
}

/// The containers below a block; whether others may be made.
fn collect<'n>(block: &'n Node, left: usize, out: &mut Vec<&'n Node>, is_open: &mut bool) {
    let Some(left) = left.checked_sub(1) else { return };
    for (key, inner) in block.entries() {
        match key.text.as_str() {
            "container" | "containers" => out.extend(inner.items().iter().filter(|one| one.is_map())),
            "dynamic" => *is_open = true,
            _ => inner.items().iter().for_each(|one| collect(one, left, out, is_open)),
        }
    }
}

/// What a release gives to the chart's containers by single values whose names end as variables do: what the chart makes of
/// them is not seen.
fn release(resource: &Resource) -> Option<Process> {
    let mut out = named(resource, Platform::Kubernetes, resource.body.get("name"));
    for set in blocks(&resource.body, "set") {
        let Some((name, value)) = set.get("name").zip(set.get("value")) else { continue };
        let last = name.text().unwrap_or_default().rsplit('.').next().unwrap_or_default();
        if is_variable(last) {
            out.variables.push(entry(&Entry::new(last, name.span, value)));
        }
    }
    out.is_open = true;
    (!out.variables.is_empty()).then_some(out)
}

fn is_variable(name: &str) -> bool {
    name.contains('_') && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// The blocks of a kind.
fn blocks<'n>(node: &'n Node, kind: &str) -> impl Iterator<Item = &'n Node> {
    node.get(kind).map(Node::items).unwrap_or_default().iter()
}

fn entry(found: &Entry<'_>) -> (String, Option<String>, Span) {
    (found.name.to_owned(), found.value.map(str::to_owned), found.span)
}

fn image(node: Option<&Node>) -> Option<(String, Span)> {
    node.and_then(|node| Some((expand(node.text()?, &[]), node.span)))
}

fn command(parts: [Option<&Node>; 2]) -> Option<(String, Span)> {
    let parts: Vec<(String, Span)> =
        parts.into_iter().flatten().filter_map(|node| Some((node.line()?, node.span))).collect();
    let (_, span) = parts.first()?;
    Some((parts.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join(" "), *span))
}

/// What a file says, for the rules; what could not be read is told.
pub(super) fn read(file: &ManifestFile, all: &[ManifestFile], maps: &settings::Maps, out: &mut Deployment) {
    let path = Ustr::from(&file.path);
    let found = match resources(file, all.iter()) {
        Ok(found) => found,
        Err(reason) => {
            out.skipped.push((file.path.clone(), reason));
            return;
        }
    };
    for resource in &found {
        out.containers.extend(of_resource(&file.text, resource).into_iter().map(|process| container(path, process)));
        if objects::is_object(&resource.kind) {
            objects::read(file, resource, maps, out);
        }
        if resource.kind == RELEASE {
            pin::of_charts(path, &resource.body, &mut out.pins);
            let given = blocks(&resource.body, "values");
            let documents = given.flat_map(|node| match &node.value {
                Value::Map(_) => vec![node.clone()],
                _ => hcl::nested(&file.text, node).unwrap_or_default(),
            });
            for document in documents.collect::<Vec<_>>() {
                let name = resource.name.text().unwrap_or_default();
                collector::read(path, &file.text, &document, out);
                values::read(path, name, &document, out);
            }
        }
    }
}

fn container(path: Ustr, process: Process) -> Container {
    let variables = process.variables.into_iter().map(|(name, value, span)| Variable {
        name,
        is_fallback: value.as_deref().is_some_and(|value| falls_back(value, &[])),
        value: value.map(|value| expand(&value, &[])).as_deref().and_then(written),
        place: place(path, span),
        is_common: false,
    });
    Container {
        image: process.image.map(|(image, span)| (image, place(path, span))),
        variables: variables.collect(),
        is_open: process.is_open,
        is_alone: process.is_alone,
        has_command: process.command.is_some(),
        ..Container::new(process.platform, path, process.name, place(path, process.span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let all = processes(&ManifestFile::new("main.tf", text), std::iter::empty()).expect("reads");
        let show = |one: &Process| {
            let variables =
                one.variables.iter().map(|(name, value, _)| format!("{name}={}", value.as_deref().unwrap_or("?")));
            format!("{} {}", one.name, variables.collect::<Vec<_>>().join(" "))
        };
        all.iter().map(show).collect()
    }

    #[test]
    fn environments_are_read_from_all_kinds_of_resources() {
        let text = "resource \"aws_lambda_function\" \"a\" {\n  function_name = \"${var.p}-a\"\n  environment {\n    variables = { OTEL_A = \"1\" }\n  }\n}\n";
        assert_eq!(found(text), ["a OTEL_A=1"]);
        let text = "resource \"aws_ecs_task_definition\" \"b\" {\n  container_definitions = jsonencode([{ name = \"c\", environment = [{ name = \"D\", value = \"2\" }] }])\n}\n";
        assert_eq!(found(text), ["c D=2"]);
        let text = "resource \"google_cloud_run_v2_service\" \"e\" {\n  template {\n    containers {\n      env {\n        name = \"F\"\n        value = \"3\"\n      }\n    }\n  }\n}\n";
        assert_eq!(found(text), ["e F=3"]);
        let text = "resource \"kubernetes_deployment_v1\" \"g\" {\n  spec {\n    template {\n      spec {\n        container {\n          env {\n            name = \"H\"\n          }\n        }\n      }\n    }\n  }\n}\n";
        assert_eq!(found(text), ["g H=?"]);
        let text =
            "resource \"helm_release\" \"i\" {\n  set {\n    name = \"a.env.OTEL_J\"\n    value = \"4\"\n  }\n}\n";
        assert_eq!(found(text), ["i OTEL_J=4"]);
        assert!(found("resource \"x\" \"y\" {").is_empty());
    }
}
