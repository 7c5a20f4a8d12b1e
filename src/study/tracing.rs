//! What in a Go program sets tracing up, and by what a trace becomes current in it.

use super::evidence::needs_telling;
use super::packages::{
    is_described, is_named_in, is_of_owner, makes_servers, may_begin, may_hold_beginnings, may_set_up, names_tracer,
    package_of,
};
use super::unit::UnitView;
use crate::ir::{Expr, ExprId, ExprKind, FunctionId};
use crate::knowledge::{
    FunctionDescription, LibraryDescription, Setting, SettingSource, TypeRole, has_part, vocabulary,
};
use crate::link::{FileUnit, FuncRef, Program, ValueRef};
use crate::services::stacks;
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::RefCell;
use ustr::Ustr;

/// Something that is done about tracing, and where.
#[derive(Debug, Clone, Copy)]
struct Act {
    package: Ustr,
    /// The function that does it, if a command has to call that for it to happen; `None` for what is only imported.
    function: Option<FuncRef>,
    /// It is about remote calls, or requests of a framework's own, alone.
    own_calls_alone: bool,
}

impl Act {
    fn new(package: Ustr, function: Option<FuncRef>) -> Self {
        Self { package, function, own_calls_alone: false }
    }
}

/// Most files that were not parsed whose texts are looked at for a name.
const MAX_TEXTS: usize = 2_000;

/// How a method comes to run that nothing is seen to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Methods {
    /// Something that is not seen may call it through an interface, as it does with what serves requests.
    Open,
    /// Something names it, or it does not run: nobody sets tracing up through an interface of others.
    Named,
}

/// What the packages of a program do about tracing.
pub(super) struct Tracing<'p, 'a> {
    program: &'p Program<'a>,
    /// What sets tracing up, or may.
    set_ups: Vec<Act>,
    /// What is about tracing and only helps: it sets nothing up by all that is known.
    helping: Vec<Act>,
    /// Calls of a stack that sets itself up where it is used.
    by_themselves: Vec<Act>,
    /// Calls of the stacks, and of all that works with them.
    acts: Vec<Act>,
    /// That by which a trace becomes current: a span is started, a trace is read, something that takes requests is
    /// instrumented; or it may be, as no description tells.
    beginnings: Vec<Act>,
    /// That by which the traces of those who ask are taken up, or may be, as no description tells.
    joinings: Vec<Act>,
    /// By package: whether its functions of which no description tells may begin a trace.
    holding: FxHashMap<Ustr, bool>,
    /// By what names the packages call or hand around anything; found where it is asked for.
    names: RefCell<FxHashMap<Ustr, FxHashSet<Ustr>>>,
    /// The files of each package.
    files: FxHashMap<Ustr, Vec<u32>>,
    /// Reads the text of a file again.
    source: &'p dyn Fn(Ustr) -> Option<String>,
    /// The texts of files that were not parsed, as far as they were asked for.
    texts: RefCell<FxHashMap<Ustr, Option<String>>>,
}

impl<'p, 'a> Tracing<'p, 'a> {
    /// Reads the calls and imports of a Go program, whose services are `units`. `source` reads the text of a file again.
    pub(super) fn new(
        program: &'p Program<'a>,
        units: &[UnitView],
        source: &'p dyn Fn(Ustr) -> Option<String>,
    ) -> Self {
        let mut out = Self {
            program,
            set_ups: Vec::new(),
            helping: Vec::new(),
            by_themselves: Vec::new(),
            acts: Vec::new(),
            beginnings: Vec::new(),
            joinings: Vec::new(),
            holding: FxHashMap::default(),
            names: RefCell::default(),
            files: FxHashMap::default(),
            source,
            texts: RefCell::default(),
        };
        let pages = || stacks().iter().filter(|page| page.languages.contains(&program.language));
        let used: Vec<&str> = pages().flat_map(|page| &page.imports).map(String::as_str).collect();
        let alone = pages().filter(|page| page.sets_itself_up);
        let alone: Vec<&str> = alone.flat_map(|page| &page.imports).map(String::as_str).collect();
        let is_told = |library: &LibraryDescription, unit: usize| {
            let has_family = || units.get(unit).is_none_or(|unit| unit.has_family(&library.family));
            !needs_telling(program.language, &library.family) || has_family()
        };
        for (at, file) in (0u32..).zip(&program.files) {
            out.files.entry(file.module).or_default().push(at);
        }
        for (at, file) in (0u32..).zip(&program.files) {
            out.read_imports(file);
            for site in &file.flow.calls {
                let call = ValueRef { file: at, expr: site.expr };
                let callee = program.callee(call);
                let made = callee.constructs.and_then(|ty| program.knowledge.ty(ty));
                if made.is_some_and(|(_, ty)| ty.instrumented && is_inbound(ty.role)) {
                    let function = Some(FuncRef { file: at, id: site.function });
                    out.joinings.push(Act::new(file.module, function));
                }
                let Some(name) = callee.name else { continue };
                let act = Act::new(file.module, Some(FuncRef { file: at, id: site.function }));
                if alone.iter().any(|stack| is_named_in(&name, stack)) {
                    out.by_themselves.push(act);
                }
                match program.described(name) {
                    Some((library, effect)) if is_told(library, file.source.unit) => out.described(act, effect),
                    Some(_) => {}
                    None => out.undescribed(act, &name, callee.functions.is_empty(), &used),
                }
            }
        }
        out
    }

