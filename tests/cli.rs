//! The command as a process.

use assert_cmd::Command;

fn run(folder: &std::path::Path, args: &[&str]) -> (i32, String, String) {
    let output = Command::cargo_bin("hoplint").unwrap().current_dir(folder).args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn exit_statuses_and_messages() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    assert_eq!(run(at, &["--version"]).0, 0);
    assert_eq!(run(at, &[]).0, 3);
    let (status, _, error) = run(at, &["chekc"]);
    assert!(status == 2 && error.contains("did you mean `hoplint check`?"), "{error}");
    let (status, _, error) = run(at, &["--select", "context-replacd"]);
    assert!(status == 2 && error.contains("did you mean `context-replaced`?"), "{error}");
    let (status, out, _) = run(at, &["explain", "hop202"]);
    assert!(status == 0 && out.contains("## Use instead"));
    assert_eq!(run(at, &["explain", "nonsense"]).0, 2);
    let (status, _, error) = run(at, &["--since", "--output=x"]);
    assert_eq!(status, 2, "{error}");
    std::fs::write(at.join("hoplint.toml"), "selct = []\n").unwrap();
    let (status, _, error) = run(at, &[]);
    assert!(status == 2 && error.contains("hoplint.toml:1:1") && error.contains("`select`"), "{error}");
    assert_eq!(run(at, &["--no-config"]).0, 3);
}

#[test]
fn committed_schemas_are_current() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for (of, file) in [
        ("config", "hoplint"),
        ("check", "check"),
        ("map", "map"),
        ("why", "why"),
        ("facts", "facts"),
        ("hunt", "hunt"),
        ("audit", "audit"),
    ] {
        let (_, out, _) = run(here, &["config-schema", "--of", of]);
        let committed = std::fs::read_to_string(here.join(format!("schemas/{file}.schema.json"))).unwrap();
        assert_eq!(out, committed, "run `hoplint config-schema --of {of} > schemas/{file}.schema.json`");
    }
}

#[test]
fn a_tree_with_nothing_to_analyse_says_so() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("notes.md"), "nothing\n").unwrap();
    std::fs::write(folder.path().join("compose.yaml"), "services: {db: {image: postgres}}\n").unwrap();
    for options in [&["check"][..], &["check", "--exit-zero"], &["check", "--format", "json"], &["audit"]] {
        let (status, _, told) = run(folder.path(), options);
        assert!(status == 3 && told.contains("nothing to analyse"), "{options:?}: {status} {told}");
    }
}

/// A service with one break, in `quotes.py`, and a file beside it without any.
fn shop() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let broken = include_str!("../fixtures/inject-into-nowhere/python/forgotten-carrier/app.py");
    let needs = include_str!("../fixtures/inject-into-nowhere/python/forgotten-carrier/requirements.txt");
    std::fs::write(folder.path().join("quotes.py"), broken.replace("# hoplint: expect", "# expect")).unwrap();
    std::fs::write(folder.path().join("words.py"), "WORDS = []\n").unwrap();
    std::fs::write(folder.path().join("requirements.txt"), needs).unwrap();
    folder
}

/// The names of the rules that `check` reports, with the lines.
fn reported(folder: &std::path::Path, args: &[&str]) -> Vec<(String, u64)> {
    let (_, out, error) = run(folder, &[&["check", "--format", "json"], args].concat());
    let parsed: serde_json::Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{error}"));
    let found = parsed["diagnostics"].as_array().unwrap();
    found
        .iter()
        .map(|one| (one["name"].as_str().unwrap().to_owned(), one["range"]["start"]["line"].as_u64().unwrap()))
        .collect()
}

#[test]
fn findings_decide_the_exit_status() {
    let shop = shop();
    let status = |args: &[&str]| run(shop.path(), args).0;
    assert_eq!(status(&["check"]), 1);
    assert_eq!(status(&["check", "--exit-zero"]), 0);
    assert_eq!(status(&["check", "--ignore", "inject-into-nowhere"]), 0);
    assert_eq!(status(&["check", "--severity", "inject-into-nowhere=warning", "--fail-on", "error"]), 0);
    assert_eq!(status(&["check", "--severity", "inject-into-nowhere=warning"]), 1);
    assert_eq!(status(&["check", "no-such-folder"]), 2);
}

