//! The source files that findings point into, each read once.

use super::Range;
use super::text::clean_source;
use crate::ir::{LineIndex, Span};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// One source file.
#[derive(Debug, Default)]
pub struct Source {
    /// Its text; empty when it cannot be read any more.
    pub text: String,
    lines: LineIndex,
}

impl Source {
    /// A source with this text.
    pub fn new(text: String) -> Self {
        let lines = LineIndex::new(text.as_bytes());
        Self { text, lines }
    }

    /// Lines and columns of a span.
    pub fn range(&self, span: Span) -> Range {
        let start = self.lines.position(&self.text, span.start);
        let end = self.lines.position(&self.text, span.end.max(span.start));
        Range { start, end }
    }

    /// The text of a 1-based line, without its end.
    pub fn line(&self, line: u32) -> &str {
        let Some(start) = self.lines.line_start(line) else { return "" };
        self.text.get(start as usize..).and_then(|rest| rest.lines().next()).unwrap_or_default()
    }

    /// The text with everything replaced that could steer a terminal; same length.
    pub fn safe_text(&self) -> String {
        clean_source(&self.text)
    }
}

/// Sources by the path under which the report shows them.
#[derive(Debug, Default)]
pub struct Sources {
    files: HashMap<String, Rc<Source>>,
}

impl Sources {
    /// The source shown as `path`.
    pub fn get(&self, path: &str) -> Option<&Rc<Source>> {
        self.files.get(path)
    }

    /// Reads a file unless that was done before.
    pub fn load(&mut self, shown: &str, file: &Path) -> Rc<Source> {
        if let Some(source) = self.files.get(shown) {
            return Rc::clone(source);
        }
        let bytes = if file.is_file() { std::fs::read(file).unwrap_or_default() } else { Vec::new() };
        let text = String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into());
        self.insert(shown, text)
    }

    /// Puts a text in place of a file.
    pub fn insert(&mut self, shown: &str, text: String) -> Rc<Source> {
        let source = Rc::new(Source::new(text));
        self.files.insert(shown.to_owned(), Rc::clone(&source));
        source
    }

    /// Takes over the sources of another report.
    pub fn extend(&mut self, other: Self) {
        self.files.extend(other.files);
    }
}

/// How paths of one tree are shown: relative to the working directory.
#[derive(Debug, Clone)]
pub struct Paths {
    root: PathBuf,
    prefix: String,
}

impl Paths {
    /// For a tree's root as seen from the working directory (both absolute).
    pub fn new(root: &Path, cwd: &Path) -> Self {
        let common = root.components().zip(cwd.components()).take_while(|(left, right)| left == right).count();
        let up = cwd.components().skip(common).map(|_| "..".to_owned());
        let down = root.components().skip(common).map(|part| part.as_os_str().to_string_lossy().into_owned());
        let prefix = up.chain(down).collect::<Vec<_>>().join("/");
        Self { root: root.to_path_buf(), prefix }
    }

    /// The path that people see.
    pub fn shown(&self, path: &str) -> String {
        let path = if path == "." { "" } else { path };
        match (self.prefix.is_empty(), path.is_empty()) {
            (true, true) => ".".to_owned(),
            (true, false) => path.to_owned(),
            (false, true) => self.prefix.clone(),
            (false, false) => format!("{}/{path}", self.prefix),
        }
    }

    /// The file itself.
    pub fn file(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_working_directory() {
        let shown = |root: &str, cwd: &str| Paths::new(Path::new(root), Path::new(cwd)).shown("a.go");
        assert_eq!(shown("/w/r", "/w/r"), "a.go");
        assert_eq!(shown("/w/r/s", "/w/r"), "s/a.go");
        assert_eq!(shown("/w/r", "/w/r/s/t"), "../../a.go");
    }
}
