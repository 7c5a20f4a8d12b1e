//! Which Go commands of the tree run a function, and how they stand to traces.
//!
//! Commands that share a package run different functions of it: one serves and is traced, another one beside it is not.
//! What leads to a function from a command is followed within the packages that the command is built of. A function that
//! nothing is seen to run, or that something may run which is not seen, is run by all commands with its package.

use super::Study;
use super::binary::Commands;
use super::tracing::is_unread;
use crate::ir::{ExprId, ExprKind, FunctionId, Language};
use crate::link::{FuncRef, ValueRef};
use rustc_hash::{FxHashMap, FxHashSet};
use ustr::Ustr;

/// Most commands that are told apart: one bit each.
const MAX_COMMANDS: usize = 64;
/// Most files whose bodies were left out of which the text is read for names.
const MAX_TEXTS: usize = 2_000;

/// A set of commands, by their places in the list.
type Set = u64;

/// How the commands of a program stand to traces.
#[derive(Debug, Default)]
pub(super) struct Standings {
    /// Those that set tracing up, or may.
    pub traced: Set,
    /// Those in which a trace can become current.
    pub begin: Set,
    /// Those that take up the traces of whoever asks them.
    pub join: Set,
    /// Those that take up the traces of HTTP requests.
    pub join_requests: Set,
    /// The units whose packages are there for other programs: no command says how these stand.
    pub libraries: FxHashSet<usize>,
}

impl Standings {
    /// Takes note of one command by its place in the list.
    pub(super) fn note(&mut self, at: usize, [traced, begins, joins, joins_requests]: [bool; 4]) {
        let bit = |is: bool| if is && at < MAX_COMMANDS { 1 << at } else { 0 };
        self.traced |= bit(traced);
        self.begin |= bit(begins);
        self.join |= bit(joins);
        self.join_requests |= bit(joins_requests);
    }
}

impl Study<'_> {
    /// Whether all commands that run a Go function begin no trace, nor take one up: they only ask others.
    pub fn is_idle(&self, function: FuncRef) -> bool {
        let path = self.program.files.get(function.file as usize).map(|file| file.source.path);
        path.is_some_and(|path| self.untraced.idle.contains(&path)) || self.is_run_without(function, |all| all.begin)
    }

    /// Whether all commands that run a Go function do without tracing, while others of the tree are traced.
    pub fn is_run_by_untraced(&self, function: FuncRef) -> bool {
        self.is_run_without(function, |all| all.traced)
    }

    /// Whether all commands that run a Go function take up nobody's trace; `http`: none of HTTP requests.
    pub(super) fn is_run_alone(&self, function: FuncRef, http: bool) -> bool {
        self.is_run_without(function, |all| if http { all.join_requests } else { all.join })
    }

    fn is_run_without(&self, function: FuncRef, those: impl Fn(&Standings) -> Set) -> bool {
        let standings = &self.untraced.standings;
        let count = self.commands.count();
        if self.language() != Language::Go || count < 2 || count > MAX_COMMANDS {
            return false;
        }
        let those = those(standings);
        let file = function.file as usize;
        let built = self.built_into.get_or_init(|| built_into(self, &self.commands)).get(file).copied().unwrap_or(0);
        if built & those == 0 || built & !those == 0 || standings.libraries.contains(&self.unit_of(function.file)) {
            return false;
        }
        let runs = self.run_by.get_or_init(|| run_by(self)).get(&function).copied().unwrap_or(0);
        runs != 0 && runs & those == 0
    }
}

/// The commands that each file is built into.
fn built_into(study: &Study<'_>, commands: &Commands) -> Vec<Set> {
    let mut of_packages: FxHashMap<Ustr, Set> = FxHashMap::default();
    for (at, packages) in commands.all().take(MAX_COMMANDS).enumerate() {
        packages.iter().for_each(|package| *of_packages.entry(*package).or_default() |= 1 << at);
    }
    study.program.files.iter().map(|file| of_packages.get(&file.module).copied().unwrap_or(0)).collect()
}

