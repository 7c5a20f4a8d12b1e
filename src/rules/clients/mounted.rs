//! What is mounted on a server: each registration, and how its handlers stand to the traces of whoever asks. The rule and
//! the account of a place ask the same.

use super::handlers::{all_handlers, behind, handed_back, is_aside};
use super::life::{Later, Life, Lives};
use super::server::{calls_out, has_tracing_filter, starts_in_front, starts_within};
use super::taken_up::takes_request_up;
use crate::ir::{ExprKind, Language};
use crate::knowledge::{HopKind, LibraryDescription, Slot, TypeRole};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::study::{CallFact, Study, Summary};

/// How many routers that are mounted on one another are entered.
const MAX_ROUTERS: u32 = 3;

/// A registration on a server, with the handlers that are seen behind it.
#[derive(Debug)]
pub(in crate::rules) struct Mount {
    /// The call that mounts, or the value that stands for it.
    pub(in crate::rules) call: ValueRef,
    /// Its handlers, and how each stands.
    pub(in crate::rules) handlers: Vec<(FuncRef, Stand)>,
    /// What is mounted.
    pub(in crate::rules) by: By,
}

/// What a registration mounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rules) enum By {
    /// The handlers that are seen.
    Seen,
    /// Whatever those mount to whom it hands its registering method on.
    Others,
    /// A router that reads traces itself.
    Reader,
}

/// How a handler stands to the trace of whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rules) enum Stand {
    /// It reads the trace itself.
    Reads,
    /// It starts a span and has another handler run under it: what it leaves out is judged at it.
    Front,
    /// It would go on with it.
    GoesOn,
    /// It starts no span, and asks nobody to whom a trace could go on.
    Still,
    /// It never asks its request for the context.
    Apart,
}

impl Mount {
    /// Whether work that is mounted here goes on with a trace.
    pub(super) fn goes_on(&self) -> bool {
        self.by == By::Others || self.handlers.iter().any(|(_, stand)| *stand == Stand::GoesOn)
    }

    /// Whether a handler reads the trace itself.
    pub(super) fn reads(&self) -> bool {
        let reads = |stand: &Stand| matches!(stand, Stand::Reads | Stand::Front);
        self.by == By::Reader || self.handlers.iter().any(|(_, stand)| reads(stand))
    }
}

/// All that is mounted on a server, without checks of health, metrics and the like.
pub(in crate::rules) fn mounted(lives: &Lives<'_, '_>, server: ValueRef, later: &Later) -> Vec<Mount> {
    let mut out = Vec::new();
    add_mounted(lives, server, later, MAX_ROUTERS, &mut out);
    out
}

fn add_mounted(lives: &Lives<'_, '_>, server: ValueRef, later: &Later, depth: u32, out: &mut Vec<Mount>) {
    let study = lives.study;
    for call in later.mounts.iter().filter(|call| !is_aside(study, **call)) {
        out.push(Mount { call: *call, handlers: Vec::new(), by: By::Others });
    }
    for call in later.uses.iter().chain(&later.given) {
        if out.iter().any(|mount| mount.call == *call) || is_aside(study, *call) {
            continue;
        }
        let mut functions = all_handlers(study, *call);
        functions.extend(handed_back(lives, *call));
        push(lives, *call, functions, out);
        let Some(depth) = depth.checked_sub(1) else { continue };
        for inner in routers_on(study, *call).into_iter().filter(|inner| *inner != server) {
            let below = lives.later(inner);
            let has_front = starts_in_front(study, &below) || has_tracing_filter(study, &below);
            match lives.of_construction(inner) {
                Life::Plain if !has_front => add_mounted(lives, inner, &below, depth, out),
                Life::Instrumented | Life::Plain => {
                    out.push(Mount { call: *call, handlers: Vec::new(), by: By::Reader })
                }
                Life::Unknown => {}
            }
        }
    }
    if let Some(fact) = study.fact(server) {
        // A handler of its own may be a proxy of any kind: only what is sure to make spans counts.
        let is_sure = |function: &FuncRef| {
            lives.works_on_traces(*function)
                || lives.may_go_on(*function)
                || study.summary(*function).has(Summary::STARTS)
        };
        let own = own_handlers(study, fact).into_iter().filter(is_sure).collect();
        push(lives, server, own, out);
    }
}

fn push(lives: &Lives<'_, '_>, call: ValueRef, mut functions: Vec<FuncRef>, out: &mut Vec<Mount>) {
    functions.sort_unstable();
    functions.dedup();
    let handlers: Vec<(FuncRef, Stand)> = functions.into_iter().map(|found| (found, stand(lives, found))).collect();
    if !handlers.is_empty() {
        out.push(Mount { call, handlers, by: By::Seen });
    }
}

