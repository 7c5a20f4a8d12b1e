//! `exporter-endpoint`: a collector takes spans only from its own container, while others send to it.
//!
//! Source: <https://github.com/open-telemetry/opentelemetry-collector/tree/main/receiver/otlpreceiver>: since version 0.104 an
//! OTLP receiver without an address listens at `localhost`.

use super::super::Verdicts;
use super::environment::{ENDPOINTS, first, is_local};
use super::onward::port as port_of;
use super::removed::{is_collector, is_since};
use super::tail::runners;
use super::{Material, validate};
use crate::deploy::{Collector, Component, Container};
use crate::finding::{Confidence, Finding, Place, Related};
use crate::ir::Span;
use crate::map::Address;
use crate::paths::folder;
use crate::yaml::Value;

/// The version from which on the default is `localhost`, and the one since which nothing switches that off.
const SINCE: (u32, u32, u32) = (0, 104, 0);
const FIXED: (u32, u32, u32) = (0, 110, 0);

/// Judges the receivers of one configuration.
pub(super) fn check(material: &Material<'_>, collector: &Collector, out: &mut Verdicts) {
    let runners: Vec<&Container> = runners(material, collector).collect();
    if runners.is_empty() || !runners.iter().all(|one| one.is_alone) {
        return;
    }
    let is_used =
        |id: &str| collector.of_traces().any(|pipeline| pipeline.receivers().iter().any(|(known, _)| known == id));
    let receivers = collector.components.iter().filter(|one| one.section == "receivers" && is_used(&one.id));
    for receiver in receivers.filter(|one| one.kind() == "otlp") {
        for (protocol, port) in [("grpc", 4317), ("http", 4318)] {
            let Some(listens) = listens(material, collector, &runners, receiver, protocol, port) else { continue };
            let Some((message, at)) = runners.iter().find_map(|runner| sender(material, runner, listens.port)) else {
                continue;
            };
            let place = Place { path: collector.path, span: listens.at };
            out.findings.push(finding(collector, receiver, protocol, &listens, place, Related { place: at, message }));
            break;
        }
    }
}

/// Where a receiver listens that nobody outside of its container reaches.
struct Listens {
    port: u16,
    is_default: bool,
    at: Span,
}

fn listens(
    material: &Material<'_>,
    collector: &Collector,
    runners: &[&Container],
    receiver: &Component,
    protocol: &str,
    port: u16,
) -> Option<Listens> {
    let (key, settings) = receiver.settings.get("protocols")?.entry(protocol)?;
    if let Some(endpoint) = settings.get("endpoint") {
        let text = endpoint.text().filter(|text| is_local(text))?;
        return Some(Listens { port: port_of(text)?, is_default: false, at: endpoint.span });
    }
    // A gap of a template may hold the address.
    let is_plain = matches!(settings.value, Value::Map(_) | Value::Null);
    let since = if runners.iter().any(|one| one.has_command) { FIXED } else { SINCE };
    let is_own = |one: &&Container| one.image.as_ref().is_some_and(|(image, _)| is_collector(image));
    let is_it = collector.is_whole && is_plain && runners.iter().all(is_own) && is_since(material, collector, since);
    is_it.then_some(Listens { port, is_default: true, at: key.span })
}

/// Who sends to a port of a container from outside, and where that is said.
fn sender(material: &Material<'_>, runner: &Container, port: u16) -> Option<(String, Place)> {
    let is_it = |address: &Address| {
        address.port == Some(port) && runner.hosts.iter().any(|host| *host == address.host || host == address.short())
    };
    let near = |other: &&Container| folder(&other.path) == folder(&runner.path) && other.name != runner.name;
    let sends = |other: &Container| {
        let (_, value, place) = first(other, &ENDPOINTS)?;
        Address::parse(value).filter(is_it)?;
        Some((format!("{} sends to it", other.name), place))
    };
    let mut others = material.deployment.containers.iter().filter(near);
    let published = || {
        let (_, place) = runner.publishes.iter().find(|(known, _)| *known == port)?;
        Some((format!("port {port} of {} is published for others", runner.name), *place))
    };
    others.find_map(sends).or_else(published)
}

fn finding(
    collector: &Collector,
    receiver: &Component,
    protocol: &str,
    listens: &Listens,
    place: Place,
    other: Related,
) -> Finding {
    let (id, port) = (&receiver.id, listens.port);
    let mut found = Finding::new("exporter-endpoint", place, Confidence::Likely);
    let why = if listens.is_default { " by default, since version 0.104" } else { "" };
    found.message =
        format!("`{id}` takes {protocol} at `localhost:{port}`{why}: only from inside of the collector's container");
    found.label = "reached from inside alone".to_owned();
    found.effect = "every export of the others is refused: no span of theirs arrives".to_owned();
    found.help = format!("set `endpoint: 0.0.0.0:{port}` under `{protocol}`");
    found.confirm = format!("{}, and look for the address in the log of its start", validate(collector));
    found.service = collector.name().to_owned();
    found.related.push(other);
    found
}
