//! From source files to facts: each file is read once, checked, parsed once, lowered, and its tree dropped.
//!
//! Nothing that a file holds may stop the run. Shapes that the grammars cannot bear are found by linear looks before
//! parsing ([`Limits`]), the parse has bounded work, and a panic while lowering stays in its file. Every file left out
//! is in [`Parsed::skipped`] with its reason.

mod contain;
mod generated;
mod limits;
mod read;
mod shape;
mod tree;

pub use contain::contain;
pub use limits::Limits;
pub use read::read_source;

use crate::ir::FileFacts;
use crate::lower;
use crate::walk::SourcePath;
use rayon::prelude::*;
use ustr::Ustr;

/// Stack of each worker thread in bytes; lowering recurses to [`lower::MAX_DEPTH`] at most.
const STACK_SIZE: usize = 16 * 1024 * 1024;

/// A file and what it says.
#[derive(Debug)]
pub struct ParsedFile {
    /// Its path from the root, `/` separated.
    pub path: Ustr,
    /// What it says.
    pub facts: FileFacts,
}

/// The facts of a tree.
#[derive(Debug, Default)]
pub struct Parsed {
    /// Files in the order of the sources.
    pub files: Vec<ParsedFile>,
    /// Files left out, in the order of the sources, each with the reason.
    pub skipped: Vec<(String, String)>,
    /// Number of generated files left out for their size; they are not in `skipped`.
    pub generated: usize,
}

/// What became of one file.
enum Outcome {
    File(Box<ParsedFile>),
    Skipped(String),
    Generated,
}

/// Reads and lowers all sources on `threads` threads (0: one for each core). The result does not depend on `threads`.
pub fn parse_all(sources: &[SourcePath], limits: &Limits, threads: usize) -> Parsed {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).stack_size(STACK_SIZE).build();
    let outcomes: Vec<Outcome> = match pool {
        Ok(pool) => {
            pool.install(|| sources.par_iter().with_max_len(16).map(|source| parse_one(source, limits)).collect())
        }
        // No threads to be had: slower, not less.
        Err(_) => sources.iter().map(|source| parse_one(source, limits)).collect(),
    };
    let mut parsed = Parsed::default();
    for (source, outcome) in sources.iter().zip(outcomes) {
        match outcome {
            Outcome::File(file) => parsed.files.push(*file),
            Outcome::Skipped(reason) => parsed.skipped.push((source.relative.clone(), reason)),
            Outcome::Generated => parsed.generated += 1,
        }
    }
    parsed
}

fn parse_one(source: &SourcePath, limits: &Limits) -> Outcome {
    let large = limits.skip_generated && source.size > limits.generated_size;
    if large && generated::has_generated_name(source) {
        return Outcome::Generated;
    }
    let text = match read_source(&source.absolute, limits) {
        Ok(text) => text,
        Err(reason) => return Outcome::Skipped(reason),
    };
    if large && generated::has_generated_header(&text) {
        return Outcome::Generated;
    }
    match facts_of(&text, source, limits) {
        Ok(facts) => Outcome::File(Box::new(ParsedFile { path: Ustr::from(&source.relative), facts })),
        Err(reason) => Outcome::Skipped(reason),
    }
}

fn facts_of(text: &str, source: &SourcePath, limits: &Limits) -> Result<FileFacts, String> {
    shape::check_shape(text, source.language, limits)?;
    let tree = tree::parse_text(text, source.language, limits)?;
    contain(|| lower::lower(source.language, text, &tree))
        .ok_or_else(|| "internal error while reading it: please report this as a defect of hoplint".to_owned())
}
