//! Which functions that take requests stand where the traces of whoever asks are read (Go).

use super::handlers::{all_handlers, handlers, served_by};
use super::life::{Life, Lives};
use super::server::starts_in_front;
use crate::ir::{Language, TypeKind};
use crate::knowledge::{HopKind, Slot, TypeRole};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::study::{CallFact, Study, Summary, functions_of, stub_of};
use rustc_hash::FxHashSet;
use ustr::Ustr;

/// How the functions that take requests stand to the traces of whoever asks (Go).
#[derive(Debug, Default)]
pub(super) struct Light {
    /// Those that are mounted on servers which are seen to be made plain: nothing reads them.
    pub dark: FxHashSet<FuncRef>,
    /// Those that are mounted on servers which are seen to read them, or read them themselves.
    pub bright: FxHashSet<FuncRef>,
}

/// Asks of every handler that is mounted on a server what that server does.
pub(super) fn light(lives: &Lives<'_, '_>) -> Light {
    let lives = &lives.of_servers();
    let study = lives.study;
    let mut out = Light::default();
    // Those that are mounted where traces are read, or may be.
    let mut grey = FxHashSet::default();
    // Those that stand behind wrappers, by whether all that mounts these is plain.
    let (mut in_the_dark, mut elsewhere) = (FxHashSet::default(), FxHashSet::default());
    if study.language() != Language::Go {
        return out;
    }
    for (at, file) in (0u32..).zip(&study.program.files) {
        for site in &file.flow.calls {
            let call = ValueRef { file: at, expr: site.expr };
            let Some((server, functions)) = mounting_call(study, call) else { continue };
            let is_lit = is_wrapped(lives, call, &functions) || server.is_some_and(|server| reads(lives, server));
            let is_dark = !is_lit && server.is_some_and(|server| is_plain(lives, server));
            let (set, behind) = match (is_lit, is_dark) {
                (true, _) => (&mut out.bright, &mut elsewhere),
                (false, true) => (&mut out.dark, &mut in_the_dark),
                (false, false) => (&mut grey, &mut elsewhere),
            };
            set.extend(functions);
            behind.extend(wrapped(study, call));
        }
    }
    for fact in study.calls() {
        let Some((is_bright, functions)) = served_whole(lives, fact) else { continue };
        if is_bright {
            out.bright.extend(functions)
        } else {
            out.dark.extend(functions)
        };
    }
    out.dark.retain(|function| !out.bright.contains(function) && !grey.contains(function));
    let is_seen_elsewhere = |function: &FuncRef| out.bright.contains(function) || elsewhere.contains(function);
    out.dark.extend(in_the_dark.into_iter().filter(|function| !is_seen_elsewhere(function)));
    out
}

/// The handlers of an own type that a server is made of, or that a call serves (`http.Server{Handler: shop}`,
/// `http.ListenAndServe(addr, shop)`), and whether something reads the traces of whoever asks them. The type says all
/// about them: what wraps a handler is of another one.
fn served_whole(lives: &Lives<'_, '_>, fact: &CallFact<'_>) -> Option<(bool, Vec<FuncRef>)> {
    let study = lives.study;
    let program = study.program;
    let makes = fact.effect.makes == Some(TypeRole::Server);
    let given = match (makes, fact.effect.hop) {
        (true, _) => study.slot(fact.call, Slot::AnyArg),
        (false, Some(hop)) if hop.kind == HopKind::Serve => study.slot(fact.call, hop.client),
        _ => return None,
    };
    let is_struct = |ty: &Ustr| {
        let own = program.own_type(*ty).map(|ty| program.type_decl(ty));
        own.is_some_and(|decl| decl.kind == TypeKind::Class)
    };
    let (value, ty) = given.into_iter().find_map(|value| Some((value, program.type_of(value).filter(is_struct)?)))?;
    let functions = served_by(study, value);
    let reads = |function: &FuncRef| reads_traces(lives, *function);
    let is_bright = study.unit(fact.call.file).is_traced_from_outside()
        || study.unit(fact.call.file).coverage(fact.library).is_some()
        || lives.own_type(ty) == Life::Instrumented
        || functions.iter().any(reads)
        || makes && lives.beside_routes(fact.call) == Life::Instrumented;
    Some((is_bright, functions))
}

/// Whether one of those that a server may be is seen to read the traces of whoever asks.
fn reads(lives: &Lives<'_, '_>, server: ValueRef) -> bool {
    let study = lives.study;
    study.unit(server.file).is_traced_from_outside()
        || study.program.origins(server, true).into_iter().any(|origin| match origin {
            Origin::Call(made, _) | Origin::Literal(made) => study.fact(made).is_some_and(|fact| {
                fact.effect.makes == Some(TypeRole::Server)
                    && (study.unit(made.file).coverage(fact.library).is_some()
                        || lives.beside_routes(made) == Life::Instrumented
                        || starts_in_front(study, &lives.later(made)))
            }),
            _ => false,
        })
}

