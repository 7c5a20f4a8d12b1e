//! `stale-context`: a span is started for what goes out, and the current context is sent while nothing has made the span
//! current.

use crate::finding::{Confidence, Finding};
use crate::ir::Language;
use crate::knowledge::Slot;
use crate::link::{Origin, ValueRef};
use crate::rules::Verdicts;
use crate::rules::messaging::says_kind;
use crate::study::{CallFact, Study, Summary};

/// The kinds of spans whose context is there to be sent.
const OUTGOING: &[&str] = &["PRODUCER", "CLIENT"];

/// Finds injections of the current context where it can't hold the span that they are for.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    if study.language() == Language::Go {
        return;
    }
    for inject in study.calls().iter().filter(|fact| study.unit(fact.call.file).is_traced()) {
        let Some(effect) = inject.effect.inject else { continue };
        if sends_current(study, inject, effect.context)
            && let Some(start) = open_span(study, inject)
        {
            out.findings.push(finding(study, inject, start));
        }
    }
}

/// Whether what is injected is the context that is current where the call stands.
fn sends_current(study: &Study<'_>, inject: &CallFact<'_>, context: Slot) -> bool {
    let given = study.slot(inject.call, context);
    match given[..] {
        [] => context == Slot::Ambient || context.is_keyword(),
        [only] => study.fact(only).is_some_and(|fact| fact.effect.context_of == Some(Slot::Ambient)),
        _ => false,
    }
}

/// The one span of the function that is open where a context is sent, and that nothing has made current until then.
fn open_span(study: &Study<'_>, inject: &CallFact<'_>) -> Option<ValueRef> {
    let span = |call: ValueRef| study.program.expr(call).span;
    let at = span(inject.call).start;
    let before = study.calls_in(inject.function).filter(|fact| fact.effect.span.is_some() && span(fact.call).end <= at);
    let starts: Vec<_> = before.collect();
    let [start] = starts[..] else { return None };
    let is_plain = start.effect.span.is_some_and(|span| !span.current) && !start.site.managed;
    if !is_plain || !says_kind(study, start.call, OUTGOING) {
        return None;
    }
    let flow = &study.program.files.get(inject.call.file as usize)?.flow;
    let calls = flow.calls_of(inject.function.id).map(|site| ValueRef { expr: site.expr, ..inject.call });
    let mut between = calls.filter(|call| span(*call).start >= span(start.call).end && span(*call).end <= at);
    let enters = Summary::ACTIVATES | Summary::BINDS | Summary::ENDS;
    let is_entered =
        between.any(|call| study.effect_of(call).has(enters) || is_given_to_unseen(study, start.call, call));
    (!is_entered).then_some(start.call)
}

/// Whether a call of which nothing is known is given the span.
fn is_given_to_unseen(study: &Study<'_>, start: ValueRef, call: ValueRef) -> bool {
    let is_it = |value: ValueRef| {
        let origins = study.program.origins(value, false);
        origins.iter().any(|origin| matches!(origin, Origin::Call(made, _) if *made == start))
    };
    study.fact(call).is_none()
        && study.program.callee(call).functions.is_empty()
        && study.slot(call, Slot::AnyArg).into_iter().any(is_it)
}

fn finding(study: &Study<'_>, inject: &CallFact<'_>, start: ValueRef) -> Finding {
    let (injects, starts) = (study.callee_text(inject.call), study.callee_text(start));
    let mut finding = study.finding("stale-context", start, Confidence::Certain);
    finding.message =
        format!("`{injects}` sends the current context, and nothing has made the span from `{starts}` current");
    finding.label = "this span is not what the receiver gets as its parent".to_owned();
    finding.effect = format!("the receiver's spans become siblings of the span from `{starts}`, not its children");
    finding.help =
        "inject inside a block in which the span is current, or a context that the span is put into".to_owned();
    finding.confirm = "look at one trace: this span has no children although it stands for what goes out".to_owned();
    finding.related.push(study.related(inject.call, "the context from before the span is sent"));
    finding
}
