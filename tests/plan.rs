//! Tests that are generated for a journey: their texts, and the shell script against a recorded backend.

use assert_cmd::Command;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

fn shop() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/map/shop")
}

fn output(args: &[&str]) -> std::process::Output {
    let mut command = Command::cargo_bin("hoplint").unwrap();
    command.current_dir(shop()).args(["plan"]).args(args).output().unwrap()
}

/// What the command prints; it must succeed.
fn plan(args: &[&str]) -> String {
    let output = output(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What the command complains of; it must fail.
fn complaint(args: &[&str]) -> String {
    let output = output(args);
    assert_eq!(output.status.code(), Some(2), "{args:?}");
    String::from_utf8(output.stderr).unwrap()
}

const ENTRY: &[&str] = &["--entry", "http://localhost:8080/order"];

#[test]
fn every_format_is_written() {
    for format in ["shell", "pytest", "go", "tracetest"] {
        let text = plan(&[&["checkout,email", "--format", format], ENTRY].concat());
        insta::assert_snapshot!(format, text);
    }
    for format in ["shell", "pytest", "go"] {
        let args = [&["checkout -> email", "--format", format, "--backend", "tempo"], ENTRY].concat();
        let text = plan(&args);
        assert!(text.contains("resourceSpans") && text.contains("http://localhost:3200"), "{text}");
    }
}

#[test]
fn the_journey_is_checked_against_the_map() {
    let told = |journey: &str| complaint(&[&[journey], ENTRY].concat());
    assert!(told("checkout,emial").contains("near names are email"));
    assert!(told("checkout").contains("2 to 50 services"));
    assert!(told("checkout,,email").contains("each with a name"));
    assert!(told("email,api.carrier.example.com").contains("somebody else"));
    let output = output(&[&["email → checkout"], ENTRY].concat());
    let notes = String::from_utf8(output.stderr).unwrap();
    assert!(notes.contains("email → checkout: the map has no such way"), "{notes}");
    assert!(String::from_utf8(output.stdout).unwrap().contains("the map has no such way"));
}

#[test]
fn addresses_and_options_are_checked() {
    for entry in ["localhost:8080", "http://", "http://x/a b", "http://x/\n", "ftp://x"] {
        assert!(complaint(&["checkout,email", "--entry", entry]).contains("--entry is no address"), "{entry}");
    }
    let args = [&["checkout,email", "--format", "tracetest", "--backend", "tempo"], ENTRY].concat();
    assert!(complaint(&args).contains("no effect"));
    let text = plan(&["checkout,email", "--entry", "http://x/'$(id)'"]);
    assert!(text.contains(r"default_entry='http://x/'\''$(id)'\'''"), "{text}");
}

/// Answers for the entry of a journey and for the backend that keeps its traces. `answer` makes the trace of the id of
/// the span that was sent.
fn serve(answer: fn(&str) -> String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let sent = Arc::new(Mutex::new(String::new()));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            let _ = reply(stream, &sent, answer);
        }
    });
    address
}

fn reply(mut stream: TcpStream, sent: &Mutex<String>, answer: fn(&str) -> String) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        let line = line?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("traceparent:") {
            *sent.lock().unwrap() = value.trim().to_owned();
        }
        if line.is_empty() {
            break;
        }
    }
    let header = sent.lock().unwrap().clone();
    let parts: Vec<&str> = header.split('-').collect();
    let is_trace = parts.len() == 4 && first.contains(&format!("/api/traces/{}", parts[1]));
    let body = if is_trace { answer(parts[2]) } else { String::new() };
    let length = body.len();
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

/// A trace as Jaeger writes it: id, parent and service of each span.
fn jaeger(spans: &[(&str, &str, &str)]) -> String {
    let span = |(id, parent, service): &(&str, &str, &str)| {
        let references = serde_json::json!([{"refType": "CHILD_OF", "traceID": "1", "spanID": parent}]);
        serde_json::json!({"spanID": id, "processID": service, "references": references})
    };
    let processes: serde_json::Map<String, serde_json::Value> = spans
        .iter()
        .map(|(.., service)| ((*service).to_owned(), serde_json::json!({"serviceName": service})))
        .collect();
    let all: Vec<_> = spans.iter().map(span).collect();
    serde_json::json!({"data": [{"traceID": "1", "spans": all, "processes": processes}]}).to_string()
}

/// Runs the script against a backend; `None` where a tool that it needs is not there.
fn run(answer: fn(&str) -> String) -> Option<(i32, String)> {
    let there = |tool: &str| std::process::Command::new(tool).arg("--version").output().is_ok();
    if !["bash", "curl", "jq"].into_iter().all(there) {
        return None;
    }
    let address = serve(answer);
    let script = plan(&["checkout,email", "--entry", &format!("{address}/order"), "--backend-url", &address]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journey.sh");
    std::fs::write(&file, script).unwrap();
    let mut command = std::process::Command::new("bash");
    command.arg(&file).env("TIMEOUT", "0").env("INTERVAL", "0").env_remove("http_proxy").env("NO_PROXY", "*");
    for name in ["ENTRY_URL", "BACKEND_URL", "METHOD", "BODY", "CONTENT_TYPE"] {
        command.env_remove(name);
    }
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    Some((output.status.code().unwrap(), String::from_utf8(text).unwrap()))
}

#[test]
fn the_script_tells_a_whole_trace_from_a_broken_one() {
    type Change = fn(&str) -> String;
    let cases: [(Change, i32, &str); 5] = [
        (
            // What stands between two services is left out.
            |sent| jaeger(&[("a", sent, "checkout"), ("b", "a", "proxy"), ("c", "b", "email")]),
            0,
            "the trace goes through: checkout email",
        ),
        (|sent| jaeger(&[("a", sent, "checkout")]), 1, "email has no span in the trace"),
        (
            |sent| jaeger(&[("a", sent, "checkout"), ("c", sent, "email")]),
            1,
            "no span of email is below one of checkout",
        ),
        (
            |_| jaeger(&[("a", "b", "checkout"), ("b", "a", "checkout"), ("c", "a", "email")]),
            1,
            "no span of checkout is below the request",
        ),
        (|_| "<html>".to_owned(), 2, "is no trace"),
    ];
    for (answer, status, words) in cases {
        let Some((code, text)) = run(answer) else { return };
        assert!(code == status && text.contains(words), "{code}: {text}");
    }
}
