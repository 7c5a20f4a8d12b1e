//! Configurations of the OpenTelemetry Collector.
//!
//! Source: <https://opentelemetry.io/docs/collector/configuration/>. One is known by its own parts, whatever its file is
//! called: a file of its own, a text inside a ConfigMap or a compose file, a resource of the operator, values of a chart.

use super::{Deployment, place};
use crate::finding::Place;
use crate::yaml::{self, Key, Node, Value};
use ustr::Ustr;

/// The sections that define components, with what a pipeline calls them.
pub const SECTIONS: [&str; 4] = ["receivers", "processors", "exporters", "connectors"];

/// Where a configuration stands, which says how it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// The whole of a file.
    File,
    /// A text in a ConfigMap of this name.
    ConfigMap(String),
    /// A resource of the operator: how many run.
    Resource {
        /// The copies, where more than one is said, with the place that says so.
        copies: Option<(String, Place)>,
        /// The image, where one is named.
        image: Option<String>,
        /// The limit of the container's memory, in bytes, and where it stands.
        memory: Option<(u64, Place)>,
    },
    /// A text in another file.
    Text,
    /// Values that a chart puts over its own: what is not here may be there.
    Values {
        /// The copies, where more than one is said.
        copies: Option<(String, Place)>,
        /// The image that they put in the place of the chart's: its name if they give one, and its tag.
        image: Option<(Option<String>, String)>,
    },
}

/// A component that a configuration defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// The section: `exporters`.
    pub section: &'static str,
    /// Its id: `otlp/tempo`.
    pub id: String,
    /// Where it is defined.
    pub place: Place,
    /// Its settings.
    pub settings: Node,
}

impl Component {
    /// Its type: `otlp` of `otlp/tempo`.
    pub fn kind(&self) -> &str {
        kind_of(&self.id)
    }
}

/// The type of a component by its id.
pub fn kind_of(id: &str) -> &str {
    id.split('/').next().unwrap_or(id).trim()
}

/// A pipeline with the components that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// Its id: `traces/tail`.
    pub id: String,
    /// Where it is defined.
    pub place: Place,
    /// The ids of its receivers, processors and exporters, with their places; `None` where no list is written out.
    pub parts: [Option<Vec<(String, Place)>>; 3],
}

impl Pipeline {
    /// Whether it is one of traces.
    pub fn is_of_traces(&self) -> bool {
        kind_of(&self.id) == "traces"
    }

    /// The receivers that are written out.
    pub fn receivers(&self) -> &[(String, Place)] {
        self.parts[0].as_deref().unwrap_or_default()
    }

    /// The processors that are written out, in their order.
    pub fn processors(&self) -> &[(String, Place)] {
        self.parts[1].as_deref().unwrap_or_default()
    }

    /// The exporters that are written out.
    pub fn exporters(&self) -> &[(String, Place)] {
        self.parts[2].as_deref().unwrap_or_default()
    }
}

/// One configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collector {
    /// The file.
    pub path: Ustr,
    /// Where in it.
    pub kind: Kind,
    /// What it defines.
    pub components: Vec<Component>,
    /// What it does with it.
    pub pipelines: Vec<Pipeline>,
    /// The ids of its extensions, and of those that run.
    pub extensions: Vec<(String, Place)>,
    /// The extensions that run; `None` where no list is written out.
    pub running: Option<Vec<(String, Place)>>,
    /// Whether all of it is seen: no template, no text that is filled in, no values over those of a chart.
    pub is_whole: bool,
    /// Whether a template chooses between parts of it: what is read is the last of them.
    pub has_choices: bool,
}

impl Collector {
    /// The component of this id that a part of a pipeline means; a connector stands at both ends.
    pub fn defined(&self, part: &str, id: &str) -> Option<&Component> {
        self.components.iter().find(|found| {
            found.id == id && (found.section == part || found.section == "connectors" && part != "processors")
        })
    }

    /// The pipelines of traces.
    pub fn of_traces(&self) -> impl Iterator<Item = &Pipeline> {
        self.pipelines.iter().filter(|pipeline| pipeline.is_of_traces())
    }

    /// What it is called for people: its file.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// A part of a configuration in a file of its own; the collector puts several files together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// The file.
    pub path: Ustr,
    /// The ids of what it defines.
    pub defines: Vec<String>,
    /// Whether it has pipelines.
    pub has_pipelines: bool,
}

