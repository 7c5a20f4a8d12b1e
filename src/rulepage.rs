//! Rule pages: one Markdown file a rule, from which selection, help and documentation come.

use crate::finding::Severity;
use include_dir::{Dir, include_dir};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::OnceLock;

static PAGES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/rules");
static RULES: OnceLock<Vec<RulePage>> = OnceLock::new();
static INDEX: OnceLock<HashMap<&'static str, usize>> = OnceLock::new();

/// The folders of rule pages; the place in this list is the digit in their codes.
pub const BUCKETS: [&str; 8] =
    ["suppression", "instrumentation", "propagation", "async", "sampling", "export", "correlation", "span"];

/// The headings that every page has, in this order.
pub const HEADINGS: [&str; 7] = [
    "## What it finds",
    "## What happens to the trace",
    "## Example",
    "## Use instead",
    "## When it is wrong",
    "## How to confirm",
    "## References",
];

/// The front matter of a page, as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct FrontMatter {
    code: String,
    name: String,
    title: String,
    severity: Severity,
    languages: Vec<String>,
    #[serde(default)]
    pedantic: bool,
    #[serde(default)]
    whole_service: bool,
    predicts: Option<String>,
    summary: String,
}

/// One rule.
#[derive(Debug, Clone, Serialize)]
pub struct RulePage {
    /// Its code, such as `HOP202`.
    pub code: String,
    /// Its kebab-case name.
    pub name: String,
    /// Its folder.
    pub bucket: &'static str,
    /// A title for people.
    pub title: String,
    /// One line about what it finds.
    pub summary: String,
    /// How bad its findings are unless the configuration says otherwise.
    pub severity: Severity,
    /// The languages it speaks about.
    pub languages: Vec<String>,
    /// Whether it must be asked for.
    pub pedantic: bool,
    /// Whether its findings are about all that a service does, not about one hop.
    #[serde(skip)]
    pub whole_service: bool,
    /// The Instrumentation Score rule that it predicts.
    pub predicts: Option<String>,
    /// The page without its front matter.
    #[serde(skip)]
    pub body: &'static str,
}

/// All rules, sorted by code.
pub fn rules() -> &'static [RulePage] {
    RULES.get_or_init(|| {
        let mut pages: Vec<RulePage> = sources().filter_map(|(path, text)| parse(path, text).ok()).collect();
        pages.sort_by(|left, right| left.code.cmp(&right.code));
        pages
    })
}

/// The rule with this code (any case) or name.
pub fn find(code_or_name: &str) -> Option<&'static RulePage> {
    let index = INDEX.get_or_init(|| {
        let pages = rules().iter().enumerate();
        pages.flat_map(|(at, page)| [(page.code.as_str(), at), (page.name.as_str(), at)]).collect()
    });
    let at = index.get(code_or_name).or_else(|| index.get(code_or_name.to_ascii_uppercase().as_str()))?;
    rules().get(*at)
}

/// The known name or code that looks most like `wrong`, if one does.
pub fn suggestion(wrong: &str) -> Option<&'static str> {
    let names = rules().iter().flat_map(|page| [page.name.as_str(), page.code.as_str()]);
    closest(wrong, names.chain(BUCKETS))
}

/// The candidate most like `wrong`, if one is like it at all.
pub fn closest<'a>(wrong: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let short: String = wrong.chars().take(64).collect();
    let scored = candidates.map(|name| (strsim::jaro_winkler(&short, name), name)).filter(|(score, _)| *score > 0.8);
    scored.max_by(|left, right| left.0.total_cmp(&right.0)).map(|(_, name)| name)
}

/// Path (relative to `rules/`) and text of every page of the known buckets.
pub fn sources() -> impl Iterator<Item = (&'static str, &'static str)> {
    let folders = BUCKETS.iter().filter_map(|bucket| PAGES.get_dir(bucket));
    let files = folders.flat_map(|folder| folder.files());
    let pages = files.filter(|file| file.path().extension().is_some_and(|ext| ext == "md"));
    pages.filter_map(|file| Some((file.path().to_str()?, file.contents_utf8()?)))
}

/// Reads one page; the message says what is wrong with it.
pub fn parse(path: &'static str, text: &'static str) -> Result<RulePage, String> {
    let rest = text.strip_prefix("+++\n").ok_or_else(|| format!("{path}: no front matter between +++ lines"))?;
    let (front, body) = rest.split_once("\n+++\n").ok_or_else(|| format!("{path}: the front matter has no end"))?;
    let front: FrontMatter = toml::from_str(front).map_err(|error| format!("{path}: {}", error.message()))?;
    let folder = path.split(['/', '\\']).next().unwrap_or_default();
    let bucket = BUCKETS.into_iter().find(|bucket| *bucket == folder);
    Ok(RulePage {
        bucket: bucket.ok_or_else(|| format!("{path}: no bucket"))?,
        code: front.code,
        name: front.name,
        title: front.title,
        summary: front.summary,
        severity: front.severity,
        languages: front.languages,
        pedantic: front.pedantic,
        whole_service: front.whole_service,
        predicts: front.predicts,
        body: body.trim(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_keeps_the_form() {
        let mut seen = std::collections::HashSet::new();
        for (path, text) in sources() {
            let page = parse(path, text).unwrap_or_else(|error| panic!("{error}"));
            let stem = path.rsplit('/').next().and_then(|file| file.strip_suffix(".md"));
            assert_eq!(stem, Some(page.name.as_str()), "{path}: the file is named after the rule");
            let digit = BUCKETS.iter().position(|bucket| *bucket == page.bucket).unwrap();
            assert!(
                page.code.starts_with(&format!("HOP{digit}")) && page.code.len() == 6,
                "{path}: code {}",
                page.code
            );
            assert!(page.code[3..].bytes().all(|byte| byte.is_ascii_digit()), "{path}: code {}", page.code);
            assert!(seen.insert(page.code.clone()), "{path}: {} is taken", page.code);
            assert!(seen.insert(page.name.clone()), "{path}: {} is taken", page.name);
            assert!(!page.summary.is_empty() && !page.summary.contains('\n'), "{path}: summary is one line");
            let found: Vec<&str> = outside_fences(page.body).filter(|line| line.starts_with("## ")).collect();
            assert_eq!(found, HEADINGS, "{path}: headings");
        }
        assert!(seen.len() >= 4);
    }

    fn outside_fences(text: &str) -> impl Iterator<Item = &str> {
        let mut fenced = false;
        text.lines().filter(move |line| {
            fenced ^= line.starts_with("```");
            !fenced
        })
    }

    #[test]
    fn finds_by_code_and_name_and_suggests() {
        assert_eq!(find("hop202").map(|page| page.name.as_str()), Some("context-replaced"));
        assert_eq!(find("context-replaced").map(|page| page.code.as_str()), Some("HOP202"));
        assert_eq!(suggestion("context-replacd"), Some("context-replaced"));
        assert_eq!(suggestion("zzzz"), None);
    }
}
