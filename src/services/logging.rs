//! How a Java program writes its log records: the patterns in `logback.xml`, `log4j2.xml` and the application's settings.
//!
//! Sources: <https://logback.qos.ch/manual/layouts.html>, <https://logging.apache.org/log4j/2.x/manual/pattern-layout.html>.

use super::settings::{self, Setting};
use super::stacks::stacks;
use super::{ManifestFile, Scope, Unit};
use crate::facts;
use crate::finding::Place;
use crate::ir::{Language, LineIndex, Span};
use crate::paths::{file_name, is_below};
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;
use std::collections::{BTreeMap, BTreeSet};
use ustr::Ustr;

/// The largest file that is looked at.
const MAX_SIZE: usize = 256 * 1024;
const MAX_DEPTH: usize = 64;

/// What is known of a program's log records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Logging {
    /// The patterns that say how a record is written.
    pub patterns: Vec<LogPattern>,
    /// Records are written by other means too, or by means that are not understood.
    pub open: bool,
}

/// A pattern by which records are written as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPattern {
    /// Where it stands.
    pub place: Place,
    /// The 1-based line of that.
    pub line: u32,
    /// What it prints of an id.
    pub ids: Ids,
    /// All keys of the logging context whose values it prints.
    pub printed: Vec<String>,
}

/// What a pattern prints of the ids of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ids {
    /// Nothing.
    None,
    /// The values of these keys of the logging context, all of which are called a trace's.
    Keys(Vec<String>),
    /// It may print them.
    Unknown,
}

/// Whether a file says how records are written, by its name.
pub(super) fn is_logging(path: &str) -> bool {
    let name = file_name(path);
    let is_named = ["logback.xml", "log4j2.xml"].iter().any(|end| name.ends_with(end));
    (is_named || (is_found(path) && name.ends_with(".xml"))) && !name.contains("test")
}

/// Whether a program finds the file by its name alone; one of another name, its settings must name.
fn is_found(path: &str) -> bool {
    let name = file_name(path);
    name.starts_with("logback") || name.starts_with("log4j2")
}

/// Tells each Java unit how it writes its records.
pub(super) fn attach(units: &mut [Unit], files: &[&ManifestFile]) {
    let wanted = |file: &&&ManifestFile| {
        (is_logging(&file.path) || settings::is_settings(&file.path))
            && file.text.len() <= MAX_SIZE
            && !crate::walk::is_test_path(&file.path, Language::Java)
    };
    let mut found: BTreeMap<usize, (Logging, Framework)> = BTreeMap::new();
    let (forms, told): (Vec<&ManifestFile>, Vec<&ManifestFile>) =
        files.iter().copied().filter(|file| wanted(&file)).partition(|file| is_logging(&file.path));
    let mut named: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for file in told {
        let Some(unit) = settings::owner(units, &file.path) else { continue };
        let (logging, framework) = found.entry(unit).or_default();
        of_settings(file, logging, framework, named.entry(unit).or_default());
    }
    named.retain(|_, names| !names.is_empty());
    for (unit, file) in forms_of(units, &forms, &named) {
        let (logging, framework) = found.entry(unit).or_default();
        match file.and_then(parse) {
            Some((patterns, uses_framework)) => {
                logging.patterns.extend(patterns);
                framework.is_used |= uses_framework;
            }
            None => logging.open = true,
        }
    }
    for (unit, (mut logging, framework)) in found {
        // The framework's own pattern holds that of the level, where nothing takes its place.
        let is_alone = logging.patterns.is_empty();
        logging.open |= framework.is_used && !is_alone;
        if is_alone {
            logging.patterns = framework.levels;
        }
        units[unit].logging = logging;
    }
    for at in 0..units.len() {
        let structured = |unit: &Unit| {
            let running = unit.dependencies.iter().filter(|found| found.is_running());
            stacks().iter().flat_map(|page| &page.structured_logs).any(|name| running.clone().any(|d| d.name == *name))
        };
        let open = structured(&units[at]) || uses_open(units, at);
        units[at].logging.open |= open;
    }
}

