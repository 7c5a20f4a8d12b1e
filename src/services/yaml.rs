//! YAML with limits, and with the templates of Helm taken out.

use serde_json::Value;

/// The documents of a file, or why it could not be read.
pub(super) fn documents(text: &str) -> Result<Vec<Value>, String> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 64,
            max_aliases: 256,
            max_nodes: 100_000,
            max_documents: 512,
        },
        strict_booleans: true,
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::LastWins,
    };
    let plain;
    let text = if text.contains("{{") {
        plain = without_templates(text);
        &plain
    } else {
        text
    };
    serde_saphyr::from_multiple_with_options(text, options).map_err(|error| first_line(&error.to_string()))
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or("").to_owned()
}

/// Lines that only steer a template are emptied (they keep their number); other `{{…}}` become a word.
fn without_templates(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let trimmed = line.trim();
        if !(trimmed.starts_with("{{") && trimmed.ends_with("}}")) {
            push_line(&mut out, line);
        }
        out.push('\n');
    }
    out
}

fn push_line(out: &mut String, line: &str) {
    let mut rest = line;
    while let Some(at) = rest.find("{{") {
        out.push_str(&rest[..at]);
        let Some(end) = rest[at..].find("}}") else { break };
        out.push_str("TEMPLATE");
        rest = &rest[at + end + 2..];
    }
    out.push_str(rest);
}

/// The text of a scalar.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// A string, or a list of strings as one line.
pub(super) fn line(value: &Value) -> Option<String> {
    match value {
        Value::Array(words) => Some(words.iter().filter_map(scalar).collect::<Vec<_>>().join(" ")),
        other => scalar(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_taken_out() {
        let text = "{{- if .Values.a }}\nkind: Pod\nname: {{ .Values.name }}-x\n{{- end }}\n";
        let documents = documents(text).expect("reads");
        assert_eq!(documents[0]["name"], "TEMPLATE-x");
    }

    #[test]
    fn depth_and_aliases_are_limited() {
        let deep = "[".repeat(5000);
        assert!(documents(&deep).is_err());
        let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for level in 1..12 {
            let before = level - 1;
            bomb.push_str(&format!("a{level}: &a{level} [{}]\n", vec![format!("*a{before}"); 10].join(",")));
        }
        assert!(documents(&bomb).is_err());
        assert!(documents("a: [").is_err());
    }
}
