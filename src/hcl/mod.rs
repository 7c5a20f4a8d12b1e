//! HCL, the language of Terraform, in the form in which YAML is read: values with the places where they stand.
//!
//! Sources: <https://developer.hashicorp.com/terraform/language/syntax/configuration>,
//! <https://developer.hashicorp.com/terraform/language/block/locals>,
//! <https://developer.hashicorp.com/terraform/language/values/variables#variable-definitions-tfvars-files>. Nothing is computed: what is no literal is a text with
//! `${…}` in it, as what is filled in elsewhere. A local value stands for what it is set to in one of the files of its folder, and a
//! variable for what the files of values there give it that are read unasked. Where none does, it stands for its default as one
//! that others may go before: `${name:-default}`. The parser limits nesting itself.

mod scope;

pub use scope::{Around, is_values};

use crate::ir::Span;
use crate::yaml::{self, Key, Node, Value};
use hcl_edit::Span as _;
use hcl_edit::expr::{Array, Expression, FuncCall, Object, ObjectKey};
use hcl_edit::structure::{Body, Structure};
use hcl_edit::template::{Element, Template};
use scope::Scope;
use std::ops::Range;

/// The largest file that is looked at.
const MAX_SIZE: usize = 256 * 1024;

/// What stands for a value that is made elsewhere, and for the name of one.
const OPEN: &str = "${…}";

/// Functions that hand back what they are given, written or typed in another way.
const PLAIN: &[&str] =
    &["jsonencode", "yamlencode", "tomap", "tolist", "toset", "tostring", "nonsensitive", "sensitive"];
/// Functions that put what they are given together.
const TOGETHER: &[&str] = &["merge", "concat"];

/// A resource of Terraform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its type: `aws_lambda_function`.
    pub kind: String,
    /// Its name in the configuration.
    pub name: Node,
    /// What it says. Blocks inside are lists, as there may be several of a kind.
    pub body: Node,
}

/// The resources of a file whose type is wanted, or why it could not be read. `around` is what the other files of its folder
/// set, and the file's own variables.
pub fn resources(text: &str, around: &Around, is_wanted: &dyn Fn(&str) -> bool) -> Result<Vec<Resource>, String> {
    if text.len() > MAX_SIZE {
        return Err(format!("larger than {} KiB", MAX_SIZE / 1024));
    }
    let body = hcl_edit::parser::parse_body(text).map_err(|error| {
        let location = error.location();
        format!("line {}: {}", location.line(), error.message().lines().next().unwrap_or("not understood"))
    })?;
    let scope = Scope::new(&body, around);
    let blocks = body.iter().filter_map(Structure::as_block).filter(|block| block.has_ident("resource"));
    let found = blocks.filter_map(|block| {
        let [kind, name] = block.labels.as_slice() else { return None };
        is_wanted(kind.as_str()).then(|| Resource {
            kind: kind.as_str().to_owned(),
            name: scalar(name.as_str(), name.span()),
            body: mapping(&block.body, block.span(), &scope),
        })
    });
    Ok(found.collect())
}

/// The documents inside a text that stands between two marks (`<<EOF`), with their places in the outer file `text`. What is
/// filled in is left open.
pub fn nested(text: &str, scalar: &Node) -> Option<Vec<Node>> {
    let (start, end) = (scalar.span.start as usize, scalar.span.end as usize);
    let whole = text.get(start..end.min(text.len())).filter(|whole| whole.starts_with("<<"))?;
    let first = whole.find('\n')? + 1;
    // The last line is the closing mark.
    let last = whole.trim_end().rfind('\n').map(|at| at + 1).filter(|at| *at >= first)?;
    let mut found = yaml::documents(&blanked(whole.get(first..last)?)).ok()?;
    found.iter_mut().for_each(|node| node.shift(start + first));
    Some(found)
}

