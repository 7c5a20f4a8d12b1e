//! Templates of Helm and its like, taken out of YAML without moving a byte.

/// What people are shown in the place of a template, by which [`is_template`] knows one.
const SHOWN: &str = "{{…}}";

/// What stands in the place of a template's bytes while the text is read, where it makes a value.
const FILLER: char = '~';

/// How many of them in a row are a template: as many as the shortest has bytes.
const LEAST: usize = 4;

/// Whether a template makes (a part of) this value.
pub fn is_template(text: &str) -> bool {
    text.contains("{{")
}

/// The text of a template of Terraform without the lines that only steer it (`%{ if … ~}`), each of which becomes white
/// space, and without the signs of YAML in what is filled in (`${…}`); `None` for a text that no such line is in.
///
/// Source: <https://developer.hashicorp.com/terraform/language/expressions/strings#directives>.
pub(super) fn without_directives(text: &str) -> Option<String> {
    let steers = |line: &str| line.trim().starts_with("%{") && line.trim().ends_with('}');
    if !text.contains("%{") || !text.lines().any(steers) {
        return None;
    }
    let plain = |line: &str| match steers(line) {
        true => line.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect(),
        false => without_signs(line),
    };
    Some(text.split_inclusive('\n').map(plain).collect())
}

/// A line in which what is filled in has no sign that means something to YAML.
fn without_signs(line: &str) -> String {
    const SIGNS: &[char] = &['{', '}', '[', ']', '"', '\'', ':', ',', '#'];
    let mut out = String::with_capacity(line.len());
    let mut depth = 0u32;
    let mut before = ' ';
    for letter in line.chars() {
        if letter == '{' && (depth > 0 || before == '$') {
            depth += 1;
        }
        out.push(if depth > 0 && SIGNS.contains(&letter) { FILLER } else { letter });
        if letter == '}' {
            depth = depth.saturating_sub(1);
        }
        before = letter;
    }
    out
}

/// The text with its templates taken out: every other byte stays where it is, though not on the same line.
///
/// A line that only steers becomes empty lines. Any other template becomes a word, which [`shown`] turns into one for
/// people.
pub(super) fn blanked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut ends = Ends::default();
    let mut at = 0;
    // Whether the line that is looked at only steers, where that is decided.
    let mut steers = None;
    while let Some(start) = text[at..].find("{{").map(|found| at + found) {
        let before = &text[at..start];
        out.push_str(before);
        let head = match before.rfind('\n') {
            Some(end) => {
                steers = None;
                &before[end + 1..]
            }
            None => before,
        };
        // One that nobody closes ends with its line.
        let line = || text[start..].find('\n').map_or(text.len(), |found| start + found);
        at = ends.of(text, start).unwrap_or_else(line);
        let template = text[start..at].bytes();
        if *steers.get_or_insert_with(|| head.trim().is_empty() && is_only_templates(&text[at..])) {
            // No white space is left in front: it would set how far a text that follows is indented.
            out.truncate(out.len() - head.len());
            out.extend(head.bytes().chain(template).map(|_| '\n'));
        } else {
            out.extend(template.map(|_| FILLER));
        }
    }
    out.push_str(&text[at..]);
    out
}

/// Where templates end.
#[derive(Default)]
struct Ends {
    comment: Next,
    end: Next,
}

impl Ends {
    /// Where the template ends that starts at a byte, if somebody closes it. A comment holds others; nothing else does.
    fn of(&mut self, text: &str, start: usize) -> Option<usize> {
        let inside = text[start..].trim_start_matches(['{', '-', ' ']);
        let from = if inside.starts_with("/*") { self.comment.find(text, "*/", start)? } else { start };
        let end = self.end.find(text, "}}", from)? + 2;
        let other = text[from..end].find('\n').and_then(|line| text[from + line..end].find("{{"));
        other.is_none().then_some(end)
    }
}

/// The next place of a mark, which is looked for once however often it is asked for.
#[derive(Default)]
struct Next(Option<usize>);

impl Next {
    fn find(&mut self, text: &str, mark: &str, from: usize) -> Option<usize> {
        let found = self.0.filter(|found| *found >= from);
        let found = found.unwrap_or_else(|| text[from..].find(mark).map_or(usize::MAX, |found| from + found));
        self.0 = Some(found);
        (found != usize::MAX).then_some(found)
    }
}

/// Whether the rest of a line holds nothing but templates.
fn is_only_templates(rest: &str) -> bool {
    let mut line = rest.lines().next().unwrap_or_default().trim();
    while let Some(inside) = line.strip_prefix("{{") {
        line = inside.split_once("}}").map_or("", |(_, behind)| behind.trim_start());
    }
    line.is_empty()
}

/// A value of a blanked text, for people.
pub(super) fn shown(text: &str) -> Option<String> {
    let mark = "~".repeat(LEAST);
    if !text.contains(&mark) {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = rest.find(&mark).and_then(|at| rest.split_at_checked(at)) {
        out.push_str(before);
        out.push_str(SHOWN);
        rest = from.trim_start_matches(FILLER);
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_full_of_marks_are_read_in_linear_time() {
        for (part, end) in [("{{\n", "}}"), ("{{/*\n", "*/"), ("{{/*\n", ""), ("{{ a }}", "x"), ("{{-", "")] {
            let text = part.repeat(100_000) + end;
            assert_eq!(blanked(&text).len(), text.len());
        }
    }

    #[test]
    fn templates_keep_their_length() {
        let text = "  {{- if .x }}\nname: {{ .Values.ä }}-x\n{{/* {{ y }} */}}\n{{ .a }}: 1\nlast: {{ a\n  b }}\nopen: {{ c\nd: {{ e }}\nf: {{ g\n";
        let plain = blanked(text);
        assert_eq!(plain.len(), text.len());
        let lines: Vec<String> = plain.lines().map(|line| shown(line).unwrap_or(line.to_owned())).collect();
        let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).filter(|line| !line.is_empty()).collect();
        assert_eq!(lines, ["name: {{…}}-x", "{{…}}: 1", "last: {{…}}", "open: {{…}}", "d: {{…}}", "f: {{…}}"]);
    }
}
