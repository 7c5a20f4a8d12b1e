//! The functions that Go code names or holds as values: who runs them, and when, is seen only in part.

use super::fresh::hands_fresh;
use super::functions_of;
use super::through::{Held, takes_work};
use super::ways::Ways;
use crate::ir::{ExprId, ExprKind, Language};
use crate::link::{FuncRef, Program, ValueRef};
use rustc_hash::{FxHashMap, FxHashSet};
use ustr::Ustr;

impl Ways<'_, '_> {
    /// Notes what a Go call runs through a value: whoever put the function there may run it elsewhere, too.
    pub(super) fn add_through(
        &mut self,
        from: FuncRef,
        call: ValueRef,
        held: &Held<'_, '_>,
        contexts: &FxHashMap<FuncRef, u16>,
    ) {
        let run = held.run_by(call);
        if run.is_empty() || self.ticks(call) {
            return;
        }
        let is_fresh = |to: &FuncRef| contexts.get(to).is_some_and(|n| hands_fresh(self.study, call, *to, *n));
        if !held.is_handed_in(call) {
            let to: Vec<u32> = run.iter().filter(|to| !is_fresh(to)).map(|to| self.number(*to) as u32).collect();
            let from = self.number(from);
            self.values[from].extend(to);
        }
        self.through.insert(call, run);
    }

    /// Notes where Go functions and methods stand as values: `return s.onPush`.
    pub(super) fn add_values(&mut self) {
        let program = self.study.program;
        if program.language != Language::Go {
            return;
        }
        let plain = self.plain_functions();
        for (file, unit) in (0u32..).zip(&program.files) {
            for (at, expr) in (0u32..).zip(&unit.source.facts.exprs) {
                let value = ValueRef { file, expr: ExprId(at) };
                let is_named = match &expr.kind {
                    ExprKind::Member { name, .. } => !program.methods_named(*name).is_empty(),
                    ExprKind::Name(name) => plain.contains(&(unit.module, *name)) && program.reaching(value).is_empty(),
                    _ => false,
                };
                if !is_named || is_callee(program, value) {
                    continue;
                }
                let from = self.number(program.function_at(value));
                for function in functions_of(self.study, value) {
                    let to = self.number(function) as u32;
                    self.values[from].push(to);
                }
            }
        }
    }

    /// The functions that are no methods and take work that comes in, by their packages and names.
    fn plain_functions(&self) -> FxHashSet<(Ustr, Ustr)> {
        let program = self.study.program;
        let is_plain = |function: &&FuncRef| {
            let decl = program.function(**function);
            decl.owner.is_none() && decl.owner_name.is_empty() && !decl.flags.is_closure
        };
        let functions = self.functions.iter().filter(is_plain).filter(|function| takes_work(self.study, **function));
        let named = functions.filter_map(|function| {
            let module = program.files.get(function.file as usize)?.module;
            Some((module, program.function(*function).name))
        });
        named.collect()
    }
}

/// Whether a value is what a call runs.
fn is_callee(program: &Program<'_>, value: ValueRef) -> bool {
    let call = program.parent(value).map(|parent| program.expr_kind(parent));
    matches!(call, Some(ExprKind::Call { callee, .. }) if *callee == value.expr)
}
