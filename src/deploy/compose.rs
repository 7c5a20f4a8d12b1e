//! What a compose file says of its services: read for who starts whom, and for the rules on the file itself.
//!
//! Source: <https://docs.docker.com/reference/compose-file/services/>.

use super::variable::Entry;
use crate::paths::file_name;
use crate::yaml::{Key, Node, Value};

/// Whether this is a compose file, by its name.
pub fn is_compose(path: &str) -> bool {
    let name = file_name(path);
    (name.starts_with("docker-compose") || name.starts_with("compose"))
        && (name.ends_with(".yml") || name.ends_with(".yaml"))
}

/// The services of a document, with their names.
pub fn services(document: &Node) -> &[(Key, Node)] {
    document.get("services").map(Node::entries).unwrap_or_default()
}

/// The names by which others reach a service.
pub fn hosts(name: &Key, service: &Node) -> Vec<String> {
    let own = ["container_name", "hostname"].iter().filter_map(|key| service.get(key));
    let networks = service.get("networks").map(Node::entries).unwrap_or_default();
    let aliases = networks.iter().filter_map(|(_, network)| network.get("aliases")).flat_map(Node::items);
    let names = [name.text.as_str()].into_iter().chain(own.chain(aliases).filter_map(Node::text));
    names.map(str::to_owned).collect()
}

/// The variables that a service names itself: a mapping, or a list of `NAME=value`.
pub fn environment(service: &Node) -> Vec<Entry<'_>> {
    match service.get("environment").map(|node| &node.value) {
        Some(Value::List(items)) => items.iter().filter_map(of_item).collect(),
        Some(Value::Map(entries)) => {
            entries.iter().map(|(key, value)| Entry::new(&key.text, key.span, value)).collect()
        }
        _ => Vec::new(),
    }
}

fn of_item(item: &Node) -> Option<Entry<'_>> {
    let text = item.text()?;
    let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
    Some(Entry { name: name.trim(), value, span: item.span })
}
