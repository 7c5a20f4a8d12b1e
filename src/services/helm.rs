//! The defaults of a Helm chart, put into its templates.
//!
//! Source: <https://helm.sh/docs/chart_template_guide/values_files/>. Only plain places are filled, `{{ .Values.a.b }}` with
//! or without quotes around it: what else a template does stays open.

use super::ManifestFile;
use crate::paths::join;
use crate::yaml::Node;
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
            Some(text) => Cow::Owned(ManifestFile::new(&file.path, text)),
            None => Cow::Borrowed(file),
        }
    }

    /// A template with its chart's defaults in their places; `None` where there are none.
    fn fill(&self, path: &str, text: &str) -> Option<String> {
        let values = self.0.get(home(path)?)?;
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        let mut left = MAX_GROWTH;
        while let Some((before, after)) = rest.split_once("{{") {
            out.push_str(before);
            let Some((inside, behind)) = after.split_once("}}") else {
                out.push_str("{{");
                rest = after;
                continue;
            };
            match value(values, inside).filter(|value| value.len() <= left) {
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
}
