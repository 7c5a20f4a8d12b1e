//! Gradle modules, read by tolerant patterns: a build file is a program, and is not run.
//!
//! Sources: <https://docs.gradle.org/current/userguide/declaring_dependencies.html>,
//! <https://docs.gradle.org/current/userguide/version_catalogs.html>.

mod blocks;
mod catalog;
mod declared;
mod named;
mod plugins;
mod versions;

use super::launch::{FactKind, Launch};
use super::{Dependency, ManifestFile, Unit};
use crate::ir::Language;
use crate::paths::{file_name, folder, is_below, join};
use blocks::{shared_blocks, without_shared};
use catalog::Catalog;
use named::Lists;
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

pub(super) fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap_or_else(|_| Regex::new("$^").expect("a pattern that matches nothing"))
}

static PROJECT: LazyLock<Regex> = LazyLock::new(|| regex(r#"project\([ ]*(?:path[ ]*[:=][ ]*)?["']:?([^"']+)["']"#));
static SCRIPT: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"apply[ (]*from[ ]*[:=][ (]*(?:(?:rootProject\.|project\.)?file[ (]*)?["']([^"']+)["']"#));
static MOVED: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"project\([ ]*["']:?([^"']+)["'][ ]*\)\.projectDir[ ]*=[^"'\n]*["']([^"'\n]+)["']"#));
static QUOTED: LazyLock<Regex> = LazyLock::new(|| regex(r#"["']:?([^"'\n]+)["']"#));
/// The file that gives values to names for a build and those below it.
const PROPERTIES: &str = "gradle.properties";

/// Whether this is a build file, a version catalog or a file of the build's properties.
pub(super) fn is_manifest(path: &str) -> bool {
    path.ends_with(".gradle")
        || path.ends_with(".gradle.kts")
        || path.ends_with(".versions.toml")
        || file_name(path) == PROPERTIES
}

/// What one stretch of a build file declares.
#[derive(Debug, Default, Clone)]
struct Part {
    dependencies: Vec<Dependency>,
    projects: Vec<String>,
}

struct Workspace<'a> {
    /// Where modules are that lie elsewhere than their path says: by the path's folder.
    moved: BTreeMap<String, String>,
    files: BTreeMap<&'a str, &'a str>,
    catalogs: BTreeMap<String, Catalog>,
    /// Lists of dependencies under names of the build's own.
    lists: Lists,
}

/// A build unit and the module folders that it uses.
pub(super) struct Module {
    pub(super) unit: Unit,
    /// Roots of the modules that it depends on.
    pub(super) uses: Vec<String>,
    /// Whether it only gathers other modules.
    pub(super) gathers: bool,
}

/// The modules, and what their build files say about how they start.
pub(super) fn read(files: &[&ManifestFile], skipped: &mut Vec<(String, String)>) -> (Vec<Module>, Vec<Launch>) {
    let files: BTreeMap<&str, &str> = files
        .iter()
        .filter(|file| is_manifest(&file.path))
        .map(|file| (file.path.as_str(), file.text.as_str()))
        .collect();
    let mut catalogs: BTreeMap<String, Catalog> = BTreeMap::new();
    for (path, text) in files.iter().filter(|(path, _)| path.ends_with(".versions.toml")) {
        match text.parse::<toml::Table>() {
            Ok(table) => {
                let home = folder(path);
                let home = if file_name(home) == "gradle" { folder(home) } else { home };
                catalogs.entry(home.to_owned()).or_default().extend(catalog::read(&table));
            }
            Err(error) => skipped.push(((*path).to_owned(), error.message().to_owned())),
        }
    }
    let moved = moved(&files);
    let lists = named::lists(files.values().copied());
    let workspace = Workspace { moved, files, catalogs, lists };
    let launches = workspace
        .files
        .iter()
        .filter(|(path, _)| build_root(path).is_some())
        .map(|(path, text)| launch(path, text))
        .collect();
    (modules(&workspace), launches)
}

/// The folder that a build file builds; `None` for settings and script plugins.
fn build_root(path: &str) -> Option<&str> {
    let name = file_name(path);
    let stem = name.strip_suffix(".gradle.kts").or_else(|| name.strip_suffix(".gradle"))?;
    let home = folder(path);
    let inside = home.split('/').any(|part| matches!(part, "buildSrc" | "build-logic"));
    ((stem == "build" || (!home.is_empty() && stem == file_name(home) && stem != "gradle")) && !inside).then_some(home)
}

/// The folders that `project(':a').projectDir = file('b')` gives to modules.
fn moved(files: &BTreeMap<&str, &str>) -> BTreeMap<String, String> {
    let settings = files.iter().filter(|(path, _)| file_name(path).starts_with("settings.gradle"));
    let all = settings.flat_map(|(path, text)| MOVED.captures_iter(text).map(move |found| (folder(path), found)));
    all.filter_map(|(home, found)| {
        Some((join(home, &found[1].replace(':', "/"))?, join(home, found[2].trim_start_matches(['/', '$']))?))
    })
    .collect()
}

impl Workspace<'_> {
    /// The folder of a module, from the folder with the settings and the module's path.
    fn place(&self, home: &str, module: &str) -> Option<String> {
        let plain = join(home, &module.replace(':', "/"))?;
        Some(self.moved.get(&plain).cloned().unwrap_or(plain))
    }
}

fn modules(workspace: &Workspace<'_>) -> Vec<Module> {
    let mut roots: BTreeMap<String, Option<&str>> =
        workspace.files.keys().filter_map(|path| Some((build_root(path)?.to_owned(), Some(*path)))).collect();
    let mut gathering = BTreeSet::new();
    for (path, text) in workspace.files.iter().filter(|(path, _)| file_name(path).starts_with("settings.gradle")) {
        for module in included(text) {
            if let Some(root) = workspace.place(folder(path), &module) {
                gathering.insert(folder(path).to_owned());
                roots.entry(root).or_insert(None);
            }
        }
    }
    roots.iter().map(|(root, path)| module(workspace, root, *path, gathering.contains(root))).collect()
}

/// The module paths of `include 'a', ':b:c'` and `include("a")`.
fn included(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut open = false;
    for line in text.lines().map(|line| line.split("//").next().unwrap_or("").trim()) {
        open |= line.starts_with("include ") || line.starts_with("include(") || line == "include";
        if open {
            out.extend(QUOTED.captures_iter(line).map(|found| found[1].to_owned()));
            open = line.ends_with(',') || line.ends_with('(') || line == "include";
        }
    }
    out
}

fn module(workspace: &Workspace<'_>, root: &str, path: Option<&str>, gathers: bool) -> Module {
    let mut part = Part::default();
    let mut group = String::new();
    if let Some(path) = path {
        let text = workspace.files[path];
        group = value_of(text, "group").unwrap_or_default();
        add(workspace, &mut part, path, &without_shared(text), 0);
    }
    for (above, text) in
        workspace.files.iter().filter(|(path, _)| build_root(path).is_some_and(|above| is_below(root, above)))
    {
        let own = build_root(above) == Some(root);
        for (word, block) in shared_blocks(text) {
            if !own || word == "allprojects" {
                add(workspace, &mut part, above, &block, 0);
            }
        }
        if group.is_empty() {
            group = value_of(text, "group").unwrap_or_default();
        }
    }
    part.dependencies.sort_by(|a, b| (&a.name, a.scope, &a.version).cmp(&(&b.name, b.scope, &b.version)));
    part.dependencies.dedup_by(|next, kept| next.name == kept.name);
    let top = top_of(workspace, root);
    let uses = part.projects.iter().filter_map(|name| workspace.place(&top, name)).collect();
    let unit = Unit {
        name: project_name(workspace, root),
        root: root.to_owned(),
        language: Language::Java,
        module: group,
        dependencies: part.dependencies,
        stacks: Vec::new(),
        launchers: Vec::new(),
        starts: Vec::new(),
        settings: super::Settings::default(),
        logging: super::Logging::default(),
        may_be_named: false,
        not_installed: Default::default(),
        not_asked: Default::default(),
    };
    Module { unit, uses, gathers }
}

/// The nearest folder at or above a module with settings.
fn top_of(workspace: &Workspace<'_>, root: &str) -> String {
    let above =
        workspace.files.keys().filter(|path| file_name(path).starts_with("settings.gradle")).map(|path| folder(path));
    above.filter(|home| is_below(root, home)).max_by_key(|home| home.len()).unwrap_or("").to_owned()
}

fn project_name(workspace: &Workspace<'_>, root: &str) -> String {
    let settings = ["settings.gradle", "settings.gradle.kts"]
        .iter()
        .filter_map(|name| workspace.files.get(join(root, name)?.as_str()));
    settings.filter_map(|text| value_of(text, "rootProject.name")).next().unwrap_or_else(|| file_name(root).to_owned())
}

/// The quoted text that is given to a name at the start of a line.
fn value_of(text: &str, name: &str) -> Option<String> {
    let rest =
        text.lines().find_map(|line| line.trim().strip_prefix(name).filter(|rest| rest.starts_with([' ', '='])))?;
    QUOTED.captures(rest).map(|found| found[1].to_owned())
}

/// Adds what a stretch of a build file, and the scripts and convention plugins that it applies, declare.
fn add(workspace: &Workspace<'_>, part: &mut Part, path: &str, text: &str, depth: usize) {
    let versions = versions::read(workspace, path);
    let catalog = workspace
        .catalogs
        .iter()
        .filter(|(home, _)| is_below(path, home))
        .max_by_key(|(home, _)| home.len())
        .map(|(_, catalog)| catalog);
    declared::read(part, path, text, &versions, catalog, &workspace.lists);
    let above: Vec<&str> = versions::files_above(workspace, path).map(|(_, text)| text).collect();
    part.dependencies.extend(plugins::applied(path, text, &above, &versions, catalog));
    if depth > 4 {
        return;
    }
    for script in applied(workspace, path, text) {
        add(workspace, part, script, workspace.files[script], depth + 1);
    }
}

fn applied<'a>(workspace: &Workspace<'a>, path: &str, text: &str) -> Vec<&'a str> {
    let mut out: Vec<&str> = Vec::new();
    for found in SCRIPT.captures_iter(text) {
        let tail = found[1].rsplit('}').next().unwrap_or("").to_owned();
        let near = join(folder(path), &tail).and_then(|near| workspace.files.get_key_value(near.as_str()));
        let other = || join("", &tail).and_then(|far| workspace.files.get_key_value(far.as_str()));
        out.extend(near.or_else(other).map(|(path, _)| *path));
    }
    for found in plugins::PLUGIN.captures_iter(text) {
        let names = [format!("{}.gradle", &found[1]), format!("{}.gradle.kts", &found[1])];
        out.extend(
            workspace
                .files
                .keys()
                .filter(|path| build_root(path).is_none() && names.iter().any(|name| name == file_name(path))),
        );
    }
    out.retain(|script| *script != path);
    out
}

