//! The options that a call is given, each by the call that makes it.

use crate::ir::ExprKind;
use crate::knowledge::Slot;
use crate::link::{Origin, ValueRef};
use crate::study::Study;

/// How deep lists of options are nested.
const MAX_DEPTH: u32 = 5;

/// The calls that make the options which a call is given, also those in lists; `None` where one of them is not seen.
pub(super) fn given(study: &Study<'_>, call: ValueRef) -> Option<Vec<ValueRef>> {
    let mut out = Vec::new();
    let given = study.slot(call, Slot::AnyArg);
    given.into_iter().all(|value| collect(study, value, &mut out, MAX_DEPTH)).then_some(out)
}

/// Adds the calls that make the options of a list; whether all of them are seen.
fn collect(study: &Study<'_>, value: ValueRef, out: &mut Vec<ValueRef>, left: u32) -> bool {
    let Some(left) = left.checked_sub(1) else { return false };
    let program = study.program;
    // An option is taken as it stands: where it comes from is what it is made of.
    if matches!(program.expr_kind(value), ExprKind::Call { .. }) && makes_option(study, value) {
        out.push(value);
        return true;
    }
    let origins = program.origins(value, true);
    !origins.is_empty()
        && origins.into_iter().all(|origin| match origin {
            Origin::Call(call, _) if makes_option(study, call) => {
                out.push(call);
                true
            }
            Origin::Call(call, _) if program.callee(call).name.is_some_and(|name| name == "append") => {
                study.slot(call, Slot::AnyArg).into_iter().all(|part| collect(study, part, out, left))
            }
            Origin::Literal(list) => match program.expr_kind(list) {
                ExprKind::Composite { fields, .. } => {
                    fields.iter().all(|field| collect(study, ValueRef { expr: field.value, ..list }, out, left))
                }
                _ => true,
            },
            _ => false,
        })
}

/// Whether a call makes one option: it is described, or a library's whose code is not seen.
fn makes_option(study: &Study<'_>, call: ValueRef) -> bool {
    let callee = study.program.callee(call);
    let is_list = callee.name.is_some_and(|name| name == "append");
    study.fact(call).is_some() || !is_list && callee.name.is_some() && callee.functions.is_empty()
}
