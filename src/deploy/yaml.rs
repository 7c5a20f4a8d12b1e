//! YAML with the place of every key and value, within limits, and with the templates of Helm blanked out.

use super::node::{Key, Node, Value};
use crate::ir::Span;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use std::fmt;

/// What stands in the place of a template's bytes, where a value is made by one.
const TEMPLATE: char = '~';

/// The documents of a file, or why it could not be read.
///
/// Templates (`{{ … }}`) keep their length: a line that only steers becomes blank, any other becomes a word that
/// [`is_template`] knows.
pub fn documents(text: &str) -> Result<Vec<Node>, String> {
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
    serde_saphyr::from_multiple_with_options(text, options)
        .map_err(|error| error.to_string().lines().next().unwrap_or_default().to_owned())
}

/// The documents inside a text value, such as a file in a ConfigMap, with their places in the outer file `text`.
///
/// A literal block (`|`) is read where it stands; of any other text every place is that of the whole value.
pub fn nested(text: &str, scalar: &Node) -> Option<Vec<Node>> {
    let value = scalar.text()?;
    if let Some((start, block)) = block(text, scalar.span)
        && let Ok(mut found) = documents(block)
    {
        found.iter_mut().for_each(|node| node.shift(start));
        return Some(found);
    }
    let mut found = documents(value).ok()?;
    found.iter_mut().for_each(|node| node.pin(scalar.span));
    Some(found)
}

/// Whether a template makes (a part of) this value.
pub fn is_template(text: &str) -> bool {
    text.contains("~~~~")
}

/// The lines of a literal block with the byte at which they begin.
fn block(text: &str, span: Span) -> Option<(usize, &str)> {
    let (start, end) = (span.start as usize, (span.end as usize).min(text.len()));
    let whole = text.get(start..end)?;
    if whole.starts_with('|') {
        let first = whole.find('\n')? + 1;
        return Some((start + first, whole.get(first..)?));
    }
    // The place of a block may be that of its first line.
    let before = text.get(..start)?;
    let line = before.rfind('\n')? + 1;
    let head = before.get(..line)?.trim_end();
    let mark = head.rsplit(char::is_whitespace).next()?;
    let is_block = mark.starts_with('|') && text.get(line..start)?.trim().is_empty();
    is_block.then(|| Some((line, text.get(line..end)?))).flatten()
}

/// The text with templates blanked out, byte for byte.
fn without_templates(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for line in text.split_inclusive('\n') {
        let content = line.trim();
        let steers = !inside && content.starts_with("{{") && content.ends_with("}}");
        let filler = if steers || inside { ' ' } else { TEMPLATE };
        let mut rest = line;
        while !rest.is_empty() {
            let mark = if inside { "}}" } else { "{{" };
            let Some(at) = rest.find(mark) else {
                if inside {
                    blank(&mut out, rest, filler)
                } else {
                    out.push_str(rest)
                }
                break;
            };
            let (head, tail) = rest.split_at(at);
            if inside {
                blank(&mut out, head, filler)
            } else {
                out.push_str(head)
            }
            blank(&mut out, mark, filler);
            inside = !inside;
            rest = tail.get(mark.len()..).unwrap_or_default();
        }
    }
    out
}

fn blank(out: &mut String, text: &str, filler: char) {
    for byte in text.bytes() {
        out.push(if byte == b'\n' { '\n' } else { filler });
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let found = Spanned::<Plain>::deserialize(deserializer)?;
        Ok(Self { value: found.value.0, span: bytes(found.referenced) })
    }
}

fn bytes(location: serde_saphyr::Location) -> Span {
    let span = location.span();
    let start = usize::try_from(span.byte_offset().unwrap_or_default()).unwrap_or(usize::MAX);
    let length = usize::try_from(span.byte_len().unwrap_or_default()).unwrap_or_default();
    Span::new(start, start.saturating_add(length))
}

/// A value without its own place.
struct Plain(Value);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PlainVisitor)
    }
}

struct PlainVisitor;

fn scalar<T: ToString, E>(value: T) -> Result<Plain, E> {
    Ok(Plain(Value::Scalar(value.to_string())))
}

