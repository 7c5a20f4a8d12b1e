//! Contexts of the process: whoever hands them over, they hold no trace (Go).

use crate::ir::{ExprId, ExprKind};
use crate::knowledge::{Slot, TypeRole};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::study::{Inbound, Study, functions_of};
use rustc_hash::FxHashSet;

/// How many functions are looked at on the way back to where a context is made.
const MAX_FUNCTIONS: usize = 24;

/// Whether every context that a function is given is one of the process: it was made fresh, and handed on through calls,
/// fields and functions that are called back, without a span or a trace that was read on the way.
pub(super) fn is_given_by_process(study: &Study<'_>, function: FuncRef) -> bool {
    let count = study.program.function(function).params.len() as u16;
    let role = |n| study.program.param_type(function, n).and_then(|ty| study.program.role(ty));
    let own = (0..count).find(|n| role(*n) == Some(TypeRole::Context));
    own.is_some_and(|n| Walk { study, seen: FxHashSet::default() }.is_param(function, n))
}

struct Walk<'s, 'a> {
    study: &'s Study<'a>,
    seen: FxHashSet<(FuncRef, u16)>,
}

impl Walk<'_, '_> {
    /// Whether all that a parameter may be is a context of the process.
    fn is_param(&mut self, function: FuncRef, n: u16) -> bool {
        if !self.seen.insert((function, n)) {
            return true;
        }
        if self.seen.len() > MAX_FUNCTIONS {
            return false;
        }
        let program = self.study.program;
        let callers = program.callers(function);
        let given: Option<Vec<ValueRef>> = callers.iter().map(|call| program.argument(*call, function, n)).collect();
        let Some(mut given) = given else { return false };
        let Some(called_back) = self.called_back(function, n) else { return false };
        given.extend(called_back);
        !given.is_empty() && given.into_iter().all(|value| self.is_value(value))
    }

    fn is_value(&mut self, value: ValueRef) -> bool {
        let origins = self.study.program.origins(value, true);
        !origins.is_empty()
            && origins.into_iter().all(|origin| match origin {
                Origin::Call(made, _) => self.study.fact(made).is_some_and(|fact| fact.effect.root_context),
                Origin::Param(function, n) => {
                    self.study.inbound(function) == Inbound::Root || self.is_param(function, n)
                }
                _ => false,
            })
    }

    /// What a function is given as a parameter by the own functions that it is handed to and that call it; `None` where it
    /// goes anywhere else as a value.
    fn called_back(&self, function: FuncRef, n: u16) -> Option<Vec<ValueRef>> {
        let mut out = Vec::new();
        for value in self.as_values(function) {
            let program = self.study.program;
            let call = program.parent(value)?;
            let ExprKind::Call { args, .. } = program.expr_kind(call) else { return None };
            let at = args.iter().position(|arg| arg.value == value.expr)? as u16;
            let takers = &program.callee(call).functions;
            if takers.is_empty() {
                return None;
            }
            for taker in takers {
                let runs = self.runs_of(*taker, at);
                let given = runs.iter().map(|run| self.study.slot(*run, Slot::AnyArg).get(n as usize).copied());
                out.extend(given.collect::<Option<Vec<_>>>().filter(|given| !given.is_empty())?);
            }
        }
        Some(out)
    }

    /// The places where a function stands as a value.
    fn as_values(&self, function: FuncRef) -> Vec<ValueRef> {
        let program = self.study.program;
        let wanted = program.function(function).name;
        let mut out = Vec::new();
        for (file, unit) in (0u32..).zip(&program.files) {
            for (at, expr) in (0u32..).zip(&unit.source.facts.exprs) {
                let (ExprKind::Member { name, .. } | ExprKind::Name(name)) = &expr.kind else { continue };
                let value = ValueRef { file, expr: ExprId(at) };
                let is_called = || {
                    let parent = program.parent(value).map(|parent| program.expr_kind(parent));
                    matches!(parent, Some(ExprKind::Call { callee, .. }) if *callee == value.expr)
                };
                if *name == wanted && !is_called() && functions_of(self.study, value).contains(&function) {
                    out.push(value);
                }
            }
        }
        out
    }

    /// The calls by which a function runs what it is given as a parameter.
    fn runs_of(&self, function: FuncRef, n: u16) -> Vec<ValueRef> {
        let program = self.study.program;
        let inside = self.study.with_nested(function);
        let calls = inside.iter().flat_map(|inner| {
            let flow = program.files.get(inner.file as usize).map(|file| &file.flow);
            flow.into_iter()
                .flat_map(|flow| flow.calls_of(inner.id))
                .map(|site| ValueRef { file: inner.file, expr: site.expr })
        });
        let wanted = Origin::Param(function, n);
        let runs = |call: &ValueRef| match program.expr_kind(*call) {
            ExprKind::Call { callee, .. } => {
                program.origins(ValueRef { expr: *callee, ..*call }, false).contains(&wanted)
            }
            _ => false,
        };
        calls.filter(runs).collect()
    }
}
