//! Every format, from findings made by hand.

use hoplint::analysis::{Analysis, HopCounts, ServiceReport, Skipped, StackReport};
use hoplint::config::{Config, Selection};
use hoplint::finding::{Confidence, Finding, Place, Related};
use hoplint::ir::{Directive, Language, Span};
use hoplint::report::{Options, Report, Target, concise, full, github, json, sarif};
use hoplint::services::Mode;
use std::io::{self, Write};
use std::path::Path;

const MAIN: &str = "package main\n\nfunc notify(ctx context.Context, email string) error {\n\t// é\u{1b}[31m\n\treturn send(context.Background(), email)\n}\n";
const SEND: &str =
    "package main\n\nfunc send(ctx context.Context, to string) error {\n\treturn client.Post(ctx, to)\n}\n";

fn place(path: &str, text: &str, part: &str) -> Place {
    let start = text.find(part).unwrap();
    Place { path: path.into(), span: Span::new(start, start + part.len()) }
}

fn finding(rule: &'static str) -> Finding {
    Finding {
        rule,
        severity: None,
        confidence: Confidence::Certain,
        place: place("src/ma in.go", MAIN, "context.Background()"),
        message: "this request leaves without the trace".into(),
        label: "a fresh context replaces ctx".into(),
        effect: "spans of `email` start a new trace for each order".into(),
        help: "hand on ctx\n::error::smuggled".into(),
        confirm: "send one request and look for its trace id".into(),
        service: "checkout".into(),
        language: Some(Language::Go),
        related: vec![
            Related {
                place: place("src/ma in.go", MAIN, "ctx context.Context"),
                message: "the trace arrives here".into(),
            },
            Related { place: place("src/send.go", SEND, "client.Post(ctx, to)"), message: "and leaves here".into() },
        ],
    }
}

fn analysis(findings: Vec<Finding>) -> Analysis {
    let hops = HopCounts { carried: 22, broken: 1, unknown: 1 };
    let stack = StackReport {
        stack: "otel-go".into(),
        title: "OpenTelemetry SDK for Go".into(),
        mode: Mode::Code,
        active: true,
        path: "src/trace.go".into(),
        line: 12,
        evidence: "otel.SetTracerProvider".into(),
    };
    let service = ServiceReport {
        name: "checkout".into(),
        root: "src".into(),
        language: Language::Go,
        stacks: vec![stack],
        hops,
    };
    let skipped = vec![Skipped { path: "src/big\u{1b}.go".into(), reason: "3 MB, limit 2 MB".into() }];
    Analysis {
        findings,
        directives: vec![],
        services: vec![service],
        skipped,
        files: 3,
        analysed: true,
        why: None,
        facts: None,
    }
}

fn report_of(analysis: Analysis, options: &Options) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    std::fs::create_dir(root.join("src")).unwrap();
    std::fs::write(root.join("src/ma in.go"), MAIN).unwrap();
    std::fs::write(root.join("src/send.go"), SEND).unwrap();
    let target = Target { root: root.clone(), cwd: root.clone(), repository: root };
    Report::new(analysis, &target, &Config::default(), options)
}

fn options() -> Options {
    Options { selection: Selection::new(&Config::default()).unwrap(), ..Options::default() }
}

fn report() -> Report {
    let mut possible = finding("context-replaced");
    possible.confidence = Confidence::Possible;
    possible.place = place("src/send.go", SEND, "to string");
    report_of(analysis(vec![finding("context-replaced"), finding("context-replaced"), possible]), &options())
}

fn text(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn full_format() {
    let style = full::Style { verbose: true, ..full::Style::default() };
    let out = text(|out| full::write(&report(), &style, out));
    assert!(!out.contains('\u{1b}'));
    insta::assert_snapshot!(out);
}

#[test]
fn full_format_links_paths_where_asked() {
    let style = full::Style { link_base: Some("/work/my shop".into()), ..full::Style::default() };
    let out = text(|out| full::write(&report(), &style, out));
    let path = report().diagnostics[0].path.clone();
    let encoded = path.replace(' ', "%20");
    let link = format!("\u{1b}]8;;file:///work/my%20shop/{encoded}\u{1b}\\{path}\u{1b}]8;;\u{1b}\\");
    assert!(out.contains(&link), "{out:?}");
}

#[test]
fn concise_format() {
    insta::assert_snapshot!(text(|out| concise::write(&report(), out)));
}

#[test]
fn json_format_keeps_its_schema() {
    let out = text(|out| json::write(&report(), out));
    let schema = serde_json::from_str(include_str!("../schemas/check.schema.json")).unwrap();
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    let errors: Vec<_> =
        jsonschema::validator_for(&schema).unwrap().iter_errors(&value).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    insta::assert_snapshot!(out);
}

#[test]
fn sarif_format_is_valid() {
    let log = sarif::log(&report());
    let mut schema: serde_json::Value = serde_json::from_str(include_str!("data/sarif-schema-2.1.0.json")).unwrap();
    // The official schema has a stray `]` in its language patterns, which strict regular expressions refuse.
    for owner in ["run", "toolComponent"] {
        schema["definitions"][owner]["properties"]["language"]["pattern"] = "^[a-zA-Z]{2}(-[a-zA-Z]{2})?$".into();
    }
    let errors: Vec<_> = jsonschema::validator_for(&schema).unwrap().iter_errors(&log).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    insta::assert_snapshot!(serde_json::to_string_pretty(&log["runs"][0]["results"]).unwrap());
}

#[test]
fn github_format_smuggles_no_command() {
    let out = text(|out| github::write(&report(), out));
    assert_eq!(out.lines().filter(|line| line.starts_with("::")).count(), 1);
    insta::assert_snapshot!(out);
}

#[test]
fn suppressions_work_on_any_place_and_unused_ones_are_reported() {
    let at = |line, text: &str| Directive { line, own_line: false, text: text.into() };
    let mut analysis = analysis(vec![finding("context-replaced")]);
    analysis.directives = vec![
        ("src/send.go".into(), vec![at(4, "ignore[context-replaced]"), at(1, "ignore[HOP101] why")]),
        ("src/ma in.go".into(), vec![at(1, "ignore[context-replacd] why")]),
    ];
    let mut options = options();
    options.report_suppressions = true;
    options.selection.set_pedantic(true);
    let report = report_of(analysis, &options);
    assert_eq!(report.summary.suppressed, 1);
    let names: Vec<&str> = report.diagnostics.iter().map(|found| found.name.as_str()).collect();
    assert_eq!(names, ["unknown-suppressed-rule", "unused-suppression", "suppression-without-reason"]);
    assert!(Path::new(&report.diagnostics[0].path).is_relative());
}
