//! Lowering: from bytes to [`crate::ir::FileFacts`]. The only layer that knows a grammar.
//!
//! Each language has a folder of queries under `queries/<language>/` that say which nodes are definitions, and one
//! module here that gives bodies their shape in one cursor walk. Nothing here knows a library.

mod go;
mod java;
mod python;

use crate::ir::{FileFacts, Language};
use crate::parse::Depth;
use tree_sitter::Tree;

/// Deepest nesting of expressions and blocks that is lowered; what lies deeper becomes `Unknown` and is counted as a cut.
pub const MAX_DEPTH: usize = 200;

/// Lowers one parsed file. `source` is the text that `tree` was parsed from. Never fails: what has no shape is `Unknown`.
/// A `depth` without bodies is kept for Go alone, where it is sound.
pub fn lower(language: Language, source: &str, tree: &Tree, depth: Depth) -> FileFacts {
    match language {
        Language::Go => go::lower(source, tree, depth),
        Language::Python => python::lower(source, tree),
        Language::Java => java::lower(source, tree),
    }
}
