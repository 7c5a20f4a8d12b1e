//! `wrong-id`: an id that code makes up takes the place of the trace's in the logging context, under the very name by which
//! what traces the service keeps it there (Java).

use super::patterns;
use crate::facts::Piece;
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, Language};
use crate::knowledge::{AnnotationRole, Slot};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::rules::Verdicts;
use crate::rules::async_work::stands_before;
use crate::services::StackDescription;
use crate::study::{CallFact, Inbound, Study, annotation_role, is_aside};
use ustr::Ustr;

/// How many calls of a chain are followed from a text to what it was made of.
const MAX_CHAIN: usize = 8;

/// Reports each id of the code's own making that is put where the trace's stands.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    if study.language() != Language::Java {
        return;
    }
    for fact in study.calls().iter().filter(|fact| fact.effect.puts_mdc && !fact.effect.copies_mdc) {
        let Some(pages) = patterns::pages(study.unit(fact.call.file)) else { continue };
        let Some(key) = name(study, fact.call) else { continue };
        let is_kept = |page: &&'static StackDescription| page.log_keys.contains(&key);
        if pages.iter().all(is_kept)
            && !is_aside(&study.program.place(fact.call).path)
            && runs_inside(study, fact.function)
            && !looks_first(study, fact.function)
            && study.slot(fact.call, Slot::Arg(1)).into_iter().all(|value| is_made_up(study, value, MAX_CHAIN))
        {
            let by = pages.first().map_or("what traces the service", |page| page.title.as_str());
            out.findings.push(finding(study, fact, &key, by));
        }
    }
}

/// The one name under which a call puts something.
fn name(study: &Study<'_>, call: ValueRef) -> Option<String> {
    let given = study.slot(call, Slot::Arg(0));
    let texts: Vec<_> = given.into_iter().flat_map(|value| study.texts(value)).collect();
    match texts.as_slice() {
        [text] => match text.0.as_slice() {
            [Piece::Literal(name)] => Some(name.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a function runs for requests, behind what begins their spans: a filter that is given a place of its own among the
/// others may run before that, which then puts the trace's id over the other.
fn runs_inside(study: &Study<'_>, function: FuncRef) -> bool {
    let program = study.program;
    let function = program.outermost(function);
    let Some(owner) = program.enclosing_type(function) else { return false };
    let decl = program.type_decl(owner);
    let is_order = |found| annotation_role(study, function.file, found) == Some(AnnotationRole::Order);
    let name = program.type_name(owner);
    let is_ordered = |above: &Ustr| program.knowledge.ty(*above).is_some_and(|(_, known)| known.ordered);
    let has_place = decl.annotations.iter().any(is_order) || program.supertypes(name).iter().any(is_ordered);
    let runs =
        || stands_before(study, function) || matches!(study.inbound(function), Inbound::Entry(_) | Inbound::Below(_));
    !has_place && runs() && !is_made_by_hand(study, name)
}

/// Whether code makes an object of a type, and so may give it a place.
fn is_made_by_hand(study: &Study<'_>, name: Ustr) -> bool {
    let program = study.program;
    (0u32..).zip(&program.files).any(|(at, file)| {
        file.source.facts.exprs.iter().any(|expr| match &expr.kind {
            ExprKind::New { ty, .. } => name.ends_with(ty.name.as_str()) && program.type_ref(at, ty) == name,
            _ => false,
        })
    })
}

/// Whether a function asks for the current span, or for what is in the logging context, before it decides.
fn looks_first(study: &Study<'_>, function: FuncRef) -> bool {
    let within = study.with_nested(study.program.outermost(function));
    let mut facts = within.into_iter().flat_map(|function| study.calls_in(function));
    facts.any(|fact| {
        let effect = fact.effect;
        let asks = effect.context_of == Some(Slot::Ambient) || effect.derives == Some(Slot::Ambient);
        asks || effect.reads_mdc || effect.yields_id.is_some()
    })
}

/// Whether a value is an id that code makes up, in whatever form.
fn is_made_up(study: &Study<'_>, value: ValueRef, steps: usize) -> bool {
    let Some(rest) = steps.checked_sub(1) else { return false };
    let origins = study.program.origins(value, false);
    !origins.is_empty()
        && origins.into_iter().all(|origin| {
            let Origin::Call(call, 0) = origin else { return false };
            let is_maker = study.fact(call).is_some_and(|fact| fact.effect.makes_id);
            // `UUID.randomUUID().toString().replace("-", "")`
            let of_one =
                || study.program.receiver(call).is_some_and(|from| from != value && is_made_up(study, from, rest));
            is_maker || (study.fact(call).is_none() && study.program.callee(call).functions.is_empty() && of_one())
        })
}

fn finding(study: &Study<'_>, put: &CallFact<'_>, key: &str, by: &str) -> Finding {
    let mut out = study.finding("wrong-id", put.call, Confidence::Certain);
    out.message = format!("an id of its own making is put into the logging context under `{key}`, over the trace's");
    out.label = format!("{by} keeps the id of the trace under this name");
    out.effect = "The records of the request bear an id that no trace has, and what takes it away again takes the \
                  trace's with it"
        .to_owned();
    out.help = format!("leave `{key}` to what traces the service, and put the own id under another name: `requestId`");
    out.confirm = "search the trace backend by the id of a record: nothing opens".to_owned();
    out
}
