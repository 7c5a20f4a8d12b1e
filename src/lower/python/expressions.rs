//! Values.

use super::grammar::{Field as In, Kind, field, first_operand, is_trivia, kind};
use super::{Lowering, span};
use crate::ir::{Arg, ExprId, ExprKind, Field, Function, Span, Spread, StmtKind};
use crate::lower::MAX_DEPTH;
use tree_sitter::Node;
use ustr::Ustr;

const MAX_STR: usize = 256;
const MAX_LIT: usize = 64;

/// The longest text behind an interpolated part that is kept.
const MAX_SEPARATOR: usize = 200;

impl<'t> Lowering<'t> {
    /// Lowers an expression.
    pub(super) fn expr(&mut self, node: Node<'t>, depth: usize) -> ExprId {
        if depth > MAX_DEPTH {
            return self.cut(node);
        }
        match kind(node) {
            Kind::Identifier => self.identifier(node),
            Kind::Attribute => self.attribute(node, depth),
            Kind::Call => self.call(node, depth),
            Kind::String => self.string(node, depth),
            Kind::ConcatenatedString => self.strings(node, depth),
            Kind::Integer | Kind::Float | Kind::True | Kind::False | Kind::None | Kind::Ellipsis => self.literal(node),
            Kind::ParenthesizedExpression | Kind::AsPatternTarget | Kind::Type => self.inner(node, depth),
            Kind::Await => self.awaited(node, depth),
            Kind::Subscript => self.subscript(node, depth),
            Kind::Dictionary => self.dictionary(node, depth),
            Kind::List | Kind::Tuple | Kind::Set | Kind::ExpressionList => self.display(node, depth),
            Kind::PatternList | Kind::TuplePattern | Kind::ListPattern => self.display(node, depth),
            Kind::ListSplatPattern => self.inner(node, depth),
            _ => self.operator(node, depth),
        }
    }

    /// The rarer shapes.
    fn operator(&mut self, node: Node<'t>, depth: usize) -> ExprId {
        match kind(node) {
            Kind::BinaryOperator | Kind::BooleanOperator => self.binary(node, depth),
            Kind::ComparisonOperator => self.comparison(node, depth),
            Kind::NotOperator | Kind::UnaryOperator => self.unary(node, depth),
            Kind::ListSplat => self.prefixed(node, "*", depth),
            Kind::ParenthesizedListSplat => self.inner(node, depth),
            Kind::ConditionalExpression => self.conditional(node, depth),
            Kind::Lambda => self.lambda(node, depth),
            Kind::Yield => self.yielded(node, depth),
            Kind::NamedExpression => self.assigned(node, In::Name, In::Value, depth),
            Kind::Assignment | Kind::AugmentedAssignment => self.assigned(node, In::Left, In::Right, depth),
            Kind::AsPattern => self.renamed(node, depth),
            Kind::ListComprehension
            | Kind::SetComprehension
            | Kind::DictionaryComprehension
            | Kind::GeneratorExpression => self.comprehension(node, depth),
            _ => self.anything(node, depth),
        }
    }

    /// Something without a shape of its own: its operands are kept.
    pub(super) fn anything(&mut self, node: Node<'t>, depth: usize) -> ExprId {
        let mut values = Vec::new();
        for child in self.children(node) {
            if !is_trivia(child) {
                values.push(self.expr(child, depth + 1));
            }
        }
        self.unknown(node, values)
    }

    fn identifier(&mut self, node: Node<'t>) -> ExprId {
        if node.is_missing() {
            return self.unknown(node, Vec::new());
        }
        let name = self.name(node);
        self.facts.add_expr(span(node), ExprKind::Name(name))
    }

    fn literal(&mut self, node: Node<'t>) -> ExprId {
        let text = Ustr::from(shortened(self.text(node), MAX_LIT));
        self.facts.add_expr(span(node), ExprKind::Lit(text))
    }

    /// The value of a field, or nothing known where the source is broken.
    pub(super) fn in_field(&mut self, node: Node<'t>, name: In, depth: usize) -> ExprId {
        match field(node, name) {
            Some(value) => self.expr(value, depth + 1),
            None => self.unknown(node, Vec::new()),
        }
    }