/// The files that say how the records of each unit are written, as far as the tree has them: those that its settings name,
/// wherever they lie, or else those beside it that it finds by their names.
fn forms_of<'f>(
    units: &[Unit],
    forms: &[&'f ManifestFile],
    named: &BTreeMap<usize, BTreeSet<String>>,
) -> Vec<(usize, Option<&'f ManifestFile>)> {
    let owned = |file: &ManifestFile| settings::owner(units, &file.path);
    let found = forms.iter().filter(|file| is_found(&file.path)).filter_map(|file| Some((owned(file)?, Some(*file))));
    let mut out: Vec<_> = found.filter(|(unit, _)| !named.contains_key(unit)).collect();
    for (unit, name) in named.iter().flat_map(|(unit, names)| names.iter().map(move |name| (*unit, name))) {
        let called: Vec<_> = forms.iter().copied().filter(|file| file_name(&file.path) == name).collect();
        let own = called.iter().copied().find(|file| owned(file) == Some(unit));
        // One of several of that name elsewhere may be meant, or none.
        let alone = match called.as_slice() {
            [file] if owned(file).is_none() => Some(*file),
            _ => None,
        };
        out.push((unit, own.or(alone)));
    }
    out
}

/// What a unit writes by the patterns of its framework.
#[derive(Debug, Default)]
struct Framework {
    /// A file says that records are written by them.
    is_used: bool,
    /// The parts of them that print ids, in settings.
    levels: Vec<LogPattern>,
}

/// Whether a module of the workspace that a unit uses brings a file of its own, which says anything else.
fn uses_open(units: &[Unit], at: usize) -> bool {
    let folders = units[at].dependencies.iter().filter(|d| d.scope == Scope::Workspace).map(|d| &d.path);
    let mut used =
        folders.flat_map(|path| units.iter().filter(move |unit| !unit.root.is_empty() && is_below(path, &unit.root)));
    let own = &units[at].logging.patterns;
    let is_own = |pattern: &LogPattern| own.iter().any(|known| known.ids == pattern.ids);
    used.any(|unit| unit.language == Language::Java && (unit.logging.open || !unit.logging.patterns.iter().all(is_own)))
}

/// The patterns in a file of settings, and the names of the files that it says hold others.
fn of_settings(file: &ManifestFile, logging: &mut Logging, framework: &mut Framework, named: &mut BTreeSet<String>) {
    let Some(found) = settings::read(file) else {
        logging.open = true;
        return;
    };
    let has = |names: &[String], known: &str| names.iter().any(|name| facts::plain(name) == known);
    for Setting { name, value, span } in found {
        if stacks().iter().any(|page| has(&page.structured_logs, &name)) && !matches!(value.trim(), "" | "false") {
            logging.open = true;
        }
        if stacks().iter().any(|page| has(&page.log_files, &name)) {
            named.insert(file_name(value.trim()).to_owned());
        }
        let pattern = |ids| {
            let printed = keys(&value);
            let place = Place { path: Ustr::from(&file.path), span: line_at(&file.text, span) };
            let line = LineIndex::new(file.text.as_bytes()).line(place.span.start);
            LogPattern { place, line, ids, printed }
        };
        if stacks().iter().any(|page| has(&page.log_patterns, &name)) {
            logging.patterns.push(pattern(ids(&value, &BTreeMap::new())));
        }
        if stacks().iter().any(|page| has(&page.log_levels, &name)) {
            let traces: Vec<String> = keys(&value).into_iter().filter(|key| is_called_trace(key)).collect();
            framework.levels.extend((!traces.is_empty()).then(|| pattern(Ids::Keys(traces))));
        }
    }
}

/// The line on which a place begins, without the white space around it.
fn line_at(text: &str, place: Span) -> Span {
    let (before, behind) = text.split_at_checked(place.start as usize).unwrap_or((text, ""));
    let from = before.rfind('\n').map_or(0, |end| end + 1);
    let to = behind.find('\n').map_or(text.len(), |end| before.len() + end);
    trimmed(text, from, to)
}

