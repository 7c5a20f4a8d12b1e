//! `docs/libraries.md` says what the descriptions under `rules` say.
//!
//! `UPDATE_DOCS=1 cargo test --test libraries` writes it anew.

use hoplint::ir::Language;
use hoplint::knowledge::{AnnotationRole, FunctionDescription, HopKind, Knowledge, LibraryDescription, TypeRole};
use hoplint::services::{self, StackDescription};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

const INTRODUCTION: &str = "# Libraries

What hoplint knows of libraries, from the descriptions in `rules/libraries` and `rules/stacks`. *Judged* is what hoplint
takes note of: the calls at which a trace leaves or comes in, work that is handed to other threads, and how tracing is
done by hand. *Instrumented by* names the stacks that instrument the library without code at the place of the call, once
they are switched on; *in code* means that the service wraps or equips the client, server or producer itself. Where
neither is there, only an injection or extraction by hand carries the trace. Of a library that is not in this list
nothing is known, and nothing is said.

Some stacks are taken to instrument every library except those they are known to leave out; they are named before each
table, and not again in it.
";

#[test]
fn the_page_of_libraries_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/libraries.md");
    let wanted = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, wanted).expect("the page is written");
        return;
    }
    let found = fs::read_to_string(&path).expect("the page is there");
    assert!(found == wanted, "the page differs from the descriptions: run UPDATE_DOCS=1 cargo test --test libraries");
}

fn page() -> String {
    let mut out = String::from(INTRODUCTION);
    for (title, language) in [("Go", Language::Go), ("Python", Language::Python), ("Java", Language::Java)] {
        let libraries = Knowledge::built_in(language).libraries();
        let _ = write!(out, "\n## {title}\n\n{}", taken_for_all(libraries, language));
        out.push_str("| library | judged | instrumented by |\n| --- | --- | --- |\n");
        for library in libraries {
            let judged = judged(library);
            if !judged.is_empty() {
                let by = instrumented_by(library, libraries, language);
                let _ = writeln!(out, "| {} | {} | {by} |", library.title, judged.join(", "));
            }
        }
    }
    out
}

/// What is taken note of at a library's calls, types and annotations.
fn judged(library: &LibraryDescription) -> Vec<&'static str> {
    let functions = || library.functions.iter();
    let hop = |kind| functions().any(|function| function.hop.is_some_and(|hop| hop.kind == kind));
    let made = |role| functions().any(|function| function.makes == Some(role));
    let role = |role| library.types.iter().any(|ty| ty.role == role);
    let called = |roles: &[AnnotationRole]| library.annotations.iter().any(|found| roles.contains(&found.role));
    let any = |has: fn(&FunctionDescription) -> bool| functions().any(has);
    let notes = [
        (hop(HopKind::HttpCall) || made(TypeRole::HttpClient), "HTTP client"),
        (hop(HopKind::RpcCall) || made(TypeRole::RpcChannel), "RPC client"),
        (
            hop(HopKind::Serve)
                || role(TypeRole::Server)
                || any(|function| function.registers.is_some())
                || called(&[AnnotationRole::Entry]),
            "server",
        ),
        (hop(HopKind::Produce), "sends messages"),
        (hop(HopKind::Consume) || called(&[AnnotationRole::Consumer]), "receives messages"),
        (hop(HopKind::Store), "data store"),
        (
            any(|function| function.spawns.is_some() || function.steps.is_some()) || role(TypeRole::Executor),
            "work on other threads",
        ),
        (called(&[AnnotationRole::Task]), "tasks"),
        (any(|function| function.span.is_some()), "spans"),
        (any(|function| function.inject.is_some() || function.extract.is_some()), "propagation"),
        (any(|function| function.instruments.is_some() || !function.switches_on.is_empty()), "instrumentation"),
        (any(|function| function.sets.is_some()), "set-up"),
        (any(|function| function.log.is_some() || !function.log_format.is_empty()), "log records"),
        (role(TypeRole::Context), "contexts"),
    ];
    notes.into_iter().filter(|(is_there, _)| *is_there).map(|(_, note)| note).collect()
}

/// A list of the stacks that cover all libraries but those they leave out.
fn taken_for_all(libraries: &[LibraryDescription], language: Language) -> String {
    let mut out = String::new();
    let all = services::stacks().iter().filter(|stack| stack.languages.contains(&language));
    for stack in all.filter(|stack| stack.covers.iter().any(|id| id == "*")) {
        let left_out = libraries.iter().filter(|library| stack.except.contains(&library.id));
        let left_out: Vec<&str> = left_out.map(|library| library.title.as_str()).collect();
        let except = if left_out.is_empty() { String::new() } else { format!(", except {}", left_out.join(", ")) };
        let _ = writeln!(out, "- {}: all libraries{except}", stack.title);
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// The stacks that are said to cover a library, and whether code can.
fn instrumented_by(library: &LibraryDescription, all: &[LibraryDescription], language: Language) -> String {
    let covers = |stack: &&StackDescription| {
        let named = |id: &String| stack.covers.contains(id);
        stack.languages.contains(&language)
            && (named(&library.id) || named(&library.through) || library.covered_by.contains(&stack.id))
    };
    let mut out: Vec<&str> = services::stacks().iter().filter(covers).map(|stack| stack.title.as_str()).collect();
    out.sort_unstable();
    let switched = |function: &FunctionDescription| function.switches_on.contains(&library.id);
    let types = || library.types.iter().flat_map(|ty| &ty.names);
    // What is equipped is a value of the library's types, or what its own functions wrap.
    let equips = |function: &FunctionDescription| {
        function.instruments.is_some()
            && function.returns.iter().any(|made| types().any(|own| own.as_str() == made.trim_start_matches("[]")))
    };
    let own = library.functions.iter().any(|function| function.instruments.is_some());
    let in_code = own
        || !library.plugs.is_empty()
        || all.iter().flat_map(|other| &other.functions).any(|function| switched(function) || equips(function));
    if in_code {
        out.push("in code");
    }
    out.join(", ")
}
