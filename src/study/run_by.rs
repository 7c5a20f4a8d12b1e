//! Which Go commands of the tree run a function, and how they stand to traces.
//!
//! Commands that share a package run different functions of it: one serves and is traced, another one beside it is not.
//! What leads to a function from a command is followed within the packages that the command is built of. A function that
//! nothing is seen to run, or that something may run which is not seen, is run by all commands with its package. Files whose
//! bodies were left out import nothing by which a trace travels, so they hand none to what they call.

use super::Study;
use super::binary::Commands;
use crate::ir::{ExprId, ExprKind, FunctionId, Language};
use crate::link::{FuncRef, ValueRef};
use rustc_hash::{FxHashMap, FxHashSet};
use ustr::Ustr;

/// Most commands that are told apart: one bit each.
const MAX_COMMANDS: usize = 64;

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
        if self.language() != Language::Go || !(2..=MAX_COMMANDS).contains(&count) {
            return false;
        }
        let those = those(standings);
        let file = function.file as usize;
        let built = self.built_into.get_or_init(|| built_into(self, &self.commands)).get(file).copied().unwrap_or(0);
        if built & those == 0 || built & !those == 0 || standings.libraries.contains(&self.unit_of(function.file)) {
            return false;
        }
        let Some(at) = self.reach.graph.number(function) else { return false };
        let runs = self.run_by.get_or_init(|| run_by(self)).get(at).copied().unwrap_or(0);
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

/// The commands that run each function, by its number: they spread from where a command begins, and from what may be run out
/// of sight. In files whose commands all stand alike, each function counts as run by all of these.
fn run_by(study: &Study<'_>) -> Vec<Set> {
    let graph = &study.reach.graph;
    let built = study.built_into.get_or_init(|| built_into(study, &study.commands));
    let of_file = |file: u32| built.get(file as usize).copied().unwrap_or(0);
    let standings = &study.untraced.standings;
    let kinds = [standings.traced, standings.begin, standings.join, standings.join_requests];
    let is_mixed = |set: &Set| kinds.iter().any(|kind| set & kind != 0 && set & !kind != 0);
    let mixed: Vec<bool> = built.iter().map(is_mixed).collect();
    let is_mixed = |file: u32| mixed.get(file as usize).copied().unwrap_or(false);
    let asked = graph.functions().iter().filter(|function| is_mixed(function.file));
    let wanted: FxHashSet<Ustr> = asked.map(|function| study.program.function(*function).name).collect();
    let named = named_as_values(study, &wanted);
    let next = |at: usize| graph.all_next(at).chain(named.get(&at).into_iter().flatten().copied());
    let mut led_to = vec![false; graph.functions().len()];
    (0..led_to.len()).for_each(|at| next(at).for_each(|to| led_to[to] = true));
    let loose = loose_names(study, &wanted);
    let begin = |(at, function): (usize, &FuncRef)| {
        let set = of_file(function.file);
        if set == 0 || !is_mixed(function.file) {
            return set;
        }
        let decl = study.program.function(*function);
        let is_start = function.id == FunctionId(0) || matches!(decl.name.as_str(), "main" | "init");
        let is_open = is_start || !led_to[at] || loose.contains(&decl.name);
        if is_open { set } else { 0 }
    };
    let mut out: Vec<Set> = graph.functions().iter().enumerate().map(begin).collect();
    let mut work: Vec<usize> = (0..out.len()).filter(|at| out[*at] != 0).collect();
    while let Some(at) = work.pop() {
        for to in next(at) {
            let more = out[at] & of_file(graph.functions()[to].file) & !out[to];
            if more != 0 {
                out[to] |= more;
                work.push(to);
            }
        }
    }
    out
}

/// The numbers of the functions of certain names that others, by their numbers, name as values:
/// `mux.HandleFunc("/", list)`.
fn named_as_values(study: &Study<'_>, wanted: &FxHashSet<Ustr>) -> FxHashMap<usize, Vec<usize>> {
    let (program, graph) = (study.program, &study.reach.graph);
    let mut out: FxHashMap<usize, Vec<usize>> = FxHashMap::default();
    for (file, unit) in (0u32..).zip(&program.files) {
        for (at, expr) in (0u32..).zip(&unit.source.facts.exprs) {
            let value = ValueRef { file, expr: ExprId(at) };
            if !matches!(&expr.kind, ExprKind::Name(name) if wanted.contains(name)) || unit.flow.is_local(value.expr) {
                continue;
            }
            let named = program.qualify(value).map(|name| program.named_functions(name)).unwrap_or_default();
            if let Some(from) = graph.number(program.function_at(value)).filter(|_| !named.is_empty()) {
                out.entry(from).or_default().extend(named.into_iter().filter_map(|to| graph.number(to)));
            }
        }
    }
    out
}

/// Those of certain names of methods that are called or handed around where it is not seen whose they are, or that
/// libraries call.
fn loose_names(study: &Study<'_>, wanted: &FxHashSet<Ustr>) -> FxHashSet<Ustr> {
    let program = study.program;
    let types = program.knowledge.libraries().iter().flat_map(|library| &library.types);
    let called = types.flat_map(|ty| ty.entry_methods.iter().chain(&ty.root_methods));
    let mut out: FxHashSet<Ustr> = called.filter(|name| wanted.contains(name)).copied().collect();
    for (file, unit) in (0u32..).zip(&program.files) {
        for (at, expr) in (0u32..).zip(&unit.source.facts.exprs) {
            let ExprKind::Member { base, name, .. } = &expr.kind else { continue };
            if !wanted.contains(name) || out.contains(name) || program.methods_named(*name).is_empty() {
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
