//! Which functions of a Go program only those of its commands lead to that never set tracing up.

use super::super::Study;
use super::ways::Ways;
use super::{functions_of, takes_command};
use crate::ir::ExprKind;
use crate::link::{FuncRef, Program, ValueRef};
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::OnceCell;
use ustr::Ustr;

/// The functions that are run by commands alone which lead to nothing that sets tracing up, where all that does so is run
/// by other commands of the same program: `serve` does, and `controller` does not.
pub(super) fn without_set_up(study: &Study<'_>, ways: &Ways<'_, '_>) -> FxHashSet<FuncRef> {
    let starts: FxHashSet<FuncRef> =
        study.program.all_functions().filter(|function| takes_command(study, *function)).collect();
    let hooks = OnceCell::new();
    let runs_before =
        |start: &FuncRef| hooks.get_or_init(|| early(study)).contains(start) || is_handed_back(study, *start);
    let makes = OnceCell::new();
    let mut out = FxHashSet::default();
    for (main, set_ups) in study.untraced.set_ups.iter().filter(|_| !starts.is_empty()) {
        let Some(packages) = study.commands.of(*main).filter(|_| !set_ups.is_empty()) else { continue };
        let is_in = |function: &FuncRef| {
            study.program.files.get(function.file as usize).is_some_and(|file| packages.contains(&file.module))
        };
        let (above, is_open) = ways.above(set_ups, |function| starts.contains(&function));
        let (set, unset): (Vec<FuncRef>, Vec<FuncRef>) =
            starts.iter().copied().filter(is_in).partition(|start| above.contains(start));
        // What is run before any command may be what sets it up.
        let is_for_all = is_open || set.iter().any(runs_before);
        if is_for_all || set.is_empty() || unset.is_empty() {
            continue;
        }
        let is_start = |function: FuncRef| starts.contains(&function);
        let below = Below { study, ways, makes: makes.get_or_init(|| makers(study)) };
        let traced = below.of(&set, |_| false);
        out.extend(unset.iter().flat_map(|start| below.of(&[*start], |at| at != *start && is_start(at))));
        out.retain(|function| !traced.contains(function));
    }
    out
}

/// Whether a function literal is what another function hands back (`return func(cmd *Command) error {…}`): whoever asks for
/// it may have it run before any command.
fn is_handed_back(study: &Study<'_>, function: FuncRef) -> bool {
    let Some(flow) = study.program.files.get(function.file as usize).map(|file| &file.flow) else { return true };
    let made = flow.closures.get(&function.id);
    made.is_some_and(|made| flow.returns.iter().any(|found| found.values.contains(made)))
}

/// The types of the program's own of which each function makes a value.
type Makers = FxHashMap<FuncRef, Vec<Ustr>>;

fn makers(study: &Study<'_>) -> Makers {
    let program = study.program;
    let mut out = Makers::default();
    for (file, unit) in (0u32..).zip(&program.files) {
        for site in &unit.flow.calls {
            let made = program.callee(ValueRef { file, expr: site.expr }).constructs;
            if let Some(ty) = made.filter(|ty| program.own_type(*ty).is_some()) {
                out.entry(FuncRef { file, id: site.function }).or_default().push(ty);
            }
        }
    }
    out
}

/// What the functions of a command lead to.
struct Below<'w, 's, 'a> {
    study: &'s Study<'a>,
    ways: &'w Ways<'s, 'a>,
    makes: &'w Makers,
}

impl Below<'_, '_, '_> {
    /// What some functions lead to, with themselves. A method that nothing is seen to call runs, if at all, where a value of
    /// its type is made.
    fn of(&self, from: &[FuncRef], barrier: impl Fn(FuncRef) -> bool) -> FxHashSet<FuncRef> {
        let mut out = FxHashSet::default();
        let mut work = from.to_vec();
        while !work.is_empty() {
            let found = self.ways.below(&work, &barrier);
            let new: Vec<FuncRef> = found.into_iter().filter(|function| out.insert(*function)).collect();
            let types: FxHashSet<Ustr> =
                new.iter().filter_map(|function| self.makes.get(function)).flatten().copied().collect();
            let methods = types.into_iter().flat_map(|ty| self.study.program.written_in(ty)).copied();
            work = methods.filter(|method| !out.contains(method) && !self.ways.is_run(*method)).collect();
        }
        out
    }
}

/// The functions that are run before those of all commands, by what they are put into: `PersistentPreRunE: setUp`,
/// `app.Before = setUp`.
fn early(study: &Study<'_>) -> FxHashSet<FuncRef> {
    let program = study.program;
    let is_early = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.contains("prerun") || name.contains("before")
    };
    let mut out = FxHashSet::default();
    for (file, unit) in (0u32..).zip(&program.files) {
        let composites = unit.source.facts.exprs.iter().filter_map(|expr| match &expr.kind {
            ExprKind::Composite { fields, .. } => Some(fields),
            _ => None,
        });
        let fields = composites.flat_map(|fields| fields.iter().filter_map(|field| Some((field.key?, field.value))));
        let written = unit.flow.writes.iter().map(|write| (write.target, write.value));
        for (key, value) in fields.chain(written) {
            if name_of(program, ValueRef { file, expr: key }).is_some_and(|name| is_early(&name)) {
                out.extend(functions_of(study, ValueRef { file, expr: value }));
            }
        }
    }
    out
}

/// The last name of a key or target: `Before` of `app.Before`.
fn name_of(program: &Program<'_>, value: ValueRef) -> Option<ustr::Ustr> {
    match program.expr_kind(value) {
        ExprKind::Name(name) | ExprKind::Member { name, .. } => Some(*name),
        _ => None,
    }
}
