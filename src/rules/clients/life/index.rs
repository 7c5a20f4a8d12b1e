//! What is asked of a whole program over and over while lives are followed, found out once.

use crate::ir::{ExprId, ExprKind};
use crate::knowledge::{HopKind, is_sent_on_by_hand, is_trace_header};
use crate::link::flow::DefKind;
use crate::link::{FuncRef, Program, ValueRef};
use crate::rules::clients::{gate, traces_stores, words};
use crate::study::{CallFact, Study};
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::OnceCell;
use ustr::Ustr;

/// Names and writes of a program.
pub(super) struct Index {
    /// The places of members and of what is no local, by name.
    pub(super) members: FxHashMap<Ustr, Vec<ValueRef>>,
    /// The functions that name a header of a trace.
    pub(super) naming: FxHashSet<FuncRef>,
    /// Those, and the functions that name what is sent on along with one: an id of the request.
    pub(super) sending: FxHashSet<FuncRef>,
    /// What is written to variables of packages and to their parts, by the qualified name of the variable.
    pub(super) global_writes: FxHashMap<Ustr, Vec<ValueRef>>,
    /// By unit: whether its spans belong to traces that come in.
    pub(super) joining: Vec<bool>,
    /// The Go functions whose work may go on with a trace, however far below; found where they are asked for.
    pub(super) going_on: OnceCell<FxHashSet<FuncRef>>,
}

impl Index {
    /// Reads a program.
    pub(super) fn of(study: &Study<'_>) -> Self {
        let mut members: FxHashMap<Ustr, Vec<ValueRef>> = FxHashMap::default();
        let (mut naming, mut sending) = (FxHashSet::default(), FxHashSet::default());
        for (file, unit) in (0u32..).zip(&study.program.files) {
            for (n, expr) in (0u32..).zip(&unit.source.facts.exprs) {
                let value = ValueRef { file, expr: ExprId(n) };
                let at = || around(study, study.program.function_covering(value));
                if let ExprKind::Member { name, .. } | ExprKind::Name(name) = &expr.kind
                    && words::names_trace_headers(name)
                {
                    naming.extend(at());
                }
                match &expr.kind {
                    ExprKind::Member { name, .. } => members.entry(*name).or_default().push(value),
                    ExprKind::Name(name) if !unit.flow.is_local(value.expr) => {
                        members.entry(*name).or_default().push(value);
                    }
                    ExprKind::Str(text) if is_sent_on_by_hand(text) && !words::is_variable_name(text) => {
                        let named = if is_trace_header(text) { &mut naming } else { &mut sending };
                        named.extend(at());
                    }
                    _ => {}
                }
            }
        }
        add_makers(study, &mut naming);
        add_makers(study, &mut sending);
        sending.extend(&naming);
        let joining = (0..study.units.len()).map(|unit| gate::joins_traces(study, unit)).collect();
        Self { members, naming, sending, global_writes: global_writes(study), joining, going_on: OnceCell::new() }
    }
}

/// How many calls deep what begins a span is looked for.
const MAX_CALLS: u32 = 6;

/// The Go functions that lead to spans and to stores that are traced.
pub(super) fn going_on(study: &Study<'_>) -> FxHashSet<FuncRef> {
    let goes_on = |fact: &CallFact<'_>| {
        let is_traced = || {
            study.unit(fact.call.file).coverage(fact.library).is_some()
                || traces_stores(study, study.unit_of(fact.call.file))
        };
        fact.effect.span.is_some() || fact.effect.hop.is_some_and(|hop| hop.kind == HopKind::Store && is_traced())
    };
    let found = study.calls().iter().filter(|fact| goes_on(fact)).map(|fact| fact.function);
    study.leading_to(found, MAX_CALLS)
}

/// Adds those who call a function that names a header: whoever has a request made with the header in it sends it.
fn add_makers(study: &Study<'_>, naming: &mut FxHashSet<FuncRef>) {
    let program = study.program;
    let calls: Vec<ValueRef> = naming.iter().flat_map(|function| program.callers(*function).iter().copied()).collect();
    naming.extend(calls.into_iter().map(|call| program.outermost(program.function_at(call))));
}

/// A function and those that it is written in.
fn around(study: &Study<'_>, function: FuncRef) -> Vec<FuncRef> {
    let parent = |at: &FuncRef| {
        let outer = study.program.function(*at).parent.filter(|outer| outer.0 != 0);
        outer.map(|id| FuncRef { id, ..*at })
    };
    std::iter::successors(Some(function), parent).collect()
}

/// What is written to variables of packages and to their parts, by the qualified name of the variable.
fn global_writes(study: &Study<'_>) -> FxHashMap<Ustr, Vec<ValueRef>> {
    let program = study.program;
    let mut out: FxHashMap<Ustr, Vec<ValueRef>> = FxHashMap::default();
    for (file, unit) in (0u32..).zip(&program.files) {
        for write in &unit.flow.writes {
            let at = |expr| ValueRef { file, expr };
            let Some(name) = program.qualify(at(write.target)) else {
                let variables = aliased(program, at(write.target));
                variables.for_each(|variable| out.entry(variable).or_default().push(at(write.value)));
                continue;
            };
            out.entry(name).or_default().push(at(write.value));
            if let Some((variable, _)) = name.rsplit_once('.') {
                out.entry(Ustr::from(variable)).or_default().push(at(write.value));
            }
        }
    }
    out
}

/// The variables of packages of which a local name stands for one, where a part of it is written to:
/// `client := http.DefaultClient`, then `client.Transport = …`.
fn aliased<'p>(program: &'p Program<'_>, target: ValueRef) -> impl Iterator<Item = Ustr> + use<'p> {
    let base = match program.expr_kind(target) {
        ExprKind::Member { base, .. } => Some(ValueRef { expr: *base, ..target }),
        _ => None,
    };
    let defs = base.map(|base| program.reaching(base)).unwrap_or_default().iter();
    defs.filter_map(move |def| match program.def(target.file, *def).kind {
        DefKind::Value { value, index: None | Some(0) } => program.qualify(ValueRef { expr: value, ..target }),
        _ => None,
    })
}
