//! Things that live as long as the process and keep the context of the moment at which they were made: workers that are
//! started inside a request, executors that are wrapped in one context.

use super::{spawner, task};
use crate::finding::{Confidence, Finding, Related};
use crate::ir::{Expr, ExprId, ExprKind, Language, LoopKind, Span, StmtKind};
use crate::knowledge::{Slot, SpawnKind, TypeRole};
use crate::link::{FuncRef, Origin, Step, ValueRef};
use crate::rules::{Verdicts, clients};
use crate::study::{CallFact, Inbound, Study, Summary};

const RULE: &str = "context-outlives-request";

/// Finds contexts that are kept beyond the work that they belong to.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    for fact in study.calls() {
        if !study.unit(fact.call.file).is_traced() {
            continue;
        }
        let found = match study.language() {
            Language::Python => worker(study, fact),
            Language::Java => wrapped(study, fact),
            Language::Go => None,
        };
        out.findings.extend(found);
    }
}

/// An endless task that is started where a request first needs it, with a copy of that request's context.
fn worker(study: &Study<'_>, fact: &CallFact<'_>) -> Option<Finding> {
    let spawn = fact.effect.spawns.filter(|spawn| spawn.kind == SpawnKind::Task && spawn.carries)?;
    if !study.slot(fact.call, Slot::Named("context".into())).is_empty() {
        return None;
    }
    let kept = kept_at(study, fact.call)?;
    let guard = guard(study, fact, kept)?;
    let (trace, confidence) = arrival(study, fact.function)?;
    let [started] = study.slot(fact.call, spawn.task)[..] else { return None };
    let functions = study.program.callee(started).functions.to_vec();
    let [run] = functions[..] else { return None };
    let takes = takes_from_queue(study, run);
    let confidence = match works(study, run).or(takes.then_some(Work::Given))? {
        Work::Seen => confidence,
        Work::Given => Confidence::Likely,
    };
    if !loops(study, run) || task::restores(study, &functions, true, true) || drops_context(study, run) {
        return None;
    }
    if !takes && !is_shared(study, kept, fact.function) {
        return None;
    }
    Some(worker_finding(study, fact, (started, guard), trace, confidence))
}

/// The field or global that a value goes into, by itself or as one of several.
fn kept_at(study: &Study<'_>, value: ValueRef) -> Option<ValueRef> {
    let flow = &study.program.files.get(value.file as usize)?.flow;
    let written = flow.writes_from(value.expr).next().map(|write| ValueRef { expr: write.target, ..value });
    written.or_else(|| {
        let held = flow.defs_from(value.expr).flat_map(|(_, def)| &flow.vars[def.var.0 as usize].uses);
        let held = held.map(|used| ValueRef { expr: *used, ..value });
        std::iter::once(value).chain(held).find_map(|value| collected(study, value))
    })
}

/// The field that a value is put into as one of several: `self.workers.append(value)`.
fn collected(study: &Study<'_>, value: ValueRef) -> Option<ValueRef> {
    let program = study.program;
    let call = program.parent(value).filter(|call| program.slot(*call, Slot::Arg(0)).contains(&value))?;
    let ExprKind::Call { callee, .. } = program.expr_kind(call) else { return None };
    let ExprKind::Member { base, name, .. } = program.expr_kind(ValueRef { expr: *callee, ..call }) else {
        return None;
    };
    let base = ValueRef { expr: *base, ..call };
    let is_field = matches!(program.expr_kind(base), ExprKind::Member { .. });
    (is_field && matches!(name.as_str(), "append" | "add")).then_some(base)
}

