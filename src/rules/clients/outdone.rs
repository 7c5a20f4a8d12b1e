//! uninstrumented-rpc-client, in part: an option that traces a channel is followed by another one that takes its place (Go).

use super::super::Verdicts;
use super::life::{Life, Lives};
use super::{apart, gate, options, words};
use crate::finding::{Confidence, Finding};
use crate::ir::Language;
use crate::knowledge::TypeRole;
use crate::link::ValueRef;
use crate::rules::clients::can_be_inside;
use crate::study::{CallFact, Study};

/// Finds the channels whose tracing option is given in vain.
pub(super) fn check(lives: &Lives<'_, '_>, out: &mut Verdicts) {
    let study = lives.study;
    if study.language() != Language::Go {
        return;
    }
    for fact in study.calls().iter().filter(|fact| fact.effect.makes == Some(TypeRole::RpcChannel)) {
        let unit = study.unit(fact.call.file);
        if !gate::is_traced_by_code(unit, fact.library)
            || apart::is_apart(study, fact.function, fact.call)
            || study.is_aside(&study.program.place(fact.call).path)
        {
            continue;
        }
        let asks = |call: &ValueRef| {
            can_be_inside(study, study.program.function_at(*call)) && !words::is_apart(&study.callee_text(*call))
        };
        let Some((traced, last)) = outdone(lives, fact.call) else { continue };
        if lives.later(fact.call).uses.iter().any(asks) {
            out.findings.push(finding(study, fact, traced, last));
        }
    }
}

/// Of the options of a channel, the one that alone traces these calls of it, and the last of its kind, which does not.
fn outdone(lives: &Lives<'_, '_>, channel: ValueRef) -> Option<(ValueRef, ValueRef)> {
    let study = lives.study;
    let options = options::given(study, channel)?;
    let life = |option: &ValueRef| lives.part(*option, "", 6);
    let mut traced = options.iter().filter(|option| life(option) == Life::Instrumented);
    // Something for the other calls may be traced beside it; what is for all calls does for these, too.
    let first = traced.find(|option| study.fact(**option).is_some_and(|fact| fact.effect.last_counts))?;
    let effect = study.fact(*first)?.effect;
    let is_kin = |option: &&ValueRef| study.fact(**option).is_some_and(|fact| std::ptr::eq(fact.effect, effect));
    let last = options.iter().rfind(is_kin)?;
    let is_alone = options.iter().filter(|option| *option != first).all(|option| {
        let shape = study.fact(*option).and_then(|fact| fact.effect.for_calls);
        life(option) == Life::Plain || shape.is_some() && shape != effect.for_calls
    });
    (last != first && is_alone).then_some((*first, *last))
}

fn finding(study: &Study<'_>, fact: &CallFact<'_>, traced: ValueRef, last: ValueRef) -> Finding {
    let (maker, option) = (study.callee_text(fact.call), study.callee_text(traced));
    let mut found = study.finding("uninstrumented-rpc-client", traced, Confidence::Likely);
    found.message =
        format!("`{maker}` takes one `{option}`: the last one, which does not trace, takes the place of this");
    found.label = "has no effect".to_owned();
    found.effect = "There is no client span, and the service that is called starts a new trace".to_owned();
    found.help = match fact.library.mend.as_str() {
        "" => "give both in one chain".to_owned(),
        mend => format!("give both in one chain; or, for `{maker}`: {mend}"),
    };
    found.confirm =
        "call the service inside a trace and look for the spans of the server: they are in another".to_owned();
    found.related.push(study.related(last, "this one counts"));
    found
}
