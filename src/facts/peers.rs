//! Who is at the other end of a hop.

use super::{Implemented, Named, Peers, Piece, Text};
use crate::ir::{ExprId, ExprKind, Language};
use crate::knowledge::{FunctionDescription, HopKind, Slot, TypeRole};
use crate::link::{Calls, FuncRef, Origin, ValueRef};
use crate::rules::sent_into;
use crate::services::Settings;
use crate::study::{Study, described_annotation, functions_of, stub_named, stub_of};
use rustc_hash::{FxHashMap, FxHashSet};
use ustr::Ustr;

/// How many calls are looked at for what one value was given.
const MAX_CALLS: usize = 60;
/// How many addresses or names one hop may have.
const MAX_PEERS: usize = 8;

/// Who is at the other end of a call.
pub(super) fn of_call(study: &Study<'_>, aside: &Aside, call: ValueRef) -> Peers {
    let mut search = Search::new(study, aside);
    let hop = study.fact(call).and_then(|fact| Some((fact, fact.effect.hop?)));
    let here = Calls::new();
    search.call(call, &here);
    if study.fact(call).is_none() {
        search.value(call, &here);
    }
    // What a call or its message names is not what was named for others on the same connection.
    search.is_named = hop.is_some_and(|(fact, _)| !fact.effect.channel.is_empty());
    if let Some((fact, hop)) = hop {
        if hop.carrier == Slot::Result(0) && hop.kind == HopKind::Produce {
            sent_into(study, fact).into_iter().for_each(|message| search.value(message, &here));
        }
        for slot in [hop.carrier, hop.context, hop.client] {
            for value in study.slot(call, slot) {
                search.value(value, &here);
            }
            search.is_named |= !search.out.channels.is_empty();
        }
    }
    if !search.is_named {
        search.given_to(study.program.function_at(call));
    }
    let is_sent = hop.is_some_and(|(_, hop)| hop.kind == HopKind::Produce);
    if let Some(task) = study.program.receiver(call).filter(|_| is_sent && search.out.channels.is_empty()) {
        let asked = functions_of(study, task).into_iter().flat_map(|task| super::tasks::names(study, aside, task));
        search.out.channels.extend(asked.collect::<Vec<_>>());
    }
    search.finish(call.file)
}

/// Who sends what a function takes.
pub(super) fn of_function(study: &Study<'_>, aside: &Aside, function: FuncRef) -> Peers {
    let mut search = Search::new(study, aside);
    for annotation in &study.program.function(function).annotations {
        search.annotation(function.file, annotation);
    }
    search.given_to(function);
    search.finish(function.file)
}

/// What calls say that stand beside a hop: those that set up its client later on, and those that register its function.
#[derive(Debug, Default)]
pub(super) struct Aside {
    /// Calls on something that was made before, by the call that made it, each with the calls that led from it to there.
    later: FxHashMap<ValueRef, Vec<(Calls, ValueRef)>>,
    /// Calls that register a function, or a value of a type with its methods.
    functions: FxHashMap<FuncRef, Vec<ValueRef>>,
    types: FxHashMap<Ustr, Vec<ValueRef>>,
}

impl Aside {
    /// Those of a program.
    pub(super) fn new(study: &Study<'_>) -> Self {
        let program = study.program;
        let mut out = Self::default();
        for fact in
            study.calls().iter().filter(|fact| !fact.effect.channel.is_empty() || !fact.effect.address.is_empty())
        {
            if let Some(registers) = fact.effect.registers {
                for handler in study.slot(fact.call, registers.handler) {
                    for function in functions_of(study, handler) {
                        out.functions.entry(function).or_default().push(fact.call);
                    }
                    if let Some(ty) = program.type_of(handler).filter(|ty| program.own_type(*ty).is_some()) {
                        out.types.entry(ty).or_default().push(fact.call);
                    }
                }
            }
            let named = |receiver: &ValueRef| {
                matches!(program.expr_kind(*receiver), ExprKind::Name(_) | ExprKind::Member { .. })
            };
            if fact.effect.hop.is_some() {
                continue;
            }
            if let Some(receiver) = program.receiver(fact.call).filter(named) {
                for (origin, along) in program.origins_along(receiver, &Calls::new(), |_, _| {}) {
                    if let Origin::Call(made, _) | Origin::Literal(made) = origin {
                        out.later.entry(made).or_default().push((along, fact.call));
                    }
                }
            }
        }
        out
    }
}

