//! Lists of the functions that log records pass through, put together of others: `[*shared, render]` (Python).

use crate::ir::ExprKind;
use crate::link::{Step, ValueRef};
use crate::study::{CallFact, Study, functions_of};

/// How many lists lie in one another.
const MAX_DEPTH: u32 = 8;
/// Methods by which a list grows.
const GROWS: &[&str] = &["append", "extend", "insert"];

/// Whether a call is given a list of what each record passes through of which every part is seen, and is the service's own
/// or comes with the library that the list is for.
pub(super) fn is_seen(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let given = fact.effect.log_processors.and_then(|slot| study.slot(fact.call, slot).first().copied());
    let Some(parts) = given.and_then(|list| parts(study, fact, list, MAX_DEPTH)) else { return false };
    parts.len() > 1 && parts.iter().all(|part| is_known(study, fact, *part, MAX_DEPTH))
}

/// The parts of a list, or `None` where not all of them are seen.
fn parts(study: &Study<'_>, fact: &CallFact<'_>, list: ValueRef, depth: u32) -> Option<Vec<ValueRef>> {
    let depth = depth.checked_sub(1)?;
    let at = |expr| ValueRef { expr, ..list };
    let all = |lists: &mut dyn Iterator<Item = ValueRef>| {
        let parts = lists.map(|list| parts(study, fact, list, depth)).collect::<Option<Vec<_>>>()?;
        (!parts.is_empty()).then(|| parts.concat())
    };
    match study.program.expr_kind(list) {
        ExprKind::Composite { fields, .. } => {
            let mut out = Vec::new();
            for field in fields {
                match study.program.expr_kind(at(field.value)) {
                    ExprKind::Unary { op, operand } if op == "*" => {
                        out.extend(parts(study, fact, at(*operand), depth)?)
                    }
                    _ => out.push(at(field.value)),
                }
            }
            Some(out)
        }
        ExprKind::Binary { op, left, right } if op == "+" => all(&mut [at(*left), at(*right)].into_iter()),
        ExprKind::Conditional { then, otherwise, .. } => all(&mut [at(*then), at(*otherwise)].into_iter()),
        ExprKind::Call { callee, args } => {
            let is_copy = matches!(study.program.expr_kind(at(*callee)), ExprKind::Name(name) if name == "list");
            let ([arg], true) = (args.as_ref(), is_copy) else { return None };
            parts(study, fact, at(arg.value), depth)
        }
        ExprKind::Name(_) | ExprKind::Member { .. } => {
            let lists = match study.program.step(list) {
                Step::Values(values) => values.to_vec(),
                Step::Literal(literal) => vec![literal],
                Step::Field(owner, name) => study.program.all_writes(owner, name).into_iter().map(|w| w.0).collect(),
                _ => return None,
            };
            let mut out = all(&mut lists.into_iter())?;
            out.extend(added(study, fact, list, depth)?);
            Some(out)
        }
        _ => None,
    }
}

/// What is added to the list that a variable holds, or `None` where something else becomes of it.
fn added(study: &Study<'_>, fact: &CallFact<'_>, list: ValueRef, depth: u32) -> Option<Vec<ValueRef>> {
    let program = study.program;
    let flow = &program.files.get(list.file as usize)?.flow;
    let vars =
        flow.reaching(list.expr).iter().filter_map(|def| flow.vars.get(flow.defs.get(def.0 as usize)?.var.0 as usize));
    let mut out = Vec::new();
    for used in vars.flat_map(|var| &var.uses) {
        let used = ValueRef { expr: *used, ..list };
        let Some(parent) = program.parent(used) else { continue };
        let call = match program.expr_kind(parent) {
            ExprKind::Member { base, .. } if *base == used.expr => program.parent(parent)?,
            // Whoever is given the list may add to it.
            ExprKind::Call { .. } if !is_left_alone(study, fact, parent) => return None,
            _ => continue,
        };
        let ExprKind::Member { name, .. } = program.expr_kind(parent) else { return None };
        if !GROWS.contains(&name.as_str()) {
            return None;
        }
        let ExprKind::Call { args, .. } = program.expr_kind(call) else { return None };
        let given = ValueRef { expr: args.last()?.value, ..list };
        match name.as_str() {
            "extend" => out.extend(parts(study, fact, given, depth)?),
            _ => out.push(given),
        }
    }
    Some(out)
}

/// Whether it is seen what stands in such a list: a function or object of the service's own, or of the library's.
fn is_known(study: &Study<'_>, fact: &CallFact<'_>, part: ValueRef, depth: u32) -> bool {
    let program = study.program;
    let Some(depth) = depth.checked_sub(1) else { return false };
    let at = |expr| ValueRef { expr, ..part };
    match program.expr_kind(part) {
        ExprKind::Closure(_) => true,
        ExprKind::Call { callee, .. } => {
            is_of_library(study, fact, at(*callee))
                || !program.callee(part).functions.is_empty()
                || is_own_class(study, part)
        }
        ExprKind::Conditional { then, otherwise, .. } => {
            is_known(study, fact, at(*then), depth) && is_known(study, fact, at(*otherwise), depth)
        }
        ExprKind::Name(_) | ExprKind::Member { .. } => {
            is_of_library(study, fact, part) || !functions_of(study, part).is_empty() || {
                let values = match program.step(part) {
                    Step::Values(values) => values.to_vec(),
                    Step::Call(made, _) => vec![made],
                    Step::Field(owner, name) => program.all_writes(owner, name).into_iter().map(|w| w.0).collect(),
                    _ => Vec::new(),
                };
                !values.is_empty() && values.iter().all(|value| is_known(study, fact, *value, depth))
            }
        }
        _ => false,
    }
}

/// Whether a call makes an object of a class of the service's own.
fn is_own_class(study: &Study<'_>, call: ValueRef) -> bool {
    let made = study.program.callee(call).constructs;
    made.is_some_and(|class| study.program.own_type(class).is_some())
}

/// Whether a call leaves the list that it is given as it is: it copies it, or is of the library that the list is for.
fn is_left_alone(study: &Study<'_>, fact: &CallFact<'_>, call: ValueRef) -> bool {
    let ExprKind::Call { callee, .. } = study.program.expr_kind(call) else { return false };
    let callee = ValueRef { expr: *callee, ..call };
    is_of_library(study, fact, callee)
        || matches!(study.program.expr_kind(callee), ExprKind::Name(name) if name == "list")
}

/// Whether a name belongs to the library of a described call.
fn is_of_library(study: &Study<'_>, fact: &CallFact<'_>, value: ValueRef) -> bool {
    let name = study.program.qualify(value);
    name.is_some_and(|name| fact.library.modules.iter().any(|module| super::formats::is_below(&name, module)))
}
