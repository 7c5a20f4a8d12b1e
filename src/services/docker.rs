//! Dockerfiles: what the image is built from and how it starts.
//!
//! Source: <https://docs.docker.com/reference/dockerfile/>.

use super::launch::{Fact, FactKind, Launch, expand};
use super::shell;
use crate::paths::{file_name, folder};

/// Whether this is a file that builds an image.
pub(crate) fn is_dockerfile(path: &str) -> bool {
    let name = file_name(path);
    let stem = name.split('.').next().unwrap_or(name);
    matches!(stem, "Dockerfile" | "Containerfile") || name.ends_with(".Dockerfile") || name.ends_with(".dockerfile")
}

/// One instruction with its continuation lines joined.
struct Instruction {
    line: u32,
    word: String,
    rest: String,
    /// The lines between `<<EOF` and `EOF`.
    script: String,
}

/// Reads a Dockerfile.
pub(super) fn read(path: &str, text: &str) -> Launch {
    let mut launch = Launch::new(path);
    launch.is_local = true;
    launch.names = names(path);
    let mut known = Vec::new();
    let mut copies = Vec::new();
    let mut started = Vec::new();
    let mut stages = Stages::default();
    for instruction in instructions(text) {
        let Instruction { line, word, rest, script } = instruction;
        let rest = if word == "RUN" { rest } else { expand(&rest, &known) };
        match word.as_str() {
            "FROM" => {
                let mut words = rest.split_whitespace().filter(|word| !word.starts_with("--"));
                let image = words.next().unwrap_or_default();
                let stage = stages.begin(image, words.nth(1), &launch.facts);
                launch.facts.retain(|fact| matches!(fact.kind, FactKind::Build(_)));
                started.clear();
                launch.facts.extend(stage);
                launch.say(line, FactKind::Base(image.to_owned()));
            }
            "ARG" => known.extend(assignments(&rest)),
            "ENV" => {
                for (name, value) in assignments(&rest) {
                    launch.say(line, FactKind::Variable(name.clone(), value.clone()));
                    known.push((name, value));
                }
            }
            "RUN" => {
                launch.fetches.push(rest.clone());
                copies.extend(words(&rest));
                if rest.contains('>') {
                    launch.facts.extend(scripted(line, &script));
                }
                launch.say(line, FactKind::Build(rest));
            }
            "COPY" | "ADD" => {
                launch.facts.extend(scripted(line, &script));
                if !rest.contains("--from=") {
                    let files = sources(&rest);
                    files.iter().for_each(|file| launch.say(line, FactKind::Copied(file.clone())));
                    copies.extend(files);
                }
                launch.fetches.push(rest);
            }
            "WORKDIR" => started.push(rest.trim().to_owned()),
            "CMD" | "ENTRYPOINT" => {
                let command = command(&rest);
                launch.facts.retain(|fact| !matches!(&fact.kind, FactKind::Command(_, by) if *by == word));
                started.extend(words(&command));
                launch.say(line, FactKind::Command(command, word));
            }
            _ => {}
        }
    }
    started.append(&mut copies);
    launch.mentions = started;
    launch
}

/// How many stages of a Dockerfile are kept for others to be built on.
const MAX_STAGES: usize = 64;

/// The stages of a Dockerfile: one that is built on another begins with what that one has.
#[derive(Default)]
struct Stages {
    known: Vec<(String, Vec<Fact>)>,
    /// The name of the stage that is read.
    own: Option<String>,
}

impl Stages {
    /// Ends the stage that has these facts, and begins another: with what it has from the stage that it is built on.
    fn begin(&mut self, image: &str, name: Option<&str>, facts: &[Fact]) -> Vec<Fact> {
        let is_kept = |fact: &&Fact| !matches!(fact.kind, FactKind::Build(_));
        if let Some(own) = self.own.take().filter(|_| self.known.len() < MAX_STAGES) {
            self.known.push((own, facts.iter().filter(is_kept).cloned().collect()));
        }
        self.own = name.map(str::to_ascii_lowercase);
        let base = self.known.iter().rev().find(|(known, _)| known.eq_ignore_ascii_case(image));
        base.map(|(_, facts)| facts.clone()).unwrap_or_default()
    }
}

