//! `stale-context`: a span is started, its context is thrown away or put where others share it, and the work goes on
//! under the old one.

use super::asked_again::again_from_request;
use super::forward::{MAX_HANDED, asks_traced_store};
use super::passed_over;
use super::unseen;
use super::vain::is_given_in_vain;
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprId, ExprKind, Language, StmtKind};
use crate::knowledge::{Slot, TypeRole};
use crate::link::flow::{Def, DefKind, VarId};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::rules::Verdicts;
use crate::rules::clients::Lives;
use crate::rules::spans::exclude;
use crate::study::{CallFact, Study, Summary};
use rustc_hash::FxHashSet;

/// How many contexts are looked at of which each is made of the one before.
const MAX_DERIVATIONS: u32 = 4;

/// A call that hands out a span's context: of a library, or of a helper of the service around it.
pub(super) struct Start {
    pub(super) call: ValueRef,
    /// The function it stands in.
    pub(super) function: FuncRef,
    /// Which result is the context.
    pub(super) derived: u8,
    /// The context from before.
    pub(super) old: ValueRef,
}

/// Finds spans whose derived context is dropped while calls under the old context follow.
pub(super) fn check(lives: &Lives<'_, '_>, out: &mut Verdicts) {
    let study = lives.study;
    let mut seen = FxHashSet::default();
    for fact in study.calls() {
        let Some(start) = library_start(study, fact) else { continue };
        if !study.unit(start.call.file).is_traced() {
            continue;
        }
        let helpers = helper_starts(study, &start);
        for start in std::iter::once(start).chain(helpers) {
            seen.insert(start.call);
            out.findings.extend(judge(lives, &start));
        }
    }
    for start in declared_starts(study).into_iter().filter(|start| !seen.contains(&start.call)) {
        out.findings.extend(judge(lives, &start));
    }
}

/// The calls of own functions that are declared to take a context and to hand out a span with its context, and that start
/// one, or are named for that where only an interface is seen.
fn declared_starts(study: &Study<'_>) -> Vec<Start> {
    let program = study.program;
    let mut out = Vec::new();
    if study.language() != Language::Go {
        return out;
    }
    for (file, unit) in (0u32..).zip(&program.files).filter(|(file, _)| study.unit(*file).is_traced()) {
        for site in &unit.flow.calls {
            let call = ValueRef { file, expr: site.expr };
            let functions = &program.callee(call).functions;
            let Some(first) = functions.first().filter(|_| study.fact(call).is_none()) else { continue };
            let decl = program.function(*first);
            if !(2..=3).contains(&decl.results.len()) || decl.flags.is_closure {
                continue;
            }
            let role = |n: u8| program.result_type(call, n, 8).and_then(|ty| program.role(ty));
            let at = |wanted| (0..decl.results.len() as u8).find(|n| role(*n) == Some(wanted));
            let (Some(_), Some(derived)) = (at(TypeRole::Span), at(TypeRole::Context)) else { continue };
            let starts = study.effect_of(call).has(Summary::STARTS) || decl.name.to_lowercase().starts_with("start");
            let is_context = |value: &ValueRef| program.role_of(*value) == Some(TypeRole::Context);
            let old = study.slot(call, Slot::AnyArg).into_iter().find(is_context);
            if let Some(old) = old.filter(|_| starts) {
                out.push(Start { call, function: program.function_at(call), derived, old });
            }
        }
    }
    out
}

fn library_start(study: &Study<'_>, fact: &CallFact<'_>) -> Option<Start> {
    let span = fact.effect.span.filter(|span| !span.current)?;
    let Slot::Result(derived) = span.derived else { return None };
    let old = study.program.slot(fact.call, span.context).first().copied()?;
    Some(Start { call: fact.call, function: fact.function, derived, old })
}

