//! What functions do to a trace, in a few bits, carried up the call graph until nothing changes.

use super::Study;
use crate::ir::Language;
use crate::knowledge::{FunctionDescription, HopKind, TypeRole};
use crate::link::{FuncRef, ValueRef};
use rustc_hash::FxHashMap;
use std::ops::{BitOr, BitOrAssign};

/// A set of things that a function does, itself or through the service's own functions that it calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Summary(u32);

impl Summary {
    /// Starts a span.
    pub const STARTS: Self = Self(1);
    /// Ends a span.
    pub const ENDS: Self = Self(1 << 1);
    /// Injects a context into a carrier.
    pub const INJECTS: Self = Self(1 << 2);
    /// Extracts a context from a carrier.
    pub const EXTRACTS: Self = Self(1 << 3);
    /// Calls another service.
    pub const CALLS_OUT: Self = Self(1 << 4);
    /// Sends a message.
    pub const PRODUCES: Self = Self(1 << 5);
    /// Instruments something.
    pub const INSTRUMENTS: Self = Self(1 << 6);
    /// Makes a span or context current.
    pub const ACTIVATES: Self = Self(1 << 7);
    /// Wraps work so that its context goes along.
    pub const CARRIES: Self = Self(1 << 8);
    /// Sets the process-wide propagator.
    pub const SETS_PROPAGATOR: Self = Self(1 << 9);
    /// Sets the process-wide tracer provider.
    pub const SETS_PROVIDER: Self = Self(1 << 10);
    /// Logs.
    pub const LOGS: Self = Self(1 << 11);
    /// Copies or sets the logging context.
    pub const COPIES_MDC: Self = Self(1 << 12);
    /// Asks a database or cache.
    pub const STORES: Self = Self(1 << 13);
    /// Closes a scope or detaches a token.
    pub const CLOSES: Self = Self(1 << 14);
    /// Reads messages.
    pub const CONSUMES: Self = Self(1 << 15);
    /// Binds a span or context to another context or request.
    pub const BINDS: Self = Self(1 << 16);
    /// Runs something on another thread or task.
    pub const SPAWNS: Self = Self(1 << 17);
    /// Tells a span of an error.
    pub const RECORDS: Self = Self(1 << 18);
    /// Instruments what takes work in: a server, its handlers, a consumer.
    pub const TAKES_UP: Self = Self(1 << 19);
    /// Makes a parent of ids that it has read by hand.
    pub const REBUILDS: Self = Self(1 << 20);

    /// These and others together.
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether it does any of these.
    pub fn has(self, any: Self) -> bool {
        self.0 & any.0 != 0
    }

    /// All that it does but these.
    fn without(self, some: Self) -> Self {
        Self(self.0 & !some.0)
    }
}

