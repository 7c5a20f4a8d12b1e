//! Along which calls work leads from function to function: from what takes requests, and from what starts up.

use super::super::{Study, Summary};
use super::Inbound;
use super::dispatch::{chosen, implementing};
use super::events::heard;
use super::fresh::{hands_fresh, own_context};
use super::graph::{Graph, Through};
use super::lasting::{begins, lives_on};
use super::links::linked;
use super::through::Held;
use super::ticks::ticking;
use crate::ir::{Language, Span};
use crate::knowledge::TypeRole;
use crate::link::{FuncRef, ValueRef};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use std::collections::VecDeque;

/// How many calls deep work that came in is followed, by the shortest way. Longer ways are made up of calls that may
/// reach many functions, and lead to all of a large program.
const MAX_WAY: u8 = 20;

/// Along what functions lead to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum With {
    /// What they run, and what is written in them.
    Calls,
    /// Also what they hand around as values, and somebody may run.
    Values,
    /// Also what they run with a fresh context, or by the clock.
    Everything,
}

/// The calls between the functions of a program. Functions are numbered in the order of files.
pub(super) struct Ways<'s, 'a> {
    pub(super) study: &'s Study<'a>,
    /// The number of the first function of each file.
    starts: Vec<usize>,
    pub(super) functions: Vec<FuncRef>,
    /// The functions that each one runs, or that are written in it.
    next: Vec<SmallVec<[u32; 4]>>,
    /// The functions that each one hands around as values: who runs them, and when, is not seen.
    pub(super) values: Vec<SmallVec<[u32; 2]>>,
    /// The functions that something is seen to run, or that are written in another.
    has_above: Vec<bool>,
    /// The functions to which a call hands a fresh context, or that run by the clock: no trace comes along that way.
    begun: Vec<u32>,
    /// The functions that each one runs with a fresh context, or by the clock: a command runs them all the same.
    begins: FxHashMap<u32, Vec<u32>>,
    /// What runs by the clock, in each file.
    ticking: Vec<Vec<Span>>,
    /// The functions that calls run through values (Go).
    pub(super) through: Through,
}

impl<'s, 'a> Ways<'s, 'a> {
    /// The ways themselves, without what they were found by.
    pub(super) fn into_graph(self) -> Graph {
        Graph {
            starts: self.starts,
            functions: self.functions,
            next: self.next,
            values: self.values,
            begins: self.begins,
            through: self.through,
        }
    }

    pub(super) fn new(study: &'s Study<'a>) -> Self {
        let program = study.program;
        let functions: Vec<FuncRef> = program.all_functions().collect();
        let mut starts = Vec::with_capacity(program.files.len());
        let mut count = 0;
        for file in &program.files {
            starts.push(count);
            count += file.source.facts.functions.len();
        }
        let mut ways = Self {
            study,
            starts,
            next: vec![SmallVec::new(); functions.len()],
            values: vec![SmallVec::new(); functions.len()],
            has_above: vec![false; functions.len()],
            begun: Vec::new(),
            begins: FxHashMap::default(),
            ticking: match program.language {
                Language::Go => (0..program.files.len() as u32).map(|file| ticking(study, file)).collect(),
                _ => Vec::new(),
            },
            through: Through::default(),
            functions,
        };
        ways.add_calls();
        ways.add_values();
        for (method, implementers) in implementing(study) {
            ways.add_all(method, &implementers);
        }
        for (publisher, listener) in heard(study) {
            ways.add_all(publisher, &[listener]);
        }
        for (maker, methods) in linked(study) {
            ways.add_all(maker, &methods);
        }
        for (outer, inner) in &study.nested {
            let (ticked, others): (Vec<FuncRef>, Vec<FuncRef>) =
                inner.iter().partition(|inner| ways.is_ticked(**inner));
            ways.add_all(*outer, &others);
            ticked.into_iter().for_each(|function| ways.begin(*outer, function));
        }
        ways
    }

    pub(super) fn number(&self, function: FuncRef) -> usize {
        self.starts.get(function.file as usize).map_or(0, |start| start + function.id.0 as usize)
    }

