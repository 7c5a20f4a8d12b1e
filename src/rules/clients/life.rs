//! The whole life of a client or server: what it is made of, and what is done to it later.

use super::{beans, gate, words};
use crate::ir::{ExprKind, Language, Spread};
use crate::knowledge::{Slot, TypeRole};
use crate::link::flow::DefKind;
use crate::link::{FuncRef, Origin, ValueRef};
use crate::study::{Study, Summary, functions_of};
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::RefCell;
use ustr::Ustr;

/// How far a value's parts are followed.
const MAX_DEPTH: u32 = 12;
/// How many places of a value's later life are looked at.
const MAX_PLACES: usize = 400;

/// How many uses of one field's name are looked at.
const MAX_FIELD_USES: usize = 600;

/// How a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rules) enum Life {
    /// Everything it is made of was seen, and nothing instruments it.
    Plain,
    /// Something instruments it.
    Instrumented,
    /// The code does not tell.
    Unknown,
}

impl Life {
    /// Of two parts of one value.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Instrumented, _) | (_, Self::Instrumented) => Self::Instrumented,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            _ => Self::Plain,
        }
    }
}

/// What later becomes of a value.
#[derive(Debug, Default, Clone)]
pub(super) struct Later {
    /// Something instruments it, or may.
    pub(super) life: Option<Life>,
    /// Calls of methods on it and on what is made of it.
    pub(super) uses: Vec<ValueRef>,
    /// Calls that are given it.
    pub(super) given: Vec<ValueRef>,
    /// Its registering methods, handed on as values (`services.ForEach(server.RegisterService)`).
    pub(super) mounts: Vec<ValueRef>,
    /// Names of fields that it is kept in, of objects whose type is not seen.
    pub(super) escapes: Vec<Ustr>,
    /// Functions whose result, this value, the container keeps: it may instrument what it keeps.
    pub(super) beans: Vec<FuncRef>,
    /// The places at which something instruments it, or may.
    pub(super) marks: Vec<(ValueRef, Life)>,
}

/// What the verdict on a made value rests on.
pub(in crate::rules) struct Account {
    /// The verdict.
    pub(in crate::rules) life: Life,
    /// Its parts: what they are, where they stand, how they stand.
    pub(in crate::rules) parts: Vec<(String, Option<ValueRef>, Life)>,
    /// The places in its later life at which something instruments it, or may.
    pub(in crate::rules) marks: Vec<(ValueRef, Life)>,
    /// Names of fields that it is kept in, of objects whose type is not seen.
    pub(in crate::rules) escapes: Vec<Ustr>,
    /// Whether the container keeps it.
    pub(in crate::rules) is_bean: bool,
}

/// Answers about lives, remembered.
pub(in crate::rules) struct Lives<'s, 'a> {
    /// The study.
    pub(in crate::rules) study: &'s Study<'a>,
    members: FxHashMap<Ustr, Vec<ValueRef>>,
    made: RefCell<FxHashMap<ValueRef, Life>>,
    results: RefCell<FxHashMap<ValueRef, Life>>,
    /// Composites with the depth that was left for their parts: what many name is looked at once.
    composites: RefCell<FxHashMap<(ValueRef, u32), Life>>,
    own_types: RefCell<FxHashMap<Ustr, Life>>,
    /// The functions that name a trace header.
    naming: FxHashSet<FuncRef>,
    global_writes: FxHashMap<Ustr, Vec<ValueRef>>,
    globals: RefCell<FxHashMap<Ustr, Life>>,
    /// By unit: whether its spans belong to traces that come in.
    joining: Vec<bool>,
}

impl<'s, 'a> Lives<'s, 'a> {
    /// Indexes the members of a program.
    pub(in crate::rules) fn new(study: &'s Study<'a>) -> Self {
        let mut members: FxHashMap<Ustr, Vec<ValueRef>> = FxHashMap::default();
        let mut naming = FxHashSet::default();
        for (file, unit) in study.program.files.iter().enumerate() {
            for (n, expr) in unit.source.facts.exprs.iter().enumerate() {
                let value = ValueRef { file: file as u32, expr: crate::ir::ExprId(n as u32) };
                match &expr.kind {
                    ExprKind::Member { name, .. } => members.entry(*name).or_default().push(value),
                    ExprKind::Str(text) if words::is_trace_header(text) => {
                        naming.extend(around(study, study.program.function_covering(value)));
                    }
                    ExprKind::Name(name) if !unit.flow.is_local(value.expr) => {
                        members.entry(*name).or_default().push(value);
                    }
                    _ => {}
                }
            }
        }
        // Whoever has a request made with the header in it sends it.
        let makers: Vec<ValueRef> =
            naming.iter().flat_map(|function| study.program.callers(*function).iter().copied()).collect();
        naming.extend(makers.into_iter().map(|call| study.program.outermost(study.program.function_at(call))));
        Self {
            study,
            members,
            made: RefCell::default(),
            results: RefCell::default(),
            composites: RefCell::default(),
            own_types: RefCell::default(),
            naming,
            global_writes: global_writes(study),
            globals: RefCell::default(),
            joining: (0..study.units.len()).map(|unit| gate::joins_traces(study, unit)).collect(),
        }
    }

