//! Spans that work runs under without belonging to them.

use super::beneath;
use super::life::Fate;
use super::starts::{Start, Starts, assumption, judged};
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, Language, Span, StmtKind};
use crate::knowledge::{HopKind, Slot, TypeRole};
use crate::link::flow::{Def, DefKind};
use crate::link::{FuncRef, Origin, Step, ValueRef};
use crate::rules::clients::Lives;
use crate::rules::contexts::{is_function_value, is_told_of};
use crate::rules::{Ruling, Verdicts};
use crate::study::{CallFact, Study, Summary, functions_of};

const RULE: &str = "span-not-current";
/// How many callers are asked what they hand in.
const MAX_CALLERS: usize = 32;

/// Finds spans that are started, never made current nor handed on, and have calls made while they are open.
pub(super) fn check(lives: &Lives<'_, '_>, starts: &Starts, out: &mut Verdicts) {
    let study = lives.study;
    for (start, fate) in &starts.all {
        let Some(confidence) = judged(study, start.call) else { continue };
        let Some(inside) = open_range(study, *start, fate) else {
            out.pass(start.call, RULE, "the span is made current or a parent, or not every use of it is seen");
            continue;
        };
        if finds_spans_of_callers(study, study.unit_of(start.call.file)) {
            out.pass(start.call, RULE, "what traces the service finds spans in the variables of callers");
            continue;
        }
        let within = match study.language() {
            Language::Python => unseen_by(study, *start, inside, fate.yielded),
            Language::Java => escaping(study, *start, inside),
            // What makes neither span nor header of its context loses nothing by the old one.
            Language::Go => {
                escaping(study, *start, inside).into_iter().filter(|call| is_told_of(lives, *call)).collect()
            }
        };
        if within.is_empty() {
            out.pass(start.call, RULE, "no call that looks for the current span is seen while it is open");
            continue;
        }
        let is_go = study.language() == Language::Go;
        let is_assumed = within.iter().all(|call| is_go && runs_handler(study, *call) || goes_on(study, *call));
        let confidence = if is_assumed { Confidence::Likely } else { confidence };
        out.findings.push(finding(study, *start, &within, confidence));
        let unit = study.unit_of(start.call.file);
        for call in &within {
            let ruling = Ruling::broken("a span is open around it that was not made current");
            out.count(unit, *call, RULE, ruling);
        }
    }
}

/// Whether a unit calls a library whose spans have those for parents that stand in variables of their callers.
fn finds_spans_of_callers(study: &Study<'_>, unit: usize) -> bool {
    let calls = || study.calls_of_unit(unit).any(|fact| fact.library.finds_spans_of_callers);
    study.language() == Language::Python && study.of_unit("finds spans of callers", unit, calls)
}

/// The bytes in which the span is open, where every use of it was seen and none makes it a parent.
fn open_range(study: &Study<'_>, start: Start, fate: &Fate) -> Option<Span> {
    let span = study.fact(start.origin)?.effect.span.filter(|span| !span.current)?;
    // What hands out the span alone, and throws its context away, leaves none to its callers.
    let is_helper = start.call != start.origin && drops_context(study, start.origin, span.derived);
    let derived = !is_helper && span.derived != Slot::None || start.derived.is_some();
    let yielded = fate.yielded && study.language() != Language::Python;
    if derived || yielded || start.wrapped || fate.activated || fate.handed || fate.escapes || !fate.returned.is_empty()
    {
        return None;
    }
    let from = study.program.expr(start.call).span.end;
    if let Some(entered) = fate.entered {
        let file = study.program.files.get(entered.file as usize)?;
        let block = file.source.facts.stmts.iter().find(|stmt| match &stmt.kind {
            StmtKind::With { items, .. } => items.iter().any(|item| item.value == entered.expr),
            _ => false,
        })?;
        return Some(Span { start: from.max(study.program.expr(entered).span.end), end: block.span.end });
    }
    let function = study.program.function_at(start.call);
    let same = fate.finishes.iter().all(|end| study.program.function_covering(*end) == function);
    let finished_at = |end: &ValueRef| {
        // A deferred end comes when the function is left.
        let deferred = study.program.call_site(*end).is_some_and(|site| site.deferred);
        if deferred { u32::MAX } else { study.program.expr(*end).span.start }
    };
    let end = fate.finishes.iter().map(finished_at).max()?;
    (same && end > from).then_some(Span { start: from, end })
}

