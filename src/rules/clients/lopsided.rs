//! A client that a function instruments on one way through it and leaves plain on the other.

use super::broken::rule_of;
use super::life::{Life, Lives};
use super::{apart, choice, fallback, gate, strangers};
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, StmtKind};
use crate::knowledge::{HopKind, LibraryDescription, Slot, TypeRole};
use crate::link::ValueRef;
use crate::rules::Verdicts;
use crate::rules::spans::exclude;
use crate::study::{CallFact, Study};

/// What is plain on one way, and what is instrumented on the other.
struct Lopsided<'a> {
    kind: HopKind,
    /// The client's library.
    library: &'a LibraryDescription,
    plain: ValueRef,
    traced: ValueRef,
}

/// Finds clients, and what clients are made of, that one way of a function instruments and another does not. That
/// somebody instrumented the one is sign enough that requests through the other belong to traces as well.
pub(super) fn check(lives: &Lives<'_, '_>, out: &mut Verdicts) {
    let study = lives.study;
    let mut found: Vec<Lopsided<'_>> = Vec::new();
    for fact in study.calls() {
        found.extend(made_twice(lives, fact).or_else(|| wrapped_once(lives, fact)));
    }
    found.sort_unstable_by_key(|one| one.plain);
    found.dedup_by_key(|one| one.plain);
    for one in found.into_iter().filter(|one| counts(lives, one)) {
        let finding = finding(study, &one);
        let place = |other: &Finding| other.place.path == finding.place.path && other.place.span == finding.place.span;
        if !out.findings.iter().any(|other| other.rule == finding.rule && place(other)) {
            out.findings.push(finding);
        }
    }
}

/// The hops that a client is for.
fn kind_of(fact: &CallFact<'_>) -> Option<HopKind> {
    match fact.effect.makes? {
        TypeRole::HttpClient => Some(HopKind::HttpCall),
        TypeRole::RpcChannel => Some(HopKind::RpcCall),
        _ => None,
    }
}

/// A client that is made plain on one way through a function, which makes it instrumented on the other.
fn made_twice<'a>(lives: &Lives<'_, 'a>, fact: &CallFact<'a>) -> Option<Lopsided<'a>> {
    let study = lives.study;
    let kind = kind_of(fact)?;
    let is_twin = |other: &&CallFact<'_>| {
        other.effect.makes == fact.effect.makes
            && other.library.id == fact.library.id
            && are_alternatives(study, fact.call, other.call)
            && lives.as_built(other.call) == Life::Instrumented
    };
    if lives.of_construction(fact.call) != Life::Plain {
        return None;
    }
    let traced = study.calls_in(fact.function).find(is_twin)?.call;
    Some(Lopsided { kind, library: fact.library, plain: fact.call, traced })
}

/// Whether a function takes or hands back one of two values: they stand in different arms of a condition, or each in a
/// `return` of its own.
fn are_alternatives(study: &Study<'_>, one: ValueRef, other: ValueRef) -> bool {
    exclude(study, one, other)
        || match (returned_by(study, one), returned_by(study, other)) {
            (Some(one), Some(other)) => one != other,
            _ => false,
        }
}

/// The statement that hands a value back as it is made.
fn returned_by(study: &Study<'_>, value: ValueRef) -> Option<u32> {
    let facts = &study.program.files.get(value.file as usize)?.source.facts;
    let at = study.program.expr(value).span;
    let mut stmts = (0u32..).zip(&facts.stmts);
    stmts.find(|(_, stmt)| matches!(stmt.kind, StmtKind::Return(_)) && stmt.span.contains(at)).map(|(id, _)| id)
}

/// A part of a client that is wrapped on one way through the function that makes it, and left as it is on the other:
/// `if given != nil { transport = traced(given) } else { transport = plain }`.
fn wrapped_once<'a>(lives: &Lives<'_, 'a>, wrap: &CallFact<'a>) -> Option<Lopsided<'a>> {
    let study = lives.study;
    if wrap.effect.instruments != Some(Slot::Result(0)) || !wrap.effect.outbound {
        return None;
    }
    let target = target_of(study, wrap.call)?;
    let is_plain = |value: &ValueRef| {
        exclude(study, *value, wrap.call)
            && !matches!(study.program.expr_kind(*value), ExprKind::Lit(_))
            && lives.of_shared(*value) == Life::Plain
    };
    let plain = assigned(study, wrap, &target).into_iter().find(is_plain)?;
    let is_part = |value: ValueRef| study.text(value) == target;
    let client = study.calls_in(wrap.function).find(|made| {
        kind_of(made).is_some()
            && study.program.expr(made.call).span.start > study.program.expr(plain).span.end
            && parts(study, made.call).into_iter().any(is_part)
    })?;
    Some(Lopsided { kind: kind_of(client)?, library: client.library, plain, traced: wrap.call })
}

