//! The guided search on a small system with one planted break, with and without recordings in every format.

use assert_cmd::Command;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};

const FORMATS: [&str; 5] = ["jaeger.json", "zipkin.json", "otlp.json", "otlp.jsonl", "tempo.json"];

/// The line on which the client is made that breaks the trace.
const PLANTED: (&str, u64) = ("orders/main.go", 15);

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hunt").join(path)
}

/// Exit status, standard output and standard error of a search in the small system.
fn run(args: &[&str]) -> (i32, String, String) {
    run_in(&here("shop"), args)
}

fn run_in(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::cargo_bin("hoplint").unwrap();
    for proxy in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(proxy);
    }
    let output = command.current_dir(folder).arg("hunt").args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn answer(args: &[&str]) -> (i32, Value) {
    let (status, out, error) = run(&[args, &["--format", "json"]].concat());
    (status, serde_json::from_str(&out).unwrap_or_else(|_| panic!("{args:?}: {out}{error}")))
}

/// The place that explains the first gap best.
fn first_cause(answer: &Value) -> (&str, u64) {
    let cause = &answer["gaps"][0]["causes"][0];
    (cause["path"].as_str().unwrap_or_default(), cause["line"].as_u64().unwrap_or_default())
}

fn gaps(answer: &Value) -> Vec<(&str, &str)> {
    let gaps = answer["gaps"].as_array().unwrap();
    gaps.iter().map(|gap| (gap["kind"].as_str().unwrap(), gap["to"].as_str().unwrap())).collect()
}

fn recording(name: &str) -> String {
    here("traces").join(name).to_string_lossy().into_owned()
}

/// A recording that a test writes: spans as trace, id, parent, service, name, kind, start and end in milliseconds, peer.
type Row<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str, u64, u64, u64, &'a str);

