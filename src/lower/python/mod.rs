//! Lowering of Python.
//!
//! One walk over the tree. Definitions are recognised by the queries in `queries/python`, bodies by node kind.

mod by_name;
mod comments;
mod declarations;
mod expressions;
mod grammar;
mod patterns;
mod statements;
#[cfg(test)]
mod tests;
mod types;

use crate::ir::{Block, ExprId, ExprKind, FileFacts, FunctionId, Language, LineIndex, Span, StmtKind, TypeId};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use tree_sitter::{Node, QueryCursor, Tree, TreeCursor};
use ustr::Ustr;

/// Lowers a parsed Python file.
pub(super) fn lower(source: &str, tree: &Tree) -> FileFacts {
    let root = tree.root_node();
    let mut facts = FileFacts::new(Language::Python, LineIndex::new(source.as_bytes()));
    facts.has_errors = root.has_error();
    facts.generated = comments::is_generated(source);
    facts.directives = comments::directives(source, root, &facts.lines);
    let mut lowering = Lowering::new(source, root, facts);
    let body = lowering.block(root, 0);
    if let Some(module) = lowering.facts.functions.first_mut() {
        module.body = body;
        module.span = span(root);
        module.flags.is_generator = false;
    }
    lowering.facts
}

/// The bytes of a node.
fn span(node: Node<'_>) -> Span {
    Span::new(node.start_byte(), node.end_byte())
}

/// A node's children: few as a rule.
type Nodes<'t> = SmallVec<[Node<'t>; 6]>;

/// Where in the program the walk stands.
#[derive(Debug, Clone, Copy)]
struct Scope {
    /// The innermost function.
    function: FunctionId,
    /// The class whose body is being read; `None` inside its methods.
    class: Option<TypeId>,
    /// The class that `self` is an instance of, the name used for `self`, and whether it is the class itself.
    instance: Option<(TypeId, Ustr, bool)>,
    /// The innermost function has been seen to yield.
    yields: bool,
}

/// The state of one file's walk.
struct Lowering<'t> {
    source: &'t str,
    facts: FileFacts,
    queries: QueryCursor,
    /// Reused for every look at a node's children.
    cursor: TreeCursor<'t>,
    /// Names of this file that are interned already: asking here first keeps threads off the shared table.
    names: FxHashMap<&'t str, Ustr>,
    scope: Scope,
    /// Fields that are already known, to keep the first declaration only.
    known_fields: FxHashSet<(TypeId, Ustr)>,
}

impl<'t> Lowering<'t> {
    fn new(source: &'t str, root: Node<'t>, facts: FileFacts) -> Self {
        let mut queries = QueryCursor::new();
        queries.set_max_start_depth(Some(0));
        let scope = Scope { function: FunctionId(0), class: None, instance: None, yields: false };
        Self {
            source,
            facts,
            queries,
            cursor: root.walk(),
            names: FxHashMap::default(),
            scope,
            known_fields: FxHashSet::default(),
        }
    }

    /// The text of a node.
    fn text(&self, node: Node<'t>) -> &'t str {
        self.source.get(node.byte_range()).unwrap_or_default()
    }

    /// The interned text of a name.
    fn name(&mut self, node: Node<'t>) -> Ustr {
        self.intern(self.text(node))
    }

    /// Interns a piece of the source.
    fn intern(&mut self, text: &'t str) -> Ustr {
        *self.names.entry(text).or_insert_with(|| Ustr::from(text))
    }

    /// All children.
    fn children(&mut self, node: Node<'t>) -> Nodes<'t> {
        node.children(&mut self.cursor).collect()
    }

    /// The children that carry meaning.
    fn operands(&mut self, node: Node<'t>) -> Nodes<'t> {
        node.children(&mut self.cursor).filter(|child| !grammar::is_trivia(*child)).collect()
    }

    /// A dotted name with white space and line continuations taken out.
    fn dotted(&self, node: Node<'t>) -> String {
        self.text(node).chars().filter(|c| !c.is_whitespace() && *c != '\\').collect()
    }

    /// An expression that stands for something of no known shape.
    fn unknown(&mut self, node: Node<'t>, operands: Vec<ExprId>) -> ExprId {
        self.facts.add_expr(span(node), ExprKind::Unknown(operands.into()))
    }

    /// Stands for something that is nested too deep.
    fn cut(&mut self, node: Node<'t>) -> ExprId {
        self.facts.cuts += 1;
        self.unknown(node, Vec::new())
    }

    /// Adds a statement to a block under construction.
    fn push(&mut self, out: &mut Vec<u32>, node: Node<'t>, kind: StmtKind) {
        out.push(self.facts.add_stmt(span(node), kind));
    }

    /// A block that consists of one cut.
    fn cut_block(&mut self, node: Node<'t>) -> Block {
        let value = self.cut(node);
        [self.facts.add_stmt(span(node), StmtKind::Expr(value))].into()
    }
}
