//! `exporter-endpoint`: code gives an exporter an address to which no span gets through.

use super::super::Verdicts;
use super::defaults;
use super::taken_apart::is_taken_apart;
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, Language, StmtKind};
use crate::knowledge::{AddressForm, EndpointEffect};
use crate::link::{Origin, Step, ValueRef};
use crate::study::{CallFact, Study, minor};

/// Stands for a part of an address that is not written in the code. No address holds it.
const HOLE: char = '\u{1}';

/// Most parts of an address that is put together.
const MAX_PARTS: usize = 32;

/// Finds the addresses that do not fit their exporter.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    for fact in study.calls() {
        let Some(endpoint) = &fact.effect.endpoint else { continue };
        if stands_in(study, fact) {
            continue;
        }
        let given = endpoint.at.iter().flat_map(|slot| study.slot(fact.call, *slot)).next();
        let Some((value, wrong)) = given.and_then(|value| judge(study, endpoint, value)) else { continue };
        out.findings.push(finding(study, fact, value, endpoint, &wrong));
    }
}

/// Whether an exporter only stands in for another one, which is tried first: `try: … except ImportError: …`. The address is
/// that one's.
fn stands_in(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let program = study.program;
    let Some(file) = program.files.get(fact.call.file as usize) else { return false };
    let facts = &file.source.facts;
    let holds = |block: &[u32], call: ValueRef| {
        let at = program.expr(call).span;
        facts.statements(block).any(|stmt| stmt.span.contains(at))
    };
    let is_first = |body: &[u32]| {
        let mut others = study.calls_in(fact.function);
        others.any(|other| other.effect.endpoint.is_some() && holds(body, other.call))
    };
    facts.stmts.iter().any(|stmt| match &stmt.kind {
        StmtKind::Try { body, handlers, .. } => {
            handlers.iter().any(|handler| holds(&handler.body, fact.call)) && is_first(body)
        }
        _ => false,
    })
}

/// What is wrong with an address.
enum Wrong {
    /// A host and port are wanted, and a URL or path is given.
    NotHostPort(String),
    /// There is no scheme.
    NoScheme(String),
    /// There is no path.
    NoPath(String),
    /// The port is that of the other protocol.
    OtherPort(String),
    /// A port follows a slash.
    PortAfterSlash,
}

/// The value that says where spans go, and what is wrong with it.
fn judge(study: &Study<'_>, endpoint: &EndpointEffect, given: ValueRef) -> Option<(ValueRef, Wrong)> {
    let mut values = vec![given];
    // What is put together of parts ends the search as unknown, so the values at which it ended are asked too.
    let origins = study.program.origins_noting(given, true, |value, _| values.push(value));
    values.extend(origins.iter().filter_map(|origin| match origin {
        Origin::Literal(value) => Some(*value),
        origin => defaults::of_call(study, origin),
    }));
    let all = values.clone();
    let mut asked = Vec::new();
    asked_calls(study, given, MAX_ASKED, &mut asked);
    values.retain(|value| !is_of_many(study, *value, &all, &asked));
    // What is cut out of a text (`endpoint[8:]`) is no longer that text.
    let is_cut = |value: &ValueRef| matches!(study.program.expr_kind(*value), ExprKind::Index { index: None, .. });
    if values.iter().any(is_cut) {
        return None;
    }
    // Where an address with the exporter's own port may stand as well, something chooses between the protocols.
    let own = |value: &ValueRef| written(study, *value).and_then(|address| port(&address)) == Some(endpoint.own_port);
    let chosen = values.iter().any(own);
    let found = values.into_iter().find_map(|value| {
        if follows_slash(study, value) {
            return Some((value, Wrong::PortAfterSlash));
        }
        let address = written(study, value)?;
        let for_other = chosen && port(&address) == Some(endpoint.other_port);
        let is_added = |wrong: &Wrong| matches!(wrong, Wrong::NoPath(_)) && adds_path(study, value, endpoint);
        let is_meant = |wrong: &Wrong| !for_other && !is_added(wrong);
        mismatch(endpoint, &address).filter(is_meant).map(|wrong| (value, wrong))
    });
    if found.as_ref().is_some_and(|(value, _)| is_taken_apart(study, &all, *value)) {
        return None;
    }
    // What suits the exporter of the other protocol is meant for that one: something chooses between the two.
    if found.as_ref().is_some_and(|(value, _)| suits_other(study, endpoint, *value)) {
        return None;
    }
    found.or_else(|| judge_default(study, endpoint, given, &origins))
}

