//! What a change does to the findings in public repositories, and how the findings compare with what was reviewed.
//!
//! `cargo run --release --example corpus -- --cache FOLDER --after PROGRAM [--before PROGRAM] [NAME…]`
//!
//! Fetches the repositories of `tests/corpus/repositories.toml` at their commits, without history, into the cache;
//! runs the programs over each; prints the findings that come and go, by rule and repository, and the verdicts of
//! `tests/corpus/reviewed.toml` on them. With `--maps`, compares the ways of whole systems with those of
//! `tests/corpus/maps.toml` instead; with `--plant`, plants the breaks of `tests/corpus/plants.toml` and counts those that
//! are told. See `docs/corpus.md`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

mod edits;
mod maps;
mod options;
mod plants;

use options::Options;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The longest that a program may work on one repository.
const PATIENCE: Duration = Duration::from_secs(600);
/// No finding was added, lost or left without a verdict.
const SAME: u8 = 0;
/// There are differences.
const DIFFERENT: u8 = 1;
/// Something could not be done.
const FAILED: u8 = 2;

/// `repositories.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Repositories {
    /// By name (`owner/name`), the commit.
    commits: BTreeMap<String, String>,
}

/// `reviewed.toml`: by repository, then by verdict, then by rule, the fingerprints of findings.
type Reviewed = BTreeMap<String, BTreeMap<Verdict, BTreeMap<String, BTreeSet<String>>>>;

/// What a reader said of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    /// The trace breaks there.
    Right,
    /// It does not.
    Wrong,
    /// The code does not settle it.
    Doubtful,
}

impl Verdict {
    fn word(verdict: Option<Self>) -> &'static str {
        match verdict {
            Some(Self::Right) => "right",
            Some(Self::Wrong) => "wrong",
            Some(Self::Doubtful) => "doubtful",
            None => "not reviewed",
        }
    }
}

/// One finding of one program.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    rule: String,
    path: String,
    line: u64,
    fingerprint: String,
    message: String,
}

/// How often a rule's findings have each verdict.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    right: usize,
    wrong: usize,
    doubtful: usize,
    open: usize,
    added: usize,
    lost: usize,
}

fn main() -> ExitCode {
    match run() {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(FAILED)
        }
    }
}

fn run() -> Outcome<u8> {
    let options = options::read(std::env::args().skip(1))?;
    if options.maps {
        return maps::check(&options);
    }
    let repositories: Repositories = toml::from_str(&fs::read_to_string(data("repositories.toml"))?)?;
    if options.plant {
        return plants::check(&options, &repositories);
    }
    let mut reviewed: Reviewed = toml::from_str(&fs::read_to_string(data("reviewed.toml"))?)?;
    let wanted = |name: &str| options.only.is_empty() || options.only.iter().any(|part| name.contains(part.as_str()));
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    let mut status = SAME;
    for (name, commit) in repositories.commits.iter().filter(|(name, _)| wanted(name)) {
        match repository(&options, name, commit, &mut reviewed, &mut tallies) {
            Ok(true) => {}
            Ok(false) => status = status.max(DIFFERENT),
            Err(error) => {
                eprintln!("{name}: {error}");
                status = FAILED;
            }
        }
    }
    if options.record.is_some() {
        fs::write(data("reviewed.toml"), toml::to_string(&reviewed)?)?;
    }
    print_tallies(&tallies);
    Ok(status)
}

fn data(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(file)
}

