//! Whether a call goes to a stranger's service, which takes up no trace of ours.

use super::words;
use crate::facts::{Piece, Text};
use crate::ir::{ExprKind, Language};
use crate::knowledge::Slot;
use crate::link::{Origin, Step, ValueRef};
use crate::study::{Inbound, Study};

/// The shortest name of a unit that is looked for in hosts.
const MIN_NAME: usize = 5;

/// How many values are looked at for the start of an address.
const MAX_ADDRESS: u32 = 60;

/// How many functions that one call may run are looked into.
pub(super) const MAX_CALLEES: usize = 4;

/// How many calls back from an address are looked at.
const MAX_STEPS: u32 = 4;

/// Whether a call goes to a stranger's service: one that its function or file is named after, or that it names by a
/// literal URL.
pub(in crate::rules) fn goes_to_third_party(study: &Study<'_>, call: ValueRef) -> bool {
    let function = study.function_name(study.program.function_at(call));
    if words::names_stranger(&function) || words::names_stranger(&study.program.place(call).path) {
        return true;
    }
    let mut left = MAX_ADDRESS;
    let (parts, receiver) = (study.slot(call, Slot::AnyArg), study.slot(call, Slot::Receiver));
    parts.iter().any(|value| is_strange(study, *value, &mut left))
        || left == 0 && is_one_strange(study, call)
        || parts.iter().any(|value| begins_strange(study, *value) || is_named_strange(study, *value))
        || parts.iter().chain(&receiver).any(|value| is_typed_in(study, *value, &mut left))
        || receiver.into_iter().any(|value| is_own_file(study, value, MAX_STEPS))
        || is_read_as_file(study, call)
}

/// Whether what a call opens is taken for what reads files: `(JarURLConnection) url.openConnection()`.
fn is_read_as_file(study: &Study<'_>, call: ValueRef) -> bool {
    let program = study.program;
    let cast = program.parent(call).map(|parent| (parent.file, program.expr_kind(parent)));
    let Some((file, ExprKind::Cast { ty, .. })) = cast else { return false };
    program.knowledge.ty(program.type_ref(file, ty)).is_some_and(|(_, found)| found.reads_files)
}

/// Whether an address is named after a stranger: `self.jwks_uri`.
fn is_named_strange(study: &Study<'_>, value: ValueRef) -> bool {
    match study.program.expr_kind(value) {
        ExprKind::Name(name) | ExprKind::Member { name, .. } => {
            words::names_address(name) && words::names_stranger(name)
        }
        _ => false,
    }
}

/// Whether a text that a value may be begins with a stranger's address, written in the code or in a variable that is named
/// after one, and no text that it may be begins with what is not known.
fn begins_strange(study: &Study<'_>, value: ValueRef) -> bool {
    let texts = study.texts(value);
    let settings = &study.unit(value.file).settings;
    let start = |text: &Text| match text.0.first() {
        Some(Piece::Literal(start)) => Some(is_strangers(study, start)),
        // A variable that is named after a stranger (`OPENAI_BASE_URL`), unless the deployment tells its value.
        Some(Piece::Variable(named)) => match settings.value(&named.name).or_else(|| named.default.clone()) {
            Some(told) if told.contains("://") => Some(is_strangers(study, &told)),
            _ => (words::names_address(&named.name) && words::names_stranger(&named.name)).then_some(true),
        },
        _ => None,
    };
    let starts: Option<Vec<bool>> = texts.iter().map(start).collect();
    starts.is_some_and(|starts| starts.contains(&true))
}

/// Whether a value is an address that a request brings along whole: whoever typed it in says whose service it is.
fn is_typed_in(study: &Study<'_>, value: ValueRef, left: &mut u32) -> bool {
    let program = study.program;
    let Some(rest) = left.checked_sub(1) else { return false };
    *left = rest;
    if let ExprKind::Call { args, .. } | ExprKind::New { args, .. } = program.expr_kind(value) {
        // `new URL(text)`, `URI.create(text)`
        let [only] = &args[..] else { return false };
        return is_typed_in(study, ValueRef { expr: only.value, ..value }, left);
    }
    match program.step(value) {
        Step::Param(..) if is_told_apart(study, value) => true,
        Step::Param(function, n) => {
            let given = program.arguments(function, n);
            let name = program.function(function).params.get(n as usize).map(|param| param.name);
            match given.is_empty() {
                true => {
                    matches!(study.inbound(function), Inbound::Entry(_))
                        && name.is_some_and(|name| words::names_address(&name))
                }
                false => given.into_iter().all(|value| is_typed_in(study, value, left)),
            }
        }
        Step::Values(values) => !values.is_empty() && values.into_iter().all(|next| is_typed_in(study, next, left)),
        _ => false,
    }
}

