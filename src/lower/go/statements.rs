//! Statements.

use super::kinds::{FIELDS, Kind, kind};
use super::{Lowerer, span};
use crate::ir::{Block, ExprId, ExprKind, Jump, LoopKind, StmtKind};
use tree_sitter::Node;
use ustr::Ustr;

impl<'t> Lowerer<'t> {
    /// The statements in braces.
    pub(super) fn block(&mut self, node: Node<'t>) -> Block {
        let mut out = Vec::new();
        self.statements(node, &mut out);
        out.into()
    }

    fn block_at(&mut self, node: Node<'t>, field: u16) -> Block {
        node.child_by_field_id(field).map(|block| self.block(block)).unwrap_or_default()
    }

    /// One simple statement as a block of its own, for initialisers.
    fn single_at(&mut self, node: Node<'t>, field: u16) -> Block {
        let mut out = Vec::new();
        if let Some(statement) = node.child_by_field_id(field) {
            self.statement(statement, &mut out);
        }
        out.into()
    }

    fn statements(&mut self, node: Node<'t>, out: &mut Vec<u32>) {
        for child in self.named(node) {
            match kind(child) {
                Kind::StatementList => {
                    for statement in self.named(child) {
                        self.statement(statement, out);
                    }
                }
                _ => self.statement(child, out),
            }
        }
    }

    /// One statement; a group of declarations becomes several.
    pub(super) fn statement(&mut self, node: Node<'t>, out: &mut Vec<u32>) {
        if self.deeper(|this| this.statement_inner(node, out)).is_none() {
            let cut = self.facts.add_expr(span(node), ExprKind::Unknown(Box::default()));
            self.push(node, StmtKind::Expr(cut), out);
        }
    }

    fn push(&mut self, node: Node<'t>, kind: StmtKind, out: &mut Vec<u32>) {
        out.push(self.facts.add_stmt(span(node), kind));
    }

    fn statement_inner(&mut self, node: Node<'t>, out: &mut Vec<u32>) {
        match kind(node) {
            Kind::VarDeclaration | Kind::VarSpecList | Kind::ConstDeclaration => self.specs(node, out),
            Kind::VarSpec | Kind::ConstSpec => self.variables(node, out),
            Kind::TypeDeclaration => self.type_declaration(node),
            // Only an error further out can put these here.
            Kind::FunctionDeclaration | Kind::MethodDeclaration => self.function(node),
            Kind::ImportDeclaration => self.imports(node),
            Kind::LabeledStatement => self.labeled(node, out),
            Kind::StatementList => self.statements(node, out),
            Kind::EmptyStatement | Kind::LabelName | Kind::PackageClause => {}
            // Inside an error the pieces are still worth having.
            _ if node.is_error() => self.statements(node, out),
            kind => {
                let shape = self.statement_shape(node, kind);
                self.push(node, shape, out);
            }
        }
    }

    fn statement_shape(&mut self, node: Node<'t>, kind: Kind) -> StmtKind {
        match kind {
            Kind::ExpressionStatement => StmtKind::Expr(self.operand(node)),
            Kind::ShortVarDeclaration => self.assign(node, true),
            Kind::AssignmentStatement => self.assignment(node),
            Kind::IncStatement => self.step(node, "+"),
            Kind::DecStatement => self.step(node, "-"),
            Kind::ReturnStatement => self.returned(node),
            Kind::IfStatement => self.branch(node),
            Kind::ForStatement => self.looped(node),
            Kind::ExpressionSwitchStatement => self.switch(node),
            Kind::TypeSwitchStatement => self.type_switch(node),
            Kind::SelectStatement => self.select(node),
            Kind::DeferStatement => StmtKind::Defer(self.operand(node)),
            Kind::GoStatement => StmtKind::Spawn(self.operand(node)),
            Kind::SendStatement => self.send(node),
            Kind::Block => StmtKind::Block(self.block(node)),
            Kind::BreakStatement if node.named_child_count() == 0 => StmtKind::Jump(Jump::Break),
            Kind::ContinueStatement if node.named_child_count() == 0 => StmtKind::Jump(Jump::Continue),
            Kind::BreakStatement | Kind::ContinueStatement | Kind::GotoStatement | Kind::FallthroughStatement => {
                StmtKind::Jump(Jump::Elsewhere)
            }
            Kind::ReceiveStatement => self.receive(node),
            _ => StmtKind::Expr(self.expr(node)),
        }
    }

