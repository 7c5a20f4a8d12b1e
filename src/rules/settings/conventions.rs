//! `instrumentation-not-loaded`: a description of the service that cannot be put together, as its parts follow several
//! versions of the conventions, in a program that gives tracing up for that (Go).

use crate::finding::{Confidence, Finding};
use crate::ir::ExprKind;
use crate::knowledge::{Conventions, Slot};
use crate::link::flow::{Def, DefKind};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::rules::Verdicts;
use crate::study::{CallFact, Study, is_aside};
use ustr::Ustr;

/// How many calls back a description is followed to its parts.
const MAX_PARTS: u32 = 4;

/// How many callers up an error is followed that is handed back.
const MAX_LEVELS: u32 = 3;

/// A part of a description, and the version of the conventions that it follows.
#[derive(Clone)]
struct Part {
    at: ValueRef,
    version: String,
}

/// Finds descriptions whose parts do not fit together.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    for fact in study.calls().iter().filter(|fact| fact.effect.joins_conventions) {
        let Some(known) = &fact.library.conventions else { continue };
        let path = study.program.place(fact.call).path;
        if is_aside(&path) || expects_it(study, fact, known) {
            continue;
        }
        let given = parts_of_call(study, fact.call, known, MAX_PARTS);
        let Some((one, other)) = differing(&given) else { continue };
        if let Some(confidence) = gives_up(study, fact.call, 1, MAX_LEVELS) {
            out.findings.push(finding(study, fact, known, (one, other), confidence));
        }
    }
}

/// Two parts of different versions. A description that is itself put together of such is told where that is done.
fn differing(given: &[Vec<Part>]) -> Option<(&Part, &Part)> {
    let agrees = |parts: &&Vec<Part>| parts.windows(2).all(|pair| pair[0].version == pair[1].version);
    let parts: Vec<&Part> = given.iter().filter(agrees).filter_map(|parts| parts.first()).collect();
    let first = *parts.first()?;
    let other = parts.iter().find(|part| part.version != first.version)?;
    Some((first, other))
}

/// The versions that what a call is given follows, for each that is known.
fn parts_of_call(study: &Study<'_>, call: ValueRef, known: &Conventions, depth: u32) -> Vec<Vec<Part>> {
    let given = study.slot(call, Slot::AnyArg).into_iter();
    let parts = given.map(|value| parts(study, value, known, depth));
    parts.filter(|parts| !parts.is_empty()).collect()
}

/// The versions that a description or an option follows; none where that is not known, or one of several may be there.
fn parts(study: &Study<'_>, value: ValueRef, known: &Conventions, depth: u32) -> Vec<Part> {
    let Some(rest) = depth.checked_sub(1) else { return Vec::new() };
    let [Origin::Call(made, 0)] = study.program.origins(value, true)[..] else { return Vec::new() };
    let Some(fact) = study.fact(made) else { return Vec::new() };
    if fact.effect.own_conventions {
        let version = own_version(study, made, known);
        return version.into_iter().map(|version| Part { at: made, version }).collect();
    }
    if let Some(slot) = fact.effect.conventions {
        let texts = study.slot(made, slot).into_iter();
        let version = texts.filter_map(|text| named_version(study, text, known)).next();
        return version.into_iter().map(|version| Part { at: made, version }).collect();
    }
    match fact.effect.joins_conventions {
        true => parts_of_call(study, made, known, rest).concat(),
        false => Vec::new(),
    }
}

/// The version that an address of conventions names: a constant of their package, or the address itself.
fn named_version(study: &Study<'_>, text: ValueRef, known: &Conventions) -> Option<String> {
    let name = match study.program.expr_kind(text) {
        ExprKind::Str(text) => return text.rsplit('/').next().filter(|last| is_version(last)).map(str::to_owned),
        _ => study.program.qualify(text)?,
    };
    let (version, _) = name.strip_prefix(known.packages.as_str())?.rsplit_once('.')?;
    is_version(version).then(|| version.to_owned())
}

