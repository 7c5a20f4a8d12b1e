//! Containers and what they belong to, whoever runs them, with the places of their variables.

use super::place;
use super::variable::{Entry, Given};
use crate::finding::Place;
use crate::yaml::{Node, is_template};
use ustr::Ustr;

/// Who runs a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// A compose file.
    Compose,
    /// Kubernetes.
    Kubernetes,
    /// ECS.
    Task,
    /// A machine, without a container.
    Machine,
    /// AWS Lambda.
    Function,
    /// Cloud Run.
    Service,
}

/// An environment variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value; `None` where it is filled in from elsewhere.
    pub value: Option<String>,
    /// Where it is set.
    pub place: Place,
    /// Whether it comes with others, from a file, a map of settings or the image.
    pub is_common: bool,
    /// Whether its value is one for want of another (`${NAME:-value}`).
    pub is_fallback: bool,
}

impl From<Given> for Variable {
    fn from(given: Given) -> Self {
        let Given { name, value, place, is_common, is_fallback, .. } = given;
        // Quotes that are left here are part of the value.
        let value = value.filter(|value| is_written(value)).map(|value| value.trim().to_owned());
        Self { name, value, place, is_common, is_fallback }
    }
}

/// One container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Who runs it.
    pub platform: Platform,
    /// The file.
    pub path: Ustr,
    /// What it is called: the compose service, or the workload.
    pub name: String,
    /// Where it begins.
    pub place: Place,
    /// What the pod calls it; empty for a compose service.
    pub part: String,
    /// Names by which others reach it.
    pub hosts: Vec<String>,
    /// Its image, as written.
    pub image: Option<(String, Place)>,
    /// The Dockerfile that it is built from.
    pub dockerfile: Option<String>,
    /// The commands that fill its image.
    pub fetches: Vec<String>,
    /// Its environment: what goes before the others stands last.
    pub variables: Vec<Variable>,
    /// Whether files or other objects may set more variables.
    pub is_open: bool,
    /// Whether nothing else shares its network: `localhost` is itself.
    pub is_alone: bool,
    /// Whether it is given a command or arguments.
    pub has_command: bool,
    /// How many of it run, where it is more than one, and where that is said.
    pub copies: Option<(String, Place)>,
    /// The files and ConfigMaps that it is given: paths from the workspace's root, or names.
    pub mounts: Vec<String>,
    /// The limit of its memory in bytes.
    pub memory: Option<(u64, Place)>,
    /// Its ports that a compose file opens on the machine.
    pub publishes: Vec<(u16, Place)>,
}

impl Container {
    /// One of which nothing more is known than its name.
    pub(super) fn new(platform: Platform, path: Ustr, name: String, place: Place) -> Self {
        Self {
            platform,
            path,
            hosts: vec![name.clone()],
            name,
            place,
            part: String::new(),
            image: None,
            dockerfile: None,
            fetches: Vec::new(),
            variables: Vec::new(),
            is_open: false,
            is_alone: true,
            has_command: false,
            copies: None,
            mounts: Vec::new(),
            memory: None,
            publishes: Vec::new(),
        }
    }

    /// The value of a variable that is set and written out. The last of several wins, as for a process.
    pub fn variable(&self, name: &str) -> Option<(&str, Place)> {
        let found = self.variables.iter().rev().find(|found| found.name == name)?;
        Some((found.value.as_deref()?, found.place))
    }

    /// Whether the value of a variable is one for want of another.
    pub fn falls_back(&self, name: &str) -> bool {
        self.variables.iter().rev().find(|found| found.name == name).is_some_and(|found| found.is_fallback)
    }

    /// Whether a variable is set, whatever to.
    pub fn sets(&self, name: &str) -> bool {
        self.variables.iter().any(|found| found.name == name)
    }
}

/// A pod: its program's containers, and those that run before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// The workload's name.
    pub name: String,
    /// The containers, by their places in the list of all.
    pub containers: Vec<usize>,
    /// What each of them, and each one that runs before them, does beside its variables.
    pub parts: Vec<Part>,
    /// Whether annotations have something put into it when it is made.
    pub is_injected: bool,
}

/// A container of a pod, as the pod's template shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// Its image, as written.
    pub image: String,
    /// Whether it ends before the program's containers start.
    pub is_first: bool,
    /// Its command and arguments on one line.
    pub command: String,
    /// The volumes that it is given: their names, where they lie in it, and where that is said.
    pub volumes: Vec<(String, String, Place)>,
    /// The variables that it is given by itself.
    pub variables: Vec<Variable>,
}

/// The compose files of one folder, which compose can put together to one network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The folder, relative to the workspace's root.
    pub folder: String,
    /// All names by which its services reach each other.
    pub hosts: Vec<String>,
    /// Whether all that can be reached is seen.
    pub is_whole: bool,
}

/// A workload of Kubernetes, or a namespace, with what its metadata say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// The kind of object.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The annotations and labels of the object itself.
    pub own: Vec<(String, String, Place)>,
    /// Those of its pods; `None` where it has no template.
    pub pod: Option<Vec<(String, String, Place)>>,
    /// Where the metadata of its pod template would stand.
    pub template: Option<Place>,
    /// The names and images of its pods' containers, in their order, with where each begins.
    pub containers: Vec<(String, String, Place)>,
    /// The names of those that run before them.
    pub before: Vec<String>,
}

/// The image of a container, as a file names it.
pub(super) fn image(path: Ustr, node: &Node) -> Option<(String, Place)> {
    let found = node.get("image")?;
    Some((found.text()?.to_owned(), place(path, found.span)))
}

/// A variable as a file sets it.
pub(super) fn variable(path: Ustr, entry: Entry<'_>) -> Variable {
    let value = entry.value.and_then(written);
    let place = place(path, entry.span);
    Variable { name: entry.name.to_owned(), value, place, is_common: false, is_fallback: false }
}

/// A value that is written out: nothing is filled in.
pub(super) fn written(value: &str) -> Option<String> {
    let value = value.trim().trim_matches(['"', '\'']);
    is_written(value).then(|| value.to_owned())
}

fn is_written(value: &str) -> bool {
    !value.contains('$') && !is_template(value)
}
