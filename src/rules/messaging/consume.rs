//! `consume-without-extract`: a message is handled outside its trace.

use super::super::{Ruling, Verdicts};
use super::around::{handled, is_decorated, is_fronted, is_handed_on, names_key_below, takes_over};
use super::client::{Instance, Plugged, instance, unseen};
use super::handlers::{By, Handler, given_by_library, handlers};
use super::hops::hop_calls;
use super::produce::{MANAGED, PLUGGED, UNTRACED, not_switched_on};
use super::work::work_of;
use super::{managed, relay, waiting};
use crate::finding::{Confidence, Finding};
use crate::knowledge::{HopKind, LibraryDescription, SettingDescription};
use crate::link::{FuncRef, ValueRef};
use crate::study::{CallFact, Study, Summary};
use rustc_hash::FxHashSet;

const RULE: &str = "consume-without-extract";
const LOST: &str = "what its handler does is not under the trace of the message";

/// Judges every call that receives messages, and every handler that is registered or annotated for them.
pub(super) fn check<'a>(study: &Study<'a>, traced: &FxHashSet<usize>, plugged: &Plugged<'a>, out: &mut Verdicts) {
    let mut seen = FxHashSet::default();
    for fact in &hop_calls(study, &[HopKind::Consume]) {
        let unit = study.unit_of(fact.call.file);
        if !traced.contains(&unit) || managed::judges(study, fact) {
            out.pass(fact.call, RULE, if traced.contains(&unit) { MANAGED } else { UNTRACED });
            continue;
        }
        match judge(study, fact) {
            Ok(ruling) => out.count(unit, fact.call, RULE, ruling),
            Err(_) if plugged.has(study, fact.call.file, fact.library) => {
                out.count(unit, fact.call, RULE, Ruling::unknown(PLUGGED));
            }
            Err(found) => {
                out.count(unit, fact.call, RULE, Ruling::broken(LOST));
                if seen.insert(found.place) {
                    out.findings.push(*found);
                }
            }
        }
    }
    for (function, library) in given_by_library(study) {
        let unit = study.unit_of(function.file);
        if !traced.contains(&unit) || plugged.has(study, function.file, library) {
            out.pass(function, RULE, if traced.contains(&unit) { PLUGGED } else { UNTRACED });
            continue;
        }
        match judge_given(study, function, library) {
            Ok(because @ (COVERED | EXTRACTED)) => out.carried(function, RULE, because),
            Ok(because) => out.pass(function, RULE, because),
            Err(found) if seen.insert(found.place) => {
                out.count(unit, function, RULE, Ruling::broken(LOST));
                out.findings.push(*found);
            }
            Err(_) => {}
        }
    }
}

/// The trace of a message is taken on: why.
const COVERED: &str = "what traces the service covers the library";
const EXTRACTED: &str = "it extracts, itself or in a function that it calls";

/// Judges a function that a library gives messages to: a finding, or why there is none.
fn judge_given(
    study: &Study<'_>,
    function: FuncRef,
    library: &LibraryDescription,
) -> Result<&'static str, Box<Finding>> {
    let unit = study.unit(function.file);
    let handler = Handler { function, by: By::Library };
    if unit.coverage(library).is_some() {
        return Ok(COVERED);
    }
    if handled(study, &handler).has(Summary::EXTRACTS | Summary::REBUILDS) {
        return Ok(EXTRACTED);
    }
    let reads = |setting: &SettingDescription| !setting.name.is_empty() && unit.has_family(&setting.family);
    if library.settings.iter().any(reads) {
        return Ok(MANAGED);
    }
    if unseen(study, library) != Instance::Unseen {
        return Ok("the code instruments something of the library, which may be what calls it");
    }
    if is_decorated(study, function, library) {
        return Ok("another handler of the service extracts and hands on by the same method");
    }
    match loses(study, None, &handler) {
        Some(work) => Err(Box::new(finding(study, None, library, &handler, work, Confidence::Likely))),
        None => Ok("it is not seen to do work that belongs to the trace of a message"),
    }
}

/// The work that a handler does outside of its message's trace, where nothing else can be said of it.
fn loses(study: &Study<'_>, fact: Option<&CallFact<'_>>, handler: &Handler) -> Option<ValueRef> {
    if takes_over(study, handler.function)
        || relay::passes_on(study, handler.function)
        || names_key_below(study, handler.function)
        || is_handed_on(study, handler)
    {
        return None;
    }
    work_of(study, fact, handler)
}