/// The condition around a call that asks for what is written below it: what is there already is not made again.
fn guard(study: &Study<'_>, fact: &CallFact<'_>, kept: ValueRef) -> Option<ValueRef> {
    let program = study.program;
    let file = program.files.get(fact.call.file as usize)?;
    let facts = &file.source.facts;
    let (at, own) = (program.expr(fact.call).span, program.function(fact.function).span);
    let inside =
        |block: &[u32]| block.iter().any(|id| facts.stmts.get(*id as usize).is_some_and(|s| s.span.contains(at)));
    let conditions = facts.stmts.iter().filter(|stmt| own.contains(stmt.span)).filter_map(|stmt| match &stmt.kind {
        StmtKind::If { condition, then, .. } if inside(then) => Some((stmt.span, *condition)),
        // As many as there are too few: `for _ in range(WANTED - len(self.workers))`.
        StmtKind::Loop { kind: LoopKind::Each, subject: Some(subject), body, .. } if inside(body) => {
            Some((stmt.span, *subject))
        }
        _ => None,
    });
    conditions.into_iter().find_map(|(stmt, condition)| {
        let asked = named_in(&facts.exprs, facts.expr(condition).span);
        let written = file.flow.writes.iter().filter(|write| {
            write.target == kept.expr
                || (write.function == fact.function.id && stmt.contains(facts.expr(write.target).span))
        });
        let own = last_name(&facts.expr(kept.expr).kind);
        let mut names = written.filter_map(|write| last_name(&facts.expr(write.target).kind)).chain(own);
        names.any(|name| asked.contains(&name)).then_some(ValueRef { expr: condition, ..fact.call })
    })
}

/// The fields and names that stand in a range.
fn named_in(exprs: &[Expr], range: Span) -> Vec<ustr::Ustr> {
    exprs.iter().filter(|expr| range.contains(expr.span)).filter_map(|expr| last_name(&expr.kind)).collect()
}

fn last_name(kind: &ExprKind) -> Option<ustr::Ustr> {
    match kind {
        ExprKind::Member { name, .. } | ExprKind::Name(name) => Some(*name),
        _ => None,
    }
}

/// Where the trace comes in that a call works for: by what is seen to call it, or as a decorator's wrapper, which runs at
/// each call of what it decorates.
fn arrival(study: &Study<'_>, function: FuncRef) -> Option<(Related, Confidence)> {
    let outer = study.program.outermost(function);
    match study.inbound(function) {
        Inbound::Entry(_) | Inbound::Below(_) => {
            let starts_up = study.outlives_request(outer) || study.program.function(outer).name.starts_with("__");
            let trace = spawner::trace(study, function).filter(|_| !starts_up)?;
            Some((trace, Confidence::Certain))
        }
        Inbound::Unknown => {
            if let Some(calls) = wraps_call(study, function) {
                let why = "runs what is decorated, for each of its callers";
                return Some((study.related(calls, why), Confidence::Likely));
            }
            let needed = needed_by(study, function)?;
            Some((study.related(needed, "whoever needs it first starts it, mostly a request"), Confidence::Likely))
        }
        _ => None,
    }
}

/// The call of a method that starts a worker, by another method of its class which is no step in the process's life: the
/// worker is started when it is first needed.
fn needed_by(study: &Study<'_>, function: FuncRef) -> Option<ValueRef> {
    let program = study.program;
    let outer = program.outermost(function);
    let owner = program.enclosing_type(outer)?;
    let is_need = |call: &&ValueRef| {
        let caller = program.outermost(program.function_at(**call));
        let decl = program.function(caller);
        program.enclosing_type(caller) == Some(owner)
            && decl.flags.is_async
            && !decl.name.starts_with("__")
            && !study.outlives_request(caller)
            && clients::can_be_inside(study, caller)
    };
    let callers = program.callers(outer);
    let all = !callers.is_empty() && callers.iter().all(|call| is_need(&call));
    callers.first().copied().filter(|_| all)
}

/// Whether a worker waits for work that others put into a queue of its object.
fn takes_from_queue(study: &Study<'_>, run: FuncRef) -> bool {
    let program = study.program;
    task::calls(study, run).any(|call| {
        let ExprKind::Call { callee, args } = program.expr_kind(call) else { return false };
        let ExprKind::Member { base, name, .. } = program.expr_kind(ValueRef { expr: *callee, ..call }) else {
            return false;
        };
        let is_field = matches!(program.expr_kind(ValueRef { expr: *base, ..call }), ExprKind::Member { .. });
        let is_awaited = program.parent(call).is_some_and(|at| matches!(program.expr_kind(at), ExprKind::Await(_)));
        name == "get" && args.is_empty() && is_field && is_awaited
    })
}

