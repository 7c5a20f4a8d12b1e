//! Lowering of Python.
//!
//! One walk over the tree. Definitions are recognised by the queries in `queries/python`, bodies by node kind.

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
use rustc_hash::FxHashSet;
use tree_sitter::{Node, QueryCursor, Tree};
use ustr::Ustr;

/// Lowers a parsed Python file.
pub(super) fn lower(source: &str, tree: &Tree) -> FileFacts {
    let root = tree.root_node();
    let mut facts = FileFacts::new(Language::Python, LineIndex::new(source.as_bytes()));
    facts.has_errors = root.has_error();
    facts.generated = comments::is_generated(source);
    facts.directives = comments::directives(source, root, &facts.lines);
    let mut lowering = Lowering::new(source, facts);
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
struct Lowering<'s> {
    source: &'s str,
    facts: FileFacts,
    queries: QueryCursor,
    scope: Scope,
    /// Fields that are already known, to keep the first declaration only.
    known_fields: FxHashSet<(TypeId, Ustr)>,
}

impl<'s> Lowering<'s> {
    fn new(source: &'s str, facts: FileFacts) -> Self {
        let mut queries = QueryCursor::new();
        queries.set_max_start_depth(Some(0));
        let scope = Scope { function: FunctionId(0), class: None, instance: None, yields: false };
        Self { source, facts, queries, scope, known_fields: FxHashSet::default() }
    }

    /// The text of a node.
    fn text(&self, node: Node<'_>) -> &'s str {
        self.source.get(node.byte_range()).unwrap_or_default()
    }

    /// The interned text of a name.
    fn name(&self, node: Node<'_>) -> Ustr {
        Ustr::from(self.text(node))
    }

    /// A dotted name with white space and line continuations taken out.
    fn dotted(&self, node: Node<'_>) -> String {
        self.text(node).chars().filter(|c| !c.is_whitespace() && *c != '\\').collect()
    }

    /// An expression that stands for something of no known shape.
    fn unknown(&mut self, node: Node<'_>, operands: Vec<ExprId>) -> ExprId {
        self.facts.add_expr(span(node), ExprKind::Unknown(operands.into()))
    }

    /// Stands for something that is nested too deep.
    fn cut(&mut self, node: Node<'_>) -> ExprId {
        self.facts.cuts += 1;
        self.unknown(node, Vec::new())
    }

    /// Adds a statement to a block under construction.
    fn push(&mut self, out: &mut Vec<u32>, node: Node<'_>, kind: StmtKind) {
        out.push(self.facts.add_stmt(span(node), kind));
    }

    /// A block that consists of one cut.
    fn cut_block(&mut self, node: Node<'_>) -> Block {
        let value = self.cut(node);
        [self.facts.add_stmt(span(node), StmtKind::Expr(value))].into()
    }
}
