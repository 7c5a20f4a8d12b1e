//! Comments to hoplint in files that are no sources: `# hoplint: ignore[rule] why`.

use crate::ir::{Directive, Language};

/// The comments of a file. Files whose comments do not begin with `#` have none.
pub(super) fn read(path: &str, text: &str) -> Vec<Directive> {
    const OTHERS: &[&str] = &[".xml", ".gradle", ".kts", ".json", "go.mod", "go.work"];
    let is_source = Language::of_path(std::path::Path::new(path)).is_some();
    if is_source || OTHERS.iter().any(|end| path.ends_with(end)) || !text.contains("hoplint:") {
        return Vec::new();
    }
    text.lines().zip(1..).filter_map(|(line, number)| directive(line, number)).collect()
}

fn directive(line: &str, number: u32) -> Option<Directive> {
    let (before, comment) = line.match_indices('#').find_map(|(at, _)| {
        let comment = line.get(at + 1..)?.trim_start().strip_prefix("hoplint:")?;
        Some((line.get(..at)?, comment))
    })?;
    Some(Directive { line: number, own_line: before.trim().is_empty(), text: comment.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_found_on_their_own_line_and_behind_a_value() {
        let text =
            "a: 1 # hoplint: ignore[x] why\n  # hoplint: ignore-file[y] z\nb: '#1' # hoplint: ignore[z]\n# hoplint\n";
        let found = read("a.yaml", text);
        let seen: Vec<_> = found.iter().map(|one| (one.line, one.own_line, one.text.as_str())).collect();
        assert_eq!(seen, [(1, false, "ignore[x] why"), (2, true, "ignore-file[y] z"), (3, false, "ignore[z]")]);
        assert!(read("a.py", text).is_empty() && read("pom.xml", text).is_empty());
    }
}
