//! Tasks that run what they were given: callables and plug-ins that only the user of the code knows.

use super::task;
use crate::ir::ExprKind;
use crate::link::{FuncRef, Step, ValueRef};
use crate::study::{Study, Summary};
use ustr::Ustr;

/// How many steps a callee is followed back.
const MAX_STEPS: usize = 40;
/// A method that more types have says nothing about the one that is called.
const MAX_METHODS: usize = 40;

/// What tells a task apart that only moves data about.
const MATTERS: Summary = Summary::STARTS;

/// The hand-over of a task: the call, the task among its arguments, and the functions that it runs.
pub(super) struct HandOver<'t> {
    /// The call that hands it over.
    pub(super) call: ValueRef,
    /// The task's value.
    pub(super) task: ValueRef,
    /// The functions that it runs.
    pub(super) functions: &'t [FuncRef],
}

impl HandOver<'_> {
    /// Whether a function is the task itself or one that the hand-over is written in.
    fn is_around(&self, study: &Study<'_>, function: FuncRef) -> bool {
        let outer = study.program.outermost(study.program.function_at(self.call));
        let holds = study.program.function(function).span.contains(study.program.expr(self.call).span);
        self.functions.contains(&function) || (study.program.outermost(function) == outer && holds)
    }
}

/// A call below a task that runs something which this code does not name: a callable that was handed in, an element of
/// a collection of callables, or a method of a plug-in.
pub(super) fn runs_given(study: &Study<'_>, spawn: &HandOver<'_>) -> Option<ValueRef> {
    task::below(study, spawn.functions, 3)
        .into_iter()
        .find_map(|function| task::calls(study, function).find(|call| is_given(study, spawn, *call)))
}

fn is_given(study: &Study<'_>, spawn: &HandOver<'_>, call: ValueRef) -> bool {
    let program = study.program;
    // What is called for its effect alone is a hook or a report of progress.
    if program.call_site(call).is_none_or(|site| site.dropped) {
        return false;
    }
    let known = program.callee(call);
    if study.fact(call).is_some() || !known.functions.is_empty() || known.constructs.is_some() {
        return false;
    }
    let ExprKind::Call { callee, .. } = program.expr_kind(call) else { return false };
    let callee = ValueRef { expr: *callee, ..call };
    match program.expr_kind(callee) {
        ExprKind::Name(_) | ExprKind::Index { .. } => is_handed_in(study, spawn, callee, true),
        ExprKind::Member { base, name, .. } => {
            let base = ValueRef { expr: *base, ..call };
            if is_kept_callable(study, base, *name) {
                return true;
            }
            matches!(program.expr_kind(base), ExprKind::Name(_) | ExprKind::Index { .. })
                && program.type_of(base).is_none()
                && traced_methods(study, call, *name)
                && is_handed_in(study, spawn, base, false)
        }
        _ => false,
    }
}

/// Whether a field of the service's own type is declared to hold a callable that nobody here names.
fn is_kept_callable(study: &Study<'_>, base: ValueRef, name: Ustr) -> bool {
    let program = study.program;
    let Some(owner) = program.type_of(base).filter(|ty| program.own_type(*ty).is_some()) else { return false };
    let declared = program.field_type(owner, name, 4);
    declared.is_some_and(|ty| matches!(ty.as_str(), "typing.Callable" | "collections.abc.Callable"))
        && program.methods(owner, name).is_empty()
        && program.all_writes(owner, name).into_iter().all(|(written, _)| task::functions(study, written).is_empty())
}

/// Whether methods of this name of the service's own types take part in traces.
fn traced_methods(study: &Study<'_>, call: ValueRef, name: Ustr) -> bool {
    let program = study.program;
    let candidates = program.methods_named(name);
    if candidates.is_empty() || candidates.len() > MAX_METHODS || name.starts_with('_') {
        return false;
    }
    let spans_around = study.unit(call.file).own_instrumentor;
    candidates.iter().any(|function| spans_around || takes_part(study, *function))
}

fn takes_part(study: &Study<'_>, function: FuncRef) -> bool {
    study.summary(function).has(MATTERS | Summary::CALLS_OUT | Summary::PRODUCES)
}

/// Whether a value is a parameter of the task or of the code around it, or an element of a collection that nobody here
/// fills with known functions.
fn is_handed_in(study: &Study<'_>, spawn: &HandOver<'_>, value: ValueRef, is_callable: bool) -> bool {
    let program = study.program;
    let mut work = vec![value];
    let mut seen = 0;
    while let Some(value) = work.pop() {
        seen += 1;
        if seen > MAX_STEPS {
            return false;
        }
        match program.step(value) {
            Step::Values(values) => work.extend(values),
            Step::Part(container) => return !is_known_table(study, container),
            Step::Param(function, n) if spawn.is_around(study, function) => {
                return is_open_param(study, spawn, function, n, is_callable);
            }
            Step::Param(function, n) => work.extend(program.arguments(function, n)),
            _ => {}
        }
    }
    false
}

/// A table whose entries are functions that are seen is no extension point.
fn is_known_table(study: &Study<'_>, container: ValueRef) -> bool {
    study.program.origins(container, true).into_iter().any(|origin| match origin {
        crate::link::Origin::Literal(found) => match study.program.expr_kind(found) {
            ExprKind::Composite { fields, .. } => fields
                .iter()
                .any(|field| !crate::study::functions_of(study, ValueRef { expr: field.value, ..found }).is_empty()),
            _ => false,
        },
        _ => false,
    })
}

fn is_open_param(study: &Study<'_>, spawn: &HandOver<'_>, function: FuncRef, n: u16, is_callable: bool) -> bool {
    let program = study.program;
    let decl = program.function(function);
    if n == 0 && decl.owner.is_some() && !decl.flags.is_static {
        return false;
    }
    let is_own = program.param_type(function, n).is_some_and(|ty| program.own_type(ty).is_some());
    let mut arguments = program.arguments(function, n).to_vec();
    if spawn.functions.contains(&function) {
        arguments.extend(handed_with(study, spawn, n));
    }
    let known = |value: &ValueRef| {
        let functions = task::functions(study, *value);
        !functions.is_empty() && !functions.iter().any(|function| takes_part(study, *function))
    };
    !is_own && (!is_callable || arguments.is_empty() || !arguments.iter().all(known))
}

/// What the hand-over passes for a parameter of its task: the arguments that follow it.
fn handed_with(study: &Study<'_>, spawn: &HandOver<'_>, n: u16) -> Option<ValueRef> {
    let ExprKind::Call { args, .. } = study.program.expr_kind(spawn.call) else { return None };
    let at = args.iter().position(|arg| arg.value == spawn.task.expr)?;
    let arg = args.get(at + 1 + usize::from(n)).filter(|arg| arg.name.is_none())?;
    Some(ValueRef { expr: arg.value, ..spawn.call })
}
