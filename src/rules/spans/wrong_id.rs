//! Identifiers under the other identifier's name.

use super::decimal_id;
use super::starts::{assumption, judged};
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, FunctionId, Language};
use crate::knowledge::{FunctionDescription, LibraryDescription, Slot};
use crate::link::flow::DefKind;
use crate::link::{Step, ValueRef};
use crate::rules::Verdicts;
use crate::study::Study;
use rustc_hash::FxHashSet;
use smallvec::SmallVec;
use ustr::Ustr;

/// Finds trace ids named span id, and the other way round.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    encoded_twice(study, out);
    let mut seen = FxHashSet::default();
    for (file, unit) in (0u32..).zip(&study.program.files) {
        let calls = unit.flow.calls.iter().flat_map(|site| pairs(study, ValueRef { file, expr: site.expr }));
        for (key, value) in variables(study, file).chain(calls).chain(elsewhere(study, file)) {
            let Some(named) = named(key.as_str()) else { continue };
            if let Some(found) = decimal_id::judge(study, value, (key.as_str(), named)) {
                out.findings.extend(Some(found).filter(|_| seen.insert(value)));
                continue;
            }
            let Some((id, source)) = identifier(study, value).filter(|(id, _)| *id != named) else { continue };
            let Some(confidence) = judged(study, source).filter(|_| seen.insert(source)) else { continue };
            out.findings.push(finding(study, value, (key.as_str(), id, named), confidence));
        }
    }
}

/// Finds ids whose text, which is in hexadecimal digits, is turned into such digits once more.
fn encoded_twice(study: &Study<'_>, out: &mut Verdicts) {
    for fact in study.calls() {
        let Some(slot) = fact.effect.encodes else { continue };
        let Some(given) = study.slot(fact.call, slot).first().map(|value| unconverted(study, *value)) else { continue };
        let is_text = study
            .fact(given)
            .is_some_and(|made| made.effect.yields_id.is_none() && made.effect.derives == Some(Slot::Receiver));
        let Some((id, source)) = identifier(study, given).filter(|_| is_text) else { continue };
        let Some(confidence) = judged(study, source) else { continue };
        let (text, inner) = (study.text(fact.call), study.text(given));
        let mut finding = study.finding("wrong-id", fact.call, confidence);
        finding.message = format!("the {id} id is turned into hexadecimal digits twice: `{text}`");
        finding.label = format!("`{inner}` is in such digits already");
        finding.effect = "a search by this value finds nothing: it has twice as many digits as the id".to_owned();
        finding.help = format!("use `{inner}` itself");
        finding.help += assumption(confidence);
        finding.confirm = "paste the value into the trace search: nothing opens".to_owned();
        out.findings.push(finding);
    }
}

/// A value without the conversions around it: `id` of `[]byte(id)`.
fn unconverted(study: &Study<'_>, value: ValueRef) -> ValueRef {
    let mut at = value;
    for _ in 0..3 {
        at = match study.program.expr_kind(at) {
            ExprKind::Cast { value: inner, .. } => ValueRef { expr: *inner, ..at },
            ExprKind::Call { callee, args } if args.len() == 1 => {
                let callee = study.program.expr_kind(ValueRef { expr: *callee, ..at });
                match (callee, args.first()) {
                    (ExprKind::Name(_) | ExprKind::Member { .. }, _) | (_, None) => return at,
                    (_, Some(arg)) => ValueRef { expr: arg.value, ..at },
                }
            }
            _ => return at,
        };
    }
    at
}

/// The names and values of plain assignments.
fn variables(study: &Study<'_>, file: u32) -> impl Iterator<Item = (Ustr, ValueRef)> {
    let unit = study.program.files.get(file as usize);
    unit.into_iter().flat_map(move |unit| {
        unit.flow.defs.iter().filter_map(move |def| match def.kind {
            DefKind::Value { value, index: None } => {
                Some((unit.flow.vars.get(def.var.0 as usize)?.name, ValueRef { file, expr: value }))
            }
            _ => None,
        })
    })
}

/// The names and values that a call, keyword list or composite puts together.
fn pairs(study: &Study<'_>, call: ValueRef) -> SmallVec<[(Ustr, ValueRef); 4]> {
    let at = |expr| ValueRef { file: call.file, expr };
    let mut out = SmallVec::new();
    match study.program.expr_kind(call) {
        ExprKind::Call { args, .. } | ExprKind::New { args, .. } => {
            out.extend(args.iter().filter_map(|arg| Some((arg.name?, at(arg.value)))));
            for (key, value) in args.iter().zip(args.iter().skip(1)) {
                if let ExprKind::Str(text) = study.program.expr_kind(at(key.value))
                    && !is_template(text)
                {
                    out.push((*text, at(value.value)));
                }
            }
            for arg in args {
                out.extend(entries(study, at(arg.value)));
            }
        }
        ExprKind::Composite { .. } => out.extend(entries(study, call)),
        _ => {}
    }
    out
}

