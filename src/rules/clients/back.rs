//! Walks from an address back to what it is made of. Each walk knows by itself what it looks for, and which way to go on.

use crate::link::{Program, Step, ValueRef};
use rustc_hash::FxHashSet;

/// How many values are looked at for where an address comes from.
const MAX_VALUES: usize = 120;

/// Visits values and all that they are made of, each once: the first part of a value with all behind it before the second.
/// `visit` answers with the values that are right behind one.
pub(super) fn walk(from: Vec<ValueRef>, mut visit: impl FnMut(ValueRef) -> Vec<ValueRef>) {
    let mut seen = FxHashSet::default();
    let mut work = from;
    work.reverse();
    while let Some(value) = work.pop() {
        if seen.len() >= MAX_VALUES {
            return;
        }
        if seen.insert(value) {
            work.extend(visit(value).into_iter().rev());
        }
    }
}

/// The values that are one step back, whatever is done on the way.
pub(super) fn behind(program: &Program<'_>, step: Step) -> Vec<ValueRef> {
    match step {
        Step::Values(values) => values.into_vec(),
        Step::Literal(next) | Step::Part(next) | Step::Call(next, _) => vec![next],
        Step::Param(function, n) => program.arguments(function, n).into_vec(),
        Step::Field(owner, name) => program.all_writes(owner, name).into_iter().map(|(next, _)| next).collect(),
        Step::Unknown => Vec::new(),
    }
}
