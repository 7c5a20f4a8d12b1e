//! Which programs a Python file is part of, by what imports it, and whether any of them is traced.
//!
//! A file that no other one imports is where a program begins, or something that a framework loads by its name. What a
//! file imports is followed along import statements and along texts that name a module (`"shop.urls"`,
//! `"shop.main:app"`), as frameworks are told by them what to load.

use super::unit::UnitView;
use super::{Inbound, Study};
use crate::aside::{is_aside, is_command, is_stand_in, is_support};
use crate::ir::{ExprKind, FileFacts, Language};
use crate::knowledge::{NameOf, TypeRole, loads_modules, speaks_of_tracing};
use crate::link::{FileUnit, Program, ValueRef};
use crate::services::{Mode, stacks};
use rustc_hash::{FxHashMap, FxHashSet};
use ustr::Ustr;

/// Longest text that is taken for the name of a module.
const MAX_NAME: usize = 160;

/// What the import graph of a Python program says.
#[derive(Debug, Default)]
pub(super) struct Programs {
    /// The files that are part of nothing but programs in which no trace is made.
    pub(super) untraced: FxHashSet<Ustr>,
    /// The files that only examples, benchmarks, scripts and commands for operators lead to.
    pub(super) beside: FxHashSet<u32>,
}

impl Programs {
    /// Follows the imports of a Python program; other languages have none of this.
    pub(super) fn new(study: &Study<'_>) -> Self {
        let program = study.program;
        if program.language != Language::Python {
            return Self::default();
        }
        let graph = Graph::new(program);
        let roots = graph.roots();
        let mut untraced = untraced(program, study.units, &graph, &roots);
        let support = program.files.iter().map(|file| file.source.path);
        untraced.extend(support.filter(|path| is_support(path) || is_stand_in(path)));
        Self { untraced, beside: beside(study, &graph, &roots) }
    }
}

/// The files that only what is run by hand leads to. A script may well start a service: what leads to a function that
/// takes requests is part of one, unless it lies among the scripts itself.
fn beside(study: &Study<'_>, graph: &Graph, roots: &[u32]) -> FxHashSet<u32> {
    let is_by_hand = |at: &u32| is_beside(&study.program.files[*at as usize].source.path);
    let entries = study.reach.inbound.iter().filter(|(_, inbound)| matches!(inbound, Inbound::Entry(_)));
    let serving = graph.reached(entries.map(|(function, _)| function.file), &graph.askers);
    let (by_hand, mut others): (Vec<u32>, Vec<u32>) = roots.iter().partition(|at| is_by_hand(at));
    others.extend((0..graph.count()).filter(|at| serving[*at as usize] && !is_by_hand(at)));
    let by_hand = graph.reached(by_hand.into_iter(), &graph.next);
    let others = graph.reached(others.into_iter(), &graph.next);
    (0..graph.count()).filter(|at| by_hand[*at as usize] && !others[*at as usize]).collect()
}

/// Whether a file is run by hand, beside the services.
fn is_beside(path: &str) -> bool {
    is_aside(path) || is_command(path)
}

/// The files that are part of programs in which nothing traces, and of no others.
fn untraced(program: &Program<'_>, units: &[UnitView], graph: &Graph, roots: &[u32]) -> FxHashSet<Ustr> {
    let tracing = tracing_files(program);
    let all = || 0..graph.count();
    let traced = graph.reached(all().filter(|at| tracing.contains(at)), &graph.importers);
    let unit = |at: u32| program.files[at as usize].source.unit;
    // What is no program and sets tracing up may be loaded into any process of its unit.
    let loaded: FxHashSet<usize> = roots
        .iter()
        .filter(|at| tracing.contains(at) && !starts(program, **at))
        .filter(|at| !is_beside(&program.files[**at as usize].source.path))
        .map(|at| unit(*at))
        .collect();
    let is_dark = |at: &u32| {
        let view = units.get(unit(*at));
        !traced[*at as usize]
            && starts(program, *at)
            && !loaded.contains(&unit(*at))
            && view.is_some_and(is_traced_by_code)
    };
    let (dark, open): (Vec<u32>, Vec<u32>) = roots.iter().partition(|at| is_dark(at));
    let dark = graph.reached(dark.into_iter(), &graph.next);
    let open = graph.reached(open.into_iter(), &graph.next);
    let files = all().filter(|at| dark[*at as usize] && !open[*at as usize]);
    files.map(|at| program.files[at as usize].source.path).collect()
}