/// The call by which a nested function runs a function that the one around it is given.
fn wraps_call(study: &Study<'_>, function: FuncRef) -> Option<ValueRef> {
    let program = study.program;
    let parent = program.function(function).parent.filter(|parent| parent.0 != 0)?;
    let given =
        |name: ustr::Ustr| program.function(FuncRef { id: parent, ..function }).params.iter().any(|p| p.name == name);
    let is_given = |call: &ValueRef| match program.expr_kind(*call) {
        ExprKind::Call { callee, .. } => {
            matches!(program.expr_kind(ValueRef { expr: *callee, ..*call }), ExprKind::Name(name) if given(*name))
        }
        _ => false,
    };
    task::calls(study, function).find(is_given)
}

/// What a worker does that belongs to the trace of another request.
enum Work {
    /// Something that a trace shows.
    Seen,
    /// It awaits what it is handed.
    Given,
}

fn works(study: &Study<'_>, run: FuncRef) -> Option<Work> {
    if study.summary(run).has(Summary::STARTS | Summary::CALLS_OUT | Summary::PRODUCES) {
        return Some(Work::Seen);
    }
    let file = study.program.files.get(run.file as usize)?;
    let own = study.program.function(run).span;
    let mut given =
        file.source.facts.exprs.iter().filter(|expr| own.contains(expr.span)).filter(|expr| match expr.kind {
            ExprKind::Await(inner) => {
                matches!(file.source.facts.expr(inner).kind, ExprKind::Name(_))
                    && is_from_outside(study, run.file, inner)
            }
            _ => false,
        });
    given.next().map(|_| Work::Given)
}

/// Whether a value is part of something that the worker takes from elsewhere.
fn is_from_outside(study: &Study<'_>, file: u32, value: ExprId) -> bool {
    let step = study.program.step(ValueRef { file, expr: value });
    match step {
        Step::Values(values) => values
            .iter()
            .all(|value| matches!(study.program.expr_kind(*value), ExprKind::Member { .. } | ExprKind::Index { .. })),
        Step::Field(..) | Step::Part(_) => true,
        _ => false,
    }
}

/// Whether a function has an endless loop of its own.
fn loops(study: &Study<'_>, run: FuncRef) -> bool {
    let Some(file) = study.program.files.get(run.file as usize) else { return false };
    let own = study.program.function(run).span;
    let facts = &file.source.facts;
    facts.stmts.iter().filter(|stmt| own.contains(stmt.span)).any(|stmt| match &stmt.kind {
        StmtKind::Loop { kind: LoopKind::Forever, .. } => true,
        // `while not self.closed`.
        StmtKind::Loop { kind: LoopKind::While, subject: Some(subject), .. } => {
            matches!(facts.expr(*subject).kind, ExprKind::Unary { .. } | ExprKind::Member { .. })
        }
        _ => false,
    })
}

/// Whether a worker starts its spans as roots, or makes another context current.
fn drops_context(study: &Study<'_>, run: FuncRef) -> bool {
    let below = task::below(study, &[run], 1);
    let mut facts = below.iter().flat_map(|function| study.calls_in(*function));
    facts.any(|fact| {
        let effect = fact.effect;
        effect.root_context || effect.drops_parent || effect.links || effect.extract.is_some()
    })
}

/// Whether what keeps a value outlives the request: a global, something kept in one, or an object of a class whose
/// objects are made when the process starts.
fn is_shared(study: &Study<'_>, kept: ValueRef, function: FuncRef) -> bool {
    let program = study.program;
    let ExprKind::Member { base, .. } = program.expr_kind(kept) else { return true };
    let base = ValueRef { expr: *base, ..kept };
    let own_object = matches!(program.step(base), Step::Param(_, 0))
        && program.function(program.outermost(function)).owner.is_some();
    if own_object {
        return made_at_start(study, program.outermost(function));
    }
    let origins = program.origins(base, false);
    !origins.is_empty() && origins.iter().all(|origin| matches!(origin, Origin::Field(..)))
        || is_kept_in_global(study, base)
}

/// Whether the objects of a method's class are made by load-time code or at start-up.
fn made_at_start(study: &Study<'_>, method: FuncRef) -> bool {
    let program = study.program;
    let Some(owner) = program.enclosing_type(method).map(|ty| program.type_name(ty)) else { return false };
    let made = program.methods(owner, "__init__".into());
    let mut sites = made.iter().flat_map(|init| program.callers(*init)).map(|call| program.function_at(*call));
    sites.any(|site| site.id.0 == 0 || study.inbound(site) == Inbound::Root)
}