    /// Whether the spans of a file's unit belong to traces that come in.
    pub(super) fn joins_traces(&self, file: u32) -> bool {
        let unit = self.study.program.files.get(file as usize).map_or(0, |file| file.source.unit);
        self.joining.get(unit).is_none_or(|joins| *joins)
    }

    /// Whether a function, or what it calls, injects, instruments, or writes a trace header by name.
    pub(super) fn works_on_traces(&self, function: FuncRef) -> bool {
        if self.study.summary(function).has(Summary::INJECTS | Summary::INSTRUMENTS) {
            return true;
        }
        self.naming.contains(&function)
    }

    /// How the client that a call makes stands, by what it is made of alone.
    pub(super) fn as_built(&self, call: ValueRef) -> Life {
        self.construction(call, MAX_DEPTH)
    }

    /// How the client that a call makes stands, by what it is made of and by what becomes of it.
    pub(in crate::rules) fn of_construction(&self, call: ValueRef) -> Life {
        if let Some(known) = self.made.borrow().get(&call) {
            return *known;
        }
        self.made.borrow_mut().insert(call, Life::Unknown);
        let parts = self.construction(call, MAX_DEPTH);
        let life = match parts {
            Life::Instrumented => parts,
            _ => {
                let later = self.later(call);
                let is_kept = !later.escapes.is_empty() || !later.beans.is_empty();
                let kept = if is_kept { Life::Unknown } else { Life::Plain };
                parts.and(later.life.unwrap_or(Life::Plain)).and(kept)
            }
        };
        self.made.borrow_mut().insert(call, life);
        life
    }

    /// How a value stands by what it is made of alone.
    pub(super) fn of_parts(&self, call: ValueRef) -> Life {
        self.construction(call, MAX_DEPTH)
    }

    /// What the verdict on a made value rests on.
    pub(in crate::rules) fn account(&self, call: ValueRef) -> Account {
        let mut parts = Vec::new();
        let parts_life =
            self.tell(call, MAX_DEPTH, &mut |name, value, life| parts.push((name.to_owned(), value, life)));
        if parts_life == Life::Instrumented {
            let life = self.of_construction(call);
            return Account { life, parts, marks: Vec::new(), escapes: Vec::new(), is_bean: false };
        }
        let later = self.later(call);
        let (marks, escapes) = (later.marks, later.escapes);
        Account { life: self.of_construction(call), parts, marks, escapes, is_bean: !later.beans.is_empty() }
    }

    fn construction(&self, call: ValueRef, depth: u32) -> Life {
        self.tell(call, depth, &mut |_, _, _| {})
    }

    /// How a value stands by what it is made of; tells of each part as it goes.
    fn tell(&self, call: ValueRef, depth: u32, note: &mut dyn FnMut(&str, Option<ValueRef>, Life)) -> Life {
        let program = self.study.program;
        if self.is_instrumented_call(call) {
            note("the call that makes it", None, Life::Instrumented);
            return Life::Instrumented;
        }
        let mut life = Life::Plain;
        if let Some(receiver) = program.receiver(call).filter(|value| program.qualify(*value).is_none()) {
            let part = self.part(receiver, "", depth);
            note("what it is made from", Some(receiver), part);
            life = life.and(part);
        }
        let (callee, defaults) = (self.callee_part(call, depth), self.defaults(call));
        note("the function value that makes it", None, callee);
        note("what stands in for parts that are not set", None, defaults);
        life = life.and(callee).and(defaults);
        match program.expr_kind(call) {
            ExprKind::Zero(_) => life,
            ExprKind::Composite { ty, fields } => {
                let known = ty.as_ref().and_then(|ty| program.knowledge.ty(program.type_ref(call.file, ty)));
                for field in fields {
                    let key = field.key.map(|expr| ValueRef { expr, ..call });
                    let name = match key.map(|key| program.expr_kind(key)) {
                        Some(ExprKind::Name(name) | ExprKind::Str(name)) => *name,
                        _ => Ustr::default(),
                    };
                    let part = self.part(ValueRef { expr: field.value, ..call }, &name, depth);
                    let matters = known.is_none_or(|(_, ty)| ty.fields.is_empty() || ty.fields.contains_key(&name));
                    if matters || part == Life::Instrumented {
                        note(&format!("field {name}"), Some(ValueRef { expr: field.value, ..call }), part);
                        life = life.and(part);
                    }
                }
                life
            }
            ExprKind::Call { args, .. } | ExprKind::New { args, .. } => {
                for arg in args {
                    let name = arg.name.unwrap_or_default();
                    let value = ValueRef { expr: arg.value, ..call };
                    let part = if arg.spread == Spread::Map {
                        self.part(value, "", depth)
                    } else {
                        self.part(value, &name, depth)
                    };
                    note(if name.is_empty() { "argument" } else { &name }, Some(value), part);
                    life = life.and(part);
                }
                life
            }
            _ => Life::Unknown,
        }
    }

