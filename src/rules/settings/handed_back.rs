//! What a Go set-up hands back to end the provider that it makes, and the callers who throw that away.

use super::flushed::{ending_names, is_kept_private, is_key, is_part_of_own, is_result_dropped};
use crate::ir::{ExprId, ExprKind};
use crate::link::flow::DefKind;
use crate::link::{FuncRef, ValueRef};
use crate::study::{CallFact, Study, functions_of};
use rustc_hash::FxHashSet;
use ustr::Ustr;

/// How many functions hand one provider on to one another.
const MAX_HANDED: u32 = 4;

/// What is followed: the provider itself, or a function that ends it.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Provider,
    Ender,
}

/// What a use does with what is followed.
#[derive(Clone, Copy, PartialEq)]
enum Use {
    /// It is only asked, or registered.
    Asked,
    /// It is ended, or handed back.
    Goes,
}

/// Where the ways of a provider end.
#[derive(Debug, Default)]
pub(super) struct Dropped {
    /// The calls that hand it, or what ends it, to code that drops it.
    pub calls: Vec<ValueRef>,
    /// The methods that end it, `provider.Shutdown`, which were followed.
    pub ends: FxHashSet<ValueRef>,
}

/// Where what a call makes is handed back to and dropped; `None` where it goes anywhere that is not seen.
pub(super) fn dropped(study: &Study<'_>, made: &CallFact<'_>) -> Option<Dropped> {
    let mut walk = Walk { study, names: ending_names(study), found: Dropped::default() };
    walk.value(made.call, 0, Kind::Provider, MAX_HANDED)?;
    walk.found.calls.retain(|call| *call != made.call);
    Some(walk.found)
}

/// The calls that drop the result of a call which ends what that holds back, by these methods, or that drop what is handed
/// back to them of it; `None` where it goes anywhere that is not seen.
pub(super) fn left_open(study: &Study<'_>, made: ValueRef, at: usize, by: &[Ustr]) -> Option<Vec<ValueRef>> {
    let names = by.iter().map(Ustr::as_str).collect();
    let mut walk = Walk { study, names, found: Dropped::default() };
    walk.value(made, at, Kind::Provider, MAX_HANDED)?;
    Some(walk.found.calls)
}

struct Walk<'s, 'a> {
    study: &'s Study<'a>,
    names: FxHashSet<&'s str>,
    found: Dropped,
}

impl Walk<'_, '_> {
    /// Follows one result of a call, or a function value; `None` where it goes out of sight.
    fn value(&mut self, made: ValueRef, index: usize, kind: Kind, depth: u32) -> Option<()> {
        let program = self.study.program;
        if program.parent(made).is_some() {
            return self.used(made, kind, depth).map(|_| ());
        }
        let function = program.function_covering(made);
        let flow = &program.files.get(made.file as usize)?.flow;
        let handed = flow.returns_of(function.id).find_map(|found| {
            let at = found.values.iter().position(|value| *value == made.expr)?;
            Some(if found.values.len() == 1 { index } else { at })
        });
        if let Some(at) = handed {
            return self.handed(function, at, kind, depth);
        }
        if is_result_dropped(self.study, made, index) {
            self.found.calls.push(made);
            return Some(());
        }
        if flow.writes_from(made.expr).next().is_some() {
            return None;
        }
        let is_it = |kind: &DefKind| match kind {
            DefKind::Value { index: n, .. } => n.map_or(0, usize::from) == index,
            _ => false,
        };
        let defs: Vec<_> = flow.defs_from(made.expr).filter(|(_, def)| is_it(&def.kind)).collect();
        if defs.is_empty() {
            return None;
        }
        let vars = defs.iter().filter_map(|(id, def)| Some((*id, flow.vars.get(def.var.0 as usize)?)));
        let uses = vars.flat_map(|(id, var)| var.uses.iter().filter(move |used| flow.reaching(**used).contains(&id)));
        let mut goes = false;
        for used in uses {
            goes |= self.used(ValueRef { expr: *used, ..made }, kind, depth)? == Use::Goes;
        }
        if !goes {
            self.found.calls.push(made);
        }
        Some(())
    }

