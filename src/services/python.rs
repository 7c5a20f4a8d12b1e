//! Python projects.
//!
//! Sources: <https://packaging.python.org/en/latest/specifications/pyproject-toml/>,
//! <https://packaging.python.org/en/latest/specifications/dependency-specifiers/>,
//! <https://packaging.python.org/en/latest/specifications/name-normalization/>,
//! <https://pip.pypa.io/en/stable/reference/requirements-file-format/>.

use super::launch::line_of;
use super::{Dependency, ManifestFile, Scope};
use crate::paths::{file_name, folder, join};
use regex::Regex;
use rustc_hash::FxHashSet;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use toml::Value;

/// What the manifests of one folder say.
#[derive(Debug, Default)]
pub(super) struct Project {
    pub(super) name: Option<String>,
    pub(super) dependencies: Vec<Dependency>,
}

/// Whether this is a requirements file.
pub(super) fn is_requirements(path: &str) -> bool {
    let name = file_name(path);
    let listed = name.ends_with(".txt") || name.ends_with(".in");
    listed
        && (name.starts_with("requirements")
            || name.contains("-requirements")
            || file_name(folder(path)) == "requirements")
}

/// Whether this file declares a Python project.
pub(super) fn is_manifest(path: &str) -> bool {
    matches!(file_name(path), "pyproject.toml" | "setup.py" | "setup.cfg" | "Pipfile") || is_requirements(path)
}

/// Whether this file names all that a Python project is installed with.
pub(super) fn is_lock(path: &str) -> bool {
    matches!(file_name(path), "poetry.lock" | "uv.lock" | "pdm.lock" | "Pipfile.lock")
}

/// The projects by folder.
pub(super) fn read(files: &[&ManifestFile], skipped: &mut Vec<(String, String)>) -> BTreeMap<String, Project> {
    let texts: BTreeMap<&str, &str> = files.iter().map(|file| (file.path.as_str(), file.text.as_str())).collect();
    let mut projects: BTreeMap<String, Project> = BTreeMap::new();
    for file in files.iter().filter(|file| is_manifest(&file.path)) {
        let (path, text) = (file.path.as_str(), file.text.as_str());
        let part = match file_name(path) {
            "pyproject.toml" => table(path, text, skipped).and_then(|table| pyproject(path, text, &table)),
            "Pipfile" => table(path, text, skipped).map(|table| pipfile(path, text, &table)),
            "setup.py" => Some(setup_py(path, text)),
            "setup.cfg" => setup_cfg(path, text),
            _ => Some(Project { name: None, dependencies: requirements(path, &texts) }),
        };
        if let Some(part) = part {
            let project = projects.entry(home(path).to_owned()).or_default();
            project.name = project.name.take().or(part.name);
            project.dependencies.extend(part.dependencies);
        }
    }
    projects.values_mut().for_each(tidy);
    projects
}

/// `requirements/base.txt` belongs to the folder above.
fn home(path: &str) -> &str {
    let own = folder(path);
    if file_name(own) == "requirements" && is_requirements(path) { folder(own) } else { own }
}

/// What a compiled list adds to its source list was not asked for; the same name twice is kept once, with a version.
fn tidy(project: &mut Project) {
    let sources: FxHashSet<String> =
        project.dependencies.iter().filter(|d| d.path.ends_with(".in")).map(|d| d.path.clone()).collect();
    let asked: FxHashSet<(String, String)> = project
        .dependencies
        .iter()
        .filter(|d| sources.contains(&d.path))
        .map(|d| (d.path.clone(), d.name.clone()))
        .collect();
    for dependency in &mut project.dependencies {
        let source = dependency.path.strip_suffix(".txt").map(|stem| format!("{stem}.in"));
        if let Some(source) = source.filter(|source| sources.contains(source))
            && !asked.contains(&(source, dependency.name.clone()))
        {
            dependency.scope = dependency.scope.max(Scope::Indirect);
        }
    }
    project.dependencies.sort_by(|a, b| {
        (&a.name, a.scope, !a.version.starts_with("=="), a.version.is_empty()).cmp(&(
            &b.name,
            b.scope,
            !b.version.starts_with("=="),
            b.version.is_empty(),
        ))
    });
    project.dependencies.dedup_by(|next, kept| next.name == kept.name);
}