/// Whether a text has places to fill: which of them a value goes to, its end does not tell.
fn is_template(text: &str) -> bool {
    text.contains(['{', '%'])
}

fn entries(study: &Study<'_>, value: ValueRef) -> impl Iterator<Item = (Ustr, ValueRef)> {
    let at = move |expr| ValueRef { file: value.file, expr };
    let fields = match study.program.expr_kind(value) {
        ExprKind::Composite { fields, .. } => &fields[..],
        _ => &[],
    };
    fields.iter().filter_map(move |field| match study.program.expr_kind(at(field.key?)) {
        ExprKind::Str(text) | ExprKind::Name(text) => Some((*text, at(field.value))),
        _ => None,
    })
}

/// The names and values of fields that are written, and of what functions hand back that are called after an
/// identifier (Python).
fn elsewhere(study: &Study<'_>, file: u32) -> impl Iterator<Item = (Ustr, ValueRef)> {
    let unit = study.program.files.get(file as usize).filter(|_| study.language() == Language::Python);
    unit.into_iter().flat_map(move |unit| {
        let facts = &unit.source.facts;
        let at = move |expr| ValueRef { file, expr };
        let written = unit.flow.writes.iter().filter(|write| write.index.is_none()).filter_map(move |write| {
            let key = match facts.expr(write.target).kind {
                ExprKind::Member { name, .. } => name,
                _ => return None,
            };
            Some((key, at(write.value)))
        });
        let named = (0u32..).zip(&facts.functions).filter(|(_, decl)| named(&decl.name).is_some());
        let returned = named.flat_map(move |(id, decl)| {
            let values = unit.flow.returns_of(FunctionId(id)).flat_map(|found| &found.values);
            values.map(move |value| (decl.name, at(*value)))
        });
        written.chain(returned)
    })
}

/// Which identifier a name promises.
fn named(key: &str) -> Option<&'static str> {
    // Nearly every name is told by its last letter.
    if !key.trim_end_matches(|last: char| !last.is_ascii_alphanumeric()).ends_with(['d', 'D']) {
        return None;
    }
    let plain: String = key.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    if plain.ends_with("traceid") {
        Some("trace")
    } else if plain.ends_with("spanid") && !plain.contains("parent") && !plain.contains("root") {
        Some("span")
    } else {
        None
    }
}

/// Which identifier a value is, and where it is read.
pub(super) fn identifier(study: &Study<'_>, value: ValueRef) -> Option<(&'static str, ValueRef)> {
    let program = study.program;
    let mut at = value;
    for _ in 0..6 {
        if let Some(id) = yielded(study, at) {
            return match id.as_str() {
                "trace" => Some(("trace", at)),
                "span" => Some(("span", at)),
                _ => None,
            };
        }
        at = match program.expr_kind(at) {
            ExprKind::Call { args, .. } if args.is_empty() => program.receiver(at)?,
            ExprKind::Name(_) => match program.step(at) {
                Step::Values(values) if values.len() == 1 => values.first().copied()?,
                _ => return None,
            },
            _ => return None,
        };
    }
    None
}

/// The identifier that a library's call or attribute hands out.
fn yielded(study: &Study<'_>, at: ValueRef) -> Option<Ustr> {
    described(study, at)?.1.yields_id
}

/// What is known of a library's call or attribute.
pub(super) fn described<'a>(
    study: &Study<'a>,
    at: ValueRef,
) -> Option<(&'a LibraryDescription, &'a FunctionDescription)> {
    let program = study.program;
    if let ExprKind::Member { base, name, .. } = program.expr_kind(at) {
        let owner = program.type_of(ValueRef { file: at.file, expr: *base })?;
        let attribute = Ustr::from_existing(&format!("{owner}.{name}"))?;
        return program.described(attribute);
    }
    study.fact(at).map(|fact| (fact.library, fact.effect))
}

fn finding(
    study: &Study<'_>,
    value: ValueRef,
    (key, id, named): (&str, &str, &str),
    confidence: Confidence,
) -> Finding {
    let text = study.text(value);
    let mut finding = study.finding("wrong-id", value, confidence);
    finding.message = format!("`{key}` is filled with the {id} id: `{text}`");
    finding.label = format!("this is the {id} id");
    finding.effect = format!("a search by `{key}` finds nothing, because the value is no {named} id");
    finding.help = format!("fill `{key}` with the {named} id of the same span, or rename the field");
    finding.help += assumption(confidence);
    finding.confirm = format!("paste a value of `{key}` into the trace search: nothing opens");
    finding
}
