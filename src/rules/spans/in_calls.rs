//! What calls do with a value that somebody must finish: its own methods, and functions that it is given to.

use super::life::{Finish, Life, MAX_DEPTH, Walk, Way};
use crate::ir::{ExprKind, Language};
use crate::knowledge::{FunctionDescription, Slot, TypeRole};
use crate::link::flow::RECEIVER;
use crate::link::{FuncRef, ValueRef};
use crate::study::Summary;
use ustr::Ustr;

impl Life<'_, '_> {
    pub(super) fn member(&self, walk: &mut Walk, member: ValueRef, name: Ustr, way: Way) {
        let program = self.study.program;
        let call = program
            .parent(member)
            .filter(|call| matches!(program.expr_kind(*call), ExprKind::Call { callee, .. } if *callee == member.expr));
        let Some(call) = call else {
            walk.fate.finished |= self.names.contains(&name);
            self.follow(walk, member, 0, Way { same: false, ..way });
            return;
        };
        if let Some(fact) = self.study.fact(call) {
            if self.finish.slot(fact.effect) == Some(Slot::Receiver) {
                walk.fate.finished = true;
                walk.fate.finishes.push(call);
            }
            self.activation(walk, call, fact.effect, Slot::Receiver);
            if fact.effect.derives == Some(Slot::Receiver) {
                self.result(walk, call, fact.effect, way);
            }
            return;
        }
        if self.names.contains(&name)
            || self.study.effect_of(call).has(self.finish.bit())
            || self.may_finish(call, name)
        {
            walk.fate.finished = true;
            walk.fate.finishes.push(call);
            return;
        }
        if way.wrapped && way.same {
            self.own_method(walk, call, way);
        }
        let foreign =
            program.type_of(call).and_then(|ty| program.role(ty)).is_some_and(|role| role != self.finish.role());
        if !foreign {
            self.follow(walk, call, 0, Way { same: false, ..way });
        }
    }

    /// Whether a method is called through an interface of the service's own, and one that implements it finishes the value.
    fn may_finish(&self, call: ValueRef, name: Ustr) -> bool {
        let program = self.study.program;
        let functions = &program.callee(call).functions;
        functions.iter().any(|function| program.function(*function).flags.is_abstract)
            && program.methods_named(name).iter().any(|method| self.study.summary(*method).has(self.finish.bit()))
    }

    /// A method of the service's own object around the value may keep the object.
    fn own_method(&self, walk: &mut Walk, call: ValueRef, way: Way) {
        let functions = self.study.program.callee(call).functions.clone();
        for function in functions {
            let receiver = match self.study.language() {
                Language::Go => self.uses.param(function, RECEIVER),
                Language::Python => self.uses.param(function, 0),
                Language::Java => None,
            };
            let Some(def) = receiver.filter(|_| way.depth < MAX_DEPTH) else {
                walk.fate.escapes |= self.study.language() != Language::Go;
                continue;
            };
            let returned = walk.fate.returned.len();
            for used in self.uses.uses_of(self.study, function.file, def) {
                self.follow(walk, used, 0, Way { depth: way.depth + 1, ..way });
            }
            // A method that hands its own object back, for a chain of calls.
            if walk.fate.returned.len() > returned {
                walk.fate.escapes = true;
            }
        }
    }

    /// The result of a call that continues the value, unless its type says that it is something else.
    fn result(&self, walk: &mut Walk, call: ValueRef, effect: &FunctionDescription, way: Way) {
        let role = effect.returns.first().and_then(|ty| self.study.program.role(*ty));
        match role {
            Some(role) if role == self.finish.role() => self.follow(walk, call, 0, way),
            Some(_) => {}
            None => self.follow(walk, call, 0, Way { same: false, ..way }),
        }
    }

    fn activation(&self, walk: &mut Walk, call: ValueRef, effect: &FunctionDescription, slot: Slot) {
        if effect.activates != Some(slot) {
            return;
        }
        walk.fate.activated = true;
        let args = self.study.slot(call, Slot::AnyArg);
        let program = self.study.program;
        // A flag that is on may hand the value over to its scope.
        let handed = args
            .iter()
            .any(|arg| matches!(program.expr_kind(*arg), ExprKind::Lit(text) if text.eq_ignore_ascii_case("true")));
        walk.fate.escapes |= handed || effect.scope_ends_span;
    }

