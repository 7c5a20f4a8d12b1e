//! Keeping what a repository says from steering a terminal, a log or a page.

/// A text of one line for people: control characters, escape sequences, direction marks and workflow commands
/// (`::name::` at the start of a line, `##[name]` anywhere) become visible and harmless.
pub fn clean(text: &str) -> String {
    let text: String = text.chars().map(|char| if is_hostile(char) { '\u{FFFD}' } else { char }).collect();
    let text = if text.contains("##[") { text.replace("##[", "#\u{FFFD}[") } else { text };
    if text.trim_start().starts_with("::") { text.replacen("::", ":\u{FFFD}", 1) } else { text }
}

/// Like [`clean`], with line breaks left alone.
pub fn clean_lines(text: &str) -> String {
    text.split('\n').map(clean).collect::<Vec<_>>().join("\n")
}

/// A source text for people, with the same bytes at the same offsets: what is hostile becomes a harmless character
/// of the same length.
pub fn clean_source(text: &str) -> String {
    let harmless = |char: char| match char {
        '\n' | '\t' => char,
        '\r' => ' ',
        char if !is_hostile(char) => char,
        char => match char.len_utf8() {
            1 => '?',
            2 => '¿',
            _ => '\u{FFFD}',
        },
    };
    let text: String = text.chars().map(harmless).collect();
    if text.contains("##[") { text.replace("##[", "#?[") } else { text }
}

/// Whether a character can move the cursor, start a sequence or turn the direction of writing.
fn is_hostile(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

/// A text inside Markdown: no markup, no HTML, no line break.
pub fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in clean(text).chars() {
        match char {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '@' => out.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' => {
                out.push('\\');
                out.push(char);
            }
            char => out.push(char),
        }
    }
    out
}

/// "1 error", "2 errors".
pub fn count(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hostile_passes_and_offsets_stay() {
        let hostile = "a\u{1b}[31mé\u{9b}\u{202e}\r\n\tb\u{7f}";
        assert_eq!(clean_source(hostile).len(), hostile.len());
        assert_eq!(clean_source(hostile), "a?[31mé¿\u{FFFD} \n\tb?");
        assert!(!clean(hostile).contains(['\u{1b}', '\n', '\u{9b}', '\u{202e}']));
        assert_eq!(clean_lines("a\n ::error::x ##[y]"), "a\n :\u{FFFD}error::x #\u{FFFD}[y]");
        assert_eq!(markdown("a|b\n<c>"), "a\\|b\u{FFFD}&lt;c&gt;");
    }
}
