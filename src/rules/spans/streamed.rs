//! Python spans around a `return` that hands out work which has not begun: a generator runs when its consumer asks for
//! values, a coroutine when it is awaited, and both after the `with` has ended the span.

use super::over::stays_open;
use super::starts::{assumption, judged};
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, Language, Span, StmtKind};
use crate::knowledge::AnnotationRole;
use crate::link::flow::DefKind;
use crate::link::{FuncRef, ValueRef};
use crate::rules::Verdicts;
use crate::study::{Study, Summary, annotation_role};
use rustc_hash::FxHashSet;

/// What of the work a trace would show.
pub(super) fn shown() -> Summary {
    Summary::STARTS | Summary::CALLS_OUT | Summary::PRODUCES | Summary::STORES
}

/// Work that a function hands out before it has begun.
pub(super) struct Later {
    /// The call that makes the generator or coroutine.
    pub(super) call: ValueRef,
    /// What it is, for people.
    pub(super) kind: &'static str,
}

/// Finds spans that are over before what their `with` returns has begun.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    if study.language() != Language::Python {
        return;
    }
    let own = |fact: &&crate::study::CallFact<'_>| {
        fact.site.managed && fact.effect.span.is_some_and(|span| span.current) && !stays_open(study, fact.call)
    };
    let mut work: Vec<ValueRef> = study.calls().iter().filter(own).map(|fact| fact.call).collect();
    let mut seen: FxHashSet<ValueRef> = FxHashSet::default();
    while let Some(call) = work.pop() {
        if !seen.insert(call) {
            continue;
        }
        let function = study.program.function_at(call);
        if is_manager(study, function) {
            // A manager of the service's own: its span ends where the `with` of whoever enters it does.
            let managed = |call: &&ValueRef| study.program.call_site(**call).is_some_and(|site| site.managed);
            work.extend(study.program.callers(function).iter().filter(managed));
        } else if let Some(confidence) = judged(study, call) {
            let returned = returned(study, function, call).map(|later| finding(study, call, &later, confidence));
            out.findings.extend(returned.or_else(|| super::read_after::find(study, function, call, confidence)));
        }
    }
}

fn is_manager(study: &Study<'_>, function: FuncRef) -> bool {
    let annotations = &study.program.function(function).annotations;
    annotations.iter().any(|found| annotation_role(study, function.file, found) == Some(AnnotationRole::ContextManager))
}

/// The work that is returned from inside the `with` of a call.
fn returned(study: &Study<'_>, function: FuncRef, managed: ValueRef) -> Option<Later> {
    let program = study.program;
    // A generator's own `return` hands nothing out.
    if program.function(function).flags.is_generator {
        return None;
    }
    let body = body_of(study, managed)?;
    let flow = &program.files.get(function.file as usize)?.flow;
    let values = flow.returns_of(function.id).flat_map(|found| &found.values);
    let mut inside = values
        .map(|expr| ValueRef { file: function.file, expr: *expr })
        .filter(|value| body.contains(program.expr(*value).span));
    inside.find_map(|value| later(study, value).or_else(|| later_argument(study, value)))
}

/// The bytes of the block that a managed call opens.
pub(super) fn body_of(study: &Study<'_>, managed: ValueRef) -> Option<Span> {
    let facts = &study.program.files.get(managed.file as usize)?.source.facts;
    let body = facts.stmts.iter().find_map(|stmt| match &stmt.kind {
        StmtKind::With { items, body, .. } => items.iter().any(|item| item.value == managed.expr).then_some(body),
        _ => None,
    })?;
    let statement = |id: &u32| facts.stmts.get(*id as usize).map(|stmt| stmt.span);
    Some(Span { start: statement(body.first()?)?.start, end: statement(body.last()?)?.end })
}

/// The generator or coroutine that a value is, itself or by the one definition of a local.
pub(super) fn later(study: &Study<'_>, value: ValueRef) -> Option<Later> {
    let program = study.program;
    let made = match program.expr_kind(value) {
        ExprKind::Call { .. } => value,
        ExprKind::Name(_) => match program.reaching(value) {
            [one] => match program.def(value.file, *one).kind {
                DefKind::Value { value: from, index: None } => ValueRef { expr: from, ..value },
                _ => return None,
            },
            _ => return None,
        },
        _ => return None,
    };
    let functions = &program.callee(made).functions;
    let shown = |function: &FuncRef| study.summary(*function).has(shown());
    let flags = |function: &FuncRef| program.function(*function).flags;
    let plain = |function: &FuncRef| program.function(*function).annotations.is_empty() && !flags(function).is_abstract;
    if functions.is_empty() || !functions.iter().all(|function| plain(function) && shown(function)) {
        return None;
    }
    if functions.iter().all(|function| flags(function).is_generator) {
        return Some(Later { call: made, kind: "generator" });
    }
    let coroutine = functions.iter().all(|function| flags(function).is_async && !flags(function).is_generator);
    coroutine.then_some(Later { call: made, kind: "coroutine" })
}

/// The generator that a returned object is made with, which is the work of whoever reads the object.
fn later_argument(study: &Study<'_>, value: ValueRef) -> Option<Later> {
    let ExprKind::Call { args, .. } = study.program.expr_kind(value) else { return None };
    // What one of the service's own functions does with a generator may be to run it.
    if !study.program.callee(value).functions.is_empty() || consumes(study, value) {
        return None;
    }
    let given = args.iter().filter_map(|arg| later(study, ValueRef { expr: arg.value, ..value }));
    given.into_iter().find(|later| later.kind == "generator")
}

/// Whether a call by its name runs a generator to its end: `list(rows())`, `"".join(rows())`, `sum(…)`.
fn consumes(study: &Study<'_>, call: ValueRef) -> bool {
    let name = study.callee_text(call);
    let last = name.rsplit('.').next().unwrap_or(&name);
    // A class keeps what it is given; a function may run it.
    !last.starts_with(|first: char| first.is_ascii_uppercase())
}

fn finding(study: &Study<'_>, start: ValueRef, later: &Later, confidence: Confidence) -> Finding {
    let (starts, text) = (study.callee_text(start), study.text(later.call));
    let function = study.function_name(study.program.function_at(start));
    let kind = later.kind;
    let mut finding = study.finding("span-ended-early", start, confidence);
    finding.message =
        format!("the span from `{starts}` is over when `{function}` returns, before the {kind} `{text}` has begun");
    finding.label = format!("ends with this block, the {kind} runs after it");
    finding.effect = format!(
        "the span covers none of the work of `{text}`, whose own spans and calls hang under the span around it, or \
         under none"
    );
    finding.help = match kind {
        "generator" => format!(
            "start the span inside the generator, without making it current across a `yield`, and end it in its \
             `finally`; or return what `{text}` gives as a whole"
        ),
        _ => format!("make `{function}` an `async def` and `return await {text}` inside the block"),
    };
    finding.help += assumption(confidence);
    finding.confirm = "open a trace: the span takes no time, and the work's spans are not below it".to_owned();
    finding.related.push(study.related(later.call, format!("made here; the {kind} runs later")));
    finding
}
