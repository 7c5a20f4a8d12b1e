//! How gateways and meshes trace what passes through them: settings of Istio, Traefik and Kong.
//!
//! Sources: <https://istio.io/latest/docs/reference/config/telemetry/#Tracing>,
//! <https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#Tracing>,
//! <https://doc.traefik.io/traefik/reference/install-configuration/observability/tracing/>,
//! <https://developer.konghq.com/plugins/opentelemetry/>. Traefik keeps a share of zero only of traces that begin with it, and
//! splits the address of its gRPC exporter into host and port, which a scheme makes impossible
//! (<https://github.com/traefik/traefik/blob/v3.4/pkg/types/tracing.go>). The plugin of Kong marks every trace as not to be
//! kept where `tracing_instrumentations` is off, as it is by default
//! (<https://github.com/Kong/kong/blob/3.9.0/kong/plugins/opentelemetry/traces.lua>).

use super::{known, place};
use crate::finding::Place;
use crate::yaml::{Node, Value};
use ustr::Ustr;

/// A setting of a gateway or mesh that says how it traces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// Where it is set.
    pub place: Place,
    /// The setting, as people write it.
    pub by: String,
    /// What it says.
    pub says: Says,
}

/// What a setting of a gateway says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Says {
    /// No trace that begins with it is kept.
    KeepsNone,
    /// Its spans are made, and not sent.
    SendsNone,
    /// Its spans go to the provider of this name.
    Provider(String),
    /// A provider of this name is defined.
    Defines(String),
    /// Providers are defined that cannot be read.
    DefinesOthers,
    /// What comes in is not read: each request begins a new trace.
    ReadsNone,
    /// It traces by a plugin that takes spans from instrumentation which is switched on elsewhere.
    NeedsInstrumentation,
    /// The address of a gRPC exporter, as written.
    GrpcAddress(String),
    /// The address of an HTTP exporter, as written.
    HttpAddress(String),
}

/// The settings in a YAML document.
pub(super) fn of_document(path: Ustr, document: &Node, out: &mut Vec<Gateway>) {
    let kind = document.get("kind").and_then(Node::text).unwrap_or_default();
    if kind == "Telemetry" {
        telemetry(path, document, out);
    }
    // What cannot be read of the texts that a ConfigMap holds may define any.
    let texts = document.get("data").filter(|_| kind == "ConfigMap").map(Node::entries).unwrap_or_default();
    for (_, text) in texts.iter().filter(|(_, text)| text.text().is_some_and(is_closed)) {
        push(path, text, "extensionProviders", Says::DefinesOthers, out);
    }
    if let Some(mesh) = mesh_of(document) {
        mesh_settings(path, mesh, out);
    }
    if let Some(share) = document.at(&["values", "pilot", "traceSampling"]).or_else(|| {
        let own = document.at(&["pilot", "traceSampling"]);
        own.or_else(|| document.at(&["spec", "values", "pilot", "traceSampling"]))
    }) {
        none_kept(path, "pilot.traceSampling", share, out);
    }
    traefik(path, document, out);
    document.walk(&mut |node| {
        kong(path, node, out);
        for part in ["command", "args", "additionalArguments"] {
            let words = node.get(part).map(Node::items).unwrap_or_default();
            words.iter().filter_map(|word| flag(path, word)).for_each(|found| out.push(found));
        }
    });
}

/// Whether a text speaks of providers, and is no YAML in which they could be read.
fn is_closed(text: &str) -> bool {
    text.contains("extensionProviders") && crate::yaml::documents(text).is_err()
}

fn push(path: Ustr, node: &Node, by: &str, says: Says, out: &mut Vec<Gateway>) {
    out.push(Gateway { place: place(path, node.span), by: by.to_owned(), says });
}

/// Takes note of a share of zero.
fn none_kept(path: Ustr, by: &str, share: &Node, out: &mut Vec<Gateway>) {
    if share.text().is_some_and(is_zero) {
        push(path, share, by, Says::KeepsNone, out);
    }
}

