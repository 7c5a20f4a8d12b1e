//! `no-shutdown`: a provider is told to send what it holds with a context that is over by then, so that it gives up at once.

use super::super::Verdicts;
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, Language, StmtKind};
use crate::knowledge::{ContextEnd, NameOf, Setting, Slot, TypeRole, speaks_of_tracing};
use crate::link::flow::{CallSite, DefKind};
use crate::link::{FuncRef, Step, ValueRef};
use crate::study::{Study, is_aside};
use rustc_hash::FxHashSet;

/// How many steps are gone back from a context to what made it.
const MAX_STEPS: u32 = 12;

/// How many calls are climbed from a closure to the function that it is written in.
const MAX_CLOSURES: u32 = 6;

/// Finds the calls that flush with a context which is over when they run.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    if study.language() != Language::Go {
        return;
    }
    let mut seen = FxHashSet::default();
    for flush in flushes(study) {
        let Some(given) = study.slot(flush, Slot::Arg(0)).first().copied() else { continue };
        let from = At { call: flush, is_at_end: false };
        let Some((place, end)) = over(study, given, from, MAX_STEPS) else { continue };
        if !is_aside(&study.program.place(place).path) && seen.insert(place) {
            out.findings.push(finding(study, place, flush, &end));
        }
    }
}

/// The calls that flush or shut down what makes spans, in the order of the code.
fn flushes(study: &Study<'_>) -> Vec<ValueRef> {
    let mut out: Vec<ValueRef> =
        study.calls().iter().filter(|fact| fact.effect.flushes).map(|fact| fact.call).collect();
    let libraries = study.program.knowledge.libraries().iter().flat_map(|library| &library.functions);
    let described = libraries.filter(|effect| effect.flushes).flat_map(|effect| &effect.names);
    let names: FxHashSet<&str> = described.filter_map(|name| Some(name.as_str().rsplit_once('.')?.1)).collect();
    for (at, file) in (0u32..).zip(&study.program.files) {
        for site in &file.flow.calls {
            let call = ValueRef { file: at, expr: site.expr };
            let ExprKind::Call { callee, .. } = study.program.expr_kind(call) else { continue };
            let ExprKind::Member { base, name, .. } = study.program.expr_kind(ValueRef { expr: *callee, ..call })
            else {
                continue;
            };
            let base = ValueRef { expr: *base, ..call };
            if names.contains(name.as_str()) && study.fact(call).is_none() && is_provider_by_use(study, base) {
                out.push(call);
            }
        }
    }
    out.sort_unstable();
    out.dedup();
    out
}

/// Whether a local value of a type that is not seen is a tracer provider, by what is done with it or what made it.
fn is_provider_by_use(study: &Study<'_>, value: ValueRef) -> bool {
    let program = study.program;
    if !matches!(program.expr_kind(value), ExprKind::Name(_)) || program.type_of(value).is_some() {
        return false;
    }
    let Some(file) = program.files.get(value.file as usize) else { return false };
    let Step::Call(made, 0) = program.step(value) else { return false };
    let name = program.callee(made).name;
    if name.is_some_and(|name| program.is_standard(name)) || !program.callee(made).functions.is_empty() {
        return false;
    }
    let is_set = |used: ValueRef| {
        let call = program.parent(used).and_then(|call| study.fact(call));
        call.is_some_and(|fact| fact.effect.sets == Some(Setting::TracerProvider))
    };
    // `provider = made`, where the type of `provider` is known.
    let is_kept_as_one = |used: ValueRef| {
        let kept = file.flow.defs_from(used.expr).filter_map(|(_, def)| file.flow.vars.get(def.var.0 as usize));
        let mut uses = kept.flat_map(|var| &var.uses);
        uses.any(|expr| program.role_of(ValueRef { expr: *expr, ..value }) == Some(TypeRole::Provider))
    };
    let defs = program.reaching(value).iter().filter_map(|def| file.flow.defs.get(def.0 as usize));
    let mut uses = defs
        .filter_map(|def| file.flow.vars.get(def.var.0 as usize))
        .flat_map(|var| &var.uses)
        .map(|expr| ValueRef { expr: *expr, ..value });
    uses.any(|used| is_set(used) || is_kept_as_one(used))
        || name.is_some_and(|name| speaks_of_tracing(&name, NameOf::GoPackage))
}

/// A call that is given a context, on the way from the flush to whoever made the context.
#[derive(Clone, Copy)]
struct At {
    call: ValueRef,
    /// Something between it and the flush runs when its function ends.
    is_at_end: bool,
}

