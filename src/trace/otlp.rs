//! OTLP JSON, and what Tempo's API answers: the same with other names, and ids in Base64.
//!
//! Sources: <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>,
//! <https://grafana.com/docs/tempo/latest/api_docs/#query>.

use super::raw::{Fields, Sheet, field, id, list, member, names_peer, number, object, peers, shortened, text, value};
use super::{Format, Kind, Span};
use serde_json::Value;
use serde_json::value::RawValue;

const RESOURCES: &[&str] = &["resourceSpans", "resource_spans"];
const SCOPES: &[&str] = &["scopeSpans", "scope_spans", "instrumentationLibrarySpans", "instrumentation_library_spans"];

/// The lists of spans of an object, and in which of the two formats they are.
fn lists<'a>(fields: &Fields<'a>) -> Option<(Format, &'a RawValue)> {
    let otlp = field(fields, RESOURCES).map(|raw| (Format::Otlp, raw));
    otlp.or_else(|| field(fields, &["batches"]).map(|raw| (Format::Tempo, raw)))
}

/// Whether an object is a piece of a recording.
pub(super) fn is_piece(fields: &Fields<'_>) -> bool {
    lists(fields).is_some()
}

/// Reads one piece.
pub(super) fn piece(fields: &Fields<'_>, sheet: &mut Sheet) {
    let Some((format, raw)) = lists(fields) else { return };
    sheet.met(format);
    for resource in list(raw).into_iter().flatten().filter_map(object) {
        let known = field(&resource, &["resource"]).and_then(value);
        let service = sheet.service(known.as_ref().and_then(|known| attribute(known, "service.name")));
        for scope in field(&resource, SCOPES).and_then(list).into_iter().flatten().filter_map(object) {
            for raw in field(&scope, &["spans"]).and_then(list).into_iter().flatten() {
                sheet.push(value(raw).and_then(|found| span(&found, service)));
            }
        }
    }
}

fn attributes(of: &Value) -> impl Iterator<Item = (&str, &str)> {
    let all = member(of, &["attributes"]).and_then(Value::as_array).into_iter().flatten();
    all.filter_map(|one| {
        Some((text(one, &["key"])?, text(member(one, &["value"])?, &["stringValue", "string_value"])?))
    })
}

fn attribute<'v>(of: &'v Value, name: &str) -> Option<&'v str> {
    attributes(of).find(|(key, _)| *key == name).map(|(_, value)| value)
}

fn span(found: &Value, service: usize) -> Option<Span> {
    let kind = member(found, &["kind"]);
    let kind = match kind.and_then(Value::as_u64) {
        Some(2) => Kind::Server,
        Some(3) => Kind::Client,
        Some(4) => Kind::Producer,
        Some(5) => Kind::Consumer,
        _ => kind.and_then(Value::as_str).map(Kind::named).unwrap_or_default(),
    };
    let trace = id(found, &["traceId", "trace_id"])?;
    let links = member(found, &["links"]).and_then(Value::as_array).into_iter().flatten();
    let start = number(found, &["startTimeUnixNano", "start_time_unix_nano"]).unwrap_or_default();
    let end = number(found, &["endTimeUnixNano", "end_time_unix_nano"]).unwrap_or_default();
    Some(Span {
        trace,
        id: id(found, &["spanId", "span_id"])?,
        parent: id(found, &["parentSpanId", "parent_span_id"]),
        service,
        name: shortened(text(found, &["name"]).unwrap_or_default()).into(),
        kind,
        start,
        end: end.max(start),
        // Flags of 0 also mean that nobody wrote them.
        unsampled: false,
        linked: links.filter_map(|link| id(link, &["traceId", "trace_id"])).any(|other| other != trace),
        peers: peers(attributes(found).filter(|(key, _)| names_peer(key)).map(|(_, value)| value)),
    })
}
