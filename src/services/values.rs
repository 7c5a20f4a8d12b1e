//! Values of charts whose templates lie elsewhere: the environment that they give to a service.
//!
//! Source: <https://helm.sh/docs/chart_template_guide/values_files/>. A chart names its values as it likes, so a variable is
//! known by its shape: a name in capitals with a text.

use super::ManifestFile;
use super::launch::{FactKind, Launch, image_name};
use super::stacks::compiled;
use crate::ir::{LineIndex, Span};
use crate::paths::file_name;
use crate::yaml::{Node, is_template};

/// What the values in a file give to the service that they are for; nothing of a file that cannot be read.
pub(super) fn read(file: &ManifestFile) -> Option<Launch> {
    if !file_name(&file.path).contains("values") || !may_switch_on(&file.text) {
        return None;
    }
    let lines = LineIndex::new(file.text.as_bytes());
    let mut launch = Launch::new(&file.path);
    let documents = file.documents().ok()?;
    let mut stack: Vec<&Node> = documents.iter().collect();
    while let Some(node) = stack.pop() {
        let mut say = |name: &str, value: &Node, span: Span| {
            if let Some(text) = value.text().filter(|text| is_variable(name) && !is_template(text)) {
                launch.say(lines.line(span.start), FactKind::Variable(name.to_owned(), text.to_owned()));
            }
        };
        if let (Some(name), Some(value)) = (node.get("name"), node.get("value")) {
            say(name.text().unwrap_or_default(), value, name.span);
        }
        for (key, value) in node.entries() {
            say(&key.text, value, key.span);
            stack.push(value);
        }
        stack.extend(node.items());
        let image = node.at(&["image", "repository"]).and_then(Node::text).map(image_name);
        launch.names.extend(image.filter(|name| !name.is_empty() && !is_template(name)).map(str::to_owned));
    }
    (!launch.facts.is_empty()).then_some(launch)
}

/// The cheap test whether a file may switch some stack on.
fn may_switch_on(text: &str) -> bool {
    let has = |word: &str| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    has("-javaagent:") || compiled().iter().flat_map(|stack| &stack.page.environment).any(|switch| has(&switch.name))
}

fn is_variable(name: &str) -> bool {
    name.contains('_') && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_known_by_their_shape() {
        let text = "chart:\n  image:\n    repository: r.io/team/till\n  envConfig:\n    JAVA_TOOL_OPTIONS: >-\n      -Xmx1g\n      -javaagent:/app/a.jar\n    port: 1\n  extra:\n  - name: B_C\n    value: d\n";
        let launch = read(&ManifestFile::new("helm/values-prod.yaml", text)).expect("it gives an environment");
        let mut found: Vec<_> = launch
            .facts
            .iter()
            .filter_map(|fact| match &fact.kind {
                FactKind::Variable(name, value) => Some((name.as_str(), value.contains("-javaagent:"))),
                _ => None,
            })
            .collect();
        found.sort_unstable();
        assert_eq!(found, [("B_C", false), ("JAVA_TOOL_OPTIONS", true)]);
        assert_eq!(launch.names, ["till"]);
        assert!(read(&ManifestFile::new("helm/other.yaml", text)).is_none());
    }
}
