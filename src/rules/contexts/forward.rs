//! Where a context goes from the place where it is made: forward through locals and derivations to the calls that use it.

use super::vain::is_given_in_vain;
use crate::ir::ExprKind;
use crate::knowledge::{Slot, TypeRole};
use crate::link::flow::DefKind;
use crate::link::{FuncRef, Origin, Step, ValueRef};
use crate::rules::clients::{Lives, is_traced_store};
use crate::rules::messaging::extracts_nothing;
use crate::study::{Study, Summary};
use rustc_hash::FxHashSet;

/// What becomes of a context.
#[derive(Debug, Default)]
pub(super) struct Journey {
    /// Calls under which the trace goes on: spans, hops, and the service's own functions that do such things.
    pub sinks: Vec<ValueRef>,
    /// Calls that take the context and whose body is not seen.
    pub opaque: Vec<ValueRef>,
    /// Calls of function values (handlers, callbacks) that take the context.
    pub handlers: Vec<ValueRef>,
    /// Calls of own functions that take it and are no sinks.
    pub handed: Vec<ValueRef>,
    /// A log record is written with it, or a logger made of it.
    pub logged: bool,
    /// It got the trace back: a span or a span's context was bound to it, or a helper took both.
    pub rebound: bool,
    /// It leaves the view: returned, stored, sent.
    pub escapes: bool,
    /// A library takes it for something that is no span, no call and no log record.
    pub kept: bool,
    /// How many own functions that it is handed to are still looked into.
    depth: u32,
}

/// How many own functions are followed that hand a context on to one another.
pub(super) const MAX_HANDED: u32 = 3;

/// Follows a context value forward. Cleanup (deferred calls) is left out.
pub(super) fn journey(lives: &Lives<'_, '_>, start: ValueRef) -> Journey {
    follow(lives, vec![start], MAX_HANDED)
}

pub(super) fn follow(lives: &Lives<'_, '_>, mut work: Vec<ValueRef>, depth: u32) -> Journey {
    let study = lives.study;
    let mut out = Journey { depth, ..Journey::default() };
    let mut seen = FxHashSet::default();
    while let Some(value) = work.pop() {
        if !seen.insert(value) || seen.len() > 200 {
            continue;
        }
        if let Some(parent) = study.program.parent(value) {
            used_by(lives, parent, value, &mut work, &mut out);
        } else if !assigned(study, value, &mut work) {
            out.escapes = true;
        }
    }
    out.sinks.sort_unstable();
    out.opaque.sort_unstable();
    out.handlers.sort_unstable();
    out
}

/// Adds the uses of the variables that a value is assigned to; false when it goes anywhere else.
fn assigned(study: &Study<'_>, value: ValueRef, work: &mut Vec<ValueRef>) -> bool {
    let flow = &study.program.files[value.file as usize].flow;
    let function = study.program.function_covering(value);
    let returned = flow.returns_of(function.id).any(|found| found.values.contains(&value.expr));
    if returned || flow.writes_from(value.expr).next().is_some() {
        return false;
    }
    let mut found = false;
    for (id, def) in flow.defs_from(value.expr) {
        let DefKind::Value { index, .. } = def.kind else { continue };
        // `_, span := traces.Start(ctx)`: what the first result is, is thrown away.
        found = true;
        // `group, ctx := errgroup.WithContext(ctx)`
        let is_context = |n: u8| {
            study.program.result_type(value, n, 4).and_then(|ty| study.program.role(ty)) == Some(TypeRole::Context)
        };
        if index.is_some_and(|n| n > 0 && !is_context(n)) {
            continue;
        }
        let uses = flow.vars[def.var.0 as usize].uses.iter();
        let reached = uses.filter(|used| flow.reaching(**used).contains(&id));
        work.extend(reached.map(|used| ValueRef { file: value.file, expr: *used }));
    }
    found
}

fn used_by(lives: &Lives<'_, '_>, parent: ValueRef, value: ValueRef, work: &mut Vec<ValueRef>, out: &mut Journey) {
    match lives.study.program.expr_kind(parent) {
        ExprKind::Call { .. } | ExprKind::New { .. } => passed(lives, parent, value, work, out),
        ExprKind::Composite { .. } => out.escapes = true,
        ExprKind::Unary { .. } | ExprKind::Cast { .. } | ExprKind::Conditional { .. } | ExprKind::Await(_) => {
            work.push(parent)
        }
        _ => {}
    }
}

