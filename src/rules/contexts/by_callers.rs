//! The context that the callers of a function hold which takes none and makes a fresh one (Go).

use super::meant::loops_for_ever;
use super::replaced::{is_dark, spawned_closure};
use crate::finding::{Confidence, Finding, Related};
use crate::link::{FuncRef, ValueRef};
use crate::study::{CallFact, ContextParam, Inbound, Study};
use rustc_hash::FxHashSet;

/// How many calls up those who hold a context are looked for.
const MAX_LEVELS: usize = 3;

/// How many callers are looked at in all.
const MAX_CALLERS: usize = 32;

/// The context that those who call a function hold, or who call those, where it takes none itself: all of them, or some
/// that surely have a trace. What the others do outside of traces does not put these right.
pub(super) fn of_callers(study: &Study<'_>, fact: &CallFact<'_>) -> Option<ContextParam> {
    let program = study.program;
    let outer = program.outermost(fact.function);
    // A function literal that is no goroutine of this moment may run for anybody, later.
    let is_here = fact.function == outer || spawned_closure(study, fact.function, outer).is_some();
    if outer.id.0 == 0 || !is_here || makes_something(study, outer) {
        return None;
    }
    let mut level = vec![outer];
    let mut seen = FxHashSet::default();
    let (mut found, mut sure, mut others) = (None, None, false);
    for _ in 0..MAX_LEVELS {
        let mut above = Vec::new();
        for function in level {
            let callers = program.callers(function);
            others |= callers.is_empty() || study.is_handed_around(function);
            for caller in callers.iter().map(|call| program.function_at(*call)).filter(|at| seen.insert(*at)) {
                match study.context_param(caller) {
                    Some(_) if is_dark(study, caller) || study.outlives_request(caller) => others = true,
                    // The context of a worker is nobody's request.
                    Some(_) if loops_for_ever(study, caller) => others = true,
                    Some(param) => {
                        found = found.or(Some(param));
                        sure = sure.or(Some(param).filter(|_| is_surely_lit(study, caller)));
                    }
                    None => above.push(program.outermost(caller)),
                }
            }
        }
        if above.is_empty() || seen.len() > MAX_CALLERS {
            others |= !above.is_empty();
            return if others { sure } else { found };
        }
        level = above;
    }
    sure
}

/// Whether a function surely runs for work that came in with a trace, or starts spans itself.
fn is_surely_lit(study: &Study<'_>, function: FuncRef) -> bool {
    matches!(study.inbound(function), Inbound::Entry(_) | Inbound::Below(_)) && study.is_lit(function)
}

/// Whether a call runs the variant with a context of the function that it stands in (`Find` runs `FindContext`): that one is
/// there for who holds a context.
pub(super) fn is_twin(study: &Study<'_>, fact: &CallFact<'_>, call: ValueRef) -> bool {
    let own = study.program.function(study.program.outermost(fact.function)).name;
    let is_longer = |name: &str| name.len() > own.len() && name.starts_with(own.as_str());
    study.program.callee(call).functions.iter().any(|function| is_longer(&study.program.function(*function).name))
}

/// Whether a function makes what lives on, by its name.
fn makes_something(study: &Study<'_>, function: FuncRef) -> bool {
    let name = study.program.function(function).name.to_lowercase();
    ["new", "init", "setup", "load", "connect", "open", "dial"].iter().any(|word| name.starts_with(word))
}

/// The finding for a function that takes no context and makes one of its own, although all its callers hold one.
pub(super) fn report_helper(
    study: &Study<'_>,
    fact: &CallFact<'_>,
    param: &ContextParam,
    sink: ValueRef,
    spawned: bool,
) -> Finding {
    let rule = if spawned { "goroutine-context" } else { "context-replaced" };
    let mut finding = study.finding(rule, fact.call, Confidence::Likely);
    let outer = study.program.outermost(fact.function);
    let (fresh, target, own) = (study.text(fact.call), study.callee_text(sink), param.context());
    let (function, caller) = (study.function_name(outer), study.function_name(param.function));
    finding.message = format!("{target} works under {fresh}: {function} takes no context, although {caller} holds one");
    finding.label = "the trace is lost here".to_owned();
    finding.effect = format!("what {target} does, and everything behind it, starts a new trace without a parent");
    finding.help = format!(
        "give {function} a context parameter and hand it {own} of {caller}; where the work must survive the request's cancellation, context.WithoutCancel({own}) keeps the trace"
    );
    finding.confirm =
        format!("search the tracing backend for root spans of `{}`: they appear once for each call", finding.service);
    finding.related.push(Related { place: param.place, message: "the trace arrives here".to_owned() });
    finding.related.push(study.related(sink, "and leaves here, without it"));
    finding
}
