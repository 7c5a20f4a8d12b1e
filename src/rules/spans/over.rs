//! Spans that are ended in the open, with work that belongs to them still to come: what is set on them is ignored, and
//! what runs under their context is the child of a span that is over.

use super::ended::variable;
use super::life::{Fate, Life};
use super::starts::{Start, Starts, assumption, judged, judged_anywhere};
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, FileFacts, Language, Span, Spread, Stmt, StmtKind};
use crate::knowledge::{Slot, TypeRole};
use crate::link::ValueRef;
use crate::link::flow::DefId;
use crate::rules::Verdicts;
use crate::study::{Study, Summary};

/// How many contexts derived from the span's own are looked at.
const MAX_CONTEXTS: usize = 12;

/// Most steps that are listed of a chain of spans of which each is the parent of the next.
const MAX_STEPS: usize = 12;

/// What comes after the end.
#[derive(Clone, Copy)]
enum After {
    /// The span is given something that it no longer takes.
    Set(ValueRef),
    /// Work runs under the span's context.
    Work(ValueRef),
}

/// Finds ends that stand before the last of their span's work.
pub(super) fn check(life: &Life<'_, '_>, starts: &Starts, out: &mut Verdicts) {
    let study = life.study;
    let mut found: Vec<(Start, ValueRef, After, Confidence)> = Vec::new();
    for (start, fate) in &starts.all {
        let Some(confidence) = judged_anywhere(study, start.call) else { continue };
        let Some((end, after)) = late(life, start, fate) else { continue };
        // The root of all that a process does is ended at once on purpose: it would never be seen otherwise.
        if is_next(study, start.call, end) && judged(study, start.call).is_none() {
            continue;
        }
        found.push((*start, end, after, confidence));
    }
    // Steps that are started one below the other, as each takes the context that the one before it left, are one cause.
    let at = |start: &Start| study.program.expr(start.call).span.start;
    let leads = |from: &Start, after: After, to: &Start| {
        matches!(after, After::Work(call) if call == to.call) && at(from) < at(to)
    };
    let next = |(from, _, after, _): &(Start, ValueRef, After, Confidence)| {
        found.iter().find(|(to, ..)| leads(from, *after, to))
    };
    let is_later = |to: &Start| found.iter().any(|(from, _, after, _)| leads(from, *after, to));
    for first in found.iter().filter(|(start, ..)| !is_later(start)) {
        let (start, end, after, confidence) = *first;
        let mut told = finding(life, start, end, after, confidence);
        let steps = std::iter::successors(next(first), |step| next(step)).take(MAX_STEPS);
        told.related.extend(steps.map(|(_, end, ..)| study.related(*end, "and this step is over before the next one")));
        out.findings.push(told);
    }
}

/// The first end of a span in the block that starts it, and what follows that needs the span.
fn late(life: &Life<'_, '_>, start: &Start, fate: &Fate) -> Option<(ValueRef, After)> {
    let study = life.study;
    let facts = &study.program.files.get(start.call.file as usize)?.source.facts;
    let block = block_of(study, facts, start.call)?;
    let ends = fate.finishes.iter().filter(|end| is_plain_end(study, start, **end));
    let (end, last) = ends
        .filter_map(|end| {
            let span = study.program.expr(*end).span;
            // The end is a statement of the very block: it is passed on every way that goes on in it.
            let stmt = facts.statements(block).find(|stmt| stmt.span.contains(span))?;
            is_statement(facts, stmt, *end).then_some((*end, stmt.span.end))
        })
        .min_by_key(|(_, at)| *at)?;
    let rest = Span { start: last, end: facts.statements(block).last()?.span.end };
    let set = set_after(life, start, rest).map(After::Set);
    let after = set.or_else(|| work_after(life, start, rest).map(After::Work))?;
    Some((end, after))
}

/// Whether nothing stands between the statements of a span's start and of its end.
fn is_next(study: &Study<'_>, start: ValueRef, end: ValueRef) -> bool {
    let Some(file) = study.program.files.get(start.file as usize) else { return false };
    let facts = &file.source.facts;
    let (from, to) = (study.program.expr(start).span, study.program.expr(end).span);
    let Some(block) = block_of(study, facts, start) else { return false };
    let mut rest = facts.statements(block).skip_while(|stmt| !stmt.span.contains(from)).skip(1);
    rest.next().is_some_and(|next| next.span.contains(to))
}

/// Whether a call ends the span where it stands, in the function that started it.
fn is_plain_end(study: &Study<'_>, start: &Start, end: ValueRef) -> bool {
    let function = study.program.function_covering(start.call);
    let site = study.program.call_site(end);
    end.file == start.call.file
        && study.program.function_covering(end) == function
        && study.fact(end).is_some_and(|fact| fact.effect.ends.is_some())
        && site.is_some_and(|site| !site.deferred && !site.spawned)
}

