//! `missing-kind`: spans around a hop that is made by hand, which do not say what kind they are.

use super::super::Verdicts;
use super::client::{Instance, instance};
use super::hops::hop_calls;
use super::kind::says_kind;
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, Language, Span, Spread, StmtKind};
use crate::knowledge::{HopKind, Slot, TypeRole};
use crate::link::flow::DefKind;
use crate::link::{FuncRef, ValueRef};
use crate::study::{CallFact, Inbound, Study};
use rustc_hash::FxHashSet;

/// How many values are followed back from a context to the call that made it.
const MAX_STEPS: usize = 12;

/// All kinds, by the names that `says_kind` knows them by.
const KINDS: &[&str] = &["SERVER", "CLIENT", "CONSUMER", "PRODUCER", "INTERNAL"];

/// What a span stands around.
struct Hop {
    /// The call that writes or reads the headers.
    by_hand: ValueRef,
    /// The call that sends, where there is one.
    sends: Option<ValueRef>,
    kind: &'static str,
}

/// Finds spans of the default kind around what is sent or received by hand.
pub(super) fn check(study: &Study<'_>, traced: &FxHashSet<usize>, out: &mut Verdicts) {
    let sending = hop_calls(study, &[HopKind::HttpCall, HopKind::RpcCall, HopKind::Produce]);
    let mut seen = FxHashSet::default();
    for fact in study.calls() {
        let by_hand = fact.effect.inject.is_some() || fact.effect.extract.is_some();
        if !by_hand || !traced.contains(&study.unit_of(fact.call.file)) || study.is_for_operator(fact.call.file) {
            continue;
        }
        let outer = study.program.outermost(fact.function);
        let starts = starts_in(study, outer);
        let found = match fact.effect.inject {
            Some(_) => sent(study, fact, &starts, &sending),
            None => received(study, fact, outer, &starts),
        };
        let Some((start, hop)) = found.filter(|(start, _)| is_kindless(study, start)) else { continue };
        if seen.insert(start.call) {
            out.findings.push(finding(study, start, &hop));
        }
    }
}

/// The spans that a function starts itself, whose library knows kinds.
fn starts_in<'s, 'a>(study: &'s Study<'a>, outer: FuncRef) -> Vec<&'s CallFact<'a>> {
    let within = study.with_nested(outer);
    let facts = within.into_iter().flat_map(|function| study.calls_in(function));
    facts.filter(|fact| fact.effect.span.is_some_and(|span| span.has_kind)).collect()
}

