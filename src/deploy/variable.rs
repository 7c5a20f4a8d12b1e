//! A variable of a container's environment, where its file sets it.

use crate::finding::Place;
use crate::ir::Span;
use crate::yaml::Node;

/// How far behind its name a value may end to be part of the variable's place: a block of text is not.
const MAX_PLACE: u32 = 400;

/// A variable as a file sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'n> {
    /// Its name.
    pub name: &'n str,
    /// Its value as written; `None` where it comes from elsewhere.
    pub value: Option<&'n str>,
    /// Where it stands, with its value.
    pub span: Span,
}

impl<'n> Entry<'n> {
    /// A name at a place, and the value behind it.
    pub fn new(name: &'n str, at: Span, value: &'n Node) -> Self {
        let is_behind = value.span.end > at.end && value.span.end - at.end < MAX_PLACE;
        let end = if is_behind { value.span.end } else { at.end };
        Self { name, value: value.text(), span: Span { start: at.start, end } }
    }
}

/// A variable that a container is given, by itself or by what it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Its name.
    pub name: String,
    /// Its value, with what it refers to put in; `None` where nothing is seen of it.
    pub value: Option<String>,
    /// Where the container's own file asks for it.
    pub span: Span,
    /// Where it is set.
    pub place: Place,
    /// Whether it comes with others, from a file or a map of settings.
    pub is_common: bool,
    /// Whether its value is one for want of another (`${NAME:-value}`).
    pub is_fallback: bool,
}
