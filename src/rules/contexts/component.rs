//! `context-replaced` by the context of the component: a method that is given a context works under the one that its
//! object was made with, which lives as long as the process and holds no trace (Go).

use super::ambient::parts_on_purpose;
use super::forward::journey;
use super::replaced::{crosses_by_type, is_cleanup, is_dark};
use super::vain::asks_unseen_store;
use crate::finding::{Confidence, Finding, Related};
use crate::ir::{ExprKind, Language};
use crate::knowledge::{Slot, TypeRole};
use crate::link::flow::RECEIVER;
use crate::link::{FuncRef, Origin, ValueRef};
use crate::rules::Verdicts;
use crate::rules::clients::{Lives, checks_health};
use crate::study::{ContextParam, Inbound, Study};

/// Finds methods that hold a context and go on under that of their object.
pub(super) fn check(lives: &Lives<'_, '_>, out: &mut Verdicts) {
    let study = lives.study;
    if study.language() != Language::Go {
        return;
    }
    for (file, unit) in (0u32..).zip(&study.program.files).filter(|(file, _)| study.unit(*file).is_traced()) {
        for site in unit.flow.calls.iter().filter(|site| !site.deferred && !site.spawned) {
            let call = ValueRef { file, expr: site.expr };
            out.findings.extend(judge(lives, call));
        }
    }
}

fn judge(lives: &Lives<'_, '_>, call: ValueRef) -> Option<Finding> {
    let study = lives.study;
    let program = study.program;
    let args = study.slot(call, Slot::AnyArg);
    let value = args.iter().copied().find(|value| {
        matches!(program.expr_kind(*value), ExprKind::Member { .. })
            && program.role_of(*value) == Some(TypeRole::Context)
    })?;
    let method = program.function_at(call);
    let param = study.context_param(method).filter(|param| param.function == method)?;
    let base = match program.expr_kind(value) {
        ExprKind::Member { base, .. } => ValueRef { expr: *base, ..value },
        _ => return None,
    };
    let is_own = program.origins(base, false) == [Origin::Param(method, RECEIVER)];
    // Who is given both may join them.
    let brings = |other: &ValueRef| {
        *other != value
            && matches!(program.role_of(*other), Some(TypeRole::Context | TypeRole::Request | TypeRole::Span))
    };
    if !is_own || args.iter().any(brings) || !is_of_process(study, value) {
        return None;
    }
    let outer = program.outermost(method);
    if is_dark(study, method)
        || !super::not_passed::may_hold_trace(study, method)
        || study.is_idle(study.program.function_at(call))
        || study.outlives_request(method)
        || checks_health(study, outer)
        || parts_on_purpose(study, outer)
        || study.is_aside(&program.place(call).path)
    {
        return None;
    }
    let went = journey(lives, value);
    if went.rebound || went.escapes {
        return None;
    }
    let counts = |sink: &&ValueRef| {
        !is_cleanup(study, **sink)
            && !asks_unseen_store(lives, **sink)
            && !lives.sends_plainly(**sink)
            && program.call_site(**sink).is_none_or(|site| !site.spawned)
    };
    let sink = went.sinks.iter().find(counts);
    let opaque = || went.opaque.iter().filter(counts).find(|sink| crosses_by_type(study, **sink));
    let (sink, confidence) = match sink {
        Some(sink) => (*sink, Confidence::Certain),
        None => (*opaque()?, Confidence::Likely),
    };
    Some(finding(study, value, &param, sink, confidence))
}

/// Whether a field holds a context of the process alone: all that is put into it was made fresh, or came in where no
/// request leads.
fn is_of_process(study: &Study<'_>, value: ValueRef) -> bool {
    let origins = study.program.origins(value, true);
    let is_dark = |function: FuncRef| matches!(study.inbound(function), Inbound::Root | Inbound::Unknown);
    !origins.is_empty()
        && origins.into_iter().all(|origin| match origin {
            Origin::Call(made, _) => {
                study.fact(made).is_some_and(|fact| fact.effect.root_context)
                    && is_dark(study.program.function_at(made))
            }
            Origin::Param(function, _) => study.inbound(function) == Inbound::Root,
            _ => false,
        })
}

fn finding(
    study: &Study<'_>,
    value: ValueRef,
    param: &ContextParam,
    sink: ValueRef,
    confidence: Confidence,
) -> Finding {
    let mut finding = study.finding("context-replaced", value, confidence);
    let (stored, target, own) = (study.text(value), study.callee_text(sink), param.context());
    finding.message =
        format!("{stored}, the context of the whole component, replaces {own}, so {target} leaves the trace");
    finding.label = "the trace is lost here".to_owned();
    finding.effect = format!("what {target} does, and everything behind it, starts a new trace without a parent");
    finding.help = format!(
        "use {own}; if the work must survive the request's cancellation, context.WithoutCancel({own}) keeps the trace"
    );
    if confidence == Confidence::Likely {
        finding.help.push_str(&format!(" (assumes that {target} makes a span or a call)"));
    }
    finding.confirm =
        format!("search the tracing backend for root spans of `{}`: they appear once for each call", finding.service);
    finding.related.push(Related { place: param.place, message: "the trace arrives here".to_owned() });
    finding.related.push(study.related(sink, "and leaves here, without it"));
    finding
}