    /// The one expression that a statement is about.
    fn operand(&mut self, node: Node<'t>) -> ExprId {
        match self.first_named(node) {
            Some(operand) => self.expr(operand),
            None => self.facts.add_expr(span(node), ExprKind::Unknown(Box::default())),
        }
    }

    fn specs(&mut self, node: Node<'t>, out: &mut Vec<u32>) {
        for spec in self.named(node) {
            self.statement(spec, out);
        }
    }

    /// `var a, b T = x, y`, also of constants.
    fn variables(&mut self, node: Node<'t>, out: &mut Vec<u32>) {
        let targets: Box<[ExprId]> = self.under(node, FIELDS.name).into_iter().map(|name| self.expr(name)).collect();
        let ty = self.type_of(node);
        let mut values = self.exprs(node.child_by_field_id(FIELDS.value));
        if let (true, [target], Some(ty)) = (values.is_empty(), &*targets, self.zero_type(node, ty.as_ref())) {
            let place = self.facts.expr(*target).span;
            values = Box::new([self.facts.add_expr(place, ExprKind::Zero(Box::new(ty)))]);
        }
        self.push(node, StmtKind::Assign { targets, ty, values, declares: true }, out);
    }

    /// The type of a declaration whose zero value is a value of that type, and not `nil` for a pointer.
    fn zero_type(&self, node: Node<'t>, ty: Option<&crate::ir::TypeRef>) -> Option<crate::ir::TypeRef> {
        let written = node.child_by_field_id(FIELDS.ty)?;
        let holds = matches!(
            kind(written),
            Kind::TypeIdentifier | Kind::QualifiedType | Kind::GenericType | Kind::SliceType | Kind::ArrayType
        );
        ty.filter(|ty| holds && !ty.name.is_empty()).cloned()
    }

    fn labeled(&mut self, node: Node<'t>, out: &mut Vec<u32>) {
        let mut inner = Vec::new();
        self.statements(node, &mut inner);
        self.push(node, StmtKind::Block(inner.into()), out);
    }

    fn assign(&mut self, node: Node<'t>, declares: bool) -> StmtKind {
        let targets = self.exprs(node.child_by_field_id(FIELDS.left));
        let values = self.exprs(node.child_by_field_id(FIELDS.right));
        StmtKind::Assign { targets, ty: None, values, declares }
    }

    fn assignment(&mut self, node: Node<'t>) -> StmtKind {
        let operator = node.child_by_field_id(FIELDS.operator).map_or("=", |op| op.kind());
        let mut shape = self.assign(node, false);
        if let (Some(op), StmtKind::Assign { targets, values, .. }) = (operator.strip_suffix('='), &mut shape)
            && let (false, Some(left), Some(right)) = (op.is_empty(), targets.first(), values.first())
        {
            let sum = ExprKind::Binary { op: Ustr::from(op), left: *left, right: *right };
            *values = Box::new([self.facts.add_expr(span(node), sum)]);
        }
        shape
    }

    /// `x++` is `x += 1`.
    fn step(&mut self, node: Node<'t>, op: &str) -> StmtKind {
        let left = self.operand(node);
        let right = self.facts.add_expr(span(node), ExprKind::Lit(Ustr::from("1")));
        let sum = self.facts.add_expr(span(node), ExprKind::Binary { op: Ustr::from(op), left, right });
        StmtKind::Assign { targets: Box::new([left]), ty: None, values: Box::new([sum]), declares: false }
    }

    fn returned(&mut self, node: Node<'t>) -> StmtKind {
        let list = self.first_named(node);
        StmtKind::Return(self.exprs(list))
    }