/// Settings that end up on the command line of the packaged service.
fn launch(path: &str, text: &str) -> Launch {
    let mut launch = Launch::new(path);
    launch.is_local = true;
    let mut inside = "";
    for (at, line) in text.lines().enumerate() {
        for word in ["applicationDefaultJvmArgs", "jvmFlags", "JAVA_TOOL_OPTIONS", "jvmArgs", "bootRun", "test"] {
            if line.contains(word) {
                inside = word;
            }
        }
        if line.contains("-javaagent:")
            && matches!(inside, "applicationDefaultJvmArgs" | "jvmFlags" | "JAVA_TOOL_OPTIONS")
        {
            launch.say(at as u32 + 1, FactKind::Arguments(line.trim().to_owned()));
        }
    }
    launch
}

#[cfg(test)]
mod tests {
    use super::super::Scope;
    use super::*;

    fn read_all(files: &[(&str, &str)]) -> (Vec<Module>, Vec<Launch>) {
        let files: Vec<ManifestFile> = files.iter().map(|(path, text)| ManifestFile::new(*path, *text)).collect();
        read(&files.iter().collect::<Vec<_>>(), &mut Vec::new())
    }

    fn found(module: &Module) -> Vec<(&str, &str, Scope)> {
        module.unit.dependencies.iter().map(|d| (d.name.as_str(), d.version.as_str(), d.scope)).collect()
    }

