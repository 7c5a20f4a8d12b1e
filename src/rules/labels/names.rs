//! `high-cardinality-name`: names of spans that are another for each request.

use super::words::{ends_in, words};
use super::{paths, provisional};
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, Language};
use crate::knowledge::{Slot, TypeRole, vocabulary};
use crate::link::{FuncRef, Step, ValueRef};
use crate::rules::Verdicts;
use crate::study::{CallFact, Inbound, Study, functions_of};
use rustc_hash::FxHashSet;

/// Functions of the languages that put texts together from their arguments.
const FORMATTERS: &[&str] = &["Sprintf", "Sprint", "format", "formatted", "concat", "join"];

/// Functions that hand a value on as a text.
const CONVERSIONS: &[&str] =
    &["str", "repr", "valueOf", "toString", "String", "Itoa", "hex", "strip", "lower", "upper"];

/// How far a name is followed to the parts that it is put together from.
const MAX_DEPTH: u32 = 5;

/// Finds names of spans with a part that is another for each request.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    let mut seen: FxHashSet<ValueRef> = FxHashSet::default();
    for fact in study.calls() {
        for name in names_of(study, fact) {
            let function = study.program.function_at(name);
            if study.inbound(function) == Inbound::Root || !study.unit(name.file).is_traced() || !seen.insert(name) {
                continue;
            }
            let Some(part) = variable(study, name, MAX_DEPTH) else { continue };
            let are_few = paths::is_one(study, part) || paths::are_declared_few(study, part);
            if !are_few && !provisional::is_provisional(study, fact) && !knows_route(study, name) {
                out.findings.push(finding(study, fact, name, part));
            }
        }
    }
}

/// Whether the function of a name asks for the route that the request took, too: the path stands in where there is none.
fn knows_route(study: &Study<'_>, name: ValueRef) -> bool {
    let Some(file) = study.program.files.get(name.file as usize) else { return false };
    let around = study.program.function(study.program.function_at(name)).span;
    file.source.facts.exprs.iter().filter(|expr| around.contains(expr.span)).any(|expr| match &expr.kind {
        ExprKind::Member { name, .. } => vocabulary().route_names.contains(&words(name)),
        _ => false,
    })
}

/// The names that a call gives spans, by itself or by a function that it is given for that.
fn names_of(study: &Study<'_>, fact: &CallFact<'_>) -> Vec<ValueRef> {
    let names = fact.effect.span_name.iter().flat_map(|slot| study.slot(fact.call, *slot));
    let mut out: Vec<ValueRef> = names.flat_map(|name| given(study, name)).collect();
    let namers = fact.effect.names_spans.map(|slot| study.slot(fact.call, slot));
    let namers: Vec<FuncRef> = namers.into_iter().flatten().flat_map(|namer| functions_of(study, namer)).collect();
    out.extend(study.program.first_results(&namers));
    out
}

/// A name as it is given: what callers pass, where the call only hands on a parameter.
fn given(study: &Study<'_>, name: ValueRef) -> Vec<ValueRef> {
    match study.program.step(name) {
        Step::Param(function, n) if matches!(study.program.expr_kind(name), ExprKind::Name(_)) => {
            study.program.arguments(function, n).to_vec()
        }
        _ => vec![name],
    }
}

/// The part of a name that is another for each request.
fn variable(study: &Study<'_>, value: ValueRef, depth: u32) -> Option<ValueRef> {
    let depth = depth.checked_sub(1)?;
    let at = |expr| ValueRef { expr, ..value };
    let either = |parts: &[ValueRef]| parts.iter().find_map(|part| variable(study, *part, depth));
    match study.program.expr_kind(value) {
        ExprKind::Binary { op, left, right } if op == "+" || op == "%" => either(&[at(*left), at(*right)]),
        ExprKind::Unknown(parts) if study.language() == Language::Python && is_interpolated(study, value) => {
            parts.iter().find_map(|part| variable(study, at(*part), depth))
        }
        ExprKind::Composite { ty: None, fields } => {
            fields.iter().find_map(|field| variable(study, at(field.value), depth))
        }
        ExprKind::Conditional { then, otherwise, .. } => either(&[at(*then), at(*otherwise)]),
        ExprKind::Cast { value: inner, .. } => variable(study, at(*inner), depth),
        ExprKind::Call { callee, args } => {
            called(study, value, at(*callee), &args.iter().map(|arg| at(arg.value)).collect::<Vec<_>>(), depth)
        }
        ExprKind::Name(name) => {
            if is_per_request(&words(name)) {
                return Some(value);
            }
            match study.program.step(value) {
                Step::Values(values) => values.into_iter().find_map(|value| variable(study, value, depth)),
                Step::Call(call, 0) => variable(study, call, depth),
                _ => None,
            }
        }
        ExprKind::Member { base, name, .. } => {
            let found = words(name);
            (is_per_request(&found) || (is_part_of_request(&found) && is_of_request(study, at(*base)))).then_some(value)
        }
        _ => None,
    }
}