    fn add_calls(&mut self) {
        let program = self.study.program;
        let contexts: FxHashMap<FuncRef, u16> = match program.language {
            Language::Go => self.functions.iter().filter_map(|at| Some((*at, own_context(self.study, *at)?))).collect(),
            _ => FxHashMap::default(),
        };
        let held = (program.language == Language::Go).then(|| Held::new(self.study));
        for (file, unit) in (0u32..).zip(&program.files) {
            for site in &unit.flow.calls {
                let call = ValueRef { file, expr: site.expr };
                let from = FuncRef { file, id: site.function };
                let callee = program.callee(call);
                if let Some(held) = held.as_ref().filter(|_| callee.functions.is_empty()) {
                    self.add_through(from, call, held, &contexts);
                }
                let chosen = chosen(self.study, call, &callee.functions);
                let ticks = self.ticks(call);
                for callee in chosen.as_deref().unwrap_or(&callee.functions) {
                    match ticks || contexts.get(callee).is_some_and(|n| hands_fresh(self.study, call, *callee, *n)) {
                        true => self.begin(from, *callee),
                        false => self.add_all(from, &[*callee]),
                    }
                }
            }
        }
    }

    /// Whether a value stands in what runs by the clock.
    pub(super) fn ticks(&self, value: ValueRef) -> bool {
        self.ticking.get(value.file as usize).is_some_and(|spans| {
            !spans.is_empty() && {
                let at = self.study.program.expr(value).span;
                spans.iter().any(|span| span.contains(at))
            }
        })
    }

    /// Whether a function is a literal that stands in what runs by the clock.
    fn is_ticked(&self, function: FuncRef) -> bool {
        let file = self.study.program.files.get(function.file as usize);
        let made = file.and_then(|file| file.flow.closures.get(&function.id));
        made.is_some_and(|expr| self.ticks(ValueRef { file: function.file, expr: *expr }))
    }

    fn begin(&mut self, from: FuncRef, function: FuncRef) {
        let (from, at) = (self.number(from), self.number(function));
        self.begins.entry(from as u32).or_default().push(at as u32);
        self.has_above[at] = true;
        self.begun.push(at as u32);
    }

    fn add_all(&mut self, from: FuncRef, to: &[FuncRef]) {
        let from = self.number(from);
        for function in to {
            let to = self.number(*function);
            if to != from && !self.next[from].contains(&(to as u32)) {
                self.next[from].push(to as u32);
                self.has_above[to] = true;
            }
        }
    }

    /// Notes as below an entry what work that comes in at the entries leads to.
    pub(super) fn spread(&self, out: &mut FxHashMap<FuncRef, Inbound>, entries: Vec<FuncRef>) {
        let mut work: VecDeque<(FuncRef, u8)> = entries.into_iter().map(|entry| (entry, 0)).collect();
        while let Some((function, depth)) = work.pop_front() {
            if depth >= MAX_WAY {
                continue;
            }
            let from = self.number(function);
            for callee in self.next[from].iter().chain(&self.values[from]) {
                let callee = self.functions[*callee as usize];
                if let std::collections::hash_map::Entry::Vacant(free) = out.entry(callee) {
                    free.insert(Inbound::Below(function));
                    work.push_back((callee, depth + 1));
                }
            }
        }
    }

    /// Notes as roots the functions that nothing but roots leads to, or what begins something that lives as long as the
    /// process, or calls that hand a fresh context over.
    pub(super) fn only_from_roots(&self, out: &mut FxHashMap<FuncRef, Inbound>) {
        let known: Vec<Option<Inbound>> = self.functions.iter().map(|function| out.get(function).copied()).collect();
        let ends = |at: usize| match known[at] {
            Some(Inbound::Root) => true,
            Some(Inbound::Entry(_) | Inbound::Below(_)) => false,
            Some(_) => self.study.is_for_operator(self.functions[at].file) || lives_on(self.study, self.functions[at]),
            None => begins(self.study, self.functions[at]) || self.study.is_for_operator(self.functions[at].file),
        };
        let is_inbound = |at: usize| matches!(known[at], Some(Inbound::Entry(_) | Inbound::Below(_)));
        let numbers = || 0..self.functions.len();
        let open = numbers().filter(|at| is_inbound(*at) || (self.is_open(*at) && !ends(*at)));
        let held = self.reached(open, With::Values, ends);
        let begun = self.begun.iter().map(|at| *at as usize);
        let rooted = self.reached(numbers().filter(|at| ends(*at)).chain(begun), With::Calls, is_inbound);
        for at in numbers() {
            if rooted[at] && !held[at] && !is_inbound(at) && (self.has_above[at] || !ends(at)) {
                out.insert(self.functions[at], Inbound::Root);
            }
        }
    }