/// What is wrong with an address that stands in for one that nobody sets.
fn judge_default(
    study: &Study<'_>,
    endpoint: &EndpointEffect,
    given: ValueRef,
    origins: &[Origin],
) -> Option<(ValueRef, Wrong)> {
    let [origin] = origins else { return None };
    let address = defaults::of_origin(study, origin)?;
    let wrong = mismatch(endpoint, &address)?;
    let is_added = matches!(wrong, Wrong::NoPath(_)) && adds_path(study, given, endpoint);
    // The one setting for both protocols has a port that fits one of them.
    let is_for_both = || {
        let mut others = of_other_protocol(study, endpoint);
        others.any(|(_, value)| study.program.origins(value, true).contains(origin))
    };
    let is_one_of_two = matches!(wrong, Wrong::OtherPort(_)) && is_for_both();
    (!is_added && !is_one_of_two).then_some((given, wrong))
}

/// The addresses that exporters of the other protocol are given, with what these take.
fn of_other_protocol<'s>(
    study: &'s Study<'_>,
    endpoint: &'s EndpointEffect,
) -> impl Iterator<Item = (&'s EndpointEffect, ValueRef)> {
    let others = study.calls().iter().filter_map(|fact| Some((fact.call, fact.effect.endpoint.as_ref()?)));
    others.filter(move |(_, other)| other.own_port == endpoint.other_port).flat_map(move |(call, other)| {
        other.at.iter().flat_map(move |slot| study.slot(call, *slot)).map(move |at| (other, at))
    })
}

/// Whether a written address may go to an exporter of the other protocol as well, for which it is right.
fn suits_other(study: &Study<'_>, endpoint: &EndpointEffect, value: ValueRef) -> bool {
    of_other_protocol(study, endpoint).any(|(other, given)| {
        let mut reaches = given == value;
        let origins = study.program.origins_noting(given, true, |found, _| reaches |= found == value);
        reaches |= origins.contains(&Origin::Literal(value));
        reaches && written(study, value).is_some_and(|address| mismatch(other, &address).is_none())
    })
}

/// Whether the exporter still puts the path there by itself, by its version, or that is not told.
fn adds_path(study: &Study<'_>, value: ValueRef, endpoint: &EndpointEffect) -> bool {
    let [name, from] = endpoint.path_since.as_slice() else { return false };
    study.unit(value.file).dependency(name).zip(minor(from)).is_none_or(|(has, from)| has < from)
}

/// How many steps are gone back to the calls that hand an address out.
const MAX_ASKED: u32 = 6;

/// The calls of the program's own functions that a value comes from, without what they are given.
fn asked_calls(study: &Study<'_>, value: ValueRef, steps: u32, out: &mut Vec<ValueRef>) {
    let program = study.program;
    let Some(rest) = steps.checked_sub(1) else { return };
    match program.step(value) {
        Step::Call(call, _) => out.push(call),
        Step::Values(values) => {
            values.iter().filter(|next| **next != value).for_each(|next| match program.expr_kind(*next) {
                ExprKind::Call { .. } => out.push(*next),
                _ => asked_calls(study, *next, rest, out),
            })
        }
        Step::Field(owner, name) => {
            let written = program.all_writes(owner, name).into_iter();
            written.for_each(|(next, _)| match program.expr_kind(next) {
                ExprKind::Call { .. } => out.push(next),
                _ => asked_calls(study, next, rest, out),
            });
        }
        _ => {}
    }
}