/// What ended a context.
struct End {
    made: ValueRef,
    kind: ContextEnd,
}

/// The call that is given a context which is over when it runs, and what ended that.
fn over(study: &Study<'_>, context: ValueRef, at: At, left: u32) -> Option<(ValueRef, End)> {
    let left = left.checked_sub(1)?;
    let at = At { is_at_end: at.is_at_end || runs_at_end(study, at.call, MAX_CLOSURES), ..at };
    let defs = study.program.reaching(context);
    if defs.is_empty() {
        return over_by(study, study.program.step(context), at, left);
    }
    let mut ends = defs.iter().map(|def| over_by(study, study.program.step_def(context.file, *def), at, left));
    let first = ends.next()??;
    ends.all(|end| end.is_some()).then_some(first)
}

fn over_by(study: &Study<'_>, step: Step, at: At, left: u32) -> Option<(ValueRef, End)> {
    match step {
        Step::Values(values) => {
            let mut ends = values.into_iter().map(|value| over(study, value, at, left));
            let first = ends.next()??;
            ends.all(|end| end.is_some()).then_some(first)
        }
        Step::Call(made, n) => {
            let effect = study.fact(made)?.effect;
            if effect.detaches.is_some() || effect.root_context {
                return None;
            }
            if let Some(kind) = effect.context_end
                && n == u8::from(kind == ContextEnd::Group)
                && at.is_at_end
                && has_ended(study, kind, made, at.call)
            {
                return Some((at.call, End { made, kind }));
            }
            let slot = effect.derives.or(effect.binds_context)?;
            let from = study.slot(made, slot).first().copied()?;
            over(study, from, at, left)
        }
        Step::Param(function, n) => {
            let is_captured = study.program.function_at(at.call) != function;
            let callers = study.program.callers(function);
            let mut ends = callers.iter().map(|call| {
                let given = study.program.argument(*call, function, n)?;
                let (place, end) = over(study, given, At { call: *call, is_at_end: at.is_at_end }, left)?;
                Some((if is_captured { at.call } else { place }, end))
            });
            let first = ends.next()??;
            ends.all(|end| end.is_some()).then_some(first)
        }
        _ => None,
    }
}

/// Whether a call runs when its function ends: deferred, in something that is handed back to be called then, or behind
/// what waits for the end.
fn runs_at_end(study: &Study<'_>, call: ValueRef, left: u32) -> bool {
    let Some(left) = left.checked_sub(1) else { return false };
    let program = study.program;
    let Some(site) = program.call_site(call) else { return false };
    if site.deferred || follows_wait(study, call, site) {
        return true;
    }
    let function = FuncRef { file: call.file, id: site.function };
    if !program.function(function).flags.is_closure {
        return false;
    }
    is_handed_back(study, function) || program.callers(function).iter().any(|call| runs_at_end(study, *call, left))
}

/// Whether a call stands behind one that waits for the end of a context or group, in the same function.
fn follows_wait(study: &Study<'_>, call: ValueRef, site: &CallSite) -> bool {
    let before = study.program.expr(call).span.start;
    let function = FuncRef { file: call.file, id: site.function };
    let mut waits = study.calls_in(function).filter(|fact| fact.effect.awaits_end);
    waits.any(|fact| study.program.expr(fact.call).span.end <= before)
}

/// Whether a closure is a result of the function that it is written in.
fn is_handed_back(study: &Study<'_>, closure: FuncRef) -> bool {
    let Some(file) = study.program.files.get(closure.file as usize) else { return false };
    let Some(made) = file.flow.closures.get(&closure.id) else { return false };
    let vars = file.flow.defs_from(*made).filter_map(|(_, def)| file.flow.vars.get(def.var.0 as usize));
    let uses: Vec<_> = vars.flat_map(|var| var.uses.iter().copied()).chain([*made]).collect();
    file.flow.returns.iter().any(|found| found.values.iter().any(|value| uses.contains(value)))
}

/// Whether a context has ended when a call runs at the end of the function that made it, or of one below.
fn has_ended(study: &Study<'_>, kind: ContextEnd, made: ValueRef, at: ValueRef) -> bool {
    match kind {
        ContextEnd::Group => true,
        // A command that runs to its end is told to stop only by chance.
        ContextEnd::Signal => study.serves(study.unit_of(made.file)),
        ContextEnd::Call => is_called_before(study, made, at),
    }
}

