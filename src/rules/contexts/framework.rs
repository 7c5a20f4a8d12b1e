//! `framework-context`: a framework's own request type is passed as a context, and hands out none of the request's values.

use super::forward::is_given_headers;
use crate::finding::{Confidence, Related};
use crate::ir::ExprKind;
use crate::knowledge::TypeRole;
use crate::link::ValueRef;
use crate::rules::Verdicts;
use crate::rules::clients::can_be_inside;
use crate::study::{Study, Summary};

/// Finds framework contexts passed where a context is expected.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    let program = study.program;
    let libraries = program.knowledge.libraries().iter();
    let switched = libraries.filter(|library| library.types.iter().any(|ty| !ty.context_switch.is_empty()));
    let modules: Vec<&str> = switched.flat_map(|library| &library.modules).map(String::as_str).collect();
    for (at, file) in program.files.iter().enumerate() {
        let imports = || file.scope.targets().any(|target| modules.iter().any(|module| target.starts_with(module)));
        if !study.unit(at as u32).is_traced() || !imports() {
            continue;
        }
        for site in &file.flow.calls {
            check_call(study, ValueRef { file: at as u32, expr: site.expr }, out);
        }
    }
}

fn check_call(study: &Study<'_>, call: ValueRef, out: &mut Verdicts) {
    let program = study.program;
    let ExprKind::Call { args, .. } = program.expr_kind(call) else { return };
    let callee = program.callee(call);
    for (n, arg) in args.iter().enumerate().take(2) {
        let value = ValueRef { file: call.file, expr: arg.value };
        let Some(ty) = program.type_of(value) else { continue };
        let Some((_, description)) = program.knowledge.ty(ty) else { continue };
        if description.context_switch.is_empty() || is_switched_on(study, description.context_switch) {
            continue;
        }
        let taken_as_context = callee.functions.iter().any(|function| {
            program.param_type(*function, n as u16).and_then(|ty| program.role(ty)) == Some(TypeRole::Context)
        });
        let needs_trace = study
            .effect_of(call)
            .has(Summary::STARTS | Summary::CALLS_OUT | Summary::PRODUCES | Summary::INJECTS | Summary::LOGS);
        let is_parted = study.effect_of(call).has(Summary::EXTRACTS) && is_given_headers(study, call);
        let caller = program.function_at(call);
        let has_trace = can_be_inside(study, caller);
        if !taken_as_context || !needs_trace || !has_trace || is_parted {
            continue;
        }
        let name = study.text(value);
        let mut finding = study.finding("framework-context", value, Confidence::Certain);
        finding.message = format!("{name} is passed as the context, but it does not hold the request's trace");
        finding.label = "the trace stays in the request's own context".to_owned();
        finding.effect = format!("everything below {} starts a new trace", study.callee_text(call));
        finding.help = format!(
            "pass {name}.Request.Context(), or set {} on the router so that {name} falls back to it",
            description.context_switch
        );
        finding.confirm =
            "call the route once with a traceparent header and look for its trace id below this call".to_owned();
        finding.related.extend(study.context_param(caller).map(|param| Related {
            place: param.place,
            message: "the trace arrives here, inside the request".to_owned(),
        }));
        out.findings.push(finding);
    }
}

/// Whether the field that makes the framework's type fall back to the request's context is set anywhere.
fn is_switched_on(study: &Study<'_>, field: ustr::Ustr) -> bool {
    study.program.files.iter().any(|file| {
        file.flow.writes.iter().any(|write| {
            matches!(&file.source.facts.expr(write.target).kind, ExprKind::Member { name, .. } if *name == field)
        })
    })
}
