//! From source files to facts: each file is read once, checked, parsed once, lowered, and its tree dropped.
//!
//! Nothing that a file holds may stop the run. Shapes that the grammars cannot bear are found by linear looks before
//! parsing ([`Limits`]), the parse has bounded work, and a panic while lowering stays in its file. Every file left out
//! is in [`Parsed::skipped`] with its reason.

mod composing;
mod contain;
mod generated;
mod limits;
mod read;
mod relevance;
mod shape;
mod tree;

pub use contain::contain;
pub use limits::Limits;
pub use read::read_source;
pub use relevance::{Depth, Relevance};

use crate::ir::{FileFacts, Language};
use crate::lower;
use crate::walk::SourcePath;
use composing::Travelled;
use rayon::prelude::*;
use rustc_hash::FxHashMap;
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
    /// Generated files left out for their size; they are not in `skipped`.
    pub generated: Vec<String>,
    /// Number of files left out because nothing in them can matter ([`Relevance`]); they are not in `skipped`.
    pub aside: usize,
}

impl Parsed {
    /// The paths of the files that nothing is known of: those that could not be read, and generated ones of a large size.
    pub fn unread(&self) -> Vec<Ustr> {
        let skipped = self.skipped.iter().map(|(path, _)| path);
        skipped.chain(&self.generated).map(|path| Ustr::from(path)).collect()
    }
}

/// What became of one file.
enum Outcome {
    File(Box<ParsedFile>),
    Skipped(String),
    Generated,
    Aside,
    /// A Go file in which no trace travels: what it has to say depends on the packages that it imports.
    Waiting {
        /// How much of it is lowered if it puts nothing together.
        depth: Depth,
    },
}

/// Reads and lowers all sources that matter on `threads` threads (0: one for each core). The result does not depend on
/// `threads`.
pub fn parse_all(sources: &[SourcePath], relevance: &Relevance, limits: &Limits, threads: usize) -> Parsed {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).stack_size(STACK_SIZE).build();
    let outcomes = match pool {
        Ok(pool) => pool.install(|| outcomes(sources, relevance, limits)),
        // No threads of our own to be had: those of the process.
        Err(_) => outcomes(sources, relevance, limits),
    };
    let mut parsed = Parsed::default();
    for (source, outcome) in sources.iter().zip(outcomes) {
        match outcome {
            Outcome::File(file) => parsed.files.push(*file),
            Outcome::Skipped(reason) => parsed.skipped.push((source.relative.clone(), reason)),
            Outcome::Generated => parsed.generated.push(source.relative.clone()),
            Outcome::Aside | Outcome::Waiting { .. } => parsed.aside += 1,
        }
    }
    parsed
}

/// What became of each source: first of those that say by themselves that they matter, then of the others, by what those
/// lie in.
fn outcomes(sources: &[SourcePath], relevance: &Relevance, limits: &Limits) -> Vec<Outcome> {
    let folders = folders(sources);
    let parse = |folder: &Vec<usize>| parse_folder(sources, folder, relevance, limits);
    let first: Vec<Vec<Outcome>> = folders.par_iter().with_max_len(1).map(parse).collect();
    let mut found: Vec<(usize, Outcome)> = folders.into_iter().flatten().zip(first.into_iter().flatten()).collect();
    found.sort_unstable_by_key(|(at, _)| *at);
    let travelled = Travelled::new(found.iter().filter_map(|(at, outcome)| match outcome {
        Outcome::File(file) if file.facts.language == Language::Go => sources.get(*at).map(folder_of),
        _ => None,
    }));
    let settle = |(at, outcome): (usize, Outcome)| match (outcome, sources.get(at)) {
        (Outcome::Waiting { depth }, Some(source)) => parse_waiting(source, depth, &travelled, limits),
        (outcome, _) => outcome,
    };
    found.into_par_iter().with_max_len(8).map(settle).collect()
}

