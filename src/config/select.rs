//! Which rules run, at which severity.

use super::{Config, Level};
use crate::finding::Severity;
use crate::rulepage::{self, RulePage};

/// What one word in a rule list means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// Every rule that is not pedantic.
    All,
    /// The rules of a bucket.
    Bucket(&'static str),
    /// The rules whose code starts so.
    Prefix(String),
    /// One rule.
    Rule(&'static str),
}

/// A word that means no rule.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct UnknownRule {
    /// What is wrong.
    pub message: String,
    /// What may have been meant.
    pub help: Option<String>,
}

impl Selector {
    /// Reads a name, code, code prefix, bucket or `all`.
    pub fn parse(word: &str) -> Result<Self, UnknownRule> {
        if word.eq_ignore_ascii_case("all") {
            return Ok(Self::All);
        }
        if let Some(page) = rulepage::find(word) {
            return Ok(Self::Rule(&page.name));
        }
        if let Some(bucket) = rulepage::BUCKETS.into_iter().find(|bucket| *bucket == word) {
            return Ok(Self::Bucket(bucket));
        }
        let upper = word.to_ascii_uppercase();
        let digits = upper.strip_prefix("HOP");
        if digits.is_some_and(|digits| {
            digits.len() <= 2
                && digits.bytes().all(|byte| byte.is_ascii_digit())
                && digits.bytes().next().is_none_or(|byte| byte < b'8')
        }) {
            return Ok(Self::Prefix(upper));
        }
        let help = rulepage::suggestion(word).map(|name| format!("did you mean `{name}`?"));
        let help = help.or_else(|| Some("`hoplint rules` lists all rules".to_owned()));
        Err(UnknownRule { message: format!("unknown rule `{word}`"), help })
    }

    /// Whether it means this rule.
    pub fn matches(&self, page: &RulePage) -> bool {
        match self {
            Self::All => true,
            Self::Bucket(bucket) => page.bucket == *bucket,
            Self::Prefix(prefix) => page.code.starts_with(prefix.as_str()),
            Self::Rule(name) => page.name == *name,
        }
    }

    /// The more exact selector wins over the wider one.
    fn rank(&self) -> usize {
        match self {
            Self::All => 0,
            Self::Bucket(_) => 1,
            Self::Prefix(prefix) => prefix.len() - 3,
            Self::Rule(_) => 4,
        }
    }
}

/// The choice of rules from the configuration and the command line.
#[derive(Debug, Default)]
pub struct Selection {
    /// Selector, whether the command line says it, whether it switches on.
    entries: Vec<(Selector, bool, bool)>,
    severities: Vec<(Selector, bool, Level)>,
    pedantic: bool,
}

impl Selection {
    /// The configuration's choice; an empty command line changes nothing.
    pub fn new(config: &Config) -> Result<Self, UnknownRule> {
        let mut selection = Self { pedantic: config.pedantic, ..Self::default() };
        let everything = [String::from("all")];
        selection.add(config.select.as_deref().unwrap_or(&everything), false, true)?;
        selection.add(&config.extend_select, false, true)?;
        selection.add(&config.ignore, false, false)?;
        for (rule, level) in &config.severity {
            selection.severities.push((Selector::parse(rule)?, false, *level));
        }
        Ok(selection)
    }

    /// Replaces what the configuration selects.
    pub fn select_only(&mut self, rules: &[String]) -> Result<(), UnknownRule> {
        self.entries.retain(|(_, _, on)| !on);
        self.add(rules, true, true)
    }

    /// Adds the command line's rules.
    pub fn extend(&mut self, rules: &[String]) -> Result<(), UnknownRule> {
        self.add(rules, true, true)
    }

    /// Takes the command line's rules away.
    pub fn ignore(&mut self, rules: &[String]) -> Result<(), UnknownRule> {
        self.add(rules, true, false)
    }

    /// Sets a severity from the command line.
    pub fn set_severity(&mut self, rule: &str, level: Level) -> Result<(), UnknownRule> {
        self.severities.push((Selector::parse(rule)?, true, level));
        Ok(())
    }

    /// Also runs pedantic rules.
    pub fn set_pedantic(&mut self, pedantic: bool) {
        self.pedantic |= pedantic;
    }

    /// Whether pedantic rules and assumed findings are wanted.
    pub fn pedantic(&self) -> bool {
        self.pedantic
    }

    /// The severity at which a rule is reported, or `None` when it is not.
    pub fn severity(&self, page: &RulePage) -> Option<Severity> {
        self.severity_of(page, page.severity)
    }

    /// The severity of a finding that has `own` by itself, or `None` when its rule is not reported.
    pub fn severity_of(&self, page: &RulePage, own: Severity) -> Option<Severity> {
        let best = self.entries.iter().filter(|(selector, ..)| selector.matches(page));
        let (selector, _, on) = best.max_by_key(|(selector, cli, on)| (*cli, selector.rank(), !on))?;
        let asked_for = matches!(selector, Selector::Rule(_));
        if !on || (page.pedantic && !self.pedantic && !asked_for) {
            return None;
        }
        let levels = self.severities.iter().filter(|(selector, ..)| selector.matches(page));
        match levels.max_by_key(|(selector, cli, _)| (*cli, selector.rank())) {
            Some((.., level)) => level.severity(),
            None => Some(own),
        }
    }

    fn add(&mut self, rules: &[String], cli: bool, on: bool) -> Result<(), UnknownRule> {
        for rule in rules {
            self.entries.push((Selector::parse(rule)?, cli, on));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> &'static RulePage {
        rulepage::find("context-replaced").unwrap()
    }

    #[test]
    fn the_more_exact_word_wins_and_the_command_line_wins_over_the_file() {
        let config = |select: &[&str], ignore: &[&str]| Config {
            select: Some(select.iter().map(|word| (*word).to_owned()).collect()),
            ignore: ignore.iter().map(|word| (*word).to_owned()).collect(),
            ..Config::default()
        };
        let severity = |config: &Config| Selection::new(config).unwrap().severity(page());
        assert_eq!(severity(&Config::default()), Some(Severity::Error));
        assert_eq!(severity(&config(&["all"], &["HOP2"])), None);
        assert_eq!(severity(&config(&["HOP202"], &["propagation"])), Some(Severity::Error));
        assert_eq!(severity(&config(&["HOP1"], &[])), None);
        let mut selection = Selection::new(&config(&["all"], &["HOP202"])).unwrap();
        selection.extend(&["propagation".to_owned()]).unwrap();
        selection.set_severity("HOP2", Level::Info).unwrap();
        assert_eq!(selection.severity(page()), Some(Severity::Info));
    }
}
