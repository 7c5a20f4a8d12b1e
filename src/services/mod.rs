//! Which deployable units a workspace has, and what traces each of them.

mod asked;
mod attribute;
mod cluster;
mod compose;
mod declared;
mod discover;
mod docker;
mod dotenv;
mod environment;
mod evidence;
mod golang;
mod gopath;
mod gradle;
mod helm;
mod helm_range;
mod kubernetes;
mod launch;
mod loads;
mod logging;
mod manifest;
mod maven;
mod process;
pub(crate) mod proxied;
mod python;
mod resource;
mod sections;
mod settings;
mod shell;
mod stacks;
mod values;
mod workloads;

pub(crate) use docker::{Image, is_dockerfile, split};
pub(crate) use dotenv::{placed as placed_variables_of, read as variables_of};
pub(crate) use launch::{expand, falls_back, image_name};
pub(crate) use shell::is_script;

pub use asked::{Asked, NotAsked, NotAskedFor};
pub use declared::declare;
pub use discover::{discover, is_deployment, is_manifest};
pub use environment::Environments;
pub use gopath::module_by_imports;
pub use loads::Loads;
pub use logging::{Ids, LogPattern, Logging};
pub use manifest::ManifestFile;
pub use settings::{Settings, Told};
pub use stacks::{AddressSetting, Reach, StackDescription, Switch, Until, stacks};

use crate::finding::Place;
use crate::ir::{Language, Span};
use serde::Serialize;
use std::collections::BTreeMap;
use ustr::Ustr;

/// Everything that the manifests and deployment files say.
#[derive(Debug, Default)]
pub struct Workspace {
    /// Units, sorted by root, innermost roots after their parents.
    pub units: Vec<Unit>,
    /// Files that could not be read, with the reason.
    pub skipped: Vec<(String, String)>,
    /// Where the lines of the files stand that units cite.
    pub lines: CitedLines,
    /// The processes that deployment files start.
    pub workloads: Vec<crate::facts::Workload>,
    /// What deployment files say about tracing itself.
    pub deployment: crate::deploy::Deployment,
    /// What the processes of each unit are given.
    pub environments: Environments,
}

/// Where the lines stand of manifests and deployment files that something refers to.
#[derive(Debug, Default)]
pub struct CitedLines(BTreeMap<String, Vec<Span>>);

impl CitedLines {
    /// The lines of those files that a dependency or a start of a unit refers to.
    pub fn new(files: &[ManifestFile], units: &[Unit]) -> Self {
        let cited: std::collections::BTreeSet<&str> = units
            .iter()
            .flat_map(|unit| {
                let starts = unit.starts.iter().map(|(path, _)| path.as_str());
                unit.dependencies.iter().map(|found| found.path.as_str()).chain(starts)
            })
            .collect();
        let files = files.iter().filter(|file| cited.contains(file.path.as_str()));
        Self(files.map(|file| (file.path.clone(), line_spans(&file.text))).collect())
    }

    /// The place of a 1-based line, without the white space around it.
    pub fn place(&self, path: &str, line: u32) -> Option<Place> {
        let span = self.0.get(path)?.get((line as usize).checked_sub(1)?)?;
        Some(Place { path: Ustr::from(path), span: *span })
    }
}

fn line_spans(text: &str) -> Vec<Span> {
    let mut at = 0;
    text.split_inclusive('\n')
        .map(|line| {
            let start = at + (line.len() - line.trim_start().len());
            let end = (at + line.trim_end().len()).max(start);
            at += line.len();
            Span::new(start, end)
        })
        .collect()
}

/// One build unit: a Go module, a Python project, a Maven or Gradle module.
#[derive(Debug, Clone, Serialize)]
pub struct Unit {
    /// Its name for people: the deployment's name where one is known, else the project's, else its folder's.
    pub name: String,
    /// Its folder relative to the workspace root, `/` separated; empty for the root itself.
    pub root: String,
    /// The language of its sources.
    pub language: Language,
    /// Go: the module path. Java: the group id, where declared. Python: empty.
    pub module: String,
    /// What the manifests declare.
    pub dependencies: Vec<Dependency>,
    /// What may trace it, in order of discovery; code evidence is added after parsing.
    pub stacks: Vec<StackUse>,
    /// Files (relative) that start it: Dockerfiles, Procfiles, manifests with its command.
    pub launchers: Vec<String>,
    /// Where a deployment file runs a command of it: file and 1-based line.
    pub starts: Vec<(String, u32)>,
    /// Libraries of which it lists no package for a launcher that loads what is installed, with the one to install (Python).
    #[serde(skip)]
    pub not_installed: BTreeMap<String, String>,
    /// Libraries that a stack carries traces through only where it is asked to, which nothing does (Python).
    #[serde(skip)]
    pub not_asked: NotAskedFor,
    /// What its files of settings say (Java).
    #[serde(skip)]
    pub settings: Settings,
    /// How it writes its log records (Java).
    #[serde(skip)]
    pub logging: Logging,
    /// Some deployment file of the workspace names services for their traces.
    #[serde(skip)]
    pub may_be_named: bool,
}

