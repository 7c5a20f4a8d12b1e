//! Resources of platforms that start services in their own way: what they are told, a stack's description says the rest.
//!
//! Source: <https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/custom-resources/>.

use super::ManifestFile;
use super::launch::{FactKind, Launch, image_name};
use super::stacks::{PlatformSwitch, compiled};
use crate::ir::LineIndex;
use crate::yaml::{Node, Value, is_template};

/// The services that a file has a platform start, or why it could not be read.
pub(super) fn read(file: &ManifestFile) -> Result<Vec<Launch>, String> {
    if !known().any(|resource| is_of(&file.text, &resource.api)) {
        return Ok(Vec::new());
    }
    let lines = LineIndex::new(file.text.as_bytes());
    Ok(file.documents()?.iter().filter_map(|document| launch(&file.path, &lines, document)).collect())
}

/// The resources of which some stack knows what to read in them.
fn known() -> impl Iterator<Item = &'static PlatformSwitch> {
    compiled().iter().flat_map(|stack| &stack.page.resources)
}

/// The cheap test whether a file may hold a resource of a group.
fn is_of(text: &str, group: &str) -> bool {
    let has = |word: &str| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    has("apiVersion:") && has(group)
}

fn launch(path: &str, lines: &LineIndex, document: &Node) -> Option<Launch> {
    let version = document.get("apiVersion").and_then(Node::text)?;
    let is_group =
        |resource: &&PlatformSwitch| version.strip_prefix(&resource.api).is_some_and(|rest| rest.starts_with('/'));
    let resource = known().find(is_group)?;
    let spec = document.get("spec")?;
    let line = |node: &Node| lines.line(node.span.start);
    let said = |node: Option<&Node>| node.and_then(Node::text).filter(|text| !is_template(text)).map(str::to_owned);
    let mut launch = Launch::new(path);
    let name = document.at(&["metadata", "name"]);
    launch.line = line(name.unwrap_or(document));
    launch.names.extend(said(name));
    launch.image = said(spec.get("image")).unwrap_or_default();
    launch.names.extend(Some(image_name(&launch.image).to_owned()).filter(|name| !name.is_empty()));
    for entry in spec.get("env").map(Node::items).unwrap_or_default() {
        if let (Some(name), Some(value)) = (entry.get("name"), entry.get("value").and_then(Node::text)) {
            let variable = FactKind::Variable(name.text().unwrap_or_default().to_owned(), value.to_owned());
            launch.say(line(name), variable);
        }
    }
    let mut settings = Vec::new();
    flatten(String::new(), document, &mut settings);
    // It is told where the last of the settings stands that some stack asks for.
    let asked = known().filter(|other| other.api == resource.api).filter_map(|other| other.when.last());
    let mut told = asked.filter_map(|switch| document.at(&switch.name.split('.').collect::<Vec<_>>()));
    launch.say(told.next().map_or(launch.line, line), FactKind::Resource(resource.api.clone(), settings));
    Some(launch)
}

/// The leaves of a document under their keys with dots between; its depth is limited by the reader.
fn flatten(name: String, node: &Node, out: &mut Vec<(String, String)>) {
    match &node.value {
        Value::Map(entries) => {
            for (key, inner) in entries {
                let name = if name.is_empty() { key.text.clone() } else { format!("{name}.{}", key.text) };
                flatten(name, inner, out);
            }
        }
        Value::Scalar(text) => out.push((name, text.clone())),
        Value::List(_) | Value::Null => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_have_whole_names() {
        let read = |text: &str| read(&ManifestFile::new("nais.yaml", text));
        let text = "apiVersion: nais.io/v1alpha1\nkind: Application\nmetadata:\n  name: cart\nspec:\n  image: {{image}}\n  env:\n  - name: A\n    value: b\n  observability:\n    autoInstrumentation:\n      enabled: true\n      runtime: java\n";
        let found = read(text).expect("reads");
        assert_eq!(found[0].names, ["cart"]);
        let told = FactKind::Variable("A".to_owned(), "b".to_owned());
        assert!(found[0].facts.iter().any(|fact| fact.kind == told && fact.line == 8));
        let switch = ("spec.observability.autoInstrumentation.runtime".to_owned(), "java".to_owned());
        assert!(found[0].facts.iter().any(|fact| {
            matches!(&fact.kind, FactKind::Resource(api, settings) if api == "nais.io" && settings.contains(&switch))
                && fact.line == 13
        }));
        assert!(read("apiVersion: a/v1\nspec: [").expect("not looked at").is_empty());
        assert!(read("apiVersion: nais.io/v1\nspec: [").is_err());
    }
}
