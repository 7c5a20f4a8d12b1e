//! Stacks that a framework sets up by itself where the program's own settings have a section for them.

use super::stacks::{Section, compiled};
use super::{ManifestFile, Mode, StackUse, Unit};
use crate::paths::{file_name, folder, is_below};

/// The largest file of settings that is looked at.
const MAX_SIZE: usize = 256 * 1024;

/// Gives each unit the stacks that its settings switch on.
pub(super) fn attach(units: &mut [Unit], files: &[&ManifestFile]) {
    for stack in compiled().iter().filter(|stack| !stack.page.sections.is_empty()) {
        for section in &stack.page.sections {
            let settings = files.iter().filter(|file| is_of(file, section) && file.text.len() <= MAX_SIZE);
            for (file, line) in settings.filter_map(|file| Some((file, line_of(&file.text, section)?))) {
                let owner = units.iter_mut().filter(|unit| stack.page.languages.contains(&unit.language));
                let owner = owner.filter(|unit| is_below(&file.path, &unit.root)).max_by_key(|unit| unit.root.len());
                let uses = |unit: &&mut Unit| {
                    unit.dependencies.iter().any(|found| found.is_running() && found.name == section.dependency)
                };
                let Some(unit) = owner.filter(uses) else { continue };
                if !unit.stacks.iter().any(|found| found.stack == stack.page.id) {
                    unit.stacks.push(StackUse {
                        stack: stack.page.id.clone(),
                        mode: Mode::Code,
                        active: true,
                        path: file.path.clone(),
                        line,
                        evidence: format!("its settings have a section {}", section.key),
                    });
                }
            }
        }
    }
}

/// Whether a file lies where the framework's programs keep their settings.
fn is_of(file: &ManifestFile, section: &Section) -> bool {
    file.is_yaml() && file_name(folder(&file.path)) == section.folder
}

/// The line on which a section begins that says what it must.
fn line_of(text: &str, section: &Section) -> Option<u32> {
    let mut begun = None;
    for (at, line) in (1u32..).zip(text.lines()) {
        let Some((key, value)) = line.split_once(':') else { continue };
        if !line.starts_with([' ', '\t', '#', '-']) {
            begun = (key.trim() == section.key).then_some(at);
        } else if begun.is_some() && key.trim() == section.needs && !value.trim().trim_matches(['"', '\'']).is_empty() {
            return begun;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_must_say_where_spans_go() {
        let section =
            Section { dependency: "f".into(), folder: "etc".into(), key: "Telemetry".into(), needs: "Endpoint".into() };
        let line = |text: &str| line_of(text, &section);
        assert_eq!(line("Name: a\nTelemetry:\n  Name: a\n  Endpoint: http://collector:4317\n"), Some(2));
        assert_eq!(line("Telemetry:\n  Endpoint: \"\"\n"), None);
        assert_eq!(line("Telemetry:\n  Name: a\nEtcd:\n  Endpoint: x\n"), None);
        assert_eq!(line("#Telemetry:\n  Endpoint: x\n"), None);
    }
}
