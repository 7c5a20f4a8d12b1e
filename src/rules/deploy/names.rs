//! `service-name-missing`: services that call each other, and all have one name for their traces.
//!
//! Source: <https://opentelemetry.io/docs/specs/semconv/resource/#service>: a name is the same for all instances of one
//! service, and another for each service.

use super::super::Verdicts;
use super::Material;
use super::environment::{ENDPOINTS, first, receives};
use super::links::callers;
use super::tail::runners;
use crate::deploy::{Collector, Component, Container};
use crate::finding::{Confidence, Finding, Place, Related};
use crate::map::Address;
use crate::paths::folder;
use crate::yaml::Node;

const NAME: &str = "OTEL_SERVICE_NAME";
const KEY: &str = "service.name";

/// Judges all containers.
pub(super) fn check(material: &Material<'_>, out: &mut Verdicts) {
    for container in &material.deployment.containers {
        let Some((shared, place)) = container.variable(NAME).filter(|(name, _)| !name.is_empty()) else { continue };
        let is_namesake = |caller: &&Container| {
            caller.path == container.path
                && caller.variable(NAME).is_some_and(|(other, _)| other == shared)
                && program(caller).zip(program(container)).is_some_and(|(one, other)| one != other)
        };
        let Some(caller) = callers(material.deployment, container).find(is_namesake) else { continue };
        let (name, other) = (&container.name, &caller.name);
        let mut found = Finding::new("service-name-missing", place, Confidence::Possible);
        found.message = format!("{name} is called `{shared}` in traces, and so is {other}, which calls it");
        found.label = "the name of another service too".to_owned();
        found.effect =
            format!("both are one service in the backend, which seems to call itself: no map of services shows {name}");
        found.help = format!("give each its own `{NAME}`; this assumes that they are two services and no parts of one");
        found.confirm = format!("send a request through {other} and count the services in its trace");
        found.service.clone_from(name);
        let at = caller.variable(NAME).map_or(caller.place, |(_, place)| place);
        found.related.push(Related { place: at, message: format!("{other} has the same name") });
        out.findings.push(found);
    }
}

/// What a container runs, as far as that tells it from others.
fn program(container: &Container) -> Option<&str> {
    container.dockerfile.as_deref().or_else(|| container.image.as_ref().map(|(image, _)| image.as_str()))
}

/// Judges the processors of one collector by which all spans get one name.
pub(super) fn check_collector(material: &Material<'_>, collector: &Collector, out: &mut Verdicts) {
    let is_used =
        |id: &str| collector.of_traces().any(|pipeline| pipeline.processors().iter().any(|(known, _)| known == id));
    let processors = collector.components.iter().filter(|one| one.section == "processors" && is_used(&one.id));
    for processor in processors.filter(|one| one.kind() == "resource") {
        let Some(action) = naming(processor) else { continue };
        let senders = senders(material, collector);
        let [first, second, ..] = senders.as_slice() else { continue };
        let place = Place { path: collector.path, span: action.span };
        let mut found = Finding::new("service-name-missing", place, Confidence::Possible);
        found.message = format!("`{}` gives the spans of all who send to this collector one `{KEY}`", processor.id);
        found.label = "one name for all".to_owned();
        found.effect =
            format!("{} and {} are one service in the backend, which seems to call itself", first.name, second.name);
        found.help = "use the action `insert`, which leaves a name that is there".to_owned();
        found.confirm = "look for the services in the backend's list".to_owned();
        found.service = collector.name().to_owned();
        found.related = senders
            .iter()
            .take(2)
            .map(|one| Related { place: one.place, message: format!("{} sends to it", one.name) })
            .collect();
        out.findings.push(found);
    }
}

/// The action of a processor that puts a written name over the one that spans have.
fn naming(processor: &Component) -> Option<&Node> {
    let text = |action: &Node, key: &str| action.get(key).and_then(Node::text).map(str::to_owned);
    let actions = processor.settings.get("attributes")?.items().iter();
    let mut puts = actions.filter(|action| {
        let puts_over = matches!(text(action, "action").as_deref(), Some("upsert" | "update"));
        text(action, "key").as_deref() == Some(KEY) && puts_over
    });
    let action = puts.next()?;
    text(action, "value").filter(|value| !value.contains(['$', '{'])).and(Some(action))
}

/// The services that are told to send to a collector, each by its own name.
fn senders<'a>(material: &Material<'a>, collector: &'a Collector) -> Vec<&'a Container> {
    let runners: Vec<&Container> = runners(material, collector).collect();
    let is_runner = |address: &Address| {
        let hosts = runners.iter().flat_map(|one| &one.hosts);
        hosts.into_iter().any(|host| *host == address.host || host == address.short())
    };
    let sends = |other: &&Container| {
        runners.iter().any(|runner| folder(&runner.path) == folder(&other.path))
            && !receives(other)
            && first(other, &ENDPOINTS).and_then(|(_, value, _)| Address::parse(value)).is_some_and(|to| is_runner(&to))
    };
    let mut out: Vec<&Container> = material.deployment.containers.iter().filter(sends).collect();
    out.sort_by(|one, other| one.name.cmp(&other.name));
    out.dedup_by(|one, other| one.name == other.name);
    out
}
