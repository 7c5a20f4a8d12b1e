//! What becomes of a provider that holds spans back: who may flush it, and where it goes out of sight.

use super::handed_back::is_a_value;
use crate::ir::{ExprId, ExprKind, FunctionId, Language};
use crate::knowledge::TypeRole;
use crate::link::flow::DefKind;
use crate::link::{FuncRef, Origin, ValueRef};
use crate::study::{CallFact, Study};
use rustc_hash::FxHashSet;
use ustr::Ustr;

/// How many calls a provider is followed through that hand something out around it.
const MAX_WRAPPERS: u32 = 3;

/// Whether a Go provider goes where not every user of it is read: files without tracing in them are left out there.
pub(super) fn escapes(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    study.language() == Language::Go && is_let_out(study, fact.call, MAX_WRAPPERS)
}

/// Whether what a call hands out goes anywhere else than to described calls, to a private field of which all uses are seen,
/// or into a wrapper that goes nowhere else.
fn is_let_out(study: &Study<'_>, made: ValueRef, depth: u32) -> bool {
    let flow = &study.program.files[made.file as usize].flow;
    let defs: Vec<_> = flow.defs_from(made.expr).filter(|(_, def)| is_first(&def.kind)).collect();
    let uses = defs.iter().flat_map(|(id, def)| {
        let uses = flow.vars.get(def.var.0 as usize).into_iter().flat_map(|var| &var.uses);
        uses.filter(|used| flow.reaching(**used).contains(id))
    });
    let stays = |expr: &ExprId| {
        let value = ValueRef { expr: *expr, ..made };
        is_handed_to_library(study, value)
            || is_method_taken(study, value)
            || is_kept_private(study, value)
            || is_part_of_own(study, value)
            || is_key(study, value)
            || is_wrapped(study, value, depth)
    };
    match defs.as_slice() {
        [] => !is_handed_to_library(study, made),
        _ => !uses.into_iter().all(stays),
    }
}

fn is_first(kind: &DefKind) -> bool {
    matches!(kind, DefKind::Value { index: None | Some(0), .. })
}

/// Whether a value is given to a function that is not seen, as those of a library that puts something around it, and what
/// that hands out stays in sight.
fn is_wrapped(study: &Study<'_>, value: ValueRef, depth: u32) -> bool {
    let program = study.program;
    let Some(call) = program.parent(value).filter(|call| matches!(program.expr_kind(*call), ExprKind::Call { .. }))
    else {
        return false;
    };
    // A function of a package, which keeps nothing that somebody holds.
    let is_package = program.receiver(call).is_some_and(|receiver| program.qualify(receiver).is_some());
    let Some(rest) = depth.checked_sub(1) else { return false };
    let is_used = program.call_site(call).is_some_and(|site| !site.dropped);
    is_package && is_used && program.callee(call).functions.is_empty() && !is_let_out(study, call, rest)
}

/// Whether a value is written to a private field of an own type, or a private variable of a package, of which every use is a
/// call of what is described, or asks whether there is one.
pub(super) fn is_kept_private(study: &Study<'_>, value: ValueRef) -> bool {
    let program = study.program;
    let Some(file) = program.files.get(value.file as usize) else { return false };
    let mut writes = file.flow.writes_from(value.expr).peekable();
    writes.peek().is_some()
        && writes.all(|write| match program.expr_kind(ValueRef { expr: write.target, ..value }) {
            ExprKind::Member { name, .. } if name.starts_with(char::is_lowercase) => {
                stays_in_field(study, file.module, *name, ValueRef { expr: write.target, ..value })
            }
            ExprKind::Name(name) if name.starts_with(char::is_lowercase) => {
                stays_in_field(study, file.module, *name, ValueRef { expr: write.target, ..value })
            }
            _ => false,
        })
}

/// Whether a value is what an own type is made with, in a private field that it does not leave: `&tracing{provider: tp}`.
pub(super) fn is_part_of_own(study: &Study<'_>, value: ValueRef) -> bool {
    let program = study.program;
    let Some(made) = program.parent(value) else { return false };
    let ExprKind::Composite { ty: Some(ty), fields } = program.expr_kind(made) else { return false };
    let is_own = program.own_type(program.type_ref(made.file, ty)).is_some();
    let field = fields.iter().find(|field| field.value == value.expr).and_then(|field| field.key);
    let Some(field) = field.map(|expr| ValueRef { expr, ..value }).filter(|_| is_own) else { return false };
    let Some(file) = program.files.get(value.file as usize) else { return false };
    match program.expr_kind(field) {
        ExprKind::Name(name) if name.starts_with(char::is_lowercase) => {
            stays_in_field(study, file.module, *name, field)
        }
        _ => false,
    }
}

/// Whether a name stands for a field in what is written out: `&tracing{provider: tp}`.
pub(super) fn is_key(study: &Study<'_>, value: ValueRef) -> bool {
    let made = study.program.parent(value).map(|made| study.program.expr_kind(made));
    matches!(made, Some(ExprKind::Composite { fields, .. }) if fields.iter().any(|field| field.key == Some(value.expr)))
}

