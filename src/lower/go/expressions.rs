//! Expressions.

use super::kinds::{FIELDS, Kind, kind};
use super::types::is_type;
use super::{Lowerer, clip, span, unquote};
use crate::ir::{Arg, ExprId, ExprKind, Field, Span, Spread, TypeRef};
use tree_sitter::Node;

/// Longest string literal content that is kept.
const MAX_STR: usize = 256;
/// Longest text of any other literal that is kept.
const MAX_LIT: usize = 64;

impl<'t> Lowerer<'t> {
    /// An expression of any kind.
    pub(super) fn expr(&mut self, node: Node<'t>) -> ExprId {
        self.deeper(|this| this.expr_inner(node)).unwrap_or_else(|| self.unknown(node))
    }

    /// The expression under a field; unknown where the source is broken.
    pub(super) fn expr_at(&mut self, node: Node<'t>, field: u16) -> ExprId {
        match node.child_by_field_id(field) {
            Some(child) => self.expr(child),
            None => self.unknown(node),
        }
    }

    /// The expressions of a list.
    pub(super) fn exprs(&mut self, list: Option<Node<'t>>) -> Box<[ExprId]> {
        let Some(list) = list else { return Box::default() };
        self.named(list).into_iter().map(|child| self.expr(child)).collect()
    }

    fn unknown(&mut self, node: Node<'t>) -> ExprId {
        self.facts.add_expr(span(node), ExprKind::Unknown(Box::default()))
    }

    fn expr_inner(&mut self, node: Node<'t>) -> ExprId {
        if node.is_missing() {
            return self.unknown(node);
        }
        match kind(node) {
            Kind::ParenthesizedExpression => self.parenthesized(node),
            Kind::UnaryExpression => self.unary(node),
            Kind::LiteralElement => self.inner(node),
            kind => {
                let shape = self.shape(node, kind);
                self.facts.add_expr(span(node), shape)
            }
        }
    }

    fn shape(&mut self, node: Node<'t>, kind: Kind) -> ExprKind {
        match kind {
            Kind::Identifier | Kind::BlankIdentifier | Kind::FieldIdentifier | Kind::PackageIdentifier => {
                ExprKind::Name(self.name(node))
            }
            Kind::InterpretedStringLiteral | Kind::RawStringLiteral => {
                ExprKind::Str(self.intern(clip(unquote(self.text(node)), MAX_STR)))
            }
            Kind::Nil | Kind::True | Kind::False | Kind::Iota | Kind::IntLiteral => self.literal(node),
            Kind::FloatLiteral | Kind::ImaginaryLiteral | Kind::RuneLiteral => self.literal(node),
            Kind::SelectorExpression => self.selector(node),
            Kind::CallExpression => self.call(node),
            Kind::CompositeLiteral => self.composite(node),
            Kind::LiteralValue => self.elements(node, None),
            Kind::FuncLiteral => ExprKind::Closure(self.closure(node)),
            Kind::BinaryExpression => self.binary(node),
            Kind::IndexExpression => self.index(node),
            Kind::SliceExpression => ExprKind::Index { base: self.expr_at(node, FIELDS.operand), index: None },
            Kind::TypeAssertionExpression => self.cast(node),
            Kind::TypeConversionExpression => self.conversion(node),
            Kind::TypeInstantiationExpression => self.instantiation(node),
            kind if is_type(kind) => ExprKind::Type(Box::new(self.type_ref(node))),
            _ => ExprKind::Unknown(self.exprs(Some(node))),
        }
    }

    fn literal(&mut self, node: Node<'t>) -> ExprKind {
        ExprKind::Lit(self.intern(clip(self.text(node), MAX_LIT)))
    }

    /// What stands in a wrapper that means nothing by itself.
    fn inner(&mut self, node: Node<'t>) -> ExprId {
        match self.first_named(node) {
            Some(inner) => self.expr(inner),
            None => self.unknown(node),
        }
    }

    fn parenthesized(&mut self, node: Node<'t>) -> ExprId {
        self.inner(node)
    }

    fn unary(&mut self, node: Node<'t>) -> ExprId {
        let op = node.child_by_field_id(FIELDS.operator).map_or("", |op| op.kind());
        let operand = self.expr_at(node, FIELDS.operand);
        match op {
            "<-" => self.facts.add_expr(span(node), ExprKind::Receive(operand)),
            "&" if self.is_composite(operand) => self.widen(operand, span(node)),
            _ => {
                let op = self.intern(op);
                self.facts.add_expr(span(node), ExprKind::Unary { op, operand })
            }
        }
    }

    fn is_composite(&self, id: ExprId) -> bool {
        self.facts.exprs.get(id.0 as usize).is_some_and(|expr| matches!(expr.kind, ExprKind::Composite { .. }))
    }

    /// `&T{}` is the composite itself, from the `&` on.
    fn widen(&mut self, id: ExprId, span: Span) -> ExprId {
        if let Some(expr) = self.facts.exprs.get_mut(id.0 as usize) {
            expr.span = span;
        }
        id
    }

    fn selector(&mut self, node: Node<'t>) -> ExprKind {
        let base = self.expr_at(node, FIELDS.operand);
        let name = node.child_by_field_id(FIELDS.field);
        ExprKind::Member {
            base,
            name: name.map(|name| self.name(name)).unwrap_or_default(),
            name_span: name.map_or_else(|| Span::new(node.end_byte(), node.end_byte()), span),
        }
    }

