//! Work that is handed to a thread, a pool or a future without its context.

use super::executor::{self, Executor};
use super::given::{self, HandOver};
use super::report::{finding, rule, rule_of};
use super::{annotated, callback, decorator, mdc, pipeline, spawner, task, variables};
use crate::finding::{Finding, Related};
use crate::ir::Language;
use crate::knowledge::{HopKind, Slot, Spawn, SpawnKind, TypeRole};
use crate::link::flow::CallSite;
use crate::link::{FuncRef, ValueRef};
use crate::rules::clients::{Lives, is_plain_client, serves};
use crate::rules::{Ruling, Verdicts};
use crate::study::{CallFact, Inbound, Study, Summary};
use rustc_hash::FxHashMap;

/// Why nothing is said where a package that is not seen sets tracing up.
const OUT_OF_SIGHT: &str = "what sets tracing up is not seen, and may take the context along";
/// What work does that a trace would show.
const MATTERS: Summary = Summary::STARTS;

/// One hand-over that loses the context.
pub(super) struct Lost<'a> {
    /// The hand-over.
    pub(super) fact: CallFact<'a>,
    /// How it hands over.
    pub(super) kind: SpawnKind,
    /// What it hands over.
    pub(super) task: ValueRef,
    /// Where its executor is made.
    pub(super) made: Option<ValueRef>,
    /// Why a trace is there.
    pub(super) trace: Related,
    /// Only log records lose something.
    pub(super) logs_only: bool,
    /// The call that runs what the task was given, when nothing else in the task shows that it takes part in a trace.
    pub(super) given: Option<ValueRef>,
    /// Where the id is set that is all that the task loses.
    pub(super) set: Option<Related>,
    /// That a trace is there is only assumed.
    pub(super) assumed: bool,
}

/// Why a hand-over is not seen to lose a context.
enum Kept {
    /// A verdict on it.
    Judged(Ruling),
    /// No trace crosses it.
    Passed(&'static str),
}

/// What is handed over.
struct Task {
    value: ValueRef,
    functions: Vec<FuncRef>,
}

/// Judges every hand-over; losses through one executor are one finding.
pub(super) fn check(lives: &Lives<'_, '_>, out: &mut Verdicts) {
    let study = lives.study;
    let mut groups: Vec<Vec<Lost<'_>>> = Vec::new();
    let mut by_made: FxHashMap<ValueRef, usize> = FxHashMap::default();
    let mut others = own_threads(study);
    others.extend(handed_back(study));
    for (fact, run) in study.calls().iter().map(|fact| (fact, None)).chain(others.iter().map(|(f, r)| (f, Some(r)))) {
        let Some(spawn) = fact.effect.spawns.filter(judged) else { continue };
        if run.is_none() && callback::is_left_out(study, fact, spawn) {
            continue;
        }
        let unit = study.program.files[fact.call.file as usize].source.unit;
        let by_kind = rule_of(spawn.kind);
        match judge(lives, fact, spawn, run) {
            Ok(lost) => {
                out.count(unit, fact.call, rule(&lost), Ruling::broken("nothing takes the context along"));
                if is_told(study, out, &lost) {
                    continue;
                }
                let group = lost.made.and_then(|made| by_made.get(&made).copied());
                if let Some(group) = group.and_then(|at| groups.get_mut(at)) {
                    group.push(lost);
                    continue;
                }
                if let Some(made) = lost.made {
                    by_made.insert(made, groups.len());
                }
                groups.push(vec![lost]);
            }
            Err(Kept::Judged(ruling)) => out.count(unit, fact.call, by_kind, ruling),
            Err(Kept::Passed(because)) => out.pass(fact.call, by_kind, because),
        }
    }
    out.findings.extend(groups.into_iter().filter_map(|group| finding(study, &group)));
}

/// Whether a finding in the task itself tells of the loss already: where contexts are handed over, a fresh one that the
/// task works under is the cause, whatever runs the task.
fn is_told(study: &Study<'_>, out: &Verdicts, lost: &Lost<'_>) -> bool {
    let task = study.program.place(lost.task);
    let inside = |found: &Finding| found.place.path == task.path && task.span.contains(found.place.span);
    let fresh = |found: &Finding| matches!(found.rule, "goroutine-context" | "context-replaced");
    study.language() == Language::Go && out.findings.iter().any(|found| fresh(found) && inside(found))
}

fn judged(spawn: &Spawn) -> bool {
    matches!(spawn.kind, SpawnKind::Thread | SpawnKind::Executor | SpawnKind::Future | SpawnKind::Callback)
}

/// Objects of the service's own thread classes, as spawns of their `run` methods.
fn own_threads<'a>(study: &Study<'a>) -> Vec<(CallFact<'a>, Vec<FuncRef>)> {
    let program = study.program;
    let mut out = Vec::new();
    if study.language() != Language::Python {
        return out;
    }
    for (at, file) in program.files.iter().enumerate() {
        for site in &file.flow.calls {
            let call = ValueRef { file: at as u32, expr: site.expr };
            let made = program.callee(call).constructs.filter(|made| program.own_type(*made).is_some());
            let Some(made) = made.filter(|made| program.role(*made) == Some(TypeRole::Thread)) else { continue };
            let thread = program.supertypes(made).iter().find_map(|ty| program.knowledge.function(*ty));
            let run = program.methods(made, "run".into());
            if let Some((library, effect)) = thread.filter(|_| !run.is_empty()) {
                let function = FuncRef { file: at as u32, id: site.function };
                out.push((CallFact { call, function, library, effect, site: *site }, run));
            }
        }
    }
    out
}

