//! Attributes of spans: `sensitive-attribute` and `deprecated-attribute`.

use super::words::{has, words};
use crate::finding::{Confidence, Finding};
use crate::ir::ExprKind;
use crate::knowledge::{Slot, vocabulary};
use crate::link::{Origin, ValueRef};
use crate::rules::Verdicts;
use crate::study::{CallFact, Study};
use rustc_hash::FxHashMap;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use ustr::Ustr;

/// The file `rules/attributes.toml`, which documents its fields.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Conventions {
    family: String,
    renamed: FxHashMap<String, String>,
}

static CONVENTIONS: LazyLock<Conventions> =
    LazyLock::new(|| toml::from_str(include_str!("../../../rules/attributes.toml")).unwrap_or_default());

/// What took the place of a name that was given up.
fn successor(name: &str) -> Option<&'static str> {
    CONVENTIONS.renamed.get(name).map(String::as_str)
}

/// An attribute: its key and value, as far as they are seen.
struct Attribute {
    key: Option<(ValueRef, Ustr)>,
    value: Option<ValueRef>,
}

/// Judges every attribute that the code makes.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    let mut renamed: BTreeMap<usize, Vec<(ValueRef, Ustr)>> = BTreeMap::new();
    let mut current: BTreeMap<usize, Vec<Ustr>> = BTreeMap::new();
    for fact in study.calls() {
        for found in attributes(study, fact) {
            out.findings.extend(sensitive(study, &found));
            let Some((place, key)) = found.key.filter(|_| fact.library.family == CONVENTIONS.family) else { continue };
            let unit = study.program.files[place.file as usize].source.unit;
            if successor(&key).is_some() {
                renamed.entry(unit).or_default().push((place, key));
            } else {
                current.entry(unit).or_default().push(key);
            }
        }
    }
    for (unit, mut found) in renamed {
        // Whoever writes both names is in the middle of the change.
        let both = |key: &Ustr| {
            let new = successor(key).unwrap_or_default();
            current.get(&unit).is_some_and(|keys| keys.iter().any(|key| key == new))
        };
        found.retain(|(_, key)| !both(key));
        out.findings.extend(deprecated(study, &found));
    }
}

fn attributes(study: &Study<'_>, fact: &CallFact<'_>) -> Vec<Attribute> {
    let Some(effect) = fact.effect.attribute else { return Vec::new() };
    let first = |slot: Slot| study.slot(fact.call, slot).first().copied();
    let text = |value: ValueRef| Some((value, constant(study, value)?));
    let mut out = Vec::new();
    if effect.key != Slot::None {
        out.push(Attribute { key: first(effect.key).and_then(text), value: first(effect.value) });
    }
    if let Some(entries) = first(effect.entries).filter(|_| effect.entries != Slot::None)
        && let ExprKind::Composite { fields, .. } = study.program.expr_kind(entries)
    {
        let at = |expr| ValueRef { expr, ..entries };
        out.extend(
            fields
                .iter()
                .map(|field| Attribute { key: field.key.and_then(|key| text(at(key))), value: Some(at(field.value)) }),
        );
    }
    out
}

/// The text that a value always is.
fn constant(study: &Study<'_>, value: ValueRef) -> Option<Ustr> {
    let text = |value| match study.program.expr_kind(value) {
        ExprKind::Str(text) => Some(*text),
        _ => None,
    };
    text(value).or_else(|| match study.program.origins(value, false).as_slice() {
        [Origin::Literal(only)] => text(*only),
        _ => None,
    })
}