fn is_statement(facts: &FileFacts, stmt: &Stmt, call: ValueRef) -> bool {
    matches!(&stmt.kind, StmtKind::Expr(expr) if *expr == call.expr) && facts.expr(call.expr).span.end <= stmt.span.end
}

/// The innermost block whose statement a call stands in.
fn block_of<'f>(study: &Study<'f>, facts: &'f FileFacts, call: ValueRef) -> Option<&'f [u32]> {
    let span = study.program.expr(call).span;
    let function = study.program.function_covering(call);
    let mut block: &'f [u32] = &facts.function(function.id).body;
    // Each round goes one statement deeper.
    loop {
        let stmt = facts.statements(block).find(|stmt| stmt.span.contains(span))?;
        let mut inner = stmt.kind.blocks().into_iter();
        match inner.find(|inner| facts.statements(inner).any(|stmt| stmt.span.contains(span))) {
            Some(inner) => block = inner,
            None => return Some(block),
        }
    }
}

/// The first call in a range that sets something on the span and has no other use.
fn set_after(life: &Life<'_, '_>, start: &Start, rest: Span) -> Option<ValueRef> {
    let study = life.study;
    let made: Vec<DefId> = life.uses.definitions_of(start.call, start.index).map(|made| made.def).collect();
    made.into_iter()
        .find_map(|def| first_set(life, start.call.file, def, rest))
        .filter(|call| study.program.function_covering(*call) == study.program.function_covering(start.call))
}

/// The first statement in a range that is a call on what a definition holds, and only that, and does not end it.
fn first_set(life: &Life<'_, '_>, file: u32, def: DefId, rest: Span) -> Option<ValueRef> {
    let program = life.study.program;
    let calls = only_uses(life, file, def, rest).into_iter().filter_map(|used| {
        let member = program.parent(used)?;
        let call = program.parent(member)?;
        let on_it = matches!(program.expr_kind(member), ExprKind::Member { base, .. } if *base == used.expr)
            && matches!(program.expr_kind(call), ExprKind::Call { callee, .. } if *callee == member.expr);
        (on_it && is_setting(life.study, call)).then_some(call)
    });
    calls.min_by_key(|call| program.expr(*call).span.start)
}

/// Whether a call has no use but to change what it is called on, and what it is called on stays open.
fn is_setting(study: &Study<'_>, call: ValueRef) -> bool {
    let dropped = study.program.call_site(call).is_some_and(|site| site.dropped && !site.deferred);
    let other = study.fact(call).is_some_and(|fact| {
        let effect = fact.effect;
        effect.ends.is_some() || effect.closes.is_some() || effect.activates.is_some() || effect.inject.is_some()
    });
    dropped && !other
}

/// The uses in a range of a variable that surely holds the value of a definition there.
fn only_uses(life: &Life<'_, '_>, file: u32, def: DefId, rest: Span) -> Vec<ValueRef> {
    let program = life.study.program;
    let mut out = life.uses.uses_of(life.study, file, def);
    out.retain(|used| rest.contains(program.expr(*used).span) && program.reaching(*used) == [def]);
    out.sort_by_key(|used| program.expr(*used).span.start);
    out
}

/// The first call in a range that is given the span's context and does something that a trace shows.
fn work_after(life: &Life<'_, '_>, start: &Start, rest: Span) -> Option<ValueRef> {
    work_under(life, start.call, start.derived?, rest)
}

/// The first call in a range that is given the context which is one result of a call and does something that a trace shows.
pub(super) fn work_under(life: &Life<'_, '_>, made: ValueRef, result: u8, rest: Span) -> Option<ValueRef> {
    let study = life.study;
    let mut contexts: Vec<(ValueRef, u8)> = vec![(made, result)];
    let mut at = 0;
    while let Some((value, index)) = contexts.get(at).copied() {
        at += 1;
        let made: Vec<DefId> = life.uses.definitions_of(value, index).map(|made| made.def).collect();
        for used in made.into_iter().flat_map(|def| only_uses(life, value.file, def, rest)) {
            let Some(call) = study.program.parent(used) else { continue };
            if study.effect_of(call).has(Summary::STARTS | Summary::CALLS_OUT | Summary::PRODUCES)
                && !ends_it(study, call)
            {
                return Some(call);
            }
            let derives = study.fact(call).and_then(|fact| fact.effect.derives).map(|slot| study.slot(call, slot));
            if derives.is_some_and(|from| from.contains(&used)) && contexts.len() < MAX_CONTEXTS {
                contexts.push((call, 0));
            }
        }
    }
    None
}

