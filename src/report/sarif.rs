//! SARIF 2.1.0 within GitHub's limits.

use super::{Diagnostic, Range, Report};
use crate::finding::{Confidence, Severity};
use crate::rulepage::{self, RulePage};
use serde_json::{Value, json};
use std::io::{self, Write};

/// GitHub keeps this many results of a run.
const MAX_RESULTS: usize = 5000;
/// GitHub refuses results with more locations.
const MAX_LOCATIONS: usize = 1000;

/// Writes the report.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &log(report)).map_err(io::Error::from)?;
    writeln!(out)
}

/// The whole log.
pub fn log(report: &Report) -> Value {
    let mut found: Vec<&Diagnostic> = report.diagnostics.iter().collect();
    if found.len() > MAX_RESULTS {
        found.sort_by_key(|one| std::cmp::Reverse((one.severity, one.confidence)));
        found.truncate(MAX_RESULTS);
    }
    let mut names: Vec<&str> = found.iter().map(|one| one.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let results: Vec<Value> = found.iter().map(|one| result(one, &names)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "hoplint",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": names.iter().map(|name| rule(name)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": true,
                "toolExecutionNotifications": notifications(report),
            }],
            "results": results,
        }]
    })
}

fn rule(name: &str) -> Value {
    match rulepage::find(name) {
        Some(page) => described(page),
        None => json!({ "id": name, "name": name }),
    }
}

fn described(page: &RulePage) -> Value {
    json!({
        "id": page.code,
        "name": page.name,
        "shortDescription": { "text": page.title },
        "fullDescription": { "text": page.summary },
        "help": { "text": page.body, "markdown": page.body },
        "defaultConfiguration": { "level": level(page.severity) },
        "properties": {
            "tags": ["observability", "reliability", page.bucket],
            "precision": "high",
            "problem.severity": problem_severity(page.severity),
        },
    })
}

fn result(found: &Diagnostic, names: &[&str]) -> Value {
    let related: Vec<Value> = found
        .related
        .iter()
        .take(MAX_LOCATIONS - 1)
        .enumerate()
        .map(|(id, place)| {
            let mut location = location(&place.path, place.range);
            location["id"] = json!(id + 1);
            location["message"] = json!({ "text": place.message });
            location
        })
        .collect();
    let mut result = json!({
        "ruleId": if rulepage::find(&found.name).is_some() { &found.rule } else { &found.name },
        "ruleIndex": names.binary_search(&found.name.as_str()).ok(),
        "level": level(found.severity),
        "kind": "fail",
        "message": { "text": message(found) },
        "locations": [location(&found.path, found.range)],
        "partialFingerprints": { "hoplint/v1": found.fingerprint },
        "properties": {
            "confidence": confidence(found.confidence),
            "service": found.service,
            "precision": if found.confidence == Confidence::Certain { "high" } else { "medium" },
        },
    });
    if !related.is_empty() {
        result["codeFlows"] = json!([{ "threadFlows": [{ "locations": flow(found, &related) }] }]);
        result["relatedLocations"] = Value::Array(related);
    }
    result
}

/// The way of the trace through the places, the break last.
fn flow(found: &Diagnostic, related: &[Value]) -> Vec<Value> {
    let mut steps: Vec<Value> = related
        .iter()
        .map(|place| {
            let mut place = place.clone();
            if let Some(place) = place.as_object_mut() {
                place.remove("id");
            }
            json!({ "location": place, "importance": "important" })
        })
        .collect();
    let mut last = location(&found.path, found.range);
    last["message"] = json!({ "text": if found.label.is_empty() { &found.message } else { &found.label } });
    steps.push(json!({ "location": last, "importance": "essential" }));
    steps
}

fn message(found: &Diagnostic) -> String {
    let parts =
        [("", &found.message), ("effect: ", &found.effect), ("help: ", &found.help), ("confirm: ", &found.confirm)];
    let parts = parts.iter().filter(|(_, text)| !text.is_empty());
    parts.map(|(word, text)| format!("{word}{text}")).collect::<Vec<_>>().join("\n")
}

fn location(path: &str, range: Range) -> Value {
    let mut region = json!({
        "startLine": range.start.line,
        "startColumn": range.start.column,
        "endLine": range.end.line,
        "endColumn": range.end.column,
    });
    if range.end <= range.start
        && let Some(region) = region.as_object_mut()
    {
        region.remove("endLine");
        region.remove("endColumn");
    }
    json!({ "physicalLocation": { "artifactLocation": { "uri": uri(path) }, "region": region } })
}

/// A path as a relative URI reference.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

fn notifications(report: &Report) -> Vec<Value> {
    let skipped = report.summary.skipped.iter().take(MAX_LOCATIONS);
    skipped
        .map(|skipped| {
            json!({
                "level": "note",
                "message": { "text": format!("not analysed: {}", skipped.reason) },
                "locations": [{ "physicalLocation": { "artifactLocation": { "uri": uri(&skipped.path) } } }],
            })
        })
        .collect()
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn problem_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "recommendation",
    }
}

fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Possible => "possible",
        Confidence::Likely => "likely",
        Confidence::Certain => "certain",
    }
}
