//! Statements of a body, in order.

use super::{Kind, Lowerer, span};
use crate::ir::{Block, ExprId, ExprKind, Handler, Jump, LoopKind, Span, StmtKind, TypeRef, WithItem};
use smallvec::SmallVec;
use tree_sitter::Node;
use ustr::Ustr;

impl<'s> Lowerer<'s> {
    /// The block that a body makes: a braced block's statements, or the one statement.
    pub(super) fn block(&mut self, node: Node<'s>) -> Block {
        let mut into = Vec::new();
        if matches!(self.kind(node), Kind::Block | Kind::ConstructorBody) {
            self.statements(node, &mut into);
        } else {
            self.statement(node, &mut into);
        }
        into.into()
    }

    fn optional_block(&mut self, node: Option<Node<'s>>) -> Block {
        node.map(|node| self.block(node)).unwrap_or_default()
    }

    /// Appends all statements among a node's children.
    pub(super) fn statements(&mut self, node: Node<'s>, into: &mut Vec<u32>) {
        for child in self.named(node) {
            self.statement(child, into);
        }
    }

    /// Appends what one statement becomes: none, one or several statements.
    pub(super) fn statement(&mut self, node: Node<'s>, into: &mut Vec<u32>) {
        let kind = self.kind(node);
        if kind.is_comment() {
            return;
        }
        if !self.enter() {
            let unknown = self.unknown(span(node));
            self.push(node, StmtKind::Expr(unknown), into);
            return;
        }
        let mut own = Vec::new();
        self.statement_of_kind(node, kind, &mut own);
        into.append(&mut self.hoisted);
        into.append(&mut own);
        self.leave();
    }

    fn statement_of_kind(&mut self, node: Node<'s>, kind: Kind, into: &mut Vec<u32>) {
        match kind {
            Kind::ExpressionStatement => self.expression_statement(node, into),
            Kind::Local => self.local(node, into),
            Kind::Return => self.return_statement(node, into),
            Kind::If => self.if_statement(node, into),
            Kind::For => self.for_statement(node, into),
            Kind::ForEach => self.for_each(node, into),
            Kind::While | Kind::Do => self.while_statement(node, into),
            Kind::Switch => self.switch_statement(node, into),
            Kind::Try | Kind::TryWithResources => self.try_statement(node, into),
            Kind::Throw => self.throw(node, into),
            Kind::YieldStatement => self.yield_statement(node, into),
            Kind::Break if node.named_child_count() == 0 => self.push(node, StmtKind::Jump(Jump::Break), into),
            Kind::Continue if node.named_child_count() == 0 => self.push(node, StmtKind::Jump(Jump::Continue), into),
            Kind::Break | Kind::Continue => self.push(node, StmtKind::Jump(Jump::Elsewhere), into),
            Kind::Block | Kind::Synchronized | Kind::Labeled => self.nested_block(node, into),
            Kind::Assert => self.each_operand(node, into),
            Kind::ConstructorCall => self.constructor_call(node, into),
            Kind::Error | Kind::Catch | Kind::Finally | Kind::ClassBody | Kind::ConstructorBody => {
                self.error(node, into)
            }
            _ if self.definition(node) => {}
            _ => self.effect(node, into),
        }
    }

    pub(super) fn push(&mut self, node: Node<'s>, kind: StmtKind, into: &mut Vec<u32>) {
        into.push(self.facts.add_stmt(span(node), kind));
    }

    /// An assignment of at most one value to one target.
    pub(super) fn assign(
        &mut self,
        span: Span,
        target: ExprId,
        ty: Option<TypeRef>,
        value: Option<ExprId>,
        declares: bool,
    ) -> u32 {
        let values = value.into_iter().collect();
        self.facts.add_stmt(span, StmtKind::Assign { targets: Box::new([target]), ty, values, declares })
    }

    /// What broken source left inside a body; lone words there say nothing.
    fn error(&mut self, node: Node<'s>, into: &mut Vec<u32>) {
        for child in self.named(node) {
            let kind = self.kind(child);
            if !kind.is_type() && !matches!(kind, Kind::Identifier | Kind::Modifiers | Kind::Other) {
                self.statement(child, into);
            }
        }
    }