    fn inner(&mut self, node: Node<'t>, depth: usize) -> ExprId {
        match first_operand(node) {
            Some(value) => self.expr(value, depth + 1),
            None => self.unknown(node, Vec::new()),
        }
    }

    fn attribute(&mut self, node: Node<'t>, depth: usize) -> ExprId {
        let base = self.in_field(node, In::Object, depth);
        let Some(name) = field(node, In::Attribute) else { return self.unknown(node, vec![base]) };
        let kind = ExprKind::Member { base, name: self.name(name), name_span: span(name) };
        self.facts.add_expr(span(node), kind)
    }

    fn call(&mut self, node: Node<'t>, depth: usize) -> ExprId {
        if let Some(member) = self.member_by_name(node, depth) {
            return member;
        }
        let callee = self.in_field(node, In::Function, depth);
        let args = field(node, In::Arguments).map_or_else(Vec::new, |list| self.arguments(list, depth));
        self.facts.add_expr(span(node), ExprKind::Call { callee, args: args.into() })
    }

    fn arguments(&mut self, list: Node<'t>, depth: usize) -> Vec<Arg> {
        if kind(list) == Kind::GeneratorExpression {
            return vec![Arg { name: None, value: self.expr(list, depth + 1), spread: Spread::None }];
        }
        let mut args = Vec::new();
        for child in self.children(list) {
            if !is_trivia(child) {
                args.push(self.argument(child, depth));
            }
        }
        args
    }

    fn argument(&mut self, node: Node<'t>, depth: usize) -> Arg {
        match kind(node) {
            Kind::KeywordArgument => {
                let name = field(node, In::Name).map(|name| self.name(name));
                Arg { name, value: self.in_field(node, In::Value, depth), spread: Spread::None }
            }
            Kind::ListSplat => Arg { name: None, value: self.inner(node, depth), spread: Spread::List },
            Kind::DictionarySplat => Arg { name: None, value: self.inner(node, depth), spread: Spread::Map },
            _ => Arg { name: None, value: self.expr(node, depth + 1), spread: Spread::None },
        }
    }

    fn string(&mut self, node: Node<'t>, depth: usize) -> ExprId {
        match string_text(self.source, node) {
            Some(text) => self.plain(node, text),
            None => self.interpolated(&[node], node, depth),
        }
    }

    fn strings(&mut self, node: Node<'t>, depth: usize) -> ExprId {
        let parts = self.operands(node);
        let mut joined = String::new();
        for part in &parts {
            match string_text(self.source, *part) {
                Some(text) if joined.len() <= MAX_STR => joined.push_str(text),
                Some(_) => {}
                None => return self.interpolated(&parts, node, depth),
            }
        }
        self.plain(node, &joined)
    }

    fn plain(&mut self, node: Node<'t>, text: &str) -> ExprId {
        let text = Ustr::from(shortened(text, MAX_STR));
        self.facts.add_expr(span(node), ExprKind::Str(text))
    }

