//! The containers of compose files, and which of them reach each other.

use super::collector::more_than_one;
use super::compose::{self, Composition, Service};
use super::container::{Container, Platform, Project, Variable, image, written};
use super::memory::byte_value;
use super::{Deployment, place};
use crate::finding::Place;
use crate::ir::{LineIndex, Span};
use crate::paths::folder;
use crate::services::ManifestFile;
use crate::yaml::Node;
use ustr::Ustr;

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

/// The files of the workspace that a compose service is given.
fn mounts(path: Ustr, service: &Node) -> Vec<String> {
    let volumes = service.get("volumes").map(Node::items).unwrap_or_default();
    let sources = volumes.iter().filter_map(|volume| {
        volume.text().and_then(|text| text.split(':').next()).or_else(|| volume.get("source").and_then(Node::text))
    });
    // The folder that compose is called in: its own, as a rule.
    let here = |source: &'_ str| {
        source.strip_prefix("${PWD}/").or(source.strip_prefix("$PWD/")).map(|rest| format!("./{rest}"))
    };
    sources
        .map(|source| here(source).unwrap_or_else(|| source.to_owned()))
        .filter(|source| source.starts_with('.'))
        .filter_map(|source| crate::paths::join(folder(&path), &source))
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

#[cfg(test)]
mod tests {
    use super::*;

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
