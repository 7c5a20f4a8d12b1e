//! Contexts that hold no trace where they are handed over (Go).

use crate::ir::ExprKind;
use crate::knowledge::{Slot, TypeRole};
use crate::link::{FuncRef, Origin, Step, ValueRef};
use crate::study::Study;

/// How many steps back from a context are taken.
const MAX_STEPS: u32 = 12;

/// The position of a function's own parameter that is a context.
pub(super) fn own_context(study: &Study<'_>, function: FuncRef) -> Option<u16> {
    let program = study.program;
    let count = program.function(function).params.len() as u16;
    (0..count).find(|n| program.param_type(function, *n).and_then(|ty| program.role(ty)) == Some(TypeRole::Context))
}

/// Whether the context that a call hands to a function is a fresh one, whatever was in it before.
pub(super) fn hands_fresh(study: &Study<'_>, call: ValueRef, callee: FuncRef, n: u16) -> bool {
    study.program.argument(call, callee, n).is_some_and(|given| is_fresh(study, given, MAX_STEPS))
}

/// Whether a context is a fresh one, or what a call made of one and of nothing else that could hold a trace
/// (`WithActor(context.Background(), name)`).
pub(super) fn is_fresh(study: &Study<'_>, context: ValueRef, steps: u32) -> bool {
    let Some(rest) = steps.checked_sub(1) else { return false };
    match study.program.step(context) {
        Step::Values(values) => !values.is_empty() && values.iter().all(|value| is_fresh(study, *value, rest)),
        Step::Call(made, 0) => {
            let effect = study.fact(made).map(|fact| fact.effect);
            if effect.is_some_and(|effect| effect.root_context) {
                return true;
            }
            let given = study.slot(made, effect.map_or(Slot::AnyArg, |effect| effect.derives.unwrap_or(Slot::None)));
            let Some((first, others)) = given.split_first() else { return false };
            is_fresh(study, *first, rest) && others.iter().all(|value| holds_no_trace(study, *value))
        }
        _ => false,
    }
}

/// Whether a value is seen to be something else than what a trace may be in.
fn holds_no_trace(study: &Study<'_>, value: ValueRef) -> bool {
    let program = study.program;
    let is_plain = |origin: &Origin| match origin {
        Origin::Literal(found) => matches!(program.expr_kind(*found), ExprKind::Str(_) | ExprKind::Lit(_)),
        _ => false,
    };
    // What belongs to a package (`domain.SystemActor`) is the same for every request.
    program.qualify(value).is_some()
        || program.type_of(value).is_some_and(|ty| program.role(ty).is_none())
        || program.origins(value, false).iter().all(is_plain)
}
