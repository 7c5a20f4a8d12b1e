//! Statements, in source order.

use super::grammar::{Field, Kind, field, first_operand, is_async, is_trivia, kind, operands};
use super::{Lowering, expressions::string_text, span};
use crate::ir::{Block, ExprId, ExprKind, Handler, Jump, LoopKind, StmtKind, TypeRef, WithItem};
use crate::lower::MAX_DEPTH;
use smallvec::smallvec;
use tree_sitter::Node;
use ustr::Ustr;

impl<'t> Lowering<'t> {
    /// Lowers the statements of a block.
    pub(super) fn block(&mut self, node: Node<'t>, depth: usize) -> Block {
        if depth > MAX_DEPTH {
            return self.cut_block(node);
        }
        let mut out = Vec::new();
        self.statements(node, depth, &mut out);
        out.into()
    }

    /// Lowers the statements of a block into one that is under construction.
    pub(super) fn statements(&mut self, node: Node<'t>, depth: usize, out: &mut Vec<u32>) {
        if depth > MAX_DEPTH {
            let value = self.cut(node);
            return self.push(out, node, StmtKind::Expr(value));
        }
        for child in self.children(node) {
            self.statement(child, depth, out);
        }
    }

    fn statement(&mut self, node: Node<'t>, depth: usize, out: &mut Vec<u32>) {
        match kind(node) {
            Kind::ExpressionStatement => self.expression_statement(node, depth, out),
            Kind::ReturnStatement => self.return_statement(node, depth, out),
            Kind::IfStatement => self.if_statement(node, depth, out),
            Kind::ForStatement => self.for_statement(node, depth, out),
            Kind::WhileStatement => self.while_statement(node, depth, out),
            Kind::TryStatement => self.try_statement(node, depth, out),
            Kind::WithStatement => self.with_statement(node, depth, out),
            Kind::MatchStatement => self.match_statement(node, depth, out),
            Kind::RaiseStatement => self.raise_statement(node, depth, out),
            Kind::FunctionDefinition => self.function(node, span(node), Vec::new(), depth, out),
            Kind::ClassDefinition => self.class(node, span(node), Vec::new(), depth, out),
            Kind::DecoratedDefinition => self.decorated(node, depth, out),
            Kind::ImportStatement | Kind::ImportFromStatement | Kind::FutureImportStatement => self.import(node),
            Kind::BreakStatement => self.push(out, node, StmtKind::Jump(Jump::Break)),
            Kind::ContinueStatement => self.push(out, node, StmtKind::Jump(Jump::Continue)),
            Kind::PassStatement | Kind::GlobalStatement | Kind::NonlocalStatement | Kind::TypeAliasStatement => {}
            Kind::Error | Kind::Block => self.broken(node, depth + 1, out),
            _ if is_trivia(node) => {}
            _ => self.other_statement(node, depth, out),
        }
    }

    /// `del`, `assert`, Python 2 `print` and `exec`: only their operands matter.
    fn other_statement(&mut self, node: Node<'t>, depth: usize, out: &mut Vec<u32>) {
        let value = self.anything(node, depth + 1);
        self.push(out, node, StmtKind::Expr(value));
    }

    /// What can still be read of the children of a node that did not parse.
    pub(super) fn broken(&mut self, node: Node<'t>, depth: usize, out: &mut Vec<u32>) {
        if depth > MAX_DEPTH {
            self.facts.cuts += 1;
            return;
        }
        for child in self.children(node) {
            match kind(child) {
                Kind::Identifier | Kind::Parameters | Kind::Other | Kind::Type | Kind::String | Kind::DottedName => {}
                Kind::Assignment | Kind::AugmentedAssignment | Kind::Call | Kind::Await | Kind::Yield => {
                    self.expression(child, depth, out);
                }
                _ => self.statement(child, depth, out),
            }
        }
    }

    fn expression_statement(&mut self, node: Node<'t>, depth: usize, out: &mut Vec<u32>) {
        for child in self.children(node) {
            self.expression(child, depth, out);
        }
    }

    fn expression(&mut self, node: Node<'t>, depth: usize, out: &mut Vec<u32>) {
        match kind(node) {
            Kind::Assignment => self.assignment(node, depth, out),
            Kind::AugmentedAssignment => self.augmented(node, depth, out),
            // Doc strings and placeholders do nothing.
            Kind::String if string_text(self.source, node).is_some() => {}
            Kind::Ellipsis => {}
            _ if is_trivia(node) => {}
            _ => {
                let value = self.expr(node, depth + 1);
                self.push(out, node, StmtKind::Expr(value));
            }
        }
    }