#[test]
fn what_rests_on_more_than_one_guess_is_shown_on_request() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = here.join("fixtures/in-memory-backend/deployment/by-place");
    let args = ["check", "--no-config", "--select", "in-memory-backend", "--format", "concise", "."];
    let (_, out, _) = run(&folder, &args);
    assert!(out.contains("production/jaeger.yaml") && !out.contains("base/jaeger.yaml"), "{out}");
    let (_, out, _) = run(&folder, &[&args[..], &["--pedantic"]].concat());
    assert!(out.contains("base/jaeger.yaml:14"), "{out}");
    let folder = here.join("fixtures/service-name-missing/deployment/shared");
    let args = ["check", "--no-config", "--pedantic", "--format", "concise", "."];
    let (_, out, _) = run(&folder, &args);
    assert!(out.contains("compose.yaml:12") && out.contains("relay.yaml:10"), "{out}");
    assert!(!out.contains("mail is called") && !out.contains("resource/rest"), "{out}");
}

#[test]
fn a_file_argument_reports_what_touches_the_file() {
    let shop = shop();
    let all = reported(shop.path(), &[]);
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(reported(shop.path(), &["quotes.py"]), all);
    assert_eq!(reported(shop.path(), &["words.py"]), []);
}

#[test]
fn suppressions_silence_and_are_reported_when_unused_or_without_a_reason() {
    let shop = shop();
    let file = shop.path().join("quotes.py");
    let text = std::fs::read_to_string(&file).unwrap();
    let write = |comment: &str| {
        let line = text.lines().find(|line| line.contains("# expect")).unwrap();
        std::fs::write(&file, text.replace(line, &format!("    # hoplint: {comment}"))).unwrap();
    };
    let names = |args: &[&str]| reported(shop.path(), args).into_iter().map(|found| found.0).collect::<Vec<_>>();
    let strict = "--report-unused-suppressions";
    write("ignore[inject-into-nowhere] the header goes another way");
    assert_eq!(names(&[strict]), [""; 0]);
    assert_eq!(names(&["--no-suppressions"]), ["inject-into-nowhere"]);
    write("ignore[HOP208]");
    assert_eq!(names(&[strict]), ["suppression-without-reason"]);
    write("ignore[thread-context] nothing is here");
    assert_eq!(names(&[strict]), ["unused-suppression", "inject-into-nowhere"]);
}

#[test]
fn the_step_summary_holds_every_finding() {
    let shop = shop();
    let summary = shop.path().join("summary.md");
    let output = Command::cargo_bin("hoplint")
        .unwrap()
        .current_dir(shop.path())
        .env("GITHUB_STEP_SUMMARY", &summary)
        .args(["check", "--format", "github"])
        .output()
        .unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(out.contains("::error file=quotes.py,line="), "{out}");
    let summary = std::fs::read_to_string(summary).unwrap();
    assert!(summary.contains("inject-into-nowhere") && summary.contains("quotes.py"), "{summary}");
}

#[test]
fn folders_of_a_configuration_count_from_its_own() {
    let whole = tempfile::tempdir().unwrap();
    let part = whole.path().join("svc/quotes");
    std::fs::create_dir_all(&part).unwrap();
    std::fs::create_dir(whole.path().join(".git")).unwrap();
    for file in std::fs::read_dir(shop().path()).unwrap().map(|file| file.unwrap().path()) {
        std::fs::copy(&file, part.join(file.file_name().unwrap())).unwrap();
    }
    assert_eq!(reported(&part, &[]).len(), 1);
    let configure = |text: &str| std::fs::write(whole.path().join("hoplint.toml"), text).unwrap();
    configure("exclude = [\"svc/quotes/quotes.py\"]\n");
    assert!(reported(&part, &[]).is_empty());
    let service = |root: &str| format!("[[services]]\nname = \"prices\"\nroot = \"{root}\"\n");
    configure(&service("svc/quotes/"));
    let (_, map, _) = run(&part, &["map"]);
    assert!(map.contains("prices"), "{map}");
    configure(&service("svc/nothing"));
    let (_, out, _) = run(whole.path(), &["check", "-v", "--exit-zero"]);
    assert!(out.contains("skipped hoplint.toml: service `prices`"), "{out}");
}

