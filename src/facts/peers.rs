//! Who is at the other end of a hop.

use super::{Implemented, Peers, Text};
use crate::ir::ExprKind;
use crate::knowledge::{Slot, StubNames, TypeRole};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::study::{Study, described_annotation};
use rustc_hash::FxHashSet;

/// How many calls are looked at for what one value was given.
const MAX_CALLS: usize = 60;
/// How many addresses or names one hop may have.
const MAX_PEERS: usize = 8;

/// Who is at the other end of a call.
pub(super) fn of_call(study: &Study<'_>, call: ValueRef) -> Peers {
    let mut search = Search { study, seen: FxHashSet::default(), out: Peers::default() };
    search.call(call);
    if let Some(hop) = study.fact(call).and_then(|fact| fact.effect.hop) {
        for slot in [hop.carrier, hop.context, hop.client] {
            for value in study.slot(call, slot) {
                search.value(value);
            }
        }
    }
    search.finish()
}

/// Who sends what a function takes.
pub(super) fn of_function(study: &Study<'_>, function: FuncRef) -> Peers {
    let mut search = Search { study, seen: FxHashSet::default(), out: Peers::default() };
    for annotation in &study.program.function(function).annotations {
        search.annotation(function.file, annotation);
    }
    search.finish()
}

struct Search<'s, 'a> {
    study: &'s Study<'a>,
    seen: FxHashSet<ValueRef>,
    out: Peers,
}

impl Search<'_, '_> {
    fn finish(mut self) -> Peers {
        for texts in [&mut self.out.addresses, &mut self.out.channels] {
            texts.retain(|text| !text.is_unknown());
            texts.sort();
            texts.dedup();
            texts.truncate(MAX_PEERS);
        }
        self.out.remote.sort();
        self.out.remote.dedup();
        self.out
    }

    /// What a value was given where it was made.
    fn value(&mut self, value: ValueRef) {
        for origin in self.study.program.origins(value, true) {
            if let Origin::Call(made, _) | Origin::Literal(made) = origin {
                self.call(made);
            }
        }
        if let Some(ty) = self.study.program.type_of(value) {
            self.declared(&ty);
        }
    }

    /// What a call was given, and those before it in a chain.
    fn call(&mut self, call: ValueRef) {
        if self.seen.len() > MAX_CALLS || !self.seen.insert(call) {
            return;
        }
        let study = self.study;
        if let Some(fact) = study.fact(call) {
            let texts = |slots: &[Slot]| -> Vec<Text> {
                slots.iter().flat_map(|slot| study.slot(call, *slot)).flat_map(|value| study.texts(value)).collect()
            };
            self.out.addresses.extend(texts(&fact.effect.address));
            self.out.channels.extend(texts(&fact.effect.channel));
            for method in texts(&fact.effect.method) {
                self.out.remote.extend(service_of(&method.to_string()));
            }
            if let Some(slot) = fact.effect.derives {
                study.slot(call, slot).into_iter().for_each(|value| self.value(value));
            }
        }
        self.out.remote.extend(stub_of(study, call, |names| &names.clients));
        if let Some(receiver) = study.program.receiver(call)
            && !matches!(study.program.expr_kind(receiver), ExprKind::Name(_))
        {
            self.value(receiver);
        }
    }

    /// What is declared of a client's own type.
    fn declared(&mut self, ty: &str) {
        let study = self.study;
        if let Some(name) = stub_name(study, ty) {
            self.out.remote.push(name);
        }
        let Some(index) = study.program.own_type(ustr::Ustr::from(ty)) else { return };
        for annotation in &study.program.type_decl(index).annotations {
            self.annotation(index.file, annotation);
        }
    }

    fn annotation(&mut self, file: u32, annotation: &crate::ir::Annotation) {
        let Some((_, described)) = described_annotation(self.study, file, annotation) else { return };
        let call = ValueRef { file, expr: annotation.expr };
        let texts = |slots: &[Slot]| -> Vec<Text> {
            let values = slots.iter().flat_map(|slot| self.study.slot(call, *slot));
            values.flat_map(|value| self.elements(value)).flat_map(|value| self.study.texts(value)).collect()
        };
        let (addresses, channels) = (texts(&described.address), texts(&described.channel));
        self.out.addresses.extend(addresses);
        self.out.channels.extend(channels);
    }

    /// The elements of a list, or the value itself.
    fn elements(&self, value: ValueRef) -> Vec<ValueRef> {
        match self.study.program.expr_kind(value) {
            ExprKind::Composite { fields, .. } => {
                fields.iter().map(|field| ValueRef { expr: field.value, ..value }).collect()
            }
            _ => vec![value],
        }
    }
}

