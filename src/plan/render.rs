//! Putting values into a template.

use crate::report::text::clean;

/// Puts values in the places of a template, which look like `@NAME@`; what stands in a value is left alone.
pub(super) fn render(template: &str, values: &[(&str, String)]) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find('@') {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let found = values.iter().find_map(|(name, value)| {
            let rest = after.strip_prefix('@')?.strip_prefix(name)?.strip_prefix('@')?;
            Some((value, rest))
        });
        match found {
            Some((value, after)) => {
                out.push_str(value);
                rest = after;
            }
            None => {
                out.push('@');
                rest = after.get(1..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}

/// Notes as comments, one a line.
pub(super) fn comments(notes: &[String], mark: &str) -> String {
    notes.iter().map(|note| format!("{mark} - {}\n", clean(note))).collect()
}

/// A text in double quotes, as JSON, Python, Go and YAML read it.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(clean(text)).to_string()
}

#[cfg(test)]
mod tests {
    use super::{quoted, render};

    #[test]
    fn values_are_put_in_once() {
        let values = [("A", "@B@".to_owned()), ("B", "x".to_owned())];
        assert_eq!(render("1@A@2@B@3@C@ a@b", &values), "1@B@2x3@C@ a@b");
    }

    #[test]
    fn texts_cannot_end_their_quotes() {
        assert_eq!(quoted("a\"b\\\n"), "\"a\\\"b\\\\\u{FFFD}\"");
    }
}
