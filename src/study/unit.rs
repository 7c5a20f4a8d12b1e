//! What traces a unit, as the rules ask it.

use crate::ir::Language;
use crate::knowledge::LibraryDescription;
use crate::services::{
    Dependency, Logging, Mode, NotAskedFor, Reach, Scope, Settings, StackDescription, StackUse, Unit, stacks,
};
use rustc_hash::{FxHashMap, FxHashSet};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Why a library's calls are instrumented in a unit without a change at the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// What does it, for people.
    pub by: String,
    /// Where that is switched on: file and 1-based line.
    pub at: Option<(String, u32)>,
    /// Which clients of the library it is true of.
    pub reach: Reach,
    /// The family whose spans it makes; empty where that is several or not known.
    pub family: String,
    /// It is switched on only in processes that carry out queued tasks, not where they are queued.
    pub in_workers: bool,
}

impl Coverage {
    /// Takes note that another coverage does the same: which family's spans are made is known while they agree.
    pub(super) fn join(&mut self, other: &Self) {
        self.in_workers &= other.in_workers;
        if self.family != other.family {
            self.family.clear();
        }
    }
}

/// One unit with its stacks, seen from the rules.
#[derive(Debug, Clone)]
pub struct UnitView {
    /// Its name for people.
    pub name: String,
    /// Its folder, relative.
    pub root: String,
    /// Its language.
    pub language: Language,
    /// What manifests, deployment files and code show of its tracing.
    pub stacks: Vec<StackUse>,
    /// Names of the declared dependencies that the program runs with.
    pub dependencies: FxHashSet<String>,
    /// Names of the dependencies that others bring along, where the manifest lists them (Go).
    pub indirect: FxHashSet<String>,
    /// What its own manifest and those that it inherits from declare for the running program.
    pub declared: Vec<Dependency>,
    /// Names and versions of what its manifests declare with one, parents, plugins and lists of versions included.
    pub versions: Vec<(String, String)>,
    /// Where deployment files run a command of it.
    pub starts: Vec<(String, u32)>,
    /// Libraries that are instrumented process-wide, with the reason.
    pub covered: FxHashMap<String, Coverage>,
    /// A stack that covers every library it knows, with the libraries that it leaves out.
    pub covers_all: Option<(Coverage, BTreeSet<String>)>,
    /// An instrumentation package exists for this very project, so its public methods have spans around them.
    pub own_instrumentor: bool,
    /// Its code sets tracing up only in the body of a task, so that nothing else is traced.
    pub set_up_within_task: bool,
    /// A package of which nothing is known sets its tracing up, by what it is called.
    pub set_up_by_others: bool,
    /// It makes spans by an API of which nothing in the tree sets the SDK up. No rule builds on it: it is told where
    /// otherwise nothing would be said to trace the unit.
    pub sign: Option<StackUse>,
    /// What its files of settings say.
    pub settings: Settings,
    /// How it writes its log records.
    pub logging: Logging,
    /// Libraries of which nothing is installed that a launcher could load, with the package to install.
    pub not_installed: BTreeMap<String, String>,
    /// Libraries that a stack carries traces through only where it is asked to, which nothing does.
    pub not_asked: NotAskedFor,
    /// Some deployment file of the workspace names services for their traces.
    pub may_be_named: bool,
}

/// Whether a package of this name instruments the project: `…-instrumentation-<project>`.
pub(super) fn instruments_project(package: &str, project: &str) -> bool {
    let plain = |text: &str| text.to_ascii_lowercase().replace(['_', '.'], "-");
    plain(package)
        .rsplit_once("instrumentation-")
        .is_some_and(|(_, library)| !library.is_empty() && library == plain(project))
}

