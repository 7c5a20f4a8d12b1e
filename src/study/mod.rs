//! What the rules ask: the linked program of one language, the effects of its calls, and what each unit's stack covers.

mod binary;
mod by_name;
mod command_line;
mod context;
mod evidence;
mod foreign;
mod kept;
mod lit;
mod near;
mod packages;
mod part_of;
mod programs;
mod reach;
mod recorded;
mod remote;
mod run_by;
mod set_up;
mod stubs;
mod summary;
mod tasks;
mod text;
mod told;
mod tracing;
mod unit;
mod unmade;
mod unused;

pub use crate::aside::is_aside;
pub use context::ContextParam;
pub use evidence::code_evidence;
pub use reach::{
    Inbound, annotation_role, described_annotation, finds_beans, functions_of, handling, is_given_plain_executors,
    is_remote_shape, remote_methods,
};
pub use stubs::{stub_named, stub_of};
pub use summary::Summary;
pub use tasks::runs_only_in_workers;
pub use unit::{Coverage, UnitView, minor};
pub use unmade::is_asked_for;

use crate::ir::{FunctionId, Language};
use crate::knowledge::{FunctionDescription, LibraryDescription, Slot};
use crate::link::flow::CallSite;
use crate::link::{DescribedCall, FuncRef, Program, ValueRef};
use crate::services::Environments;
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::{OnceCell, RefCell};
use ustr::Ustr;

/// A call of a described library function.
#[derive(Debug, Clone, Copy)]
pub struct CallFact<'a> {
    /// The call, object creation or composite.
    pub call: ValueRef,
    /// The function it stands in (a closure counts as itself).
    pub function: FuncRef,
    /// The library.
    pub library: &'a LibraryDescription,
    /// What the library's description says of it.
    pub effect: &'a FunctionDescription,
    /// How it is run.
    pub site: CallSite,
}

/// Everything that rules read about the files of one language.
#[allow(missing_debug_implementations, reason = "holds a function")]
pub struct Study<'a> {
    /// The linked program.
    pub program: &'a Program<'a>,
    /// The workspace's units (of all languages), by the index that files carry.
    pub units: &'a [UnitView],
    /// What the processes of each unit are given.
    pub environments: &'a Environments,
    facts: Vec<CallFact<'a>>,
    by_call: FxHashMap<ValueRef, usize>,
    by_function: FxHashMap<FuncRef, Vec<usize>>,
    by_unit: FxHashMap<usize, Vec<usize>>,
    of_units: RefCell<FxHashMap<(&'static str, usize), bool>>,
    nested: FxHashMap<FuncRef, Vec<FuncRef>>,
    /// The functions that others name, with those that do (Java).
    namers: FxHashMap<FuncRef, Vec<FuncRef>>,
    /// The packages of clients that are not described, of which some are made with instrumentation (Go).
    traced_foreigners: FxHashSet<Ustr>,
    summaries: FxHashMap<FuncRef, Summary>,
    reach: reach::Reach,
    /// The functions that work leads to which may bring a trace, once it is known which does not (Go).
    lit: OnceCell<FxHashSet<FuncRef>>,
    untraced: binary::Untraced,
    /// The commands that each Go file is built into, and that run each function; found where it is asked for.
    built_into: OnceCell<Vec<u64>>,
    run_by: OnceCell<Vec<u64>>,
    /// The main packages of the Go commands that lead to what sets tracing up; found where it is asked for.
    with_set_up: OnceCell<FxHashSet<Ustr>>,
    operators: FxHashSet<u32>,
    built: FxHashSet<Ustr>,
    /// The Go files that lie aside by the name of a folder alone: services are built with them.
    parts: FxHashSet<Ustr>,
    commands: binary::Commands,
    /// The files that only what is run by hand leads to.
    beside: FxHashSet<u32>,
    links: OnceCell<FxHashSet<(usize, usize)>>,
    /// The Go units that are programs, by their index.
    programs: FxHashSet<usize>,
    handed_around: OnceCell<FxHashSet<Ustr>>,
    served: OnceCell<FxHashMap<String, bool>>,
    source: &'a dyn Fn(Ustr) -> Option<String>,
    /// The source files that are left out, as they are too large or could not be read.
    pub unread: Vec<Ustr>,
}

