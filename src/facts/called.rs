//! Under which names code makes its spans: `resource.New(…, semconv.ServiceName("till"))`,
//! `Resource.create({"service.name": "till"})`.

use super::{NameInCode, Piece};
use crate::ir::{Arg, ExprId, ExprKind};
use crate::link::ValueRef;
use crate::study::{Study, is_aside};
use rustc_hash::FxHashMap;
use serde::Deserialize;
use std::sync::LazyLock;

/// The file `rules/names.toml`, which documents its fields.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    keys: Vec<String>,
    constants: Vec<String>,
    functions: Vec<Function>,
}

/// A function that is given the name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Function {
    module: String,
    name: String,
    #[serde(default)]
    argument: String,
}

static KNOWN: LazyLock<Known> =
    LazyLock::new(|| toml::from_str(include_str!("../../rules/names.toml")).unwrap_or_default());

/// How many names one service may have.
const MAX_NAMES: usize = 16;

/// The names that the code of each unit gives its spans, by the index of the unit.
pub(super) fn names(study: &Study<'_>) -> FxHashMap<usize, Vec<NameInCode>> {
    let mut out: FxHashMap<usize, Vec<NameInCode>> = FxHashMap::default();
    for (at, file) in (0u32..).zip(&study.program.files) {
        let facts = &file.source.facts;
        let is_traced = study.unit(at).stacks.iter().any(|stack| stack.active);
        if facts.generated || is_aside(&file.source.path) || !is_traced {
            continue;
        }
        for (n, expr) in (0u32..).zip(&facts.exprs) {
            let here = ValueRef { file: at, expr: ExprId(n) };
            for value in given(study, here, &expr.kind) {
                let texts = study.texts(value).into_iter();
                let known =
                    texts.filter(|text| !text.is_empty() && text.0.iter().all(|piece| *piece != Piece::Unknown));
                let place = study.program.place(value);
                let (path, line) = (place.path.to_string(), facts.lines.line(place.span.start));
                let named = known.map(|name| NameInCode { name, path: path.clone(), line });
                out.entry(file.source.unit).or_default().extend(named);
            }
        }
    }
    for names in out.values_mut() {
        names.sort();
        names.dedup_by(|one, other| one.name == other.name);
        names.truncate(MAX_NAMES);
    }
    out
}

/// The values that an expression gives as the name of the service.
fn given(study: &Study<'_>, here: ValueRef, kind: &ExprKind) -> Vec<ValueRef> {
    let at = |expr| ValueRef { expr, ..here };
    match kind {
        ExprKind::Composite { fields, .. } => {
            let entries = fields.iter().filter_map(|field| Some((at(field.key?), at(field.value))));
            entries.filter(|(key, _)| is_key(study, *key)).map(|(_, value)| value).collect()
        }
        ExprKind::Call { callee, args } => {
            if let ExprKind::Member { base, .. } = study.program.expr_kind(at(*callee))
                && is_constant(study, at(*base))
                && let [value] = &**args
            {
                return vec![at(value.value)];
            }
            let pairs = args.windows(2).filter(|pair| is_key(study, at(pair[0].value)));
            pairs.map(|pair| at(pair[1].value)).chain(told(study, here, args)).collect()
        }
        _ => Vec::new(),
    }
}

/// What a function is told that takes the name.
fn told(study: &Study<'_>, call: ValueRef, args: &[Arg]) -> Option<ValueRef> {
    let ExprKind::Call { callee, .. } = study.program.expr_kind(call) else { return None };
    let last = last_word(study, ValueRef { expr: *callee, ..call })?;
    let mut fitting = KNOWN.functions.iter().filter(|function| function.name == last).peekable();
    fitting.peek()?;
    let name = study.program.callee(call).name?;
    let function = fitting.find(|function| name.starts_with(function.module.as_str()))?;
    let is_it = |arg: &&Arg| match function.argument.as_str() {
        "" => arg.name.is_none(),
        wanted => arg.name.is_some_and(|name| name == wanted),
    };
    args.iter().find(is_it).map(|arg| ValueRef { expr: arg.value, ..call })
}

/// Whether a value is the key under which the name stands.
fn is_key(study: &Study<'_>, value: ValueRef) -> bool {
    match study.program.expr_kind(value) {
        ExprKind::Str(text) => KNOWN.keys.iter().any(|key| *text == *key),
        _ => is_constant(study, value),
    }
}

fn is_constant(study: &Study<'_>, value: ValueRef) -> bool {
    last_word(study, value).is_some_and(|last| KNOWN.constants.contains(&last))
}

/// The last word of a name with dots between its words.
fn last_word(study: &Study<'_>, value: ValueRef) -> Option<String> {
    match study.program.expr_kind(value) {
        ExprKind::Name(name) | ExprKind::Member { name, .. } => Some(name.to_string()),
        _ => None,
    }
}
