//! The calls on a line: what each runs, what is known of it, how it was judged.

use super::{Asker, Site, WhyCall, WhyPlace};
use crate::ir::ExprKind;
use crate::knowledge::{FunctionDescription, HopKind};
use crate::link::{Step, ValueRef};

/// How far an unknown type is followed to where it begins.
const MAX_BACK: usize = 8;
/// How many calls of a line are told of.
const MAX_CALLS: usize = 12;

impl Asker<'_, '_> {
    /// The calls that begin on the line, or whose callee's name is on it, and the functions declared on it that were judged.
    pub(super) fn calls(&self) -> Vec<WhyCall> {
        let Some(file) = self.study.program.files.get(self.file as usize) else { return Vec::new() };
        let sites = file.flow.calls.iter().map(|site| ValueRef { file: self.file, expr: site.expr });
        let noted = self.notes.iter().filter_map(|note| match note.hop {
            Site::Call(call) if call.file == self.file => Some(call),
            _ => None,
        });
        let mut here: Vec<ValueRef> = sites.chain(noted).filter(|call| self.is_here(*call)).collect();
        let start = |call: &ValueRef| self.study.program.expr(*call).span.end;
        here.sort_by_key(|call| (self.study.fact(*call).is_none() && !self.is_noted(*call), start(call), *call));
        here.dedup();
        let mut out: Vec<WhyCall> = here.into_iter().take(MAX_CALLS).map(|call| self.call(call)).collect();
        out.extend(self.handlers());
        out
    }

    fn is_noted(&self, call: ValueRef) -> bool {
        self.notes.iter().any(|note| note.hop == Site::Call(call))
    }

    fn is_here(&self, call: ValueRef) -> bool {
        let program = self.study.program;
        let span = program.expr(call).span;
        let name = match program.expr_kind(call) {
            ExprKind::Call { callee, .. } => program.expr(ValueRef { expr: *callee, ..call }).span.end,
            _ => span.start + 1,
        };
        [span.start, name.max(1) - 1].into_iter().any(|offset| self.line_of(offset) == self.line)
    }

    fn call(&self, call: ValueRef) -> WhyCall {
        let study = self.study;
        let callee = study.program.callee(call);
        let fact = study.fact(call);
        let unit = study.unit(call.file);
        WhyCall {
            text: study.callee_text(call),
            line: self.line_of(study.program.expr(call).span.start),
            name: callee.name.map(|name| name.to_string()),
            library: fact.map(|fact| fact.library.title.clone()),
            does: fact.map(|fact| does(fact.effect)).unwrap_or_default(),
            runs: callee.functions.iter().map(|function| self.function_at(*function)).collect(),
            stopped: if fact.is_none() && callee.functions.is_empty() { self.stopped(call) } else { Vec::new() },
            coverage: fact.map(|fact| match unit.coverage(fact.library) {
                Some(found) => format!(
                    "by {}{}, {}",
                    found.by,
                    found.at.as_ref().map(|(path, line)| format!(" ({path}:{line})")).unwrap_or_default(),
                    found.reach.words()
                ),
                None => "by nothing: no stack of the service instruments this library from outside".to_owned(),
            }),
            verdicts: self.verdicts(Site::Call(call)),
            values: self.values(call),
        }
    }

    /// The judged functions that are declared on the line.
    fn handlers(&self) -> Vec<WhyCall> {
        let mut out: Vec<WhyCall> = Vec::new();
        for note in self.notes {
            let Site::Function(function) = note.hop else { continue };
            let place = self.function_at(function);
            let is_here = function.file == self.file && place.line == self.line;
            if is_here && !out.iter().any(|known| known.text == place.text) {
                out.push(WhyCall {
                    text: place.text.trim_matches('`').to_owned(),
                    line: place.line,
                    name: None,
                    library: None,
                    does: vec!["is called by a library".to_owned()],
                    runs: Vec::new(),
                    stopped: Vec::new(),
                    coverage: None,
                    verdicts: self.verdicts(note.hop),
                    values: Vec::new(),
                });
            }
        }
        out
    }

    /// The way back from a call of which nothing is known to where types or names stop.
    fn stopped(&self, call: ValueRef) -> Vec<WhyPlace> {
        let study = self.study;
        let program = study.program;
        if let Some(name) = program.callee(call).name {
            let owner = name.rsplit_once('.').map(|(owner, _)| ustr::Ustr::from(owner));
            let text = match owner.is_some_and(|owner| program.knowledge.ty(owner).is_some()) {
                true => format!("no description has `{name}`, though its type is described"),
                false => format!("no description has `{name}`, and no source in the tree"),
            };
            let mut out = vec![self.at(program.place(call), text)];
            out.extend(self.back(program.receiver(call)));
            return out;
        }
        let out = self.back(program.receiver(call));
        match out.is_empty() {
            true => vec![self.at(program.place(call), "what the called name stands for is not seen")],
            false => out,
        }
    }

