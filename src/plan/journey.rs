//! The journey as it was asked for, checked against the map.

use super::PlanError;
use crate::facts::Standing;
use crate::map::{Map, Node, NodeKind};

/// How many services a journey can have.
const MAX_STOPS: usize = 50;
/// How many names are offered for one that is not known.
const MAX_NEAR: usize = 5;

/// The nodes of a journey, in order; what was taken for a name that is not exactly one is noted.
pub(super) fn nodes(map: &Map, journey: &str, notes: &mut Vec<String>) -> Result<Vec<usize>, PlanError> {
    let joined = journey.replace("->", ",").replace('→', ",");
    let names: Vec<&str> = joined.split(',').map(str::trim).collect();
    if names.len() < 2 || names.len() > MAX_STOPS || names.iter().any(|name| name.is_empty()) {
        return Err(PlanError {
            message: format!("a journey has 2 to {MAX_STOPS} services, each with a name"),
            help: Some("write it as gateway,checkout,email or 'gateway -> checkout -> email'".to_owned()),
        });
    }
    names.into_iter().map(|name| one(map, name, notes)).collect()
}

fn one(map: &Map, name: &str, notes: &mut Vec<String>) -> Result<usize, PlanError> {
    let alike: Vec<&str> =
        map.nodes.iter().map(|node| node.name.as_str()).filter(|own| own.starts_with(&format!("{name} ("))).collect();
    if alike.len() > 1 && !map.nodes.iter().any(|node| node.name == name) {
        return Err(PlanError {
            message: format!("several services are called {name}"),
            help: Some(format!("name one of {}", alike.join("; "))),
        });
    }
    let exact = map.nodes.iter().position(|node| node.name == name);
    let Some(at) = exact.or_else(|| map.find(name)) else { return Err(unknown(map, name)) };
    let Some(node) = map.nodes.get(at) else { return Err(unknown(map, name)) };
    let what = match node.kind {
        NodeKind::Channel => "a channel: it has no spans; name the services that send and take",
        NodeKind::Stranger => "a service of somebody else: its spans are not in the same backend",
        NodeKind::Service | NodeKind::Process => {
            if node.name != name {
                notes.push(format!("{name} is taken for {}", node.name));
            }
            return Ok(at);
        }
    };
    Err(PlanError { message: format!("{} is {what}", node.name), help: None })
}

fn unknown(map: &Map, name: &str) -> PlanError {
    let short: String = name.chars().take(64).collect::<String>().to_lowercase();
    let can_be = |node: &&Node| matches!(node.kind, NodeKind::Service | NodeKind::Process);
    let mut near: Vec<(f64, &str)> = map
        .nodes
        .iter()
        .filter(can_be)
        .map(|node| (strsim::jaro_winkler(&short, &node.name.to_lowercase()), node.name.as_str()))
        .collect();
    near.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(right.1)));
    let close: Vec<&str> =
        near.iter().filter(|(score, _)| *score > 0.6).take(MAX_NEAR).map(|(_, name)| *name).collect();
    let help = match (close.is_empty(), near.is_empty()) {
        (false, _) => format!("near names are {}; `hoplint map` shows all", close.join(", ")),
        (true, false) => "`hoplint map` shows the names of all services".to_owned(),
        (true, true) => "the map has no services: name the folders or facts files that hold them".to_owned(),
    };
    PlanError { message: format!("the map has no service called {name}"), help: Some(help) }
}

/// Notes the ways between services that the map does not have, and those of which it does not say that they carry.
pub(super) fn tell_ways(map: &Map, nodes: &[usize], notes: &mut Vec<String>) {
    for pair in nodes.windows(2) {
        let (Some(from), Some(to)) = (pair.first(), pair.get(1)) else { continue };
        let ends = [from, to].map(|at| map.nodes.get(*at).map_or("", |node| node.name.as_str())).join(" → ");
        let edges = map.edges.iter().filter(|edge| edge.from == *from && edge.to == *to);
        match edges.min_by_key(|edge| edge.standing) {
            None => notes.push(format!("{ends}: the map has no such way; the test asks for it all the same")),
            Some(edge) if edge.standing == Standing::Broken => {
                notes.push(format!("{ends}: the map says that this way breaks, because {}", edge.because));
            }
            Some(edge) if edge.standing == Standing::Unknown => {
                notes.push(format!("{ends}: the map does not know how this way stands: {}", edge.because));
            }
            Some(_) => {}
        }
    }
}
