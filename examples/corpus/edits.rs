//! Edits of the text of a source by which calls go away.

use hoplint::ir::Language;
use serde::Deserialize;
use std::ops::Range;

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Edit {
    /// Its first argument stands in its place.
    Unwrap,
    /// It is no argument any more.
    Argument,
    /// It is no statement any more.
    Statement,
    /// Nothing stands in its place.
    Nothing,
    /// It is no link of its chain any more.
    Chain,
}

/// The part of a text that an edit is about, and what takes its place, for the call that begins at byte `start` and whose
/// first argument would begin at `inside`; `None` where the call is none of that form.
pub(super) fn place(
    edit: Edit,
    language: Language,
    text: &str,
    start: usize,
    inside: usize,
) -> Option<(Range<usize>, String)> {
    let (end, first) = arguments(text, inside)?;
    match edit {
        Edit::Unwrap => {
            let argument = text.get(inside..first)?.trim();
            (!argument.is_empty()).then(|| (start..end, argument.to_owned()))
        }
        Edit::Argument => {
            let after = text.get(end..)?;
            let rest = after.trim_start();
            if let Some(rest) = rest.strip_prefix(',') {
                let gap = rest.len() - rest.trim_start_matches(' ').len();
                return Some((start..text.len() - rest.len() + gap, String::new()));
            }
            let before = text.get(..start)?.trim_end();
            before.strip_suffix(',').map(|before| (before.len()..end, String::new()))
        }
        Edit::Statement => {
            let line = text.get(..start)?.rfind('\n').map_or(0, |at| at + 1);
            let indent = text.get(line..start)?;
            let rest = text.get(end..)?.find('\n')?;
            let behind = text.get(end..end + rest)?.trim().trim_start_matches(';').trim_start();
            let is_alone = indent.trim().is_empty() && (behind.is_empty() || behind.starts_with(['#', '/']));
            let stand_in = if language == Language::Python { format!("{indent}pass\n") } else { String::new() };
            is_alone.then_some((line..end + rest + 1, stand_in))
        }
        Edit::Nothing => {
            let word = match language {
                Language::Go => "nil",
                Language::Python => "None",
                Language::Java => "null",
            };
            Some((start..end, word.to_owned()))
        }
        Edit::Chain => Some((start..end, String::new())),
    }
}

/// Where a call ends, behind its closing bracket, and where its first argument does. `inside` is behind the opening one.
fn arguments(text: &str, inside: usize) -> Option<(usize, usize)> {
    let mut open = 1;
    let mut quote = None;
    let mut first = None;
    let mut letters = text.get(inside..)?.char_indices();
    while let Some((at, letter)) = letters.next() {
        match (quote, letter) {
            (Some(mark), '\\') if mark != '`' => {
                letters.next();
            }
            (Some(mark), _) if mark == letter => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') => quote = Some(letter),
            (None, '(' | '[' | '{') => open += 1,
            (None, ')' | ']' | '}') => {
                open -= 1;
                if open == 0 {
                    return Some((inside + at + 1, first.unwrap_or(inside + at)));
                }
            }
            (None, ',') if open == 1 => first = first.or(Some(inside + at)),
            _ => {}
        }
    }
    None
}