/// The patterns of a file, and whether it writes records by those of a framework, or `None` when something in it is not
/// understood or writes records in another form.
fn parse(file: &ManifestFile) -> Option<(Vec<LogPattern>, bool)> {
    let mut reader = Reader::from_str(&file.text);
    let mut names: Vec<String> = Vec::new();
    let mut found: Vec<(Span, String)> = Vec::new();
    let mut properties: BTreeMap<String, String> = BTreeMap::new();
    let mut property = String::new();
    loop {
        let start = reader.buffer_position() as usize;
        let event = reader.read_event().ok()?;
        let span = trimmed(&file.text, start, reader.buffer_position() as usize);
        match event {
            Event::Start(tag) => {
                let name = tag.local_name().as_ref().to_ascii_lowercase();
                open(&tag, &name, names.last().map(String::as_str), span, &mut found, &mut properties)?;
                property = attribute(&tag, "name").unwrap_or_default();
                names.push(name);
                if names.len() > MAX_DEPTH {
                    return None;
                }
            }
            Event::Empty(tag) => {
                let name = tag.local_name().as_ref().to_ascii_lowercase();
                open(&tag, &name, names.last().map(String::as_str), span, &mut found, &mut properties)?;
            }
            Event::Text(part) => put(&names, part.trim(), span, &property, &mut found, &mut properties),
            Event::CData(part) => put(&names, part.trim(), span, &property, &mut found, &mut properties),
            // `&lt;` and the like stand in a pattern's text.
            Event::GeneralRef(_) if names.last().is_some_and(|name| name == "pattern") => return None,
            Event::End(_) => {
                names.pop();
            }
            Event::Eof => break,
            _ => {}
        }
    }
    if !names.is_empty() {
        return None;
    }
    let path = Ustr::from(&file.path);
    let lines = LineIndex::new(file.text.as_bytes());
    let by_framework = |text: &str| FRAMEWORK_PATTERNS.contains(&text) && !properties.contains_key(name_in(text));
    let uses_framework = includes_framework(&file.text) || found.iter().any(|(_, text)| by_framework(text));
    found.retain(|(_, text)| !by_framework(text));
    let pattern = |(span, text): (Span, String)| LogPattern {
        place: Place { path, span },
        line: lines.line(span.start),
        ids: ids(&text, &properties),
        printed: filled(&text, &properties).map(|text| keys(&text)).unwrap_or_default(),
    };
    Some((found.into_iter().map(pattern).collect(), uses_framework))
}

fn trimmed(text: &str, start: usize, end: usize) -> Span {
    let part = text.get(start..end).unwrap_or_default();
    let start = start + (part.len() - part.trim_start().len());
    Span::new(start, start + part.trim().len())
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = tag.attributes().flatten().find(|found| found.key.local_name().as_ref().eq_ignore_ascii_case(name))?;
    found.normalized_value(quick_xml::XmlVersion::default()).ok().map(std::borrow::Cow::into_owned)
}

/// Classes of Logback that write records as text, or hand them on to such.
const TEXT: &[&str] = &[
    "ConsoleAppender",
    "FileAppender",
    "RollingFileAppender",
    "AsyncAppender",
    "SyslogAppender",
    "PatternLayout",
    "PatternLayoutEncoder",
    "LayoutWrappingEncoder",
];

/// Files of Spring Boot that write records by its own patterns, and what stands for these.
/// <https://docs.spring.io/spring-boot/how-to/logging.html>
const FRAMEWORK_FILES: &[&str] =
    &["boot/logging/logback/base.xml", "/logback/console-appender.xml", "/logback/file-appender.xml"];
const FRAMEWORK_PATTERNS: &[&str] = &["${CONSOLE_LOG_PATTERN}", "${FILE_LOG_PATTERN}"];

/// The name in what stands for a value: `NAME` of `${NAME}`.
fn name_in(text: &str) -> &str {
    text.trim_start_matches("${").trim_end_matches('}')
}

/// Whether a file takes in another by which the framework writes records.
fn includes_framework(text: &str) -> bool {
    FRAMEWORK_FILES.iter().any(|known| text.contains(known))
}

