//! Annotations as types.
//!
//! An annotation may be written as code or as a string, so both are read from text by the same small parser.

use super::Lowering;
use super::grammar::{Kind, first_operand, kind, operands};
use crate::ir::TypeRef;
use tree_sitter::Node;
use ustr::Ustr;

/// Deepest nesting of type arguments that is read.
const MAX_TYPE_DEPTH: usize = 16;

/// Wrappers that say something about a name, not about the type of its value.
const TRANSPARENT: [&str; 6] = ["Annotated", "ClassVar", "Final", "Required", "NotRequired", "Optional"];

impl<'t> Lowering<'t> {
    /// The type that an annotation, a base class or a type expression names.
    pub(super) fn type_ref(&self, node: Node<'t>) -> Option<TypeRef> {
        parse(self.text(node))
    }

    /// The metadata of `Annotated[T, metadata]` that most likely makes the value: the first call, else the first.
    pub(super) fn annotated_metadata(&self, ty: Node<'t>) -> Option<Node<'t>> {
        let inner = if kind(ty) == Kind::Type { first_operand(ty)? } else { ty };
        let (base, arguments) = match kind(inner) {
            Kind::GenericType => generic_parts(inner)?,
            Kind::Subscript => {
                let parts = operands(inner);
                let (base, rest) = parts.split_first()?;
                (*base, rest.to_vec())
            }
            _ => return None,
        };
        if last_segment(self.text(base)) != "Annotated" {
            return None;
        }
        let metadata = arguments.get(1..)?;
        let call = metadata.iter().find(|node| kind(**node) == Kind::Call);
        call.or(metadata.first()).copied()
    }
}

fn generic_parts(node: Node<'_>) -> Option<(Node<'_>, Vec<Node<'_>>)> {
    let parts = operands(node);
    let base = *parts.first()?;
    let arguments = operands(*parts.get(1)?);
    let mut inner = Vec::with_capacity(arguments.len());
    for argument in arguments {
        inner.push(if kind(argument) == Kind::Type { first_operand(argument)? } else { argument });
    }
    Some((base, inner))
}

fn last_segment(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name).trim()
}

/// Reads one type from text.
pub(super) fn parse(text: &str) -> Option<TypeRef> {
    Parser { rest: text }.union(0)
}

struct Parser<'s> {
    rest: &'s str,
}

impl<'s> Parser<'s> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\\');
    }

    fn eat(&mut self, expected: char) -> bool {
        self.skip_space();
        match self.rest.strip_prefix(expected) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// `A | B | None`
    fn union(&mut self, depth: usize) -> Option<TypeRef> {
        let mut members = Vec::new();
        loop {
            members.extend(self.single(depth));
            if !self.eat('|') {
                return join(members);
            }
        }
    }

    fn single(&mut self, depth: usize) -> Option<TypeRef> {
        self.skip_space();
        match self.rest.chars().next()? {
            '\'' | '"' => parse_quoted(self.quoted(), depth),
            '[' => Some(TypeRef { name: Ustr::from("[]"), args: self.arguments(depth) }),
            '(' if depth >= MAX_TYPE_DEPTH => {
                self.skip_brackets();
                None
            }
            '(' => {
                self.eat('(');
                let inner = self.union(depth + 1);
                self.eat(')');
                inner
            }
            '*' => {
                self.rest = self.rest.trim_start_matches('*');
                self.skip_space();
                self.named(depth)
            }
            '.' if self.rest.starts_with("...") => {
                self.rest = self.rest.get(3..).unwrap_or_default();
                Some(TypeRef { name: Ustr::from("..."), args: Vec::new() })
            }
            _ => self.named(depth),
        }
    }

    /// `a.b.C[X, Y]`
    fn named(&mut self, depth: usize) -> Option<TypeRef> {
        let name = self.dotted();
        if name.is_empty() {
            return None;
        }
        self.skip_space();
        let opens = self.rest.starts_with('[');
        let last = last_segment(&name);
        if opens && last == "Literal" {
            self.skip_brackets();
            return Some(TypeRef { name: Ustr::from(&name), args: Vec::new() });
        }
        let mut args = if opens { self.arguments(depth) } else { Vec::new() };
        if !args.is_empty() && TRANSPARENT.contains(&last) {
            return Some(args.swap_remove(0));
        }
        if !args.is_empty() && last == "Union" {
            return join(args);
        }
        Some(TypeRef { name: Ustr::from(&name), args })
    }

    fn dotted(&mut self) -> String {
        let mut name = String::new();
        loop {
            let end = self.rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
            let (segment, rest) = self.rest.split_at(end);
            if segment.is_empty() || segment.starts_with(|c: char| c.is_ascii_digit()) {
                return name;
            }
            name.push_str(segment);
            self.rest = rest;
            if !self.rest.starts_with('.') || self.rest.starts_with("...") {
                return name;
            }
            name.push('.');
            self.rest = self.rest.get(1..).unwrap_or_default();
        }
    }

    /// `[X, Y]`; what cannot be read as a type is skipped.
    fn arguments(&mut self, depth: usize) -> Vec<TypeRef> {
        if depth >= MAX_TYPE_DEPTH {
            self.skip_brackets();
            return Vec::new();
        }
        let mut args = Vec::new();
        self.eat('[');
        loop {
            args.extend(self.union(depth + 1));
            self.skip_to_separator();
            if !self.eat(',') {
                self.eat(']');
                return args;
            }
        }
    }

    /// Skips to the `,` or `]` that ends an argument.
    fn skip_to_separator(&mut self) {
        loop {
            match self.rest.chars().next() {
                None | Some(',' | ']') => return,
                Some('\'' | '"') => {
                    self.quoted();
                }
                Some('[' | '(' | '{') => self.skip_brackets(),
                Some(other) => self.rest = self.rest.get(other.len_utf8()..).unwrap_or_default(),
            }
        }
    }

    /// Skips a bracketed part, whatever stands in it.
    fn skip_brackets(&mut self) {
        let mut open = 0_usize;
        while let Some(next) = self.rest.chars().next() {
            match next {
                '\'' | '"' => {
                    self.quoted();
                    continue;
                }
                '[' | '(' | '{' => open += 1,
                ']' | ')' | '}' => open = open.saturating_sub(1),
                _ => {}
            }
            self.rest = self.rest.get(next.len_utf8()..).unwrap_or_default();
            if open == 0 {
                return;
            }
        }
    }

    /// Takes a string and gives its content.
    fn quoted(&mut self) -> &'s str {
        let Some(quote) = self.rest.chars().next() else { return "" };
        let triple = if quote == '"' { "\"\"\"" } else { "'''" };
        let mark = if self.rest.starts_with(triple) { triple } else { triple.get(..1).unwrap_or_default() };
        let body = self.rest.get(mark.len()..).unwrap_or_default();
        let (content, rest) = body.split_once(mark).unwrap_or((body, ""));
        self.rest = rest;
        content
    }
}

fn parse_quoted(text: &str, depth: usize) -> Option<TypeRef> {
    if depth >= MAX_TYPE_DEPTH { None } else { Parser { rest: text }.union(depth + 1) }
}

/// One type for a union: `None` is dropped, and what is left alone stands for itself.
fn join(mut members: Vec<TypeRef>) -> Option<TypeRef> {
    if members.len() > 1 {
        members.retain(|member| member.name != "None");
    }
    match members.len() {
        0 => None,
        1 => members.pop(),
        _ => Some(TypeRef { name: Ustr::from("Union"), args: members }),
    }
}
