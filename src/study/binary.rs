//! Which Go commands a file is built into, and whether any of them is traced.

use super::packages::lies_in;
use super::run_by::Standings;
use super::tracing::Tracing;
use super::unit::UnitView;
use crate::aside::{is_aside, is_aside_unless_built, is_stand_in, is_support};
use crate::ir::{FunctionId, Language};
use crate::link::{FuncRef, Program};
use rustc_hash::{FxHashMap, FxHashSet};
use ustr::Ustr;

/// The commands (`package main`) of a program, each with the own packages that it imports, directly or not.
#[derive(Debug, Default)]
pub(super) struct Commands(Vec<(Ustr, FxHashSet<Ustr>)>);

impl Commands {
    /// Reads the imports of a Go program; other languages have none.
    pub(super) fn new(program: &Program<'_>) -> Self {
        if program.language != Language::Go {
            return Self::default();
        }
        let mut imports: FxHashMap<Ustr, FxHashSet<Ustr>> = FxHashMap::default();
        let mut mains: Vec<Ustr> = Vec::new();
        for file in &program.files {
            let targets = file.source.facts.imports.iter().map(|import| import.target);
            imports.entry(file.module).or_default().extend(targets);
            mains.extend((file.source.facts.package == "main").then_some(file.module));
        }
        mains.sort_unstable();
        mains.dedup();
        Self(mains.into_iter().map(|main| (main, reached(&imports, main))).collect())
    }

    /// The packages of which some command is built that is no example or test.
    pub(super) fn packages(&self, program: &Program<'_>) -> FxHashSet<Ustr> {
        let mains = program.files.iter().filter(|file| file.source.facts.package == "main");
        let aside: FxHashSet<Ustr> = mains.filter(|file| is_aside(&file.source.path)).map(|file| file.module).collect();
        let commands = self.0.iter().filter(|(main, _)| !aside.contains(main));
        commands.flat_map(|(_, packages)| packages).copied().collect()
    }

    /// The main packages of the commands that a package is no part of.
    pub(super) fn without(&self, package: Ustr) -> impl Iterator<Item = Ustr> {
        self.0.iter().filter(move |(_, packages)| !packages.contains(&package)).map(|(main, _)| *main)
    }

    /// The main packages of the commands that a package is part of.
    pub(super) fn with(&self, package: Ustr) -> impl Iterator<Item = Ustr> {
        self.0.iter().filter(move |(_, packages)| packages.contains(&package)).map(|(main, _)| *main)
    }