/// A text with another one of the same length in the place of what is filled in, which no value is taken for.
fn blanked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let end = after.find(['}', '\n']).map_or(after.len(), |end| end + usize::from(after[end..].starts_with('}')));
        out.push('$');
        out.extend(std::iter::repeat_n('_', end + 1));
        rest = after.get(end..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

fn span(range: Option<Range<usize>>) -> Span {
    range.map_or_else(|| Span::new(0, 0), |range| Span::new(range.start, range.end))
}

fn scalar(text: &str, range: Option<Range<usize>>) -> Node {
    Node { value: Value::Scalar(text.to_owned()), span: span(range) }
}

/// A body: attributes under their names, and the blocks of each kind as a list.
fn mapping(body: &Body, range: Option<Range<usize>>, scope: &Scope<'_>) -> Node {
    let mut entries: Vec<(Key, Node)> = Vec::new();
    for structure in body {
        match structure {
            Structure::Attribute(found) => {
                let key = Key { text: found.key.as_str().to_owned(), span: span(found.key.span()) };
                entries.push((key, value(&found.value, scope)));
            }
            Structure::Block(found) => {
                let name = found.ident.as_str();
                let inner = mapping(&found.body, found.span(), scope);
                match entries.iter_mut().find(|(key, _)| key.text == name) {
                    Some((_, Node { value: Value::List(items), .. })) => items.push(inner),
                    _ => {
                        let key = Key { text: name.to_owned(), span: span(found.ident.span()) };
                        entries.push((key, Node { span: inner.span, value: Value::List(vec![inner]) }));
                    }
                }
            }
        }
    }
    Node { value: Value::Map(entries), span: span(range) }
}

fn value(expression: &Expression, scope: &Scope<'_>) -> Node {
    let range = expression.span();
    if !scope.may_go_on() {
        return scalar(OPEN, range);
    }
    match expression {
        Expression::Null(_) => Node { value: Value::Null, span: span(range) },
        Expression::Bool(found) => scalar(&found.value().to_string(), range),
        Expression::Number(found) => scalar(&found.value().to_string(), range),
        Expression::String(found) => scalar(found.as_str(), range),
        Expression::StringTemplate(found) => scalar(&written(found.iter(), scope), range),
        Expression::HeredocTemplate(found) => scalar(&template(&found.template), range),
        Expression::Parenthesis(found) => value(found.inner(), scope),
        Expression::Array(found) => list(found, range, scope),
        Expression::Object(found) => object(found, range, scope),
        Expression::FuncCall(found) => called(found, range, scope),
        Expression::Conditional(found) => {
            chosen(value(&found.true_expr, scope), value(&found.false_expr, scope), range)
        }
        Expression::Traversal(found) => scope.named(found).unwrap_or_else(|| scalar(OPEN, range)),
        _ => scalar(OPEN, range),
    }
}

/// A text between two marks, in whose places others may read documents: what is filled in stays open.
fn template(found: &Template) -> String {
    found.iter().map(|element| element.as_literal().map_or(OPEN, |literal| literal.as_str())).collect()
}

/// A template with local values in their places, and `${…}` in the place of what else is filled in.
fn written<'t>(elements: impl Iterator<Item = &'t Element>, scope: &Scope<'_>) -> String {
    let filled = |element: &Element| match element {
        Element::Literal(literal) => literal.as_str().to_owned(),
        Element::Interpolation(found) => value(&found.expr, scope).text().unwrap_or(OPEN).to_owned(),
        Element::Directive(_) => OPEN.to_owned(),
    };
    elements.map(filled).collect()
}

fn list(found: &Array, range: Option<Range<usize>>, scope: &Scope<'_>) -> Node {
    Node { value: Value::List(found.iter().map(|one| value(one, scope)).collect()), span: span(range) }
}

fn object(found: &Object, range: Option<Range<usize>>, scope: &Scope<'_>) -> Node {
    let entries = found.iter().map(|(key, inner)| {
        let text = match key {
            ObjectKey::Ident(ident) => ident.as_str().to_owned(),
            ObjectKey::Expression(expression) => value(expression, scope).text().unwrap_or(OPEN).to_owned(),
        };
        (Key { text, span: span(key.span()) }, value(inner.expr(), scope))
    });
    Node { value: Value::Map(entries.collect()), span: span(range) }
}

