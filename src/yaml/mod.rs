//! YAML, and TOML in its shape, with the place of every key and value, within limits, and with the templates of Helm blanked
//! out.

mod node;
mod template;
mod toml;

pub use node::{Key, Node, Value};
pub use template::is_template;
pub use toml::document as of_toml;

use crate::ir::{LineIndex, Span};
use rustc_hash::FxHashMap;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use std::fmt;

/// The documents of a file, or why it could not be read.
///
/// Templates (`{{ … }}`) move nothing: a line that only steers is left out, any other template is part of a value that
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
        // Nothing is read from them, and the parser keeps only some in a row.
        emit_comments: false,
    };
    let without = template::without_directives(text);
    let plain = without.as_deref().unwrap_or(text);
    if !text.contains("{{") {
        let text = plain;
        return serde_saphyr::from_multiple_with_options(text, options).map_err(|error| reason(&error, text, text));
    }
    let plain = template::blanked(plain);
    let mut found: Vec<Node> =
        serde_saphyr::from_multiple_with_options(&plain, options).map_err(|error| reason(&error, &plain, text))?;
    found.iter_mut().for_each(|node| node.walk_mut(&mut show_templates));
    Ok(found)
}

/// Why a text could not be read: `plain` is what was read in its place, byte for byte.
fn reason(error: &serde_saphyr::Error, plain: &str, text: &str) -> String {
    let whole = error.without_snippet().to_string();
    let message = whole.lines().next().unwrap_or_default();
    let Some(place) = error.location() else { return message.to_owned() };
    let message = message.split(" at line ").next().unwrap_or(message);
    let line = u32::try_from(place.line()).unwrap_or(u32::MAX);
    let start = LineIndex::new(plain.as_bytes()).line_start(line).unwrap_or_default();
    format!("line {}: {message}", LineIndex::new(text.as_bytes()).line(start))
}

/// Gives the templates in the texts of a node the form for people.
fn show_templates(node: &mut Node) {
    let show = |text: &mut String| *text = template::shown(text).unwrap_or_else(|| std::mem::take(text));
    match &mut node.value {
        Value::Scalar(text) => show(text),
        Value::Map(entries) => entries.iter_mut().for_each(|(key, _)| show(&mut key.text)),
        Value::Null | Value::List(_) => {}
    }
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
        // With the `.0` of a whole number, as it was written.
        scalar(format!("{value:?}"))
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
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut known: FxHashMap<String, usize> = FxHashMap::default();
        while let Some(key) = map.next_key::<Node>()? {
            let value = map.next_value::<Node>()?;
            let Some(text) = key.text() else { continue };
            let key = Key { text: text.to_owned(), span: key.span };
            // The last of several counts.
            match known.get(text) {
                Some(at) => entries[*at] = (key, value),
                None => {
                    known.insert(text.to_owned(), entries.len());
                    entries.push((key, value));
                }
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
    fn any_number_of_comments_may_stand_before_a_value() {
        let text = format!("a:\n{}  b: 1\n", "  # off\n".repeat(200));
        let found = documents(&text).expect("reads");
        assert_eq!(found[0].get("a").and_then(|a| a.get("b")).and_then(Node::text), Some("1"));
    }

    #[test]
    fn templates_are_known() {
        let text = "{{- if .x }}\nname: {{ .Values.ä }}-x\nhost: '{{ a }}:{{ b\n  }}'\n{{- end }}\n{{ c }}: d\n";
        let found = documents(text).expect("reads");
        let (key, name) = found[0].entry("name").expect("name");
        assert_eq!((name.text(), slice(text, key.span)), (Some("{{…}}-x"), "name"));
        assert_eq!(found[0].get("host").and_then(Node::text).map(is_template), Some(true));
        assert_eq!(found[0].entries()[2].0.text, "{{…}}");
        assert!(!is_template("~/x"));
    }

    #[test]
    fn templates_of_terraform_are_read() {
        let text = "a:\n%{ if x ~}\n  b: { c: ${f(\"://\", [1])}, d: 2 }\n%{ endif ~}\n  e: ä\n";
        let found = documents(text).expect("reads");
        assert_eq!(found[0].at(&["a", "b", "d"]).and_then(Node::text), Some("2"));
        assert!(found[0].at(&["a", "b", "c"]).and_then(Node::text).is_some_and(|text| text.starts_with('$')));
        let (key, _) = found[0].get("a").expect("a").entry("e").expect("e");
        assert_eq!(slice(text, key.span), "e");
    }

    #[test]
    fn what_a_mapping_says_itself_goes_before_what_is_merged_into_it() {
        let found = documents("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  x: 3\n  x: 4\n").expect("reads");
        let said = found[0].get("b").expect("b").entries().iter().map(|(key, value)| (key.text.as_str(), value.text()));
        assert_eq!(said.collect::<Vec<_>>(), [("x", Some("4")), ("y", Some("2"))]);
    }

    #[test]
    fn what_cannot_be_read_is_told_and_depth_nodes_and_aliases_are_limited() {
        let found = documents("{{ if\n a }}\nb: {{\n c }}\nd: [\n");
        assert_eq!(found, Err("line 5: unclosed bracket '['".to_owned()));
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
