//! Templates of OpenShift: objects whose gaps are filled by parameters with defaults.
//!
//! Source: <https://docs.openshift.com/container-platform/latest/openshift_images/using-templates.html>.

use crate::yaml::{Node, Value};

/// The objects of a template, with the parameters of images put in: which program runs, and its version. Everything else is
/// left open, as those who install a template set it. `None` for what is no template.
pub(super) fn objects(document: &Node) -> Option<Vec<Node>> {
    let text = |key: &str| document.get(key).and_then(Node::text);
    if text("kind") != Some("Template")
        || !text("apiVersion")?.contains("template.openshift.io") && text("apiVersion") != Some("v1")
    {
        return None;
    }
    let parameters = document.get("parameters").map(Node::items).unwrap_or_default();
    let known: Vec<(String, String)> = parameters
        .iter()
        .filter_map(|one| Some((one.get("name")?.text()?.to_owned(), one.get("value")?.text()?.to_owned())))
        .collect();
    let mut objects = document.get("objects")?.items().to_vec();
    for object in &mut objects {
        object.walk_mut(&mut |node| put_in(node, &known));
    }
    Some(objects)
}

/// Puts parameters into the image that a mapping names.
fn put_in(node: &mut Node, known: &[(String, String)]) {
    let Value::Map(entries) = &mut node.value else { return };
    for (_, value) in entries.iter_mut().filter(|(key, _)| key.text == "image") {
        let Value::Scalar(text) = &mut value.value else { continue };
        for (name, value) in known {
            *text = text.replace(&format!("${{{name}}}"), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::objects;
    use crate::yaml::{Node, documents};

    #[test]
    fn images_are_those_of_the_parameters() {
        let text = "apiVersion: template.openshift.io/v1\nkind: Template\nobjects:\n- spec: {image: \"${I}:${T}\", env: \"${T}\"}\nparameters:\n- {name: I, value: relay}\n- {name: T, value: '1.2'}\n- {name: U}\n";
        let found = documents(text).expect("reads");
        let made = objects(&found[0]).expect("a template");
        let said = |key: &str| made[0].at(&["spec", key]).and_then(Node::text);
        assert_eq!((said("image"), said("env")), (Some("relay:1.2"), Some("${T}")));
        assert_eq!(objects(&documents("kind: List\napiVersion: v1\n").expect("reads")[0]), None);
    }
}