/// What a function makes of literals, where it changes nothing in them.
fn called(found: &FuncCall, range: Option<Range<usize>>, scope: &Scope<'_>) -> Node {
    let name = found.name.name.as_str();
    let arguments: Vec<&Expression> = found.args.iter().collect();
    match arguments.as_slice() {
        [only] if PLAIN.contains(&name) => value(only, scope),
        some if TOGETHER.contains(&name) => {
            together(&some.iter().map(|one| value(one, scope)).collect::<Vec<_>>(), range)
        }
        _ => scalar(OPEN, range),
    }
}

/// One of two values, of which a mapping counts where the other is nothing: it is there as long as it is asked for, so what
/// it belongs to is open.
fn chosen(one: Node, other: Node, range: Option<Range<usize>>) -> Node {
    let is_nothing = |node: &Node| match &node.value {
        Value::Null => true,
        Value::Scalar(text) => text.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        Value::List(items) => items.is_empty(),
    };
    let open = scalar(OPEN, range.clone());
    match (is_nothing(&one), is_nothing(&other)) {
        (false, true) if one.is_map() => together(&[one, open], range),
        (true, false) if other.is_map() => together(&[other, open], range),
        _ => open,
    }
}

/// Mappings or lists put together; what is neither leaves it open.
fn together(parts: &[Node], range: Option<Range<usize>>) -> Node {
    let at = span(range);
    let open = || Node { value: Value::Scalar(OPEN.to_owned()), span: at };
    if parts.iter().any(|part| matches!(part.value, Value::List(_))) {
        let items = parts.iter().flat_map(|part| match &part.value {
            Value::List(items) => items.clone(),
            _ => vec![open()],
        });
        return Node { value: Value::List(items.collect()), span: at };
    }
    let entries = parts.iter().flat_map(|part| match &part.value {
        Value::Map(entries) => entries.clone(),
        _ => vec![(Key { text: OPEN.to_owned(), span: at }, open())],
    });
    Node { value: Value::Map(entries.collect()), span: at }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_values_of_the_file_stand_for_what_they_are() {
        let text = "locals {\n  a = { X = \"1\" }\n  b = \"c\"\n  d = local.d\n}\nresource \"a\" \"b\" {\n  x = merge(local.a, { Y = \"${local.b}:${var.n}\" })\n  y = local.d\n  z = local.gone\n}\n";
        let found = body(text);
        let of = |path: &[&str]| found.at(path).and_then(Node::text).map(str::to_owned);
        assert_eq!((of(&["x", "X"]).as_deref(), of(&["x", "Y"]).as_deref()), (Some("1"), Some("c:${…}")));
        assert_eq!((of(&["y"]).as_deref(), of(&["z"]).as_deref()), (Some("${…}"), Some("${…}")));
    }

    #[test]
    fn local_values_that_grow_are_left_open() {
        let some = |inner: &str| format!("[{}]", vec![inner; 200].join(", "));
        let text = format!(
            "locals {{\n  a = {}\n  b = {}\n  c = {}\n}}\nresource \"a\" \"b\" {{\n  x = {}\n}}\n",
            some("1"),
            some("local.a"),
            some("local.b"),
            some("local.c")
        );
        assert_eq!(body(&text).get("x").map(|node| node.items().len()), Some(200));
    }

    #[test]
    fn what_other_files_set_stands_at_the_name() {
        let around = Around::new(
            [
                ("a/vars.tf", "variable \"d\" { default = \"1\" }\nvariable \"g\" { default = \"2\" }\nlocals { l = { X = var.g } }\n"),
                ("a/terraform.tfvars", "g = \"3\"\n"),
                ("a/broken.tf", "locals {"),
            ]
            .into_iter(),
        );
        let text = "resource \"a\" \"b\" {\n  x = var.d\n  y = \"p-${var.d}\"\n  z = local.l\n  v = var.none\n}\n";
        let found = resources(text, &around, &|_| true).expect("reads").remove(0).body;
        let of = |path: &[&str]| found.at(path).and_then(Node::text);
        assert_eq!((of(&["x"]), of(&["y"])), (Some("${d:-1}"), Some("p-${d:-1}")));
        assert_eq!((of(&["z", "X"]), of(&["v"])), (Some("3"), Some(OPEN)));
        let at = found.at(&["z", "X"]).expect("X").span;
        assert_eq!(&text[at.start as usize..at.end as usize], "local.l");
    }

    fn body(text: &str) -> Node {
        resources(text, &Around::default(), &|_| true).expect("reads").remove(0).body
    }

    #[test]
    fn values_know_their_bytes() {
        let text = "# ä\nresource \"a_b\" \"c\" {\n  x = { Y = \"z\", \"W\" = var.w }\n  e { n = 1 }\n  e { n = \"p-${var.q}\" }\n}\n";
        let found = body(text);
        let (key, value) = found.get("x").expect("x").entry("Y").expect("Y");
        let slice = |span: Span| &text[span.start as usize..span.end as usize];
        assert_eq!((slice(key.span), slice(value.span), value.text()), ("Y", "\"z\"", Some("z")));
        assert_eq!(found.at(&["x", "W"]).and_then(Node::text), Some(OPEN));
        let all = found.get("e").expect("blocks").items();
        let texts: Vec<_> = all.iter().map(|one| one.get("n").and_then(Node::text)).collect();
        assert_eq!(texts, [Some("1"), Some("p-${…}")]);
    }

    #[test]
    fn what_functions_put_together_is_open_where_a_part_is() {
        let found = body("resource \"a\" \"b\" {\n  x = merge(local.y, { Z = \"1\" })\n  l = concat([1], var.m)\n}\n");
        let keys: Vec<_> = found.get("x").expect("x").entries().iter().map(|(key, _)| key.text.as_str()).collect();
        assert_eq!((keys, found.get("l").map(|list| list.items().len())), (vec![OPEN, "Z"], Some(2)));
    }

    #[test]
    fn a_mapping_that_may_be_left_out_counts_and_leaves_the_rest_open() {
        let found = body(
            "resource \"a\" \"b\" {\n  x = merge({ A = \"1\" }, var.c ? { B = \"2\" } : {})\n  y = var.c ? \"\" : { D = \"3\" }\n  z = var.c ? { E = \"4\" } : { F = \"5\" }\n}\n",
        );
        let keys = |name: &str| {
            found.get(name).map(|node| node.entries().iter().map(|(key, _)| key.text.clone()).collect::<Vec<_>>())
        };
        assert_eq!(keys("x").expect("x"), ["A", "B", OPEN]);
        assert_eq!((keys("y").expect("y"), keys("z").expect("z").len()), (vec!["D".to_owned(), OPEN.to_owned()], 0));
    }

    #[test]
    fn a_text_between_marks_is_read_where_it_stands() {
        let text = "resource \"a\" \"b\" {\n  d = <<EOF\n[{\"name\": \"${var.n}\", \"cpu\": ${var.c}, \"image\": \"till\"}]\nEOF\n}\n";
        let inner = nested(text, body(text).get("d").expect("d")).expect("reads");
        let image = inner[0].items()[0].get("image").expect("image");
        assert_eq!(&text[image.span.start as usize..image.span.end as usize], "\"till\"");
    }

    #[test]
    fn hostile_texts_are_refused_or_read_and_every_cut_is() {
        let wrap = |inner: String| format!("resource \"a\" \"b\" {{\n  x = {inner}\n}}\n");
        for part in ["[", "(", "{a=", "!", "-", "f(", "\"${", "1+", "a ? ", "a.", "<<E\n${"] {
            let _ = resources(&wrap(part.repeat(20_000)), &Around::default(), &|_| true);
        }
        let _ = resources(&"a {\n".repeat(20_000), &Around::default(), &|_| true);
        for depth in [20, 60, 63] {
            let text = wrap(format!("{}1{}", "[".repeat(depth), "]".repeat(depth)));
            let _ = resources(&text, &Around::default(), &|_| true);
        }
        assert!(resources(&" ".repeat(MAX_SIZE + 1), &Around::default(), &|_| true).is_err());
        let text = "resource \"a\" \"b\" {\n  x = { ä = \"${c}\" }\n  d = <<EOF\n{a: ${b}\nEOF\n}\n";
        for at in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
            for found in resources(&text[..at], &Around::default(), &|_| true).unwrap_or_default() {
                found.body.walk(&mut |node| {
                    let _ = nested(&text[..at], node);
                });
            }
        }
    }
}