fn is_zero(text: &str) -> bool {
    text.trim().parse::<f64>().is_ok_and(|share| share == 0.0)
}

/// A resource that says how the proxies of a mesh trace.
fn telemetry(path: Ustr, document: &Node, out: &mut Vec<Gateway>) {
    for tracing in document.at(&["spec", "tracing"]).map(Node::items).unwrap_or_default() {
        if let Some(off) = tracing.get("disableSpanReporting").filter(|off| off.is_true()) {
            push(path, off, "disableSpanReporting", Says::SendsNone, out);
        } else if let Some(share) = tracing.get("randomSamplingPercentage") {
            none_kept(path, "randomSamplingPercentage", share, out);
        }
        for provider in tracing.get("providers").map(Node::items).unwrap_or_default() {
            let Some(name) = provider.get("name") else { continue };
            if let Some(text) = name.text().filter(|text| !text.is_empty() && !text.contains(['$', '{'])) {
                push(path, name, "providers", Says::Provider(text.to_owned()), out);
            }
        }
    }
}

/// The configuration of a mesh: of the operator, in values of its charts, or by itself.
fn mesh_of(document: &Node) -> Option<&Node> {
    let paths: [&[&str]; 3] = [&["spec", "meshConfig"], &["meshConfig"], &["spec", "values", "meshConfig"]];
    paths
        .into_iter()
        .find_map(|path| document.at(path))
        .or_else(|| document.get("extensionProviders").map(|_| document))
}

fn mesh_settings(path: Ustr, mesh: &Node, out: &mut Vec<Gateway>) {
    if let Some(share) = mesh.at(&["defaultConfig", "tracing", "sampling"]) {
        none_kept(path, "defaultConfig.tracing.sampling", share, out);
    }
    let Some(list) = mesh.get("extensionProviders") else { return };
    let providers = list.items();
    for provider in providers {
        match provider.get("name").map(|name| (name, name.text())) {
            Some((name, Some(text))) if !text.is_empty() && !text.contains(['$', '{']) => {
                push(path, name, "extensionProviders", Says::Defines(text.to_owned()), out);
            }
            _ => push(path, list, "extensionProviders", Says::DefinesOthers, out),
        }
    }
    if providers.is_empty() && list.value != Value::Null {
        push(path, list, "extensionProviders", Says::DefinesOthers, out);
    }
}

/// The static configuration of Traefik, and the values of its chart.
fn traefik(path: Ustr, document: &Node, out: &mut Vec<Gateway>) {
    let is_it = ["entryPoints", "providers", "ingressRoute", "ports"].iter().any(|key| document.get(key).is_some());
    let Some(tracing) = document.get("tracing").filter(|_| is_it) else { return };
    if let Some(share) = tracing.get("sampleRate") {
        none_kept(path, "tracing.sampleRate", share, out);
    }
    for (part, says) in [("grpc", Says::GrpcAddress as fn(String) -> Says), ("http", Says::HttpAddress)] {
        let Some(address) = tracing.at(&["otlp", part, "endpoint"]) else { continue };
        if let Some(text) = address.text() {
            push(path, address, &format!("tracing.otlp.{part}.endpoint"), says(text.to_owned()), out);
        }
    }
}

/// The same as an argument of its command line: `--tracing.samplerate=0`.
fn flag(path: Ustr, word: &Node) -> Option<Gateway> {
    let (name, value) = word.text()?.strip_prefix("--tracing.")?.split_once('=')?;
    let says = match name.to_ascii_lowercase().as_str() {
        "samplerate" if is_zero(value) => Says::KeepsNone,
        "otlp.grpc.endpoint" => Says::GrpcAddress(value.to_owned()),
        "otlp.http.endpoint" => Says::HttpAddress(value.to_owned()),
        _ => return None,
    };
    Some(Gateway { place: place(path, word.span), by: format!("--tracing.{name}"), says })
}

