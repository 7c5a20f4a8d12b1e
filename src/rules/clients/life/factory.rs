//! Clients that a function of the service's own makes for several callers: what one of them hands in, or does to its own
//! later, is nothing to the others.

use super::later::Walk;
use super::{Life, Lives, MAX_DEPTH};
use crate::ir::ExprKind;
use crate::link::{Calls, Origin, ValueRef};
use ustr::Ustr;

/// How many parts of a client are looked at for one way to its maker.
const MAX_PARTS: u32 = 300;

impl Lives<'_, '_> {
    /// How the client that a call makes stands for those who come by it through certain calls of the functions around
    /// that call, the outermost first.
    pub(in crate::rules::clients) fn of_construction_through(&self, made: ValueRef, calls: &Calls) -> Life {
        let key = (made, calls.clone());
        if let Some(known) = self.through.borrow().get(&key) {
            return *known;
        }
        self.left.set(MAX_PARTS);
        let parts = self.framed(calls.clone(), || self.construction(made, MAX_DEPTH));
        let found = match parts {
            Life::Instrumented => parts,
            _ => {
                let later = self.later_through(made, calls);
                let is_kept = !later.escapes.is_empty() || !later.beans.is_empty() || later.has_traced_route;
                let kept = if is_kept { Life::Unknown } else { Life::Plain };
                parts.and(later.life.unwrap_or(Life::Plain)).and(kept)
            }
        };
        self.through.borrow_mut().insert(key, found);
        found
    }

    /// What a function answers while only certain calls count as those that entered the function being looked at.
    pub(super) fn framed<T>(&self, calls: Calls, ask: impl FnOnce() -> T) -> T {
        let outer = self.frame.replace(calls);
        let found = ask();
        self.frame.replace(outer);
        found
    }

    /// Where a value comes from, each with the calls that were entered on the way; none where all callers count.
    pub(super) fn origins(&self, value: ValueRef) -> Vec<(Origin, Calls)> {
        let program = self.study.program;
        let frame = self.frame.borrow().clone();
        if frame.is_empty() {
            return program.origins(value, true).into_iter().map(|origin| (origin, Calls::new())).collect();
        }
        let Some(left) = self.left.get().checked_sub(1) else { return vec![(Origin::Unknown, Calls::new())] };
        self.left.set(left);
        program.origins_along(value, &frame, |_, _| {})
    }

    /// Whether answers may be taken from, and kept for, those who come by other ways.
    pub(super) fn is_for_all(&self) -> bool {
        self.frame.borrow().is_empty()
    }
}

impl Walk<'_, '_, '_> {
    /// Whether a field of an object can trace, as far as its type is described.
    pub(super) fn matters(&self, member: ValueRef, name: &str) -> bool {
        let program = self.lives.study.program;
        let ExprKind::Member { base, .. } = program.expr_kind(member) else { return true };
        let owner = program.type_of(ValueRef { expr: *base, ..member });
        let known = owner.and_then(|owner| program.knowledge.ty(owner)).filter(|_| self.is_client);
        known.is_none_or(|(_, ty)| {
            ty.fields.is_empty() || Ustr::from_existing(name).is_some_and(|name| ty.fields.contains_key(&name))
        })
    }

    /// The calls by which the function of a place was entered, as far as what is followed is handed out by them.
    pub(super) fn frame_at(&self, place: ValueRef) -> Calls {
        let program = self.lives.study.program;
        let function = program.outermost(program.function_at(place));
        let entered = self.calls.iter().rposition(|call| program.callee(*call).functions.contains(&function));
        entered.map(|at| self.calls.iter().take(at + 1).copied().collect()).unwrap_or_default()
    }
}
