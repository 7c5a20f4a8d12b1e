//! Lowering of Java: one walk over the tree, definitions first, bodies by node kind.

mod comments;
mod declarations;
mod expressions;
mod grammar;
mod statements;
#[cfg(test)]
mod tests;
mod types;

use super::MAX_DEPTH;
use crate::ir::{ExprId, ExprKind, FileFacts, FunctionId, Language, LineIndex, Span, TypeId};
use grammar::{GRAMMAR, Grammar, Kind};
use tree_sitter::{Node, QueryCursor, Tree};
use ustr::Ustr;

/// Lowers a parsed Java file.
pub(super) fn lower(source: &str, tree: &Tree) -> FileFacts {
    let root = tree.root_node();
    let mut lowerer = Lowerer::new(source);
    lowerer.facts.has_errors = root.has_error();
    lowerer.file(root);
    comments::read(root, source, lowerer.grammar, &mut lowerer.facts);
    lowerer.finish()
}

/// The state of one file's walk.
struct Lowerer<'s> {
    source: &'s str,
    grammar: &'static Grammar,
    facts: FileFacts,
    /// Only ever asked about the single node it is given.
    cursor: QueryCursor,
    /// How deeply the walk is nested now; the one guard of the stack, shared by all recursive shapes.
    depth: usize,
    /// The function whose body is being lowered.
    function: FunctionId,
    /// The type whose body is being lowered.
    owner: Option<TypeId>,
    /// Load-time statements so far.
    init: Vec<u32>,
    /// Statements that a value needs to have run before the statement it stands in (see `switch` as a value).
    hoisted: Vec<u32>,
    /// What `yield` assigns to in the `switch` being lowered as a value.
    yields_to: Option<Ustr>,
}

impl<'s> Lowerer<'s> {
    fn new(source: &'s str) -> Self {
        let mut cursor = QueryCursor::new();
        cursor.set_max_start_depth(Some(0));
        Self {
            source,
            grammar: &GRAMMAR,
            facts: FileFacts::new(Language::Java, LineIndex::new(source.as_bytes())),
            cursor,
            depth: 0,
            function: FunctionId(0),
            owner: None,
            init: Vec::new(),
            hoisted: Vec::new(),
            yields_to: None,
        }
    }

    fn file(&mut self, root: Node<'_>) {
        let mut cursor = root.walk();
        for child in root.named_children(&mut cursor) {
            if !self.definition(child) {
                self.load_time_statement(child);
            }
        }
    }

    fn finish(mut self) -> FileFacts {
        if let Some(load_time) = self.facts.functions.first_mut() {
            load_time.body = self.init.into();
            load_time.span = Span::new(0, self.source.len());
        }
        self.facts
    }

    fn kind(&self, node: Node<'_>) -> Kind {
        self.grammar.kind(node)
    }

    fn field<'t>(&self, node: Node<'t>, field: u16) -> Option<Node<'t>> {
        node.child_by_field_id(field)
    }

    fn text(&self, node: Node<'_>) -> &'s str {
        self.source.get(node.byte_range()).unwrap_or_default()
    }

    fn name(&self, node: Node<'_>) -> Ustr {
        Ustr::from(self.text(node))
    }

    /// A dotted name without the white space that may stand around its dots.
    fn dotted(&self, node: Node<'_>) -> Ustr {
        let text = self.text(node);
        if text.bytes().any(|byte| byte.is_ascii_whitespace()) {
            Ustr::from(&text.chars().filter(|c| !c.is_whitespace()).collect::<String>())
        } else {
            Ustr::from(text)
        }
    }

    /// The first named child that is no comment.
    fn first<'t>(&self, node: Node<'t>) -> Option<Node<'t>> {
        let first = node.named_child(0)?;
        if !self.kind(first).is_comment() {
            return Some(first);
        }
        let mut cursor = node.walk();
        node.named_children(&mut cursor).find(|child| !self.kind(*child).is_comment())
    }

    /// The first child of a kind.
    fn child_of_kind<'t>(&self, node: Node<'t>, kind: Kind) -> Option<Node<'t>> {
        let mut cursor = node.walk();
        node.children(&mut cursor).find(|child| self.kind(*child) == kind)
    }

    /// Enters one level of nesting, or counts a cut and says no.
    fn enter(&mut self) -> bool {
        if self.depth >= MAX_DEPTH {
            self.facts.cuts = self.facts.cuts.saturating_add(1);
            return false;
        }
        self.depth += 1;
        true
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    /// An expression of which nothing is known.
    fn unknown(&mut self, span: Span) -> ExprId {
        self.facts.add_expr(span, ExprKind::Unknown(Box::default()))
    }
}

fn span(node: Node<'_>) -> Span {
    Span::new(node.start_byte(), node.end_byte())
}

/// An arena index for the next entry of a list.
fn next_index<T>(list: &[T]) -> u32 {
    u32::try_from(list.len()).unwrap_or(u32::MAX)
}
