//! uninstrumented-server, in part: of a server with calls of two shapes, only those of one are traced.

use super::super::Verdicts;
use super::life::{Life, Lives};
use super::{apart, gate, options, words};
use crate::finding::{Confidence, Finding};
use crate::ir::Language;
use crate::knowledge::{CallShape, Slot, TypeRole};
use crate::link::{FuncRef, ValueRef};
use crate::study::{CallFact, Study, Summary, stub_named, stub_of};

/// Finds the servers whose calls that stay open are not traced, while the others are, or the other way round.
pub(super) fn check(lives: &Lives<'_, '_>, out: &mut Verdicts) {
    let study = lives.study;
    if study.language() != Language::Go {
        return;
    }
    for fact in study.calls().iter().filter(|fact| fact.effect.makes == Some(TypeRole::Server)) {
        let stubs = fact.library.stubs.as_ref().filter(|stubs| !stubs.streams.is_empty());
        let unit = study.unit(fact.call.file);
        if stubs.is_none() || !gate::is_traced_by_code(unit, fact.library) || unit.coverage(fact.library).is_some() {
            continue;
        }
        if apart::is_apart(study, fact.function, fact.call) {
            continue;
        }
        let handler = match traced_alone(lives, fact) {
            Some(CallShape::Unary) => handler(lives, fact.call).map(|handler| (CallShape::Unary, handler)),
            Some(CallShape::Stream) => unary_handler(lives, fact.call).map(|handler| (CallShape::Stream, handler)),
            None => None,
        };
        if let Some((traced, handler)) = handler {
            out.findings.push(finding(study, fact, traced, handler));
        }
    }
}

/// Whether all that traces a server or channel are options for its unary calls, and every option of it is seen.
pub(super) fn traces_unary_alone(lives: &Lives<'_, '_>, fact: &CallFact<'_>) -> bool {
    traced_alone(lives, fact) == Some(CallShape::Unary)
}

/// The shape of the calls that all that traces a server or channel are options for, where every option of it is seen.
fn traced_alone(lives: &Lives<'_, '_>, fact: &CallFact<'_>) -> Option<CallShape> {
    let options = options::given(lives.study, fact.call)?;
    let shape = |option: &ValueRef| lives.study.fact(*option).and_then(|fact| fact.effect.for_calls);
    let lived: Vec<(Option<CallShape>, Life)> =
        options.iter().map(|option| (shape(option), lives.part(*option, "", 6))).collect();
    let is_alone = |wanted: CallShape| {
        lived.contains(&(Some(wanted), Life::Instrumented))
            && lived.iter().all(|(shape, life)| *shape == Some(wanted) || *life == Life::Plain)
    };
    [CallShape::Unary, CallShape::Stream].into_iter().find(|shape| is_alone(*shape))
}

/// A method that answers a call of a remote service which is registered on a server, request by request. It starts spans, or
/// asks others.
fn unary_handler(lives: &Lives<'_, '_>, server: ValueRef) -> Option<FuncRef> {
    let study = lives.study;
    let program = study.program;
    let given = lives.later(server).given.clone();
    let registrations = given.into_iter().filter(|call| stub_of(study, *call, |names| &names.servers).is_some());
    let served = registrations.flat_map(|call| study.slot(call, Slot::Arg(1)));
    let types = served.filter_map(|served| program.type_of(served)).filter_map(|ty| program.own_type(ty));
    let is_unary = |function: &FuncRef| {
        let decl = program.function(*function);
        decl.results.len() == 2
            && decl.params.len() == 2
            && decl.name.starts_with(char::is_uppercase)
            && program.param_type(*function, 0).and_then(|ty| program.role(ty)) == Some(TypeRole::Context)
            && study.summary(*function).has(Summary::STARTS)
            && !words::is_apart(&decl.name)
    };
    types.flat_map(|ty| program.methods_of(ty)).find(is_unary)
}

/// A method of the service's own that handles a call which stays open, of a remote service that is registered on a server.
/// It starts spans: one that makes none loses none, and may rightly be left untraced for as long as it lasts.
fn handler(lives: &Lives<'_, '_>, server: ValueRef) -> Option<FuncRef> {
    let study = lives.study;
    let given = lives.later(server).given.clone();
    let registered: Vec<String> =
        given.into_iter().filter_map(|call| stub_of(study, call, |names| &names.servers)).collect();
    study.functions_of_unit(study.unit_of(server.file)).find(|function| {
        let decl = study.program.function(*function);
        let Some(file) = study.program.files.get(function.file as usize) else { return false };
        let is_stream = |name: &str| {
            let last = name.rsplit('.').next().unwrap_or(name);
            // The generator joins the names of the service and of the call: `Shelf_WatchServer`.
            last.split_once('_').is_some_and(|(service, _)| registered.iter().any(|name| name == service))
                && !words::is_apart(last)
                && stub_named(study, name, |names| &names.streams).is_some()
        };
        decl.receiver.is_some()
            && decl.name.starts_with(char::is_uppercase)
            && decl.results.len() == 1
            && decl.params.len() <= 2
            && decl.params.last().and_then(|param| param.ty.as_ref()).is_some_and(|ty| is_stream(&ty.name))
            && study.summary(*function).has(Summary::STARTS)
            && !file.source.facts.generated
            && !study.is_aside(&file.source.path)
            && !words::is_apart(&decl.name)
            && study.can_meet(server.file, function.file)
    })
}

fn finding(study: &Study<'_>, fact: &CallFact<'_>, traced: CallShape, handler: FuncRef) -> Finding {
    let maker = study.callee_text(fact.call);
    let name = study.program.function(handler).name;
    let mut found = study.finding("uninstrumented-server", fact.call, Confidence::Likely);
    let (alone, other) = match traced {
        CallShape::Unary => ("unary calls alone: nothing reads the trace of a stream", "streams"),
        CallShape::Stream => ("streams alone: nothing reads the trace of a unary call", "unary calls"),
    };
    found.message = format!("`{maker}` traces {alone}");
    found.label = format!("its {other} are not traced");
    found.effect = format!("`{name}` has no server span, and what it does starts traces of its own");
    found.help = match fact.library.mend.as_str() {
        "" => format!("instrument the {other} of `{maker}` as the rest of its calls"),
        mend => format!("For `{maker}`: {mend}"),
    };
    found.confirm = format!(
        "call `{name}` with a trace header and look for the spans of the service: they are in a trace of their own"
    );
    found
}