    /// The functions that start spans, and those that they lead to: what these ask others for belongs to a trace, though it
    /// may begin in the process itself.
    /// Handlers that are handed to a server there run when a request comes, not under that span.
    pub(super) fn under_spans(&self, inbound: &FxHashMap<FuncRef, Inbound>) -> FxHashSet<FuncRef> {
        let has_span = |at: &usize| {
            let function = self.functions[*at];
            self.study.calls_in(function).any(|fact| fact.effect.span.is_some()) || self.is_handed_span(function)
        };
        let is_served = |at: usize| {
            let function = self.functions[at];
            matches!(inbound.get(&function), Some(Inbound::Entry(_))) || self.waits(function)
        };
        let from = (0..self.functions.len()).filter(has_span);
        self.chosen(&self.walked(from, |at| {
            let values = self.values[at].iter().filter(|to| !is_served(**to as usize));
            self.next[at].iter().chain(values)
        }))
    }

    /// The literals that whoever has a request gives it to, what is called back with messages, and the functions that
    /// these lead to: a trace may come with either.
    pub(super) fn waiting(&self) -> FxHashSet<FuncRef> {
        self.reached_from(|at| self.waits(self.functions[*at]) || self.is_given_messages(*at))
    }

    fn reached_from(&self, is_start: impl Fn(&usize) -> bool) -> FxHashSet<FuncRef> {
        self.chosen(&self.reached((0..self.functions.len()).filter(is_start), With::Values, |_| false))
    }

    /// The functions whose numbers are marked.
    fn chosen(&self, marked: &[bool]) -> FxHashSet<FuncRef> {
        marked.iter().zip(&self.functions).filter(|(marked, _)| **marked).map(|(_, function)| *function).collect()
    }

    /// The functions that some lead to, with themselves, by the given steps.
    fn walked<'n, I: Iterator<Item = &'n u32>>(
        &self,
        from: impl Iterator<Item = usize>,
        next: impl Fn(usize) -> I,
    ) -> Vec<bool> {
        let mut seen = vec![false; self.functions.len()];
        let mut work: Vec<usize> = from.collect();
        work.iter().for_each(|at| seen[*at] = true);
        while let Some(at) = work.pop() {
            work.extend(next(at).map(|to| *to as usize).filter(|to| !std::mem::replace(&mut seen[*to], true)));
        }
        seen
    }

    /// The functions that take a context from somebody who is not seen, and those that they lead to.
    pub(super) fn given(&self, inbound: &FxHashMap<FuncRef, Inbound>) -> FxHashSet<FuncRef> {
        let study = self.study;
        let ends = |function: FuncRef| study.is_for_operator(function.file) || lives_on(study, function);
        let is_top = |at: &usize| {
            let function = self.functions[*at];
            inbound.get(&function) == Some(&Inbound::Takes) && self.is_open(*at) && !ends(function)
        };
        self.reached_from(is_top)
    }

    /// Whether something is seen to run a function, or it is written in another.
    pub(super) fn is_run(&self, function: FuncRef) -> bool {
        self.has_above[self.number(function)]
    }

    /// The functions that some lead to, also by handing functions around, with themselves; at a barrier a way ends.
    pub(super) fn below(&self, from: &[FuncRef], barrier: impl Fn(FuncRef) -> bool) -> FxHashSet<FuncRef> {
        let from: Vec<usize> = from.iter().map(|function| self.number(*function)).collect();
        self.chosen(&self.reached(from.into_iter(), With::Everything, |at| barrier(self.functions[at])))
    }

    /// The functions that lead to some, with themselves; at a barrier a way ends. The second says whether one of them is
    /// led to by nothing and is no barrier.
    pub(super) fn above(&self, from: &[FuncRef], barrier: impl Fn(FuncRef) -> bool) -> (FxHashSet<FuncRef>, bool) {
        let mut before: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        for (at, (next, values)) in (0u32..).zip(self.next.iter().zip(&self.values)) {
            let begins = self.begins.get(&at).into_iter().flatten();
            next.iter().chain(values).chain(begins).for_each(|to| before.entry(*to).or_default().push(at));
        }
        let mut work: Vec<u32> = from.iter().map(|function| self.number(*function) as u32).collect();
        let mut seen: FxHashSet<u32> = work.iter().copied().collect();
        let mut is_open = false;
        while let Some(at) = work.pop() {
            if barrier(self.functions[at as usize]) {
                continue;
            }
            let above = before.get(&at).map(Vec::as_slice).unwrap_or_default();
            is_open |= above.is_empty();
            work.extend(above.iter().copied().filter(|to| seen.insert(*to)));
        }
        (seen.into_iter().map(|at| self.functions[at as usize]).collect(), is_open)
    }