    /// How a function value that is called stands: a middleware made by another call and kept in a local (`wrap(x)(y)`).
    fn callee_part(&self, call: ValueRef, depth: u32) -> Life {
        let program = self.study.program;
        let ExprKind::Call { callee, .. } = program.expr_kind(call) else { return Life::Plain };
        let callee = ValueRef { expr: *callee, ..call };
        let is_value = match program.expr_kind(callee) {
            ExprKind::Call { .. } | ExprKind::Index { .. } => true,
            ExprKind::Name(_) => !program.reaching(callee).is_empty(),
            _ => false,
        };
        let seen = !program.callee(call).functions.is_empty() || self.study.fact(call).is_some();
        if is_value && !seen { self.part(callee, "", depth) } else { Life::Plain }
    }

    /// What stands in for the fields that a composite of a library's type does not set.
    fn defaults(&self, call: ValueRef) -> Life {
        let program = self.study.program;
        // A call that makes one leaves the same fields unset.
        let made = || self.study.fact(call).filter(|fact| fact.effect.makes.is_some()).and(program.type_of(call));
        let ty = program.callee(call).constructs.or_else(made).and_then(|ty| program.knowledge.ty(ty));
        let Some((_, ty)) = ty else { return Life::Plain };
        let unset = ty.defaults.iter().filter(|(field, _)| self.study.slot(call, Slot::Named(**field)).is_empty());
        unset.fold(Life::Plain, |life, (_, global)| life.and(self.global(*global)))
    }

    /// How a variable of a library that the whole process shares stands, by what the code writes to it.
    pub(in crate::rules) fn global(&self, name: Ustr) -> Life {
        if let Some(known) = self.globals.borrow().get(&name) {
            return *known;
        }
        // What is made of its own old value adds nothing to that.
        self.globals.borrow_mut().insert(name, Life::Plain);
        let knowledge = self.study.program.knowledge;
        let written = self.global_writes.get(&name).map_or(&[][..], Vec::as_slice);
        let mut life = written.iter().fold(Life::Plain, |life, value| life.and(self.part(*value, "", MAX_DEPTH)));
        let ty = name.rsplit_once('.').and_then(|(owner, field)| {
            let (_, owner) = knowledge.ty(Ustr::from(owner))?;
            knowledge.ty(*owner.fields.get(&Ustr::from(field))?)
        });
        for default in ty.iter().flat_map(|(_, ty)| ty.defaults.values()) {
            life = life.and(self.global(*default));
        }
        self.globals.borrow_mut().insert(name, life);
        life
    }

    /// Whether a call's description or the functions that it runs instrument something.
    pub(super) fn is_instrumented_call(&self, call: ValueRef) -> bool {
        if self.study.effect_of(call).has(Summary::INSTRUMENTS | Summary::INJECTS) {
            return true;
        }
        self.study.program.callee(call).constructs.is_some_and(|ty| self.is_instrumented_type(ty))
    }

    fn is_instrumented_type(&self, ty: Ustr) -> bool {
        let program = self.study.program;
        let described = |ty: Ustr| program.knowledge.ty(ty).is_some_and(|(_, ty)| ty.instrumented);
        described(ty) || program.supertypes(ty).iter().any(|ty| described(*ty))
    }

