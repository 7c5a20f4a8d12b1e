//! Lowering of Go.

mod comments;
mod declarations;
mod expressions;
mod kinds;
mod statements;
#[cfg(test)]
mod tests;
mod types;

use super::MAX_DEPTH;
use crate::ir::{FileFacts, FunctionId, Language, LineIndex, Span, TypeId};
use crate::parse::Depth;
use kinds::counts;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use tree_sitter::{Node, QueryCursor, Tree, TreeCursor};
use ustr::Ustr;

/// The children that one step looks at; most nodes have few.
type Nodes<'t> = SmallVec<[Node<'t>; 4]>;

/// Lowers a parsed Go file.
pub(super) fn lower(source: &str, tree: &Tree, depth: Depth) -> FileFacts {
    let root = tree.root_node();
    let mut lowerer = Lowerer::new(source, root, depth == Depth::Whole);
    lowerer.facts.has_errors = root.has_error();
    lowerer.file(root);
    comments::directives(source, root, &mut lowerer.facts);
    lowerer.facts.exprs.shrink_to_fit();
    lowerer.facts.stmts.shrink_to_fit();
    lowerer.facts
}

/// The state of one walk over a file.
struct Lowerer<'t> {
    source: &'t str,
    facts: FileFacts,
    /// Reused by [`Self::named`], so that no walk allocates a cursor of its own.
    cursor: TreeCursor<'t>,
    queries: QueryCursor,
    depth: usize,
    /// The function whose body is being lowered.
    function: FunctionId,
    /// The file's own types, for the owners of methods.
    types: FxHashMap<Ustr, TypeId>,
    /// Names seen in this file: most come again, and the global table is locked and far from the cache.
    names: FxHashMap<&'t str, Ustr>,
    /// Whether bodies of functions are lowered.
    bodies: bool,
}

impl<'t> Lowerer<'t> {
    fn new(source: &'t str, root: Node<'t>, bodies: bool) -> Self {
        let mut queries = QueryCursor::new();
        // Queries say what one definition consists of; finding the definitions is the walk's business.
        queries.set_max_start_depth(Some(0));
        let mut facts = FileFacts::new(Language::Go, LineIndex::new(source.as_bytes()));
        // Growing these step by step means copying them and touching new memory over and over. In real code about every
        // fourth node is an expression and every twentieth a statement.
        if bodies {
            facts.exprs.reserve(root.descendant_count() / 3);
            facts.stmts.reserve(root.descendant_count() / 20);
        }
        Self {
            source,
            facts,
            cursor: root.walk(),
            queries,
            depth: 0,
            function: FunctionId(0),
            types: FxHashMap::default(),
            names: FxHashMap::default(),
            bodies,
        }
    }

    /// Runs one level deeper, or counts a cut and returns `None` when that would be too deep.
    fn deeper<T>(&mut self, step: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth >= MAX_DEPTH {
            self.facts.cuts = self.facts.cuts.saturating_add(1);
            return None;
        }
        self.depth += 1;
        let result = step(self);
        self.depth -= 1;
        Some(result)
    }

    fn text(&self, node: Node<'t>) -> &'t str {
        self.source.get(node.byte_range()).unwrap_or_default()
    }

    fn name(&mut self, node: Node<'t>) -> Ustr {
        self.intern(self.text(node))
    }

    fn intern(&mut self, text: &'t str) -> Ustr {
        *self.names.entry(text).or_insert_with(|| Ustr::from(text))
    }

    /// The named children without comments.
    fn named(&mut self, node: Node<'t>) -> Nodes<'t> {
        node.children(&mut self.cursor).filter(counts).collect()
    }

    /// The first named child that is no comment.
    fn first_named(&mut self, node: Node<'t>) -> Option<Node<'t>> {
        node.children(&mut self.cursor).find(counts)
    }

    /// The named children under one field.
    fn under(&mut self, node: Node<'t>, field: u16) -> Nodes<'t> {
        let Some(field) = std::num::NonZeroU16::new(field) else { return Nodes::new() };
        node.children_by_field_id(field, &mut self.cursor).filter(counts).collect()
    }
}

/// The bytes a node covers.
fn span(node: Node<'_>) -> Span {
    Span::new(node.start_byte(), node.end_byte())
}

/// A string literal's content; the closing quote is missing in broken sources.
fn unquote(text: &str) -> &str {
    let Some(quote) = text.chars().next().filter(|first| matches!(first, '"' | '`')) else { return text };
    let inner = text.strip_prefix(quote).unwrap_or(text);
    inner.strip_suffix(quote).unwrap_or(inner)
}

/// At most `limit` bytes of a text, cut between characters.
fn clip(text: &str, limit: usize) -> &str {
    let end = (0..=limit.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or_default()).unwrap_or_default()
}
