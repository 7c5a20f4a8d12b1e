//! How the services of a map are called: by people, by deployment files, by their spans.

use crate::facts::{Facts, Workload};
use crate::map::{Map, NodeKind, plain};
use crate::services::stacks;
use std::collections::{BTreeMap, BTreeSet};

/// The names of all nodes of a map.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// As the map shows them.
    shown: Vec<String>,
    /// As the findings call them.
    own: Vec<String>,
    /// Under which names they make spans, by what the deployment and the code say.
    told: BTreeMap<String, BTreeSet<usize>>,
    /// Plain names of all kinds.
    plain: BTreeMap<String, BTreeSet<usize>>,
    /// The processes that run each.
    workloads: Vec<Vec<Workload>>,
    /// Whether it is known to make spans, or meant to.
    traced: Vec<bool>,
    /// The services whose code was read.
    services: BTreeSet<usize>,
}

impl Names {
    /// Gathers the names. `also` are names that spans have, with the service that they mean.
    pub fn new(map: &Map, facts: &[Facts], also: &[(String, usize)]) -> Self {
        let mut out = Self::default();
        for (at, node) in map.nodes.iter().enumerate() {
            let facts = facts.iter().find(|facts| facts.repository == node.repository);
            let service = facts.and_then(|facts| facts.services.iter().find(|one| one.service.root == node.root));
            let is_service = node.kind == NodeKind::Service;
            let own = service.filter(|_| is_service).map(|found| found.service.name.clone());
            let runs = |workload: &&Workload| match is_service {
                true => workload.runs.contains(&node.root),
                false => node.kind == NodeKind::Process && workload.name == node.name,
            };
            let workloads: Vec<Workload> =
                facts.into_iter().flat_map(|facts| &facts.workloads).filter(runs).cloned().collect();
            let mut told: BTreeSet<String> = workloads.iter().flat_map(service_names).collect();
            let processes: Vec<&Workload> = workloads.iter().collect();
            let in_code = service.filter(|_| is_service).map(|found| found.span_names(&processes));
            told.extend(in_code.into_iter().flatten().map(|(name, _)| name));
            let folder = node.root.rsplit('/').next().filter(|folder| is_service && *folder != ".");
            let mut names: Vec<&str> = vec![&node.name];
            names.extend(own.as_deref().into_iter().chain(folder).chain(node.hosts.iter().map(String::as_str)));
            names.extend(told.iter().map(String::as_str));
            for name in names {
                out.plain.entry(plain(name)).or_default().insert(at);
            }
            out.traced.push(!told.is_empty() || node.stacks.iter().any(|stack| stack.active));
            for name in told {
                out.told.entry(name).or_default().insert(at);
            }
            if is_service {
                out.services.insert(at);
            }
            out.own.push(own.unwrap_or_else(|| node.name.clone()));
            out.shown.push(node.name.clone());
            out.workloads.push(workloads);
        }
        for (name, at) in also {
            out.told.insert(name.clone(), BTreeSet::from([*at]));
        }
        out
    }

    /// The name of a node.
    pub fn of(&self, node: usize) -> &str {
        self.shown.get(node).map(String::as_str).unwrap_or_default()
    }

    /// The name by which findings call it.
    pub(super) fn own(&self, node: usize) -> &str {
        self.own.get(node).map(String::as_str).unwrap_or_default()
    }

    /// Whether findings call another service by the same name.
    pub(super) fn share(&self, node: usize) -> bool {
        let own = self.own(node);
        self.own.iter().filter(|other| *other == own).count() > 1
    }

    /// The processes that run it.
    pub(super) fn workloads(&self, node: usize) -> &[Workload] {
        self.workloads.get(node).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether it is known to make spans, or is given a name for them.
    pub(super) fn is_traced(&self, node: usize) -> bool {
        self.traced.get(node).is_some_and(|traced| *traced)
    }

    /// The node whose spans have this service name; `None` where none or several can be meant.
    pub fn of_span(&self, name: &str) -> Option<usize> {
        let exact = self.told.get(name).and_then(|nodes| self.only(nodes));
        // A mesh names a service with its namespace behind a dot; others put the system before it.
        let first = || name.split_once('.').and_then(|(first, _)| self.exactly(first));
        let wanted = plain(name);
        exact.or_else(|| self.exactly(name)).or_else(first).or_else(|| self.nearly(&|known| is_end(&wanted, known)))
    }

    /// The node that somebody calls so; `None` where none or several can be meant.
    pub fn find(&self, name: &str) -> Option<usize> {
        let wanted = plain(name);
        let part = |known: &str| is_end(known, &wanted) || is_start(known, &wanted);
        self.of_span(name).or_else(|| self.nearly(&part))
    }

    /// The node of exactly this name, but for case and what only says that it is a service.
    pub(super) fn exactly(&self, name: &str) -> Option<usize> {
        self.plain.get(&plain(name)).and_then(|nodes| self.only(nodes))
    }

    /// The one node with a name that fits.
    fn nearly(&self, fits: &dyn Fn(&str) -> bool) -> Option<usize> {
        let fitting = self.plain.iter().filter(|(known, _)| fits(known));
        self.only(&fitting.flat_map(|(_, nodes)| nodes.iter().copied()).collect())
    }

    /// The one that is meant: the only one, or the only one whose code was read.
    fn only(&self, nodes: &BTreeSet<usize>) -> Option<usize> {
        let read: Vec<usize> = nodes.intersection(&self.services).copied().collect();
        match (read.as_slice(), nodes.len()) {
            ([one], _) => Some(*one),
            (_, 1) => nodes.first().copied(),
            _ => None,
        }
    }

    /// The names of all nodes, for those who must choose one.
    pub fn all(&self) -> impl Iterator<Item = (usize, &str)> {
        self.shown.iter().enumerate().map(|(at, name)| (at, name.as_str()))
    }
}

/// Whether a name ends in another one, as whole words.
fn is_end(long: &str, short: &str) -> bool {
    short.len() > 2 && long.strip_suffix(short).is_some_and(|rest| rest.ends_with('-'))
}

/// Whether a name begins with another one, as whole words.
fn is_start(long: &str, short: &str) -> bool {
    short.len() > 2 && long.strip_prefix(short).is_some_and(|rest| rest.starts_with('-'))
}

/// Under which names the environment of a process lets it make spans.
fn service_names(workload: &Workload) -> Vec<String> {
    let names = |variable: &str| stacks().iter().flat_map(|page| &page.names_service).any(|name| name == variable);
    let value = |value: &str| -> Option<String> {
        let among = value.split(',').find_map(|part| part.trim().strip_prefix("service.name="));
        let found = among.or_else(|| (!value.contains('=')).then_some(value))?.trim();
        (!found.is_empty() && !found.contains("${")).then(|| found.to_owned())
    };
    let named = workload.environment.iter().filter(|variable| names(&variable.name));
    named.filter_map(|variable| value(&variable.value)).collect()
}