/// The server that a call mounts handlers on, where it is seen, and the handlers; `None` for any other call.
fn mounting_call(study: &Study<'_>, call: ValueRef) -> Option<(Option<ValueRef>, Vec<FuncRef>)> {
    let is_server = |value: &ValueRef| study.program.role_of(*value) == Some(TypeRole::Server);
    match study.fact(call) {
        Some(fact) => {
            let registers = fact.effect.registers.filter(|found| !found.root)?;
            Some((study.slot(call, registers.on).into_iter().next(), handlers(study, call)))
        }
        None => {
            stub_of(study, call, |names| &names.servers)?;
            Some((study.slot(call, Slot::AnyArg).into_iter().find(is_server), handlers(study, call)))
        }
    }
}

/// The functions of the wrappers that a call mounts, and of what they wrap: no other way leads to what they are given.
fn wrapped(study: &Study<'_>, call: ValueRef) -> impl Iterator<Item = FuncRef> {
    all_handlers(study, call).into_iter().flat_map(|function| study.with_nested(function))
}

/// Whether all that a server may be is seen being made, and stays plain.
fn is_plain(lives: &Lives<'_, '_>, server: ValueRef) -> bool {
    let study = lives.study;
    let is_made_plain = |origin: &Origin| match origin {
        Origin::Call(made, _) | Origin::Literal(made) => study.fact(*made).is_some_and(|fact| {
            fact.effect.makes == Some(TypeRole::Server)
                && study.unit(made.file).coverage(fact.library).is_none()
                && lives.beside_routes(*made) == Life::Plain
                && !starts_in_front(study, &lives.later(*made))
        }),
        _ => false,
    };
    let origins = study.program.origins(server, true);
    !origins.is_empty() && !study.unit(server.file).is_traced_from_outside() && origins.iter().all(is_made_plain)
}

/// Whether what a call mounts reads the trace itself, or is wrapped in what does.
fn is_wrapped(lives: &Lives<'_, '_>, call: ValueRef, functions: &[FuncRef]) -> bool {
    let study = lives.study;
    functions.iter().any(|function| reads_traces(lives, *function))
        || study.fact(call).is_some()
            && study.slot(call, Slot::AnyArg).into_iter().any(|value| is_made_reading(lives, value, MAX_WRAPPERS))
}

/// Whether a handler reads the trace of whoever asks. What it asks others with, it may well instrument or inject into:
/// that says nothing of what comes in.
fn reads_traces(lives: &Lives<'_, '_>, function: FuncRef) -> bool {
    let study = lives.study;
    let takes_up = |fact: &CallFact<'_>| fact.effect.instruments.is_some() && !fact.effect.outbound;
    study.summary(function).has(Summary::EXTRACTS)
        || lives.names_headers(function)
        || study.with_nested(function).into_iter().any(|inner| study.calls_in(inner).any(takes_up))
}

/// How many wrappers around one another are looked at.
pub(super) const MAX_WRAPPERS: u32 = 4;

/// Whether a handler is handed back by a call that puts what reads traces in front of it.
fn is_made_reading(lives: &Lives<'_, '_>, value: ValueRef, depth: u32) -> bool {
    let study = lives.study;
    let is_own_reading = |function: &FuncRef| {
        study.summary(*function).has(Summary::INSTRUMENTS | Summary::EXTRACTS) || lives.names_headers(*function)
    };
    study.program.origins(value, true).into_iter().any(|origin| match origin {
        Origin::Call(call, _) if depth > 0 => {
            let own = &study.program.callee(call).functions;
            let given = study.slot(call, Slot::AnyArg);
            match own.is_empty() {
                true => lives.traces_handler(value, MAX_WRAPPERS),
                false => {
                    own.iter().any(is_own_reading)
                        || given.into_iter().any(|arg| is_made_reading(lives, arg, depth - 1))
                }
            }
        }
        Origin::Call(..) | Origin::Param(..) | Origin::Unknown => false,
        // What it is made of, or a function: `Routes{…}`, `s.list`
        Origin::Literal(made) => {
            let own = study.program.callee(made).constructs;
            own.is_some_and(|ty| lives.own_type(ty) == Life::Instrumented)
        }
        Origin::Field(..) => {
            let functions = functions_of(study, value);
            functions.is_empty() && lives.traces_handler(value, MAX_WRAPPERS)
        }
    })
}
