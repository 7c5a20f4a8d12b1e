//! uninstrumented-rpc-client, in part: of a channel with calls of two shapes, only the unary ones are traced (Go).

use super::super::Verdicts;
use super::life::Lives;
use super::streams::traces_unary_alone;
use super::{apart, gate, words};
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, Language};
use crate::knowledge::TypeRole;
use crate::link::ValueRef;
use crate::link::flow::DefKind;
use crate::rules::clients::can_be_inside;
use crate::study::{CallFact, Study};

/// Finds the channels whose calls that stay open carry no trace, while the others do.
pub(super) fn check(lives: &Lives<'_, '_>, out: &mut Verdicts) {
    let study = lives.study;
    if study.language() != Language::Go {
        return;
    }
    for fact in study.calls().iter().filter(|fact| fact.effect.makes == Some(TypeRole::RpcChannel)) {
        let Some(stubs) = fact.library.stubs.as_ref().filter(|stubs| !stubs.on_streams.is_empty()) else { continue };
        let unit = study.unit(fact.call.file);
        if !gate::is_traced_by_code(unit, fact.library) || unit.coverage(fact.library).is_some() {
            continue;
        }
        let place = study.program.place(fact.call);
        if apart::is_apart(study, fact.function, fact.call)
            || study.is_aside(&place.path)
            || !traces_unary_alone(lives, fact)
        {
            continue;
        }
        let opens = |call: &ValueRef| {
            stays_open(study, *call, &stubs.on_streams)
                && can_be_inside(study, study.program.function_at(*call))
                && !words::is_apart(&study.callee_text(*call))
        };
        if let Some(call) = lives.later(fact.call).uses.iter().copied().find(opens) {
            out.findings.push(finding(study, fact, call));
        }
    }
}

/// Whether what a call hands out is sent to or received from, one message after the other.
fn stays_open(study: &Study<'_>, call: ValueRef, methods: &[String]) -> bool {
    let program = study.program;
    let Some(flow) = program.files.get(call.file as usize).map(|file| &file.flow) else { return false };
    let first = |kind: &DefKind| matches!(kind, DefKind::Value { index: None | Some(0), .. });
    let vars = flow
        .defs_from(call.expr)
        .filter(|(_, def)| first(&def.kind))
        .filter_map(|(id, def)| Some((id, flow.vars.get(def.var.0 as usize)?)));
    let mut uses = vars.flat_map(|(id, var)| var.uses.iter().filter(move |used| flow.reaching(**used).contains(&id)));
    uses.any(|used| {
        let Some(member) = program.parent(ValueRef { expr: *used, ..call }) else { return false };
        let named = matches!(program.expr_kind(member), ExprKind::Member { base, name, .. }
            if *base == *used && methods.iter().any(|method| method == name.as_str()));
        let is_called = |outer: ValueRef| {
            matches!(program.expr_kind(outer), ExprKind::Call { callee, .. } if *callee == member.expr)
        };
        named && program.parent(member).is_some_and(is_called)
    })
}

fn finding(study: &Study<'_>, fact: &CallFact<'_>, call: ValueRef) -> Finding {
    let (maker, target) = (study.callee_text(fact.call), study.callee_text(call));
    let mut found = study.finding("uninstrumented-rpc-client", fact.call, Confidence::Likely);
    found.message = format!("`{maker}` traces unary calls alone: the stream of `{target}` carries no trace metadata");
    found.label = "its streams are not traced".to_owned();
    found.effect = format!("whoever serves `{target}` begins a trace of its own for each stream");
    found.help = match fact.library.mend.as_str() {
        "" => format!("instrument the streams of `{maker}` as its other calls"),
        mend => format!("For `{maker}`: {mend}"),
    };
    found.confirm = format!("call `{target}` inside a trace and look for the spans of the server: they are in another");
    found.related.push(study.related(call, "opens a stream"));
    found
}
