//! Which Go commands a file is built into, and whether any of them is traced.

use super::aside::{is_aside, is_stand_in, is_support};
use crate::ir::{FunctionId, Language};
use crate::knowledge::{FunctionDescription, Setting, TypeRole};
use crate::link::{FuncRef, Program, ValueRef};
use crate::services::stacks;
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

/// The files in which no trace can be: those that are there for tests and load, and those of which every command that
/// they are built into does without tracing, whatever the other commands of their module do.
pub(super) fn untraced_files(program: &Program<'_>, commands: &Commands) -> FxHashSet<Ustr> {
    match program.language {
        Language::Go => {}
        Language::Java => {
            let paths = program.files.iter().map(|file| file.source.path);
            return paths.filter(|path| is_support(path) || is_stand_in(path)).collect();
        }
        Language::Python => return FxHashSet::default(),
    }
    let traced = Traced::new(program, commands);
    let mains: Vec<Ustr> = commands.0.iter().map(|(main, _)| *main).collect();
    let commands: Vec<(&FxHashSet<Ustr>, bool)> =
        commands.0.iter().map(|(main, packages)| (packages, traced.is_traced(*main, packages))).collect();
    let in_untraced = |package: &Ustr| {
        let mut built_into = commands.iter().filter(|(packages, _)| packages.contains(package)).peekable();
        match built_into.peek() {
            Some(_) => built_into.all(|(_, traced)| !traced),
            None => is_for_tests_alone(package, &mains),
        }
    };
    let files = (0u32..).zip(&program.files);
    let out = files
        .filter(|(at, file)| is_support(&file.source.path) || serves_tests(program, *at) || in_untraced(&file.module));
    out.map(|(_, file)| file.source.path).collect()
}

/// Whether a package of which no command is built can be for nothing but tests: Go lets only what lies beside it import an
/// `internal` package, and commands lie there.
fn is_for_tests_alone(package: &str, mains: &[Ustr]) -> bool {
    let Some((beside, _)) = package.split_once("/internal/") else { return false };
    mains.iter().any(|main| lies_in(main, beside))
}

/// What tells whether a command is traced.
struct Traced {
    /// The packages that do anything about tracing.
    acting: FxHashSet<Ustr>,
    /// The packages that set tracing up, or may.
    setting_up: FxHashSet<Ustr>,
    /// The unit of each package.
    units: FxHashMap<Ustr, usize>,
    /// The units of which some command is seen to set tracing up.
    set_up: FxHashSet<usize>,
}

impl Traced {
    fn new(program: &Program<'_>, commands: &Commands) -> Self {
        let setting_up = setting_packages(program);
        let units: FxHashMap<Ustr, usize> = program.files.iter().map(|file| (file.module, file.source.unit)).collect();
        let sets = |packages: &FxHashSet<Ustr>| packages.iter().any(|package| setting_up.contains(package));
        let of = commands.0.iter().filter(|(_, packages)| sets(packages)).filter_map(|(main, _)| units.get(main));
        let set_up = of.copied().collect();
        Self { acting: tracing_packages(program), setting_up, units, set_up }
    }

    /// Whether a command is traced. Where others of its unit set tracing up, one that does not starts spans in vain.
    fn is_traced(&self, main: Ustr, packages: &FxHashSet<Ustr>) -> bool {
        let is_set_up_elsewhere = self.units.get(&main).is_some_and(|unit| self.set_up.contains(unit));
        let needed = if is_set_up_elsewhere { &self.setting_up } else { &self.acting };
        packages.iter().any(|package| needed.contains(package))
    }
}

/// Starts of the names of functions that set something up.
const SETTERS: &[&str] =
    &["init", "setup", "start", "new", "configure", "config", "register", "install", "enable", "set", "must", "run"];

/// Parts of the paths of packages that set tracing up, whoever wrote them.
const TRACERS: &[&str] = &["trac", "otel", "telemetr", "observ", "apm", "o11y", "jaeger"];

