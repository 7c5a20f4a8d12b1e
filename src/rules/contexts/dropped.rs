//! `span-not-ended`: a helper starts a span and hands it back in a context alone, which its caller throws away (Go).

use crate::finding::{Confidence, Finding};
use crate::ir::Language;
use crate::knowledge::TypeRole;
use crate::link::{FuncRef, ValueRef};
use crate::rules::Verdicts;
use crate::study::{Study, Summary, is_aside};

/// Finds calls of such helpers whose result nobody takes.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    if study.language() != Language::Go {
        return;
    }
    for (file, unit) in (0u32..).zip(&study.program.files).filter(|(file, _)| study.unit(*file).is_traced()) {
        for site in unit.flow.calls.iter().filter(|site| site.dropped && !site.deferred && !site.spawned) {
            let call = ValueRef { file, expr: site.expr };
            let functions = &study.program.callee(call).functions;
            let is_helper = || !functions.is_empty() && functions.iter().all(|function| wraps_span(study, *function));
            if study.fact(call).is_none() && is_helper() && !is_aside(&study.program.place(call).path) {
                out.findings.push(finding(study, call));
            }
        }
    }
}

/// Whether a function starts a span, ends none, and hands back nothing but a context.
fn wraps_span(study: &Study<'_>, function: FuncRef) -> bool {
    let program = study.program;
    let decl = program.function(function);
    let Some(file) = program.files.get(function.file as usize) else { return false };
    let [result] = decl.results.as_slice() else { return false };
    let hands_context = || program.role(program.type_ref(function.file, result)) == Some(TypeRole::Context);
    // The context of the span, or what that is put into, not the one that the function was given.
    let binds = |value: &crate::ir::ExprId| {
        let value = ValueRef { file: function.file, expr: *value };
        study.fact(value).is_some_and(|fact| fact.effect.binds_context.is_some())
    };
    let mut starts = study.calls_in(function).filter(|fact| fact.effect.span.is_some());
    let mut returned = file.flow.returns_of(function.id).peekable();
    !decl.flags.is_abstract
        && !study.summary(function).has(Summary::ENDS)
        && starts.next().is_some()
        && hands_context()
        && returned.peek().is_some()
        && returned.all(|found| found.values.iter().all(binds))
}

fn finding(study: &Study<'_>, call: ValueRef) -> Finding {
    let mut finding = study.finding("span-not-ended", call, Confidence::Certain);
    let helper = study.callee_text(call);
    finding.message = format!("{helper} hands its span back in a context, which is thrown away here");
    finding.label = "starts a span that nobody holds".to_owned();
    finding.effect =
        "nothing can end this span, so it is never sent, and what follows runs under the one before".to_owned();
    finding.help = format!("keep it: `ctx = {helper}(ctx, …)`, and end the span that it holds");
    finding.confirm = "look for the span in one trace: it is not there".to_owned();
    finding
}