/// Whether a text is given to a function of the program's own that hands out what it is given, and others of these texts
/// are given to it elsewhere (`setting("ENDPOINT", "…")`, `setting("STORE", "…")`), while the address does not come from
/// that very call.
fn is_of_many(study: &Study<'_>, text: ValueRef, all: &[ValueRef], asked: &[ValueRef]) -> bool {
    let program = study.program;
    let taker = |value: ValueRef| {
        let call = program.parent(value)?;
        Some((call, *program.callee(call).functions.first()?))
    };
    let Some((call, function)) = taker(text).filter(|(call, _)| !asked.contains(call)) else { return false };
    all.iter().filter_map(|other| taker(*other)).any(|(other, of)| of == function && other != call)
}

/// The port of an address.
fn port(address: &str) -> Option<u16> {
    host_of(address).rsplit_once(':').and_then(|(_, port)| port.parse().ok())
}

fn mismatch(endpoint: &EndpointEffect, address: &str) -> Option<Wrong> {
    let shown = || address.replace(HOLE, "…");
    let (scheme, rest) = match address.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, address),
    };
    let (host, path) = rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path));
    // What the start is is not known: it may hold a scheme or a path.
    let is_open = scheme.is_none() && host.starts_with(HOLE);
    let port = host.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    if host.is_empty() || address.chars().all(|letter| letter == HOLE) {
        return None;
    }
    match endpoint.form {
        AddressForm::HostPort if scheme.is_some() || rest.contains('/') => return Some(Wrong::NotHostPort(shown())),
        AddressForm::Url if scheme.is_none() && !is_open => return Some(Wrong::NoScheme(shown())),
        _ => {}
    }
    let is_whole = port.is_some() || !host.ends_with(HOLE);
    if !endpoint.path.is_empty() && path.is_empty() && is_whole {
        return Some(Wrong::NoPath(shown()));
    }
    (port == Some(endpoint.other_port)).then(|| Wrong::OtherPort(shown()))
}

/// An address as far as the code writes it, with holes for the rest; `None` where it writes nothing.
fn written(study: &Study<'_>, value: ValueRef) -> Option<String> {
    let mut out = String::new();
    let mut left = MAX_PARTS;
    put(study, value, &mut out, &mut left);
    out.contains(|letter| letter != HOLE).then_some(out)
}

fn put(study: &Study<'_>, value: ValueRef, out: &mut String, left: &mut usize) {
    *left = left.saturating_sub(1);
    let at = |expr| ValueRef { expr, ..value };
    match study.program.expr_kind(value) {
        ExprKind::Str(text) => out.push_str(text),
        ExprKind::Binary { op, left: first, right } if op == "+" && *left > 0 => {
            put(study, at(*first), out, left);
            put(study, at(*right), out, left);
        }
        ExprKind::Unknown(_) if study.language() == Language::Python => {
            match study.raw_text(value).as_deref().and_then(template) {
                Some(text) => out.push_str(&text),
                None => out.push(HOLE),
            }
        }
        _ => out.push(HOLE),
    }
}

/// The text of a Python f-string, with holes for what it is filled with.
fn template(literal: &str) -> Option<String> {
    let body = literal.strip_prefix(['f', 'F'])?;
    let body = ['"', '\''].into_iter().find_map(|quote| body.strip_prefix(quote)?.strip_suffix(quote))?;
    let mut out = String::new();
    let mut depth = 0u32;
    for letter in body.chars() {
        match letter {
            '{' => depth += 1,
            '}' => {
                depth = depth.checked_sub(1)?;
                out.extend((depth == 0).then_some(HOLE));
            }
            _ if depth == 0 => out.push(letter),
            _ => {}
        }
    }
    (depth == 0).then_some(out)
}

