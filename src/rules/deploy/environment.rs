//! `exporter-endpoint` and `exporter-off` by variables of containers.

use super::super::Verdicts;
use super::links::callers;
use super::protocol::Spoken;
use super::{Material, is_development, is_test, protocol, units};
use crate::deploy::{Container, Platform, known};
use crate::finding::{Confidence, Finding, Place, Related, Severity};
use crate::map::Address;
use crate::paths::folder;
use crate::yaml::Node;
use rustc_hash::FxHashMap;
use ustr::Ustr;

pub(super) const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// The label of a host that nobody has.
const NOBODY: &str = "nobody has this name";

/// Judges all containers.
pub(super) fn check(material: &Material<'_>, out: &mut Verdicts) {
    // A host that nobody has is one cause, however many send to it.
    let mut strangers: FxHashMap<(Ustr, String), usize> = FxHashMap::default();
    for container in material.deployment.containers.iter().filter(|container| !is_test(&container.path)) {
        if let Some(off) = off(container) {
            switched_off(material, container, &off, out);
            continue;
        }
        units::check(material, container, out);
        let Some((name, value, place)) = first(container, &ENDPOINTS) else { continue };
        let found = itself(material, container, name, value, place)
            .or_else(|| nobody(material, container, value, place).filter(|_| !container.falls_back(name)))
            .or_else(|| wrong_port(material, container, value, place));
        if let Some(mut found) = found {
            found.service.clone_from(&container.name);
            found.effect = format!(
                "every export of {} fails: its part of each trace is missing, and what it calls hangs from spans that are not there",
                container.name
            );
            found.confirm = format!("look for failed exports in the log of {}", container.name);
            let host = Address::parse(value).filter(|_| found.label == NOBODY);
            if let Some(host) = host.map(|address| (container.path, address.host)) {
                if let Some(known) = strangers.get(&host) {
                    let message = format!("so does {}", container.name);
                    out.findings[*known].related.push(Related { place, message });
                    continue;
                }
                strangers.insert(host, out.findings.len());
            }
            out.findings.push(found);
        }
    }
}

/// The first of several variables that is set. Where it is filled in from elsewhere, nothing is known.
pub(super) fn first<'a>(container: &'a Container, names: &[&'static str]) -> Option<(&'static str, &'a str, Place)> {
    let name = names.iter().find(|name| container.sets(name))?;
    let (value, place) = container.variable(name)?;
    (!value.is_empty()).then_some((*name, value, place))
}

/// The variable by which a container's traces are switched off, with its value.
fn off(container: &Container) -> Option<(String, Place)> {
    let known = known().off.iter().filter(|off| off.rule == "exporter-off");
    // What is off until somebody asks for it is meant to be.
    known
        .filter(|off| !container.falls_back(&off.variable))
        .filter_map(|off| {
            let (value, place) = container.variable(&off.variable)?;
            value.eq_ignore_ascii_case(&off.value).then(|| (format!("{}={value}", off.variable), place))
        })
        .next()
}

/// Spans are sent to the container itself, in which nothing takes them.
fn itself(material: &Material<'_>, container: &Container, name: &str, value: &str, place: Place) -> Option<Finding> {
    let injects = material.deployment.workloads.iter().any(|found| {
        found.kind == "Namespace" && found.own.iter().any(|(key, ..)| key.contains("sidecar") || key.contains("inject"))
    });
    // One for want of another is what nobody asked for yet.
    if !is_local(value) || !container.is_alone || injects || receives(container) || container.falls_back(name) {
        return None;
    }
    let around = match container.platform {
        Platform::Kubernetes => "its pod",
        Platform::Task => "its task",
        Platform::Compose | Platform::Machine => "its container",
        Platform::Function | Platform::Service => "its instance",
    };
    let mut found = Finding::new("exporter-endpoint", place, Confidence::Likely);
    found.message =
        format!("`{name}` of {} is `localhost`: {around} itself, in which no collector runs", container.name);
    found.label = "the container itself".to_owned();
    found.help =
        "name the collector's service instead; this assumes that the image runs no collector beside the program"
            .to_owned();
    Some(found)
}

/// Whether a container takes spans in, by what it or its image is called.
pub(super) fn receives(container: &Container) -> bool {
    let image = container.image.as_ref().map_or("", |(image, _)| image.as_str()).to_ascii_lowercase();
    let name = container.name.to_ascii_lowercase();
    known().receiving_images.iter().any(|word| name.contains(word.as_str()) || image.contains(word.as_str()))
}

/// Whether an address is that of the machine itself.
pub(super) fn is_local(value: &str) -> bool {
    let rest = value.split_once("://").map_or(value, |(_, rest)| rest);
    ["localhost", "127.", "[::1]"].iter().any(|host| rest.starts_with(host))
}