/// Elements of Log4j that do.
const TEXT_ELEMENTS: &[&str] = &[
    "appender",
    "console",
    "file",
    "rollingfile",
    "randomaccessfile",
    "rollingrandomaccessfile",
    "async",
    "null",
    "syslog",
];

/// Takes note of an element; `None` when nothing more can be said of the file.
fn open(
    tag: &BytesStart<'_>,
    name: &str,
    parent: Option<&str>,
    span: Span,
    found: &mut Vec<(Span, String)>,
    properties: &mut BTreeMap<String, String>,
) -> Option<()> {
    let class = attribute(tag, "class").or_else(|| attribute(tag, "type"));
    let class = class.as_deref().map(|class| class.rsplit('.').next().unwrap_or_default());
    let is_text = || class.is_none_or(|class| TEXT.contains(&class));
    let is_known = match name {
        "include" => attribute(tag, "resource").is_some_and(|path| {
            path.ends_with("/defaults.xml") || FRAMEWORK_FILES.iter().any(|known| path.ends_with(known))
        }),
        "conversionrule" => {
            let class = attribute(tag, "converterClass").or_else(|| attribute(tag, "class"));
            class.is_some_and(|class| class.contains(".boot.logging."))
        }
        "if" | "script" | "scripts" | "rewrite" | "routing" | "failover" => false,
        "appender" | "encoder" | "layout" => is_text(),
        _ if parent == Some("appenders") => TEXT_ELEMENTS.contains(&name) && is_text(),
        _ => !name.ends_with("layout") || name == "patternlayout",
    };
    if name == "patternlayout" || name == "pattern" {
        found.extend(attribute(tag, "pattern").map(|text| (span, text)));
    }
    if matches!(name, "property" | "variable")
        && let (Some(key), Some(value)) = (attribute(tag, "name"), attribute(tag, "value"))
    {
        properties.insert(key, value);
    }
    is_known.then_some(())
}

/// Takes note of an element's text.
fn put(
    names: &[String],
    text: &str,
    span: Span,
    property: &str,
    found: &mut Vec<(Span, String)>,
    properties: &mut BTreeMap<String, String>,
) {
    match names.last().map(String::as_str) {
        _ if text.is_empty() => {}
        Some("pattern") => found.push((span, text.to_owned())),
        Some("property" | "variable") => {
            properties.insert(property.to_owned(), text.to_owned());
        }
        _ => {}
    }
}

/// Parts of the names of values that hold no id, whatever they are.
const PLAIN: &[&str] = &["name", "host", "version", "pid", "date", "exception", "charset", "color"];

/// What a pattern prints of a trace's ids.
fn ids(pattern: &str, properties: &BTreeMap<String, String>) -> Ids {
    let Some(text) = filled(pattern, properties) else { return Ids::Unknown };
    // What prints no message is no pattern of records.
    let is_record = ["%m", "%s", "%e", "%replace", "%enc", "%clr", "%n", "%ex"].iter().any(|part| text.contains(part));
    if !is_record {
        return Ids::Unknown;
    }
    let keys = keys(&text);
    let rest = keys.iter().fold(text.clone(), |text, key| text.replace(key.as_str(), ""));
    let rest = words(&rest).to_ascii_lowercase();
    let tells =
        ["trace", "span", "tid", "correlation", "ctx:", "kvp", "baggage"].iter().any(|word| rest.contains(word));
    let whole = ["%X}", "%X ", "%X]", "%X)", "%mdc ", "%MDC ", "%mdc]", "%X,", "%X|"];
    if tells || whole.iter().any(|part| text.contains(part)) || text.ends_with("%X") {
        return Ids::Unknown;
    }
    let traces: Vec<String> = keys.into_iter().filter(|key| is_called_trace(key)).collect();
    if traces.is_empty() { Ids::None } else { Ids::Keys(traces) }
}

