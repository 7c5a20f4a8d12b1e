//! `stale-context`: a span is started, its context is thrown away or put where others share it, and the work goes on
//! under the old one.

use super::asked_again::again_from_request;
use super::belonging::{leaves, starts_below};
use super::forward::{MAX_HANDED, asks_traced_store};
use super::passed_over;
use super::span_starts::{Start, declared_starts, helper_starts, library_start};
use super::under_old::{uses_of_own, uses_under_old};
use super::unseen;
use super::vain::is_given_in_vain;
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, Language};
use crate::link::ValueRef;
use crate::link::flow::{Def, DefKind};
use crate::rules::Verdicts;
use crate::rules::clients::Lives;
use crate::study::Study;
use rustc_hash::FxHashSet;

/// Finds spans whose derived context is dropped while calls under the old context follow.
pub(super) fn check(lives: &Lives<'_, '_>, out: &mut Verdicts) {
    let study = lives.study;
    let mut seen = FxHashSet::default();
    for fact in study.calls() {
        let Some(start) = library_start(study, fact) else { continue };
        if !study.unit(start.call.file).is_traced() {
            continue;
        }
        let helpers = helper_starts(study, &start);
        for start in std::iter::once(start).chain(helpers) {
            seen.insert(start.call);
            out.findings.extend(judge(lives, &start));
        }
    }
    for start in declared_starts(study).into_iter().filter(|start| !seen.contains(&start.call)) {
        out.findings.extend(judge(lives, &start));
    }
}

fn judge(lives: &Lives<'_, '_>, start: &Start) -> Option<Finding> {
    let study = lives.study;
    if is_handed_on(study, start.call) {
        return None;
    }
    let shared = match kept(study, start.call, start.derived) {
        Kept::No => None,
        Kept::Shared(place) => Some(place),
        Kept::Yes => return passed_over::judge(lives, start),
    };
    let (used, name) = match shared {
        Some(_) if study.outlives_request(start.function) => return None,
        Some(place) => (uses_of_own(study, start, place)?, study.text(place)),
        None => {
            let mut used = uses_under_old(lives, start, |call, old| {
                leaves(study, call) && !lives.sends_plainly(call) && !is_given_in_vain(lives, call, old, MAX_HANDED)
            });
            used.extend(again_from_request(study, start));
            if used.is_empty() {
                used = uses_under_old(lives, start, |call, old| {
                    starts_below(study, call) && !is_given_in_vain(lives, call, old, MAX_HANDED)
                });
            }
            if used.is_empty() && study.language() == Language::Go {
                used = uses_under_old(lives, start, |call, old| {
                    unseen::goes_on(lives, call) || asks_traced_store(lives, call, old, MAX_HANDED)
                });
            }
            if used.is_empty() && study.language() == Language::Go {
                used = uses_under_old(lives, start, |call, _| unseen::may_go_on(study, call));
            }
            used.sort_by_key(|call| study.program.expr(*call).span.start);
            used.dedup();
            (used, study.text(start.old))
        }
    };
    let first = used.first()?;
    let confidence = match leaves(study, *first) {
        true => Confidence::Certain,
        false if used.iter().all(|call| unseen::may_go_on(study, *call) && !unseen::is_sent_in_chain(study, *call)) => {
            Confidence::Possible
        }
        false => Confidence::Likely,
    };
    let mut finding = study.finding("stale-context", start.call, confidence);
    let target = study.callee_text(*first);
    if shared.is_some() {
        finding.message = format!("the context of this span is put into {name}, and {target} goes on without it");
        finding.label = "starts a span, its context goes where others share it".to_owned();
        finding.effect =
            format!("what {target} does is not below this span, and whoever reads {name} next inherits this trace");
        finding.help = format!("keep it in a local: `ctx, span := …`, and pass that to {target}");
        if confidence == Confidence::Likely {
            finding.help.push_str(&format!(" (assumes that {target} makes a span or a call)"));
        }
    } else {
        finding.message = format!("the context of this span is thrown away and {target} goes on under the old {name}");
        finding.label = "starts a span, its context is dropped".to_owned();
        finding.effect = format!("what {target} does becomes a sibling of this span, not its child");
        finding.help = help(study, start, &name);
    }
    finding.confirm = "look at one trace: this span has no children although it covers calls".to_owned();
    finding.related = used.iter().take(6).map(|call| study.related(*call, "runs under the old context")).collect();
    Some(finding)
}

fn help(study: &Study<'_>, start: &Start, name: &str) -> String {
    match request_of(study, start.old) {
        Some(request) => {
            let request = study.text(request);
            format!(
                "keep it and bind it to the request: `ctx, span := …`, then `{request} = {request}.WithContext(ctx)`"
            )
        }
        None => format!("keep it: `{name}, span := …`, so that everything below uses the span's context"),
    }
}

/// The request whose context a value is: `r` of `r.Context()`.
pub(super) fn request_of(study: &Study<'_>, value: ValueRef) -> Option<ValueRef> {
    let slot = study.fact(value)?.effect.context_of?;
    study.slot(value, slot).first().copied()
}

/// Whether what a call hands out goes straight on: `after(before(ctx))`, `return before(ctx)`.
fn is_handed_on(study: &Study<'_>, call: ValueRef) -> bool {
    let flow = &study.program.files[call.file as usize].flow;
    let function = study.program.function_covering(call);
    study.program.parent(call).is_some() || flow.returns_of(function.id).any(|found| found.values.contains(&call.expr))
}

/// What becomes of a span's context.
enum Kept {
    /// It is dropped.
    No,
    /// It goes into a field only.
    Shared(ValueRef),
    /// It is kept, or goes on.
    Yes,
}

fn kept(study: &Study<'_>, call: ValueRef, n: u8) -> Kept {
    let flow = &study.program.files[call.file as usize].flow;
    let index = |def: &Def| match def.kind {
        DefKind::Value { index, .. } => Some(index),
        _ => None,
    };
    let locals: Vec<Option<u8>> = flow.defs_from(call.expr).filter_map(|(_, def)| index(def)).collect();
    let writes: Vec<_> = flow.writes_from(call.expr).collect();
    if locals.iter().any(|index| index.unwrap_or(0) == n)
        || (locals.iter().all(Option::is_none) && writes.iter().all(|write| write.index.is_none()))
    {
        return Kept::Yes;
    }
    let field = writes.iter().find(|write| write.index.unwrap_or(0) == n);
    match field.map(|write| ValueRef { expr: write.target, ..call }) {
        Some(target) if matches!(study.program.expr_kind(target), ExprKind::Member { .. }) => Kept::Shared(target),
        // `span, _ = start(ctx)`
        Some(target) if matches!(study.program.expr_kind(target), ExprKind::Name(name) if *name == "_") => Kept::No,
        Some(_) => Kept::Yes,
        None => Kept::No,
    }
}
