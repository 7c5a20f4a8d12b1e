//! The defaults of a Helm chart, put into its templates.
//!
//! Source: <https://helm.sh/docs/chart_template_guide/values_files/>. Only plain places are filled: `{{ .Values.a.b }}` with
//! or without quotes around it, `{{ toYaml .Values.a.b | nindent 8 }}` under a key, as YAML in one line, and loops that make
//! variables (`helm_range.rs`); no line moves. What else a template does stays open.

use super::ManifestFile;
use super::helm_range::unrolled;
use crate::paths::join;
use crate::yaml::{Node, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Most letters that the values of one template may add.
const MAX_GROWTH: usize = 256 * 1024;

/// The charts of a workspace: their folders and values.
#[derive(Debug, Default)]
pub(super) struct Charts(BTreeMap<String, Node>);

impl Charts {
    /// Those that have values beside their templates.
    pub(super) fn new(files: &[&ManifestFile]) -> Self {
        let mut out = BTreeMap::new();
        let homes: std::collections::BTreeSet<&str> =
            files.iter().filter(|file| file.text.contains("{{")).filter_map(|file| home(&file.path)).collect();
        for home in homes {
            let path = join(home, "values.yaml").unwrap_or_default();
            let values = files.iter().find(|file| file.path == path).and_then(|file| file.documents().ok()?.first());
            if let Some(values) = values {
                out.insert(home.to_owned(), values.clone());
            }
        }
        Self(out)
    }

    /// A file with its chart's defaults in their places, if it is a template of a chart.
    pub(super) fn filled<'f>(&self, file: &'f ManifestFile) -> Cow<'f, ManifestFile> {
        match self.fill(&file.path, &file.text) {
            Some(text) => {
                let filled = ManifestFile::new(&file.path, text);
                // What does not fit is left as it was.
                let is_worse = file.is_yaml() && filled.documents().is_err() && file.documents().is_ok();
                if is_worse { Cow::Borrowed(file) } else { Cow::Owned(filled) }
            }
            None => Cow::Borrowed(file),
        }
    }

    /// A template with its chart's defaults in their places; `None` where there are none.
    fn fill(&self, path: &str, text: &str) -> Option<String> {
        let values = self.0.get(home(path)?)?;
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        let mut left = MAX_GROWTH;
        let mut around = Vec::new();
        while let Some((before, after)) = rest.split_once("{{") {
            out.push_str(before);
            let Some((inside, behind)) = after.split_once("}}") else {
                out.push_str("{{");
                rest = after;
                continue;
            };
            let dot = around.last().and_then(Option::as_deref);
            if let Some(found) = unrolled(inside, behind, dot, values).filter(|found| found.text.len() <= left) {
                left -= found.text.len();
                out.push_str(&found.text);
                rest = found.behind;
                continue;
            }
            step(&mut around, inside);
            let dot = around.last().and_then(Option::as_deref);
            let found = value(values, inside).or_else(|| under_key(&out, values, inside, dot));
            match found.filter(|value| value.len() <= left) {
                Some(value) => {
                    left -= value.len();
                    out.push_str(&value);
                }
                None => {
                    out.push_str("{{");
                    out.push_str(inside);
                    out.push_str("}}");
                }
            }
            rest = behind;
        }
        out.push_str(rest);
        Some(out)
    }
}

/// The folder of the chart that a template belongs to.
fn home(path: &str) -> Option<&str> {
    path.rsplit_once("/templates/").map(|(home, _)| home).or_else(|| path.strip_prefix("templates/").map(|_| ""))
}

/// How deep blocks of a template may lie in each other.
const MAX_BLOCKS: usize = 64;

/// Follows what the dot stands for: `with` changes it, `range` to what is not known.
fn step(around: &mut Vec<Option<String>>, inside: &str) {
    let mut words = inside.trim_matches('-').split_whitespace();
    match words.next() {
        Some("with") => around.push(words.next().map(str::to_owned).filter(|_| words.next().is_none())),
        Some("if") => around.push(around.last().cloned().flatten()),
        Some("range" | "define" | "block") => around.push(None),
        Some("end") => {
            around.pop();
        }
        _ => {}
    }
    around.truncate(MAX_BLOCKS);
}

/// The whole of what a place under a key names, in one line: `env:` and below it `{{ toYaml .Values.env | nindent 8 }}`.
fn under_key(before: &str, values: &Node, inside: &str, dot: Option<&str>) -> Option<String> {
    let rest = inside.trim_matches('-').trim().strip_prefix("toYaml")?.trim_start();
    let (name, filter) = rest.split_once('|')?;
    let filter = filter.trim();
    let is_indent = filter.starts_with("nindent") || filter.starts_with("indent");
    if !is_indent || filter.contains('|') || !before.trim_end().ends_with(':') {
        return None;
    }
    let name = match name.trim() {
        "." => dot?,
        name => name,
    };
    let found = name.strip_prefix(".Values.")?.split('.').try_fold(values, |value, key| value.get(key))?;
    match &found.value {
        Value::List(items) if items.is_empty() => None,
        Value::Map(entries) if entries.is_empty() => None,
        Value::List(_) | Value::Map(_) => Some(json(found, MAX_BLOCKS)?.to_string()),
        Value::Scalar(_) | Value::Null => None,
    }
}