/// The calls of a helper that starts a span under a context it is given and hands the span's context back.
fn helper_starts(study: &Study<'_>, start: &Start) -> Vec<Start> {
    let program = study.program;
    let function = start.function;
    let given = program.origins(start.old, false).into_iter().find_map(|origin| match origin {
        Origin::Param(of, n) if of == function && n != crate::link::flow::RECEIVER => Some(n),
        _ => None,
    });
    let (Some(param), Some(derived)) = (given, returned_at(study, start)) else { return Vec::new() };
    // The span is over for whoever is handed its context.
    if passed_over::is_ended_here(study, start) {
        return Vec::new();
    }
    let callers = program.callers(function).iter().filter(|call| program.callee(**call).functions.len() == 1);
    callers
        .filter_map(|call| {
            let old = program.argument(*call, function, param)?;
            Some(Start { call: *call, function: program.function_at(*call), derived, old })
        })
        .collect()
}

/// The position at which the function of a start returns the span's context.
fn returned_at(study: &Study<'_>, start: &Start) -> Option<u8> {
    let flow = &study.program.files[start.call.file as usize].flow;
    let is_derived = |value: &ExprId| continues(study, start, ValueRef { expr: *value, ..start.call }, MAX_DERIVATIONS);
    flow.returns_of(start.function.id).find_map(|found| match found.values.as_slice() {
        [one] if *one == start.call.expr => Some(start.derived),
        values => values.iter().position(is_derived).map(|at| at as u8),
    })
}

/// Whether a value of the function of a start is the span's context, or one that is made of it (`context.WithValue(ctx, …)`,
/// `withTags(ctx)`).
fn continues(study: &Study<'_>, start: &Start, value: ValueRef, depth: u32) -> bool {
    let program = study.program;
    let Some(depth) = depth.checked_sub(1) else { return false };
    let made_of = |call: ValueRef| {
        let is_context = |value: ValueRef| program.role_of(value) == Some(TypeRole::Context);
        let is_call = matches!(program.expr_kind(call), ExprKind::Call { .. });
        let given = || study.slot(call, Slot::AnyArg).into_iter().filter(|value| is_context(*value));
        is_call && is_context(call) && given().any(|value| continues(study, start, value, depth))
    };
    let defs = program.reaching(value).iter().map(|def| &program.def(value.file, *def).kind);
    made_of(value)
        || defs.into_iter().any(|kind| match kind {
            DefKind::Value { value, index } if *value == start.call.expr => index.unwrap_or(0) == start.derived,
            DefKind::Value { value, index: None | Some(0) } => made_of(ValueRef { expr: *value, ..start.call }),
            _ => false,
        })
}

fn judge(lives: &Lives<'_, '_>, start: &Start) -> Option<Finding> {
    let study = lives.study;
    if is_handed_on(study, start.call) {
        return None;
    }
    let shared = match kept(study, start.call, start.derived) {
        Kept::No => None,
        Kept::Shared(place) => Some(place),
        Kept::Yes => return passed_over::judge(lives, start),
    };
    let (used, name) = match shared {
        Some(_) if study.outlives_request(start.function) => return None,
        Some(place) => (uses_of_own(study, start, place)?, study.text(place)),
        None => {
            let mut used = uses_under_old(lives, start, |call, old| {
                leaves(study, call) && !lives.sends_plainly(call) && !is_given_in_vain(lives, call, old, MAX_HANDED)
            });
            used.extend(again_from_request(study, start));
            if used.is_empty() {
                used = uses_under_old(lives, start, |call, old| {
                    starts_below(study, call) && !is_given_in_vain(lives, call, old, MAX_HANDED)
                });
            }
            if used.is_empty() && study.language() == Language::Go {
                used = uses_under_old(lives, start, |call, old| {
                    unseen::goes_on(lives, call) || asks_traced_store(lives, call, old, MAX_HANDED)
                });
            }
            if used.is_empty() && study.language() == Language::Go {
                used = uses_under_old(lives, start, |call, _| unseen::may_go_on(study, call));
            }
            used.sort_by_key(|call| study.program.expr(*call).span.start);
            used.dedup();
            (used, study.text(start.old))
        }
    };
    let first = used.first()?;
    let confidence = match leaves(study, *first) {
        true => Confidence::Certain,
        false if used.iter().all(|call| unseen::may_go_on(study, *call) && !unseen::is_sent_in_chain(study, *call)) => {
            Confidence::Possible
        }
        false => Confidence::Likely,
    };
    let mut finding = study.finding("stale-context", start.call, confidence);
    let target = study.callee_text(*first);
    if shared.is_some() {
        finding.message = format!("the context of this span is put into {name}, and {target} goes on without it");
        finding.label = "starts a span, its context goes where others share it".to_owned();
        finding.effect =
            format!("what {target} does is not below this span, and whoever reads {name} next inherits this trace");
        finding.help = format!("keep it in a local: `ctx, span := …`, and pass that to {target}");
        if confidence == Confidence::Likely {
            finding.help.push_str(&format!(" (assumes that {target} makes a span or a call)"));
        }
    } else {
        finding.message = format!("the context of this span is thrown away and {target} goes on under the old {name}");
        finding.label = "starts a span, its context is dropped".to_owned();
        finding.effect = format!("what {target} does becomes a sibling of this span, not its child");
        finding.help = help(study, start, &name);
    }
    finding.confirm = "look at one trace: this span has no children although it covers calls".to_owned();
    finding.related = used.iter().take(6).map(|call| study.related(*call, "runs under the old context")).collect();
    Some(finding)
}