/// The name of a remote service in the full name of one of its methods: `/shop.v1.Till/Pay` is of `Till`.
fn service_of(method: &str) -> Option<String> {
    let service = method.strip_prefix('/')?.split('/').next()?;
    let name = service.rsplit('.').next()?;
    (!name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')).then(|| name.to_owned())
}

/// The remote services that the program's functions register or its types implement, by unit.
pub(super) fn implemented(study: &Study<'_>) -> Vec<(usize, Implemented)> {
    let program = study.program;
    let mut out = Vec::new();
    let mut push = |file: u32, name: String, offset: u32| {
        let Some(unit) = program.files.get(file as usize) else { return };
        let line = unit.source.facts.lines.line(offset);
        out.push((unit.source.unit, Implemented { name, path: unit.source.path.to_string(), line }));
    };
    for (at, file) in (0u32..).zip(&program.files).filter(|(_, file)| !file.source.facts.generated) {
        for site in &file.flow.calls {
            let call = ValueRef { file: at, expr: site.expr };
            if let Some(name) = stub_of(study, call, |names| &names.servers) {
                push(at, name, program.place(call).span.start);
            }
        }
        for ty in &file.source.facts.types {
            for name in ty.supers.iter().filter_map(|parent| named(study, &parent.name, |names| &names.servers)) {
                push(at, name, ty.name_span.start);
            }
        }
    }
    out
}

/// A client of a remote service that the program's own code makes of generated code.
#[derive(Debug)]
pub(super) struct StubClient {
    /// The unit.
    pub(super) unit: usize,
    /// The remote service.
    pub(super) remote: String,
    /// Where it is made.
    pub(super) call: ValueRef,
    /// Whom it talks to.
    pub(super) peers: Peers,
}

/// The clients of remote services that the program's own code makes.
pub(super) fn stub_clients(study: &Study<'_>) -> Vec<StubClient> {
    let program = study.program;
    let mut out = Vec::new();
    for (at, file) in (0u32..).zip(&program.files).filter(|(_, file)| !file.source.facts.generated) {
        for site in &file.flow.calls {
            let call = ValueRef { file: at, expr: site.expr };
            let Some(remote) = stub_of(study, call, |names| &names.clients) else { continue };
            let mut search = Search { study, seen: FxHashSet::default(), out: Peers::default() };
            search.call(call);
            for value in study.slot(call, Slot::AnyArg) {
                search.value(value);
            }
            let peers = Peers { remote: vec![remote.clone()], ..search.finish() };
            out.push(StubClient { unit: file.source.unit, remote, call, peers });
        }
    }
    out
}

/// The remote service whose generated code a call runs, where it is given a channel, a client or a server.
fn stub_of(study: &Study<'_>, call: ValueRef, of: impl Fn(&StubNames) -> &Vec<String>) -> Option<String> {
    let ExprKind::Call { callee, args } = study.program.expr_kind(call) else { return None };
    let written = match study.program.expr_kind(ValueRef { expr: *callee, ..call }) {
        ExprKind::Name(name) => name.to_string(),
        ExprKind::Member { base, name, .. } => match study.program.expr_kind(ValueRef { expr: *base, ..call }) {
            ExprKind::Name(base) => format!("{base}.{name}"),
            ExprKind::Member { name: base, .. } => format!("{base}.{name}"),
            _ => name.to_string(),
        },
        _ => return None,
    };
    let name = named(study, &written, of)?;
    let joins = |arg: &crate::ir::Arg| {
        let role = study.program.role_of(ValueRef { expr: arg.value, ..call });
        matches!(role, Some(TypeRole::RpcChannel | TypeRole::HttpClient | TypeRole::Server))
    };
    args.iter().any(joins).then_some(name)
}

/// The remote service by the name of a type of its generated clients.
fn stub_name(study: &Study<'_>, ty: &str) -> Option<String> {
    let mut segments = ty.rsplit('.');
    let last = segments.next()?;
    let two = segments.next().map(|before| format!("{before}.{last}"));
    named(study, &two.unwrap_or_else(|| last.to_owned()), |names| &names.clients)
}

/// The part of a name, or of its last segment, for which a `*` stands in one of the patterns.
fn named(study: &Study<'_>, written: &str, of: impl Fn(&StubNames) -> &Vec<String>) -> Option<String> {
    let last = written.rsplit('.').next().unwrap_or(written);
    let all = study.program.knowledge.libraries().iter().filter_map(|library| library.stubs.as_ref());
    let mut found = all.flat_map(of).filter_map(|pattern| {
        let text = if pattern.contains('.') { written } else { last };
        let (start, end) = pattern.split_once('*')?;
        let name = text.strip_prefix(start)?.strip_suffix(end)?;
        (!name.is_empty() && !name.contains('.')).then(|| name.to_owned())
    });
    found.next()
}
