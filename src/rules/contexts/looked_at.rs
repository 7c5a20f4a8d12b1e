//! Uses of a value, a context above all, that carry it nowhere: it is compared, tested, printed, or its span is only asked for its state.

use crate::ir::{ExprKind, StmtKind};
use crate::knowledge::{Slot, TypeRole};
use crate::link::{Origin, Step, ValueRef};
use crate::study::Study;

/// How many values one use is followed over.
const MAX_STEPS: u32 = 6;

/// What Python's own functions tell of a value without keeping it.
const TELLING: &[&str] = &["str", "repr", "bool", "type", "id", "print", "len"];

/// Whether a value is nothing, or the context that is current where it is asked for.
pub(super) fn is_current_or_none(study: &Study<'_>, value: ValueRef) -> bool {
    if matches!(study.program.expr_kind(value), ExprKind::Lit(text) if matches!(text.as_str(), "null" | "None")) {
        return true;
    }
    let is_ambient = |call: ValueRef| {
        study.fact(call).is_some_and(|fact| {
            let effect = fact.effect;
            effect.context_of == Some(Slot::Ambient) || effect.derives == Some(Slot::Ambient)
        })
    };
    let is_from = |origin: &Origin| matches!(origin, Origin::Call(call, _) if is_ambient(*call));
    is_ambient(value) || only_value(study, value).is_some_and(is_ambient) || {
        let origins = study.program.origins(value, false);
        !origins.is_empty() && origins.iter().all(is_from)
    }
}

/// The one value that a local holds.
fn only_value(study: &Study<'_>, value: ValueRef) -> Option<ValueRef> {
    match study.program.step(value) {
        Step::Values(values) if values.len() == 1 => values.first().copied(),
        _ => None,
    }
}

/// Whether a value is used here only to look at it, so that it goes nowhere.
pub(in crate::rules) fn is_only_looked_at(study: &Study<'_>, used: ValueRef) -> bool {
    looks(study, used, MAX_STEPS)
}

fn looks(study: &Study<'_>, used: ValueRef, steps: u32) -> bool {
    let program = study.program;
    let Some(rest) = steps.checked_sub(1) else { return false };
    let Some(parent) = program.parent(used) else { return is_condition(study, used) };
    match program.expr_kind(parent) {
        ExprKind::Binary { op, .. } if is_comparison(op) => true,
        ExprKind::Binary { .. } => looks(study, parent, rest),
        ExprKind::Unary { op, .. } => matches!(op.as_str(), "not" | "!"),
        ExprKind::Call { callee, args } if args.iter().any(|arg| arg.value == used.expr) => {
            let name = ValueRef { expr: *callee, ..parent };
            tells(study, name) || study.fact(parent).is_some_and(|fact| fact.effect.log.is_some()) || {
                program.role_of(parent) == Some(TypeRole::Span) && reads_span(study, parent) && is_asked(study, parent)
            }
        }
        _ => false,
    }
}

fn is_comparison(op: &str) -> bool {
    matches!(op, "==" | "!=" | "is" | "is not")
}

/// Whether a name is one of Python's own functions that only tell of a value.
fn tells(study: &Study<'_>, name: ValueRef) -> bool {
    let is_one = matches!(study.program.expr_kind(name), ExprKind::Name(name) if TELLING.contains(&name.as_str()));
    is_one && study.program.reaching(name).is_empty()
}

/// Whether a call hands out the span that a context holds, and neither starts nor binds one.
fn reads_span(study: &Study<'_>, call: ValueRef) -> bool {
    study.fact(call).is_some_and(|fact| {
        let effect = fact.effect;
        (effect.derives.is_some() || effect.context_of.is_some())
            && effect.span.is_none()
            && effect.binds_context.is_none()
            && effect.activates.is_none()
    })
}

/// Whether a span is only asked for its state: `span.get_span_context().is_valid`, `span.is_recording()`. What of it is
/// kept or handed on may become a parent.
fn is_asked(study: &Study<'_>, span: ValueRef) -> bool {
    let Some(flow) = study.program.files.get(span.file as usize).map(|file| &file.flow) else { return false };
    let asked = |used: ValueRef| {
        let mut at = used;
        let mut depth = 0;
        while let Some(parent) = study.program.parent(at).filter(|_| depth < MAX_STEPS) {
            match study.program.expr_kind(parent) {
                ExprKind::Member { base, .. } if *base == at.expr => depth += 1,
                ExprKind::Call { callee, .. } if *callee == at.expr => {}
                _ => return depth > 1 || looks(study, at, MAX_STEPS),
            }
            at = parent;
        }
        depth > 1 || is_condition(study, at)
    };
    let mut uses = flow.defs_from(span.expr).flat_map(|(_, def)| {
        let var = flow.vars.get(def.var.0 as usize);
        var.map(|var| var.uses.as_slice()).unwrap_or_default()
    });
    let is_kept = study.program.parent(span).is_some() || flow.writes_from(span.expr).next().is_some();
    match is_kept {
        true => asked(span),
        false => uses.all(|used| asked(ValueRef { expr: *used, ..span })),
    }
}

/// Whether a value is the condition of a branch or loop.
fn is_condition(study: &Study<'_>, value: ValueRef) -> bool {
    let Some(file) = study.program.files.get(value.file as usize) else { return false };
    file.source.facts.stmts.iter().any(|stmt| match &stmt.kind {
        StmtKind::If { condition, .. } => *condition == value.expr,
        StmtKind::Loop { subject: Some(subject), .. } => *subject == value.expr,
        _ => false,
    })
}
