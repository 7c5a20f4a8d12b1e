//! Findings to diagnostics: selection, severity, places, suppression, order.

use super::change::ChangeSet;
use super::source::{Paths, Sources};
use super::suppress::{self, Problem, Suppression};
use super::{Diagnostic, Range, RelatedPlace, Summary, fingerprint};
use crate::analysis::Analysis;
use crate::config::{Config, Selection, Selector};
use crate::finding::{Confidence, Finding, Place, Severity};
use crate::ir::{Position, Span};
use crate::rulepage::{self, RulePage};
use globset::GlobSet;
use std::path::{Path, PathBuf};

/// The tree that an analysis is about, as seen from outside.
#[derive(Debug, Clone)]
pub struct Target {
    /// The tree's root, absolute.
    pub root: PathBuf,
    /// The working directory, absolute.
    pub cwd: PathBuf,
    /// The folder that fingerprints count paths from: the repository's root, absolute.
    pub repository: PathBuf,
}

/// What is reported.
#[derive(Debug, Default)]
pub struct Options {
    /// The rules.
    pub selection: Selection,
    /// Let suppressions have no effect.
    pub no_suppressions: bool,
    /// Report suppressions that do nothing, say nothing or name nothing.
    pub report_suppressions: bool,
    /// Only what touches each of these sets of places.
    pub changes: Vec<ChangeSet>,
}

/// What the formats print.
#[derive(Debug, Default)]
pub struct Report {
    /// Sorted by path, line, column, rule.
    pub diagnostics: Vec<Diagnostic>,
    /// What was looked at.
    pub summary: Summary,
    /// The files that diagnostics point into.
    pub sources: Sources,
    /// Whether there was anything to analyse.
    pub analysed: bool,
}

impl Report {
    /// Makes the report of one analysed tree.
    pub fn new(analysis: Analysis, target: &Target, config: &Config, options: &Options) -> Self {
        Finisher::new(target, config, options).finish(analysis)
    }

    /// Adds the report of another tree.
    pub fn merge(&mut self, other: Self) {
        self.diagnostics.extend(other.diagnostics);
        self.diagnostics.sort_by(order);
        self.diagnostics.dedup_by(|left, right| order(left, right).is_eq());
        self.sources.extend(other.sources);
        self.summary.services.extend(other.summary.services);
        self.summary.services.dedup();
        self.summary.hops.add(other.summary.hops);
        self.summary.files += other.summary.files;
        self.summary.skipped.extend(other.summary.skipped);
        self.summary.skipped.sort();
        self.summary.skipped.dedup();
        self.summary.suppressed += other.summary.suppressed;
        self.analysed |= other.analysed;
        self.count();
    }

    /// The worst severity.
    pub fn worst(&self) -> Option<Severity> {
        self.diagnostics.iter().map(|diagnostic| diagnostic.severity).max()
    }

    fn count(&mut self) {
        let count = |severity| self.diagnostics.iter().filter(|found| found.severity == severity).count();
        let (errors, warnings, infos) = (count(Severity::Error), count(Severity::Warning), count(Severity::Info));
        self.summary.errors = errors;
        self.summary.warnings = warnings;
        self.summary.infos = infos;
    }
}

/// Path, line, column, rule, then the rest that makes the order total.
fn order(left: &Diagnostic, right: &Diagnostic) -> std::cmp::Ordering {
    let key = |found: &Diagnostic| (found.range.start.line, found.range.start.column);
    left.path
        .cmp(&right.path)
        .then_with(|| key(left).cmp(&key(right)))
        .then_with(|| left.rule.cmp(&right.rule))
        .then_with(|| left.range.end.cmp(&right.range.end))
        .then_with(|| left.message.cmp(&right.message))
}

struct Finisher<'a> {
    options: &'a Options,
    target: &'a Target,
    paths: Paths,
    in_repository: Paths,
    /// Globs (relative to the configuration) and the rules that are off there.
    ignores: Vec<(GlobSet, Vec<Selector>)>,
    base: PathBuf,
    sources: Sources,
}