/// A finding where the value is a secret by its own name, or by the attribute's.
fn sensitive(study: &Study<'_>, found: &Attribute) -> Option<Finding> {
    let value = found.value?;
    if is_harmless_shape(study, value) {
        return None;
    }
    let own = identifier(study, value).map(|name| words(&name));
    let owner = owner(study, value).map(|name| words(&name)).unwrap_or_default();
    let key = found.key.map(|(_, key)| words(&key));
    let secret = |text: &Option<String>| text.as_deref().and_then(|text| secret(text, &owner));
    if own.as_deref().is_some_and(is_harmless) || key.as_deref().is_some_and(is_harmless) {
        return None;
    }
    let what = secret(&own).or_else(|| secret(&key))?;
    let mut out = study.finding("sensitive-attribute", value, Confidence::Certain);
    let text = study.text(value);
    out.message = format!("`{text}` goes into a span's attribute as it is: {}", what.replace('_', " "));
    out.label = "everybody who can read traces can read this".to_owned();
    out.effect =
        "the secret is stored by the tracing backend, its exports and its backups, beyond the reach of those who \
                  guard it"
            .to_owned();
    out.help = format!("leave `{text}` out; an opaque id, or whether it was there, is enough to follow the request");
    out.confirm = "open a span of this code in the tracing backend: the attribute shows the value".to_owned();
    Some(out)
}

/// The secret that some words name, of which the first are those of an owner: what is of a token (`refreshToken.issuer`) is
/// none for that.
fn secret(words: &str, owner: &str) -> Option<&'static str> {
    let names = |phrase: &&str| has(words, phrase) && (owner.is_empty() || !has(owner, phrase));
    vocabulary().secrets.iter().map(String::as_str).find(names)
}

/// The identifier of what a value is a member of: `card` of `card.number`.
fn owner(study: &Study<'_>, value: ValueRef) -> Option<String> {
    let at = |expr| ValueRef { expr, ..value };
    match study.program.expr_kind(value) {
        ExprKind::Member { base, .. } => identifier(study, at(*base)),
        ExprKind::Call { callee, args } if args.is_empty() => owner(study, at(*callee)),
        _ => None,
    }
}

fn is_harmless(words: &str) -> bool {
    vocabulary().harmless.iter().any(|word| has(words, word))
}

/// Whether a value can be no secret by its shape: a constant, a comparison, a measure, something put together.
fn is_harmless_shape(study: &Study<'_>, value: ValueRef) -> bool {
    match study.program.expr_kind(value) {
        ExprKind::Name(_) | ExprKind::Member { .. } | ExprKind::Index { .. } => constant(study, value).is_some(),
        ExprKind::Call { args, .. } => args.len() > 1,
        _ => true,
    }
}

/// The identifier that says what a value is: `card.number` is `card_number`.
fn identifier(study: &Study<'_>, value: ValueRef) -> Option<String> {
    let at = |expr| ValueRef { expr, ..value };
    match study.program.expr_kind(value) {
        ExprKind::Name(name) => Some(name.to_string()),
        ExprKind::Member { base, name, .. } => {
            let owner = identifier(study, at(*base)).unwrap_or_default();
            Some(format!("{} {name}", owner.split(' ').next_back().unwrap_or_default()))
        }
        ExprKind::Index { index: Some(index), .. } => constant(study, at(*index)).map(|key| key.to_string()),
        ExprKind::Call { callee, args } => match args.as_ref() {
            [] => identifier(study, at(*callee)),
            // Of a header, a parameter, a setting: its name says what it is. Anything else may make it harmless.
            [only] => {
                let key = constant(study, at(only.value))?;
                Some(format!("{} {key}", identifier(study, at(*callee))?))
            }
            _ => None,
        },
        _ => None,
    }
}

/// One finding for all renamed attributes of a unit.
fn deprecated(study: &Study<'_>, found: &[(ValueRef, Ustr)]) -> Option<Finding> {
    let (place, key) = *found.first()?;
    let new = successor(&key)?;
    let mut out = study.finding("deprecated-attribute", place, Confidence::Certain);
    out.message = format!("`{key}` was renamed to `{new}` in the semantic conventions");
    out.label = format!("now `{new}`");
    out.effect =
        "dashboards, alerts and sampling policies that ask for the stable name do not see these spans, and the \
                  instrumentation libraries of this service write the new one"
            .to_owned();
    out.help = format!("write `{new}`, and both for as long as something still asks for `{key}`");
    out.confirm = format!("search the tracing backend for spans with `{new}`: those of this code are missing");
    out.related = found
        .iter()
        .skip(1)
        .take(15)
        .map(|(place, key)| study.related(*place, format!("`{key}` is now `{}`", successor(key).unwrap_or_default())))
        .collect();
    Some(out)
}
