//! What names stand for in a file of Terraform: local values and variables of its folder.

use super::{MAX_SIZE, span, value};
use crate::yaml::{Node, Value};
use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, Traversal, TraversalOperator};
use hcl_edit::structure::{Body, Structure};
use std::cell::Cell;
use std::collections::BTreeMap;

/// How many values may be put in the places of local values in one file, and how deep these may name one another.
const MAX_LOCAL: u32 = 4000;
const MAX_LOCALS_DEEP: u32 = 8;

/// How many files around one are looked at.
const MAX_AROUND: usize = 50;

/// What the other files of a folder set.
#[derive(Debug, Default)]
pub struct Around {
    locals: BTreeMap<String, Expression>,
    /// What the files of values give to variables.
    given: BTreeMap<String, Expression>,
    defaults: BTreeMap<String, Expression>,
}

impl Around {
    /// What these files set, each with its path; those that cannot be read set nothing.
    pub fn new<'f>(files: impl Iterator<Item = (&'f str, &'f str)>) -> Self {
        let mut out = Self::default();
        for (path, text) in files.filter(|(_, text)| text.len() <= MAX_SIZE).take(MAX_AROUND) {
            let Ok(body) = hcl_edit::parser::parse_body(text) else { continue };
            if is_values(path) {
                let given = body.iter().filter_map(Structure::as_attribute);
                out.given.extend(given.map(|one| (one.key.as_str().to_owned(), one.value.clone())));
                continue;
            }
            out.locals.extend(locals(&body).map(|(name, value)| (name.to_owned(), value.clone())));
            for block in body.iter().filter_map(Structure::as_block).filter(|block| block.has_ident("variable")) {
                let default = block.body.iter().filter_map(Structure::as_attribute).find(|one| one.has_key("default"));
                if let Some((name, default)) = block.labels.first().zip(default) {
                    out.defaults.insert(name.as_str().to_owned(), default.value.clone());
                }
            }
        }
        out
    }
}

/// Whether a file gives values to variables without being asked for, by its name.
pub fn is_values(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name == "terraform.tfvars" || name.ends_with(".auto.tfvars")
}

/// The local values that a body sets.
fn locals(body: &Body) -> impl Iterator<Item = (&str, &Expression)> {
    let blocks = body.iter().filter_map(Structure::as_block).filter(|block| block.has_ident("locals"));
    let set = blocks.flat_map(|block| block.body.iter().filter_map(Structure::as_attribute));
    set.map(|found| (found.key.as_str(), &found.value))
}

/// What names stand for in a file.
pub(super) struct Scope<'b> {
    locals: BTreeMap<&'b str, &'b Expression>,
    around: &'b Around,
    /// How many more values may be put in their places.
    left: Cell<u32>,
    /// How deep the value is that is looked at.
    deep: Cell<u32>,
}

impl<'b> Scope<'b> {
    pub(super) fn new(body: &'b Body, around: &'b Around) -> Self {
        Self { locals: locals(body).collect(), around, left: Cell::new(MAX_LOCAL), deep: Cell::new(0) }
    }

    /// What a reference stands for.
    pub(super) fn named(&self, found: &Traversal) -> Option<Node> {
        let Expression::Variable(root) = &found.expr else { return None };
        let [operator] = found.operators.as_slice() else { return None };
        let TraversalOperator::GetAttr(name) = operator.value() else { return None };
        let name = name.as_str();
        match root.as_str() {
            "local" => match self.locals.get(name) {
                Some(own) => self.within(own),
                None => self.elsewhere(self.around.locals.get(name)?, found),
            },
            "var" => match self.around.given.get(name) {
                Some(given) => self.elsewhere(given, found),
                None => {
                    let mut node = self.elsewhere(self.around.defaults.get(name)?, found)?;
                    node.walk_mut(&mut |node| as_default(name, node));
                    Some(node)
                }
            },
            _ => None,
        }
    }

    /// What a value of another place stands for.
    fn within(&self, expression: &Expression) -> Option<Node> {
        if self.deep.get() >= MAX_LOCALS_DEEP {
            return None;
        }
        self.deep.set(self.deep.get() + 1);
        let node = value(expression, self);
        self.deep.set(self.deep.get() - 1);
        Some(node)
    }

    /// The same of another file: its places are those of the name that stands for it.
    fn elsewhere(&self, expression: &Expression, name: &Traversal) -> Option<Node> {
        let mut node = self.within(expression)?;
        node.pin(span(name.span()));
        Some(node)
    }

    /// Whether one more value may be put in the place of a local one.
    pub(super) fn may_go_on(&self) -> bool {
        if self.deep.get() == 0 {
            return true;
        }
        self.left.set(self.left.get().saturating_sub(1));
        self.left.get() > 0
    }
}

/// Marks a value as the default of a variable.
fn as_default(name: &str, node: &mut Node) {
    if let Value::Scalar(text) = &mut node.value
        && !text.contains(['$', '{', '}'])
    {
        *text = format!("${{{name}:-{text}}}");
    }
}