/// What a pattern says in conversion words and their options, without the text that it prints as it is: `%tid` prints an id,
/// `trace id:` does not.
fn words(pattern: &str) -> String {
    let mut out = String::new();
    let (mut depth, mut in_word) = (0usize, false);
    for letter in pattern.chars() {
        match letter {
            '{' | '%' => {
                in_word = letter == '%';
                depth += usize::from(letter == '{');
                out.push(' ');
            }
            '}' => depth = depth.saturating_sub(1),
            _ if depth > 0 || in_word => {
                in_word &= letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.' | '+');
                out.push(letter);
            }
            _ => {}
        }
    }
    out
}

fn is_called_trace(key: &str) -> bool {
    let plain: String = facts::plain(key);
    plain.ends_with("traceid") || plain == "trace"
}

/// The keys of the logging context that a pattern prints: `%X{key}`, `%mdc{key:-default}`.
fn keys(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for start in ["X{", "mdc{", "MDC{"] {
        for (at, _) in text.match_indices(start) {
            let inner = text[at + start.len()..].split('}').next().unwrap_or_default();
            let first = inner.split(":-").next().unwrap_or_default();
            out.extend(first.split(',').map(|key| key.trim().to_owned()).filter(|key| !key.is_empty()));
        }
    }
    out
}

/// A pattern with the values of the file's own properties in it, or `None` when it takes others that may hold anything.
fn filled(pattern: &str, properties: &BTreeMap<String, String>) -> Option<String> {
    let mut text = pattern.to_owned();
    for _ in 0..8 {
        let Some(start) = text.find("${") else { return Some(text) };
        let end = start + text[start..].find('}')?;
        let inner = &text[start + 2..end];
        let key = inner.split(":-").next().unwrap_or_default();
        let value = match properties.get(key) {
            Some(value) if value.len() < 4096 => value.clone(),
            Some(_) => return None,
            None => {
                let lower = key.to_ascii_lowercase();
                PLAIN.iter().any(|word| lower.contains(word)).then(String::new)?
            }
        };
        text.replace_range(start..=end, &value);
        if text.len() > 16_384 {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Vec<Ids>> {
        let file = ManifestFile::new("a/src/main/resources/logback.xml", text);
        parse(&file).map(|(found, _)| found.into_iter().map(|pattern| pattern.ids).collect())
    }

    #[test]
    fn patterns_are_found_with_their_ids() {
        let logback = "<configuration><property name=\"P\" value=\"%d %m%n\"/><appender name=\"A\" class=\"ch.qos.logback.core.ConsoleAppender\"><encoder><pattern>[${P}]</pattern></encoder></appender></configuration>";
        assert_eq!(read(logback), Some(vec![Ids::None]));
        assert_eq!(read(&logback.replace("%d", "%X{traceId:-}")), Some(vec![Ids::Keys(vec!["traceId".into()])]));
        assert_eq!(read(&logback.replace("%d", "%X{user}")), Some(vec![Ids::None]));
        assert_eq!(read(&logback.replace("%d", "%X ")), Some(vec![Ids::Unknown]));
        assert_eq!(read(&logback.replace("%d", "${FROM_OUTSIDE}")), Some(vec![Ids::Unknown]));
        assert_eq!(read(&logback.replace("ConsoleAppender", "SomeAppender")), None);
        assert_eq!(read(&logback.replace("<encoder>", "<encoder class=\"net.x.JsonEncoder\">")), None);
        let log4j = "<Configuration><Properties><Property name=\"P\">%d %msg%n</Property></Properties><Appenders><Console name=\"c\"><PatternLayout pattern=\"${P}\"/></Console></Appenders></Configuration>";
        assert_eq!(read(log4j), Some(vec![Ids::None]));
        assert_eq!(read(&log4j.replace("PatternLayout", "JsonTemplateLayout")), None);
        assert_eq!(read(&log4j.replace("Console", "Loki")), None);
    }

    #[test]
    fn properties_that_name_each_other_end() {
        let text = "<configuration><property name=\"P\" value=\"${P}${P} %m\"/><appender class=\"a.FileAppender\"><encoder><pattern>${P}</pattern></encoder></appender></configuration>";
        assert_eq!(read(text), Some(vec![Ids::Unknown]));
        assert_eq!(read("<configuration><a>"), None);
    }
}
