//! The fields of one object: what was given to the very one whose method runs, not to all of its type.

use super::along::{Along, Calls, MAX_OBJECTS};
use super::flow::RECEIVER;
use super::program::{Program, ValueRef};
use super::trace::{Origin, Step};
use crate::ir::{ExprKind, Language};
use ustr::Ustr;

/// How many calls inside one another are looked at for the object that a method runs on.
const MAX_METHODS: usize = 4;

impl Program<'_> {
    /// What the object holds in a field whose method the innermost of `calls` runs, each with the calls that led there.
    /// `None` where `value`, which reads the field, is of another object, or where that one is not seen to be made. As many
    /// objects inside one another are looked at as ever.
    pub fn own_writes(&self, value: ValueRef, owner: Ustr, name: Ustr, calls: &Calls) -> Option<Vec<Along<ValueRef>>> {
        self.own_writes_within(value, (owner, name), calls, MAX_OBJECTS)
    }

    /// The same, within so many objects.
    pub(super) fn own_writes_within(
        &self,
        value: ValueRef,
        (owner, name): (Ustr, Ustr),
        calls: &Calls,
        objects: usize,
    ) -> Option<Vec<Along<ValueRef>>> {
        let objects = objects.checked_sub(1)?;
        if calls.is_empty() || calls.len() > MAX_METHODS || !self.is_own_member(value) {
            return None;
        }
        let (receiver, outer) = self.running_on(calls)?;
        let mut out = Vec::new();
        for (origin, along) in self.origins_within(receiver, &outer, objects, |_, _| {}) {
            let (Origin::Call(made, 0) | Origin::Literal(made)) = origin else { return None };
            if self.callee(made).constructs != Some(owner) {
                return None;
            }
            let given = self.given_at(made, &along, owner, name);
            if given.is_empty() {
                return None;
            }
            out.extend(given);
        }
        (!out.is_empty()).then_some(out)
    }

    /// Whether a value is a field of the object that the function around it runs on.
    fn is_own_member(&self, value: ValueRef) -> bool {
        let at = |expr| ValueRef { expr, ..value };
        match self.expr_kind(value) {
            ExprKind::Name(_) => self.language == Language::Java,
            ExprKind::Member { base, .. } => self.is_own_object(at(*base)),
            _ => false,
        }
    }

    fn is_own_object(&self, value: ValueRef) -> bool {
        match (self.language, self.step(value)) {
            (Language::Java, _) => matches!(self.expr_kind(value), ExprKind::Name(name) if *name == "this"),
            (Language::Python, Step::Param(function, 0)) => {
                let decl = self.function(function);
                decl.owner.is_some() && !decl.flags.is_static
            }
            (_, Step::Param(_, n)) => n == RECEIVER,
            _ => false,
        }
    }

    /// The object that the method of the innermost call runs on, through calls on that object itself, and the calls
    /// outside of it.
    fn running_on(&self, calls: &Calls) -> Option<Along<ValueRef>> {
        let (call, outer) = calls.split_last()?;
        let outer = Calls::from_slice(outer);
        match self.receiver(*call) {
            Some(receiver) if !self.is_own_object(receiver) => Some((receiver, outer)),
            None if self.language != Language::Java => None,
            _ => self.running_on(&outer),
        }
    }

    /// What one object is given for a field where it is made: by its constructor, or in the braces.
    fn given_at(&self, made: ValueRef, along: &Calls, owner: Ustr, name: Ustr) -> Vec<Along<ValueRef>> {
        let makers = self.callee(made);
        let in_braces = |value: &ValueRef| {
            value.file == made.file
                && matches!(self.expr_kind(made), ExprKind::Composite { fields, .. }
                    if fields.iter().any(|field| field.value == value.expr))
        };
        let mut inside = along.clone();
        inside.push(made);
        let writes = self.all_writes(owner, name).into_iter().filter(|(_, index)| matches!(index, None | Some(0)));
        writes
            .filter_map(|(value, _)| match in_braces(&value) {
                true => Some((value, along.clone())),
                false => makers.functions.contains(&self.function_at(value)).then(|| (value, inside.clone())),
            })
            .collect()
    }
}