/// The commands that run each function: they spread from where a command begins, and from what may be run out of sight.
fn run_by(study: &Study<'_>) -> FxHashMap<FuncRef, Set> {
    let built = study.built_into.get_or_init(|| built_into(study, &study.commands));
    let of_file = |file: u32| built.get(file as usize).copied().unwrap_or(0);
    let mut ways = study.reach.graph.all_ways();
    add_names(study, &mut ways);
    let has_above: FxHashSet<FuncRef> = ways.values().flatten().copied().collect();
    let loose = loose_names(study);
    let read = names_of_unread(study, built);
    let mut out: FxHashMap<FuncRef, Set> = FxHashMap::default();
    let mut work = Vec::new();
    for function in study.program.all_functions() {
        let decl = study.program.function(function);
        let is_start = function.id == FunctionId(0) || matches!(decl.name.as_str(), "main" | "init");
        let is_open = is_start || !has_above.contains(&function) || loose.contains(&decl.name);
        let from_unread = read.get(&decl.name).copied().unwrap_or(0);
        let set = of_file(function.file) & if is_open { Set::MAX } else { from_unread };
        if set != 0 {
            out.insert(function, set);
            work.push(function);
        }
    }
    while let Some(function) = work.pop() {
        let set = out.get(&function).copied().unwrap_or(0);
        for next in ways.get(&function).into_iter().flatten() {
            let (more, known) = (set & of_file(next.file), out.entry(*next).or_insert(0));
            if more & !*known != 0 {
                *known |= more;
                work.push(*next);
            }
        }
    }
    out
}

/// Adds the functions that others name as values: `mux.HandleFunc("/", list)`.
fn add_names(study: &Study<'_>, ways: &mut FxHashMap<FuncRef, Vec<FuncRef>>) {
    let program = study.program;
    for (file, unit) in (0u32..).zip(&program.files) {
        for (at, expr) in (0u32..).zip(&unit.source.facts.exprs) {
            let value = ValueRef { file, expr: ExprId(at) };
            if !matches!(expr.kind, ExprKind::Name(_)) || unit.flow.is_local(value.expr) {
                continue;
            }
            let Some(name) = program.qualify(value) else { continue };
            let named = program.named_functions(name);
            if !named.is_empty() {
                ways.entry(program.function_at(value)).or_default().extend(named);
            }
        }
    }
}

/// The names of methods that are called or handed around where it is not seen whose they are, or that libraries call.
fn loose_names(study: &Study<'_>) -> FxHashSet<Ustr> {
    let program = study.program;
    let types = program.knowledge.libraries().iter().flat_map(|library| &library.types);
    let mut out: FxHashSet<Ustr> =
        types.flat_map(|ty| ty.entry_methods.iter().chain(&ty.root_methods)).copied().collect();
    for (file, unit) in (0u32..).zip(&program.files) {
        for (at, expr) in (0u32..).zip(&unit.source.facts.exprs) {
            let ExprKind::Member { base, name, .. } = &expr.kind else { continue };
            if out.contains(name) || program.methods_named(*name).is_empty() {
                continue;
            }
            let (value, base) = (ValueRef { file, expr: ExprId(at) }, ValueRef { file, expr: *base });
            if program.type_of(base).is_none() && program.qualify(value).is_none() {
                out.insert(*name);
            }
        }
    }
    out
}

/// The names that stand in files whose bodies were left out, with the commands that these are built into.
fn names_of_unread(study: &Study<'_>, built: &[Set]) -> FxHashMap<Ustr, Set> {
    let mut out: FxHashMap<Ustr, Set> = FxHashMap::default();
    let unread = study.program.files.iter().zip(built).filter(|(file, built)| **built != 0 && is_unread(file));
    for (file, built) in unread.take(MAX_TEXTS) {
        let text = study.file_text(file.source.path).unwrap_or_default();
        for word in text.split(|c: char| !c.is_alphanumeric() && c != '_') {
            if let Some(name) = Ustr::from_existing(word) {
                *out.entry(name).or_default() |= built;
            }
        }
    }
    out
}