fn table(path: &str, text: &str, skipped: &mut Vec<(String, String)>) -> Option<toml::Table> {
    match text.parse::<toml::Table>() {
        Ok(table) => Some(table),
        Err(error) => {
            skipped.push((path.to_owned(), error.message().to_owned()));
            None
        }
    }
}

static REQUIREMENT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[ \t]*([A-Za-z0-9][A-Za-z0-9._-]*)[ \t]*(?:\[[^\]]*\])?[ \t]*([^;#]*)").ok());

/// A requirement's normalised name and its version, without extras and marker.
fn requirement(text: &str) -> Option<(String, String)> {
    let found = REQUIREMENT.as_ref()?.captures(text)?;
    let version =
        found[2].split(" --").next().unwrap_or("").trim().trim_end_matches('\\').trim().trim_matches(['(', ')']);
    let known = version.is_empty() || version.starts_with(['=', '<', '>', '~', '!', '@']);
    known.then(|| (normalised(&found[1]), version.to_owned()))
}

/// A distribution's name in the form in which names are compared.
pub(super) fn normalised(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.trim().chars() {
        match c {
            '-' | '_' | '.' => {
                if !out.ends_with('-') {
                    out.push('-');
                }
            }
            c => out.push(c.to_ascii_lowercase()),
        }
    }
    out
}

fn dependency(path: &str, line: u32, text: &str, scope: Scope) -> Option<Dependency> {
    let (name, version) = requirement(text)?;
    Some(Dependency { name, version, path: path.to_owned(), line, scope })
}

/// `requirements-dev.txt` and a group called `test` are not there in production.
fn scope_of(name: &str, otherwise: Scope) -> Scope {
    let name = name.to_ascii_lowercase();
    let is_test = ["test", "dev", "lint", "docs", "doc", "ci", "typing", "mypy", "bench"]
        .iter()
        .any(|word| name.split(['-', '_', '.']).any(|part| part.starts_with(word)));
    if is_test { Scope::Test } else { otherwise }
}

/// A requirements file and those that it includes.
fn requirements(path: &str, texts: &BTreeMap<&str, &str>) -> Vec<Dependency> {
    let mut out = Vec::new();
    let mut seen = FxHashSet::default();
    let mut queue = vec![path.to_owned()];
    let scope = scope_of(file_name(path), Scope::Direct);
    while let Some(path) = queue.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let Some(text) = texts.get(path.as_str()) else { continue };
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if let Some(other) = included(line) {
                queue.extend(join(folder(&path), other));
            } else if !line.starts_with(['-', '#']) {
                out.extend(dependency(&path, at as u32 + 1, line, scope));
            } else if let Some((_, egg)) = line.split_once("#egg=") {
                out.extend(dependency(&path, at as u32 + 1, egg, scope));
            }
        }
    }
    out
}

fn included(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("--requirement").or_else(|| line.strip_prefix("-r"))?;
    rest.trim_start_matches(['=', ' ']).split_whitespace().next()
}

fn pyproject(path: &str, text: &str, table: &toml::Table) -> Option<Project> {
    let project = table.get("project").and_then(Value::as_table);
    let poetry = table.get("tool").and_then(|tool| tool.get("poetry")).and_then(Value::as_table);
    let groups = table.get("dependency-groups").and_then(Value::as_table);
    if project.is_none() && poetry.is_none() && groups.is_none() && !table.contains_key("build-system") {
        return None;
    }
    let mut out = Project::default();
    if let Some(project) = project {
        out.name = project.get("name").and_then(Value::as_str).map(str::to_owned);
        add_list(&mut out, path, text, project.get("dependencies"), Scope::Direct);
        add_groups(&mut out, path, text, project.get("optional-dependencies").and_then(Value::as_table));
    }
    add_groups(&mut out, path, text, groups);
    if let Some(poetry) = poetry {
        out.name = out.name.take().or_else(|| poetry.get("name").and_then(Value::as_str).map(str::to_owned));
        add_table(&mut out, path, text, poetry.get("dependencies"), Scope::Direct);
        add_table(&mut out, path, text, poetry.get("dev-dependencies"), Scope::Test);
        for (name, group) in poetry.get("group").and_then(Value::as_table).into_iter().flatten() {
            add_table(&mut out, path, text, group.get("dependencies"), scope_of(name, Scope::Optional));
        }
    }
    Some(out)
}

