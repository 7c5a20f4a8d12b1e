//! `missing-inject`: a carrier of headers that is made empty and sent so, or is given to be filled and never used (Go).

use super::super::Verdicts;
use crate::finding::{Confidence, Finding, Related};
use crate::ir::{ExprId, ExprKind, Language, StmtKind};
use crate::knowledge::TypeRole;
use crate::link::flow::{Def, DefKind, Var};
use crate::link::{FuncRef, ValueRef};
use crate::study::{Inbound, Study};
use rustc_hash::FxHashSet;
use ustr::Ustr;

/// Finds empty carriers that are sent, and carriers that what starts a span is given in vain.
pub(super) fn check(study: &Study<'_>, traced: &FxHashSet<usize>, out: &mut Verdicts) {
    if study.language() != Language::Go {
        return;
    }
    for (at, file) in (0u32..).zip(&study.program.files) {
        if !traced.contains(&study.unit_of(at)) || study.is_aside(&file.source.path) {
            continue;
        }
        for def in &file.flow.defs {
            let var = file.flow.vars.get(def.var.0 as usize).filter(|var| is_sent_empty(study, at, def, var));
            if let Some(finding) = var.and_then(|var| report_empty(study, at, def, var)) {
                out.findings.push(finding);
            }
        }
    }
    let functions = study.program.all_functions().filter(|function| traced.contains(&study.unit_of(function.file)));
    out.findings.extend(functions.filter_map(|function| unused(study, function)));
}

/// Whether a variable is a carrier that is made empty, that nothing writes to, and that is handed on.
fn is_sent_empty(study: &Study<'_>, file: u32, def: &Def, var: &Var) -> bool {
    let DefKind::Value { value, index: None } = def.kind else { return false };
    let of = |expr: ExprId| ValueRef { file, expr };
    let is_carrier = |used: &ExprId| study.program.type_of(of(*used)).is_some_and(|ty| is_of_tracing(study, ty));
    var.defs.len() == 1
        && is_empty(study, of(value))
        && var.uses.first().is_some_and(is_carrier)
        && var.uses.iter().all(|used| is_read(study, of(*used)))
        && var.uses.iter().any(|used| is_handed_on(study, of(*used)))
}

/// Whether a type is a carrier of a tracing API, which has no other use than to take the trace along.
fn is_of_tracing(study: &Study<'_>, ty: Ustr) -> bool {
    let described = study.program.knowledge.ty(ty).filter(|(_, ty)| ty.role == TypeRole::Carrier);
    described.is_some_and(|(library, _)| library.types.iter().any(|ty| ty.role == TypeRole::Propagator))
}

/// Whether a value is a container without anything in it.
fn is_empty(study: &Study<'_>, value: ValueRef) -> bool {
    match study.program.expr_kind(value) {
        ExprKind::Composite { fields, .. } => fields.is_empty(),
        ExprKind::Call { args, .. } => {
            let callee = study.program.callee(value);
            let is_make = callee.functions.is_empty() && callee.name.is_some_and(|name| name == "make");
            // A conversion: `propagation.HeaderCarrier(http.Header{})`.
            let only = || args.first().map(|arg| ValueRef { expr: arg.value, ..value }).filter(|_| args.len() == 1);
            let is_conversion = || study.program.converted(value).is_some();
            is_make || is_conversion() && only().is_some_and(|inner| is_empty(study, inner))
        }
        _ => false,
    }
}

/// Whether a Go call reads a context from a carrier that is made here and that nothing fills: it hands out what it is given.
pub(in crate::rules) fn extracts_nothing(study: &Study<'_>, call: ValueRef) -> bool {
    let extract = study.fact(call).and_then(|fact| fact.effect.extract);
    let carrier = extract.and_then(|extract| study.slot(call, extract.carrier).first().copied());
    study.language() == Language::Go && carrier.is_some_and(|carrier| is_never_filled(study, carrier))
}

/// Whether a carrier of a tracing API is made empty, and only ever read from.
fn is_never_filled(study: &Study<'_>, carrier: ValueRef) -> bool {
    let program = study.program;
    if !program.type_of(carrier).is_some_and(|ty| is_of_tracing(study, ty)) {
        return false;
    }
    let [def] = program.reaching(carrier) else { return is_empty(study, carrier) };
    let def = program.def(carrier.file, *def);
    let DefKind::Value { value, index: None } = def.kind else { return false };
    let made = ValueRef { expr: value, ..carrier };
    let is_read = |used: &ExprId| {
        let taker = program.parent(ValueRef { expr: *used, ..carrier });
        taker.and_then(|call| study.fact(call)).is_some_and(|fact| fact.effect.extract.is_some())
    };
    let var = program.files[carrier.file as usize].flow.vars.get(def.var.0 as usize);
    (is_empty(study, made) || matches!(program.expr_kind(made), ExprKind::Zero(_)))
        && var.is_some_and(|var| var.defs.len() == 1 && var.uses.iter().all(is_read))
}

