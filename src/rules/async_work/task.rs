//! What a spawned task is: the functions it runs, whether it takes its context along, and what it does.

use super::handed_in;
use crate::ir::{Block, ExprKind, FileFacts, Language, LoopKind, StmtKind};
use crate::knowledge::{HopKind, Slot, TypeRole};
use crate::link::{FuncRef, Origin, Step, ValueRef};
use crate::study::{CallFact, Study, Summary, functions_of};

/// The methods by which Java's functional interfaces are run.
pub(in crate::rules) const RUNNERS: &[&str] = &["run", "call", "get", "apply", "accept", "compute"];

/// How many wrappers are looked through for what a task runs, and how many methods one call of a wrapper may be of.
const MAX_WRAPPERS: u32 = 3;
const MAX_MAKERS: usize = 4;

/// How many steps behind a future's task are looked at.
const MAX_STEPS: usize = 12;
/// How many functions are looked at below one task.
const MAX_FUNCTIONS: usize = 200;

/// The functions that a task value runs, as far as they are seen.
pub(super) fn functions(study: &Study<'_>, value: ValueRef) -> Vec<FuncRef> {
    let mut out = direct(study, value);
    if out.is_empty() {
        for origin in study.program.origins(value, true) {
            if let Origin::Literal(found) | Origin::Call(found, _) = origin {
                out.extend(direct(study, found));
            }
        }
        if !out.is_empty() {
            out.extend(wrapped(study, value, MAX_WRAPPERS));
        }
    }
    if out.is_empty() {
        out = handed_in::functions(study, value);
    }
    out.extend(handed_in::called_inside(study, &out));
    out.sort_unstable();
    out.dedup();
    out
}

/// What the service's own functions that make a task were given to run in it: `guard(() -> work())`.
fn wrapped(study: &Study<'_>, made: ValueRef, depth: u32) -> Vec<FuncRef> {
    let program = study.program;
    let (ExprKind::Call { args, .. } | ExprKind::New { args, .. }) = program.expr_kind(made) else { return Vec::new() };
    let makers = &program.callee(made).functions;
    if depth == 0 || makers.is_empty() || study.fact(made).is_some() {
        return Vec::new();
    }
    let given = args.iter().map(|arg| ValueRef { expr: arg.value, ..made });
    let mut out: Vec<FuncRef> = given.flat_map(|value| functions_of(study, value)).collect();
    let few = &makers[..makers.len().min(MAX_MAKERS)];
    out.extend(program.first_results(few).flat_map(|value| wrapped(study, value, depth - 1)));
    out
}

/// The functions of the coroutine that a library's runner is handed over with: `pool.submit(asyncio.run, work())`.
pub(super) fn run_by(study: &Study<'_>, call: ValueRef, task: ValueRef) -> Vec<FuncRef> {
    let program = study.program;
    let runner = program.qualify(task).and_then(|name| program.described(name)).and_then(|(_, effect)| effect.spawns);
    let (Some(Slot::Arg(n)), ExprKind::Call { args, .. }) = (runner.map(|spawn| spawn.task), program.expr_kind(call))
    else {
        return Vec::new();
    };
    let Some(at) = args.iter().position(|arg| arg.value == task.expr) else { return Vec::new() };
    let Some(work) = args.get(at + 1 + usize::from(n)).filter(|arg| arg.name.is_none()) else { return Vec::new() };
    let work = ValueRef { expr: work.value, ..call };
    // The call makes the coroutine, or a variable holds what the call made.
    let made = match program.step(work) {
        _ if matches!(program.expr_kind(work), ExprKind::Call { .. }) => vec![work],
        Step::Values(values) => values.to_vec(),
        _ => Vec::new(),
    };
    let made = made.into_iter().filter(|value| matches!(program.expr_kind(*value), ExprKind::Call { .. }));
    let mut out: Vec<FuncRef> = made.flat_map(|found| program.callee(found).functions.to_vec()).collect();
    out.sort_unstable();
    out.dedup();
    out
}

