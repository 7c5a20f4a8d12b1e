//! Whose a deployment file is.

use super::Unit;
use super::launch::Launch;
use crate::ir::Language;
use crate::paths::{file_name, folder, is_below, join};

/// What is known about the units while files are given to them.
pub(super) struct Units<'a> {
    pub(super) units: &'a [Unit],
    /// Roots that only gather other modules.
    pub(super) gathering: &'a [String],
}

impl Units<'_> {
    /// The units (by index) of these languages that a launch starts.
    ///
    /// In this order: those that it mentions below its folder; that whose name it bears; that in its folder;
    /// the nearest around it; all below it.
    pub(super) fn of(&self, launch: &Launch, languages: &[Language]) -> Vec<usize> {
        let able: Vec<usize> =
            (0..self.units.len()).filter(|at| languages.contains(&self.units[*at].language)).collect();
        let home = launch.context.as_deref().unwrap_or_else(|| folder(&launch.path));
        let base = folder(launch.dockerfile.as_deref().unwrap_or(&launch.path));
        if !launch.is_local {
            let named = self.nearest(self.named(launch, &able), home);
            return if named.is_empty() { self.only(&able, launch, home) } else { named };
        }
        for found in [
            self.mentioned(launch, home, &able),
            self.at(base, &able),
            self.named(launch, &able),
            self.at(home, &able),
            self.around(base, &able),
        ] {
            if !found.is_empty() {
                return found;
            }
        }
        able.into_iter().filter(|at| is_below(&self.units[*at].root, base)).collect()
    }

    /// Whether the launch belongs to its unit by its name or its build, and not only by being near.
    pub(super) fn is_sure(&self, launch: &Launch, at: usize) -> bool {
        launch.is_local || !self.named(launch, &[at]).is_empty()
    }

    /// Units with a root of their own below the folder that the launch names.
    fn mentioned(&self, launch: &Launch, home: &str, able: &[usize]) -> Vec<usize> {
        let mut out: Vec<usize> = launch.mentions.iter().flat_map(|word| self.mentioned_by(word, home, able)).collect();
        if let Some(own) = self.at("", able).first().filter(|_| !out.is_empty() && home.is_empty())
            && self.units[*own]
                .dependencies
                .iter()
                .any(|d| launch.mentions.iter().any(|word| join("", word).is_some_and(|word| word == d.path)))
        {
            out.push(*own);
        }
        out.sort_unstable();
        out.dedup();
        out
    }

    fn mentioned_by(&self, word: &str, home: &str, able: &[usize]) -> Vec<usize> {
        if word.contains("://") {
            return Vec::new();
        }
        let module = word.strip_prefix(':').map(|rest| rest.replace(':', "/"));
        let word = module.as_deref().unwrap_or(word);
        if let Some(absolute) = word.strip_prefix('/') {
            return self.deepest(able, |root| {
                root.contains('/')
                    && (absolute.ends_with(&format!("/{root}")) || absolute.contains(&format!("/{root}/")))
            });
        }
        for base in [home, ""] {
            let Some(path) = join(base, word).filter(|path| path != home) else { continue };
            let found = self.deepest(able, |root| {
                !root.is_empty()
                    && root != home
                    && is_below(&path, root)
                    && (home.is_empty() || is_below(root, home) || !is_below(home, root))
            });
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    fn deepest(&self, able: &[usize], fits: impl Fn(&str) -> bool) -> Vec<usize> {
        let found: Vec<usize> = able.iter().copied().filter(|at| fits(&self.units[*at].root)).collect();
        let longest = found.iter().map(|at| self.units[*at].root.len()).max();
        found.into_iter().filter(|at| Some(self.units[*at].root.len()) == longest).collect()
    }

    /// Units that are called as the launch is: exactly, else by the end of their name.
    fn named(&self, launch: &Launch, able: &[usize]) -> Vec<usize> {
        let names: Vec<String> = launch.names.iter().map(|name| plain(name)).filter(|name| name.len() > 1).collect();
        let fits = |exact: bool| -> Vec<usize> {
            let by = |at: usize, name: &String| {
                self.names_of(at).iter().any(|own| {
                    if exact {
                        own == name
                    } else {
                        own.ends_with(&format!("-{name}")) || name.ends_with(&format!("-{own}"))
                    }
                })
            };
            let found = names.iter().map(|name| able.iter().copied().filter(|at| by(*at, name)).collect::<Vec<_>>());
            found.into_iter().find(|found| !found.is_empty()).unwrap_or_default()
        };
        let exact = fits(true);
        if !exact.is_empty() {
            return exact;
        }
        let near = fits(false);
        if near.len() == 1 { near } else { Vec::new() }
    }

    /// Of units that bear one name, those below the folder of the file that mentions it: a workspace may hold several
    /// systems side by side, whose services are called alike.
    fn nearest(&self, found: Vec<usize>, home: &str) -> Vec<usize> {
        let near: Vec<usize> = found.iter().copied().filter(|at| is_below(&self.units[*at].root, home)).collect();
        if near.is_empty() { found } else { near }
    }

    fn names_of(&self, at: usize) -> Vec<String> {
        let unit = &self.units[at];
        [unit.name.as_str(), file_name(&unit.root)].into_iter().filter(|name| name.len() > 1).map(plain).collect()
    }

    fn at(&self, root: &str, able: &[usize]) -> Vec<usize> {
        able.iter()
            .copied()
            .filter(|at| self.units[*at].root == root && !self.gathering.iter().any(|gathering| gathering == root))
            .collect()
    }

    fn around(&self, home: &str, able: &[usize]) -> Vec<usize> {
        self.deepest(able, |root| is_below(home, root) && !self.gathering.iter().any(|gathering| gathering == root))
    }

    /// Without a name that fits: the unit around the file, or the only one there is.
    fn only(&self, able: &[usize], launch: &Launch, home: &str) -> Vec<usize> {
        if let [one] = able
            && launch.context.is_none()
        {
            return vec![*one];
        }
        self.deepest(able, |root| !root.is_empty() && is_below(home, root))
    }
}

/// Lower case, with one kind of hyphen.
fn plain(name: &str) -> String {
    name.to_ascii_lowercase().replace(['_', '.'], "-")
}