fn write_otlp(folder: &Path, rows: &[Row<'_>]) -> String {
    let spans = rows.iter().map(|(trace, id, parent, service, name, kind, start, end, peer)| {
        let at = |milli: u64| ((1_760_000_000_000 + milli) * 1_000_000).to_string();
        json!({
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
            "scopeSpans": [{"spans": [{
                "traceId": trace, "spanId": id, "parentSpanId": parent, "name": name, "kind": kind,
                "startTimeUnixNano": at(*start), "endTimeUnixNano": at(*end),
                "attributes": [{"key": "server.address", "value": {"stringValue": peer}}],
            }]}],
        })
    });
    let file = folder.join("trace.json");
    std::fs::write(&file, json!({"resourceSpans": spans.collect::<Vec<_>>()}).to_string()).unwrap();
    file.to_string_lossy().into_owned()
}

const GATEWAY: Row<'static> = ("a1", "1", "", "gateway", "POST /buy", 2, 0, 40, "");
const TO_ORDERS: Row<'static> = ("a1", "2", "1", "gateway", "POST", 3, 1, 39, "orders");
const ORDERS: Row<'static> = ("a1", "3", "2", "orders", "POST /orders", 2, 3, 38, "");

#[test]
fn a_split_trace_in_every_format_names_the_planted_line_first() {
    for format in FORMATS {
        let file = recording(&format!("broken.{format}"));
        for journey in [&[][..], &["--journey", "gateway -> orders -> mailer"]] {
            let (status, found) = answer(&[&["--trace", &file], journey].concat());
            assert_eq!(status, 1, "{format} {found:#}");
            assert_eq!(gaps(&found), [("new-trace", "mailer")], "{format} {journey:?}");
            assert_eq!(first_cause(&found), PLANTED, "{format} {journey:?} {found:#}");
            assert_eq!(found["recording"]["services"][2]["service"], "mailer", "{format}");
        }
    }
}

#[test]
fn a_trace_that_begins_inside_of_a_service_is_a_gap_of_its_journey() {
    let folder = tempfile::tempdir().unwrap();
    let call = ("b2", "5", "", "orders", "POST", 3, 5, 20, "mailer");
    let taken = ("b2", "6", "5", "mailer", "POST /mail", 2, 6, 19, "");
    let file = write_otlp(folder.path(), &[GATEWAY, TO_ORDERS, ORDERS, call, taken]);
    let (_, found) = answer(&["--trace", &file, "--journey", "gateway -> orders -> mailer"]);
    assert_eq!((gaps(&found), first_cause(&found)), (vec![("new-trace", "orders")], PLANTED), "{found:#}");
    let (_, found) = answer(&["--trace", &file, "--journey", "gateway -> orders"]);
    assert_eq!(gaps(&found), [], "another way {found:#}");
}

#[test]
fn a_service_is_not_passed_by_spans_that_came_another_way() {
    let folder = tempfile::tempdir().unwrap();
    let journey = ["--journey", "gateway -> orders -> mailer"];
    let mailer = |parent| ("a1", "8", parent, "mailer", "POST /mail", 2, 31, 35, "");
    let file = write_otlp(folder.path(), &[GATEWAY, mailer("1")]);
    let (_, found) = answer(&[&["--trace", &file], &journey[..]].concat());
    assert_eq!(found["steps"][0]["trace"], "passed", "{found:#}");
    let books = ("a1", "7", "1", "books", "GET /books", 2, 30, 36, "");
    let file = write_otlp(folder.path(), &[GATEWAY, books, mailer("7")]);
    let (_, found) = answer(&[&["--trace", &file], &journey[..]].concat());
    assert_eq!(found["steps"][0]["trace"], "missing", "{found:#}");
}

#[test]
fn a_service_whose_calls_begin_all_its_traces_makes_no_span_of_what_comes_in() {
    let folder = tempfile::tempdir().unwrap();
    let call = |trace, id, start| (trace, id, "", "orders", "POST", 3, start, start + 5, "mailer");
    let taken = |trace, id, parent, start| (trace, id, parent, "mailer", "POST /mail", 2, start, start + 3, "");
    let rows = [call("b2", "1", 1), taken("b2", "2", "1", 2), call("c3", "3", 11), taken("c3", "4", "3", 12)];
    let file = write_otlp(folder.path(), &rows);
    let (_, found) = answer(&["--trace", &file, "--journey", "orders -> mailer"]);
    assert_eq!(gaps(&found), [("new-trace", "orders")], "{found:#}");
    // Without a journey, it may be work of its own.
    let (_, found) = answer(&["--trace", &file]);
    assert!(gaps(&found).is_empty() && found["notes"].to_string().contains("of what comes in"), "{found:#}");
}

#[test]
fn a_healthy_trace_gives_nothing() {
    for format in FORMATS {
        let file = recording(&format!("healthy.{format}"));
        for journey in [&[][..], &["--journey", "gateway,orders,mailer"]] {
            let (status, found) = answer(&[&["--trace", &file], journey].concat());
            assert_eq!((status, gaps(&found)), (0, vec![]), "{format} {found:#}");
            let seen: Vec<&str> =
                found["steps"].as_array().unwrap().iter().map(|step| step["trace"].as_str().unwrap()).collect();
            assert_eq!(seen, ["whole", "whole"], "{format}");
        }
    }
}

#[test]
fn text_tells_what_was_seen_and_what_can_explain_it() {
    insta::assert_snapshot!("split_trace", run(&["--trace", &recording("broken.jaeger.json")]).1);
    let cut = recording("cut.jaeger.json");
    let args = ["--trace", &cut, "--journey", "gateway -> orders -> mailer", "--sampling", "ratio"];
    insta::assert_snapshot!("missing_service", run(&args).1);
    insta::assert_snapshot!("sentence", run(&["we see the gateway and orders, and nothing after"]).1);
}

#[test]
fn a_service_that_is_not_in_the_recording_is_named_with_what_can_explain_it() {
    let file = recording("cut.jaeger.json");
    let (status, found) = answer(&["--trace", &file, "--journey", "gateway -> orders -> mailer"]);
    assert_eq!((status, gaps(&found)), (1, vec![("missing", "mailer")]));
    assert_eq!(first_cause(&found), PLANTED);
    let chance = |loss: &str, found: &Value| {
        let reasons = found["gaps"][0]["reasons"].as_array().unwrap().clone();
        reasons.iter().find(|one| one["loss"] == loss).map(|one| one["chance"].as_str().unwrap().to_owned()).unwrap()
    };
    assert_eq!(chance("instrumentation", &found), "ruled-out");
    assert_eq!(chance("sampling", &found), "ruled-out");
    let journey = ["--trace", &file, "--journey", "gateway -> orders -> mailer"];
    let (_, told) = answer(&[&journey[..], &["--sampling", "ratio", "--stack", "mailer=none"]].concat());
    assert_eq!((chance("sampling", &told), chance("instrumentation", &told)), ("possible".into(), "likely".into()));
}

#[test]
fn without_a_recording_the_first_broken_way_is_named() {
    for args in [
        &["--journey", "gateway → orders → mailer"][..],
        &["gateway -> mailer"],
        &[],
        &["our traces show the gateway and orders, and nothing after"],
        &["we see orders but the mailer is missing"],
        &["mailer starts a new trace"],
        &["it is lost between orders and mailer"],
    ] {
        let (status, found) = answer(args);
        assert_eq!((status, first_cause(&found)), (1, PLANTED), "{args:?} {found:#}");
    }
    let (status, found) = answer(&["--journey", "gateway -> orders"]);
    assert_eq!((status, gaps(&found)), (0, vec![]), "{found:#}");
    let (status, found) = answer(&["the trace stops at the mailer"]);
    assert_eq!((status, found["understood"][1].as_str()), (0, Some("nothing is there behind mailer")));
}

#[test]
fn a_sentence_and_a_recording_are_taken_together() {
    let file = recording("cut.jaeger.json");
    let (status, found) = answer(&["--trace", &file, "gateway and orders are there, but no spans of mailer"]);
    assert_eq!((status, gaps(&found), first_cause(&found)), (1, vec![("missing", "mailer")], PLANTED));
}

#[test]
fn parents_that_are_wrong_or_not_there_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let journey = ["--journey", "gateway -> orders -> mailer"];
    let lost: Row<'_> = ("a1", "9", "77", "shop-mail-sender", "POST /send", 2, 5, 20, "");
    let file = write_otlp(folder.path(), &[GATEWAY, TO_ORDERS, ORDERS, lost]);
    assert_eq!(gaps(&answer(&[&["--trace", &file], &journey[..]].concat()).1), [("lost-parent", "mailer")]);
    assert_eq!(gaps(&answer(&["--trace", &file]).1), [("lost-parent", "mailer")]);
    let wrong: Row<'_> = ("a1", "9", "1", "shop-mail-sender", "POST /send", 2, 5, 20, "");
    let file = write_otlp(folder.path(), &[GATEWAY, TO_ORDERS, ORDERS, wrong]);
    let (status, found) = answer(&[&["--trace", &file], &journey[..]].concat());
    assert_eq!((status, gaps(&found)), (1, vec![("wrong-parent", "mailer")]));
}

