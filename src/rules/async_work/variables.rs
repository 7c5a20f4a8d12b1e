//! Ids of requests that Python programs keep in context variables: threads, and tasks of pools, begin without them.

use super::{mdc, task};
use crate::facts::Piece;
use crate::finding::Related;
use crate::ir::{ExprKind, Language};
use crate::knowledge::{NameOf, Slot, speaks_of_tracing, vocabulary};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::study::{CallFact, Inbound, Study};
use ustr::Ustr;

/// How many steps below a task are looked at for what asks for an id.
const DEPTH: usize = 3;

/// The type of context variables.
const VARIABLE: &str = "contextvars.ContextVar";
/// The processor of records that puts on them what is bound to the current work.
const MERGES: &str = "merge_contextvars";

/// Where an id is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Variable {
    /// In the context variable that this call makes.
    Own(ValueRef),
    /// Among what is bound to log records.
    Bound,
}

/// Whether a unit, or one that it imports from, keeps ids of requests in context variables at all.
pub(super) fn are_used(study: &Study<'_>, file: u32) -> bool {
    let unit = study.unit_of(file);
    let keeps = |unit: usize| {
        let puts = |fact: &CallFact<'_>| fact.effect.puts_mdc && variable(study, fact.call).is_some();
        study.of_unit("keeps ids in variables", unit, || study.calls_of_unit(unit).any(puts))
    };
    study.language() == Language::Python && study.with_imported(unit).into_iter().any(keeps)
}

/// Where an id is set for the request under which a function hands work over, if the tasks need it: they ask for it, or
/// write records that are to bear it. A task that sets it again has it.
pub(super) fn lost(study: &Study<'_>, function: FuncRef, tasks: &[FuncRef]) -> Option<Related> {
    let unit = study.unit_of(function.file);
    if !are_used(study, function.file) {
        return None;
    }
    let path = mdc::callers(study, study.program.outermost(function));
    let units = study.with_imported(unit);
    let puts = units.iter().flat_map(|unit| study.calls_of_unit(*unit)).filter(|fact| fact.effect.puts_mdc);
    let mut set = puts.filter_map(|fact| Some((fact, variable(study, fact.call)?)));
    let below = task::below(study, tasks, DEPTH);
    let in_task = |fact: &CallFact<'_>| below.contains(&fact.function);
    let asks = |wanted: Variable| {
        let mut reads = below.iter().flat_map(|function| study.calls_in(*function)).filter(|f| f.effect.reads_mdc);
        reads.any(|fact| variable(study, fact.call) == Some(wanted))
    };
    let logs = || mdc::logs(study, tasks);
    let (fact, _) = set.find(|(fact, kept)| {
        !in_task(fact)
            && is_around(study, fact.function, &path)
            && (asks(*kept) || (bear(study, &units, *kept) && logs()))
    })?;
    Some(study.related(fact.call, "the id of the request is set here"))
}

/// The variable that a call sets or asks, if it is one for ids: by its name, or by that of what is bound.
fn variable(study: &Study<'_>, call: ValueRef) -> Option<Variable> {
    let program = study.program;
    let ExprKind::Call { callee, args } = program.expr_kind(call) else { return None };
    let ExprKind::Member { base, .. } = program.expr_kind(ValueRef { expr: *callee, ..call }) else {
        return binds_id(args.iter().filter_map(|arg| arg.name)).then_some(Variable::Bound);
    };
    let base = ValueRef { expr: *base, ..call };
    let made = program.origins(base, true).into_iter().find_map(|origin| match origin {
        Origin::Call(made, _) => Some(made),
        _ => None,
    });
    match made {
        Some(made) => is_called_id(study, made).then_some(Variable::Own(made)),
        None => binds_id(args.iter().filter_map(|arg| arg.name)).then_some(Variable::Bound),
    }
}

fn binds_id(mut names: impl Iterator<Item = Ustr>) -> bool {
    names.any(|name| is_id(&name))
}

/// Whether a context variable is for an id, by the name that it is made with.
fn is_called_id(study: &Study<'_>, made: ValueRef) -> bool {
    let is_one = |text: crate::facts::Text| match text.0.as_slice() {
        [Piece::Literal(name)] => is_id(name),
        _ => false,
    };
    let is_variable = study.fact(made).is_some_and(|fact| fact.effect.returns.contains(&Ustr::from(VARIABLE)));
    is_variable && study.slot(made, Slot::Arg(0)).into_iter().flat_map(|name| study.texts(name)).any(is_one)
}

fn is_id(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    speaks_of_tracing(&plain, NameOf::Variable)
}

/// Whether what a function sets is there for the rest of the request: it, or what calls it, stands before the handlers, or
/// leads to the place.
fn is_around(study: &Study<'_>, function: FuncRef, path: &[FuncRef]) -> bool {
    let outer = study.program.outermost(function);
    let calls =
        study.program.callers(outer).iter().map(|call| study.program.outermost(study.program.function_at(*call)));
    let mut near = std::iter::once(outer).chain(calls);
    near.any(|found| path.contains(&found) || stands_before(study, found))
}

/// Whether a function is called so, or takes what comes behind it.
fn stands_before(study: &Study<'_>, function: FuncRef) -> bool {
    let decl = study.program.function(function);
    let is_next = |name: Ustr| is_one(name, &vocabulary().next_handlers);
    let is_before = |name: Ustr| {
        let last = name.rsplit('.').next().unwrap_or_default();
        last.starts_with("before_") || last == "middleware"
    };
    study.inbound(function) != Inbound::Root
        && (mdc::stands_before(study, function)
            || decl.name.to_ascii_lowercase().contains("middleware")
            || decl.annotations.iter().any(|found| is_before(found.name))
            || decl.params.iter().any(|param| is_next(param.name)))
}

fn is_one(name: Ustr, names: &[String]) -> bool {
    names.iter().any(|known| name == known.as_str())
}

/// Whether log records bear what a variable holds: something that completes records asks for it, itself or by a helper.
fn bear(study: &Study<'_>, units: &[usize], kept: Variable) -> bool {
    let program = study.program;
    let Variable::Own(_) = kept else {
        let mut files = program.files.iter().filter(|file| units.contains(&file.source.unit));
        let merges = |name: &Ustr| name.as_str() == MERGES;
        return files.any(|file| {
            file.source.facts.exprs.iter().any(|expr| match &expr.kind {
                ExprKind::Name(name) | ExprKind::Member { name, .. } => merges(name),
                _ => false,
            })
        });
    };
    let takes_record = |function: FuncRef| {
        program.function(function).params.iter().any(|param| is_one(param.name, &vocabulary().log_records))
    };
    let reads = units.iter().flat_map(|unit| study.calls_of_unit(*unit)).filter(|fact| fact.effect.reads_mdc);
    let mut reads = reads.filter(|fact| variable(study, fact.call) == Some(kept));
    reads.any(|fact| {
        let calls = program.callers(fact.function).iter().map(|call| program.function_at(*call));
        std::iter::once(fact.function).chain(calls).any(takes_record)
    })
}