impl<'a> Finisher<'a> {
    fn new(target: &'a Target, config: &Config, options: &'a Options) -> Self {
        let parse = |rules: &[String]| rules.iter().filter_map(|rule| Selector::parse(rule).ok()).collect();
        let ignores = config.path_ignores().into_iter().map(|(globs, rules)| (globs, parse(rules))).collect();
        Self {
            options,
            paths: Paths::new(&target.root, &target.cwd),
            in_repository: Paths::new(&target.root, &target.repository),
            ignores,
            base: if config.base.as_os_str().is_empty() { target.root.clone() } else { config.base.clone() },
            sources: Sources::default(),
            target,
        }
    }

    fn finish(mut self, mut analysis: Analysis) -> Report {
        let mut suppressions = self.suppressions(&analysis);
        let mut suppressed = 0;
        let mut diagnostics = Vec::new();
        for finding in std::mem::take(&mut analysis.findings) {
            let diagnostic = self.diagnostic(&finding);
            let silenced = !self.options.no_suppressions && self.silenced(&mut suppressions, &finding, &diagnostic);
            let Some(severity) = self.wanted(&finding) else { continue };
            if silenced {
                suppressed += 1;
            } else {
                diagnostics.push(Diagnostic { severity, ..diagnostic });
            }
        }
        if self.options.report_suppressions && !self.options.no_suppressions {
            diagnostics.extend(suppressions.iter().flat_map(|suppression| self.complaints(suppression)));
        }
        diagnostics.sort_by(order);
        diagnostics.dedup_by(same_place);
        fingerprint::finish(&mut diagnostics);
        for changes in &self.options.changes {
            diagnostics.retain(|diagnostic| changes.touches(diagnostic, &self.target.cwd));
        }
        let analysed = analysis.analysed;
        let summary = self.summary(analysis, suppressed);
        let mut report = Report { diagnostics, summary, sources: self.sources, analysed };
        report.count();
        report
    }

    fn suppressions(&mut self, analysis: &Analysis) -> Vec<Suppression> {
        let mut all = Vec::new();
        for (path, directives) in analysis.directives.iter().filter(|(_, directives)| !directives.is_empty()) {
            let source = self.sources.load(&self.paths.shown(path), &self.paths.file(path));
            all.extend(suppress::read(path, directives, &source));
        }
        all
    }

    fn silenced(&self, suppressions: &mut [Suppression], finding: &Finding, found: &Diagnostic) -> bool {
        let related = finding.related.iter().zip(&found.related);
        let related = related.map(|(place, shown)| (place.place.path.as_str(), shown.range));
        let places: Vec<(&str, Range)> =
            std::iter::once((finding.place.path.as_str(), found.range)).chain(related).collect();
        suppress::silences(suppressions, finding.rule, &places)
    }

    /// The severity at which a finding is reported, or `None` when it is not.
    fn wanted(&self, finding: &Finding) -> Option<Severity> {
        if finding.confidence == Confidence::Possible && !self.options.selection.pedantic() {
            return None;
        }
        let Some(page) = rulepage::find(finding.rule) else { return Some(Severity::Warning) };
        let file = self.paths.file(&finding.place.path);
        let relative = file.strip_prefix(&self.base).unwrap_or(Path::new(finding.place.path.as_str()));
        let is_off = |(globs, rules): &(GlobSet, Vec<Selector>)| {
            globs.is_match(relative) && rules.iter().any(|rule| rule.matches(page))
        };
        if self.ignores.iter().any(is_off) {
            return None;
        }
        self.options.selection.severity_of(page, finding.severity.unwrap_or(page.severity))
    }

    fn diagnostic(&mut self, finding: &Finding) -> Diagnostic {
        let page = rulepage::find(finding.rule);
        let (path, range, line) = self.place(finding.place);
        let mut lines = vec![line];
        let mut related = Vec::new();
        for other in &finding.related {
            let (path, range, line) = self.place(other.place);
            lines.push(line);
            related.push(RelatedPlace { path, range, message: other.message.clone(), span: other.place.span });
        }
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let fingerprint = fingerprint::base(finding.rule, &self.in_repository.shown(&finding.place.path), &lines);
        Diagnostic {
            rule: page.map_or("HOP000", |page| page.code.as_str()).to_owned(),
            name: finding.rule.to_owned(),
            bucket: page.map_or("unknown", |page| page.bucket).to_owned(),
            severity: page.map_or(Severity::Warning, |page| page.severity),
            confidence: finding.confidence,
            path,
            range,
            message: finding.message.clone(),
            effect: finding.effect.clone(),
            help: finding.help.clone(),
            confirm: finding.confirm.clone(),
            service: finding.service.clone(),
            language: finding.language,
            related,
            fingerprint,
            fix: None,
            span: finding.place.span,
            label: finding.label.clone(),
        }
    }

