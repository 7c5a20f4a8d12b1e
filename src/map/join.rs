//! From facts to a map.

use super::address::Address;
use super::elsewhere::Elsewhere;
use super::formats::{self, Sure};
use super::stand::Judged;
use super::{Edge, Map, Node, NodeKind, Via, house, names};
use crate::analysis::HopCounts;
use crate::facts::{Crossing, Facts, HopFacts, Piece, ServiceFacts, Text, Workload, plain};
use crate::paths::is_below;
use crate::yaml::is_template;
use std::collections::{BTreeMap, BTreeSet};

/// How many hops are kept at each end of one way.
const MAX_HOPS: usize = 20;

/// Joins the facts of repositories to one map.
pub fn join(all: &[Facts]) -> Map {
    let mut joiner = Joiner::new(all);
    joiner.calls();
    joiner.messages();
    joiner.configured();
    joiner.routes();
    joiner.finish()
}

/// One hop, with whose it is.
pub(super) struct Own<'f> {
    pub(super) node: usize,
    pub(super) hop: &'f HopFacts,
}

pub(super) struct Joiner<'f> {
    pub(super) all: &'f [Facts],
    pub(super) nodes: Vec<Node>,
    /// The node of a service, by repository and place in its list.
    pub(super) services: BTreeMap<(usize, usize), usize>,
    /// The processes of each node.
    pub(super) workloads: BTreeMap<usize, Vec<&'f Workload>>,
    /// Nodes by the names by which others reach them.
    by_host: BTreeMap<String, BTreeSet<usize>>,
    /// Services by what they are called inside of their organisation.
    short_names: BTreeMap<String, usize>,
    /// Nodes by the remote services that they implement.
    by_remote: BTreeMap<String, BTreeSet<usize>>,
    pub(super) edges: BTreeMap<(usize, usize, Via, String), Vec<&'f HopFacts>>,
    /// The nodes that facts tell of only as the other end of something.
    extras: BTreeMap<(NodeKind, String), usize>,
    /// Nodes that are asked in the language of a database or broker.
    pub(super) stores: BTreeSet<usize>,
    /// The formats that services are surely known to write and read.
    pub(super) formats: BTreeMap<usize, Sure>,
}

impl<'f> Joiner<'f> {
    pub(super) fn new(all: &'f [Facts]) -> Self {
        let mut out = Self {
            all,
            nodes: Vec::new(),
            services: BTreeMap::new(),
            workloads: BTreeMap::new(),
            by_host: BTreeMap::new(),
            short_names: BTreeMap::new(),
            by_remote: BTreeMap::new(),
            edges: BTreeMap::new(),
            extras: BTreeMap::new(),
            stores: BTreeSet::new(),
            formats: BTreeMap::new(),
        };
        let elsewhere = Elsewhere::new(all);
        for (repository, facts) in all.iter().enumerate() {
            out.add_services(repository, facts, &elsewhere);
            out.add_processes(repository, facts, &elsewhere);
        }
        out.tell_apart();
        for ((repository, n), node) in &out.services {
            let found = all.get(*repository).and_then(|facts| facts.services.get(*n));
            let workloads = out.workloads.get(node).map_or(&[][..], Vec::as_slice);
            out.formats.extend(found.and_then(|found| formats::sure(found, workloads)).map(|sure| (*node, sure)));
        }
        for (at, node) in out.nodes.iter().enumerate() {
            for name in node.hosts.iter().chain([&node.name]) {
                out.by_host.entry(names::plain(name)).or_default().insert(at);
            }
        }
        out.short_names = house::short_names(&out.nodes);
        out
    }

