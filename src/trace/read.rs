//! Which format a text is in, by what it holds.

use super::raw::{Fields, Sheet, field, list, object, shortened, value};
use super::{Recording, jaeger, otlp, zipkin};
use crate::report::text::clean;
use serde_json::value::RawValue;

/// The largest recording that is read, in bytes.
pub const MAX_BYTES: u64 = 512 << 20;

/// How many spans are kept of one recording.
pub const MAX_SPANS: usize = 2_000_000;

/// How deep lists and wrappers of traces may be nested.
const MAX_DEPTH: usize = 4;

/// Why a text is no recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It is no JSON.
    #[error("it is no JSON: {0}")]
    Json(String),
    /// It holds nothing that looks like a trace.
    #[error("it is in none of the formats Jaeger JSON, Zipkin v2 JSON, OTLP JSON and Tempo JSON")]
    Unknown,
    /// It says that something went wrong.
    #[error("it holds no trace but an error: {0}")]
    Told(String),
    /// It is in a known format and holds no span.
    #[error("it holds no spans")]
    Empty,
}

/// Reads a recording: one JSON value, or several behind each other.
pub fn read(text: &str) -> Result<Recording, ReadError> {
    let text = text.trim_start_matches('\u{feff}');
    let mut sheet = Sheet::default();
    let (mut told, mut first) = (None, None);
    let values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    for next in values {
        match next {
            Ok(raw) => {
                first.get_or_insert(raw);
                take(raw, MAX_DEPTH, &mut sheet, &mut told);
            }
            // A file that is cut still tells what stands before the cut.
            Err(error) if !sheet.is_blank() => {
                sheet.note(format!(
                    "what stands behind line {} column {} is no JSON, and was left out",
                    error.line(),
                    error.column()
                ));
                break;
            }
            Err(error) => return Err(ReadError::Json(clean(&error.to_string()))),
        }
    }
    let blank = sheet.is_blank();
    let recording = sheet.finish();
    match (recording.spans.is_empty(), told) {
        (true, Some(told)) => Err(ReadError::Told(told)),
        (true, None) if blank && !first.is_some_and(holds_nothing) => Err(ReadError::Unknown),
        (true, None) => Err(ReadError::Empty),
        (false, _) => Ok(recording),
    }
}

/// Where the answers of an API have their traces: those of Jaeger, of its newer API, and of Tempo's newer one.
const AROUND: &[&str] = &["data", "result", "trace"];

/// Whether a value is an empty list of traces, by itself or as the answer of an API.
fn holds_nothing(raw: &RawValue) -> bool {
    let is_empty = |raw: &RawValue| list(raw).is_some_and(|parts| parts.is_empty());
    is_empty(raw) || object(raw).is_some_and(|fields| field(&fields, AROUND).is_some_and(is_empty))
}

fn take(raw: &RawValue, depth: usize, sheet: &mut Sheet, told: &mut Option<String>) {
    if depth == 0 {
        return;
    }
    if let Some(parts) = list(raw) {
        parts.into_iter().for_each(|part| take(part, depth - 1, sheet, told));
        return;
    }
    let Some(fields) = object(raw) else { return };
    if jaeger::is_trace(&fields) {
        jaeger::trace(&fields, sheet);
    } else if zipkin::is_span(&fields) {
        zipkin::span(raw, sheet);
    } else if otlp::is_piece(&fields) {
        otlp::piece(&fields, sheet);
    } else {
        let inner = field(&fields, AROUND);
        *told = told.take().or_else(|| error(&fields));
        inner.into_iter().for_each(|raw| take(raw, depth - 1, sheet, told));
    }
}

/// What an answer of an API says went wrong.
fn error(fields: &Fields<'_>) -> Option<String> {
    let text = |raw: &RawValue| -> Option<String> {
        let value = value(raw)?;
        let one = value.get(0).unwrap_or(&value);
        let message = ["msg", "message"].iter().find_map(|name| one.get(name)?.as_str());
        message.or_else(|| one.as_str()).map(|text| clean(shortened(text)))
    };
    field(fields, &["errors", "error", "message"]).and_then(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Format, Kind};

    #[test]
    fn wrong_shapes_are_told_and_cost_only_themselves() {
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        let text = format!(
            r#"{{"resourceSpans":[7,{{"resource":{deep},"scopeSpans":[{{"spans":[{{"traceId":"a","spanId":"b","kind":"SPAN_KIND_SERVER"}},3,{{"traceId":{{}}}},{{"x":{deep}}}]}}]}}]}}"#
        );
        let found = read(&text).unwrap();
        assert_eq!((found.spans.len(), found.spans[0].kind), (1, Kind::Server));
        assert_eq!(found.notes, ["3 spans have no ids or another shape than the format says, and were left out"]);
    }

    #[test]
    fn a_cut_file_tells_what_stands_before_the_cut() {
        let line = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"a","spanId":"b"}]}]}]}"#;
        let found = read(&format!("{line}\n{line}\n{}", &line[..40])).unwrap();
        assert_eq!((found.spans.len(), found.formats.as_slice()), (2, &[Format::Otlp][..]));
        assert!(found.notes[0].contains("line 3"), "{:?}", found.notes);
        assert!(matches!(read(&line[..40]), Err(ReadError::Json(_))));
    }

    #[test]
    fn what_is_no_recording_is_said() {
        assert_eq!(read("{}"), Err(ReadError::Unknown));
        assert_eq!(read("[1, [2], \"x\", null]"), Err(ReadError::Unknown));
        assert_eq!(read(&"[".repeat(200_000)).err().map(|error| matches!(error, ReadError::Json(_))), Some(true));
        assert_eq!(read(r#"{"batches":[]}"#), Err(ReadError::Empty));
        assert_eq!((read(r#"{"data":[]}"#), read("[]")), (Err(ReadError::Empty), Err(ReadError::Empty)));
        let told = read(r#"{"data":null,"errors":[{"code":404,"msg":"trace not found"}]}"#);
        assert_eq!(told, Err(ReadError::Told("trace not found".to_owned())));
    }
}