    fn expression_statement(&mut self, node: Node<'s>, into: &mut Vec<u32>) {
        if let Some(inner) = self.first(node) {
            self.effect(inner, into);
        }
    }

    /// An expression for its effect: an assignment and a `switch` are statements of their own.
    fn effect(&mut self, node: Node<'s>, into: &mut Vec<u32>) {
        match self.kind(node) {
            Kind::Assignment => {
                let (target, value) = self.assignment(node);
                into.push(self.assign(span(node), target, None, Some(value), false));
            }
            Kind::Switch => self.switch_statement(node, into),
            _ => {
                let value = self.expression(node);
                self.push(node, StmtKind::Expr(value), into);
            }
        }
    }

    fn each_operand(&mut self, node: Node<'s>, into: &mut Vec<u32>) {
        for child in self.named(node) {
            if !self.kind(child).is_comment() {
                self.effect(child, into);
            }
        }
    }

    fn local(&mut self, node: Node<'s>, into: &mut Vec<u32>) {
        let ids = &self.grammar.fields;
        let ty = self.field(node, ids.ty);
        for declarator in self.under(node, ids.declarator) {
            let Some(name) = self.field(declarator, ids.name) else { continue };
            let ty = self.declared_type(ty, self.field(declarator, ids.dimensions));
            let target = self.expression(name);
            let value = self.field(declarator, ids.value).map(|value| self.expression(value));
            into.append(&mut self.hoisted);
            into.push(self.assign(span(declarator), target, ty, value, true));
        }
    }

    fn return_statement(&mut self, node: Node<'s>, into: &mut Vec<u32>) {
        let value = self.first(node).map(|value| self.expression(value));
        self.push(node, StmtKind::Return(value.into_iter().collect()), into);
    }

    fn throw(&mut self, node: Node<'s>, into: &mut Vec<u32>) {
        let value = self.first(node).map(|value| self.expression(value));
        self.push(node, StmtKind::Throw(value), into);
    }

    fn yield_statement(&mut self, node: Node<'s>, into: &mut Vec<u32>) {
        let Some(value) = self.first(node) else { return };
        match self.yields_to {
            Some(name) => self.yielded(name, value, into),
            None => self.effect(value, into),
        }
    }

    fn if_statement(&mut self, node: Node<'s>, into: &mut Vec<u32>) {
        let ids = &self.grammar.fields;
        let condition = self.operand(node, ids.condition);
        // What the condition hoisted runs before the branch, not inside it.
        into.append(&mut self.hoisted);
        let then = self.optional_block(self.field(node, ids.consequence));
        let otherwise = self.optional_block(self.field(node, ids.alternative));
        self.push(node, StmtKind::If { init: Block::default(), condition, then, otherwise }, into);
    }

    fn while_statement(&mut self, node: Node<'s>, into: &mut Vec<u32>) {
        let ids = &self.grammar.fields;
        let subject = self.operand(node, ids.condition);
        into.append(&mut self.hoisted);
        let body = self.optional_block(self.field(node, ids.body));
        self.push_loop(node, Block::default(), Some(subject), body, into);
    }

    fn for_statement(&mut self, node: Node<'s>, into: &mut Vec<u32>) {
        let ids = &self.grammar.fields;
        let (mut init, mut update) = (Vec::new(), Vec::new());
        self.field_statements(node, ids.init, &mut init);
        let subject = self.field(node, ids.condition).map(|condition| self.expression(condition));
        into.append(&mut self.hoisted);
        let body = self.optional_block(self.field(node, ids.body));
        self.field_statements(node, ids.update, &mut update);
        let mut body = body.into_vec();
        body.append(&mut update);
        self.push_loop(node, init.into(), subject, body.into(), into);
    }

    fn field_statements(&mut self, node: Node<'s>, field: u16, into: &mut Vec<u32>) {
        for child in self.under(node, field) {
            self.statement(child, into);
        }
    }

    fn push_loop(&mut self, node: Node<'s>, init: Block, subject: Option<ExprId>, body: Block, into: &mut Vec<u32>) {
        let endless = subject.is_none_or(|subject| {
            let expr = self.facts.exprs.get(subject.0 as usize);
            expr.is_some_and(|expr| matches!(expr.kind, ExprKind::Lit(text) if text == "true"))
        });
        let kind = if endless { LoopKind::Forever } else { LoopKind::While };
        let targets = Box::default();
        self.push(node, StmtKind::Loop { kind, init, subject, targets, body, is_async: false }, into);
    }

