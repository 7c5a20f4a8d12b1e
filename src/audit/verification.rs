//! Whether a test looks at traces: test files are searched for the words by which that is done, not understood.

use super::catalogue::{Sign, catalogue};
use super::{Evidence, Input, Item, MAX_EVIDENCE, Outcome};
use crate::map::Node;
use crate::paths::folder;
use crate::report::source::Paths;
use crate::walk::{self, WalkOptions, is_test_path};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;

/// The largest test file that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;
/// How much is read altogether, in bytes.
const MAX_TOTAL: u64 = 256 << 20;
/// How much of a folder with tests through several services is searched for their names, in bytes.
const MAX_TEXT: u64 = 512 << 10;
/// How many places are kept.
const MAX_PLACES: usize = 2000;

/// What the tests of some trees look at.
#[derive(Debug, Default)]
pub struct Tests {
    /// How many test files were read.
    pub files: usize,
    /// Whether any tree was looked at, as facts files hold no tests.
    pub looked: bool,
    /// Whether bounds left something unread.
    pub cut: bool,
    found: Vec<Found>,
    /// What the files beside tests through several services say, in lower case, by their folder.
    beside: BTreeMap<String, String>,
}

#[derive(Debug)]
struct Found {
    sign: &'static Sign,
    place: Evidence,
}

/// Looks at the tests of one tree. `exclude` are the configuration's globs, `threads` 0 for one a core.
pub fn look(tests: &mut Tests, root: &Path, paths: &Paths, exclude: &[String], threads: usize) {
    tests.looked = true;
    let options = WalkOptions {
        is_manifest: may_be_test,
        exclude: exclude.to_vec(),
        include_tests: true,
        threads,
        ..WalkOptions::default()
    };
    let walked = walk::walk(root, &options);
    let sources = walked.sources.iter().filter(|file| is_test_path(&file.relative, file.language));
    let sources = sources.map(|file| (&file.relative, &file.absolute, file.size));
    let others = walked.manifests.iter().map(|file| (&file.relative, &file.absolute, file.size));
    let mut all: Vec<_> = sources.chain(others).collect();
    all.sort();
    let mut total = 0;
    for (relative, absolute, size) in &all {
        total += size;
        if *size > MAX_FILE || total > MAX_TOTAL || tests.found.len() >= MAX_PLACES {
            tests.cut = true;
            continue;
        }
        let mut bytes = Vec::new();
        let read = std::fs::File::open(absolute).and_then(|file| file.take(MAX_FILE).read_to_end(&mut bytes));
        if read.is_err() {
            tests.cut = true;
            continue;
        }
        tests.files += 1;
        search(tests, &paths.shown(relative), &String::from_utf8_lossy(&bytes));
    }
    let shown = all.iter().map(|(relative, absolute, _)| (paths.shown(relative), absolute.as_path()));
    read_beside(tests, &shown.collect::<Vec<_>>());
}

/// Reads what stands beside tests through several services: the names of the services can be in another file.
fn read_beside(tests: &mut Tests, files: &[(String, &Path)]) {
    let whole = tests.found.iter().filter(|found| found.sign.whole);
    let folders: BTreeSet<String> = whole.map(|found| folder(&found.place.path).to_owned()).collect();
    for (shown, file) in files.iter().filter(|(shown, _)| folders.contains(folder(shown))) {
        let text = tests.beside.entry(folder(shown).to_owned()).or_default();
        let room = MAX_TEXT.saturating_sub(text.len() as u64);
        let mut bytes = Vec::new();
        if std::fs::File::open(file).and_then(|file| file.take(room).read_to_end(&mut bytes)).is_ok() {
            text.push_str(&String::from_utf8_lossy(&bytes).to_ascii_lowercase());
        }
    }
}

/// Whether a file in no language that is analysed may be a test of traces, by its path.
fn may_be_test(path: &str) -> bool {
    const ENDS: &[&str] =
        &["yaml", "yml", "sh", "js", "mjs", "ts", "tsx", "kt", "groovy", "cs", "rb", "php", "rs", "hurl", "feature"];
    let named = path.split(['/', '.', '-', '_']).any(|word| {
        let word = word.to_ascii_lowercase();
        matches!(word.as_str(), "test" | "tests" | "spec" | "specs" | "e2e" | "tracetest" | "tracetesting")
    });
    named && path.rsplit_once('.').is_some_and(|(_, end)| ENDS.contains(&end))
}