/// The functions of the steps that go on with the result of a future's task, on the thread that it ran on: `supplyAsync(load)
/// .thenAccept(send)`. A step that hops again is a hand-over of its own.
pub(super) fn continuing(study: &Study<'_>, spawn: &CallFact<'_>) -> Vec<FuncRef> {
    let program = study.program;
    let mut out = Vec::new();
    let mut at = spawn.call;
    while let Some(step) =
        program.parent(at).and_then(|member| program.parent(member)).filter(|_| out.len() < MAX_STEPS)
    {
        let fact = study.fact(step).filter(|fact| fact.library.id == spawn.library.id);
        let goes_on =
            fact.is_some_and(|fact| fact.effect.derives == Some(Slot::Receiver) && fact.effect.spawns.is_none());
        let ExprKind::Call { args, .. } = program.expr_kind(step) else { break };
        if !goes_on || program.receiver(step) != Some(at) {
            break;
        }
        out.extend(args.iter().flat_map(|arg| functions_of(study, ValueRef { expr: arg.value, ..step })));
        at = step;
    }
    out
}

fn direct(study: &Study<'_>, value: ValueRef) -> Vec<FuncRef> {
    let found = functions_of(study, value);
    if !found.is_empty() {
        return found;
    }
    if !matches!(study.program.expr_kind(value), ExprKind::Call { .. } | ExprKind::New { .. }) {
        return Vec::new();
    }
    if let Some(slot) = study.fact(value).and_then(|fact| fact.effect.derives) {
        return study
            .slot(value, slot)
            .into_iter()
            .filter(|inner| *inner != value)
            .flat_map(|v| functions_of(study, v))
            .collect();
    }
    let Some(made) = study.program.callee(value).constructs else { return Vec::new() };
    RUNNERS.iter().flat_map(|name| study.program.methods(made, (*name).into())).collect()
}

/// Whether something on the way of a value wraps it so that the context goes along, or instruments it. With `by_mdc`, what
/// takes the logging context along is enough.
pub(super) fn carried(study: &Study<'_>, value: ValueRef, by_mdc: bool) -> bool {
    let program = study.program;
    let mut seen = vec![value];
    let mut at = 0;
    while let Some(current) = seen.get(at).copied() {
        at += 1;
        if at > MAX_FUNCTIONS {
            return true;
        }
        if carries_here(study, current, by_mdc) {
            return true;
        }
        let mut next: Vec<ValueRef> = Vec::new();
        if let Some(slot) = study.fact(current).and_then(|fact| fact.effect.derives) {
            next.extend(study.slot(current, slot));
        }
        match program.step(current) {
            Step::Values(values) => next.extend(values),
            Step::Part(value) => next.push(value),
            Step::Call(call, _) => next.push(call),
            Step::Field(owner, name) => {
                next.extend(program.all_writes(owner, name).into_iter().map(|(value, _)| value))
            }
            Step::Param(function, n) => next.extend(program.arguments(function, n)),
            Step::Literal(_) | Step::Unknown => {}
        }
        for value in next {
            if !seen.contains(&value) {
                seen.push(value);
            }
        }
    }
    false
}

fn carries_here(study: &Study<'_>, value: ValueRef, by_mdc: bool) -> bool {
    let program = study.program;
    match program.expr_kind(value) {
        ExprKind::Call { .. } | ExprKind::New { .. } => {
            if let Some(fact) = study.fact(value) {
                let effect = fact.effect;
                return effect.carries.is_some() || effect.instruments.is_some() || (by_mdc && effect.copies_mdc);
            }
            wraps(study, value, by_mdc)
        }
        ExprKind::Member { base, name, .. } | ExprKind::MethodRef { base, name } => {
            let base = ValueRef { file: value.file, expr: *base };
            let Some(owner) = program.type_of(base) else { return false };
            let name = format!("{owner}.{name}");
            program.described(name.as_str().into()).is_some_and(|(_, effect)| effect.carries.is_some())
        }
        _ => false,
    }
}

/// Whether the service's own functions that a call runs wrap what they are given. What they do by running it is not theirs:
/// everything that is ever handed to them would count.
fn wraps(study: &Study<'_>, call: ValueRef, by_mdc: bool) -> bool {
    let program = study.program;
    let runs = |call: &ValueRef| match program.expr_kind(*call) {
        ExprKind::Call { callee, .. } => match program.expr_kind(ValueRef { expr: *callee, ..*call }) {
            ExprKind::Member { name, .. } => RUNNERS.contains(&name.as_str()),
            _ => false,
        },
        _ => false,
    };
    let mut seen: Vec<FuncRef> = Vec::new();
    let mut level = program.callee(call).functions.to_vec();
    for _ in 0..4 {
        let inside: Vec<FuncRef> = level.drain(..).flat_map(|function| study.with_nested(function)).collect();
        let fresh: Vec<FuncRef> = inside.into_iter().filter(|function| !seen.contains(function)).collect();
        if seen.len() > MAX_FUNCTIONS {
            return true;
        }
        for function in fresh {
            let does = |fact: &CallFact<'_>| {
                let effect = fact.effect;
                effect.carries.is_some() || effect.instruments.is_some() || (by_mdc && effect.copies_mdc)
            };
            if study.calls_in(function).any(does) {
                return true;
            }
            seen.push(function);
            let below = calls(study, function).filter(|call| !runs(call));
            level.extend(below.flat_map(|call| program.callee(call).functions.to_vec()));
        }
    }
    false
}