/// What a Dockerfile puts into its image.
pub(crate) struct Image {
    /// Variables, with their lines.
    pub(crate) environment: Vec<(String, String, u32)>,
    /// The commands that bring files into it.
    pub(crate) fetches: Vec<String>,
    /// The commands that start it, with the words that introduce them and their lines.
    pub(crate) commands: Vec<(String, String, u32)>,
}

impl Image {
    /// Reads a Dockerfile.
    pub(crate) fn read(path: &str, text: &str) -> Self {
        let launch = read(path, text);
        let (mut environment, mut commands) = (Vec::new(), Vec::new());
        for fact in launch.facts {
            match fact.kind {
                FactKind::Variable(name, value) => environment.push((name, value, fact.line)),
                FactKind::Command(text, by) => commands.push((text, by, fact.line)),
                _ => {}
            }
        }
        Self { environment, fetches: launch.fetches, commands }
    }
}

/// `x/Dockerfile.web`, `x/web.Dockerfile` and `x/Dockerfile` may be called `web` and `x`.
fn names(path: &str) -> Vec<String> {
    let name = file_name(path);
    let own = match name.split_once('.') {
        Some(("Dockerfile" | "Containerfile", tail)) => Some(tail),
        Some((head, _)) => Some(head),
        None => None,
    };
    own.into_iter().chain(Some(file_name(folder(path)))).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn instructions(text: &str) -> Vec<Instruction> {
    let mut out = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut whole = line.to_owned();
        while let Some(head) = whole.strip_suffix('\\').map(str::trim_end).map(str::to_owned) {
            whole = head;
            match lines.by_ref().find(|(_, next)| !next.trim().is_empty() && !next.trim_start().starts_with('#')) {
                Some((_, next)) => {
                    whole.push(' ');
                    whole.push_str(next.trim());
                }
                None => break,
            }
        }
        let (word, rest) = whole.split_once([' ', '\t']).unwrap_or((&whole, ""));
        let (line, word, rest) = (at as u32 + 1, word.to_ascii_uppercase(), rest.trim().to_owned());
        let script = heredoc(&word, &rest, &mut lines);
        out.push(Instruction { line, word, rest, script });
    }
    out
}

