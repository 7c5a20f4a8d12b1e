//! Where a value is laid down for good: nothing reads it, in its own function or in those that it is handed to.

use super::looked_at::{is_current_or_none, is_only_looked_at};
use crate::ir::{ExprId, StmtKind};
use crate::link::flow::{DefId, Var};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::study::Study;

/// How many functions deep a value is followed.
const MAX_DEPTH: u32 = 3;
/// How many calls of helpers are looked at for one value.
const MAX_CALLS: usize = 64;

/// The calls whose result is what a call makes: itself, or where own functions hand it back, their calls.
pub(super) fn handed_back(study: &Study<'_>, call: ValueRef) -> Vec<ValueRef> {
    let mut out = Vec::new();
    let mut work = vec![(call, MAX_DEPTH)];
    while let Some((call, depth)) = work.pop() {
        let Some(file) = study.program.files.get(call.file as usize).filter(|_| out.len() < MAX_CALLS) else { break };
        let function = study.program.function_covering(call);
        let is_it = |value: &ExprId| {
            let value = ValueRef { expr: *value, ..call };
            value == call || study.program.origins(value, false) == [Origin::Call(call, 0)]
        };
        let returns = file.flow.returns_of(function.id);
        let returned: Vec<ExprId> = returns.filter_map(|found| found.values.first().copied()).collect();
        // On other ways such a helper hands out what is current anyway.
        let is_else = |value: &ExprId| is_it(value) || is_current_or_none(study, ValueRef { expr: *value, ..call });
        let is_helper =
            returned.iter().any(is_it) && returned.iter().all(is_else) && is_only_returned(study, call, &returned);
        match depth.checked_sub(1).filter(|_| is_helper) {
            Some(rest) => work.extend(study.program.callers(function).iter().map(|above| (*above, rest))),
            None => out.push(call),
        }
    }
    out
}

/// Whether a function does nothing with what a call makes but hand it back: what it makes current is used.
fn is_only_returned(study: &Study<'_>, call: ValueRef, returned: &[ExprId]) -> bool {
    let Some(flow) = study.program.files.get(call.file as usize).map(|file| &file.flow) else { return false };
    let mut uses = flow.defs_from(call.expr).flat_map(|(_, def)| {
        let var = flow.vars.get(def.var.0 as usize);
        var.map(|var| var.uses.as_slice()).unwrap_or_default()
    });
    let is_bare = returned.contains(&call.expr) || study.program.parent(call).is_none();
    let is_left = |used: &ExprId| returned.contains(used) || is_only_looked_at(study, ValueRef { expr: *used, ..call });
    is_bare && flow.writes_from(call.expr).next().is_none() && uses.all(is_left)
}

/// The functions that a call's result is handed to, none of which reads it; empty where its own function drops it. `None`
/// when something may read it.
pub(super) fn taken_by(study: &Study<'_>, call: ValueRef) -> Option<Vec<FuncRef>> {
    if study.program.parent(call).is_some() {
        let mut out = Vec::new();
        return lost_in_call(study, call, MAX_DEPTH, &mut out).then_some(out);
    }
    let flow = &study.program.files.get(call.file as usize)?.flow;
    let function = study.program.function_covering(call);
    let returned = flow.returns_of(function.id).any(|found| found.values.contains(&call.expr));
    if returned || flow.writes_from(call.expr).next().is_some() || !is_statement(study, call) {
        return None;
    }
    let mut out = Vec::new();
    let lost = flow.defs_from(call.expr).all(|(id, def)| {
        let var = flow.vars.get(def.var.0 as usize);
        var.is_some_and(|var| is_lost(study, call.file, var, Some(id), MAX_DEPTH, &mut out))
    });
    lost.then_some(out)
}

/// Whether all that reads a variable hands it to functions that do not read it. With a definition: all that may read that.
fn is_lost(study: &Study<'_>, file: u32, var: &Var, def: Option<DefId>, depth: u32, out: &mut Vec<FuncRef>) -> bool {
    let Some(flow) = study.program.files.get(file as usize).map(|file| &file.flow) else { return false };
    let may_be_it = |used: &&ExprId| {
        let reaching = flow.reaching(**used);
        def.is_none_or(|def| reaching.is_empty() || reaching.contains(&def))
    };
    var.uses.iter().filter(may_be_it).all(|used| lost_in_call(study, ValueRef { file, expr: *used }, depth, out))
}

/// Whether a value is the argument of a call that surely runs own functions, none of which reads their parameter.
fn lost_in_call(study: &Study<'_>, value: ValueRef, depth: u32, out: &mut Vec<FuncRef>) -> bool {
    let program = study.program;
    if is_only_looked_at(study, value) {
        return true;
    }
    let Some(call) = program.parent(value).filter(|call| depth > 0 && program.call_site(*call).is_some()) else {
        return false;
    };
    let functions = &program.callee(call).functions;
    let mut drops = |function: &FuncRef| {
        let decl = program.function(*function);
        let params = 0..decl.params.len() as u16;
        let mut given = params.filter(|n| program.argument(call, *function, *n) == Some(value));
        let (Some(n), None) = (given.next(), given.next()) else { return false };
        let flow = program.files.get(function.file as usize).map(|file| &file.flow);
        let Some(var) = flow.and_then(|flow| flow.param_var(function.id, n)) else { return false };
        let lost = is_lost(study, function.file, var, None, depth - 1, out);
        out.push(*function);
        lost
    };
    // What declares a method for others does nothing itself.
    let mut doing = functions.iter().filter(|function| !program.function(**function).flags.is_abstract).peekable();
    study.fact(call).is_none() && doing.peek().is_some() && doing.all(&mut drops)
}

/// Whether a call stands alone or is assigned: not a condition, a managed value or what a loop runs over.
fn is_statement(study: &Study<'_>, call: ValueRef) -> bool {
    let Some(file) = study.program.files.get(call.file as usize) else { return false };
    file.source.facts.stmts.iter().any(|stmt| match &stmt.kind {
        StmtKind::Expr(expr) => *expr == call.expr,
        StmtKind::Assign { values, .. } => values.contains(&call.expr),
        _ => false,
    })
}
