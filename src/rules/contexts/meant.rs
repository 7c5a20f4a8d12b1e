//! Fresh contexts that take no trace away: they stand in for a missing one, go with a span, or are for what lives on (Go).

use super::replaced::spawned_closure;
use crate::ir::{Expr, ExprId, ExprKind, LoopKind, Span, StmtKind};
use crate::knowledge::{Slot, TypeRole};
use crate::link::flow::DefKind;
use crate::link::{FuncRef, Origin, ValueRef};
use crate::study::{CallFact, ContextParam, Study};

/// Whether the context of a function literal is a fresh one: the call that runs the literal is given no other
/// (`pool.Run(context.TODO(), func(ctx context.Context) …)`). The trace was lost before.
pub(super) fn is_given_fresh(study: &Study<'_>, param: &ContextParam) -> bool {
    let program = study.program;
    let literal = program.files.get(param.function.file as usize).and_then(|file| {
        let expr = *file.flow.closures.get(&param.function.id)?;
        Some(ValueRef { file: param.function.file, expr })
    });
    let Some(call) = literal.and_then(|literal| program.parent(literal)) else { return false };
    let is_root = |origin: Origin| match origin {
        Origin::Call(made, 0) => study.fact(made).is_some_and(|fact| fact.effect.root_context),
        _ => false,
    };
    let contexts = study.slot(call, Slot::AnyArg).into_iter();
    let mut contexts = contexts.filter(|value| program.role_of(*value) == Some(TypeRole::Context)).peekable();
    contexts.peek().is_some()
        && contexts.all(|context| {
            let origins = program.origins(context, false);
            !origins.is_empty() && origins.into_iter().all(is_root)
        })
}

/// Whether a fresh context is made in an endless loop that takes its work from a channel: what the function was given is
/// the worker's context, and each piece of work comes with its own or with none.
pub(super) fn works_off(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let Some(file) = study.program.files.get(fact.call.file as usize) else { return false };
    let facts = &file.source.facts;
    let at = study.program.expr(fact.call).span;
    let endless = facts
        .stmts
        .iter()
        .filter(|stmt| matches!(stmt.kind, StmtKind::Loop { kind: LoopKind::Forever, .. }) && stmt.span.contains(at));
    let takes = |round: Span| {
        let received = |id: usize, expr: &Expr| {
            matches!(expr.kind, ExprKind::Receive(_))
                && round.contains(expr.span)
                && file.flow.defs_from(ExprId(id as u32)).next().is_some()
        };
        facts.exprs.iter().enumerate().any(|(id, expr)| received(id, expr))
    };
    endless.into_iter().any(|stmt| takes(stmt.span))
}

/// Whether a function, or one that it is written in, is given to what runs it once (`once.Do(…)`): its work is for all who
/// ask, and not for the first of them.
pub(super) fn runs_once(study: &Study<'_>, function: FuncRef) -> bool {
    let program = study.program;
    let mut at = Some(function);
    while let Some(inner) = at {
        let Some(file) = program.files.get(inner.file as usize) else { return false };
        let made = file.flow.closures.get(&inner.id).map(|expr| ValueRef { file: inner.file, expr: *expr });
        let taker = made.and_then(|made| Some((made, study.fact(program.parent(made)?)?)));
        let is_once = |(made, fact): (ValueRef, &CallFact<'_>)| {
            fact.effect.once.is_some_and(|slot| study.slot(fact.call, slot).contains(&made))
        };
        if taker.is_some_and(is_once) {
            return true;
        }
        at = program.function(inner).parent.map(|id| FuncRef { id, ..inner });
    }
    false
}

/// Whether a function belongs to what stands in where nothing is traced (`noopTracer.Start`).
pub(super) fn does_nothing(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let name = study.function_name(fact.function).to_lowercase();
    name.contains("noop") || name.starts_with("nop")
}

/// Whether a function literal around a function, below the one that has the context, is kept for later: it is put into a
/// value, or given to an own function that stores it. What it works on then comes from other requests too.
pub(super) fn runs_later(study: &Study<'_>, function: FuncRef, holder: FuncRef) -> bool {
    let program = study.program;
    let mut at = function;
    while at != holder {
        let made = program.files[at.file as usize].flow.closures.get(&at.id).copied();
        let made = made.map(|expr| ValueRef { file: at.file, expr });
        if made.is_some_and(|closure| is_kept(study, closure)) {
            return true;
        }
        let Some(parent) = program.function(at).parent else { return false };
        at = FuncRef { file: at.file, id: parent };
    }
    false
}