/// Takes the text between `<<EOF` and `EOF`, which holds no instructions.
fn heredoc<'a>(word: &str, rest: &str, lines: &mut impl Iterator<Item = (usize, &'a str)>) -> String {
    let mut out = String::new();
    if !matches!(word, "RUN" | "COPY" | "ADD") {
        return out;
    }
    let Some((_, tail)) = rest.split_once("<<") else { return out };
    let end: String = tail
        .trim_start_matches(['-', '"', '\''])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect();
    if !end.is_empty() {
        for (_, line) in lines.take_while(|(_, line)| line.trim() != end) {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

/// What a script that the file writes into the image hands the process over to. `line` is that of the instruction.
fn scripted(line: u32, script: &str) -> Vec<Fact> {
    let facts = shell::read("entrypoint.sh", script).facts.into_iter();
    facts
        .filter(|fact| matches!(&fact.kind, FactKind::Command(text, _) if text.starts_with("exec ")))
        .map(|fact| Fact { line: line.saturating_add(fact.line), ..fact })
        .collect()
}

/// `A=1 B="2 3"`, the old `A 1 2`, or a bare `A`.
fn assignments(rest: &str) -> Vec<(String, String)> {
    let first = rest.split_whitespace().next().unwrap_or("");
    if !first.contains('=') {
        return rest
            .split_once([' ', '\t'])
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .into_iter()
            .collect();
    }
    split(rest)
        .into_iter()
        .filter_map(|word| word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())))
        .collect()
}

/// Exec form or shell form, as one line.
pub(super) fn command(rest: &str) -> String {
    match serde_json::from_str::<Vec<String>>(rest) {
        Ok(words) => words.join(" "),
        Err(_) => rest.to_owned(),
    }
}

fn sources(rest: &str) -> Vec<String> {
    let all: Vec<String> =
        command(rest).split_whitespace().filter(|word| !word.starts_with("--")).map(str::to_owned).collect();
    all[..all.len().saturating_sub(1)].to_vec()
}

/// Words of a command that may be paths.
pub(super) fn words(command: &str) -> Vec<String> {
    command
        .split(|c: char| c.is_whitespace() || ";|&()'\"=,".contains(c))
        .filter(|word| !word.is_empty() && !word.starts_with("--"))
        .map(str::to_owned)
        .collect()
}

/// Words as a shell splits them, quotes taken off.
pub(crate) fn split(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut some = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                some = true;
            }
            (_, '\\') if quote != Some('\'') => word.extend(chars.next()),
            (None, c) if c.is_whitespace() => {
                if some || !word.is_empty() {
                    out.push(std::mem::take(&mut word));
                }
                some = false;
            }
            (_, c) => word.push(c),
        }
    }
    if some || !word.is_empty() {
        out.push(word);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_stage_starts_the_image() {
        let text = "FROM a AS b\nARG V=1\nCMD [\"x\"]\nFROM c\nENV A=\"1 2\" B=$V\nENV C old form\nENTRYPOINT [\"run\", \\\n  # note\n  \"it\"]\n";
        let launch = read("svc/Dockerfile", text);
        let kinds: Vec<_> = launch.facts.iter().map(|fact| (&fact.kind, fact.line)).collect();
        assert_eq!(kinds[0], (&FactKind::Base("c".into()), 4));
        assert_eq!(kinds[1], (&FactKind::Variable("A".into(), "1 2".into()), 5));
        assert_eq!(kinds[2], (&FactKind::Variable("B".into(), "1".into()), 5));
        assert_eq!(kinds[3], (&FactKind::Variable("C".into(), "old form".into()), 6));
        assert_eq!(kinds[4], (&FactKind::Command("run it".into(), "ENTRYPOINT".into()), 7));
        assert_eq!(kinds.len(), 5);
    }

    #[test]
    fn a_stage_has_what_the_one_has_that_it_is_built_on() {
        let text = "FROM a AS base\nENV A=1\nRUN x\nFROM base AS more\nENV B=2\nFROM c AS other\nENV C=3\nFROM More\n";
        let found: Vec<_> = Image::read("Dockerfile", text).environment.into_iter().map(|(name, ..)| name).collect();
        assert_eq!(found, ["A", "B"]);
    }

    #[test]
    fn what_is_copied_is_mentioned() {
        let launch = read("Dockerfile", "COPY --chown=a services/x ./ \nCOPY --from=b /y /z\nRUN <<EOF\nCMD no\nEOF\n");
        assert!(launch.mentions.contains(&"services/x".to_owned()) && !launch.mentions.contains(&"/y".to_owned()));
        assert!(!launch.facts.iter().any(|fact| matches!(fact.kind, FactKind::Command(..))));
    }

    #[test]
    fn a_script_written_into_the_image_starts_it() {
        let text = "FROM a\nRUN cat <<'EOF' >/run.sh\nP=\"\"\nif x; then P=y; fi\nP=\"wrap\"\nexec $P it\nEOF\nENTRYPOINT [\"/run.sh\"]\n";
        let launch = read("Dockerfile", text);
        let kind = FactKind::Command("exec wrap it".into(), "entrypoint.sh".into());
        assert!(launch.facts.contains(&Fact { kind, line: 6 }));
        let launch = read("Dockerfile", "RUN <<EOF\nexec wrap it\nEOF\n");
        assert!(!launch.facts.iter().any(|fact| matches!(fact.kind, FactKind::Command(..))));
    }

    #[test]
    fn odd_input_is_survived() {
        for text in ["\\", "CMD [\"a\"", "COPY", "ENV", "ENV =", "RUN <<", "FROM\n\\\n\\"] {
            read("Dockerfile", text);
        }
    }
}