fn add_list(out: &mut Project, path: &str, text: &str, list: Option<&Value>, scope: Scope) {
    for item in list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        out.dependencies.extend(dependency(path, line_of(text, item, 0), item, scope));
    }
}

fn add_groups(out: &mut Project, path: &str, text: &str, groups: Option<&toml::Table>) {
    for (name, list) in groups.into_iter().flatten() {
        add_list(out, path, text, Some(list), scope_of(name, Scope::Optional));
    }
}

/// Poetry's and Pipenv's `name = "version"` and `name = { version = "…" }`.
fn add_table(out: &mut Project, path: &str, text: &str, table: Option<&Value>, scope: Scope) {
    for (name, value) in table.and_then(Value::as_table).into_iter().flatten() {
        if name == "python" {
            continue;
        }
        let version = value.as_str().or_else(|| value.get("version").and_then(Value::as_str)).unwrap_or("");
        let optional = value.get("optional").and_then(Value::as_bool).unwrap_or(false);
        let line = text
            .lines()
            .position(|line| line.trim_start().trim_start_matches('"').starts_with(name.as_str()))
            .map_or(1, |at| at as u32 + 1);
        let version = version.trim_start_matches('*').to_owned();
        let scope = if optional { Scope::Optional } else { scope };
        out.dependencies.push(Dependency { name: normalised(name), version, path: path.to_owned(), line, scope });
    }
}

fn pipfile(path: &str, text: &str, table: &toml::Table) -> Project {
    let mut out = Project::default();
    add_table(&mut out, path, text, table.get("packages"), Scope::Direct);
    add_table(&mut out, path, text, table.get("dev-packages"), Scope::Test);
    out
}

static NAME: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?-u:\b)name[ \t]*=[ \t]*["']([^"'\n]+)["']"#).ok());
static QUOTED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#""([^"\n]*)"|'([^'\n]*)'"#).ok());

fn setup_py(path: &str, text: &str) -> Project {
    let name = NAME.as_ref().and_then(|regex| regex.captures(text)).map(|found| found[1].to_owned());
    let mut out = Project { name, dependencies: Vec::new() };
    for (key, scope) in
        [("install_requires", Scope::Direct), ("extras_require", Scope::Optional), ("tests_require", Scope::Test)]
    {
        let Some(at) = text.find(key) else { continue };
        let rest = &text[at..];
        let end = rest.find([']', '}']).unwrap_or(rest.len());
        for found in QUOTED.iter().flat_map(|regex| regex.captures_iter(&rest[..end])) {
            let item = found.get(1).or_else(|| found.get(2));
            // An extra ("name[extra]") holds the bracket that ends the list for us; nothing else is lost by it.
            out.dependencies
                .extend(item.and_then(|item| dependency(path, line_at(text, at + item.start()), item.as_str(), scope)));
        }
    }
    out
}

fn line_at(text: &str, byte: usize) -> u32 {
    text.as_bytes()[..byte].iter().filter(|b| **b == b'\n').count() as u32 + 1
}

