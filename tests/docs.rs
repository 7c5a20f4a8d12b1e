//! The documents say what is true: files, tests, rules, configuration; and the layers keep apart as they say.

use hoplint::rulepage::{self, RulePage};
use std::fs;
use std::path::{Path, PathBuf};

const BEGIN: &str = "<!-- rules: begin -->\n";
const END: &str = "<!-- rules: end -->";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The README and the pages under `docs/`.
fn documents() -> Vec<PathBuf> {
    let mut out = vec![root().join("README.md")];
    out.extend(files_below(&root().join("docs"), "md"));
    out
}

fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            out.extend(files_below(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            out.push(path);
        }
    }
    out.sort();
    out
}

/// The text outside of fenced blocks and of blocks indented by four spaces.
fn prose(text: &str) -> String {
    let mut fenced = false;
    let mut out = String::new();
    for line in text.lines() {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        if !fenced && !fence && !line.starts_with("    ") {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

/// What stands in backticks.
fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Where Markdown links lead.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
}

/// Whether a code span names a file or folder of this repository.
fn names_our_path(span: &str) -> bool {
    let plain = span.chars().all(|found| found.is_ascii_alphanumeric() || "/._-".contains(found));
    let ours = ["src", "tests", "rules", "docs", "queries", "schemas", "fixtures", "examples", ".ci"];
    let first = span.split('/').next().unwrap_or_default();
    plain
        && (ours.contains(&first) && span.contains('/')
            || span.starts_with("LICENSE-")
            || span == ".pre-commit-hooks.yaml")
}

#[test]
fn every_path_that_a_document_names_exists() {
    let mut missing = Vec::new();
    let mut seen = 0;
    for document in documents() {
        let text = prose(&read(&document));
        let folder = document.parent().expect("a folder");
        let spans = code_spans(&text).filter(|span| names_our_path(span)).map(|span| root().join(span));
        let targets = links(&text).filter(|link| !link.contains("://") && !link.starts_with('#'));
        let targets = targets.map(|link| folder.join(link.split('#').next().unwrap_or_default()));
        for path in spans.chain(targets) {
            seen += 1;
            if !path.exists() {
                missing.push(format!("{}: {}", document.display(), path.display()));
            }
        }
    }
    assert!(seen > 20, "only {seen} paths were found in the documents");
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// The table of invariants: "`file`: `test`, `test`".
#[test]
fn every_test_that_the_architecture_names_exists() {
    let text = read(&root().join("docs/architecture.md"));
    let rows = text.split("## Invariants").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("the section");
    let mut file = String::new();
    let mut seen = 0;
    for span in rows.lines().filter(|line| line.starts_with('|')).flat_map(code_spans) {
        if span.ends_with(".rs") {
            file = read(&root().join(span));
        } else {
            seen += 1;
            assert!(file.contains(&format!("fn {span}(")), "no test `{span}`");
        }
    }
    assert!(seen > 10, "only {seen} tests were found in the table");
}

#[test]
fn the_readme_lists_the_rules() {
    let path = root().join("README.md");
    let text = read(&path);
    let (before, rest) = text.split_once(BEGIN).expect("the table begins");
    let (found, after) = rest.split_once(END).expect("the table ends");
    let wanted = table();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{wanted}{END}{after}")).expect("README.md is written");
        return;
    }
    assert!(
        found == wanted,
        "the README's table differs from the rule pages: run UPDATE_DOCS=1 cargo test --test docs"
    );
}

fn table() -> String {
    let mut code = String::new();
    for path in files_below(&root().join("src/rules"), "rs") {
        code.push_str(&read(&path));
    }
    let mut out = String::from("| code | name | languages | what it finds |\n| --- | --- | --- | --- |\n");
    for page in rulepage::rules() {
        let mark = if is_checked(page, &code) { "" } else { " †" };
        let languages = page.languages.join(", ");
        let summary = page.summary.trim_end_matches('.').replace('|', "\\|");
        out.push_str(&format!("| {} | `{}`{mark} | {languages} | {summary}. |\n", page.code, page.name));
    }
    out
}

/// Whether code under `src/rules` reports it; those about suppressions are the report's own.
fn is_checked(page: &RulePage, code: &str) -> bool {
    page.bucket == "suppression" || code.contains(&format!("\"{}\"", page.name))
}

#[test]
fn the_readmes_configuration_is_valid() {
    let text = read(&root().join("README.md"));
    let folder = tempfile::tempdir().expect("a folder");
    let mut seen = 0;
    for block in text.split("```toml\n").skip(1) {
        let block = block.split("```").next().expect("a closed block");
        let path = folder.path().join("hoplint.toml");
        fs::write(&path, block).expect("the configuration is written");
        let config = hoplint::config::read(&path).unwrap_or_else(|error| panic!("{error}"));
        assert!(hoplint::config::Selection::new(&config).is_ok());
        for service in &config.services {
            let stack = service.stack.as_deref().unwrap_or_default();
            assert!(hoplint::services::stacks().iter().any(|page| page.id == stack), "no stack `{stack}`");
        }
        seen += 1;
    }
    assert!(seen > 0);
}

#[test]
fn only_parsing_knows_grammars() {
    for path in files_below(&root().join("src"), "rs") {
        let relative = path.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/");
        if !relative.starts_with("src/lower/") && !relative.starts_with("src/parse/") {
            assert!(!read(&path).contains("tree_sitter"), "{relative} knows a grammar");
        }
    }
}

#[test]
fn rules_do_no_io() {
    for path in files_below(&root().join("src/rules"), "rs") {
        let text = read(&path);
        for word in ["std::fs", "std::io", "std::net", "std::env", "std::process", "println!"] {
            assert!(!text.contains(word), "{}: {word}", path.display());
        }
    }
}