/// A value as JSON, which is YAML in one line; `None` where a template makes a part of it.
fn json(node: &Node, left: usize) -> Option<serde_json::Value> {
    let left = left.checked_sub(1)?;
    Some(match &node.value {
        Value::Null => serde_json::Value::Null,
        Value::Scalar(text) if text.contains("{{") => return None,
        Value::Scalar(text) => text.as_str().into(),
        Value::List(items) => items.iter().map(|item| json(item, left)).collect::<Option<Vec<_>>>()?.into(),
        Value::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| Some((key.text.clone(), json(value, left)?)));
            serde_json::Value::Object(entries.collect::<Option<_>>()?)
        }
    })
}

/// The value that a plain place names: one line that needs no quotes.
fn value(values: &Node, inside: &str) -> Option<String> {
    let inside = inside.trim_matches('-').trim();
    let (name, filter) = inside.split_once('|').map_or((inside, ""), |(name, filter)| (name.trim(), filter.trim()));
    if !matches!(filter, "" | "quote" | "squote" | "toString") {
        return None;
    }
    let found = name.strip_prefix(".Values.")?.split('.').try_fold(values, |value, key| value.get(key))?;
    let text = found.text()?;
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._-/:@".contains(letter);
    (!text.is_empty() && text.chars().all(is_plain) && !text.ends_with(':')).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_places_are_filled() {
        let file = |path: &str, text: &str| ManifestFile::new(path, text);
        let template = "name: {{ .Values.till.name }}\nport: {{ .Values.till.port | quote }}\na: {{ .Release.Name }}\nb: {{ .Values.odd }}\nc: {{";
        let files = [
            file("chart/templates/till.yaml", template),
            file("chart/values.yaml", "till:\n  name: till\n  port: 80\nodd: 'a: b'\n"),
        ];
        let charts = Charts::new(&files.iter().collect::<Vec<_>>());
        assert_eq!(
            charts.fill("chart/templates/till.yaml", template).as_deref(),
            Some("name: till\nport: 80\na: {{ .Release.Name }}\nb: {{ .Values.odd }}\nc: {{")
        );
        assert_eq!(charts.fill("other/templates/till.yaml", template), None);
    }

    #[test]
    fn loops_that_make_variables_are_unrolled() {
        let template = "env:\n  - name: X\n    value: y\n  {{- range $key, $value := .Values.env }}\n  - name: {{ $key }}\n    value: {{ $value | quote }}\n  {{- end }}\n  {{- with .Values.more }}\n  {{- range . }}\n  - name: \"{{ .name }}\"\n    value: {{ tpl (.value | toString) $ }}\n  {{- end }}\n  {{- end }}\nodd:\n  {{- range $key, $value := .Values.env }}\n  - name: A_{{ $key }}\n    value: {{ $value }}\n  {{- end }}\nlast: 1\n";
        let file = ManifestFile::new("chart/templates/till.yaml", template);
        let values = ManifestFile::new(
            "chart/values.yaml",
            "env:\n  A: b\n  C: '1'\nmore:\n  - {name: D, value: e}\n  - {name: F}\n",
        );
        let filled = Charts::new(&[&file, &values]).filled(&file).into_owned();
        assert_eq!(filled.text.lines().count(), template.lines().count());
        let found = &filled.documents().expect("reads")[0];
        let names: Vec<&str> = crate::deploy::kubernetes::environment(found).map(|(entry, _)| entry.name).collect();
        assert_eq!(names, ["X", "A", "C", "D"]);
        assert!(filled.text.contains("A_{{ $key }}"));
    }

    #[test]
    fn what_stands_under_a_key_is_filled_in_one_line() {
        let template = "a:\n  env:\n    {{- toYaml .Values.env | nindent 4 }}\n  {{- with .Values.more }}\n  more:\n    {{- toYaml . | nindent 4 }}\n  {{- end }}\n  list:\n    - x\n    {{- toYaml .Values.env | nindent 4 }}\n  last: 1\n";
        let file = ManifestFile::new("chart/templates/till.yaml", template);
        let values = ManifestFile::new("chart/values.yaml", "env:\n  - {name: A, value: '1'}\nmore: {b: c}\n");
        let filled = Charts::new(&[&file, &values]).filled(&file).into_owned();
        let found = &filled.documents().expect("reads")[0];
        assert_eq!(found.at(&["a", "env"]).map(|env| env.items().len()), Some(1));
        assert_eq!(found.at(&["a", "more", "b"]).and_then(Node::text), Some("c"));
        assert_eq!(filled.text.lines().count(), template.lines().count());
    }
}
