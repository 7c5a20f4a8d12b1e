//! How the function around a line comes to run.

use super::{Asker, WhyFunction, WhyPlace};
use crate::link::{FuncRef, ValueRef};
use crate::rules::clients::can_be_inside;
use crate::study::Inbound;
use rustc_hash::FxHashSet;

/// How many callers are named.
const MAX_CALLERS: usize = 8;
/// How many functions are looked at on the way up.
const MAX_ABOVE: usize = 200;
/// How long a chain from an entry may be.
const MAX_CHAIN: usize = 64;

impl Asker<'_, '_> {
    /// The function that the line is in, or that is declared on it.
    pub(super) fn function(&self) -> Option<WhyFunction> {
        let function = self.function_around()?;
        let study = self.study;
        let param = study.context_param(function);
        let outer = study.program.outermost(function);
        let callers = study.program.callers(outer);
        Some(WhyFunction {
            name: study.function_name(function),
            runs: self.runs(function),
            chain: self.chain(function),
            context: param.map(|param| self.at(param.place, format!("`{}`", param.name))),
            can_hold_trace: can_be_inside(study, function),
            callers: callers.iter().take(MAX_CALLERS).map(|call| self.caller(*call)).collect(),
            ends: self.ends(outer),
        })
    }

    fn caller(&self, call: ValueRef) -> WhyPlace {
        let caller = self.study.function_name(self.study.program.function_at(call));
        self.at(self.study.program.place(call), format!("`{}` in `{caller}`", self.study.callee_text(call)))
    }

    /// The innermost function whose lines hold the line.
    fn function_around(&self) -> Option<FuncRef> {
        let facts = &self.study.program.files.get(self.file as usize)?.source.facts;
        let holds = |function: &crate::ir::Function| {
            let first = function.annotations.iter().map(|found| found.span.start).min();
            let start = first.unwrap_or(function.span.start).min(function.span.start);
            self.line_of(start) <= self.line && self.line <= self.line_of(function.span.end)
        };
        let found = facts.functions.iter().enumerate().skip(1).filter(|(_, function)| holds(function));
        let (id, _) = found.min_by_key(|(_, function)| function.span.end - function.span.start)?;
        Some(FuncRef { file: self.file, id: crate::ir::FunctionId(id as u32) })
    }

    fn runs(&self, function: FuncRef) -> String {
        let study = self.study;
        match study.inbound(function) {
            Inbound::Entry(_) => "it runs for inbound work: a library calls it".to_owned(),
            Inbound::Below(_) => "it runs for inbound work: an entry calls it, perhaps through others".to_owned(),
            Inbound::Takes => "whoever runs it gives it a context or request; no entry is seen to call it".to_owned(),
            Inbound::Root => "it runs only from roots: start-up, commands, jobs, timers".to_owned(),
            Inbound::Unknown if study.program.callers(study.program.outermost(function)).is_empty() => {
                "nothing in the tree is seen to call it, and no library by a sign that is known".to_owned()
            }
            Inbound::Unknown => "it is called, but no entry is seen above".to_owned(),
        }
    }

    /// From the entry down to the function.
    fn chain(&self, function: FuncRef) -> Vec<WhyPlace> {
        let mut out = Vec::new();
        let mut at = function;
        for _ in 0..MAX_CHAIN {
            match self.study.inbound(at) {
                Inbound::Below(above) => {
                    out.push(self.function_at(at));
                    at = above;
                }
                Inbound::Entry(place) => {
                    out.push(self.function_at(at));
                    out.push(self.at(place, "the trace comes in here"));
                    break;
                }
                _ => break,
            }
        }
        out.dedup();
        out.reverse();
        out
    }

    /// Where the search for callers ends.
    fn ends(&self, from: FuncRef) -> Vec<WhyPlace> {
        let program = self.study.program;
        let mut seen: FxHashSet<FuncRef> = FxHashSet::from_iter([from]);
        let mut work = vec![from];
        let mut out = Vec::new();
        while let Some(function) = work.pop().filter(|_| seen.len() < MAX_ABOVE) {
            let callers = program.callers(function);
            if callers.is_empty() && out.len() < MAX_CALLERS {
                out.push(self.function_at(function));
            }
            let above = callers.iter().map(|call| program.outermost(program.function_at(*call)));
            work.extend(above.filter(|caller| seen.insert(*caller)));
        }
        out.sort();
        out
    }
}
