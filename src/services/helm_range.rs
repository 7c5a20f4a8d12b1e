//! Environments that a template of a Helm chart makes of a map or list in the chart's values:
//!
//! ```text
//! {{- range $name, $value := .Values.env }}
//! - name: {{ $name }}
//!   value: {{ $value | quote }}
//! {{- end }}
//! ```
//!
//! Source: <https://helm.sh/docs/chart_template_guide/control_structures/#looping-with-the-range-action>.

use crate::yaml::{Node, Value};

/// What stands in the place of such a block.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unrolled<'t> {
    /// As many lines as the block has behind its first tag, one of them a list with all entries.
    pub(super) text: String,
    /// What follows on the block.
    pub(super) behind: &'t str,
}

/// The names that a block gives to what it goes through.
struct Names<'t> {
    name: &'t str,
    value: &'t str,
    of: &'t str,
}

/// The entries of the block that begins with the tag `inside`, where it makes nothing but variables; `behind` is what
/// follows on the tag, `dot` the name of what the dot stands for.
pub(super) fn unrolled<'t>(inside: &str, behind: &'t str, dot: Option<&str>, values: &Node) -> Option<Unrolled<'t>> {
    let names = names(inside)?;
    let end = behind.find("{{- end").or_else(|| behind.find("{{ end"))?;
    let (body, rest) = behind.split_at_checked(end)?;
    let behind = rest.split_once("}}")?.1;
    let indent = indent(body, &names)?;
    let path = if names.of == "." { dot? } else { names.of };
    let found = path.strip_prefix(".Values.")?.split('.').try_fold(values, |value, key| value.get(key))?;
    let entries = entries(found)?;
    let entry = |(name, value): (&str, &str)| serde_json::json!({"name": name, "value": value});
    let list: serde_json::Value = entries.into_iter().map(entry).collect();
    // The lines of the block stay as many as they are; the last one is that of its end.
    let empty = "\n".repeat(body.matches('\n').count().checked_sub(1)?);
    Some(Unrolled { text: format!("\n{indent}- {list}{empty}"), behind })
}

fn names(inside: &str) -> Option<Names<'_>> {
    let rest = inside.trim_matches('-').trim().strip_prefix("range")?.trim();
    let Some((variables, of)) = rest.split_once(":=") else {
        return is_path(rest).then_some(Names { name: ".name", value: ".value", of: rest });
    };
    let (name, value) = variables.split_once(',')?;
    let of = of.trim();
    is_path(of).then_some(Names { name: name.trim(), value: value.trim(), of })
}

fn is_path(text: &str) -> bool {
    text == "." || text.starts_with(".Values.") && !text.contains(char::is_whitespace)
}

/// The white space before the entries, where the body of a block is a name and a value alone.
fn indent<'t>(body: &'t str, names: &Names<'_>) -> Option<&'t str> {
    let mut lines = body.lines().filter(|line| !line.trim().is_empty());
    let (first, second) = (lines.next()?, lines.next()?);
    if lines.next().is_some() {
        return None;
    }
    let name = first.trim_start().strip_prefix("- name:")?;
    let value = second.trim_start().strip_prefix("value:")?;
    (makes(name, names.name) && makes(value, names.value)).then(|| &first[..first.len() - first.trim_start().len()])
}

/// Whether a text is one tag that writes a variable, through whatever filters.
fn makes(text: &str, variable: &str) -> bool {
    let inner = text.trim().trim_matches('"').strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
    let Some(inner) = inner.filter(|inner| !inner.contains("{{")) else { return false };
    let mut words = inner.trim_matches('-').split(|c: char| c.is_whitespace() || "()|".contains(c));
    words.any(|word| word == variable)
}

/// Names with their values; what a template makes of them is left out.
fn entries(node: &Node) -> Option<Vec<(&str, &str)>> {
    let mut out = Vec::new();
    match &node.value {
        Value::Map(entries) => {
            out.extend(entries.iter().filter_map(|(key, value)| Some((key.text.as_str(), value.text()?))));
        }
        Value::List(items) => {
            let entry = |item| Some((Node::get(item, "name")?.text()?, Node::get(item, "value")?.text()?));
            out.extend(items.iter().filter_map(entry));
        }
        Value::Scalar(_) | Value::Null => return None,
    }
    out.retain(|(name, value): &(&str, &str)| !name.contains("{{") && !value.contains("{{"));
    (!out.is_empty()).then_some(out)
}
