//! How a way stands: each of its ends by itself, and both together.

use super::join::Joiner;
use super::{NodeKind, Via};
use crate::audit::settings;
use crate::facts::{HopFacts, Standing, Workload};
use crate::services::{Mode, image_name};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;

/// How one end of a way stands, whatever stands at the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct End {
    /// How it stands.
    pub standing: Standing,
    /// Why: a clause that goes on after "because".
    pub because: String,
    /// The formats that it writes or reads by its settings or by default, as these call them; empty where that is not known.
    pub formats: Vec<String>,
}

/// A way whose ends were judged.
pub(super) struct Judged {
    pub(super) standing: Standing,
    pub(super) because: String,
    pub(super) leaves: End,
    pub(super) arrives: End,
}

impl Joiner<'_> {
    /// How a way stands by the hops at its ends.
    pub(super) fn judged(&self, (from, to): (usize, usize), via: Via, near: &[HopFacts], far: &[HopFacts]) -> Judged {
        let leaves = self.end(self.leaves(from, via, near), from);
        let arrives = self.end(self.arrives(to, via, far), to);
        let (standing, because) = self.both((from, to), via, &leaves, &arrives);
        Judged { standing, because, leaves, arrives }
    }

    fn both(&self, (from, to): (usize, usize), via: Via, leaves: &End, arrives: &End) -> (Standing, String) {
        if let Some(broken) = [leaves, arrives].into_iter().find(|end| end.standing == Standing::Broken) {
            return (Standing::Broken, broken.because.clone());
        }
        if let Some(because) = self.mismatch(from, to).filter(|_| via != Via::Configured) {
            return (Standing::Broken, because);
        }
        match (leaves.standing, arrives.standing) {
            (Standing::Carried, Standing::Carried) if via == Via::Configured => {
                (Standing::Carried, format!("{}, and {}", leaves.because, arrives.because))
            }
            (Standing::Carried, Standing::Carried) => (Standing::Carried, "both ends hand the trace on".to_owned()),
            (Standing::Carried, _) => (Standing::Unknown, format!("{}; {}", arrives.because, leaves.half())),
            (_, Standing::Carried) => (Standing::Unknown, format!("{}; {}", leaves.because, arrives.half())),
            _ => match self.keeps(to) {
                Some(because) => (Standing::Unknown, because),
                None => (Standing::Unknown, leaves.because.clone()),
            },
        }
    }

    /// The end at which a trace leaves.
    fn leaves(&self, from: usize, via: Via, hops: &[HopFacts]) -> (Standing, String) {
        let node = &self.nodes[from];
        if let Some(found) = worst(hops) {
            return found;
        }
        if !hops.is_empty() {
            return (Standing::Carried, format!("{} hands it on", node.name));
        }
        match (via, node.kind) {
            (Via::Configured, _) if self.passes_on(from) => {
                (Standing::Carried, format!("{} passes headers on", node.name))
            }
            (Via::Configured, kind) => {
                let code = match kind {
                    NodeKind::Service => "no request there was seen in the code of the caller",
                    _ => "the code of the caller was not read",
                };
                (Standing::Unknown, format!("only the deployment tells of it: {code}"))
            }
            _ => (Standing::Unknown, "the code of the sender was not found".to_owned()),
        }
    }

    /// The end at which a trace arrives.
    fn arrives(&self, to: usize, via: Via, hops: &[HopFacts]) -> (Standing, String) {
        let node = &self.nodes[to];
        if let Some(found) = worst(hops) {
            return found;
        }
        let unknown = |because: &str| (Standing::Unknown, because.to_owned());
        match node.kind {
            NodeKind::Channel => return unknown("nobody is seen to take the messages"),
            NodeKind::Stranger => return unknown("it is a service of somebody else"),
            NodeKind::Process => {
                let unread = || match node.stacks.first() {
                    Some(stack) => format!("{} is traced by {}, but its code was not read", node.name, stack.title),
                    None => "the code at the other end was not read".to_owned(),
                };
                return (Standing::Unknown, self.keeps(to).unwrap_or_else(unread));
            }
            NodeKind::Service => {}
        }
        // What is instrumented call by call takes a trace only where a server of it is seen to.
        let is_covered =
            node.stacks.iter().any(|stack| stack.active && (via == Via::Message || stack.mode != Mode::Code));
        if hops.is_empty() && !is_covered {
            return unknown("nothing is seen to take the trace at the other end");
        }
        (Standing::Carried, format!("{} takes it", node.name))
    }

    /// Why no trace goes on behind a process: it keeps data.
    fn keeps(&self, node: usize) -> Option<String> {
        let stores = &crate::deploy::known().stores;
        let keeps = |image: &str| stores.iter().any(|store| store == image_name(image));
        let is_store = |workload: &&Workload| keeps(&workload.image) || keeps(&workload.base);
        let is_it = self.nodes[node].kind == NodeKind::Process
            && (self.stores.contains(&node) || self.environments(node).iter().any(is_store));
        is_it.then(|| format!("{} keeps data: no trace goes on behind it", self.nodes[node].name))
    }

    /// Whether a process is a proxy that passes headers on as they are.
    fn passes_on(&self, node: usize) -> bool {
        // Which configuration takes a header away is told by its own finding; which way it counts for is not.
        let own = self.all.iter().filter(|facts| facts.repository == self.nodes[node].repository);
        let strips = own.flat_map(|facts| &facts.findings).any(|found| found.name == "header-stripped");
        !strips && self.environments(node).iter().any(|workload| !workload.passes.is_empty())
    }

    fn end(&self, (standing, because): (Standing, String), node: usize) -> End {
        let known = settings::formats(self.all, &self.nodes[node]).map(|(formats, _)| formats);
        let formats = known.filter(|_| standing == Standing::Carried).unwrap_or_default();
        End { standing, because, formats }
    }

    /// Why the two ends do not understand each other.
    fn mismatch(&self, from: usize, to: usize) -> Option<String> {
        let (writes, reads) = (&self.formats.get(&from)?.formats, &self.formats.get(&to)?.formats);
        if !writes.is_disjoint(reads) {
            return None;
        }
        let words = |formats: &BTreeSet<String>| formats.iter().cloned().collect::<Vec<_>>().join(" and ");
        let (one, other) = (&self.nodes[from].name, &self.nodes[to].name);
        Some(format!("{one} writes {}, and {other} reads {}", words(writes), words(reads)))
    }
}

impl End {
    /// What is known of an end that hands the trace on, where the other does not tell.
    fn half(&self) -> String {
        match self.formats.is_empty() {
            true => self.because.clone(),
            false => format!("{} as {}", self.because, self.formats.join(", ")),
        }
    }
}

/// The first hop that breaks, else the first that does not tell.
fn worst(hops: &[HopFacts]) -> Option<(Standing, String)> {
    let first = |standing: Standing| hops.iter().find(move |hop| hop.standing == standing);
    let found = first(Standing::Broken).or_else(|| first(Standing::Unknown))?;
    Some((found.standing, found.because.clone()))
}
