//! Finding and reading the configuration, with errors that say where and what instead.

use super::{Config, Selector, WrapperKind};
use crate::report::text::clean;
use crate::rulepage;
use crate::services;
use globset::Glob;
use serde::Deserialize;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.render())]
pub struct ConfigError {
    path: String,
    /// Line, column and text of the line with the error.
    spot: Option<(usize, usize, String)>,
    width: usize,
    message: String,
    help: Option<String>,
}

#[derive(Deserialize)]
struct PyProject {
    tool: Option<Tool>,
}

#[derive(Deserialize)]
struct Tool {
    hoplint: Option<Config>,
}

/// Reads the nearest configuration from `start` (a folder) up to the repository's root; `None` when there is none.
pub fn discover(start: &Path) -> Result<Option<Config>, ConfigError> {
    let inside_repository = start.ancestors().any(|folder| folder.join(".git").exists());
    for folder in start.ancestors() {
        for name in ["hoplint.toml", ".hoplint.toml", "pyproject.toml"] {
            let path = folder.join(name);
            if path.is_file()
                && let Some(config) = read_if_ours(&path)?
            {
                return Ok(Some(config));
            }
        }
        if !inside_repository || folder.join(".git").exists() {
            break;
        }
    }
    Ok(None)
}

/// Reads the configuration in this file.
pub fn read(path: &Path) -> Result<Config, ConfigError> {
    Ok(read_if_ours(path)?.unwrap_or_default())
}

fn read_if_ours(path: &Path) -> Result<Option<Config>, ConfigError> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| ConfigError {
        path: shown.clone(),
        spot: None,
        width: 0,
        message: format!("cannot be read: {error}"),
        help: None,
    })?;
    let in_pyproject = path.file_name().is_some_and(|name| name == "pyproject.toml");
    if in_pyproject && !text.contains("tool.hoplint") {
        return Ok(None);
    }
    let shown = std::env::current_dir()
        .ok()
        .and_then(|cwd| path.strip_prefix(cwd).ok().map(|path| path.display().to_string()))
        .unwrap_or(shown);
    let config = parse(&shown, &text, in_pyproject)?;
    Ok(config.map(|mut config| {
        config.file = shown;
        config.base = path.parent().map(Path::to_path_buf).unwrap_or_else(|| PathBuf::from("."));
        config
    }))
}

/// Reads and checks a configuration text; `None` when it is a `pyproject.toml` without our table.
pub fn parse(path: &str, text: &str, in_pyproject: bool) -> Result<Option<Config>, ConfigError> {
    let parsed = if in_pyproject {
        toml::from_str::<PyProject>(text).map(|file| file.tool.and_then(|tool| tool.hoplint))
    } else {
        toml::from_str::<Config>(text).map(Some)
    };
    let config = parsed.map_err(|error| from_toml(path, text, &error))?;
    if let Some(config) = &config {
        check(path, text, config)?;
    }
    Ok(config)
}

fn from_toml(path: &str, text: &str, error: &toml::de::Error) -> ConfigError {
    let message = error.message().lines().next().unwrap_or_default();
    ConfigError::at(path, text, error.span(), message.to_owned(), suggest_field(message))
}

/// Turns "unknown field `a`, expected one of `b`, `c`" into a suggestion.
fn suggest_field(message: &str) -> Option<String> {
    if !message.starts_with("unknown ") {
        return None;
    }
    let mut quoted = message.split('`').skip(1).step_by(2);
    let wrong = quoted.next()?;
    rulepage::closest(wrong, quoted).map(|right| format!("did you mean `{right}`?"))
}

