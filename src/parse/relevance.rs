//! Which files can matter, told before anything is parsed.
//!
//! In Go a context, a request, a client or a message has a type from an imported package. A file that imports no
//! package by which a trace can travel holds no crossing and hands no context on. Its declarations still tell the
//! types of the package's other files; its function bodies tell nothing, but for those that put the program together
//! (`main`, commands, files that make what such packages have) or hold addresses. In Python and Java the context is ambient, so
//! any function can lie between two crossings: there every file is read whole.

use super::generated;
use crate::ir::{FileFacts, FunctionId, Import, Language, LineIndex, Span};
use memchr::memmem;
use rustc_hash::FxHashSet;
use ustr::Ustr;

/// Build tags that keep a Go file out of every service: tools that are run by hand, and tests.
const APART: &[&str] = &["ignore", "tools", "mage", "e2e", "integration", "acceptance", "smoke", "loadtest"];

/// How much of a file is lowered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Everything.
    Whole,
    /// Types, signatures and package variables.
    Declarations,
    /// The file is not parsed.
    Nothing,
}

/// The Go packages by which a trace can travel. Empty: every file matters.
#[derive(Debug, Default)]
pub struct Relevance {
    packages: FxHashSet<String>,
}

impl Relevance {
    /// Go import paths; packages below them count too.
    pub fn new(packages: impl IntoIterator<Item = String>) -> Self {
        Self { packages: packages.into_iter().collect() }
    }

    /// How much of each of one folder's files is lowered, as far as the folder tells.
    pub(super) fn depths(&self, files: &[(Language, &str)]) -> Vec<Depth> {
        let matters: Vec<bool> = files.iter().map(|(language, text)| self.matters(*language, text)).collect();
        let package = matters.contains(&true);
        let depth = |(matters, (_, text)): (&bool, &(Language, &str))| match (matters, package) {
            (true, _) => Depth::Whole,
            (false, true) if hands_functions_on(text) && !generated::has_generated_header(text) => Depth::Whole,
            (false, true) if !generated::has_generated_header(text) => Depth::Declarations,
            _ => Depth::Nothing,
        };
        matters.iter().zip(files).map(depth).collect()
    }

    fn matters(&self, language: Language, text: &str) -> bool {
        language != Language::Go
            || self.packages.is_empty()
            || !is_built_apart(text) && (tells(text) || go_imports(text).any(|path| self.knows(path)))
            || memmem::find(text.as_bytes(), b"hoplint:").is_some()
    }

    /// Whether a package or one above it is known, or it is named after contexts: it may have a context type of its own.
    fn knows(&self, path: &str) -> bool {
        let last = path.rsplit('/').next().unwrap_or(path);
        if last.ends_with("context") || last.ends_with("ctx") {
            return true;
        }
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        ends.into_iter().any(|end| path.get(..end).is_some_and(|prefix| self.packages.contains(prefix)))
    }
}

/// Whether a Go file tells what holds for the files that a trace passes: how the program is put together (its `main`), or
/// addresses, as the defaults of settings.
fn tells(text: &str) -> bool {
    let is_main =
        |line: &str| line.strip_prefix("package main").is_some_and(|rest| !rest.starts_with(char::is_alphanumeric));
    // In a struct tag an address may stand behind a word: `env:"SHOP, default=http://shop"`.
    const STARTS: [&[u8]; 4] = [b"\"http://", b"\"https://", b"=http://", b"=https://"];
    STARTS.iter().any(|start| memmem::find(text.as_bytes(), start).is_some())
        || text.lines().find(|line| line.starts_with("package ")).is_some_and(is_main)
}

/// Whether a Go file has to do with functions as values, by its signatures and types: what it does with handlers of its
/// package needs no import (`func wrap(around []Middleware, handle Handler) Handler`).
fn hands_functions_on(text: &str) -> bool {
    const SIGNS: &[&str] = &[" func(", "(func(", ")func(", "]func(", "Func", "Handler", "Middleware"];
    let declares = |line: &&str| line.starts_with("func ") || line.starts_with("type ");
    text.lines().filter(declares).any(|line| SIGNS.iter().any(|sign| line.contains(sign)))
}

/// Whether a Go file is built only under a tag that no service is built with.
fn is_built_apart(text: &str) -> bool {
    let mut header = text.lines().take_while(|line| !line.starts_with("package "));
    let Some(line) = header.find_map(|line| line.strip_prefix("//go:build ")) else { return false };
    // One of several alternatives may be an ordinary build.
    !line.contains("||") && line.split([' ', '(', ')', '&']).any(|tag| APART.contains(&tag))
}