/// Whether nothing but code traces a unit, so that what does not run that code is not traced.
fn is_traced_by_code(view: &UnitView) -> bool {
    !view.stacks.is_empty()
        && view.stacks.iter().all(|found| found.mode == Mode::Code && !is_of_framework(&found.stack))
}

/// Whether a framework switches a stack on that the settings name: what runs it imports no module of it.
fn is_of_framework(stack: &str) -> bool {
    stacks().iter().any(|page| page.id == stack && !page.listed_as.is_empty())
}

/// The files that import something by which tracing is set up or done, or that load what they do not name.
fn tracing_files(program: &Program<'_>) -> FxHashSet<u32> {
    let pages = stacks().iter().filter(|page| page.languages.contains(&Language::Python));
    let roots: FxHashSet<&str> = pages.flat_map(|page| &page.imports).map(|name| first(name)).collect();
    let counts = |module: &str| {
        let is_known = roots.contains(first(module)) || loads_modules(module);
        is_known || speaks_of_tracing(module, NameOf::PythonModule)
    };
    let imports = |file: &FileUnit<'_>| {
        let imports = &file.source.facts.imports;
        imports.iter().any(|import| counts(&import.module) || counts(&import.target))
    };
    (0u32..).zip(&program.files).filter(|(_, file)| imports(file)).map(|(at, _)| at).collect()
}

fn first(module: &str) -> &str {
    module.split('.').next().unwrap_or(module)
}

/// Whether a file begins a program: it asks whether it is run itself, or makes a server when it is loaded.
fn starts(program: &Program<'_>, at: u32) -> bool {
    let facts = &program.files[at as usize].source.facts;
    asks_for_main(facts) || makes_server(program, at)
}

/// Whether a file compares `__name__` with `"__main__"`.
fn asks_for_main(facts: &FileFacts) -> bool {
    let is = |expr, wanted: &str| match &facts.expr(expr).kind {
        ExprKind::Name(text) | ExprKind::Str(text) => text == wanted,
        _ => false,
    };
    facts.exprs.iter().any(|expr| match &expr.kind {
        ExprKind::Binary { left, right, .. } => is(*left, "__name__") && is(*right, "__main__"),
        _ => false,
    })
}

/// Whether code that runs when the file is loaded makes a server.
fn makes_server(program: &Program<'_>, at: u32) -> bool {
    let calls = program.files[at as usize].flow.calls_of(crate::ir::FunctionId(0));
    calls.into_iter().any(|site| {
        let name = program.callee(ValueRef { file: at, expr: site.expr }).name;
        let effect = name.and_then(|name| program.described(name)).map(|(_, effect)| effect);
        effect.is_some_and(|effect| effect.makes == Some(TypeRole::Server))
    })
}

/// Which files import which, by their numbers.
struct Graph {
    /// What each file loads: what it imports, and the packages around that.
    next: Vec<Vec<u32>>,
    /// The files that load each one.
    importers: Vec<Vec<u32>>,
    /// Those that ask for it itself, not for a part of its package.
    askers: Vec<Vec<u32>>,
}

impl Graph {
    fn new(program: &Program<'_>) -> Self {
        let modules = Modules::new(program);
        let mut next: Vec<Vec<u32>> = Vec::with_capacity(program.files.len());
        let mut importers: Vec<Vec<u32>> = vec![Vec::new(); program.files.len()];
        let mut askers = importers.clone();
        for (at, file) in (0u32..).zip(&program.files) {
            let mut found = modules.imported(file);
            found.asked.into_iter().filter(|other| *other != at).for_each(|other| askers[other as usize].push(at));
            found.all.sort_unstable();
            found.all.dedup();
            found.all.retain(|other| *other != at);
            found.all.iter().for_each(|other| importers[*other as usize].push(at));
            next.push(found.all);
        }
        Self { next, importers, askers }
    }

    fn count(&self) -> u32 {
        self.next.len() as u32
    }