    fn add_services(&mut self, repository: usize, facts: &'f Facts, elsewhere: &Elsewhere<'f>) {
        for (n, found) in facts.services.iter().enumerate() {
            let service = &found.service;
            let runs = |workload: &&Workload| workload.runs.contains(&service.root);
            let mut workloads: Vec<&Workload> = facts.workloads.iter().filter(runs).collect();
            workloads.extend(elsewhere.of(repository, n));
            // What neither runs anywhere nor has a hop or a name is a library.
            let is_used = !found.crossings.is_empty() || !found.implements.is_empty() || !found.names.is_empty();
            // The only unit there is, and called by others, or traced: its ways in may be declared where the code is not read.
            let is_run = found.entered || service.stacks.iter().any(|stack| stack.active);
            let is_alone = facts.services.len() == 1 && is_run;
            if workloads.is_empty() && !is_used && !is_alone {
                continue;
            }
            let at = self.nodes.len();
            // A repository that is one service is called as the repository is.
            let is_all = service.root == "." && service.name == "workspace" && !facts.repository.is_empty();
            self.nodes.push(Node {
                name: if is_all { facts.repository.clone() } else { service.name.clone() },
                kind: NodeKind::Service,
                repository: facts.repository.clone(),
                root: service.root.clone(),
                language: Some(service.language),
                stacks: service.stacks.clone(),
                hops: service.hops,
                hosts: workloads.iter().flat_map(|workload| &workload.hosts).chain(&found.names).cloned().collect(),
            });
            self.services.insert((repository, n), at);
            self.workloads.insert(at, workloads);
            for implemented in &found.implements {
                self.by_remote.entry(implemented.name.clone()).or_default().insert(at);
            }
        }
    }

    /// Processes whose code was not read.
    fn add_processes(&mut self, repository: usize, facts: &'f Facts, elsewhere: &Elsewhere<'f>) {
        let known = |root: &String| {
            facts
                .services
                .iter()
                .enumerate()
                .any(|(n, found)| found.service.root == *root && self.services.contains_key(&(repository, n)))
        };
        let is_unread = |workload: &&Workload| !workload.runs.iter().any(known) && !elsewhere.is_taken(workload);
        let unread: Vec<&Workload> = facts.workloads.iter().filter(is_unread).collect();
        let mut by_name: BTreeMap<&str, Vec<&Workload>> = BTreeMap::new();
        for workload in unread {
            by_name.entry(workload.name.as_str()).or_default().push(workload);
        }
        for (name, workloads) in by_name {
            let at = self.nodes.len();
            self.nodes.push(Node {
                name: name.to_owned(),
                kind: NodeKind::Process,
                repository: facts.repository.clone(),
                root: String::new(),
                language: None,
                stacks: workloads
                    .iter()
                    .map(|workload| &workload.stacks)
                    .find(|all| !all.is_empty())
                    .cloned()
                    .unwrap_or_default(),
                hops: HopCounts::default(),
                hosts: workloads.iter().flat_map(|workload| workload.hosts.iter().cloned()).collect(),
            });
            self.workloads.insert(at, workloads);
        }
    }

    /// Gives nodes of one name names of their own, and each node its hosts once.
    fn tell_apart(&mut self) {
        let mut count: BTreeMap<String, usize> = BTreeMap::new();
        for node in &self.nodes {
            *count.entry(node.name.clone()).or_default() += 1;
        }
        for node in &mut self.nodes {
            node.hosts.sort();
            node.hosts.dedup();
            if count.get(&node.name).is_some_and(|count| *count > 1) {
                let place = [node.repository.as_str(), node.root.as_str()];
                let place: Vec<&str> = place.into_iter().filter(|part| !part.is_empty() && *part != ".").collect();
                node.name = format!("{} ({})", node.name, place.join("/"));
            }
        }
    }

    /// All hops of these kinds.
    pub(super) fn hops(&self, kinds: &'static [Crossing]) -> Vec<Own<'f>> {
        let mut out = Vec::new();
        for (repository, facts) in self.all.iter().enumerate() {
            for (n, service) in facts.services.iter().enumerate() {
                let Some(node) = self.services.get(&(repository, n)) else { continue };
                let own = service.crossings.iter().filter(|hop| kinds.contains(&hop.kind));
                out.extend(own.map(|hop| Own { node: *node, hop }));
            }
            out.extend(self.shared(repository, facts, kinds));
        }
        out
    }

    /// The hops in files of another service that the image of a service holds too, where the same traces both.
    fn shared(&self, repository: usize, facts: &'f Facts, kinds: &'static [Crossing]) -> Vec<Own<'f>> {
        let mut out = Vec::new();
        for workload in facts.workloads.iter().filter(|workload| !workload.copies.is_empty()) {
            let runs = |found: &ServiceFacts| workload.runs.contains(&found.service.root);
            let Some(at) = facts.services.iter().position(runs) else { continue };
            let Some(node) = self.services.get(&(repository, at)) else { continue };
            let own: BTreeSet<&str> = active(&facts.services[at]).collect();
            for other in facts.services.iter().filter(|other| !runs(other) && active(other).any(|id| own.contains(id)))
            {
                let held = |hop: &&HopFacts| {
                    kinds.contains(&hop.kind) && workload.copies.iter().any(|copied| is_below(&hop.path, copied))
                };
                out.extend(other.crossings.iter().filter(held).map(|hop| Own { node: *node, hop }));
            }
        }
        out
    }