    pub(super) fn argument(&self, walk: &mut Walk, value: ValueRef, call: ValueRef, way: Way) {
        let holds = |slot: Option<Slot>| slot.filter(|slot| self.study.slot(call, *slot).contains(&value));
        if let Some(fact) = self.study.fact(call) {
            let effect = fact.effect;
            walk.fate.handed |= way.same;
            if holds(self.finish.slot(effect)).is_some() {
                walk.fate.finished = true;
                walk.fate.finishes.push(call);
            } else if let Some(slot) = holds(effect.activates) {
                self.activation(walk, call, effect, slot);
                if effect.derives == Some(slot) {
                    self.result(walk, call, effect, way);
                }
            } else if holds(effect.binds_context).is_some() {
                self.context(walk, call, 0, 0);
            } else if holds(effect.derives).is_some() {
                self.result(walk, call, effect, way);
            } else if self.is_context(effect) {
                // Whoever knows its key takes it out again: `context.WithValue(ctx, key, span)`.
                walk.fate.escapes |= way.same;
            } else if effect.span.is_none() && effect.inject.is_none() && effect.log.is_none() {
                walk.fate.escapes |= way.same;
            }
            return;
        }
        if !way.same || self.labels(call) {
            return;
        }
        let effect = self.study.effect_of(call);
        walk.fate.handed |= !effect.has(self.finish.bit()) || effect.has(Summary::STARTS | Summary::CALLS_OUT);
        let callee = self.study.program.callee(call);
        if self.is_kept_by_constructor(value, call, way) {
            return;
        }
        if callee.functions.is_empty() || callee.constructs.is_some() {
            // A foreign function knows nothing of the service's own object, unless the object is in what it returns.
            let called_on = self.study.program.parent(call).map(|parent| self.study.program.expr_kind(parent));
            let unused = matches!(called_on, Some(ExprKind::Member { .. }))
                || self.study.program.call_site(call).is_some_and(|site| site.dropped);
            let foreign = callee.constructs.is_none() && way.wrapped && unused;
            walk.fate.escapes |= !foreign || self.is_finisher(value);
            return;
        }
        if self.study.effect_of(call).has(self.finish.bit()) && !self.finishes_others(value, call, way) {
            walk.fate.finished = true;
            walk.fate.finishes.push(call);
            return;
        }
        for function in &callee.functions {
            self.parameter(walk, value, call, *function, way);
        }
    }

    /// Whether the one own function that a call runs is seen to finish other values alone (Go): what it is given here it
    /// neither finishes nor lets go out of sight.
    fn finishes_others(&self, value: ValueRef, call: ValueRef, way: Way) -> bool {
        let [function] = self.study.program.callee(call).functions[..] else { return false };
        if self.study.language() != Language::Go {
            return false;
        }
        let mut inside = Walk::default();
        self.parameter(&mut inside, value, call, function, way);
        inside.fate.is_never_finished()
    }

    /// Whether a call is a statement that runs a function of a tracing API of which nothing else is known: it notes something
    /// on the span that it is given (Go: `ext.Component.Set(span, name)`).
    fn labels(&self, call: ValueRef) -> bool {
        let program = self.study.program;
        let is_statement = || program.call_site(call).is_some_and(|site| site.dropped && !site.spawned);
        let Some(name) = program.callee(call).name.filter(|_| self.study.language() == Language::Go) else {
            return false;
        };
        let of_module = |module: &String| name.strip_prefix(module.as_str()).is_some_and(|rest| rest.starts_with('.'));
        let mut libraries = program.knowledge.libraries().iter();
        is_statement()
            && self.finish == Finish::End
            && libraries.any(|library| {
                library.types.iter().any(|ty| ty.role == TypeRole::Tracer) && library.modules.iter().any(of_module)
            })
    }

    fn is_finisher(&self, value: ValueRef) -> bool {
        self.study.program.type_of(value).is_none_or(|ty| self.finishers.contains(&ty))
    }

    pub(super) fn is_context(&self, effect: &FunctionDescription) -> bool {
        effect.returns.first().and_then(|ty| self.study.program.role(*ty)) == Some(TypeRole::Context)
    }

    pub(super) fn parameter(&self, walk: &mut Walk, value: ValueRef, call: ValueRef, function: FuncRef, way: Way) {
        let program = self.study.program;
        let decl = program.function(function);
        let params = (0u16..).zip(&decl.params).find(|(n, param)| {
            !param.variadic && !param.keywords && program.argument(call, function, *n) == Some(value)
        });
        let def = params.and_then(|(n, _)| self.uses.param(function, n));
        let Some(def) = def.filter(|_| way.depth < MAX_DEPTH && !decl.flags.is_abstract) else {
            walk.fate.escapes = true;
            return;
        };
        let before = std::mem::take(&mut walk.fate.returned);
        for used in self.uses.uses_of(self.study, function.file, def) {
            self.follow(walk, used, 0, Way { depth: way.depth + 1, ..way });
        }
        let handed_back = std::mem::replace(&mut walk.fate.returned, before);
        for from in handed_back {
            if from.function == function {
                self.follow(walk, call, from.index, Way { wrapped: from.wrapped, ..way });
            } else {
                walk.fate.escapes = true;
            }
        }
    }
}