/// Function literals that a handler hands back, or keeps in a variable, as a type that its framework runs on another
/// thread: hand-overs without a call.
fn handed_back<'a>(study: &Study<'a>) -> Vec<(CallFact<'a>, Vec<FuncRef>)> {
    let program = study.program;
    let mut out = Vec::new();
    if study.language() != Language::Java {
        return out;
    }
    for (at, file) in program.files.iter().enumerate() {
        for (closure, expr) in &file.flow.closures {
            let call = ValueRef { file: at as u32, expr: *expr };
            let Some(function) = program.function(FuncRef { file: at as u32, id: *closure }).parent else { continue };
            let function = FuncRef { file: at as u32, id: function };
            let found = expected(study, function, call).and_then(|ty| program.knowledge.function(ty));
            let Some((library, effect)) = found.filter(|(_, effect)| effect.spawns.is_some()) else { continue };
            // What decorates the tasks of the service's executors decorates those of the framework's as well.
            if decorator::has_decorator(study, file.source.unit, !study.unit(at as u32).is_traced()) {
                continue;
            }
            let site = CallSite {
                expr: *expr,
                function: function.id,
                deferred: false,
                spawned: false,
                managed: false,
                dropped: false,
                in_loop: 0,
            };
            out.push((CallFact { call, function, library, effect, site }, vec![FuncRef { id: *closure, ..function }]));
        }
    }
    out.sort_by_key(|(fact, _)| fact.call);
    out
}

/// The type as which a function literal is returned or kept in a variable.
fn expected(study: &Study<'_>, function: FuncRef, closure: ValueRef) -> Option<ustr::Ustr> {
    let program = study.program;
    let flow = &program.files.get(closure.file as usize)?.flow;
    if flow.returns_of(function.id).any(|found| found.values.first() == Some(&closure.expr)) {
        let ty = program.function(function).results.first()?;
        return Some(program.type_ref(function.file, ty));
    }
    let (_, def) = flow.defs_from(closure.expr).next()?;
    let used = flow.vars.get(def.var.0 as usize)?.uses.first()?;
    program.type_of(ValueRef { expr: *used, ..closure })
}