/// Whether the function of a value asks whether it is an address at all (`source.startswith("http")`): whoever hands it over
/// may name a file, or whatever lies anywhere.
fn is_told_apart(study: &Study<'_>, value: ValueRef) -> bool {
    let program = study.program;
    let ExprKind::Name(name) = program.expr_kind(value) else { return false };
    let is_it = |expr| matches!(program.expr_kind(ValueRef { expr, ..value }), ExprKind::Name(other) if other == name);
    let is_scheme = |expr| {
        let text = ValueRef { expr, ..value };
        matches!(program.expr_kind(text), ExprKind::Str(text) if words::is_start_of_address(text))
    };
    let Some(file) = program.files.get(value.file as usize) else { return false };
    file.flow.calls_of(program.function_at(value).id).any(|site| {
        let call = ValueRef { expr: site.expr, ..value };
        let ExprKind::Call { callee, args } = program.expr_kind(call) else { return false };
        let ExprKind::Member { base, name, .. } = program.expr_kind(ValueRef { expr: *callee, ..value }) else {
            return false;
        };
        words::asks_for_start(name)
            && args.last().is_some_and(|last| is_scheme(last.value))
            && (is_it(*base) || args.first().is_some_and(|first| is_it(first.value)))
    })
}

/// Whether a value is the address of one of the program's own files: what finds such, or the next one of several.
fn is_own_file(study: &Study<'_>, value: ValueRef, steps: u32) -> bool {
    let program = study.program;
    let Some(rest) = steps.checked_sub(1) else { return false };
    program.origins(value, false).into_iter().any(|origin| match origin {
        Origin::Call(found, _) | Origin::Literal(found) => match program.expr_kind(found) {
            ExprKind::Call { callee, .. } => match program.expr_kind(ValueRef { expr: *callee, ..found }) {
                ExprKind::Member { base, name, .. } => {
                    let base = ValueRef { expr: *base, ..found };
                    words::finds_own_file(name) || words::takes_next(name) && is_own_file(study, base, rest)
                }
                ExprKind::Name(name) => words::finds_own_file(name),
                _ => false,
            },
            _ => false,
        },
        _ => false,
    })
}

/// Whether a value is, or begins with, the address of a stranger's service. `left` says how many more values may be
/// looked at.
fn is_strange(study: &Study<'_>, value: ValueRef, left: &mut u32) -> bool {
    let program = study.program;
    let Some(rest) = left.checked_sub(1) else { return false };
    *left = rest;
    let at = |expr| ValueRef { expr, ..value };
    match program.expr_kind(value) {
        ExprKind::Str(text) => is_strangers(study, text) || words::is_set_by_platform(text),
        ExprKind::Binary { left: start, right, .. } => {
            is_strange(study, at(*start), left) || (is_scheme(study, at(*start)) && is_strange_host(study, at(*right)))
        }
        ExprKind::Unknown(parts) => parts.iter().any(|part| is_strange(study, at(*part), left)),
        ExprKind::Call { .. } => {
            let parts = parts_of(study, value);
            let hosts = parts.iter().zip(parts.iter().skip(1));
            hosts.into_iter().any(|(format, host)| is_scheme(study, *format) && is_strange_host(study, *host))
                || parts.into_iter().any(|part| is_strange(study, part, left))
                || returned_by(study, value).into_iter().any(|part| is_strange(study, part, left))
        }
        ExprKind::Name(_) | ExprKind::Member { .. } => {
            is_made_strange(study, value, left) || is_given_strange(study, value, left)
        }
        _ => false,
    }
}

/// Whether a text is the address of a stranger's service: one on the public net that is not named after a unit of the tree
/// (`https://api.shop.example` of the unit `shop`).
fn is_strangers(study: &Study<'_>, text: &str) -> bool {
    words::is_third_party(text) && !is_named_after_unit(study, words::host_of(text))
}

/// Whether a part of a host is the name of a unit of the tree.
pub(super) fn is_named_after_unit(study: &Study<'_>, host: &str) -> bool {
    host.split('.')
        .any(|label| label.len() >= MIN_NAME && study.units.iter().any(|unit| unit.name.eq_ignore_ascii_case(label)))
}

/// Whether a text is an address up to its host, which follows: `"https://" + host`, `"https://%s/"`.
fn is_scheme(study: &Study<'_>, value: ValueRef) -> bool {
    let ExprKind::Str(text) = study.program.expr_kind(value) else { return false };
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("%s/") || rest == "%s")
}