/// A plugin of Kong: in its declarative configuration by `name`, as an object of Kubernetes by `plugin`.
fn kong(path: Ustr, node: &Node, out: &mut Vec<Gateway>) {
    let named = [node.get("plugin"), node.get("name")]
        .into_iter()
        .flatten()
        .find(|name| name.text().is_some_and(|text| known().gateway_plugins.iter().any(|plugin| plugin == text)));
    let Some((name, config)) = named.zip(node.get("config").filter(|config| config.is_map())) else { return };
    if node.get("enabled").is_some_and(Node::is_false) || node.get("disabled").is_some_and(Node::is_true) {
        return;
    }
    let addresses = ["endpoint", "traces_endpoint"];
    let exporter = name.text().filter(|text| known().gateway_exporters.iter().any(|plugin| plugin == text));
    if let Some(exporter) = exporter.filter(|_| addresses.iter().any(|key| config.get(key).is_some())) {
        push(path, name, exporter, Says::NeedsInstrumentation, out);
    }
    let ignores = config.get("header_type").filter(|kind| kind.text() == Some("ignore"));
    if let Some(kind) = ignores {
        push(path, kind, "header_type: ignore", Says::ReadsNone, out);
    } else if let Some(list) = config.at(&["propagation", "extract"]).filter(|list| is_empty_list(list)) {
        push(path, list, "propagation.extract: []", Says::ReadsNone, out);
    }
}

fn is_empty_list(node: &Node) -> bool {
    matches!(&node.value, Value::List(items) if items.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, Says)> {
        let mut out = Vec::new();
        for document in crate::yaml::documents(text).unwrap() {
            of_document(Ustr::from("a.yaml"), &document, &mut out);
        }
        out.into_iter().map(|one| (one.by, one.says)).collect()
    }

    #[test]
    fn settings_of_meshes_are_read() {
        let text =
            "kind: Telemetry\nspec:\n  tracing:\n  - providers: [{name: tempo}]\n    randomSamplingPercentage: 0.0\n";
        let expected = [
            ("randomSamplingPercentage".to_owned(), Says::KeepsNone),
            ("providers".to_owned(), Says::Provider("tempo".to_owned())),
        ];
        assert_eq!(found(text), expected);
        let text = "kind: IstioOperator\nspec:\n  meshConfig:\n    defaultConfig: {tracing: {sampling: 0}}\n    extensionProviders: [{name: tempo}]\n";
        assert_eq!(found(text).len(), 2);
        // What can be read is read as a document of its own; of anything else nothing is known.
        let text = "kind: ConfigMap\ndata:\n  mesh: |\n    extensionProviders: [\n";
        assert_eq!(found(text), [("extensionProviders".to_owned(), Says::DefinesOthers)]);
        assert!(found("kind: Telemetry\nspec: {tracing: [{randomSamplingPercentage: 0.5}]}\n").is_empty());
    }

    #[test]
    fn settings_of_gateways_are_read() {
        let text =
            "services: {edge: {command: ['--tracing.sampleRate=0.0', '--tracing.otlp.grpc.endpoint=http://a:4317']}}\n";
        let says: Vec<Says> = found(text).into_iter().map(|(_, says)| says).collect();
        assert_eq!(says, [Says::KeepsNone, Says::GrpcAddress("http://a:4317".to_owned())]);
        let text = "plugins:\n- name: opentelemetry\n  config: {traces_endpoint: 'http://c:4318/v1/traces', header_type: ignore}\n";
        let says: Vec<Says> = found(text).into_iter().map(|(_, says)| says).collect();
        assert_eq!(says, [Says::NeedsInstrumentation, Says::ReadsNone]);
        assert!(
            found("plugins:\n- name: opentelemetry\n  enabled: false\n  config: {header_type: ignore}\n").is_empty()
        );
    }
}
