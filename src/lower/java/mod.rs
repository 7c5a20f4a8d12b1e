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
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use tree_sitter::{Node, QueryCursor, Tree, TreeCursor};
use ustr::Ustr;

/// A node's children: few as a rule.
type Nodes<'s> = SmallVec<[Node<'s>; 6]>;

/// Lowers a parsed Java file.
pub(super) fn lower(source: &str, tree: &Tree) -> FileFacts {
    let root = tree.root_node();
    let mut lowerer = Lowerer::new(source, root);
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
    queries: QueryCursor,
    /// Reused for every look at a node's children.
    cursor: TreeCursor<'s>,
    /// Names of this file that are interned already: asking here first keeps threads off the shared table.
    names: FxHashMap<&'s str, Ustr>,
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
    fn new(source: &'s str, root: Node<'s>) -> Self {
        let mut queries = QueryCursor::new();
        queries.set_max_start_depth(Some(0));
        let mut facts = FileFacts::new(Language::Java, LineIndex::new(source.as_bytes()));
        // Growing these step by step means copying them and touching new memory over and over.
        facts.exprs.reserve(root.descendant_count() / 4);
        facts.stmts.reserve(root.descendant_count() / 24);
        Self {
            source,
            grammar: &GRAMMAR,
            facts,
            queries,
            cursor: root.walk(),
            names: FxHashMap::default(),
            depth: 0,
            function: FunctionId(0),
            owner: None,
            init: Vec::new(),
            hoisted: Vec::new(),
            yields_to: None,
        }
    }

    fn file(&mut self, root: Node<'s>) {
        for child in self.named(root) {
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
        self.facts.exprs.shrink_to_fit();
        self.facts.stmts.shrink_to_fit();
        self.facts
    }

    fn kind(&self, node: Node<'s>) -> Kind {
        self.grammar.kind(node)
    }

    fn field<'t>(&self, node: Node<'t>, field: u16) -> Option<Node<'t>> {
        node.child_by_field_id(field)
    }

    fn text(&self, node: Node<'s>) -> &'s str {
        self.source.get(node.byte_range()).unwrap_or_default()
    }

    fn name(&mut self, node: Node<'s>) -> Ustr {
        self.intern(self.text(node))
    }

    /// Interns a piece of the source.
    fn intern(&mut self, text: &'s str) -> Ustr {
        *self.names.entry(text).or_insert_with(|| Ustr::from(text))
    }

    /// All children.
    fn children(&mut self, node: Node<'s>) -> Nodes<'s> {
        node.children(&mut self.cursor).collect()
    }

    /// The named children.
    fn named(&mut self, node: Node<'s>) -> Nodes<'s> {
        node.named_children(&mut self.cursor).collect()
    }

    /// The children with a field; field 0 has none.
    fn under(&mut self, node: Node<'s>, field: u16) -> Nodes<'s> {
        let Some(field) = std::num::NonZeroU16::new(field) else { return Nodes::new() };
        node.children_by_field_id(field, &mut self.cursor).collect()
    }

    /// A dotted name without the white space that may stand around its dots.
    fn dotted(&mut self, node: Node<'s>) -> Ustr {
        let text = self.text(node);
        if text.bytes().any(|byte| byte.is_ascii_whitespace()) {
            Ustr::from(&text.chars().filter(|c| !c.is_whitespace()).collect::<String>())
        } else {
            self.intern(text)
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