/// Whether all that a host may be are literal names of strangers on the public net.
fn is_strange_host(study: &Study<'_>, value: ValueRef) -> bool {
    let origins = study.program.origins(value, true);
    !origins.is_empty()
        && origins.iter().all(|origin| match origin {
            Origin::Literal(found) => match study.program.expr_kind(*found) {
                ExprKind::Str(host) => is_strangers(study, &format!("https://{host}")),
                _ => false,
            },
            _ => false,
        })
}

/// What the service's own functions that a call runs hand back first.
fn returned_by(study: &Study<'_>, call: ValueRef) -> Vec<ValueRef> {
    let functions = &study.program.callee(call).functions;
    study.program.first_results(&functions[..functions.len().min(MAX_CALLEES)]).collect()
}

/// Whether the address behind a name is made of a stranger's: where it comes from, or what it is put together of.
fn is_made_strange(study: &Study<'_>, value: ValueRef, left: &mut u32) -> bool {
    let program = study.program;
    let mut parts = Vec::new();
    // `url := c.base + path` is made of parts, where its origins end.
    if let Step::Values(values) = program.step(value) {
        parts.extend(values.into_iter().filter(|next| *next != value));
    }
    if study.language() == Language::Go && is_strange_by_default(study, value) {
        return true;
    }
    if let Step::Field(owner, name) = program.step(value) {
        parts.extend(program.all_writes(owner, name).into_iter().map(|(written, _)| written));
    }
    for origin in program.origins(value, false) {
        match origin {
            Origin::Literal(found) if found != value => parts.push(found),
            Origin::Call(found, _) => parts.extend(parts_of(study, found)),
            _ => {}
        }
    }
    parts.into_iter().any(|part| is_strange(study, part, left))
}

/// Whether one of the addresses that a call may go to is a stranger's, looked at each for itself: what the others are made
/// of, and all that is given along, must not use up what may be looked at.
fn is_one_strange(study: &Study<'_>, call: ValueRef) -> bool {
    let program = study.program;
    let each = |address: ValueRef| match program.step(address) {
        Step::Values(values) => values.to_vec(),
        Step::Call(made, _) => vec![made],
        _ => Vec::new(),
    };
    let mut values = super::brought::addresses(study, call).into_iter().flat_map(each);
    values.any(|value| is_strange(study, value, &mut { MAX_ADDRESS }))
}

/// Whether a Go field is a stranger's address unless it is set, by its tag: `env:"CRM_URL" envDefault:"https://api.crm.com"`.
/// Of types without a name (`Crm struct { Url string … }`) the path of names leads to it.
fn is_strange_by_default(study: &Study<'_>, value: ValueRef) -> bool {
    let program = study.program;
    let mut path: Vec<ustr::Ustr> = Vec::new();
    let mut at = value;
    while let ExprKind::Member { base, name, .. } = program.expr_kind(at) {
        path.push(*name);
        at = ValueRef { expr: *base, ..at };
        let Some(ty) = program.type_of(at).and_then(|ty| program.own_type(ty)) else { continue };
        let field = program.type_decl(ty).fields.iter().find(|field| field.name == *name);
        let text = program.files.get(ty.file as usize).and_then(|file| study.file_text(file.source.path));
        let (Some(field), Some(text)) = (field, text) else { return false };
        let mut text = text.get(field.span.start as usize..field.span.end as usize).unwrap_or_default();
        for name in path.iter().rev().skip(1) {
            let mut lines = text.lines().map(str::trim_start);
            let Some(line) = lines.find(|line| line.split_whitespace().next() == Some(name.as_str())) else {
                return false;
            };
            text = text.get(line.as_ptr() as usize - text.as_ptr() as usize..).unwrap_or_default();
        }
        let line = text.lines().next().unwrap_or_default();
        return line.split_once('`').is_some_and(|(_, tag)| tag.split('"').any(|text| is_strangers(study, text)));
    }
    false
}

/// Whether all callers of a function give it a stranger's address. One that all sorts of callers use sends to the house.
fn is_given_strange(study: &Study<'_>, value: ValueRef, left: &mut u32) -> bool {
    let Step::Param(function, n) = study.program.step(value) else { return false };
    let given = study.program.arguments(function, n);
    !given.is_empty() && given.into_iter().all(|value| is_strange(study, value, left))
}

/// What the text that a call hands back may begin with: what it is given, or the text that it is a method of
/// (`ADDRESS.format(…)`).
fn parts_of(study: &Study<'_>, call: ValueRef) -> Vec<ValueRef> {
    let mut out = study.slot(call, Slot::AnyArg);
    out.extend(study.slot(call, Slot::Receiver));
    out
}