/// Whether a start keeps its span and throws away the context that holds it: `_, span := tracer.Start(ctx, name)`.
fn drops_context(study: &Study<'_>, start: ValueRef, derived: Slot) -> bool {
    let (Slot::Result(derived), Some(file)) = (derived, study.program.files.get(start.file as usize)) else {
        return false;
    };
    let is_kept = |def: &Def| {
        let is_it = matches!(def.kind, DefKind::Value { index, .. } if index.unwrap_or(0) == derived);
        is_it && file.flow.vars.get(def.var.0 as usize).is_some_and(|var| var.name != "_")
    };
    let mut defs = file.flow.defs_from(start.expr).map(|(_, def)| def).peekable();
    defs.peek().is_some() && !defs.any(is_kept)
}

/// The calls of Python code that look for the current span while a span is open, in its function and in the blocks of
/// those who enter that as a context manager, or run what does.
fn unseen_by(study: &Study<'_>, start: Start, range: Span, yielded: bool) -> Vec<ValueRef> {
    let function = study.program.function_at(start.call);
    let blocks = beneath::blocks(study, function, range);
    // What becomes of a span in the hands of those who ask for it is seen only there.
    if yielded && blocks.is_empty() {
        return Vec::new();
    }
    let own = std::iter::once((function, start.call.file, range));
    let mut out = Vec::new();
    for (within, file, range) in own.chain(blocks) {
        let Some(flow) = study.program.files.get(file as usize).map(|file| &file.flow) else { continue };
        let sites = flow.calls_of(within.id).map(|site| ValueRef { file, expr: site.expr });
        let inside: Vec<ValueRef> = sites
            .filter(|call| range.contains(study.program.expr(*call).span) && !exclude(study, start.call, *call))
            .collect();
        let sets = |call: &ValueRef| {
            study.fact(*call).is_some_and(|fact| {
                let effect = fact.effect;
                effect.span.is_none() && (effect.activates.is_some() || effect.binds_context.is_some())
            })
        };
        if inside.iter().any(sets) {
            return Vec::new();
        }
        out.extend(inside.into_iter().filter(|call| looks_or_runs(study, *call)));
    }
    out
}

/// Whether a call looks for the current span, or runs functions of the service's own that do.
fn looks_or_runs(study: &Study<'_>, call: ValueRef) -> bool {
    if let Some(fact) = study.fact(call) {
        return is_ambient(study, fact);
    }
    let mut functions = study.program.callee(call).functions.to_vec();
    functions.extend(beneath::handed_in(study, call));
    beneath::looks(study, functions, &|fact| is_ambient(study, fact))
}

/// Whether a call runs all that comes behind a filter or an advice.
fn goes_on(study: &Study<'_>, call: ValueRef) -> bool {
    study.language() == Language::Java && study.fact(call).is_some_and(|fact| fact.effect.goes_on)
}

/// The calls in a range that look for the current span.
fn escaping(study: &Study<'_>, start: Start, range: Span) -> Vec<ValueRef> {
    let function = study.program.function_at(start.call);
    let Some(file) = study.program.files.get(start.call.file as usize) else { return Vec::new() };
    let sites = file.flow.calls_of(function.id).map(|site| ValueRef { file: start.call.file, expr: site.expr });
    let inside = sites.filter(|call| range.contains(study.program.expr(*call).span));
    let inside: Vec<_> = inside.filter(|call| !exclude(study, start.call, *call)).collect();
    if study.language() == Language::Go {
        return inside.into_iter().filter(|call| is_given_old_context(study, start, *call)).collect();
    }
    // What own functions make current is another span: this one is not handed to them.
    let activates = inside.iter().any(|call| {
        study.own_effect(*call).has(Summary::ACTIVATES | Summary::BINDS)
            && study.fact(*call).is_none_or(|fact| fact.effect.span.is_none())
    });
    if activates {
        return Vec::new();
    }
    let serves = has_remote_parent(study, start.origin);
    let looks = |call: &ValueRef| {
        study.fact(*call).is_some_and(|fact| is_ambient(study, fact))
            || goes_on(study, *call)
            || (serves && is_given_work(study, *call))
            || looks_below(study, *call)
            || looks_in_given_work(study, *call)
    };
    inside.into_iter().filter(looks).collect()
}