/// A declared dependency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dependency {
    /// Go module path, normalised Python distribution name, Java `group:artifact`.
    pub name: String,
    /// The declared version or requirement; empty when managed elsewhere.
    pub version: String,
    /// The file that declares it, relative to the workspace root.
    pub path: String,
    /// 1-based line in it.
    pub line: u32,
    /// When it is there.
    pub scope: Scope,
}

/// When a declared dependency is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// In the running program, declared by the unit or a build file it inherits from.
    Direct,
    /// In the running program, through another unit of the workspace.
    Workspace,
    /// Pulled in by another dependency and only written down here (`// indirect`, a compiled requirements file).
    Indirect,
    /// In the running program when an extra, a profile or a group asks for it.
    Optional,
    /// Fixes versions or builds the program, and is not in it (a parent pom, an imported list of versions, a build plugin).
    Build,
    /// In its tests only.
    Test,
}

impl Dependency {
    /// Whether the program itself runs with it because somebody asked for it.
    pub fn is_running(&self) -> bool {
        matches!(self.scope, Scope::Direct | Scope::Workspace)
    }
}

/// How a tracing stack is switched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// By calls in the code.
    Code,
    /// By a dependency that configures itself (Spring Boot starter, Quarkus extension).
    AutoConfiguration,
    /// By an agent in the virtual machine or beside the process (`-javaagent`, operator, eBPF).
    Agent,
    /// By a launcher around the process (`opentelemetry-instrument`, `ddtrace-run`).
    Launcher,
    /// By a tool at build time (`-toolexec`).
    Build,
    /// By code that is not seen: a package of the organisation's own, or whoever runs what uses only an API.
    Elsewhere,
}

/// One tracing stack found for a unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StackUse {
    /// The id of its page under `rules/stacks/`.
    pub stack: String,
    /// How it is switched on.
    pub mode: Mode,
    /// Whether it was seen to be switched on, or only to be present (a declared dependency).
    pub active: bool,
    /// The file with the evidence, relative to the workspace root.
    pub path: String,
    /// 1-based line.
    pub line: u32,
    /// What stands there, for people ("ENTRYPOINT runs opentelemetry-instrument").
    pub evidence: String,
}

impl Unit {
    /// A unit for sources that no manifest claims.
    pub fn loose(language: Language) -> Self {
        Self {
            name: "workspace".to_owned(),
            root: String::new(),
            language,
            module: String::new(),
            dependencies: Vec::new(),
            stacks: Vec::new(),
            launchers: Vec::new(),
            starts: Vec::new(),
            settings: Settings::default(),
            logging: Logging::default(),
            may_be_named: false,
            not_installed: Default::default(),
            not_asked: Default::default(),
        }
    }
}

/// Whether a variable of this name is one by which a stack is set up.
pub fn is_of_tracing(variable: &str) -> bool {
    stacks().iter().flat_map(|page| &page.variables).any(|start| variable.starts_with(start.as_str()))
}

/// What people call a stack.
pub(crate) fn title_of(stack: &str) -> &str {
    stacks().iter().find(|page| page.id == stack).map_or(stack, |page| page.title.as_str())
}

/// What people call the stack whose agent a file of this name is.
pub(crate) fn stack_of_agent(jar: &str) -> Option<&'static str> {
    let found = stacks::compiled().iter().find(|stack| stack.agents.iter().any(|pattern| pattern.is_match(jar)))?;
    Some(found.page.title.as_str())
}

/// Whether a word of a command is the file of an agent.
pub(crate) fn names_agent(command: &str) -> bool {
    let words = command.split(|c: char| c.is_whitespace() || "\"',[]=;".contains(c));
    words.filter(|word| word.ends_with(".jar")).any(|word| stack_of_agent(word).is_some())
}

/// What an application calls itself by its settings, where it says so: others reach it by this name.
pub fn called(settings: &Settings) -> Option<String> {
    let mut names = stacks().iter().map(|page| page.application_name.as_str()).filter(|name| !name.is_empty());
    names.find_map(|name| settings.value(name)).filter(|name| !name.is_empty() && !name.contains("${"))
}