/// The package clause and the imports of a Go file that is not parsed: what its package is built with. A file that is
/// built apart says nothing of its package.
pub(super) fn heading(language: Language, text: &str) -> Option<FileFacts> {
    if language != Language::Go || is_built_apart(text) {
        return None;
    }
    let mut facts = FileFacts::new(language, LineIndex::new(b""));
    let clause = text.lines().find_map(|line| line.strip_prefix("package "))?;
    facts.package = Ustr::from(clause.split([' ', ';', '/', '\t', '\r']).next()?);
    facts.imports = go_imports(text).filter(|path| is_path(path)).map(import).collect();
    Some(facts)
}

/// Whether a quoted text can be an import path.
fn is_path(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-~".contains(&byte))
}

/// An import that names nothing in the file.
fn import(path: &str) -> Import {
    let path = Ustr::from(path);
    Import {
        local: Ustr::from("_"),
        target: path,
        module: path,
        is_static: false,
        span: Span::default(),
        function: FunctionId(0),
    }
}

/// The quoted texts before a file's first definition: its imports, and what comments quote.
pub(super) fn go_imports(text: &str) -> impl Iterator<Item = &str> {
    let is_definition = |line: &&str| ["func ", "type ", "var ", "const "].iter().any(|word| line.starts_with(word));
    let header = text.lines().take_while(move |line| !is_definition(line));
    // Raw strings are allowed too: import `net/http`.
    header.flat_map(|line| line.split(['"', '`']).skip(1).step_by(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depths(files: &[&str]) -> Vec<Depth> {
        let relevance = Relevance::new(["context".to_owned(), "example.com/rpc".to_owned()]);
        let files: Vec<_> = files.iter().map(|text| (Language::Go, *text)).collect();
        relevance.depths(&files)
    }

    const USES: &str = "package a\nimport (\n\t\"fmt\"\n\tc \"context\"\n)\nfunc f(ctx c.Context) {}";
    const PLAIN: &str = "package a\nimport \"fmt\"\ntype T struct{}\n// \"context\"";
    const MADE: &str = "// Code generated by x. DO NOT EDIT.\npackage a\ntype M struct{}";

    #[test]
    fn imports_decide() {
        assert_eq!(depths(&[USES]), [Depth::Whole]);
        assert_eq!(depths(&["package a\nimport `example.com/rpc/v2`\n"]), [Depth::Whole]);
        assert_eq!(depths(&["package a; import \"context\"; func f() {}"]), [Depth::Whole]);
        assert_eq!(depths(&["package a\nimport \"example.com/rpcs\"\n"]), [Depth::Nothing]);
        assert_eq!(depths(&["package main\nimport \"a/cmd\"\nfunc main() { cmd.Run() }"]), [Depth::Whole]);
        assert_eq!(depths(&["package mains\n"]), [Depth::Nothing]);
        assert_eq!(depths(&["package a\nvar home = \"https://shop.example\" "]), [Depth::Whole]);
        assert_eq!(depths(&[PLAIN]), [Depth::Nothing]);
    }

    #[test]
    fn neighbours_keep_their_declarations() {
        assert_eq!(depths(&[USES, PLAIN, MADE]), [Depth::Whole, Depth::Declarations, Depth::Nothing]);
    }

    #[test]
    fn neighbours_that_pass_functions_are_read_whole() {
        let wraps = "package a\nfunc wrap(around []Middleware, handle Handler) Handler { return around[0](handle) }";
        assert_eq!(depths(&[USES, wraps]), [Depth::Whole, Depth::Whole]);
        assert_eq!(depths(&[wraps]), [Depth::Nothing]);
        assert_eq!(depths(&[USES, "package a\ntype F func(int) int"]), [Depth::Whole, Depth::Whole]);
    }

    #[test]
    fn what_is_built_apart_is_left_out() {
        let tagged = |line: &str| format!("// by hand\n//go:build {line}\n\n{USES}");
        assert_eq!(depths(&[&tagged("mage")]), [Depth::Nothing]);
        assert_eq!(depths(&[&tagged("linux && (integration)")]), [Depth::Nothing]);
        assert_eq!(depths(&[&tagged("!integration")]), [Depth::Whole]);
        assert_eq!(depths(&[&tagged("linux || tools")]), [Depth::Whole]);
        assert!(heading(Language::Go, &tagged("mage")).is_none());
    }

    #[test]
    fn a_heading_tells_what_a_package_is_built_with() {
        let facts = heading(Language::Go, "package cmd // a command\nimport (\n\t\"a/b\"\n)\nfunc f() {}").unwrap();
        assert_eq!(facts.package, "cmd");
        let found: Vec<&str> = facts.imports.iter().map(|import| import.target.as_str()).collect();
        assert_eq!(found, ["a/b"]);
        assert!(heading(Language::Python, "import a").is_none());
    }

    #[test]
    fn comments_to_hoplint_are_read() {
        assert_eq!(depths(&["package a\nfunc f() {} // hoplint: ignore[x] y"]), [Depth::Whole]);
    }
}