    /// What is done with what is followed where it is used; `None` where that is not seen.
    fn used(&mut self, at: ValueRef, kind: Kind, depth: u32) -> Option<Use> {
        let program = self.study.program;
        let Some(parent) = program.parent(at) else { return self.moved(at, kind, depth) };
        match program.expr_kind(parent) {
            ExprKind::Member { base, name, .. } if *base == at.expr && kind == Kind::Provider => {
                let is_called = program.parent(parent).is_some_and(
                    |call| matches!(program.expr_kind(call), ExprKind::Call { callee, .. } if *callee == parent.expr),
                );
                match (self.names.contains(name.as_str()), is_called) {
                    (true, true) => self.ended(parent, depth),
                    (true, false) => {
                        self.found.ends.insert(parent);
                        self.value(parent, 0, Kind::Ender, depth).map(|()| Use::Goes)
                    }
                    (false, called) => called.then_some(Use::Asked),
                }
            }
            ExprKind::Call { callee, .. } if *callee == at.expr => Some(Use::Goes),
            ExprKind::Call { .. } if kind == Kind::Provider => self.study.fact(parent).map(|_| Use::Asked),
            ExprKind::Binary { .. } => Some(Use::Asked),
            ExprKind::Composite { .. } if is_key(self.study, at) => Some(Use::Asked),
            ExprKind::Composite { .. } if kind == Kind::Provider && is_part_of_own(self.study, at) => Some(Use::Asked),
            _ => None,
        }
    }

    /// A provider is ended here: at once, or when the function literal around it is called.
    fn ended(&mut self, end: ValueRef, depth: u32) -> Option<Use> {
        let program = self.study.program;
        self.found.ends.insert(end);
        let within = program.function_covering(end);
        let closures = &program.files.get(end.file as usize)?.flow.closures;
        match closures.get(&within.id) {
            Some(closure) => self.value(ValueRef { expr: *closure, ..end }, 0, Kind::Ender, depth).map(|()| Use::Goes),
            None => Some(Use::Goes),
        }
    }

    /// What is followed is handed back, or kept in a variable of the package.
    fn moved(&mut self, at: ValueRef, kind: Kind, depth: u32) -> Option<Use> {
        let program = self.study.program;
        let function = program.function_covering(at);
        let flow = &program.files.get(at.file as usize)?.flow;
        let position =
            flow.returns_of(function.id).find_map(|found| found.values.iter().position(|value| *value == at.expr));
        if let Some(position) = position {
            return self.handed(function, position, kind, depth).map(|()| Use::Goes);
        }
        (kind == Kind::Provider && is_kept_private(self.study, at)).then_some(Use::Asked)
    }

    /// Follows what a function hands back to each of its callers.
    fn handed(&mut self, function: FuncRef, at: usize, kind: Kind, depth: u32) -> Option<()> {
        let study = self.study;
        let callers = study.program.callers(function);
        let is_seen = !callers.is_empty() && !is_a_value(study, function) && !study.is_offered(function.file);
        let rest = depth.checked_sub(1).filter(|_| is_seen)?;
        callers.iter().try_for_each(|call| self.value(*call, at, kind, rest))
    }
}

/// Whether a function stands anywhere as a value, so that who calls it is not seen.
pub(super) fn is_a_value(study: &Study<'_>, function: FuncRef) -> bool {
    let program = study.program;
    let wanted = program.function(function).name;
    let is_it = |value: ValueRef| {
        let parent = program.parent(value).map(|parent| program.expr_kind(parent));
        let is_called = matches!(parent, Some(ExprKind::Call { callee, .. }) if *callee == value.expr);
        !is_called && functions_of(study, value).contains(&function)
    };
    let files = (0u32..).zip(&program.files);
    study.is_handed_around(function)
        && files.into_iter().any(|(file, unit)| {
            (0u32..).zip(&unit.source.facts.exprs).any(|(at, expr)| {
                matches!(&expr.kind, ExprKind::Member { name, .. } | ExprKind::Name(name) if *name == wanted)
                    && is_it(ValueRef { file, expr: ExprId(at) })
            })
        })
}
