//! Samplers of the program's own that decide by themselves, whatever the caller decided.

use super::sampler::{keeps_all, kind_of};
use crate::ir::{ExprId, ExprKind, Language, StmtKind};
use crate::knowledge::Sampler;
use crate::link::{FuncRef, Origin, TypeIndex, ValueRef};
use crate::study::Study;

/// Whether what is made is a sampler of the service's own that drops traces and does not go by the parent.
pub(super) fn decides_by_itself(study: &Study<'_>, made: ValueRef) -> bool {
    let program = study.program;
    let own = program.callee(made).constructs.and_then(|ty| program.own_type(ty));
    own.is_some_and(|own| match study.language() {
        Language::Python => drops_by_its_state(study, own),
        Language::Go | Language::Java => asks_dropping(study, own),
    })
}

/// Whether a sampler asks another one which drops traces, and neither a parent-based one nor for the parent.
fn asks_dropping(study: &Study<'_>, own: TypeIndex) -> bool {
    let program = study.program;
    let methods = program.methods_of(own);
    let mut asked = Vec::new();
    for fact in methods.iter().flat_map(|method| study.calls_in(*method)) {
        for sampler in fact.effect.asks_sampler.map(|slot| study.slot(fact.call, slot)).into_iter().flatten() {
            for origin in program.origins(sampler, false) {
                let Origin::Call(call, _) = origin else { return false };
                let Some(kind) = kind_of(study, call) else { return false };
                asked.push((call, kind));
            }
        }
    }
    let is_dropping = |(call, kind): &(ValueRef, Sampler)| *kind == Sampler::Ratio && !keeps_all(study, *call);
    asked.iter().any(is_dropping)
        && !asked.iter().any(|(_, kind)| *kind == Sampler::ParentBased)
        && !methods.iter().any(|method| names_parent(study, *method))
}

/// Whether a function names the parent, on whose decision it may go.
fn names_parent(study: &Study<'_>, function: FuncRef) -> bool {
    let Some(file) = study.program.files.get(function.file as usize) else { return false };
    let own = study.program.function(function).span;
    file.source.facts.exprs.iter().filter(|expr| own.contains(expr.span)).any(|expr| match &expr.kind {
        ExprKind::Member { name, .. } | ExprKind::Name(name) => name.to_ascii_lowercase().contains("parent"),
        _ => false,
    })
}

/// Whether what a sampler decides depends on what it asks its own fields, as a limiter of a rate, and on nothing that it is
/// told of the span (Python).
fn drops_by_its_state(study: &Study<'_>, own: TypeIndex) -> bool {
    let program = study.program;
    let above = program.supertypes(program.type_name(own));
    let mut asked_by = above.iter().filter_map(|ty| Some(program.knowledge.ty(*ty)?.1.samples_by));
    let Some(name) = asked_by.find(|name| !name.is_empty()) else { return false };
    let mut methods = program.declared_methods(own).into_iter();
    let Some(method) = methods.find(|method| program.function(*method).name == name) else { return false };
    let Some(file) = program.files.get(method.file as usize) else { return false };
    let told = &program.function(method).params;
    let own = program.function(method).span;
    let exprs = (0u32..).zip(&file.source.facts.exprs).filter(|(_, expr)| own.contains(expr.span));
    // What it is told it only hands on, to the sampler inside it.
    let mut names = exprs.filter_map(|(id, expr)| match &expr.kind {
        ExprKind::Name(name) if told.iter().skip(1).any(|param| param.name == *name) => {
            Some(ValueRef { file: method.file, expr: ExprId(id) })
        }
        _ => None,
    });
    // Spans of a kind, or of a name, are left out on purpose, with all that is below them.
    let only_hands_on = names.all(|value| is_handed_on(study, value));
    let stmts = file.source.facts.stmts.iter().filter(|stmt| own.contains(stmt.span));
    let mut conditions = stmts.filter_map(|stmt| match &stmt.kind {
        StmtKind::If { condition, .. } => Some(ValueRef { file: method.file, expr: *condition }),
        _ => None,
    });
    only_hands_on && conditions.any(|condition| asks_own_field(study, condition))
}

/// Whether a value is given to the same question of another sampler as it stands.
fn is_handed_on(study: &Study<'_>, value: ValueRef) -> bool {
    let program = study.program;
    let Some(call) = program.parent(value) else { return false };
    let name = |function: FuncRef| program.function(function).name;
    match program.expr_kind(call) {
        ExprKind::Call { callee, .. } if *callee != value.expr => {
            match program.expr_kind(ValueRef { expr: *callee, ..call }) {
                ExprKind::Member { name: called, .. } => *called == name(program.function_at(value)),
                _ => false,
            }
        }
        _ => false,
    }
}

/// Whether a condition calls a method of what a field of the object holds: `self.limiter.try_acquire()`.
fn asks_own_field(study: &Study<'_>, condition: ValueRef) -> bool {
    let program = study.program;
    let Some(file) = program.files.get(condition.file as usize) else { return false };
    let facts = &file.source.facts;
    let within = program.expr(condition).span;
    let receiver = program.function(program.function_at(condition)).params.first().map(|param| param.name);
    facts.exprs.iter().filter(|expr| within.contains(expr.span)).any(|expr| {
        let ExprKind::Call { callee, .. } = &expr.kind else { return false };
        let ExprKind::Member { base, .. } = &facts.expr(*callee).kind else { return false };
        let ExprKind::Member { base, .. } = &facts.expr(*base).kind else { return false };
        matches!(&facts.expr(*base).kind, ExprKind::Name(name) if Some(*name) == receiver)
    })
}