    /// The way back from a value without a type.
    fn back(&self, from: Option<ValueRef>) -> Vec<WhyPlace> {
        let program = self.study.program;
        let mut out = Vec::new();
        let mut at = from.filter(|value| program.type_of(*value).is_none());
        while let Some(value) = at.filter(|_| out.len() < MAX_BACK) {
            let step = program.step(value);
            let (text, next) = self.untyped(value, &step);
            out.push(self.at(program.place(value), text));
            at = next.filter(|next| *next != value && program.type_of(*next).is_none());
        }
        out
    }

    /// Why a value has no type, and the value to which that goes back.
    fn untyped(&self, value: ValueRef, step: &Step) -> (String, Option<ValueRef>) {
        let study = self.study;
        let text = study.text(value);
        match step {
            Step::Param(function, n) => {
                let name = study.program.function(*function).params.get(*n as usize).map(|param| param.name);
                let of = study.function_name(*function);
                let said = match study.program.param_type(*function, *n) {
                    Some(ty) => format!("its type `{ty}` is neither described nor in the tree"),
                    None => "it has no type".to_owned(),
                };
                (format!("`{text}` is parameter `{}` of `{of}`: {said}", name.unwrap_or_default()), None)
            }
            Step::Field(owner, name) => {
                let writes = study.program.all_writes(*owner, *name);
                let seen = match writes.len() {
                    0 => "nothing is seen to write it".to_owned(),
                    n => format!("no type is declared, written in {n} places"),
                };
                (format!("`{text}` is `{name}` of `{owner}`: {seen}"), writes.first().map(|(value, _)| *value))
            }
            Step::Call(call, n) if *call == value => {
                let callee = study.program.callee(*call);
                let what = callee.name.map_or_else(|| "an unknown call".to_owned(), |name| format!("`{name}`"));
                let next = if callee.name.is_none() { study.program.receiver(*call) } else { None };
                (format!("`{text}` is result {n} of {what}, whose type is not known"), next)
            }
            Step::Call(call, n) => (format!("`{text}` is result {n} of a call"), Some(*call)),
            Step::Values(values) => (format!("the type of `{text}` is not known"), values.first().copied()),
            Step::Part(whole) => (format!("`{text}` is a part of something"), Some(*whole)),
            Step::Literal(_) => (format!("`{text}` is a literal"), None),
            Step::Unknown => (format!("where `{text}` comes from is not seen"), None),
        }
    }
}

/// What a library's function does for the trace, in words.
fn does(effect: &FunctionDescription) -> Vec<String> {
    let mut out = Vec::new();
    let mut say = |what: Option<String>| out.extend(what);
    say(effect.hop.map(|hop| {
        let kind = match hop.kind {
            HopKind::HttpCall => "calls another service over HTTP",
            HopKind::RpcCall => "calls another service by RPC",
            HopKind::Produce => "sends a message",
            HopKind::Consume => "receives messages",
            HopKind::Serve => "serves",
            HopKind::Store => "asks a database or cache",
        };
        kind.to_owned()
    }));
    say(effect.makes.map(|role| format!("makes: {}", word(&role))));
    say(effect.instruments.map(|slot| format!("instruments its {slot}")));
    say((!effect.switches_on.is_empty())
        .then(|| format!("switches instrumentation on: {}", effect.switches_on.join(", "))));
    say(effect.span.map(|span| format!("starts a span{}", if span.current { " and makes it current" } else { "" })));
    say(effect.ends.map(|_| "ends a span".to_owned()));
    say(effect.inject.map(|_| "injects".to_owned()));
    say(effect.extract.map(|_| "extracts".to_owned()));
    say(effect.activates.map(|_| "makes a context or span current".to_owned()));
    say(effect.closes.map(|_| "closes a scope".to_owned()));
    say(effect.spawns.map(|spawn| {
        let how = if spawn.carries { "the context goes along" } else { "the context does not go along by itself" };
        format!("runs work elsewhere ({}): {how}", word(&spawn.kind))
    }));
    say(effect.carries.map(|slot| format!("wraps its {slot} so that the context goes along")));
    say(effect.registers.map(|found| {
        let what = if found.root { "a handler that is a root by design" } else { "a handler for inbound work" };
        format!("registers {what}")
    }));
    say(effect.sets.map(|set| format!("sets for the process: {}", word(&set))));
    say(effect.binds_context.map(|slot| format!("binds the context in its {slot}")));
    say(effect.derives.map(|slot| format!("its result continues its {slot}")));
    say(effect.root_context.then(|| "its result is, or has, a fresh root context".to_owned()));
    say(effect.log.map(|_| "logs".to_owned()));
    say(effect.measures.map(|slot| format!("records a measurement with the span of its {slot} as an example")));
    if out.is_empty() {
        out.push("has a type that is followed".to_owned());
    }
    out
}

/// The word that descriptions use.
fn word<T: serde::Serialize>(value: &T) -> String {
    let value = serde_json::to_value(value).ok();
    value.as_ref().and_then(|value| value.as_str()).unwrap_or_default().to_owned()
}