fn judge(study: &Study<'_>, fact: &CallFact<'_>) -> Result<Ruling, Box<Finding>> {
    let over = is_over(study, fact);
    if study.unit(fact.call.file).coverage(fact.library).is_some() && !over {
        return Ok(Ruling::carried("what traces the service covers the library"));
    }
    let made = if over { Instance::Plain } else { instance(study, fact) };
    if made == Instance::Instrumented {
        return Ok(Ruling::carried("its consumer is instrumented"));
    }
    if waiting::is_for_replies(study, fact) {
        return Ok(Ruling::unknown("it waits, in a span of its own, for replies to what it has sent"));
    }
    let mut ruling = match made {
        Instance::Unknown => {
            Ruling::unknown("its consumer is not seen to be made, and the code instruments others of its kind")
        }
        _ => Ruling::unknown("no handler is seen to do work that belongs to the trace of a message"),
    };
    if let Some(because) = not_switched_on(study, fact) {
        return Ok(Ruling::unknown(because));
    }
    for handler in handlers(study, fact) {
        if handled(study, &handler).has(Summary::EXTRACTS | Summary::REBUILDS) {
            ruling = Ruling::carried("its handler, or what is around it, extracts");
        } else if fact.effect.registers.is_some() && is_fronted(study, fact) {
            ruling = Ruling::carried("what the service puts in front of its handlers extracts");
        } else if made != Instance::Unknown
            && let Some(work) = loses(study, Some(fact), &handler)
        {
            let confidence = match (made, handler.by) {
                (Instance::Plain, By::Receiving | By::Library) => Confidence::Certain,
                _ => Confidence::Likely,
            };
            return Err(Box::new(finding(study, Some(fact), fact.library, &handler, work, confidence)));
        }
    }
    Ok(ruling)
}

/// Whether the span of whatever may instrument a call is over when it returns.
fn is_over(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let families = &fact.effect.over_under;
    let unit = study.unit(fact.call.file);
    !families.is_empty()
        && unit.is_traced()
        && unit.families().iter().all(|family| families.iter().any(|one| one == family))
}

fn finding(
    study: &Study<'_>,
    fact: Option<&CallFact<'_>>,
    library: &LibraryDescription,
    handler: &Handler,
    work: ValueRef,
    confidence: Confidence,
) -> Finding {
    let local = study.program.outermost(study.program.function_at(work)) == handler.function;
    let at = fact.filter(|_| handler.by == By::Receiving && local).map_or(work, |fact| fact.call);
    let receives = fact.map_or_else(|| library.title.clone(), |fact| format!("`{}`", study.callee_text(fact.call)));
    let works = study.callee_text(work);
    let name = study.function_name(study.program.outermost(study.program.function_at(at)));
    let mut found = study.finding("consume-without-extract", at, confidence);
    if handler.by == By::Relay {
        let span = study.program.function(handler.function).name_span;
        found.place = study.program.place_of(handler.function.file, span);
    }
    found.message = format!("nothing in `{name}` reads the trace from the message that {receives} hands out");
    found.label = "handled outside the message's trace".to_owned();
    found.effect = format!("`{works}` belongs to another trace than the one that sent the message");
    found.help = match study.unit(work.file).mend(library).as_ref() {
        "" => format!("extract the context from the message and give it to `{works}`"),
        mend => format!("extract the context from the message and give it to `{works}`; for {}: {mend}", library.title),
    };
    if confidence == Confidence::Likely {
        let assumed = match handler.by {
            By::Relay => "what it is given comes from there by a channel",
            _ => "the consumer, which is made elsewhere, is not instrumented",
        };
        found.help.push_str(&format!(" (assumed: {assumed})"));
    }
    found.confirm = format!("send a message with a known trace header: `{name}` is not in that trace");
    if handler.by == By::Relay || at != work {
        found.related.push(study.related(work, "work for the message starts here"));
    }
    if let Some(fact) = fact.filter(|fact| fact.call != at) {
        found.related.push(study.related(fact.call, "messages arrive here"));
    }
    found
}