#[test]
fn who_makes_no_spans_and_passes_the_trace_on_breaks_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mail: Row<'_> = ("a1", "9", "2", "shop-mail-sender", "POST /send", 2, 5, 20, "");
    let file = write_otlp(folder.path(), &[GATEWAY, TO_ORDERS, mail]);
    let (status, found) = answer(&["--trace", &file, "--journey", "gateway -> orders -> mailer"]);
    assert_eq!((status, gaps(&found)), (0, vec![]), "{found:#}");
    assert_eq!(found["steps"][0]["trace"], "passed");
}

#[test]
fn a_trace_that_was_asked_for_by_itself_is_no_split() {
    let folder = tempfile::tempdir().unwrap();
    // An hour later somebody asks the orders directly; that is a trace of its own, by right.
    let own: Row<'_> = ("b2", "8", "", "orders", "GET /health", 2, 3_600_000, 3_600_010, "");
    let file = write_otlp(folder.path(), &[GATEWAY, TO_ORDERS, ORDERS, own]);
    let (_, found) = answer(&["--trace", &file, "--journey", "gateway -> orders"]);
    assert_eq!(gaps(&found), []);
    let file = write_otlp(folder.path(), &[GATEWAY, own]);
    assert_eq!(gaps(&answer(&["--trace", &file]).1), [("missing", "mailer")]);
}

