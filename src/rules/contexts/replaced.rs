//! `context-replaced` and `goroutine-context`: a fresh context is used where the trace's own is at hand.

use super::ambient::parts_on_purpose;
use super::forward::{Journey, journey};
use super::of_process::is_given_by_process;
use super::told::is_told_of;
use super::vain::{asks_plain_store, is_of_store_apart};
use crate::finding::{Confidence, Finding, Related};
use crate::ir::{ExprKind, StmtKind};
use crate::knowledge::{HopKind, TypeRole, has_start, vocabulary};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::rules::Verdicts;
use crate::rules::clients::{Lives, answers_checks, checks_health, traces_stores};
use crate::study::{CallFact, ContextParam, Inbound, Study};
use rustc_hash::FxHashSet;

/// Finds fresh contexts that cut a trace.
pub(super) fn check(lives: &Lives<'_, '_>, out: &mut Verdicts) {
    let study = lives.study;
    if study.language() != crate::ir::Language::Go {
        return;
    }
    for fact in study.calls().iter().filter(|fact| fact.effect.root_context) {
        if study.program.role_of(fact.call) != Some(TypeRole::Context) || !study.unit(fact.call.file).is_traced() {
            continue;
        }
        if let Some(finding) = judge(lives, fact) {
            out.findings.push(finding);
        }
    }
}

fn judge(lives: &Lives<'_, '_>, fact: &CallFact<'_>) -> Option<Finding> {
    let study = lives.study;
    let own = study.context_param(fact.function).or_else(|| study.unnamed_context_param(fact.function));
    let param = own.or_else(|| of_callers(study, fact))?;
    let holder = if own.is_some() { fact.function } else { param.function };
    if is_dark(study, holder) || own.is_some() && has_no_trace_yet(study, fact) || study.is_idle(fact.function) {
        return None;
    }
    if study.outlives_request(fact.function) || fact.site.deferred {
        return None;
    }
    if checks_health(study, study.program.outermost(fact.function)) || answers_checks(study, fact.function) {
        return None;
    }
    if parts_on_purpose(study, study.program.outermost(fact.function))
        || study.is_aside(&study.program.place(fact.call).path)
    {
        return None;
    }
    if is_given_fresh(study, &param)
        || goes_with_span(study, fact.call)
        || runs_later(study, fact.function, param.function)
        || works_off(study, fact)
        || does_nothing(study, fact)
    {
        return None;
    }
    let around = if own.is_some() { param.function } else { study.program.outermost(fact.function) };
    let spawned = spawned_closure(study, fact.function, around);
    // A context that its function has no use for is not meant for what it hands out.
    if param.is_unnamed && spawned.is_none() && fact.function != param.function {
        return None;
    }
    if spawned.is_none() && study.unit(fact.call.file).keeps_span_by_goroutine() {
        return None;
    }
    if is_absent(study, fact.call, &param) {
        return None;
    }
    if is_default(study, fact.call)
        || gives_way(study, fact.call, &param)
        || spawned.is_some_and(|closure| loops_for_ever(study, closure))
    {
        return None;
    }
    let went = journey(lives, fact.call);
    if went.rebound || went.escapes {
        return None;
    }
    let counts = |sink: &ValueRef| {
        !is_cleanup(study, *sink)
            && !outlives(study, *sink)
            && !asks_plain_store(lives, *sink)
            && !asks_untraced_kind(study, *sink)
            && !lives.sends_plainly(*sink)
            && !is_kept_on(study, *sink)
    };
    let sinks: Vec<ValueRef> = went.sinks.iter().copied().filter(counts).collect();
    let opaque: Vec<ValueRef> =
        went.opaque.iter().copied().filter(|sink| !is_cleanup(study, *sink) && crosses_by_type(study, *sink)).collect();
    // What a handler does is not seen; that a goroutine was made for it says that it is the request's work.
    let handler = went.handlers.first().filter(|call| spawned.is_some() && takes_more(study, **call));
    if own.is_none() {
        let sink = *sinks.iter().find(|sink| is_told_of(lives, **sink) && !is_twin(study, fact, **sink))?;
        return Some(report_helper(study, fact, &param, sink, spawned.is_some()));
    }
    let (sink, confidence) = match (sinks.first(), opaque.first().or(handler)) {
        (Some(sink), _) => (*sink, Confidence::Certain),
        (None, Some(sink)) => (*sink, Confidence::Likely),
        (None, None) => return None,
    };
    let taker = param.function;
    let is_of_process = study.inbound(taker) == Inbound::Takes && is_given_by_process(study, taker);
    (!is_of_process).then(|| report(study, fact, &param, &went, sink, confidence, spawned.is_some()))
}

