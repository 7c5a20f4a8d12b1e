//! `no-propagator`: a tracer provider is set process-wide, a propagator never is.

use super::super::Verdicts;
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, Language, Span, Spread, StmtKind};
use crate::knowledge::{FunctionDescription, HopKind, Setting, Slot, TypeRole};
use crate::link::Origin;
use crate::link::{FuncRef, Step, ValueRef};
use crate::study::{CallFact, Study, Summary};
use rustc_hash::{FxHashMap, FxHashSet};

/// Finds the first provider set-up of each unit that no propagator goes with.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    if study.language() == Language::Python {
        return;
    }
    let Some(with) = beside(study) else { return };
    let Some(mut crossing) = study.calls().iter().find(|fact| crosses(fact)) else { return };
    let mut by_unit: FxHashMap<usize, Vec<&CallFact<'_>>> = FxHashMap::default();
    // A provider that is handed to each instrumentation is set up where it is made.
    let is_handed = study.language() == Language::Go
        && !study.calls().iter().any(|fact| fact.effect.sets == Some(Setting::TracerProvider));
    let is_set_up = |fact: &CallFact<'_>| match is_handed {
        true => fact.effect.tracer_provider && is_given_to_instrumentation(study),
        false => sets_real_provider(study, fact),
    };
    let is_alone = |fact: &CallFact<'_>| match with.contains(&fact.function) {
        true => is_beside_left(study, fact),
        false => !study.summary(fact.function).has(Summary::SETS_PROPAGATOR),
    };
    let set_ups = study.calls().iter().filter(|fact| is_set_up(fact) && is_alone(fact));
    let whole: FxHashSet<usize> = with.iter().map(|function| study.unit_of(function.file)).collect();
    // What is set while a Go package is loaded stands in until the set-up that is whole replaces it.
    let stands_in = |fact: &CallFact<'_>| {
        study.language() == Language::Go
            && study.program.function(study.program.outermost(fact.function)).name == "init"
            && whole.contains(&study.unit_of(fact.call.file))
    };
    let set_ups = set_ups.filter(|fact| !stands_in(fact));
    for fact in set_ups.filter(|fact| !is_run_by(study, fact.function, &with)) {
        let unit = study.unit_of(fact.call.file);
        by_unit.entry(unit).or_default().push(fact);
    }
    // Asked last: it looks at every call.
    if by_unit.is_empty() {
        return;
    }
    match if with.is_empty() { makes_propagator(study) } else { Made::Nowhere } {
        Made::HandedOn => return,
        // What is injected or extracted by hand may go by that one.
        Made::AskedOnly => match study.calls().iter().find(|fact| fact.effect.instruments.is_some()) {
            Some(instrumented) => crossing = instrumented,
            None => return,
        },
        // Each has the one that it is given; the others go by the process's, which does nothing.
        Made::InOptions => match study.calls().iter().find(|fact| is_given_none(study, fact)) {
            Some(bare) => {
                crossing = bare;
                by_unit.retain(|unit, _| *unit == study.unit_of(bare.call.file));
            }
            None => return,
        },
        Made::Nowhere => {}
    }
    let mut units: Vec<_> = by_unit.into_values().collect();
    units.sort_by_key(|facts| facts.first().map(|fact| fact.call));
    for mut facts in units {
        // What crosses may be part of another command.
        let meets = |other: &CallFact<'_>, fact: &CallFact<'_>| match study.language() {
            Language::Go => study.can_meet(other.call.file, fact.call.file),
            _ => study.units_near(study.unit_of(fact.call.file)).contains(&study.unit_of(other.call.file)),
        };
        facts.retain(|fact| study.calls().iter().any(|other| crosses(other) && meets(other, fact)));
        let Some((first, more)) = facts.split_first() else { continue };
        if study.unit(first.call.file).is_traced_from_outside() {
            continue;
        }
        let near = || study.calls().iter().find(|other| crosses(other) && meets(other, first));
        let crossing = if meets(crossing, first) { crossing } else { near().unwrap_or(crossing) };
        out.findings.push(finding(study, first, more, crossing));
    }
}

/// Whether something that instruments is given a provider.
fn is_given_to_instrumentation(study: &Study<'_>) -> bool {
    let is_provider = |value: ValueRef| study.program.role_of(value) == Some(TypeRole::Provider);
    let gives = |option: ValueRef| is_provider(option) || study.slot(option, Slot::AnyArg).into_iter().any(is_provider);
    let mut instrumented = study.calls().iter().filter(|fact| fact.effect.instruments.is_some());
    instrumented.any(|fact| study.slot(fact.call, Slot::AnyArg).into_iter().any(gives))
}

/// Whether one of these functions calls another one.
fn is_run_by(study: &Study<'_>, function: FuncRef, callers: &FxHashSet<FuncRef>) -> bool {
    let calls = study.program.callers(study.program.outermost(function)).iter();
    calls.into_iter().any(|call| callers.contains(&study.program.function_at(*call)))
}

