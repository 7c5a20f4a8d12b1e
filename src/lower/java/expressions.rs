//! Values.

use super::declarations::untyped_param;
use super::types::array_of;
use super::{Kind, Lowerer, span};
use crate::ir::{Arg, Block, ExprId, ExprKind, Field, Function, FunctionFlags, Param, Span, Spread, StmtKind, TypeRef};
use tree_sitter::Node;
use ustr::Ustr;

/// Longest part of a string that is kept.
const MAX_STRING: usize = 256;
/// Longest part of another literal that is kept.
const MAX_LITERAL: usize = 64;

impl<'s> Lowerer<'s> {
    /// Lowers one expression. Parentheses vanish, however many there are.
    pub(super) fn expression(&mut self, node: Node<'s>) -> ExprId {
        let mut node = node;
        while self.kind(node) == Kind::Parenthesized {
            match self.first(node) {
                Some(inner) => node = inner,
                None => return self.unknown(span(node)),
            }
        }
        if !self.enter() {
            return self.unknown(span(node));
        }
        let kind = self.expression_kind(node);
        self.leave();
        self.facts.add_expr(span(node), kind)
    }

    fn expression_kind(&mut self, node: Node<'s>) -> ExprKind {
        match self.kind(node) {
            Kind::Identifier | Kind::This | Kind::Super | Kind::TypeIdentifier => self.name_value(node),
            Kind::Call => self.call(node),
            Kind::FieldAccess => self.field_access(node),
            Kind::Str => ExprKind::Str(self.string(node)),
            Kind::Char
            | Kind::True
            | Kind::False
            | Kind::Null
            | Kind::DecimalInteger
            | Kind::HexInteger
            | Kind::OctalInteger
            | Kind::BinaryInteger
            | Kind::DecimalFloat
            | Kind::HexFloat => ExprKind::Lit(self.intern(cut_at(self.text(node), MAX_LITERAL))),
            Kind::New => self.new_object(node),
            Kind::Lambda => self.lambda(node),
            Kind::MethodReference => self.method_reference(node),
            Kind::Assignment => {
                let (target, value) = self.assignment(node);
                ExprKind::Assign { target, value }
            }
            Kind::Binary => self.binary(node),
            Kind::Instanceof => self.instanceof(node),
            Kind::Ternary => self.ternary(node),
            Kind::Unary => self.unary(node),
            Kind::Update => self.update(node),
            Kind::Cast => self.cast(node),
            Kind::Switch => self.switch_value(node),
            Kind::ArrayAccess => self.array_access(node),
            Kind::ArrayCreation => self.array_creation(node),
            Kind::ArrayInitializer | Kind::ElementArray => {
                ExprKind::Composite { ty: None, fields: self.elements(node) }
            }
            Kind::ClassLiteral => {
                ExprKind::Type(Box::new(self.first(node).map(|ty| self.type_ref(ty)).unwrap_or_default()))
            }
            Kind::Annotation | Kind::MarkerAnnotation => self.annotation_call(node),
            kind if kind.is_type() => ExprKind::Type(Box::new(self.type_ref(node))),
            _ => self.unknown_value(node),
        }
    }

    /// A field's expression, or `Unknown` where broken source has none.
    pub(super) fn operand(&mut self, node: Node<'s>, field: u16) -> ExprId {
        match self.field(node, field) {
            Some(operand) => self.expression(operand),
            None => self.unknown(span(node)),
        }
    }

    /// A missing node that the parser made up has no text and is no name.
    fn name_value(&mut self, node: Node<'s>) -> ExprKind {
        match self.text(node) {
            "" => ExprKind::Unknown(Box::default()),
            text => ExprKind::Name(self.intern(text)),
        }
    }

    fn unknown_value(&mut self, node: Node<'s>) -> ExprKind {
        let mut operands = Vec::new();
        for child in self.named(node) {
            if !matches!(self.kind(child), Kind::LineComment | Kind::BlockComment | Kind::Other) {
                operands.push(self.expression(child));
            }
        }
        ExprKind::Unknown(operands.into())
    }

    fn name_expr(&mut self, at: Span, name: &str) -> ExprId {
        self.facts.add_expr(at, ExprKind::Name(Ustr::from(name)))
    }

    fn call(&mut self, node: Node<'s>) -> ExprKind {
        let ids = &self.grammar.fields;
        let callee = match (self.field(node, ids.object), self.field(node, ids.name)) {
            (Some(object), Some(name)) => {
                let base = self.member_base(node, object, 6);
                self.member(Span { start: span(object).start, end: span(name).end }, base, name)
            }
            (_, Some(name)) => self.expression(name),
            _ => self.unknown(span(node)),
        };
        ExprKind::Call { callee, args: self.arguments(self.field(node, ids.arguments)) }
    }