/// Whether no trace is known to come to a function.
pub(super) fn is_dark(study: &Study<'_>, function: FuncRef) -> bool {
    match study.inbound(function) {
        Inbound::Root => true,
        Inbound::Entry(_) | Inbound::Below(_) => !study.is_lit(function),
        Inbound::Takes => {
            !study.is_lit(function) && !study.is_under_span(function) && !study.may_be_given_trace(function)
        }
        Inbound::Unknown => false,
    }
}

/// How many calls up those who hold a context are looked for.
const MAX_LEVELS: usize = 3;

/// How many callers are looked at in all.
const MAX_CALLERS: usize = 32;

/// The context that those who call a function hold, or who call those, where it takes none itself: all of them, or some
/// that surely have a trace. What the others do outside of traces does not put these right.
fn of_callers(study: &Study<'_>, fact: &CallFact<'_>) -> Option<ContextParam> {
    let program = study.program;
    let outer = program.outermost(fact.function);
    // A function literal that is no goroutine of this moment may run for anybody, later.
    let is_here = fact.function == outer || spawned_closure(study, fact.function, outer).is_some();
    if outer.id.0 == 0 || !is_here || makes_something(study, outer) {
        return None;
    }
    let mut level = vec![outer];
    let mut seen = FxHashSet::default();
    let (mut found, mut sure, mut others) = (None, None, false);
    for _ in 0..MAX_LEVELS {
        let mut above = Vec::new();
        for function in level {
            let callers = program.callers(function);
            others |= callers.is_empty() || study.is_handed_around(function);
            for caller in callers.iter().map(|call| program.function_at(*call)).filter(|at| seen.insert(*at)) {
                match study.context_param(caller) {
                    Some(_) if is_dark(study, caller) || study.outlives_request(caller) => others = true,
                    // The context of a worker is nobody's request.
                    Some(_) if loops_for_ever(study, caller) => others = true,
                    Some(param) => {
                        found = found.or(Some(param));
                        sure = sure.or(Some(param).filter(|_| is_surely_lit(study, caller)));
                    }
                    None => above.push(program.outermost(caller)),
                }
            }
        }
        if above.is_empty() || seen.len() > MAX_CALLERS {
            others |= !above.is_empty();
            return if others { sure } else { found };
        }
        level = above;
    }
    sure
}

/// Whether a function surely runs for work that came in with a trace, or starts spans itself.
fn is_surely_lit(study: &Study<'_>, function: FuncRef) -> bool {
    matches!(study.inbound(function), Inbound::Entry(_) | Inbound::Below(_)) && study.is_lit(function)
}

/// Whether a call asks a store by a library over others while nothing in its unit instruments a store: however its client
/// stands, neither the library nor what lies below it makes a span.
fn asks_untraced_kind(study: &Study<'_>, call: ValueRef) -> bool {
    let Some(fact) = study.fact(call) else { return false };
    let is_store = fact.effect.hop.is_some_and(|hop| hop.kind == HopKind::Store);
    is_store
        && !fact.library.over.is_empty()
        && is_of_store_apart(study, call)
        && !traces_stores(study, study.unit_of(call.file))
}

/// Whether a call runs the variant with a context of the function that it stands in (`Find` runs `FindContext`): that one is
/// there for who holds a context.
fn is_twin(study: &Study<'_>, fact: &CallFact<'_>, call: ValueRef) -> bool {
    let own = study.program.function(study.program.outermost(fact.function)).name;
    let is_longer = |name: &str| name.len() > own.len() && name.starts_with(own.as_str());
    study.program.callee(call).functions.iter().any(|function| is_longer(&study.program.function(*function).name))
}

/// Whether a function makes what lives on, by its name.
fn makes_something(study: &Study<'_>, function: FuncRef) -> bool {
    let name = study.program.function(function).name.to_lowercase();
    ["new", "init", "setup", "load", "connect", "open", "dial"].iter().any(|word| name.starts_with(word))
}

