//! What the operator of OpenTelemetry gives to the programs that it instruments.
//!
//! Source: <https://github.com/open-telemetry/opentelemetry-operator/blob/main/docs/api/instrumentations.md>: the variables
//! of a language go before those of all, and these before exporter, sampler and propagators.

use super::variable::Entry;
use super::{Container, Platform, Variable, Workload, container, known, kubernetes, place};
use crate::finding::Place;
use crate::yaml::Node;
use ustr::Ustr;

/// The kind of the resource.
const KIND: &str = "Instrumentation";
/// The beginning of the annotations that ask for one.
const ASKS: &str = "instrumentation.opentelemetry.io/inject-";
/// The parts of the resource's specification that are for one language.
const LANGUAGES: &[&str] = &["java", "python", "nodejs", "dotnet", "go"];

/// What programs of one language are given by one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Injection {
    /// The language, as the resource calls it; empty for what those of every language are given.
    pub language: String,
    /// The tag of the image that holds what instruments them.
    pub tag: Option<String>,
    /// The variables, with the resource's name and place: no container of its own.
    pub container: Container,
}

impl Injection {
    /// The protocol by which what is put in exports when no variable says it; `None` where the version decides.
    pub fn protocol(&self) -> Option<&'static str> {
        let tag = self.tag.as_deref();
        let fits = |page: &&super::Injects| {
            let is_tag = |wanted: &regex::Regex| tag.is_some_and(|tag| wanted.is_match(tag));
            page.language == self.language && page.tag.as_ref().is_none_or(is_tag)
        };
        known().injects.iter().find(fits).map(|page| page.protocol.as_str())
    }
}

/// The settings in a resource: those of all languages, and of each that it has a part for.
pub(super) fn read(path: Ustr, document: &Node, out: &mut Vec<Injection>) {
    let is_kind = document.get("kind").and_then(Node::text) == Some(KIND)
        && document.get("apiVersion").and_then(Node::text).is_some_and(|text| text.starts_with("opentelemetry.io/"));
    let Some((spec, name)) = document.get("spec").zip(document.at(&["metadata", "name"])).filter(|_| is_kind) else {
        return;
    };
    let common: Vec<Variable> = said(path, spec).chain(variables(path, spec)).collect();
    let injection = |language: &str, part: Option<&Node>| {
        let own = part.into_iter().flat_map(|part| variables(path, part));
        let tag = part.and_then(|part| part.get("image")?.text()).and_then(tag).map(str::to_owned);
        let shown = name.text().unwrap_or_default().to_owned();
        Injection {
            language: language.to_owned(),
            tag,
            container: Container {
                variables: common.iter().cloned().chain(own).collect(),
                // A container's own variables go before these, and others may stand beside it.
                is_open: true,
                is_alone: false,
                ..Container::new(Platform::Kubernetes, path, shown, place(path, name.span))
            },
        }
    };
    out.push(injection("", None));
    let parts = LANGUAGES.iter().filter_map(|language| Some((language, spec.get(language)?)));
    out.extend(parts.filter(|(_, part)| part.is_map()).map(|(language, part)| injection(language, Some(part))));
}

/// The languages that annotations of the workspace ask for, where a resource has no part for them.
pub(super) fn complete(injections: &mut Vec<Injection>, workloads: &[Workload]) {
    let asked = |language: &str| {
        let key = format!("{ASKS}{language}");
        workloads.iter().any(|one| {
            let notes = one.own.iter().chain(one.pod.iter().flatten());
            notes.into_iter().any(|(known, value, _): &(String, String, Place)| *known == key && value != "false")
        })
    };
    let bare: Vec<Injection> = injections.iter().filter(|one| one.language.is_empty()).cloned().collect();
    for (whole, language) in bare.iter().flat_map(|whole| LANGUAGES.iter().map(move |language| (whole, *language))) {
        let has = injections.iter().any(|one| one.language == language && one.container.place == whole.container.place);
        if !has && asked(language) {
            injections.push(Injection { language: language.to_owned(), ..whole.clone() });
        }
    }
}

/// The variables that are made of what the resource says by other names.
fn said(path: Ustr, spec: &Node) -> impl Iterator<Item = Variable> {
    const NAMES: [(&str, &[&str]); 3] = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &["exporter", "endpoint"]),
        ("OTEL_TRACES_SAMPLER", &["sampler", "type"]),
        ("OTEL_TRACES_SAMPLER_ARG", &["sampler", "argument"]),
    ];
    let plain = NAMES.into_iter().filter_map(move |(name, way)| {
        let (last, before) = way.split_last()?;
        let (key, value) = spec.at(before)?.entry(last)?;
        Some(container::variable(path, Entry::new(name, key.span, value)))
    });
    let formats = spec.entry("propagators").and_then(|(key, list)| {
        let value = list.items().iter().map(Node::text).collect::<Option<Vec<_>>>()?.join(",");
        let entry = Entry { name: "OTEL_PROPAGATORS", value: Some(&value), span: key.span };
        Some(container::variable(path, entry))
    });
    plain.chain(formats)
}

fn variables(path: Ustr, part: &Node) -> impl Iterator<Item = Variable> {
    kubernetes::environment(part).map(move |(entry, _)| container::variable(path, entry))
}

/// The tag of an image.
fn tag(image: &str) -> Option<&str> {
    let (_, tag) = image.split('@').next()?.rsplit('/').next()?.split_once(':')?;
    Some(tag)
}
