//! What the names at the top of a file mean.

use super::program::SourceFile;
use crate::ir::{FileFacts, FunctionId, Language};
use crate::paths::{file_name, is_below};
use rustc_hash::{FxHashMap, FxHashSet};
use ustr::Ustr;

/// The imports of one file, by local name.
#[derive(Debug, Default)]
pub struct FileScope {
    names: FxHashMap<Ustr, Ustr>,
    wildcards: Vec<Ustr>,
    /// The imports of the names that stand for more than one thing, as they follow each other.
    several: FxHashMap<Ustr, Vec<Imported>>,
}

/// One of several imports of a name.
#[derive(Debug)]
struct Imported {
    /// The function that it stands in.
    function: FunctionId,
    /// The byte at which it ends.
    end: u32,
    target: Ustr,
}

impl FileScope {
    /// Reads a file's imports. `module` is the file's own module; `within` says what a name means in its unit.
    pub fn new(facts: &FileFacts, module: Ustr, path: Ustr, within: &dyn Fn(Ustr) -> Ustr) -> Self {
        let mut scope = Self::default();
        let absolute = |target, module, path| within(absolute(target, module, path));
        for import in &facts.imports {
            let target = absolute(import.target, module, path);
            match import.local.as_str() {
                "*" | "." => scope.wildcards.push(absolute(import.module, module, path)),
                "_" => {}
                "" => {
                    for name in go_package_names(&target) {
                        scope.names.entry(Ustr::from(&name)).or_insert(target);
                    }
                }
                _ => {
                    let before = scope.names.insert(import.local, target);
                    if before.is_some_and(|before| before != target) {
                        scope.several.entry(import.local).or_default();
                    }
                }
            }
        }
        for import in &facts.imports {
            if let Some(all) = scope.several.get_mut(&import.local) {
                let target = absolute(import.target, module, path);
                all.push(Imported { function: import.function, end: import.span.end, target });
            }
        }
        scope
    }

    /// What an imported name stands for.
    pub fn get(&self, name: Ustr) -> Option<Ustr> {
        self.names.get(&name).copied()
    }

    /// What a name that functions import each for themselves, or branches of one, stands for at a byte of a function: the last
    /// of the function's own imports before it. `None` where the name has one meaning in the file, or the function imports
    /// it nowhere before.
    pub fn get_at(&self, name: Ustr, function: FunctionId, at: u32) -> Option<Ustr> {
        let all = self.several.get(&name)?;
        let own = all.iter().filter(|one| one.function == function && one.end <= at);
        own.max_by_key(|one| one.end).map(|one| one.target)
    }

    /// The modules whose names are all imported.
    pub fn wildcards(&self) -> &[Ustr] {
        &self.wildcards
    }

    /// Everything imported, for asking whether a stack or library is used here.
    pub fn targets(&self) -> impl Iterator<Item = Ustr> + '_ {
        self.names.values().copied().chain(self.wildcards.iter().copied())
    }
}

/// Java packages in which several units declare types of the same name: services side by side in one workspace, each with
/// its own `com.acme.Settings`. Such a package has another name in all of them but the first.
#[derive(Debug, Default)]
pub struct Homonyms {
    types: FxHashMap<(usize, Ustr), FxHashSet<Ustr>>,
}

impl Homonyms {
    /// Finds them among all files.
    pub fn new(sources: &[&SourceFile]) -> Self {
        let mut first: FxHashMap<(Ustr, Ustr), usize> = FxHashMap::default();
        let mut renamed: FxHashSet<(usize, Ustr)> = FxHashSet::default();
        let mut types: FxHashMap<(usize, Ustr), FxHashSet<Ustr>> = FxHashMap::default();
        for source in sources.iter().filter(|source| source.facts.language == Language::Java) {
            let package = source.facts.package;
            for ty in source.facts.types.iter().filter(|ty| ty.owner.is_none() && !ty.name.is_empty()) {
                types.entry((source.unit, package)).or_default().insert(ty.name);
                if *first.entry((package, ty.name)).or_insert(source.unit) != source.unit {
                    renamed.insert((source.unit, package));
                }
            }
        }
        types.retain(|place, _| renamed.contains(place));
        Self { types }
    }

    /// The other name of a file's package.
    pub fn package(&self, source: &SourceFile) -> Option<Ustr> {
        let package = source.facts.package;
        self.types.contains_key(&(source.unit, package)).then(|| other_name(package, source.unit))
    }

    /// Makes the imports of a file name what its own unit declares. What the unit does not declare in such a package is
    /// that of another unit.
    pub fn rename(&self, source: &SourceFile, scope: &mut FileScope) {
        if self.types.is_empty() {
            return;
        }
        for target in scope.names.values_mut() {
            *target = self.renamed(source.unit, *target).unwrap_or(*target);
        }
        let own: Vec<Ustr> =
            scope.wildcards.iter().filter_map(|target| self.renamed_wildcard(source.unit, *target)).collect();
        scope.wildcards.splice(0..0, own);
        if self.package(source).is_some() {
            scope.wildcards.push(source.facts.package);
        }
    }

