//! Where a value was made, with the calls that led there: what a helper makes for one caller it does not make for the
//! others.

use super::program::{FuncRef, Program, ValueRef};
use super::trace::{MAX_ORIGINS, Origin, Step};
use smallvec::SmallVec;

/// How many objects inside one another are looked at: what the object holds whose field holds it, and so on.
pub(super) const MAX_OBJECTS: usize = 3;

/// The calls that were followed into the functions they run, the innermost last.
pub type Calls = SmallVec<[ValueRef; 4]>;

/// How many calls inside one another are told apart.
const MAX_CALLS: usize = 8;

/// A value, or the end of a search, with the calls that led to it.
pub(super) type Along<T> = (T, Calls);

impl Program<'_> {
    /// Like [`Self::origins`] through parameters, but a parameter of a function that was entered by a call is what that
    /// call gives, not what all callers give. `calls` are those by which the value's own function was entered; `note` is
    /// told of each value on the way.
    pub fn origins_along(
        &self,
        value: ValueRef,
        calls: &Calls,
        note: impl FnMut(ValueRef, &Calls),
    ) -> Vec<Along<Origin>> {
        self.origins_within(value, calls, MAX_OBJECTS, note)
    }

    /// The same, with at most so many objects inside one another: each of them asks this anew for where it was made.
    pub(super) fn origins_within(
        &self,
        value: ValueRef,
        calls: &Calls,
        objects: usize,
        mut note: impl FnMut(ValueRef, &Calls),
    ) -> Vec<Along<Origin>> {
        let mut out = Vec::new();
        let mut work = vec![(value, calls.clone())];
        let mut seen = rustc_hash::FxHashSet::default();
        while let Some((value, calls)) = work.pop() {
            if !seen.insert((value, calls.clone())) {
                continue;
            }
            if seen.len() > MAX_ORIGINS {
                out.push((Origin::Unknown, Calls::new()));
                break;
            }
            note(value, &calls);
            for step in self.steps(value) {
                if let Step::Field(owner, name) = step
                    && let Some(own) = self.own_writes_within(value, (owner, name), &calls, objects)
                {
                    work.extend(own);
                    continue;
                }
                self.follow_along(step, &calls, &mut work, &mut out);
            }
        }
        out
    }

    fn follow_along(&self, step: Step, calls: &Calls, work: &mut Vec<Along<ValueRef>>, out: &mut Vec<Along<Origin>>) {
        let frame = match step {
            Step::Call(call, n) => return self.enter(call, n, calls, work, out),
            Step::Param(function, n) => {
                if let Some(given) = self.given(calls, function, n) {
                    work.push(given);
                    return;
                }
                Calls::new()
            }
            Step::Field(owner, name) => {
                let writes = self.all_writes(owner, name);
                for (value, index) in &writes {
                    match index {
                        None | Some(0) => work.push((*value, Calls::new())),
                        Some(n) => self.enter(*value, *n, &Calls::new(), work, out),
                    }
                }
                if !writes.is_empty() {
                    return;
                }
                Calls::new()
            }
            _ => calls.clone(),
        };
        let (mut values, mut ends) = (Vec::new(), Vec::new());
        self.follow(step, true, &mut values, &mut ends);
        work.extend(values.into_iter().map(|value| (value, frame.clone())));
        out.extend(ends.into_iter().map(|end| (end, frame.clone())));
    }

    /// What the innermost call gives for a parameter of the function that it entered, and the calls outside of it.
    pub fn given(&self, calls: &Calls, function: FuncRef, n: u16) -> Option<Along<ValueRef>> {
        let call = calls.last().filter(|call| self.callee(**call).functions.contains(&function))?;
        let value = self.argument(*call, function, n)?;
        Some((value, calls.iter().take(calls.len() - 1).copied().collect()))
    }

    /// Follows the n-th result of a call, into the functions that it runs where those are the program's own.
    fn enter(
        &self,
        call: ValueRef,
        n: u8,
        calls: &Calls,
        work: &mut Vec<Along<ValueRef>>,
        out: &mut Vec<Along<Origin>>,
    ) {
        let callee = self.callee(call);
        let is_described = callee.name.is_some_and(|name| self.described(name).is_some());
        let mut inner = calls.clone();
        if !is_described && callee.constructs.is_none() && !callee.functions.is_empty() {
            if inner.len() == MAX_CALLS {
                inner.remove(0);
            }
            inner.push(call);
        }
        let (mut values, mut ends) = (Vec::new(), Vec::new());
        self.call_result(call, n, &mut values, &mut ends);
        work.extend(values.into_iter().map(|value| (value, inner.clone())));
        out.extend(ends.into_iter().map(|end| {
            let is_outside = matches!(end, Origin::Call(at, _) if at == call);
            (end, if is_outside { calls.clone() } else { inner.clone() })
        }));
    }
}
