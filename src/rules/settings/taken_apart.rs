//! Addresses that are parsed: a part of them is given on, and the whole only where parsing fails.

use crate::ir::ExprKind;
use crate::knowledge::Slot;
use crate::link::{Origin, ValueRef};
use crate::study::Study;

/// Whether one of some values is a part of what a call makes of a text (`url.Parse(text)`, and then `parsed.Host`).
///
/// # Arguments
///
/// * `values`: what stands for an address, of all ways that lead to it.
/// * `text`: the text as it is written.
pub(super) fn is_taken_apart(study: &Study<'_>, values: &[ValueRef], text: ValueRef) -> bool {
    let program = study.program;
    let whole = |value: ValueRef| match program.expr_kind(value) {
        ExprKind::Member { base, .. } => Some(ValueRef { expr: *base, ..value }),
        _ => None,
    };
    let is_text = |given: ValueRef| {
        given == text
            || program
                .origins(given, true)
                .iter()
                .any(|origin| matches!(origin, Origin::Literal(found) if *found == text))
    };
    values.iter().filter_map(|value| whole(*value)).any(|whole| {
        program.origins(whole, false).iter().any(|origin| match origin {
            Origin::Call(call, _) => study.slot(*call, Slot::AnyArg).into_iter().any(is_text),
            _ => false,
        })
    })
}