    /// The element's declared type is a declaration without a value in `init`: a loop's targets carry no type.
    fn for_each(&mut self, node: Node<'s>, into: &mut Vec<u32>) {
        let ids = &self.grammar.fields;
        let name = self.field(node, ids.name);
        let ty = self.declared_type(self.field(node, ids.ty), self.field(node, ids.dimensions));
        let targets: Box<[ExprId]> = name.map(|name| self.expression(name)).into_iter().collect();
        let mut init = Vec::new();
        if let (Some(ty), Some(target), Some(name)) = (ty, targets.first(), name) {
            init.push(self.assign(span(name), *target, Some(ty), None, true));
        }
        let subject = self.field(node, ids.value).map(|value| self.expression(value));
        into.append(&mut self.hoisted);
        let body = self.optional_block(self.field(node, ids.body));
        let init = init.into();
        let kind = LoopKind::Each;
        self.push(node, StmtKind::Loop { kind, init, subject, targets, body, is_async: false }, into);
    }

    /// A block with its own scope; the lock of `synchronized` is its first statement.
    fn nested_block(&mut self, node: Node<'s>, into: &mut Vec<u32>) {
        let mut own = Vec::new();
        let mut label = self.kind(node) == Kind::Labeled;
        for child in self.named(node) {
            if std::mem::take(&mut label) {
                continue;
            }
            if self.kind(node) == Kind::Block || self.kind(child) != Kind::Block {
                self.statement(child, &mut own);
            } else {
                self.statements(child, &mut own);
            }
        }
        self.push(node, StmtKind::Block(own.into()), into);
    }

    fn constructor_call(&mut self, node: Node<'s>, into: &mut Vec<u32>) {
        let call = self.explicit_constructor(node);
        let call = self.facts.add_expr(span(node), call);
        self.push(node, StmtKind::Expr(call), into);
    }

    fn try_statement(&mut self, node: Node<'s>, into: &mut Vec<u32>) {
        let ids = &self.grammar.fields;
        let resources = self.field(node, ids.resources);
        let items = resources.map(|resources| self.resources(resources));
        into.append(&mut self.hoisted);
        let mut body = self.optional_block(self.field(node, ids.body));
        if let Some(items) = items {
            body = Box::new([self.facts.add_stmt(span(node), StmtKind::With { items, body, is_async: false })]);
        }
        let (mut handlers, mut finally) = (Vec::new(), Block::default());
        for child in self.named(node) {
            match self.kind(child) {
                Kind::Catch => handlers.push(self.handler(child)),
                Kind::Finally => finally = self.optional_block(self.child_of_kind(child, Kind::Block)),
                _ => {}
            }
        }
        let (handlers, otherwise) = (handlers.into(), Block::default());
        self.push(node, StmtKind::Try { body, handlers, otherwise, finally }, into);
    }

    fn handler(&mut self, node: Node<'s>) -> Handler {
        let ids = &self.grammar.fields;
        let parameter = self.child_of_kind(node, Kind::CatchParameter);
        let name = parameter.and_then(|parameter| self.field(parameter, ids.name));
        let binding = name.map(|name| self.name(name));
        Handler { binding, body: self.optional_block(self.field(node, ids.body)) }
    }

    fn resources(&mut self, node: Node<'s>) -> Box<[WithItem]> {
        let mut items = Vec::new();
        for child in self.named(node) {
            if self.kind(child) == Kind::Resource {
                items.extend(self.resource(child));
            }
        }
        items.into()
    }

    /// `T x = value`, or just a value that is closed at the end.
    fn resource(&mut self, node: Node<'s>) -> Option<WithItem> {
        let ids = &self.grammar.fields;
        let Some(value) = self.field(node, ids.value) else {
            let value = self.first(node)?;
            return Some(WithItem { value: self.expression(value), target: None, ty: None });
        };
        let ty = self.declared_type(self.field(node, ids.ty), self.field(node, ids.dimensions));
        let target = self.field(node, ids.name).map(|name| self.expression(name));
        Some(WithItem { value: self.expression(value), target, ty })
    }