#[test]
fn a_call_without_a_parent_in_the_trace_of_its_own_service_is_no_break() {
    let folder = tempfile::tempdir().unwrap();
    let call: Row<'_> = ("a1", "1", "", "gateway", "POST", 3, 0, 40, "orders");
    let orders: Row<'_> = ("a1", "3", "1", "orders", "POST /orders", 2, 3, 38, "");
    let back: Row<'_> = ("a1", "4", "3", "gateway", "POST /hook", 2, 4, 9, "");
    let file = write_otlp(folder.path(), &[call, orders, back]);
    let (_, found) = answer(&["--trace", &file]);
    assert!(!gaps(&found).iter().any(|(_, to)| *to == "gateway"), "{found:#}");
}

#[test]
fn names_of_spans_can_be_said() {
    let folder = tempfile::tempdir().unwrap();
    let mail: Row<'_> = ("b2", "9", "", "mx-77", "POST /send", 2, 5, 20, "");
    let file = write_otlp(folder.path(), &[GATEWAY, TO_ORDERS, ORDERS, mail]);
    let (_, found) = answer(&["--trace", &file]);
    assert!(found["notes"].to_string().contains("mx-77"), "{found:#}");
    let (_, found) = answer(&["--trace", &file, "--service", "mx-77=mailer"]);
    assert_eq!((gaps(&found), first_cause(&found)), (vec![("new-trace", "mailer")], PLANTED));
}

#[test]
fn odd_recordings_are_told_and_do_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    // A loop of two, a span twice, a name that would act on a terminal.
    let rows: [Row<'_>; 6] = [
        GATEWAY,
        GATEWAY,
        ("a1", "5", "6", "orders", "\u{1b}[2Jx", 1, 0, 1, ""),
        ("a1", "6", "5", "orders", "y", 1, 0, 1, ""),
        ("", "7", "", "orders", "no trace", 1, 0, 1, ""),
        ("b2", "8", "", "\u{1b}]0;x\u{7}", "z", 1, 0, 1, ""),
    ];
    let file = write_otlp(folder.path(), &rows);
    let (_, out, _) = run(&["--trace", &file, "--journey", "gateway -> orders"]);
    for words in ["1 span stand", "2 spans are their own ancestors", "1 span has no ids"] {
        assert!(out.contains(words), "{words}: {out}");
    }
    assert!(!out.contains('\u{1b}'));
}

