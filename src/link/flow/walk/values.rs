//! The walk over values: what they read, what is assigned to them, what they call.

use super::{Env, Walker};
use crate::ir::{ExprId, ExprKind, FunctionId, Span};
use crate::link::flow::{CallSite, DefKind, Write};
use ustr::Ustr;

impl Walker<'_> {
    pub(super) fn assign(&mut self, stmt: u32, targets: &[ExprId], values: &[ExprId], declares: bool) {
        for (at, target) in targets.iter().enumerate() {
            let kind = match values {
                [] => DefKind::Declared,
                [value] if targets.len() > 1 => DefKind::Value { value: *value, index: Some(at as u8) },
                _ => match values.get(at) {
                    Some(value) => DefKind::Value { value: *value, index: None },
                    None => DefKind::Opaque,
                },
            };
            self.target(*target, kind, Some(stmt), declares);
        }
    }

    pub(super) fn target(&mut self, target: ExprId, kind: DefKind, stmt: Option<u32>, declares: bool) {
        let facts = self.facts;
        let span = facts.expr(target).span;
        match &facts.expr(target).kind {
            ExprKind::Name(name) => self.name_target(*name, kind, stmt, declares, span, target),
            ExprKind::Composite { fields, .. } => {
                for (at, field) in fields.iter().enumerate() {
                    let kind = match kind {
                        DefKind::Value { value, .. } | DefKind::Entered(value) => {
                            DefKind::Value { value, index: Some(at as u8) }
                        }
                        _ => DefKind::Opaque,
                    };
                    self.target(field.value, kind, None, declares);
                }
            }
            _ => {
                self.expr(target);
                if let DefKind::Value { value, index } = kind {
                    self.out.writes.push(Write { target, value, index, function: self.function });
                }
            }
        }
    }

    fn name_target(
        &mut self,
        name: Ustr,
        kind: DefKind,
        stmt: Option<u32>,
        declares: bool,
        span: Span,
        target: ExprId,
    ) {
        let existing = match facts_scope(self.facts.language, declares) {
            Lookup::Block => self.scopes.last().and_then(|(_, scope)| scope.get(&name).copied()),
            Lookup::Function => self.lookup_in_function(name),
            Lookup::Anywhere => self.lookup(name),
        };
        match existing {
            Some(var) => self.define(var, kind, stmt, span),
            None if declares || self.facts.language == crate::ir::Language::Python || self.function.0 == 0 => {
                self.declare(name, kind, stmt, span);
            }
            None => {
                if let DefKind::Value { value, index } = kind {
                    self.out.writes.push(Write { target, value, index, function: self.function });
                }
            }
        }
    }

    pub(super) fn expr(&mut self, id: ExprId) {
        let facts = self.facts;
        if let Some(function) = self.out.functions.get_mut(id.0 as usize) {
            *function = self.function;
        }
        match &facts.expr(id).kind {
            ExprKind::Name(name) => self.name_use(id, *name),
            ExprKind::Str(_) | ExprKind::Lit(_) | ExprKind::Type(_) => {}
            ExprKind::Zero(_) => self.call(id),
            ExprKind::Member { base, .. } | ExprKind::MethodRef { base, .. } => self.child(id, *base),
            ExprKind::Call { callee, args } => {
                self.child(id, *callee);
                args.iter().for_each(|arg| self.child(id, arg.value));
                self.call(id);
            }
            ExprKind::New { args, body, .. } => {
                args.iter().for_each(|arg| self.child(id, arg.value));
                self.call(id);
                if let Some(ty) = body {
                    self.anonymous_class(*ty);
                }
            }
            ExprKind::Composite { fields, ty } => {
                for field in fields {
                    if let Some(key) = field.key
                        && !matches!(facts.expr(key).kind, ExprKind::Name(_))
                    {
                        self.child(id, key);
                    }
                    self.child(id, field.value);
                }
                if ty.is_some() {
                    self.call(id);
                }
            }
            ExprKind::Closure(function) => {
                self.out.closures.insert(*function, id);
                self.decorators(*function);
                let before = self.env.clone();
                self.function_body(*function);
                let after = std::mem::replace(&mut self.env, before);
                // What the closure assigns may or may not have happened from here on.
                self.env.join(Env { dead: false, ..after });
            }
            ExprKind::Index { base, index } => {
                self.child(id, *base);
                index.iter().for_each(|index| self.child(id, *index));
            }
            ExprKind::Unary { operand: value, .. }
            | ExprKind::Await(value)
            | ExprKind::Yield(Some(value))
            | ExprKind::Cast { value, .. }
            | ExprKind::Receive(value) => self.child(id, *value),
            ExprKind::Yield(None) => {}
            ExprKind::Binary { left, right, .. } => {
                self.child(id, *left);
                self.child(id, *right);
            }
            ExprKind::Conditional { condition, then, otherwise } => {
                self.child(id, *condition);
                self.child(id, *then);
                self.child(id, *otherwise);
            }
            ExprKind::Assign { target, value } => {
                self.child(id, *value);
                self.target(*target, DefKind::Value { value: *value, index: None }, None, false);
            }
            ExprKind::Unknown(children) => children.iter().for_each(|child| self.child(id, *child)),
        }
    }

    fn child(&mut self, parent: ExprId, child: ExprId) {
        if let Some(slot) = self.out.parents.get_mut(child.0 as usize) {
            *slot = parent;
        }
        self.expr(child);
    }

    /// What the decorators of a nested function are methods of: `app` in `@app.get("/")`. They are no calls of the function
    /// around, as those of other functions are none of the load-time code.
    fn decorators(&mut self, function: FunctionId) {
        let facts = self.facts;
        for decorator in &facts.function(function).annotations {
            let mut at = decorator.expr;
            loop {
                if let Some(home) = self.out.functions.get_mut(at.0 as usize) {
                    *home = self.function;
                }
                let inner = match &facts.expr(at).kind {
                    ExprKind::Call { callee: inner, .. } | ExprKind::Member { base: inner, .. } => *inner,
                    ExprKind::Name(name) => break self.name_use(at, *name),
                    _ => break,
                };
                if let Some(parent) = self.out.parents.get_mut(inner.0 as usize) {
                    *parent = at;
                }
                at = inner;
            }
        }
    }

    pub(super) fn call(&mut self, expr: ExprId) {
        self.out.calls.push(CallSite {
            expr,
            function: self.function,
            deferred: false,
            spawned: false,
            managed: false,
            dropped: false,
            in_loop: self.loop_id,
        });
    }

    fn anonymous_class(&mut self, ty: crate::ir::TypeId) {
        for method in self.methods.remove(&ty).unwrap_or_default() {
            let before = self.env.clone();
            self.function_body(method);
            self.env = before;
        }
    }

    fn name_use(&mut self, id: ExprId, name: Ustr) {
        if let Some(var) = self.lookup(name) {
            self.out.vars[var.0 as usize].uses.push(id);
            let at = (var.0 as usize).checked_sub(self.base);
            let reaching = at.and_then(|at| self.env.reaching.get(at)).cloned().unwrap_or_default();
            self.out.uses.set(id, &reaching);
        }
    }
}

enum Lookup {
    Block,
    Function,
    Anywhere,
}

/// Where an assignment looks for the variable it may already mean.
fn facts_scope(language: crate::ir::Language, declares: bool) -> Lookup {
    match (language, declares) {
        (crate::ir::Language::Python, _) => Lookup::Function,
        (_, true) => Lookup::Block,
        (_, false) => Lookup::Anywhere,
    }
}