/// Whether all that is done with fields and variables of a name in a package is to call what is described on them, to hand
/// them to that, or to compare them.
fn stays_in_field(study: &Study<'_>, package: Ustr, field: Ustr, written: ValueRef) -> bool {
    let program = study.program;
    let near = (0u32..).zip(&program.files).filter(|(_, file)| file.module == package);
    near.flat_map(|(at, file)| (0u32..).zip(&file.source.facts.exprs).map(move |(expr, found)| (at, expr, found))).all(
        |(at, expr, found)| {
            let value = ValueRef { file: at, expr: ExprId(expr) };
            let is_field = match &found.kind {
                ExprKind::Member { name, .. } => *name == field,
                ExprKind::Name(name) => *name == field && !program.files[at as usize].flow.is_local(value.expr),
                _ => false,
            };
            let is_written = || {
                value == written
                    || program.files[at as usize].flow.writes.iter().any(|write| write.target == value.expr)
            };
            let is_compared = || {
                program.parent(value).is_some_and(|parent| matches!(program.expr_kind(parent), ExprKind::Binary { .. }))
            };
            let is_declared = || {
                program.parent(value).is_none()
                    && program.function_covering(value).id == FunctionId(0)
                    && program.files[at as usize].flow.writes_from(value.expr).next().is_none()
            };
            !is_field
                || is_handed_to_library(study, value)
                || is_compared()
                || is_written()
                || is_declared()
                || is_key(study, value)
        },
    )
}

/// Whether a method of a value is taken that is not called at once: `return provider.Shutdown`.
fn is_method_taken(study: &Study<'_>, value: ValueRef) -> bool {
    let program = study.program;
    let Some(parent) = program.parent(value) else { return false };
    matches!(program.expr_kind(parent), ExprKind::Member { base, .. } if *base == value.expr)
        && !program.parent(parent).is_some_and(
            |call| matches!(program.expr_kind(call), ExprKind::Call { callee, .. } if *callee == parent.expr),
        )
}

/// Whether a value is only an argument of a described call, or the receiver of a call, which keeps it where it is.
fn is_handed_to_library(study: &Study<'_>, value: ValueRef) -> bool {
    let program = study.program;
    let Some(parent) = program.parent(value) else { return false };
    match program.expr_kind(parent) {
        ExprKind::Call { .. } => study.fact(parent).is_some() || program.receiver(parent) == Some(value),
        ExprKind::Member { .. } => {
            let call = program.parent(parent).map(|call| (call, program.expr_kind(call)));
            call.is_some_and(|(call, kind)| {
                study.fact(call).is_some() || matches!(kind, ExprKind::Call { callee, .. } if *callee == parent.expr)
            })
        }
        _ => false,
    }
}

/// Whether anything in the unit of a file, or in those that it shares code with, may flush a provider: by a name that does
/// so, of a value that may be one, in what can be part of the same process and is seen to run, or may.
/// `seen` are methods that do something else.
pub(super) fn may_flush(study: &Study<'_>, made: &CallFact<'_>, from: u32, seen: &FxHashSet<ValueRef>) -> bool {
    let program = study.program;
    let names = ending_names(study);
    let near = study.units_near(study.unit_of(from));
    let files = (0u32..).zip(&program.files).filter(|(_, file)| near.contains(&file.source.unit));
    let mut files = files.filter(|(at, _)| study.can_meet(from, *at));
    files.any(|(at, file)| {
        (0u32..).zip(&file.source.facts.exprs).any(|(expr, found)| match &found.kind {
            ExprKind::Member { base, name, .. } | ExprKind::MethodRef { base, name }
                if names.contains(name.as_str()) =>
            {
                let base = ValueRef { file: at, expr: *base };
                let end = ValueRef { file: at, expr: ExprId(expr) };
                !seen.contains(&end) && may_be_provider(study, base, *name, made) && !is_left_behind(study, end, made)
            }
            _ => false,
        })
    })
}

/// The names of methods that flush or end a provider.
pub(super) fn ending_names<'a>(study: &Study<'a>) -> FxHashSet<&'a str> {
    let described = study.program.knowledge.libraries().iter().flat_map(|library| &library.functions);
    let names = described.filter(|effect| effect.flushes).flat_map(|effect| &effect.names);
    names.filter_map(|name| Some(name.as_str().rsplit_once('.')?.1)).collect()
}

/// Whether a value may be a provider, or what stands around one, by its type or by what made it. What an own type's method
/// does is seen in that method.
fn may_be_provider(study: &Study<'_>, value: ValueRef, method: Ustr, made: &CallFact<'_>) -> bool {
    let program = study.program;
    let is_go = study.language() == Language::Go;
    let Some(ty) = program.type_of(value) else {
        return !is_go || !is_made_apart(study, value, made);
    };
    let role = program.role(ty);
    if !is_go || role.is_some() {
        return role.is_none_or(|role| role == TypeRole::Provider);
    }
    if let Some(own) = program.own_type(ty) {
        let is_body = |function: &FuncRef| !program.function(*function).flags.is_abstract;
        let written = program.written_in(program.type_name(own));
        let is_written = written.iter().any(|function| program.function(*function).name == method && is_body(function));
        return !is_written && !program.has_field(own, method);
    }
    is_in_provider_home(ty, made)
}