    fn member(&mut self, at: Span, base: ExprId, name: Node<'s>) -> ExprId {
        let kind = ExprKind::Member { base, name: self.name(name), name_span: span(name) };
        self.facts.add_expr(at, kind)
    }

    /// What stands before the last dot. `Outer.super` has its `super` as a child of the whole, seen only when there are
    /// as many children as it takes.
    fn member_base(&mut self, whole: Node<'s>, object: Node<'s>, least_children: u32) -> ExprId {
        let base = self.expression(object);
        if whole.child_count() < least_children || self.kind(object) == Kind::Super {
            return base;
        }
        match self.child_of_kind(whole, Kind::Super) {
            Some(word) => self.member(Span { start: span(object).start, end: span(word).end }, base, word),
            None => base,
        }
    }

    fn field_access(&mut self, node: Node<'s>) -> ExprKind {
        let ids = &self.grammar.fields;
        let (Some(object), Some(name)) = (self.field(node, ids.object), self.field(node, ids.field)) else {
            return self.unknown_value(node);
        };
        let base = self.member_base(node, object, 5);
        ExprKind::Member { base, name: self.name(name), name_span: span(name) }
    }

    /// The arguments of a call, all positional.
    pub(super) fn arguments(&mut self, list: Option<Node<'s>>) -> Box<[Arg]> {
        let Some(list) = list else { return Box::default() };
        let mut args = Vec::new();
        for child in self.named(list) {
            if !self.kind(child).is_comment() {
                args.push(positional(self.expression(child)));
            }
        }
        args.into()
    }

    /// `this(…)`, `super(…)`, `outer.super(…)`.
    pub(super) fn explicit_constructor(&mut self, node: Node<'s>) -> ExprKind {
        let ids = &self.grammar.fields;
        let callee = match (self.field(node, ids.object), self.field(node, ids.constructor)) {
            (Some(object), Some(word)) => {
                let base = self.expression(object);
                self.member(Span { start: span(object).start, end: span(word).end }, base, word)
            }
            (_, Some(word)) => self.expression(word),
            _ => self.unknown(span(node)),
        };
        ExprKind::Call { callee, args: self.arguments(self.field(node, ids.arguments)) }
    }

    fn new_object(&mut self, node: Node<'s>) -> ExprKind {
        let ids = &self.grammar.fields;
        let ty = self.field(node, ids.ty).map(|ty| self.type_ref(ty)).unwrap_or_default();
        let args = self.arguments(self.field(node, ids.arguments));
        let body = self.child_of_kind(node, Kind::ClassBody).map(|body| self.anonymous_class(body, &ty));
        ExprKind::New { ty: Box::new(ty), args, body }
    }

    fn lambda(&mut self, node: Node<'s>) -> ExprKind {
        let ids = &self.grammar.fields;
        let params = self.field(node, ids.parameters).map(|params| self.lambda_params(params)).unwrap_or_default();
        let start = node.start_byte();
        let id = self.add_function(Function {
            params,
            parent: Some(self.function),
            flags: FunctionFlags { is_closure: true, ..FunctionFlags::default() },
            span: span(node),
            name_span: Span::new(start, start),
            ..Function::module_init()
        });
        if let Some(body) = self.field(node, ids.body) {
            self.function_body(id, |lowerer| lowerer.lambda_body(body));
        }
        ExprKind::Closure(id)
    }

    fn lambda_body(&mut self, body: Node<'s>) -> Block {
        if self.kind(body) == Kind::Block {
            return self.block(body);
        }
        let value = self.expression(body);
        let mut own = std::mem::take(&mut self.hoisted);
        self.push(body, StmtKind::Return(Box::new([value])), &mut own);
        own.into()
    }

    fn lambda_params(&mut self, node: Node<'s>) -> Vec<Param> {
        if self.kind(node) == Kind::Identifier {
            return vec![untyped_param(self.name(node), node)];
        }
        let mut params = self.params(node);
        for child in self.named(node) {
            if self.kind(child) == Kind::Identifier {
                params.push(untyped_param(self.name(child), child));
            }
        }
        params
    }

    fn method_reference(&mut self, node: Node<'s>) -> ExprKind {
        let mut cursor = node.walk();
        let last = node.children(&mut cursor).filter(|child| !self.kind(*child).is_comment()).last();
        let (Some(base), Some(last)) = (self.first(node), last) else { return self.unknown_value(node) };
        let base = self.expression(base);
        ExprKind::MethodRef { base, name: self.name(last) }
    }

