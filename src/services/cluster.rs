//! What the Kubernetes files of a workspace say beside its workloads: services, by which pods are reached, and maps of
//! settings, which pods take variables from.
//!
//! Sources: <https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/>,
//! <https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/config-map-v1/>.

use super::ManifestFile;
use crate::paths::folder;
use crate::yaml::{Node, is_template};
use std::collections::{BTreeMap, BTreeSet};

/// Services and maps of settings.
#[derive(Debug, Default)]
pub(super) struct Cluster {
    services: Vec<Service>,
    settings: Vec<Settings>,
}

/// A name under which pods with some labels are reached.
#[derive(Debug)]
struct Service {
    path: String,
    name: String,
    selector: BTreeMap<String, String>,
    /// The ports of the pods, by name or number.
    ports: BTreeSet<String>,
}

/// Settings under a name.
#[derive(Debug)]
struct Settings {
    path: String,
    name: String,
    values: BTreeMap<String, String>,
}

/// The cheap test whether a YAML file may hold one of them.
fn is_of_cluster(text: &str) -> bool {
    let has = |word: &str| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    has("apiVersion:") && (has("kind: Service") || has("kind: ConfigMap"))
}

impl Cluster {
    /// Adds what a file says. One that cannot be read says nothing; where it holds a workload too, that is told there.
    pub(super) fn add(&mut self, file: &ManifestFile) {
        if !is_of_cluster(&file.text) {
            return;
        }
        let path = file.path.as_str();
        for document in file.documents().unwrap_or_default() {
            let name = document.at(&["metadata", "name"]).and_then(Node::text).filter(|name| !is_template(name));
            let Some(name) = name.map(str::to_owned) else { continue };
            match document.get("kind").and_then(Node::text) {
                Some("Service") => {
                    let selector = texts(document.at(&["spec", "selector"]));
                    if !selector.is_empty() && !selector.values().any(|value| is_template(value)) {
                        let ports = ports(document);
                        self.services.push(Service { path: path.to_owned(), name, selector, ports });
                    }
                }
                Some("ConfigMap") => {
                    self.settings.push(Settings { path: path.to_owned(), name, values: texts(document.get("data")) });
                }
                _ => {}
            }
        }
    }

    /// The names under which a pod is reached: of services beside the file at `path`, else of those of the workspace.
    /// In a pod of several containers, only of those services whose port the container has.
    pub(super) fn services_of(&self, path: &str, pod: &Node, container: &Node) -> BTreeSet<String> {
        let all = pod.at(&["spec", "containers"]).map(Node::items).unwrap_or_default();
        let alone = all.len() <= 1;
        let own = open(container);
        let takes = |service: &Service| alone || service.ports.iter().any(|port| own.contains(port));
        let labels = texts(pod.at(&["metadata", "labels"]));
        let reaches = |service: &&Service| {
            service.selector.iter().all(|(name, value)| labels.get(name).is_some_and(|own| own == value))
        };
        let found: Vec<&Service> = self.services.iter().filter(reaches).filter(|service| takes(service)).collect();
        let near = found.iter().filter(|service| folder(&service.path) == folder(path));
        let near: BTreeSet<String> = near.map(|service| service.name.clone()).collect();
        if near.is_empty() { found.into_iter().map(|service| service.name.clone()).collect() } else { near }
    }

    /// The settings of this name: of the file at `path`, of one beside it, else the only ones that the workspace has.
    pub(super) fn settings(&self, path: &str, name: &str) -> Option<&BTreeMap<String, String>> {
        let found: Vec<&Settings> = self.settings.iter().filter(|settings| settings.name == name).collect();
        let same = found.iter().find(|settings| settings.path == path);
        let near = || found.iter().find(|settings| folder(&settings.path) == folder(path));
        let only = || found.first().filter(|_| found.len() == 1);
        same.or_else(near).or_else(only).map(|settings| &settings.values)
    }
}

/// The target ports of a service: its own where it names no other.
fn ports(document: &Node) -> BTreeSet<String> {
    let all = document.at(&["spec", "ports"]).map(Node::items).unwrap_or_default();
    let target = |port: &Node| ["targetPort", "port"].iter().find_map(|key| Some(port.get(key)?.text()?.to_owned()));
    all.iter().filter_map(target).collect()
}

/// The ports of a container, by number and by name.
fn open(container: &Node) -> BTreeSet<String> {
    let all = container.get("ports").map(Node::items).unwrap_or_default();
    let named = all.iter().flat_map(|port| ["containerPort", "name"].map(|key| port.get(key).and_then(Node::text)));
    named.flatten().map(str::to_owned).collect()
}

/// The scalars of a mapping.
fn texts(node: Option<&Node>) -> BTreeMap<String, String> {
    let entries = node.map(Node::entries).unwrap_or_default().iter();
    entries.filter_map(|(key, value)| Some((key.text.clone(), value.text()?.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_are_reached_by_their_labels() {
        let mut cluster = Cluster::default();
        let text = "apiVersion: v1\nkind: Service\nmetadata:\n  name: till\nspec:\n  selector:\n    app: till\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ends\ndata:\n  TILL: till:80\n";
        cluster.add(&ManifestFile::new("k8s/till.yaml", text));
        cluster.add(&ManifestFile::new("k8s/broken.yaml", "apiVersion: v1\nkind: Service\nmetadata: ["));
        let services_of = |label: &str| {
            let pod =
                format!("metadata: {{labels: {{app: {label}, tier: x}}}}\nspec: {{containers: [{{image: x}}]}}\n");
            let pod = crate::yaml::documents(&pod).expect("reads").remove(0);
            let container = &pod.at(&["spec", "containers"]).expect("containers").items()[0];
            cluster.services_of("k8s/pod.yaml", &pod, container).into_iter().collect::<Vec<_>>()
        };
        assert_eq!(services_of("till"), ["till"]);
        assert!(services_of("cart").is_empty());
        assert_eq!(
            cluster.settings("other/pod.yaml", "ends").and_then(|all| all.get("TILL")).map(String::as_str),
            Some("till:80")
        );
        assert!(cluster.settings("k8s/pod.yaml", "none").is_none());
    }
}