/// The functions, and those of the service that they call, nearest first.
pub(super) fn below(study: &Study<'_>, functions: &[FuncRef], depth: usize) -> Vec<FuncRef> {
    let program = study.program;
    let mut out: Vec<FuncRef> = Vec::new();
    let mut level: Vec<FuncRef> = functions.to_vec();
    for _ in 0..=depth {
        let mut next = Vec::new();
        for function in level.into_iter().flat_map(|function| study.with_nested(function)) {
            if out.contains(&function) || out.len() > MAX_FUNCTIONS {
                continue;
            }
            out.push(function);
            next.extend(calls(study, function).flat_map(|call| program.callee(call).functions.to_vec()));
        }
        level = next;
    }
    out
}

/// All calls that stand in a function.
pub(super) fn calls<'s>(study: &'s Study<'_>, function: FuncRef) -> impl Iterator<Item = ValueRef> + 's {
    let file = study.program.files.get(function.file as usize);
    let sites = file.map(|file| file.flow.calls.as_slice()).unwrap_or_default();
    sites
        .iter()
        .filter(move |site| site.function == function.id)
        .map(move |site| ValueRef { file: function.file, expr: site.expr })
}

/// Whether the task makes a context current that it was given, or starts its spans under one. A given parent reaches
/// only the span that is started with it: with `all_below`, it does not count. With `by_mdc`, a task that sets the logging
/// context by hand has what it needs.
pub(super) fn restores(study: &Study<'_>, functions: &[FuncRef], all_below: bool, by_mdc: bool) -> bool {
    let restoring = |fact: &CallFact<'_>| (by_mdc && fact.effect.copies_mdc) || restoring(study, fact, all_below);
    below(study, functions, 2).into_iter().any(|function| study.calls_in(function).any(restoring))
}

fn restoring(study: &Study<'_>, fact: &CallFact<'_>, all_below: bool) -> bool {
    let effect = fact.effect;
    if effect.extract.is_some() || effect.carries.is_some() || effect.drops_parent {
        return true;
    }
    if let Some(slot) = effect.activates {
        return study.slot(fact.call, slot).into_iter().any(|value| !is_started_span(study, value));
    }
    if let Some(slot) = effect.binds_context {
        return !all_below && !study.slot(fact.call, slot).is_empty();
    }
    effect.span.is_some_and(|span| (span.current || !all_below) && !study.slot(fact.call, span.context).is_empty())
}

/// Whether a task of a language that hands contexts over gives its calls one of the code around it: it came along in the
/// function literal. One that is fresh on every way did not.
pub(super) fn is_given_context(study: &Study<'_>, functions: &[FuncRef]) -> bool {
    let program = study.program;
    let inside = functions.iter().flat_map(|function| study.with_nested(*function));
    let mut given = inside.flat_map(|function| calls(study, function)).flat_map(|call| study.slot(call, Slot::AnyArg));
    study.language() == Language::Go
        && given.any(|value| program.role_of(value) == Some(TypeRole::Context) && may_hold_trace(study, value))
}

/// Whether a context is not fresh on every way that it comes.
fn may_hold_trace(study: &Study<'_>, context: ValueRef) -> bool {
    study.program.origins(context, false).iter().any(|origin| match origin {
        Origin::Call(call, _) => study.fact(*call).is_none_or(|fact| !fact.effect.root_context),
        _ => true,
    })
}

/// Whether the task asks a store whose calls have spans in this unit.
pub(super) fn asks_traced_store(study: &Study<'_>, functions: &[FuncRef]) -> bool {
    let is_store = |fact: &crate::study::CallFact<'_>| {
        fact.effect.hop.is_some_and(|hop| hop.kind == HopKind::Store)
            && study.unit(fact.call.file).coverage(fact.library).is_some()
    };
    study.language() == Language::Python
        && functions.iter().any(|function| study.summary(*function).has(Summary::STORES))
        && below(study, functions, 4).into_iter().any(|function| study.calls_in(function).any(is_store))
}

