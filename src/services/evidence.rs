//! From what a deployment file says to the stacks that it switches on.

use super::launch::{Fact, FactKind, Launch};
use super::stacks::{Compiled, Switch, compiled};
use super::{Mode, StackUse};
use crate::ir::Language;
use crate::paths::file_name;

/// A stack that a launch switches on, for services of these languages.
pub(super) struct Evidence {
    pub(super) languages: &'static [Language],
    pub(super) used: StackUse,
}

/// Everything that a launch switches on; `fetches` are the commands that filled its image.
pub(super) fn of(launch: &Launch, fetches: &[String]) -> Vec<Evidence> {
    let mut out = Vec::new();
    for fact in &launch.facts {
        for stack in compiled() {
            if let Some((mode, active, text)) = judge(stack, fact, fetches) {
                let active = active && !is_off(stack, launch);
                let used = StackUse {
                    stack: stack.page.id.clone(),
                    mode,
                    active,
                    path: launch.path.clone(),
                    line: fact.line,
                    evidence: text,
                };
                out.push(Evidence { languages: &stack.page.languages, used });
            }
        }
    }
    out
}

fn is_off(stack: &Compiled, launch: &Launch) -> bool {
    launch.facts.iter().any(|fact| match &fact.kind {
        FactKind::Variable(name, value) | FactKind::Common(name, value) => {
            stack.page.disabled_by.iter().any(|switch| switch.is_thrown(name, value))
        }
        _ => false,
    })
}

fn judge(stack: &Compiled, fact: &Fact, fetches: &[String]) -> Option<(Mode, bool, String)> {
    match &fact.kind {
        FactKind::Variable(name, value) | FactKind::Common(name, value) => {
            if stack.page.environment.iter().any(|switch| switch.is_thrown(name, value)) {
                // What a variable brings in lies beside the program, as it does for an agent.
                let mode = if stack.build_tools.is_empty() { Mode::Agent } else { Mode::Build };
                return Some((mode, true, format!("{name}={value}")));
            }
            let jar = agent(stack, value, fetches).filter(|_| is_read_by_the_machine(name))?;
            Some((Mode::Agent, true, format!("{name} loads {jar}")))
        }
        FactKind::Arguments(text) => {
            agent(stack, text, fetches).map(|jar| (Mode::Agent, true, format!("its arguments load {jar}")))
        }
        FactKind::Command(text, by) => {
            if let Some(jar) = agent(stack, text, fetches) {
                return Some((Mode::Agent, true, format!("{by} loads {jar}")));
            }
            let launcher = stack.launchers.iter().find(|words| runs(text, words))?;
            Some((mode_of_launcher(stack), true, format!("{by} runs {}", launcher.join(" "))))
        }
        FactKind::Build(text) => stack
            .build_tools
            .iter()
            .any(|tool| tool.is_match(text))
            .then(|| (Mode::Build, true, format!("built by `{}`", shorten(text)))),
        FactKind::Annotation(name, value) => stack
            .page
            .annotations
            .iter()
            .any(|switch| switch.is_thrown(name, value))
            .then(|| (Mode::Agent, true, format!("annotation {name}: {value}"))),
        FactKind::Base(image) => stack
            .base_images
            .iter()
            .any(|pattern| pattern.is_match(image))
            .then(|| (Mode::Agent, true, format!("built on {image}"))),
        FactKind::Copied(path) => stack
            .settings_files
            .iter()
            .any(|pattern| pattern.is_match(path))
            .then(|| (Mode::Agent, true, format!("its image holds {}", file_name(path)))),
        FactKind::Resource(api, settings) => {
            let thrown = |switch: &Switch| settings.iter().any(|(name, value)| switch.is_thrown(name, value));
            let mut asked = stack.page.resources.iter().filter(|resource| resource.api == *api);
            let found = asked.find(|resource| resource.when.iter().all(thrown))?;
            let last = found.when.last().map_or("", |switch| switch.name.as_str());
            Some((Mode::Agent, true, format!("the platform is told {last}")))
        }
        FactKind::Neighbour(image, sure) => stack
            .images
            .iter()
            .any(|pattern| pattern.is_match(image))
            .then(|| (Mode::Agent, *sure, format!("{image} runs beside it"))),
    }
}

/// A launcher that is an image of its own looks at other processes.
fn mode_of_launcher(stack: &Compiled) -> Mode {
    if stack.images.is_empty() { Mode::Launcher } else { Mode::Agent }
}

/// Variables that the Java launcher reads, and those that start scripts hand to it by custom.
///
/// Source: <https://docs.oracle.com/en/java/javase/21/docs/specs/jvmti.html#tooloptions>.
fn is_read_by_the_machine(name: &str) -> bool {
    ["OPTS", "OPTIONS", "_ARGS", "FLAGS"].iter().any(|end| name.ends_with(end))
}

/// The jar of a `-javaagent:` that belongs to the stack, by its own name or by that under which it was fetched.
fn agent(stack: &Compiled, text: &str, fetches: &[String]) -> Option<String> {
    text.match_indices("-javaagent:").find_map(|(at, flag)| {
        let rest = &text[at + flag.len()..];
        let jar =
            rest.split(|c: char| c.is_whitespace() || "\"',=;)]".contains(c)).next().filter(|jar| !jar.is_empty())?;
        let name = file_name(jar);
        let fetched = || {
            let is_plain = name.len() > 4 && !name.contains('$');
            is_plain
                && fetches
                    .iter()
                    .filter(|fetch| fetch.contains(name))
                    .any(|fetch| stack.agents.iter().any(|pattern| pattern.is_match(fetch)))
        };
        (stack.agents.iter().any(|pattern| pattern.is_match(jar)) || fetched()).then(|| name.to_owned())
    })
}

/// Words that name a program without running it.
const SPEAKERS: &[&str] = &[
    "echo", "printf", "which", "command", "type", "pip", "pip3", "uv", "apt", "apt-get", "apk", "test", "[", "if",
    "mkdir", "cp", "rm",
];

/// Whether a command line runs these words, in this order.
fn runs(text: &str, words: &[&str]) -> bool {
    text.split([';', '|', '&', '(', ')']).any(|part| {
        let parts: Vec<&str> =
            part.split(|c: char| c.is_whitespace() || "\"'`".contains(c)).filter(|word| !word.is_empty()).collect();
        let speaks = parts.first().is_some_and(|first| SPEAKERS.contains(first))
            && !matches!(parts.as_slice(), ["uv", "run", ..]);
        !speaks
            && parts.windows(words.len()).any(|window| {
                window
                    .iter()
                    .zip(words)
                    .enumerate()
                    .all(|(at, (have, want))| if at == 0 { file_name(have) == *want } else { have == want })
            })
    })
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_commands_that_run_it_count() {
        assert!(runs("exec /venv/bin/a-run python x.py", &["a-run"]));
        assert!(runs("uv run a-run x", &["a-run"]));
        assert!(runs("set -e; a-admin run-program x", &["a-admin", "run-program"]));
        assert!(!runs("pip install a-run", &["a-run"]));
        assert!(!runs("a-admin validate", &["a-admin", "run-program"]));
    }
}