    /// How one part of a construction stands.
    pub(super) fn part(&self, value: ValueRef, name: &str, depth: u32) -> Life {
        let program = self.study.program;
        if depth == 0 {
            return Life::Unknown;
        }
        let is_instrumented = |ty: Option<Ustr>| ty.is_some_and(|ty| self.is_instrumented_type(ty));
        // A class is often named without making an object of it: `app.add_middleware(TheMiddleware)`.
        if is_instrumented(program.type_of(value)) || is_instrumented(program.qualify(value)) {
            return Life::Instrumented;
        }
        let mut life = Life::Plain;
        for origin in program.origins(value, true) {
            life = life.and(self.origin(origin, depth - 1));
        }
        if life == Life::Unknown && self.is_innocent(value, name) { Life::Plain } else { life }
    }

    fn is_innocent(&self, value: ValueRef, name: &str) -> bool {
        if words::is_innocent(name) {
            return true;
        }
        let program = self.study.program;
        if let Some(ty) = program.type_of(value) {
            if matches!(program.role(ty), Some(TypeRole::Context)) {
                return true;
            }
            let plain =
                ["string", "int", "bool", "String", "str", "float", "time.Duration", "time/time.Duration", "byte"];
            if plain.contains(&ty.as_str()) {
                return true;
            }
        }
        name.is_empty() && last_name(self.study, value).is_some_and(|last| words::is_innocent(&last))
    }

    fn origin(&self, origin: Origin, depth: u32) -> Life {
        let program = self.study.program;
        match origin {
            Origin::Call(call, _) => self.result(call, depth),
            Origin::Literal(value) => match program.expr_kind(value) {
                ExprKind::Closure(_) | ExprKind::MethodRef { .. } => self.functions(value),
                ExprKind::Composite { .. } | ExprKind::Zero(_) => self.composite(value, depth),
                _ => Life::Plain,
            },
            Origin::Field(owner, name) => self.named(owner, name),
            Origin::Param(..) | Origin::Unknown => Life::Unknown,
        }
    }

    fn functions(&self, value: ValueRef) -> Life {
        let functions = functions_of(self.study, value);
        if functions.is_empty() { Life::Unknown } else { self.of_functions(&functions) }
    }

    fn composite(&self, value: ValueRef, depth: u32) -> Life {
        if let Some(known) = self.composites.borrow().get(&(value, depth)) {
            return *known;
        }
        let found = self.find_composite(value, depth);
        self.composites.borrow_mut().insert((value, depth), found);
        found
    }

    fn find_composite(&self, value: ValueRef, depth: u32) -> Life {
        let own = self.study.program.callee(value).constructs.filter(|ty| self.study.program.own_type(*ty).is_some());
        match own {
            Some(ty) => self.own_type(ty).and(self.construction(value, depth)),
            None => self.construction(value, depth),
        }
    }

    /// Whether the methods of one of the service's own types do something for the trace.
    fn own_type(&self, ty: Ustr) -> Life {
        if let Some(known) = self.own_types.borrow().get(&ty) {
            return *known;
        }
        let program = self.study.program;
        let methods = program.own_type(ty).map(|ty| program.methods_of(ty)).unwrap_or_default();
        let life = self.of_functions(&methods);
        self.own_types.borrow_mut().insert(ty, life);
        life
    }

    /// How the result of a call stands; what is asked again while it is being found out is unknown.
    fn result(&self, call: ValueRef, depth: u32) -> Life {
        if let Some(known) = self.results.borrow().get(&call) {
            return *known;
        }
        self.results.borrow_mut().insert(call, Life::Unknown);
        let found = self.find_result(call, depth);
        self.results.borrow_mut().insert(call, found);
        found
    }

    fn find_result(&self, call: ValueRef, depth: u32) -> Life {
        let program = self.study.program;
        if self.is_instrumented_call(call) {
            return Life::Instrumented;
        }
        if let Some(fact) = self.study.fact(call) {
            let parts = self.construction(call, depth);
            return match (fact.effect.makes, parts) {
                (Some(_), _) => self.of_construction(call),
                (None, Life::Instrumented) => parts,
                // A text carries no instrumentation.
                (None, _) if fact.effect.reads.is_some() || fact.effect.formats.is_some() => Life::Plain,
                (None, _) if fact.effect.returns.is_empty() && fact.effect.derives.is_none() => Life::Unknown,
                (None, _) => Life::Plain,
            };
        }
        let callee = program.callee(call);
        if let Some(ty) = callee.constructs.filter(|ty| program.own_type(*ty).is_some()) {
            return self.own_type(ty).and(self.construction(call, depth));
        }
        let is_append = program.language == Language::Go
            && callee.name.is_some_and(|name| name == "append" || name == "make" || name == "new");
        if is_append {
            return self.construction(call, depth);
        }
        match self.construction(call, depth) {
            Life::Instrumented => Life::Instrumented,
            // What the language's own library makes carries no instrumentation that was not put in.
            _ if callee.name.is_some_and(|name| program.is_standard(name)) => Life::Plain,
            _ => Life::Unknown,
        }
    }