/// Whether a function value goes into a composite, or to an own function whose parameter does.
fn is_kept(study: &Study<'_>, closure: ValueRef) -> bool {
    let program = study.program;
    let Some(parent) = program.parent(closure) else { return is_handed_back(study, closure) };
    if !matches!(program.expr_kind(parent), ExprKind::Call { .. }) {
        return matches!(program.expr_kind(parent), ExprKind::Composite { ty: Some(_), .. });
    }
    let position = program.slot(parent, Slot::AnyArg).iter().position(|value| *value == closure);
    let Some(position) = position else { return false };
    program.callee(parent).functions.iter().any(|function| stores_param(study, *function, position as u16))
}

/// Whether a function literal that takes nothing is kept in a variable and handed back: a way to end what was begun.
fn is_handed_back(study: &Study<'_>, closure: ValueRef) -> bool {
    let program = study.program;
    let flow = &program.files[closure.file as usize].flow;
    let ExprKind::Closure(id) = program.expr_kind(closure) else { return false };
    let decl = program.function(FuncRef { file: closure.file, id: *id });
    let Some(outer) = decl.parent.filter(|_| decl.params.is_empty()) else { return false };
    let defs: Vec<_> = flow.defs_from(closure.expr).map(|(id, _)| id).collect();
    let mut returned = flow.returns_of(outer).flat_map(|found| &found.values);
    returned.any(|value| flow.reaching(*value).iter().any(|def| defs.contains(def)))
}

/// Whether a function puts one of its parameters into a composite or a field.
fn stores_param(study: &Study<'_>, function: FuncRef, n: u16) -> bool {
    let flow = &study.program.files[function.file as usize].flow;
    let is_it = |kind: DefKind| kind == DefKind::Param(n);
    let defs = flow.defs.iter().filter(|def| def.function == function.id && is_it(def.kind));
    let mut uses = defs.flat_map(|def| &flow.vars[def.var.0 as usize].uses);
    uses.any(|used| {
        let used = ValueRef { file: function.file, expr: *used };
        let parent = study.program.parent(used).map(|parent| study.program.expr_kind(parent));
        matches!(parent, Some(ExprKind::Composite { ty: Some(_), .. })) || flow.writes_from(used.expr).next().is_some()
    })
}

/// Whether a call in a goroutine starts what lives as long as the process, by its own name (`worker.Run`).
pub(super) fn outlives(study: &Study<'_>, call: ValueRef) -> bool {
    let program = study.program;
    let function = program.function_at(call);
    let spawned = program.call_site(call).is_some_and(|site| site.spawned)
        || spawned_closure(study, function, program.outermost(function)).is_some();
    let functions = &program.callee(call).functions;
    spawned && !functions.is_empty() && functions.iter().all(|function| study.outlives_request(*function))
}

/// Whether a function is only ever run as a goroutine, and goes round for ever: what it opens lives as long as it does.
pub(super) fn is_monitor(study: &Study<'_>, function: FuncRef) -> bool {
    let program = study.program;
    let callers = program.callers(function);
    !callers.is_empty()
        && callers.iter().all(|call| program.call_site(*call).is_some_and(|site| site.spawned))
        && loops_for_ever(study, function)
}

/// Whether a function has an endless loop of its own.
pub(super) fn loops_for_ever(study: &Study<'_>, function: FuncRef) -> bool {
    let facts = &study.program.files[function.file as usize].source.facts;
    study.program.function(function).body.iter().any(|stmt| {
        matches!(
            facts.stmts.get(*stmt as usize).map(|stmt| &stmt.kind),
            Some(StmtKind::Loop { kind: LoopKind::Forever, .. })
        )
    })
}

/// Whether a fresh context is given to a call together with what a span says of itself (`Start(context.Background(), name,
/// span.TraceID())`): the trace goes on by that.
pub(super) fn goes_with_span(study: &Study<'_>, fresh: ValueRef) -> bool {
    let program = study.program;
    let Some(call) = program.parent(fresh) else { return false };
    let of_span = |value: ValueRef| match program.role_of(value) {
        Some(TypeRole::Span | TypeRole::SpanContext) => true,
        _ => study.fact(value).is_some_and(|fact| fact.effect.yields_id.is_some()) || is_asked_of_span(study, value),
    };
    matches!(program.expr_kind(call), ExprKind::Call { .. })
        && study.slot(call, Slot::AnyArg).into_iter().any(|value| value != fresh && of_span(value))
}

