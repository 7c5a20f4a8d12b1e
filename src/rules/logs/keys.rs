//! `wrong-id`: an id is read from the logging context under a name that nothing writes, where one writes it under a name that
//! differs in its form alone.

use super::patterns;
use crate::facts::Piece;
use crate::finding::{Confidence, Finding};
use crate::ir::Language;
use crate::knowledge::Slot;
use crate::link::ValueRef;
use crate::rules::Verdicts;
use crate::study::{CallFact, Study, is_aside};
use rustc_hash::FxHashMap;

/// Reports each read whose name is nobody's, while the same id lies there under another one.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    if study.language() != Language::Java || !study.calls().iter().any(|fact| fact.effect.reads_mdc) {
        return;
    }
    let written = Written::new(study);
    for fact in study.calls().iter().filter(|fact| fact.effect.reads_mdc) {
        let Some(read) = key(study, fact.call) else { continue };
        let Some((name, place)) = written.in_other_form(study, fact.call.file, &read) else { continue };
        if !is_aside(&study.program.place(fact.call).path) && !reads_too(study, fact, &name) {
            out.findings.push(finding(study, fact.call, &read, &name, place));
        }
    }
}

/// What is put into the logging context, anywhere in the tree.
struct Written {
    /// The names, and one place where each is put.
    names: FxHashMap<String, ValueRef>,
    /// Something is put under a name that is not seen.
    open: bool,
}

impl Written {
    fn new(study: &Study<'_>) -> Self {
        let mut out = Self { names: FxHashMap::default(), open: false };
        for fact in study.calls().iter().filter(|fact| fact.effect.puts_mdc && !fact.effect.copies_mdc) {
            let all = keys(study, fact.call);
            out.open |= all.is_empty() || all.iter().any(Option::is_none);
            all.into_iter().flatten().for_each(|name| {
                out.names.entry(name).or_insert(fact.call);
            });
        }
        out
    }

    /// The name under which the same id is written, where nothing writes it under the name by which it is read.
    fn in_other_form(&self, study: &Study<'_>, file: u32, read: &str) -> Option<(String, Option<ValueRef>)> {
        let unit = study.unit(file);
        let by_stack = || {
            let pages = patterns::pages(unit).into_iter().flatten();
            pages.flat_map(|page| patterns::log_keys(unit, page))
        };
        if self.open || self.names.contains_key(read) || by_stack().any(|name| name == read) {
            return None;
        }
        let form = plain(read)?;
        let is_it = |name: &str| plain(name).as_ref() == Some(&form);
        let mut own: Vec<_> = self.names.iter().filter(|(name, _)| is_it(name)).collect();
        own.sort();
        let own = own.first().map(|(name, place)| ((*name).clone(), Some(**place)));
        own.or_else(|| by_stack().find(|name| is_it(name)).map(|name| (name.to_owned(), None)))
    }
}

/// The names that a call may put something under; `None` for one that is not seen.
fn keys(study: &Study<'_>, call: ValueRef) -> Vec<Option<String>> {
    let given = study.slot(call, Slot::Arg(0)).into_iter().flat_map(|value| study.texts(value));
    let written = given.map(|text| match text.0.as_slice() {
        [Piece::Literal(name)] => Some(name.clone()),
        _ => None,
    });
    written.collect()
}

/// The one name that a call reads.
fn key(study: &Study<'_>, call: ValueRef) -> Option<String> {
    match keys(study, call).as_slice() {
        [Some(name)] => Some(name.clone()),
        _ => None,
    }
}

/// Whether the code around a read looks under the right name as well.
fn reads_too(study: &Study<'_>, fact: &CallFact<'_>, name: &str) -> bool {
    let mut others = study.calls_in(fact.function).filter(|other| other.effect.reads_mdc);
    others.any(|other| keys(study, other.call).iter().flatten().any(|read| read == name))
}

/// A name of an id without its form: `X-Request-Id`, `request_id` and `requestId` are one; `None` for what is no id's.
fn plain(name: &str) -> Option<String> {
    let rest = name.strip_prefix(['X', 'x']).filter(|rest| rest.starts_with(['-', '_'])).unwrap_or(name);
    let out: String =
        rest.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
    out.ends_with("id").then_some(out)
}

fn finding(study: &Study<'_>, read: ValueRef, key: &str, name: &str, place: Option<ValueRef>) -> Finding {
    let mut out = study.finding("wrong-id", read, Confidence::Certain);
    out.message = format!("the id is read from the logging context under `{key}`, where it lies under `{name}`");
    out.label = "nothing writes this name".to_owned();
    out.effect =
        "What is read is empty: what is sent or logged with it can't be joined with the records of the request"
            .to_owned();
    out.help = format!("read it under `{name}`, best by one constant for both places");
    out.confirm = format!("log what is read under `{key}` while a request is served: it is null");
    out.related.extend(place.map(|put| study.related(put, format!("it is put under `{name}` here"))));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_one_name_are_told() {
        let of = |name: &str| plain(name).unwrap_or_default();
        assert_eq!(of("X-Request-Id"), of("request_id"));
        assert_eq!(of("correlationId"), of("x-correlation-id"));
        assert_ne!(of("traceId"), of("spanId"));
        assert_eq!(plain("tenant"), None);
        assert_eq!(of("xid"), "xid");
    }
}