fn is_version(text: &str) -> bool {
    text.contains('.') && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// The version that the library itself follows, by the version of it that the service is built with.
fn own_version(study: &Study<'_>, call: ValueRef, known: &Conventions) -> Option<String> {
    let number = |text: &str| {
        let (major, minor) = text.split_once('.')?;
        Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
    };
    let version = study.unit(call.file).dependency(&known.dependency)?;
    if version >= number(&known.until)? {
        return None;
    }
    let mut before = known.since.iter().rev();
    before.find(|(since, _)| number(since).is_some_and(|since| since <= version)).map(|(_, known)| known.clone())
}

/// Whether the file speaks of the error: it goes on with what there is.
fn expects_it(study: &Study<'_>, fact: &CallFact<'_>, known: &Conventions) -> bool {
    let Some(file) = study.program.files.get(fact.call.file as usize) else { return true };
    file.source.facts.exprs.iter().any(|expr| match &expr.kind {
        ExprKind::Name(name) | ExprKind::Member { name, .. } => known.errors.contains(name),
        _ => false,
    })
}

/// Whether the error that is the `n`th result of a call ends what the function does: it is handed back, or ends the
/// process. Where it is handed back by what sets nothing up itself, those who call the function decide.
fn gives_up(study: &Study<'_>, call: ValueRef, n: u8, levels: u32) -> Option<Confidence> {
    let program = study.program;
    let file = program.files.get(call.file as usize)?;
    let function = program.function_at(call);
    let returned = || file.flow.returns_of(function.id).flat_map(|found| &found.values);
    let is_returned = |at: ValueRef| {
        let span = program.expr(at).span;
        returned().any(|value| program.expr(ValueRef { expr: *value, ..call }).span.contains(span))
    };
    if returned().any(|value| *value == call.expr) {
        return stops(study, function, levels);
    }
    let is_error = |def: &Def| match def.kind {
        DefKind::Value { index, .. } => index.unwrap_or(0) == n,
        _ => false,
    };
    let mut confidence = None;
    for (id, def) in file.flow.defs_from(call.expr).filter(|(_, def)| is_error(def)) {
        let uses = file.flow.vars.get(def.var.0 as usize).map(|var| var.uses.as_slice()).unwrap_or_default();
        let uses = uses.iter().map(|used| ValueRef { expr: *used, ..call });
        for used in uses.filter(|used| program.reaching(*used).contains(&id)) {
            if ends_process(study, used) {
                return Some(Confidence::Certain);
            }
            if confidence.is_none() && is_returned(used) {
                confidence = stops(study, function, levels);
            }
        }
    }
    confidence
}

/// Whether tracing is not set up where a function hands back an error: it sets it up itself, or those who call it give up.
fn stops(study: &Study<'_>, function: FuncRef, levels: u32) -> Option<Confidence> {
    if study.calls_in(function).any(|fact| fact.effect.tracer_provider) {
        return Some(Confidence::Certain);
    }
    let callers = study.program.callers(function);
    let Some(rest) = levels.checked_sub(1).filter(|_| !callers.is_empty()) else { return Some(Confidence::Likely) };
    let n = study.program.function(function).results.len().saturating_sub(1) as u8;
    callers.iter().find_map(|call| gives_up(study, *call, n, rest))
}

/// Whether a value is given to what ends the process: `log.Fatal(err)`, `panic(err)`.
fn ends_process(study: &Study<'_>, value: ValueRef) -> bool {
    let above = std::iter::successors(study.program.parent(value), |at| study.program.parent(*at));
    above.take(3).any(|call| {
        let ExprKind::Call { callee, .. } = study.program.expr_kind(call) else { return false };
        let name: Ustr = match study.program.expr_kind(ValueRef { expr: *callee, ..call }) {
            ExprKind::Name(name) | ExprKind::Member { name, .. } => *name,
            _ => return false,
        };
        let name = name.to_lowercase();
        name.starts_with("fatal") || name.starts_with("panic")
    })
}

fn finding(
    study: &Study<'_>,
    fact: &CallFact<'_>,
    known: &Conventions,
    (one, other): (&Part, &Part),
    confidence: Confidence,
) -> Finding {
    let callee = study.callee_text(fact.call);
    let mut found = study.finding("instrumentation-not-loaded", fact.call, confidence);
    found.message = format!(
        "`{callee}` fails: {} follows version {} of the conventions, and {} follows {}",
        study.callee_text(one.at),
        one.version,
        study.callee_text(other.at),
        other.version
    );
    found.label = "conflicting schema URL".to_owned();
    found.effect = format!("the set-up gives up by this error, and {} sends no spans", found.service);
    found.help = format!(
        "import the version of the conventions that the {} of go.mod knows, or leave the schema URL out (NewSchemaless, WithAttributes)",
        known.dependency
    );
    found.confirm = format!("start {} and look for `conflicting Schema URL` in its log", found.service);
    found.related.push(study.related(one.at, format!("follows {}", one.version)));
    found.related.push(study.related(other.at, format!("follows {}", other.version)));
    found
}