    /// Requests and remote calls.
    pub(super) fn calls(&mut self) {
        for Own { node, hop } in self.hops(&[Crossing::HttpCall, Crossing::RpcCall]) {
            let via = if hop.kind == Crossing::RpcCall { Via::Rpc } else { Via::Http };
            let mut joined = false;
            for name in &hop.peers.remote {
                for to in self.by_remote.get(name).cloned().unwrap_or_default() {
                    self.edge(node, to, via, name.clone(), Some(hop));
                    joined = true;
                }
            }
            if joined {
                continue;
            }
            // A remote service that nobody is seen to implement may be called as the process is.
            let named: BTreeSet<usize> = hop.peers.remote.iter().filter_map(|name| self.host(name)).flatten().collect();
            if !named.is_empty() {
                named.into_iter().for_each(|to| self.edge(node, to, via, hop.peers.remote.join(", "), Some(hop)));
                continue;
            }
            for address in &hop.peers.addresses {
                for (to, by) in self.ends(node, address) {
                    self.edge(node, to, via, by, Some(hop));
                }
            }
        }
    }

    /// The nodes that an address can name, seen from another, each with what says so.
    pub(super) fn ends(&mut self, from: usize, address: &Text) -> Vec<(usize, String)> {
        let mut out = Vec::new();
        let environments = self.environments(from);
        let mut texts: BTreeSet<Text> = match environments.is_empty() {
            true => BTreeSet::from([address.filled(&|_| None)]),
            false => environments.iter().map(|own| address.filled(&|piece| value(piece, own))).collect(),
        };
        // What one deployment says need not be guessed for another.
        let is_told = |text: &Text| Address::parse(&text.to_string()).is_some();
        if texts.iter().any(is_told) {
            texts.retain(is_told);
        }
        for text in texts {
            let written = text.to_string();
            let found = Address::parse(&written).filter(|found| !found.is_local());
            if let Some(found) = &found {
                if let Some(to) = self.host_from(from, found.short()).or_else(|| self.host_from(from, &found.host)) {
                    out.extend(to.into_iter().map(|to| (to, found.to_string())));
                    continue;
                }
                if found.is_public() {
                    out.push((self.stranger(&found.host), found.host.clone()));
                    continue;
                }
            }
            // The name of a variable that nothing sets may say whose address it holds: what stands in for it is what a
            // developer's machine has.
            let is_set = |piece: &Piece| environments.iter().any(|own| value(piece, own).is_some());
            let unset = in_host(address).filter(|piece| !is_set(piece)).and_then(|piece| match piece {
                Piece::Variable(named) | Piece::Setting(named) => Some(&named.name),
                _ => None,
            });
            let Some(name) = unset else { continue };
            if let Some(to) = names::in_setting(name).and_then(|meant| self.named(from, &meant)) {
                out.extend(to.into_iter().map(|to| (to, format!("${{{name}}}"))));
            }
        }
        out.retain(|(to, _)| *to != from);
        out
    }

    /// The nodes that the name of a setting speaks of.
    fn named(&self, from: usize, name: &str) -> Option<BTreeSet<usize>> {
        let short = || self.short_names.get(&names::plain(name)).map(|at| BTreeSet::from([*at]));
        self.host_from(from, name).or_else(short)
    }

    /// The nodes that are reached by a name.
    pub(super) fn host(&self, name: &str) -> Option<BTreeSet<usize>> {
        self.by_host.get(&names::plain(name)).cloned()
    }

    /// The nodes that a node reaches by a name: services whose code was read before others, those of its own repository
    /// before others of that name.
    pub(super) fn host_from(&self, from: usize, name: &str) -> Option<BTreeSet<usize>> {
        let found = self.host(name)?;
        let only = |fits: &dyn Fn(usize) -> bool| -> Option<BTreeSet<usize>> {
            let some: BTreeSet<usize> = found.iter().copied().filter(|at| fits(*at)).collect();
            (!some.is_empty()).then_some(some)
        };
        let read = only(&|at| self.nodes[at].kind == NodeKind::Service);
        let near = || only(&|at| self.nodes[at].repository == self.nodes[from].repository);
        read.or_else(near).or(Some(found.clone()))
    }

