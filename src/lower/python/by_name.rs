//! Members that are taken by their names: `getattr(session, method.lower())`.

use super::expressions::string_text;
use super::grammar::{Field as In, Kind, field, kind};
use super::{Lowering, span};
use crate::ir::{ExprId, ExprKind};
use tree_sitter::Node;
use ustr::Ustr;

/// The function of the language that takes a member by its name.
const TAKES: &str = "getattr";

/// What the methods of HTTP are called, whose names every HTTP client gives to members of its own, and one of these.
const METHODS: &[&str] = &["method", "verb"];
const ANY_METHOD: &str = "post";

/// What names of other functions are called.
const FUNCTIONS: &[&str] = &["method_name", "methodname"];

impl<'t> Lowering<'t> {
    /// The member that a call takes by its name, or `None` for any other call. A name that is only known at run time counts as
    /// a method of HTTP where it is called one: on what is no HTTP client, the member means nothing.
    pub(super) fn member_by_name(&mut self, call: Node<'t>, depth: usize) -> Option<ExprId> {
        field(call, In::Function)
            .filter(|function| kind(*function) == Kind::Identifier && self.text(*function) == TAKES)?;
        let operands = self.operands(field(call, In::Arguments)?);
        let (of, name, may_fail) = match operands.as_slice() {
            [of, name] => (*of, *name, false),
            [of, name, _] => (*of, *name, true),
            _ => return None,
        };
        let member = match kind(name) {
            Kind::String if !may_fail => Ustr::from(string_text(self.source, name)?),
            Kind::Identifier | Kind::Attribute | Kind::Call => self.method_of_http(name)?,
            _ => return None,
        };
        let base = self.expr(of, depth + 1);
        let kind = ExprKind::Member { base, name: member, name_span: span(name) };
        Some(self.facts.add_expr(span(call), kind))
    }

    fn method_of_http(&self, name: Node<'t>) -> Option<Ustr> {
        let text = self.text(name).to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        (has(METHODS) && !has(FUNCTIONS)).then(|| Ustr::from(ANY_METHOD))
    }
}