/// Compares one repository; false where there are differences.
fn repository(
    options: &Options,
    name: &str,
    commit: &str,
    reviewed: &mut Reviewed,
    tallies: &mut BTreeMap<String, Tally>,
) -> Outcome<bool> {
    let tree = fetch(options, name, commit)?;
    let after = findings(&options.after, &tree)?;
    let before = options.before.as_ref().map(|program| findings(program, &tree)).transpose()?;
    if let Some(verdict) = options.record {
        record(reviewed, name, verdict, &after);
    }
    let known = reviewed.get(name).cloned().unwrap_or_default();
    let verdict = |fingerprint: &str| {
        let holds = |rules: &BTreeMap<String, BTreeSet<String>>| rules.values().any(|all| all.contains(fingerprint));
        known.iter().find(|(_, rules)| holds(rules)).map(|(verdict, _)| *verdict)
    };
    let mut lines: BTreeSet<(String, u64, String)> = BTreeSet::new();
    let mut tell = |sign: char, found: &Found| {
        let word = Verdict::word(verdict(&found.fingerprint));
        let text = format!("  {sign} {}:{} {} [{word}] {}", found.path, found.line, found.rule, found.message);
        lines.insert((found.path.clone(), found.line, text));
    };
    for found in &after {
        let tally = tallies.entry(found.rule.clone()).or_default();
        match verdict(&found.fingerprint) {
            Some(Verdict::Right) => tally.right += 1,
            Some(Verdict::Wrong) => tally.wrong += 1,
            Some(Verdict::Doubtful) => tally.doubtful += 1,
            None => tally.open += 1,
        }
        let is_new = before.as_ref().is_some_and(|before| !before.iter().any(|old| is_same(old, found)));
        tally.added += usize::from(is_new);
        if is_new || (before.is_none() && verdict(&found.fingerprint).is_none()) {
            tell('+', found);
        }
    }
    for found in before.iter().flatten().filter(|old| !after.iter().any(|found| is_same(old, found))) {
        tallies.entry(found.rule.clone()).or_default().lost += 1;
        tell('-', found);
    }
    let mut same = lines.is_empty();
    let gone = if before.is_none() { gone(&known, &after) } else { Vec::new() };
    same &= gone.is_empty();
    if !same {
        println!("{name}@{}", &commit[..12]);
    }
    lines.iter().for_each(|(_, _, text)| println!("{text}"));
    gone.iter().for_each(|(rule, word)| println!("  - {rule} [was {word}]"));
    Ok(same)
}

fn is_same(one: &Found, other: &Found) -> bool {
    one.rule == other.rule && one.fingerprint == other.fingerprint
}

/// Reviewed findings that are not found any more: rule and verdict.
fn gone(known: &BTreeMap<Verdict, BTreeMap<String, BTreeSet<String>>>, after: &[Found]) -> Vec<(String, &'static str)> {
    let mut out = Vec::new();
    for (verdict, rules) in known {
        for (rule, fingerprints) in rules {
            let lost = fingerprints.iter().filter(|known| !after.iter().any(|found| found.fingerprint == **known));
            out.extend(lost.map(|_| (rule.clone(), Verdict::word(Some(*verdict)))));
        }
    }
    out
}

/// Gives every finding without a verdict this one, and forgets those that are not found any more.
fn record(reviewed: &mut Reviewed, name: &str, verdict: Verdict, after: &[Found]) {
    let known = reviewed.entry(name.to_owned()).or_default();
    for rules in known.values_mut() {
        for fingerprints in rules.values_mut() {
            fingerprints.retain(|known| after.iter().any(|found| found.fingerprint == *known));
        }
        rules.retain(|_, fingerprints| !fingerprints.is_empty());
    }
    let has = |known: &BTreeMap<Verdict, BTreeMap<String, BTreeSet<String>>>, found: &Found| {
        known.values().flat_map(BTreeMap::values).any(|all| all.contains(&found.fingerprint))
    };
    for found in after {
        if !has(known, found) {
            let rules = known.entry(verdict).or_default();
            rules.entry(found.rule.clone()).or_default().insert(found.fingerprint.clone());
        }
    }
    known.retain(|_, rules| !rules.is_empty());
}

/// The tree of a repository at its commit: out of the cache, or fetched without history.
fn fetch(options: &Options, name: &str, commit: &str) -> Outcome<PathBuf> {
    let (owner, short) = name.split_once('/').ok_or("a repository is named owner/name")?;
    let tree = options.cache.join(format!("{owner}+{short}@{}", &commit[..12]));
    if tree.join(".git/fetched").exists() {
        return Ok(tree);
    }
    fs::create_dir_all(&tree)?;
    let from = options.from.replace("{owner}", owner).replace("{name}", short);
    git(&tree, &["init", "--quiet"])?;
    git(&tree, &["fetch", "--quiet", "--depth", "1", "--no-tags", &from, commit])?;
    git(&tree, &["checkout", "--quiet", "--detach", "--force", "FETCH_HEAD"])?;
    fs::write(tree.join(".git/fetched"), commit)?;
    Ok(tree)
}

fn git(tree: &Path, arguments: &[&str]) -> Outcome<()> {
    // What a repository says of hooks, filters and submodules is not followed.
    let safe = ["-c", "core.hooksPath=/dev/null", "-c", "filter.lfs.smudge=", "-c", "filter.lfs.required=false"];
    let output = Command::new("git").current_dir(tree).args(safe).args(arguments).stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    let told = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(format!("git {}: {told}", arguments[0]).into())
}

