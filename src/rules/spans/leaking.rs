//! Scopes that are opened on one thread and closed by a function that runs on another.

use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, Language};
use crate::knowledge::{FunctionDescription, Slot, SpawnKind};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::rules::Verdicts;
use crate::study::{CallFact, Study, functions_of};
use rustc_hash::FxHashSet;

/// Finds scopes and tokens that a callback gives back.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    if study.language() == Language::Go {
        return;
    }
    let mut told = FxHashSet::default();
    for close in study.calls() {
        let Some(slot) = close.effect.closes else { continue };
        if !study.unit(close.call.file).is_traced()
            || study.program.function(close.function).parent.is_none_or(|f| f.0 == 0)
        {
            continue;
        }
        let origins = study.slot(close.call, slot).into_iter().flat_map(|value| study.program.origins(value, false));
        let opened = origins.into_iter().find_map(|origin| match origin {
            Origin::Call(call, _) => study.fact(call).filter(|fact| opens(fact.effect)),
            _ => None,
        });
        let Some(opened) = opened.filter(|opened| opened.call.file == close.call.file) else { continue };
        // A callback closes it on each of its ways: the first stands for all.
        if let Some(handed) = handed_over(study, close.function, opened.function)
            && told.insert(opened.call)
        {
            out.findings.push(finding(study, opened, close, handed));
        }
    }
}

fn opens(effect: &FunctionDescription) -> bool {
    effect.activates.is_some() || effect.span.is_some_and(|span| span.current)
}

/// The call by which the function around a close is run later or elsewhere, where the scope was opened outside of it.
fn handed_over(study: &Study<'_>, close: FuncRef, open: FuncRef) -> Option<ValueRef> {
    let program = study.program;
    let mut at = close;
    while at != open {
        let flow = &program.files.get(at.file as usize)?.flow;
        let closure = flow.closures.get(&at.id).map(|expr| ValueRef { file: at.file, expr: *expr });
        let parent = program.function(at).parent.filter(|parent| parent.0 != 0)?;
        let parent = FuncRef { id: parent, ..at };
        let literal = closure.or_else(|| object_of(study, at)).and_then(|closure| given_to(study, closure));
        if let Some(call) = literal.or_else(|| named_to(study, parent, at)) {
            return study.with_nested(open).contains(&at).then_some(call);
        }
        at = parent;
    }
    None
}

/// The object without a class name that a method belongs to: `new Callback() { … }`.
fn object_of(study: &Study<'_>, method: FuncRef) -> Option<ValueRef> {
    let owner = study.program.function(method).owner?;
    let facts = &study.program.files.get(method.file as usize)?.source.facts;
    facts.type_decl(owner).name.is_empty().then_some(())?;
    let is_it = |expr: &crate::ir::Expr| matches!(&expr.kind, ExprKind::New { body: Some(body), .. } if *body == owner);
    let at = facts.exprs.iter().position(is_it)?;
    Some(ValueRef { file: method.file, expr: crate::ir::ExprId(at as u32) })
}

/// The described call of a function that is given another one, which is written in it, by its name.
fn named_to(study: &Study<'_>, within: FuncRef, function: FuncRef) -> Option<ValueRef> {
    let mut calls = study.calls_in(within).filter_map(|fact| Some((fact.call, fact.effect.spawns?.task)));
    let given = calls.find(|(call, task)| {
        study.slot(*call, *task).into_iter().any(|value| functions_of(study, value).contains(&function))
    });
    given.map(|(call, _)| call)
}

/// The described call that a function literal is given to, if that runs it on another thread or at a later time.
fn given_to(study: &Study<'_>, closure: ValueRef) -> Option<ValueRef> {
    let call = study.program.parent(closure)?;
    let ExprKind::Call { .. } = study.program.expr_kind(call) else { return None };
    let fact = study.fact(call)?;
    let stage = |effect: &FunctionDescription| effect.spawns.is_some_and(|spawn| spawn.kind == SpawnKind::Future);
    // The stages of a future run wherever it is completed.
    let staged = fact.effect.derives == Some(Slot::Receiver) && fact.library.functions.iter().any(stage);
    (fact.effect.spawns.is_some() || fact.effect.steps.is_some() || staged).then_some(call)
}

fn finding(study: &Study<'_>, opened: &CallFact<'_>, close: &CallFact<'_>, handed: ValueRef) -> Finding {
    let mut out = study.finding("scope-leak-across-threads", close.call, Confidence::Certain);
    let open = study.callee_text(opened.call);
    let run = study.callee_text(handed);
    let run = run.rsplit('.').next().unwrap_or(&run).to_owned();
    let function = study.function_name(opened.function);
    out.message =
        format!("what `{open}` made current in `{function}` is given back in a function that `{run}` runs elsewhere");
    out.label = "does nothing on another thread".to_owned();
    out.effect = format!(
        "the span stays current on the thread of `{function}`: the next requests on that thread become its children, \
         and this function runs under whatever is current on its own thread"
    );
    out.help = format!(
        "close it in `{function}` itself, where it was opened, and make the span current again inside the function given \
         to `{run}`; end the span there"
    );
    out.confirm =
        format!("call `{function}` twice on one thread: the spans of the second call are in the first one's trace");
    out.related.push(study.related(opened.call, "made current here"));
    out.related.push(study.related(handed, "runs the closing function later, on the thread that completes the work"));
    out
}
