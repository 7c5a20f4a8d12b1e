//! uninstrumented-server, in part: of a server with calls of two shapes, only the unary ones are traced.

use super::super::Verdicts;
use super::life::{Life, Lives};
use super::{apart, gate, options, words};
use crate::finding::{Confidence, Finding};
use crate::ir::Language;
use crate::knowledge::{CallShape, TypeRole};
use crate::link::{FuncRef, ValueRef};
use crate::study::{CallFact, Study, Summary, stub_named, stub_of};

/// Finds the servers whose calls that stay open are not traced, while the others are.
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
        if apart::is_apart(study, fact.function, fact.call) || !traces_unary_alone(lives, fact) {
            continue;
        }
        if let Some(handler) = handler(lives, fact.call) {
            out.findings.push(finding(study, fact, handler));
        }
    }
}

/// Whether all that traces a server or channel are options for its unary calls, and every option of it is seen.
pub(super) fn traces_unary_alone(lives: &Lives<'_, '_>, fact: &CallFact<'_>) -> bool {
    let Some(options) = options::given(lives.study, fact.call) else { return false };
    let shape = |option: &ValueRef| lives.study.fact(*option).and_then(|fact| fact.effect.for_calls);
    let lived: Vec<(Option<CallShape>, Life)> =
        options.iter().map(|option| (shape(option), lives.part(*option, "", 6))).collect();
    lived.contains(&(Some(CallShape::Unary), Life::Instrumented))
        && lived.iter().all(|(shape, life)| *shape == Some(CallShape::Unary) || *life == Life::Plain)
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

fn finding(study: &Study<'_>, fact: &CallFact<'_>, handler: FuncRef) -> Finding {
    let maker = study.callee_text(fact.call);
    let name = study.program.function(handler).name;
    let mut found = study.finding("uninstrumented-server", fact.call, Confidence::Likely);
    found.message = format!("`{maker}` traces unary calls alone: nothing reads the trace of a stream");
    found.label = "its streams are not traced".to_owned();
    found.effect = format!("`{name}` has no server span, and what it does starts traces of its own");
    found.help = match fact.library.mend.as_str() {
        "" => format!("instrument the streams of `{maker}` as its other calls"),
        mend => format!("For `{maker}`: {mend}"),
    };
    found.confirm = format!(
        "call `{name}` with a trace header and look for the spans of the service: they are in a trace of their own"
    );
    found
}
