//! Linear looks at a text that keep the parser from inputs it cannot bear.

use super::Limits;
use crate::ir::Language;

/// Most different indentations in one Python file.
///
/// The scanner of tree-sitter-python 0.25.0 keeps the widths of the open blocks, strictly increasing, and writes two
/// bytes for each of them after two bytes and up to 255 string delimiters into 1024 bytes. At 511 blocks and one
/// string it writes past the end and aborts the process. Its stack can never be higher than the number of different
/// widths in the file, whatever the text between means, so this bound (2 + 255 + 2 × 250 = 757 bytes) is a proof.
const MAX_INDENTS: usize = 250;

/// Looks for what must not be parsed; the error is the reason for people.
pub(super) fn check_shape(text: &str, language: Language, limits: &Limits) -> Result<(), String> {
    let bytes = text.as_bytes();
    check_lines(bytes, limits.max_line)?;
    check_brackets(bytes, limits.max_brackets)?;
    match language {
        Language::Go => Ok(()),
        Language::Java => check_angles(bytes, limits.max_angles),
        Language::Python => {
            check_continuations(bytes, limits.max_continuations)?;
            check_indents(bytes)
        }
    }
}

fn check_lines(bytes: &[u8], limit: usize) -> Result<(), String> {
    if bytes.len() <= limit {
        return Ok(());
    }
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', bytes).chain([bytes.len()]) {
        if end - start > limit {
            return Err(format!("a line of {} KiB, the limit is {} KiB", (end - start).div_ceil(1024), limit / 1024));
        }
        start = end + 1;
    }
    Ok(())
}

/// What each byte does to the nesting depth.
const NESTING: [i8; 256] = {
    let mut table = [0; 256];
    table[b'(' as usize] = 1;
    table[b'[' as usize] = 1;
    table[b'{' as usize] = 1;
    table[b')' as usize] = -1;
    table[b']' as usize] = -1;
    table[b'}' as usize] = -1;
    table
};

/// Counts brackets without regard to strings and comments: too many open ones there are as suspicious.
fn check_brackets(bytes: &[u8], limit: usize) -> Result<(), String> {
    // Fewer opening brackets than the limit cannot be open at once: a count without a running depth is vectorised.
    if bytes.iter().filter(|byte| matches!(byte, b'(' | b'[' | b'{')).count() <= limit {
        return Ok(());
    }
    let limit_depth = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut depth: i64 = 0;
    for byte in bytes {
        depth = (depth + i64::from(NESTING[*byte as usize])).max(0);
        if depth > limit_depth {
            return Err(format!("more than {limit} brackets open at once"));
        }
    }
    Ok(())
}

/// Counts the `<` without a `>` in each stretch between `;`, `{` and `}`.
fn check_angles(bytes: &[u8], limit: usize) -> Result<(), String> {
    if bytes.iter().filter(|byte| **byte == b'<').count() <= limit {
        return Ok(());
    }
    let mut depth = 0usize;
    for byte in bytes {
        match byte {
            b'<' => depth += 1,
            b'>' => depth = depth.saturating_sub(1),
            b';' | b'{' | b'}' => depth = 0,
            _ => {}
        }
        if depth > limit {
            return Err(format!("more than {limit} `<` open at once"));
        }
    }
    Ok(())
}

/// Looks for runs of lines that are blank but for a backslash.
fn check_continuations(bytes: &[u8], limit: usize) -> Result<(), String> {
    let mut run = 0;
    let mut line_end = None;
    for at in memchr::memchr_iter(b'\\', bytes) {
        let Some(next) = newline_at(bytes, at + 1) else { continue };
        let joined = line_end.is_some_and(|start| bytes[start..at].iter().all(|byte| is_blank(*byte)));
        run = if joined { run + 1 } else { 0 };
        if run > limit {
            return Err(format!("more than {limit} empty continuation lines in a row"));
        }
        line_end = Some(next);
    }
    Ok(())
}

/// The offset after a line end that stands at `at`.
fn newline_at(bytes: &[u8], at: usize) -> Option<usize> {
    match (bytes.get(at), bytes.get(at + 1)) {
        (Some(b'\n'), _) => Some(at + 1),
        (Some(b'\r'), Some(b'\n')) => Some(at + 2),
        _ => None,
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\x0c')
}

/// Counts the different indentations, measured as the scanner measures them.
fn check_indents(bytes: &[u8]) -> Result<(), String> {
    let mut seen = [0u64; 1024];
    let mut count = 0;
    for start in memchr::memchr_iter(b'\n', bytes).map(|at| at + 1) {
        let width = indent_width(bytes, start) as usize;
        let bit = 1 << (width % 64);
        if seen[width / 64] & bit == 0 {
            seen[width / 64] |= bit;
            count += 1;
        }
        if count > MAX_INDENTS {
            return Err(format!("more than {MAX_INDENTS} different indentations"));
        }
    }
    Ok(())
}

/// The width of the white space from `start`: a tab is 8, a form feed or carriage return starts again, a backslash at
/// the line's end goes on, and 16 bits overflow as they do in the scanner.
fn indent_width(bytes: &[u8], start: usize) -> u16 {
    let mut width: u16 = 0;
    let mut at = start;
    loop {
        match bytes.get(at) {
            Some(b' ') => width = width.wrapping_add(1),
            Some(b'\t') => width = width.wrapping_add(8),
            Some(b'\r' | b'\x0c') => width = 0,
            Some(b'\\') => match newline_at(bytes, at + 1) {
                Some(next) => at = next - 1,
                None => return width,
            },
            _ => return width,
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, language: Language) -> Result<(), String> {
        check_shape(text, language, &Limits::default())
    }

    #[test]
    fn ordinary_text_passes() {
        for language in [Language::Go, Language::Python, Language::Java] {
            assert_eq!(check("a = [(1), {2}]\nb = 1 + \\\n  2\n", language), Ok(()));
        }
    }

    #[test]
    fn indents_are_counted_by_width() {
        let stairs = |levels: usize| (0..levels).map(|n| " ".repeat(n) + "if x:\n").collect::<String>();
        assert_eq!(check(&stairs(250), Language::Python), Ok(()));
        assert!(check(&stairs(260), Language::Python).is_err());
        assert_eq!(check(&stairs(260), Language::Go), Ok(()));
        assert_eq!(check(&"  a\n\tb\n".repeat(500), Language::Python), Ok(()));
    }

    #[test]
    fn joined_lines_add_their_widths() {
        assert_eq!(indent_width(b"  \\\n   x", 0), 5);
        assert_eq!(indent_width(b"\t \x0c x", 0), 1);
        assert_eq!(indent_width(b"  \\x", 0), 2);
    }

    #[test]
    fn continuation_runs_end_at_content() {
        assert!(check(&"\\\n".repeat(600), Language::Python).is_err());
        assert!(check(&"  \\\r\n".repeat(600), Language::Python).is_err());
        assert_eq!(check(&"a + \\\n".repeat(600), Language::Python), Ok(()));
    }
}
