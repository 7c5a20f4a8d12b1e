//! From text to a syntax tree, with bounded work.

use super::Limits;
use crate::ir::Language;
use cpu_time::ThreadTime;
use std::cell::RefCell;
use std::ops::ControlFlow;
use tree_sitter::{ParseOptions, ParseState, Parser, Tree};

/// Progress calls between two looks at the clock; each call stands for 100 operations of the parser.
const CALLS_PER_CLOCK: u32 = 8;

thread_local! {
    /// One parser for each language, kept for all files of the thread.
    static PARSERS: RefCell<[Option<Parser>; 3]> = const { RefCell::new([None, None, None]) };
}

/// Parses a text within the limits; the error is the reason for people.
pub(super) fn parse_text(text: &str, language: Language, limits: &Limits) -> Result<Tree, String> {
    PARSERS.with_borrow_mut(|parsers| {
        let slot = &mut parsers[language as usize];
        let parser = match slot {
            Some(parser) => parser,
            None => slot.insert(new_parser(language)?),
        };
        run(parser, text, limits)
    })
}

fn new_parser(language: Language) -> Result<Parser, String> {
    let grammar = match language {
        Language::Go => tree_sitter_go::LANGUAGE,
        Language::Python => tree_sitter_python::LANGUAGE,
        Language::Java => tree_sitter_java::LANGUAGE,
    };
    let mut parser = Parser::new();
    parser.set_language(&grammar.into()).map_err(|error| format!("its grammar does not load: {error}"))?;
    Ok(parser)
}

fn run(parser: &mut Parser, text: &str, limits: &Limits) -> Result<Tree, String> {
    let bytes = text.as_bytes();
    // The thread's own time: on a busy machine the same files are read as on an idle one.
    let start = ThreadTime::now();
    let mut calls = 0u32;
    let mut progress = |_: &ParseState| {
        calls = calls.wrapping_add(1);
        let late = calls.is_multiple_of(CALLS_PER_CLOCK) && start.elapsed() > limits.parse_time;
        if late { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut progress);
    let tree = parser.parse_with_options(&mut |at, _| bytes.get(at..).unwrap_or_default(), None, Some(options));
    if tree.is_none() {
        // Without this the parser would go on with the file that was cut.
        parser.reset();
    }
    tree.ok_or_else(|| format!("more than {} ms to parse", limits.parse_time.as_millis()))
}