    fn switch_statement(&mut self, node: Node<'s>, into: &mut Vec<u32>) {
        let kind = self.switch(node, None, into);
        self.push(node, kind, into);
    }

    /// A `switch` as a statement; with a name, each arm's value is assigned to it.
    pub(super) fn switch(&mut self, node: Node<'s>, yields_to: Option<Ustr>, into: &mut Vec<u32>) -> StmtKind {
        let ids = &self.grammar.fields;
        let subject = self.operand(node, ids.condition);
        into.append(&mut self.hoisted);
        let (mut arms, mut exhaustive) = (Vec::new(), yields_to.is_some());
        if let Some(body) = self.field(node, ids.body) {
            self.arms(body, subject, yields_to, &mut arms, &mut exhaustive);
        }
        StmtKind::Switch { init: Block::default(), subject: Some(subject), arms: arms.into(), exhaustive }
    }

    /// A label without statements (`case 1: case 2: …`) shares the next one's arm.
    fn arms(
        &mut self,
        body: Node<'s>,
        subject: ExprId,
        yields_to: Option<Ustr>,
        arms: &mut Vec<Block>,
        exhaustive: &mut bool,
    ) {
        let (mut shared, mut is_shared) = (Vec::new(), false);
        for arm in self.named(body) {
            if !matches!(self.kind(arm), Kind::SwitchGroup | Kind::SwitchRule) {
                continue;
            }
            self.arm(arm, subject, yields_to, exhaustive, &mut shared);
            is_shared = self.is_bare_label(arm);
            if !is_shared {
                arms.push(std::mem::take(&mut shared).into());
            }
        }
        if is_shared {
            arms.push(shared.into());
        }
    }

    fn is_bare_label(&self, arm: Node<'s>) -> bool {
        let mut cursor = arm.walk();
        self.kind(arm) == Kind::SwitchGroup
            && arm.named_children(&mut cursor).all(|part| {
                let kind = self.kind(part);
                kind == Kind::SwitchLabel || kind.is_comment()
            })
    }

    fn arm(
        &mut self,
        node: Node<'s>,
        subject: ExprId,
        yields_to: Option<Ustr>,
        exhaustive: &mut bool,
        into: &mut Vec<u32>,
    ) {
        let is_rule = self.kind(node) == Kind::SwitchRule;
        for child in self.named(node) {
            match (self.kind(child), yields_to) {
                (Kind::SwitchLabel, _) => *exhaustive |= self.label(child, subject, into),
                (Kind::Block, _) if is_rule => self.statements(child, into),
                (Kind::ExpressionStatement, Some(name)) if is_rule => {
                    if let Some(value) = self.first(child) {
                        self.yielded(name, value, into);
                    }
                }
                _ => self.statement(child, into),
            }
        }
    }

    fn yielded(&mut self, name: Ustr, value: Node<'s>, into: &mut Vec<u32>) {
        let target = self.facts.add_expr(span(value), ExprKind::Name(name));
        let id = self.expression(value);
        into.append(&mut self.hoisted);
        into.push(self.assign(span(value), target, None, Some(id), false));
    }

    /// A label's pattern variables and guard are the arm's first statements. Says whether it is the default.
    fn label(&mut self, node: Node<'s>, subject: ExprId, into: &mut Vec<u32>) -> bool {
        let mut is_default = false;
        for child in self.children(node) {
            match self.kind(child) {
                Kind::Default => is_default = true,
                Kind::Pattern => self.pattern(child, subject, into),
                Kind::Guard => self.each_operand(child, into),
                _ => {}
            }
        }
        into.append(&mut self.hoisted);
        is_default
    }

    fn pattern(&mut self, node: Node<'s>, subject: ExprId, into: &mut Vec<u32>) {
        let Some(pattern) = self.first(node).filter(|inner| self.kind(*inner) == Kind::TypePattern) else { return };
        let mut parts: SmallVec<[Node<'s>; 2]> = SmallVec::new();
        let mut cursor = pattern.walk();
        parts.extend(pattern.named_children(&mut cursor).filter(|part| !self.kind(*part).is_comment()));
        if let [ty, name] = parts.as_slice() {
            let ty = self.declared_type(Some(*ty), None);
            let target = self.expression(*name);
            into.push(self.assign(span(pattern), target, ty, Some(subject), true));
        }
    }
}