/// The findings of a program in a tree.
fn findings(program: &str, tree: &Path) -> Outcome<Vec<Found>> {
    let arguments = ["check", "--no-config", "--exit-zero", "--no-suppressions", "--quiet", "--format", "json", "."];
    parse(&output(program, tree, &arguments)?)
}

/// What a program prints in a folder.
fn output(program: &str, folder: &Path, arguments: &[&str]) -> Outcome<String> {
    let out = tempfile::NamedTempFile::new()?;
    let mut child = Command::new(program)
        .current_dir(folder)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(out.reopen()?)
        .stderr(Stdio::null())
        .spawn()?;
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if start.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            return Err(format!("{program} took more than {} s", PATIENCE.as_secs()).into());
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    if !matches!(status.code(), Some(0 | 3)) {
        return Err(format!("{program} ended with {status}").into());
    }
    Ok(fs::read_to_string(out.path())?)
}

fn parse(text: &str) -> Outcome<Vec<Found>> {
    let report: serde_json::Value = serde_json::from_str(text)?;
    let mut out = Vec::new();
    for found in report["diagnostics"].as_array().ok_or("no diagnostics in the report")? {
        let text = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
        out.push(Found {
            rule: text("name"),
            path: text("path"),
            line: found["range"]["start"]["line"].as_u64().unwrap_or_default(),
            fingerprint: text("fingerprint"),
            message: text("message"),
        });
    }
    out.sort();
    Ok(out)
}

fn print_tallies(tallies: &BTreeMap<String, Tally>) {
    let head = ["right", "wrong", "doubtful", "not reviewed", "new", "gone"];
    println!("\n{:<30}{:>7}{:>7}{:>10}{:>14}{:>6}{:>6}", "rule", head[0], head[1], head[2], head[3], head[4], head[5]);
    let line = |name: &str, tally: &Tally| {
        let Tally { right, wrong, doubtful, open, added, lost } = tally;
        println!("{name:<30}{right:>7}{wrong:>7}{doubtful:>10}{open:>14}{added:>6}{lost:>6}");
    };
    let mut all = Tally::default();
    for (rule, tally) in tallies {
        line(rule, tally);
        all.right += tally.right;
        all.wrong += tally.wrong;
        all.doubtful += tally.doubtful;
        all.open += tally.open;
        all.added += tally.added;
        all.lost += tally.lost;
    }
    line("all", &all);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(fingerprint: &str) -> Found {
        let text = |text: &str| text.to_owned();
        Found { rule: text("a-rule"), path: text("a.go"), line: 1, fingerprint: text(fingerprint), message: text("") }
    }

    #[test]
    fn every_repository_has_a_full_commit_and_every_review_is_of_one() {
        let repositories: Repositories =
            toml::from_str(&fs::read_to_string(data("repositories.toml")).unwrap()).unwrap();
        for (name, commit) in &repositories.commits {
            assert!(name.split('/').count() == 2, "{name}");
            assert!(commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
        }
        let reviewed: Reviewed = toml::from_str(&fs::read_to_string(data("reviewed.toml")).unwrap()).unwrap();
        for (name, verdicts) in &reviewed {
            assert!(repositories.commits.contains_key(name), "{name}");
            let rules = verdicts.values().flat_map(BTreeMap::keys);
            rules.for_each(|rule| assert!(hoplint::rulepage::find(rule).is_some(), "{name}: no rule {rule}"));
        }
    }

    #[test]
    fn verdicts_stay_and_only_new_findings_get_one() {
        let mut reviewed = Reviewed::new();
        record(&mut reviewed, "o/n", Verdict::Wrong, &[found("1"), found("2")]);
        record(&mut reviewed, "o/n", Verdict::Right, &[found("2"), found("3")]);
        let known = &reviewed["o/n"];
        assert_eq!(known[&Verdict::Wrong]["a-rule"], BTreeSet::from(["2".to_owned()]));
        assert_eq!(known[&Verdict::Right]["a-rule"], BTreeSet::from(["3".to_owned()]));
        assert_eq!(gone(known, &[found("3")]), [("a-rule".to_owned(), "wrong")]);
        let written = toml::to_string(&reviewed).unwrap();
        assert_eq!(toml::from_str::<Reviewed>(&written).unwrap(), reviewed);
    }

    #[test]
    fn a_report_is_read() {
        let text = r#"{"diagnostics":[{"name":"a-rule","path":"a.go","range":{"start":{"line":1}},"fingerprint":"1","message":""}]}"#;
        assert_eq!(parse(text).unwrap(), [found("1")]);
        assert!(parse("{}").is_err());
    }
}