/// Rules and stacks that exist, globs that can be read.
fn check(path: &str, text: &str, config: &Config) -> Result<(), ConfigError> {
    let select = config.select.iter().flatten();
    let lists = select.chain(&config.extend_select).chain(&config.ignore);
    for rule in lists.chain(config.severity.keys()).chain(config.per_path_ignores.values().flatten()) {
        if let Err(error) = Selector::parse(rule) {
            return Err(ConfigError::at(path, text, find(text, rule), error.message, error.help));
        }
    }
    for wrapper in &config.wrappers {
        if (wrapper.does == WrapperKind::Extends) != wrapper.of.is_some() {
            let message =
                format!("`of` names the type that `{}` extends, and belongs to `does = \"extends\"`", wrapper.function);
            return Err(ConfigError::at(path, text, find(text, &wrapper.function), message, None));
        }
    }
    for glob in config.exclude.iter().chain(config.per_path_ignores.keys()) {
        if let Err(error) = Glob::new(glob) {
            return Err(ConfigError::at(path, text, find(text, glob), format!("bad glob: {}", error.kind()), None));
        }
    }
    for entry in &config.services {
        let wrong = |word: &str, message, help| Err(ConfigError::at(path, text, find(text, word), message, help));
        match &entry.stack {
            Some(stack) if !services::stacks().iter().any(|page| page.id == *stack) => {
                let names = services::stacks().iter().map(|page| page.id.as_str());
                let help = rulepage::closest(stack, names.clone()).map(|right| format!("did you mean `{right}`?"));
                let help = help.or_else(|| Some(format!("the stacks are: {}", names.collect::<Vec<_>>().join(", "))));
                return wrong(stack, format!("unknown stack `{stack}`"), help);
            }
            None if entry.mode.is_some() => {
                let help = Some("name the stack, or leave `mode` out".to_owned());
                return wrong(&entry.name, format!("service `{}` has a mode of no stack", entry.name), help);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Where a value stands in the text: quoted, or bare as a key.
fn find(text: &str, value: &str) -> Option<Range<usize>> {
    let quoted = [format!("\"{value}\""), format!("'{value}'"), value.to_owned()];
    quoted.iter().find_map(|quoted| text.find(quoted.as_str()).map(|at| at..at + quoted.len()))
}

impl ConfigError {
    fn at(path: &str, text: &str, span: Option<Range<usize>>, message: String, help: Option<String>) -> Self {
        let width = span.as_ref().map_or(0, |span| text.get(span.clone()).map_or(1, |text| text.chars().count()));
        let spot = span.and_then(|span| {
            let before = text.get(..span.start)?;
            let start = before.rfind('\n').map_or(0, |at| at + 1);
            let line = text.get(start..)?.lines().next().unwrap_or_default();
            Some((before.matches('\n').count() + 1, before.get(start..)?.chars().count() + 1, line.to_owned()))
        });
        Self { path: path.to_owned(), spot, width, message, help }
    }

    fn render(&self) -> String {
        let path = clean(&self.path);
        let message = clean(&self.message);
        let mut text = match &self.spot {
            None => format!("{path}: {message}"),
            Some((line, column, source)) => {
                let source = clean(source);
                let room = source.chars().count().saturating_sub(column - 1).max(1);
                let carets = "^".repeat(self.width.clamp(1, room));
                let gap = " ".repeat(line.to_string().len());
                let indent = " ".repeat(column - 1);
                format!("{path}:{line}:{column}: {message}\n {gap} |\n {line} | {source}\n {gap} | {indent}{carets}")
            }
        };
        if let Some(help) = &self.help {
            text.push_str("\n  help: ");
            text.push_str(&clean(help));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse("hoplint.toml", text, false).unwrap_err().to_string()
    }

    #[test]
    fn unknown_keys_and_rules_are_errors_with_a_place_and_a_suggestion() {
        let text = error("pedantic = true\nselct = [\"all\"]\n");
        assert!(text.starts_with("hoplint.toml:2:1: unknown field `selct`"), "{text}");
        assert!(text.contains("did you mean `select`?"), "{text}");
        let text = error("ignore = [\"context-replacd\"]\n");
        assert!(text.starts_with("hoplint.toml:1:11: ") && text.contains("`context-replaced`"), "{text}");
        assert!(error("[limits]\nmax-file-sise = 3\n").contains("`max-file-size`"));
        assert!(error("severity = 3\n").contains("hoplint.toml:1:12"));
        let service = "[[services]]\nname = \"a\"\nroot = \"a\"\n";
        let text = error(&format!("{service}stack = \"opentelemetry-goo\"\n"));
        assert!(text.starts_with("hoplint.toml:4:9: unknown stack") && text.contains("`opentelemetry-go`"), "{text}");
        assert!(error(&format!("{service}mode = \"agent\"\n")).contains("a mode of no stack"));
        let wrapper = "[[wrappers]]\nlanguage = \"python\"\nfunction = \"a.B\"\ndoes = \"extends\"\n";
        assert!(error(wrapper).contains("`of` names the type"));
    }

    #[test]
    fn all_keys_are_read() {
        let text = r#"
            select = ["all"]
            extend-select = ["HOP2"]
            ignore = ["propagation"]
            exclude = ["vendor"]
            fail-on = "error"
            pedantic = true
            [severity]
            context-replaced = "off"
            [per-path-ignores]
            "tests/**" = ["HOP202"]
            [limits]
            max-file-size = 10
            max-file-time-ms = 20
            [[wrappers]]
            language = "go"
            function = "example.com/lib.Start"
            does = "starts-span"
            result = 1
            [[services]]
            name = "a"
            root = "services/a"
            stack = "opentelemetry-go"
            mode = "code"
        "#;
        let config = parse("hoplint.toml", text, false).unwrap().unwrap();
        assert_eq!(config.wrappers[0].result, Some(1));
        assert!(config.exclude_set().is_match("a/vendor/b.go"));
        assert!(!config.exclude_set().is_match("a/vendored/b.go"));
        let python = "[tool.hoplint]\nignore = ['HOP2']\n";
        assert_eq!(parse("pyproject.toml", python, true).unwrap().unwrap().ignore, ["HOP2"]);
    }
}