impl<'a> Study<'a> {
    /// Studies a program. `source` reads a file's text again, for the words of a message.
    pub fn new(
        program: &'a Program<'a>,
        units: &'a [UnitView],
        environments: &'a Environments,
        source: &'a dyn Fn(Ustr) -> Option<String>,
    ) -> Self {
        let mut study = Self {
            program,
            units,
            environments,
            facts: Vec::new(),
            by_call: FxHashMap::default(),
            by_function: FxHashMap::default(),
            by_unit: FxHashMap::default(),
            of_units: RefCell::default(),
            nested: FxHashMap::default(),
            namers: FxHashMap::default(),
            traced_foreigners: FxHashSet::default(),
            summaries: FxHashMap::default(),
            reach: reach::Reach::default(),
            lit: OnceCell::new(),
            untraced: binary::Untraced::default(),
            built_into: OnceCell::new(),
            run_by: OnceCell::new(),
            with_set_up: OnceCell::new(),
            operators: reach::operators(program),
            built: FxHashSet::default(),
            parts: FxHashSet::default(),
            commands: binary::Commands::new(program),
            beside: FxHashSet::default(),
            links: OnceCell::new(),
            programs: unused::programs(program, units),
            handed_around: OnceCell::new(),
            served: OnceCell::new(),
            source,
            unread: Vec::new(),
        };
        study.built = study.commands.packages(program);
        study.parts = binary::parts(program, &study.built);
        study.untraced = binary::untraced(program, units, &study.commands, source);
        study.untraced.files.extend(unused::unimported_files(program, units));
        study.index();
        study.namers = remote::namers(&study);
        study.traced_foreigners = foreign::traced(&study);
        study.summaries = summary::summaries(&study);
        study.reach = reach::reach(&study);
        let programs = programs::Programs::new(&study);
        study.untraced.files.extend(programs.untraced);
        study.beside = programs.beside;
        study
    }

    fn index(&mut self) {
        let program = self.program;
        for (n, found) in program.described_calls().iter().enumerate() {
            let DescribedCall { call, site, library, effect } = *found;
            let function = FuncRef { file: call.file, id: site.function };
            self.facts.push(CallFact { call, function, library, effect, site });
            self.by_call.insert(call, n);
            self.by_function.entry(function).or_default().push(n);
            self.by_unit.entry(program.files[call.file as usize].source.unit).or_default().push(n);
        }
        for (at, file) in program.files.iter().enumerate() {
            let at = at as u32;
            for (id, function) in file.source.facts.functions.iter().enumerate() {
                if let Some(parent) = function.parent.filter(|parent| parent.0 != 0) {
                    let child = FuncRef { file: at, id: FunctionId(id as u32) };
                    self.nested.entry(FuncRef { file: at, id: parent }).or_default().push(child);
                }
            }
        }
    }

    /// All described calls, in file order.
    pub fn calls(&self) -> &[CallFact<'a>] {
        &self.facts
    }

    /// The described calls of a unit, by its index, in file order.
    pub fn calls_of_unit(&self, unit: usize) -> impl Iterator<Item = &CallFact<'a>> {
        self.by_unit.get(&unit).into_iter().flatten().map(|at| &self.facts[*at])
    }

    /// The answer to a question about a whole unit, found once: it is asked for every call of the unit. `question` names
    /// it apart from all others.
    pub fn of_unit(&self, question: &'static str, unit: usize, answer: impl FnOnce() -> bool) -> bool {
        if let Some(known) = self.of_units.borrow().get(&(question, unit)) {
            return *known;
        }
        let found = answer();
        self.of_units.borrow_mut().insert((question, unit), found);
        found
    }

    /// The functions of a unit, by its index, in file order.
    pub fn functions_of_unit(&self, unit: usize) -> impl Iterator<Item = FuncRef> {
        let files = (0u32..).zip(&self.program.files).filter(move |(_, file)| file.source.unit == unit);
        files.flat_map(|(file, unit)| {
            (0..unit.source.facts.functions.len()).map(move |id| FuncRef { file, id: FunctionId(id as u32) })
        })
    }

    /// What is known of one call.
    pub fn fact(&self, call: ValueRef) -> Option<&CallFact<'a>> {
        self.by_call.get(&call).map(|at| &self.facts[*at])
    }

    /// The described calls of a function, without its closures.
    pub fn calls_in(&self, function: FuncRef) -> impl Iterator<Item = &CallFact<'a>> {
        self.by_function.get(&function).into_iter().flatten().map(|at| &self.facts[*at])
    }

    /// A function and everything written inside it.
    pub fn with_nested(&self, function: FuncRef) -> Vec<FuncRef> {
        let mut out = vec![function];
        let mut at = 0;
        while let Some(current) = out.get(at) {
            let inner = self.nested.get(current).cloned().unwrap_or_default();
            out.extend(inner);
            at += 1;
        }
        out
    }

    /// What a function does, itself and through the service's own functions that it calls.
    pub fn summary(&self, function: FuncRef) -> Summary {
        self.summaries.get(&function).copied().unwrap_or_default()
    }

    /// What a call does: by its description, or by the summaries of the service's functions that it may run.
    pub fn effect_of(&self, call: ValueRef) -> Summary {
        let mut out = self.fact(call).map(|fact| summary::of_effect(fact.effect)).unwrap_or_default();
        for function in &self.program.callee(call).functions {
            out |= self.summary(*function);
        }
        out
    }

    /// What the library call itself does; nothing for a call of the service's own functions.
    pub fn own_effect(&self, call: ValueRef) -> Summary {
        self.fact(call).map(|fact| summary::of_effect(fact.effect)).unwrap_or_default()
    }

    /// The language of the program.
    pub fn language(&self) -> Language {
        self.program.language
    }

    /// The values in a slot of a call, the positional and the keyword form both.
    pub fn slot(&self, call: ValueRef, slot: Slot) -> Vec<ValueRef> {
        self.program.slot(call, slot).to_vec()
    }
}
