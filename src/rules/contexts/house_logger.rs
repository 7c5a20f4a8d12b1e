//! `log-without-context`: a log call by a logger without the trace's ids, in a program whose own helper puts them on (Go):
//! `WithTrace(ctx, logger).Error(…)`.

use crate::finding::{Confidence, Finding, Related};
use crate::ir::{ExprKind, FunctionId};
use crate::knowledge::{Slot, TypeRole};
use crate::link::flow::{DefKind, RECEIVER};
use crate::link::{FuncRef, ValueRef};
use crate::rules::Verdicts;
use crate::rules::clients::{can_be_inside, checks_health};
use crate::study::{CallFact, ContextParam, Inbound, Study};
use rustc_hash::{FxHashMap, FxHashSet};
use ustr::Ustr;

/// How often a helper must be used, for it to be how the house logs.
const MIN_USES: usize = 3;

/// A helper of the program's own that hands back a logger with the ids of the trace in a context.
struct Binder {
    function: FuncRef,
    logger: Ustr,
}

/// Most places in one file that a finding names.
const MAX_RELATED: usize = 8;

/// Finds the functions that log past the helper, at their first log call: one finding a file. Where more functions do so
/// than the helper is used, it is not how the house logs.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    let binders = binders(study);
    if binders.is_empty() {
        return;
    }
    let mut seen = FxHashSet::default();
    let mut past: Vec<(&CallFact<'_>, ContextParam, usize)> = Vec::new();
    for fact in study.calls().iter().filter(|fact| logs_without(study, fact)) {
        let Some(logger) = study.program.receiver(fact.call) else { continue };
        let ty = study.program.type_of(logger);
        let Some(at) = binders.iter().position(|binder| ty == Some(binder.logger)) else { continue };
        let found =
            holder(study, fact).filter(|holder| is_kept(study, logger, holder) && !is_bound(study, logger, &binders));
        past.extend(found.filter(|holder| seen.insert(holder.function)).map(|holder| (fact, holder, at)));
    }
    let mut told: FxHashMap<(u32, usize), usize> = FxHashMap::default();
    for (fact, holder, at) in &past {
        let Some(binder) = binders.get(*at) else { continue };
        let uses = study.program.callers(binder.function).len();
        if past.iter().filter(|(.., other)| other == at).count() > uses {
            continue;
        }
        match told.get(&(fact.call.file, *at)).and_then(|first| out.findings.get_mut(*first)) {
            Some(first) if first.related.len() < MAX_RELATED => {
                first.related.push(study.related(fact.call, "so does this"))
            }
            Some(_) => {}
            None => {
                told.insert((fact.call.file, *at), out.findings.len());
                out.findings.push(finding(study, fact, holder, binder));
            }
        }
    }
}

/// Whether a call logs by a library's method, and is given no context.
fn logs_without(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let is_context = |value| matches!(study.program.role_of(value), Some(TypeRole::Context | TypeRole::Request));
    fact.effect.log.is_some_and(|log| log.context == Slot::None)
        && study.program.callee(fact.call).functions.is_empty()
        && !study.slot(fact.call, Slot::AnyArg).into_iter().any(is_context)
}

/// The helpers that take a context and a logger, ask for an id of the trace and hand back such a logger.
fn binders(study: &Study<'_>) -> Vec<Binder> {
    let program = study.program;
    let asking: FxHashSet<FuncRef> = study
        .calls()
        .iter()
        .filter(|fact| fact.effect.yields_id.is_some() && study.unit(fact.call.file).is_traced())
        .map(|fact| program.outermost(fact.function))
        .collect();
    let binder = |function: FuncRef| {
        let decl = program.function(function);
        let types = (0..decl.params.len() as u16).filter_map(|n| program.param_type(function, n));
        let types: Vec<Ustr> = types.chain(program.enclosing_type(function).map(|ty| program.type_name(ty))).collect();
        let is = |ty: &Ustr, role| program.role(*ty) == Some(role);
        let result = decl.results.first().map(|ty| program.type_ref(function.file, ty))?;
        let logger = types.iter().copied().find(|ty| is(ty, TypeRole::Logger) && *ty == result)?;
        let is_used = program.callers(function).len() >= MIN_USES;
        (is_used && types.iter().any(|ty| is(ty, TypeRole::Context))).then_some(Binder { function, logger })
    };
    let mut out: Vec<Binder> = asking.into_iter().filter_map(binder).collect();
    out.sort_unstable_by_key(|binder| binder.function);
    out
}

