//! Clients of Go libraries that are not described, made with instrumentation by the program: `vault.NewClient(address,
//! grpc.WithStatsHandler(otelgrpc.NewClientHandler()))`. What they are asked under a context is seen in its trace.

use super::Study;
use crate::ir::{ExprKind, Language};
use crate::knowledge::{Slot, TypeRole};
use crate::link::flow::DefKind;
use crate::link::{FuncRef, ValueRef};
use rustc_hash::FxHashSet;
use ustr::Ustr;

/// How many values are looked at that a client is made of.
const MAX_PARTS: usize = 80;

impl Study<'_> {
    /// Whether a Go call gives a context to a method of a library that is not described, of which the program makes what it
    /// asks with instrumentation.
    pub fn asks_traced_foreigner(&self, call: ValueRef) -> bool {
        if self.traced_foreigners.is_empty() || self.fact(call).is_some() {
            return false;
        }
        let callee = self.program.callee(call);
        let is_method = || self.program.receiver(call).is_some_and(|value| self.program.qualify(value).is_none());
        let given = || self.program.slot(call, Slot::AnyArg).into_iter();
        let package = callee.name.filter(|_| callee.functions.is_empty()).and_then(package_of_method);
        package.is_some_and(|package| self.traced_foreigners.contains(&package))
            && is_method()
            && given().any(|value| self.program.role_of(value) == Some(TypeRole::Context))
    }
}

/// The package of a method by its qualified name: `example.com/vault` of `example.com/vault.Client.Open`.
fn package_of_method(name: Ustr) -> Option<Ustr> {
    let (owner, _) = name.rsplit_once('.')?;
    Ustr::from_existing(owner.rsplit_once('.')?.0)
}

/// The packages of which a function is given what instruments clients, and makes one that is not described.
pub(super) fn traced(study: &Study<'_>) -> FxHashSet<Ustr> {
    let program = study.program;
    let mut out = FxHashSet::default();
    if study.language() != Language::Go {
        return out;
    }
    let instruments = |effect: &crate::knowledge::FunctionDescription| effect.instruments.is_some() && effect.outbound;
    if !study.calls().iter().any(|fact| instruments(fact.effect)) {
        return out;
    }
    for (file, unit) in (0u32..).zip(&program.files) {
        for site in &unit.flow.calls {
            let call = ValueRef { file, expr: site.expr };
            let Some(package) = foreign_package(study, call).filter(|package| !out.contains(package)) else { continue };
            if study.program.slot(call, Slot::AnyArg).into_iter().any(|value| is_instrumented(study, value)) {
                out.insert(package);
            }
        }
    }
    out
}

/// The functions that ask such clients.
pub(super) fn askers(study: &Study<'_>) -> FxHashSet<FuncRef> {
    let mut out = FxHashSet::default();
    if study.traced_foreigners.is_empty() {
        return out;
    }
    for (file, unit) in (0u32..).zip(&study.program.files) {
        let asking =
            unit.flow.calls.iter().filter(|site| study.asks_traced_foreigner(ValueRef { file, expr: site.expr }));
        out.extend(asking.map(|site| FuncRef { file, id: site.function }));
    }
    out
}

/// The package of a function of somebody else's that a call runs, of a library of which nothing is described.
fn foreign_package(study: &Study<'_>, call: ValueRef) -> Option<Ustr> {
    let program = study.program;
    if study.fact(call).is_some() || program.receiver(call).is_none_or(|value| program.qualify(value).is_none()) {
        return None;
    }
    let callee = program.callee(call);
    let name = callee.name.filter(|_| callee.functions.is_empty())?;
    let (package, _) = name.rsplit_once('.')?;
    let is_hosted = package.split('/').next().is_some_and(|host| host.contains('.')) && package.contains('/');
    let is_below =
        |module: &str| package == module || package.strip_prefix(module).is_some_and(|rest| rest.starts_with('/'));
    let mut known = program.knowledge.libraries().iter().flat_map(|library| &library.modules);
    let is_foreign = is_hosted && program.module_unit(package).is_none() && !known.any(|module| is_below(module));
    is_foreign.then(|| Ustr::from(package))
}

/// Whether what instruments clients is among what a value is made of, as far as its own function shows.
fn is_instrumented(study: &Study<'_>, value: ValueRef) -> bool {
    let program = study.program;
    let (mut work, mut seen) = (vec![value], FxHashSet::default());
    while let Some(value) = work.pop().filter(|_| seen.len() < MAX_PARTS) {
        if !seen.insert(value) {
            continue;
        }
        if study.fact(value).is_some_and(|fact| fact.effect.instruments.is_some() && fact.effect.outbound) {
            return true;
        }
        let at = |expr| ValueRef { expr, ..value };
        match program.expr_kind(value) {
            ExprKind::Name(_) => {
                work.extend(program.reaching(value).iter().filter_map(|def| match program.def(value.file, *def).kind {
                    DefKind::Value { value, .. } => Some(at(value)),
                    _ => None,
                }))
            }
            ExprKind::Call { args, .. } => work.extend(args.iter().map(|arg| at(arg.value))),
            ExprKind::Composite { fields, .. } => work.extend(fields.iter().map(|field| at(field.value))),
            ExprKind::Unary { operand, .. } => work.push(at(*operand)),
            _ => {}
        }
    }
    false
}
