//! The maps of settings of Kubernetes, from which containers take variables, with their places.

use super::container::written;
use super::{Given, kubernetes, place};
use crate::paths::{folder, join};
use crate::services::ManifestFile;
use crate::yaml::{Node, is_template};
use ustr::Ustr;

/// The maps of a workspace.
#[derive(Debug, Default)]
pub(super) struct Maps(Vec<Map>);

#[derive(Debug)]
struct Map {
    path: String,
    name: String,
    given: Vec<Given>,
}

impl Maps {
    /// Those that the files hold; `other` gives a file by its path.
    pub(super) fn new<'f>(files: &'f [ManifestFile], other: &dyn Fn(&str) -> Option<&'f ManifestFile>) -> Self {
        let mut out = Vec::new();
        let may = |file: &&ManifestFile| {
            file.is_yaml() && (file.text.contains("ConfigMap") || file.text.contains("configMapGenerator"))
        };
        for file in files.iter().filter(may) {
            for document in file.documents().unwrap_or_default() {
                out.extend(kubernetes::settings(document).into_iter().map(|found| map(file, &found, other)));
            }
        }
        Self(out)
    }

    /// The map of this name: of the file at `path`, of one beside it, else the only one that the workspace has.
    fn named(&self, path: &str, name: &str) -> Option<&Map> {
        let found: Vec<&Map> = self.0.iter().filter(|map| map.name == name).collect();
        let same = found.iter().find(|map| map.path == path);
        let near = || found.iter().find(|map| folder(&map.path) == folder(path));
        let only = || found.first().filter(|_| found.len() == 1);
        same.or_else(near).or_else(only).copied()
    }

    /// What a container takes from maps as a whole, and whether there are others that are not seen.
    pub(super) fn of(&self, path: &str, container: &Node) -> (Vec<Given>, bool) {
        let mut out = Vec::new();
        let mut is_open = false;
        for source in container.get("envFrom").map(Node::items).unwrap_or_default() {
            let name = source.at(&["configMapRef", "name"]).and_then(Node::text);
            match name.and_then(|name| self.named(path, name)) {
                Some(map) if source.get("prefix").is_none() => out.extend(map.given.iter().cloned()),
                _ => is_open = true,
            }
        }
        (out, is_open)
    }

    /// The value of a variable that a container takes from a map.
    pub(super) fn value(&self, path: &str, entry: &Node) -> Option<&str> {
        let reference = entry.at(&["valueFrom", "configMapKeyRef"])?;
        let map = self.named(path, reference.get("name")?.text()?)?;
        let key = reference.get("key")?.text()?;
        map.given.iter().rev().find(|given| given.name == key)?.value.as_deref()
    }
}

fn map<'f>(
    file: &ManifestFile,
    found: &kubernetes::Settings<'_>,
    other: &dyn Fn(&str) -> Option<&'f ManifestFile>,
) -> Map {
    let own = found.entries.iter().map(|entry| Given {
        name: entry.name.to_owned(),
        value: entry.value.filter(|value| !is_template(value)).and_then(written),
        span: entry.span,
        place: place(Ustr::from(&file.path), entry.span),
        is_common: true,
        is_fallback: false,
    });
    let files = found.files.iter().filter_map(|path| other(&join(folder(&file.path), path)?));
    let of_files = files.flat_map(|file| {
        let all = crate::services::placed_variables_of(&file.text).into_iter();
        all.map(|(name, value, span)| Given {
            name,
            value: written(&value),
            span,
            place: place(Ustr::from(&file.path), span),
            is_common: true,
            is_fallback: false,
        })
    });
    let given = of_files.chain(own).collect();
    Map { path: file.path.clone(), name: found.name.to_owned(), given }
}