    /// Each command: its main package, and all that it is built of.
    pub(super) fn each(&self) -> impl Iterator<Item = (Ustr, &FxHashSet<Ustr>)> {
        self.0.iter().map(|(main, packages)| (*main, packages))
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// The packages of each.
    pub(super) fn all(&self) -> impl Iterator<Item = &FxHashSet<Ustr>> {
        self.0.iter().map(|(_, packages)| packages)
    }

    /// The packages of the command that a package is the main one of.
    pub(super) fn of(&self, main: Ustr) -> Option<&FxHashSet<Ustr>> {
        self.0.iter().find(|(name, _)| *name == main).map(|(_, packages)| packages)
    }

    /// Whether two packages can be in one process: a command is built of both, or nobody knows of what uses one of them.
    pub(super) fn share(&self, one: Ustr, other: Ustr) -> bool {
        let mut of_one = self.0.iter().filter(|(_, packages)| packages.contains(&one)).peekable();
        let known = of_one.peek().is_some() && self.0.iter().any(|(_, packages)| packages.contains(&other));
        !known || of_one.any(|(_, packages)| packages.contains(&other))
    }
}

/// The packages of the program that one package imports, directly or not, with itself.
fn reached(imports: &FxHashMap<Ustr, FxHashSet<Ustr>>, from: Ustr) -> FxHashSet<Ustr> {
    let mut out = FxHashSet::default();
    let mut work = vec![from];
    while let Some(package) = work.pop() {
        if let Some(next) = imports.get(&package).filter(|_| out.insert(package)) {
            work.extend(next.iter().copied());
        }
    }
    out
}

/// The files that lie aside by the name of a folder, of packages that services are built with.
pub(super) fn parts(program: &Program<'_>, built: &FxHashSet<Ustr>) -> FxHashSet<Ustr> {
    let files = program.files.iter().filter(|file| file.source.facts.package != "main" && built.contains(&file.module));
    files.map(|file| file.source.path).filter(|path| is_aside_unless_built(path)).collect()
}

/// The files of a program that traces stay out of, by their paths.
#[derive(Debug, Default)]
pub(super) struct Untraced {
    /// The files in which nothing is to be found: those that are there for tests and load, and those of which every command
    /// that they are built into does without tracing, whatever the other commands of their module do.
    pub files: FxHashSet<Ustr>,
    /// The files of which all commands that they are built into begin no trace, nor take one up: they only ask others.
    pub idle: FxHashSet<Ustr>,
    /// The files of which all commands that they are built into take up nobody's trace: those that they have, they begin.
    pub alone: FxHashSet<Ustr>,
    /// The files of which all commands that they are built into take up the traces of no HTTP request.
    pub without_requests: FxHashSet<Ustr>,
    /// How the commands stand, for what is asked of single functions.
    pub standings: Standings,
    /// What sets tracing up in each command, by its main package, where all of that is seen.
    pub set_ups: FxHashMap<Ustr, Vec<FuncRef>>,
}

/// What traces stay out of.
pub(super) fn untraced(
    program: &Program<'_>,
    units: &[UnitView],
    commands: &Commands,
    source: &dyn Fn(Ustr) -> Option<String>,
) -> Untraced {
    match program.language {
        Language::Go => of_commands(program, units, commands, source),
        Language::Java => {
            let paths = program.files.iter().map(|file| file.source.path);
            let files = paths.filter(|path| is_support(path) || is_stand_in(path)).collect();
            Untraced { files, ..Untraced::default() }
        }
        Language::Python => Untraced::default(),
    }
}

/// How a command stands to traces.
struct Standing<'c> {
    packages: &'c FxHashSet<Ustr>,
    is_traced: bool,
    begins: bool,
    joins: bool,
    joins_requests: bool,
}

