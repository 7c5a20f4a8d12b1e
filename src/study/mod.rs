//! What the rules ask: the linked program of one language, the effects of its calls, and what each unit's stack covers.

mod aside;
mod binary;
mod by_name;
mod evidence;
mod programs;
mod reach;
mod stubs;
mod summary;
mod tasks;
mod text;
mod tracing;
mod unit;
mod unused;

pub use aside::is_aside;
pub use evidence::code_evidence;
pub use reach::{
    Inbound, annotation_role, described_annotation, finds_beans, functions_of, handling, is_given_plain_executors,
};
pub use stubs::{stub_named, stub_of};
pub use summary::Summary;
pub use unit::{Coverage, UnitView, minor};

use crate::finding::{Confidence, Finding, Place, Related};
use crate::ir::{ExprKind, FunctionId, Language};
use crate::knowledge::{FunctionDescription, LibraryDescription, Slot, TypeRole};
use crate::link::flow::CallSite;
use crate::link::{DescribedCall, FuncRef, Program, ValueRef};
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
    facts: Vec<CallFact<'a>>,
    by_call: FxHashMap<ValueRef, usize>,
    by_function: FxHashMap<FuncRef, Vec<usize>>,
    by_unit: FxHashMap<usize, Vec<usize>>,
    of_units: RefCell<FxHashMap<(&'static str, usize), bool>>,
    nested: FxHashMap<FuncRef, Vec<FuncRef>>,
    summaries: FxHashMap<FuncRef, Summary>,
    reach: reach::Reach,
    /// The functions that work leads to which may bring a trace, once it is known which does not (Go).
    lit: OnceCell<FxHashSet<FuncRef>>,
    untraced: binary::Untraced,
    operators: FxHashSet<u32>,
    built: FxHashSet<Ustr>,
    commands: binary::Commands,
    /// The files that only what is run by hand leads to.
    beside: FxHashSet<u32>,
    links: OnceCell<FxHashSet<(usize, usize)>>,
    /// The Go units that are programs, by their index.
    programs: FxHashSet<usize>,
    handed_around: OnceCell<FxHashSet<Ustr>>,
    served: OnceCell<FxHashSet<String>>,
    source: &'a dyn Fn(Ustr) -> Option<String>,
}

/// Names by which functions say that they begin or end something that outlives a request.
const LIFETIME: &[&str] = &[
    "new",
    "start",
    "run",
    "open",
    "init",
    "connect",
    "serve",
    "close",
    "stop",
    "shutdown",
    "cleanup",
    "flush",
    "setup",
    "teardown",
    "register",
    "watch",
    "background",
    "loop",
    "migrate",
    "bootstrap",
    "main",
    "must",
    "with",
    "dial",
];