/// Whether two places of a function stand in different arms of a condition, or one in an arm that returns and the other
/// behind it, so that never both run.
pub(in crate::rules) fn exclude(study: &Study<'_>, one: ValueRef, other: ValueRef) -> bool {
    let Some(file) = study.program.files.get(one.file as usize) else { return false };
    let facts = &file.source.facts;
    let (one, other) = (study.program.expr(one).span, study.program.expr(other).span);
    let holds = |block: &[u32], span: Span| {
        block.iter().filter_map(|at| facts.stmts.get(*at as usize)).any(|stmt| stmt.span.contains(span))
    };
    let leaves = |block: &[u32]| {
        let last = block.last().and_then(|at| facts.stmts.get(*at as usize));
        last.is_some_and(|stmt| matches!(stmt.kind, StmtKind::Return(_) | StmtKind::Throw(_)))
    };
    let is_left = |block: &[u32], inside: Span, behind: Span, end: u32| {
        behind.start >= end && leaves(block) && holds(block, inside)
    };
    facts.stmts.iter().any(|stmt| match &stmt.kind {
        StmtKind::If { then, otherwise, .. } => {
            let is_left =
                |block: &[u32]| is_left(block, one, other, stmt.span.end) || is_left(block, other, one, stmt.span.end);
            (holds(then, one) && holds(otherwise, other))
                || (holds(then, other) && holds(otherwise, one))
                || is_left(then)
                || is_left(otherwise)
        }
        _ => false,
    })
}

/// Whether a call is given the context of the function, which does not hold the span, and goes on with a trace.
fn is_given_old_context(study: &Study<'_>, start: Start, call: ValueRef) -> bool {
    let Some(param) = study.context_param(study.program.function_at(start.call)).filter(|param| !param.is_request)
    else {
        return false;
    };
    let is_old = |value: &ValueRef| {
        let origins = study.program.origins(*value, false);
        let comes_in = |origin: &Origin| matches!(origin, Origin::Param(function, _) if *function == param.function);
        study.program.role_of(*value) == Some(TypeRole::Context) && !origins.is_empty() && origins.iter().all(comes_in)
    };
    let goes_on = Summary::STARTS | Summary::CALLS_OUT | Summary::PRODUCES;
    (study.effect_of(call).has(goes_on) || runs_handler(study, call))
        && study.fact(call).is_none_or(|fact| fact.effect.derives.is_none() && fact.effect.binds_context.is_none())
        && study.slot(call, Slot::AnyArg).iter().any(is_old)
}

/// Whether a call gives work to a function in a field: what the span is around, so that it belongs under it (Go).
fn runs_handler(study: &Study<'_>, call: ValueRef) -> bool {
    study.program.receiver(call).is_some()
        && study.program.callee(call).functions.is_empty()
        && study.slot(call, Slot::AnyArg).len() > 1
        && is_function_value(study, call)
}

/// Whether a span continues a trace that was read from a carrier: then it stands for all of the work that came in.
fn has_remote_parent(study: &Study<'_>, start: ValueRef) -> bool {
    let mut at = start;
    for _ in 0..16 {
        let Some(fact) = study.fact(at) else { return false };
        let mut parents = fact.effect.span.map(|span| study.slot(at, span.context)).unwrap_or_default();
        parents.extend(fact.effect.binds_context.map(|slot| study.slot(at, slot)).unwrap_or_default());
        let origins = parents.into_iter().flat_map(|parent| study.program.origins(parent, false));
        let extracts = |origin: Origin| match origin {
            Origin::Call(call, _) => study.fact(call).is_some_and(|fact| fact.effect.extract.is_some()),
            _ => false,
        };
        if origins.into_iter().any(extracts) {
            return true;
        }
        let Some(receiver) = study.program.receiver(at) else { return false };
        at = receiver;
    }
    false
}

/// Whether the service's own functions that a call runs look for the current span. What is handed a span or context is
/// told its parent.
fn looks_below(study: &Study<'_>, call: ValueRef) -> bool {
    let is_parent =
        |value: &ValueRef| matches!(study.program.role_of(*value), Some(TypeRole::Span | TypeRole::Context));
    let looks = |fact: &CallFact<'_>| is_ambient(study, fact) && !names_parents(study, fact.function);
    study.fact(call).is_none()
        && !study.slot(call, Slot::AnyArg).iter().any(is_parent)
        && beneath::looks(study, study.program.callee(call).functions.to_vec(), &looks)
}