impl BitOr for Summary {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Summary {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// What one library call does.
pub(super) fn of_effect(effect: &FunctionDescription) -> Summary {
    let mut out = Summary::default();
    let mut set = |condition: bool, bit: Summary| {
        if condition {
            out |= bit;
        }
    };
    set(effect.span.is_some(), Summary::STARTS);
    set(effect.span.is_some_and(|span| span.current), Summary::ACTIVATES);
    set(effect.ends.is_some(), Summary::ENDS);
    set(effect.records.is_some(), Summary::RECORDS);
    set(effect.inject.is_some(), Summary::INJECTS);
    set(effect.extract.is_some(), Summary::EXTRACTS);
    set(effect.remote_by_hand, Summary::REBUILDS);
    set(effect.instruments.is_some() || !effect.switches_on.is_empty(), Summary::INSTRUMENTS);
    let takes_up = effect.instruments.is_some() && !effect.outbound;
    set(takes_up || !effect.switches_on.is_empty(), Summary::TAKES_UP);
    set(effect.activates.is_some(), Summary::ACTIVATES);
    set(effect.closes.is_some(), Summary::CLOSES);
    set(effect.carries.is_some() || effect.spawns.is_some_and(|spawn| spawn.carries), Summary::CARRIES);
    set(effect.spawns.is_some(), Summary::SPAWNS);
    set(effect.log.is_some() || effect.makes == Some(TypeRole::Logger), Summary::LOGS);
    set(effect.copies_mdc, Summary::COPIES_MDC);
    set(effect.binds_context.is_some(), Summary::BINDS);
    use crate::knowledge::Setting;
    set(matches!(effect.sets, Some(Setting::Propagator | Setting::Everything)), Summary::SETS_PROPAGATOR);
    set(matches!(effect.sets, Some(Setting::TracerProvider | Setting::Everything)), Summary::SETS_PROVIDER);
    if let Some(hop) = effect.hop {
        set(matches!(hop.kind, HopKind::HttpCall | HopKind::RpcCall), Summary::CALLS_OUT);
        set(hop.kind == HopKind::Produce, Summary::PRODUCES);
        set(hop.kind == HopKind::Consume, Summary::CONSUMES);
        set(hop.kind == HopKind::Store, Summary::STORES);
    }
    out
}

/// The Go functions that write a library's handler down which takes up traces (`&ochttp.Handler{Handler: next}`): there is no
/// call that would say so.
fn makers_of_handlers<'s>(study: &'s Study<'_>) -> impl Iterator<Item = FuncRef> + 's {
    let program = study.program;
    let files = (0u32..).zip(&program.files).filter(|_| program.language == Language::Go);
    let sites = files.flat_map(|(at, file)| file.flow.calls.iter().map(move |site| (at, site)));
    let is_handler = move |at: u32, expr| {
        let made = program.callee(ValueRef { file: at, expr }).constructs;
        let described = made.and_then(|ty| program.knowledge.ty(ty));
        described.is_some_and(|(_, ty)| ty.instrumented && ty.role == TypeRole::Other)
    };
    sites.filter(move |(at, site)| is_handler(*at, site.expr)).map(|(at, site)| FuncRef { file: at, id: site.function })
}

/// The summaries of all functions: own effects, those of closures inside, and those of callees.
pub(super) fn summaries(study: &Study<'_>) -> FxHashMap<FuncRef, Summary> {
    let program = study.program;
    let mut out: FxHashMap<FuncRef, Summary> = FxHashMap::default();
    for fact in study.calls() {
        let mut does = of_effect(fact.effect);
        if does.has(Summary::SETS_PROPAGATOR) && fact.library.is_other_api() {
            does = does.without(Summary::SETS_PROPAGATOR);
        }
        *out.entry(fact.function).or_default() |= does;
    }
    for function in makers_of_handlers(study) {
        *out.entry(function).or_default() |= Summary::INSTRUMENTS | Summary::TAKES_UP;
    }
    // A decorator that puts a span around a Python function starts it wherever the function is called.
    let decorated = program.all_functions().filter(|function| {
        program.language == Language::Python
            && !program.function(*function).annotations.is_empty()
            && super::reach::has_span_around(study, *function)
    });
    for function in decorated {
        *out.entry(function).or_default() |= Summary::STARTS;
    }
    for function in super::remote::callers_of_clients(study).into_iter().chain(super::foreign::askers(study)) {
        *out.entry(function).or_default() |= Summary::CALLS_OUT;
    }
    let mut work: Vec<FuncRef> = out.keys().copied().collect();
    work.sort_unstable();
    while let Some(function) = work.pop() {
        let mine = out.get(&function).copied().unwrap_or_default();
        let mut above: Vec<FuncRef> = program.callers(function).iter().map(|call| program.function_at(*call)).collect();
        above.extend(
            program.function(function).parent.filter(|parent| parent.0 != 0).map(|id| FuncRef { id, ..function }),
        );
        above.extend(study.namers.get(&function).into_iter().flatten());
        for caller in above {
            let theirs = out.entry(caller).or_default();
            let joined = *theirs | mine;
            if joined != *theirs {
                *theirs = joined;
                work.push(caller);
            }
        }
    }
    out
}