    /// Whether a handler is wrapped in instrumentation. A traced client in one of its fields does not count.
    pub(super) fn traces_handler(&self, value: ValueRef, depth: u32) -> bool {
        let program = self.study.program;
        if depth == 0 {
            return false;
        }
        program.origins(value, true).into_iter().any(|origin| match origin {
            Origin::Call(call, _) => {
                let own = program.callee(call).constructs.filter(|ty| program.own_type(*ty).is_some());
                let by_type = own.is_some_and(|ty| self.own_type(ty) == Life::Instrumented);
                by_type
                    || self.is_instrumented_call(call)
                    || self.callee_part(call, MAX_DEPTH - 6) == Life::Instrumented
                    || self.study.slot(call, Slot::AnyArg).into_iter().any(|arg| self.traces_handler(arg, depth - 1))
            }
            Origin::Literal(value) => match program.expr_kind(value) {
                ExprKind::Composite { .. } | ExprKind::Zero(_) => {
                    let own = program.callee(value).constructs;
                    own.is_some_and(|ty| self.own_type(ty) == Life::Instrumented)
                }
                ExprKind::Closure(_) | ExprKind::MethodRef { .. } => self.functions(value) == Life::Instrumented,
                _ => false,
            },
            Origin::Field(owner, name) => self.named(owner, name) == Life::Instrumented,
            Origin::Param(..) | Origin::Unknown => false,
        })
    }

    /// A function used as a value, or a global of a library.
    pub(super) fn named(&self, owner: Ustr, name: Ustr) -> Life {
        let program = self.study.program;
        // A Java field and a method of the same name have nothing to do with each other.
        let is_field = program.language == Language::Java && program.field_type(owner, name, 4).is_some();
        let own = program.methods(owner, name);
        if !own.is_empty() && !is_field {
            return self.of_functions(&own);
        }
        let described = program.described(Ustr::from(&format!("{owner}.{name}"))).map(|(_, effect)| effect);
        match described {
            Some(effect) if effect.instruments.is_some() => Life::Instrumented,
            Some(effect) if !effect.returns.is_empty() => Life::Plain,
            _ => self.library_global(owner, name),
        }
    }

    fn of_functions(&self, functions: &[FuncRef]) -> Life {
        if functions.iter().any(|function| self.works_on_traces(*function)) {
            return Life::Instrumented;
        }
        Life::Plain
    }

    /// A global of a library, such as its default client.
    fn library_global(&self, owner: Ustr, name: Ustr) -> Life {
        let program = self.study.program;
        let known = program.knowledge.ty(owner).is_some_and(|(_, ty)| ty.fields.contains_key(&name));
        let is_global = known && program.own_type(owner).is_none() && program.role(owner) == Some(TypeRole::Other);
        if program.is_standard(Ustr::from(&format!("{owner}.{name}"))) && !is_global {
            return Life::Plain;
        }
        if is_global { self.global(Ustr::from(&format!("{owner}.{name}"))) } else { Life::Unknown }
    }

    /// Follows a made value to what becomes of it.
    pub(super) fn later(&self, call: ValueRef) -> Later {
        let mut walk = Walk {
            lives: self,
            seen: FxHashSet::default(),
            fields: FxHashSet::default(),
            out: Later::default(),
            work: vec![call],
        };
        while let Some(value) = walk.work.pop() {
            if walk.seen.len() > MAX_PLACES {
                walk.mark(Life::Unknown, value);
                break;
            }
            if walk.seen.insert(value) {
                walk.place(value);
            }
        }
        walk.out
    }
}

/// A function and those that it is written in.
fn around(study: &Study<'_>, function: FuncRef) -> Vec<FuncRef> {
    let parent = |at: &FuncRef| {
        let outer = study.program.function(*at).parent.filter(|outer| outer.0 != 0);
        outer.map(|id| FuncRef { id, ..*at })
    };
    std::iter::successors(Some(function), parent).collect()
}