/// Whether an own function ends a span, perhaps this one.
fn ends_it(study: &Study<'_>, call: ValueRef) -> bool {
    study.fact(call).is_none()
        && study.slot(call, Slot::AnyArg).iter().any(|arg| study.program.role_of(*arg) == Some(TypeRole::Span))
}

fn finding(life: &Life<'_, '_>, start: Start, end: ValueRef, after: After, confidence: Confidence) -> Finding {
    let study = life.study;
    let name = variable(study, life.uses, start).unwrap_or_else(|| "the span".to_owned());
    let (After::Set(late) | After::Work(late)) = after;
    let (ended, text) = (study.callee_text(end), study.callee_text(late));
    let mut finding = study.finding("span-ended-early", end, confidence);
    match after {
        After::Set(_) => {
            finding.message = format!("`{ended}` ends `{name}` before `{text}` sets something on it");
            finding.effect = format!("what `{text}` sets is ignored: the span is over and may be exported already");
            finding.help = format!("call `{text}` before `{ended}`");
        }
        After::Work(_) => {
            finding.message = format!("`{ended}` ends `{name}`, and `{text}` goes on under its context");
            finding.effect = format!(
                "the spans of `{text}` become children of a span that was over before they began, and its duration \
                 leaves them out"
            );
            finding.help = format!(
                "where `{name}` stands for `{text}` too, `defer {ended}()` right after the start; where it does not, keep \
                 its context in a variable of its own and give `{text}` the one from before"
            );
        }
    }
    finding.label = format!("`{name}` is over from here on");
    finding.help += assumption(confidence);
    finding.confirm = match after {
        After::Set(_) => "open the span in a trace: what is set last is missing".to_owned(),
        After::Work(_) => "open a trace: the child begins after its parent has ended".to_owned(),
    };
    finding.related.push(study.related(start.call, format!("`{name}` is started here")));
    finding.related.push(study.related(late, "comes too late"));
    finding
}

/// Finds what is set on a span after the `with` that ends it.
pub(super) fn check_managed(life: &Life<'_, '_>, out: &mut Verdicts) {
    let study = life.study;
    if study.language() != Language::Python {
        return;
    }
    for fact in study.calls().iter().filter(|fact| fact.site.managed) {
        let owns = fact.effect.span.is_some_and(|span| span.current) && !stays_open(study, fact.call);
        let Some(confidence) = judged_anywhere(study, fact.call).filter(|_| owns) else { continue };
        if let Some(late) = set_after_with(life, fact.call) {
            out.findings.push(managed_finding(study, fact.call, late, confidence));
        }
    }
}

/// Whether a `with` is told not to end its span (`end_on_exit=False`).
pub(super) fn stays_open(study: &Study<'_>, call: ValueRef) -> bool {
    let ExprKind::Call { args, .. } = study.program.expr_kind(call) else { return true };
    let is_false = |value| matches!(study.program.expr_kind(ValueRef { expr: value, ..call }), ExprKind::Lit(text) if text == "False");
    args.iter().any(|arg| arg.spread != Spread::None || (arg.name.is_some() && is_false(arg.value)))
}

/// The first call after a `with` that sets something on the span that it handed out.
fn set_after_with(life: &Life<'_, '_>, call: ValueRef) -> Option<ValueRef> {
    let study = life.study;
    let facts = &study.program.files.get(call.file as usize)?.source.facts;
    let block = block_of(study, facts, call)?;
    let with = facts.statements(block).find(|stmt| stmt.span.contains(study.program.expr(call).span))?;
    let function = study.program.function_covering(call);
    let rest = Span { start: with.span.end, end: study.program.function(function).span.end };
    let made: Vec<DefId> = life.uses.definitions_of(call, 0).filter(|made| made.entered).map(|made| made.def).collect();
    let late = made.into_iter().find_map(|def| first_set(life, call.file, def, rest))?;
    (study.program.function_covering(late) == function).then_some(late)
}

fn managed_finding(study: &Study<'_>, start: ValueRef, late: ValueRef, confidence: Confidence) -> Finding {
    let (text, starts) = (study.callee_text(late), study.callee_text(start));
    let mut finding = study.finding("span-ended-early", late, confidence);
    finding.message = format!("`{text}` comes after the `with {starts}(…)` that ends its span");
    finding.label = "the span is over".to_owned();
    finding.effect = format!("what `{text}` sets is ignored: the span is over and may be exported already");
    finding.help = format!("move `{text}` into the `with` block{}", assumption(confidence));
    finding.confirm = "open the span in a trace: what is set last is missing".to_owned();
    finding.related.push(study.related(start, "started here, ended where this block is left"));
    finding
}