/// The path of a source's folder from the root.
fn folder_of(source: &SourcePath) -> &str {
    source.relative.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Most files of a folder that are judged together; it bounds the texts that are held at once.
const MAX_TOGETHER: usize = 64;

/// The sources by language and folder, by their positions.
fn folders(sources: &[SourcePath]) -> Vec<Vec<usize>> {
    let mut out: Vec<Vec<usize>> = Vec::new();
    let mut known: FxHashMap<(Language, &str), usize> = FxHashMap::default();
    for (at, source) in sources.iter().enumerate() {
        let folder = folder_of(source);
        let group = *known.entry((source.language, folder)).or_insert(out.len());
        match out.get_mut(group) {
            Some(files) if files.len() < MAX_TOGETHER => files.push(at),
            _ => {
                known.insert((source.language, folder), out.len());
                out.push(vec![at]);
            }
        }
    }
    out
}

fn parse_folder(sources: &[SourcePath], folder: &[usize], relevance: &Relevance, limits: &Limits) -> Vec<Outcome> {
    let members = || folder.iter().filter_map(|at| sources.get(*at));
    let texts: Vec<Result<String, Outcome>> = members().map(|source| text_of(source, limits)).collect();
    let read =
        || members().zip(&texts).filter_map(|(source, text)| Some((source.language, text.as_ref().ok()?.as_str())));
    let mut depths = relevance.depths(&read().collect::<Vec<_>>()).into_iter();
    let depths: Vec<Depth> =
        texts.iter().map(|text| text.as_ref().ok().and_then(|_| depths.next()).unwrap_or(Depth::Nothing)).collect();
    let one = |((source, text), depth): ((&SourcePath, Result<String, Outcome>), Depth)| match (text, depth) {
        (Err(outcome), _) => outcome,
        (Ok(text), Depth::Whole) => parse_one(source, &text, depth, limits),
        (Ok(_), depth) => Outcome::Waiting { depth },
    };
    let members: Vec<&SourcePath> = members().collect();
    members.into_par_iter().zip(texts).zip(depths).with_max_len(1).map(one).collect()
}

/// Reads again a file that waited: whole, if it puts together what lies in the folders where traces travel.
fn parse_waiting(source: &SourcePath, depth: Depth, travelled: &Travelled<'_>, limits: &Limits) -> Outcome {
    let text = match text_of(source, limits) {
        Ok(text) => text,
        Err(outcome) => return outcome,
    };
    let heading = relevance::heading(source.language, &text);
    let is_whole = heading.is_some() && !generated::has_generated_header(&text) && travelled.is_put_together_by(&text);
    match (if is_whole { Depth::Whole } else { depth }, heading) {
        (Depth::Nothing, Some(facts)) => {
            Outcome::File(Box::new(ParsedFile { path: Ustr::from(&source.relative), facts }))
        }
        (Depth::Nothing, None) => Outcome::Aside,
        (depth, _) => parse_one(source, &text, depth, limits),
    }
}

/// A file's text, or why it is not parsed.
fn text_of(source: &SourcePath, limits: &Limits) -> Result<String, Outcome> {
    let large = limits.skip_generated && source.size > limits.generated_size;
    if large && generated::has_generated_name(source) {
        return Err(Outcome::Generated);
    }
    let text = read_source(&source.absolute, limits).map_err(Outcome::Skipped)?;
    if large && generated::has_generated_header(&text) {
        return Err(Outcome::Generated);
    }
    Ok(text)
}

fn parse_one(source: &SourcePath, text: &str, depth: Depth, limits: &Limits) -> Outcome {
    match facts_of(text, source, depth, limits) {
        Ok(facts) => Outcome::File(Box::new(ParsedFile { path: Ustr::from(&source.relative), facts })),
        Err(reason) => Outcome::Skipped(reason),
    }
}

fn facts_of(text: &str, source: &SourcePath, depth: Depth, limits: &Limits) -> Result<FileFacts, String> {
    shape::check_shape(text, source.language, limits)?;
    let tree = tree::parse_text(text, source.language, limits)?;
    contain(|| lower::lower(source.language, text, &tree, depth))
        .ok_or_else(|| "internal error while reading it: please report this as a defect of hoplint".to_owned())
}