/// What is written to variables of packages and to their parts, by the qualified name of the variable.
fn global_writes(study: &Study<'_>) -> FxHashMap<Ustr, Vec<ValueRef>> {
    let program = study.program;
    let mut out: FxHashMap<Ustr, Vec<ValueRef>> = FxHashMap::default();
    for (file, unit) in program.files.iter().enumerate() {
        for write in &unit.flow.writes {
            let at = |expr| ValueRef { file: file as u32, expr };
            let Some(name) = program.qualify(at(write.target)) else { continue };
            out.entry(name).or_default().push(at(write.value));
            if let Some((variable, _)) = name.rsplit_once('.') {
                out.entry(Ustr::from(variable)).or_default().push(at(write.value));
            }
        }
    }
    out
}

/// The last name of a chain of names.
fn last_name(study: &Study<'_>, value: ValueRef) -> Option<Ustr> {
    match study.program.expr_kind(value) {
        ExprKind::Name(name) | ExprKind::Member { name, .. } => Some(*name),
        ExprKind::Call { callee, .. } => last_name(study, ValueRef { expr: *callee, ..value }),
        _ => None,
    }
}

struct Walk<'w, 's, 'a> {
    lives: &'w Lives<'s, 'a>,
    seen: FxHashSet<ValueRef>,
    fields: FxHashSet<(Ustr, Ustr)>,
    out: Later,
    work: Vec<ValueRef>,
}

