//! What later becomes of a value: where it goes, what is called on it, what is put into it.

use super::{Life, Lives, MAX_DEPTH, Side};
use crate::ir::{ExprKind, Language};
use crate::knowledge::{Slot, TypeRole};
use crate::link::flow::DefKind;
use crate::link::{Calls, FuncRef, ValueRef};
use crate::rules::clients::{beans, words};
use rustc_hash::FxHashSet;
use std::rc::Rc;
use ustr::Ustr;

/// How many places of a value's later life are looked at.
const MAX_PLACES: usize = 400;

/// The same of a server: each route is a place.
const MAX_PLACES_OF_SERVER: usize = 2000;

/// How many uses of one field's name are looked at.
const MAX_FIELD_USES: usize = 600;

/// What later becomes of a value.
#[derive(Debug, Default, Clone)]
pub(in crate::rules) struct Later {
    /// Something instruments it, or may.
    pub(in crate::rules::clients) life: Option<Life>,
    /// A handler that is mounted on it reads traces for itself.
    pub(in crate::rules::clients) has_traced_route: bool,
    /// Calls of methods on it and on what is made of it.
    pub(in crate::rules::clients) uses: Vec<ValueRef>,
    /// Calls that are given it.
    pub(in crate::rules::clients) given: Vec<ValueRef>,
    /// Those of them whose functions were followed, where it is a server.
    pub(in crate::rules::clients) entered: Vec<ValueRef>,
    /// Its registering methods, handed on as values (`services.ForEach(server.RegisterService)`).
    pub(in crate::rules::clients) mounts: Vec<ValueRef>,
    /// Names of fields that it is kept in, of objects whose type is not seen.
    pub(in crate::rules::clients) escapes: Vec<Ustr>,
    /// Functions whose result, this value, the container keeps: it may instrument what it keeps.
    pub(in crate::rules::clients) beans: Vec<FuncRef>,
    /// The places at which something instruments it, or may.
    pub(in crate::rules::clients) marks: Vec<(ValueRef, Life)>,
}

impl<'s, 'a> Lives<'s, 'a> {
    /// Follows a made value to what becomes of it.
    pub(in crate::rules) fn later(&self, call: ValueRef) -> Rc<Later> {
        if let Some(known) = self.laters.borrow().get(&call) {
            return Rc::clone(known);
        }
        let found = Rc::new(self.later_through(call, &Calls::new()));
        self.laters.borrow_mut().insert(call, Rc::clone(&found));
        found
    }

    /// The same for those who come by it through certain calls.
    pub(super) fn later_through(&self, call: ValueRef, calls: &Calls) -> Later {
        self.followed(call, calls, false)
    }

    /// The same of a channel of remote calls, but for what becomes of the stubs that are made of it.
    pub(super) fn later_before_stubs(&self, call: ValueRef) -> Later {
        self.followed(call, &Calls::new(), true)
    }