/// Whether what callers hand in to be run here looks for the current span: the lambda of `spans.within("bake", () -> …)`.
fn looks_in_given_work(study: &Study<'_>, call: ValueRef) -> bool {
    let program = study.program;
    let Some((owner, n)) = given_work(study, call) else { return false };
    let callers = program.callers(owner).iter().take(MAX_CALLERS);
    let given = callers.filter_map(|call| program.argument(*call, owner, n));
    let functions: Vec<FuncRef> = given.flat_map(|value| functions_of(study, value)).collect();
    let looks = |fact: &CallFact<'_>| is_ambient(study, fact) && !names_parents(study, fact.function);
    beneath::looks(study, functions, &looks)
}

/// Whether a function says of which parent a span is, and does not name the current one.
fn names_parents(study: &Study<'_>, function: FuncRef) -> bool {
    let is_current = |origin: &Origin| match origin {
        Origin::Call(call, _) => study.fact(*call).is_some_and(|fact| fact.effect.context_of == Some(Slot::Ambient)),
        _ => false,
    };
    study.calls_in(function).any(|fact| {
        let parents = fact.effect.binds_context.map(|slot| study.slot(fact.call, slot)).unwrap_or_default();
        parents.into_iter().any(|parent| !study.program.origins(parent, false).iter().all(is_current))
    })
}

/// Whether a call runs what the caller handed in, and some caller hands in a function.
fn is_given_work(study: &Study<'_>, call: ValueRef) -> bool {
    given_work(study, call).is_some_and(|(owner, n)| callers_hand_functions(study, owner, n))
}

/// The parameter of a functional type whose method a call runs, in the parameter's own function.
fn given_work(study: &Study<'_>, call: ValueRef) -> Option<(FuncRef, u16)> {
    let program = study.program;
    let receiver = program.receiver(call)?;
    let Step::Param(owner, n) = one_step(study, receiver) else { return None };
    let param = program.function(owner).params.get(n as usize)?;
    let generic = param.ty.as_ref().is_some_and(|ty| !ty.args.is_empty() || ty.name == "Runnable");
    let is_it = owner == program.function_at(call)
        && generic
        && program.callee(call).functions.is_empty()
        && study.fact(call).is_none();
    is_it.then_some((owner, n))
}

/// Whether some caller hands a function literal or method reference to a parameter.
fn callers_hand_functions(study: &Study<'_>, function: FuncRef, n: u16) -> bool {
    let callers = study.program.callers(function).iter().take(32);
    let mut given = callers.filter_map(|call| study.program.argument(*call, function, n));
    given.any(|value| matches!(study.program.expr_kind(value), ExprKind::Closure(_) | ExprKind::MethodRef { .. }))
}

/// One step back, through the name of a variable that is only a parameter.
fn one_step(study: &Study<'_>, value: ValueRef) -> Step {
    match study.program.step(value) {
        Step::Values(values) if values.len() == 1 => {
            values.first().map_or(Step::Unknown, |next| study.program.step(*next))
        }
        other => other,
    }
}

fn is_ambient(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let given = |slot: Slot| matches!(slot, Slot::Ambient) || study.slot(fact.call, slot).is_empty();
    if let Some(span) = fact.effect.span {
        return given(span.context)
            && !fact.effect.drops_parent
            && (span.context == Slot::Ambient || span.context.is_keyword());
    }
    fact.effect.hop.is_some_and(|hop| {
        let shown = matches!(hop.kind, HopKind::HttpCall | HopKind::RpcCall | HopKind::Produce)
            || (hop.kind == HopKind::Store && study.language() == Language::Python);
        shown && hop.context == Slot::Ambient && study.unit(fact.call.file).coverage(fact.library).is_some()
    })
}

fn finding(study: &Study<'_>, start: Start, within: &[ValueRef], confidence: Confidence) -> Finding {
    let callee = study.callee_text(start.call);
    let first = within.first().map(|call| study.callee_text(*call)).unwrap_or_default();
    let mut finding = study.finding("span-not-current", start.call, confidence);
    finding.message = format!("the span from `{callee}` is never made current, so `{first}` does not run under it");
    finding.label = "started, but not current".to_owned();
    finding.effect = "the span is a leaf, and the calls made while it is open hang on the span around it or start a trace of their own".to_owned();
    finding.help = match study.language() {
        Language::Go => format!("put it into the context that `{first}` is given"),
        Language::Java => format!("make it current around `{first}` with a scope in a resource block"),
        _ => format!("start it so that it is current around `{first}`, with the `with` form that activates the span"),
    };
    finding.help += assumption(confidence);
    finding.confirm = format!("open a trace: the span has no children, and `{first}` is its sibling");
    finding.related.extend(
        within.iter().take(8).map(|call| study.related(*call, "looks for the current span, which is not this one")),
    );
    finding
}
