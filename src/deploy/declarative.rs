//! Declarative configurations of the SDK, which take the place of its variables.
//!
//! Source: <https://opentelemetry.io/docs/specs/otel/configuration/sdk/#in-memory-configuration-model>: with one, the other
//! variables count only where it refers to them.

use super::{Container, Variable, place};
use crate::paths::{file_name, folder, is_below};
use crate::services::expand;
use crate::yaml::{Node, is_template};
use ustr::Ustr;

/// The variables that name such a file.
const NAMED_BY: [&str; 2] = ["OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE"];

/// A configuration, by the variables that say the same.
#[derive(Debug)]
pub(super) struct Configuration {
    path: Ustr,
    /// Names with values as written and their places.
    says: Vec<(&'static str, String, crate::finding::Place)>,
}

/// The configuration in a document, if it is one.
pub(super) fn read(path: Ustr, document: &Node) -> Option<Configuration> {
    document.get("file_format")?;
    let mut out = Configuration { path, says: Vec::new() };
    if let Some((key, _)) = document.entry("disabled").filter(|(_, value)| value.is_true()) {
        out.says.push(("OTEL_SDK_DISABLED", "true".to_owned(), place(path, key.span)));
    }
    out.propagator(document);
    if let Some(provider) = document.get("tracer_provider") {
        out.sampler(provider);
        let processors = provider.get("processors").map(Node::items).unwrap_or_default();
        processors.iter().for_each(|processor| out.processor(processor));
    }
    Some(out)
}

impl Configuration {
    fn say(&mut self, name: &'static str, node: Option<&Node>) {
        if let Some(node) = node
            && let Some(text) = node.text()
        {
            self.says.push((name, text.to_owned(), place(self.path, node.span)));
        }
    }

    fn propagator(&mut self, document: &Node) {
        let Some((key, composite)) = document.get("propagator").and_then(|node| node.entry("composite")) else {
            let listed = document.at(&["propagator", "composite_list"]);
            return self.say("OTEL_PROPAGATORS", listed);
        };
        let name = |item: &Node| {
            item.text().map(str::to_owned).or_else(|| item.entries().first().map(|(key, _)| key.text.clone()))
        };
        let names: Option<Vec<String>> = composite.items().iter().map(name).collect();
        if let Some(names) = names.filter(|names| !names.is_empty()) {
            self.says.push(("OTEL_PROPAGATORS", names.join(","), place(self.path, key.span)));
        }
    }

    fn sampler(&mut self, provider: &Node) {
        let Some((key, settings)) = provider.get("sampler").and_then(|sampler| sampler.entries().first()) else {
            return;
        };
        let at = place(self.path, key.span);
        let name = match key.text.as_str() {
            "always_on" => "always_on",
            "always_off" => "always_off",
            "trace_id_ratio_based" => "traceidratio",
            _ => return,
        };
        self.says.push(("OTEL_TRACES_SAMPLER", name.to_owned(), at));
        self.say("OTEL_TRACES_SAMPLER_ARG", settings.get("ratio"));
    }

    fn processor(&mut self, processor: &Node) {
        let Some(batch) = processor.get("batch").or_else(|| processor.get("simple")) else { return };
        self.say("OTEL_BSP_SCHEDULE_DELAY", batch.get("schedule_delay"));
        self.say("OTEL_BSP_EXPORT_TIMEOUT", batch.get("export_timeout"));
        let Some((key, exporter)) = batch.get("exporter").and_then(|exporter| exporter.entries().first()) else {
            return;
        };
        let protocol = match key.text.as_str() {
            "otlp_http" => Some("http/protobuf"),
            "otlp_grpc" => Some("grpc"),
            "otlp" => None,
            _ => return,
        };
        match protocol {
            Some(name) => {
                self.says.push(("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", name.to_owned(), place(self.path, key.span)));
            }
            None => self.say("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", exporter.get("protocol")),
        }
        self.say("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", exporter.get("endpoint"));
        self.say("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", exporter.get("timeout"));
    }
}

/// Gives the containers that name a configuration what it says, in the place of their own variables.
pub(super) fn apply(containers: &mut [Container], all: &[Configuration]) {
    for container in containers.iter_mut() {
        let Some(named) = NAMED_BY.iter().find(|name| container.sets(name)) else { continue };
        let found = container.variable(named).and_then(|(value, _)| of_name(all, container, value));
        let known: Vec<(String, String)> = container
            .variables
            .iter()
            .filter_map(|variable| Some((variable.name.clone(), variable.value.clone()?)))
            .collect();
        let names_service = |name: &str| matches!(name, "OTEL_SERVICE_NAME" | "OTEL_RESOURCE_ATTRIBUTES");
        container.variables.retain(|variable| !variable.name.starts_with("OTEL_") || names_service(&variable.name));
        // One that is not seen may say anything.
        container.is_open |= found.is_none();
        let says = found.map(|found| found.says.as_slice()).unwrap_or_default();
        container.variables.extend(says.iter().map(|(name, value, place)| {
            let value = Some(expand(value, &known)).filter(|value| !value.contains('$') && !is_template(value));
            Variable { name: (*name).to_owned(), value, place: *place, is_common: false, is_fallback: false }
        }));
    }
}

/// The configuration that a path inside a container means: one of this name below the container's own folder, else the
/// only one of this name.
fn of_name<'c>(all: &'c [Configuration], container: &Container, path: &str) -> Option<&'c Configuration> {
    let named: Vec<&Configuration> = all.iter().filter(|one| file_name(&one.path) == file_name(path)).collect();
    let home = folder(&container.path);
    match named.as_slice() {
        [one] => Some(one),
        several => {
            let mut near = several.iter().filter(|one| is_below(&one.path, home));
            near.next().filter(|_| near.next().is_none()).copied()
        }
    }
}
