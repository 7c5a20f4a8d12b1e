//! Commands in shell scripts and Makefiles.
//!
//! Source: <https://www.gnu.org/software/make/manual/make.html>.

use super::docker::{split, words};
use super::launch::{FactKind, Launch, expand};
use crate::paths::file_name;

/// Whether this is a script or Makefile that may start a service.
pub(crate) fn is_script(path: &str) -> bool {
    let name = file_name(path);
    matches!(name, "Makefile" | "makefile" | "GNUmakefile") || name.ends_with(".mk") || is_start_script(name)
}

fn is_start_script(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".sh") else {
        return matches!(name, "entrypoint" | "docker-entrypoint" | "start" | "run");
    };
    ["entrypoint", "start", "run", "boot", "serve", "launch", "build"].iter().any(|word| stem.contains(word))
}

/// What a script runs.
pub(super) fn read(path: &str, text: &str) -> Launch {
    let mut launch = Launch::new(path);
    launch.is_local = true;
    let mut known = Vec::new();
    for (line, text) in logical_lines(text) {
        let text = body(&text);
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let text = expand(&text.replace("$(", "${").replace(')', "}"), &known);
        for (name, value) in assignments(&text) {
            launch.say(line, FactKind::Variable(name.clone(), value.clone()));
            known.push((name, value));
        }
        launch.mentions.extend(words(&text));
        launch.say(line, FactKind::Build(text.clone()));
        launch.say(line, FactKind::Command(text, file_name(path).to_owned()));
    }
    launch
}

/// The command of a line: without the tab and `@` of make.
fn body(line: &str) -> String {
    line.trim().trim_start_matches(['@', '-', '+']).trim().to_owned()
}

/// `export A=1`, `A=1 command`, `A := 1`.
fn assignments(line: &str) -> Vec<(String, String)> {
    if let Some((name, value)) = line.split_once(":=").or_else(|| line.split_once("?="))
        && is_name(name.trim())
    {
        return vec![(name.trim().to_owned(), value.trim().to_owned())];
    }
    let all = split(line);
    all.iter()
        .skip_while(|word| *word == "export")
        .map_while(|word| word.split_once('=').filter(|(name, _)| is_name(name)))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Lines with continuations joined, under the number of their first.
fn logical_lines(text: &str) -> Vec<(u32, String)> {
    let mut out: Vec<(u32, String)> = Vec::new();
    let mut open = false;
    for (at, line) in text.lines().enumerate() {
        let (part, more) = line.trim_end().strip_suffix('\\').map_or((line, false), |part| (part, true));
        match out.last_mut().filter(|_| open) {
            Some((_, whole)) => {
                whole.push(' ');
                whole.push_str(part.trim());
            }
            None => out.push((at as u32 + 1, part.to_owned())),
        }
        open = more;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_found() {
        let launch = read("Makefile", "A := x\nrun:\n\t@$(A) go build \\\n\t./cmd\n");
        assert!(launch.facts.iter().any(
            |fact| matches!(&fact.kind, FactKind::Build(text) if text.starts_with("x go build")) && fact.line == 3
        ));
        let launch = read("x/entrypoint.sh", "export OPTS=\"-a b\"\nexec java $OPTS -jar a.jar\n");
        assert!(
            launch
                .facts
                .iter()
                .any(|fact| matches!(&fact.kind, FactKind::Command(text, _) if text == "exec java -a b -jar a.jar"))
        );
    }

    #[test]
    fn scripts_are_told_from_others() {
        assert!(is_script("a/docker-entrypoint.sh") && !is_script("a/x.sh"));
    }
}