/// Finds the configurations in a document.
pub(super) fn read(path: Ustr, text: &str, document: &Node, out: &mut Deployment) {
    if is_configuration(document) {
        out.collectors.push(configuration(path, text, document, document, Kind::File));
        return;
    }
    let kind = document.get("kind").and_then(Node::text).unwrap_or_default();
    if kind == "OpenTelemetryCollector" {
        resource(path, text, document, out);
        return;
    }
    let before = out.collectors.len();
    let config_map = (kind == "ConfigMap").then(|| document.at(&["metadata", "name"]).and_then(Node::text)).flatten();
    let mut texts: Vec<&Node> = Vec::new();
    values(path, text, document, out);
    document.walk(&mut |node| {
        if node.text().is_some_and(|text| text.contains("receivers:") && text.contains("pipelines:")) {
            texts.push(node);
        }
    });
    for node in texts {
        let whole = !is_filled(text, node);
        for inner in yaml::nested(text, node).unwrap_or_default().iter().filter(|inner| is_configuration(inner)) {
            let plain = || match super::values::is_values(&path) {
                true => Kind::Values { copies: None, image: None },
                false => Kind::Text,
            };
            let kind = config_map.map_or_else(plain, |name| Kind::ConfigMap(name.to_owned()));
            let mut found = configuration(path, text, inner, node, kind);
            found.is_whole &= whole;
            out.collectors.push(found);
        }
    }
    if before == out.collectors.len() {
        fragment(path, document, out);
        partial(path, text, document, out);
    }
}

/// The pipelines in documents that say nothing of what is in them, which other files define: a file of pipelines alone, or
/// values of a chart that has the components. They are known by a pipeline that names its exporters and its processors.
fn partial(path: Ustr, text: &str, document: &Node, out: &mut Deployment) {
    let is_pipeline = |(key, node): &(Key, Node)| {
        ["traces", "metrics", "logs"].contains(&kind_of(&key.text))
            && ["exporters", "processors"]
                .iter()
                .all(|part| node.get(part).is_some_and(|list| !list.items().is_empty()))
    };
    document.walk(&mut |node| {
        if node.at(&["service", "pipelines"]).is_some_and(|found| found.entries().iter().any(is_pipeline)) {
            let kind = Kind::Values { copies: None, image: None };
            out.partials.push(configuration(path, text, node, node, kind));
        }
    });
}

/// Whether a mapping is the configuration of a collector.
fn is_configuration(node: &Node) -> bool {
    node.get("receivers").is_some()
        && node.get("exporters").is_some()
        && node.at(&["service", "pipelines"]).is_some_and(Node::is_map)
}

/// Configurations that are a mapping inside another document: values of a chart.
fn values(path: Ustr, text: &str, document: &Node, out: &mut Deployment) {
    let mut stack = vec![document];
    while let Some(node) = stack.pop() {
        for (_, inner) in node.entries() {
            if is_configuration(inner) {
                let copies = copies(path, node);
                let kind = Kind::Values { copies, image: image(node) };
                let mut found = configuration(path, text, inner, inner, kind);
                found.is_whole = false;
                out.collectors.push(found);
            } else {
                stack.push(inner);
            }
        }
    }
}

/// The image that the values of a chart name: `image: {repository: …, tag: …}`.
fn image(values: &Node) -> Option<(Option<String>, String)> {
    let image = values.get("image")?;
    let said = |key: &str| image.get(key).and_then(Node::text).filter(|text| !text.is_empty()).map(str::to_owned);
    Some((said("repository"), said("tag")?))
}

/// How many of a chart's collectors run, where it is more than one.
fn copies(path: Ustr, values: &Node) -> Option<(String, Place)> {
    let mode = values.get("mode").filter(|mode| mode.text() == Some("daemonset"));
    if let Some(mode) = mode {
        return Some(("one on each node".to_owned(), place(path, mode.span)));
    }
    let count = values.get("replicaCount")?;
    Some((format!("{} of them", more_than_one(count)?), place(path, count.span)))
}

/// A number above one.
pub(super) fn more_than_one(node: &Node) -> Option<u64> {
    node.text()?.parse().ok().filter(|count| *count > 1)
}

fn resource(path: Ustr, text: &str, document: &Node, out: &mut Deployment) {
    let Some(spec) = document.get("spec") else { return };
    let Some(config) = spec.get("config") else { return };
    let count = [spec.get("replicas"), spec.at(&["autoscaler", "maxReplicas"]), spec.get("maxReplicas")];
    let count = count.into_iter().flatten().find_map(|node| Some((more_than_one(node)?, node.span)));
    let per_node = spec.get("mode").filter(|mode| mode.text() == Some("daemonset"));
    let copies = match (per_node, count) {
        (Some(mode), _) => Some(("one on each node".to_owned(), place(path, mode.span))),
        (None, Some((count, span))) => Some((format!("up to {count} of them"), place(path, span))),
        (None, None) => None,
    };
    let memory = spec
        .at(&["resources", "limits", "memory"])
        .and_then(|node| Some((super::memory::quantity(node.text()?)?, place(path, node.span))));
    let image = spec.get("image").and_then(Node::text).map(str::to_owned);
    let kind = Kind::Resource { copies, image, memory };
    if is_configuration(config) {
        out.collectors.push(configuration(path, text, config, document, kind));
    } else {
        let whole = !is_filled(text, config);
        for inner in yaml::nested(text, config).unwrap_or_default().iter().filter(|inner| is_configuration(inner)) {
            let mut found = configuration(path, text, inner, config, kind.clone());
            found.is_whole &= whole;
            out.collectors.push(found);
        }
    }
}