    /// `a = b = value`: each target is assigned the same value.
    fn assignment(&mut self, node: Node<'t>, depth: usize, out: &mut Vec<u32>) {
        let ty = field(node, Field::Type).and_then(|ty| self.type_ref(ty));
        let mut lefts = vec![(node, field(node, Field::Left))];
        let mut right = field(node, Field::Right);
        while let Some(next) = right.filter(|right| kind(*right) == Kind::Assignment) {
            lefts.push((next, field(next, Field::Left)));
            right = field(next, Field::Right);
        }
        let left_width = if lefts.len() == 1 { field(node, Field::Left).map_or(1, width) } else { 1 };
        let values = right.map_or_else(Vec::new, |right| self.values(right, left_width, depth));
        for (place, left) in lefts {
            if let Some(left) = left {
                self.assign(place, left, ty.as_ref(), &values, depth, out);
            }
        }
    }

    fn assign(
        &mut self,
        place: Node<'t>,
        left: Node<'t>,
        ty: Option<&TypeRef>,
        values: &[ExprId],
        depth: usize,
        out: &mut Vec<u32>,
    ) {
        if let (Some(class), Kind::Identifier) = (self.scope.class, kind(left)) {
            return self.class_attribute(class, left, ty.cloned(), values.first().copied());
        }
        let targets = self.targets(left, ty, depth);
        let values = values.into();
        self.push(out, place, StmtKind::Assign { targets, ty: ty.cloned(), values, declares: false });
    }

    /// The values of an assignment: several only where they pair up with as many targets.
    fn values(&mut self, right: Node<'t>, wanted: usize, depth: usize) -> Vec<ExprId> {
        if matches!(kind(right), Kind::ExpressionList | Kind::Tuple) && wanted > 1 && width(right) == wanted {
            let parts = self.operands(right);
            if parts.iter().all(|part| kind(*part) != Kind::ListSplat) {
                return parts.into_iter().map(|part| self.expr(part, depth + 1)).collect();
            }
        }
        vec![self.expr(right, depth + 1)]
    }

    /// What is assigned to: the elements of a tuple or list pattern, or one target.
    fn targets(&mut self, left: Node<'t>, ty: Option<&TypeRef>, depth: usize) -> Box<[ExprId]> {
        let parts = if is_unpacking(left) { self.operands(left) } else { smallvec![left] };
        let mut targets = Vec::with_capacity(parts.len());
        for part in parts {
            self.instance_field(part, ty);
            targets.push(self.expr(part, depth + 1));
        }
        targets.into()
    }

    fn augmented(&mut self, node: Node<'t>, depth: usize, out: &mut Vec<u32>) {
        let left = self.in_field(node, Field::Left, depth);
        let right = self.in_field(node, Field::Right, depth);
        let op = field(node, Field::Operator).map_or("", |op| self.text(op)).trim_end_matches('=');
        let value = self.facts.add_expr(span(node), ExprKind::Binary { op: Ustr::from(op), left, right });
        let kind = StmtKind::Assign { targets: [left].into(), ty: None, values: [value].into(), declares: false };
        self.push(out, node, kind);
    }

    fn return_statement(&mut self, node: Node<'t>, depth: usize, out: &mut Vec<u32>) {
        let values = match first_operand(node) {
            Some(list) if kind(list) == Kind::ExpressionList => self.values(list, width(list), depth),
            Some(value) => vec![self.expr(value, depth + 1)],
            None => Vec::new(),
        };
        self.push(out, node, StmtKind::Return(values.into()));
    }

    fn raise_statement(&mut self, node: Node<'t>, depth: usize, out: &mut Vec<u32>) {
        let value = first_operand(node).map(|value| self.expr(value, depth + 1));
        self.push(out, node, StmtKind::Throw(value));
    }

    /// An `elif` is an `if` inside the `else`; chains are read in a loop, their depth counts as nesting.
    fn if_statement(&mut self, node: Node<'t>, depth: usize, out: &mut Vec<u32>) {
        let mut branches = vec![(node, self.branch(node, depth))];
        let mut otherwise = Block::default();
        let mut level = depth;
        for child in self.children(node) {
            match kind(child) {
                Kind::ElifClause if level >= MAX_DEPTH => self.facts.cuts += 1,
                Kind::ElifClause => {
                    level += 1;
                    branches.push((child, self.branch(child, level)));
                }
                Kind::ElseClause => otherwise = self.body(child, level),
                Kind::Error => self.broken(child, depth + 1, out),
                _ => {}
            }
        }
        for (place, (condition, then)) in branches.into_iter().rev() {
            let kind = StmtKind::If { init: Block::default(), condition, then, otherwise };
            otherwise = [self.facts.add_stmt(span(place), kind)].into();
        }
        out.extend(otherwise.iter());
    }

    fn branch(&mut self, node: Node<'t>, depth: usize) -> (ExprId, Block) {
        let condition = self.in_field(node, Field::Condition, depth);
        let then = field(node, Field::Consequence).map(|body| self.block(body, depth + 1)).unwrap_or_default();
        (condition, then)
    }

    /// The block of a clause.
    fn body(&mut self, clause: Node<'t>, depth: usize) -> Block {
        field(clause, Field::Body).map(|body| self.block(body, depth + 1)).unwrap_or_default()
    }

