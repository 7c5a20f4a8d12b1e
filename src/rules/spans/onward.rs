//! `span-not-current` in filters: a span is started around the handlers behind it, and the request goes on to them as it
//! came in (Go).

use super::current::exclude;
use super::life::{Fate, Life};
use super::starts::{Start, Starts, judged};
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, Language};
use crate::knowledge::{Slot, TypeRole};
use crate::link::flow::DefKind;
use crate::link::{FuncRef, Step, ValueRef};
use crate::rules::Verdicts;
use crate::study::{ContextParam, Study, Summary};

/// Finds spans of filters that no handler behind them can find.
pub(super) fn check(life: &Life<'_, '_>, starts: &Starts, out: &mut Verdicts) {
    let study = life.study;
    if study.language() != Language::Go {
        return;
    }
    let mut seen: Vec<ValueRef> = Vec::new();
    for (start, fate) in &starts.all {
        let Some(confidence) = judged(study, start.call) else { continue };
        let function = study.program.function_at(start.call);
        let filter = study.context_param(function).filter(|param| param.function == function);
        let Some(param) = filter else { continue };
        let Some(ends) = ends_at(study, *start, fate) else { continue };
        let Some(onward) = onward(study, *start, ends, function) else { continue };
        if is_ended_before(study, *start, fate, onward) {
            continue;
        }
        // Both arms of a condition may start the span.
        if is_put_anywhere(study, *start, function, onward) || seen.contains(&onward) {
            continue;
        }
        seen.push(onward);
        out.findings.push(finding(study, *start, &param, onward, confidence));
    }
}

/// Where a span ends that is seen to stay in its function.
fn ends_at(study: &Study<'_>, start: Start, fate: &Fate) -> Option<u32> {
    if start.wrapped || fate.activated || fate.escapes || !fate.returned.is_empty() || !fate.contexts.is_empty() {
        return None;
    }
    let at = |end: &ValueRef| match runs_in_place(study, start, *end) {
        true => study.program.expr(*end).span.start,
        false => u32::MAX,
    };
    let is_here = |end: &&ValueRef| end.file == start.call.file;
    fate.finishes.iter().filter(is_here).map(at).max()
}

/// Whether an end runs where it stands: it is not deferred, nor in a function literal (`defer func() { span.End() }()`).
fn runs_in_place(study: &Study<'_>, start: Start, end: ValueRef) -> bool {
    let deferred = study.program.call_site(end).is_some_and(|site| site.deferred);
    !deferred && study.program.function_covering(end) == study.program.function_at(start.call)
}

/// Whether the span is ended on a way to a call: what is deferred may only be for those that leave before.
fn is_ended_before(study: &Study<'_>, start: Start, fate: &Fate, call: ValueRef) -> bool {
    let before = study.program.expr(call).span.start;
    let mut ends = fate.finishes.iter().filter(|end| end.file == call.file && runs_in_place(study, start, **end));
    ends.any(|end| study.program.expr(*end).span.start < before && !exclude(study, *end, call))
}

/// The call behind a start, and before the span's end, that runs the handlers behind a filter with its own request.
fn onward(study: &Study<'_>, start: Start, ends: u32, function: FuncRef) -> Option<ValueRef> {
    let program = study.program;
    let flow = &program.files.get(start.call.file as usize)?.flow;
    let started = program.expr(start.call).span.end;
    let sites = flow.calls_of(function.id).filter(|site| !site.deferred);
    let mut calls = sites.map(|site| (ValueRef { expr: site.expr, ..start.call }, site.dropped));
    calls
        .find(|(call, dropped)| {
            (started..ends).contains(&program.expr(*call).span.start)
                && runs_handlers(study, *call, function, *dropped)
                && !exclude(study, start.call, *call)
        })
        .map(|(call, _)| call)
}