fn passed(lives: &Lives<'_, '_>, call: ValueRef, value: ValueRef, work: &mut Vec<ValueRef>, out: &mut Journey) {
    let study = lives.study;
    let program = study.program;
    let site = program.call_site(call);
    if site.is_some_and(|site| site.deferred) {
        return;
    }
    if takes_headers_of_another(study, call, value) || takes_span_of_another(study, call, value) {
        out.rebound = true;
        return;
    }
    if let Some(fact) = study.fact(call) {
        let effect = fact.effect;
        let in_slot = |slot: Slot| program.slot(call, slot).contains(&value);
        if effect.binds_context.is_some() || effect.extract.is_some() {
            // A request made with the context goes on; a span put into it gives it the trace back.
            let request = effect.binds_context.is_some_and(in_slot);
            if request || extracts_nothing(study, call) {
                work.push(call)
            } else {
                out.rebound = true
            }
            return;
        }
        let crosses = effect.hop.is_some_and(|hop| in_slot(hop.context) || in_slot(hop.carrier));
        if effect.span.is_some_and(|span| in_slot(span.context)) && is_meant(study, call) {
            out.rebound = true;
        } else if effect.span.is_some_and(|span| in_slot(span.context))
            || crosses
            || effect.inject.is_some_and(|i| in_slot(i.context))
            || effect.goes_on && program.role_of(value) == Some(TypeRole::Request)
        {
            out.sinks.push(call);
        } else if effect.derives.is_some_and(in_slot) || effect.detaches.is_some_and(in_slot) {
            work.push(call);
        } else if effect.measures.is_some_and(in_slot) {
            // A measurement keeps no more of a context than the ids of its span.
        } else if effect.log.is_some() || program.role_of(call) == Some(TypeRole::Logger) {
            out.logged = true;
            out.kept |= effect.log.is_none();
        } else {
            out.kept = true;
        }
        return;
    }
    if takes_another_context(study, call, value) {
        out.rebound = true;
        return;
    }
    if study.asks_traced_foreigner(call) {
        out.sinks.push(call);
        return;
    }
    let callee = program.callee(call);
    if callee.functions.is_empty() {
        if is_function_value(study, call) {
            out.handlers.push(call);
            return;
        }
        // A library's function that is not described may hand a derived context back.
        if program.receiver(call).is_none_or(|receiver| program.qualify(receiver).is_some()) {
            let kept = assigned(study, call, work);
            if !kept {
                out.opaque.push(call);
            }
            return;
        }
        out.opaque.push(call);
        return;
    }
    let summary = study.effect_of(call);
    if summary.has(Summary::EXTRACTS) && is_given_headers(study, call) {
        out.rebound = true;
        return;
    }
    let returned = program.type_of(call).and_then(|ty| program.role(ty));
    // What binds a span or its ids by itself puts them into a context that nobody keeps.
    if returned == Some(TypeRole::Context) && summary.has(Summary::BINDS) && is_thrown_away(study, call) {
        out.rebound = true;
        return;
    }
    // A helper that makes a request hands the context on in it.
    if returned == Some(TypeRole::Context) || returned == Some(TypeRole::Request) && summary.has(Summary::BINDS) {
        work.push(call);
    }
    let goes_on = summary.has(GOES_ON) && !is_given_in_vain(lives, call, value, out.depth);
    if goes_on || asks_traced_store(lives, call, value, out.depth) {
        out.sinks.push(call);
    } else {
        out.handed.push(call);
    }
}

/// Whether the first result of a call is given no name, while another one is.
fn is_thrown_away(study: &Study<'_>, call: ValueRef) -> bool {
    let Some(flow) = study.program.files.get(call.file as usize).map(|file| &file.flow) else { return false };
    let mut kept = flow.defs_from(call.expr).filter_map(|(_, def)| match def.kind {
        DefKind::Value { index, .. } => Some(index.unwrap_or(0)),
        _ => None,
    });
    let first = kept.next();
    first.is_some_and(|index| index != 0) && kept.all(|index| index != 0)
}

/// What a function does that belongs to the trace of the context that it is given.
pub(super) const GOES_ON: Summary = Summary::STARTS.or(Summary::CALLS_OUT).or(Summary::PRODUCES).or(Summary::INJECTS);

/// Whether the own functions that a call may run ask stores under the context that it is given, through clients that make
/// a span of it.
pub(super) fn asks_traced_store(lives: &Lives<'_, '_>, call: ValueRef, context: ValueRef, depth: u32) -> bool {
    let study = lives.study;
    let ExprKind::Call { args, .. } = study.program.expr_kind(call) else { return false };
    let Some(n) = args.iter().position(|arg| arg.value == context.expr) else { return false };
    let functions = &study.program.callee(call).functions;
    // What asks no store may stand for the others in tests.
    let mut asking = functions.iter().filter(|function| study.summary(**function).has(Summary::STORES)).peekable();
    depth > 0 && asking.peek().is_some() && asking.all(|function| stores_under(lives, *function, n as u16, depth))
}

