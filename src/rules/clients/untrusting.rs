//! public-endpoint: an instrumented server that starts a new trace for whoever calls, although the house calls it.

use super::super::Verdicts;
use super::life::Lives;
use super::{apart, gate, options};
use crate::finding::{Confidence, Finding, Related};
use crate::ir::Language;
use crate::link::ValueRef;
use crate::study::{CallFact, Study, stub_named};

/// Finds instrumentation that is told, or not told otherwise, to make a root of every call that comes in.
pub(super) fn check(lives: &Lives<'_, '_>, out: &mut Verdicts) {
    let study = lives.study;
    if study.language() != Language::Go {
        return;
    }
    for fact in study.calls() {
        if fact.effect.distrusts_unless.is_empty() || !is_judged(lives, fact) {
            continue;
        }
        let Some(server) = served(lives, fact) else { continue };
        out.findings.push(finding(study, fact, &server));
    }
}

/// A call that makes the handler of a remote service, and the name of that service.
struct Served {
    call: ValueRef,
    name: String,
}

/// Whether the traces of whoever calls are seen to be left behind: all options are known, none of them trusts, and
/// nothing else takes the trace up in front.
fn is_judged(lives: &Lives<'_, '_>, fact: &CallFact<'_>) -> bool {
    let study = lives.study;
    gate::is_traced_by_code(study.unit(fact.call.file), fact.library)
        && !apart::is_apart(study, fact.function, fact.call)
        && options::given(study, fact.call)
            .is_some_and(|given| !given.iter().any(|option| trusts(study, fact, *option)))
        && !is_taken_up_before(study, fact)
}

/// Whether an option is one that makes the difference.
fn trusts(study: &Study<'_>, fact: &CallFact<'_>, option: ValueRef) -> bool {
    study.program.callee(option).name.is_none_or(|name| fact.effect.distrusts_unless.contains(&name))
}

/// Whether something else in the same program takes up traces: in front of this one it makes the span's parent.
fn is_taken_up_before(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    study.calls().iter().any(|other| {
        let takes_up = other.effect.instruments.is_some() && !other.effect.outbound;
        takes_up && other.effect.distrusts_unless.is_empty() && study.can_meet(fact.call.file, other.call.file)
    })
}

/// The first handler that is made with it.
fn served(lives: &Lives<'_, '_>, fact: &CallFact<'_>) -> Option<Served> {
    let study = lives.study;
    let later = lives.later(fact.call);
    later.given.iter().copied().find_map(|call| {
        let name = stub_named(study, &study.callee_text(call), |names| &names.servers)?;
        study.fact(call).is_none().then_some(Served { call, name })
    })
}

/// A place of the tree that calls a remote service: where its client is made, outside of tests.
fn caller(study: &Study<'_>, service: &str) -> Option<ValueRef> {
    let files = (0u32..).zip(&study.program.files);
    let run = files.filter(|(_, file)| !file.source.facts.generated && !study.is_aside(&file.source.path));
    let calls =
        run.flat_map(|(at, file)| file.flow.calls.iter().map(move |site| ValueRef { file: at, expr: site.expr }));
    let calls_it = |call: &ValueRef| {
        stub_named(study, &study.callee_text(*call), |names| &names.clients).is_some_and(|name| name == service)
    };
    calls.into_iter().find(calls_it)
}

fn finding(study: &Study<'_>, fact: &CallFact<'_>, server: &Served) -> Finding {
    let maker = study.callee_text(fact.call);
    let Served { call, name } = server;
    let caller = caller(study, name);
    let trusting = fact.effect.distrusts_unless.first().map_or("", |name| name.rsplit('/').next().unwrap_or(name));
    let confidence = if caller.is_some() { Confidence::Likely } else { Confidence::Possible };
    let mut found = study.finding("public-endpoint", fact.call, confidence);
    found.message = format!("`{maker}` trusts no caller: every call of `{name}` starts a new trace");
    found.label = "does not continue the caller's trace".to_owned();
    found.effect = format!(
        "the trace of whoever calls ends at `{name}`; the server's span is the root of another trace, with a link back"
    );
    found.help = format!("pass `{trusting}()`, if only services of the house call `{name}`");
    found.confirm = format!("call `{name}` from a traced service: the server's span has a link and no parent");
    let handler = study.program.place(*call);
    found.related.push(Related { place: handler, message: format!("`{name}` is served with it") });
    if let Some(caller) = caller {
        let place = study.program.place(caller);
        found.related.push(Related { place, message: format!("a client of `{name}` in this tree") });
    }
    found
}
