//! `context-replaced` and `goroutine-context`: a fresh context is used where the trace's own is at hand.

use super::ambient::parts_on_purpose;
use super::by_callers::{is_twin, of_callers, report_helper};
use super::forward::{Journey, journey};
use super::meant::{
    does_nothing, gives_way, goes_with_span, is_absent, is_default, is_given_fresh, is_kept_on, is_monitor,
    loops_for_ever, outlives, runs_later, runs_once, works_off,
};
use super::of_process::is_given_by_process;
use super::own_span::is_under_own_span;
use super::told::is_told_of;
use super::vain::asks_unseen_store;
use crate::finding::{Confidence, Finding, Related};
use crate::ir::ExprKind;
use crate::knowledge::{TypeRole, has_start, vocabulary};
use crate::link::{FuncRef, ValueRef};
use crate::rules::Verdicts;
use crate::rules::clients::{Lives, answers_checks, checks_health};
use crate::study::{CallFact, ContextParam, Inbound, Study};

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
    // Where nothing brings a trace in, there may be the span that the function itself works under.
    let is_dark = is_dark(study, holder);
    if is_dark && !(own.is_some() && is_under_own_span(study, fact)) {
        return None;
    }
    if own.is_some() && has_no_trace_yet(study, fact) || study.is_idle(fact.function) {
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
    if runs_once(study, fact.function)
        || is_given_fresh(study, &param)
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
        || is_monitor(study, fact.function)
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
            && !asks_unseen_store(lives, *sink)
            && !lives.sends_plainly(*sink)
            && !is_kept_on(study, *sink)
            && !brings_client(study, *sink)
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
        (None, Some(sink)) if !is_dark => (*sink, Confidence::Likely),
        _ => return None,
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

/// Whether what a call sends with comes with its context: a client that makes no span mostly, which loses none either.
fn brings_client(study: &Study<'_>, call: ValueRef) -> bool {
    let hop = study.fact(call).and_then(|fact| fact.effect.hop);
    hop.is_some_and(|hop| hop.client == hop.context)
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
    // Another name for a library's type stands above that.
    let of_alias = || {
        let supers = study.program.type_of(receiver).map(|ty| study.program.supertypes(ty))?;
        supers.iter().find_map(|ty| study.program.role(*ty))
    };
    let role = study.program.role_of(receiver).or_else(of_alias);
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