    #[test]
    fn dependencies_are_read() {
        let text = "def v = '1.5'\ndependencies {\n  implementation platform(\"b:bom:${v}\")\n  implementation \"x:a:$v\",\n    'x:b'\n  testImplementation('x:t:1')\n  api(libs.foo.bar)\n  runtimeOnly group: 'g', name: 'n', version: '2'\n}\n";
        let (modules, _) = read_all(&[
            ("m/build.gradle", text),
            (
                "gradle/libs.versions.toml",
                "[versions]\nq = \"3\"\n[libraries]\nfoo-bar = { module = \"x:c\", version.ref = \"q\" }\n",
            ),
        ]);
        assert_eq!(
            found(&modules[0]),
            [
                ("b:bom", "1.5", Scope::Build),
                ("g:n", "2", Scope::Direct),
                ("x:a", "1.5", Scope::Direct),
                ("x:b", "", Scope::Direct),
                ("x:c", "3", Scope::Direct),
                ("x:t", "1", Scope::Test)
            ]
        );
    }

    #[test]
    fn a_catalog_has_several_names() {
        let text = "dependencies {\n  implementation(shared.foo.bar)\n  \"api\"(rootProject.libs.foo)\n  implementation(libs.findLibrary(\"f-z\").get())\n  implementation(libs.findBundle(\"all\").get())\n  implementation(project.foo.baz)\n}\n";
        let (modules, _) = read_all(&[
            ("m/build.gradle.kts", text),
            (
                "gradle/libs.versions.toml",
                "[libraries]\nfoo-bar = \"x:b:1\"\nfoo = \"x:a:1\"\nf-z = \"x:z:1\"\ne = \"x:e:1\"\n[bundles]\nall = [\"e\"]\n",
            ),
        ]);
        let names: Vec<&str> = found(&modules[0]).into_iter().map(|(name, _, _)| name).collect();
        assert_eq!(names, ["x:a", "x:b", "x:e", "x:z"]);
    }