/// Whether a use of a container leaves it as it is.
fn is_read(study: &Study<'_>, used: ValueRef) -> bool {
    let program = study.program;
    let Some(parent) = program.parent(used) else { return is_handed_on(study, used) };
    match program.expr_kind(parent) {
        ExprKind::Index { base, .. } if *base == used.expr => {
            program.files[used.file as usize].flow.writes_to(parent.expr).next().is_none()
        }
        ExprKind::Member { base, name, .. } if *base == used.expr => matches!(name.as_str(), "Get" | "Keys"),
        ExprKind::Composite { .. } => true,
        ExprKind::Call { .. } => study.fact(parent).is_some_and(|fact| fact.effect.log.is_some()),
        _ => false,
    }
}

/// Whether what a container holds is sent or kept: it is gone through, handed back, or put into something.
fn is_handed_on(study: &Study<'_>, used: ValueRef) -> bool {
    let program = study.program;
    let Some(file) = program.files.get(used.file as usize) else { return false };
    if let Some(parent) = program.parent(used) {
        return matches!(program.expr_kind(parent), ExprKind::Composite { .. });
    }
    let is_subject =
        |kind: &StmtKind| matches!(kind, StmtKind::Loop { subject: Some(subject), .. } if *subject == used.expr);
    let function = program.function_covering(used);
    file.flow.writes_from(used.expr).next().is_some()
        || file.flow.returns_of(function.id).any(|found| found.values.contains(&used.expr))
        || file.source.facts.stmts.iter().any(|stmt| is_subject(&stmt.kind))
}

fn report_empty(study: &Study<'_>, file: u32, def: &Def, var: &Var) -> Option<Finding> {
    let DefKind::Value { value, .. } = def.kind else { return None };
    let function = FuncRef { file, id: def.function };
    let param = study.context_param(function)?;
    if study.inbound(function) == Inbound::Root || study.summary(function).has(crate::study::Summary::INJECTS) {
        return None;
    }
    let mut found = study.finding("missing-inject", ValueRef { file, expr: value }, Confidence::Certain);
    found.message = format!("`{}` is sent as it is made: nothing writes the trace into it", var.name);
    found.label = "empty when it is sent".to_owned();
    found.effect = "whoever receives it finds no parent, and starts a new trace".to_owned();
    found.help = format!("inject {} into `{}` before it is used", param.context(), var.name);
    found.confirm = "print what is received: there is no trace header in it".to_owned();
    let used = var.uses.iter().map(|used| ValueRef { file, expr: *used });
    found
        .related
        .extend(used.filter(|used| is_handed_on(study, *used)).map(|used| study.related(used, "it goes here")));
    found.related.push(Related { place: param.place, message: "the trace arrives here".to_owned() });
    Some(found)
}

/// A carrier that a function is given, and does nothing with, while it starts a span.
fn unused(study: &Study<'_>, function: FuncRef) -> Option<Finding> {
    let program = study.program;
    let decl = program.function(function);
    let flow = &program.files.get(function.file as usize)?.flow;
    let n = (0..decl.params.len())
        .find(|n| program.param_type(function, *n as u16).is_some_and(|ty| is_of_tracing(study, ty)))?;
    let param = decl.params.get(n).filter(|param| !param.name.is_empty() && param.name != "_")?;
    let is_unused = flow.param_var(function.id, n as u16).is_none_or(|var| var.uses.is_empty());
    let start = study.calls_in(function).find(|fact| fact.effect.span.is_some()).filter(|_| is_unused)?;
    let mut found = study.finding("missing-inject", start.call, Confidence::Likely);
    found.message =
        format!("`{}` starts a span, and writes nothing of it into `{}`", study.function_name(function), param.name);
    found.label = format!("`{}` is never used", param.name);
    found.effect = "whoever receives the headers finds no parent, and starts a new trace".to_owned();
    found.help = format!("inject the span's context into `{}` (assumed: it is what is sent)", param.name);
    found.confirm = "print what is received: there is no trace header in it".to_owned();
    let place = program.place_of(function.file, param.span);
    found.related.push(Related { place, message: "the headers to be written come in here".to_owned() });
    Some(found)
}