/// The finding for a function that takes no context and makes one of its own, although all its callers hold one.
fn report_helper(
    study: &Study<'_>,
    fact: &CallFact<'_>,
    param: &ContextParam,
    sink: ValueRef,
    spawned: bool,
) -> Finding {
    let rule = if spawned { "goroutine-context" } else { "context-replaced" };
    let mut finding = study.finding(rule, fact.call, Confidence::Likely);
    let outer = study.program.outermost(fact.function);
    let (fresh, target, own) = (study.text(fact.call), study.callee_text(sink), param.context());
    let (function, caller) = (study.function_name(outer), study.function_name(param.function));
    finding.message = format!("{target} works under {fresh}: {function} takes no context, although {caller} holds one");
    finding.label = "the trace is lost here".to_owned();
    finding.effect = format!("what {target} does, and everything behind it, starts a new trace without a parent");
    finding.help = format!(
        "give {function} a context parameter and hand it {own} of {caller}; where the work must survive the request's cancellation, context.WithoutCancel({own}) keeps the trace"
    );
    finding.confirm =
        format!("search the tracing backend for root spans of `{}`: they appear once for each call", finding.service);
    finding.related.push(Related { place: param.place, message: "the trace arrives here".to_owned() });
    finding.related.push(study.related(sink, "and leaves here, without it"));
    finding
}

/// Whether no trace comes to a function but that of spans of its own process, and none of those is started before a fresh
/// context is made in it.
fn has_no_trace_yet(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let is_served = matches!(study.inbound(fact.function), Inbound::Entry(_) | Inbound::Below(_));
    is_served && study.has_only_own_spans(fact.function) && begins_here(study, fact)
}

/// Whether no span is started in a function before a fresh context is made in it.
fn begins_here(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let program = study.program;
    let made = program.expr(fact.call).span.start;
    let Some(file) = program.files.get(fact.call.file as usize) else { return false };
    let calls = file.flow.calls_of(fact.function.id).map(|site| ValueRef { expr: site.expr, ..fact.call });
    let mut before = calls.filter(|call| program.expr(*call).span.end <= made);
    !before.any(|call| {
        let hands_span = |n| program.result_type(call, n, 4).and_then(|ty| program.role(ty)) == Some(TypeRole::Span);
        study.fact(call).is_some_and(|fact| fact.effect.span.is_some()) || hands_span(0) || hands_span(1)
    })
}

/// Whether the context of a function literal is a fresh one: the call that runs the literal is given no other
/// (`pool.Run(context.TODO(), func(ctx context.Context) …)`). The trace was lost before.
fn is_given_fresh(study: &Study<'_>, param: &ContextParam) -> bool {
    let program = study.program;
    let literal = program.files.get(param.function.file as usize).and_then(|file| {
        let expr = *file.flow.closures.get(&param.function.id)?;
        Some(ValueRef { file: param.function.file, expr })
    });
    let Some(call) = literal.and_then(|literal| program.parent(literal)) else { return false };
    let is_root = |origin: Origin| match origin {
        Origin::Call(made, 0) => study.fact(made).is_some_and(|fact| fact.effect.root_context),
        _ => false,
    };
    let contexts = study.slot(call, crate::knowledge::Slot::AnyArg).into_iter();
    let mut contexts = contexts.filter(|value| program.role_of(*value) == Some(TypeRole::Context)).peekable();
    contexts.peek().is_some()
        && contexts.all(|context| {
            let origins = program.origins(context, false);
            !origins.is_empty() && origins.into_iter().all(is_root)
        })
}

fn report(
    study: &Study<'_>,
    fact: &CallFact<'_>,
    param: &ContextParam,
    went: &Journey,
    sink: ValueRef,
    confidence: Confidence,
    spawned: bool,
) -> Finding {
    let rule = if spawned { "goroutine-context" } else { "context-replaced" };
    let mut finding = study.finding(rule, fact.call, confidence);
    let fresh = study.text(fact.call);
    let target = study.callee_text(sink);
    let own = param.context();
    finding.message = if param.is_unnamed {
        format!("{target} works under {fresh}, while the context that comes in with the trace has no name")
    } else if spawned {
        format!("this goroutine works under {fresh} although {own} with the trace is in scope")
    } else {
        format!("{fresh} replaces {own}, so {target} leaves the trace")
    };
    finding.label = "the trace is lost here".to_owned();
    finding.effect = format!("what {target} does, and everything behind it, starts a new trace without a parent");
    finding.help = if spawned {
        format!("derive it from context.WithoutCancel({own}): it keeps the trace and survives the request")
    } else {
        format!(
            "use {own}; if the work must survive the request's cancellation, context.WithoutCancel({own}) keeps the trace"
        )
    };
    if param.is_unnamed {
        finding.help.insert_str(0, &format!("name the parameter {}, then ", param.name));
    }
    if confidence == Confidence::Likely {
        finding.help.push_str(&format!(" (assumes that {target} makes a span or a call)"));
    }
    finding.confirm =
        format!("search the tracing backend for root spans of `{}`: they appear once for each call", finding.service);
    finding.related.push(Related { place: param.place, message: "the trace arrives here".to_owned() });
    let used = went.sinks.iter().chain(&went.opaque).chain(&went.handlers).take(6);
    finding.related.extend(used.map(|sink| study.related(*sink, "and leaves here, without it")));
    finding
}