/// The task of a hand-over and the functions that it runs.
fn handed_over(
    study: &Study<'_>,
    fact: &CallFact<'_>,
    spawn: Spawn,
    run: Option<&Vec<FuncRef>>,
) -> Result<Task, Ruling> {
    if let Some(run) = run {
        return Ok(Task { value: fact.call, functions: run.clone() });
    }
    let Some(value) = study.slot(fact.call, spawn.task).first().copied() else {
        return Err(Ruling::unknown("the task is not seen"));
    };
    let is_pipeline = pipeline::is_one(fact);
    if is_pipeline && pipeline::may_be_told(study.unit(fact.call.file), fact.library) {
        return Err(Ruling::carried("a setting makes pipelines take the context along, or may"));
    }
    let mut functions = if is_pipeline { pipeline::sources(study, value) } else { task::functions(study, value) };
    if functions.is_empty() && !is_pipeline {
        functions = task::run_by(study, fact.call, value);
    }
    let unit = study.unit(fact.call.file);
    let is_traced = unit.is_traced() || unit.own_instrumentor;
    if task::carried(study, value, !is_traced) {
        return Err(Ruling::carried("the task is wrapped so that the context goes along"));
    }
    if task::carried(study, value, true) && (functions.is_empty() || !matters(study, &functions, false)) {
        return Err(Ruling::unknown("its logging context goes along, and what else the task needs is not seen"));
    }
    if functions.is_empty() {
        return Err(Ruling::unknown("the functions that the task runs are not seen"));
    }
    functions.extend(task::continuing(study, fact));
    Ok(Task { value, functions })
}

/// Whether the logging context is all that a task needs of its caller's: nothing traces the service, or the task does
/// nothing that a trace would show but log.
fn by_mdc(study: &Study<'_>, fact: &CallFact<'_>, functions: &[FuncRef]) -> bool {
    let unit = study.unit(fact.call.file);
    (!unit.is_traced() && !unit.own_instrumentor) || !matters(study, functions, false)
}

/// Whether a task of a traced service only logs, and its records lose the ids that are in the logging context where it is
/// handed over: put there by the service, or by what traces it, if the task itself or what it calls writes them.
fn loses_ids(study: &Study<'_>, fact: &CallFact<'_>, spawn: Spawn, task: &Task) -> bool {
    let depth = usize::from(!spawn.on_pool_of_task);
    let by_stack = || {
        mdc::logs_within(study, &task.functions, depth)
            && mdc::bear_ids(study, fact.call.file)
            && !annotated::is_cut_off(study, study.program.outermost(fact.function))
    };
    study.language() == Language::Java
        && ((mdc::logs(study, &task.functions) && mdc::has_ids(study, fact.function)) || by_stack())
}

/// Whether what covers a library takes along the spans of one family alone, and the requests of the service are traced by
/// another one: each keeps its spans in a place of its own (Python).
fn is_covered_for_others(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let unit = study.unit(fact.call.file);
    let is_of_request = matches!(study.inbound(fact.function), Inbound::Entry(_) | Inbound::Below(_));
    let family = unit.coverage(fact.library).map_or("", |found| found.family.as_str());
    if study.language() != Language::Python || family.is_empty() || !is_of_request || study.is_under_span(fact.function)
    {
        return false;
    }
    let libraries = study.program.knowledge.libraries().iter().filter(|library| serves(library));
    let mut families =
        libraries.filter_map(|library| unit.coverage(library)).map(|found| found.family.as_str()).peekable();
    families.peek().is_some() && families.all(|other| !other.is_empty() && other != family)
}

