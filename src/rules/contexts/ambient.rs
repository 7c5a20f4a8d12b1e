//! `context-replaced` where the current context belongs to the thread or task: a span is started under a fresh root, or
//! a fresh root is made current, in work that has a trace.

use super::at_decorator;
use crate::finding::{Confidence, Finding};
use crate::ir::{Language, Span};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::rules::{Verdicts, messaging};
use crate::study::{CallFact, Inbound, Study, Summary};

/// Finds fresh contexts that cut a trace in languages with an ambient context.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    if study.language() == Language::Go {
        return;
    }
    let fresh = |fact: &&CallFact<'_>| fact.effect.root_context && study.unit(fact.call.file).is_traced();
    let called = study.calls().iter().filter(fresh).filter_map(|fact| judge(study, fact));
    let found: Vec<_> = called.chain(at_decorator::found(study)).collect();
    if found.is_empty() {
        return;
    }
    // Asked last: it looks at every call. Where nothing reads what the caller sent, there is no trace to cut.
    let reading = messaging::reading_units(study);
    let in_trace = |file: u32| {
        study.unit(file).is_traced_from_outside() || reading.contains(&study.program.files[file as usize].source.unit)
    };
    out.findings.extend(found.into_iter().filter(|(file, _)| in_trace(*file)).map(|(_, finding)| finding));
}

fn judge(study: &Study<'_>, fact: &CallFact<'_>) -> Option<(u32, Finding)> {
    let outer = study.program.outermost(fact.function);
    let runs_in_request = matches!(study.inbound(outer), Inbound::Entry(_) | Inbound::Below(_));
    if !runs_in_request || fact.function != outer || study.outlives_request(outer) || parts_on_purpose(study, outer) {
        return None;
    }
    let users = users(study, fact.call);
    let [user] = users.as_slice() else { return None };
    let leaving = match cut(study, *user, fact.call)? {
        Cut::Span(start) if messaging::says_kind(study, start, &["SERVER", "CONSUMER"]) => return None,
        Cut::Span(start) => vec![start],
        Cut::Current => under(study, *user, outer)?,
    };
    let first = *leaving.first()?;
    let is_span = study.fact(first).is_some_and(|fact| fact.effect.span.is_some());
    let target = if is_span { "the span".to_owned() } else { study.callee_text(first) };
    Some((fact.call.file, report(study, (fact.call, outer), target, &leaving)))
}

/// The calls that are given a value, itself or by the name of a local.
fn users(study: &Study<'_>, value: ValueRef) -> Vec<ValueRef> {
    let flow = &study.program.files[value.file as usize].flow;
    let named = flow.defs_from(value.expr).flat_map(|(id, def)| {
        let uses = flow.vars[def.var.0 as usize].uses.iter();
        uses.filter(move |used| flow.reaching(**used).contains(&id)).map(|used| ValueRef { expr: *used, ..value })
    });
    std::iter::once(value).chain(named).filter_map(|place| call_around(study, place)).collect()
}

/// The call of which a value is an argument or the receiver.
fn call_around(study: &Study<'_>, value: ValueRef) -> Option<ValueRef> {
    let parent = study.program.parent(value)?;
    if study.program.call_site(parent).is_some() {
        return Some(parent);
    }
    let above = study.program.parent(parent)?;
    (study.program.receiver(above) == Some(value)).then_some(above)
}

/// How a fresh context is used.
enum Cut {
    /// As the parent of this span.
    Span(ValueRef),
    /// It is made current.
    Current,
}