/// Whether a call passes on more than a context: the request's own data.
fn takes_more(study: &Study<'_>, call: ValueRef) -> bool {
    study.program.slot(call, crate::knowledge::Slot::AnyArg).len() > 1
}

pub(super) fn is_cleanup(study: &Study<'_>, call: ValueRef) -> bool {
    let name = study.callee_text(call);
    let last = name.rsplit('.').next().unwrap_or(&name).to_lowercase();
    has_start(&last, &vocabulary().cleaning_up)
}

/// An unseen callee that takes a context in front, as a call that leaves the process does, on a value that is not seen.
pub(super) fn crosses_by_type(study: &Study<'_>, call: ValueRef) -> bool {
    let ExprKind::Call { callee, args } = study.program.expr_kind(call) else { return false };
    let is_method =
        matches!(study.program.expr_kind(ValueRef { file: call.file, expr: *callee }), ExprKind::Member { .. });
    let Some(receiver) = study.program.receiver(call) else { return false };
    let on_value = study.program.qualify(receiver).is_none();
    let role = study.program.role_of(receiver);
    is_method
        && on_value
        && args.len() > 1
        && !matches!(role, Some(TypeRole::Logger | TypeRole::Provider | TypeRole::Server | TypeRole::Other))
        && is_remote(study, receiver)
}

/// Whether a receiver is, by type, a client: generated or declared as an interface of calls.
fn is_remote(study: &Study<'_>, receiver: ValueRef) -> bool {
    let Some(ty) = study.program.type_of(receiver) else { return false };
    let last = ty.rsplit('.').next().unwrap_or(&ty);
    matches!(study.program.role(ty), Some(TypeRole::HttpClient | TypeRole::RpcChannel | TypeRole::Producer))
        || last.ends_with("Client")
        || last.ends_with("Publisher")
}

/// The spawned closure around a function, below the function that has the context.
pub(super) fn spawned_closure(study: &Study<'_>, function: FuncRef, holder: FuncRef) -> Option<FuncRef> {
    let program = study.program;
    let mut at = function;
    while at != holder {
        let flow = &program.files[at.file as usize].flow;
        let made = flow.closures.get(&at.id).copied();
        let call = made.and_then(|expr| program.parent(ValueRef { file: at.file, expr }));
        if call.and_then(|call| program.call_site(call)).is_some_and(|site| site.spawned) {
            return Some(at);
        }
        at = FuncRef { file: at.file, id: program.function(at).parent? };
    }
    None
}

/// Whether a fresh context is made in an endless loop that takes its work from a channel: what the function was given is
/// the worker's context, and each piece of work comes with its own or with none.
fn works_off(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let Some(file) = study.program.files.get(fact.call.file as usize) else { return false };
    let facts = &file.source.facts;
    let at = study.program.expr(fact.call).span;
    let endless = facts.stmts.iter().filter(|stmt| {
        matches!(stmt.kind, StmtKind::Loop { kind: crate::ir::LoopKind::Forever, .. }) && stmt.span.contains(at)
    });
    let takes = |round: crate::ir::Span| {
        let received = |id: usize, expr: &crate::ir::Expr| {
            matches!(expr.kind, ExprKind::Receive(_))
                && round.contains(expr.span)
                && file.flow.defs_from(crate::ir::ExprId(id as u32)).next().is_some()
        };
        facts.exprs.iter().enumerate().any(|(id, expr)| received(id, expr))
    };
    endless.into_iter().any(|stmt| takes(stmt.span))
}

/// Whether a function belongs to what stands in where nothing is traced (`noopTracer.Start`).
fn does_nothing(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let name = study.function_name(fact.function).to_lowercase();
    name.contains("noop") || name.starts_with("nop")
}