struct Search<'s, 'a> {
    study: &'s Study<'a>,
    aside: &'s Aside,
    seen: FxHashSet<(ValueRef, Calls)>,
    /// The hop or its message says the name of its channel.
    is_named: bool,
    out: Peers,
}

impl<'s, 'a> Search<'s, 'a> {
    fn new(study: &'s Study<'a>, aside: &'s Aside) -> Self {
        Self { study, aside, seen: FxHashSet::default(), is_named: false, out: Peers::default() }
    }

    /// What was found, with the settings that the files beside the code of `file` make known.
    fn finish(mut self, file: u32) -> Peers {
        let settings = &self.study.unit(file).settings;
        for texts in [&mut self.out.addresses, &mut self.out.channels] {
            texts.iter_mut().for_each(|text| *text = text.told(&|name| settings.value(name)));
            texts.retain(|text| !text.is_unknown());
            texts.sort();
            texts.dedup();
            texts.truncate(MAX_PEERS);
        }
        self.out.remote.sort();
        self.out.remote.dedup();
        self.out
    }

    /// What a value was given where it was made, and later on. `calls` are those by which its function was entered.
    fn value(&mut self, value: ValueRef, calls: &Calls) {
        let program = self.study.program;
        let mut passed = Vec::new();
        let origins = program.origins_along(value, calls, |value, along| passed.push((value, along.clone())));
        // What continues another value may be told something too: the URI of a request that is built.
        passed.retain(|(value, _)| matches!(program.expr_kind(*value), ExprKind::Call { .. } | ExprKind::New { .. }));
        passed.into_iter().for_each(|(value, along)| self.call(value, &along));
        for (origin, along) in origins {
            if let Origin::Call(made, _) | Origin::Literal(made) = origin {
                self.call(made, &along);
                for (led, later) in self.aside.later.get(&made).into_iter().flatten() {
                    if let Some(outer) = outside(&along, led) {
                        self.told(*later, &outer);
                    }
                }
            }
        }
        if let Some(ty) = self.study.program.type_of(value) {
            self.declared(&ty);
        }
    }

    /// What a call was given, and those before it in a chain.
    fn call(&mut self, call: ValueRef, calls: &Calls) {
        if self.seen.len() > MAX_CALLS || !self.seen.insert((call, calls.clone())) {
            return;
        }
        let study = self.study;
        self.told(call, calls);
        if let (None, ExprKind::Composite { fields, .. }) = (study.fact(call), study.program.expr_kind(call)) {
            fields.iter().for_each(|field| self.value(ValueRef { expr: field.value, ..call }, calls));
        }
        if let Some(fact) = study.fact(call) {
            for slot in fact.effect.derives.into_iter().chain(options(fact.effect)) {
                study.slot(call, slot).into_iter().for_each(|value| self.value(value, calls));
            }
        }
        self.out.remote.extend(stub_of(study, call, |names| &names.clients));
        if let Some(receiver) = study.program.receiver(call)
            && !matches!(study.program.expr_kind(receiver), ExprKind::Name(_))
        {
            self.value(receiver, calls);
        }
    }

    /// What the arguments of one call say.
    fn told(&mut self, call: ValueRef, calls: &Calls) {
        let Some(fact) = self.study.fact(call) else { return };
        let addresses = self.first(call, &fact.effect.address, calls);
        self.out.addresses.extend(addresses);
        if !self.is_named {
            let channels = self.first(call, &fact.effect.channel, calls);
            self.out.channels.extend(channels);
        }
        for method in self.first(call, &fact.effect.method, calls) {
            self.out.remote.extend(service_of(&method.to_string()));
        }
    }