    /// The functions that some lead to, with themselves, if nothing that comes in or that nobody is seen to run leads to them
    /// by another way.
    pub(super) fn behind(
        &self,
        doors: &FxHashSet<FuncRef>,
        inbound: &FxHashMap<FuncRef, Inbound>,
    ) -> FxHashSet<FuncRef> {
        if doors.is_empty() {
            return FxHashSet::default();
        }
        let is_door = |at: usize| doors.contains(&self.functions[at]);
        let is_entry = |at: usize| matches!(inbound.get(&self.functions[at]), Some(Inbound::Entry(_)));
        let numbers = || 0..self.functions.len();
        let open = numbers().filter(|at| (is_entry(*at) || self.is_open(*at)) && !is_door(*at));
        let held = self.reached(open, With::Values, is_door);
        let behind = self.reached(numbers().filter(|at| is_door(*at)), With::Values, |_| false);
        numbers().filter(|at| behind[*at] && (!held[*at] || is_door(*at))).map(|at| self.functions[at]).collect()
    }

    /// Whether a function calls a helper of the program's own that starts a span and hands it over.
    fn is_handed_span(&self, function: FuncRef) -> bool {
        let program = self.study.program;
        let Some(file) = program.files.get(function.file as usize) else { return false };
        let is_span = |call, n| program.result_type(call, n, 8).and_then(|ty| program.role(ty)) == Some(TypeRole::Span);
        file.flow.calls_of(function.id).any(|site| {
            let call = ValueRef { file: function.file, expr: site.expr };
            let helpers = &program.callee(call).functions;
            helpers.iter().any(|helper| self.study.summary(*helper).has(Summary::STARTS))
                && (is_span(call, 0) || is_span(call, 1))
        })
    }

    /// Whether nothing is seen to run a function, or it runs whenever a request comes.
    fn is_open(&self, at: usize) -> bool {
        // What an interface of the program's own asks for runs where that is asked.
        let is_abstract = || self.study.program.function(self.functions[at]).flags.is_abstract;
        if self.study.language() == Language::Go && is_abstract() {
            return false;
        }
        !self.has_above[at] || self.waits(self.functions[at]) || self.is_offered(self.functions[at])
    }

    /// Whether nothing is seen to run a function that takes a message: whoever receives it does.
    fn is_given_messages(&self, at: usize) -> bool {
        let (program, function) = (self.study.program, self.functions[at]);
        let is_message = |n| program.param_type(function, n).and_then(|ty| program.role(ty)) == Some(TypeRole::Message);
        let decl = program.function(function);
        !self.has_above[at] && !decl.flags.is_abstract && (0..decl.params.len() as u16).any(is_message)
    }

    /// Whether a Go function is there for whoever imports its unit, which is no program itself.
    fn is_offered(&self, function: FuncRef) -> bool {
        let program = self.study.program;
        let decl = program.function(function);
        program.language == Language::Go
            && !decl.flags.is_private
            && !decl.flags.is_closure
            && self.study.is_offered(function.file)
    }

    /// Whether a function is a literal that takes a request of its own: it runs when one comes, not where it is written.
    fn waits(&self, function: FuncRef) -> bool {
        let own = || self.study.context_param(function).filter(|param| param.function == function);
        self.study.program.function(function).flags.is_closure && own().is_some_and(|param| param.is_request)
    }

    /// The functions that some lead to, with themselves, by ways on which none but the first and the last are barriers.
    fn reached(&self, from: impl Iterator<Item = usize>, with: With, barrier: impl Fn(usize) -> bool) -> Vec<bool> {
        let mut seen = vec![false; self.functions.len()];
        let mut work: Vec<usize> = from.collect();
        work.iter().for_each(|at| seen[*at] = true);
        while let Some(at) = work.pop() {
            let values = if with == With::Calls { &[] } else { &self.values[at][..] };
            let begins = self.begins.get(&(at as u32)).filter(|_| with == With::Everything);
            for next in self.next[at].iter().chain(values).chain(begins.into_iter().flatten()) {
                let next = *next as usize;
                if !seen[next] {
                    seen[next] = true;
                    if !barrier(next) {
                        work.push(next);
                    }
                }
            }
        }
        seen
    }
}