/// Whether a call hands out a span or a bound request itself: the next phase beside this one.
pub(super) fn starts_by_itself(study: &Study<'_>, call: ValueRef) -> bool {
    const RESULTS: u8 = 3;
    let is_span = |n: u8| {
        let ty = study.program.result_type(call, n, 8);
        ty.and_then(|ty| study.program.role(ty)) == Some(TypeRole::Span)
    };
    study.fact(call).is_some_and(|fact| fact.effect.span.is_some() || fact.effect.binds_context.is_some())
        || (0..RESULTS).any(is_span)
}

fn help(study: &Study<'_>, start: &Start, name: &str) -> String {
    match request_of(study, start.old) {
        Some(request) => {
            let request = study.text(request);
            format!(
                "keep it and bind it to the request: `ctx, span := …`, then `{request} = {request}.WithContext(ctx)`"
            )
        }
        None => format!("keep it: `{name}, span := …`, so that everything below uses the span's context"),
    }
}

/// The request whose context a value is: `r` of `r.Context()`.
pub(super) fn request_of(study: &Study<'_>, value: ValueRef) -> Option<ValueRef> {
    let slot = study.fact(value)?.effect.context_of?;
    study.slot(value, slot).first().copied()
}

/// Whether what a call hands out goes straight on: `after(before(ctx))`, `return before(ctx)`.
fn is_handed_on(study: &Study<'_>, call: ValueRef) -> bool {
    let flow = &study.program.files[call.file as usize].flow;
    let function = study.program.function_covering(call);
    study.program.parent(call).is_some() || flow.returns_of(function.id).any(|found| found.values.contains(&call.expr))
}

/// What becomes of a span's context.
enum Kept {
    /// It is dropped.
    No,
    /// It goes into a field only.
    Shared(ValueRef),
    /// It is kept, or goes on.
    Yes,
}

fn kept(study: &Study<'_>, call: ValueRef, n: u8) -> Kept {
    let flow = &study.program.files[call.file as usize].flow;
    let index = |def: &Def| match def.kind {
        DefKind::Value { index, .. } => Some(index),
        _ => None,
    };
    let locals: Vec<Option<u8>> = flow.defs_from(call.expr).filter_map(|(_, def)| index(def)).collect();
    let writes: Vec<_> = flow.writes_from(call.expr).collect();
    if locals.iter().any(|index| index.unwrap_or(0) == n)
        || (locals.iter().all(Option::is_none) && writes.iter().all(|write| write.index.is_none()))
    {
        return Kept::Yes;
    }
    let field = writes.iter().find(|write| write.index.unwrap_or(0) == n);
    match field.map(|write| ValueRef { expr: write.target, ..call }) {
        Some(target) if matches!(study.program.expr_kind(target), ExprKind::Member { .. }) => Kept::Shared(target),
        // `span, _ = start(ctx)`
        Some(target) if matches!(study.program.expr_kind(target), ExprKind::Name(name) if *name == "_") => Kept::No,
        Some(_) => Kept::Yes,
        None => Kept::No,
    }
}