#[test]
fn inputs_that_cannot_be_read_get_clear_errors() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.json");
    let named = file.to_string_lossy().into_owned();
    for (bytes, words) in [
        (&b"{\"data\": [{"[..], "is no JSON"),
        (b"", "in none of the formats"),
        (b"<html>", "is no JSON"),
        (b"{\"hello\": 1}", "in none of the formats"),
        (b"{\"data\": [], \"errors\": [{\"code\": 404, \"msg\": \"trace not found\"}]}", "trace not found"),
        (b"{\"resourceSpans\": []}", "holds no spans"),
        (b"\x1f\x8b\x08\x00\xff", "not UTF-8"),
    ] {
        std::fs::write(&file, bytes).unwrap();
        let (status, _, error) = run(&["--trace", &named]);
        assert!(status == 2 && error.contains(words) && error.contains("help:"), "{words}: {error}");
    }
    for (args, words) in [
        (&["--trace", "no-such-file"][..], "no-such-file"),
        (&["--journey", "gateway -> nobody"], "`nobody`"),
        (&["everything is lost somewhere"], "names no service"),
        (&["the gateway is there", "orders is there"], "several sentences"),
        (&["--stack", "mailer"], "SERVICE=STACK"),
        (&["--service", "x=nobody"], "`nobody`"),
        (&["--trace-id", "xyz", "--backend", "jaeger", "--url", "http://localhost:1"], "is no trace id"),
        (&["--trace-id", "1f", "--url", "http://localhost:1"], "--backend"),
        (&["--trace-id", "1f", "--backend", "tempo", "--url", "localhost:3200"], "http://localhost:3200"),
    ] {
        let (status, _, error) = run(args);
        assert!(status == 2 && error.contains(words), "{args:?}: {error}");
    }
    assert_eq!(run_in(folder.path(), &[]).0, 3);
}

#[test]
fn nothing_is_asked_where_nobody_can_answer_and_no_secret_is_told() {
    let (_, out, error) = run(&["--format", "json"]);
    assert!(!error.contains('?') && !out.contains("hunter-secret"), "{error}");
}

#[test]
fn the_answer_keeps_its_schema() {
    let schema = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/hunt.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let cut = recording("cut.jaeger.json");
    for args in [&["--trace", &cut, "--journey", "gateway -> mailer"][..], &["orders is missing"]] {
        let (_, found) = answer(args);
        assert!(schema.is_valid(&found), "{found:#}");
    }
}

/// Answers one request on a port of this machine.
fn serve(answer: impl FnOnce(&mut TcpStream, &str) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).unwrap();
        let request = String::from_utf8_lossy(&buffer[..read]).into_owned();
        answer(&mut stream, &request);
    });
    url
}

fn reply(stream: &mut TcpStream, head: &str, body: &str) {
    let length = body.len();
    // The other side may have gone away: that is its own affair.
    let _ = write!(stream, "HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
}

fn fetched(url: &str, backend: &str) -> (i32, String, String) {
    run(&["--trace-id", "4bf92f3577b34da6a3ce929d0e0e4736", "--backend", backend, "--url", url, "--time-limit", "2"])
}

#[test]
fn traces_are_fetched_from_backends() {
    for (backend, file) in [("jaeger", "broken.jaeger.json"), ("tempo", "broken.tempo.json")] {
        let body = std::fs::read_to_string(recording(file)).unwrap();
        let url = serve(move |stream, request| {
            assert!(request.starts_with("GET /base/api/traces/4bf92f3577b34da6a3ce929d0e0e4736 "), "{request}");
            reply(stream, "200 OK", &body);
        });
        let (status, out, error) = fetched(&format!("{url}/base/"), backend);
        assert!(status == 1 && out.contains("orders/main.go:15"), "{backend}: {out}{error}");
    }
}

#[test]
fn backends_that_fail_get_clear_errors() {
    let url = serve(|stream, _| reply(stream, "404 Not Found", "{\"errors\":[{\"msg\":\"\u{1b}gone\"}]}"));
    let (status, _, error) = fetched(&url, "jaeger");
    assert!(
        status == 2 && error.contains("404") && error.contains("no such trace") && !error.contains('\u{1b}'),
        "{error}"
    );
    let url = serve(|stream, _| reply(stream, "200 OK", "<html>log in</html>"));
    assert!(fetched(&url, "tempo").2.contains("is no JSON"));
    let url = serve(|stream, _| reply(stream, "302 Found\r\nLocation: http://elsewhere.example.com/", ""));
    let (status, _, error) = fetched(&url, "tempo");
    assert!(status == 2 && error.contains("redirects to http://elsewhere.example.com/"), "{error}");
    let url = serve(|stream, _| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{\"data\":");
        std::thread::sleep(std::time::Duration::from_secs(8));
    });
    let (status, _, error) = fetched(&url, "jaeger");
    assert!(status == 2 && error.contains("2 s"), "{error}");
    let url = serve(|_, _| std::thread::sleep(std::time::Duration::from_secs(8)));
    let (status, _, error) = fetched(&url, "jaeger");
    assert!(status == 2 && error.contains("no answer within 2 s"), "{error}");
    let url = serve(|stream, _| {
        let _ = stream.write_all(b"\x00\x01nonsense\r\n\r\n");
    });
    let (status, _, error) = fetched(&url.replace("http://", "http://me:hidden@"), "jaeger");
    assert!(status == 2 && error.contains("help:") && !error.contains("hidden"), "{error}");
}

