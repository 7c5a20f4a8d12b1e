//! Objects of Kubernetes that Terraform makes: written out, or as the text of a manifest, and the files in its ConfigMaps.
//!
//! Sources: <https://registry.terraform.io/providers/hashicorp/kubernetes/latest/docs/resources/manifest>,
//! <https://registry.terraform.io/providers/hashicorp/kubernetes/latest/docs/resources/config_map>,
//! <https://registry.terraform.io/providers/alekc/kubectl/latest/docs/resources/kubectl_manifest>.

use super::{Deployment, Kind, collector, of_proxies, read_document, settings};
use crate::hcl::{self, Resource};
use crate::services::{ManifestFile, expand};
use crate::yaml::Node;
use ustr::Ustr;

const MANIFEST: &str = "kubernetes_manifest";
const TEXT: &str = "kubectl_manifest";
const CONFIG_MAP: &str = "kubernetes_config_map";

/// Whether a resource of this type makes an object of Kubernetes that is read here.
pub(super) fn is_object(kind: &str) -> bool {
    kind == MANIFEST || kind == TEXT || is_config_map(kind)
}

/// The word by which a file with such a resource is known.
pub(super) const WORDS: [&str; 3] = [MANIFEST, TEXT, CONFIG_MAP];

fn is_config_map(kind: &str) -> bool {
    kind.strip_prefix(CONFIG_MAP).is_some_and(|rest| matches!(rest, "" | "_v1" | "_v1_data"))
}

/// What a resource says, as its object would in a manifest.
pub(super) fn read(file: &ManifestFile, resource: &Resource, maps: &settings::Maps, out: &mut Deployment) {
    let body = &resource.body;
    if is_config_map(&resource.kind) {
        let files = body.get("data").map(Node::entries).unwrap_or_default();
        let documents = files.iter().flat_map(|(_, held)| documents(&file.text, held));
        documents.for_each(|document| of_map(file, resource, &document, out));
        return;
    }
    let written = [body.get("manifest"), body.get("yaml_body")].into_iter().flatten();
    let objects = written.flat_map(|node| documents(&file.text, node)).filter(Node::is_map);
    objects.for_each(|object| read_document(file, &object, maps, out));
}

/// The documents that a value is: itself where it is written out, those of its text else.
fn documents(text: &str, node: &Node) -> Vec<Node> {
    if node.is_map() { vec![node.clone()] } else { hcl::nested(text, node).unwrap_or_default() }
}

/// Reads a file of a ConfigMap.
fn of_map(file: &ManifestFile, resource: &Resource, document: &Node, out: &mut Deployment) {
    let before = out.collectors.len();
    collector::read(Ustr::from(&file.path), &file.text, document, out);
    let metadata = resource.body.get("metadata").map(Node::items).unwrap_or_default();
    let said = metadata.iter().find_map(|block| block.get("name")?.text());
    let name = said.map(|name| expand(name, &[])).unwrap_or_default();
    for found in out.collectors.iter_mut().skip(before) {
        found.kind = Kind::ConfigMap(name.clone());
    }
    of_proxies(file, document, out);
}
