//! `sampling-off`, `exporter-off`, `exporter-endpoint` and `header-stripped` by the settings of gateways and meshes.

use super::super::Verdicts;
use super::{Material, is_development, is_test};
use crate::deploy::{Container, Gateway, Says};
use crate::finding::{Confidence, Finding, Related, Severity};
use crate::map::Address;
use crate::services::image_name;

/// Providers that a mesh has by itself.
const BUILT_IN: &[&str] = &["envoy", "prometheus", "stackdriver", "zipkin"];
/// By these variables Kong makes spans at all; the second is what older versions call it.
const INSTRUMENTS: [&str; 2] = ["KONG_TRACING_INSTRUMENTATIONS", "KONG_OPENTELEMETRY_TRACING"];
/// The variables of a share of traces that a gateway keeps.
const SHARES: [&str; 2] = ["KONG_TRACING_SAMPLING_RATE", "TRAEFIK_TRACING_SAMPLERATE"];

/// Judges them where something of the workspace is traced.
pub(super) fn check(material: &Material<'_>, out: &mut Verdicts) {
    if !material.is_traced() {
        return;
    }
    let all = &material.deployment.gateways;
    for gateway in all.iter().filter(|gateway| !is_test(&gateway.place.path)) {
        let found = match &gateway.says {
            Says::KeepsNone => keeps_none(gateway),
            Says::SendsNone => sends_none(gateway),
            Says::Provider(name) => undefined(all, gateway, name),
            Says::ReadsNone => reads_none(gateway),
            Says::GrpcAddress(address) => grpc(gateway, address),
            Says::HttpAddress(address) => http(gateway, address),
            Says::Defines(_) | Says::DefinesOthers | Says::NeedsInstrumentation => None,
        };
        out.findings.extend(found.map(of_file));
    }
    for container in material.deployment.containers.iter().filter(|container| !is_development(&container.path)) {
        out.findings.extend(share(container));
        out.findings.extend(plugin_alone(all, container));
    }
}

/// A finding about a file of no service.
fn of_file(mut found: Finding) -> Finding {
    found.service = found.place.path.rsplit('/').next().unwrap_or_default().to_owned();
    found
}

const NOT_KEPT: &str = "each trace that begins at the proxy is marked as not to be kept, and the services behind it that follow their caller drop their parts";

fn keeps_none(gateway: &Gateway) -> Option<Finding> {
    if is_development(&gateway.place.path) {
        return None;
    }
    let mut found = Finding::new("sampling-off", gateway.place, Confidence::Likely);
    found.message = format!("`{}` of zero keeps no trace that begins at the proxy", gateway.by);
    found.label = "drops every trace".to_owned();
    found.effect = NOT_KEPT.to_owned();
    found.help =
        "give it a share above zero, or take the tracing out of the proxy; this assumes that callers send no trace"
            .to_owned();
    found.confirm =
        "send a request without a `traceparent` through the proxy, and look at the one that a service behind it gets: it ends with `-00`".to_owned();
    Some(found)
}

fn sends_none(gateway: &Gateway) -> Option<Finding> {
    if is_development(&gateway.place.path) {
        return None;
    }
    let mut found = Finding::new("exporter-off", gateway.place, Confidence::Likely);
    found.severity = Some(Severity::Warning);
    found.message = format!("`{}` has the proxies hand on ids of spans that they never send", gateway.by);
    found.label = "made, and not sent".to_owned();
    found.effect = "the spans of the services behind a proxy name a parent that is in no trace".to_owned();
    found.help = "let them report, or have them trace nothing; this assumes that the proxies make spans".to_owned();
    found.confirm = "look in the backend for traces whose first span names a parent that is not there".to_owned();
    Some(found)
}

/// A provider that no configuration of a mesh defines, where one is there that defines some.
fn undefined(all: &[Gateway], gateway: &Gateway, name: &str) -> Option<Finding> {
    let defined: Vec<&Gateway> =
        all.iter().filter(|other| matches!(other.says, Says::Defines(_) | Says::DefinesOthers)).collect();
    let is_it = |other: &&Gateway| match &other.says {
        Says::Defines(own) => own == name,
        _ => true,
    };
    let first = defined.first()?;
    if BUILT_IN.contains(&name) || defined.iter().any(is_it) {
        return None;
    }
    let mut found = Finding::new("exporter-off", gateway.place, Confidence::Likely);
    found.severity = Some(Severity::Warning);
    found.message = format!("no configuration of the mesh defines the provider `{name}`");
    found.label = "not defined".to_owned();
    found.effect = "the proxies that this is for send no spans: their part of each trace is missing".to_owned();
    found.help = format!(
        "define `{name}` among `extensionProviders`; this assumes that the mesh has no other configuration than the ones here"
    );
    found.confirm = "run `istioctl analyze`, and look for spans of the proxies in the backend".to_owned();
    found.related.push(Related { place: first.place, message: "others are defined here".to_owned() });
    Some(found)
}