/// Whether a value is what a method of a span hands out, by the name of its type.
fn is_asked_of_span(study: &Study<'_>, value: ValueRef) -> bool {
    let program = study.program;
    let receiver = matches!(program.expr_kind(value), ExprKind::Call { .. }).then(|| program.receiver(value)).flatten();
    let Some(receiver) = receiver else { return false };
    program.role_of(receiver) == Some(TypeRole::Span)
        || program.type_of(receiver).is_some_and(|ty| ty.rsplit(['.', '/']).next() == Some("Span"))
}

/// Whether the variable of a fresh context is given the one that came in later on: `ctx := context.Background()`, and then
/// `if request != nil { ctx = request.Context() }`.
pub(super) fn gives_way(study: &Study<'_>, call: ValueRef, param: &ContextParam) -> bool {
    let program = study.program;
    let flow = &program.files[call.file as usize].flow;
    let came_in = |expr| {
        let value = ValueRef { expr, ..call };
        let of_request = |made: ValueRef| study.fact(made).is_some_and(|fact| fact.effect.context_of.is_some());
        match program.expr_kind(value) {
            ExprKind::Call { .. } => of_request(value),
            ExprKind::Name(name) => *name == param.name,
            _ => false,
        }
    };
    flow.defs_from(call.expr).any(|(_, def)| {
        let others = flow.vars[def.var.0 as usize].defs.iter().filter_map(|id| flow.defs.get(id.0 as usize));
        others.filter(|other| other.span.start > def.span.start).any(|other| match other.kind {
            DefKind::Value { value, .. } => came_in(value),
            _ => false,
        })
    })
}

/// Whether a fresh context is made where there is no other: below `if request == nil` or `if ctx == nil`.
pub(super) fn is_absent(study: &Study<'_>, call: ValueRef, param: &ContextParam) -> bool {
    let Some(file) = study.program.files.get(call.file as usize) else { return false };
    let facts = &file.source.facts;
    let at = study.program.expr(call).span;
    let is_context = |expr| study.program.role_of(ValueRef { expr, ..call }) == Some(TypeRole::Context);
    let is_it = |expr: ExprId| {
        matches!(&facts.expr(expr).kind, ExprKind::Name(name) if *name == param.name) || is_context(expr)
    };
    let is_nil = |expr: ExprId| matches!(&facts.expr(expr).kind, ExprKind::Lit(text) if text == "nil");
    let asks = |condition: ExprId| match &facts.expr(condition).kind {
        ExprKind::Binary { op, left, right, .. } => {
            *op == "==" && (is_it(*left) && is_nil(*right) || is_nil(*left) && is_it(*right))
        }
        _ => false,
    };
    facts.stmts.iter().any(|stmt| match &stmt.kind {
        StmtKind::If { condition, then, .. } if stmt.span.contains(at) && asks(*condition) => {
            then.iter().filter_map(|id| facts.stmts.get(*id as usize)).any(|inner| inner.span.contains(at))
        }
        _ => false,
    })
}

/// Whether a call makes what is kept in a field or map for others: `s.sessions[key] = batch.New(ctx)`. It lives on, and
/// must not hold the trace of whoever came first.
pub(super) fn is_kept_on(study: &Study<'_>, call: ValueRef) -> bool {
    let name = study.callee_text(call);
    let last = name.rsplit('.').next().unwrap_or(&name);
    let flow = study.program.files.get(call.file as usize).map(|file| &file.flow);
    let is_written = |expr| flow.is_some_and(|flow| flow.writes_from(expr).next().is_some());
    let by_name = || {
        flow.is_some_and(|flow| {
            let mut uses = flow.defs_from(call.expr).flat_map(|(_, def)| &flow.vars[def.var.0 as usize].uses);
            uses.any(|used| is_written(*used))
        })
    };
    last.starts_with("New") && (is_written(call.expr) || by_name())
}

/// Whether the fresh context only stands in for a missing one: `if ctx == nil { ctx = context.Background() }`.
pub(super) fn is_default(study: &Study<'_>, call: ValueRef) -> bool {
    let flow = &study.program.files[call.file as usize].flow;
    flow.defs_from(call.expr).any(|(_, def)| {
        let assigned = matches!(def.kind, DefKind::Value { .. });
        assigned && flow.vars[def.var.0 as usize].defs.len() > 1 && {
            let first = flow.vars[def.var.0 as usize].defs.first().and_then(|id| flow.defs.get(id.0 as usize));
            first.is_some_and(|first| matches!(first.kind, DefKind::Param(_)))
        }
    })
}
