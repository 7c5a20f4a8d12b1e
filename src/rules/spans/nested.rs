//! Spans of a loop that nest in each other.

use super::starts::{assumption, judged};
use super::uses::Uses;
use crate::finding::{Confidence, Finding};
use crate::ir::Language;
use crate::knowledge::Slot;
use crate::link::ValueRef;
use crate::link::flow::{Def, VarId};
use crate::rules::Verdicts;
use crate::study::{CallFact, Study};

/// Finds loops whose every round overwrites the outer context with that of its own span.
pub(super) fn check(study: &Study<'_>, uses: &Uses, out: &mut Verdicts) {
    if study.language() != Language::Go {
        return;
    }
    for fact in study.calls().iter().filter(|fact| fact.site.in_loop != 0) {
        let Some(confidence) = judged(study, fact.call) else { continue };
        if let Some(found) = overwritten(study, uses, fact) {
            out.findings.push(finding(study, fact, &found, confidence));
        }
    }
}

struct Overwritten {
    name: String,
    declared: Def,
}

fn overwritten(study: &Study<'_>, uses: &Uses, fact: &CallFact<'_>) -> Option<Overwritten> {
    let program = study.program;
    let span = fact.effect.span.filter(|span| !span.current)?;
    let Slot::Result(derived) = span.derived else { return None };
    let file = fact.call.file;
    let made = uses.definitions_of(fact.call, derived).next()?;
    let written = *program.def(file, made.def);
    let parents = study.slot(fact.call, span.context);
    let same = parents.iter().any(|parent| is_variable(study, *parent, written.var));
    let var = program.files.get(file as usize)?.flow.vars.get(written.var.0 as usize)?;
    let declared = *program.def(file, *var.defs.first()?);
    let inside = |def: &Def| def.in_loop == fact.site.in_loop && def.function == fact.function.id;
    if !same || !inside(&written) || inside(&declared) || declared.function != fact.function.id {
        return None;
    }
    // A loop around this one may declare it, and another write in the round may put the outer context back.
    let others = var.defs.iter().filter(|def| **def != made.def).map(|def| program.def(file, *def));
    let restored = others.into_iter().any(inside);
    (!restored).then(|| Overwritten { name: var.name.to_string(), declared })
}

fn is_variable(study: &Study<'_>, value: ValueRef, var: VarId) -> bool {
    study.program.reaching(value).iter().any(|def| study.program.def(value.file, *def).var == var)
}

fn finding(study: &Study<'_>, fact: &CallFact<'_>, found: &Overwritten, confidence: Confidence) -> Finding {
    let name = &found.name;
    let callee = study.callee_text(fact.call);
    let mut finding = study.finding("span-in-loop", fact.call, confidence);
    finding.message = format!(
        "each round of the loop overwrites `{name}` with its own span's context, so the next round's span nests in it"
    );
    finding.label = format!("`{name}` is parent and result");
    finding.effect =
        "siblings show up as a chain, each the child of the one before, which has often ended already".to_owned();
    finding.help =
        format!("give the round a variable of its own: `roundCtx, span := {callee}({name}, …)`, and pass that one on");
    finding.help += assumption(confidence);
    finding.confirm = "run the loop over three items and open the trace: the spans form a staircase".to_owned();
    let place = study.program.place_of(fact.call.file, found.declared.span);
    finding.related.push(crate::finding::Related { place, message: format!("`{name}` is declared outside the loop") });
    finding
}