fn setup_cfg(path: &str, text: &str) -> Option<Project> {
    let mut out = Project::default();
    let (mut section, mut key, mut declares) = (String::new(), String::new(), false);
    for (at, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        if trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[').filter(|_| !line.starts_with([' ', '\t'])) {
            section = name.trim_end_matches(']').to_owned();
            declares |= matches!(section.as_str(), "metadata" | "options");
            key.clear();
            continue;
        }
        let mut value = trimmed;
        if !line.starts_with([' ', '\t']) {
            let Some((name, rest)) = trimmed.split_once('=') else { continue };
            key = name.trim().to_owned();
            value = rest.trim();
        }
        match (section.as_str(), key.as_str()) {
            ("metadata", "name") if !value.is_empty() => out.name = Some(value.to_owned()),
            ("options", "install_requires") => {
                out.dependencies.extend(dependency(path, at as u32 + 1, value, Scope::Direct))
            }
            ("options.extras_require", group) => {
                out.dependencies.extend(dependency(path, at as u32 + 1, value, scope_of(group, Scope::Optional)))
            }
            _ => {}
        }
    }
    declares.then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> ManifestFile {
        ManifestFile::new(path, text)
    }

    fn names(project: &Project) -> Vec<(&str, &str, Scope)> {
        project.dependencies.iter().map(|d| (d.name.as_str(), d.version.as_str(), d.scope)).collect()
    }

    fn one(path: &str, text: &str) -> Project {
        let file = file(path, text);
        read(&[&file], &mut Vec::new()).into_values().next().expect("a project")
    }

    #[test]
    fn requirements_are_read_with_their_includes() {
        let files = [
            file(
                "a/requirements.txt",
                "-r requirements/base.txt\nA_b.C[x,y]>=1,<2 ; python_version<'3' # z\nhttps://x/y.whl\n",
            ),
            file("a/requirements/base.txt", "d==1 \\\n    --hash=sha256:ab\n"),
        ];
        let projects = read(&files.iter().collect::<Vec<_>>(), &mut Vec::new());
        assert_eq!(names(&projects["a"]), [("a-b-c", ">=1,<2", Scope::Direct), ("d", "==1", Scope::Direct)]);
    }

    #[test]
    fn a_compiled_list_tells_what_was_asked_for() {
        let files = [file("requirements.in", "a\n"), file("requirements.txt", "a==1\nb==2\n")];
        let projects = read(&files.iter().collect::<Vec<_>>(), &mut Vec::new());
        assert_eq!(names(&projects[""]), [("a", "==1", Scope::Direct), ("b", "==2", Scope::Indirect)]);
    }

    #[test]
    fn projects_are_read() {
        let project = one(
            "pyproject.toml",
            "[project]\nname = \"p\"\ndependencies = [\n \"a[x]>=1\",\n]\n[project.optional-dependencies]\nextra = [\"b\"]\n[dependency-groups]\ndev = [\"c\"]\n",
        );
        assert_eq!(names(&project), [("a", ">=1", Scope::Direct), ("b", "", Scope::Optional), ("c", "", Scope::Test)]);
        assert_eq!((project.name.as_deref(), project.dependencies[0].line), (Some("p"), 4));
        let project = one(
            "pyproject.toml",
            "[tool.poetry]\nname = \"p\"\n[tool.poetry.dependencies]\npython = \"^3\"\nA_b = {version = \"^1\", optional = true}\nc = \"*\"\n",
        );
        assert_eq!(names(&project), [("a-b", "^1", Scope::Optional), ("c", "", Scope::Direct)]);
        assert_eq!(names(&one("Pipfile", "[packages]\na = \"==1\"\n")), [("a", "==1", Scope::Direct)]);
        assert_eq!(
            names(&one("setup.py", "setup(name='p', install_requires=['a>=1', \"b\"])")),
            [("a", ">=1", Scope::Direct), ("b", "", Scope::Direct)]
        );
        assert_eq!(
            names(&one("setup.cfg", "[metadata]\nname = p\n[options]\ninstall_requires =\n    a>1\n    b\nz = 1\n")),
            [("a", ">1", Scope::Direct), ("b", "", Scope::Direct)]
        );
    }

    #[test]
    fn settings_of_tools_are_no_project() {
        let tools = file("pyproject.toml", "[tool.ruff]\na = 1\n");
        let broken = file("x/pyproject.toml", "[");
        let mut skipped = Vec::new();
        assert!(read(&[&tools, &broken], &mut skipped).is_empty());
        assert_eq!(skipped[0].0, "x/pyproject.toml");
    }
}