/// Whether a call runs what comes behind a filter, with the request that came in.
fn runs_handlers(study: &Study<'_>, call: ValueRef, function: FuncRef, dropped: bool) -> bool {
    let program = study.program;
    let ExprKind::Call { callee, args } = program.expr_kind(call) else { return false };
    let own = |value: ValueRef| matches!(step_of_name(study, value), Some(Step::Param(of, _)) if of == function);
    let given: Vec<ValueRef> = args.iter().map(|arg| ValueRef { expr: arg.value, ..call }).collect();
    if let Some(fact) = study.fact(call) {
        // `next.ServeHTTP(w, traced)`, with the request that a helper handed back
        let is_other = |value: &ValueRef| program.role_of(*value) == Some(TypeRole::Request) && !own(*value);
        return fact.effect.goes_on && !given.iter().any(is_other);
    }
    if !program.callee(call).functions.is_empty() {
        return false;
    }
    let role = |value: &ValueRef| program.role_of(*value).filter(|_| own(*value));
    let brings = given.iter().filter_map(role).find(|role| matches!(role, TypeRole::Request | TypeRole::Context));
    if !given.iter().all(|value| own(*value)) || brings.is_none() {
        return false;
    }
    let callee = ValueRef { expr: *callee, ..call };
    let held = match program.expr_kind(callee) {
        ExprKind::Member { base, .. } => ValueRef { expr: *base, ..callee },
        _ => callee,
    };
    match step_of_name(study, held) {
        // `next(c)`, `handler(ctx, request)`
        Some(Step::Param(..)) if held == callee => true,
        // `next.ServeHTTP(w, r)`
        Some(Step::Param(of, _)) => of != function && brings == Some(TypeRole::Request),
        // `m.next.ServeHTTP(w, r)`
        Some(Step::Field(..)) => dropped && given.len() > 1 && held != callee && brings == Some(TypeRole::Request),
        _ => false,
    }
}

/// Whether a function puts the span, or a context with it, where the handlers may find it.
fn is_put_anywhere(study: &Study<'_>, start: Start, function: FuncRef, onward: ValueRef) -> bool {
    let program = study.program;
    let Some(flow) = program.files.get(start.call.file as usize).map(|file| &file.flow) else { return true };
    let started = program.expr(start.call).span.start;
    let results = |kind: &DefKind| matches!(kind, DefKind::Value { index, .. } if index.unwrap_or(0) < 2);
    let defs: Vec<_> = flow.defs_from(start.call.expr).filter(|(_, def)| results(&def.kind)).collect();
    // `c.Request, span = …`, or a field of the filter's own.
    let named = |target| matches!(program.expr_kind(ValueRef { expr: target, ..start.call }), ExprKind::Name(_));
    if flow.writes_from(start.call.expr).any(|write| !named(write.target)) {
        return true;
    }
    let vars: Vec<_> = defs.iter().map(|(_, def)| def.var).collect();
    let is_of_span =
        |value: ValueRef| program.reaching(value).iter().any(|def| vars.contains(&program.def(value.file, *def).var));
    let is_own_request = |value: ValueRef| {
        is_request(study, value) && matches!(step_of_name(study, value), Some(Step::Param(of, _)) if of == function)
    };
    let writes = flow.writes.iter().filter(|write| is_of_span(ValueRef { expr: write.value, ..start.call }));
    if writes.into_iter().any(|write| !named(write.target)) {
        return true;
    }
    let around = study.with_nested(function);
    let mut calls =
        around.iter().flat_map(|at| flow.calls_of(at.id)).map(|site| ValueRef { expr: site.expr, ..start.call });
    calls.any(|call| {
        if call == start.call || call == onward || program.expr(call).span.start < started {
            return false;
        }
        let binds = study.effect_of(call).has(Summary::BINDS | Summary::ACTIVATES);
        let args = study.slot(call, Slot::AnyArg);
        let takes = args.iter().any(|value| is_of_span(*value));
        let with_request = args.iter().copied().chain(program.receiver(call)).any(is_own_request);
        binds || takes && with_request && program.callee(call).functions.is_empty()
    })
}

/// One step back, through the name of a variable.
fn step_of_name(study: &Study<'_>, value: ValueRef) -> Option<Step> {
    match study.program.step(value) {
        Step::Values(values) => match values.as_slice() {
            [one] => Some(study.program.step(*one)),
            _ => None,
        },
        other => Some(other),
    }
}

fn is_request(study: &Study<'_>, value: ValueRef) -> bool {
    study.program.role_of(value) == Some(TypeRole::Request)
}

fn finding(study: &Study<'_>, start: Start, param: &ContextParam, onward: ValueRef, confidence: Confidence) -> Finding {
    let (callee, target, request) = (study.callee_text(start.call), study.callee_text(onward), param.name);
    let mut finding = study.finding("span-not-current", start.call, confidence);
    finding.message = format!("the span from `{callee}` is not in {request}, with which `{target}` goes on");
    finding.label = "started around the handlers, but not in their request".to_owned();
    finding.effect =
        "the span is a leaf: what the handlers start and call hangs on the span around it, or starts a trace of its own"
            .to_owned();
    finding.help = format!("put the span's context into the request before `{target}` runs");
    finding.confirm = "open a trace: this span has no children although it covers the handlers".to_owned();
    finding.related.push(study.related(onward, "runs with the request as it came in"));
    finding
}
