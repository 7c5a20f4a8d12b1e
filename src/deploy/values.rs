//! The environment that a chart's values give to its containers.
//!
//! Source: <https://helm.sh/docs/chart_best_practices/values/>. A chart names its values as it likes: an environment is
//! known by its shape, under a key that has `env` in its name.

use super::container::written;
use super::variable::Entry;
use super::{Container, Deployment, Platform, Variable, place};
use crate::paths::file_name;
use crate::yaml::{Key, Node, Value, is_template};
use ustr::Ustr;

/// Whether a file holds the values of a chart, by its name.
pub(super) fn is_values(path: &str) -> bool {
    file_name(path).contains("values")
}

/// The containers that the values of a chart describe: each mapping that gives an environment.
pub(super) fn read(path: Ustr, chart: &str, document: &Node, out: &mut Deployment) {
    let mut stack = vec![(document, chart.to_owned())];
    while let Some((node, name)) = stack.pop() {
        let own: Vec<(&Key, Vec<Entry<'_>>)> =
            node.entries().iter().filter_map(|(key, value)| Some((key, environment(key, value)?))).collect();
        for (key, value) in node.entries().iter().filter(|(key, _)| !own.iter().any(|(known, _)| *known == key)) {
            stack.push((value, key.text.clone()));
        }
        if let Some((first, _)) = own.first() {
            let variables = own.iter().flat_map(|(_, entries)| entries).map(|entry| Variable {
                name: entry.name.to_owned(),
                value: entry.value.filter(|value| !is_template(value)).and_then(written),
                place: place(path, entry.span),
                is_common: false,
                is_fallback: false,
            });
            out.containers.push(Container {
                // What a chart makes of its values is not seen: others may run beside it, and more may be set.
                is_open: true,
                is_alone: false,
                image: image(path, node),
                variables: variables.collect(),
                ..Container::new(Platform::Kubernetes, path, name, place(path, first.span))
            });
        }
    }
}

/// The variables under a key: a mapping of names in capitals, or a list of names and values.
fn environment<'n>(key: &Key, node: &'n Node) -> Option<Vec<Entry<'n>>> {
    if !key.text.to_ascii_lowercase().contains("env") {
        return None;
    }
    let is_name = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    };
    let found: Option<Vec<Entry<'_>>> = match &node.value {
        Value::Map(entries) => {
            let entry =
                |(key, value): &'n (Key, Node)| is_name(&key.text).then(|| Entry::new(&key.text, key.span, value));
            entries.iter().map(entry).collect()
        }
        Value::List(items) => {
            let entry = |item: &'n Node| {
                let name = item.get("name")?;
                let text = name.text().filter(|text| is_name(text))?;
                let alone = Entry { name: text, value: None, span: name.span };
                Some(item.get("value").map_or(alone, |value| Entry::new(text, name.span, value)))
            };
            items.iter().map(entry).collect()
        }
        Value::Scalar(_) | Value::Null => None,
    };
    found.filter(|found| !found.is_empty())
}

/// The image, whose tag the chart has where the values name none.
fn image(path: Ustr, node: &Node) -> Option<(String, crate::finding::Place)> {
    let image = node.get("image")?;
    if let Some(text) = image.text() {
        return Some((text.to_owned(), place(path, image.span)));
    }
    let repository = image.get("repository")?;
    let tag = image.get("tag").and_then(Node::text).filter(|tag| !tag.is_empty()).unwrap_or("{{…}}");
    Some((format!("{}:{tag}", repository.text()?), place(path, repository.span)))
}
