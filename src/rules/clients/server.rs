//! uninstrumented-server.

use super::super::{Ruling, Verdict, Verdicts};
use super::handlers::{behind, is_aside};
use super::life::{Later, Life, Lives};
use super::light::MAX_WRAPPERS;
use super::mounted::{Mount, Stand, mounted};
use super::{apart, choice, dead, gate, mounts, words};
use crate::aside::is_of_command_line;
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, Language};
use crate::knowledge::{Slot, TypeRole};
use crate::link::{FuncRef, ValueRef};
use crate::rules::contexts::is_function_value;
use crate::study::{CallFact, Study, Summary, functions_of, stub_of};

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

/// Whether a middleware of the service's own that a server is given starts spans.
pub(super) fn starts_in_front(study: &Study<'_>, later: &Later) -> bool {
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

/// Whether a Go server is made with an interceptor of the service's own that starts spans.
fn is_made_with_starting(study: &Study<'_>, made: &CallFact<'_>) -> bool {
    let is_call = matches!(study.program.expr_kind(made.call), ExprKind::Call { .. });
    let given = study.slot(made.call, Slot::AnyArg);
    let mut functions = given.into_iter().flat_map(|value| behind(study, value));
    // One that only leads to spans somewhere does not stand for the requests.
    let starts = |function: FuncRef| study.calls_in(function).any(|fact| fact.effect.span.is_some());
    study.language() == Language::Go
        && is_call
        && functions.any(|function| study.with_nested(function).into_iter().any(starts))
}

/// The verdict on a server and the places where work is mounted on it; else why it is not judged.
fn judge(lives: &Lives<'_, '_>, fact: &CallFact<'_>) -> Result<(Ruling, Vec<ValueRef>), &'static str> {
    let study = lives.study;
    let unit = study.unit(fact.call.file);
    if unit.coverage(fact.library).is_some() {
        return Ok((Ruling::carried("what traces the service covers servers of this library"), Vec::new()));
    }
    if let Some(because) = gate::not_by_code(unit, fact.library) {
        return Err(because);
    }
    let in_command_line = is_in_command_line(study, fact);
    if !in_command_line && apart::is_apart(study, fact.function, fact.call) || is_for_operators(study, fact) {
        return Err("by its name it serves health checks, metrics or the like, or it stands in an example");
    }
    if study.is_set_up_elsewhere(fact.function) {
        return Err("other commands of the program set tracing up, and none that is built with it leads there");
    }
    let life = lives.of_construction(fact.call);
    let later = lives.later(fact.call);
    if starts_in_front(study, &later) || is_made_with_starting(study, fact) {
        return Err("what the service puts in front of its handlers starts their spans, which another rule judges");
    }
    if life == Life::Plain && all_read(lives, &later) {
        return Ok((Ruling::carried("all that is mounted on it reads the trace"), Vec::new()));
    }
    let mut handlers =
        going_on(lives, fact.call, &later).ok_or("something that is mounted on it reads the trace, or may")?;
    let decorated = mounts::decorated(lives, fact).ok_or("a handler of the service reads the trace itself")?;
    if in_command_line && !serves_others(lives, fact.call, &later) {
        return Err("by its path it is a command's, and so is all that is mounted on it");
    }
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
        Life::Plain if is_behind_value(study, &later) => {
            Ruling::unknown("it goes through a function value, which may put the reading of traces in front of it")
        }
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

/// Whether a Go server is made in what a command is built with and lies aside only as a part of its command line.
fn is_in_command_line(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let path = study.program.place(fact.call).path;
    let is_named_apart = || words::is_apart(&path) || words::is_apart(&study.function_name(fact.function));
    study.language() == Language::Go && is_of_command_line(&path) && study.is_built(fact.call.file) && !is_named_apart()
}

/// Whether a handler that is mounted on a server lies outside of the command line that makes it: this command serves.
fn serves_others(lives: &Lives<'_, '_>, server: ValueRef, later: &Later) -> bool {
    let study = lives.study;
    let is_other = |function: FuncRef| {
        let path = study.program.files.get(function.file as usize).map(|file| file.source.path);
        path.is_some_and(|path| !study.is_aside(&path))
    };
    let mounts = mounted(lives, server, later);
    let mut handlers = mounts.iter().flat_map(|mount| &mount.handlers);
    handlers.any(|(function, stand)| *stand == Stand::GoesOn && is_other(*function))
}

/// Registrations on the server whose handlers go on with a trace; `None` when one of them reads it.
fn going_on(lives: &Lives<'_, '_>, server: ValueRef, later: &Later) -> Option<Vec<ValueRef>> {
    let mounts = mounted(lives, server, later);
    if mounts.iter().any(Mount::reads) {
        return None;
    }
    Some(mounts.iter().filter(|mount| mount.goes_on()).map(|mount| mount.call).collect())
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
pub(super) fn has_tracing_filter(study: &Study<'_>, later: &Later) -> bool {
    let wraps =
        |call: &ValueRef| study.program.callee(*call).functions.iter().any(|function| starts_within(study, *function));
    later.entered.iter().any(wraps)
        || later.uses.iter().any(|call| {
            let given = study.slot(*call, Slot::AnyArg).into_iter();
            let makers = given.clone().flat_map(|value| study.program.callee(value).functions.to_vec());
            let functions = given.flat_map(|value| functions_of(study, value)).chain(makers);
            functions.into_iter().any(|function| starts_within(study, function))
        })
}

/// Whether a function, or one written in it, starts a span and has the next handler run under it.
pub(super) fn starts_within(study: &Study<'_>, function: FuncRef) -> bool {
    study
        .with_nested(function)
        .into_iter()
        .any(|inner| study.summary(inner).has(Summary::STARTS) && study.calls_in(inner).any(|fact| fact.effect.goes_on))
}

/// Whether the server was seen to be started.
fn is_run(study: &Study<'_>, made: &CallFact<'_>, later: &Later) -> bool {
    let seen = later.uses.iter().chain(&later.given).any(|call| {
        study
            .fact(*call)
            .and_then(|fact| fact.effect.hop)
            .is_some_and(|hop| hop.kind == crate::knowledge::HopKind::Serve)
    });
    seen || study.language() != Language::Go && served_elsewhere(study, made)
        || !study.is_for_operator(made.call.file) && is_handed_on(study, later)
}

/// Whether a Go router, or a handler in its place, is handed to a function that is not seen: who mounts work on one and gives
/// it away lets somebody run it.
fn is_handed_on(study: &Study<'_>, later: &Later) -> bool {
    let is_handler = |value: ValueRef| study.program.type_of(value).is_some_and(|ty| study.program.role(ty).is_some());
    let takes_handler = |call: &ValueRef| study.slot(*call, Slot::AnyArg).into_iter().any(is_handler);
    let mut given = later.given.iter().filter(|call| !later.entered.contains(call));
    study.language() == Language::Go && given.any(|call| is_unseen(study, *call) && takes_handler(call))
}

/// Whether a Go router goes through a function value, which may put the reading of traces in front of it.
fn is_behind_value(study: &Study<'_>, later: &Later) -> bool {
    let mut given = later.given.iter().filter(|call| !later.entered.contains(call));
    study.language() == Language::Go && given.any(|call| is_unseen(study, *call) && is_function_value(study, *call))
}

/// Whether nothing is known of what a call runs.
fn is_unseen(study: &Study<'_>, call: ValueRef) -> bool {
    let callee = study.program.callee(call);
    // A name alone is a builtin's: `append(handlers, router)`.
    let is_builtin = callee.name.is_some_and(|name| !name.contains('.')) && !is_function_value(study, call);
    study.fact(call).is_none() && callee.functions.is_empty() && !(study.language() == Language::Go && is_builtin)
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
    study.calls_of_unit(unit).any(|fact| {
        fact.effect.extract.is_some()
            && study.can_meet(fact.call.file, server.call.file)
            && (study.language() != Language::Go || is_near_requests(study, fact.function))
    })
}

/// How many callers of what reads a trace are asked what they work on.
const MAX_READERS: usize = 12;

/// Whether a Go function, or what calls it, works on what a library with servers gives it; messages may be read by others.
fn is_near_requests(study: &Study<'_>, reader: FuncRef) -> bool {
    let program = study.program;
    let mut seen = vec![program.outermost(reader)];
    let mut at = 0;
    while let Some(function) = seen.get(at).copied() {
        at += 1;
        if seen.len() > MAX_READERS || study.with_nested(function).into_iter().any(|inner| takes_served(study, inner)) {
            return true;
        }
        let callers = program.callers(function).iter().map(|call| program.outermost(program.function_at(*call)));
        let callers: Vec<FuncRef> = callers.filter(|caller| !seen.contains(caller)).collect();
        seen.extend(callers);
    }
    false
}

/// Whether a function has a parameter of a type of a library with servers, or asks such a library for something.
fn takes_served(study: &Study<'_>, function: FuncRef) -> bool {
    let count = study.program.function(function).params.len() as u16;
    let mut types = (0..count).filter_map(|n| study.program.param_type(function, n));
    types.any(|ty| study.program.knowledge.ty(ty).is_some_and(|(library, _)| gate::serves(library)))
        || study.calls_in(function).any(|fact| gate::serves(fact.library))
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
    out.help = match study.mend(fact).as_ref() {
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