fn cut(study: &Study<'_>, user: ValueRef, fresh: ValueRef) -> Option<Cut> {
    let effect = study.fact(user)?.effect;
    let from_fresh = |slot| {
        study
            .slot(user, slot)
            .into_iter()
            .any(|value| value == fresh || study.program.origins(value, false).contains(&Origin::Call(fresh, 0)))
    };
    if effect.activates.is_some_and(from_fresh) {
        return Some(Cut::Current);
    }
    if effect.span.is_some_and(|span| from_fresh(span.context)) {
        return Some(Cut::Span(user));
    }
    // A builder: the span starts further down the chain.
    if effect.derives.is_some() && effect.binds_context.is_some_and(from_fresh) {
        return started(study, user).map(Cut::Span);
    }
    None
}

/// The start of the span at the end of a builder's chain.
fn started(study: &Study<'_>, builder: ValueRef) -> Option<ValueRef> {
    let mut at = builder;
    for _ in 0..16 {
        let fact = study.fact(at)?;
        if fact.effect.span.is_some() {
            return Some(at);
        }
        let users = users(study, at);
        at = *users.iter().find(|user| **user != at)?;
    }
    None
}

/// What leaves the process or starts a span under a context that was made current; `None` where other work is started
/// there, which is kept out of the trace on purpose.
fn under(study: &Study<'_>, activation: ValueRef, function: FuncRef) -> Option<Vec<ValueRef>> {
    let from = study.program.expr(activation).span.end;
    let closed = closed_at(study, activation, function);
    let inside = |span: Span| span.start >= from && closed.is_none_or(|end| span.end <= end);
    let flow = &study.program.files[activation.file as usize].flow;
    let sites = flow.calls_of(function.id).map(|site| ValueRef { expr: site.expr, ..activation });
    let calls: Vec<_> = sites.filter(|call| inside(study.program.expr(*call).span)).collect();
    let sets_up = Summary::SPAWNS | Summary::INSTRUMENTS;
    if calls.iter().any(|call| study.effect_of(*call).has(sets_up)) {
        return None;
    }
    let goes_on = Summary::STARTS | Summary::CALLS_OUT | Summary::PRODUCES;
    let out: Vec<_> = calls.into_iter().filter(|call| study.effect_of(*call).has(goes_on)).collect();
    (!out.is_empty()).then_some(out)
}

/// Where the scope or token of an activation is given back: the byte at which the closing call starts.
fn closed_at(study: &Study<'_>, activation: ValueRef, function: FuncRef) -> Option<u32> {
    let from = study.program.expr(activation).span.end;
    let closes = study.calls_in(function).filter(|fact| fact.effect.closes.is_some());
    closes.map(|fact| study.program.expr(fact.call).span.start).filter(|at| *at > from).min()
}

/// Whether a function says that its work is a trace of its own: it links to the other one, or asks for a new root.
pub(super) fn parts_on_purpose(study: &Study<'_>, function: FuncRef) -> bool {
    let around = study.with_nested(function);
    around.iter().flat_map(|at| study.calls_in(*at)).any(|near| near.effect.links || near.effect.drops_parent)
}

/// Tells of a fresh context in a function, with what leaves the trace by it.
pub(super) fn report(
    study: &Study<'_>,
    (context, function): (ValueRef, FuncRef),
    target: String,
    leaving: &[ValueRef],
) -> Finding {
    let fresh = study.text(context);
    let mut finding = study.finding("context-replaced", context, Confidence::Certain);
    finding.message = format!("{fresh} takes the place of the current context, so {target} leaves the trace");
    finding.label = "the trace is lost here".to_owned();
    finding.effect = format!("{target} and everything behind it start a new trace without a parent");
    finding.help = format!(
        "leave {fresh} out, so that the current context is the parent; if the work is to be a trace of its own, link it \
         to the span that led to it"
    );
    finding.confirm =
        format!("search the tracing backend for root spans of `{}`: they appear once for each call", finding.service);
    if let Inbound::Entry(place) = study.inbound(function) {
        finding.related.push(crate::finding::Related { place, message: "the trace arrives here".to_owned() });
    }
    finding.related.extend(leaving.iter().take(6).map(|call| study.related(*call, "and leaves here, without it")));
    finding
}