    fn branch(&mut self, node: Node<'t>) -> StmtKind {
        let init = self.single_at(node, FIELDS.initializer);
        let condition = self.expr_at(node, FIELDS.condition);
        let then = self.block_at(node, FIELDS.consequence);
        let otherwise = match node.child_by_field_id(FIELDS.alternative) {
            Some(block) if kind(block) == Kind::Block => self.block(block),
            Some(_) => self.single_at(node, FIELDS.alternative),
            None => Block::default(),
        };
        StmtKind::If { init, condition, then, otherwise }
    }

    fn looped(&mut self, node: Node<'t>) -> StmtKind {
        let body = node.child_by_field_id(FIELDS.body);
        let header = self.first_named(node).filter(|header| Some(*header) != body);
        match header.map(|header| (kind(header), header)) {
            Some((Kind::RangeClause, header)) => self.range_loop(header, node),
            Some((Kind::ForClause, header)) => self.clause_loop(header, node),
            Some((_, condition)) => {
                let subject = Some(self.expr(condition));
                let body = self.block_at(node, FIELDS.body);
                loop_shape(LoopKind::While, Block::default(), subject, body)
            }
            None => loop_shape(LoopKind::Forever, Block::default(), None, self.block_at(node, FIELDS.body)),
        }
    }

    fn range_loop(&mut self, header: Node<'t>, node: Node<'t>) -> StmtKind {
        let subject = Some(self.expr_at(header, FIELDS.right));
        let targets = self.exprs(header.child_by_field_id(FIELDS.left));
        let body = self.block_at(node, FIELDS.body);
        StmtKind::Loop { kind: LoopKind::Each, init: Block::default(), subject, targets, body, is_async: false }
    }

    fn clause_loop(&mut self, header: Node<'t>, node: Node<'t>) -> StmtKind {
        let init = self.single_at(header, FIELDS.initializer);
        let subject = header.child_by_field_id(FIELDS.condition).map(|condition| self.expr(condition));
        let mut body = self.block_at(node, FIELDS.body).into_vec();
        if let Some(update) = header.child_by_field_id(FIELDS.update) {
            self.statement(update, &mut body);
        }
        let kind = if subject.is_some() { LoopKind::While } else { LoopKind::Forever };
        loop_shape(kind, init, subject, body.into())
    }

    fn switch(&mut self, node: Node<'t>) -> StmtKind {
        let init = self.single_at(node, FIELDS.initializer);
        let subject = node.child_by_field_id(FIELDS.value).map(|value| self.expr(value));
        let mut arms = Vec::new();
        let mut exhaustive = false;
        for case in self.named(node) {
            match kind(case) {
                Kind::ExpressionCase => arms.push(self.case(case)),
                Kind::DefaultCase => {
                    exhaustive = true;
                    arms.push(self.block(case));
                }
                _ => {}
            }
        }
        StmtKind::Switch { init, subject, arms: arms.into(), exhaustive }
    }

    /// An arm starts with the values it compares with, because they are evaluated.
    fn case(&mut self, node: Node<'t>) -> Block {
        let mut out = Vec::new();
        let values = node.child_by_field_id(FIELDS.value);
        for value in self.exprs(values) {
            if self.facts.exprs.get(value.0 as usize).is_some_and(|expr| !is_constant(&expr.kind)) {
                self.push(node, StmtKind::Expr(value), &mut out);
            }
        }
        self.arm_body(node, values, &mut out);
        out.into()
    }

    /// The statements of an arm, without its head.
    fn arm_body(&mut self, node: Node<'t>, head: Option<Node<'t>>, out: &mut Vec<u32>) {
        for child in self.named(node) {
            if Some(child) != head && (kind(child) == Kind::StatementList || child.is_error()) {
                self.statements(child, out);
            }
        }
    }