/// The port of one protocol with the other.
fn wrong_port(material: &Material<'_>, container: &Container, value: &str, place: Place) -> Option<Finding> {
    off_port(material, container, &protocol::of(material, container)?, value, place)
}

/// An address with the port at which collectors take another protocol than the one that is spoken.
pub(super) fn off_port(
    material: &Material<'_>,
    container: &Container,
    spoken: &Spoken<'_>,
    value: &str,
    place: Place,
) -> Option<Finding> {
    let port = Address::parse(value)?.port?;
    let (speaks, wanted) = match (spoken.name, port) {
        ("grpc", 4318) => ("HTTP", 4317),
        ("http/protobuf" | "http/json", 4317) => ("gRPC", 4318),
        _ => return None,
    };
    if listens(material, spoken.name, port) {
        return None;
    }
    let mut found = Finding::new("exporter-endpoint", place, Confidence::Likely);
    found.message = format!(
        "{} speaks {}{} to port {port}, where collectors take {speaks}",
        container.name, spoken.name, spoken.why
    );
    found.label = format!("port {port}");
    let name = protocol::VARIABLES[1];
    found.help = format!(
        "use port {wanted}, or another `{name}`; this assumes that the receiver listens where OTLP does by custom"
    );
    found.related = spoken
        .at
        .map(|place| Related { place, message: format!("the protocol is {}", spoken.name) })
        .into_iter()
        .collect();
    Some(found)
}

/// Whether a collector of the workspace takes a protocol at a port that is the other's by custom.
pub(super) fn listens(material: &Material<'_>, protocol: &str, port: u16) -> bool {
    let part = if protocol == "grpc" { "grpc" } else { "http" };
    let end = format!(":{port}");
    let components = material.deployment.collectors.iter().flat_map(|collector| &collector.components);
    components.filter(|component| component.section == "receivers").any(|component| {
        component
            .settings
            .at(&["protocols", part, "endpoint"])
            .and_then(Node::text)
            .is_some_and(|text| text.ends_with(&end))
    })
}

/// A host that no service of the compose files has.
fn nobody(material: &Material<'_>, container: &Container, value: &str, place: Place) -> Option<Finding> {
    if container.platform != Platform::Compose || !container.is_alone {
        return None;
    }
    let host = Address::parse(value)?.host;
    let home = folder(&container.path);
    let project = material.deployment.projects.iter().find(|project| project.folder == home)?;
    let is_known =
        material.deployment.projects.iter().flat_map(|one| &one.hosts).any(|known| known.eq_ignore_ascii_case(&host));
    // Where nobody takes spans in, these files are only a part of the network.
    let is_near = |other: &&Container| folder(&other.path) == home && receives(other);
    if !material.deployment.containers.iter().any(|other| is_near(&other)) {
        return None;
    }
    if !project.is_whole || host.contains('.') || host == "localhost" || is_known {
        return None;
    }
    let mut found = Finding::new("exporter-endpoint", place, Confidence::Likely);
    found.message =
        format!("{} sends its spans to `{host}`, which no service of the compose files is called", container.name);
    found.label = NOBODY.to_owned();
    found.help = "name the service that takes spans in; this assumes that nothing else joins the network".to_owned();
    Some(found)
}

/// A service that others call, and that is traced by none of its own spans.
fn switched_off(material: &Material<'_>, container: &Container, off: &(String, Place), out: &mut Verdicts) {
    if is_development(&container.path) {
        return;
    }
    let exports = |other: &&Container| first(other, &ENDPOINTS).is_some() && self::off(other).is_none();
    let Some(caller) = callers(material.deployment, container).find(exports) else { return };
    let (setting, place) = off;
    let (name, other) = (&container.name, &caller.name);
    let mut found = Finding::new("exporter-off", *place, Confidence::Likely);
    found.severity = Some(Severity::Warning);
    found.message = format!("`{setting}` switches off the traces of {name}, which {other} calls");
    found.label = "no spans from here".to_owned();
    found.effect = format!("the part of {name} is missing in each trace of {other}");
    found.help =
        format!("take `{setting}` out, or suppress this where it is meant; this assumes that {name} is instrumented");
    found.confirm = format!("send a request through {other} and look for {name} in its trace");
    found.service.clone_from(name);
    found.related.push(Related { place: caller.place, message: format!("{other} is traced and calls {name}") });
    out.findings.push(found);
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn the_machine_itself_has_several_names() {
        assert!(is_local("http://localhost:4317") && is_local("127.0.0.1:4317") && is_local("http://[::1]:4318"));
        assert!(!is_local("http://localstack:4317") && !is_local("http://collector:4317"));
    }
}