/// The span whose context is injected into what the same function sends through a client that makes no span itself.
fn sent<'s, 'a>(
    study: &'s Study<'a>,
    inject: &CallFact<'a>,
    starts: &[&'s CallFact<'a>],
    sending: &[CallFact<'a>],
) -> Option<(&'s CallFact<'a>, Hop)> {
    let at = study.program.expr(inject.call).span;
    let context = inject.effect.inject?.context;
    let given = study.slot(inject.call, context);
    let is_current = |context: &&ValueRef| study.fact(**context).is_some_and(|fact| takes_current(fact));
    let start = match given.first().filter(|context| !is_current(context)) {
        Some(context) => starts.iter().find(|start| comes_from(study, *context, start.call)),
        // What is current: the innermost of those that are managed around the call.
        None => starts.iter().rfind(|start| is_around(study, start, at)),
    }?;
    let from = study.program.expr(start.call).span;
    let sends = sending.iter().find(|hop| {
        let span = study.program.expr(hop.call).span;
        hop.function == inject.function
            && span.start > from.start
            && study.unit(hop.call.file).coverage(hop.library).is_none()
            && matches!(instance(study, hop), Instance::Plain | Instance::Unseen)
    })?;
    let kind = match sends.effect.hop?.kind {
        HopKind::Produce => "PRODUCER",
        _ => "CLIENT",
    };
    Some((start, Hop { by_hand: inject.call, sends: Some(sends.call), kind }))
}

/// The span that continues what a handler reads from the work that it is called for.
fn received<'s, 'a>(
    study: &'s Study<'a>,
    extract: &CallFact<'a>,
    outer: FuncRef,
    starts: &[&'s CallFact<'a>],
) -> Option<(&'s CallFact<'a>, Hop)> {
    let start = starts.iter().find(|start| {
        let parents = start.effect.span.map(|span| study.slot(start.call, span.context)).unwrap_or_default();
        let chained = parents_of_chain(study, start.call);
        parents.into_iter().chain(chained).any(|parent| comes_from(study, parent, extract.call))
    })?;
    let kind = kind_received(study, outer)?;
    Some((start, Hop { by_hand: extract.call, sends: None, kind }))
}

/// What a function receives, where it is called for inbound work or takes what only that brings along.
fn kind_received(study: &Study<'_>, outer: FuncRef) -> Option<&'static str> {
    let within = study.with_nested(outer);
    let consumes = within.iter().flat_map(|function| study.calls_in(*function));
    if consumes.into_iter().any(|fact| fact.effect.hop.is_some_and(|hop| hop.kind == HopKind::Consume)) {
        return Some("CONSUMER");
    }
    let roles = within.iter().flat_map(|function| {
        let params = study.program.function(*function).params.len() as u16;
        (0..params).filter_map(|n| study.program.role(study.program.param_type(*function, n)?))
    });
    let roles: Vec<TypeRole> = roles.collect();
    if roles.contains(&TypeRole::Message) {
        return Some("CONSUMER");
    }
    let is_entry = within.iter().any(|function| matches!(study.inbound(*function), Inbound::Entry(_)));
    match roles.contains(&TypeRole::Request) {
        true => Some("SERVER"),
        false => is_entry.then_some("SERVER or CONSUMER"),
    }
}

/// The contexts that the calls of a builder's chain are given as a parent.
fn parents_of_chain(study: &Study<'_>, start: ValueRef) -> Vec<ValueRef> {
    let mut out = Vec::new();
    let mut at = study.program.receiver(start);
    for _ in 0..MAX_STEPS {
        let Some(call) = at else { break };
        if let Some(slot) = study.fact(call).and_then(|fact| fact.effect.binds_context) {
            out.extend(study.slot(call, slot));
        }
        at = study.program.receiver(call);
    }
    out
}

/// Whether a call hands out the context that is current.
fn takes_current(fact: &CallFact<'_>) -> bool {
    fact.effect.context_of == Some(Slot::Ambient) || fact.effect.derives == Some(Slot::Ambient)
}

/// Whether a context is what a call hands out, or derived from that.
fn comes_from(study: &Study<'_>, context: ValueRef, made: ValueRef) -> bool {
    let mut work = vec![context];
    let mut seen = 0;
    while let Some(value) = work.pop() {
        seen += 1;
        if value == made {
            return true;
        }
        if seen > MAX_STEPS {
            return false;
        }
        if let Some(fact) = study.fact(value) {
            // Another span's context is another parent.
            let slots = [fact.effect.derives, fact.effect.binds_context].into_iter().flatten();
            work.extend(slots.flat_map(|slot| study.slot(value, slot)).filter(|_| fact.effect.span.is_none()));
        }
        for def in study.program.reaching(value) {
            let def = study.program.def(value.file, *def);
            if let DefKind::Value { value: from, .. } | DefKind::Entered(from) = def.kind {
                work.push(ValueRef { expr: from, ..value });
            }
        }
    }
    false
}

/// Whether a span is managed by a `with` or `try (…)` around a place.
fn is_around(study: &Study<'_>, start: &CallFact<'_>, at: Span) -> bool {
    let Some(file) = study.program.files.get(start.call.file as usize) else { return false };
    let facts = &file.source.facts;
    let span = study.program.expr(start.call).span;
    facts.stmts.iter().any(|stmt| match &stmt.kind {
        StmtKind::With { items, body, .. } => {
            let manages = items
                .iter()
                .any(|item| facts.expr(item.value).span.contains(span) || activates(study, start, item.value));
            let inside = body.iter().filter_map(|id| facts.stmts.get(*id as usize)).any(|stmt| stmt.span.contains(at));
            manages && inside
        }
        _ => false,
    })
}

/// Whether a manager makes a span current that was started before.
fn activates(study: &Study<'_>, start: &CallFact<'_>, manager: crate::ir::ExprId) -> bool {
    let call = ValueRef { expr: manager, ..start.call };
    let slot = study.fact(call).and_then(|fact| fact.effect.activates);
    slot.is_some_and(|slot| study.slot(call, slot).into_iter().any(|value| comes_from(study, value, start.call)))
}

/// Whether nothing that a span is started with says its kind, and all of it is seen.
fn is_kindless(study: &Study<'_>, start: &CallFact<'_>) -> bool {
    if says_kind(study, start.call, KINDS) {
        return false;
    }
    let program = study.program;
    let is_seen = |call: ValueRef| match program.expr_kind(call) {
        ExprKind::Call { args, .. } => args.iter().all(|arg| {
            let value = ValueRef { expr: arg.value, ..call };
            arg.spread == Spread::None
                && arg.name.is_none_or(|name| name != "kind")
                && is_no_option(study, start, value)
        }),
        _ => false,
    };
    let mut at = Some(start.call);
    while let Some(call) = at {
        let fact = study.fact(call);
        if fact.is_some_and(|fact| fact.effect.gives_kind) || !is_seen(call) {
            return false;
        }
        // A builder that is kept in a variable may be told by any statement.
        at = match start.effect.span.is_some_and(|span| span.span == Slot::Result(0)) {
            true if study.language() == Language::Java && fact.is_none_or(|fact| fact.effect.span_name.is_empty()) => {
                let Some(receiver) = program.receiver(call) else { return false };
                if !matches!(program.expr_kind(receiver), ExprKind::Call { .. }) {
                    return false;
                }
                Some(receiver)
            }
            _ => None,
        };
    }
    true
}

/// Whether an argument is no option of which it is not seen what it says: the context, the name, or an option of the
/// library itself.
fn is_no_option(study: &Study<'_>, start: &CallFact<'_>, value: ValueRef) -> bool {
    if study.language() != Language::Go {
        return true;
    }
    let context = start.effect.span.map(|span| span.context);
    let mut known = start.effect.span_name.iter().copied().chain(context);
    if known.any(|slot| study.slot(start.call, slot).contains(&value)) {
        return true;
    }
    let made_by = study.program.callee(value).name;
    let home = made_by.and_then(|name| name.as_str().rsplit_once('.')).map(|(home, _)| home);
    let is_own = home.is_some_and(|home| start.library.modules.iter().any(|module| module == home));
    is_own && study.fact(value).is_none_or(|fact| !fact.effect.gives_kind)
}

fn finding(study: &Study<'_>, start: &CallFact<'_>, hop: &Hop) -> Finding {
    let kind = hop.kind;
    let mut out = study.finding("missing-kind", start.call, Confidence::Certain);
    let starts = study.callee_text(start.call);
    out.message = match hop.sends {
        Some(sends) => format!(
            "the span of `{starts}` stands for the request of `{}`, and its kind is INTERNAL",
            study.callee_text(sends)
        ),
        None => format!("the span of `{starts}` continues a trace from another service, and its kind is INTERNAL"),
    };
    out.label = format!("no kind is given; {kind} is meant");
    out.effect =
        "backends draw the ways between services from pairs of CLIENT and SERVER, PRODUCER and CONSUMER spans: \
                  this one is missing in service maps and in request rates by service"
            .to_owned();
    out.help = format!("give the span the kind {kind} where it is started");
    out.confirm = "open a trace: the span is shown as internal; in the service map the way is missing".to_owned();
    let wrote = match hop.sends {
        Some(_) => "its context is written into the request here",
        None => "its parent is read here",
    };
    out.related.push(study.related(hop.by_hand, wrote));
    out
}