/// Whether a function literal around a function, below the one that has the context, is kept for later: it is put into a
/// value, or given to an own function that stores it. What it works on then comes from other requests too.
fn runs_later(study: &Study<'_>, function: FuncRef, holder: FuncRef) -> bool {
    let program = study.program;
    let mut at = function;
    while at != holder {
        let made = program.files[at.file as usize].flow.closures.get(&at.id).copied();
        let made = made.map(|expr| ValueRef { file: at.file, expr });
        if made.is_some_and(|closure| is_kept(study, closure)) {
            return true;
        }
        let Some(parent) = program.function(at).parent else { return false };
        at = FuncRef { file: at.file, id: parent };
    }
    false
}

/// Whether a function value goes into a composite, or to an own function whose parameter does.
fn is_kept(study: &Study<'_>, closure: ValueRef) -> bool {
    let program = study.program;
    let Some(parent) = program.parent(closure) else { return is_handed_back(study, closure) };
    if !matches!(program.expr_kind(parent), ExprKind::Call { .. }) {
        return matches!(program.expr_kind(parent), ExprKind::Composite { ty: Some(_), .. });
    }
    let position = program.slot(parent, crate::knowledge::Slot::AnyArg).iter().position(|value| *value == closure);
    let Some(position) = position else { return false };
    program.callee(parent).functions.iter().any(|function| stores_param(study, *function, position as u16))
}

/// Whether a function literal that takes nothing is kept in a variable and handed back: a way to end what was begun.
fn is_handed_back(study: &Study<'_>, closure: ValueRef) -> bool {
    let program = study.program;
    let flow = &program.files[closure.file as usize].flow;
    let ExprKind::Closure(id) = program.expr_kind(closure) else { return false };
    let decl = program.function(FuncRef { file: closure.file, id: *id });
    let Some(outer) = decl.parent.filter(|_| decl.params.is_empty()) else { return false };
    let defs: Vec<_> = flow.defs_from(closure.expr).map(|(id, _)| id).collect();
    let mut returned = flow.returns_of(outer).flat_map(|found| &found.values);
    returned.any(|value| flow.reaching(*value).iter().any(|def| defs.contains(def)))
}

/// Whether a function puts one of its parameters into a composite or a field.
fn stores_param(study: &Study<'_>, function: FuncRef, n: u16) -> bool {
    let flow = &study.program.files[function.file as usize].flow;
    let is_it = |kind: crate::link::flow::DefKind| kind == crate::link::flow::DefKind::Param(n);
    let defs = flow.defs.iter().filter(|def| def.function == function.id && is_it(def.kind));
    let mut uses = defs.flat_map(|def| &flow.vars[def.var.0 as usize].uses);
    uses.any(|used| {
        let used = ValueRef { file: function.file, expr: *used };
        let parent = study.program.parent(used).map(|parent| study.program.expr_kind(parent));
        matches!(parent, Some(ExprKind::Composite { ty: Some(_), .. })) || flow.writes_from(used.expr).next().is_some()
    })
}

/// Whether a call in a goroutine starts what lives as long as the process, by its own name (`worker.Run`).
fn outlives(study: &Study<'_>, call: ValueRef) -> bool {
    let program = study.program;
    let function = program.function_at(call);
    let spawned = program.call_site(call).is_some_and(|site| site.spawned)
        || spawned_closure(study, function, program.outermost(function)).is_some();
    let functions = &program.callee(call).functions;
    spawned && !functions.is_empty() && functions.iter().all(|function| study.outlives_request(*function))
}

fn loops_for_ever(study: &Study<'_>, function: FuncRef) -> bool {
    let facts = &study.program.files[function.file as usize].source.facts;
    study.program.function(function).body.iter().any(|stmt| {
        matches!(
            facts.stmts.get(*stmt as usize).map(|stmt| &stmt.kind),
            Some(StmtKind::Loop { kind: crate::ir::LoopKind::Forever, .. })
        )
    })
}

/// Whether a fresh context is given to a call together with what a span says of itself (`Start(context.Background(), name,
/// span.TraceID())`): the trace goes on by that.
fn goes_with_span(study: &Study<'_>, fresh: ValueRef) -> bool {
    let program = study.program;
    let Some(call) = program.parent(fresh) else { return false };
    let of_span = |value: ValueRef| match program.role_of(value) {
        Some(TypeRole::Span | TypeRole::SpanContext) => true,
        _ => study.fact(value).is_some_and(|fact| fact.effect.yields_id.is_some()) || is_asked_of_span(study, value),
    };
    matches!(program.expr_kind(call), ExprKind::Call { .. })
        && study.slot(call, crate::knowledge::Slot::AnyArg).into_iter().any(|value| value != fresh && of_span(value))
}