/// Calls after the start that take the same context variable, or the request that holds it, and do something that
/// belongs under the span.
pub(super) fn uses_under_old(
    lives: &Lives<'_, '_>,
    start: &Start,
    matters: impl Fn(ValueRef, ValueRef) -> bool,
) -> Vec<ValueRef> {
    let study = lives.study;
    let program = study.program;
    let request = request_of(study, start.old);
    let old = request.unwrap_or(start.old);
    if !matches!(program.expr_kind(old), ExprKind::Name(_)) {
        return Vec::new();
    }
    let reaching = program.reaching(old);
    let Some(var) = reaching.first().map(|def| program.def(old.file, *def).var) else { return Vec::new() };
    let same = |value: ValueRef| program.reaching(value) == reaching;
    let mut out = calls_after(study, start, var, same, matters).unwrap_or_default();
    let ends = end_of_block(study, start.call);
    let is_open = is_left_open(study, start, ends);
    let is_covered =
        |call: &ValueRef| program.expr(*call).span.start < ends || is_open && !exclude(study, start.call, *call);
    out.retain(is_covered);
    out
}

/// Whether a span is still open behind the block that it is started in, which goes on into what follows: it is ended by
/// `defer` there.
fn is_left_open(study: &Study<'_>, start: &Start, ends: u32) -> bool {
    let program = study.program;
    let from = program.expr(start.call).span.start;
    let is_inside = |span: crate::ir::Span| (from..ends).contains(&span.start);
    let stmts = &program.files[start.call.file as usize].source.facts.stmts;
    let leaves = stmts.iter().any(|stmt| is_inside(stmt.span) && matches!(stmt.kind, StmtKind::Return(_)));
    let mut ended = study.calls_in(start.function).filter(|fact| fact.effect.ends.is_some() && fact.site.deferred);
    !leaves && ended.any(|fact| is_inside(program.expr(fact.call).span))
}

/// Calls after the start that take the function's own context instead of the one that was put into a field.
fn uses_of_own(study: &Study<'_>, start: &Start, field: ValueRef) -> Option<Vec<ValueRef>> {
    let program = study.program;
    let ExprKind::Member { name, .. } = program.expr_kind(field) else { return None };
    let flow = &program.files[field.file as usize].flow;
    let read_later = program.files[field.file as usize].source.facts.exprs.iter().any(|expr| {
        let after = expr.span.start > program.expr(start.call).span.end;
        let inside = program.function(start.function).span.contains(expr.span);
        after && inside && matches!(&expr.kind, ExprKind::Member { name: read, .. } if read == name)
    });
    if read_later {
        return None;
    }
    let params = 0..program.function(start.function).params.len() as u16;
    let own = params
        .filter(|n| program.param_type(start.function, *n).and_then(|ty| program.role(ty)) == Some(TypeRole::Context));
    let vars = own.filter_map(|n| flow.param_var(start.function.id, n));
    let mut out = Vec::new();
    for var in vars {
        let Some(first) = var.defs.first() else { continue };
        let only = |value: ValueRef| program.reaching(value) == [*first];
        out.extend(calls_after(study, start, flow.defs[first.0 as usize].var, only, |call, _| {
            takes_work(study, call)
        })?);
    }
    Some(out)
}