/// Whether all calls that a value may come from are of the provider's library, and make something else than it does.
fn is_made_apart(study: &Study<'_>, value: ValueRef, made: &CallFact<'_>) -> bool {
    let origins = study.program.origins(value, false);
    !origins.is_empty()
        && origins.into_iter().all(|origin| match origin {
            Origin::Call(call, _) => study.program.callee(call).name.is_some_and(|name| is_beside_provider(name, made)),
            _ => false,
        })
}

/// Whether a type of others is of the provider's package: a provider that is seen to stay in sight is nothing else's.
fn is_in_provider_home(ty: Ustr, made: &CallFact<'_>) -> bool {
    let package = |name: &str| name.rsplit_once('.').map(|(package, _)| package.to_owned());
    made.effect.returns.first().is_none_or(|home| package(home) == package(&ty))
}

/// Whether a name is one of the provider's library, beside its package: of an exporter, of other signals than traces. What is
/// in the package itself takes part in the provider's work, as its processors do.
fn is_beside_provider(name: Ustr, made: &CallFact<'_>) -> bool {
    let package = |name: Ustr| name.rsplit_once('.').map_or_else(String::new, |(package, _)| package.to_owned());
    let Some(home) = made.effect.returns.first().map(|ty| package(*ty)) else { return false };
    let at = package(name);
    let is_below =
        |module: &str, at: &str| at == module || at.strip_prefix(module).is_some_and(|rest| rest.starts_with('/'));
    let mut modules = made.library.modules.iter().filter(|module| is_below(module, &home));
    at != home && modules.any(|module| is_below(module, &at))
}

/// Whether a method that would flush a provider is seen to be of no use (Go): nobody calls the function that it stands in,
/// or all who call that drop it, as it is handed out to them.
fn is_left_behind(study: &Study<'_>, flush: ValueRef, made: &CallFact<'_>) -> bool {
    let program = study.program;
    if study.language() != Language::Go {
        return false;
    }
    let outer = program.outermost(program.function_covering(flush));
    if outer.id.0 == 0 || study.starts_process(outer) {
        return false;
    }
    let callers = program.callers(outer);
    if callers.is_empty() && outer != program.outermost(made.function) {
        // Files that import no contexts are not read whole: they may call what takes none.
        let takes_context = study.context_param(outer).is_some_and(|param| !param.is_request);
        // Of a method that is named like those that end providers, each call is looked at for itself.
        let is_asked_by_name = ending_names(study).contains(program.function(outer).name.as_str());
        let is_handed = if is_asked_by_name { is_a_value(study, outer) } else { study.is_handed_around(outer) };
        return takes_context && !is_handed && !study.is_offered(outer.file);
    }
    !callers.is_empty()
        && handed_out_at(study, outer, flush)
            .is_some_and(|at| callers.iter().all(|call| is_result_dropped(study, *call, at)))
}

/// The position at which a function hands out a method, or a literal around its call, where it does nothing else with it.
fn handed_out_at(study: &Study<'_>, function: FuncRef, flush: ValueRef) -> Option<usize> {
    let program = study.program;
    let flow = &program.files.get(flush.file as usize)?.flow;
    let within = program.function_covering(flush);
    let value = if within == function { flush.expr } else { *flow.closures.get(&within.id)? };
    flow.returns_of(function.id).find_map(|found| found.values.iter().position(|at| *at == value))
}

/// Whether who calls a function throws one of its results away.
pub(super) fn is_result_dropped(study: &Study<'_>, call: ValueRef, at: usize) -> bool {
    let program = study.program;
    let Some(flow) = program.files.get(call.file as usize).map(|file| &file.flow) else { return false };
    if program.call_site(call).is_some_and(|site| site.dropped && !site.deferred && !site.spawned) {
        return true;
    }
    let is_it = |kind: &DefKind| matches!(kind, DefKind::Value { index: Some(n), .. } if *n as usize == at);
    let defs: Vec<_> = flow.defs_from(call.expr).collect();
    let is_used = |var: crate::link::flow::VarId| {
        flow.vars.get(var.0 as usize).is_none_or(|var| var.name != "_" && !var.uses.is_empty())
    };
    let is_spread = defs.iter().any(|(_, def)| matches!(def.kind, DefKind::Value { index: Some(_), .. }));
    let writes = flow
        .writes_from(call.expr)
        .any(|write| write.index.is_none_or(|n| n as usize == at) && !is_blank(study, call, write.target));
    is_spread && !writes && !defs.iter().any(|(_, def)| is_it(&def.kind) && is_used(def.var))
}

fn is_blank(study: &Study<'_>, call: ValueRef, target: ExprId) -> bool {
    matches!(study.program.expr_kind(ValueRef { expr: target, ..call }), ExprKind::Name(name) if *name == "_")
}
