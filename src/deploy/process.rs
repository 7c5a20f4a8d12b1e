//! Processes that a machine starts without containers: units of systemd and lines of a Procfile.
//!
//! Sources: <https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#Environment>,
//! <https://devcenter.heroku.com/articles/procfile>.

use super::container::written;
use super::{Container, Platform, Variable, place};
use crate::ir::Span;
use crate::paths::file_name;
use crate::services::{ManifestFile, split};
use ustr::Ustr;

/// A process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its name.
    pub name: String,
    /// Where it begins.
    pub span: Span,
    /// What starts it, and where that stands.
    pub command: Option<(String, Span)>,
    /// Its environment.
    pub variables: Vec<(String, String, Span)>,
    /// Whether files that are not seen may set more variables.
    pub is_open: bool,
}

/// Whether a file starts processes.
pub fn is_process(path: &str) -> bool {
    file_name(path) == "Procfile" || path.ends_with(".service")
}

/// The processes of a file.
pub fn read(path: &str, text: &str) -> Vec<Process> {
    let all = lines(text);
    if file_name(path) == "Procfile" { all.iter().filter_map(line).collect() } else { unit(path, &all) }
}

/// Lines with those that they are continued on, and their places.
fn lines(text: &str) -> Vec<(String, Span)> {
    let mut out: Vec<(String, Span)> = Vec::new();
    let mut open = false;
    let mut at = 0;
    for whole in text.split_inclusive('\n') {
        let start = at + (whole.len() - whole.trim_start().len());
        at += whole.len();
        let (part, more) = whole.trim().strip_suffix('\\').map_or((whole.trim(), false), |part| (part, true));
        let end = start + whole.trim().len();
        match out.last_mut().filter(|_| open) {
            Some((line, span)) => {
                line.push(' ');
                line.push_str(part.trim());
                span.end = u32::try_from(end).unwrap_or(u32::MAX);
            }
            None => out.push((part.to_owned(), Span::new(start, end.max(start)))),
        }
        open = more;
    }
    out.retain(|(line, _)| !line.is_empty() && !line.starts_with(['#', ';']));
    out
}

/// A line of a Procfile: `web: NAME=value command`.
fn line((text, span): &(String, Span)) -> Option<Process> {
    let (name, command) = text.split_once(':')?;
    let words = split(command);
    let variables = words.iter().map_while(|word| assignment(word)).map(|(name, value)| (name, value, *span));
    let command = Some((command.trim().to_owned(), *span));
    Some(Process { name: name.trim().to_owned(), span: *span, command, variables: variables.collect(), is_open: true })
}

/// A unit of systemd.
fn unit(path: &str, lines: &[(String, Span)]) -> Vec<Process> {
    let name = file_name(path).trim_end_matches(".service").trim_end_matches('@').to_owned();
    let mut out = Process { name, span: Span::new(0, 0), command: None, variables: Vec::new(), is_open: false };
    for (line, span) in lines {
        let Some((key, value)) = line.split_once('=') else { continue };
        match key.trim() {
            "ExecStart" if !value.trim().is_empty() => {
                out.span = *span;
                out.command = Some((value.trim().trim_start_matches(['@', '-', '+', '!', ':']).to_owned(), *span));
            }
            // Nothing behind it takes back what was said.
            "Environment" if value.trim().is_empty() => out.variables.clear(),
            "Environment" => {
                let all = split(value).into_iter().filter_map(|word| assignment(&word));
                out.variables.extend(all.map(|(name, value)| (name, value, *span)));
            }
            "EnvironmentFile" | "PassEnvironment" => out.is_open = true,
            _ => {}
        }
    }
    Some(out).filter(|found| found.command.is_some()).into_iter().collect()
}

fn assignment(word: &str) -> Option<(String, String)> {
    let (name, value) = word.split_once('=')?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then(|| (name.to_owned(), value.to_owned()))
}

/// The processes of a file, for the rules: each shares the network of its machine.
pub(super) fn containers(file: &ManifestFile) -> Vec<Container> {
    let path = Ustr::from(&file.path);
    let found = read(&file.path, &file.text).into_iter();
    found
        .map(|process| Container {
            variables: process
                .variables
                .into_iter()
                .map(|(name, value, span)| Variable {
                    name,
                    value: written(&value),
                    place: place(path, span),
                    is_common: false,
                    is_fallback: false,
                })
                .collect(),
            is_open: process.is_open,
            is_alone: false,
            has_command: true,
            ..Container::new(Platform::Machine, path, process.name, place(path, process.span))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_and_lines_are_processes_with_an_environment() {
        let text =
            "[Service]\n# A=0\nEnvironment=\"A=1 2\" B=3\nEnvironment=C=4 \\\n  D=5\nExecStart=-/usr/bin/till --x\n";
        let found = read("etc/till.service", text);
        let names: Vec<_> = found[0].variables.iter().map(|(name, value, _)| format!("{name}:{value}")).collect();
        assert_eq!((found[0].name.as_str(), names.join(" ").as_str()), ("till", "A:1 2 B:3 C:4 D:5"));
        assert_eq!(found[0].command.as_ref().map(|(text, _)| text.as_str()), Some("/usr/bin/till --x"));
        let found = read("Procfile", "web: A=1 gunicorn app\n# x: y\nworker: celery B=2");
        assert_eq!(found.iter().map(|one| one.variables.len()).collect::<Vec<_>>(), [1, 0]);
        assert!(read("a.service", "[Unit]\nEnvironment=A=1").is_empty());
    }
}