/// What the result of a call is assigned to, as it is written.
fn target_of(study: &Study<'_>, call: ValueRef) -> Option<String> {
    let program = study.program;
    let flow = &program.files.get(call.file as usize)?.flow;
    if let Some(write) = flow.writes_from(call.expr).next() {
        return Some(study.text(ValueRef { expr: write.target, ..call }));
    }
    let (_, def) = flow.defs_from(call.expr).next()?;
    flow.vars.get(def.var.0 as usize).map(|var| var.name.to_string())
}

/// The values that a function assigns to what is written like this.
fn assigned(study: &Study<'_>, near: &CallFact<'_>, target: &str) -> Vec<ValueRef> {
    let program = study.program;
    let Some(file) = program.files.get(near.call.file as usize) else { return Vec::new() };
    let here = |expr| ValueRef { expr, ..near.call };
    let writes = file.flow.writes.iter().filter(|write| write.function == near.function.id && write.index.is_none());
    let written = writes.filter(|write| study.text(here(write.target)) == target).map(|write| here(write.value));
    let defs = file.flow.defs.iter().filter(|def| def.function == near.function.id);
    let named = |def: &&crate::link::flow::Def| {
        file.flow.vars.get(def.var.0 as usize).is_some_and(|var| var.name.as_str() == target)
    };
    let defined = defs.filter(named).filter_map(|def| match def.kind {
        crate::link::flow::DefKind::Value { value, index: None, .. } => Some(here(value)),
        _ => None,
    });
    written.chain(defined).filter(|value| *value != near.call).collect()
}

/// The values that a client is made of.
fn parts(study: &Study<'_>, made: ValueRef) -> Vec<ValueRef> {
    let here = |expr| ValueRef { expr, ..made };
    match study.program.expr_kind(made) {
        ExprKind::Composite { fields, .. } => fields.iter().map(|field| here(field.value)).collect(),
        ExprKind::Call { args, .. } | ExprKind::New { args, .. } => args.iter().map(|arg| here(arg.value)).collect(),
        _ => Vec::new(),
    }
}

/// Whether nothing says that the plain way is meant to be, or that something else traces it.
fn counts(lives: &Lives<'_, '_>, found: &Lopsided<'_>) -> bool {
    let study = lives.study;
    let function = study.program.function_at(found.plain);
    let from_outside = || {
        let unit = study.unit(found.plain.file);
        unit.is_traced() && !gate::is_traced_by_code(unit, found.library)
    };
    !choice::stands_where_off(study, found.plain)
        && !from_outside()
        && !fallback::is_never_needed(study, found.plain)
        && !apart::is_apart(study, function, found.plain)
        && !strangers::goes_to_third_party(study, found.plain)
        && !study.is_idle(function)
}

fn finding(study: &Study<'_>, found: &Lopsided<'_>) -> Finding {
    let mut out = study.finding(rule_of(found.kind), found.plain, Confidence::Likely);
    let (plain, traced) = (study.callee_text(found.plain), study.callee_text(found.traced));
    let what = if found.kind == HopKind::RpcCall { "metadata" } else { "header" };
    out.message =
        format!("`{plain}` is left plain here, while the other way through this function has it instrumented");
    out.label = "what is sent this way carries no trace".to_owned();
    out.effect = format!(
        "Whether a request has a trace {what} depends on which way is taken: behind this one the service that is called \
         starts a new trace"
    );
    out.help = format!("Instrument it on both ways, as `{traced}` does: best once, behind the condition");
    out.confirm = format!("Send a request on this way and look for a trace {what} on the callee's side: there is none");
    out.related.push(study.related(found.traced, "instrumented on the other way"));
    out
}
