//! What a value is made of: its arguments, fields and defaults, and what its maker hands back.

use super::later::holds_nothing;
use super::{Life, Lives, MAX_DEPTH, Side};
use crate::ir::{ExprKind, Language, Spread};
use crate::knowledge::{FunctionDescription, HopKind, NameOf, Slot, TypeRole, speaks_of_tracing};
use crate::link::flow::{DefId, DefKind};
use crate::link::{FuncRef, Origin, Step, ValueRef, owner_of};
use crate::rules::clients::words;
use crate::study::{CallFact, Study, Summary, functions_of};
use rustc_hash::FxHashSet;
use ustr::Ustr;

/// How many steps are gone back from what a link sends requests with to its field.
const MAX_LINKS: u32 = 6;

/// How many calls are looked at that one context after the other was made by.
const MAX_CONTEXTS: usize = 200;
/// How many names are gone back to the operator that makes a number.
const MAX_SCALARS: u32 = 4;

/// How deep the parts of headers are looked at that a context is made of.
const MAX_CONTEXT_PARTS: u32 = 4;

impl<'s, 'a> Lives<'s, 'a> {
    /// How the client that a call makes stands, by what it is made of alone.
    pub(in crate::rules::clients) fn as_built(&self, call: ValueRef) -> Life {
        self.construction(call, MAX_DEPTH)
    }

    /// How a client that stands in a field or global is made.
    pub(in crate::rules::clients) fn of_shared(&self, client: ValueRef) -> Life {
        self.part(client, "", MAX_DEPTH)
    }

    /// How a value stands by what it is made of alone.
    pub(in crate::rules::clients) fn of_parts(&self, call: ValueRef) -> Life {
        self.construction(call, MAX_DEPTH)
    }

    pub(super) fn construction(&self, call: ValueRef, depth: u32) -> Life {
        self.tell(call, depth, &mut |_, _, _| {})
    }