/// The first two numbers of a version.
pub fn minor(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

impl UnitView {
    /// A view of a unit, with the coverage that its active stacks give.
    pub fn new(unit: &Unit) -> Self {
        let mut view = Self {
            name: unit.name.clone(),
            root: unit.root.clone(),
            language: unit.language,
            stacks: unit.stacks.clone(),
            dependencies: unit
                .dependencies
                .iter()
                .filter(|found| found.is_running())
                .map(|found| found.name.clone())
                .collect(),
            indirect: unit
                .dependencies
                .iter()
                .filter(|found| found.scope == Scope::Indirect)
                .map(|found| found.name.clone())
                .collect(),
            declared: unit.dependencies.iter().filter(|found| found.scope == Scope::Direct).cloned().collect(),
            versions: unit
                .dependencies
                .iter()
                .filter(|found| !found.version.is_empty())
                .map(|found| (found.name.clone(), found.version.clone()))
                .collect(),
            starts: unit.starts.clone(),
            covered: FxHashMap::default(),
            covers_all: None,
            set_up_within_task: false,
            set_up_by_others: false,
            sign: None,
            settings: unit.settings.clone(),
            logging: unit.logging.clone(),
            may_be_named: unit.may_be_named,
            not_installed: unit.not_installed.clone(),
            not_asked: unit.not_asked.clone(),
            own_instrumentor: unit
                .dependencies
                .iter()
                .any(|found| found.scope != Scope::Build && instruments_project(&found.name, &unit.name)),
        };
        for found in unit.stacks.iter().filter(|found| found.active) {
            view.cover(found);
        }
        view
    }

    fn cover(&mut self, found: &StackUse) {
        if let Some(page) = stacks().iter().find(|page| page.id == found.stack) {
            self.patch(page, found.mode, (found.path.clone(), found.line));
        }
    }

    /// Takes note that a stack instruments all that its page says, and how and where that is switched on.
    pub(super) fn patch(&mut self, page: &StackDescription, mode: Mode, at: (String, u32)) {
        let coverage = Coverage {
            by: page.title.clone(),
            at: Some(at),
            reach: Reach::All,
            family: page.family.clone(),
            in_workers: false,
        };
        for library in &page.covers {
            if !page.covers_with(library, |group| self.platform(group)) {
                continue;
            }
            if library == "*" {
                let left_out = self.left_out(page, mode).into_iter().flat_map(BTreeMap::keys);
                let except = page.except.iter().chain(left_out).cloned().collect();
                self.covers_all = Some((coverage.clone(), except));
            } else {
                let reach = page.reach.get(library).copied().unwrap_or_default();
                self.add_coverage(library, Coverage { reach, ..coverage.clone() });
            }
        }
    }

    /// Takes note of a coverage, unless one is known that reaches as far.
    pub(super) fn add_coverage(&mut self, library: &str, mut coverage: Coverage) {
        if let Some(known) = self.covered.get_mut(library) {
            known.join(&coverage);
            coverage.family.clone_from(&known.family);
            coverage.in_workers = known.in_workers;
        }
        if self.covered.get(library).is_none_or(|known| known.reach > coverage.reach) {
            self.covered.insert(library.to_owned(), coverage);
        }
    }

    /// The libraries of which a stack loads nothing, as nothing is installed; `None` for one that brings what it loads. An
    /// agent does: it is put beside the program, whatever that lists.
    fn left_out(&self, page: &StackDescription, mode: Mode) -> Option<&BTreeMap<String, String>> {
        let is_listed = page.loads.is_some() && matches!(mode, Mode::Launcher | Mode::Code);
        is_listed.then_some(&self.not_installed)
    }

    /// Whether something from outside traces it that may cover a library.
    pub fn may_be_covered_from_outside(&self, library: &LibraryDescription) -> bool {
        let outside = self
            .stacks
            .iter()
            .filter(|found| found.active && matches!(found.mode, Mode::Agent | Mode::Launcher | Mode::Build));
        let leaves_out = |found: &StackUse| {
            let page = stacks().iter().find(|page| page.id == found.stack);
            page.and_then(|page| self.left_out(page, found.mode))
                .is_some_and(|left_out| left_out.contains_key(&library.id))
        };
        outside.into_iter().any(|found| !leaves_out(found))
    }

    /// What to do for a library that nothing instruments: what a stack is to be asked for, the package to install where a
    /// launcher loads what is installed, else what the library's description says.
    pub fn mend<'l>(&self, library: &'l LibraryDescription) -> Cow<'l, str> {
        let is_covered = |family: &str| self.covered.get(&library.id).is_some_and(|found| found.family == family);
        if let Some(not_asked) = self.not_asked.get(&library.id).filter(|found| is_covered(&found.family)) {
            return not_asked.mend.clone().into();
        }
        let pages = stacks().iter();
        let mut loads = pages.filter_map(|page| {
            let used = self.stacks.iter().find(|found| found.active && found.stack == page.id)?;
            let package = self.left_out(page, used.mode)?.get(&library.id)?;
            Some((&page.loads.as_ref()?.launcher, package))
        });
        match loads.next() {
            Some((launcher, package)) => format!(
                "add `{package}` to what the service installs: `{launcher}` loads the instrumentations that it finds, and \
                 none for this library is listed"
            )
            .into(),
            None => library.mend.as_str().into(),
        }
    }

    /// Why a library needs no instrumentation in the code of this unit, or `None` when it does.
    pub fn coverage(&self, library: &LibraryDescription) -> Option<&Coverage> {
        self.coverages(library).min_by_key(|found| found.reach)
    }

    /// What instruments a library in processes that queue tasks, or `None` where workers alone do.
    pub fn coverage_outside_workers(&self, library: &LibraryDescription) -> Option<&Coverage> {
        self.coverages(library).filter(|found| !found.in_workers).min_by_key(|found| found.reach)
    }

    fn coverages(&self, library: &LibraryDescription) -> impl Iterator<Item = &Coverage> {
        let all = self.covers_all.as_ref().filter(|(_, except)| !except.contains(&library.id)).map(|(found, _)| found);
        let mut active = self.stacks.iter().filter(|found| found.active);
        let described = active.find(|found| library.covered_by.contains(&found.stack)).and(Some(Self::described()));
        let through = self.covered.get(&library.through);
        let is_asked = |found: &&Coverage| {
            self.not_asked.get(&library.id).is_none_or(|not_asked| not_asked.family != found.family)
        };
        let own = self.covered.get(&library.id).filter(is_asked);
        [own, through, all, described].into_iter().flatten()
    }

    /// Whether every client of a library is instrumented in this unit, however it was made.
    pub fn covers_every_client(&self, library: &LibraryDescription) -> bool {
        self.coverage(library).is_some_and(|found| found.reach == Reach::All)
    }

    /// The major and minor version of the dependencies of a group (`org.springframework.boot`), where all that say one
    /// agree.
    pub fn platform(&self, group: &str) -> Option<(u32, u32)> {
        let of_group = |name: &str| name.strip_prefix(group).is_some_and(|rest| rest.starts_with(':'));
        let mut found = self.versions.iter().filter(|(name, _)| of_group(name)).map(|(_, version)| minor(version));
        let first = found.next()??;
        found.all(|other| other == Some(first)).then_some(first)
    }

    /// The major and minor version of one dependency, where it is told.
    pub fn dependency(&self, name: &str) -> Option<(u32, u32)> {
        let mut found = self.versions.iter().filter(|(known, _)| known == name);
        found.find_map(|(_, version)| minor(version.trim_start_matches('v')))
    }

    /// Whether it runs with a package that instruments another one, which a launcher that is not seen may load.
    pub fn has_instrumentation_of(&self, package: &str) -> bool {
        self.dependencies.iter().any(|found| instruments_project(found, package))
    }

    fn described() -> &'static Coverage {
        static DESCRIBED: std::sync::LazyLock<Coverage> = std::sync::LazyLock::new(|| Coverage {
            by: "its stack".to_owned(),
            at: None,
            reach: Reach::All,
            family: String::new(),
            in_workers: false,
        });
        &DESCRIBED
    }

    /// Whether anything traces this unit: a stack switched on, or one whose dependency it runs with.
    pub fn is_traced(&self) -> bool {
        !self.stacks.is_empty()
    }

    /// Whether all that is known of its tracing is that something sets it up which is not seen, and may cover anything.
    pub fn is_set_up_out_of_sight(&self) -> bool {
        self.set_up_by_others && !self.stacks.iter().any(|found| found.active)
    }

    /// Whether an agent, launcher or build tool traces it, so that code need not.
    pub fn is_traced_from_outside(&self) -> bool {
        self.stacks.iter().any(|found| {
            found.active && matches!(found.mode, Mode::Agent | Mode::Launcher | Mode::Build | Mode::AutoConfiguration)
        })
    }

    /// Whether a build tool traces it, by which the current span is kept for each goroutine: calls without a context, or with
    /// a fresh one, find it there.
    pub fn keeps_span_by_goroutine(&self) -> bool {
        self.stacks.iter().any(|found| found.active && found.mode == Mode::Build)
    }

    /// Whether a stack of it puts the current ids into the logging context.
    pub fn logs_ids(&self) -> bool {
        let page = |id: &str| stacks().iter().find(|page| page.id == id);
        self.stacks.iter().any(|found| page(&found.stack).is_some_and(|page| page.logs_ids))
    }

    /// The families of its stacks.
    pub fn families(&self) -> Vec<&'static str> {
        let page = |found: &StackUse| stacks().iter().find(|page| page.id == found.stack);
        self.stacks.iter().filter_map(page).map(|page| page.family.as_str()).collect()
    }

    /// Whether a stack of this family (`opentelemetry`, `datadog`, …) configures itself here.
    pub fn configures(&self, family: &str) -> bool {
        let pages = stacks();
        self.stacks.iter().any(|found| {
            found.active
                && found.mode == Mode::AutoConfiguration
                && pages.iter().any(|page| {
                    let refused = || page.refused_by.iter().any(|name| self.settings.refuses(name));
                    page.id == found.stack && page.family == family && !refused()
                })
        })
    }

    /// Whether a stack of this family that needs no code is there, switched on or not.
    pub fn may_configure(&self, family: &str) -> bool {
        let pages = stacks();
        let of_family = |id: &str| pages.iter().any(|page| page.id == id && page.family == family);
        self.stacks.iter().any(|found| found.mode != Mode::Code && of_family(&found.stack))
    }

    /// Whether a stack of this family (`opentelemetry`, `datadog`, …) is there.
    pub fn has_family(&self, family: &str) -> bool {
        self.stacks.iter().any(|found| is_of_family(found, family))
    }

    /// Whether a stack that makes a family's spans is seen to be switched on.
    pub(super) fn has_active(&self, family: &str) -> bool {
        self.stacks.iter().any(|found| found.active && is_of_family(found, family))
    }
}

fn is_of_family(found: &StackUse, family: &str) -> bool {
    stacks().iter().any(|page| page.id == found.stack && page.family == family)
}