    #[test]
    fn shared_blocks_reach_the_modules_below() {
        let (modules, _) = read_all(&[
            ("settings.gradle", "include 'a', ':b:c'\n"),
            (
                "build.gradle",
                "subprojects {\n  dependencies {\n    implementation 'x:s:1'\n  }\n}\ndependencies {\n implementation 'x:root:1'\n}\n",
            ),
            (
                "a/build.gradle.kts",
                "plugins { id(\"p.q\") version \"1\" }\ndependencies {\n  implementation(project(\":b:c\"))\n}\n",
            ),
        ]);
        let roots: Vec<_> = modules.iter().map(|module| module.unit.root.as_str()).collect();
        assert_eq!(roots, ["", "a", "b/c"]);
        assert_eq!(found(&modules[0]), [("x:root", "1", Scope::Direct)]);
        assert_eq!(found(&modules[2]), [("x:s", "1", Scope::Direct)]);
        assert_eq!(modules[1].uses, ["b/c"]);
        assert!(found(&modules[1]).contains(&("p.q:p.q.gradle.plugin", "1", Scope::Build)));
        assert!(modules[0].gathers && !modules[1].gathers);
    }

    #[test]
    fn modules_may_lie_elsewhere() {
        let settings = "include 'x-a'\nproject(':x-a').projectDir = file('x/a')\n";
        let (modules, _) = read_all(&[
            ("settings.gradle", settings),
            ("b/build.gradle", "dependencies {\n  api project(':x-a')\n}\n"),
        ]);
        assert_eq!(modules.iter().map(|module| module.unit.root.as_str()).collect::<Vec<_>>(), ["b", "x/a"]);
        assert_eq!(modules[0].uses, ["x/a"]);
    }

    #[test]
    fn flags_of_the_image_are_found() {
        let (_, launches) = read_all(&[(
            "build.gradle",
            "test {\n  jvmArgs '-javaagent:t.jar'\n}\njib {\n container {\n  jvmFlags = ['-javaagent:x.jar']\n}}\n",
        )]);
        assert_eq!(launches[0].facts.len(), 1);
        assert_eq!(launches[0].facts[0].line, 6);
    }

    #[test]
    fn scripts_are_applied_by_file_too() {
        let modules = read_all(&[
            ("build.gradle", "apply from: file('gradle/libs.gradle')"),
            ("gradle/libs.gradle", "dependencies {\n  compile (\n    'g:a:1',\n    'g:b:2'\n  )\n}"),
        ])
        .0;
        let names: Vec<_> = modules[0].unit.dependencies.iter().map(|found| found.name.as_str()).collect();
        assert_eq!(names, ["g:a", "g:b"]);
    }

    #[test]
    fn odd_input_is_survived() {
        read_all(&[
            ("build.gradle", "subprojects {{{ \"${"),
            ("é.gradle", "é"),
            ("x/build.gradle", "dependencies { implementation('é:"),
        ]);
    }
}
