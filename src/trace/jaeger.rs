//! Jaeger JSON, as its API answers and its pages export.
//!
//! Source: <https://github.com/jaegertracing/jaeger/blob/main/internal/uimodel/model.go>.

use super::raw::{Fields, Sheet, field, id, list, member, names_peer, number, object, peers, shortened, text, value};
use super::{Format, Kind, Span};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::HashMap;

/// Whether an object is one trace.
pub(super) fn is_trace(fields: &Fields<'_>) -> bool {
    fields.contains_key("spans") && (fields.contains_key("processes") || fields.contains_key("traceID"))
}

/// Reads one trace.
pub(super) fn trace(fields: &Fields<'_>, sheet: &mut Sheet) {
    sheet.met(Format::Jaeger);
    let mut processes: HashMap<String, usize> = HashMap::new();
    for (key, process) in field(fields, &["processes"]).and_then(object).into_iter().flatten() {
        let process = value(process).unwrap_or_default();
        processes.insert(key, sheet.service(text(&process, &["serviceName"])));
    }
    for raw in field(fields, &["spans"]).and_then(list).into_iter().flatten() {
        let span = span(raw, &processes, sheet);
        sheet.push(span);
    }
}

fn span(raw: &RawValue, processes: &HashMap<String, usize>, sheet: &mut Sheet) -> Option<Span> {
    let found = value(raw)?;
    let trace = id(&found, &["traceID"])?;
    let own = id(&found, &["spanID"])?;
    // A span can bring its process along instead of naming it.
    let inline = member(&found, &["process"]).and_then(|process| text(process, &["serviceName"]));
    let service = match (text(&found, &["processID"]).and_then(|key| processes.get(key)), inline) {
        (Some(at), _) => *at,
        (None, name) => sheet.service(name),
    };
    let references = || member(&found, &["references"]).and_then(Value::as_array).into_iter().flatten();
    let same = |reference: &&Value| id(reference, &["traceID"]).is_none_or(|other| other == trace);
    let of_kind = |kind: &str| references().filter(same).find(|one| text(one, &["refType"]) == Some(kind)).cloned();
    let parent = of_kind("CHILD_OF").or_else(|| of_kind("FOLLOWS_FROM"));
    let parent = parent.and_then(|one| id(&one, &["spanID"])).or_else(|| id(&found, &["parentSpanID"]));
    let linked = references().any(|one| !same(&one));
    let tags = || member(&found, &["tags"]).and_then(Value::as_array).into_iter().flatten();
    let tag = |name: &str| tags().find(|tag| text(tag, &["key"]) == Some(name)).and_then(|tag| text(tag, &["value"]));
    let named =
        tags().filter(|tag| text(tag, &["key"]).is_some_and(names_peer)).filter_map(|tag| text(tag, &["value"]));
    let start = number(&found, &["startTime"]).unwrap_or_default().saturating_mul(1000);
    let duration = number(&found, &["duration"]).unwrap_or_default().saturating_mul(1000);
    Some(Span {
        trace,
        id: own,
        parent,
        service,
        name: shortened(text(&found, &["operationName"]).unwrap_or_default()).into(),
        kind: tag("span.kind").map(Kind::named).unwrap_or_default(),
        start,
        end: start.saturating_add(duration),
        unsampled: number(&found, &["flags"]).is_some_and(|flags| flags & 1 == 0),
        linked,
        peers: peers(named),
    })
}