fn stand(lives: &Lives<'_, '_>, function: FuncRef) -> Stand {
    if lives.works_on_traces(function) {
        Stand::Reads
    } else if starts_within(lives.study, function) {
        Stand::Front
    } else if only_forwards(lives, function) || !goes_on(lives, function) {
        Stand::Still
    } else if takes_request_up(lives.study, function) {
        Stand::GoesOn
    } else {
        Stand::Apart
    }
}

/// Whether what a handler does would be part of the trace (Go): it leads to spans, or sends what is traced. Where nothing
/// traces what is sent, it must be seen to send it: with many calls between them, such handlers mostly do other work.
fn goes_on(lives: &Lives<'_, '_>, function: FuncRef) -> bool {
    let (study, summary) = (lives.study, lives.study.summary(function));
    if study.language() != Language::Go {
        return calls_out(summary);
    }
    summary.has(Summary::STARTS)
        || lives.may_go_on(function)
        || summary.has(Summary::CALLS_OUT | Summary::PRODUCES)
            && (traces_what_is_sent(study, function) || sends_near(study, function))
}

/// Whether a call sends a request or a message of its own.
fn sends(fact: &CallFact<'_>) -> bool {
    let is_sent = |kind| matches!(kind, HopKind::HttpCall | HopKind::RpcCall | HopKind::Produce);
    fact.effect.hop.is_some_and(|hop| is_sent(hop.kind))
}

/// Whether a function, or one that it calls, sends something.
fn sends_near(study: &Study<'_>, function: FuncRef) -> bool {
    let sends_here = |function: FuncRef| study.calls_in(function).any(|fact| sends(fact) && !fact.effect.forwards);
    let inner = study.with_nested(function);
    let flow = study.program.files.get(function.file as usize).map(|file| &file.flow);
    let calls = flow.into_iter().flat_map(|flow| inner.iter().flat_map(|inner| flow.calls_of(inner.id)));
    let mut called = calls.map(|site| study.program.callee(ValueRef { file: function.file, expr: site.expr }));
    inner.iter().any(|inner| sends_here(*inner))
        || called.any(|callee| callee.functions.iter().any(|callee| sends_here(*callee)))
}

/// Whether the unit of a function, or one beside it, instruments what sends requests or messages.
fn traces_what_is_sent(study: &Study<'_>, function: FuncRef) -> bool {
    let sends = |library: &LibraryDescription| {
        let mut hops = library.functions.iter().filter_map(|function| function.hop);
        hops.any(|hop| matches!(hop.kind, HopKind::HttpCall | HopKind::RpcCall | HopKind::Produce))
    };
    let unit = study.unit_of(function.file);
    study.units_near(unit).into_iter().any(|unit| {
        study.of_unit("traces what is sent", unit, || {
            let covers = |library: &LibraryDescription| study.units[unit].coverage(library).is_some() && sends(library);
            study.calls_of_unit(unit).any(|fact| {
                let instruments = fact.effect.instruments.is_some() || fact.effect.inject.is_some();
                instruments && (fact.effect.outbound || fact.effect.inject.is_some())
            }) || study.program.knowledge.libraries().iter().any(covers)
        })
    })
}

/// Whether all that a handler is seen to ask is a proxy, which sends the headers that come in on as they are.
fn only_forwards(lives: &Lives<'_, '_>, function: FuncRef) -> bool {
    let study = lives.study;
    let inner = study.with_nested(function);
    let mut asked = inner.iter().flat_map(|inner| study.calls_in(*inner)).filter(|fact| sends(fact)).peekable();
    asked.peek().is_some() && asked.all(|fact| fact.effect.forwards) && !lives.may_go_on(function)
}

/// The routers that a registration mounts on another one (Go): `r.Mount("/orders", orders.Routes())`.
fn routers_on(study: &Study<'_>, call: ValueRef) -> Vec<ValueRef> {
    let registers = study.fact(call).and_then(|fact| fact.effect.registers).filter(|found| !found.root);
    let given = registers.filter(|_| study.language() == Language::Go).map(|found| study.slot(call, found.handler));
    let mut out = Vec::new();
    for origin in given.into_iter().flatten().flat_map(|value| study.program.origins(value, true)) {
        if let Origin::Call(made, _) | Origin::Literal(made) = origin
            && study.fact(made).is_some_and(|fact| fact.effect.makes == Some(TypeRole::Server))
            && !out.contains(&made)
        {
            out.push(made);
        }
    }
    out
}

/// The handlers that a Go server is made with, where that is no router: `http.Server{Handler: shop}`.
fn own_handlers(study: &Study<'_>, made: &CallFact<'_>) -> Vec<FuncRef> {
    let is_composite = matches!(study.program.expr_kind(made.call), ExprKind::Composite { .. });
    if study.language() != Language::Go || made.effect.makes != Some(TypeRole::Server) || !is_composite {
        return Vec::new();
    }
    study.slot(made.call, Slot::AnyArg).into_iter().flat_map(|value| behind(study, value)).collect()
}