/// Whether a value is what an own function hands out of a table that is a global.
fn is_kept_in_global(study: &Study<'_>, value: ValueRef) -> bool {
    let program = study.program;
    let Step::Values(values) = program.step(value) else { return false };
    let functions = values.iter().flat_map(|call| program.callee(*call).functions.to_vec());
    let of_global = |function: FuncRef| {
        let Some(file) = program.files.get(function.file as usize) else { return false };
        let mut returned = file.flow.returns_of(function.id).flat_map(|found| &found.values).peekable();
        returned.peek().is_some()
            && returned.all(|expr| match file.source.facts.expr(*expr).kind {
                ExprKind::Index { base, .. } => is_global(study, ValueRef { file: function.file, expr: base }),
                _ => false,
            })
    };
    let functions: Vec<FuncRef> = functions.collect();
    !functions.is_empty() && functions.into_iter().all(of_global)
}

fn is_global(study: &Study<'_>, value: ValueRef) -> bool {
    matches!(study.program.expr_kind(value), ExprKind::Name(_)) && study.program.reaching(value).is_empty()
}

fn worker_finding(
    study: &Study<'_>,
    fact: &CallFact<'_>,
    (started, guard): (ValueRef, ValueRef),
    trace: Related,
    confidence: Confidence,
) -> Finding {
    let (starts, run) = (study.callee_text(fact.call), study.callee_text(started));
    let mut finding = study.finding(RULE, fact.call, confidence);
    finding.message =
        format!("`{run}` is started by the first request that comes and keeps that request's context for ever");
    finding.label = "copies the context of this request".to_owned();
    finding.effect = format!(
        "all that `{run}` does for later requests goes into the trace of the first one, and is missing from their own"
    );
    finding.help = format!(
        "give `{starts}` an empty context (`context=contextvars.Context()`), or start it when the process starts; hand \
         each piece of work over with the context of its request (`contextvars.copy_context()`), and run it under that"
    );
    if confidence == Confidence::Likely {
        finding.help.push_str(" (assuming that the work is part of a trace)");
    }
    finding.confirm = "send two requests and open the trace of the first: the second one's work is in it".to_owned();
    finding.related.push(trace);
    finding.related.push(study.related(guard, "true for the first request only"));
    finding
}

/// An executor that is wrapped in the context of one moment, and kept.
fn wrapped(study: &Study<'_>, fact: &CallFact<'_>) -> Option<Finding> {
    let program = study.program;
    let context = fact.effect.carries.and_then(|_| program.receiver(fact.call))?;
    if program.role_of(context) != Some(TypeRole::Context) {
        return None;
    }
    let slot = fact.effect.carries?;
    let [executor] = study.slot(fact.call, slot)[..] else { return None };
    if program.role_of(executor) != Some(TypeRole::Executor) || !is_kept(study, fact.call) {
        return None;
    }
    let (text, context) = (study.text(executor), study.text(context));
    let mut finding = study.finding(RULE, fact.call, Confidence::Certain);
    finding.message = format!("`{context}` is taken once, and every task of this executor runs under it");
    finding.label = "the context of this moment, kept for all tasks".to_owned();
    finding.effect =
        "tasks do not run under the span of the request that submits them: their spans start new traces, or \
                      join that of the moment at which this ran"
            .to_owned();
    finding.help = format!("use what asks for the current context at each hand-over: `Context.taskWrapping({text})`");
    finding.confirm = "submit tasks from two requests: their spans are in neither one's trace".to_owned();
    Some(finding)
}

/// Whether a value is kept in a field, itself or by way of a local.
fn is_kept(study: &Study<'_>, value: ValueRef) -> bool {
    let Some(file) = study.program.files.get(value.file as usize) else { return false };
    let flow = &file.flow;
    let is_field = |expr: ExprId| {
        let mut targets = flow.writes_from(expr).map(|write| &file.source.facts.expr(write.target).kind);
        targets.any(|target| matches!(target, ExprKind::Member { .. } | ExprKind::Name(_)))
    };
    let initial =
        |expr: ExprId| file.source.facts.types.iter().flat_map(|ty| &ty.fields).any(|field| field.init == Some(expr));
    let named = flow.defs_from(value.expr).flat_map(|(_, def)| &flow.vars[def.var.0 as usize].uses);
    let by_name = named.copied().any(is_field);
    is_field(value.expr) || initial(value.expr) || by_name
}