/// Whether a function that sets a propagator does so only in branches that it leaves before a call.
fn is_beside_left(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let program = study.program;
    let facts = &program.files[fact.call.file as usize].source.facts;
    let at = program.expr(fact.call).span;
    let is_left = |set: Span| {
        let leaves = |block: &[u32]| {
            let holds = |span: Span| facts.statements(block).any(|stmt| stmt.span.contains(span));
            let last = facts.statements(block).last().map(|stmt| &stmt.kind);
            holds(set) && !holds(at) && matches!(last, Some(StmtKind::Return(_) | StmtKind::Throw(_)))
        };
        facts.stmts.iter().any(|stmt| stmt.span.contains(set) && stmt.kind.blocks().into_iter().any(leaves))
    };
    let mut sets = study.calls_in(fact.function).filter(|near| near.effect.sets == Some(Setting::Propagator));
    sets.all(|near| is_left(program.expr(near.call).span))
}

/// The functions that set the propagator, where each of them sets a tracer provider too (so that a set-up that does not
/// is on its own); `None` where a propagator is set anywhere else, which may serve every set-up.
fn beside(study: &Study<'_>) -> Option<FxHashSet<FuncRef>> {
    let mut out = FxHashSet::default();
    for fact in study.calls() {
        match fact.effect.sets {
            Some(Setting::Everything) if !fact.library.is_other_api() => return None,
            Some(Setting::Propagator) => {
                let both = study.calls_in(fact.function).any(|near| near.effect.sets == Some(Setting::TracerProvider));
                if !both {
                    return None;
                }
                out.insert(fact.function);
            }
            _ => {}
        }
    }
    Some(out)
}

/// What the code does with propagators that it makes itself.
enum Made {
    /// It makes none.
    Nowhere,
    /// It only asks them itself, where they are made.
    AskedOnly,
    /// It gives them to what instruments clients and servers, each for itself (Go).
    InOptions,
    /// It hands one to something, which may then use it.
    HandedOn,
}

/// What the code does with propagators that it makes itself.
fn makes_propagator(study: &Study<'_>) -> Made {
    let program = study.program;
    // The process's own is what is missing, wherever it is handed to, and one of nothing is none.
    let is_bare = |value: ValueRef| match program.expr_kind(value) {
        ExprKind::Call { args, .. } => args.is_empty() && study.fact(value).is_some(),
        _ => false,
    };
    let is_propagator = |value: ValueRef| program.role_of(value) == Some(TypeRole::Propagator) && !is_bare(value);
    let mut out = Made::Nowhere;
    for (at, file) in (0u32..).zip(&program.files) {
        let value = |expr| ValueRef { file: at, expr };
        let is_of_other = |target| match program.expr_kind(value(target)) {
            ExprKind::Member { base, .. } => {
                program.type_of(value(*base)).is_none_or(|ty| program.own_type(ty).is_none())
                    && program.qualify(value(*base)).is_none()
            }
            _ => false,
        };
        let mut writes = file.flow.writes.iter().filter(|write| is_propagator(value(write.value)));
        if study.language() == Language::Go && writes.any(|write| is_of_other(write.target)) {
            return Made::HandedOn;
        }
        for site in &file.flow.calls {
            let call = value(site.expr);
            match program.expr_kind(call) {
                ExprKind::Composite { .. } | ExprKind::New { .. } if is_propagator(call) => {
                    if is_part_of_option(study, call) {
                        out = Made::InOptions;
                    } else if is_asked_only(study, call) {
                        out = if matches!(out, Made::InOptions) { out } else { Made::AskedOnly };
                    } else {
                        return Made::HandedOn;
                    }
                }
                // What another's type is given one for is not seen.
                ExprKind::Composite { fields, .. }
                    if fields.iter().any(|field| is_propagator(value(field.value)))
                        && program.type_of(call).is_none_or(|ty| program.own_type(ty).is_none()) =>
                {
                    return Made::HandedOn;
                }
                ExprKind::Call { .. } if study.slot(call, Slot::AnyArg).into_iter().any(is_propagator) => {
                    if !is_part_of_option(study, call) {
                        return Made::HandedOn;
                    }
                    out = Made::InOptions;
                }
                _ => {}
            }
        }
    }
    out
}

/// How many calls are gone up from a propagator to what it is given to.
const MAX_NESTED: usize = 4;

