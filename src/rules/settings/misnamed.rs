//! `service-name-missing`: a resource whose key only looks like that of the service's name. Keys of attributes are exact
//! text, so `SERVICE.NAME` or `service_name` names nothing.

use super::super::Verdicts;
use crate::finding::Confidence;
use crate::ir::{ExprKind, Field};
use crate::link::{Origin, ValueRef};
use crate::study::{Study, is_aside};
use rustc_hash::FxHashSet;

/// The key under which every backend looks for the name of a service.
const KEY: &str = "service.name";

/// Finds the resources of providers that have another spelling of the key, and not the key.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    let mut seen = FxHashSet::default();
    for fact in study.calls().iter().filter(|fact| fact.effect.tracer_provider) {
        let Some(slot) = fact.effect.resource else { continue };
        if is_aside(&study.program.files[fact.call.file as usize].source.path) {
            continue;
        }
        let given = study.slot(fact.call, slot);
        let origins = given.into_iter().flat_map(|value| study.program.origins(value, true));
        let made: Vec<ValueRef> = origins
            .filter_map(|origin| match origin {
                Origin::Call(made, _) => Some(made),
                _ => None,
            })
            .collect();
        // Of several resources any may have the name.
        let [made] = made[..] else { continue };
        if let Some((key, text)) = misspelt(study, made).filter(|(key, _)| seen.insert(*key)) {
            report(study, key, &text, out);
        }
    }
}

/// The key of a resource that is meant for the name, where all of its attributes are seen and none of them is it.
fn misspelt(study: &Study<'_>, made: ValueRef) -> Option<(ValueRef, String)> {
    let program = study.program;
    let ExprKind::Call { args, .. } = program.expr_kind(made) else { return None };
    let [given] = args[..] else { return None };
    let (at, fields) = attributes(study, ValueRef { expr: given.value, ..made }, 3)?;
    let mut found = None;
    for field in fields {
        let key = ValueRef { expr: field.key?, ..at };
        match program.expr_kind(key) {
            ExprKind::Str(text) if text == KEY => return None,
            ExprKind::Str(text) if plain(text) == plain(KEY) => found = Some((key, text.to_string())),
            ExprKind::Str(_) => {}
            // A constant may be the key, under whatever name.
            _ => return None,
        }
    }
    found
}

/// The entries of a mapping, also behind a variable.
fn attributes<'s>(study: &'s Study<'_>, value: ValueRef, steps: u8) -> Option<(ValueRef, &'s [Field])> {
    if let ExprKind::Composite { fields, .. } = study.program.expr_kind(value) {
        return Some((value, fields));
    }
    match study.program.origins(value, false)[..] {
        [Origin::Literal(literal)] if steps > 0 && literal != value => attributes(study, literal, steps - 1),
        _ => None,
    }
}

/// A key without what tells spellings apart.
fn plain(key: &str) -> String {
    key.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

fn report(study: &Study<'_>, key: ValueRef, text: &str, out: &mut Verdicts) {
    let service = study.unit(key.file).name.clone();
    let mut found = study.finding("service-name-missing", key, Confidence::Likely);
    found.message = format!("`{text}` names no service: the key is `{KEY}`, letter for letter");
    found.label = "another key than the one that is looked for".to_owned();
    found.effect = format!(
        "where no environment names it, the spans of {service} are filed under `unknown_service`, together with those \
         of others that have no name"
    );
    found.help = format!("write `{KEY}`, or the constant of the semantic conventions for it");
    found.confirm = format!("look for {service} in the list of services of the tracing backend: it is not there");
    out.findings.push(found);
}
