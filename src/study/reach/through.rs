//! The functions that Go code runs through values: a parameter, a field, an element of a table, a value of a type that is
//! a function.

use super::functions_of;
use crate::ir::{ExprKind, FunctionId, TypeKind};
use crate::knowledge::TypeRole;
use crate::link::flow::{DefKind, RECEIVER};
use crate::link::{FuncRef, Origin, Owner, Program, ValueRef};
use crate::study::Study;
use rustc_hash::{FxHashMap, FxHashSet};
use ustr::Ustr;

/// Most functions that one call is taken to run through a value: the routes of a large service.
const MAX_FUNCTIONS: usize = 600;

/// How many values are looked at for one call.
const MAX_VALUES: usize = 2000;

/// How many wrappers around a function are looked into for what they hand back.
const MAX_WRAPPERS: u32 = 2;

/// Where functions are kept that are run later on.
pub(super) struct Held<'s, 'a> {
    study: &'s Study<'a>,
    /// What is put by index into the tables of fields and of packages.
    put: FxHashMap<Owner, Vec<ValueRef>>,
    /// What is made a value of each of the program's own types that are functions.
    made: FxHashMap<Ustr, Vec<ValueRef>>,
}

impl<'s, 'a> Held<'s, 'a> {
    pub(super) fn new(study: &'s Study<'a>) -> Self {
        let mut held = Self { study, put: FxHashMap::default(), made: FxHashMap::default() };
        for (file, unit) in (0u32..).zip(&study.program.files) {
            for write in &unit.flow.writes {
                held.note_put(ValueRef { file, expr: write.target }, ValueRef { file, expr: write.value });
            }
            for site in &unit.flow.calls {
                held.note_made(ValueRef { file, expr: site.expr });
            }
        }
        held
    }

    fn note_put(&mut self, target: ValueRef, value: ValueRef) {
        let program = self.study.program;
        let ExprKind::Index { base, .. } = program.expr_kind(target) else { return };
        if let Some(owner) = owner_of(program, ValueRef { expr: *base, ..target }) {
            self.put.entry(owner).or_default().push(value);
        }
    }

    fn note_made(&mut self, call: ValueRef) {
        if let Some((ty, value)) = conversion(self.study.program, call) {
            self.made.entry(ty).or_default().push(value);
        }
    }

    /// Whether a call runs a function while the call goes on that hands it over (`retry(ctx, step)`): a parameter of the
    /// function around it, for the work that this one is given. The ways lead there from who names the function.
    pub(super) fn is_handed_in(&self, call: ValueRef) -> bool {
        let program = self.study.program;
        let ExprKind::Call { callee, .. } = program.expr_kind(call) else { return false };
        let defs = program.reaching(ValueRef { expr: *callee, ..call });
        let takers = defs.iter().map(|def| program.def(call.file, *def)).filter_map(|def| match def.kind {
            DefKind::Param(n) if n != RECEIVER => Some(def.function),
            _ => None,
        });
        let mut takers = takers.peekable();
        takers.peek().is_some() && takers.all(|taker| !self.is_for_others(program.function_at(call), taker))
    }

    /// Whether a literal inside a function, or one around it there, takes work of its own: it runs for that, later.
    fn is_for_others(&self, inner: FuncRef, outer: FunctionId) -> bool {
        let mut at = inner;
        while at.id != outer {
            if takes_request(self.study, at) || (takes_work(self.study, at) && self.is_kept(at)) {
                return true;
            }
            let Some(parent) = self.study.program.function(at).parent else { return false };
            at.id = parent;
        }
        false
    }

    /// Whether a literal is no part of a call, which may run it at once: `go func(ctx) { … }(ctx)`, `traced(ctx, func(ctx) { … })`.
    fn is_kept(&self, function: FuncRef) -> bool {
        let program = self.study.program;
        let flow = program.files.get(function.file as usize).map(|file| &file.flow);
        let made = flow.and_then(|flow| flow.closures.get(&function.id).copied());
        let around = made.and_then(|expr| program.parent(ValueRef { expr, file: function.file }));
        around.is_none_or(|around| match program.expr_kind(around) {
            ExprKind::Call { .. } => conversion(program, around).is_some(),
            _ => true,
        })
    }

    /// The functions that a call may run through the value that it calls, of those that take a context, a request or a
    /// message.
    pub(super) fn run_by(&self, call: ValueRef) -> Vec<FuncRef> {
        let program = self.study.program;
        let ExprKind::Call { callee, args } = program.expr_kind(call) else { return Vec::new() };
        let called = ValueRef { expr: *callee, ..call };
        let may_be_work = |value: ValueRef| is_work(program.role_of(value)) || program.type_of(value).is_none();
        let hands_work = || args.iter().any(|arg| may_be_work(ValueRef { expr: arg.value, ..call }));
        if !is_held(program, called) || !hands_work() {
            return Vec::new();
        }
        let mut out = self.behind(called, MAX_WRAPPERS);
        let made = program.type_of(called).and_then(|ty| self.made.get(&ty));
        out.extend(made.into_iter().flatten().flat_map(|value| functions_of(self.study, *value)));
        out.retain(|function| takes_work(self.study, *function));
        out.sort_unstable();
        out.dedup();
        if out.len() > MAX_FUNCTIONS { Vec::new() } else { out }
    }