    pub(super) fn environments(&self, node: usize) -> Vec<&'f Workload> {
        self.workloads.get(&node).cloned().unwrap_or_default()
    }

    fn stranger(&mut self, host: &str) -> usize {
        self.extra(host, NodeKind::Stranger)
    }

    pub(super) fn extra(&mut self, name: &str, kind: NodeKind) -> usize {
        if let Some(at) = self.extras.get(&(kind, name.to_owned())) {
            return *at;
        }
        self.extras.insert((kind, name.to_owned()), self.nodes.len());
        self.nodes.push(Node {
            name: name.to_owned(),
            kind,
            repository: String::new(),
            root: String::new(),
            language: None,
            stacks: Vec::new(),
            hops: HopCounts::default(),
            hosts: Vec::new(),
        });
        self.nodes.len() - 1
    }

    pub(super) fn edge(&mut self, from: usize, to: usize, via: Via, by: String, hop: Option<&'f HopFacts>) {
        if from == to {
            return;
        }
        let hops = self.edges.entry((from, to, via, by)).or_default();
        hops.extend(hop.filter(|hop| !hops.contains(hop)));
    }

    fn finish(self) -> Map {
        let mut edges = Vec::new();
        let mut far: BTreeMap<usize, Vec<&HopFacts>> = BTreeMap::new();
        for ((repository, n), node) in &self.services {
            let hops = self.all.get(*repository).and_then(|facts| facts.services.get(*n)).map(|found| &found.crossings);
            far.insert(*node, hops.into_iter().flatten().collect());
        }
        for ((from, to, via, by), near) in &self.edges {
            let (_, kinds) = via.kinds();
            let named = |hop: &&&HopFacts| {
                *via != Via::Message || hop.peers.channels.iter().any(|text| self.channels(*to, text).contains(by))
            };
            let ends = far.get(to).into_iter().flatten().filter(|hop| kinds.contains(&hop.kind)).filter(named);
            let mut far: Vec<HopFacts> = ends.take(MAX_HOPS).map(|hop| (*hop).clone()).collect();
            far.sort();
            let mut near: Vec<HopFacts> = near.iter().take(MAX_HOPS).map(|hop| (*hop).clone()).collect();
            near.sort();
            let Judged { standing, because, leaves, arrives } = self.judged((*from, *to), *via, &near, &far);
            let (from, to, via, by) = (*from, *to, *via, by.clone());
            edges.push(Edge { from, to, via, by, standing, because, leaves, arrives, near, far });
        }
        let skipped = self.all.iter().flat_map(|facts| facts.skipped.iter().cloned()).collect();
        Map { nodes: self.nodes, edges, skipped }
    }
}

/// What traces a service.
fn active(found: &ServiceFacts) -> impl Iterator<Item = &str> {
    found.service.stacks.iter().filter(|stack| stack.active).map(|stack| stack.stack.as_str())
}

/// The value of a variable or setting in the environment of a process.
pub(crate) fn value(piece: &Piece, workload: &Workload) -> Option<String> {
    let (Piece::Variable(named) | Piece::Setting(named)) = piece else { return None };
    let exact = workload.environment.iter().find(|variable| variable.name == named.name);
    // A framework reads `till.base-url` from TILL_BASEURL or TILL_BASE_URL too.
    let by_framework = || match piece {
        Piece::Setting(named) => {
            let wanted = plain(&named.name);
            workload.environment.iter().find(|variable| plain(&variable.name) == wanted)
        }
        _ => None,
    };
    let found = exact.or_else(by_framework).map(|variable| variable.value.clone())?;
    (!found.is_empty() && !found.contains("${") && !is_template(&found)).then_some(found)
}

/// The piece of an address that the host begins with.
fn in_host(address: &Text) -> Option<&Piece> {
    let is_scheme = |piece: &&Piece| matches!(piece, Piece::Literal(text) if text.ends_with("://"));
    let mut pieces = address.0.iter().peekable();
    pieces.next_if(is_scheme);
    pieces.next()
}