    /// Of a file that is not parsed, the imports are known alone.
    fn read_imports(&mut self, file: &FileUnit<'_>) {
        let imports = file.source.facts.imports.iter().filter(|_| file.source.facts.exprs.is_empty());
        let mut strange = imports.filter(|import| names_tracer(&import.target));
        if strange.any(|import| !self.files.contains_key(&import.target) && !is_described(self.program, &import.target))
        {
            let act = Act::new(file.module, None);
            self.set_ups.push(act);
            self.beginnings.push(act);
            self.joinings.push(act);
        }
    }

    fn described(&mut self, act: Act, effect: &FunctionDescription) {
        if sets_up(effect) {
            self.set_ups.push(act);
        }
        if takes_part(effect) {
            self.acts.push(act);
        }
        if begins(effect) {
            self.beginnings.push(act);
        }
        if joins(effect) || effect.extract.is_some() && self.is_given_work(act) {
            let own_calls_alone = effect.own_calls_alone || effect.extract.is_some() && self.stands_before_calls(act);
            self.joinings.push(Act { own_calls_alone, ..act });
        }
    }

    /// Whether what extracts is an interceptor of remote calls: it, or a function around it, takes something of a library
    /// that has stubs.
    fn stands_before_calls(&self, act: Act) -> bool {
        let program = self.program;
        let takes_call = |at: FuncRef| {
            let params = (0..program.function(at).params.len() as u16).filter_map(|n| program.param_type(at, n));
            params.into_iter().any(|ty| program.knowledge.ty(ty).is_some_and(|(library, _)| library.stubs.is_some()))
        };
        let mut at = act.function;
        while let Some(function) = at {
            if takes_call(function) {
                return true;
            }
            let outer = program.function(function).parent.filter(|parent| parent.0 != 0);
            at = outer.map(|id| FuncRef { id, ..function });
        }
        false
    }

    /// Whether what extracts reads the trace of those who ask: what asks for the environment reads that of who started the
    /// process.
    fn is_given_work(&self, act: Act) -> bool {
        let Some(function) = act.function.map(|function| self.program.outermost(function)) else { return true };
        let Some(file) = self.program.files.get(function.file as usize) else { return true };
        !file.flow.calls_of(function.id).any(|site| {
            let callee = self.program.callee(ValueRef { file: function.file, expr: site.expr });
            let effect = callee.name.and_then(|name| self.program.described(name)).map(|(_, effect)| effect);
            let reads = effect.and_then(|effect| effect.reads);
            reads.is_some_and(|reads| reads.from == SettingSource::Environment)
        })
    }

    fn undescribed(&mut self, act: Act, name: &str, is_unseen: bool, stacks: &[&str]) {
        // Of what is described, reading a span or its ids is none: loggers do that too.
        if stacks.iter().any(|stack| is_named_in(name, stack)) {
            self.acts.push(act);
        }
        // What a package of the program's own does is in its code.
        let is_foreign = is_unseen && !package_of(name).is_some_and(|package| self.files.contains_key(&package));
        if is_foreign && may_set_up(self.program, name) {
            let helps = package_of(name).is_some_and(|package| has_part(&package, &vocabulary().helping_packages));
            if helps { self.helping.push(act) } else { self.set_ups.push(act) }
        }
        let Some(package) = package_of(name).filter(|_| is_foreign) else { return };
        let holds = *self.holding.entry(package).or_insert_with(|| may_hold_beginnings(self.program, &package));
        let is_open = || is_of_owner(&package, &act.package) && makes_servers(&package);
        if (holds || is_open()) && may_begin(self.program, package, name) {
            self.beginnings.push(act);
            self.joinings.push(act);
        }
    }

    /// Whether a command that is built of these packages sets tracing up, as far as can be told.
    pub(super) fn is_set_up(&self, packages: &FxHashSet<Ustr>) -> bool {
        self.is_done(&self.set_ups, packages, Methods::Named)
    }

    /// Whether a command is built with what sets tracing up.
    pub(super) fn has_set_up(&self, packages: &FxHashSet<Ustr>) -> bool {
        self.set_ups.iter().any(|act| packages.contains(&act.package))
    }