    /// `package.Type…`, where the unit declares the type.
    fn renamed(&self, unit: usize, target: Ustr) -> Option<Ustr> {
        target.match_indices('.').find_map(|(dot, _)| {
            let package = Ustr::from_existing(&target[..dot])?;
            let rest = &target[dot + 1..];
            let ty = Ustr::from_existing(rest.split('.').next().unwrap_or(rest))?;
            let declared = self.types.get(&(unit, package))?;
            declared.contains(&ty).then(|| Ustr::from(&format!("{}.{rest}", other_name(package, unit))))
        })
    }

    fn renamed_wildcard(&self, unit: usize, target: Ustr) -> Option<Ustr> {
        let is_package = self.types.contains_key(&(unit, target));
        if is_package { Some(other_name(target, unit)) } else { self.renamed(unit, target) }
    }
}

fn other_name(package: Ustr, unit: usize) -> Ustr {
    Ustr::from(&format!("{package}#{unit}"))
}

/// The names that a Go import path may have in code: its last segment without version and `go-`/`-go` decoration, and
/// with `_` for the `-` that no package name can have.
fn go_package_names(path: &str) -> Vec<String> {
    let mut segments = path.rsplit('/');
    let mut last = segments.next().unwrap_or(path);
    if last.len() > 1 && last.starts_with('v') && last[1..].bytes().all(|byte| byte.is_ascii_digit()) {
        last = segments.next().unwrap_or(last);
    }
    let last = last.split_once(".v").map_or(last, |(name, _)| name);
    let mut names = vec![last];
    names.extend(last.strip_prefix("go-"));
    names.extend(last.strip_suffix("-go").or_else(|| last.strip_suffix(".go")));
    names.extend(last.rsplit_once('-').map(|(_, tail)| tail));
    let joined: Vec<String> = names
        .iter()
        .filter(|name| name.contains('-'))
        .flat_map(|name| [name.replace('-', "_"), name.replace('-', "")])
        .collect();
    names.into_iter().map(str::to_owned).chain(joined).collect()
}

/// A relative Python import made absolute; anything else as it is.
fn absolute(target: Ustr, module: Ustr, path: Ustr) -> Ustr {
    let rest = target.trim_start_matches('.');
    let dots = target.len() - rest.len();
    if dots == 0 || !path.ends_with(".py") {
        return target;
    }
    let mut parts: Vec<&str> = module.split('.').collect();
    let up = if path.ends_with("__init__.py") { dots - 1 } else { dots };
    parts.truncate(parts.len().saturating_sub(up));
    if !rest.is_empty() {
        parts.push(rest);
    }
    Ustr::from(&parts.join("."))
}

/// How many folders without `__init__.py` may lie around a package and still be part of its name.
const MAX_NAMESPACES: usize = 3;

/// The folder that most programs leave out of the names of what it holds.
const SRC: &str = "src";

/// The folders of Python sources from which names begin.
#[derive(Debug, Default)]
pub struct PythonFolders {
    /// Those that are part of the names of what they hold.
    packages: FxHashSet<String>,
    /// Those inside of which the program runs, though they hold an `__init__.py`.
    left_out: FxHashSet<String>,
    /// What is imported by the name of a folder `src`, with the folders of the files that do.
    below_src: FxHashMap<String, FxHashSet<String>>,
}

/// The folders that hold an `__init__.py`, and those around them by whose name they are imported.
pub fn python_packages(sources: &[&SourceFile]) -> PythonFolders {
    let inits = sources.iter().filter_map(|source| source.path.strip_suffix("/__init__.py"));
    let mut packages: FxHashSet<String> = inits.map(str::to_owned).collect();
    let starts = import_starts(sources);
    let left_out: FxHashSet<String> = left_out(sources, &starts).into_iter().map(str::to_owned).collect();
    packages.retain(|folder| !left_out.contains(folder));
    let named = Named::new(sources);
    let around = packages.iter().flat_map(|package| namespaces(package, &packages, &starts, &named));
    let around: Vec<String> = around.map(str::to_owned).collect();
    packages.extend(around);
    let of_src = starts.iter().filter(|((first, second), _)| *first == SRC && !second.is_empty());
    let below_src = of_src.map(|((_, second), folders)| {
        ((*second).to_owned(), folders.iter().map(|folder| (*folder).to_owned()).collect())
    });
    PythonFolders { below_src: below_src.collect(), packages, left_out }
}