    fn followed(&self, call: ValueRef, calls: &Calls, before_stubs: bool) -> Later {
        let made = self.study.fact(call).and_then(|fact| fact.effect.makes);
        let mut walk = Walk {
            lives: self,
            calls: calls.clone(),
            is_client: matches!(made, Some(TypeRole::HttpClient | TypeRole::RpcChannel)),
            before_stubs,
            is_server: made == Some(TypeRole::Server) && self.side == Side::Serving,
            seen: FxHashSet::default(),
            fields: FxHashSet::default(),
            out: Later::default(),
            work: vec![call],
        };
        while let Some(value) = walk.work.pop() {
            if walk.seen.len() > if walk.is_server { MAX_PLACES_OF_SERVER } else { MAX_PLACES } {
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

pub(super) struct Walk<'w, 's, 'a> {
    pub(super) lives: &'w Lives<'s, 'a>,
    /// The calls by which it is handed out; none where all callers count.
    pub(super) calls: Calls,
    /// What is followed is a client, or a channel of remote calls.
    pub(super) is_client: bool,
    /// What is followed is a channel, and none of its stubs.
    pub(super) before_stubs: bool,
    /// What is followed is a server (Go).
    pub(super) is_server: bool,
    seen: FxHashSet<ValueRef>,
    fields: FxHashSet<(Ustr, Ustr)>,
    pub(super) out: Later,
    pub(super) work: Vec<ValueRef>,
}

impl Walk<'_, '_, '_> {
    pub(super) fn mark(&mut self, life: Life, at: ValueRef) {
        self.out.life = Some(self.out.life.unwrap_or(Life::Plain).and(life));
        if life != Life::Plain {
            self.out.marks.push((at, life));
        }
    }

    /// Notes that a call mounts a handler which reads traces for itself.
    pub(super) fn mark_route(&mut self, at: ValueRef) {
        self.out.has_traced_route = true;
        self.out.marks.push((at, Life::Instrumented));
    }

    /// One place at which the value stands.
    fn place(&mut self, value: ValueRef) {
        // A server that was made with the client is another thing.
        if self.is_client && self.lives.study.program.role_of(value) == Some(TypeRole::Server) {
            return;
        }
        if self.is_beside(value) {
            return;
        }
        self.assigned(value);
        self.returned(value);
        let Some(parent) = self.lives.study.program.parent(value) else { return };
        match self.lives.study.program.expr_kind(parent) {
            ExprKind::Member { .. } => self.member(parent),
            ExprKind::Call { callee, .. } if *callee == value.expr => {
                self.asked(value, parent);
            }
            ExprKind::Call { .. } | ExprKind::New { .. } => self.argument(value, parent),
            ExprKind::Composite { ty, .. } => {
                // A wrapper with fields: `&Handler{Handler: router}`
                if self.lives.is_instrumented_call(parent) {
                    self.mark(Life::Instrumented, parent);
                }
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

    /// Whether a Go value cannot be what is followed, nor have it inside: a context that it was put into, an error, a text.
    /// What is done with those does nothing to it.
    fn is_beside(&self, value: ValueRef) -> bool {
        let program = self.lives.study.program;
        program.language == Language::Go
            && (self.is_client || self.is_server)
            && (program.role_of(value) == Some(TypeRole::Context) || program.type_of(value).is_some_and(holds_nothing))
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
                Some(owner) => {
                    self.field(owner, *name);
                    self.put_into_server(ValueRef { expr: *base, ..target }, owner);
                }
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
            ExprKind::Index { .. } if self.kept_in(target) => {}
            _ => self.mark(Life::Unknown, target),
        }
    }

    /// All uses of a field or global.
    pub(super) fn field(&mut self, owner: Ustr, name: Ustr) {
        if !self.fields.insert((owner, name)) {
            return;
        }
        let program = self.lives.study.program;
        let places = self.lives.index.members.get(&name).map_or(&[][..], Vec::as_slice);
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
        // A handler around it is mounted in its place: `trimmed{router}`.
        if self.is_server && self.is_handler(owner) {
            self.work.push(parent);
        }
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

    /// Whether a function hands out what the container cannot know for a client: an interface of the service's own, which a
    /// client was told to implement.
    fn hides(&self, function: FuncRef) -> bool {
        let program = self.lives.study.program;
        let ty = program.function(function).results.first().map(|ty| program.type_ref(function.file, ty));
        ty.is_some_and(|ty| program.own_type(ty).is_some() && program.role(ty).is_none())
    }

    fn returned(&mut self, value: ValueRef) {
        let program = self.lives.study.program;
        let flow = &program.files[value.file as usize].flow;
        for found in flow.returns.iter().filter(|found| found.values.first() == Some(&value.expr)) {
            let function = FuncRef { file: value.file, id: found.function };
            if beans::is_bean(self.lives.study, function) && !self.hides(function) {
                self.out.beans.push(function);
            }
            let callers = program.callers(function);
            let is_ours = |call: &ValueRef| self.calls.contains(call) || self.out.entered.contains(call);
            let ours: Vec<ValueRef> = callers.iter().copied().filter(is_ours).collect();
            self.work.extend(if ours.is_empty() { callers.to_vec() } else { ours });
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
            // Its serving method is a handler in its place: `http.HandlerFunc(server.ServeHTTP)`.
            if self.is_server && method.is_some_and(|(_, effect)| effect.goes_on) {
                self.work.push(member);
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
        self.asked(member, parent);
        self.enters_closures(parent);
        if self.configures(parent, name) {
            self.work.push(parent);
        }
    }

    /// Judges a method call on the value; true when its result continues the value.
    fn configures(&mut self, call: ValueRef, name: &str) -> bool {
        let study = self.lives.study;
        if study.effect_of(call).has(self.lives.working()) {
            self.mark(Life::Instrumented, call);
            return true;
        }
        let derives = study.fact(call).is_some_and(|fact| fact.effect.derives == Some(Slot::Receiver));
        if let Some(registers) = study.fact(call).and_then(|fact| fact.effect.registers) {
            let is_traced = study.slot(call, Slot::AnyArg).into_iter().any(|value| self.lives.traces_handler(value, 4));
            match is_traced {
                true if registers.root => self.mark(Life::Instrumented, call),
                true => self.mark_route(call),
                false => {}
            }
            return derives;
        }
        if let Some(hop) = study.fact(call).and_then(|fact| fact.effect.hop) {
            for value in self.bearers(call, hop) {
                if self.lives.part(value, "header", MAX_DEPTH - 6) == Life::Instrumented {
                    self.mark(Life::Instrumented, call);
                }
            }
            return derives;
        }
        if self.answers(call) {
            self.sent_along(call);
            return false;
        }
        if self.is_sent(call) {
            return false;
        }
        let given = study.slot(call, Slot::AnyArg);
        // A class that is named with what its objects are made with: `app.add_middleware(Limits, store=store)`.
        let named = given.first().and_then(|class| study.program.qualify(*class));
        let is_seen = |name: &Ustr| {
            study.program.own_type(*name).is_some() || study.program.role(*name) == Some(TypeRole::Settings)
        };
        let class = named.filter(is_seen);
        for (n, value) in given.into_iter().enumerate() {
            let life = match (class, self.lives.part(value, name, MAX_DEPTH - 6)) {
                (Some(class), Life::Unknown) if n == 0 => self.lives.own_type(class),
                (Some(_), Life::Unknown) => Life::Plain,
                (_, life) => life,
            };
            let settles = derives || words::speaks_of_tracing(name) || is_setter(name);
            if life == Life::Instrumented || settles {
                self.mark(life, call);
            }
        }
        derives || study.fact(call).is_none()
    }

    /// Whether a method that nothing describes sends something by a client (Go): it is given a context in front, which the
    /// making of clients has no use for, and hands an answer back.
    fn is_sent(&self, call: ValueRef) -> bool {
        let study = self.lives.study;
        let is_open = study.fact(call).is_none() && study.program.callee(call).functions.is_empty();
        let is_context = |value: &ValueRef| study.program.role_of(*value) == Some(TypeRole::Context);
        self.is_client
            && is_open
            && study.language() == Language::Go
            && study.slot(call, Slot::AnyArg).first().is_some_and(is_context)
    }

    /// `value.Field = other`.
    fn field_write(&mut self, member: ValueRef) {
        let program = self.lives.study.program;
        let ExprKind::Member { name, .. } = program.expr_kind(member) else { return };
        let flow = &program.files[member.file as usize].flow;
        for write in flow.writes_to(member.expr) {
            // What is put into another server adds nothing to itself.
            if !self.matters(member, name) || self.seen.contains(&ValueRef { expr: write.value, ..member }) {
                continue;
            }
            let value = ValueRef { expr: write.value, ..member };
            let life = self.lives.framed(self.frame_at(member), || self.lives.part(value, name, MAX_DEPTH - 6));
            self.mark(life, member);
        }
    }
}

/// Whether nothing of the program's own can be inside a value of a Go type.
pub(super) fn holds_nothing(ty: Ustr) -> bool {
    const NAMES: &[&str] = &[
        "error", "string", "bool", "int", "int32", "int64", "uint", "uint16", "uint32", "uint64", "byte", "float32",
        "float64",
    ];
    NAMES.contains(&ty.as_str())
}

fn is_setter(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["set", "with", "add", "use", "mount", "intercept", "append", "on"].iter().any(|start| name.starts_with(start))
}

/// Whether a call is by its name one of a generated function that mounts a service on a server:
/// `pb.RegisterOrdersServer(server, orders)`.
pub(in crate::rules::clients) fn is_registration(study: &crate::study::Study<'_>, call: ValueRef) -> bool {
    study.callee_name(call).is_some_and(|name| name.starts_with("Register"))
}