    /// Whether a command that is built of these packages uses a stack that sets itself up.
    pub(super) fn uses_by_itself(&self, packages: &FxHashSet<Ustr>) -> bool {
        self.is_done(&self.by_themselves, packages, Methods::Open)
    }

    /// Whether a command that is built of these packages does anything about tracing.
    pub(super) fn acts(&self, packages: &FxHashSet<Ustr>) -> bool {
        self.is_done(&self.acts, packages, Methods::Open)
    }

    /// Whether one of these packages uses another repository of its own owner, whose code may set anything up.
    pub(super) fn uses_house(&self, packages: &FxHashSet<Ustr>) -> bool {
        let files = packages.iter().filter_map(|package| self.files.get(package)).flatten();
        let files = files.filter_map(|at| self.program.files.get(*at as usize));
        let is_of_house =
            |file: &FileUnit<'_>, target: &Ustr| !self.files.contains_key(target) && is_of_owner(target, &file.module);
        files.into_iter().any(|file| file.source.facts.imports.iter().any(|found| is_of_house(file, &found.target)))
    }

    /// Whether a trace can become current in a command that is built of these packages.
    pub(super) fn begins(&self, packages: &FxHashSet<Ustr>) -> bool {
        self.is_done(&self.beginnings, packages, Methods::Open)
    }

    /// Whether a command that is built of these packages takes up the traces of those who ask it.
    pub(super) fn joins(&self, packages: &FxHashSet<Ustr>) -> bool {
        self.is_done(&self.joinings, packages, Methods::Open)
    }

    /// Whether a command that is built of these packages takes up the traces of HTTP requests.
    pub(super) fn joins_requests(&self, packages: &FxHashSet<Ustr>) -> bool {
        let acts: Vec<Act> = self.joinings.iter().copied().filter(|act| !act.own_calls_alone).collect();
        self.is_done(&acts, packages, Methods::Open)
    }

    /// The functions of a command's packages that set tracing up, or help with it; `None` where something that is only imported may.
    pub(super) fn set_up_in(&self, packages: &FxHashSet<Ustr>) -> Option<Vec<FuncRef>> {
        let acts = self.set_ups.iter().chain(&self.helping);
        acts.filter(|act| packages.contains(&act.package)).map(|act| act.function).collect()
    }

    fn is_done(&self, acts: &[Act], packages: &FxHashSet<Ustr>, methods: Methods) -> bool {
        acts.iter().any(|act| {
            packages.contains(&act.package)
                && act.function.is_none_or(|function| self.may_run(packages, function, methods))
        })
    }

    /// Whether a command may run a function of its packages: something in them is seen to call it, or names it.
    fn may_run(&self, packages: &FxHashSet<Ustr>, function: FuncRef, methods: Methods) -> bool {
        let program = self.program;
        let package = |at: FuncRef| program.files.get(at.file as usize).map(|file| file.module);
        let mut seen = FxHashSet::default();
        let mut work = vec![program.outermost(function)];
        while let Some(at) = work.pop() {
            let decl = program.function(at);
            let is_inside = package(at).is_some_and(|package| packages.contains(&package));
            if !is_inside || !seen.insert(at) {
                continue;
            }
            let is_method = decl.owner.is_some() || !decl.owner_name.is_empty();
            // A literal in load-time code is put into something: `var serve = &Command{Run: func(…) {…}}`.
            let is_load_time = at.id == FunctionId(0) || decl.flags.is_closure;
            if is_load_time || (!is_method && matches!(decl.name.as_str(), "main" | "init")) {
                return true;
            }
            let callers = program.callers(at).iter().map(|call| program.outermost(program.function_at(*call)));
            let inside = callers.filter(|caller| package(*caller).is_some_and(|package| packages.contains(&package)));
            let before = work.len();
            work.extend(inside);
            // A method that is called elsewhere in the tree is none that only a library calls, by an interface of its own.
            let is_open = methods == Methods::Open
                && is_method
                && !decl.flags.is_private
                && program.callers(at).iter().all(|call| program.outermost(program.function_at(*call)) == at);
            if work.len() == before && (is_open || self.is_named(packages, at)) {
                return true;
            }
        }
        false
    }

    /// Whether any of these packages calls or hands around something of a function's name, or may where its code is not read.
    fn is_named(&self, packages: &FxHashSet<Ustr>, function: FuncRef) -> bool {
        let Some(home) = self.program.files.get(function.file as usize).map(|file| file.module) else { return true };
        let name = self.program.function(function).name;
        // Where nothing at all is seen to call it, who does is out of sight.
        let is_called = !self.program.callers(function).is_empty();
        let may_name =
            |file: &FileUnit<'_>| is_unread(file) && reaches(file, home) && (!is_called || self.spells(file, name));
        let mut known = self.names.borrow_mut();
        packages.iter().any(|package| {
            let names = known.entry(*package).or_insert_with(|| self.names_in(*package));
            names.contains(&name) && self.mentions(*package, function, home) || self.files_of(*package).any(may_name)
        })
    }