    /// The target and the value; `x += y` has the value `x + y`.
    pub(super) fn assignment(&mut self, node: Node<'s>) -> (ExprId, ExprId) {
        let ids = &self.grammar.fields;
        let target = self.operand(node, ids.left);
        let value = self.operand(node, ids.right);
        let op = self.field(node, ids.operator).map(|op| self.text(op)).unwrap_or_default();
        match op.strip_suffix('=') {
            None | Some("") => (target, value),
            Some(op) => {
                let kind = ExprKind::Binary { op: self.intern(op), left: target, right: value };
                (target, self.facts.add_expr(span(node), kind))
            }
        }
    }

    fn operator(&mut self, node: Node<'s>) -> Ustr {
        self.field(node, self.grammar.fields.operator).map(|op| self.name(op)).unwrap_or_default()
    }

    fn binary(&mut self, node: Node<'s>) -> ExprKind {
        let ids = &self.grammar.fields;
        let left = self.operand(node, ids.left);
        let right = self.operand(node, ids.right);
        ExprKind::Binary { op: self.operator(node), left, right }
    }

    /// `x instanceof T t` binds as it tests: the left side is then the assignment `t = (T) x`.
    fn instanceof(&mut self, node: Node<'s>) -> ExprKind {
        let ids = &self.grammar.fields;
        let mut left = self.operand(node, ids.left);
        let ty = match (self.field(node, ids.right), self.field(node, ids.pattern)) {
            (Some(ty), _) => self.type_ref(ty),
            (None, Some(pattern)) => self.first(pattern).map(|ty| self.type_ref(ty)).unwrap_or_default(),
            _ => TypeRef::default(),
        };
        if let Some(name) = self.field(node, ids.name) {
            let value = self.facts.add_expr(span(node), ExprKind::Cast { ty: Box::new(ty.clone()), value: left });
            let target = self.expression(name);
            left = self.facts.add_expr(span(node), ExprKind::Assign { target, value });
        }
        let right = self.facts.add_expr(span(node), ExprKind::Type(Box::new(ty)));
        ExprKind::Binary { op: Ustr::from("instanceof"), left, right }
    }

    fn ternary(&mut self, node: Node<'s>) -> ExprKind {
        let ids = &self.grammar.fields;
        let condition = self.operand(node, ids.condition);
        let then = self.operand(node, ids.consequence);
        let otherwise = self.operand(node, ids.alternative);
        ExprKind::Conditional { condition, then, otherwise }
    }

    fn unary(&mut self, node: Node<'s>) -> ExprKind {
        let operand = self.operand(node, self.grammar.fields.operand);
        ExprKind::Unary { op: self.operator(node), operand }
    }

    fn update(&mut self, node: Node<'s>) -> ExprKind {
        let op = if self.child_of_kind(node, Kind::Decrement).is_some() { "--" } else { "++" };
        let operand = match self.first(node) {
            Some(operand) => self.expression(operand),
            None => self.unknown(span(node)),
        };
        ExprKind::Unary { op: Ustr::from(op), operand }
    }

    fn cast(&mut self, node: Node<'s>) -> ExprKind {
        let ids = &self.grammar.fields;
        let ty = self.field(node, ids.ty).map(|ty| self.type_ref(ty)).unwrap_or_default();
        ExprKind::Cast { ty: Box::new(ty), value: self.operand(node, ids.value) }
    }

    fn array_access(&mut self, node: Node<'s>) -> ExprKind {
        let ids = &self.grammar.fields;
        let base = self.operand(node, ids.array);
        ExprKind::Index { base, index: Some(self.operand(node, ids.index)) }
    }

    /// `new T[] { … }` is a composite, `new T[n]` creates a `[]` with its lengths as arguments.
    fn array_creation(&mut self, node: Node<'s>) -> ExprKind {
        let ids = &self.grammar.fields;
        let mut ty = self.field(node, ids.ty).map(|ty| self.type_ref(ty)).unwrap_or_default();
        let (mut args, mut lengths) = (Vec::new(), 0);
        for child in self.named(node) {
            match self.kind(child) {
                Kind::DimensionsExpr if lengths < super::MAX_DEPTH => {
                    lengths += 1;
                    ty = array_of(ty);
                    args.extend(self.first(child).map(|length| positional(self.expression(length))));
                }
                Kind::Dimensions => ty = self.with_dimensions(ty, Some(child)),
                _ => {}
            }
        }
        match self.field(node, ids.value) {
            Some(value) => ExprKind::Composite { ty: Some(Box::new(ty)), fields: self.elements(value) },
            None => ExprKind::New { ty: Box::new(ty), args: args.into(), body: None },
        }
    }