fn search(tests: &mut Tests, path: &str, text: &str) {
    let signs = catalogue().sign.iter().filter(|sign| sign.words.iter().all(|word| text.contains(word.as_str())));
    for sign in signs {
        let first = sign.words.first().and_then(|word| text.find(word.as_str())).unwrap_or_default();
        let line = text.get(..first).map_or(0, |before| before.matches('\n').count()) as u32 + 1;
        let place = Evidence { path: path.to_owned(), line, what: sign.what.clone() };
        tests.found.push(Found { sign, place });
    }
}

/// One item for each service.
pub(super) fn items(input: &Input<'_>) -> Vec<Item> {
    let tests = input.tests;
    let mut out = Vec::new();
    for (_, node, _) in input.services() {
        let whole: Vec<&Found> = tests.found.iter().filter(|found| names(tests, found, input, node)).collect();
        let inside = |found: &&Found| {
            let is_inside = || format!("/{}", found.place.path).contains(&format!("/{}/", node.root));
            !found.sign.whole && (node.root == "." || is_inside())
        };
        let own: Vec<&Found> = tests.found.iter().filter(inside).collect();
        let (outcome, because, found) = if !whole.is_empty() {
            (
                Outcome::Passes,
                "a test looks at whole traces and names it, there or in a file beside it".to_owned(),
                whole,
            )
        } else if !own.is_empty() {
            let because = "tests look at spans or headers inside it; whether one asserts a whole trace is not known";
            (Outcome::Unknown, because.to_owned(), own)
        } else if let Some(other) = tests.found.iter().find(|found| found.sign.whole) {
            let because = "a test looks at whole traces, but names this service neither there nor in a file beside it";
            (Outcome::Unknown, because.to_owned(), vec![other])
        } else if !tests.looked {
            (Outcome::Unknown, "facts files do not hold tests".to_owned(), Vec::new())
        } else if tests.cut {
            (Outcome::Unknown, "none was found, but not all test files were read".to_owned(), Vec::new())
        } else if tests.files == 0 {
            (Outcome::Unknown, "no test was found here; it may lie in another repository".to_owned(), Vec::new())
        } else {
            let because = format!("none of the {} test files here looks at its spans or at the header", tests.files);
            (Outcome::Breaks, because, Vec::new())
        };
        out.push(Item {
            outcome,
            subject: node.name.clone(),
            owner: input.owner_of(node),
            because,
            notes: Vec::new(),
            more: found.len().saturating_sub(MAX_EVIDENCE),
            evidence: found.into_iter().take(MAX_EVIDENCE).map(|found| found.place.clone()).collect(),
        });
    }
    out
}

/// Whether a test through several services, or what lies beside it, names this one.
fn names(tests: &Tests, found: &Found, input: &Input<'_>, node: &Node) -> bool {
    let Some(text) = tests.beside.get(folder(&found.place.path)).filter(|_| found.sign.whole) else { return false };
    let name = super::settings::trace_name(input.facts, node).name.to_ascii_lowercase();
    [format!("\"{name}\""), format!("'{name}'")].iter().any(|quoted| text.contains(quoted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_found_with_their_lines() {
        let mut tests = Tests::default();
        search(&mut tests, "a_test.go", "package a\n\nvar r = tracetest.NewSpanRecorder()\n");
        search(&mut tests, "b_test.go", "package a\n// nothing\n");
        let found: Vec<_> = tests.found.iter().map(|found| (found.place.path.as_str(), found.place.line)).collect();
        assert_eq!(found, [("a_test.go", 3)]);
    }

    #[test]
    fn tests_of_other_languages_are_told_by_their_path() {
        assert!(may_be_test("e2e/order.spec.ts") && may_be_test("test/tracetesting/cart.yaml"));
        assert!(!may_be_test("deploy/cart.yaml") && !may_be_test("src/latest.ts"));
    }
}
