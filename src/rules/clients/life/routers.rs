//! What becomes of a Go server that is handed around: to functions of the service, also those that are called as values or
//! through an interface, and to closures that mount a part of it.

use super::Life;
use super::kept::of_local;
use super::later::Walk;
use crate::ir::ExprKind;
use crate::knowledge::{Slot, TypeRole};
use crate::link::{FuncRef, Origin, Step, ValueRef};
use crate::study::{Inbound, functions_of, stub_of};
use ustr::Ustr;

/// How many functions that one call may run are followed.
const MAX_FUNCTIONS: usize = 48;

impl Walk<'_, '_, '_> {
    /// Follows a server into what a call runs that is given it; true where all that the call does to it is seen there.
    pub(super) fn enters_server(&mut self, server: ValueRef, call: ValueRef) -> bool {
        let study = self.lives.study;
        if !self.is_server || study.fact(call).is_some() {
            return false;
        }
        // What a remote service asks others with says nothing of the server that it is mounted on.
        if stub_of(study, call, |names| &names.servers).is_some() {
            return true;
        }
        let functions = self.run_by(call);
        let takes = |function: &FuncRef| self.takes(*function, server, call);
        let may_wrap = |function: &FuncRef| self.may_wrap(*function);
        if functions.is_empty() || !functions.iter().all(takes) || functions.iter().any(may_wrap) {
            return false;
        }
        // What it hands back may stand in front of the server: `handler = logged(router)`.
        if functions.iter().any(|function| self.hands_handler_back(*function)) {
            self.work.push(call);
        }
        functions.into_iter().for_each(|function| self.follow_into(server, call, function));
        self.out.entered.push(call);
        true
    }

    /// Goes on with the server of a library into a field of which a router was put: `s.server.Handler = router`.
    pub(super) fn put_into_server(&mut self, server: ValueRef, owner: Ustr) {
        let program = self.lives.study.program;
        if !self.is_server || program.own_type(owner).is_some() || program.role(owner) != Some(TypeRole::Server) {
            return;
        }
        match program.step(server) {
            Step::Field(holder, name) => self.field(holder, name),
            _ => self.work.extend(of_local(program, server)),
        }
    }

    /// Follows a server into the closures and functions that a call of its own is given, such as `r.Route("/orders", func(r
    /// chi.Router) { … })`.
    pub(super) fn enters_closures(&mut self, call: ValueRef) {
        let study = self.lives.study;
        let program = study.program;
        if !self.is_server {
            return;
        }
        for function in study.slot(call, Slot::AnyArg).into_iter().flat_map(|value| functions_of(study, value)) {
            let flow = &program.files[function.file as usize].flow;
            for n in 0..program.function(function).params.len() as u16 {
                let role = program.param_type(function, n).and_then(|ty| program.role(ty));
                if let Some(var) = flow.param_var(function.id, n).filter(|_| role == Some(TypeRole::Server)) {
                    self.work.extend(var.uses.iter().map(|expr| ValueRef { file: function.file, expr: *expr }));
                }
            }
        }
    }

    /// A call on a server, or of it. Where a function that takes a request hands it on, what reads the trace there stands in
    /// front of the server; a literal function is a handler in its place.
    pub(super) fn asked(&mut self, server: ValueRef, call: ValueRef) {
        let (study, program) = (self.lives.study, self.lives.study.program);
        let is_request = |value: ValueRef| program.role_of(value) == Some(TypeRole::Request);
        if !self.is_server || !study.slot(call, Slot::AnyArg).into_iter().any(is_request) {
            return;
        }
        let function = program.function_at(server);
        if self.lives.works_on_traces(function) {
            self.mark(Life::Instrumented, call);
        }
        match program.files.get(server.file as usize).and_then(|file| file.flow.closures.get(&function.id)) {
            Some(made) => self.work.push(ValueRef { expr: *made, ..server }),
            // Whoever asks the method for it may stand behind anything.
            None => self.mark(Life::Unknown, call),
        }
    }

    /// Whether the objects of an own type are handlers: a library calls a method of theirs for inbound work.
    pub(super) fn is_handler(&self, ty: Ustr) -> bool {
        let study = self.lives.study;
        let methods = study.program.own_type(ty).map(|ty| study.program.methods_of(ty)).unwrap_or_default();
        methods.into_iter().any(|method| matches!(study.inbound(method), Inbound::Entry(_)))
    }

    /// The functions with a body that a call may run: by its name, through an interface with any number of
    /// implementations, or as a value.
    fn run_by(&self, call: ValueRef) -> Vec<FuncRef> {
        let program = self.lives.study.program;
        let callee = program.callee(call);
        let is_open = |function: &FuncRef| program.function(*function).flags.is_abstract;
        let ExprKind::Call { callee: called, .. } = program.expr_kind(call) else { return Vec::new() };
        let called = ValueRef { expr: *called, ..call };
        let mut out = match callee.functions.iter().all(is_open) {
            false => callee.functions.to_vec(),
            true if callee.functions.is_empty() => self.held_by(called),
            true => {
                match (program.receiver(call).and_then(|value| program.type_of(value)), program.expr_kind(called)) {
                    (Some(owner), ExprKind::Member { name, .. }) => program.all_behind(owner, *name),
                    _ => Vec::new(),
                }
            }
        };
        out.retain(|function| !is_open(function));
        out.truncate(MAX_FUNCTIONS);
        out
    }

    /// The functions that a value which is called may hold.
    fn held_by(&self, called: ValueRef) -> Vec<FuncRef> {
        let study = self.lives.study;
        if study.program.qualify(called).is_some() {
            return Vec::new();
        }
        let mut out = Vec::new();
        for origin in study.program.origins(called, true) {
            match origin {
                Origin::Literal(found) => out.extend(functions_of(study, found)),
                Origin::Call(found, _) => out.extend(study.program.returned_functions(found)),
                Origin::Field(owner, name) => out.extend(study.program.methods(owner, name)),
                Origin::Param(..) | Origin::Unknown => return Vec::new(),
            }
        }
        out.sort_unstable();
        out.dedup();
        out
    }

    /// Whether a function takes a value that a call hands over as a parameter of which the uses are seen.
    fn takes(&self, function: FuncRef, value: ValueRef, call: ValueRef) -> bool {
        let program = self.lives.study.program;
        let flow = &program.files[function.file as usize].flow;
        let mut params = 0..program.function(function).params.len() as u16;
        params.any(|n| program.argument(call, function, n) == Some(value) && flow.param_var(function.id, n).is_some())
    }

    /// Whether a function may hand a server back behind something that reads traces.
    fn may_wrap(&self, function: FuncRef) -> bool {
        self.lives.works_on_traces(function) && self.hands_handler_back(function)
    }

    /// Whether a result of a function may be a handler in front of a server: neither the server itself, nor a plain value, nor
    /// something of the service's own.
    fn hands_handler_back(&self, function: FuncRef) -> bool {
        let program = self.lives.study.program;
        let is_other = |name: &str| matches!(name, "error" | "bool" | "string" | "int");
        let is_object = |ty: Ustr| program.own_type(ty).is_some() || program.role(ty) == Some(TypeRole::Server);
        let results = &program.function(function).results;
        results.iter().any(|ty| !is_other(&ty.name) && !is_object(program.type_ref(function.file, ty)))
    }
}
