//! Libraries that a stack carries traces through only where a variable asks for it.

use super::stacks::stacks;
use super::{ManifestFile, StackDescription, Unit, is_deployment, python};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A library that a stack carries traces through only where it is asked to.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The library's id.
    pub library: String,
    /// The variable of the environment by which it is asked.
    pub variable: String,
    /// Words by one of which code asks for it.
    pub in_code: Vec<String>,
    /// What to do.
    pub mend: String,
}

/// What nothing is seen to ask of a stack for a library.
#[derive(Debug, Clone)]
pub struct NotAsked {
    /// The family of the stack's spans.
    pub family: String,
    /// Words by one of which code asks for it.
    pub in_code: Vec<String>,
    /// What to do.
    pub mend: String,
}

/// Takes note of what no file asks for, in a workspace whose files set other variables of the same stack: what its processes
/// are given is kept there.
pub(super) fn attach(units: &mut [Unit], files: &[&ManifestFile]) {
    for page in stacks().iter().filter(|page| !page.asked.is_empty()) {
        let is_set_up_here = files.iter().any(|file| sets_up(page, file));
        for asked in page.asked.iter().filter(|_| is_set_up_here) {
            if files.iter().any(|file| file.text.contains(&asked.variable)) {
                continue;
            }
            let found = NotAsked {
                family: page.family.clone(),
                in_code: [std::slice::from_ref(&asked.variable), &asked.in_code].concat(),
                mend: asked.mend.clone(),
            };
            for unit in units.iter_mut().filter(|unit| page.languages.contains(&unit.language)) {
                unit.not_asked.insert(asked.library.clone(), found.clone());
            }
        }
    }
}

/// Whether a file says what processes are given, and gives them a variable of a stack.
fn sets_up(page: &StackDescription, file: &ManifestFile) -> bool {
    let names = |start: &String| {
        let ends_before = |at: usize| !file.text[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        file.text.match_indices(start.as_str()).any(|(at, _)| ends_before(at))
    };
    is_deployment(&file.path) && !python::is_manifest(&file.path) && page.variables.iter().any(names)
}

/// What nothing asks for, by the library's id.
pub type NotAskedFor = BTreeMap<String, NotAsked>;