/// Whether a value is what a method of a span hands out, by the name of its type.
fn is_asked_of_span(study: &Study<'_>, value: ValueRef) -> bool {
    let program = study.program;
    let receiver = matches!(program.expr_kind(value), ExprKind::Call { .. }).then(|| program.receiver(value)).flatten();
    let Some(receiver) = receiver else { return false };
    program.role_of(receiver) == Some(TypeRole::Span)
        || program.type_of(receiver).is_some_and(|ty| ty.rsplit(['.', '/']).next() == Some("Span"))
}

/// Whether the variable of a fresh context is given the one that came in later on: `ctx := context.Background()`, and then
/// `if request != nil { ctx = request.Context() }`.
fn gives_way(study: &Study<'_>, call: ValueRef, param: &ContextParam) -> bool {
    let program = study.program;
    let flow = &program.files[call.file as usize].flow;
    let came_in = |expr| {
        let value = ValueRef { expr, ..call };
        let of_request = |made: ValueRef| study.fact(made).is_some_and(|fact| fact.effect.context_of.is_some());
        match program.expr_kind(value) {
            ExprKind::Call { .. } => of_request(value),
            ExprKind::Name(name) => *name == param.name,
            _ => false,
        }
    };
    flow.defs_from(call.expr).any(|(_, def)| {
        let others = flow.vars[def.var.0 as usize].defs.iter().filter_map(|id| flow.defs.get(id.0 as usize));
        others.filter(|other| other.span.start > def.span.start).any(|other| match other.kind {
            crate::link::flow::DefKind::Value { value, .. } => came_in(value),
            _ => false,
        })
    })
}

/// Whether a fresh context is made where there is no other: below `if request == nil` or `if ctx == nil`.
fn is_absent(study: &Study<'_>, call: ValueRef, param: &ContextParam) -> bool {
    let Some(file) = study.program.files.get(call.file as usize) else { return false };
    let facts = &file.source.facts;
    let at = study.program.expr(call).span;
    let is_context = |expr| study.program.role_of(ValueRef { expr, ..call }) == Some(TypeRole::Context);
    let is_it = |expr: crate::ir::ExprId| {
        matches!(&facts.expr(expr).kind, ExprKind::Name(name) if *name == param.name) || is_context(expr)
    };
    let is_nil = |expr: crate::ir::ExprId| matches!(&facts.expr(expr).kind, ExprKind::Lit(text) if text == "nil");
    let asks = |condition: crate::ir::ExprId| match &facts.expr(condition).kind {
        ExprKind::Binary { op, left, right, .. } => {
            *op == "==" && (is_it(*left) && is_nil(*right) || is_nil(*left) && is_it(*right))
        }
        _ => false,
    };
    facts.stmts.iter().any(|stmt| match &stmt.kind {
        StmtKind::If { condition, then, .. } if stmt.span.contains(at) && asks(*condition) => {
            then.iter().filter_map(|id| facts.stmts.get(*id as usize)).any(|inner| inner.span.contains(at))
        }
        _ => false,
    })
}

/// Whether a call makes what is kept in a field or map for others: `s.sessions[key] = batch.New(ctx)`. It lives on, and
/// must not hold the trace of whoever came first.
fn is_kept_on(study: &Study<'_>, call: ValueRef) -> bool {
    let name = study.callee_text(call);
    let last = name.rsplit('.').next().unwrap_or(&name);
    let flow = study.program.files.get(call.file as usize).map(|file| &file.flow);
    let is_written = |expr| flow.is_some_and(|flow| flow.writes_from(expr).next().is_some());
    let by_name = || {
        flow.is_some_and(|flow| {
            let mut uses = flow.defs_from(call.expr).flat_map(|(_, def)| &flow.vars[def.var.0 as usize].uses);
            uses.any(|used| is_written(*used))
        })
    };
    last.starts_with("New") && (is_written(call.expr) || by_name())
}

/// Whether the fresh context only stands in for a missing one: `if ctx == nil { ctx = context.Background() }`.
fn is_default(study: &Study<'_>, call: ValueRef) -> bool {
    let flow = &study.program.files[call.file as usize].flow;
    flow.defs_from(call.expr).any(|(_, def)| {
        let assigned = matches!(def.kind, crate::link::flow::DefKind::Value { .. });
        assigned && flow.vars[def.var.0 as usize].defs.len() > 1 && {
            let first = flow.vars[def.var.0 as usize].defs.first().and_then(|id| flow.defs.get(id.0 as usize));
            first.is_some_and(|first| matches!(first.kind, crate::link::flow::DefKind::Param(_)))
        }
    })
}