fn called(study: &Study<'_>, call: ValueRef, callee: ValueRef, args: &[ValueRef], depth: u32) -> Option<ValueRef> {
    let (name, base) = match study.program.expr_kind(callee) {
        ExprKind::Name(name) => (*name, None),
        ExprKind::Member { base, name, .. } => (*name, Some(ValueRef { expr: *base, ..callee })),
        _ => return None,
    };
    let mut inside = args.iter().copied().chain(base);
    if FORMATTERS.contains(&name.as_str()) || (CONVERSIONS.contains(&name.as_str()) && args.len() < 2) {
        return inside.find_map(|part| variable(study, part, depth));
    }
    // A method without `get` may give the route that the request took.
    let found = words(&name);
    let of_request = found.strip_prefix("get_").is_some_and(is_part_of_request)
        && base.is_some_and(|base| is_of_request(study, base));
    (args.is_empty() && (is_per_request(&found) || of_request)).then_some(call)
}

fn is_interpolated(study: &Study<'_>, value: ValueRef) -> bool {
    let text = study.text(value);
    text.find(['"', '\'']).and_then(|quote| text.get(..quote)).is_some_and(|prefix| prefix.contains(['f', 'F']))
}

/// Whether words name a part of a request that is another for each resource.
fn is_part_of_request(words: &str) -> bool {
    vocabulary().of_request.iter().any(|part| part == words)
}

fn is_per_request(words: &str) -> bool {
    vocabulary().per_request.iter().any(|phrase| ends_in(words, phrase))
}

/// Whether a value is a request, or a part of one (`r.URL`).
fn is_of_request(study: &Study<'_>, value: ValueRef) -> bool {
    let mut at = value;
    for _ in 0..4 {
        if study.program.role_of(at) == Some(TypeRole::Request) {
            return true;
        }
        let inner = match study.program.expr_kind(at) {
            ExprKind::Member { base, .. } => *base,
            ExprKind::Call { callee, args } if args.is_empty() => *callee,
            _ => return false,
        };
        at = ValueRef { expr: inner, ..at };
    }
    false
}

fn finding(study: &Study<'_>, fact: &CallFact<'_>, name: ValueRef, part: ValueRef) -> Finding {
    // The addresses that a program asks for may be few, as may those that it serves.
    let sent = paths::is_sent(study, part) || names_what_is_sent(study, fact);
    let few = sent || paths::are_few(study, part);
    let confidence = if few { Confidence::Possible } else { Confidence::Certain };
    let mut out = study.finding("high-cardinality-name", name, confidence);
    let varies = study.text(part);
    out.message = format!("the span's name contains `{varies}`, so each request makes a new name");
    out.label = format!("`{varies}` is another for each request");
    out.effect =
        "a backend that groups spans by name gets a group for each value: no rate, no latency and no search by \
                  operation, and it may drop the names beyond its limit"
            .to_owned();
    out.help = format!("name the span after the operation alone, and put `{varies}` into an attribute of it");
    out.confirm = "list the operations of this service in the tracing backend: there is one for each value".to_owned();
    if study.program.function_at(name) != fact.function {
        let slot = fact.effect.span_name.first().copied().or(fact.effect.names_spans).unwrap_or(Slot::None);
        out.related.extend(
            study.slot(fact.call, slot).first().map(|place| study.related(*place, "here it becomes the span's name")),
        );
    }
    out
}

/// Whether a call that names spans is an option of something that sends: a client's transport.
fn names_what_is_sent(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let made = study.program.parent(fact.call).filter(|_| fact.effect.names_spans.is_some());
    made.is_some_and(|made| study.program.role_of(made) == Some(TypeRole::Middleware))
}
