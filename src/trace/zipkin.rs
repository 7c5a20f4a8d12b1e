//! Zipkin JSON, version 2.
//!
//! Source: <https://zipkin.io/zipkin-api/#/default/get_trace__traceId_>.

use super::raw::{Fields, Sheet, id, member, names_peer, number, peers, shortened, text, value};
use super::{Format, Kind, Span};
use serde_json::Value;
use serde_json::value::RawValue;

/// Whether an object is one span.
pub(super) fn is_span(fields: &Fields<'_>) -> bool {
    fields.contains_key("traceId") && fields.contains_key("id")
}

/// Reads one span.
pub(super) fn span(raw: &RawValue, sheet: &mut Sheet) {
    sheet.met(Format::Zipkin);
    let span = value(raw).and_then(|found| of(&found, sheet));
    sheet.push(span);
}

fn of(found: &Value, sheet: &mut Sheet) -> Option<Span> {
    let end = |name: &str| member(found, &[name]).and_then(|end| text(end, &["serviceName"]));
    let tags = member(found, &["tags"]).and_then(Value::as_object);
    let named = tags.into_iter().flatten().filter(|(key, _)| names_peer(key)).filter_map(|(_, tag)| tag.as_str());
    let start = number(found, &["timestamp"]).unwrap_or_default().saturating_mul(1000);
    let duration = number(found, &["duration"]).unwrap_or_default().saturating_mul(1000);
    Some(Span {
        trace: id(found, &["traceId"])?,
        id: id(found, &["id"])?,
        parent: id(found, &["parentId"]),
        service: sheet.service(end("localEndpoint")),
        name: shortened(text(found, &["name"]).unwrap_or_default()).into(),
        kind: text(found, &["kind"]).map(Kind::named).unwrap_or_default(),
        start,
        end: start.saturating_add(duration),
        unsampled: false,
        linked: false,
        peers: peers(named.chain(end("remoteEndpoint"))),
    })
}