    /// The files that no other one imports, and one of each circle of files that none of these leads to.
    fn roots(&self) -> Vec<u32> {
        let mut out: Vec<u32> = (0..self.count()).filter(|at| self.importers[*at as usize].is_empty()).collect();
        let mut seen = self.reached(out.iter().copied(), &self.next);
        for at in 0..self.count() {
            if !seen[at as usize] {
                out.push(at);
                self.spread(at, &self.next, &mut seen);
            }
        }
        out
    }

    fn reached(&self, from: impl Iterator<Item = u32>, along: &[Vec<u32>]) -> Vec<bool> {
        let mut seen = vec![false; self.next.len()];
        from.for_each(|at| self.spread(at, along, &mut seen));
        seen
    }

    fn spread(&self, from: u32, along: &[Vec<u32>], seen: &mut [bool]) {
        let mut work = vec![from];
        while let Some(at) = work.pop() {
            if !std::mem::replace(&mut seen[at as usize], true) {
                work.extend(along[at as usize].iter().copied().filter(|next| !seen[*next as usize]));
            }
        }
    }
}

/// What a file imports.
#[derive(Default)]
struct Imported {
    /// The files that it names.
    asked: Vec<u32>,
    /// These, and the packages around them.
    all: Vec<u32>,
}

/// The files by the names under which they are imported.
struct Modules<'p> {
    by_name: FxHashMap<&'p str, u32>,
    by_path: FxHashMap<&'p str, u32>,
}

impl<'p> Modules<'p> {
    fn new(program: &'p Program<'_>) -> Self {
        let files = || (0u32..).zip(&program.files);
        Self {
            by_name: files().map(|(at, file)| (file.module.as_str(), at)).collect(),
            by_path: files().map(|(at, file)| (file.source.path.as_str(), at)).collect(),
        }
    }

    /// The files that a file imports or names.
    fn imported(&self, file: &FileUnit<'_>) -> Imported {
        let facts = &file.source.facts;
        let mut out = Imported::default();
        for target in file.scope.targets() {
            self.add(&target, file, &mut out);
        }
        for import in facts.imports.iter().filter(|import| !import.module.starts_with('.')) {
            self.add(&import.module, file, &mut out);
        }
        for expr in &facts.exprs {
            if let ExprKind::Str(text) = &expr.kind
                && let Some(name) = module_named(text)
            {
                self.add(name, file, &mut out);
            }
        }
        out
    }

    /// Adds the files that a dotted name loads: the module, or the one that has it, and the packages around it.
    fn add(&self, name: &str, file: &FileUnit<'_>, out: &mut Imported) {
        let prefixes = name.match_indices('.').map(|(dot, _)| &name[..dot]).chain([name]);
        let found =
            prefixes.filter_map(|prefix| self.by_name.get(prefix).copied().or_else(|| self.beside(prefix, file)));
        let found: Vec<u32> = found.collect();
        out.asked.extend(found.last());
        out.all.extend(found);
    }

    /// The file of a name that is looked for in the folder of the file that imports it, or in one around it, as scripts
    /// are run that way.
    fn beside(&self, name: &str, file: &FileUnit<'_>) -> Option<u32> {
        let name = crate::link::plain(name).replace('.', "/");
        let mut folder = file.source.path.as_str();
        while let Some((outer, _)) = folder.rsplit_once('/') {
            folder = outer;
            let found = ["", "src/"].iter().find_map(|source| {
                let base = format!("{folder}/{source}{name}");
                let at = |path: String| self.by_path.get(path.as_str()).copied();
                at(format!("{base}.py")).or_else(|| at(format!("{base}/__init__.py")))
            });
            if found.is_some() {
                return found;
            }
        }
        self.by_path.get(format!("{name}.py").as_str()).copied()
    }
}

/// The module that a text may name, by which a framework is told what to load: `shop.urls`, `shop.main:app`.
fn module_named(text: &str) -> Option<&str> {
    let name = text.split(':').next().unwrap_or(text);
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let joins = name.contains('.') || name.len() < text.len();
    (text.len() <= MAX_NAME && joins && !name.is_empty() && name.chars().all(is_word)).then_some(name)
}
