//! What calls do to a value that they are given.

use super::later::{Walk, is_registration};
use super::{Life, Lives, MAX_DEPTH};
use crate::ir::{ExprKind, Language, Spread};
use crate::knowledge::{Hop, HopKind, Slot, TypeRole};
use crate::link::{FuncRef, ValueRef};
use crate::rules::clients::words;
use crate::study::{Summary, stub_of};

impl Walk<'_, '_, '_> {
    /// The value is handed to a call.
    pub(super) fn argument(&mut self, value: ValueRef, call: ValueRef) {
        let study = self.lives.study;
        let program = study.program;
        self.out.given.push(call);
        let callee = program.callee(call);
        // What is asked through one stub is not asked through another one of its type.
        if self.is_client && program.language == Language::Go && stub_of(study, call, |names| &names.clients).is_some()
        {
            self.work.push(call);
            return;
        }
        if self.before_stubs && self.lives.is_stub(call) {
            return;
        }
        if self.is_client && self.serves_by_it(call) {
            return;
        }
        // What serving hands back is an error.
        let serves = || study.fact(call).and_then(|fact| fact.effect.hop).is_some_and(|hop| hop.kind == HopKind::Serve);
        if self.enters_server(value, call) || self.is_server && serves() {
            return;
        }
        if self.enters_all(value, call) {
            callee.functions.iter().for_each(|function| self.follow_into(value, call, *function));
            return;
        }
        // A generated gateway hands its router on to answer by, and puts nothing in front of it.
        if self.is_server && program.files.get(call.file as usize).is_some_and(|file| file.source.facts.generated) {
            return;
        }
        let is_server = program.role_of(value) == Some(TypeRole::Server);
        let wraps = |lives: &Lives<'_, '_>| {
            // What a method that is seen does with its object is in its body.
            let receiver = program.receiver(call).filter(|value| program.qualify(*value).is_none());
            let receiver = receiver.filter(|_| callee.functions.is_empty());
            lives.callee_part(call, MAX_DEPTH - 6) == Life::Instrumented
                || receiver.is_some_and(|value| lives.part(value, "", MAX_DEPTH - 6) == Life::Instrumented)
        };
        // What such a helper does to the server is in its body; what the handlers do that it mounts is nothing of that.
        let mounts = is_server && self.only_mounts(&callee.functions);
        let is_instrumented = self.lives.is_instrumented_call(call) || wraps(self.lives);
        let is_traced_helper = is_instrumented && mounts;
        if is_traced_helper {
            self.mark_route(call);
        } else if is_instrumented {
            self.mark(Life::Instrumented, call);
            return;
        }
        if let Some(life) = self.by_helper(call) {
            self.mark(life, call);
        }
        // What a remote service asks others with says nothing of the server that it is mounted on.
        if is_server && stub_of(study, call, |names| &names.servers).is_some() {
            return;
        }
        let registers = callee.functions.is_empty() && is_registration(study, call);
        let others = study.slot(call, Slot::AnyArg).into_iter().filter(|other| *other != value && !is_traced_helper);
        for other in others {
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
            // A stub, an adapter or an option made of it; Go's own functions that nothing describes make none.
            let is_of_language = program.language == Language::Go && study.fact(call).is_none();
            if !(is_of_language && callee.name.is_some_and(|name| name.contains('.') && program.is_standard(name))) {
                self.work.push(call);
            }
            return;
        }
        for function in &callee.functions {
            self.follow_into(value, call, *function);
        }
    }

    /// Whether a Go call mounts what it is given to answer requests by, or puts what traces those in front of it: a proxy that
    /// is a client, too, asks no other way for that.
    fn serves_by_it(&self, call: ValueRef) -> bool {
        let study = self.lives.study;
        let effect = study.fact(call).map(|fact| fact.effect).filter(|_| study.language() == Language::Go);
        effect.is_some_and(|effect| effect.registers.is_some() || effect.instruments.is_some() && !effect.outbound)
    }

    /// A method of a stub: its function may inject, or a context that headers were put into brings them along.
    pub(super) fn sent_along(&mut self, call: ValueRef) {
        let (study, program) = (self.lives.study, self.lives.study.program);
        let injects = study.summary(program.outermost(program.function_at(call))).has(Summary::INJECTS);
        let mut contexts = study.slot(call, Slot::AnyArg).into_iter();
        let is_brought = |context| {
            program.role_of(context) == Some(TypeRole::Context)
                && self.lives.part(context, "header", MAX_DEPTH - 6) == Life::Instrumented
        };
        if injects || contexts.any(is_brought) {
            self.mark(Life::Instrumented, call);
        }
    }

    /// The arguments of a hop by which headers can come along: in Go its context, its carrier and options that are handed
    /// through. A message that is sent does nothing to the client, whatever its parts were read with; nothing else is given
    /// to the methods of Java's stubs.
    pub(super) fn bearers(&self, call: ValueRef, hop: Hop) -> Vec<ValueRef> {
        let study = self.lives.study;
        let (context, carrier) = (hop.context, hop.carrier);
        let ExprKind::Call { args, .. } = study.program.expr_kind(call) else { return Vec::new() };
        let is_of_stub = hop.kind == HopKind::RpcCall && hop.client == Slot::Receiver;
        if is_of_stub && study.language() == Language::Java {
            return Vec::new();
        }
        if study.language() != Language::Go {
            return study.slot(call, Slot::AnyArg);
        }
        let spread = args.iter().filter(|arg| arg.spread != Spread::None);
        let mut out: Vec<ValueRef> = spread.map(|arg| ValueRef { expr: arg.value, ..call }).collect();
        out.extend(study.slot(call, context));
        out.extend(study.slot(call, carrier));
        out
    }

    /// Whether a Go method whose body is seen hands back something else than its object: an answer, not the client.
    pub(super) fn answers(&self, call: ValueRef) -> bool {
        let program = self.lives.study.program;
        let functions = &program.callee(call).functions;
        let owner = program.receiver(call).and_then(|object| program.type_of(object));
        self.is_client
            && program.language == Language::Go
            && !functions.is_empty()
            && functions.iter().all(|function| {
                let decl = program.function(*function);
                let result = decl.results.first().map(|ty| program.type_ref(function.file, ty));
                !decl.flags.is_abstract && result != owner
            })
    }

    /// Whether a Go client, or what is made of one, is given to helpers whose bodies are seen: what they do to it is there.
    /// That they instrument something else, or are given something traced along with it, says nothing of the client.
    fn enters_all(&self, value: ValueRef, call: ValueRef) -> bool {
        let program = self.lives.study.program;
        let functions = &program.callee(call).functions;
        let takes = |function: &FuncRef| {
            let decl = program.function(*function);
            let flow = &program.files[function.file as usize].flow;
            let mut params = 0..decl.params.len() as u16;
            let is_it = |n: u16| {
                program.argument(call, *function, n) == Some(value) && flow.param_var(function.id, n).is_some()
            };
            !decl.flags.is_abstract && params.any(is_it)
        };
        self.is_client && program.language == Language::Go && !functions.is_empty() && functions.iter().all(takes)
    }

    /// Whether helpers of the service's own that are given a Go server hand nothing back that could be the server in a
    /// wrapper: all that they do is done to the server itself.
    fn only_mounts(&self, helpers: &[FuncRef]) -> bool {
        let program = self.lives.study.program;
        let is_plain = |name: &str| matches!(name, "error" | "bool" | "string" | "int");
        let hands_nothing_back = |helper: &FuncRef| {
            let decl = program.function(*helper);
            !decl.flags.is_abstract && decl.results.iter().all(|result| is_plain(&result.name))
        };
        program.language == Language::Go && !helpers.is_empty() && helpers.iter().all(hands_nothing_back)
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

    pub(super) fn follow_into(&mut self, value: ValueRef, call: ValueRef, function: FuncRef) {
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
