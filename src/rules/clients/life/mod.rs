//! The whole life of a client or server: what it is made of, and what is done to it later.

mod channels;
mod factory;
mod given;
mod index;
mod kept;
mod later;
mod parts;
mod routers;
mod stubs;

pub(in crate::rules::clients) use later::{Later, is_registration};

use crate::ir::Language;
use crate::link::{Calls, FuncRef, ValueRef, owner_of};
use crate::study::{Study, Summary};
use index::Index;
use rustc_hash::FxHashMap;
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use ustr::Ustr;

/// How far a value's parts are followed.
const MAX_DEPTH: u32 = 12;

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

/// Which end of a call the things are whose lives are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// Clients, channels and producers, and in all languages but Go servers as well.
    Asking,
    /// Servers (Go): what instruments a client that stands beside a handler does nothing for who asks the server.
    Serving,
}

/// Answers about lives, remembered.
pub(in crate::rules) struct Lives<'s, 'a> {
    /// The study.
    pub(in crate::rules) study: &'s Study<'a>,
    side: Side,
    index: Rc<Index>,
    /// How what a call makes stands, and whether handlers that are mounted on it read traces for themselves.
    made: RefCell<FxHashMap<ValueRef, (Life, bool)>>,
    /// What becomes of what a call makes.
    laters: RefCell<FxHashMap<ValueRef, Rc<Later>>>,
    results: RefCell<FxHashMap<ValueRef, Life>>,
    /// Composites with the depth that was left for their parts: what many name is looked at once.
    composites: RefCell<FxHashMap<(ValueRef, u32), Life>>,
    own_types: RefCell<FxHashMap<Ustr, Life>>,
    /// Go contexts, and whether headers of a trace were put into them.
    headers: RefCell<FxHashMap<ValueRef, bool>>,
    globals: RefCell<FxHashMap<Ustr, Life>>,
    /// The calls through which the function was entered whose values are being looked at, if only what these give counts.
    frame: RefCell<Calls>,
    /// How many more parts may be looked at for such calls.
    left: Cell<u32>,
    through: RefCell<FxHashMap<(ValueRef, Calls), Life>>,
    /// The channels of remote calls, by the calls that go through them; found where they are asked for.
    channels: OnceCell<FxHashMap<ValueRef, Vec<ValueRef>>>,
}

impl<'s, 'a> Lives<'s, 'a> {
    /// Indexes the members of a program.
    pub(in crate::rules) fn new(study: &'s Study<'a>) -> Self {
        Self::with(study, Side::Asking, Rc::new(Index::of(study)))
    }

    /// The same for servers, whose lives know nothing of what is done for clients.
    pub(in crate::rules) fn of_servers(&self) -> Self {
        let side = if self.study.language() == Language::Go { Side::Serving } else { self.side };
        Self::with(self.study, side, self.index.clone())
    }

    fn with(study: &'s Study<'a>, side: Side, index: Rc<Index>) -> Self {
        Self {
            study,
            side,
            index,
            made: RefCell::default(),
            laters: RefCell::default(),
            results: RefCell::default(),
            composites: RefCell::default(),
            own_types: RefCell::default(),
            headers: RefCell::default(),
            globals: RefCell::default(),
            frame: RefCell::default(),
            left: Cell::default(),
            through: RefCell::default(),
            channels: OnceCell::new(),
        }
    }

    /// Whether the spans of a file's unit belong to traces that come in.
    pub(super) fn joins_traces(&self, file: u32) -> bool {
        let unit = self.study.unit_of(file);
        self.index.joining.get(unit).is_none_or(|joins| *joins)
    }

    /// What does something for the trace on this side.
    fn working(&self) -> Summary {
        match self.side {
            Side::Asking => Summary::INJECTS | Summary::INSTRUMENTS,
            Side::Serving => Summary::EXTRACTS | Summary::REBUILDS | Summary::TAKES_UP,
        }
    }

    /// Whether a function, or what it calls, injects or extracts, instruments, or writes a trace header by name.
    pub(super) fn works_on_traces(&self, function: FuncRef) -> bool {
        self.study.summary(function).has(self.working()) || self.names_headers(function)
    }

    /// Whether the work of a Go function may go on with a trace: it leads to spans or to stores that are
    /// traced, however many implementations an interface on the way has.
    pub(in crate::rules::clients) fn may_go_on(&self, function: FuncRef) -> bool {
        self.study.language() == Language::Go
            && self.index.going_on.get_or_init(|| index::going_on(self.study)).contains(&function)
    }

    /// Whether a function, or one around it, names a trace header.
    pub(in crate::rules::clients) fn names_headers(&self, function: FuncRef) -> bool {
        match self.side {
            Side::Asking => self.index.sending.contains(&function),
            Side::Serving => self.index.naming.contains(&function),
        }
    }

    /// Whether a module of the program has this owner: `github.com/shop`.
    fn is_of_house(&self, owner: &str) -> bool {
        self.study.program.files.iter().any(|file| owner_of(&file.module) == Some(owner))
    }

    /// How the client or server that a call makes stands, by what it is made of and by what becomes of it.
    pub(in crate::rules) fn of_construction(&self, call: ValueRef) -> Life {
        let (life, has_traced_route) = self.made(call);
        if has_traced_route { Life::Instrumented } else { life }
    }

    /// How a server stands, whatever handlers that are mounted on it do each for itself.
    pub(in crate::rules::clients) fn beside_routes(&self, call: ValueRef) -> Life {
        self.made(call).0
    }

    fn made(&self, call: ValueRef) -> (Life, bool) {
        if let Some(known) = self.made.borrow().get(&call) {
            return *known;
        }
        self.made.borrow_mut().insert(call, (Life::Unknown, false));
        let found = self.framed(Calls::new(), || self.find_made(call));
        self.made.borrow_mut().insert(call, found);
        found
    }

    fn find_made(&self, call: ValueRef) -> (Life, bool) {
        let parts = self.construction(call, MAX_DEPTH);
        match parts {
            Life::Instrumented => (parts, false),
            _ => {
                let later = self.later(call);
                let is_kept = !later.escapes.is_empty() || !later.beans.is_empty();
                let kept = if is_kept { Life::Unknown } else { Life::Plain };
                let is_sealed = self.study.fact(call).is_some_and(|fact| fact.effect.sealed);
                let later_on = match later.life.unwrap_or(Life::Plain).and(kept) {
                    Life::Unknown if is_sealed => Life::Plain,
                    life => life,
                };
                (parts.and(later_on), later.has_traced_route)
            }
        }
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
        let (marks, escapes) = (later.marks.clone(), later.escapes.clone());
        Account { life: self.of_construction(call), parts, marks, escapes, is_bean: !later.beans.is_empty() }
    }

    /// How a variable of a library that the whole process shares stands, by what the code writes to it.
    pub(in crate::rules) fn global(&self, name: Ustr) -> Life {
        if let Some(known) = self.globals.borrow().get(&name) {
            return *known;
        }
        // What is made of its own old value adds nothing to that.
        self.globals.borrow_mut().insert(name, Life::Plain);
        let knowledge = self.study.program.knowledge;
        let written = self.index.global_writes.get(&name).map_or(&[][..], Vec::as_slice);
        let part = |value| self.framed(Calls::new(), || self.part(value, "", MAX_DEPTH));
        let as_made =
            self.study.program.described(name).map_or(Life::Plain, |(_, effect)| match self.instruments(effect) {
                true => Life::Instrumented,
                false => Life::Plain,
            });
        let mut life = written.iter().fold(as_made, |life, value| life.and(part(*value)));
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
}
