//! `inject-into-nowhere`: the carrier that is injected into is never used again.

use super::super::Verdicts;
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, Language};
use crate::knowledge::{Slot, TypeRole};
use crate::link::flow::DefKind;
use crate::link::{Origin, Step, ValueRef};
use crate::study::{CallFact, Study};

/// The types of Python's texts.
const TEXTS: [&str; 2] = ["str", "bytes"];

/// Finds injections into a carrier that is made for them and then forgotten.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    for fact in study.calls() {
        let Some(inject) = fact.effect.inject else { continue };
        let carriers = study.slot(fact.call, inject.carrier);
        if let Some(text) = carriers.iter().copied().find(|carrier| is_text(study, fact.call, *carrier)) {
            out.findings.push(finding_on_text(study, fact, text));
            continue;
        }
        let lost =
            carriers.into_iter().find_map(|carrier| local(study, carrier)).filter(|name| is_lost(study, fact, *name));
        if let Some(name) = lost {
            out.findings.push(finding(study, fact, name));
        }
    }
}

/// Whether a Python carrier is a text, into which nothing can be written, and nothing else is told how to write into it.
fn is_text(study: &Study<'_>, inject: ValueRef, carrier: ValueRef) -> bool {
    let program = study.program;
    let is_text = |origin: Origin| match origin {
        Origin::Literal(value) => matches!(program.expr_kind(value), ExprKind::Str(_)),
        Origin::Call(call, 0) => program.type_of(call).is_some_and(|ty| TEXTS.contains(&ty.as_str())),
        _ => false,
    };
    let origins = program.origins(carrier, false);
    let mut given = study.slot(inject, Slot::AnyArg).into_iter();
    study.language() == Language::Python
        && !origins.is_empty()
        && origins.into_iter().all(is_text)
        && given.all(|value| value == carrier)
}

/// The local name behind a carrier, through casts and library wrappers that only view it.
fn local(study: &Study<'_>, carrier: ValueRef) -> Option<ValueRef> {
    let program = study.program;
    let mut value = carrier;
    for _ in 0..5 {
        match program.expr_kind(value) {
            ExprKind::Name(_) => return Some(value).filter(|value| !program.reaching(*value).is_empty()),
            ExprKind::Cast { value: inner, .. } | ExprKind::Unary { operand: inner, .. } => {
                value = ValueRef { expr: *inner, ..value };
            }
            ExprKind::Call { .. } | ExprKind::New { .. } => {
                let slot = study.fact(value)?.effect.derives?;
                value = study.slot(value, slot).first().copied()?;
            }
            _ => return None,
        }
    }
    None
}

/// Whether every value of the name is made right here and nothing reads the name after the injection.
fn is_lost(study: &Study<'_>, fact: &CallFact<'_>, name: ValueRef) -> bool {
    let program = study.program;
    let Some(file) = program.files.get(name.file as usize) else { return false };
    let Some(def) = program.reaching(name).first().map(|def| *program.def(name.file, *def)) else { return false };
    let Some(var) = file.flow.vars.get(def.var.0 as usize) else { return false };
    let own = var.function == fact.function.id
        && var.defs.iter().all(|def| {
            let def = program.def(name.file, *def);
            let DefKind::Value { value, index: None } = def.kind else { return false };
            let local_loop = fact.site.in_loop == 0 || def.in_loop == fact.site.in_loop;
            local_loop && is_fresh(study, ValueRef { expr: value, ..name })
        });
    let end = program.expr(fact.call).span.end;
    own && var.uses.iter().all(|used| {
        let used = ValueRef { expr: *used, ..name };
        program.expr(used).span.start < end && !escapes(study, fact, used)
    })
}

/// A container made here with nothing else pointing to it.
fn is_fresh(study: &Study<'_>, value: ValueRef) -> bool {
    let program = study.program;
    match program.expr_kind(value) {
        ExprKind::Composite { fields, .. } => fields.iter().all(|field| {
            matches!(program.expr_kind(ValueRef { expr: field.value, ..value }), ExprKind::Str(_) | ExprKind::Lit(_))
        }),
        ExprKind::New { args, .. } => args.is_empty() && program.callee(value).functions.is_empty(),
        ExprKind::Call { args, .. } => {
            let callee = program.callee(value);
            let name = callee.name.unwrap_or_default();
            let bare = callee.functions.is_empty();
            let carrier = callee.constructs.is_some_and(|ty| program.role(ty) == Some(TypeRole::Carrier));
            bare && (name == "make" || args.is_empty() && (name == "dict" || carrier))
        }
        _ => false,
    }
}

/// Whether a use before the injection lets something else hold the container.
fn escapes(study: &Study<'_>, fact: &CallFact<'_>, used: ValueRef) -> bool {
    let program = study.program;
    if program.expr(fact.call).span.contains(program.expr(used).span) {
        return false;
    }
    match program.parent(used).map(|parent| (parent, program.expr_kind(parent))) {
        // `carrier.Set(…)`, `carrier[key]`: the container itself stays here.
        Some((_, ExprKind::Index { .. })) => false,
        Some((member, ExprKind::Member { .. })) => {
            !program.parent(member).is_some_and(|call| matches!(program.step(call), Step::Call(..)))
        }
        _ => true,
    }
}

fn finding_on_text(study: &Study<'_>, fact: &CallFact<'_>, carrier: ValueRef) -> Finding {
    let (inject, carrier) = (study.callee_text(fact.call), study.text(carrier));
    let mut found = study.finding("inject-into-nowhere", fact.call, Confidence::Certain);
    found.message = format!("`{inject}` cannot write the trace into `{carrier}`: it is a text");
    found.label = format!("`{carrier}` cannot be changed");
    found.effect = "the call fails or does nothing, and whoever is asked starts a new trace".to_owned();
    found.help =
        format!("inject into the headers that are sent with `{carrier}`, or into a dict before it is written as text");
    found.confirm = "print the headers where the request arrives: there is no trace header".to_owned();
    found
}

fn finding(study: &Study<'_>, fact: &CallFact<'_>, name: ValueRef) -> Finding {
    let carrier = study.text(name);
    let inject = study.callee_text(fact.call);
    let mut found = study.finding("inject-into-nowhere", fact.call, Confidence::Likely);
    found.message = format!("`{inject}` writes the trace into `{carrier}`, which nothing reads afterwards");
    found.label = format!("`{carrier}` is never sent");
    found.effect = "the request leaves without a trace header, and the callee starts a new trace".to_owned();
    found.help = format!(
        "inject into the headers that are sent, or send `{carrier}` with them (assumed: the client does not inject by itself)"
    );
    found.confirm = "print the headers where the request arrives: there is no trace header".to_owned();
    if let Some(def) = study.program.reaching(name).first() {
        let span = study.program.def(name.file, *def).span;
        let place = study.program.place_of(name.file, span);
        found.related.push(crate::finding::Related { place, message: format!("`{carrier}` is made here") });
    }
    found
}