/// One run of a system, as `tests/hunt/recorded/cases.toml` tells of it.
#[derive(serde::Deserialize)]
struct Case {
    system: String,
    name: String,
    /// The line that breaks the trace; none for a whole system.
    planted: Option<Planted>,
    #[serde(default)]
    edit: Vec<Edit>,
}

#[derive(serde::Deserialize)]
struct Planted {
    file: String,
    text: String,
}

#[derive(serde::Deserialize)]
struct Edit {
    file: String,
    from: String,
    to: String,
}

#[derive(serde::Deserialize)]
struct Cases {
    case: Vec<Case>,
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

impl Case {
    /// The system with its break, in a folder of its own.
    fn plant(&self) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        copy(&here("recorded").join(&self.system), folder.path());
        for edit in &self.edit {
            let file = folder.path().join(&edit.file);
            let text = std::fs::read_to_string(&file).unwrap();
            assert!(text.contains(&edit.from), "{} {}: {}", self.system, self.name, edit.from);
            std::fs::write(&file, text.replacen(&edit.from, &edit.to, 1)).unwrap();
        }
        folder
    }

    /// The planted line; `None` for a whole system.
    fn line(&self, folder: &Path) -> Option<(String, u64)> {
        let planted = self.planted.as_ref()?;
        let text = std::fs::read_to_string(folder.join(&planted.file)).unwrap();
        let at = text.lines().position(|line| line.contains(&planted.text)).unwrap();
        Some((planted.file.clone(), at as u64 + 1))
    }

    /// What was recorded of it, in all formats.
    fn recordings(&self) -> Vec<PathBuf> {
        let prefix = format!("{}.{}.", self.system, self.name);
        let all = std::fs::read_dir(here("recorded/traces")).unwrap().map(|entry| entry.unwrap().path());
        let is_own = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with(&prefix);
        let mut out: Vec<PathBuf> = all.filter(is_own).collect();
        out.sort();
        out
    }
}

#[test]
fn recordings_of_systems_that_ran_name_the_planted_line_first_and_accuse_no_whole_one() {
    let text = std::fs::read_to_string(here("recorded/cases.toml")).unwrap();
    let cases: Cases = toml::from_str(&text).unwrap();
    let mut read = 0;
    for case in &cases.case {
        let folder = case.plant();
        let recordings = case.recordings();
        assert!(!recordings.is_empty(), "{} {}", case.system, case.name);
        for file in recordings {
            let path = file.to_string_lossy();
            let (status, out, error) = run_in(folder.path(), &["--trace", &path, "--format", "json"]);
            let found: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{path}: {out}{error}"));
            let (file, line) = first_cause(&found);
            match case.line(folder.path()) {
                Some(planted) => assert_eq!((status, (file.to_owned(), line)), (1, planted), "{path} {found:#}"),
                None => assert_eq!((status, gaps(&found)), (0, vec![]), "{path} {found:#}"),
            }
            read += 1;
        }
    }
    assert!(read > cases.case.len(), "{read} recordings");
}