/// Whether a value only makes up another propagator, by a described call, or is in an option of what instruments something
/// (Go).
fn is_part_of_option(study: &Study<'_>, value: ValueRef) -> bool {
    let program = study.program;
    if study.language() != Language::Go {
        return false;
    }
    let mut at = value;
    for _ in 0..MAX_NESTED {
        let makes_propagator = program.role_of(at) == Some(TypeRole::Propagator);
        if makes_propagator && study.fact(at).is_some() {
            return true;
        }
        match program.parent(at).filter(|parent| matches!(program.expr_kind(*parent), ExprKind::Call { .. })) {
            Some(call) if study.fact(call).is_some_and(|fact| fact.effect.instruments.is_some()) => return true,
            Some(call) => at = call,
            None => return false,
        }
    }
    false
}

/// Whether a call instruments clients or servers, and is given no propagator in what is written there.
fn is_given_none(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let program = study.program;
    let ExprKind::Call { args, .. } = program.expr_kind(fact.call) else { return false };
    let asks_store = |effect: &FunctionDescription| effect.hop.is_some_and(|hop| hop.kind == HopKind::Store);
    let is_propagator = |value: &ValueRef| program.role_of(*value) == Some(TypeRole::Propagator);
    let brings = |value: ValueRef| is_propagator(&value) || study.slot(value, Slot::AnyArg).iter().any(is_propagator);
    fact.effect.instruments.is_some()
        && !fact.library.functions.iter().any(asks_store)
        && args.iter().all(|arg| arg.spread == Spread::None && !brings(ValueRef { expr: arg.value, ..fact.call }))
}

/// Whether all that is done with a made propagator is to call its methods, at once or by a local name.
fn is_asked_only(study: &Study<'_>, made: ValueRef) -> bool {
    let program = study.program;
    let asks = |value: ValueRef| {
        matches!(program.parent(value).map(|at| program.expr_kind(at)), Some(ExprKind::Member { base, .. }) if *base == value.expr)
            || matches!(program.parent(value).map(|at| program.expr_kind(at)), Some(ExprKind::Call { callee, .. }) if
                matches!(program.expr_kind(ValueRef { expr: *callee, ..value }), ExprKind::Member { base, .. } if *base == value.expr))
    };
    if asks(made) {
        return true;
    }
    let Some(file) = program.files.get(made.file as usize) else { return false };
    let mut locals =
        file.flow.defs_from(made.expr).filter_map(|(_, def)| file.flow.vars.get(def.var.0 as usize)).peekable();
    locals.peek().is_some()
        && file.flow.writes_from(made.expr).next().is_none()
        && locals.all(|var| var.uses.iter().all(|used| asks(ValueRef { expr: *used, ..made })))
}

/// Whether the call moves a context over the wire, or makes something do it.
fn crosses(fact: &CallFact<'_>) -> bool {
    let effect = fact.effect;
    effect.inject.is_some() || effect.extract.is_some() || effect.instruments.is_some() && !is_of_stores(fact)
}

/// Whether a call instruments what asks stores: nothing of it reads or writes the headers of requests.
fn is_of_stores(fact: &CallFact<'_>) -> bool {
    let kinds = || fact.library.functions.iter().filter_map(|function| function.hop).map(|hop| hop.kind);
    fact.effect.outbound && kinds().next().is_some() && kinds().all(|kind| kind == HopKind::Store)
}

/// Whether the call sets a provider that is seen to be made, not one that is handed in or does nothing.
fn sets_real_provider(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    if fact.effect.sets != Some(Setting::TracerProvider) {
        return false;
    }
    let Some(given) = study.slot(fact.call, Slot::Arg(0)).first().copied() else { return true };
    study.program.origins(given, true).into_iter().any(|origin| match origin {
        Origin::Call(call, _) => study.fact(call).is_some_and(|made| made.effect.makes == Some(TypeRole::Provider)),
        _ => matches!(study.program.step(given), Step::Call(call, _) if study.fact(call).is_some_and(|made| made.effect.makes == Some(TypeRole::Provider))),
    })
}

fn finding(study: &Study<'_>, first: &CallFact<'_>, more: &[&CallFact<'_>], crossing: &CallFact<'_>) -> Finding {
    let set_up = study.callee_text(first.call);
    let service = study.unit(first.call.file).name.clone();
    let mut found = study.finding("no-propagator", first.call, Confidence::Certain);
    found.message = match first.effect.sets {
        Some(_) => format!("`{set_up}` sets the tracer provider, and no propagator is set with it"),
        None => format!("`{set_up}` makes the tracer provider, and no propagator is set beside it"),
    };
    found.label = "no propagator beside it".to_owned();
    found.effect = format!(
        "`{}` writes and reads no trace header: each service has a trace of its own for one request",
        study.callee_text(crossing.call)
    );
    found.help = format!("set a propagator (W3C trace context and baggage) next to `{set_up}`");
    found.confirm = format!("print the global propagator's field names when `{service}` starts: none are listed");
    found.related.push(study.related(crossing.call, "this uses the propagator, which does nothing"));
    found.related.extend(more.iter().map(|fact| study.related(fact.call, "a provider is set here too")));
    found
}
