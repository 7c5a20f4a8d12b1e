//! Methods that hand their work on to the same method of what they wrap: for logs, measurements, spans (Go).

use crate::ir::ExprKind;
use crate::link::{FuncRef, ValueRef};
use crate::study::Study;

/// The own functions that may run where a decorator hands its work on: what the chain of decorators stands around. Which of
/// them wraps which is not seen, so all are left out where anything else is there. `None` for any other call.
pub(super) fn decorated(study: &Study<'_>, call: ValueRef) -> Option<Vec<FuncRef>> {
    let program = study.program;
    let outer = program.outermost(program.function_at(call));
    if study.callee_name(call)? != program.function(outer).name || !decorates(study, outer) {
        return None;
    }
    let functions = &program.callee(call).functions;
    let inner: Vec<FuncRef> = functions.iter().copied().filter(|function| !decorates(study, *function)).collect();
    (functions.len() > inner.len() && !inner.is_empty()).then_some(inner)
}

/// Whether a method asks something that it holds for the same method.
fn decorates(study: &Study<'_>, method: FuncRef) -> bool {
    let program = study.program;
    let decl = program.function(method);
    let Some(flow) = program.files.get(method.file as usize).map(|file| &file.flow) else { return false };
    let is_method = decl.owner.is_some() || !decl.owner_name.is_empty();
    let hands_on = |call: ValueRef| {
        let is_same = study.callee_name(call) == Some(decl.name);
        let held = program.receiver(call).map(|receiver| program.expr_kind(receiver));
        is_same && matches!(held, Some(ExprKind::Member { .. }))
    };
    is_method && flow.calls_of(method.id).any(|site| hands_on(ValueRef { file: method.file, expr: site.expr }))
}
