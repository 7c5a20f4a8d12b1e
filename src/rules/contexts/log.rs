//! `log-without-context`: a log call by the variant without a context, in a service whose log handler takes the trace
//! id from the context.

use crate::finding::{Confidence, Related};
use crate::knowledge::{Slot, TypeRole};
use crate::link::{FuncRef, ValueRef};
use crate::rules::Verdicts;
use crate::rules::clients::{can_be_inside, checks_health};
use crate::study::{CallFact, Inbound, Study};

/// Finds log calls that lose their trace id.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    let aware: Vec<&str> = aware_libraries(study);
    if aware.is_empty() {
        return;
    }
    for fact in study.calls() {
        let Some(log) = fact.effect.log else { continue };
        if log.context != Slot::None || log.instead.is_empty() || !aware.contains(&fact.library.id.as_str()) {
            continue;
        }
        let Some(param) = study.context_param(fact.function) else { continue };
        let aside = study.inbound(fact.function) == Inbound::Root
            || (!param.is_request && study.outlives_request(fact.function));
        let is_lit = can_be_inside(study, fact.function) || study.may_be_given_trace(fact.function);
        if (aside || !is_lit || checks_health(study, study.program.outermost(fact.function))) && !in_span(study, fact) {
            continue;
        }
        let mut finding = study.finding("log-without-context", fact.call, Confidence::Certain);
        let name = param.context();
        finding.message =
            format!("{} logs without {name}, so the record gets no trace id", study.callee_text(fact.call));
        finding.label = "the handler sees no context".to_owned();
        finding.effect = "this record can not be found from its trace, nor the trace from the record".to_owned();
        finding.help = format!("use {}({name}, …)", log.instead);
        finding.confirm =
            "look for this message in the logs: it has no trace id while others of the request have one".to_owned();
        finding.related.push(Related { place: param.place, message: "the context with the trace".to_owned() });
        out.findings.push(finding);
    }
}

/// Whether a span was started before the call in the same function, or in one that it is written in: its ids are there
/// to be logged, whoever called the function.
fn in_span(study: &Study<'_>, log: &CallFact<'_>) -> bool {
    let program = study.program;
    let at = program.expr(log.call).span.start;
    let mut function = Some(log.function.id);
    while let Some(id) = function {
        let current = FuncRef { id, ..log.function };
        let file = program.files.get(log.call.file as usize);
        let calls = file.into_iter().flat_map(|file| file.flow.calls_of(id));
        let mut before = calls.map(|site| ValueRef { file: log.call.file, expr: site.expr });
        if before.any(|call| program.expr(call).span.end <= at && hands_out_span(study, call)) {
            return true;
        }
        function = program.function(current).parent.filter(|parent| parent.0 != 0);
    }
    false
}

/// Whether a call starts a span and hands it, with its context, to the caller.
fn hands_out_span(study: &Study<'_>, call: ValueRef) -> bool {
    let derives = |call| study.fact(call).is_some_and(|fact| fact.effect.span.is_some_and(|s| s.derived != Slot::None));
    let callee = study.program.callee(call);
    derives(call)
        || callee.functions.iter().any(|function| {
            let file = study.program.files.get(function.file as usize);
            let mut returns = file.into_iter().flat_map(|file| file.flow.returns_of(function.id));
            returns
                .any(|found| found.values.iter().any(|value| derives(ValueRef { file: function.file, expr: *value })))
        })
}

/// Log libraries for which the program has a handler that reads the trace id from the context it is given: a function
/// that takes a context and a record of the library, and asks for an id.
fn aware_libraries<'a>(study: &Study<'a>) -> Vec<&'a str> {
    let program = study.program;
    let mut out = Vec::new();
    for fact in study.calls().iter().filter(|fact| fact.effect.yields_id.is_some()) {
        let outer = program.outermost(fact.function);
        let types: Vec<_> =
            (0..program.function(outer).params.len() as u16).filter_map(|n| program.param_type(outer, n)).collect();
        if !types.iter().any(|ty| program.role(*ty) == Some(TypeRole::Context)) {
            continue;
        }
        for library in program.knowledge.libraries() {
            let is_record = |ty: &ustr::Ustr| {
                let module = ty.rsplit_once('.').map_or("", |(module, _)| module);
                library.functions.iter().any(|function| function.log.is_some())
                    && library.modules.iter().any(|name| name == module)
            };
            if types.iter().any(is_record) {
                out.push(library.id.as_str());
            }
        }
    }
    out
}
