//! Functions of Go that no command of the tree runs.

use super::life::is_registration;
use crate::ir::{ExprId, ExprKind, FunctionId, Language, TypeKind};
use crate::knowledge::{Slot, TypeRole};
use crate::link::{FuncRef, ValueRef};
use crate::study::Study;
use ustr::Ustr;

/// How many callers are looked at for one that runs.
const MAX_CALLERS: usize = 40;

/// Whether a function belongs to commands of the tree, and nothing in them is seen to run it: all that calls it ends at
/// functions that nothing calls, names or is given.
pub(super) fn is_dead(study: &Study<'_>, function: FuncRef) -> bool {
    let program = study.program;
    if study.language() != Language::Go {
        return false;
    }
    let mut seen: Vec<FuncRef> = Vec::new();
    let mut work = vec![program.outermost(function)];
    while let Some(at) = work.pop() {
        if seen.contains(&at) {
            continue;
        }
        seen.push(at);
        if seen.len() > MAX_CALLERS || !study.is_built(at.file) || begins(study, at) {
            return false;
        }
        let callers = program.callers(at).iter().map(|call| program.outermost(program.function_at(*call)));
        let callers: Vec<FuncRef> = callers.filter(|caller| *caller != at).collect();
        if callers.is_empty() && may_be_run(study, at) {
            return false;
        }
        work.extend(callers);
    }
    true
}

/// Whether a function runs by itself: `main`, `init`, load-time code and what that keeps.
fn begins(study: &Study<'_>, function: FuncRef) -> bool {
    let decl = study.program.function(function);
    let is_method = decl.owner.is_some() || !decl.owner_name.is_empty();
    function.id == FunctionId(0)
        || decl.flags.is_closure
        || (!is_method && matches!(decl.name.as_str(), "main" | "init"))
}

/// Whether a function that nothing is seen to call may be called all the same: something names it, or code that is not
/// read may, or a library is given an object that has it.
fn may_be_run(study: &Study<'_>, function: FuncRef) -> bool {
    let program = study.program;
    if study.may_be_called_unread(function) {
        return true;
    }
    let owner = program.enclosing_type(function).map(|ty| program.type_name(ty));
    (0u32..).zip(&program.files).any(|(at, file)| {
        let exprs = file.source.facts.exprs.iter().enumerate();
        let mut values = exprs.map(|(id, _)| ValueRef { file: at, expr: ExprId(id as u32) });
        values.any(|value| match owner {
            Some(owner) => names_method(study, value, function, owner) || gives_away(study, value, owner),
            None => names_function(study, value, function),
        })
    })
}

/// Whether a value is a function by its name. A member of a value is a field or method of that.
fn names_function(study: &Study<'_>, value: ValueRef, function: FuncRef) -> bool {
    let program = study.program;
    let wanted = program.function(function).name;
    match program.expr_kind(value) {
        ExprKind::Name(name) | ExprKind::Member { name, .. } if *name == wanted => {
            let is_in_it = program.outermost(program.function_covering(value)) == function;
            !is_in_it && program.qualify(value).is_some_and(|name| program.named_functions(name).contains(&function))
        }
        _ => false,
    }
}

/// Whether a value may be a method of a type, asked of an object: of that type, or of one that is not known.
fn names_method(study: &Study<'_>, value: ValueRef, method: FuncRef, owner: Ustr) -> bool {
    let program = study.program;
    let ExprKind::Member { base, name, .. } = program.expr_kind(value) else { return false };
    if *name != program.function(method).name || program.outermost(program.function_covering(value)) == method {
        return false;
    }
    let base = ValueRef { expr: *base, ..value };
    let Some(ty) = program.type_of(base) else {
        return program.qualify(value).is_none_or(|name| program.named_functions(name).contains(&method));
    };
    let is_near = ty == owner || program.supertypes(ty).contains(&owner);
    let is_interface = match program.own_type(ty) {
        Some(own) => program.type_decl(own).kind != TypeKind::Class,
        // A library's server is an object of its own.
        None => program.knowledge.ty(ty).is_none_or(|(_, ty)| ty.role != TypeRole::Server),
    };
    is_near || is_interface
}

/// Whether a call that is not seen is given an object of a type: it may run any method of that. What mounts it on a server
/// has the methods run that take requests, and those start none.
fn gives_away(study: &Study<'_>, call: ValueRef, owner: Ustr) -> bool {
    let program = study.program;
    matches!(program.expr_kind(call), ExprKind::Call { .. })
        && program.callee(call).functions.is_empty()
        && !is_registration(study, call)
        && study.slot(call, Slot::AnyArg).into_iter().any(|value| program.type_of(value) == Some(owner))
}
