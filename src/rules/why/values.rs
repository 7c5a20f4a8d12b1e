//! The values that matter for a call, and where each comes from.

use super::{Asker, WhyOrigin, WhyPlace, WhyValue};
use crate::ir::ExprKind;
use crate::knowledge::{FunctionDescription, Slot, TypeRole};
use crate::link::{FuncRef, MAX_ARGUMENTS, MAX_ORIGINS, Origin, ValueRef};
use crate::rules::clients::{Account, By, Life, Mount, Stand, mounted};

/// How many origins of a value are told.
const MAX_TOLD: usize = 8;

/// How many registrations on a server are told.
const MAX_MOUNTS: usize = 12;

/// A role of a value, its place in the call, and whether rules look for its origins in the callers too.
type Role = (&'static str, Slot, bool);

impl Asker<'_, '_> {
    /// The values that matter for a call.
    pub(super) fn values(&self, call: ValueRef) -> Vec<WhyValue> {
        let Some(fact) = self.study.fact(call) else { return Vec::new() };
        let mut out = Vec::new();
        for (role, slot, through) in roles(fact.effect) {
            let values = self.study.slot(call, slot);
            if values.is_empty() {
                out.push(self.without_value(role, slot));
            }
            out.extend(values.into_iter().take(3).map(|value| self.value(role, slot, value, through)));
        }
        if fact.effect.makes.is_some() {
            let text = self.study.callee_text(call);
            let ty = self.study.program.type_of(call).map(|ty| ty.to_string());
            let mut origins = vec![self.made(call, "is made here".to_owned())];
            origins.extend(self.mounts(call));
            out.push(WhyValue { role: "what it makes".to_owned(), slot: "result".to_owned(), text, ty, origins });
        }
        out
    }

    /// What is mounted on a server that a call makes, and how each handler stands to traces.
    fn mounts(&self, made: ValueRef) -> Vec<WhyOrigin> {
        if self.study.fact(made).is_none_or(|fact| fact.effect.makes != Some(TypeRole::Server)) {
            return Vec::new();
        }
        let lives = self.lives.of_servers();
        let mounts = mounted(&lives, made, &lives.later(made));
        mounts.iter().take(MAX_MOUNTS).map(|mount| self.mount(mount)).collect()
    }

    fn mount(&self, mount: &Mount) -> WhyOrigin {
        let told = |(function, stand): &(FuncRef, Stand)| {
            let place = self.function_at(*function);
            let how = match stand {
                Stand::Reads => "reads the trace itself",
                Stand::Front => "starts a span and has another handler run under it",
                Stand::GoesOn => "would go on with the trace",
                Stand::Still => "starts no span and asks nobody",
                Stand::Apart => "never asks its request for the context",
            };
            WhyPlace { text: format!("{}: {how}", place.text), ..place }
        };
        let because = mount.handlers.iter().take(MAX_TOLD).map(told).collect();
        let what = match mount.by {
            By::Seen => "mounted on it",
            By::Others => "mounted by who is handed this",
            By::Reader => "mounted on it: a router that reads traces",
        };
        WhyOrigin { what: what.to_owned(), at: self.value_at(mount.call), state: None, because }
    }

    /// What stands for a place in the call in which there is no value.
    fn without_value(&self, role: &str, slot: Slot) -> WhyValue {
        let origins = match slot {
            Slot::Global(name) => {
                let life = word(self.lives.global(name));
                let place = WhyPlace { text: format!("`{name}`"), path: String::new(), line: 0 };
                let what = "the whole process shares it".to_owned();
                vec![WhyOrigin { what, at: place, state: Some(life.to_owned()), because: Vec::new() }]
            }
            _ => Vec::new(),
        };
        WhyValue { role: role.to_owned(), slot: slot.to_string(), text: String::new(), ty: None, origins }
    }

    fn value(&self, role: &str, slot: Slot, value: ValueRef, through: bool) -> WhyValue {
        let program = self.study.program;
        let mut ends: Vec<(ValueRef, Origin)> = Vec::new();
        let mut seen = 0;
        let all = program.origins_noting(value, through, |at, found| {
            seen += 1;
            ends.extend(found.iter().map(|origin| (at, *origin)));
        });
        let mut origins: Vec<WhyOrigin> = Vec::new();
        for (at, origin) in &ends {
            let told = self.origin(*at, *origin, through);
            if origins.len() < MAX_TOLD && !origins.contains(&told) {
                origins.push(told);
            }
        }
        if seen >= MAX_ORIGINS || all.len() > ends.len() {
            let what = format!("the search stopped after {MAX_ORIGINS} values");
            origins.push(WhyOrigin { what, at: self.value_at(value), state: None, because: Vec::new() });
        }
        WhyValue {
            role: role.to_owned(),
            slot: slot.to_string(),
            text: self.study.text(value),
            ty: program.type_of(value).map(|ty| ty.to_string()),
            origins,
        }
    }

    fn origin(&self, at: ValueRef, origin: Origin, through: bool) -> WhyOrigin {
        let study = self.study;
        let stop = |what: String| WhyOrigin { what, at: self.value_at(at), state: None, because: Vec::new() };
        match origin {
            Origin::Call(call, _) => match study.fact(call) {
                Some(fact) if fact.effect.makes.is_some() => self.made(call, format!("made by {}", fact.library.title)),
                Some(fact) => {
                    WhyOrigin { at: self.value_at(call), ..stop(format!("a call of {}", fact.library.title)) }
                }
                None => WhyOrigin { at: self.value_at(call), ..stop(self.unknown_call(call)) },
            },
            Origin::Literal(value) if study.fact(value).is_some_and(|fact| fact.effect.makes.is_some()) => {
                self.made(value, "made as a literal".to_owned())
            }
            Origin::Literal(value) => {
                let what = match study.program.expr_kind(value) {
                    ExprKind::Closure(_) | ExprKind::MethodRef { .. } => "a function",
                    ExprKind::Zero(_) => "a zero value",
                    _ => "a literal",
                };
                WhyOrigin { at: self.value_at(value), ..stop(what.to_owned()) }
            }
            Origin::Param(function, n) => stop(self.param(function, n, through)),
            Origin::Field(owner, name) => {
                let ty = study.program.field_type(owner, name, 8);
                let ty = ty.map(|ty| format!(" of type `{ty}`")).unwrap_or_default();
                stop(format!("`{name}` of `{owner}`{ty}: nothing in the tree is seen to write it"))
            }
            Origin::Unknown => stop("it cannot be followed further here".to_owned()),
        }
    }

    fn unknown_call(&self, call: ValueRef) -> String {
        let callee = self.study.program.callee(call);
        match callee.name {
            _ if callee.constructs.is_some() => "an object of the service's own".to_owned(),
            Some(name) if callee.functions.is_empty() => format!("a call of `{name}`, which nothing describes"),
            Some(name) => format!("a call of `{name}`, whose result cannot be followed"),
            None => "a call of which nothing is known".to_owned(),
        }
    }

    /// Why the search ends at a parameter.
    fn param(&self, function: FuncRef, n: u16, through: bool) -> String {
        let study = self.study;
        let of = study.function_name(function);
        let name = study.program.function(function).params.get(n as usize).map(|param| param.name);
        let name = name.map_or_else(|| "its own object".to_owned(), |name| format!("parameter `{name}`"));
        let callers = study.program.callers(function).len();
        let why = match callers {
            _ if !through => "it comes in with it".to_owned(),
            0 => "nothing in the tree is seen to call that".to_owned(),
            n if n > MAX_ARGUMENTS => format!("it has {n} callers, more than are followed"),
            n => format!("of its callers ({n}) one gives nothing for it that is seen"),
        };
        format!("{name} of `{of}`: {why}")
    }

    /// What a call makes, how that stands, and why.
    fn made(&self, call: ValueRef, what: String) -> WhyOrigin {
        let is_server = self.study.fact(call).is_some_and(|fact| fact.effect.makes == Some(TypeRole::Server));
        let account = if is_server { self.lives.of_servers().account(call) } else { self.lives.account(call) };
        let state = Some(word(account.life).to_owned());
        WhyOrigin { what, at: self.value_at(call), state, because: self.because(call, account) }
    }

    fn because(&self, call: ValueRef, account: Account) -> Vec<WhyPlace> {
        let mut out = Vec::new();
        for (name, value, life) in account.parts.iter().filter(|(_, _, life)| *life != Life::Plain) {
            let place = self.value_at(value.unwrap_or(call));
            out.push(WhyPlace { text: format!("{name} {}: {}", place.text, word(*life)), ..place });
        }
        for (value, life) in &account.marks {
            let place = self.value_at(*value);
            out.push(WhyPlace { text: format!("later {}: {}", place.text, word(*life)), ..place });
        }
        let here = self.value_at(call);
        for name in &account.escapes {
            let text = format!("it is kept in a field `{name}` of an object whose type is not known");
            out.push(WhyPlace { text, ..here.clone() });
        }
        if account.is_bean {
            out.push(WhyPlace { text: "the container keeps it and may instrument it".to_owned(), ..here });
        }
        out.truncate(MAX_TOLD);
        out
    }
}

fn word(life: Life) -> &'static str {
    match life {
        Life::Plain => "plain",
        Life::Instrumented => "instrumented",
        Life::Unknown => "unknown",
    }
}

/// The places in a call that matter for what it does.
fn roles(effect: &FunctionDescription) -> Vec<Role> {
    let mut out: Vec<Role> = Vec::new();
    if let Some(hop) = effect.hop {
        out.extend([("context", hop.context, false), ("client", hop.client, true), ("carrier", hop.carrier, false)]);
    }
    out.extend(effect.span.map(|span| ("parent", span.context, false)));
    out.extend(effect.inject.map(|inject| ("carrier", inject.carrier, false)));
    out.extend(effect.extract.map(|extract| ("carrier", extract.carrier, false)));
    if let Some(spawn) = effect.spawns {
        out.extend([("task", spawn.task, false), ("executor", spawn.executor, true)]);
    }
    if let Some(found) = effect.registers {
        out.extend([("handler", found.handler, false), ("server", found.on, true)]);
    }
    out.extend(effect.binds_context.map(|slot| ("context", slot, false)));
    out.retain(|(_, slot, _)| *slot != Slot::None);
    out.dedup();
    out
}