impl<'de> Visitor<'de> for PlainVisitor {
    type Value = Plain;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Plain, E> {
        scalar(value)
    }

    fn visit_i64<E>(self, value: i64) -> Result<Plain, E> {
        scalar(value)
    }

    fn visit_u64<E>(self, value: u64) -> Result<Plain, E> {
        scalar(value)
    }

    fn visit_i128<E>(self, value: i128) -> Result<Plain, E> {
        scalar(value)
    }

    fn visit_u128<E>(self, value: u128) -> Result<Plain, E> {
        scalar(value)
    }

    fn visit_f64<E>(self, value: f64) -> Result<Plain, E> {
        scalar(value)
    }

    fn visit_str<E>(self, value: &str) -> Result<Plain, E> {
        scalar(value)
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<Plain, E> {
        Ok(Plain(Value::Null))
    }

    fn visit_unit<E>(self) -> Result<Plain, E> {
        Ok(Plain(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Plain, E> {
        Ok(Plain(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Plain, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Plain, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element::<Node>()? {
            items.push(item);
        }
        Ok(Plain(Value::List(items)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Plain, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Node>()? {
            let value = map.next_value::<Node>()?;
            if let Some(text) = key.text() {
                entries.push((Key { text: text.to_owned(), span: key.span }, value));
            }
        }
        Ok(Plain(Value::Map(entries)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(text: &str, span: Span) -> &str {
        &text[span.start as usize..span.end as usize]
    }

    #[test]
    fn keys_and_values_know_their_bytes() {
        let text = "# ä\na:\n  b: [x, 'ü']\n---\nc: 4317\nd: {e: true}\n";
        let found = documents(text).expect("reads");
        let (key, value) = found[0].get("a").expect("a").entry("b").expect("b");
        assert_eq!((slice(text, key.span), slice(text, value.items()[0].span)), ("b", "x"));
        assert_eq!(slice(text, value.items()[1].span), "'ü'");
        let (key, value) = found[1].entry("c").expect("c");
        assert_eq!((slice(text, key.span), value.text()), ("c", Some("4317")));
        assert!(found[1].at(&["d", "e"]).expect("e").is_true());
    }

    #[test]
    fn a_file_inside_a_file_is_read_where_it_stands() {
        for text in [
            "data:\n  relay: |\n    exporters:\n      otlp:\n  next: 1\n",
            "data:\n  relay: |-\n    # ä\n    exporters:\n      otlp:\n",
        ] {
            let found = documents(text).expect("reads");
            let inner = nested(text, found[0].at(&["data", "relay"]).expect("relay")).expect("reads");
            let (key, _) = inner[0].get("exporters").expect("exporters").entry("otlp").expect("otlp");
            assert_eq!(slice(text, key.span), "otlp", "{text}");
        }
        let text = "data:\n  relay: \"exporters:\\n  otlp:\\n\"\n";
        let found = documents(text).expect("reads");
        let value = found[0].at(&["data", "relay"]).expect("relay");
        let inner = nested(text, value).expect("reads");
        let (key, _) = inner[0].get("exporters").expect("exporters").entry("otlp").expect("otlp");
        assert_eq!(key.span, value.span);
    }

    #[test]
    fn templates_keep_their_length() {
        let text = "{{- if .x }}\nname: {{ .Values.ä }}-x\n{{- end }}\nlast: {{ a\n  b }}\n";
        let plain = without_templates(text);
        assert_eq!(plain.len(), text.len());
        let found = documents(text).expect("reads");
        assert!(is_template(found[0].get("name").and_then(Node::text).expect("a text")));
        assert!(!is_template("~/x"));
    }

    #[test]
    fn depth_nodes_and_aliases_are_limited() {
        assert!(documents(&"[".repeat(5000)).is_err());
        assert!(documents(&"a: ".repeat(5000)).is_err());
        let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for level in 1..12 {
            let before = level - 1;
            bomb.push_str(&format!("a{level}: &a{level} [{}]\n", vec![format!("*a{before}"); 10].join(",")));
        }
        assert!(documents(&bomb).is_err());
    }
}
