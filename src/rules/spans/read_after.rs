//! Python spans around a call whose result only works when it is read, while the same function reads it after the `with`
//! that has ended the span.

use super::streamed::{body_of, later};
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprId, ExprKind, StmtKind};
use crate::knowledge::tests_generator;
use crate::link::flow::{DefId, DefKind};
use crate::link::{FuncRef, ValueRef};
use crate::study::Study;

/// The finding for a `with` in which a generator is made that its function reads behind it.
pub(super) fn find(study: &Study<'_>, function: FuncRef, start: ValueRef, sure: Confidence) -> Option<Finding> {
    let program = study.program;
    let body = body_of(study, start)?;
    let file = program.files.get(start.file as usize)?;
    let made = (0u32..).zip(&file.flow.defs).filter_map(|(id, def)| match def.kind {
        DefKind::Value { value, index: None } if def.function == function.id => {
            Some((DefId(id), ValueRef { expr: value, ..start }))
        }
        _ => None,
    });
    let inside = made.filter(|(_, value)| {
        body.contains(program.expr(*value).span) && matches!(program.expr_kind(*value), ExprKind::Call { .. })
    });
    inside.into_iter().find_map(|(def, value)| {
        let uses = uses(study, start.file, def);
        let (before, after): (Vec<ValueRef>, Vec<ValueRef>) =
            uses.into_iter().partition(|used| program.expr(*used).span.start < body.end);
        let read = after.iter().copied().find(|used| is_read(study, *used))?;
        let is_generator = later(study, value).is_some_and(|later| later.kind == "generator");
        let is_open = |function: &FuncRef| program.function(*function).flags.is_abstract;
        let is_tested =
            || program.callee(value).functions.iter().all(is_open) && after.iter().any(|used| is_tested(study, *used));
        let confidence = match () {
            () if is_generator => sure,
            () if is_tested() => Confidence::Likely,
            () => return None,
        };
        before.is_empty().then(|| finding(study, start, (value, read), confidence))
    })
}

/// Where what one definition holds is used for certain.
fn uses(study: &Study<'_>, file: u32, def: DefId) -> Vec<ValueRef> {
    let program = study.program;
    let Some(unit) = program.files.get(file as usize) else { return Vec::new() };
    let all = unit.flow.vars.get(program.def(file, def).var.0 as usize).into_iter().flat_map(|var| &var.uses);
    let uses = all.map(|expr| ValueRef { file, expr: *expr });
    uses.filter(|used| matches!(program.reaching(*used), [only] if *only == def)).collect()
}

/// Whether the next value of a generator is asked for: by a loop, or by a call for one.
fn is_read(study: &Study<'_>, used: ValueRef) -> bool {
    let program = study.program;
    let Some(file) = program.files.get(used.file as usize) else { return false };
    let is_looped = file.source.facts.stmts.iter().any(|stmt| match &stmt.kind {
        StmtKind::Loop { subject, .. } => *subject == Some(used.expr),
        _ => false,
    });
    let Some(parent) = program.parent(used) else { return is_looped };
    let is_asked = match program.expr_kind(parent) {
        ExprKind::Yield(_) => true,
        ExprKind::Call { callee, .. } => {
            let callee = program.expr_kind(ValueRef { expr: *callee, ..parent });
            matches!(callee, ExprKind::Name(name) if matches!(name.as_str(), "next" | "anext"))
        }
        _ => false,
    };
    is_looped || is_asked
}

/// Whether code asks if a value is a generator, and so reckons with one.
fn is_tested(study: &Study<'_>, used: ValueRef) -> bool {
    let program = study.program;
    let Some(call) = program.parent(used) else { return false };
    let ExprKind::Call { callee, args } = program.expr_kind(call) else { return false };
    let name = |expr: ExprId| program.qualify(ValueRef { expr, ..call });
    args.first().is_some_and(|first| first.value == used.expr)
        && std::iter::once(*callee)
            .chain(args.iter().skip(1).map(|arg| arg.value))
            .any(|expr| name(expr).is_some_and(|name| tests_generator(&name)))
}

fn finding(study: &Study<'_>, start: ValueRef, (made, read): (ValueRef, ValueRef), confidence: Confidence) -> Finding {
    let (starts, text) = (study.callee_text(start), study.callee_text(made));
    let mut finding = study.finding("span-ended-early", start, confidence);
    finding.message =
        format!("the span from `{starts}` is over before the generator that `{text}` gives has begun to work");
    finding.label = "ends with this block, the generator is read after it".to_owned();
    finding.effect = format!(
        "the span covers none of the work of `{text}`, whose own spans and calls hang under the span around it, or \
         under none"
    );
    finding.help = "read the generator inside the block, or start the span inside the generator".to_owned();
    finding.confirm = "open a trace: the span takes no time, and the work's spans are not below it".to_owned();
    finding.related.push(study.related(made, "made here"));
    finding.related.push(study.related(read, "does its work here"));
    finding
}
