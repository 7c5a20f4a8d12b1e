//! How a place was judged: what the rules said as they went, and the answers of the functions that they asked.

mod calls;
mod function;
mod report;
mod values;

pub use report::{WhyCall, WhyFinding, WhyFunction, WhyOrigin, WhyPlace, WhyReport, WhyValue, WhyVerdict};

use super::clients::Lives;
use super::{Note, Site, Verdict};
use crate::analysis::WhyQuery;
use crate::finding::{Finding, Place};
use crate::link::{FuncRef, SourceFile, ValueRef};
use crate::study::Study;

/// How many hops near a line are named.
const MAX_NEAREST: usize = 5;

/// Tells how a line was judged; `None` when its file is none of the program's.
pub fn explain(study: &Study<'_>, query: &WhyQuery, notes: &[Note]) -> Option<WhyReport> {
    let file = study.program.files.iter().position(|file| file.source.path == query.path.as_str())? as u32;
    let lives = Lives::new(study);
    let asker = Asker { lives: &lives, study, notes, file, line: query.line };
    let calls = asker.calls();
    let mut out = WhyReport {
        path: query.path.clone(),
        line: query.line,
        service: study.unit(file).name.clone(),
        language: study.language(),
        stacks: Vec::new(),
        limits: asker.limits(),
        function: asker.function(),
        calls,
        findings: Vec::new(),
        nearest: Vec::new(),
    };
    if !out.is_about_something() {
        out.nearest = asker.nearest();
    }
    Some(out)
}

/// The findings that point to a line, by their own place or a related one.
pub fn findings_at(findings: &[Finding], sources: &[SourceFile], query: &WhyQuery) -> Vec<WhyFinding> {
    let lines = |place: &Place| {
        let source = sources.iter().find(|source| source.path == place.path)?;
        let lines = &source.facts.lines;
        Some((lines.line(place.span.start), lines.line(place.span.end.max(place.span.start + 1) - 1)))
    };
    let is_here = |place: &Place| {
        place.path == query.path.as_str()
            && lines(place).is_some_and(|(first, last)| first <= query.line && query.line <= last)
    };
    let here =
        |finding: &&Finding| is_here(&finding.place) || finding.related.iter().any(|related| is_here(&related.place));
    let tell = |finding: &Finding| WhyFinding {
        rule: finding.rule.to_owned(),
        message: finding.message.clone(),
        at: WhyPlace {
            text: String::new(),
            path: finding.place.path.to_string(),
            line: lines(&finding.place).map_or(1, |(first, _)| first),
        },
    };
    findings.iter().filter(here).map(tell).collect()
}

/// Who asks: a line of a file, with the answers at hand.
struct Asker<'q, 'a> {
    lives: &'q Lives<'q, 'a>,
    study: &'q Study<'a>,
    notes: &'q [Note],
    file: u32,
    line: u32,
}

impl Asker<'_, '_> {
    /// A place with these words.
    fn at(&self, place: Place, text: impl Into<String>) -> WhyPlace {
        let files = &self.study.program.files;
        let source = files.iter().find(|file| file.source.path == place.path);
        let line = source.map_or(1, |file| file.source.facts.lines.line(place.span.start));
        WhyPlace { text: text.into(), path: place.path.to_string(), line }
    }

    /// A value as written, with its place.
    fn value_at(&self, value: ValueRef) -> WhyPlace {
        self.at(self.study.program.place(value), format!("`{}`", self.study.text(value)))
    }

    /// A function by name, with its place.
    fn function_at(&self, function: FuncRef) -> WhyPlace {
        let outer = self.study.program.outermost(function);
        let place = self.study.program.place_of(outer.file, self.study.program.function(outer).name_span);
        self.at(place, format!("`{}`", self.study.function_name(outer)))
    }

    fn line_of(&self, offset: u32) -> u32 {
        self.study.program.files.get(self.file as usize).map_or(0, |file| file.source.facts.lines.line(offset))
    }

    /// What keeps the file from being judged, or from being read to the end.
    fn limits(&self) -> Vec<String> {
        let mut out = Vec::new();
        let Some(file) = self.study.program.files.get(self.file as usize) else { return out };
        if self.study.is_out_of_traces(file.source.path) {
            out.push(
                "no finding is reported in this file: it supports tests, or no traced command is built with it"
                    .to_owned(),
            );
        }
        if self.study.is_aside(&file.source.path) {
            out.push("by its path this file is an example, a tool or the like, which most rules leave out".to_owned());
        }
        if file.source.facts.generated {
            out.push("this file is generated: calls in it are judged where its functions are called".to_owned());
        }
        if file.source.facts.has_errors {
            out.push("this file has syntax errors: what stands near them may not have been read".to_owned());
        }
        if file.source.facts.cuts > 0 {
            out.push("something in this file is nested too deep and was not read".to_owned());
        }
        out
    }

    /// The hops of the file that are nearest to the line.
    fn nearest(&self) -> Vec<WhyPlace> {
        let noted = self.notes.iter().map(|note| note.hop);
        let described = self.study.calls().iter().filter(|fact| {
            let effect = fact.effect;
            effect.hop.is_some() || effect.spawns.is_some() || effect.span.is_some() || effect.makes.is_some()
        });
        let sites = noted.chain(described.map(|fact| Site::Call(fact.call)));
        let here = sites.filter_map(|site| match site {
            Site::Call(call) if call.file == self.file => {
                let place = self.study.program.place(call);
                Some(self.at(place, format!("`{}`", self.study.callee_text(call))))
            }
            Site::Function(function) if function.file == self.file => Some(self.function_at(function)),
            _ => None,
        });
        let mut out: Vec<WhyPlace> = here.collect();
        out.sort_by_key(|place| (place.line.abs_diff(self.line), place.line, place.text.clone()));
        out.dedup();
        out.truncate(MAX_NEAREST);
        out
    }

    /// What the rules said of a hop.
    fn verdicts(&self, site: Site) -> Vec<WhyVerdict> {
        let told = self.notes.iter().filter(|note| note.hop == site);
        let mut out: Vec<WhyVerdict> = Vec::new();
        for note in told {
            let verdict = match note.verdict {
                Some(Verdict::Carried) => "carried",
                Some(Verdict::Broken) => "broken",
                Some(Verdict::Unknown) => "unknown",
                None => "not judged",
            };
            let verdict = WhyVerdict {
                rule: note.rule.to_owned(),
                verdict: verdict.to_owned(),
                because: note.because.to_owned(),
            };
            if !out.contains(&verdict) {
                out.push(verdict);
            }
        }
        out
    }
}
