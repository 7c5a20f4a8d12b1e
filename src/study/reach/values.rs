//! Which functions a value may be.

use crate::ir::{ExprKind, Language};
use crate::link::{FuncRef, Origin, Owner, Step, ValueRef};
use crate::study::Study;

/// How far function values are followed through wrappers.
const MAX_WRAPPERS: u32 = 5;

/// How many values are looked at that a parameter is given.
const MAX_GIVEN: usize = 1000;

/// The functions that a function value may be: a closure, a function's name, a bound method, also behind conversions and
/// wrappers that hand it on.
pub fn functions_of(study: &Study<'_>, value: ValueRef) -> Vec<FuncRef> {
    let mut out = functions_within(study, value, MAX_WRAPPERS);
    out.sort_unstable();
    out.dedup();
    out
}

fn functions_within(study: &Study<'_>, value: ValueRef, depth: u32) -> Vec<FuncRef> {
    let program = study.program;
    match program.expr_kind(value) {
        ExprKind::Closure(id) => return vec![FuncRef { file: value.file, id: *id }],
        ExprKind::MethodRef { base, name } => {
            let base = ValueRef { file: value.file, expr: *base };
            let owner = program.type_of(base).or_else(|| program.qualify(base));
            return owner.map(|owner| program.methods(owner, *name)).unwrap_or_default();
        }
        ExprKind::New { body: Some(id), .. } => {
            let facts = &program.files[value.file as usize].source.facts;
            let methods = facts.functions.iter().enumerate().filter(|(_, function)| function.owner == Some(*id));
            return methods.map(|(n, _)| FuncRef { file: value.file, id: crate::ir::FunctionId(n as u32) }).collect();
        }
        ExprKind::Member { base, name, .. } => {
            if let Some(owner) = program.type_of(ValueRef { file: value.file, expr: *base }) {
                let methods = program.methods(owner, *name);
                return if methods.is_empty() { kept(study, (owner, *name), depth) } else { methods };
            }
            let base = ValueRef { file: value.file, expr: *base };
            if program.language == Language::Go && depth > 0 && !program.reaching(base).is_empty() {
                return in_table(study, base, depth - 1);
            }
        }
        ExprKind::Call { .. } if depth > 0 => return wrapped(study, value, depth),
        _ => {}
    }
    if let Some(functions) = program.qualify(value).map(|name| program.named_functions(name)).filter(|f| !f.is_empty())
    {
        return functions;
    }
    match program.step(value) {
        Step::Values(values) if depth > 0 => values
            .iter()
            .filter(|next| **next != value)
            .flat_map(|next| match program.expr_kind(*next) {
                ExprKind::Closure(_) | ExprKind::New { body: Some(_), .. } | ExprKind::Call { .. } => {
                    functions_within(study, *next, depth - 1)
                }
                _ => Vec::new(),
            })
            .collect(),
        // A helper hands on what it is given: `func (s *Server) on(topic string, handle Handler) { s.lib.On(topic, handle) }`.
        Step::Param(function, n) if depth > 0 && program.language == Language::Go => {
            let given = program.all_arguments(function, n).take(MAX_GIVEN);
            given.flat_map(|next| functions_within(study, next, depth - 1)).collect()
        }
        _ => Vec::new(),
    }
}

/// The functions that a field of a Go type is given.
fn kept(study: &Study<'_>, field: Owner, depth: u32) -> Vec<FuncRef> {
    let program = study.program;
    if program.language != Language::Go || depth == 0 || program.own_type(field.0).is_none() {
        return Vec::new();
    }
    let writes = program.all_writes(field.0, field.1).into_iter().filter(|(_, n)| n.is_none());
    writes.flat_map(|(value, _)| functions_within(study, value, depth - 1)).collect()
}

/// The functions in the rows of a table that one of its rows is taken of: `for _, route := range routes`.
fn in_table(study: &Study<'_>, row: ValueRef, depth: u32) -> Vec<FuncRef> {
    let program = study.program;
    let cells = |made: ValueRef| match program.expr_kind(made) {
        ExprKind::Composite { fields, .. } => {
            fields.iter().map(|field| ValueRef { expr: field.value, ..made }).collect()
        }
        _ => Vec::new(),
    };
    let tables = program.origins(row, false).into_iter().filter_map(|origin| match origin {
        Origin::Literal(made) => Some(made),
        _ => None,
    });
    let rows = tables.flat_map(cells);
    let is_function = |cell: &ValueRef| match program.expr_kind(*cell) {
        ExprKind::Closure(_) | ExprKind::Call { .. } => true,
        ExprKind::Member { .. } | ExprKind::Name(_) => program.type_of(*cell).is_none(),
        _ => false,
    };
    rows.flat_map(cells).filter(is_function).flat_map(|cell| functions_within(study, cell, depth)).collect()
}

/// The functions behind a wrapper's call: those that it is given, and the one that it hands back.
fn wrapped(study: &Study<'_>, call: ValueRef, depth: u32) -> Vec<FuncRef> {
    let program = study.program;
    // Others' values are followed only where the language has functions as values and names them in the open.
    if program.language != Language::Go {
        return Vec::new();
    }
    let mut out = program.returned_functions(call).to_vec();
    for value in study.slot(call, crate::knowledge::Slot::AnyArg) {
        let is_function = match program.expr_kind(value) {
            ExprKind::Closure(_) | ExprKind::Call { .. } => true,
            ExprKind::Member { .. } | ExprKind::Name(_) => program.type_of(value).is_none(),
            _ => false,
        };
        if is_function {
            out.extend(functions_within(study, value, depth - 1));
        }
    }
    out
}