    fn interpolated(&mut self, strings: &[Node<'t>], whole: Node<'t>, depth: usize) -> ExprId {
        let mut values = Vec::new();
        for string in strings {
            let mut cursor = string.walk();
            for child in string.children(&mut cursor) {
                match kind(child) {
                    Kind::Interpolation => values.push(self.in_field(child, In::Expression, depth)),
                    // The host of an address says whose service it is.
                    Kind::StringContent if values.is_empty() => values.extend(self.address(child)),
                    Kind::StringContent => values.extend(self.separator(child)),
                    _ => {}
                }
            }
        }
        self.unknown(whole, values)
    }

    /// The literal start of an address that goes on with an interpolated part.
    fn address(&mut self, content: Node<'t>) -> Option<ExprId> {
        let text = self.source.get(content.byte_range()).filter(|text| text.contains("://"))?;
        Some(self.plain(content, text))
    }

    /// What stands between or behind interpolated parts of an address: before a port or a path.
    fn separator(&mut self, content: Node<'t>) -> Option<ExprId> {
        let is_short = content.byte_range().len() <= MAX_SEPARATOR;
        let text =
            self.source.get(content.byte_range()).filter(|text| is_short && text.starts_with([':', '/', '.']))?;
        Some(self.plain(content, text))
    }

    fn awaited(&mut self, node: Node<'t>, depth: usize) -> ExprId {
        let value = self.inner(node, depth);
        self.facts.add_expr(span(node), ExprKind::Await(value))
    }

    fn yielded(&mut self, node: Node<'t>, depth: usize) -> ExprId {
        self.scope.yields = true;
        let value = first_operand(node).map(|value| self.expr(value, depth + 1));
        self.facts.add_expr(span(node), ExprKind::Yield(value))
    }

    fn subscript(&mut self, node: Node<'t>, depth: usize) -> ExprId {
        let base = self.in_field(node, In::Value, depth);
        let parts = self.operands(node);
        let index = match parts.get(1..).unwrap_or_default() {
            [] => None,
            [one] if kind(*one) == Kind::Slice => None,
            [one] => Some(self.expr(*one, depth + 1)),
            several => Some(self.elements(node, several, depth)),
        };
        self.facts.add_expr(span(node), ExprKind::Index { base, index })
    }

    /// A display of these values.
    pub(super) fn elements(&mut self, whole: Node<'t>, nodes: &[Node<'t>], depth: usize) -> ExprId {
        let mut fields = Vec::with_capacity(nodes.len());
        for node in nodes {
            fields.push(Field { key: None, value: self.expr(*node, depth + 1) });
        }
        self.facts.add_expr(span(whole), ExprKind::Composite { ty: None, fields: fields.into() })
    }

    fn display(&mut self, node: Node<'t>, depth: usize) -> ExprId {
        let nodes = self.operands(node);
        self.elements(node, &nodes, depth)
    }

    fn dictionary(&mut self, node: Node<'t>, depth: usize) -> ExprId {
        let mut fields = Vec::new();
        for child in self.children(node) {
            match kind(child) {
                _ if is_trivia(child) => {}
                Kind::Pair => fields.push(Field {
                    key: Some(self.in_field(child, In::Key, depth)),
                    value: self.in_field(child, In::Value, depth),
                }),
                Kind::DictionarySplat => fields.push(Field { key: None, value: self.inner(child, depth) }),
                _ => fields.push(Field { key: None, value: self.expr(child, depth + 1) }),
            }
        }
        self.facts.add_expr(span(node), ExprKind::Composite { ty: None, fields: fields.into() })
    }

    fn binary(&mut self, node: Node<'t>, depth: usize) -> ExprId {
        let left = self.in_field(node, In::Left, depth);
        let right = self.in_field(node, In::Right, depth);
        let op = field(node, In::Operator).map(|op| self.name(op)).unwrap_or_default();
        self.facts.add_expr(span(node), ExprKind::Binary { op, left, right })
    }

    /// `a < b`; a chain of comparisons has no single operator and keeps its operands only.
    fn comparison(&mut self, node: Node<'t>, depth: usize) -> ExprId {
        let [left, right] = self.operands(node)[..] else { return self.anything(node, depth) };
        let op = self.source.get(left.end_byte()..right.start_byte()).unwrap_or_default();
        let op: Vec<_> = op.split_whitespace().filter(|word| *word != "\\").collect();
        let op = Ustr::from(shortened(&op.join(" "), MAX_LIT));
        let (left, right) = (self.expr(left, depth + 1), self.expr(right, depth + 1));
        self.facts.add_expr(span(node), ExprKind::Binary { op, left, right })
    }

    fn unary(&mut self, node: Node<'t>, depth: usize) -> ExprId {
        let op = field(node, In::Operator).map_or("not", |op| self.text(op));
        self.prefixed(node, op, depth)
    }

    fn prefixed(&mut self, node: Node<'t>, op: &str, depth: usize) -> ExprId {
        let operand = self.inner(node, depth);
        self.facts.add_expr(span(node), ExprKind::Unary { op: Ustr::from(op), operand })
    }

