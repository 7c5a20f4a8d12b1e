//! What comments say: directives to hoplint, and that a file is generated.

use super::kinds::{Kind, kind};
use crate::ir::{Directive, FileFacts};
use tree_sitter::Node;

const MARKER: &str = "hoplint:";

/// Collects the comments that address hoplint.
pub(super) fn directives(source: &str, root: Node<'_>, facts: &mut FileFacts) {
    // Nearly every file has none, and then the second walk over the tree is saved.
    if memchr::memmem::find(source.as_bytes(), MARKER.as_bytes()).is_none() {
        return;
    }
    let mut cursor = root.walk();
    loop {
        let node = cursor.node();
        if kind(node) == Kind::Comment {
            facts.directives.extend(directive(source, node, facts));
        }
        if cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return;
            }
        }
    }
}

fn directive(source: &str, comment: Node<'_>, facts: &FileFacts) -> Option<Directive> {
    let text = source.get(comment.byte_range())?;
    let (_, said) = text.split_once(MARKER)?;
    let said = if text.starts_with("/*") { said.strip_suffix("*/").unwrap_or(said) } else { said };
    let start = u32::try_from(comment.start_byte()).ok()?;
    let line = facts.lines.line(start);
    let before = source.get(facts.lines.line_start(line)? as usize..start as usize)?;
    Some(Directive { line, own_line: before.trim().is_empty(), text: said.trim().to_owned() })
}

/// Whether the text before the package clause says that the file is generated.
pub(super) fn generated(preamble: &str) -> bool {
    preamble.lines().any(|line| line.starts_with("// Code generated ") && line.trim_end().ends_with(" DO NOT EDIT."))
}