/// Whether a port is put after a value whose text ends with a slash.
fn follows_slash(study: &Study<'_>, value: ValueRef) -> bool {
    let ExprKind::Unknown(parts) = study.program.expr_kind(value) else { return false };
    let Some(first) = parts.first().map(|expr| ValueRef { expr: *expr, ..value }) else { return false };
    let ends = || {
        let ty = study.program.type_of(first)?;
        let (library, description) = study.program.knowledge.ty(ty)?;
        let from = description.ends_with_slash_from?;
        let versions = &study.unit(value.file).versions;
        let mut known = versions.iter().filter(|(name, _)| library.dependencies.contains(name));
        let is_older = |version: &str| version.split('.').next().and_then(|major| major.parse().ok()) < Some(from);
        Some(!known.any(|(_, version)| version.starts_with(|first: char| first.is_ascii_digit()) && is_older(version)))
    };
    ends() == Some(true)
        && study
            .raw_text(value)
            .as_deref()
            .and_then(template)
            .is_some_and(|text| text.strip_prefix(HOLE).is_some_and(|rest| rest.starts_with(':')))
}

fn finding(
    study: &Study<'_>,
    fact: &CallFact<'_>,
    value: ValueRef,
    endpoint: &EndpointEffect,
    wrong: &Wrong,
) -> Finding {
    let call = study.callee_text(fact.call);
    let (own, other) = (endpoint.own_port, endpoint.other_port);
    let path = &endpoint.path;
    // Ports are conventions of collectors, and somebody's own receiver may listen at any path.
    let confidence = match wrong {
        Wrong::OtherPort(_) => Confidence::Likely,
        Wrong::NoPath(address) if !address.ends_with(&format!(":{own}")) => Confidence::Likely,
        _ => Confidence::Certain,
    };
    let mut found = study.finding("exporter-endpoint", value, confidence);
    let (message, label, help) = match wrong {
        Wrong::NotHostPort(address) => (
            format!("`{call}` takes a host and a port, and `{address}` is more than that"),
            "no host and port".to_owned(),
            format!("write `{}` here, and set scheme and path by their own options", host_of(address)),
        ),
        Wrong::NoScheme(address) => (
            format!("`{call}` takes a URL, and `{address}` has no scheme"),
            "no scheme".to_owned(),
            format!("write `http://{address}` (or `https://`)"),
        ),
        Wrong::NoPath(address) => (
            format!("`{call}` sends to `{address}` as it is, without `{path}`"),
            "no path".to_owned(),
            format!(
                "write `{}{path}`: only an address from the environment gets the path by itself",
                address.trim_end_matches('/')
            ),
        ),
        Wrong::OtherPort(address) => (
            format!("`{call}` sends to port {other} of `{address}`, where collectors speak the other protocol"),
            format!("port {other}"),
            format!(
                "use port {own}, or the exporter for the protocol of port {other}; this assumes the collector's usual ports"
            ),
        ),
        Wrong::PortAfterSlash => (
            format!("`{}` puts a port after a URL whose text ends with a slash", study.text(value)),
            "a slash, then a port".to_owned(),
            "build the address from the URL's host, or take the slash away first".to_owned(),
        ),
    };
    found.message = message;
    found.label = label;
    found.effect =
        format!("no span of `{}` reaches the collector: every export fails", study.unit(fact.call.file).name);
    found.help = help;
    found.confirm = "look for errors of the exporter in the service's log, and for its service name in the backend: it is not there".to_owned();
    if value != fact.call && !study.program.expr(fact.call).span.contains(study.program.expr(value).span) {
        found.related.push(study.related(fact.call, "it is used here"));
    }
    found
}

/// The host and port of a URL.
fn host_of(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::{HOLE, template};

    #[test]
    fn templates_have_holes() {
        assert_eq!(template("f\"http://{host}:4318/x\""), Some(format!("http://{HOLE}:4318/x")));
        assert_eq!(template("f'{a[\"b\"]}:{c}'"), Some(format!("{HOLE}:{HOLE}")));
        assert_eq!(template("\"plain\""), None);
        assert_eq!(template("f\"{open\""), None);
    }
}
