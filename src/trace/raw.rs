//! JSON that is taken apart layer by layer: only one span at a time is held as a value, and one that has another shape
//! than it should costs nothing but itself.

use super::{Format, Id, Recording, Span};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap};

/// An object of which the values are not yet read.
pub(super) type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// The fields of an object; `None` for anything else.
pub(super) fn object(raw: &RawValue) -> Option<Fields<'_>> {
    raw.get().starts_with('{').then(|| serde_json::from_str(raw.get()).ok()).flatten()
}

/// The parts of a list; `None` for anything else.
pub(super) fn list(raw: &RawValue) -> Option<Vec<&RawValue>> {
    raw.get().starts_with('[').then(|| serde_json::from_str(raw.get()).ok()).flatten()
}

/// The value, where it is not nested too deep.
pub(super) fn value(raw: &RawValue) -> Option<Value> {
    serde_json::from_str(raw.get()).ok()
}

/// A field by one of its names.
pub(super) fn field<'a>(fields: &Fields<'a>, names: &[&str]) -> Option<&'a RawValue> {
    names.iter().find_map(|name| fields.get(*name).copied()).filter(|raw| raw.get() != "null")
}

/// A member of a value by one of its names.
pub(super) fn member<'v>(value: &'v Value, names: &[&str]) -> Option<&'v Value> {
    names.iter().find_map(|name| value.get(name)).filter(|found| !found.is_null())
}

/// A text of a value by one of its names.
pub(super) fn text<'v>(value: &'v Value, names: &[&str]) -> Option<&'v str> {
    member(value, names)?.as_str()
}

/// A number of a value, written as a number or as a text.
pub(super) fn number(value: &Value, names: &[&str]) -> Option<u64> {
    let found = member(value, names)?;
    let float = || found.as_f64().filter(|float| (0.0..1.8e19).contains(float)).map(|float| float as u64);
    found.as_u64().or_else(float).or_else(|| found.as_str()?.trim().parse().ok())
}

/// An id: hexadecimal digits, or Base64 as the JSON form of protocol buffers has it. `None` for zero and for what is no id.
pub(super) fn id(value: &Value, names: &[&str]) -> Option<Id> {
    let text = text(value, names)?.trim();
    let text = text.strip_prefix("0x").unwrap_or(text);
    let is_hex = text.len() <= 32 && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    // Eight or sixteen bytes in Base64 have 11 or 22 letters; no id has so many hexadecimal digits.
    let letters = text.trim_end_matches('=').len();
    let found = match (is_hex, letters) {
        (_, 11 | 22) if !is_hex || text.ends_with('=') => of_base64(text)?,
        (true, _) => u128::from_str_radix(text, 16).ok()?,
        _ => return None,
    };
    (found != 0).then_some(Id(found))
}

fn of_base64(text: &str) -> Option<u128> {
    let bytes = STANDARD.decode(text).or_else(|_| STANDARD_NO_PAD.decode(text)).ok()?;
    let fits = matches!(bytes.len(), 8 | 16);
    fits.then(|| bytes.iter().fold(0, |sum, byte| sum << 8 | u128::from(*byte)))
}

/// Which attributes name the other end of a span.
///
/// Sources: <https://opentelemetry.io/docs/specs/semconv/registry/attributes/>, the names that were given up included.
pub(super) fn names_peer(attribute: &str) -> bool {
    matches!(
        attribute,
        "server.address"
            | "peer.service"
            | "service.peer.name"
            | "peer.hostname"
            | "net.peer.name"
            | "http.host"
            | "http.url"
            | "url.full"
            | "rpc.service"
            | "messaging.destination.name"
            | "messaging.destination"
    )
}

/// How long a name that is kept may be, in bytes.
const MAX_NAME: usize = 300;
/// How many peers of one span are kept.
const MAX_PEERS: usize = 8;

/// What the readers of all formats write to.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    recording: Recording,
    by_service: HashMap<String, usize>,
    unreadable: usize,
    too_many: usize,
}

impl Sheet {
    /// Notes that something of a format was met.
    pub(super) fn met(&mut self, format: Format) {
        if !self.recording.formats.contains(&format) {
            self.recording.formats.push(format);
        }
    }

    /// The number of a service; one without a name is told as such.
    pub(super) fn service(&mut self, name: Option<&str>) -> usize {
        let name = shortened(name.unwrap_or_default().trim());
        if let Some(at) = self.by_service.get(name) {
            return *at;
        }
        let at = self.recording.services.len();
        self.recording.services.push(name.to_owned());
        self.by_service.insert(name.to_owned(), at);
        at
    }

    /// Takes one span, or counts what was none.
    pub(super) fn push(&mut self, span: Option<Span>) {
        match span {
            None => self.unreadable += 1,
            Some(_) if self.recording.spans.len() >= super::MAX_SPANS => self.too_many += 1,
            Some(span) => self.recording.spans.push(span),
        }
    }

    /// Says that something was left out.
    pub(super) fn note(&mut self, text: String) {
        self.recording.notes.push(text);
    }

    /// Whether nothing was met that looks like a trace.
    pub(super) fn is_blank(&self) -> bool {
        self.recording.formats.is_empty()
    }

    pub(super) fn finish(mut self) -> Recording {
        if self.unreadable > 0 {
            let (n, many) = (self.unreadable, if self.unreadable == 1 { "span has" } else { "spans have" });
            let text = format!("{n} {many} no ids or another shape than the format says, and were left out");
            self.recording.notes.push(text);
        }
        if self.too_many > 0 {
            let text = format!("{} spans behind the first {} were left out", self.too_many, super::MAX_SPANS);
            self.recording.notes.push(text);
        }
        self.recording
    }
}

/// The texts that name the other end, made ready to be kept.
pub(super) fn peers<'v>(texts: impl Iterator<Item = &'v str>) -> Box<[Box<str>]> {
    let mut out: Vec<Box<str>> = Vec::new();
    for text in texts.map(str::trim).filter(|text| !text.is_empty()) {
        let text = shortened(text);
        if out.len() < MAX_PEERS && !out.iter().any(|known| **known == *text) {
            out.push(text.into());
        }
    }
    out.into()
}

/// A name without what is too much of it.
pub(super) fn shortened(text: &str) -> &str {
    let mut end = text.len().min(MAX_NAME);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Id, id};

    #[test]
    fn ids_are_hexadecimal_or_base64() {
        let read = |text: &str| id(&serde_json::json!({ "id": text }), &["id"]);
        assert_eq!(read("00000000000000ff"), Some(Id(255)));
        assert_eq!(read("ff"), read("0xFF"));
        assert_eq!(read("AAAAAAAAAP8="), Some(Id(255)));
        assert_eq!(read("AAAAAAAAAAAAAAAAAAAA/w=="), Some(Id(255)));
        for none in ["", "0000", "no", "5b8aa5a2d2c872e8321cf37308d69df2ff", "AAAAAAAAAAA="] {
            assert_eq!(read(none), None, "{none}");
        }
        assert_eq!(id(&serde_json::json!({ "id": 7 }), &["id"]), None);
    }
}
