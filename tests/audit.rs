//! The checklist of a small system, in every format.

use assert_cmd::Command;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

fn shop() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/map/shop")
}

/// What the command prints in a folder; it must succeed.
fn run(folder: &Path, args: &[&str]) -> String {
    let output = Command::cargo_bin("hoplint").unwrap().current_dir(folder).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A copy of the shop, with more files.
fn copy(more: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let own = ["compose.yaml", ".env", "checkout/go.mod", "checkout/main.go", "checkout/Dockerfile"];
    let other = ["email/main.py", "email/requirements.txt", "email/Dockerfile"];
    for file in own.iter().chain(&other) {
        let to = folder.path().join(file);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(shop().join(file), to).unwrap();
    }
    fs::create_dir(folder.path().join(".git")).unwrap();
    for (file, text) in more {
        let to = folder.path().join(file);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, text).unwrap();
    }
    folder
}

fn audit(folder: &Path) -> Value {
    serde_json::from_str(&run(folder, &["audit", "--format", "json"])).unwrap()
}

/// Outcome, owner and reason of the item of a step about a subject.
fn item(audit: &Value, step: &str, subject: &str) -> (String, String, String) {
    let steps = audit["steps"].as_array().unwrap();
    let step = steps.iter().find(|one| one["name"] == step).unwrap();
    let items = step["items"].as_array().unwrap();
    let found = items.iter().find(|item| item["subject"] == subject);
    let found = found.unwrap_or_else(|| panic!("{subject} is not among {items:#?}"));
    let word = |name: &str| found[name].as_str().unwrap().to_owned();
    (word("outcome"), word("owner"), word("because"))
}

#[test]
fn the_checklist_is_filled_in_for_people() {
    insta::assert_snapshot!(run(&shop(), &["audit"]));
}

#[test]
fn the_json_keeps_its_schema_and_ranks_causes() {
    let audit = audit(&shop());
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/audit.schema.json");
    let schema: Value = serde_json::from_str(&fs::read_to_string(schema).unwrap()).unwrap();
    let errors: Vec<String> =
        jsonschema::validator_for(&schema).unwrap().iter_errors(&audit).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let cause = &audit["causes"][0];
    assert_eq!(cause["name"], "uninstrumented-http-client");
    assert_eq!(cause["services"], serde_json::json!(["email"]));
    // The way to the mail service, and the one from there.
    assert_eq!(cause["ways"], 2);
}

#[test]
fn settings_of_the_deployment_judge_sampling_and_export() {
    let compose = fs::read_to_string(shop().join("compose.yaml")).unwrap();
    let compose = compose.replace(
        "      - CARRIER_URL\n",
        "      - CARRIER_URL\n      - OTEL_TRACES_SAMPLER=traceidratio\n      - OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4317\n      - OTEL_SERVICE_NAME=mailer\n",
    );
    let folder = copy(&[("compose.yaml", &compose)]);
    let found = audit(folder.path());
    let (outcome, _, because) = item(&found, "sampling", "email");
    assert_eq!(outcome, "breaks", "{because}");
    let (outcome, _, because) = item(&found, "export", "email");
    assert!(outcome == "passes" && because.contains("collector:4317"), "{outcome}: {because}");
    // Nothing is said of the other: unknown is no pass.
    assert_eq!(item(&found, "sampling", "checkout").0, "unknown");
    let confirm = found["causes"][0]["confirm"].to_string();
    assert!(confirm.contains("service=mailer") && confirm.contains("compose.yaml exec checkout"), "{confirm}");
}

#[test]
fn logs_that_hold_the_id_of_the_trace_pass() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/log-without-trace-id/java");
    let found = audit(&own.join("mended"));
    let (outcome, _, because) = item(&found, "correlation", "desk");
    assert!(outcome == "passes" && because.contains("log patterns"), "{outcome}: {because}");
    // Records that are written in another form are not understood.
    assert_eq!(item(&audit(&own.join("json")), "correlation", "desk").0, "unknown");
}

#[test]
fn owners_and_tests_are_found() {
    let test = "import requests\ndef test_trace():\n    spans = requests.get(URL + '/api/traces/1')\n";
    let folder = copy(&[
        (".github/CODEOWNERS", "* @all\n/email/ @mail\n"),
        ("tests/test_trace.py", test),
        ("tests/names.py", "ALL = ['email']\n"),
    ]);
    let found = audit(folder.path());
    assert_eq!(item(&found, "verification", "email").0, "passes");
    assert_eq!(item(&found, "verification", "checkout").0, "unknown");
    assert_eq!(item(&found, "sampling", "email").1, "@mail");
    assert_eq!(item(&found, "sampling", "checkout").1, "@all");

    let folder = copy(&[("tests/test_sum.py", "def test_sum():\n    assert 1 + 1 == 2\n")]);
    let (outcome, owner, because) = item(&audit(folder.path()), "verification", "email");
    assert_eq!((outcome.as_str(), owner.as_str()), ("breaks", "email"), "{because}");
}

#[test]
fn facts_files_are_audited_and_say_nothing_of_tests() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.json").to_string_lossy().into_owned();
    run(&shop(), &["facts", "--output-file", &file]);
    let found: Value = serde_json::from_str(&run(folder.path(), &["audit", "--format", "json", &file])).unwrap();
    assert_eq!(found["causes"][0]["name"], "uninstrumented-http-client");
    let (outcome, _, because) = item(&found, "verification", "email");
    assert_eq!((outcome.as_str(), because.as_str()), ("unknown", "facts files do not hold tests"));
}

#[test]
fn the_page_needs_nothing_else_and_no_format_tells_secrets() {
    let page = run(&shop(), &["audit", "--format", "html"]);
    assert!(page.contains("uninstrumented-http-client") && !page.contains("<script") && !page.contains("CHECKLIST"));
    for format in ["markdown", "html", "json"] {
        assert!(!run(&shop(), &["audit", "--format", format]).contains("secret@"), "{format}");
    }
}

#[test]
fn names_are_no_markup_and_no_commands() {
    let compose = fs::read_to_string(shop().join("compose.yaml")).unwrap();
    let name = "      - CARRIER_URL\n      - \"OTEL_SERVICE_NAME=x';id<b>\"\n";
    let folder = copy(&[("compose.yaml", &compose.replace("      - CARRIER_URL\n", name))]);
    for format in ["markdown", "html"] {
        let text = run(folder.path(), &["audit", "--format", format]);
        assert!(!text.contains("id<b>") && !text.contains("service=x"), "{text}");
    }
}

#[test]
fn nothing_to_analyse_is_no_pass() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::cargo_bin("hoplint").unwrap().current_dir(folder.path()).arg("audit").output().unwrap();
    assert_eq!(output.status.code(), Some(3));
}
