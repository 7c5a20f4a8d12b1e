//! Clients that only stand in for one that is never missing.

use crate::ir::{ExprId, ExprKind, StmtKind, TypeKind};
use crate::link::{Origin, Step, ValueRef};
use crate::study::Study;
use ustr::Ustr;

/// Whether a client is made where a field of an own type holds none, and all that makes a value of the type gives the
/// field a client that it makes: `if b.client != nil { return b.client }; return &http.Client{}`.
pub(super) fn is_never_needed(study: &Study<'_>, made: ValueRef) -> bool {
    missing(study, made).is_some_and(|(owner, name)| is_always_given(study, owner, name))
}

/// The field that must be unset for a value to be made.
fn missing(study: &Study<'_>, made: ValueRef) -> Option<(Ustr, Ustr)> {
    let program = study.program;
    let file = program.files.get(made.file as usize)?;
    let facts = &file.source.facts;
    let at = program.expr(made).span;
    let body = &program.function(program.function_at(made)).body;
    body.iter().filter_map(|id| facts.stmts.get(*id as usize)).find_map(|stmt| {
        let StmtKind::If { condition, then, .. } = &stmt.kind else { return None };
        let ExprKind::Binary { op, left, right } = &facts.expr(*condition).kind else { return None };
        let is_nil = matches!(&facts.expr(*right).kind, ExprKind::Lit(text) if text == "nil");
        let block = || then.iter().filter_map(|id| facts.stmts.get(*id as usize));
        let is_reached = match op.as_str() {
            "==" => block().any(|inner| inner.span.contains(at)),
            "!=" => stmt.span.end <= at.start && block().any(|inner| matches!(inner.kind, StmtKind::Return(_))),
            _ => false,
        };
        match program.step(ValueRef { expr: *left, ..made }) {
            Step::Field(owner, name) if is_nil && is_reached => Some((owner, name)),
            _ => None,
        }
    })
}

/// Whether every value of a type is made with a field set to something that is made.
fn is_always_given(study: &Study<'_>, owner: Ustr, name: Ustr) -> bool {
    let program = study.program;
    let is_struct = program.own_type(owner).is_some_and(|ty| program.type_decl(ty).kind == TypeKind::Class);
    let (mut given, mut is_left_out) = (0, !is_struct);
    for (at, file) in (0u32..).zip(&program.files) {
        let facts = &file.source.facts;
        for expr in &facts.exprs {
            match &expr.kind {
                ExprKind::Composite { ty: Some(ty), fields } if program.type_ref(at, ty) == owner => {
                    let is_it = |key| matches!(&facts.expr(key).kind, ExprKind::Name(found) if *found == name);
                    let field = fields.iter().find(|field| field.key.is_some_and(is_it));
                    let value = field.map(|field| ValueRef { file: at, expr: field.value });
                    is_left_out |= !value.is_some_and(|value| is_made(study, value));
                    given += 1;
                }
                // `new(T)`, `var x T`
                ExprKind::Zero(ty) => is_left_out |= program.type_ref(at, ty) == owner,
                ExprKind::Call { args, .. } => {
                    let ty = args.first().map(|arg| &facts.expr(arg.value).kind);
                    is_left_out |= matches!(ty, Some(ExprKind::Type(ty)) if program.type_ref(at, ty) == owner);
                }
                _ => {}
            }
        }
    }
    given > 0 && !is_left_out
}

/// Whether a value is made by a call or written out, wherever it comes from: it is not nil.
fn is_made(study: &Study<'_>, value: ValueRef) -> bool {
    let origins = study.program.origins(value, true);
    let made = |origin: &Origin| match origin {
        Origin::Call(call, _) => study.fact(*call).is_some_and(|fact| fact.effect.makes.is_some()),
        Origin::Literal(found) => matches!(study.program.expr_kind(*found), ExprKind::Composite { .. }),
        _ => false,
    };
    is_filled_in(study, value) || !origins.is_empty() && origins.iter().all(made)
}

/// Whether a variable is given something in its function where it holds nothing: `if client == nil { client = … }`.
fn is_filled_in(study: &Study<'_>, value: ValueRef) -> bool {
    let program = study.program;
    let ExprKind::Name(name) = program.expr_kind(value) else { return false };
    let Some(file) = program.files.get(value.file as usize) else { return false };
    let facts = &file.source.facts;
    let is_it = |expr: &ExprId| matches!(&facts.expr(*expr).kind, ExprKind::Name(found) if found == name);
    let body = &program.function(program.function_at(value)).body;
    body.iter().filter_map(|id| facts.stmts.get(*id as usize)).any(|stmt| {
        let StmtKind::If { condition, then, .. } = &stmt.kind else { return false };
        let asks = matches!(&facts.expr(*condition).kind, ExprKind::Binary { op, left, right }
            if op == "==" && is_it(left) && matches!(&facts.expr(*right).kind, ExprKind::Lit(text) if text == "nil"));
        let mut inner = then.iter().filter_map(|id| facts.stmts.get(*id as usize));
        asks && stmt.span.end <= program.expr(value).span.start
            && inner.any(|stmt| matches!(&stmt.kind, StmtKind::Assign { targets, .. } if targets.iter().any(is_it)))
    })
}
