//! Every fixture is a tiny service; its comments say which findings it must have, and it must have no others.
//!
//! `hoplint: expect[rule]` names a finding that starts on the next line, `hoplint: expect-here[rule]` one on its own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A finding as a fixture names it: path in the case, 1-based line, rule name.
type Expected = (String, u64, String);

#[test]
fn every_fixture_has_the_findings_that_it_names_and_no_others() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut failures = Vec::new();
    let mut cases = 0;
    for case in cases_below(&root) {
        cases += 1;
        let wanted = expectations(&case);
        let found = findings(&case);
        let name = case.strip_prefix(&root).unwrap_or(&case).display().to_string();
        failures.extend(wanted.difference(&found).map(|missing| format!("{name}: missing {missing:?}")));
        failures.extend(found.difference(&wanted).map(|extra| format!("{name}: unexpected {extra:?}")));
    }
    assert!(cases > 0, "there are no fixtures");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn one_thread_and_many_print_the_same_bytes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let run = |threads: &str| {
        assert_cmd::Command::cargo_bin("hoplint")
            .expect("the binary is built")
            .args(["check", "--format", "json", "--no-config", "--threads", threads, "."])
            .current_dir(&root)
            .output()
            .expect("hoplint runs")
            .stdout
    };
    let one = run("1");
    assert!(!one.is_empty());
    assert!(one == run("4"), "the output depends on the number of threads");
}

/// `fixtures/<rule>/<language>/<case>` folders.
fn cases_below(root: &Path) -> Vec<PathBuf> {
    let mut level = vec![root.to_path_buf()];
    for _ in 0..3 {
        level = level.iter().flat_map(|folder| folders(folder)).collect();
    }
    level.sort();
    level
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a readable folder");
    entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir()).collect()
}

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files(&path, out) } else { out.push(path) }
    }
}

fn expectations(case: &Path) -> BTreeSet<Expected> {
    let mut paths = Vec::new();
    files(case, &mut paths);
    let mut out = BTreeSet::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("fixtures are UTF-8");
        let relative = path.strip_prefix(case).expect("below the case").to_string_lossy().replace('\\', "/");
        for (n, line) in text.lines().enumerate() {
            for (marker, offset) in [("hoplint: expect[", 2), ("hoplint: expect-here[", 1)] {
                let Some((_, rest)) = line.split_once(marker) else { continue };
                let rules = rest.split_once(']').expect("a closed list of rules").0;
                out.extend(
                    rules.split(',').map(|rule| (relative.clone(), (n + offset) as u64, rule.trim().to_owned())),
                );
            }
        }
    }
    out
}

/// The findings of a case, those of its own rule also when that is pedantic.
fn findings(case: &Path) -> BTreeSet<Expected> {
    let rule = case.parent().and_then(Path::parent).and_then(Path::file_name).expect("the folder of a rule");
    let output = assert_cmd::Command::cargo_bin("hoplint")
        .expect("the binary is built")
        .args(["check", "--format", "json", "--no-config", "."])
        .arg("--extend-select")
        .arg(rule)
        .current_dir(case)
        .output()
        .expect("hoplint runs");
    let parsed: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{}: {error}: {}", case.display(), String::from_utf8_lossy(&output.stderr)));
    let diagnostics = parsed["diagnostics"].as_array().expect("a list of diagnostics").clone();
    diagnostics
        .iter()
        .map(|found| {
            let line = found["range"]["start"]["line"].as_u64().expect("a line");
            let text = |key: &str| found[key].as_str().expect("a text").to_owned();
            (text("path"), line, text("name"))
        })
        .collect()
}
