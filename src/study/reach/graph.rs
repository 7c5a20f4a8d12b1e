//! Which functions of a Go program lead to which.

use crate::link::{FuncRef, ValueRef};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

/// The functions that calls run through values, by the calls.
pub(super) type Through = FxHashMap<ValueRef, Vec<FuncRef>>;

/// Which functions lead to which, kept for what is asked later.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(super) starts: Vec<usize>,
    pub(super) functions: Vec<FuncRef>,
    pub(super) next: Vec<SmallVec<[u32; 4]>>,
    pub(super) values: Vec<SmallVec<[u32; 2]>>,
    pub(super) begins: FxHashMap<u32, Vec<u32>>,
    pub(super) through: Through,
}

impl Graph {
    /// The number of a function.
    pub(crate) fn number(&self, function: FuncRef) -> Option<usize> {
        Some(self.starts.get(function.file as usize)? + function.id.0 as usize)
    }

    /// The functions that a call may run through the value that it calls.
    pub(crate) fn run_through(&self, call: ValueRef) -> &[FuncRef] {
        self.through.get(&call).map_or(&[], Vec::as_slice)
    }

    /// All functions, by their numbers.
    pub(crate) fn functions(&self) -> &[FuncRef] {
        &self.functions
    }

    /// The numbers of the functions that one runs or hands around, also with a fresh context or by the clock.
    pub(crate) fn all_next(&self, at: usize) -> impl Iterator<Item = usize> {
        let begins = self.begins.get(&(at as u32)).into_iter().flatten();
        self.next[at].iter().chain(&self.values[at]).chain(begins).map(|to| *to as usize)
    }

    /// The functions that lead to some by at most so many calls, with themselves: their context may come along all the way.
    pub(crate) fn leading_to(&self, to: impl IntoIterator<Item = FuncRef>, calls: u32) -> FxHashSet<FuncRef> {
        let mut above: Vec<SmallVec<[u32; 4]>> = vec![SmallVec::new(); self.functions.len()];
        for (at, next) in (0u32..).zip(&self.next) {
            next.iter().for_each(|next| above[*next as usize].push(at));
        }
        let mut seen = vec![false; self.functions.len()];
        let mut work: Vec<usize> = to.into_iter().filter_map(|function| self.number(function)).collect();
        work.retain(|at| seen.get_mut(*at).is_some_and(|seen| !std::mem::replace(seen, true)));
        for _ in 0..calls {
            let callers = work.iter().flat_map(|at| &above[*at]).map(|caller| *caller as usize);
            work = callers.filter(|caller| !std::mem::replace(&mut seen[*caller], true)).collect();
        }
        seen.iter().zip(&self.functions).filter(|(seen, _)| **seen).map(|(_, function)| *function).collect()
    }

    /// The functions that some lead to, also by handing functions around as values, with themselves.
    pub(crate) fn reached(&self, from: impl IntoIterator<Item = FuncRef>) -> FxHashSet<FuncRef> {
        self.spread(from, |at| self.next[at].iter().chain(&self.values[at]).map(|to| *to as usize))
    }

    /// The same, also with a fresh context or by the clock.
    pub(crate) fn led_to(&self, from: impl IntoIterator<Item = FuncRef>) -> FxHashSet<FuncRef> {
        self.spread(from, |at| self.all_next(at))
    }

    fn spread<I: Iterator<Item = usize>>(
        &self,
        from: impl IntoIterator<Item = FuncRef>,
        next: impl Fn(usize) -> I,
    ) -> FxHashSet<FuncRef> {
        let mut work: Vec<usize> = from.into_iter().filter_map(|function| self.number(function)).collect();
        let mut seen = vec![false; self.functions.len()];
        work.retain(|at| seen.get_mut(*at).is_some_and(|seen| !std::mem::replace(seen, true)));
        while let Some(at) = work.pop() {
            for next in next(at) {
                if !std::mem::replace(&mut seen[next], true) {
                    work.push(next);
                }
            }
        }
        seen.iter().zip(&self.functions).filter(|(seen, _)| **seen).map(|(_, function)| *function).collect()
    }
}