    /// The functions that a value may be, also out of tables that hold them.
    fn behind(&self, value: ValueRef, wrappers: u32) -> Vec<FuncRef> {
        let program = self.study.program;
        let mut out = Vec::new();
        let mut seen = FxHashSet::from_iter([value]);
        let mut work = vec![value];
        let mut out_of_tables = Vec::new();
        while let Some(value) = work.pop().filter(|_| seen.len() <= MAX_VALUES) {
            let mut more = Vec::new();
            let origins = program.origins_noting(value, true, |at, ends| {
                let put = owner_of(program, at).and_then(|table| self.put.get(&table));
                out_of_tables.extend(put.into_iter().flatten());
                out_of_tables.extend(row_of(program, at).filter(|_| !ends.is_empty()));
            });
            more.append(&mut out_of_tables);
            for origin in origins {
                match origin {
                    Origin::Literal(made) => match program.expr_kind(made) {
                        ExprKind::Closure(id) => out.push(FuncRef { file: made.file, id: *id }),
                        ExprKind::Composite { fields, .. } => {
                            more.extend(fields.iter().map(|field| ValueRef { expr: field.value, ..made }));
                        }
                        _ => {}
                    },
                    Origin::Field(owner, name) => out.extend(program.methods(owner, name)),
                    Origin::Call(made, 0) => self.through_call(made, wrappers, &mut more, &mut out),
                    // More than are followed for other values: each of them is mounted.
                    Origin::Param(function, n) => more.extend(program.all_arguments(function, n).take(MAX_VALUES)),
                    _ => {}
                }
            }
            work.extend(more.into_iter().filter(|value| seen.insert(*value)));
        }
        out
    }

    /// What a call that hands back a function may stand for: what it converts, collects or wraps.
    fn through_call(&self, made: ValueRef, wrappers: u32, more: &mut Vec<ValueRef>, out: &mut Vec<FuncRef>) {
        let program = self.study.program;
        if let Some((_, value)) = conversion(program, made) {
            more.push(value);
            return;
        }
        if let Some(values) = program.collected(made) {
            more.extend(values);
            return;
        }
        out.extend(functions_of(self.study, made));
        // `handle = around(handle)`, where `around` is one of a list: what each of them hands back runs, and what it is given.
        let ExprKind::Call { callee, args } = program.expr_kind(made) else { return };
        let called = ValueRef { expr: *callee, ..made };
        let Some(rest) = wrappers.checked_sub(1) else { return };
        if program.callee(made).functions.is_empty() && is_held(program, called) {
            let around = self.behind(called, rest);
            more.extend(program.first_results(&around).take(MAX_VALUES));
            more.extend(args.iter().map(|arg| ValueRef { expr: arg.value, ..made }));
        }
    }
}

/// The local variable that a value is a field of, where its struct has no name:
/// `for _, route := range []struct{ path string; handle Handler }{…}`.
fn row_of(program: &Program<'_>, value: ValueRef) -> Option<ValueRef> {
    let ExprKind::Member { base, .. } = program.expr_kind(value) else { return None };
    let row = ValueRef { expr: *base, ..value };
    let is_named = || program.type_of(row).is_some_and(|ty| program.own_type(ty).is_some());
    (!program.reaching(row).is_empty() && !is_named()).then_some(row)
}

/// The field or global that a value names.
fn owner_of(program: &Program<'_>, value: ValueRef) -> Option<Owner> {
    match program.expr_kind(value) {
        ExprKind::Member { base, name, .. } => {
            program.type_of(ValueRef { expr: *base, ..value }).map(|owner| (owner, *name))
        }
        ExprKind::Name(_) if program.reaching(value).is_empty() => {
            let name = program.qualify(value)?;
            name.rsplit_once('.').map(|(owner, name)| (Ustr::from(owner), Ustr::from(name)))
        }
        _ => None,
    }
}

/// What a call makes a value of one of the program's own types that are other names of types (`HandlerFunc(serve)`).
fn conversion(program: &Program<'_>, call: ValueRef) -> Option<(Ustr, ValueRef)> {
    let ExprKind::Call { args, .. } = program.expr_kind(call) else { return None };
    let [arg] = &**args else { return None };
    let ty = program.callee(call).constructs?;
    let is_alias = program.own_type(ty).is_some_and(|index| program.type_decl(index).kind == TypeKind::Alias);
    is_alias.then_some((ty, ValueRef { expr: arg.value, ..call }))
}

/// Whether what is called is no function by its name, but what a variable, a field or a table holds.
fn is_held(program: &Program<'_>, called: ValueRef) -> bool {
    match program.expr_kind(called) {
        ExprKind::Name(_) => !program.reaching(called).is_empty(),
        ExprKind::Member { base, name, .. } => {
            let base = ValueRef { expr: *base, ..called };
            match program.type_of(base) {
                Some(ty) => program.own_type(ty).is_some_and(|owner| program.has_field(owner, *name)),
                None => !program.reaching(base).is_empty(),
            }
        }
        ExprKind::Index { base, .. } => is_held(program, ValueRef { expr: *base, ..called }),
        _ => false,
    }
}

/// Whether a function takes work that comes in: a context, a request or a message.
pub(super) fn takes_work(study: &Study<'_>, function: FuncRef) -> bool {
    let count = study.program.function(function).params.len() as u16;
    let role = |n| study.program.param_type(function, n).and_then(|ty| study.program.role(ty));
    (0..count).any(|n| is_work(role(n)))
}

/// Whether a function takes a request or a message: whoever has one runs it.
fn takes_request(study: &Study<'_>, function: FuncRef) -> bool {
    let count = study.program.function(function).params.len() as u16;
    let role = |n| study.program.param_type(function, n).and_then(|ty| study.program.role(ty));
    (0..count).any(|n| matches!(role(n), Some(TypeRole::Request | TypeRole::Message)))
}

fn is_work(role: Option<TypeRole>) -> bool {
    matches!(role, Some(TypeRole::Context | TypeRole::Request | TypeRole::Message))
}