/// The packages that set tracing up for their process, or may do so through a package that no description tells of.
fn setting_packages(program: &Program<'_>) -> FxHashSet<Ustr> {
    let described = |path: &str| {
        program.knowledge.libraries().iter().flat_map(|library| &library.modules).any(|module| lies_in(path, module))
    };
    let own: FxHashSet<Ustr> = program.files.iter().map(|file| file.module).collect();
    let sets = |at: u32, file: &crate::link::FileUnit<'_>| {
        // Of a file that is not parsed, the imports are known alone.
        let imports = file.source.facts.imports.iter().filter(|_| file.source.facts.exprs.is_empty());
        let mut strange = imports.filter(|import| names_tracer(&import.target));
        strange.any(|import| !own.contains(&import.target) && !described(&import.target))
            || file.flow.calls.iter().any(|site| {
                let callee = program.callee(ValueRef { file: at, expr: site.expr });
                callee.functions.is_empty()
                    && callee.name.is_some_and(|name| match program.described(name) {
                        Some((_, effect)) => sets_up(effect),
                        None => may_set_up(&name),
                    })
            })
    };
    let files = (0u32..).zip(&program.files);
    files.filter(|(at, file)| sets(*at, file)).map(|(_, file)| file.module).collect()
}

fn sets_up(effect: &FunctionDescription) -> bool {
    matches!(effect.sets, Some(Setting::TracerProvider | Setting::Everything))
        || effect.makes == Some(TypeRole::Provider)
        || !effect.switches_on.is_empty()
}

/// Whether a function that no description has may set tracing up, by its package and its own name.
fn may_set_up(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let Some((package, name)) = lower.rsplit_once('.') else { return false };
    // What starts or fills a span sets nothing up, nor do messages and flags.
    let is_other = name.contains("span") || package.ends_with(".span") || package.contains("/proto/");
    names_tracer(package) && !is_other && !name.contains("flag") && SETTERS.iter().any(|start| name.starts_with(start))
}

/// Whether a package's path speaks of tracing; those of the standard library, which begin with no domain, set nothing up.
fn names_tracer(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    path.split('/').next().is_some_and(|start| start.contains('.')) && TRACERS.iter().any(|part| path.contains(part))
}

/// Whether a file imports what only tests use.
fn serves_tests(program: &Program<'_>, file: u32) -> bool {
    let libraries = program.knowledge.libraries().iter().filter(|library| library.tests);
    let modules: Vec<&str> = libraries.flat_map(|library| &library.modules).map(String::as_str).collect();
    let imports = program.files.get(file as usize).map(|file| &file.source.facts.imports);
    imports.into_iter().flatten().any(|import| modules.iter().any(|module| lies_in(&import.target, module)))
}

/// Whether a package is this one or lies below it.
fn lies_in(package: &str, module: &str) -> bool {
    package.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The packages that do anything about tracing: they call what sets it up, starts spans, instruments, injects or extracts,
/// or what no description tells of a stack. Types and ids alone are read by loggers too.
fn tracing_packages(program: &Program<'_>) -> FxHashSet<Ustr> {
    let pages = stacks().iter().filter(|page| page.languages.contains(&program.language));
    let stacks: Vec<&str> = pages.flat_map(|page| &page.imports).map(String::as_str).collect();
    let is_stack = |name: &str| stacks.iter().any(|stack| is_named_in(name, stack));
    let traces = |at: u32, file: &crate::link::FileUnit<'_>| {
        file.flow.calls.iter().any(|site| {
            let Some(name) = program.callee(ValueRef { file: at, expr: site.expr }).name else { return false };
            program.described(name).map_or_else(|| is_stack(&name), |(_, effect)| acts(program, effect))
        })
    };
    let files = (0u32..).zip(&program.files);
    files.filter(|(at, file)| traces(*at, file)).map(|(_, file)| file.module).collect()
}

/// Whether a qualified name is one of a package or of those below it.
fn is_named_in(name: &str, package: &str) -> bool {
    name.strip_prefix(package).is_some_and(|rest| rest.starts_with(['.', '/']))
}

fn acts(program: &Program<'_>, effect: &FunctionDescription) -> bool {
    let role = |ty: &Ustr| program.knowledge.ty(*ty).map(|(_, ty)| ty.role);
    let hands_out = |ty: &Ustr| matches!(role(ty), Some(TypeRole::Tracer | TypeRole::Provider | TypeRole::Propagator));
    effect.returns.iter().any(hands_out)
        || matches!(effect.sets, Some(Setting::TracerProvider | Setting::Everything))
        || !effect.switches_on.is_empty()
        || effect.instruments.is_some()
        || effect.span.is_some()
        || effect.inject.is_some()
        || effect.extract.is_some()
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
