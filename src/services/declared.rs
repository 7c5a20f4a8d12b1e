//! Services that the configuration declares.

use super::{Mode, StackUse, Unit, Workspace};
use crate::config::ServiceEntry;
use crate::ir::Language;
use crate::paths::is_below;

/// Applies a declared service to the units in its folder.
///
/// `root` is the folder relative to the workspace root, `file` the configuration's name for people, and `sources` are
/// the languages and paths of all sources. Where no manifest makes a unit of that folder, the declaration does, for each
/// language that has sources below it. Returns whether there was anything to apply it to.
pub fn declare<'s>(
    workspace: &mut Workspace,
    entry: &ServiceEntry,
    root: &str,
    file: &str,
    sources: impl Iterator<Item = (Language, &'s str)>,
) -> bool {
    let units = &mut workspace.units;
    let mut languages: Vec<Language> =
        sources.filter(|(_, path)| is_below(path, root)).map(|(language, _)| language).collect();
    languages.sort_unstable();
    languages.dedup();
    for language in languages {
        if !units.iter().any(|unit| unit.language == language && unit.root == root) {
            let unit = part_of(units, language, root);
            units.push(unit);
        }
    }
    let mut is_found = false;
    for unit in units.iter_mut().filter(|unit| unit.root == root) {
        is_found = true;
        unit.name.clone_from(&entry.name);
        if let Some(stack) = &entry.stack {
            unit.stacks.push(StackUse {
                stack: stack.clone(),
                mode: entry.mode.unwrap_or(Mode::Code),
                active: true,
                path: file.to_owned(),
                line: 1,
                evidence: "the configuration says so".to_owned(),
            });
        }
    }
    is_found
}

/// A unit for a folder of its own, with what the manifest of the unit around it declares.
fn part_of(units: &[Unit], language: Language, root: &str) -> Unit {
    let around = units.iter().filter(|unit| unit.language == language && is_below(root, &unit.root));
    let Some(around) = around.max_by_key(|unit| unit.root.len()) else {
        return Unit { root: root.to_owned(), ..Unit::loose(language) };
    };
    let inner = root.strip_prefix(around.root.as_str()).unwrap_or(root).trim_start_matches('/');
    let module = match language {
        Language::Go if !around.module.is_empty() => format!("{}/{inner}", around.module),
        _ => around.module.clone(),
    };
    // What switches the process around it on need not run this one.
    let of_manifest = |found: &&StackUse| !found.active || found.mode == Mode::AutoConfiguration;
    Unit {
        root: root.to_owned(),
        module,
        stacks: around.stacks.iter().filter(of_manifest).cloned().collect(),
        launchers: Vec::new(),
        starts: Vec::new(),
        ..around.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> ServiceEntry {
        ServiceEntry { name: "billing".to_owned(), root: String::new(), stack: None, mode: None }
    }

    #[test]
    fn a_folder_without_a_manifest_becomes_a_unit_of_its_language() {
        let whole = Unit { module: "example.com/shop".to_owned(), ..Unit::loose(Language::Go) };
        let mut workspace = Workspace { units: vec![whole], ..Workspace::default() };
        let sources = [(Language::Go, "cmd/billing/main.go"), (Language::Python, "tools/a.py")];
        assert!(declare(&mut workspace, &entry(), "cmd/billing", "hoplint.toml", sources.into_iter()));
        let made = &workspace.units[1];
        assert_eq!((made.name.as_str(), made.root.as_str()), ("billing", "cmd/billing"));
        assert_eq!(made.module, "example.com/shop/cmd/billing");
        assert_eq!(workspace.units.len(), 2);
    }

    #[test]
    fn a_folder_without_sources_is_told() {
        let mut workspace = Workspace::default();
        assert!(!declare(&mut workspace, &entry(), "nowhere", "hoplint.toml", [].into_iter()));
    }
}