/// Judges one hand-over.
fn judge<'a>(
    lives: &Lives<'_, 'a>,
    fact: &CallFact<'a>,
    spawn: Spawn,
    run: Option<&Vec<FuncRef>>,
) -> Result<Lost<'a>, Kept> {
    let study = lives.study;
    let unit = study.unit(fact.call.file);
    let home = study.program.files[fact.call.file as usize].source.unit;
    // What is handed around inside is lost whoever sets tracing up, unless that covers the library as well.
    let out_of_sight = unit.is_set_up_out_of_sight();
    let is_traced = unit.is_traced() && !(out_of_sight && study.language() == Language::Java);
    let inside_only = !is_traced && !unit.own_instrumentor && study.has_spans_inside(home);
    let mdc_only = !is_traced && !unit.own_instrumentor && !inside_only;
    let variables = spawn.without_variables && variables::are_used(study, fact.call.file);
    if mdc_only && !variables && !mdc::has_ids(study, fact.function) {
        if out_of_sight {
            return Err(Kept::Judged(Ruling::unknown(OUT_OF_SIGHT)));
        }
        return Err(Kept::Passed("nothing traces the service, and no ids are in its logging context here"));
    }
    if spawn.carries {
        return Err(carried("the library takes the context along by itself"));
    }
    if unit.covers_every_client(fact.library) && !is_covered_for_others(study, fact) {
        return Err(carried("what traces the service covers the library"));
    }
    if out_of_sight && is_traced {
        return Err(Kept::Judged(Ruling::unknown(OUT_OF_SIGHT)));
    }
    if spawner::finds_context_anywhere(study, fact.function) {
        return Err(carried("what traces the service finds the invocation's context on any thread"));
    }
    if spawn.on_pool_of_task && runs_in_lost_task(study, fact.function) {
        return Err(Kept::Passed("it runs on the pool of the task around it, whose hand-over is judged"));
    }
    let known = spawner::trace(study, fact.function);
    let assumed = known.is_none();
    let trace = known
        .or_else(|| spawner::of_library(study, fact.function))
        .ok_or(Kept::Passed("no trace is known to be there where the work is handed over"))?;
    let task = handed_over(study, fact, spawn, run).map_err(Kept::Judged)?;
    if spawn.kind == SpawnKind::Callback && !callback::is_run_plainly(lives, fact) {
        return Err(Kept::Judged(Ruling::unknown("its client may call back with the context of the request")));
    }
    let joined = study.language() == Language::Python && task::is_joined(study, fact.call, fact.function);
    if assumed && !joined {
        return Err(Kept::Passed("no trace is known to be there, and the work is not waited for"));
    }
    if !joined && task::loops_forever(study, &task.functions) {
        return Err(Kept::Passed("the task loops as long as the process lives"));
    }
    // Where the stack writes its ids into log records, a record without them is out of the trace.
    let matters = match inside_only {
        true => task.functions.iter().any(|function| study.summary(*function).has(MATTERS)),
        false if variables && mdc_only => false,
        false => matters(study, &task.functions, mdc_only) && (mdc_only || !sends_plainly(lives, &task.functions)),
    };
    let matters = matters || (unit.logs_ids() && mdc::logs(study, &task.functions));
    let given = match joined && !mdc_only {
        true => {
            let spawn = HandOver { call: fact.call, task: task.value, functions: &task.functions };
            given::runs_given(study, &spawn)
        }
        false => None,
    };
    let starts = || task.functions.iter().any(|function| study.summary(*function).has(MATTERS));
    if assumed && given.is_none() && !starts() {
        return Err(Kept::Passed("no trace is known to be there where the work is handed over"));
    }
    // What the trace's spans don't miss, the log records may: by the ids that the service puts there itself.
    let ids_only = !matters && !inside_only && given.is_none();
    let set = if ids_only && variables { variables::lost(study, fact.function, &task.functions) } else { None };
    let ids_only = ids_only && (set.is_some() || loses_ids(study, fact, spawn, &task));
    let matters = matters || ids_only;
    let mdc_only = mdc_only || ids_only;
    if !matters && given.is_none() {
        return Err(Kept::Passed("nothing that a trace would show is seen to happen in the task"));
    }
    let by_mdc = by_mdc(study, fact, &task.functions);
    if task::restores(study, &task.functions, given.is_some(), by_mdc) {
        return Err(carried("the task makes a context current itself"));
    }
    if task::is_given_context(study, &task.functions) {
        return Err(carried("the task hands on a context of the code around it"));
    }
    if mdc_only && mdc::puts_again(study, &task.functions) {
        return Err(carried("the task puts the ids into the logging context again"));
    }
    let given = given.filter(|_| !matters);
    let made = match executor::judge(study, fact, spawn.executor, by_mdc) {
        Executor::Carries => return Err(carried("its executor takes the context along")),
        Executor::Unknown => {
            return Err(Kept::Judged(Ruling::unknown("where its executor is made is not wholly seen")));
        }
        // What covers some executors covers those of the container.
        Executor::Kept(_) if unit.coverage(fact.library).is_some() => {
            return Err(carried("what traces the service covers the executors that the container hands out"));
        }
        Executor::Kept(made) => Some(made),
        Executor::Plain(made) => made,
    };
    if is_on_purpose(study, fact.call) {
        return Err(Kept::Passed("a comment at the call speaks of the context that is left behind"));
    }
    let assumed = assumed || inside_only;
    Ok(Lost { fact: *fact, kind: spawn.kind, task: task.value, made, trace, logs_only: mdc_only, given, set, assumed })
}

