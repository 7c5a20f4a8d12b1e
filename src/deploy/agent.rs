//! Agents for the Java machine that a Dockerfile puts into its image.
//!
//! Source: <https://docs.oracle.com/en/java/javase/21/docs/api/java.instrument/java/lang/instrument/package-summary.html>:
//! the machine loads one that its command line names, or a variable that it reads.

use super::{Container, place};
use crate::finding::Place;
use crate::ir::Span;
use crate::paths::file_name;
use crate::services::{Image, ManifestFile};
use ustr::Ustr;

/// The variables from which the machine takes arguments.
pub const VARIABLES: [&str; 3] = ["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"];

/// An agent that lies in an image whose start names none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// The Dockerfile.
    pub path: Ustr,
    /// The name of its file.
    pub jar: String,
    /// What it is an agent of.
    pub title: &'static str,
    /// Where it is put in.
    pub place: Place,
    /// Where the program is started.
    pub start: Place,
    /// Where containers of the image stand, all of which start it as the image does.
    pub runs: Vec<(String, Place)>,
}

/// Finds those that nothing in the workspace loads. Silent where the start is not seen as a whole: a script, arguments
/// that are filled in, a container that nobody shows.
pub(super) fn read(files: &[ManifestFile], containers: &[Container]) -> Vec<Agent> {
    let images = files.iter().filter(|file| crate::services::is_dockerfile(&file.path));
    images.filter_map(|file| of_image(file, files, containers)).collect()
}

fn of_image(file: &ManifestFile, files: &[ManifestFile], containers: &[Container]) -> Option<Agent> {
    if !file.text.contains(".jar") || file.text.contains("-javaagent:") {
        return None;
    }
    let image = Image::read(&file.path, &file.text);
    let (jar, title) = image.fetches.iter().find_map(|command| agent(command))?;
    let (_, line) = plain_start(&image)?;
    let sets_arguments = |(name, ..): &(String, String, u32)| VARIABLES.contains(&name.as_str());
    if image.environment.iter().any(sets_arguments) {
        return None;
    }
    let path = Ustr::from(&file.path);
    let own: Vec<&Container> = containers.iter().filter(|one| one.dockerfile.as_deref() == Some(&*path)).collect();
    let as_is = |one: &&Container| !one.is_open && !one.has_command && !VARIABLES.iter().any(|name| one.sets(name));
    if own.is_empty() || !own.iter().all(as_is) || is_loaded_elsewhere(files, &jar) {
        return None;
    }
    let runs = own.iter().map(|one| (one.name.clone(), one.place)).collect();
    let brought = file.text.find(jar.as_str())?;
    Some(Agent {
        path,
        place: place(path, line_around(&file.text, brought)),
        start: place(path, line_numbered(&file.text, line)?),
        jar,
        title,
        runs,
    })
}

/// The agent that a command brings into an image: the name of its file there, and its stack.
fn agent(command: &str) -> Option<(String, &'static str)> {
    let words = || command.split(|c: char| c.is_whitespace() || "\"',[]=".contains(c)).filter(|word| !word.is_empty());
    let (word, title) = words()
        .filter(|word| word.ends_with(".jar"))
        .find_map(|word| Some((word, crate::services::stack_of_agent(word)?)))?;
    // The last word is where it goes to, a folder or a file.
    let goal = words().next_back().filter(|last| last.ends_with(".jar")).unwrap_or(word);
    Some((file_name(goal).to_owned(), title))
}

/// The start of the image, where it runs the machine itself and nothing is filled in, with its line.
fn plain_start(image: &Image) -> Option<(String, u32)> {
    let of = |word: &str| image.commands.iter().rev().find(|(_, by, _)| by == word);
    let parts: Vec<_> = [of("ENTRYPOINT"), of("CMD")].into_iter().flatten().collect();
    let line = parts.first().map(|(.., line)| *line)?;
    let whole = parts.iter().map(|(text, ..)| text.as_str()).collect::<Vec<_>>().join(" ");
    let first = whole.split_whitespace().next()?;
    let is_open = whole.contains(['$', '@', ';', '|', '&']);
    (file_name(first) == "java" && !is_open).then_some((whole, line))
}

/// Whether a file that starts something, and is no Dockerfile, may load an agent into any machine.
fn is_loaded_elsewhere(files: &[ManifestFile], jar: &str) -> bool {
    let is_start = |file: &&ManifestFile| {
        let name = file_name(&file.path);
        !crate::services::is_dockerfile(&file.path) && !super::is_compose(&file.path) && name != "pom.xml"
    };
    let loads = |file: &ManifestFile| {
        let text = file.text.as_str();
        text.contains("-javaagent:") || text.contains(jar) || VARIABLES.iter().any(|name| text.contains(name))
    };
    files.iter().filter(is_start).any(loads)
}

fn line_around(text: &str, at: usize) -> Span {
    let start = text[..at].rfind('\n').map_or(0, |found| found + 1);
    let end = text[at..].find('\n').map_or(text.len(), |found| at + found);
    let indent = text[start..end].len() - text[start..end].trim_start().len();
    Span::new(start + indent, end)
}

fn line_numbered(text: &str, line: u32) -> Option<Span> {
    let start = crate::ir::LineIndex::new(text.as_bytes()).line_start(line)? as usize;
    (start <= text.len()).then(|| line_around(text, start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_called_as_it_lies_in_the_image() {
        let name = |command: &str| agent(command).map(|(jar, _)| jar);
        assert_eq!(
            name("https://x/opentelemetry-javaagent-1.2.jar /agent.jar").as_deref(),
            Some("agent.jar"),
            "a file that is renamed"
        );
        assert_eq!(name("lib/opentelemetry-javaagent.jar /lib/").as_deref(), Some("opentelemetry-javaagent.jar"));
        assert_eq!(name("target/shop.jar /shop.jar"), None);
    }
}
