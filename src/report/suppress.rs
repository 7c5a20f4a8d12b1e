//! Comments that silence a finding: `hoplint: ignore[rule] why` and `hoplint: ignore-file[rule] why`.

use super::Range;
use super::source::Source;
use crate::ir::Directive;
use crate::rulepage::{self, RulePage};

/// One understood comment.
#[derive(Debug)]
pub struct Suppression {
    /// The file, relative to the tree's root.
    pub path: String,
    /// The line of the comment.
    pub line: u32,
    /// The line that it speaks about; `None` for the whole file.
    pub target: Option<u32>,
    /// Its rules, and whether each silenced something.
    pub rules: Vec<(&'static RulePage, bool)>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// What is wrong with a comment.
#[derive(Debug)]
pub enum Problem {
    /// It gives no reason.
    Reasonless,
    /// It names something that is no rule, or is no suppression at all.
    Unknown(String),
}

/// Reads the comments of one file.
pub fn read(path: &str, directives: &[Directive], source: &Source) -> Vec<Suppression> {
    let parsed = directives.iter().filter_map(|directive| {
        let mut suppression = parse(path, directive)?;
        if directive.own_line && suppression.target.is_some() {
            suppression.target = Some(next_code_line(directive.line, source));
        }
        Some(suppression)
    });
    parsed.collect()
}

/// The first line below a comment that is no comment.
fn next_code_line(line: u32, source: &Source) -> u32 {
    let is_comment = |line: &u32| {
        let text = source.line(*line).trim_start();
        text.starts_with("//") || text.starts_with('#')
    };
    (line + 1..line.saturating_add(50)).find(|line| !is_comment(line)).unwrap_or(line + 1)
}

/// Reads one comment; expectations of the test runner are none of ours.
fn parse(path: &str, directive: &Directive) -> Option<Suppression> {
    let text = directive.text.as_str();
    if text.starts_with("expect") {
        return None;
    }
    let mut suppression =
        Suppression { path: path.to_owned(), line: directive.line, target: None, rules: vec![], problems: vec![] };
    let body = match (text.strip_prefix("ignore-file"), text.strip_prefix("ignore")) {
        (Some(body), _) => body,
        (None, Some(body)) => {
            suppression.target = Some(directive.line);
            body
        }
        (None, None) => {
            suppression
                .problems
                .push(Problem::Unknown(format!("`{text}` is no suppression: write `ignore[rule] why`")));
            return Some(suppression);
        }
    };
    let Some((rules, reason)) = body.trim_start().strip_prefix('[').and_then(|body| body.split_once(']')) else {
        suppression.problems.push(Problem::Unknown("the suppression names no rule: write `ignore[rule] why`".into()));
        return Some(suppression);
    };
    for word in rules.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        match rulepage::find(word) {
            Some(page) => suppression.rules.push((page, false)),
            None => suppression.problems.push(Problem::Unknown(unknown(word))),
        }
    }
    if !reason.chars().any(char::is_alphanumeric) {
        suppression.problems.push(Problem::Reasonless);
    }
    Some(suppression)
}

fn unknown(word: &str) -> String {
    match rulepage::suggestion(word) {
        Some(name) => format!("the suppression names the unknown rule `{word}`; did you mean `{name}`?"),
        None => format!("the suppression names the unknown rule `{word}`"),
    }
}

/// Whether one of the comments silences a finding of `rule` at these places; marks those that do as used.
pub fn silences(suppressions: &mut [Suppression], rule: &str, places: &[(&str, Range)]) -> bool {
    let mut silenced = false;
    for suppression in suppressions {
        let at = suppression.target;
        let path = suppression.path.as_str();
        let in_place = |(file, range): &(&str, Range)| {
            *file == path && at.is_none_or(|line| line == range.start.line || line == range.end.line)
        };
        // A comment for the whole file is about what is reported there, not about what passes through it.
        let candidates = if at.is_none() { places.get(..1).unwrap_or_default() } else { places };
        if !candidates.iter().any(in_place) {
            continue;
        }
        for (page, used) in suppression.rules.iter_mut().filter(|(page, _)| page.name == rule) {
            let _ = page;
            *used = true;
            silenced = true;
        }
    }
    silenced
}