/// Whether a function literal is a task that is handed to an executor which does not carry the context, as far as is seen.
fn runs_in_lost_task(study: &Study<'_>, function: FuncRef) -> bool {
    let mut inner = function;
    while let Some(outer) = study.program.function(inner).parent.filter(|parent| parent.0 != 0) {
        let outer = FuncRef { id: outer, ..function };
        let takes = |fact: &&CallFact<'_>| {
            let spawn = fact.effect.spawns.filter(|spawn| spawn.kind == SpawnKind::Executor);
            let tasks = spawn.map(|spawn| study.slot(fact.call, spawn.task)).unwrap_or_default();
            tasks.into_iter().any(|task| task::functions(study, task).contains(&inner))
        };
        if let Some(around) = study.calls_in(outer).find(takes) {
            let slot = around.effect.spawns.map_or(Slot::None, |spawn| spawn.executor);
            let by_mdc = !study.unit(function.file).is_traced();
            return executor::judge(study, around, slot, by_mdc) != Executor::Carries;
        }
        inner = outer;
    }
    false
}

/// Most lines of a comment above a call that are read.
const MAX_COMMENT: usize = 12;

/// Whether the comment right above the statement of a call, or beside it, speaks of contexts: whoever wrote it knew what
/// the call leaves behind.
fn is_on_purpose(study: &Study<'_>, call: ValueRef) -> bool {
    const WORDS: &[&str] = &["contextvar", "opentelemetry", "otel context", "trace context", "span context", "tracing"];
    let (mark, path) = match study.language() {
        Language::Python => ("#", study.program.place(call).path),
        _ => ("//", study.program.place(call).path),
    };
    let Some(text) = study.file_text(path) else { return false };
    let start = study.program.expr(call).span.start as usize;
    let Some(before) = text.get(..start) else { return false };
    let above = before.lines().rev().skip(usize::from(!before.ends_with('\n')));
    let above = above.take(MAX_COMMENT).map(str::trim).take_while(|line| line.starts_with(mark));
    let beside = text.get(start..).and_then(|rest| rest.lines().next()).and_then(|line| line.split_once(mark));
    let words = above.chain(beside.map(|(_, comment)| comment)).collect::<Vec<_>>().join(" ").to_ascii_lowercase();
    WORDS.iter().any(|word| words.contains(word))
}

fn carried(because: &'static str) -> Kept {
    Kept::Judged(Ruling::carried(because))
}

/// Whether all that a task does for others is to ask them through clients that are seen to send no header, and that
/// nothing covers: with its caller's context it would do the same.
fn sends_plainly(lives: &Lives<'_, '_>, functions: &[FuncRef]) -> bool {
    let study = lives.study;
    if functions.iter().any(|function| study.summary(*function).has(MATTERS | Summary::PRODUCES)) {
        return false;
    }
    let below = task::below(study, functions, 4);
    let asked = below.iter().flat_map(|function| study.calls_in(*function));
    let mut asked = asked.filter(|fact| fact.effect.hop.is_some_and(|hop| hop.kind == HopKind::HttpCall)).peekable();
    let is_plain = |fact: &CallFact<'_>| {
        study.unit(fact.call.file).coverage(fact.library).is_none() && is_plain_client(lives, fact)
    };
    asked.peek().is_some() && asked.all(is_plain)
}

fn matters(study: &Study<'_>, functions: &[FuncRef], mdc_only: bool) -> bool {
    if mdc_only {
        return mdc::logs(study, functions);
    }
    functions.iter().any(|function| study.summary(*function).has(MATTERS | Summary::CALLS_OUT | Summary::PRODUCES))
        || task::asks_traced_store(study, functions)
}