impl Walk<'_, '_, '_> {
    fn mark(&mut self, life: Life, at: ValueRef) {
        self.out.life = Some(self.out.life.unwrap_or(Life::Plain).and(life));
        if life != Life::Plain {
            self.out.marks.push((at, life));
        }
    }

    /// One place at which the value stands.
    fn place(&mut self, value: ValueRef) {
        self.assigned(value);
        self.returned(value);
        let Some(parent) = self.lives.study.program.parent(value) else { return };
        match self.lives.study.program.expr_kind(parent) {
            ExprKind::Member { .. } => self.member(parent),
            ExprKind::Call { callee, .. } if *callee == value.expr => {}
            ExprKind::Call { .. } | ExprKind::New { .. } => self.argument(value, parent),
            ExprKind::Composite { ty, .. } => {
                if ty.is_none() || self.lives.study.fact(parent).is_some() {
                    self.work.push(parent);
                } else {
                    self.own_composite(value, parent);
                }
            }
            ExprKind::Closure(_) | ExprKind::Index { .. } | ExprKind::Binary { .. } | ExprKind::Unknown(_) => {}
            _ => self.work.push(parent),
        }
    }

    fn assigned(&mut self, value: ValueRef) {
        let program = self.lives.study.program;
        let flow = &program.files[value.file as usize].flow;
        for (id, def) in flow.defs_from(value.expr) {
            let is_it = match def.kind {
                DefKind::Value { index, .. } => index.unwrap_or(0) == 0,
                DefKind::Entered(_) => true,
                _ => false,
            };
            if !is_it {
                continue;
            }
            let Some(var) = flow.vars.get(def.var.0 as usize) else { continue };
            let uses = var.uses.iter().filter(|expr| !flow.is_local(**expr) || flow.reaching(**expr).contains(&id));
            self.work.extend(uses.map(|expr| ValueRef { expr: *expr, ..value }));
            if def.function.0 == 0 {
                self.field(program.files[value.file as usize].module, var.name);
            }
        }
        for write in flow.writes_from(value.expr).filter(|write| write.index.unwrap_or(0) == 0) {
            self.written(ValueRef { expr: write.target, ..value });
        }
        self.field_initialiser(value);
    }

    fn field_initialiser(&mut self, value: ValueRef) {
        let program = self.lives.study.program;
        let types = &program.files[value.file as usize].source.facts.types;
        for (id, ty) in types.iter().enumerate() {
            for field in ty.fields.iter().filter(|field| field.init == Some(value.expr)) {
                let index = crate::link::TypeIndex { file: value.file, id: crate::ir::TypeId(id as u32) };
                self.field(program.type_name(index), field.name);
            }
        }
    }

    fn written(&mut self, target: ValueRef) {
        let program = self.lives.study.program;
        match program.expr_kind(target) {
            ExprKind::Member { base, name, .. } => match program.type_of(ValueRef { expr: *base, ..target }) {
                Some(owner) => self.field(owner, *name),
                None => self.out.escapes.push(*name),
            },
            // Thrown away.
            ExprKind::Name(name) if name == "_" => {}
            ExprKind::Name(name) => {
                if let crate::link::Step::Field(owner, name) = program.step(target) {
                    self.field(owner, name);
                } else {
                    let owner =
                        program.enclosing_type(program.function_covering(target)).map(|ty| program.type_name(ty));
                    self.field(owner.unwrap_or(program.files[target.file as usize].module), *name);
                }
            }
            ExprKind::Unary { .. } => {
                let owners = program.pointed_to(target);
                if owners.is_empty() {
                    self.mark(Life::Unknown, target);
                }
                owners.into_iter().for_each(|(owner, name)| self.field(owner, name));
            }
            _ => self.mark(Life::Unknown, target),
        }
    }

    /// All uses of a field or global.
    fn field(&mut self, owner: Ustr, name: Ustr) {
        if !self.fields.insert((owner, name)) {
            return;
        }
        let program = self.lives.study.program;
        let places = self.lives.members.get(&name).map_or(&[][..], Vec::as_slice);
        if let Some(first) = places.first().filter(|_| places.len() > MAX_FIELD_USES) {
            self.mark(Life::Unknown, *first);
            return;
        }
        for place in places {
            let is_it = match program.step(*place) {
                crate::link::Step::Field(found, _) => found == owner || program.supertypes(found).contains(&owner),
                _ => false,
            };
            if is_it {
                self.work.push(*place);
            }
        }
    }

    fn own_composite(&mut self, value: ValueRef, parent: ValueRef) {
        let program = self.lives.study.program;
        let ExprKind::Composite { ty: Some(ty), fields } = program.expr_kind(parent) else { return };
        let owner = program.type_ref(parent.file, ty);
        let declared = program.own_type(owner).map(|ty| &program.type_decl(ty).fields[..]).unwrap_or_default();
        let in_order = fields.len() == declared.len() && fields.iter().all(|field| field.key.is_none());
        for (n, field) in fields.iter().enumerate().filter(|(_, field)| field.value == value.expr) {
            if let Some(declared) = declared.get(n).filter(|_| in_order) {
                self.field(owner, declared.name);
                continue;
            }
            match field.key.map(|expr| program.expr_kind(ValueRef { expr, ..parent })) {
                Some(ExprKind::Name(name)) => self.field(owner, *name),
                _ => self.work.push(parent),
            }
        }
    }

    fn returned(&mut self, value: ValueRef) {
        let program = self.lives.study.program;
        let flow = &program.files[value.file as usize].flow;
        for found in flow.returns.iter().filter(|found| found.values.first() == Some(&value.expr)) {
            let function = FuncRef { file: value.file, id: found.function };
            if beans::is_bean(self.lives.study, function) {
                self.out.beans.push(function);
            }
            self.work.extend(program.callers(function).iter().copied());
            if program.is_property(function)
                && let Some(owner) = program.enclosing_type(function)
            {
                self.field(program.type_name(owner), program.function(function).name);
            }
        }
    }

    /// `value.name`: a method call, or a field.
    fn member(&mut self, member: ValueRef) {
        let study = self.lives.study;
        let program = study.program;
        let Some(parent) = program.parent(member) else {
            self.field_write(member);
            return;
        };
        let is_callee = matches!(program.expr_kind(parent), ExprKind::Call { callee, .. } if *callee == member.expr);
        let ExprKind::Member { base, name, .. } = program.expr_kind(member) else { return };
        if !is_callee {
            let owner = program.type_of(ValueRef { expr: *base, ..member });
            let method = owner.and_then(|owner| program.described(Ustr::from(&format!("{owner}.{name}"))));
            if method.is_some_and(|(_, effect)| effect.registers.is_some_and(|found| !found.root)) {
                self.out.mounts.push(member);
            }
            // `client.HTTPClient.Transport = …`: what is done to the client inside is done to this one.
            let known = owner.and_then(|owner| program.knowledge.ty(owner));
            let inner = known.and_then(|(_, ty)| ty.fields.get(name)).and_then(|ty| program.role(*ty));
            if inner == Some(TypeRole::HttpClient) {
                self.work.push(member);
            }
            return;
        }
        self.out.uses.push(parent);
        if self.configures(parent, name) {
            self.work.push(parent);
        }
    }

    /// Judges a method call on the value; true when its result continues the value.
    fn configures(&mut self, call: ValueRef, name: &str) -> bool {
        let study = self.lives.study;
        if study.effect_of(call).has(Summary::INSTRUMENTS | Summary::INJECTS) {
            self.mark(Life::Instrumented, call);
            return true;
        }
        let derives = study.fact(call).is_some_and(|fact| fact.effect.derives == Some(Slot::Receiver));
        if study.fact(call).is_some_and(|fact| fact.effect.registers.is_some()) {
            if study.slot(call, Slot::AnyArg).into_iter().any(|value| self.lives.traces_handler(value, 4)) {
                self.mark(Life::Instrumented, call);
            }
            return derives;
        }
        if study.fact(call).is_some_and(|fact| fact.effect.hop.is_some()) {
            for value in study.slot(call, Slot::AnyArg) {
                if self.lives.part(value, "header", MAX_DEPTH - 6) == Life::Instrumented {
                    self.mark(Life::Instrumented, call);
                }
            }
            return derives;
        }
        for value in study.slot(call, Slot::AnyArg) {
            let life = self.lives.part(value, name, MAX_DEPTH - 6);
            let settles = derives || words::speaks_of_tracing(name) || is_setter(name);
            if life == Life::Instrumented || settles {
                self.mark(life, call);
            }
        }
        derives || study.fact(call).is_none()
    }

    /// `value.Field = other`.
    fn field_write(&mut self, member: ValueRef) {
        let program = self.lives.study.program;
        let ExprKind::Member { name, .. } = program.expr_kind(member) else { return };
        let flow = &program.files[member.file as usize].flow;
        for write in flow.writes_to(member.expr) {
            let life = self.lives.part(ValueRef { expr: write.value, ..member }, name, MAX_DEPTH - 6);
            self.mark(life, member);
        }
    }

    /// The value is handed to a call.
    fn argument(&mut self, value: ValueRef, call: ValueRef) {
        let study = self.lives.study;
        let program = study.program;
        self.out.given.push(call);
        let wraps = |lives: &Lives<'_, '_>| {
            let receiver = program.receiver(call).filter(|value| program.qualify(*value).is_none());
            lives.callee_part(call, MAX_DEPTH - 6) == Life::Instrumented
                || receiver.is_some_and(|value| lives.part(value, "", MAX_DEPTH - 6) == Life::Instrumented)
        };
        if self.lives.is_instrumented_call(call) || wraps(self.lives) {
            self.mark(Life::Instrumented, call);
            return;
        }
        if let Some(life) = self.by_helper(call) {
            self.mark(life, call);
        }
        let callee = program.callee(call);
        let registers = callee.functions.is_empty() && is_registration(&study.callee_text(call));
        for other in study.slot(call, Slot::AnyArg).into_iter().filter(|other| *other != value) {
            let traced = match registers {
                true => self.lives.traces_handler(other, 4),
                // A traced server that a client is given along with does nothing to the client.
                false if program.role_of(other) == Some(TypeRole::Server) => false,
                false => self.lives.part(other, "header", MAX_DEPTH - 6) == Life::Instrumented,
            };
            if traced {
                self.mark(Life::Instrumented, call);
            }
        }
        if callee.functions.is_empty() {
            let name = study.callee_text(call);
            if words::speaks_of_tracing(&name) || callee.name.is_some_and(|name| words::speaks_of_tracing(&name)) {
                self.mark(Life::Unknown, call);
            }
            // A stub, an adapter or an option made of it.
            self.work.push(call);
            return;
        }
        for function in &callee.functions {
            self.follow_into(value, call, *function);
        }
    }

    /// What a builder or customizer does to a client that it is given: `builder.configure(client)`.
    fn by_helper(&self, call: ValueRef) -> Option<Life> {
        let study = self.lives.study;
        let program = study.program;
        let receiver = program.receiver(call).filter(|value| program.qualify(*value).is_none())?;
        let configures = match program.role_of(receiver)? {
            TypeRole::Middleware => true,
            TypeRole::HttpClient => study.fact(call).is_some_and(|fact| fact.effect.derives == Some(Slot::Arg(0))),
            _ => false,
        };
        configures.then(|| self.lives.part(receiver, "", MAX_DEPTH - 6))
    }

    fn follow_into(&mut self, value: ValueRef, call: ValueRef, function: FuncRef) {
        let program = self.lives.study.program;
        let flow = &program.files[function.file as usize].flow;
        for n in 0..program.function(function).params.len() {
            if program.argument(call, function, n as u16) != Some(value) {
                continue;
            }
            if let Some(var) = flow.param_var(function.id, n as u16) {
                self.work.extend(var.uses.iter().map(|expr| ValueRef { file: function.file, expr: *expr }));
            }
        }
    }
}

/// Whether a generated function of this name mounts a service on a server: `pb.RegisterOrdersServer`.
pub(super) fn is_registration(callee: &str) -> bool {
    callee.rsplit('.').next().is_some_and(|last| last.starts_with("Register"))
}

fn is_setter(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["set", "with", "add", "use", "mount", "intercept", "append", "on"].iter().any(|start| name.starts_with(start))
}
