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

/// Words in the name of what proves who somebody is.
const SECRETS: &[&str] = &["key", "token", "secret", "password", "passwd", "headers", "credential", "dsn", "auth"];

/// A deployment file for people, with the same bytes at the same offsets: values of what may be a secret, by the name
/// before them (or on the line before, for a `value:` behind a `name:`), and passwords in addresses become stars.
pub fn without_secrets(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut named = false;
    for line in text.split_inclusive('\n') {
        let (name, value) = line.split_at(line.find([':', '=']).map_or(line.len(), |at| at + 1));
        let lower = name.to_ascii_lowercase();
        let is_secret = |text: &str| SECRETS.iter().any(|word| text.contains(word));
        let plain = lower.trim().trim_start_matches("- ").trim_end_matches([':', '=']).trim();
        let hides = is_secret(&lower) || named && plain == "value";
        named = plain == "name" && is_secret(&value.to_ascii_lowercase());
        out.push_str(name);
        let (open, hidden) = if hides { ("", value) } else { password(value) };
        out.push_str(open);
        let rest = value.get(open.len() + hidden.len()..).unwrap_or_default();
        for found in hidden.chars() {
            if found.is_whitespace() { out.push(found) } else { (0..found.len_utf8()).for_each(|_| out.push('*')) }
        }
        out.push_str(rest);
    }
    out
}

/// What stands before the user of an address, and the user with the password.
fn password(value: &str) -> (&str, &str) {
    let found = value.find("://").and_then(|at| {
        let start = at + 3;
        let rest = value.get(start..)?;
        let end = rest.find(|c: char| c == '/' || c.is_whitespace()).unwrap_or(rest.len());
        let user = rest.get(..end)?.rfind('@')?;
        Some((value.get(..start)?, rest.get(..user)?))
    });
    found.unwrap_or((value, ""))
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

    #[test]
    fn secrets_of_deployment_files_become_stars() {
        let text = "A_TOKEN: abc\n- name: DB_PASSWORD\n  value: dé f\n- URL=postgres://me:pw@db/x\n- PLAIN=1\n";
        let wanted = "A_TOKEN: ***\n- name: DB_PASSWORD\n  value: *** *\n- URL=postgres://*****@db/x\n- PLAIN=1\n";
        assert_eq!(without_secrets(text), wanted);
    }
}