    /// How a value stands by what it is made of; tells of each part as it goes.
    pub(super) fn tell(&self, call: ValueRef, depth: u32, note: &mut dyn FnMut(&str, Option<ValueRef>, Life)) -> Life {
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
                    } else if self.is_address(call, value) {
                        Life::Plain
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

    /// Whether a Go call is given a value for an address, which brings nothing else along, whoever made it.
    fn is_address(&self, call: ValueRef, value: ValueRef) -> bool {
        let program = self.study.program;
        let slots = self.study.fact(call).map(|fact| fact.effect.address.as_slice()).unwrap_or_default();
        program.language == Language::Go && slots.iter().any(|slot| program.slot(call, *slot).contains(&value))
    }

    /// How a function value that is called stands: a middleware made by another call and kept in a local (`wrap(x)(y)`).
    pub(super) fn callee_part(&self, call: ValueRef, depth: u32) -> Life {
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
    pub(super) fn defaults(&self, call: ValueRef) -> Life {
        let program = self.study.program;
        // A call that makes one leaves the same fields unset.
        let made = || self.study.fact(call).filter(|fact| fact.effect.makes.is_some()).and(program.type_of(call));
        let ty = program.callee(call).constructs.or_else(made).and_then(|ty| program.knowledge.ty(ty));
        let Some((_, ty)) = ty else { return Life::Plain };
        let unset = ty.defaults.iter().filter(|(field, _)| self.study.slot(call, Slot::Named(**field)).is_empty());
        unset.fold(Life::Plain, |life, (_, global)| life.and(self.global(*global)))
    }

    /// Whether a call's description or the functions that it runs instrument something.
    pub(in crate::rules::clients) fn is_instrumented_call(&self, call: ValueRef) -> bool {
        if self.study.effect_of(call).has(self.working()) {
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
    pub(in crate::rules::clients) fn part(&self, value: ValueRef, name: &str, depth: u32) -> Life {
        let program = self.study.program;
        if depth == 0 {
            return Life::Unknown;
        }
        let is_instrumented = |ty: Option<Ustr>| ty.is_some_and(|ty| self.is_instrumented_type(ty));
        // A class is often named without making an object of it: `app.add_middleware(TheMiddleware)`.
        if is_instrumented(program.type_of(value)) || is_instrumented(program.qualify(value)) {
            return Life::Instrumented;
        }
        if program.language == Language::Go && program.role_of(value) == Some(TypeRole::Context) {
            let has_headers = self.holds_headers(value);
            return if has_headers { Life::Instrumented } else { Life::Plain };
        }
        let mut life = Life::Plain;
        for (origin, calls) in self.origins(value) {
            life = life.and(self.framed(calls, || self.origin(origin, depth - 1)));
        }
        if life == Life::Unknown && self.is_innocent(value, name) { Life::Plain } else { life }
    }

    /// Whether headers of a trace were put into a Go context, or into one that it was made of. Whatever else it was made
    /// beside (a router that is traced, a client) does nothing for what is asked under it.
    fn holds_headers(&self, context: ValueRef) -> bool {
        if let Some(known) = self.headers.borrow().get(&context) {
            return *known;
        }
        let (mut work, mut seen) = (vec![context], FxHashSet::default());
        let mut found = false;
        while let Some(value) = work.pop().filter(|_| !found && seen.len() < MAX_CONTEXTS) {
            for origin in self.study.program.origins(value, true) {
                if let Origin::Call(call, _) = origin
                    && seen.insert(call)
                {
                    found = found || self.puts_headers(call, &mut work);
                }
            }
        }
        self.headers.borrow_mut().insert(context, found);
        found
    }

    /// Whether a call puts the headers of a trace into what it hands back; the contexts that it is given are added to `more`.
    fn puts_headers(&self, call: ValueRef, more: &mut Vec<ValueRef>) -> bool {
        let program = self.study.program;
        // The headers may be copied by hand from what a propagator wrote beside.
        let of_calls = self.study.fact(call).is_some_and(|fact| fact.library.stubs.is_some());
        let around = program.outermost(program.function_at(call));
        let injects = || of_calls && self.study.summary(around).has(Summary::INJECTS);
        let mut given = self.study.slot(call, Slot::AnyArg).into_iter();
        self.study.effect_of(call).has(Summary::INJECTS)
            || given.any(|value| match program.role_of(value) {
                Some(TypeRole::Context) => {
                    more.push(value);
                    false
                }
                Some(TypeRole::Carrier) => {
                    self.part(value, "header", MAX_CONTEXT_PARTS) == Life::Instrumented || injects()
                }
                _ => injects(),
            })
    }

    fn is_innocent(&self, value: ValueRef, name: &str) -> bool {
        if words::is_innocent(name) || name.ends_with("_path") {
            return true;
        }
        let program = self.study.program;
        // Texts, numbers and truths: `"/" + name`.
        if self.side == Side::Serving && self.is_scalar(value, MAX_SCALARS) {
            return true;
        }
        // A text of the environment: `os.environ["ADDRESS"]`.
        if let ExprKind::Index { base, .. } = program.expr_kind(value)
            && let Some(held) = program.qualify(ValueRef { expr: *base, ..value })
            && let Some(get) = Ustr::from_existing(&format!("{held}.get"))
            && program.described(get).is_some_and(|(_, effect)| effect.reads.is_some())
        {
            return true;
        }
        // A class may be named without making an object of it.
        let named = || program.qualify(value).filter(|name| program.role(*name) == Some(TypeRole::Settings));
        if let Some(ty) = program.type_of(value).or_else(named) {
            if matches!(program.role(ty), Some(TypeRole::Context | TypeRole::Settings)) {
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
            Origin::Field(owner, name) if self.is_unset(owner, name) => Life::Plain,
            Origin::Field(owner, name) => self.named(owner, name),
            Origin::Param(..) | Origin::Unknown => Life::Unknown,
        }
    }

    /// Whether a field of an own type stays empty, as nothing in the tree writes it: a list of middlewares that nobody gives.
    fn is_unset(&self, owner: Ustr, name: Ustr) -> bool {
        let program = self.study.program;
        let declared = program.own_type(owner).map(|ty| &program.type_decl(ty).fields);
        let field = declared.and_then(|fields| fields.iter().find(|field| field.name == name));
        self.side == Side::Serving
            && field.is_some_and(|field| field.ty.as_ref().is_some_and(|ty| ty.name == "[]" || ty.name == "func"))
    }

    pub(super) fn functions(&self, value: ValueRef) -> Life {
        let functions = functions_of(self.study, value);
        if functions.is_empty() { Life::Unknown } else { self.of_functions(&functions) }
    }

    fn composite(&self, value: ValueRef, depth: u32) -> Life {
        if !self.is_for_all() {
            return self.find_composite(value, depth);
        }
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
            Some(ty) => self.own_type(ty).and(self.links(value, ty, depth)),
            None => self.construction(value, depth),
        }
    }

    /// How the fields of an own composite stand: of a link in a client's chain only those that it hands requests on to.
    fn links(&self, value: ValueRef, ty: Ustr, depth: u32) -> Life {
        let program = self.study.program;
        let ExprKind::Composite { fields, .. } = program.expr_kind(value) else {
            return self.construction(value, depth);
        };
        let Some(next) = self.next_links(ty) else { return self.construction(value, depth) };
        let mut life = Life::Plain;
        for field in fields {
            let key = field.key.map(|expr| program.expr_kind(ValueRef { expr, ..value }));
            let Some(ExprKind::Name(name)) = key else { return self.construction(value, depth) };
            if next.contains(name) {
                life = life.and(self.part(ValueRef { expr: field.value, ..value }, name, depth));
            }
        }
        life
    }

    /// The fields of an own type through which its methods send requests, where all that they send goes through such or
    /// through a client that everybody shares.
    fn next_links(&self, ty: Ustr) -> Option<FxHashSet<Ustr>> {
        let study = self.study;
        let methods = study.program.methods_of(study.program.own_type(ty)?);
        let sends = |fact: &&CallFact<'_>| fact.effect.hop.is_some_and(|hop| hop.kind == HopKind::HttpCall);
        let mut out = FxHashSet::default();
        for call in methods.iter().flat_map(|method| study.calls_in(*method)).filter(sends) {
            for client in call.effect.hop.map(|hop| study.slot(call.call, hop.client)).into_iter().flatten() {
                self.add_links(client, ty, MAX_LINKS, &mut out)?;
            }
        }
        (!out.is_empty()).then_some(out)
    }

    /// Adds the fields of an own type that a client may be; `None` where it may be anything else that could trace.
    fn add_links(&self, client: ValueRef, ty: Ustr, left: u32, out: &mut FxHashSet<Ustr>) -> Option<()> {
        let left = left.checked_sub(1)?;
        let program = self.study.program;
        match program.step(client) {
            Step::Values(values) => values.into_iter().try_for_each(|value| self.add_links(value, ty, left, out)),
            Step::Field(owner, name) if owner == ty => {
                out.insert(name);
                Some(())
            }
            // `http.DefaultTransport`
            Step::Field(owner, name) => (self.named(owner, name) == Life::Plain).then_some(()),
            _ => None,
        }
    }

    /// Whether the methods of one of the service's own types do something for the trace.
    pub(in crate::rules::clients) fn own_type(&self, ty: Ustr) -> Life {
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
    pub(super) fn result(&self, call: ValueRef, depth: u32) -> Life {
        if !self.is_for_all() {
            return self.find_result(call, depth);
        }
        if let Some(known) = self.results.borrow().get(&call) {
            return *known;
        }
        // A list to which something is added over and over is what is added to it.
        let meanwhile = if self.lengthens(call) { Life::Plain } else { Life::Unknown };
        self.results.borrow_mut().insert(call, meanwhile);
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
        let is_builtin =
            |builtin: &str| program.language == Language::Go && callee.name.is_some_and(|name| name == builtin);
        // A list, or a map, with nothing in it.
        if is_builtin("make") {
            return Life::Plain;
        }
        if self.lengthens(call) || is_builtin("new") {
            return self.construction(call, depth);
        }
        match self.construction(call, depth) {
            Life::Instrumented => Life::Instrumented,
            // What the language's own library makes carries no instrumentation that was not put in.
            _ if callee.name.is_some_and(|name| program.is_standard(name)) => Life::Plain,
            _ if callee.functions.is_empty() && callee.name.is_some_and(|name| self.is_strangers(name)) => {
                self.given_to_stranger(call, depth)
            }
            _ => Life::Unknown,
        }
    }

    /// Whether a call hands a list back with more in it (Go).
    fn lengthens(&self, call: ValueRef) -> bool {
        let program = self.study.program;
        program.language == Language::Go && program.callee(call).name.is_some_and(|name| name == "append")
    }

    /// Whether a value is a number or a truth (Go): the outcome of an operator, a conversion, or a name of such.
    fn is_scalar(&self, value: ValueRef, left: u32) -> bool {
        let program = self.study.program;
        let Some(left) = left.checked_sub(1) else { return false };
        match program.expr_kind(value) {
            ExprKind::Binary { .. } => true,
            ExprKind::Call { callee, args } => {
                let name = program.expr_kind(ValueRef { expr: *callee, ..value });
                args.len() == 1 && matches!(name, ExprKind::Name(name) if holds_nothing(*name))
            }
            ExprKind::Name(_) => {
                let defs = program.reaching(value);
                let is_one = |id: &DefId| match program.def(value.file, *id).kind {
                    DefKind::Value { value: made, index: None } => {
                        self.is_scalar(ValueRef { expr: made, ..value }, left)
                    }
                    _ => false,
                };
                !defs.is_empty() && defs.iter().all(is_one)
            }
            _ => false,
        }
    }

    /// Whether a handler is wrapped in instrumentation. A traced client in one of its fields does not count.
    pub(in crate::rules::clients) fn traces_handler(&self, value: ValueRef, depth: u32) -> bool {
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
                        || self.side == Side::Serving && self.holds_traced(value, depth)
                }
                ExprKind::Closure(_) | ExprKind::MethodRef { .. } => self.functions(value) == Life::Instrumented,
                _ => false,
            },
            Origin::Field(owner, name) => self.named(owner, name) == Life::Instrumented,
            Origin::Param(..) | Origin::Unknown => false,
        })
    }

    /// Whether an object is made with a handler that is wrapped in instrumentation: what it hands on to is traced.
    fn holds_traced(&self, made: ValueRef, depth: u32) -> bool {
        let ExprKind::Composite { fields, .. } = self.study.program.expr_kind(made) else { return false };
        fields.iter().any(|field| self.traces_handler(ValueRef { expr: field.value, ..made }, depth - 1))
    }

    /// A function used as a value, or a global of a library.
    pub(in crate::rules::clients) fn named(&self, owner: Ustr, name: Ustr) -> Life {
        let program = self.study.program;
        // A Java field and a method of the same name have nothing to do with each other.
        let is_field = program.language == Language::Java && program.field_type(owner, name, 4).is_some();
        let own = program.methods(owner, name);
        if !own.is_empty() && !is_field {
            return self.of_functions(&own);
        }
        let described = program.described(Ustr::from(&format!("{owner}.{name}"))).map(|(_, effect)| effect);
        match described {
            Some(effect) if self.instruments(effect) => Life::Instrumented,
            Some(effect) if !effect.returns.is_empty() => Life::Plain,
            _ => self.library_global(owner, name),
        }
    }

    /// Whether what a library's function does instruments something of this side.
    pub(super) fn instruments(&self, effect: &FunctionDescription) -> bool {
        effect.instruments.is_some() && !(effect.outbound && self.side == Side::Serving)
    }

    fn of_functions(&self, functions: &[FuncRef]) -> Life {
        if functions.iter().any(|function| self.works_on_traces(*function)) {
            return Life::Instrumented;
        }
        Life::Plain
    }

    /// How what a stranger's function is given stands: of settings, which it reads, only what instruments counts.
    fn given_to_stranger(&self, call: ValueRef, depth: u32) -> Life {
        let program = self.study.program;
        let ExprKind::Call { args, .. } = program.expr_kind(call) else { return Life::Unknown };
        let is_setting = |value: ValueRef| match program.expr_kind(value) {
            ExprKind::Composite { .. } => program.callee(value).constructs.is_some_and(|ty| self.is_strangers(ty)),
            ExprKind::Str(_) | ExprKind::Lit(_) => true,
            _ => program.type_of(value).is_some_and(|ty| program.own_type(ty).is_none() && program.role(ty).is_none()),
        };
        let given = args.iter().map(|arg| ValueRef { expr: arg.value, ..call });
        given.filter(|value| !is_setting(*value)).fold(Life::Plain, |life, value| life.and(self.part(value, "", depth)))
    }

    /// Whether a name is that of a stranger's package for other things than tracing (Go): what puts a limit or a log before a
    /// handler puts no span there. Packages of the organisation's own, which may do anything, are not strangers'.
    fn is_strangers(&self, name: Ustr) -> bool {
        let program = self.study.program;
        let package = || {
            let at = name.rfind('/').map_or(0, |at| at + 1);
            let end = name.get(at..)?.find('.')?;
            name.get(..at + end)
        };
        self.side == Side::Serving
            && program.described(name).is_none()
            && !speaks_of_tracing(&name, NameOf::GoPackage)
            && !speaks_of_tracing(&name, NameOf::Filter)
            && package().and_then(owner_of).is_some_and(|owner| !self.is_of_house(owner))
    }

    /// A global of a library, such as its default client.
    fn library_global(&self, owner: Ustr, name: Ustr) -> Life {
        let program = self.study.program;
        let known = program.knowledge.ty(owner).is_some_and(|(_, ty)| ty.fields.contains_key(&name));
        let is_global = known && program.own_type(owner).is_none() && program.role(owner) == Some(TypeRole::Other);
        if program.is_standard(Ustr::from(&format!("{owner}.{name}"))) && !is_global {
            return Life::Plain;
        }
        let qualified = Ustr::from(&format!("{owner}.{name}"));
        match is_global {
            true => self.global(qualified),
            false if self.is_strangers(qualified) => Life::Plain,
            false => Life::Unknown,
        }
    }
}

/// The last name of a chain of names.
fn last_name(study: &Study<'_>, value: ValueRef) -> Option<Ustr> {
    match study.program.expr_kind(value) {
        ExprKind::Name(name) | ExprKind::Member { name, .. } => Some(*name),
        ExprKind::Call { callee, .. } => last_name(study, ValueRef { expr: *callee, ..value }),
        _ => None,
    }
}