impl<'a> Study<'a> {
    /// Studies a program. `source` reads a file's text again, for the words of a message.
    pub fn new(program: &'a Program<'a>, units: &'a [UnitView], source: &'a dyn Fn(Ustr) -> Option<String>) -> Self {
        let mut study = Self {
            program,
            units,
            facts: Vec::new(),
            by_call: FxHashMap::default(),
            by_function: FxHashMap::default(),
            by_unit: FxHashMap::default(),
            of_units: RefCell::default(),
            nested: FxHashMap::default(),
            summaries: FxHashMap::default(),
            reach: reach::Reach::default(),
            lit: OnceCell::new(),
            untraced: binary::Untraced::default(),
            operators: reach::operators(program),
            built: FxHashSet::default(),
            commands: binary::Commands::new(program),
            beside: FxHashSet::default(),
            links: OnceCell::new(),
            programs: unused::programs(program, units),
            handed_around: OnceCell::new(),
            served: OnceCell::new(),
            source,
        };
        study.untraced = binary::untraced(program, units, &study.commands);
        study.untraced.files.extend(unused::unimported_files(program, units));
        study.built = study.commands.packages(program);
        study.index();
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

    /// Whether a function runs under a trace that came in, and how that is known.
    pub fn inbound(&self, function: FuncRef) -> Inbound {
        self.reach.inbound.get(&function).copied().unwrap_or(Inbound::Unknown)
    }

    /// Whether a Go function starts spans, or is run by one that does, or by what somebody who is not seen hands a request or
    /// a message to, in a command that takes up traces.
    pub fn is_under_span(&self, function: FuncRef) -> bool {
        self.reach.under_spans.contains(&function)
            || (self.reach.waiting.contains(&function) && self.may_join(function))
    }

    /// Takes note of how the functions that take requests stand to the traces of whoever asks (Go). Nothing reads them in
    /// front of the dark ones, something does in front of the bright ones; of the others the command decides: where nothing
    /// in it takes up traces, they have none. They, and what they alone lead to, have none but that of their own spans. To be
    /// told once, before anything is asked of it.
    pub fn light(&self, dark: &FxHashSet<FuncRef>, bright: &FxHashSet<FuncRef>) {
        if self.language() != Language::Go {
            return;
        }
        // What comes in at another command, which nothing traces, brings none either.
        let is_traced = |function: &FuncRef| {
            let path = self.program.files.get(function.file as usize).map(|file| file.source.path);
            path.is_some_and(|path| !self.is_out_of_traces(path)) && !self.is_idle(function.file)
        };
        let is_lit =
            |function: &FuncRef| bright.contains(function) || (!dark.contains(function) && self.may_join(*function));
        let entries = self.reach.inbound.iter().filter(|(_, inbound)| matches!(inbound, Inbound::Entry(_)));
        let entries = entries.map(|(function, _)| *function);
        // What is taken for an entry by its parameters alone is as lit as those who call it, where all of them are seen.
        let is_helper = |function: &FuncRef| {
            !bright.contains(function) && (self.is_called_alone(*function) || self.is_generated_handler(*function))
        };
        let lit = entries.filter(|function| is_lit(function) && is_traced(function) && !is_helper(function));
        let mut lit = self.reach.graph.reached(lit);
        lit.retain(|function| !self.reach.unset.contains(function));
        let _ = self.lit.set(lit);
    }

    /// Whether a Go function is generated to stand in front of the methods of a remote service: these are known by where they
    /// are registered.
    fn is_generated_handler(&self, function: FuncRef) -> bool {
        let decl = self.program.function(function);
        let is_generated =
            self.program.files.get(function.file as usize).is_some_and(|file| file.source.facts.generated);
        is_generated && decl.flags.is_private && !decl.flags.is_closure
    }

    /// Whether a Go function is there for the code of its package alone, which calls it and hands it to nobody.
    fn is_called_alone(&self, function: FuncRef) -> bool {
        let decl = self.program.function(function);
        let names = || self.handed_around.get_or_init(|| unused::names_handed_around(self.program));
        decl.flags.is_private
            && !decl.flags.is_closure
            && !self.program.callers(function).is_empty()
            && !names().contains(&decl.name)
    }

    /// Whether work that comes in with a trace may lead to a function, or it runs under a span of the program's own.
    pub fn is_lit(&self, function: FuncRef) -> bool {
        self.lit.get().is_none_or(|lit| lit.contains(&function)) || self.reach.under_spans.contains(&function)
    }

    /// Whether whoever calls a Go function that takes a context may bring a trace in it: it, or what leads to it, takes one
    /// from somebody who is not seen, in a command that takes up traces.
    pub fn may_be_given_trace(&self, function: FuncRef) -> bool {
        self.reach.given.contains(&function) && !self.is_alone(function.file)
    }

    /// Whether a command that a function is built into may take up the traces of those who ask for it: of HTTP requests, if
    /// it takes one.
    fn may_join(&self, function: FuncRef) -> bool {
        let path = self.program.files.get(function.file as usize).map(|file| file.source.path);
        let is_without = || path.is_some_and(|path| self.untraced.without_requests.contains(&path));
        !(self.is_alone(function.file) || self.takes_http(function) && is_without())
    }

    /// Whether a function takes an HTTP request: a library's request that is none of a library with stubs.
    fn takes_http(&self, function: FuncRef) -> bool {
        let types = (0..self.program.function(function).params.len() as u16)
            .filter_map(|n| self.program.param_type(function, n));
        types
            .into_iter()
            .filter_map(|ty| self.program.knowledge.ty(ty))
            .any(|(library, ty)| ty.role == TypeRole::Request && library.stubs.is_none())
    }

    /// Whether all commands that a file is built into take up nobody's trace (Go).
    pub fn is_alone(&self, file: u32) -> bool {
        self.program.files.get(file as usize).is_some_and(|file| self.untraced.alone.contains(&file.source.path))
    }

    /// Whether a Java function runs only on threads of methods that are asynchronous by annotation.
    pub fn is_behind_async(&self, function: FuncRef) -> bool {
        self.reach.behind_async.contains(&function)
    }

    /// Whether a function's work belongs to the process, by its own words (`NewServer`, `startPolling`, `Shutdown`) and by
    /// having no library that calls it for inbound work.
    pub fn outlives_request(&self, function: FuncRef) -> bool {
        let outer = self.program.outermost(function);
        let name = self.program.function(outer).name.to_lowercase();
        // What takes a request serves it, whatever its name (`ServeHTTP`).
        let serves = self.context_param(outer).is_some_and(|param| param.is_request);
        !serves
            && !matches!(self.inbound(outer), Inbound::Entry(_))
            && LIFETIME.iter().any(|word| name.starts_with(word))
    }

    /// Whether no trace can be in a file, whatever traces its unit: it is support for tests, or part of no command that is
    /// traced.
    pub fn is_out_of_traces(&self, path: Ustr) -> bool {
        self.untraced.files.contains(&path)
    }

    /// Whether no trace is ever current in a file, by its number: what it is built into only asks others, and starts no span
    /// nor takes up the traces of those who ask it.
    pub fn is_idle(&self, file: u32) -> bool {
        self.program.files.get(file as usize).is_some_and(|file| self.untraced.idle.contains(&file.source.path))
    }

    /// Whether only examples, benchmarks, scripts and commands lead to a Python file: no request runs what is in it.
    pub fn is_beside_services(&self, file: u32) -> bool {
        self.beside.contains(&file)
    }

    /// Whether a file declares the commands of a command line, or takes up the process's own work.
    pub fn is_for_operator(&self, file: u32) -> bool {
        self.operators.contains(&file)
    }

    /// Whether the command that a file is the main package of may run a function; true for a file of another package.
    pub fn may_run(&self, command: u32, functions: &[FuncRef]) -> bool {
        let main = self.program.files.get(command as usize).filter(|file| file.source.facts.package == "main");
        let Some(packages) = main.and_then(|file| self.commands.of(file.module)) else { return true };
        functions.iter().any(|function| binary::may_run(self.program, packages, *function))
    }

    /// Whether what is in two files can be in one process.
    pub fn can_meet(&self, one: u32, other: u32) -> bool {
        let module = |at: u32| self.program.files.get(at as usize).map(|file| file.module);
        let both = module(one).zip(module(other));
        one == other || both.is_none_or(|(one, other)| self.commands.share(one, other))
    }

    /// The number of the unit that a file belongs to.
    pub fn unit_of(&self, file: u32) -> usize {
        self.program.files.get(file as usize).map_or(0, |file| file.source.unit)
    }

    /// The unit of a file.
    pub fn unit(&self, file: u32) -> &UnitView {
        &self.units[self.unit_of(file)]
    }

    /// A unit and those whose code it imports.
    pub fn with_imported(&self, unit: usize) -> Vec<usize> {
        let links = self.links();
        (0..self.units.len()).filter(|at| *at == unit || links.contains(&(unit, *at))).collect()
    }

    /// A unit and those that share code with it by import, in either direction.
    pub fn units_near(&self, unit: usize) -> Vec<usize> {
        let links = self.links();
        let near = |at: &usize| *at == unit || links.contains(&(*at, unit)) || links.contains(&(unit, *at));
        (0..self.units.len()).filter(near).collect()
    }

    /// Pairs of units of which the first imports from the second.
    fn links(&self) -> &FxHashSet<(usize, usize)> {
        self.links.get_or_init(|| evidence::links(self.program))
    }

    /// Whether spans are started in a Python unit, by its index, or in one that it imports from, whatever exports them: its
    /// work is part of traces within the process, though nothing is seen to carry them from service to service.
    pub fn has_spans_inside(&self, unit: usize) -> bool {
        let starts = |unit: usize| {
            self.of_unit("spans inside", unit, || {
                self.calls_of_unit(unit).any(|fact| fact.effect.span.is_some())
                    || self.functions_of_unit(unit).any(|function| reach::has_span_around(self, function))
            })
        };
        let imported = || self.links().iter().filter(|(from, _)| *from == unit).any(|(_, other)| starts(*other));
        self.language() == Language::Python && (starts(unit) || imported())
    }

    /// Whether a library calls functions of a unit, by its index, for inbound work.
    pub fn serves(&self, unit: usize) -> bool {
        let of_unit = |function: &FuncRef| {
            self.program.files.get(function.file as usize).is_some_and(|file| file.source.unit == unit)
        };
        self.reach.inbound.iter().any(|(function, inbound)| matches!(inbound, Inbound::Entry(_)) && of_unit(function))
    }

    /// The text of a value as written.
    pub fn raw_text(&self, value: ValueRef) -> Option<String> {
        let place = self.program.place(value);
        let text = (self.source)(place.path)?;
        text.get(place.span.start as usize..place.span.end as usize).map(str::to_owned)
    }

    /// The text of a file, read again.
    pub fn file_text(&self, path: Ustr) -> Option<String> {
        (self.source)(path)
    }

    /// Whether a unit, by its index, has code that starts a process.
    pub fn is_program(&self, unit: usize) -> bool {
        let program = self.program;
        let starts = |decl: &crate::ir::Function| decl.name == "main" && (decl.flags.is_static || decl.owner.is_none());
        let mut files = program.files.iter().filter(|file| file.source.unit == unit);
        files.any(|file| file.source.facts.functions.iter().any(starts))
    }

    /// Whether a Go file belongs to a package that is there for other programs: Go lets all import it, it is no part of a command, and no command of
    /// the tree is built with it but examples and tests.
    pub fn is_offered(&self, file: u32) -> bool {
        let Some(unit) = self.program.files.get(file as usize) else { return false };
        let is_hidden = unit.module.split('/').any(|part| matches!(part, "internal" | "cmd"));
        !is_hidden && unit.source.facts.package != "main" && !self.built.contains(&unit.module)
    }

    /// Whether a command of the workspace that is no example or test is built with a Go file.
    pub fn is_built(&self, file: u32) -> bool {
        self.program.files.get(file as usize).is_some_and(|file| self.built.contains(&file.module))
    }

    /// Whether code whose functions are not read, as no trace can pass them, can call a Go function: it names the function's
    /// package and, where the function takes something of a library, that library's.
    pub fn may_be_called_unread(&self, function: FuncRef) -> bool {
        let Some(home) = self.program.files.get(function.file as usize).map(|file| file.module) else { return false };
        let params = (0..self.program.function(function).params.len()).map_while(|n| u16::try_from(n).ok());
        let types = params.filter_map(|n| self.program.param_type(function, n));
        let packages = types.filter_map(|ty| ty.as_str().rsplit_once('.').map(|(package, _)| package));
        let needed: Vec<&str> = packages.filter(|package| self.program.module_unit(package).is_none()).collect();
        let mut unread = self.program.files.iter().filter(|file| tracing::is_unread(file));
        unread.any(|file| {
            let imports = |package: &&str| file.source.facts.imports.iter().any(|import| import.target == *package);
            tracing::reaches(file, home) && needed.iter().all(imports)
        })
    }

    /// Whether a Go workspace has no command but examples: all that it has is there for others.
    pub fn is_all_offered(&self) -> bool {
        self.built.is_empty()
    }

    /// Whether the program serves a remote service itself, by the name of its stubs.
    pub fn serves_calls_of(&self, service: &str) -> bool {
        self.served.get_or_init(|| stubs::served(self)).contains(service)
    }

    /// The names of what the workspace's code is deployed as, in lower case, its units and its Go commands, but for those
    /// that a file is part of.
    pub fn names_of_other_services(&self, file: u32) -> impl Iterator<Item = String> {
        let at = self.program.files.get(file as usize);
        let (unit, module) = at.map_or((usize::MAX, Ustr::default()), |file| (file.source.unit, file.module));
        let units = self.units.iter().enumerate().filter(move |(at, _)| *at != unit);
        let commands = self.commands.without(module).map(|main| main.rsplit('/').next().unwrap_or_default().to_owned());
        units.map(|(_, unit)| unit.name.clone()).chain(commands).map(|name| name.to_ascii_lowercase())
    }

    /// The language of the program.
    pub fn language(&self) -> Language {
        self.program.language
    }

    /// The text of a value as written, on one line, at most 60 characters.
    pub fn text(&self, value: ValueRef) -> String {
        let raw = self.raw_text(value).unwrap_or_default();
        let mut line = raw.split_whitespace().collect::<Vec<_>>().join(" ");
        if line.chars().count() > 60 {
            line = line.chars().take(57).collect::<String>() + "…";
        }
        line
    }

    /// The text of a call's callee as written: `http.Get`, `self.session.post`.
    pub fn callee_text(&self, call: ValueRef) -> String {
        match self.program.expr_kind(call) {
            ExprKind::Call { callee, .. } => self.text(ValueRef { file: call.file, expr: *callee }),
            ExprKind::New { ty, .. } => format!("new {}", ty.name),
            ExprKind::Composite { ty: Some(ty), .. } => format!("{}{{…}}", ty.name),
            ExprKind::Zero(ty) => ty.name.to_string(),
            _ => self.text(call),
        }
    }

    /// The name of the function for people: `Server.Checkout`, `checkout`, or `a function literal in …`.
    pub fn function_name(&self, function: FuncRef) -> String {
        let outer = self.program.outermost(function);
        let decl = self.program.function(outer);
        match (decl.owner_name.as_str(), decl.name.as_str()) {
            ("", "") => "this file's load-time code".to_owned(),
            ("", name) => name.to_owned(),
            (owner, name) => format!("{owner}.{name}"),
        }
    }

    /// The parameter by which a context comes into a function or a function around it: a context or a request.
    pub fn context_param(&self, function: FuncRef) -> Option<ContextParam> {
        let mut at = Some(function.id);
        while let Some(id) = at {
            let current = FuncRef { file: function.file, id };
            let decl = self.program.function(current);
            for (n, param) in decl.params.iter().enumerate() {
                let Some(ty) = self.program.param_type(current, n as u16) else { continue };
                let role = self.program.role(ty);
                if matches!(role, Some(TypeRole::Context | TypeRole::Request))
                    && !param.name.is_empty()
                    && param.name != "_"
                {
                    return Some(ContextParam {
                        function: current,
                        name: param.name,
                        place: self.program.place_of(function.file, param.span),
                        is_request: role == Some(TypeRole::Request),
                        asked_by: self.program.knowledge.ty(ty).map(|(_, ty)| ty.asked_by).unwrap_or_default(),
                    });
                }
            }
            at = decl.parent.filter(|parent| parent.0 != 0);
        }
        None
    }

    /// The values in a slot of a call, the positional and the keyword form both.
    pub fn slot(&self, call: ValueRef, slot: Slot) -> Vec<ValueRef> {
        self.program.slot(call, slot).to_vec()
    }

    /// A finding at a value, with the unit's name and the language filled in.
    pub fn finding(&self, rule: &'static str, value: ValueRef, confidence: Confidence) -> Finding {
        self.finding_at(rule, value.file, self.program.place(value), confidence)
    }

    /// A finding at a place of a file.
    pub fn finding_at(&self, rule: &'static str, file: u32, place: Place, confidence: Confidence) -> Finding {
        Finding {
            service: self.unit(file).name.clone(),
            language: Some(self.language()),
            ..Finding::new(rule, place, confidence)
        }
    }

    /// A related place.
    pub fn related(&self, value: ValueRef, message: impl Into<String>) -> Related {
        Related { place: self.program.place(value), message: message.into() }
    }
}

/// A parameter that brings a context in.
#[derive(Debug, Clone, Copy)]
pub struct ContextParam {
    /// The function that has it: the asked one, or one around it.
    pub function: FuncRef,
    /// Its name.
    pub name: Ustr,
    /// Where it stands.
    pub place: Place,
    /// It is a request, whose context must be asked for.
    pub is_request: bool,
    /// How a request of its type is asked, where that is described.
    asked_by: Ustr,
}

impl ContextParam {
    /// How code says the context that it brings: `ctx`, `r.Context()`, `c.Request.Context()`.
    pub fn context(&self) -> String {
        match (self.is_request, self.asked_by.as_str()) {
            (false, _) => self.name.to_string(),
            (true, "") => format!("{}.Context()", self.name),
            (true, asked) => format!("{}.{asked}", self.name),
        }
    }
}
