//! Task definitions of ECS, in files of their own and in templates of CloudFormation.
//!
//! Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html>.

use super::container::written;
use super::variable::Entry;
use super::{Container, Deployment, Platform, Variable, place};
use crate::paths::file_name;
use crate::yaml::Node;
use ustr::Ustr;

/// Whether a file may be a task definition, by its name: YAML is looked at whatever it is called.
pub fn is_task(path: &str) -> bool {
    let name = file_name(path).to_ascii_lowercase();
    name.ends_with(".json") && (name.contains("task") || name.contains("container-def") || name.contains("ecs"))
}

/// The lists of containers in a document, each of one task.
pub fn of_document(document: &Node) -> Vec<&[Node]> {
    let mut out = Vec::new();
    document.walk(&mut |node| {
        let found = ["containerDefinitions", "ContainerDefinitions"].into_iter().find_map(|key| node.get(key));
        out.extend(found.map(Node::items).filter(|items| !items.is_empty()));
    });
    // A file may hold the list alone.
    let is_list = |items: &[Node]| items.iter().all(|item| item.get("image").is_some() && item.get("name").is_some());
    if out.is_empty() && !document.items().is_empty() && is_list(document.items()) {
        out.push(document.items());
    }
    out
}

/// A part of a container, whichever of the two ways its key is written in.
pub fn part<'n>(container: &'n Node, key: &str) -> Option<&'n Node> {
    let mut capital = key.to_owned();
    capital.get_mut(..1).map(str::make_ascii_uppercase);
    container.get(key).or_else(|| container.get(&capital))
}

/// The variables that a container names, and those that come from elsewhere.
pub fn environment(container: &Node) -> Vec<Entry<'_>> {
    let of = |key| part(container, key).map(Node::items).unwrap_or_default().iter();
    let entries = of("environment").chain(of("secrets")).filter_map(|entry| {
        let name = part(entry, "name")?;
        let alone = Entry { name: name.text()?, value: None, span: name.span };
        Some(part(entry, "value").map_or(alone, |value| Entry::new(alone.name, name.span, value)))
    });
    entries.collect()
}

/// The containers of the tasks in a document, for the rules: those of one task reach each other at `localhost`.
pub(super) fn containers(path: Ustr, document: &Node, out: &mut Deployment) {
    for task in of_document(document) {
        for container in task {
            let Some(name) = part(container, "name").filter(|name| name.text().is_some()) else { continue };
            let variables = environment(container).into_iter().map(|entry| Variable {
                name: entry.name.to_owned(),
                value: entry.value.and_then(written),
                place: place(path, entry.span),
                is_common: false,
                is_fallback: false,
            });
            let image = part(container, "image");
            let text = name.text().unwrap_or_default().to_owned();
            out.containers.push(Container {
                image: image.and_then(|image| Some((image.text()?.to_owned(), place(path, image.span)))),
                variables: variables.collect(),
                is_open: part(container, "environmentFiles").is_some(),
                is_alone: task.len() == 1,
                has_command: part(container, "command").is_some() || part(container, "entryPoint").is_some(),
                ..Container::new(Platform::Task, path, text, place(path, name.span))
            });
        }
    }
}