/// The context that is at hand where a call logs, in a function that is known to work for requests.
fn holder(study: &Study<'_>, fact: &CallFact<'_>) -> Option<ContextParam> {
    let param = study.context_param(fact.function)?;
    let is_aside = study.inbound(fact.function) == Inbound::Root
        || (!param.is_request && study.outlives_request(fact.function))
        || checks_health(study, study.program.outermost(fact.function))
        || study.is_aside(&study.program.place(fact.call).path);
    (can_be_inside(study, fact.function) && !is_aside).then_some(param)
}

/// Whether a logger is there before the request: in a field of the object that serves it, in a package, or in what is
/// around the literal that serves it.
fn is_kept(study: &Study<'_>, logger: ValueRef, holder: &ContextParam) -> bool {
    let program = study.program;
    let defs = |value: ValueRef| program.reaching(value).iter().map(move |def| program.def(value.file, *def));
    match program.expr_kind(logger) {
        ExprKind::Member { base, .. } => {
            let base = ValueRef { expr: *base, ..logger };
            let mut defs = defs(base).peekable();
            match defs.peek() {
                None => program.qualify(logger).is_some(),
                Some(_) => defs.all(|def| def.kind == DefKind::Param(RECEIVER)),
            }
        }
        ExprKind::Name(_) => {
            let mut defs = defs(logger).peekable();
            match defs.peek() {
                None => program.qualify(logger).is_some(),
                Some(_) => defs.all(|def| {
                    matches!(def.kind, DefKind::Param(n) if n != RECEIVER)
                        && def.function != holder.function.id
                        && is_around(study, def.function, holder.function)
                }),
            }
        }
        _ => false,
    }
}

/// Whether a function is written in another one.
fn is_around(study: &Study<'_>, outer: FunctionId, inner: FuncRef) -> bool {
    let parent = |at: &FuncRef| study.program.function(*at).parent.map(|id| FuncRef { id, ..inner });
    std::iter::successors(Some(inner), parent).any(|at| at.id == outer)
}

/// Whether a logger comes from the helper, or from anything else that is given a context.
fn is_bound(study: &Study<'_>, logger: ValueRef, binders: &[Binder]) -> bool {
    let program = study.program;
    let mut bound = false;
    let takes_context = |value: ValueRef| {
        let mut given = study.slot(value, Slot::AnyArg).into_iter();
        given.any(|arg| matches!(program.role_of(arg), Some(TypeRole::Context | TypeRole::Request)))
    };
    program.origins_noting(logger, true, |at, _| {
        let is_call = matches!(program.expr_kind(at), ExprKind::Call { .. });
        let runs_helper = || {
            let functions = &program.callee(at).functions;
            functions.iter().any(|function| binders.iter().any(|binder| binder.function == *function))
        };
        bound |= is_call && (runs_helper() || takes_context(at));
    });
    bound
}

fn finding(study: &Study<'_>, fact: &CallFact<'_>, holder: &ContextParam, binder: &Binder) -> Finding {
    let mut found = study.finding("log-without-context", fact.call, Confidence::Likely);
    let (call, helper, own) = (study.callee_text(fact.call), study.function_name(binder.function), holder.context());
    found.message = format!("{call} logs without the trace id that {helper} puts on the loggers of this service");
    found.label = "a logger without the trace id".to_owned();
    found.effect = "this record can not be found from its trace, nor the trace from the record".to_owned();
    found.help = format!("take the logger from {helper} with {own}; this assumes that nothing else puts the id on it");
    found.confirm =
        "look for this message in the logs: it has no trace id while others of the request have one".to_owned();
    found.related.push(Related { place: holder.place, message: "the context with the trace".to_owned() });
    let decl = study.program.function(binder.function);
    let place = study.program.place_of(binder.function.file, decl.name_span);
    found.related.push(Related { place, message: "puts the trace id on a logger".to_owned() });
    found
}
