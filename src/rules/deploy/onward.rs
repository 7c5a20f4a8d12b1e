//! `exporter-endpoint`: a collector's own exporter has an address to which no span gets through.
//!
//! Sources: <https://github.com/open-telemetry/opentelemetry-collector/tree/main/exporter/otlphttpexporter>,
//! <https://github.com/open-telemetry/opentelemetry-collector/tree/main/exporter/otlpexporter>.

use super::super::Verdicts;
use super::environment::{is_local, listens};
use super::removed::is_collector;
use super::tail::runners;
use super::{Material, validate};
use crate::deploy::{Collector, Component, Kind, Sends, known};
use crate::finding::{Confidence, Finding, Place, Related};

/// Judges the exporters of traces of one configuration.
pub(super) fn check(material: &Material<'_>, collector: &Collector, out: &mut Verdicts) {
    for component in collector.components.iter().filter(|component| component.section == "exporters") {
        let used = collector.of_traces().any(|pipeline| pipeline.exporters().iter().any(|(id, _)| *id == component.id));
        let Some(sends) = known().sends.iter().find(|sends| sends.kinds.iter().any(|kind| kind == component.kind()))
        else {
            continue;
        };
        // The setting for the whole address of traces goes before the one for all signals.
        let has_own = !sends.whole.is_empty() && component.settings.get(&sends.whole).is_some();
        let Some(endpoint) = component.settings.get("endpoint").filter(|_| used && !has_own) else { continue };
        let Some(address) = endpoint.text().map(str::trim).filter(|text| !text.is_empty()) else { continue };
        let place = Place { path: collector.path, span: endpoint.span };
        let given = Given { component, sends, address, place };
        let found = twice(&given)
            .or_else(|| no_scheme(&given))
            .or_else(|| other_port(material, &given))
            .or_else(|| itself(material, collector, &given));
        if let Some(mut found) = found {
            // Other values may be put over those of a chart.
            if matches!(collector.kind, Kind::Values { .. }) {
                found.confidence = Confidence::Likely;
            }
            found.effect =
                "no span that passes through this exporter arrives: the collector tries for a while and drops them"
                    .to_owned();
            if found.confirm.is_empty() {
                found.confirm =
                    "watch `otelcol_exporter_send_failed_spans` grow, and look at the collector's log".to_owned();
            }
            found.service = collector.name().to_owned();
            out.findings.push(found);
        }
    }
}

/// An address that an exporter is given.
struct Given<'a> {
    component: &'a Component,
    sends: &'a Sends,
    address: &'a str,
    place: Place,
}

/// The path of a signal, behind which the exporter puts the path once more.
fn twice(given: &Given<'_>) -> Option<Finding> {
    let Given { component, sends, address, place } = given;
    let base = address.trim_end_matches('/');
    let path = sends.adds.iter().find(|path| base.ends_with(path.as_str()))?;
    let (id, whole) = (&component.id, &sends.whole);
    let first = sends.adds.first()?;
    let mut found = Finding::new("exporter-endpoint", *place, Confidence::Certain);
    found.message = format!("`{id}` adds `{first}` to `endpoint`, which ends in `{path}` already");
    found.label = format!("sends to `{path}{first}`");
    found.help = format!("take `{path}` away, or name the whole address `{whole}`");
    Some(found)
}

/// A URL is wanted, and there is none.
fn no_scheme(given: &Given<'_>) -> Option<Finding> {
    let Given { component, sends, address, place } = given;
    if sends.whole.is_empty() || address.contains("://") || address.contains(['$', '{', '%', '<']) {
        return None;
    }
    let mut found = Finding::new("exporter-endpoint", *place, Confidence::Certain);
    found.message = format!("`{}` takes a URL as `endpoint`, and `{address}` has no scheme", component.id);
    found.label = "no scheme".to_owned();
    found.help = format!("write `http://{address}` (or `https://`)");
    Some(found)
}

/// The port at which collectors take the other protocol.
fn other_port(material: &Material<'_>, given: &Given<'_>) -> Option<Finding> {
    let Given { component, sends, address, place } = given;
    let port = port(address).filter(|port| *port == sends.other_port)?;
    if listens(material, &sends.protocol, port) {
        return None;
    }
    let (id, protocol) = (&component.id, &sends.protocol);
    let mut found = Finding::new("exporter-endpoint", *place, Confidence::Likely);
    found.message = format!("`{id}` speaks {protocol} to port {port}, where the other form of OTLP is taken by custom");
    found.label = format!("port {port}");
    found.help = format!(
        "use port {}, or {}; this assumes that the receiver listens where OTLP does by custom",
        sends.own_port, sends.instead
    );
    Some(found)
}

/// The collector's own container, in which nothing else takes spans.
fn itself(material: &Material<'_>, collector: &Collector, given: &Given<'_>) -> Option<Finding> {
    let Given { component, address, place, .. } = given;
    let mut all = runners(material, collector).peekable();
    let first = *all.peek().filter(|_| is_local(address))?;
    let is_lone = |image: &str| is_collector(image);
    if !all.all(|one| one.is_alone && one.image.as_ref().is_some_and(|(image, _)| is_lone(image))) {
        return None;
    }
    let mut found = Finding::new("exporter-endpoint", *place, Confidence::Likely);
    found.message =
        format!("`{}` sends to `localhost`: the container of the collector itself, {}", component.id, first.name);
    found.label = "the collector itself".to_owned();
    found.help = "name the service of the backend".to_owned();
    found.confirm = validate(collector);
    found.related.push(Related { place: first.place, message: "runs alone here".to_owned() });
    Some(found)
}

/// The port of an address, whose host may be filled in.
pub(super) fn port(address: &str) -> Option<u16> {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split('/').next()?.rsplit_once(':')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::port;

    #[test]
    fn ports_are_read_behind_hosts_that_are_filled_in() {
        assert_eq!(port("http://${env:HOST}:4317/x"), Some(4317));
        assert_eq!(port("tempo:4318"), Some(4318));
        assert_eq!((port("https://tempo/v1"), port("${env:ADDRESS}")), (None, None));
    }
}
