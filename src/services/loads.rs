//! Which instrumentations a launcher finds installed that loads them one by one.

use super::stacks::{Compiled, compiled, globs};
use super::{Dependency, ManifestFile, Scope, Unit, python};
use crate::ir::Language;
use crate::paths::{folder, is_below};
use globset::GlobSet;
use regex::Regex;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// What a launcher loads that instruments only by the packages that are installed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loads {
    /// The program that loads them, as people know it.
    pub launcher: String,
    /// How the names of all these packages begin.
    pub prefix: String,
    /// What installs all that fit, without a list.
    pub filled_by: Vec<String>,
    /// A regular expression on the names of dependencies that may bring some of them along.
    pub may_bring: String,
    /// Glob patterns of dependencies that sound like it and bring none.
    pub plain: Vec<String>,
    /// By the id of a library the packages of which one is enough for it.
    pub packages: BTreeMap<String, Vec<String>>,
}

/// How many further units of the workspace a unit's list may lead to.
const MAX_LED_TO: usize = 64;

/// Takes note, for each Python unit that lists such packages one by one, of the libraries for which it lists none.
pub(super) fn attach(units: &mut [Unit], files: &[&ManifestFile]) {
    for stack in compiled() {
        let Some(loads) = stack.page.loads.as_ref() else { continue };
        let Some(found) = Lists::new(stack, loads, units, files) else { continue };
        let left_out: Vec<_> = (0..units.len()).map(|at| found.left_out(at)).collect();
        units.iter_mut().zip(left_out).for_each(|(unit, left_out)| unit.not_installed.extend(left_out));
    }
}

/// The lists of a workspace.
struct Lists<'a> {
    loads: &'a Loads,
    units: &'a [Unit],
    may_bring: Regex,
    plain: GlobSet,
    /// Packages that are named in files that are no manifests of Python: whatever installs them may do so for any unit.
    anywhere: BTreeSet<String>,
    /// Packages by the folder of the lock file that names them.
    locked: Vec<(&'a str, BTreeSet<String>)>,
}

impl<'a> Lists<'a> {
    /// Reads what the files of a workspace name; `None` where something in it installs all that fit, or nothing of them is
    /// listed at all.
    fn new(stack: &Compiled, loads: &'a Loads, units: &'a [Unit], files: &[&'a ManifestFile]) -> Option<Self> {
        let is_listed = |unit: &Unit| unit.dependencies.iter().any(|found| found.name.starts_with(&loads.prefix));
        let is_filled = |file: &&ManifestFile| loads.filled_by.iter().any(|word| file.text.contains(word.as_str()));
        let is_of_stack = |unit: &Unit| stack.page.languages.contains(&unit.language);
        if !units.iter().any(|unit| is_of_stack(unit) && is_listed(unit)) || files.iter().any(is_filled) {
            return None;
        }
        let (mut anywhere, mut locked) = (BTreeSet::new(), Vec::new());
        for file in files.iter().filter(|file| !python::is_manifest(&file.path)) {
            let named = named(&file.text, &loads.prefix);
            match python::is_lock(&file.path) {
                true => locked.push((folder(&file.path), named)),
                false => anywhere.extend(named),
            }
        }
        let (may_bring, plain) = (Regex::new(&loads.may_bring).ok()?, globs(&loads.plain).ok()?);
        Some(Self { loads, units, may_bring, plain, anywhere, locked })
    }

    /// The libraries of which a unit has no package, with the one to install; nothing where its list is not complete.
    fn left_out(&self, at: usize) -> BTreeMap<String, String> {
        let Some(installed) = self.installed(at) else { return BTreeMap::new() };
        let is_missing = |packages: &&Vec<String>| !packages.iter().any(|name| installed.contains(name));
        let missing = self.loads.packages.iter().filter(|(_, packages)| is_missing(packages));
        missing.filter_map(|(library, packages)| Some((library.clone(), packages.first()?.clone()))).collect()
    }

    /// The packages that a unit may run with; `None` where it names none itself, or may have more than are named.
    fn installed(&self, at: usize) -> Option<BTreeSet<String>> {
        let unit = self.units.get(at).filter(|unit| unit.language == Language::Python)?;
        let is_of_prefix = |found: &&Dependency| found.name.starts_with(&self.loads.prefix);
        unit.dependencies.iter().filter(|found| found.scope != Scope::Test).find(is_of_prefix)?;
        let lists = self.led_to(at);
        if lists.iter().flat_map(|unit| &unit.dependencies).any(|found| self.may_bring(&found.name)) {
            return None;
        }
        let listed = lists.iter().flat_map(|unit| &unit.dependencies).filter(is_of_prefix);
        let mut out: BTreeSet<String> = listed.map(|found| found.name.clone()).collect();
        out.extend(self.anywhere.iter().cloned());
        let locks = self.locked.iter().filter(|(folder, _)| is_below(&unit.root, folder));
        out.extend(locks.flat_map(|(_, named)| named.iter().cloned()));
        Some(out)
    }

    /// A unit, those around it and those of the workspace that their lists name.
    fn led_to(&self, at: usize) -> Vec<&'a Unit> {
        let own = &self.units[at];
        let python = || self.units.iter().filter(|unit| unit.language == Language::Python);
        let mut out: Vec<&Unit> = python().filter(|unit| is_below(&own.root, &unit.root)).collect();
        let mut next = 0;
        while let Some(unit) = out.get(next).copied().filter(|_| out.len() <= MAX_LED_TO) {
            next += 1;
            let names: BTreeSet<&str> = unit.dependencies.iter().map(|found| found.name.as_str()).collect();
            let named = |unit: &&Unit| names.contains(python::normalised(&unit.name).as_str());
            let more: Vec<&Unit> =
                python().filter(named).filter(|unit| !out.iter().any(|known| std::ptr::eq(*known, *unit))).collect();
            out.extend(more);
        }
        out
    }

    /// Whether a dependency may bring such packages along.
    fn may_bring(&self, name: &str) -> bool {
        !name.starts_with(&self.loads.prefix) && self.may_bring.is_match(name) && !self.plain.is_match(name)
    }
}

/// The packages that a text names, by how their names begin.
fn named(text: &str, prefix: &str) -> BTreeSet<String> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let written = [prefix.to_owned(), prefix.replace('-', "_")];
    let starts = written.iter().flat_map(|prefix| text.match_indices(prefix.as_str()));
    starts
        .map(|(at, _)| {
            let rest = &text[at..];
            let name = &rest[..rest.find(|c| !is_of_name(c)).unwrap_or(rest.len())];
            python::normalised(name.trim_end_matches(['-', '_', '.']))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_text() {
        let text = "RUN pip install a-b-flask==0.1 'a-b-redis' a_b_Tornado\nname = \"a-b-x.y\"\n";
        let names: Vec<String> = named(text, "a-b-").into_iter().collect();
        assert_eq!(names, ["a-b-flask", "a-b-redis", "a-b-tornado", "a-b-x-y"]);
    }
}
