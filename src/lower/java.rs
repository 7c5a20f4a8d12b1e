//! Lowering of Java.

use crate::ir::{FileFacts, Language, LineIndex};
use tree_sitter::Tree;

/// Lowers a parsed Java file.
pub(super) fn lower(source: &str, _tree: &Tree) -> FileFacts {
    FileFacts::new(Language::Java, LineIndex::new(source.as_bytes()))
}