fn reads_none(gateway: &Gateway) -> Option<Finding> {
    let mut found = Finding::new("header-stripped", gateway.place, Confidence::Likely);
    found.message = format!("`{}` has the gateway begin a new trace for each request, whatever comes in", gateway.by);
    found.label = "the trace ends here".to_owned();
    found.effect = "what comes before the gateway and what comes behind it are never one trace".to_owned();
    found.help =
        "let it read the formats that callers send; this assumes that callers before the gateway are traced, and may be trusted"
            .to_owned();
    found.confirm = "send a request with `traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01` through the gateway and look for that trace".to_owned();
    Some(found)
}

/// An address with a scheme, or the port of the other protocol.
fn grpc(gateway: &Gateway, address: &str) -> Option<Finding> {
    let is_filled = address.contains(['$', '{']);
    if address.contains("://") && !is_filled {
        let mut found = lost(gateway, format!("`{}` is a host and a port, and `{address}` has a scheme", gateway.by));
        found.help = "write `host:port`".to_owned();
        found.confidence = Confidence::Certain;
        return Some(found);
    }
    (Address::parse(address)?.port? == 4318).then(|| {
        let mut found = lost(gateway, format!("`{}` speaks gRPC to port 4318, where collectors take HTTP", gateway.by));
        found.help = "use port 4317; this assumes that the receiver listens where OTLP does by custom".to_owned();
        found
    })
}

fn http(gateway: &Gateway, address: &str) -> Option<Finding> {
    (Address::parse(address)?.port? == 4317).then(|| {
        let mut found = lost(gateway, format!("`{}` speaks HTTP to port 4317, where collectors take gRPC", gateway.by));
        found.help = "use port 4318; this assumes that the receiver listens where OTLP does by custom".to_owned();
        found
    })
}

fn lost(gateway: &Gateway, message: String) -> Finding {
    let mut found = Finding::new("exporter-endpoint", gateway.place, Confidence::Likely);
    found.message = message;
    found.label = "no span arrives".to_owned();
    found.effect =
        "the spans of the proxy are missing, and those of the services behind it hang from spans that are not there"
            .to_owned();
    found.confirm = "look for failed exports in the log of the proxy".to_owned();
    found
}

/// A share of zero in the environment of a gateway.
fn share(container: &Container) -> Option<Finding> {
    let (name, (value, place)) = SHARES.iter().find_map(|name| Some((name, container.variable(name)?)))?;
    if container.falls_back(name)
        || value.parse::<f64>().is_ok_and(|share| share != 0.0)
        || value.parse::<f64>().is_err()
    {
        return None;
    }
    let mut found = Finding::new("sampling-off", place, Confidence::Likely);
    found.message = format!("`{name}={value}` of {} keeps no trace that begins there", container.name);
    found.label = "drops every trace".to_owned();
    found.effect = NOT_KEPT.to_owned();
    found.help = "give it a share above zero, or take the tracing out of the gateway".to_owned();
    found.confirm = format!(
        "send a request through {}, and look at the `traceparent` that a service behind it gets: it ends with `-00`",
        container.name
    );
    found.service.clone_from(&container.name);
    Some(found)
}

/// Kong with the plugin that hands traces on, and without what makes its spans: it marks every trace as not to be kept.
fn plugin_alone(all: &[Gateway], container: &Container) -> Option<Finding> {
    let plugin = all.iter().find(|gateway| gateway.says == Says::NeedsInstrumentation)?;
    let (image, place) = container.image.as_ref()?;
    let is_kong = matches!(image_name(image), "kong" | "kong-gateway");
    let is_configured = container.mounts.iter().any(|held| held.ends_with("kong.conf"));
    let said = INSTRUMENTS.iter().find(|name| container.sets(name));
    let value = said.and_then(|name| container.variable(name));
    let is_off = said.is_none() || value.is_some_and(|(value, _)| value == "off");
    if !is_kong || is_configured || container.is_open || !is_off {
        return None;
    }
    let name = &container.name;
    let mut found = Finding::new("sampling-off", value.map_or(*place, |(_, at)| at), Confidence::Likely);
    found.message = format!("{name} has the `opentelemetry` plugin, and `{}` is off", INSTRUMENTS[0]);
    found.label = "drops every trace".to_owned();
    found.effect = format!(
        "{name} makes no spans, and marks every trace that passes through as not to be kept: the services behind it that follow their caller drop their parts"
    );
    found.help =
        format!("set `{}=all`, or take the plugin out; this assumes that no file of settings does", INSTRUMENTS[0]);
    found.confirm = format!(
        "send a request through {name}, and look at the `traceparent` that a service behind it gets: it ends with `-00`"
    );
    found.service.clone_from(name);
    found.related.push(Related { place: plugin.place, message: "the plugin is switched on here".to_owned() });
    Some(found)
}
