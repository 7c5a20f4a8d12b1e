//! `simple-span-processor`: every span is exported at once, over the network.

use super::super::Verdicts;
use crate::finding::Confidence;
use crate::ir::{ExprId, ExprKind, Stmt, StmtKind};
use crate::knowledge::{Slot, has_part, vocabulary};
use crate::link::Origin;
use crate::link::ValueRef;
use crate::study::{CallFact, Study, is_aside};
use ustr::Ustr;

/// Finds simple processors with an exporter that is not seen to be local.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    for fact in study.calls().iter().filter(|fact| fact.effect.simple_processor) {
        // An example that ends at once must see its spans arrive; it takes no load.
        if is_aside(&study.program.place(fact.call).path) || is_chosen(study, fact) {
            continue;
        }
        let Some(exporter) = study.slot(fact.call, Slot::AnyArg).first().copied() else { continue };
        let Some(confidence) = network(study, exporter) else { continue };
        let call = study.callee_text(fact.call);
        let given = study.text(exporter);
        let mut found = study.finding("simple-span-processor", fact.call, confidence);
        found.message = match confidence {
            Confidence::Certain => format!("`{call}` sends each span on its own, as it ends"),
            _ => format!("`{call}` sends each span on its own, as it ends, if `{given}` uses the network"),
        };
        found.label = "exports one by one".to_owned();
        found.effect =
            "whoever ends a span waits for its export, and under load single spans are lost: traces have holes"
                .to_owned();
        found.help =
            format!("give `{given}` to a batch span processor, and shut the provider down before the process ends");
        found.confirm =
            "stop the collector and measure one request: it gets slower by the exporter's timeout for each span"
                .to_owned();
        out.findings.push(found);
    }
}

/// Whether whoever runs the program chooses between this processor and a batching one: both stand on branches of one choice,
/// or each behind a condition of its own on one value (`if kind == "zipkin": …`, `if kind == "collector": …`).
fn is_chosen(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let program = study.program;
    let Some(file) = program.files.get(fact.call.file as usize) else { return false };
    let facts = &file.source.facts;
    let holds = |block: &[u32], call: ValueRef| {
        let at = program.expr(call).span;
        facts.statements(block).any(|stmt| stmt.span.contains(at))
    };
    let batching: Vec<ValueRef> =
        study.calls_in(fact.function).filter(|other| other.effect.batches).map(|other| other.call).collect();
    let by_branches = |stmt: &Stmt| {
        let branches = match &stmt.kind {
            StmtKind::If { .. } | StmtKind::Switch { .. } => stmt.kind.blocks(),
            _ => return false,
        };
        let is_own = |block: &&&[u32]| holds(block, fact.call);
        let batches = |block: &&[u32]| batching.iter().any(|call| holds(block, *call));
        branches.iter().any(|block| is_own(&block)) && branches.iter().filter(|block| !is_own(block)).any(batches)
    };
    let by_conditions = || {
        let others: Vec<(String, Ustr)> = batching.iter().flat_map(|call| conditions(study, *call)).collect();
        let own = conditions(study, fact.call);
        own.iter().any(|(value, text)| others.iter().any(|(other, asked)| other == value && asked != text))
    };
    !batching.is_empty() && (facts.stmts.iter().any(by_branches) || by_conditions())
}

/// The values that are compared with a text by the conditions under which a call runs, as written, each with that text.
fn conditions(study: &Study<'_>, call: ValueRef) -> Vec<(String, Ustr)> {
    let program = study.program;
    let Some(file) = program.files.get(call.file as usize) else { return Vec::new() };
    let facts = &file.source.facts;
    let at = program.expr(call).span;
    let compared = |condition: ExprId| match program.expr_kind(ValueRef { expr: condition, ..call }) {
        ExprKind::Binary { op, left, right } if op == "==" => {
            match program.expr_kind(ValueRef { expr: *right, ..call }) {
                ExprKind::Str(text) => Some((study.text(ValueRef { expr: *left, ..call }), *text)),
                _ => None,
            }
        }
        _ => None,
    };
    let asked = facts.stmts.iter().filter_map(|stmt| match &stmt.kind {
        StmtKind::If { condition, then, .. } => {
            facts.statements(then).any(|inner| inner.span.contains(at)).then(|| compared(*condition))?
        }
        _ => None,
    });
    asked.collect()
}

/// Whether an exporter uses the network: certain for one that is seen to be a library's, `None` for a local or own one.
fn network(study: &Study<'_>, exporter: ValueRef) -> Option<Confidence> {
    let program = study.program;
    if is_local(&study.text(exporter)) {
        return None;
    }
    let mut confidence = None;
    for origin in program.origins(exporter, true) {
        let Origin::Call(call, _) = origin else { return None };
        let callee = program.callee(call);
        let made = callee.constructs.or(callee.name)?;
        // Others are given one that uses the network.
        if is_local(&made) {
            continue;
        }
        if program.own_type(made).is_some() || !callee.functions.is_empty() || has_own_part(study, call) {
            return None;
        }
        let known = if program.role(made).is_some() || program.role_of(call).is_some() {
            Confidence::Certain
        } else {
            Confidence::Likely
        };
        confidence = Some(confidence.map_or(known, |so_far: Confidence| so_far.min(known)));
    }
    confidence
}

/// Whether a library's exporter is given something with methods of the program's own, which does its sending.
fn has_own_part(study: &Study<'_>, made: ValueRef) -> bool {
    let program = study.program;
    study.slot(made, Slot::AnyArg).into_iter().any(|value| {
        let own = program.type_of(value).and_then(|ty| program.own_type(ty));
        own.is_some_and(|ty| !program.methods_of(ty).is_empty())
    })
}

/// Whether a name says that what it names keeps spans in the process.
pub(super) fn is_local(name: &str) -> bool {
    has_part(&name.to_lowercase(), &vocabulary().local_exporters)
}
