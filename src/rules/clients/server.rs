//! uninstrumented-server.

use super::super::{Ruling, Verdict, Verdicts};
use super::life::{Later, Life, Lives, is_registration};
use super::taken_up::takes_request_up;
use super::{choice, dead, gate, mounts, words};
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, Language, TypeKind};
use crate::knowledge::{HopKind, Slot, TypeRole};
use crate::link::{FuncRef, Origin, TypeIndex, ValueRef};
use crate::study::{CallFact, Inbound, Study, Summary, functions_of, stub_of};
use rustc_hash::FxHashSet;
use ustr::Ustr;

/// Judges every server that is made.
pub(super) fn check(lives: &Lives<'_, '_>, out: &mut Verdicts) {
    let lives = &lives.of_servers();
    let study = lives.study;
    for fact in study.calls().iter().filter(|fact| fact.effect.makes == Some(TypeRole::Server)) {
        let unit = study.unit_of(fact.call.file);
        let (ruling, handlers) = match judge(lives, fact) {
            Ok(judged) => judged,
            Err(because) => {
                out.pass(fact.call, "uninstrumented-server", because);
                continue;
            }
        };
        out.count(unit, fact.call, "uninstrumented-server", ruling);
        if ruling.verdict == Verdict::Broken {
            out.findings.push(finding(study, fact, &handlers));
        }
    }
}

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
    let mut grey = FxHashSet::default();
    if study.language() != Language::Go {
        return out;
    }
    for (at, file) in (0u32..).zip(&study.program.files) {
        for site in &file.flow.calls {
            let call = ValueRef { file: at, expr: site.expr };
            let Some((server, functions)) = mounting_call(study, call) else { continue };
            let is_lit = is_wrapped(lives, call, &functions) || server.is_some_and(|server| reads(lives, server));
            let set = match (is_lit, server.is_some_and(|server| is_plain(lives, server))) {
                (true, _) => &mut out.bright,
                (false, true) => &mut out.dark,
                (false, false) => &mut grey,
            };
            set.extend(functions);
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

/// Whether a middleware of the service's own that a server is given starts spans.
fn starts_in_front(study: &Study<'_>, later: &Later) -> bool {
    let starts = |function: &FuncRef| study.summary(*function).has(Summary::STARTS);
    let is_in_front = |call: &&ValueRef| {
        study.fact(**call).is_none_or(|fact| fact.effect.registers.is_none_or(|registers| registers.root))
            && stub_of(study, **call, |names| &names.servers).is_none()
    };
    later.uses.iter().filter(is_in_front).any(|call| {
        let given = study.slot(*call, Slot::AnyArg).into_iter();
        given.flat_map(|value| functions_of(study, value)).any(|function| starts(&function))
    })
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
const MAX_WRAPPERS: u32 = 4;

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

/// The verdict on a server and the places where work is mounted on it; else why it is not judged.
fn judge(lives: &Lives<'_, '_>, fact: &CallFact<'_>) -> Result<(Ruling, Vec<ValueRef>), &'static str> {
    let study = lives.study;
    let unit = study.unit(fact.call.file);
    if unit.coverage(fact.library).is_some() {
        return Ok((Ruling::carried("what traces the service covers servers of this library"), Vec::new()));
    }
    if let Some(because) = gate::not_by_code(unit) {
        return Err(because);
    }
    if gate::is_apart(study, fact.function, fact.call) || is_for_operators(study, fact) {
        return Err("by its name it serves health checks, metrics or the like, or it stands in an example");
    }
    let life = lives.of_construction(fact.call);
    let later = lives.later(fact.call);
    if starts_in_front(study, &later) {
        return Err("what the service puts in front of its handlers starts their spans, which another rule judges");
    }
    if life == Life::Plain && all_read(lives, &later) {
        return Ok((Ruling::carried("all that is mounted on it reads the trace"), Vec::new()));
    }
    let mounted = mounted(lives, &later);
    let mut handlers = mounted.ok_or("something that is mounted on it reads the trace, or may")?;
    let decorated = mounts::decorated(lives, fact).ok_or("a handler of the service reads the trace itself")?;
    // An app with routes is what another program imports and runs.
    let runs = is_run(study, fact, &later) || !decorated.is_empty();
    handlers.extend(decorated);
    let ruling = match life {
        Life::Instrumented => Ruling::carried("it is instrumented"),
        Life::Unknown => Ruling::unknown("what it is made of, or what becomes of it, is not wholly seen"),
        Life::Plain if handlers.is_empty() => {
            Ruling::unknown("no handler that goes on with a trace is seen to be mounted on it")
        }
        Life::Plain if !runs => Ruling::unknown("it is not seen to be run"),
        Life::Plain if has_tracing_filter(study, &later) => Ruling::unknown(
            "a filter of the service in front of its handlers starts their spans, which is judged itself",
        ),
        Life::Plain if extracts(study, fact) => Ruling::unknown("the service reads traces that come in by hand"),
        Life::Plain if choice::is_made_where_off(lives, fact.call) => {
            Ruling::unknown("it is made where tracing is off, and an instrumented one where it is on")
        }
        Life::Plain if dead::is_dead(study, fact.function) => {
            Ruling::unknown("nothing is seen to run the function that makes it")
        }
        Life::Plain => Ruling::broken("nothing instruments it, and its handlers go on with a trace"),
    };
    Ok((ruling, handlers))
}

/// Registrations on the server whose handlers go on with a trace; `None` when one of them is wrapped.
fn mounted(lives: &Lives<'_, '_>, later: &Later) -> Option<Vec<ValueRef>> {
    let study = lives.study;
    let mut out: Vec<ValueRef> = later.mounts.iter().copied().filter(|call| !is_aside(study, *call)).collect();
    for call in later.uses.iter().chain(&later.given) {
        if is_aside(study, *call) {
            continue;
        }
        let mut functions = handlers(study, *call);
        functions.extend(handed_back(lives, *call));
        if functions.iter().any(|function| lives.works_on_traces(*function)) {
            return None;
        }
        let goes_on = |function: &FuncRef| calls_out(study.summary(*function)) && takes_request_up(study, *function);
        if functions.iter().any(goes_on) {
            out.push(*call);
        }
    }
    Some(out)
}

/// Whether each handler that is mounted on a server comes with what reads the trace: an option or a wrapper of a library.
fn all_read(lives: &Lives<'_, '_>, later: &Later) -> bool {
    let study = lives.study;
    let mounting = later.uses.iter().chain(&later.given).chain(&later.mounts).filter(|call| !is_aside(study, **call));
    let mut handlers = mounting.filter_map(|call| {
        let registers = study.fact(*call)?.effect.registers.filter(|found| !found.root)?;
        study.slot(*call, registers.handler).into_iter().next()
    });
    let reads = |handler| lives.traces_handler(handler, MAX_WRAPPERS);
    handlers.next().is_some_and(reads) && handlers.all(reads)
}

/// Whether something of the service's own that is put in front of a server's handlers starts a span and runs them under it.
fn has_tracing_filter(study: &Study<'_>, later: &Later) -> bool {
    let starts = |function: FuncRef| {
        let mut calls = study.calls_in(function);
        study.summary(function).has(Summary::STARTS) && calls.any(|fact| fact.effect.goes_on)
    };
    later.uses.iter().any(|call| {
        let given = study.slot(*call, Slot::AnyArg).into_iter();
        let makers = given.clone().flat_map(|value| study.program.callee(value).functions.to_vec());
        let functions = given.flat_map(|value| functions_of(study, value)).chain(makers);
        functions.into_iter().any(|function| study.with_nested(function).into_iter().any(starts))
    })
}

/// The functions that a call mounts on a server: by its description, or the methods of the service that a generated
/// registration (`RegisterOrdersServer(server, orders)`) is given.
fn handlers(study: &Study<'_>, call: ValueRef) -> Vec<FuncRef> {
    let program = study.program;
    if let Some(fact) = study.fact(call) {
        let Some(registers) = fact.effect.registers.filter(|found| !found.root) else { return Vec::new() };
        return study.slot(call, registers.handler).into_iter().flat_map(|value| served_by(study, value)).collect();
    }
    if !is_registration(study, call) {
        return Vec::new();
    }
    let given = study.slot(call, Slot::AnyArg);
    // What registers a gateway is given a context and options besides.
    let is_plain = given.len() == 2;
    let declared = |value: ValueRef| program.type_of(value).and_then(|ty| program.own_type(ty)).into_iter().collect();
    let owners = given.into_iter().flat_map(|value| if is_plain { types_of(study, value) } else { declared(value) });
    let methods = owners.flat_map(|ty| program.methods_of(ty));
    // A method that streams is given its context in the stream, the last of its parameters.
    let takes_context = |function: &FuncRef| {
        let decl = program.function(*function);
        let mut roles = (0..decl.params.len()).filter_map(|n| program.role(program.param_type(*function, n as u16)?));
        !decl.flags.is_private && roles.any(|role| matches!(role, TypeRole::Context | TypeRole::Request))
    };
    methods.filter(takes_context).collect()
}

/// The own types that a value may be of: its declared one, or where that only says what it can do, those of what it is
/// made as.
fn types_of(study: &Study<'_>, value: ValueRef) -> Vec<TypeIndex> {
    let program = study.program;
    let own = |value: ValueRef| program.type_of(value).and_then(|ty| program.own_type(ty));
    if let Some(ty) = own(value).filter(|ty| program.type_decl(*ty).kind == TypeKind::Class) {
        return vec![ty];
    }
    let made = program.origins(value, true).into_iter().filter_map(|origin| match origin {
        Origin::Literal(made) => own(made),
        _ => None,
    });
    made.collect()
}

/// The methods that take requests of an object that a function of the service makes and hands back as some handler:
/// `mux.Handle("/orders", newOrders())`. Only those that ask their request for its context (Go).
fn handed_back(lives: &Lives<'_, '_>, call: ValueRef) -> Vec<FuncRef> {
    let (study, program) = (lives.study, lives.study.program);
    let registers = study.fact(call).and_then(|fact| fact.effect.registers).filter(|found| !found.root);
    let given = registers.map(|registers| study.slot(call, registers.handler)).unwrap_or_default();
    let given = given.into_iter().filter(|value| !lives.traces_handler(*value, 4));
    let made = given.flat_map(|value| program.origins(value, true)).filter_map(|origin| match origin {
        Origin::Literal(made) => program.type_of(made).and_then(|ty| program.own_type(ty)),
        _ => None,
    });
    let methods = made.flat_map(|ty| program.methods_of(ty));
    let asks = |method: FuncRef| {
        let mut calls = study.with_nested(method).into_iter().flat_map(|inner| study.calls_in(inner));
        calls.any(|fact| fact.effect.context_of.is_some())
    };
    methods.filter(|method| matches!(study.inbound(*method), Inbound::Entry(_)) && asks(*method)).collect()
}

/// The functions that a handler runs: itself, or the methods of an object that a library calls for inbound work.
pub(super) fn served_by(study: &Study<'_>, handler: ValueRef) -> Vec<FuncRef> {
    let found = functions_of(study, handler);
    if !found.is_empty() {
        return found;
    }
    let owner = study.program.type_of(handler).and_then(|ty| study.program.own_type(ty));
    let methods = owner.map(|ty| study.program.methods_of(ty)).unwrap_or_default();
    methods.into_iter().filter(|method| matches!(study.inbound(*method), Inbound::Entry(_))).collect()
}

pub(super) fn is_aside(study: &Study<'_>, call: ValueRef) -> bool {
    let named = |name: &str| words::names_health(name) || name.to_ascii_lowercase().contains("metric");
    let name = study.callee_text(call);
    if named(name.rsplit('.').next().unwrap_or(&name)) {
        return true;
    }
    study.slot(call, Slot::AnyArg).into_iter().any(|value| match study.program.expr_kind(value) {
        ExprKind::Str(text) => is_side_path(text),
        // A constant: `mux.Handle(PathMetrics, handler)`
        ExprKind::Name(name) | ExprKind::Member { name, .. } => named(name),
        _ => false,
    })
}

/// Whether a path is that of a health check, metrics or profiles, which stay out of traces.
pub(super) fn is_side_path(path: &str) -> bool {
    let words = ["health", "ready", "live", "metric", "debug", "ping", "status", "pprof", "version"];
    let path = path.to_ascii_lowercase();
    words.iter().any(|word| path.contains(word))
}

/// Whether the server was seen to be started.
fn is_run(study: &Study<'_>, made: &CallFact<'_>, later: &Later) -> bool {
    let seen = later.uses.iter().chain(&later.given).any(|call| {
        study
            .fact(*call)
            .and_then(|fact| fact.effect.hop)
            .is_some_and(|hop| hop.kind == crate::knowledge::HopKind::Serve)
    });
    seen || served_elsewhere(study, made) || !study.is_for_operator(made.call.file) && is_handed_on(study, later)
}

/// Whether a Go router is handed to a function that is not seen: who mounts work on one and gives it away lets somebody run
/// it. A function value may as well be what puts the reading of traces in front of it.
fn is_handed_on(study: &Study<'_>, later: &Later) -> bool {
    let is_unseen = |call: &ValueRef| {
        let callee = study.program.callee(*call);
        study.fact(*call).is_none() && callee.functions.is_empty() && callee.name.is_some()
    };
    study.language() == Language::Go && later.given.iter().any(is_unseen)
}

/// Whether the unit starts a server of this very type, perhaps through a type that embeds it.
fn served_elsewhere(study: &Study<'_>, made: &CallFact<'_>) -> bool {
    let program = study.program;
    let unit = |file: u32| program.files.get(file as usize).map(|file| file.source.unit);
    let Some(ty) = program.type_of(made.call) else { return false };
    study.calls().iter().any(|fact| {
        let Some(hop) = fact.effect.hop.filter(|hop| hop.kind == crate::knowledge::HopKind::Serve) else {
            return false;
        };
        unit(fact.call.file) == unit(made.call.file)
            && study
                .slot(fact.call, hop.client)
                .into_iter()
                .filter_map(|value| program.type_of(value))
                .any(|found| found == ty || program.supertypes(found).contains(&ty))
    })
}

/// Whether anything in the unit that may run beside a server reads a context from a request itself.
fn extracts(study: &Study<'_>, server: &CallFact<'_>) -> bool {
    let unit = study.unit_of(server.call.file);
    study
        .calls_of_unit(unit)
        .any(|fact| fact.effect.extract.is_some() && study.can_meet(fact.call.file, server.call.file))
}

/// Whether a server is for those who run the process, by the names of its function, file or folder (Go): it serves metrics
/// or profiles, whatever else is mounted beside.
fn is_for_operators(study: &Study<'_>, server: &CallFact<'_>) -> bool {
    let path = study.program.place(server.call).path;
    let function = study.function_name(server.function);
    let mut names = path.rsplit('/').take(2).chain([function.as_str()]);
    study.language() == Language::Go && names.any(words::names_untraced)
}

fn finding(study: &Study<'_>, fact: &CallFact<'_>, handlers: &[ValueRef]) -> Finding {
    let maker = study.callee_text(fact.call);
    let mut out = study.finding("uninstrumented-server", fact.call, Confidence::Certain);
    out.message = format!("`{maker}` takes requests without tracing, so the trace that comes in is not continued");
    out.label = "nothing reads the trace header".to_owned();
    out.effect = "There is no server span, and what the handlers do starts new traces".to_owned();
    out.help = match fact.library.mend.as_str() {
        "" => format!("Give `{maker}` the tracing middleware of its library"),
        mend => format!("For `{maker}`: {mend}"),
    };
    out.confirm =
        "Send a request with a `traceparent` header and open that trace: this service is not in it".to_owned();
    out.related =
        handlers.iter().take(8).map(|call| study.related(*call, "this handler starts without the trace")).collect();
    out
}

/// Whether a function's bits say that it does something outbound.
pub(super) fn calls_out(summary: Summary) -> bool {
    summary.has(Summary::CALLS_OUT | Summary::PRODUCES | Summary::STARTS)
}