/// Whether something is filled into a text when it is deployed.
fn is_filled(text: &str, node: &Node) -> bool {
    let own = own_text(text, node);
    has_gaps(own)
}

/// Whether a template fills something into a text, or leaves something out.
fn has_gaps(text: &str) -> bool {
    ["{{", "{%", "<%", "%{"].iter().any(|mark| text.contains(mark))
}

/// Whether a template takes one part of a text or another when it is deployed.
fn has_choices(text: &str) -> bool {
    let tags = |mark: &'static str| text.split(mark).skip(1);
    let chooses = |tag: &str| tag.trim_start_matches(['-', '~']).trim_start().starts_with("else");
    tags("{{").chain(tags("%{")).any(chooses)
}

fn own_text<'t>(text: &'t str, node: &Node) -> &'t str {
    let (start, end) = (node.span.start as usize, node.span.end as usize);
    text.get(start..end.min(text.len())).unwrap_or(text)
}

fn configuration(path: Ustr, text: &str, node: &Node, around: &Node, kind: Kind) -> Collector {
    let sections: Vec<(&'static str, &Node)> =
        SECTIONS.iter().filter_map(|section| Some((*section, node.get(section)?))).collect();
    let components = sections.iter().flat_map(|(section, node)| {
        node.entries().iter().map(|(key, settings)| Component {
            section,
            id: id(&key.text),
            place: place(path, key.span),
            settings: settings.clone(),
        })
    });
    let pipelines = node.at(&["service", "pipelines"]).map(Node::entries).unwrap_or_default();
    let plain = |found: &&(&str, &Node)| found.1.is_map() || matches!(found.1.value, Value::Null);
    let of_file = matches!(kind, Kind::File | Kind::Resource { .. });
    let filled = if of_file { has_gaps(text) } else { is_filled(text, around) };
    Collector {
        path,
        kind,
        components: components.collect(),
        pipelines: pipelines.iter().map(|(key, node)| pipeline(path, key, node)).collect(),
        extensions: node
            .get("extensions")
            .map(Node::entries)
            .unwrap_or_default()
            .iter()
            .map(|(key, _)| (id(&key.text), place(path, key.span)))
            .collect(),
        running: node.at(&["service", "extensions"]).and_then(|list| named(path, list)),
        has_choices: has_choices(if of_file { text } else { own_text(text, around) }),
        is_whole: !filled && sections.iter().filter(plain).count() == sections.len(),
    }
}

/// An id without the white space that the collector allows around its parts.
fn id(text: &str) -> String {
    text.split('/').map(str::trim).collect::<Vec<_>>().join("/")
}

fn pipeline(path: Ustr, key: &Key, node: &Node) -> Pipeline {
    let part = |name: &str| node.get(name).and_then(|list| named(path, list));
    Pipeline {
        id: id(&key.text),
        place: place(path, key.span),
        parts: [part("receivers"), part("processors"), part("exporters")],
    }
}

/// The ids of a list; `None` where it is none, or a text is filled in.
fn named(path: Ustr, list: &Node) -> Option<Vec<(String, Place)>> {
    if matches!(list.value, Value::Null) {
        return Some(Vec::new());
    }
    let Value::List(items) = &list.value else { return None };
    let items = items.iter().map(|item| {
        let text = item.text().filter(|text| !text.contains('$') && !yaml::is_template(text))?;
        Some((id(text), place(path, item.span)))
    });
    items.collect()
}

fn fragment(path: Ustr, document: &Node, out: &mut Deployment) {
    let sections = SECTIONS.iter().chain(&["extensions"]).filter_map(|section| document.get(section));
    let defines: Vec<String> = sections.flat_map(Node::entries).map(|(key, _)| id(&key.text)).collect();
    let has_pipelines = document.at(&["service", "pipelines"]).is_some_and(Node::is_map);
    if !defines.is_empty() || has_pipelines {
        out.fragments.push(Fragment { path, defines, has_pipelines });
    }
}