/// Whether a function asks a traced store under the context that a parameter is.
fn stores_under(lives: &Lives<'_, '_>, function: FuncRef, n: u16, depth: u32) -> bool {
    let program = lives.study.program;
    let Some(flow) = program.files.get(function.file as usize).map(|file| &file.flow) else { return false };
    let uses = flow.param_var(function.id, n).map(|var| var.uses.as_slice()).unwrap_or_default();
    let uses = uses.iter().map(|used| ValueRef { file: function.file, expr: *used }).collect();
    let went = follow(lives, uses, depth - 1);
    went.sinks.iter().any(|sink| match lives.study.fact(*sink) {
        Some(fact) => is_traced_store(lives, fact),
        None => lives.study.effect_of(*sink).has(Summary::STORES),
    })
}

/// Whether a call is given a carrier of headers: what extracts finds the parent there, not in its context.
pub(super) fn is_given_headers(study: &Study<'_>, call: ValueRef) -> bool {
    let given = study.program.slot(call, Slot::AnyArg);
    given.into_iter().any(|value| study.program.role_of(value) == Some(TypeRole::Carrier))
}

/// Whether a span is started as a root on purpose: with a link, or with an option that says so.
fn is_meant(study: &Study<'_>, start: ValueRef) -> bool {
    let options = study.program.slot(start, Slot::AnyArg);
    options
        .into_iter()
        .any(|option| study.fact(option).is_some_and(|fact| fact.effect.drops_parent || fact.effect.links))
}

/// Whether a call runs a function value that is not seen: a parameter, a local, a field.
pub(in crate::rules) fn is_function_value(study: &Study<'_>, call: ValueRef) -> bool {
    let program = study.program;
    let ExprKind::Call { callee, .. } = program.expr_kind(call) else { return false };
    let callee = ValueRef { expr: *callee, ..call };
    match program.expr_kind(callee) {
        ExprKind::Name(_) => !program.reaching(callee).is_empty(),
        ExprKind::Member { base, name, .. } => {
            let owner = program.type_of(ValueRef { expr: *base, ..call }).and_then(|ty| program.own_type(ty));
            owner.is_some_and(|owner| program.has_field(owner, *name))
        }
        _ => false,
    }
}

/// Whether a call takes a second context or span besides this value: it may copy the trace over.
pub(super) fn takes_another_context(study: &Study<'_>, call: ValueRef, value: ValueRef) -> bool {
    let others = study.program.slot(call, Slot::AnyArg);
    others.iter().filter(|other| **other != value).any(|other| {
        matches!(study.program.role_of(*other), Some(TypeRole::Context | TypeRole::Span | TypeRole::Request))
    })
}

/// Whether a call takes headers besides this context that were made under another one: a function that is given that may
/// have copied the trace into them.
fn takes_headers_of_another(study: &Study<'_>, call: ValueRef, value: ValueRef) -> bool {
    let program = study.program;
    let others = program.slot(call, Slot::AnyArg);
    let headers = others.iter().filter(|other| **other != value && program.role_of(**other) == Some(TypeRole::Carrier));
    headers.copied().any(|headers| {
        let made = program.origins(headers, false).into_iter().chain(made_by(study, headers));
        made.into_iter().any(|origin| match origin {
            Origin::Call(made, _) => {
                let given = program.slot(made, Slot::AnyArg);
                given.into_iter().any(|arg| arg != value && program.role_of(arg) == Some(TypeRole::Context))
            }
            _ => false,
        })
    })
}

/// Whether a call takes besides this context what a function of the program's own made of another one by asking it for its
/// span: `CopySpan(fresh, helperOf(ctx), name)`.
fn takes_span_of_another(study: &Study<'_>, call: ValueRef, value: ValueRef) -> bool {
    let program = study.program;
    let asks_for_span = |function: &FuncRef| {
        study.calls_in(*function).any(|fact| {
            let role = fact.effect.returns.first().and_then(|ty| program.role(*ty));
            matches!(role, Some(TypeRole::Span | TypeRole::SpanContext)) && fact.effect.span.is_none()
        })
    };
    let is_of_another = |made: ValueRef| {
        let given = program.slot(made, Slot::AnyArg);
        given.into_iter().any(|arg| arg != value && program.role_of(arg) == Some(TypeRole::Context))
            && program.callee(made).functions.iter().any(asks_for_span)
    };
    let others = program.slot(call, Slot::AnyArg).into_iter().filter(|other| *other != value);
    others.filter_map(|other| made_by(study, other)).any(|origin| match origin {
        Origin::Call(made, _) => is_of_another(made),
        _ => false,
    })
}

/// The call whose result a local is, which may run an own function.
fn made_by(study: &Study<'_>, local: ValueRef) -> Option<Origin> {
    match study.program.step(local) {
        Step::Call(call, n) => Some(Origin::Call(call, n)),
        Step::Values(values) => values.into_iter().find_map(|value| match study.program.expr_kind(value) {
            ExprKind::Call { .. } => Some(Origin::Call(value, 0)),
            _ => None,
        }),
        _ => None,
    }
}