    fn for_statement(&mut self, node: Node<'t>, depth: usize, out: &mut Vec<u32>) {
        let subject = field(node, Field::Right).map(|iterated| self.expr(iterated, depth + 1));
        let targets = field(node, Field::Left).map(|left| self.targets(left, None, depth)).unwrap_or_default();
        let body = self.body(node, depth);
        let is_async = is_async(node);
        let kind = StmtKind::Loop { kind: LoopKind::Each, init: Block::default(), subject, targets, body, is_async };
        self.push(out, node, kind);
        self.after_loop(node, depth, out);
    }

    fn while_statement(&mut self, node: Node<'t>, depth: usize, out: &mut Vec<u32>) {
        let condition = field(node, Field::Condition);
        let forever = condition.is_some_and(|condition| matches!(self.text(condition), "True" | "1"));
        let subject = condition.map(|condition| self.expr(condition, depth + 1));
        let (kind, subject) = if forever { (LoopKind::Forever, None) } else { (LoopKind::While, subject) };
        let body = self.body(node, depth);
        let (init, targets) = (Block::default(), [].into());
        self.push(out, node, StmtKind::Loop { kind, init, subject, targets, body, is_async: false });
        self.after_loop(node, depth, out);
    }

    /// The `else` of a loop.
    fn after_loop(&mut self, node: Node<'t>, depth: usize, out: &mut Vec<u32>) {
        for clause in self.operands(node).into_iter().filter(|child| kind(*child) == Kind::ElseClause) {
            if let Some(body) = field(clause, Field::Body) {
                self.statements(body, depth + 1, out);
            }
        }
    }

    fn try_statement(&mut self, node: Node<'t>, depth: usize, out: &mut Vec<u32>) {
        let body = self.body(node, depth);
        let (mut handlers, mut otherwise, mut finally) = (Vec::new(), Block::default(), Block::default());
        for child in self.children(node) {
            match kind(child) {
                Kind::ExceptClause => handlers.push(self.handler(child, depth)),
                Kind::ElseClause => otherwise = self.body(child, depth),
                Kind::FinallyClause => finally = self.clause_block(child, depth),
                _ => {}
            }
        }
        self.push(out, node, StmtKind::Try { body, handlers: handlers.into(), otherwise, finally });
    }

    fn handler(&mut self, clause: Node<'t>, depth: usize) -> Handler {
        let caught = field(clause, Field::Value);
        let alias = field(clause, Field::Alias).or_else(|| caught.and_then(|value| field(value, Field::Alias)));
        let binding = alias.map(|alias| self.name(alias));
        Handler { binding, body: self.clause_block(clause, depth) }
    }

    /// The block of a clause whose block has no field name.
    fn clause_block(&mut self, clause: Node<'t>, depth: usize) -> Block {
        let block = self.operands(clause).into_iter().find(|child| kind(*child) == Kind::Block);
        block.map(|block| self.block(block, depth + 1)).unwrap_or_default()
    }

    fn with_statement(&mut self, node: Node<'t>, depth: usize, out: &mut Vec<u32>) {
        let mut items = Vec::new();
        for clause in self.operands(node).into_iter().filter(|child| kind(*child) == Kind::WithClause) {
            for item in self.operands(clause) {
                let value = if kind(item) == Kind::WithItem { field(item, Field::Value) } else { Some(item) };
                value.into_iter().for_each(|value| self.with_value(value, depth, &mut items));
            }
        }
        let body = self.body(node, depth);
        self.push(out, node, StmtKind::With { items: items.into(), body, is_async: is_async(node) });
    }

    /// One manager, or several that were read as a tuple because of their parentheses.
    fn with_value(&mut self, value: Node<'t>, depth: usize, items: &mut Vec<WithItem>) {
        if matches!(kind(value), Kind::Tuple | Kind::ParenthesizedExpression) {
            for part in self.operands(value) {
                self.with_item(part, depth, items);
            }
        } else {
            self.with_item(value, depth, items);
        }
    }

    fn with_item(&mut self, value: Node<'t>, depth: usize, items: &mut Vec<WithItem>) {
        let alias = field(value, Field::Alias).filter(|_| kind(value) == Kind::AsPattern);
        let managed = if alias.is_some() { first_operand(value).unwrap_or(value) } else { value };
        let value = self.expr(managed, depth + 1);
        let target = alias.map(|alias| {
            if let Some(inner) = first_operand(alias) {
                self.instance_field(inner, None);
            }
            self.expr(alias, depth + 1)
        });
        items.push(WithItem { value, target, ty: None });
    }
}

/// How many values a tuple-like node has; 1 for anything else.
fn width(node: Node<'_>) -> usize {
    let several = is_unpacking(node) || matches!(kind(node), Kind::ExpressionList | Kind::Tuple);
    if several { operands(node).len() } else { 1 }
}

fn is_unpacking(node: Node<'_>) -> bool {
    matches!(kind(node), Kind::PatternList | Kind::TuplePattern | Kind::ListPattern)
}
