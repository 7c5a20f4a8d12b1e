//! `stale-context` by way of a field: a method works under the context that its object was made with, while whoever calls
//! it has started a span of its own since then, and has no way to hand that down.

use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, Language};
use crate::knowledge::{Slot, TypeRole};
use crate::link::flow::{DefKind, RECEIVER};
use crate::link::{FuncRef, Origin, Step, ValueRef};
use crate::rules::Verdicts;
use crate::study::{Study, Summary};
use ustr::Ustr;

/// Finds methods that go on under a stored context below a newer span of their callers.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    if study.language() != Language::Go {
        return;
    }
    for (file, unit) in (0u32..).zip(&study.program.files).filter(|(file, _)| study.unit(*file).is_traced()) {
        for site in unit.flow.calls.iter().filter(|site| !site.deferred && !site.spawned) {
            let call = ValueRef { file, expr: site.expr };
            let Some((method, value, field)) = under_stored(study, call) else { continue };
            let around: Vec<(ValueRef, ValueRef)> =
                study.program.callers(method).iter().filter_map(|at| spanned(study, *at, field)).collect();
            if let Some((at, start)) = around.first() {
                out.findings.push(finding(study, value, (call, *at, *start)));
            }
        }
    }
}

/// The method, the value and the field, where a call goes on with the trace under a context that is in the method's own
/// object, and the method takes none.
fn under_stored(study: &Study<'_>, call: ValueRef) -> Option<(FuncRef, ValueRef, Ustr)> {
    let program = study.program;
    let method = program.function_at(call);
    let stored = study.slot(call, Slot::AnyArg).into_iter().find_map(|value| match program.expr_kind(value) {
        ExprKind::Member { base, name, .. } => Some((value, ValueRef { expr: *base, ..value }, *name)),
        _ => None,
    });
    let (value, base, field) = stored?;
    let decl = program.function(method);
    if decl.owner.is_none() && decl.owner_name.is_empty() || decl.flags.is_closure {
        return None;
    }
    let is_own = || program.origins(base, false) == [Origin::Param(method, RECEIVER)];
    let is_context = program.role_of(value) == Some(TypeRole::Context);
    if !is_context || !is_own() || study.context_param(method).is_some() {
        return None;
    }
    let goes_on = Summary::STARTS | Summary::CALLS_OUT | Summary::PRODUCES;
    (goes_on_below(study, call, goes_on) && !writes_field(study, method, field)).then_some((method, value, field))
}

/// Whether a call, or an own method that it may run behind an interface, goes on with the trace.
fn goes_on_below(study: &Study<'_>, call: ValueRef, what: Summary) -> bool {
    let program = study.program;
    let functions = &program.callee(call).functions;
    let abstracts = functions.iter().filter(|function| program.function(**function).flags.is_abstract);
    study.effect_of(call).has(what)
        || abstracts.into_iter().any(|function| {
            let wanted = program.function(*function);
            program.methods_named(wanted.name).iter().any(|method| {
                let found = program.function(*method);
                !found.flags.is_abstract
                    && found.params.len() == wanted.params.len()
                    && study.summary(*method).has(what)
            })
        })
}

/// The call of a method with the span around it, where a caller keeps the context of a span that it started and cannot
/// hand it down: the object was there before, and holds an older one.
fn spanned(study: &Study<'_>, call: ValueRef, field: Ustr) -> Option<(ValueRef, ValueRef)> {
    let program = study.program;
    let caller = program.function_at(call);
    if program.function(caller).flags.is_closure || writes_field(study, caller, field) {
        return None;
    }
    let receiver = program.receiver(call)?;
    let came_in = |step: Step| match step {
        Step::Param(..) => true,
        Step::Values(values) => {
            !values.is_empty() && values.iter().all(|next| matches!(program.step(*next), Step::Param(..)))
        }
        _ => false,
    };
    let base = match program.expr_kind(receiver) {
        ExprKind::Member { base, .. } => ValueRef { expr: *base, ..receiver },
        _ => receiver,
    };
    if !came_in(program.step(base)) {
        return None;
    }
    let at = program.expr(call).span.start;
    let begins = |value: ValueRef| program.expr(value).span.end;
    let ends = |from: u32| {
        let mut ended = study.calls_in(caller).filter(|fact| fact.effect.ends.is_some() && !fact.site.deferred);
        ended.any(|fact| (from..at).contains(&program.expr(fact.call).span.start))
    };
    let keeps = |value: ValueRef, derived: u8| {
        let flow = &program.files[value.file as usize].flow;
        flow.defs_from(value.expr)
            .any(|(_, def)| matches!(def.kind, DefKind::Value { index: Some(n), .. } if n == derived))
    };
    let starts = study.calls_in(caller).filter_map(|fact| match fact.effect.span?.derived {
        Slot::Result(derived) if keeps(fact.call, derived) => Some(fact.call),
        _ => None,
    });
    let mut open = starts.filter(|start| begins(*start) < at && !ends(begins(*start)));
    open.next().map(|start| (call, start))
}

/// Whether a function puts something into a field of that name.
fn writes_field(study: &Study<'_>, function: FuncRef, field: Ustr) -> bool {
    let Some(file) = study.program.files.get(function.file as usize) else { return true };
    file.flow.writes.iter().filter(|write| write.function == function.id).any(|write| {
        let target = ValueRef { file: function.file, expr: write.target };
        matches!(study.program.expr_kind(target), ExprKind::Member { name, .. } if *name == field)
    })
}

fn finding(study: &Study<'_>, value: ValueRef, (call, at, start): (ValueRef, ValueRef, ValueRef)) -> Finding {
    let program = study.program;
    let mut finding = study.finding("stale-context", value, Confidence::Likely);
    let (stored, target) = (study.text(value), study.callee_text(call));
    let caller = study.function_name(program.function_at(at));
    finding.message = format!("{target} is given {stored}, which is older than the span that {caller} has around it");
    finding.label = "a context that was stored before".to_owned();
    finding.effect = format!("what {target} does becomes a sibling of the span in {caller}, not its child");
    finding.help = format!("take the context as a parameter instead of {stored}, and hand it down from {caller}");
    finding.confirm = "look at one trace: the span around this work is not its parent".to_owned();
    finding.related.push(study.related(start, "the span is started here"));
    finding.related.push(study.related(at, "and this runs below it"));
    finding
}