/// Whether the code that hands work over waits for its results: the work is part of what it does.
pub(super) fn is_joined(study: &Study<'_>, spawn: ValueRef, function: FuncRef) -> bool {
    let program = study.program;
    let awaited = program.parent(spawn).is_some_and(|above| matches!(program.expr_kind(above), ExprKind::Await(_)));
    let mut around = study
        .with_nested(program.outermost(function))
        .into_iter()
        .flat_map(|inner| calls(study, inner).collect::<Vec<_>>());
    awaited || method_name(study, spawn).is_some_and(|name| name == "map") || around.any(|call| waits(study, call))
}

/// The last name of what a call runs.
pub(super) fn method_name(study: &Study<'_>, call: ValueRef) -> Option<ustr::Ustr> {
    let ExprKind::Call { callee, .. } = study.program.expr_kind(call) else { return None };
    match study.program.expr_kind(ValueRef { expr: *callee, ..call }) {
        ExprKind::Member { name, .. } | ExprKind::Name(name) => Some(*name),
        _ => None,
    }
}

/// `future.result()`, `thread.join()`, `as_completed(futures)`; joining strings has an argument.
fn waits(study: &Study<'_>, call: ValueRef) -> bool {
    let ExprKind::Call { args, .. } = study.program.expr_kind(call) else { return false };
    match method_name(study, call).map(|name| name.as_str()) {
        Some("join") => args.iter().all(|arg| arg.name.is_some()),
        Some("result" | "as_completed" | "gather") => true,
        _ => false,
    }
}

/// Whether all that a value may be are spans that were started as a child of whatever was current.
fn is_started_span(study: &Study<'_>, value: ValueRef) -> bool {
    let origins = study.program.origins(value, false);
    !origins.is_empty()
        && origins.iter().all(|origin| match origin {
            Origin::Call(call, _) => study.fact(*call).is_some_and(|fact| fact.effect.span.is_some()),
            _ => false,
        })
}

/// Whether a task is a background loop: it runs until somebody stops it, or hands itself over again.
pub(super) fn loops_forever(study: &Study<'_>, functions: &[FuncRef]) -> bool {
    let loops = below(study, functions, 1).into_iter().any(|function| {
        let facts = &study.program.files[function.file as usize].source.facts;
        has_endless_loop(facts, &study.program.function(function).body, 0)
    });
    loops || below(study, functions, 2).into_iter().any(|function| hands_itself_over(study, function))
}

/// Whether a function spawns a task that runs the function again.
fn hands_itself_over(study: &Study<'_>, function: FuncRef) -> bool {
    let outer = study.program.outermost(function);
    study.calls_in(function).filter_map(|fact| Some((fact, fact.effect.spawns?))).any(|(fact, spawn)| {
        study
            .slot(fact.call, spawn.task)
            .into_iter()
            .any(|value| below(study, &self::functions(study, value), 1).contains(&outer))
    })
}

fn has_endless_loop(facts: &FileFacts, block: &Block, depth: u32) -> bool {
    if depth > 40 {
        return false;
    }
    let inside = |block: &Block| has_endless_loop(facts, block, depth + 1);
    block.iter().filter_map(|at| facts.stmts.get(*at as usize)).any(|stmt| match &stmt.kind {
        StmtKind::Loop { kind: LoopKind::Forever, .. } => true,
        StmtKind::Loop { kind: LoopKind::While, subject: Some(subject), init, .. }
            if init.is_empty()
                && matches!(
                    facts.expr(*subject).kind,
                    ExprKind::Unary { .. } | ExprKind::Name(_) | ExprKind::Member { .. } | ExprKind::Lit(_)
                ) =>
        {
            true
        }
        StmtKind::Loop { body, .. } => inside(body),
        StmtKind::If { then, otherwise, .. } => inside(then) || inside(otherwise),
        StmtKind::Switch { arms, .. } => arms.iter().any(inside),
        StmtKind::Try { body, otherwise, finally, .. } => inside(body) || inside(otherwise) || inside(finally),
        StmtKind::With { body, .. } | StmtKind::Block(body) => inside(body),
        _ => false,
    })
}