    /// Whether a name stands in the text of a file that was not parsed; of more files than are read, that is taken for
    /// granted.
    fn spells(&self, file: &FileUnit<'_>, name: Ustr) -> bool {
        let mut texts = self.texts.borrow_mut();
        if texts.len() >= MAX_TEXTS && !texts.contains_key(&file.source.path) {
            return true;
        }
        let text = texts.entry(file.source.path).or_insert_with_key(|path| (self.source)(*path));
        text.as_ref().is_none_or(|text| holds_word(text, &name))
    }

    /// Whether a package speaks of a function outside of the function itself, by its name and not by that of something
    /// else: a method that is called as what a library gives it often calls just that.
    fn mentions(&self, package: Ustr, function: FuncRef, home: Ustr) -> bool {
        let program = self.program;
        let wanted = program.function(function).name;
        let is_of_home = |name: Ustr| name.strip_prefix(home.as_str()).is_some_and(|rest| rest.starts_with('.'));
        let is_it = |value: ValueRef| {
            program.outermost(program.function_covering(value)) != function
                && program.qualify(value).is_none_or(is_of_home)
        };
        self.files.get(&package).into_iter().flatten().any(|at| {
            let exprs = program.files.get(*at as usize).map_or(&[][..], |file| &file.source.facts.exprs);
            let named = (0u32..).zip(exprs).filter(|(_, expr)| name_of(expr) == Some(wanted));
            named.into_iter().any(|(id, _)| is_it(ValueRef { file: *at, expr: ExprId(id) }))
        })
    }

    fn names_in(&self, package: Ustr) -> FxHashSet<Ustr> {
        self.files_of(package).flat_map(|file| &file.source.facts.exprs).filter_map(name_of).collect()
    }

    fn files_of(&self, package: Ustr) -> impl Iterator<Item = &'p FileUnit<'a>> {
        let files = self.files.get(&package).into_iter().flatten();
        files.filter_map(|at| self.program.files.get(*at as usize))
    }
}

/// Whether a word stands in a text by itself, not as a part of another one.
fn holds_word(text: &str, word: &str) -> bool {
    let is_part = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let bytes = text.as_bytes();
    let mut found = memchr::memmem::find_iter(bytes, word.as_bytes());
    found.any(|at| !is_part(at.checked_sub(1).and_then(|at| bytes.get(at))) && !is_part(bytes.get(at + word.len())))
}

/// The name that an expression is, or ends with.
fn name_of(expr: &Expr) -> Option<Ustr> {
    match &expr.kind {
        ExprKind::Name(name) | ExprKind::Member { name, .. } => Some(*name),
        _ => None,
    }
}

/// Whether the bodies of a file's functions were left out, as no trace can pass them.
pub(super) fn is_unread(file: &FileUnit<'_>) -> bool {
    let facts = &file.source.facts;
    facts.stmts.is_empty() && (facts.functions.len() > 1 || facts.exprs.is_empty())
}

/// Whether a file can name what is in a package.
pub(super) fn reaches(file: &FileUnit<'_>, package: Ustr) -> bool {
    file.module == package || file.source.facts.imports.iter().any(|import| import.target == package)
}

/// Whether a call sets tracing up.
pub(super) fn sets_up(effect: &FunctionDescription) -> bool {
    matches!(effect.sets, Some(Setting::TracerProvider | Setting::Everything))
        || effect.makes == Some(TypeRole::Provider)
        || !effect.switches_on.is_empty()
}

/// Whether a call has to do with traces: it makes spans, sets something up that does, or reads or writes headers.
pub(super) fn takes_part(effect: &FunctionDescription) -> bool {
    sets_up(effect) || begins(effect) || effect.instruments.is_some() || effect.inject.is_some()
}

fn begins(effect: &FunctionDescription) -> bool {
    (effect.instruments.is_some() && !effect.outbound)
        || !effect.switches_on.is_empty()
        || effect.span.is_some()
        || effect.extract.is_some()
}

/// Whether a type of this role can stand in front of what takes requests.
fn is_inbound(role: TypeRole) -> bool {
    matches!(role, TypeRole::Middleware | TypeRole::Server | TypeRole::Other)
}

/// Whether a call puts something in front of what takes requests. What switches libraries on that trace by themselves may
/// have them read what comes in.
fn joins(effect: &FunctionDescription) -> bool {
    effect.instruments.is_some() && !effect.outbound || !effect.switches_on.is_empty()
}