/// The folders with an empty `__init__.py` whose parts are imported without them, and which nobody near them imports: the
/// program runs inside of them.
fn left_out<'s>(sources: &[&'s SourceFile], starts: &FxHashMap<(&str, &str), FxHashSet<&str>>) -> Vec<&'s str> {
    let is_empty = |source: &&&SourceFile| {
        let facts = &source.facts;
        facts.functions.len() < 2 && facts.types.is_empty() && facts.stmts.is_empty() && facts.imports.is_empty()
    };
    let empty = sources.iter().filter(is_empty).filter_map(|source| source.path.as_str().strip_suffix("/__init__.py"));
    let mut parts: FxHashMap<&str, FxHashSet<&str>> = empty.map(|folder| (folder, FxHashSet::default())).collect();
    for source in sources.iter().filter(|source| source.facts.language == Language::Python) {
        let path = source.path.as_str();
        for (at, _) in path.match_indices('/') {
            if let Some(known) = parts.get_mut(&path[..at]) {
                let rest = &path[at + 1..];
                known.insert(rest.split(['/', '.']).next().unwrap_or(rest));
            }
        }
    }
    let mut importers: FxHashMap<&str, Vec<&str>> = FxHashMap::default();
    for ((first, _), folders) in starts {
        importers.entry(first).or_default().extend(folders);
    }
    let is_below = |folder: &str, around: &str| {
        around.is_empty() || folder.strip_prefix(around).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let is_imported = |name: &str, around: &str| {
        importers.get(name).is_some_and(|folders| folders.iter().any(|folder| is_below(folder, around)))
    };
    // `import keep.api` names the folder by the one around it.
    let is_named_above = |folder: &str| {
        let mut inner = folder;
        while let Some((outer, name)) = inner.rsplit_once('/') {
            let (around, space) = outer.rsplit_once('/').unwrap_or(("", outer));
            if starts.get(&(space, name)).is_some_and(|folders| folders.iter().any(|from| is_below(from, around))) {
                return true;
            }
            inner = outer;
        }
        false
    };
    let runs_inside = |(folder, parts): (&'s str, FxHashSet<&str>)| {
        let (around, name) = folder.rsplit_once('/').unwrap_or(("", folder));
        let is_named = is_imported(name, around) || is_named_above(folder);
        let without = !is_named && parts.into_iter().any(|part| is_imported(part, folder));
        without.then_some(folder)
    };
    parts.into_iter().filter_map(runs_inside).collect()
}

/// The first two segments of what Python files import (the second may be empty), with the folders that import it.
fn import_starts<'s>(sources: &[&'s SourceFile]) -> FxHashMap<(&'s str, &'s str), FxHashSet<&'s str>> {
    let mut out: FxHashMap<(&str, &str), FxHashSet<&str>> = FxHashMap::default();
    for source in sources.iter().filter(|source| source.facts.language == Language::Python) {
        let folder = source.path.as_str().rsplit_once('/').map_or("", |(folder, _)| folder);
        for import in &source.facts.imports {
            // `from a import b` may name a module.
            for name in [import.module.as_str(), import.target.as_str()] {
                let mut parts = name.split('.');
                let (Some(first), second) = (parts.next().filter(|first| !first.is_empty()), parts.next()) else {
                    continue;
                };
                out.entry((first, second.unwrap_or_default())).or_default().insert(folder);
            }
        }
    }
    out
}

/// What Python files name, and what there is to be named.
struct Named<'s> {
    /// How imports begin, as paths (`a/b`, `a/b/c`), with the folders of the files that have them.
    imports: FxHashMap<String, FxHashSet<&'s str>>,
    /// The modules and folders of the tree.
    places: FxHashSet<&'s str>,
}