    fn elements(&mut self, node: Node<'s>) -> Box<[Field]> {
        let mut fields = Vec::new();
        for child in self.named(node) {
            if !self.kind(child).is_comment() {
                fields.push(Field { key: None, value: self.expression(child) });
            }
        }
        fields.into()
    }

    /// `@Name(key = value)` as the call `Name(key = value)`.
    fn annotation_call(&mut self, node: Node<'s>) -> ExprKind {
        let ids = &self.grammar.fields;
        let name = self.field(node, ids.name);
        let dotted = name.map(|name| self.dotted(name)).unwrap_or_default();
        let callee = self.name_expr(name.map_or(span(node), span), &dotted);
        let mut args = Vec::new();
        if let Some(list) = self.field(node, ids.arguments) {
            for child in self.named(list) {
                match self.kind(child) {
                    Kind::ElementValuePair => args.push(self.element_value(child)),
                    kind if kind.is_comment() => {}
                    _ => args.push(positional(self.expression(child))),
                }
            }
        }
        ExprKind::Call { callee, args: args.into() }
    }

    fn element_value(&mut self, node: Node<'s>) -> Arg {
        let ids = &self.grammar.fields;
        let name = self.field(node, ids.key).map(|key| self.name(key));
        Arg { name, value: self.operand(node, ids.value), spread: Spread::None }
    }

    /// A `switch` whose arms are plain values is `Unknown` of its subject and those values. One with blocks is hoisted:
    /// it runs as a statement before, each arm assigns to a made-up local, and that local is the value.
    fn switch_value(&mut self, node: Node<'s>) -> ExprKind {
        match self.field(node, self.grammar.fields.body).filter(|body| self.has_plain_arms(*body)) {
            Some(body) => self.plain_switch(node, body),
            None => self.hoisted_switch(node),
        }
    }

    fn has_plain_arms(&self, body: Node<'s>) -> bool {
        let mut cursor = body.walk();
        body.named_children(&mut cursor).all(|arm| match self.kind(arm) {
            Kind::SwitchRule => {
                let mut cursor = arm.walk();
                arm.named_children(&mut cursor).all(|part| match self.kind(part) {
                    Kind::SwitchLabel => !self.has_pattern(part),
                    kind => matches!(kind, Kind::ExpressionStatement | Kind::Throw) || kind.is_comment(),
                })
            }
            kind => kind.is_comment(),
        })
    }

    fn has_pattern(&self, label: Node<'s>) -> bool {
        self.child_of_kind(label, Kind::Pattern).is_some()
    }

    fn plain_switch(&mut self, node: Node<'s>, body: Node<'s>) -> ExprKind {
        let mut operands = vec![self.operand(node, self.grammar.fields.condition)];
        for arm in self.named(body) {
            for part in self.named(arm) {
                if matches!(self.kind(part), Kind::ExpressionStatement | Kind::Throw) {
                    operands.extend(self.first(part).map(|value| self.expression(value)));
                }
            }
        }
        ExprKind::Unknown(operands.into())
    }

    fn hoisted_switch(&mut self, node: Node<'s>) -> ExprKind {
        let name = Ustr::from(&format!("$switch{}", node.start_byte()));
        let at = span(node);
        let mut own = std::mem::take(&mut self.hoisted);
        let target = self.facts.add_expr(at, ExprKind::Name(name));
        own.push(self.assign(at, target, None, None, true));
        let outer = self.yields_to.replace(name);
        let kind = self.switch(node, Some(name), &mut own);
        self.yields_to = outer;
        self.push(node, kind, &mut own);
        self.hoisted = own;
        ExprKind::Name(name)
    }

    /// A string's content: quotes, and the line break that opens a text block, are no part of it.
    fn string(&mut self, node: Node<'s>) -> Ustr {
        let text = self.text(node);
        let block = text.strip_prefix("\"\"\"").map(|rest| rest.strip_suffix("\"\"\"").unwrap_or(rest));
        let content = match block {
            Some(block) => block.split_once('\n').map_or(block, |(_, content)| content),
            None => {
                let rest = text.strip_prefix('"').unwrap_or(text);
                rest.strip_suffix('"').unwrap_or(rest)
            }
        };
        self.intern(cut_at(content, MAX_STRING))
    }
}

fn positional(value: ExprId) -> Arg {
    Arg { name: None, value, spread: Spread::None }
}

/// The first bytes of a text, cut at a character.
fn cut_at(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}