#[test]
fn since_reports_what_touches_changed_lines() {
    let git = |folder: &std::path::Path, args: &[&str]| {
        let settings = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"];
        std::process::Command::new("git").current_dir(folder).args(settings).args(args).output()
    };
    let shop = shop();
    // Without git there is nothing to compare with; the option says so.
    if git(shop.path(), &["init", "--quiet"]).is_err() {
        let (status, _, error) = run(shop.path(), &["check", "--since", "HEAD"]);
        assert!(status == 2 && error.contains("git"), "{error}");
        return;
    }
    git(shop.path(), &["add", "."]).unwrap();
    git(shop.path(), &["commit", "--quiet", "-m", "all"]).unwrap();
    assert_eq!(reported(shop.path(), &["--since", "HEAD"]), []);
    std::fs::write(shop.path().join("words.py"), "WORDS = ['one']\n").unwrap();
    assert_eq!(reported(shop.path(), &["--since", "HEAD"]), []);
    let file = shop.path().join("quotes.py");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replacen("    carrier = {}\n", "    carrier = {}  # filled below\n", 1)).unwrap();
    assert_eq!(reported(shop.path(), &["--since", "HEAD"]).len(), 1);
    let (status, _, error) = run(shop.path(), &["check", "--since", "no-such-branch"]);
    assert!(status == 2 && error.contains("no-such-branch"), "{error}");
}

/// A service in Go whose plain client sends requests, made and used in two functions.
fn client() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("go.mod", "module example.com/shop\n\ngo 1.22\n\nrequire go.opentelemetry.io/otel/sdk v1.24.0\n");
    write("shop_test.go", "package main\n");
    write("main.go", CLIENT);
    folder
}

const CLIENT: &str = r#"package main

import (
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

var provider = sdktrace.NewTracerProvider()

type prices struct {
	client *http.Client
}

func newPrices() *prices {
	return &prices{client: &http.Client{}}
}

func (p *prices) ask(request *http.Request) error {
	out, _ := http.NewRequestWithContext(request.Context(), "GET", "http://prices/all", nil)
	_, err := p.client.Do(out)
	return err
}

func main() {
	p := newPrices()
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		_ = p.ask(r)
	})
	_ = http.ListenAndServe(":80", otelhttp.NewHandler(http.DefaultServeMux, "shop"))
}
"#;

#[test]
fn why_tells_verdict_reason_origin_and_way() {
    let shop = client();
    let line = 1 + CLIENT.lines().position(|line| line.contains("p.client.Do")).unwrap();
    let (status, out, error) = run(shop.path(), &["map", "--why", &format!("main.go:{line}")]);
    assert_eq!(status, 0, "{out}{error}");
    insta::assert_snapshot!(out);
}

#[test]
fn why_agrees_with_the_rules() {
    let shop = client();
    let line = 1 + CLIENT.lines().position(|line| line.contains("p.client.Do")).unwrap();
    let verdict = || {
        let (_, out, error) = run(shop.path(), &["map", "--format", "json", "--why", &format!("main.go:{line}:2")]);
        let parsed: serde_json::Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{error}"));
        let schema = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/why.schema.json")).unwrap();
        let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
        assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&parsed), "{out}");
        let call = parsed["calls"].as_array().unwrap().iter().find(|call| call["text"] == "p.client.Do").unwrap();
        (call["verdicts"][0]["verdict"].clone(), parsed["findings"].as_array().unwrap().len())
    };
    assert_eq!(verdict(), ("broken".into(), 1));
    let mended =
        CLIENT.replace("&http.Client{}", "&http.Client{Transport: otelhttp.NewTransport(http.DefaultTransport)}");
    std::fs::write(shop.path().join("main.go"), &mended).unwrap();
    let line_moved = 1 + mended.lines().position(|line| line.contains("p.client.Do")).unwrap();
    let (_, out, _) = run(shop.path(), &["map", "--why", &format!("main.go:{line_moved}")]);
    assert!(out.contains("\n  carried: ") && out.contains("[instrumented]") && !out.contains("finding"), "{out}");
}

#[test]
fn why_says_what_it_cannot_tell() {
    let shop = client();
    let why = |place: &str| run(shop.path(), &["map", "--why", place]);
    let (status, out, error) = why("main.go:1");
    assert_eq!(status, 3, "{out}{error}");
    assert!(out.contains("no hop begins on this line") && out.contains("`http.Client{…}`"), "{out}");
    let (status, _, error) = why("go.mod:1");
    assert!(status == 2 && error.contains("reads Go, Python and Java"), "{error}");
    let (status, _, error) = why("shop_test.go:1");
    assert!(status == 2 && error.contains("test code"), "{error}");
    let (status, _, error) = why("main.go");
    assert!(status == 2 && error.contains("write a file and a line"), "{error}");
    let (status, _, error) = why("nowhere.go:3");
    assert!(status == 2 && error.contains("no such file"), "{error}");
}
