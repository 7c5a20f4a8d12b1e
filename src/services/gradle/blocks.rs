//! The blocks of a build file that speak for other modules than its own.

/// The blocks of a build file that configure the modules below it.
pub(super) fn shared_blocks(text: &str) -> Vec<(&'static str, String)> {
    let mut out = Vec::new();
    for word in ["subprojects", "allprojects", "configure"] {
        let mut from = 0;
        while let Some((start, end)) = block(text, word, from) {
            out.push((word, padded(text, start, end)));
            from = end;
        }
    }
    out
}

/// The build file without the blocks that configure the modules below it.
pub(super) fn without_shared(text: &str) -> String {
    let mut out = text.to_owned();
    for word in ["subprojects", "allprojects", "configure", "constraints", "buildscript"] {
        let mut from = 0;
        while let Some((start, end)) = block(&out, word, from) {
            let blank: String = out[start..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
            out.replace_range(start..end, &blank);
            from = start + blank.len();
        }
    }
    out
}

/// A stretch of a text on its own lines.
fn padded(text: &str, start: usize, end: usize) -> String {
    let lines = text[..start].matches('\n').count();
    format!("{}{}", "\n".repeat(lines), &text[start..end])
}

/// The inside of the next `word … { … }` whose word starts a line.
fn block(text: &str, word: &str, from: usize) -> Option<(usize, usize)> {
    let mut at = from;
    loop {
        at += text.get(at..)?.find(word)?;
        let starts = text[..at].rsplit('\n').next().is_some_and(|before| before.trim().is_empty());
        let after = &text[at + word.len()..];
        let open = after.find('{').filter(|open| after[..*open].lines().count() <= 1);
        match open {
            Some(open) if starts && after.starts_with([' ', '{', '(']) => {
                let start = at + word.len() + open + 1;
                return Some((start, closing(text, start)));
            }
            _ => at += word.len(),
        }
    }
}

/// Where the brace that is open at `start` closes; braces in strings come in pairs.
fn closing(text: &str, start: usize) -> usize {
    let mut depth = 1usize;
    for (at, byte) in text.bytes().enumerate().skip(start) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}
