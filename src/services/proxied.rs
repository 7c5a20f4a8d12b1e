//! Where a proxy passes requests on, as its configuration says.
//!
//! Sources: <https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass>,
//! <https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/cluster/v3/cluster.proto>.

use super::{ManifestFile, expand};
use crate::deploy::Deployment;
use crate::facts::Workload;
use crate::paths::is_below;
use crate::yaml::Node;
use std::collections::{BTreeMap, BTreeSet};

/// How many addresses one proxy may pass requests to.
const MAX_TARGETS: usize = 64;

/// Gives each process the addresses in the configurations of proxies that its image holds or that it is given.
pub(crate) fn attach(workloads: &mut [Workload], files: &[ManifestFile], deployment: &Deployment) {
    let proxies: Vec<(&str, BTreeSet<String>)> = files
        .iter()
        .filter_map(|file| {
            let found = match crate::deploy::is_proxy(&file.path) {
                true => targets(&file.text),
                false => clusters(file)?,
            };
            Some((file.path.as_str(), found))
        })
        .filter(|(_, targets)| !targets.is_empty())
        .collect();
    if proxies.is_empty() {
        return;
    }
    for workload in workloads {
        let is_it =
            |found: &&crate::deploy::Container| found.path == workload.path.as_str() && found.name == workload.name;
        let mounts = deployment.containers.iter().filter(is_it).flat_map(|found| &found.mounts);
        let held: Vec<&String> = workload.copies.iter().chain(mounts).filter(|held| !held.is_empty()).collect();
        let own = proxies.iter().filter(|(path, _)| held.iter().any(|held| is_below(path, held)));
        let all: BTreeSet<&String> = own.flat_map(|(_, targets)| targets).take(MAX_TARGETS).collect();
        let environment: Vec<(String, String)> =
            workload.environment.iter().map(|variable| (variable.name.clone(), variable.value.clone())).collect();
        // Templates of configurations are filled from the environment before the proxy starts.
        let filled: BTreeSet<String> = all.into_iter().map(|address| expand(address, &environment)).collect();
        workload.passes = filled.into_iter().filter(|address| !address.contains('$')).collect();
    }
}

/// The addresses of the clusters in a configuration of Envoy; `None` for any other file.
fn clusters(file: &ManifestFile) -> Option<BTreeSet<String>> {
    let is_meant = file.is_yaml() && file.text.contains("clusters:") && file.text.contains("socket_address");
    let documents = file.documents().ok().filter(|_| is_meant)?;
    let mut out = BTreeSet::new();
    for document in documents {
        let clusters = document.at(&["static_resources", "clusters"]).map(Node::items).unwrap_or_default();
        for cluster in clusters {
            cluster.walk(&mut |node| {
                let Some(address) = node.at(&["socket_address", "address"]).and_then(Node::text) else { return };
                let port = node.at(&["socket_address", "port_value"]).and_then(Node::text);
                out.insert(port.map_or_else(|| address.to_owned(), |port| format!("{address}:{port}")));
            });
        }
    }
    Some(out)
}

/// The addresses in a text in nginx's language, those of groups of servers by the servers.
fn targets(text: &str) -> BTreeSet<String> {
    let (mut passed, mut groups) = (BTreeSet::new(), BTreeMap::<String, BTreeSet<String>>::new());
    let mut group: Option<String> = None;
    for line in text.lines() {
        let code = line.split('#').next().unwrap_or_default();
        for statement in code.split_inclusive([';', '{', '}']) {
            let mut words = statement.trim_end_matches([';', '{', '}']).split_whitespace();
            match (words.next(), words.next()) {
                (Some("upstream"), Some(name)) => group = Some(name.to_owned()),
                (Some("server"), Some(address)) => {
                    if let Some(name) = &group {
                        groups.entry(name.clone()).or_default().insert(address.to_owned());
                    }
                }
                (Some("proxy_pass" | "grpc_pass"), Some(address)) if !address.contains('$') => {
                    passed.insert(address.to_owned());
                }
                _ => {}
            }
            if statement.ends_with('}') {
                group = None;
            }
        }
    }
    passed.into_iter().flat_map(|address| servers(&address, &groups)).collect()
}

/// The servers of the group that an address names, or the address itself.
fn servers(address: &str, groups: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<String> {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let name = rest.split('/').next().unwrap_or(rest);
    groups.get(name).cloned().unwrap_or_else(|| BTreeSet::from([address.to_owned()]))
}

#[cfg(test)]
mod tests {
    use super::targets;

    #[test]
    fn groups_of_servers_are_put_in() {
        let text = "upstream till { server till:80 weight=2; server till-2:80; }\nserver {\n listen 80;\n\
            location / { proxy_pass http://till/x; }\n location /b { grpc_pass grpc://books:81; } # proxy_pass http://c;\n\
            location /d { proxy_pass http://$host; }\n}\n";
        let found: Vec<String> = targets(text).into_iter().collect();
        assert_eq!(found, ["grpc://books:81", "till-2:80", "till:80"]);
    }
}
