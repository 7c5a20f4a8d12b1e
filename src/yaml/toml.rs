//! TOML in the same shape as YAML, with the place of every key and value.

use super::{Key, Node, Value};
use crate::ir::Span;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The document of a file, or why it could not be read. The parser itself bounds how deep values nest.
pub fn document(text: &str) -> Result<Node, String> {
    let table = DeTable::parse(text).map_err(|error| error.message().to_owned())?;
    let place = span(&table);
    Ok(Node { value: map(table.into_inner()), span: place })
}

fn span<T>(value: &Spanned<T>) -> Span {
    Span::new(value.span().start, value.span().end)
}

fn map(table: DeTable<'_>) -> Value {
    let entry = |(key, value): (Spanned<_>, _)| {
        let place = span(&key);
        let text = std::borrow::Cow::into_owned(key.into_inner());
        (Key { text, span: place }, node(value))
    };
    let mut entries: Vec<(Key, Node)> = table.into_iter().map(entry).collect();
    entries.sort_by_key(|(key, _)| key.span.start);
    Value::Map(entries)
}

fn node(value: Spanned<DeValue<'_>>) -> Node {
    let place = span(&value);
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Scalar(text.into_owned()),
        DeValue::Integer(number) => Value::Scalar(number.as_str().to_owned()),
        DeValue::Float(number) => Value::Scalar(number.as_str().to_owned()),
        DeValue::Boolean(is) => Value::Scalar(is.to_string()),
        DeValue::Datetime(time) => Value::Scalar(time.to_string()),
        DeValue::Array(items) => Value::List(items.into_iter().map(node).collect()),
        DeValue::Table(table) => map(table),
    };
    Node { value, span: place }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_know_their_bytes() {
        let text = "# ä\n[http.middlewares.\"ü\".headers]\nlist = ['a', \"b\"]\non = true\n[[x]]\nn = 0x1f\n[[x]]\n";
        let found = document(text).expect("reads");
        let headers = found.at(&["http", "middlewares", "ü", "headers"]).expect("headers");
        let (key, list) = headers.entry("list").expect("list");
        let slice = |span: Span| &text[span.start as usize..span.end as usize];
        assert_eq!((slice(key.span), slice(list.items()[1].span)), ("list", "\"b\""));
        assert!(headers.get("on").expect("on").is_true());
        assert_eq!(found.get("x").expect("x").items().len(), 2);
    }

    #[test]
    fn what_cannot_be_read_is_told_and_depth_is_bounded() {
        assert!(document("a = [").is_err());
        assert!(document(&format!("a = {}", "[".repeat(50_000))).is_err());
        let deep = format!("a = {}{}", "[".repeat(50_000), "]".repeat(50_000));
        assert!(document(&deep).is_err());
        // A header of many parts nests as deep as a list of lists.
        let _ = document(&format!("[{}a]", "a.".repeat(50_000)));
    }
}
