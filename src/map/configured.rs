//! Ways of which only settings tell: addresses that a process is given and of whose use its code shows nothing.

use super::address::Address;
use super::join::Joiner;
use super::{NodeKind, Via, names};
use crate::facts::{Text, Workload};
use crate::services::{image_name, is_of_tracing};
use std::collections::{BTreeMap, BTreeSet};

/// How many variables one way names.
const MAX_VARIABLES: usize = 3;

impl<'f> Joiner<'f> {
    /// Addresses in the environment of processes whose code shows no call there: one way for each two ends.
    pub(super) fn configured(&mut self) {
        let known: BTreeSet<(usize, usize)> = self.edges.keys().map(|(from, to, _, _)| (*from, *to)).collect();
        let mut found: BTreeMap<(usize, usize), BTreeSet<String>> = BTreeMap::new();
        let mut stores: BTreeSet<usize> = BTreeSet::new();
        for (from, workloads) in self.workloads.iter().filter(|(_, all)| !all.iter().any(|one| looks_on(one))) {
            let is_read = self.nodes[*from].kind == NodeKind::Service;
            for variable in workloads.iter().flat_map(|workload| &workload.environment) {
                // What a service is given in common with others it need not use: its code would show it.
                if is_read && variable.common || is_of_tracing(&variable.name) {
                    continue;
                }
                let Some(address) = given(&variable.name, &variable.value) else { continue };
                for to in self.host_from(*from, address.short()).unwrap_or_default() {
                    if is_of_store(&variable.value) {
                        stores.insert(to);
                    }
                    if to != *from && !known.contains(&(*from, to)) && !self.takes_spans(to, &address) {
                        found.entry((*from, to)).or_default().insert(format!("{}={address}", variable.name));
                    }
                }
            }
        }
        for (from, address) in self.passed() {
            for to in self.host_from(from, address.short()).unwrap_or_default() {
                if to != from && !known.contains(&(from, to)) && !self.takes_spans(to, &address) {
                    found.entry((from, to)).or_default().insert(address.to_string());
                }
            }
        }
        self.stores = stores;
        for ((from, to), by) in found {
            let by: Vec<String> = by.into_iter().take(MAX_VARIABLES).collect();
            self.edges.entry((from, to, Via::Configured, by.join(", "))).or_default();
        }
    }

    /// The addresses to which proxies pass requests on.
    fn passed(&self) -> Vec<(usize, Address)> {
        let all = self.workloads.iter().flat_map(|(from, all)| all.iter().map(move |one| (*from, one)));
        let addresses = all.flat_map(|(from, one)| one.passes.iter().map(move |address| (from, address)));
        addresses.filter_map(|(from, address)| Some((from, Address::parse(address)?))).collect()
    }

    /// Whether an address is that at which a collector or backend takes spans: no trace goes on there.
    fn takes_spans(&self, node: usize, address: &Address) -> bool {
        let known = crate::deploy::known();
        let Some(port) = address.port else { return false };
        let receives = |workload: &&Workload| {
            let (name, image) = (workload.name.to_ascii_lowercase(), workload.image.to_ascii_lowercase());
            known.receiving_images.iter().any(|word| name.contains(word.as_str()) || image.contains(word.as_str()))
        };
        known.span_ports.contains(&port) && self.environments(node).iter().any(receives)
    }

    /// Addresses in the settings of services whose code shows no call there: the routes of a gateway.
    pub(super) fn routes(&mut self) {
        let found: Vec<(usize, &'f Text)> = self
            .services
            .iter()
            .filter_map(|((repository, n), node)| Some((*node, self.all.get(*repository)?.services.get(*n)?)))
            .flat_map(|(node, service)| service.routes.iter().map(move |text| (node, text)))
            .collect();
        for (from, text) in found {
            for (to, by) in self.ends(from, text) {
                if !self.edges.keys().any(|(a, b, _, _)| *a == from && *b == to) {
                    self.edges.entry((from, to, Via::Configured, by)).or_default();
                }
            }
        }
    }
}

/// Whether an address is written for the driver of a database or broker: `postgresql://db`, `jdbc:mysql://db`.
fn is_of_store(value: &str) -> bool {
    let Some((scheme, _)) = value.trim().split_once("://") else { return false };
    let own = scheme.strip_prefix("jdbc:").unwrap_or(scheme);
    let own = own.split(['+', ':']).next().unwrap_or(own).to_ascii_lowercase();
    scheme.starts_with("jdbc:") || crate::deploy::known().store_schemes.contains(&own)
}

/// Whether a process is a collector or a backend: it asks others how they are, and no request of a user goes on there.
fn looks_on(workload: &Workload) -> bool {
    let known = crate::deploy::known();
    let name = image_name(&workload.image);
    let backends = known.backend.iter().map(|backend| image_name(&backend.image));
    known.versioned_images.iter().map(String::as_str).chain(backends).any(|image| image == name)
}

/// The address that a variable gives: a URL, a host with its port, or, where its name says that it holds one, a host alone.
pub(crate) fn given(name: &str, value: &str) -> Option<Address> {
    let is_address = value.contains([':', '=']) || names::is_of_address(name);
    Address::parse(value).filter(|found| is_address && !found.is_local())
}

#[cfg(test)]
mod tests {
    use super::{given, is_of_store};

    #[test]
    fn drivers_are_told_from_services() {
        assert!(is_of_store("postgresql+asyncpg://db/x") && is_of_store("jdbc:mysql://db:3306/x"));
        assert!(!is_of_store("http://db:80") && !is_of_store("db:5432") && !is_of_store("redis"));
    }

    #[test]
    fn hosts_alone_are_addresses_where_the_variable_is_called_so() {
        let host = |name: &str, value: &str| given(name, value).map(|found| found.to_string());
        assert_eq!(host("FLAGS_HOST", "flags").as_deref(), Some("flags"));
        assert_eq!(host("X", "flags:80").as_deref(), Some("flags:80"));
        assert_eq!(host("X_CONNECTION", "Host=db;Database=x").as_deref(), Some("db"));
        assert_eq!((host("MODE", "flags"), host("X_HOST", "localhost"), host("X", "a=b")), (None, None, None));
    }
}