/// The calls behind a start, before its span ends, that a variable is given to and that matter; `None` when
/// one of them binds the span to it.
fn calls_after(
    study: &Study<'_>,
    start: &Start,
    var: VarId,
    same: impl Fn(ValueRef) -> bool,
    matters: impl Fn(ValueRef, ValueRef) -> bool,
) -> Option<Vec<ValueRef>> {
    let program = study.program;
    let flow = &program.files[start.call.file as usize].flow;
    let started = program.expr(start.call).span.end;
    let ends = first_end(study, start).unwrap_or(u32::MAX);
    let function = program.function(start.function).span;
    let mut out = Vec::new();
    let is_after = |value: &ValueRef| {
        let span = program.expr(*value).span;
        (started..=ends).contains(&span.start) && function.contains(span)
    };
    let uses = flow.vars[var.0 as usize].uses.iter().map(|used| ValueRef { expr: *used, ..start.call });
    let mut work: Vec<ValueRef> = uses.filter(|value| is_after(value) && same(*value)).collect();
    let mut at = 0;
    while let Some(value) = work.get(at).copied() {
        at += 1;
        let Some(call) = program.parent(value) else { continue };
        let binds = study.fact(call).is_some_and(|fact| fact.effect.binds_context.is_some());
        if binds || takes_span(study, call) {
            return None;
        }
        if matters(call, value) {
            out.push(call);
        } else if work.len() < MAX_USES {
            work.extend(uses_of_derived(study, call, value).into_iter().filter(is_after));
        }
    }
    Some(out)
}

/// How many uses of a context, and of those made of it, are looked at.
const MAX_USES: usize = 64;

/// Where the context is used that a call makes of another one and that is kept in a variable of its own:
/// `limited, cancel := context.WithTimeout(ctx, …)`.
fn uses_of_derived(study: &Study<'_>, call: ValueRef, context: ValueRef) -> Vec<ValueRef> {
    let program = study.program;
    let derives = study.fact(call).filter(|fact| fact.effect.span.is_none()).and_then(|fact| fact.effect.derives);
    if !derives.is_some_and(|slot| study.slot(call, slot).contains(&context)) {
        return Vec::new();
    }
    let Some(file) = program.files.get(call.file as usize) else { return Vec::new() };
    let is_context = |def: &Def| matches!(def.kind, DefKind::Value { index: None | Some(0), .. });
    let Some((id, def)) = file.flow.defs_from(call.expr).find(|(_, def)| is_context(def)) else { return Vec::new() };
    let uses = file.flow.vars.get(def.var.0 as usize).map(|var| var.uses.as_slice()).unwrap_or_default();
    let uses = uses.iter().map(|used| ValueRef { expr: *used, ..call });
    uses.filter(|used| program.reaching(*used) == [id]).collect()
}

/// Where the innermost block ends that a call stands in: what comes behind is not below it on every way.
fn end_of_block(study: &Study<'_>, call: ValueRef) -> u32 {
    let facts = &study.program.files[call.file as usize].source.facts;
    let at = study.program.expr(call).span;
    let statements = |block: &[u32]| -> Option<crate::ir::Span> {
        let inner = |id: &u32| facts.stmts.get(*id as usize).map(|stmt| stmt.span);
        block
            .iter()
            .filter_map(inner)
            .any(|span| span.contains(at))
            .then(|| block.iter().filter_map(inner).next_back())?
    };
    let blocks = facts.stmts.iter().filter(|stmt| stmt.span.contains(at)).flat_map(|stmt| stmt.kind.blocks());
    let ends = blocks.filter_map(statements).map(|last| last.end);
    ends.min().unwrap_or(u32::MAX)
}