    /// The texts in the first of these places that holds something: an exchange without a name leaves the word to the
    /// routing key.
    fn first(&self, call: ValueRef, slots: &[Slot], calls: &Calls) -> Vec<Text> {
        for slot in slots {
            let values = self.study.slot(call, *slot).into_iter().flat_map(|value| elements(self.study, value));
            let texts: Vec<Text> =
                values.flat_map(|value| self.study.texts_along(value, calls)).filter(|text| !text.is_empty()).collect();
            if !texts.is_empty() {
                return texts;
            }
        }
        Vec::new()
    }

    /// What the registration of a function says.
    fn given_to(&mut self, function: FuncRef) {
        let program = self.study.program;
        let owner = program.enclosing_type(function).map(|ty| program.type_name(ty));
        let of_type = owner.and_then(|ty| self.aside.types.get(&ty));
        let calls = self.aside.functions.get(&function).into_iter().chain(of_type).flatten();
        calls.for_each(|call| self.told(*call, &Calls::new()));
    }

    /// What is declared of a client's own type.
    fn declared(&mut self, ty: &str) {
        let study = self.study;
        if let Some(name) = stub_name(study, ty) {
            self.out.remote.push(name);
        }
        let Some(index) = study.program.own_type(Ustr::from(ty)) else { return };
        for annotation in &study.program.type_decl(index).annotations {
            self.annotation(index.file, annotation);
        }
    }

    fn annotation(&mut self, file: u32, annotation: &crate::ir::Annotation) {
        let Some((_, described)) = described_annotation(self.study, file, annotation) else { return };
        let call = ValueRef { file, expr: annotation.expr };
        let settings = &self.study.unit(file).settings;
        let named = |texts: Vec<Text>| texts.into_iter().map(|text| set(text, &described.settings, settings));
        let addresses = named(self.first(call, &described.address, &Calls::new()));
        let channels = named(self.first(call, &described.channel, &Calls::new()));
        self.out.addresses.extend(addresses);
        self.out.channels.extend(channels);
    }
}

/// The calls that stay when those that led from something's maker to a later call on it are taken off; `None` where the
/// two were made for different callers.
fn outside(along: &Calls, led: &Calls) -> Option<Calls> {
    match along.strip_suffix(led.as_slice()) {
        Some(outer) => Some(outer.into()),
        None => led.ends_with(along).then(Calls::new),
    }
}

/// The setting that is told of the client or channel of this name: `orders` is at `clients.orders.url`. The name itself
/// where none is.
fn set(name: Text, patterns: &[String], settings: &Settings) -> Text {
    let [Piece::Literal(own)] = name.0.as_slice() else { return name };
    let mut wanted = patterns.iter().map(|pattern| pattern.replace("{}", own));
    match wanted.find(|setting| settings.value(setting).is_some()) {
        Some(name) => Text(vec![Piece::Setting(Named { name, default: None })]),
        None => name,
    }
}

/// Where the options stand that a client is made with.
fn options(effect: &FunctionDescription) -> Option<Slot> {
    let makes_client = matches!(
        effect.makes,
        Some(TypeRole::Producer | TypeRole::Consumer | TypeRole::HttpClient | TypeRole::RpcChannel)
    );
    makes_client.then_some(Slot::AnyArg)
}

/// The elements of a list, or the value itself.
pub(crate) fn elements(study: &Study<'_>, value: ValueRef) -> Vec<ValueRef> {
    let program = study.program;
    match program.expr_kind(value) {
        ExprKind::Composite { fields, .. } if study.fact(value).is_none() => {
            fields.iter().map(|field| ValueRef { expr: field.value, ..value }).collect()
        }
        // What Java's own collections are made of is in them.
        ExprKind::Call { args, .. }
            if program.language == Language::Java
                && program.callee(value).name.is_some_and(|name| is_collection(&name)) =>
        {
            args.iter().map(|arg| ValueRef { expr: arg.value, ..value }).collect()
        }
        _ => vec![value],
    }
}

/// Whether a function of Java's own library makes a collection of its arguments.
fn is_collection(name: &str) -> bool {
    const OWNERS: &[&str] = &["List", "Set", "Arrays", "Collections"];
    name.rsplit_once('.').is_some_and(|(owner, _)| {
        let simple = owner.strip_prefix("java.util.").unwrap_or(owner);
        OWNERS.contains(&simple)
    })
}

