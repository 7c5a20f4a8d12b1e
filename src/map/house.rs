//! What services are called inside of the organisation that they belong to: without the word that it puts before the names
//! of its repositories, and without what only says what kind of service they are.

use super::{Node, NodeKind, names};
use std::collections::{BTreeMap, BTreeSet};

/// What names of services end with that says how they are reached.
const KINDS: &[&str] = &["-api", "-server", "-backend"];

/// Services by the names that only one of them can mean.
pub(super) fn short_names(nodes: &[Node]) -> BTreeMap<String, usize> {
    let prefix = common_word(nodes);
    let mut found: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for (at, node) in nodes.iter().enumerate().filter(|(_, node)| node.kind == NodeKind::Service) {
        let name = names::plain(&node.name);
        let own = prefix.as_deref().and_then(|prefix| name.strip_prefix(prefix)).unwrap_or(&name);
        let short = KINDS.iter().find_map(|kind| own.strip_suffix(kind)).unwrap_or(own);
        if !short.is_empty() && short != name {
            found.entry(short.to_owned()).or_default().insert(at);
        }
    }
    found
        .into_iter()
        .filter(|(_, at)| at.len() == 1)
        .filter_map(|(name, at)| Some((name, at.first().copied()?)))
        .collect()
}

/// The first word, with the dash behind it, of the names of most repositories, where there are some.
fn common_word(nodes: &[Node]) -> Option<String> {
    let repositories: BTreeSet<String> = nodes.iter().map(|node| names::plain(&node.repository)).collect();
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for (word, _) in repositories.iter().filter_map(|name| name.split_once('-')) {
        *count.entry(word).or_default() += 1;
    }
    let (word, most) = count.into_iter().max_by_key(|(_, count)| *count)?;
    (most > 1 && most * 2 >= repositories.len()).then(|| format!("{word}-"))
}

#[cfg(test)]
mod tests {
    use super::short_names;
    use crate::analysis::HopCounts;
    use crate::map::{Node, NodeKind};

    fn node(name: &str) -> Node {
        Node {
            name: name.to_owned(),
            kind: NodeKind::Service,
            repository: name.to_owned(),
            root: ".".to_owned(),
            language: None,
            stacks: Vec::new(),
            hops: HopCounts::default(),
            hosts: Vec::new(),
        }
    }

    #[test]
    fn services_are_known_by_what_only_they_are_called() {
        let nodes = ["shop-till-api", "shop-oven", "shop-till-web", "desk"].map(node);
        let found = short_names(&nodes);
        assert_eq!((found.get("till"), found.get("oven"), found.get("till-web")), (Some(&0), Some(&1), Some(&2)));
        assert_eq!(short_names(&["a-till", "b-till"].map(node)).len(), 0);
    }
}