/// Whether the function that ends a context is called before a call that runs at the end.
fn is_called_before(study: &Study<'_>, made: ValueRef, at: ValueRef) -> bool {
    let program = study.program;
    let Some(file) = program.files.get(made.file as usize) else { return false };
    let home = program.function_at(made);
    let flow = &file.flow;
    let is_second = |kind: &DefKind| matches!(kind, DefKind::Value { index: Some(1), .. });
    let second = flow.defs_from(made.expr).filter(|(_, def)| is_second(&def.kind));
    // The variable may hold what ends another context by then, or before.
    let uses: Vec<_> = second
        .filter_map(|(id, def)| Some((id, flow.vars.get(def.var.0 as usize)?)))
        .flat_map(|(id, var)| var.uses.iter().filter(move |expr| flow.reaching(**expr).contains(&id)))
        .collect();
    let in_home = climb(study, at, home);
    uses.into_iter().any(|used| {
        let used = ValueRef { expr: *used, ..made };
        let Some(call) = program.parent(used) else { return false };
        let is_call = matches!(program.expr_kind(call), ExprKind::Call { callee, .. } if *callee == used.expr);
        let Some(site) = program.call_site(call).filter(|_| is_call) else { return false };
        if site.function == home.id {
            return in_home.is_some_and(|at| comes_first(study, call, site, at));
        }
        let together = program.call_site(at).is_some_and(|at| at.function == site.function);
        match together && at.file == call.file {
            true => !site.deferred && program.expr(call).span.end <= program.expr(at).span.start,
            false => {
                runs_beside(study, FuncRef { file: made.file, id: site.function })
                    && study.serves(study.unit_of(made.file))
            }
        }
    })
}

/// The call in a function by which a call in one of its closures runs.
fn climb(study: &Study<'_>, call: ValueRef, home: FuncRef) -> Option<ValueRef> {
    let mut at = call;
    for _ in 0..MAX_CLOSURES {
        let site = study.program.call_site(at)?;
        let function = FuncRef { file: at.file, id: site.function };
        if function == home {
            return Some(at);
        }
        at = study.program.callers(function).first().copied()?;
    }
    None
}

/// Whether of two calls in one function the first runs before the second: deferred calls run last, the latest first.
fn comes_first(study: &Study<'_>, first: ValueRef, site: &CallSite, second: ValueRef) -> bool {
    let program = study.program;
    let is_deferred = program.call_site(second).is_some_and(|site| site.deferred);
    let (start, other) = (program.expr(first).span.start, program.expr(second).span.start);
    if site.deferred {
        return is_deferred && start > other;
    }
    // In a branch it may only stand before another return.
    let file = &program.files[first.file as usize].source.facts;
    let body = &program.function(FuncRef { file: first.file, id: site.function }).body;
    let is_plain = file.statements(body).any(|stmt| matches!(stmt.kind, StmtKind::Expr(expr) if expr == first.expr));
    is_plain && (is_deferred || start < other)
}

/// Whether a closure runs beside the function that it is written in: in a goroutine, or by whoever it is handed to.
fn runs_beside(study: &Study<'_>, closure: FuncRef) -> bool {
    let program = study.program;
    let Some(file) = program.files.get(closure.file as usize) else { return false };
    let Some(made) = file.flow.closures.get(&closure.id) else { return false };
    let made = ValueRef { file: closure.file, expr: *made };
    let Some(call) = program.parent(made) else { return false };
    match program.expr_kind(call) {
        ExprKind::Call { callee, .. } if *callee == made.expr => {
            program.call_site(call).is_some_and(|site| site.spawned)
        }
        ExprKind::Call { .. } => true,
        _ => false,
    }
}

fn finding(study: &Study<'_>, place: ValueRef, flush: ValueRef, end: &End) -> Finding {
    let service = study.unit(place.file).name.clone();
    let call = study.callee_text(place);
    let mut found = study.finding("no-shutdown", place, Confidence::Certain);
    found.message =
        format!("`{call}` is given a context that is over by then, so it sends nothing of what is held back");
    found.label = "its context is over".to_owned();
    found.effect = format!("each time {service} ends, the spans of its last seconds are lost");
    found.help = "give it a context of its own with a time limit: `context.WithTimeout(context.Background(), …)`, or \
                  `context.WithoutCancel`"
        .to_owned();
    found.confirm = format!("stop {service} within a second of a request: its spans of that request never arrive");
    let why = match end.kind {
        ContextEnd::Signal => "this context is over when the process is told to stop",
        ContextEnd::Group => "this context is over when the group has been waited for",
        ContextEnd::Call => "this context is ended before that",
    };
    found.related.push(study.related(end.made, why));
    if place != flush {
        found.related.push(study.related(flush, "the spans are flushed here"));
    }
    found
}