/// The name of a remote service in the full name or the URL of one of its methods: `/shop.v1.Till/Pay` is of `Till`.
fn service_of(method: &str) -> Option<String> {
    let (service, _) = method.rsplit_once('/')?;
    let (_, service) = service.rsplit_once('/')?;
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
            for name in ty.supers.iter().filter_map(|parent| stub_named(study, &parent.name, |names| &names.servers)) {
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
pub(super) fn stub_clients(study: &Study<'_>, aside: &Aside) -> Vec<StubClient> {
    let program = study.program;
    let mut out = Vec::new();
    let read = fields_read(study);
    for (at, file) in (0u32..).zip(&program.files).filter(|(_, file)| !file.source.facts.generated) {
        for site in &file.flow.calls {
            let call = ValueRef { file: at, expr: site.expr };
            let Some(remote) = stub_of(study, call, |names| &names.clients) else { continue };
            // A client that is put away and never taken out again calls nobody.
            let mut kept = file.flow.writes_from(call.expr).filter_map(|write| field_at(study, at, write.target));
            if kept.next().is_some_and(|name| !read.contains(&name)) {
                continue;
            }
            let mut search = Search::new(study, aside);
            search.call(call, &Calls::new());
            search.out.addresses.extend(url_of(study, call));
            for value in study.slot(call, Slot::AnyArg) {
                search.value(value, &Calls::new());
            }
            let peers = Peers { remote: vec![remote.clone()], ..search.finish(at) };
            out.push(StubClient { unit: file.source.unit, remote, call, peers });
        }
    }
    out
}

/// The names of fields that some code reads.
fn fields_read(study: &Study<'_>) -> FxHashSet<Ustr> {
    let mut mentions: FxHashMap<Ustr, i64> = FxHashMap::default();
    for (at, file) in (0u32..).zip(&study.program.files) {
        for expr in &file.source.facts.exprs {
            if let ExprKind::Member { name, .. } = &expr.kind {
                *mentions.entry(*name).or_default() += 1;
            }
        }
        for name in file.flow.writes.iter().filter_map(|write| field_at(study, at, write.target)) {
            *mentions.entry(name).or_default() -= 1;
        }
    }
    mentions.into_iter().filter(|(_, count)| *count > 0).map(|(name, _)| name).collect()
}

/// The name of the field that a place in a file is.
fn field_at(study: &Study<'_>, file: u32, expr: ExprId) -> Option<Ustr> {
    match study.program.expr_kind(ValueRef { file, expr }) {
        ExprKind::Member { name, .. } => Some(*name),
        _ => None,
    }
}

/// The URL that a generated client is given, where it takes one instead of a channel.
fn url_of(study: &Study<'_>, call: ValueRef) -> Vec<Text> {
    let texts = study.slot(call, Slot::AnyArg).into_iter().flat_map(|value| study.texts(value));
    texts.filter(|text| matches!(text.0.first(), Some(Piece::Literal(start)) if start.contains("://"))).collect()
}

/// The remote service by the name of a type of its generated clients.
fn stub_name(study: &Study<'_>, ty: &str) -> Option<String> {
    let mut segments = ty.rsplit('.');
    let last = segments.next()?;
    let two = segments.next().map(|before| format!("{before}.{last}"));
    stub_named(study, &two.unwrap_or_else(|| last.to_owned()), |names| &names.clients)
}

#[cfg(test)]
mod tests {
    use super::{is_collection, service_of};

    #[test]
    fn methods_name_their_service() {
        assert_eq!(service_of("/shop.v1.Till/Pay").as_deref(), Some("Till"));
        assert_eq!(service_of("${BASE}/shop.v1.Till/Pay").as_deref(), Some("Till"));
        assert_eq!(service_of("Pay"), None);
    }

    #[test]
    fn collections_of_the_language_are_known() {
        assert!(is_collection("java.util.List.of") && is_collection("Arrays.asList"));
        assert!(!is_collection("shop.Lists.of"));
    }
}