fn of_commands(
    program: &Program<'_>,
    units: &[UnitView],
    commands: &Commands,
    source: &dyn Fn(Ustr) -> Option<String>,
) -> Untraced {
    let tracing = Tracing::new(program, units, source);
    let homes: FxHashMap<Ustr, usize> = program.files.iter().map(|file| (file.module, file.source.unit)).collect();
    let setting = commands.0.iter().filter(|(_, packages)| tracing.is_set_up(packages));
    let set_up: FxHashSet<usize> = setting.filter_map(|(main, _)| homes.get(main)).copied().collect();
    let standings = commands.0.iter().map(|(main, packages)| {
        let home = homes.get(main);
        // A command that sets nothing up starts spans in vain, as does one that is built with the set-up and never calls
        // it, or whose neighbours set up what it leaves to itself. What is not seen may set it up: the house's own code.
        let may_be_set_up = || {
            let unit = home.and_then(|unit| units.get(*unit));
            unit.is_none_or(|unit| unit.set_up_by_others || unit.stacks.iter().any(|found| found.active))
                || tracing.uses_house(packages)
        };
        let is_left_open = !tracing.has_set_up(packages) && home.is_none_or(|unit| !set_up.contains(unit));
        let is_traced = tracing.is_set_up(packages)
            || is_left_open && (tracing.uses_by_itself(packages) || tracing.acts(packages) && may_be_set_up());
        let from_outside = home.and_then(|unit| units.get(*unit)).is_some_and(UnitView::is_traced_from_outside);
        let begins = from_outside || tracing.begins(packages);
        let joins = from_outside || tracing.joins(packages);
        let joins_requests = from_outside || joins && tracing.joins_requests(packages);
        Standing { packages, is_traced, begins, joins, joins_requests }
    });
    let standings: Vec<Standing<'_>> = standings.collect();
    let mains: Vec<Ustr> = commands.0.iter().map(|(main, _)| *main).collect();
    let mut out = Untraced::default();
    let helping = imported_by_helpers(program);
    let libraries = libraries(program, commands);
    for (at, found) in standings.iter().enumerate() {
        out.standings.note(at, [found.is_traced, found.begins, found.joins, found.joins_requests]);
    }
    for (at, file) in (0u32..).zip(&program.files) {
        let built_into: Vec<&Standing<'_>> =
            standings.iter().filter(|found| found.packages.contains(&file.module)).collect();
        let is_built = !built_into.is_empty();
        let any = |is: fn(&Standing<'_>) -> bool| built_into.iter().any(|found| is(found));
        let is_out = match is_built {
            true => !any(|found| found.is_traced) && !libraries.contains(&file.source.unit),
            false => is_for_tests_alone(&file.module, &mains) || helping.contains(&file.module),
        };
        if is_out || is_support(&file.source.path) || serves_tests(program, at) {
            out.files.insert(file.source.path);
        } else if is_built && !any(|found| found.begins) {
            out.idle.insert(file.source.path);
        }
        if is_built && !any(|found| found.joins) {
            out.alone.insert(file.source.path);
        }
        if is_built && !any(|found| found.joins_requests) {
            out.without_requests.insert(file.source.path);
        }
    }
    out.standings.libraries = libraries;
    out.set_ups =
        commands.0.iter().filter_map(|(main, packages)| Some((*main, tracing.set_up_in(packages)?))).collect();
    out
}

/// The units most of whose packages no command of the tree is built with, examples and tools aside: what they have is there
/// for other programs, and the few commands beside it do not tell whether these trace.
fn libraries(program: &Program<'_>, commands: &Commands) -> FxHashSet<usize> {
    let files =
        program.files.iter().filter(|file| file.source.facts.package != "main" && !is_support(&file.source.path));
    let packages: FxHashSet<(usize, Ustr)> = files.map(|file| (file.source.unit, file.module)).collect();
    let built = commands.packages(program);
    let mut counts: FxHashMap<usize, (usize, usize)> = FxHashMap::default();
    for (unit, package) in packages {
        let (all, some) = counts.entry(unit).or_default();
        *all += 1;
        *some += usize::from(built.contains(&package));
    }
    counts.into_iter().filter(|(_, (all, built))| built * 2 < *all).map(|(unit, _)| unit).collect()
}

/// Whether a package of which no command is built can be for nothing but tests: Go lets only what lies beside it import an
/// `internal` package, and commands lie there.
fn is_for_tests_alone(package: &str, mains: &[Ustr]) -> bool {
    let Some((beside, _)) = package.split_once("/internal/") else { return false };
    mains.iter().any(|main| lies_in(main, beside))
}

/// The packages that something of the program imports, and nothing but examples and support for tests.
fn imported_by_helpers(program: &Program<'_>) -> FxHashSet<Ustr> {
    let (mut helping, mut others) = (FxHashSet::default(), FxHashSet::default());
    for file in &program.files {
        let is_helper = is_support(&file.source.path) || is_aside(&file.source.path);
        let targets = file.source.facts.imports.iter().map(|import| import.target);
        let targets = targets.filter(|target| *target != file.module);
        if is_helper { helping.extend(targets) } else { others.extend(targets) }
    }
    helping.retain(|package| !others.contains(package));
    helping
}

/// Whether a file imports what only tests use.
fn serves_tests(program: &Program<'_>, file: u32) -> bool {
    let libraries = program.knowledge.libraries().iter().filter(|library| library.tests);
    let modules: Vec<&str> = libraries.flat_map(|library| &library.modules).map(String::as_str).collect();
    let imports = program.files.get(file as usize).map(|file| &file.source.facts.imports);
    imports.into_iter().flatten().any(|import| modules.iter().any(|module| lies_in(&import.target, module)))
}

/// Whether a command may run a function: one in its packages that is not seen to be called from outside of them alone.
pub(super) fn may_run(program: &Program<'_>, packages: &FxHashSet<Ustr>, function: FuncRef) -> bool {
    let inside = |function: FuncRef| {
        program.files.get(function.file as usize).is_some_and(|file| packages.contains(&file.module))
    };
    let mut seen = FxHashSet::default();
    let mut work = vec![program.outermost(function)];
    while let Some(at) = work.pop() {
        if !inside(at) || !seen.insert(at) {
            continue;
        }
        let callers = program.callers(at);
        // Load-time code, `main`, and what only values or libraries call.
        if at.id == FunctionId(0) || callers.is_empty() {
            return true;
        }
        work.extend(callers.iter().map(|call| program.outermost(program.function_at(*call))));
    }
    false
}
