//! A YAML value that knows where it stands.

use crate::ir::Span;

/// A value with its place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Bytes in the file. Of a list or a mapping only the start is sure.
    pub span: Span,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A text, a number or a truth value, as text.
    Scalar(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the file.
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its text.
    pub text: String,
    /// Bytes in the file.
    pub span: Span,
}

impl Node {
    /// The value of a key; `None` for what is no mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|(_, value)| value)
    }

    /// A key with its value.
    pub fn entry(&self, key: &str) -> Option<(&Key, &Node)> {
        self.entries().iter().rev().find(|(found, _)| found.text == key).map(|(key, value)| (key, value))
    }

    /// What stands under several keys, one below the other.
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The entries of a mapping; empty for everything else.
    pub fn entries(&self) -> &[(Key, Node)] {
        if let Value::Map(entries) = &self.value { entries } else { &[] }
    }

    /// The items of a list; empty for everything else.
    pub fn items(&self) -> &[Node] {
        if let Value::List(items) = &self.value { items } else { &[] }
    }

    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        if let Value::Scalar(text) = &self.value { Some(text) } else { None }
    }

    /// The text of a scalar, or of a list of them with a space between two.
    pub fn line(&self) -> Option<String> {
        match &self.value {
            Value::List(items) => Some(items.iter().filter_map(Self::text).collect::<Vec<_>>().join(" ")),
            _ => self.text().map(str::to_owned),
        }
    }

    /// Whether it is a mapping.
    pub fn is_map(&self) -> bool {
        matches!(self.value, Value::Map(_))
    }

    /// Whether it says `false`.
    pub fn is_false(&self) -> bool {
        self.text().is_some_and(|text| text.eq_ignore_ascii_case("false"))
    }

    /// Whether it says `true`.
    pub fn is_true(&self) -> bool {
        self.text().is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    /// Calls `visit` for this node and all below it, in the order of the file.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Node)) {
        visit(self);
        match &self.value {
            Value::List(items) => items.iter().for_each(|item| item.walk(visit)),
            Value::Map(entries) => entries.iter().for_each(|(_, value)| value.walk(visit)),
            Value::Null | Value::Scalar(_) => {}
        }
    }

    /// Calls `visit` for this node and all below it, to change them.
    pub fn walk_mut(&mut self, visit: &mut dyn FnMut(&mut Node)) {
        visit(self);
        match &mut self.value {
            Value::List(items) => items.iter_mut().for_each(|item| item.walk_mut(visit)),
            Value::Map(entries) => entries.iter_mut().for_each(|(_, value)| value.walk_mut(visit)),
            Value::Null | Value::Scalar(_) => {}
        }
    }

    /// Puts a value under a key of a mapping, in the place of one that is there.
    pub fn put(&mut self, key: Key, value: Node) {
        let Value::Map(entries) = &mut self.value else { return };
        match entries.iter_mut().find(|(known, _)| known.text == key.text) {
            Some(entry) => *entry = (key, value),
            None => entries.push((key, value)),
        }
    }

    /// Moves it and all below it by a number of bytes.
    pub fn shift(&mut self, by: usize) {
        self.place(&|span| Span::new(span.start as usize + by, span.end as usize + by));
    }

    /// Puts it and all below it at one place.
    pub fn pin(&mut self, span: Span) {
        self.place(&|_| span);
    }

    fn place(&mut self, at: &dyn Fn(Span) -> Span) {
        self.walk_mut(&mut |node| {
            node.span = at(node.span);
            if let Value::Map(entries) = &mut node.value {
                entries.iter_mut().for_each(|(key, _)| key.span = at(key.span));
            }
        });
    }
}