impl<'s> Named<'s> {
    fn new(sources: &[&'s SourceFile]) -> Self {
        let mut imports: FxHashMap<String, FxHashSet<&str>> = FxHashMap::default();
        let mut places = FxHashSet::default();
        for source in sources.iter().filter(|source| source.facts.language == Language::Python) {
            let path = source.path.as_str();
            let mut place = path.strip_suffix(".py");
            while let Some(known) = place.filter(|place| places.insert(*place)) {
                place = known.rsplit_once('/').map(|(folder, _)| folder);
            }
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            for import in source.facts.imports.iter().filter(|import| !import.module.starts_with('.')) {
                let parts: Vec<&str> = import.target.split('.').take(MAX_NAMESPACES + 1).collect();
                for count in 2..=parts.len() {
                    imports.entry(parts[..count].join("/")).or_default().insert(folder);
                }
            }
        }
        Self { imports, places }
    }
}

/// The folders without `__init__.py` around a package by which some file imports it, if none in them does without.
fn namespaces<'p>(
    package: &'p str,
    packages: &FxHashSet<String>,
    starts: &FxHashMap<(&str, &str), FxHashSet<&str>>,
    named: &Named<'_>,
) -> Vec<&'p str> {
    let Some((outer, name)) = package.rsplit_once('/') else { return Vec::new() };
    let around = std::iter::successors(Some(outer), |folder| folder.rsplit_once('/').map(|(outer, _)| outer));
    let open: Vec<&str> = around
        .take_while(|folder| !packages.contains(*folder) && file_name(folder) != SRC && !folder.is_empty())
        .take(MAX_NAMESPACES)
        .collect();
    let written = |top: &str| {
        let base = top.rsplit_once('/').map_or("", |(base, _)| base);
        named.imports.get(package.strip_prefix(base)?.trim_start_matches('/'))
    };
    let Some((count, from)) = (0..open.len()).rev().find_map(|at| Some((at + 1, written(open[at])?))) else {
        return Vec::new();
    };
    let inside = |folder: &&str| is_below(folder, outer);
    let by_its_name = from.iter().any(&inside);
    let without = starts.iter().any(|((first, second), folders)| {
        // `import logging` is about the library where a package of that name is imported by its whole name.
        let is_it =
            if second.is_empty() { !by_its_name } else { named.places.contains(&*format!("{package}/{second}")) };
        *first == name && is_it && folders.iter().any(&inside)
    });
    if without { Vec::new() } else { open[..count].to_vec() }
}

/// The module that a file belongs to: Go import path, dotted Python module, Java package.
pub fn module_name(source: &SourceFile, root: &str, module: &str, folders: &PythonFolders) -> Ustr {
    let relative = source.path.strip_prefix(root).unwrap_or(&source.path).trim_start_matches('/');
    match source.facts.language {
        Language::Java => source.facts.package,
        Language::Go => {
            let folder = relative.rsplit_once('/').map_or("", |(folder, _)| folder);
            let base = if module.is_empty() { root } else { module };
            Ustr::from(&[base, folder].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("/"))
        }
        Language::Python => python_module(&source.path, relative, folders),
    }
}

fn python_module(path: &str, relative: &str, folders: &PythonFolders) -> Ustr {
    let packages = &folders.packages;
    let stem = path.strip_suffix(".py").unwrap_or(path);
    let stem = stem.strip_suffix("/__init__").unwrap_or(stem);
    let mut top = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    // A folder without `__init__.py` inside a package is a part of it all the same.
    let inside = relative.split('/').count().saturating_sub(1).max(1);
    let around = std::iter::successors(Some(top), |folder| folder.rsplit_once('/').map(|(outer, _)| outer));
    if let Some(package) = around.clone().take(inside).find(|folder| packages.contains(*folder)) {
        top = package;
        while let Some((outer, _)) = top.rsplit_once('/') {
            if !packages.contains(outer) {
                break;
            }
            top = outer;
        }
        let base = top.rsplit_once('/').map_or("", |(outer, _)| outer);
        let dotted = stem.strip_prefix(base).unwrap_or(stem).trim_start_matches('/').replace('/', ".");
        return Ustr::from(&dotted);
    }
    let from = around.take(inside).find(|folder| folders.left_out.contains(*folder));
    let relative = from.and_then(|folder| path.strip_prefix(folder)?.strip_prefix('/')).unwrap_or(relative);
    let relative = relative.strip_suffix(".py").unwrap_or(relative);
    let outside = path.strip_suffix(relative).unwrap_or_default().trim_end_matches('/');
    let in_src = relative.split_once('/').and_then(|(first, rest)| (first == SRC).then_some(rest));
    let relative = in_src.filter(|rest| !is_named_by_src(rest, outside, folders)).unwrap_or(relative);
    Ustr::from(&relative.strip_suffix("/__init__").unwrap_or(relative).replace('/', "."))
}

/// Whether files near a folder `src`, which stands in the folder `outside`, name it when they import what it holds.
fn is_named_by_src(inside: &str, outside: &str, folders: &PythonFolders) -> bool {
    let first = inside.split('/').next().map_or("", |first| first.strip_suffix(".py").unwrap_or(first));
    let near = |folder: &String| crate::paths::is_below(folder, outside);
    folders.below_src.get(first).is_some_and(|from| from.iter().any(near))
}

#[cfg(test)]
mod tests {
    use super::go_package_names;

    #[test]
    fn package_names_are_guessed_from_paths() {
        let has = |path: &str, name: &str| go_package_names(path).iter().any(|found| found == name);
        assert!(has("github.com/acme/go-grpc-chain", "grpc_chain"));
        assert!(has("github.com/acme/go-grpc-chain/v2", "grpc_chain"));
        assert!(has("gopkg.in/acme/yaml.v3", "yaml"));
        assert!(has("github.com/acme/queue-go", "queue"));
        assert!(!has("github.com/acme/go-grpc-chain", "acme"));
    }
}
