//! `match` arms: which names a pattern binds.

use super::Lowering;
use super::grammar::{Field, Kind, field, first_operand, kind, operands};
use super::span;
use crate::ir::{Block, ExprId, ExprKind, StmtKind};
use crate::lower::MAX_DEPTH;
use tree_sitter::Node;

impl<'t> Lowering<'t> {
    /// `match`.
    pub(super) fn match_statement(&mut self, node: Node<'t>, depth: usize, out: &mut Vec<u32>) {
        let Some(body) = field(node, Field::Body) else { return self.broken(node, depth, out) };
        let subjects: Vec<_> = operands(node).into_iter().take_while(|child| child.id() != body.id()).collect();
        let subject = match subjects.as_slice() {
            [] => None,
            [one] => Some(self.expr(*one, depth + 1)),
            several => Some(self.elements(node, several, depth)),
        };
        let mut arms = Vec::new();
        let mut exhaustive = false;
        for case in self.children(body) {
            if kind(case) == Kind::CaseClause {
                exhaustive |= self.always_matches(case);
                arms.push(self.arm(case, subject, depth));
            }
        }
        let kind = StmtKind::Switch { init: Block::default(), subject, arms: arms.into(), exhaustive };
        self.push(out, node, kind);
    }

    fn always_matches(&self, case: Node<'t>) -> bool {
        let mut patterns = operands(case).into_iter().filter(|child| kind(*child) == Kind::CasePattern);
        let (Some(only), None) = (patterns.next(), patterns.next()) else { return false };
        let name = self.text(only).trim();
        let is_name = first_operand(only).is_none_or(|inner| kind(inner) == Kind::DottedName) && !name.contains('.');
        field(case, Field::Guard).is_none() && is_name
    }

    /// Bindings (made of the subject), then the guard, then the body.
    fn arm(&mut self, case: Node<'t>, subject: Option<ExprId>, depth: usize) -> Block {
        let mut out = Vec::new();
        let mut targets = Vec::new();
        for pattern in operands(case).into_iter().filter(|child| kind(*child) == Kind::CasePattern) {
            self.bindings(pattern, depth, &mut targets);
        }
        if !targets.is_empty() {
            let value = self.unknown(case, subject.into_iter().collect());
            let kind = StmtKind::Assign { targets: targets.into(), ty: None, values: [value].into(), declares: false };
            self.push(&mut out, case, kind);
        }
        if let Some(guard) = field(case, Field::Guard).and_then(first_operand) {
            let value = self.expr(guard, depth + 1);
            self.push(&mut out, guard, StmtKind::Expr(value));
        }
        if let Some(body) = field(case, Field::Consequence) {
            self.statements(body, depth + 1, &mut out);
        }
        out.into()
    }

    fn bindings(&mut self, pattern: Node<'t>, depth: usize, targets: &mut Vec<ExprId>) {
        if depth > MAX_DEPTH {
            self.facts.cuts += 1;
            return;
        }
        let outer = kind(pattern);
        for child in operands(pattern) {
            match (outer, kind(child)) {
                (Kind::ClassPattern, Kind::DottedName) | (Kind::KeywordPattern, Kind::Identifier) => {}
                (_, Kind::DottedName | Kind::Identifier) => self.binding(child, targets),
                _ => self.bindings(child, depth + 1, targets),
            }
        }
    }

    fn binding(&mut self, name: Node<'t>, targets: &mut Vec<ExprId>) {
        let text = self.text(name);
        if text != "_" && !text.is_empty() && !text.contains('.') {
            let name_expr = ExprKind::Name(self.name(name));
            targets.push(self.facts.add_expr(span(name), name_expr));
        }
    }
}