    /// Shown path, range and text of the first line of a place.
    fn place(&mut self, place: Place) -> (String, Range, String) {
        let shown = self.paths.shown(&place.path);
        let source = self.sources.load(&shown, &self.paths.file(&place.path));
        let range = source.range(place.span);
        let line = source.line(range.start.line).to_owned();
        (shown, range, line)
    }

    /// What is wrong with a suppression.
    fn complaints(&self, suppression: &Suppression) -> Vec<Diagnostic> {
        let unused = suppression.rules.iter().filter(|(page, used)| !used && self.is_on(page));
        let unused = unused.map(|(page, _)| {
            let message = format!("this suppression of {} silences nothing", page.name);
            ("unused-suppression", message, "delete the comment")
        });
        let problems = suppression.problems.iter().map(|problem| match problem {
            Problem::Reasonless => {
                let message = "this suppression gives no reason".to_owned();
                ("suppression-without-reason", message, "say why behind the bracket")
            }
            Problem::Unknown(message) => {
                ("unknown-suppressed-rule", message.clone(), "`hoplint rules` lists the rules; or delete the comment")
            }
        });
        unused.chain(problems).map(|(rule, message, help)| self.complaint(suppression, rule, message, help)).collect()
    }

    fn is_on(&self, page: &RulePage) -> bool {
        self.options.selection.severity(page).is_some()
    }

    fn complaint(&self, at: &Suppression, rule: &'static str, message: String, help: &str) -> Diagnostic {
        let shown = self.paths.shown(&at.path);
        let source = self.sources.get(&shown);
        let line = source.map(|source| source.line(at.line)).unwrap_or_default();
        let span = source.map(|source| line_span(&source.text, line)).unwrap_or_default();
        let position = |column: usize| Position { line: at.line, column: u32::try_from(column).unwrap_or(u32::MAX) };
        let indent = line.chars().take_while(|char| char.is_whitespace()).count();
        Diagnostic {
            rule: rulepage::find(rule).map_or("HOP000", |page| page.code.as_str()).to_owned(),
            name: rule.to_owned(),
            bucket: "suppression".to_owned(),
            severity: Severity::Warning,
            confidence: Confidence::Certain,
            path: shown,
            range: Range { start: position(indent + 1), end: position(line.trim_end().chars().count() + 1) },
            message,
            effect: String::new(),
            help: help.to_owned(),
            confirm: String::new(),
            service: String::new(),
            language: None,
            related: Vec::new(),
            fingerprint: fingerprint::base(rule, &self.in_repository.shown(&at.path), &[line]),
            fix: None,
            span,
            label: String::new(),
        }
    }

    fn summary(&self, analysis: Analysis, suppressed: usize) -> Summary {
        let mut summary = Summary { files: analysis.files, suppressed, ..Summary::default() };
        for mut service in analysis.services {
            summary.hops.add(service.hops);
            service.root = self.paths.shown(&service.root);
            for stack in &mut service.stacks {
                stack.path = self.paths.shown(&stack.path);
            }
            summary.services.push(service);
        }
        summary.skipped = analysis.skipped;
        for skipped in &mut summary.skipped {
            skipped.path = self.paths.shown(&skipped.path);
        }
        summary.skipped.sort();
        summary.skipped.dedup();
        summary
    }
}

/// The bytes of a line (a slice of `text`) without the white space around it.
fn line_span(text: &str, line: &str) -> Span {
    let start = (line.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    let indent = line.len() - line.trim_start().len();
    Span::new(start + indent, start + line.trim_end().len().max(indent))
}

/// Whether two neighbours are one finding; the surer one is kept.
fn same_place(next: &mut Diagnostic, kept: &mut Diagnostic) -> bool {
    let same = next.path == kept.path && next.range == kept.range && next.rule == kept.rule;
    if same && next.confidence > kept.confidence {
        std::mem::swap(next, kept);
    }
    same
}