/// Where a span is first ended in the open, not by `defer`: by its library, or by a helper that it is given to.
pub(super) fn first_end(study: &Study<'_>, start: &Start) -> Option<u32> {
    let program = study.program;
    let after = program.expr(start.call).span.end;
    let by_library = study.calls_in(start.function).filter(|other| other.effect.ends.is_some() && !other.site.deferred);
    let sites = &program.files[start.call.file as usize].flow.calls;
    let by_helper = sites
        .iter()
        .filter(|site| site.function == start.function.id && !site.deferred)
        .map(|site| ValueRef { expr: site.expr, ..start.call })
        .filter(|call| study.fact(*call).is_none() && only_ends(study, *call))
        .filter(|call| {
            let given = study.slot(*call, Slot::AnyArg).into_iter().chain(program.receiver(*call));
            given.into_iter().any(|value| is_of_start(study, start, value))
        });
    let by_hand = sites
        .iter()
        .filter(|site| site.function == start.function.id && !site.deferred)
        .map(|site| ValueRef { expr: site.expr, ..start.call })
        .filter(|call| is_handed_out(study, start, *call));
    let ends = by_library.map(|other| other.call).chain(by_helper).chain(by_hand);
    ends.map(|call| program.expr(call).span.start).filter(|at| *at > after).min()
}

/// Whether a call runs a function value that a start handed out beside the context: it ends the span.
fn is_handed_out(study: &Study<'_>, start: &Start, call: ValueRef) -> bool {
    let ExprKind::Call { callee, .. } = study.program.expr_kind(call) else { return false };
    let callee = ValueRef { expr: *callee, ..call };
    matches!(study.program.expr_kind(callee), ExprKind::Name(_)) && is_of_start(study, start, callee)
}

/// Whether a call runs an own function that ends a span and starts none: what makes a span of its own ends that one.
pub(super) fn only_ends(study: &Study<'_>, call: ValueRef) -> bool {
    let effect = study.effect_of(call);
    effect.has(Summary::ENDS) && !effect.has(Summary::STARTS)
}

/// Whether a variable holds what a start handed out.
pub(super) fn is_of_start(study: &Study<'_>, start: &Start, value: ValueRef) -> bool {
    let reaching = study.program.reaching(value);
    let flow = &study.program.files[start.call.file as usize].flow;
    flow.defs_from(start.call.expr).any(|(id, _)| reaching.contains(&id))
}

/// Whether a call leaves the process, itself or below.
pub(super) fn leaves(study: &Study<'_>, call: ValueRef) -> bool {
    study.effect_of(call).has(Summary::CALLS_OUT | Summary::PRODUCES)
}

/// Whether a call runs an own function that starts spans for what it does, and hands none of them out. What is begun or
/// closed for longer than this work need not be below its span.
pub(super) fn starts_below(study: &Study<'_>, call: ValueRef) -> bool {
    let functions = &study.program.callee(call).functions;
    study.fact(call).is_none()
        && study.effect_of(call).has(Summary::STARTS)
        && !starts_by_itself(study, call)
        && !functions.iter().all(|function| study.outlives_request(*function) && !has_span_of_its_own(study, *function))
}

/// Whether a function starts a span and ends it as it is left: its work is over then, whatever its name says. What is made
/// new may keep the context that it is given for longer.
fn has_span_of_its_own(study: &Study<'_>, function: FuncRef) -> bool {
    if study.program.function(function).name.to_lowercase().starts_with("new") {
        return false;
    }
    let Some(file) = study.program.files.get(function.file as usize) else { return false };
    let calls =
        || file.flow.calls_of(function.id).map(|site| (site, ValueRef { file: function.file, expr: site.expr }));
    let ends = |call: ValueRef| study.fact(call).is_some_and(|fact| fact.effect.ends.is_some());
    calls().any(|(_, call)| starts_by_itself(study, call)) && calls().any(|(site, call)| site.deferred && ends(call))
}

/// Whether a call leaves the process, or hands the work with its data to a function that may.
fn takes_work(study: &Study<'_>, call: ValueRef) -> bool {
    let unknown = study.fact(call).is_none() && !study.program.callee(call).functions.is_empty();
    leaves(study, call) || (unknown && study.slot(call, Slot::AnyArg).len() > 2)
}

pub(super) fn takes_span(study: &Study<'_>, call: ValueRef) -> bool {
    study.program.slot(call, Slot::AnyArg).iter().any(|value| study.program.role_of(*value) == Some(TypeRole::Span))
}
