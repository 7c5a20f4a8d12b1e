//! Spans that are over when the function that starts them is left, while their context is handed out to go on with (Go).

use super::life::Life;
use super::over::work_under;
use super::starts::{Start, Starts, assumption, judged};
use crate::finding::{Confidence, Finding};
use crate::ir::Language;
use crate::link::{FuncRef, ValueRef};
use crate::rules::Verdicts;
use crate::study::Study;

/// Finds deferred ends of spans whose context is handed back to callers that work under it.
pub(super) fn check(life: &Life<'_, '_>, starts: &Starts, out: &mut Verdicts) {
    let study = life.study;
    if study.language() != Language::Go {
        return;
    }
    for (start, fate) in &starts.all {
        let Some(confidence) = judged(study, start.call) else { continue };
        let function = study.program.function_covering(start.call);
        let handed = fate.contexts.iter().find(|(found, _)| *found == function);
        let end = fate.finishes.iter().find(|end| is_deferred(study, **end, function));
        let (Some((_, result)), Some(end)) = (handed, end) else { continue };
        let work = study.program.callers(function).iter().find_map(|call| under(life, *call, *result));
        out.findings.extend(work.map(|work| finding(study, *start, *end, work, confidence)));
    }
}

/// Whether a call ends a span when a function is left, on every way.
fn is_deferred(study: &Study<'_>, end: ValueRef, function: FuncRef) -> bool {
    study.program.function_covering(end) == function
        && study.program.call_site(end).is_some_and(|site| site.deferred)
        && study.fact(end).is_some_and(|fact| fact.effect.ends.is_some())
}

/// What a caller does under the context that it is handed.
fn under(life: &Life<'_, '_>, call: ValueRef, result: u8) -> Option<ValueRef> {
    let program = life.study.program;
    let within = program.function(program.function_covering(call)).span;
    let rest = crate::ir::Span { start: program.expr(call).span.end, ..within };
    work_under(life, call, result, rest)
}

fn finding(study: &Study<'_>, start: Start, end: ValueRef, work: ValueRef, confidence: Confidence) -> Finding {
    let (ended, text) = (study.callee_text(end), study.callee_text(work));
    let mut finding = study.finding("span-ended-early", end, confidence);
    finding.message =
        format!("`{ended}` ends the span when this function is left, and `{text}` goes on under its context");
    finding.label = "the span is over when its context is handed out".to_owned();
    finding.effect = format!(
        "the spans of `{text}` become children of a span that was over before they began, and its duration leaves them out"
    );
    finding.help = format!(
        "hand out the context from before where the span stands for this function alone; where it stands for `{text}` too, \
         hand out what ends it{}",
        assumption(confidence)
    );
    finding.confirm = "open a trace: the child begins after its parent has ended".to_owned();
    finding.related.push(study.related(start.call, "the span is started here"));
    finding.related.push(study.related(work, "comes too late"));
    finding
}