    /// `switch v := x.(type)`: the alias is bound to the subject once and narrowed in every arm of one type, so that
    /// the subject is evaluated once here as in Go.
    fn type_switch(&mut self, node: Node<'t>) -> StmtKind {
        let mut init = self.single_at(node, FIELDS.initializer).into_vec();
        let value = self.expr_at(node, FIELDS.value);
        let alias = node.child_by_field_id(FIELDS.alias);
        let name = alias.and_then(|list| self.first_named(list));
        let subject = match name {
            Some(name) => {
                let binding = self.bind(name, value);
                self.push(name, binding, &mut init);
                self.expr(name)
            }
            None => value,
        };
        let (arms, exhaustive) = self.type_arms(node, name);
        StmtKind::Switch { init: init.into(), subject: Some(subject), arms, exhaustive }
    }

    fn type_arms(&mut self, node: Node<'t>, alias: Option<Node<'t>>) -> (Box<[Block]>, bool) {
        let mut arms = Vec::new();
        let mut exhaustive = false;
        for case in self.named(node) {
            match kind(case) {
                Kind::TypeCase => arms.push(self.type_case(case, alias)),
                Kind::DefaultCase => {
                    exhaustive = true;
                    arms.push(self.block(case));
                }
                _ => {}
            }
        }
        (arms.into(), exhaustive)
    }

    fn type_case(&mut self, node: Node<'t>, alias: Option<Node<'t>>) -> Block {
        let mut out = Vec::new();
        let types = self.under(node, FIELDS.ty);
        // With several types, and for `nil`, the alias keeps the subject's type.
        if let (Some(alias), [ty]) = (alias, types.as_slice())
            && self.text(*ty) != "nil"
        {
            let ty = self.type_ref(*ty);
            let value = self.expr(alias);
            let cast = self.facts.add_expr(span(node), ExprKind::Cast { ty: Box::new(ty), value });
            let binding = self.bind(alias, cast);
            self.push(alias, binding, &mut out);
        }
        self.arm_body(node, None, &mut out);
        out.into()
    }

    fn bind(&mut self, name: Node<'t>, value: ExprId) -> StmtKind {
        let target = self.expr(name);
        StmtKind::Assign { targets: Box::new([target]), ty: None, values: Box::new([value]), declares: true }
    }

    fn select(&mut self, node: Node<'t>) -> StmtKind {
        let mut arms = Vec::new();
        for case in self.named(node) {
            match kind(case) {
                Kind::CommunicationCase => {
                    let communication = node_at(case, FIELDS.communication);
                    let mut out = self.single_at(case, FIELDS.communication).into_vec();
                    self.arm_body(case, communication, &mut out);
                    arms.push(out.into());
                }
                Kind::DefaultCase => arms.push(self.block(case)),
                _ => {}
            }
        }
        // Without a default a select waits until one of its arms can run: one always does.
        let exhaustive = !arms.is_empty();
        StmtKind::Switch { init: Block::default(), subject: None, arms: arms.into(), exhaustive }
    }

    fn receive(&mut self, node: Node<'t>) -> StmtKind {
        let value = self.expr_at(node, FIELDS.right);
        let Some(left) = node_at(node, FIELDS.left) else { return StmtKind::Expr(value) };
        let targets = self.exprs(Some(left));
        let declares = node.children(&mut self.cursor).any(|child| child.kind() == ":=");
        StmtKind::Assign { targets, ty: None, values: Box::new([value]), declares }
    }

    fn send(&mut self, node: Node<'t>) -> StmtKind {
        let channel = self.expr_at(node, FIELDS.channel);
        let value = self.expr_at(node, FIELDS.value);
        StmtKind::Send { channel, value }
    }
}

fn node_at(node: Node<'_>, field: u16) -> Option<Node<'_>> {
    node.child_by_field_id(field)
}

fn loop_shape(kind: LoopKind, init: Block, subject: Option<ExprId>, body: Block) -> StmtKind {
    StmtKind::Loop { kind, init, subject, targets: Box::default(), body, is_async: false }
}

/// Values whose evaluation in a `case` does nothing worth a statement.
fn is_constant(kind: &ExprKind) -> bool {
    matches!(kind, ExprKind::Str(_) | ExprKind::Lit(_) | ExprKind::Name(_) | ExprKind::Member { .. })
}
