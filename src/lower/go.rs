//! Lowering of Go.

use crate::ir::{FileFacts, Language, LineIndex};
use tree_sitter::Tree;

/// Lowers a parsed Go file.
pub(super) fn lower(source: &str, _tree: &Tree) -> FileFacts {
    FileFacts::new(Language::Go, LineIndex::new(source.as_bytes()))
}
