//! Processes without a workload of their own: units of systemd, lines of a Procfile, containers of ECS tasks, what Terraform
//! sets up.

use super::ManifestFile;
use super::docker::words;
use super::launch::{FactKind, Launch, expand, image_name};
use crate::deploy::{process, tasks, terraform};
use crate::ir::LineIndex;
use crate::paths::file_name;
use crate::yaml::Node;

/// The processes of a machine that a file starts.
pub(super) fn of_machine(file: &ManifestFile) -> Vec<Launch> {
    let lines = LineIndex::new(file.text.as_bytes());
    let by = file_name(&file.path);
    let found = process::read(&file.path, &file.text).into_iter();
    found
        .map(|process| {
            let mut launch = Launch::new(&file.path);
            launch.is_local = true;
            launch.title.clone_from(&process.name);
            launch.line = lines.line(process.span.start);
            for (name, value, span) in process.variables {
                launch.say(lines.line(span.start), FactKind::Variable(name, value));
            }
            if let Some((command, span)) = process.command {
                let line = lines.line(span.start);
                launch.mentions = words(&command);
                launch.say(line, FactKind::Build(command.clone()));
                launch.say(line, FactKind::Command(command, by.to_owned()));
            }
            launch
        })
        .collect()
}

/// The containers of the ECS tasks in a file, or why it could not be read.
pub(super) fn of_tasks(file: &ManifestFile) -> Result<Vec<Launch>, String> {
    if !["containerDefinitions", "ContainerDefinitions", "\"image\""].iter().any(|word| file.text.contains(word)) {
        return Ok(Vec::new());
    }
    let lines = LineIndex::new(file.text.as_bytes());
    let documents = file.documents()?.iter();
    let all = documents.flat_map(tasks::of_document).flatten();
    Ok(all.map(|container| launch(file, &lines, container)).collect())
}

/// The processes that a file of Terraform sets up, or why it could not be read. `all` are the files of the workspace.
pub(super) fn of_terraform(file: &ManifestFile, all: &[&ManifestFile]) -> Result<Vec<Launch>, String> {
    let lines = LineIndex::new(file.text.as_bytes());
    let found = terraform::processes(file, all.iter().copied())?.into_iter().map(|process| {
        let mut launch = Launch::new(&file.path);
        launch.line = lines.line(process.span.start);
        launch.title = process.name;
        launch.names = process.names;
        if let Some((image, _)) = process.image {
            launch.names.push(image_name(&image).to_owned());
            launch.image = image;
        }
        for (name, value, span) in process.variables {
            if let Some(value) = value {
                launch.say(lines.line(span.start), FactKind::Variable(name, expand(&value, &[])));
            }
        }
        if let Some((command, span)) = process.command {
            launch.say(lines.line(span.start), FactKind::Command(command, "command".to_owned()));
        }
        launch
    });
    Ok(found.collect())
}

fn launch(file: &ManifestFile, lines: &LineIndex, container: &Node) -> Launch {
    let mut launch = Launch::new(&file.path);
    let text = |key: &str| tasks::part(container, key).and_then(Node::text);
    launch.line = lines.line(container.span.start);
    launch.names.extend(text("name").map(str::to_owned));
    launch.names.extend(text("image").map(|image| image_name(image).to_owned()));
    launch.image = text("image").unwrap_or_default().to_owned();
    for entry in tasks::environment(container) {
        if let Some(value) = entry.value {
            let variable = FactKind::Variable(entry.name.to_owned(), value.to_owned());
            launch.say(lines.line(entry.span.start), variable);
        }
    }
    let parts =
        ["entryPoint", "command"].map(|key| tasks::part(container, key).and_then(|node| Some((node, node.line()?))));
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    if let Some((node, _)) = parts.first() {
        let command = parts.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(" ");
        launch.say(lines.line(node.span.start), FactKind::Command(command, "command".to_owned()));
    }
    launch
}
