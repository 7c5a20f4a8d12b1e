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

/// The text with its templates taken out: every other byte stays where it is, though not on the same line.
///
/// A line that only steers becomes empty lines. Any other template becomes a word, which [`shown`] turns into one for
/// people.
pub(super) fn blanked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    // Whether the line that is looked at only steers, where that is decided.
    let mut steers = None;
    let mut closes = true;
    while let Some((before, from)) = rest.find("{{").and_then(|at| rest.split_at_checked(at)) {
        out.push_str(before);
        let head = match before.rfind('\n') {
            Some(end) => {
                steers = None;
                before.get(end + 1..).unwrap_or_default()
            }
            None => before,
        };
        let end = end(from).filter(|_| closes);
        closes &= end.is_some();
        // One that nobody closes ends with its line.
        let end = end.unwrap_or_else(|| from.find('\n').unwrap_or(from.len()));
        let (template, behind) = from.split_at(end);
        if *steers.get_or_insert_with(|| head.trim().is_empty() && is_only_templates(behind)) {
            // No white space is left in front: it would set how far a text that follows is indented.
            out.truncate(out.len() - head.len());
            out.extend(head.bytes().chain(template.bytes()).map(|_| '\n'));
        } else {
            out.extend(template.bytes().map(|_| FILLER));
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// Where a template ends. A comment holds others.
fn end(template: &str) -> Option<usize> {
    let inside = template.trim_start_matches(['{', '-', ' ']);
    let comment = if inside.starts_with("/*") { template.find("*/")? } else { 0 };
    Some(comment + template.get(comment..)?.find("}}")? + 2)
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
    fn templates_keep_their_length() {
        let text = "  {{- if .x }}\nname: {{ .Values.ä }}-x\n{{/* {{ y }} */}}\n{{ .a }}: 1\nlast: {{ a\n  b }}\nopen: {{ c\nd: e\n";
        let plain = blanked(text);
        assert_eq!(plain.len(), text.len());
        let lines: Vec<String> = plain.lines().map(|line| shown(line).unwrap_or(line.to_owned())).collect();
        let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).filter(|line| !line.is_empty()).collect();
        assert_eq!(lines, ["name: {{…}}-x", "{{…}}: 1", "last: {{…}}", "open: {{…}}", "d: e"]);
    }
}