    fn binary(&mut self, node: Node<'t>) -> ExprKind {
        let op = node.child_by_field_id(FIELDS.operator).map_or("", |op| op.kind());
        let left = self.expr_at(node, FIELDS.left);
        let right = self.expr_at(node, FIELDS.right);
        ExprKind::Binary { op: self.intern(op), left, right }
    }

    fn index(&mut self, node: Node<'t>) -> ExprKind {
        let base = self.expr_at(node, FIELDS.operand);
        let index = Some(self.expr_at(node, FIELDS.index));
        ExprKind::Index { base, index }
    }

    fn cast(&mut self, node: Node<'t>) -> ExprKind {
        let value = self.expr_at(node, FIELDS.operand);
        ExprKind::Cast { ty: Box::new(self.type_of(node).unwrap_or_default()), value }
    }

    /// `[]byte(x)` converts; the grammar reads the call of a generic function `f[T](x)` as a conversion too.
    fn conversion(&mut self, node: Node<'t>) -> ExprKind {
        let generic = node.child_by_field_id(FIELDS.ty).filter(|ty| kind(*ty) == Kind::GenericType);
        let Some(generic) = generic else { return self.cast(node) };
        let callee = match generic.child_by_field_id(FIELDS.ty) {
            Some(name) => self.type_as_value(name),
            None => self.unknown(generic),
        };
        let value = self.expr_at(node, FIELDS.operand);
        ExprKind::Call { callee, args: Box::new([Arg { name: None, value, spread: Spread::None }]) }
    }

    /// `f[A, B]` as a value is the function without its type arguments.
    fn instantiation(&mut self, node: Node<'t>) -> ExprKind {
        match node.child_by_field_id(FIELDS.ty) {
            Some(name) => self.type_as_shape(name),
            None => ExprKind::Unknown(Box::default()),
        }
    }

    /// A function's name that the grammar took for a type's.
    fn type_as_value(&mut self, node: Node<'t>) -> ExprId {
        let shape = self.type_as_shape(node);
        self.facts.add_expr(span(node), shape)
    }

    fn type_as_shape(&mut self, node: Node<'t>) -> ExprKind {
        let name = node.child_by_field_id(FIELDS.name);
        match (kind(node), node.child_by_field_id(FIELDS.package), name) {
            (Kind::TypeIdentifier, ..) => ExprKind::Name(self.name(node)),
            (Kind::QualifiedType, Some(package), Some(name)) => {
                let base = self.expr(package);
                ExprKind::Member { base, name: self.name(name), name_span: span(name) }
            }
            _ => ExprKind::Type(Box::new(self.type_ref(node))),
        }
    }

    fn call(&mut self, node: Node<'t>) -> ExprKind {
        let callee = self.expr_at(node, FIELDS.function);
        let args = node.child_by_field_id(FIELDS.arguments).map(|list| self.args(list)).unwrap_or_default();
        ExprKind::Call { callee, args }
    }

    fn args(&mut self, list: Node<'t>) -> Box<[Arg]> {
        self.named(list).into_iter().map(|node| self.arg(node)).collect()
    }

    fn arg(&mut self, node: Node<'t>) -> Arg {
        match kind(node) {
            Kind::VariadicArgument => Arg { name: None, value: self.inner(node), spread: Spread::List },
            _ => Arg { name: None, value: self.expr(node), spread: Spread::None },
        }
    }

    fn composite(&mut self, node: Node<'t>) -> ExprKind {
        let ty = self.type_of(node);
        match node.child_by_field_id(FIELDS.body) {
            Some(body) => self.elements(body, ty),
            None => ExprKind::Composite { ty: ty.map(Box::new), fields: Box::default() },
        }
    }

    /// The elements in braces. Elements in braces of their own get the type that Go lets one leave out there.
    fn elements(&mut self, body: Node<'t>, ty: Option<TypeRef>) -> ExprKind {
        let container = ty.as_ref().filter(|ty| matches!(ty.name.as_str(), "[]" | "map"));
        let value = container.and_then(|ty| ty.args.last());
        let key = container.filter(|ty| ty.name == "map").and_then(|ty| ty.args.first());
        let fields = self.named(body).into_iter().map(|node| self.element(node, key, value)).collect();
        ExprKind::Composite { ty: ty.map(Box::new), fields }
    }

    fn element(&mut self, node: Node<'t>, key_ty: Option<&TypeRef>, value_ty: Option<&TypeRef>) -> Field {
        if kind(node) != Kind::KeyedElement {
            return Field { key: None, value: self.element_value(node, value_ty) };
        }
        let key = node.child_by_field_id(FIELDS.key).map(|key| self.element_value(key, key_ty));
        let value = match node.child_by_field_id(FIELDS.value) {
            Some(value) => self.element_value(value, value_ty),
            None => self.unknown(node),
        };
        Field { key, value }
    }

    fn element_value(&mut self, node: Node<'t>, ty: Option<&TypeRef>) -> ExprId {
        let content = if kind(node) == Kind::LiteralElement { self.first_named(node) } else { Some(node) };
        match content {
            Some(braces) if kind(braces) == Kind::LiteralValue => self.elided(braces, ty),
            Some(value) => self.expr(value),
            None => self.unknown(node),
        }
    }

    fn elided(&mut self, braces: Node<'t>, ty: Option<&TypeRef>) -> ExprId {
        let ty = ty.cloned();
        let shape = self.deeper(|this| this.elements(braces, ty));
        let shape = shape.unwrap_or_else(|| ExprKind::Unknown(Box::default()));
        self.facts.add_expr(span(braces), shape)
    }
}