    fn conditional(&mut self, node: Node<'t>, depth: usize) -> ExprId {
        let [then, condition, otherwise] = self.operands(node)[..] else { return self.anything(node, depth) };
        let condition = self.expr(condition, depth + 1);
        let then = self.expr(then, depth + 1);
        let otherwise = self.expr(otherwise, depth + 1);
        self.facts.add_expr(span(node), ExprKind::Conditional { condition, then, otherwise })
    }

    fn assigned(&mut self, node: Node<'t>, target: In, value: In, depth: usize) -> ExprId {
        let value = self.in_field(node, value, depth);
        let target = self.in_field(node, target, depth);
        self.facts.add_expr(span(node), ExprKind::Assign { target, value })
    }

    /// `value as name` where no statement takes it apart.
    fn renamed(&mut self, node: Node<'t>, depth: usize) -> ExprId {
        let value = self.inner(node, depth);
        let Some(alias) = field(node, In::Alias) else { return value };
        let target = self.expr(alias, depth + 1);
        self.facts.add_expr(span(node), ExprKind::Assign { target, value })
    }

    /// The iterated values, the conditions, then what is made of each element.
    fn comprehension(&mut self, node: Node<'t>, depth: usize) -> ExprId {
        let mut values = Vec::new();
        let mut bodies = Vec::new();
        for child in self.operands(node) {
            match kind(child) {
                Kind::ForInClause => {
                    for iterated in self.operands(child).into_iter().skip(1) {
                        values.push(self.expr(iterated, depth + 1));
                    }
                }
                Kind::IfClause => values.push(self.inner(child, depth)),
                Kind::Pair => {
                    bodies.push(self.in_field(child, In::Key, depth));
                    bodies.push(self.in_field(child, In::Value, depth));
                }
                _ => bodies.push(self.expr(child, depth + 1)),
            }
        }
        values.append(&mut bodies);
        self.unknown(node, values)
    }

    fn lambda(&mut self, node: Node<'t>, depth: usize) -> ExprId {
        let mut function = Function::module_init();
        function.span = span(node);
        function.name_span = Span::new(node.start_byte(), node.start_byte() + "lambda".len());
        function.flags.is_closure = true;
        function.params = field(node, In::Parameters).map_or_else(Vec::new, |list| self.params(list, depth));
        let id = self.declare(function);
        let outer = self.enter(id);
        let value = self.in_field(node, In::Body, depth);
        let place = field(node, In::Body).unwrap_or(node);
        let body = self.facts.add_stmt(span(place), StmtKind::Return([value].into()));
        let yields = self.scope.yields;
        self.scope = outer;
        if let Some(function) = self.facts.functions.get_mut(id.0 as usize) {
            function.flags.is_generator = yields;
            function.body = [body].into();
        }
        self.facts.add_expr(span(node), ExprKind::Closure(id))
    }
}

/// The content of a string without interpolations, `None` if it has some.
pub(super) fn string_text<'s>(source: &'s str, node: Node<'_>) -> Option<&'s str> {
    if let Some(text) = simple_string(source.get(node.byte_range()).unwrap_or_default()) {
        return Some(text);
    }
    let (mut start, mut end) = (node.start_byte(), node.end_byte());
    let mut cursor = node.walk();
    for child in node.children(&mut cursor) {
        match kind(child) {
            Kind::StringStart => start = child.end_byte(),
            Kind::StringEnd => end = child.start_byte(),
            Kind::Interpolation => return None,
            _ => {}
        }
    }
    Some(source.get(start..end).unwrap_or_default())
}

/// The content of a string that cannot have interpolations, read without looking at its node's children.
fn simple_string(literal: &str) -> Option<&str> {
    let body = literal.trim_start_matches(['r', 'R', 'b', 'B', 'u', 'U']);
    for quote in ["\"\"\"", "'''", "\"", "'"] {
        if let Some(rest) = body.strip_prefix(quote) {
            return rest.strip_suffix(quote);
        }
    }
    None
}

/// As much of a text as fits, cut between characters.
fn shortened(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    let end = (0..=limit).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}
