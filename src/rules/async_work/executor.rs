//! Whether the executor that work is handed to takes the context along.

use super::{decorator, task};
use crate::ir::{ExprKind, Language};
use crate::knowledge::{AnnotationRole, Slot, TypeRole};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::rules::bean_names;
use crate::study::{CallFact, Study, Summary, annotation_role, finds_beans, is_given_plain_executors};
use ustr::Ustr;

/// How an executor stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Executor {
    /// It carries the context.
    Carries,
    /// It does not; the place where it is made, if there is one.
    Plain(Option<ValueRef>),
    /// The container hands it out as one of its functions made it, which is here, without the context.
    Kept(ValueRef),
    /// Where it comes from is not seen.
    Unknown,
}

/// Judges the executor of a spawning call. With `by_mdc`, one that takes the logging context along carries enough.
pub(super) fn judge(study: &Study<'_>, fact: &CallFact<'_>, slot: Slot, by_mdc: bool) -> Executor {
    if slot == Slot::None {
        return Executor::Plain(None);
    }
    let values = study.slot(fact.call, slot);
    if values.is_empty() && is_stage_of_carrying(study, fact.call) {
        return Executor::Carries;
    }
    let mut made = None;
    let mut kept = None;
    for value in values {
        if matches!(study.program.expr_kind(value), ExprKind::Lit(_)) {
            continue;
        }
        if task::carried(study, value, by_mdc) {
            return Executor::Carries;
        }
        for origin in study.program.origins(value, true) {
            match origin {
                Origin::Call(call, _) if is_given_context(study, call) => return Executor::Carries,
                Origin::Call(call, _) if study.fact(call).is_some() => made = made.or(Some(call)),
                Origin::Literal(literal) if matches!(study.program.expr_kind(literal), ExprKind::Lit(_)) => {}
                Origin::Param(function, _) if is_given_plain_executors(study, function) => {}
                other if is_provided(study, fact, other, by_mdc) => {}
                _ if study.language() == Language::Python => {}
                other => match injected(study, fact, other, by_mdc) {
                    Some(found) => kept = Some(found),
                    None => return Executor::Unknown,
                },
            }
        }
    }
    match (made, kept) {
        (Some(call), _) if instrumented_later(study, call, by_mdc) => Executor::Carries,
        (None, Some(call)) => Executor::Kept(call),
        (Some(call), _) if bean_at(study, call).is_some() => Executor::Kept(call),
        (made, _) => Executor::Plain(made),
    }
}

/// How many stages of a future are followed to the first one.
const MAX_STAGES: usize = 8;

/// Whether a call adds a stage, without an executor, to a future that one handed out which takes the context along: its
/// stages run there as well.
fn is_stage_of_carrying(study: &Study<'_>, call: ValueRef) -> bool {
    let mut at = call;
    for _ in 0..MAX_STAGES {
        let Some(receiver) = study.program.receiver(at) else { return false };
        let origins = study.program.origins(receiver, false);
        let [Origin::Call(before, 0)] = origins[..] else { return false };
        match study.fact(before) {
            Some(fact) if fact.effect.spawns.is_some_and(|spawn| spawn.carries) => return true,
            _ => at = before,
        }
    }
    false
}

/// Where the executor is made that the container puts into a field or parameter, if nothing in the unit makes executors
/// carry the context. Of several that fit, the one of that name, or all must be plain.
fn injected(study: &Study<'_>, fact: &CallFact<'_>, origin: Origin, by_mdc: bool) -> Option<ValueRef> {
    let program = study.program;
    let (ty, names) = match origin {
        Origin::Field(owner, name) => (program.field_type(owner, name, 4)?, bean_names::of_field(study, owner, name)),
        Origin::Param(function, n) => (program.param_type(function, n)?, bean_names::of_param(study, function, n)?),
        _ => return None,
    };
    let unit = unit(study, fact.call);
    if program.role(ty) != Some(TypeRole::Executor) || decorator::decorates(study, unit, by_mdc) {
        return None;
    }
    let unit_of = |bean: &FuncRef| program.files[bean.file as usize].source.unit;
    let fits = |bean: &FuncRef| {
        result(study, *bean).is_some_and(|found| found == ty || program.supertypes(found).contains(&ty))
    };
    let is_named = |bean: &FuncRef| bean_names::of_bean(study, *bean).iter().any(|name| names.contains(name));
    let beans: Vec<FuncRef> =
        program.all_functions().filter(|function| is_bean(study, *function)).filter(fits).collect();
    let (own, others): (Vec<FuncRef>, Vec<FuncRef>) = beans.into_iter().partition(|bean| unit_of(bean) == unit);
    let made: Option<Vec<ValueRef>> = match own.iter().find(|bean| is_named(bean)) {
        _ if own.is_empty() => {
            // The applications that a module is part of make it: all that have one of this name.
            let named = others.iter().filter(|bean| is_named(bean));
            let named = named.filter(|bean| study.with_imported(unit_of(bean)).contains(&unit));
            let plain = |bean: &FuncRef| {
                let decorated = || decorator::decorates(study, unit_of(bean), by_mdc);
                let made =
                    plain_bean(study, *bean, by_mdc).filter(|_| finds_beans(study, unit_of(bean)) && !decorated());
                made.filter(|made| !instrumented_later(study, *made, by_mdc))
            };
            named.map(plain).collect()
        }
        _ if !finds_beans(study, unit) => None,
        Some(named) => plain_bean(study, *named, by_mdc).map(|made| vec![made]),
        None => own.iter().map(|bean| plain_bean(study, *bean, by_mdc)).collect(),
    };
    made?.first().copied()
}

/// Whether a field or parameter is filled with the executor that the container makes by itself, which takes nothing along:
/// the application makes none, and nothing that it has decorates tasks.
fn is_provided(study: &Study<'_>, fact: &CallFact<'_>, origin: Origin, by_mdc: bool) -> bool {
    let program = study.program;
    let (ty, names) = match origin {
        Origin::Field(owner, name) => {
            (program.field_type(owner, name, 4), Some(bean_names::of_field(study, owner, name)))
        }
        Origin::Param(function, n) => (program.param_type(function, n), bean_names::of_param(study, function, n)),
        _ => return false,
    };
    let (Some((_, described)), Some(names)) = (ty.and_then(|ty| program.knowledge.ty(ty)), names) else {
        return false;
    };
    let unit = unit(study, fact.call);
    let makes_one = |function: FuncRef| {
        is_bean(study, function)
            && result(study, function).is_some_and(|ty| program.role(ty) == Some(TypeRole::Executor))
    };
    names.iter().any(|name| described.provided_as.contains(name))
        && study.unit(fact.call.file).coverage(fact.library).is_none()
        && finds_beans(study, unit)
        && !decorator::decorates(study, unit, by_mdc)
        && !program.all_functions().any(makes_one)
}

fn is_bean(study: &Study<'_>, function: FuncRef) -> bool {
    let annotations = &study.program.function(function).annotations;
    annotations.iter().any(|found| annotation_role(study, function.file, found) == Some(AnnotationRole::Bean))
}

/// The function around a call whose result the container keeps.
fn bean_at(study: &Study<'_>, call: ValueRef) -> Option<FuncRef> {
    Some(study.program.outermost(study.program.function_at(call))).filter(|function| is_bean(study, *function))
}

/// Whether a Python pool is made with a context for its threads: `initargs=(contextvars.copy_context(),)`.
fn is_given_context(study: &Study<'_>, made: ValueRef) -> bool {
    let program = study.program;
    let ExprKind::Call { args, .. } = program.expr_kind(made) else { return false };
    let given = args.iter().flat_map(|arg| match program.expr_kind(ValueRef { expr: arg.value, ..made }) {
        ExprKind::Composite { fields, .. } => fields.iter().map(|field| field.value).collect(),
        ExprKind::Call { args, .. } => args.iter().map(|arg| arg.value).chain([arg.value]).collect(),
        _ => vec![arg.value],
    });
    let mut given = given.map(|expr| ValueRef { expr, ..made });
    program.language == Language::Python && given.any(|value| program.role_of(value) == Some(TypeRole::Context))
}

/// The type of what the container keeps of a function.
fn result(study: &Study<'_>, function: FuncRef) -> Option<Ustr> {
    let ty = study.program.function(function).results.first()?;
    Some(study.program.type_ref(function.file, ty))
}

/// Where a function makes the executor that it hands back, if it does nothing for the context to go along.
fn plain_bean(study: &Study<'_>, function: FuncRef, by_mdc: bool) -> Option<ValueRef> {
    let summary = study.summary(function);
    if summary.has(Summary::INSTRUMENTS) || (by_mdc && summary.has(Summary::COPIES_MDC)) {
        return None;
    }
    let wraps = |fact: &CallFact<'_>| fact.effect.carries.is_some() && !decorator::is_for_others(study, fact, by_mdc);
    if summary.has(Summary::CARRIES)
        && task::below(study, &[function], 2).into_iter().any(|f| study.calls_in(f).any(wraps))
    {
        return None;
    }
    let mut made = None;
    for value in study.program.first_results(&[function]) {
        for origin in study.program.origins(value, true) {
            let Origin::Call(call, _) = origin else { return None };
            let described = study.fact(call).is_some_and(|fact| fact.effect.makes == Some(TypeRole::Executor));
            (described || is_own_and_plain(study, call, by_mdc)).then_some(())?;
            made = Some(call);
        }
    }
    made
}

/// Whether a call makes an executor of a type of the service's own, which extends a library's and takes nothing along in
/// what it does besides.
fn is_own_and_plain(study: &Study<'_>, call: ValueRef, by_mdc: bool) -> bool {
    let program = study.program;
    let Some(owner) = program.callee(call).constructs else { return false };
    let Some(own) = program.own_type(owner) else { return false };
    let supers = program.supertypes(owner);
    let is_seen = supers.iter().all(|ty| program.own_type(*ty).is_some() || program.knowledge.ty(*ty).is_some());
    let is_executor = supers.iter().any(|ty| {
        program.knowledge.ty(*ty).is_some_and(|(_, found)| found.role == TypeRole::Executor && !found.instrumented)
    });
    let own_types = supers.iter().filter_map(|ty| program.own_type(*ty)).chain([own]);
    let methods: Vec<FuncRef> = own_types.flat_map(|ty| program.methods_of(ty)).collect();
    let takes_along = |function: FuncRef| {
        let summary = study.summary(function);
        summary.has(Summary::INSTRUMENTS | Summary::INJECTS | Summary::EXTRACTS | Summary::STARTS)
            || (by_mdc && summary.has(Summary::COPIES_MDC))
            || study
                .calls_in(function)
                .any(|fact| fact.effect.carries.is_some() && !decorator::is_for_others(study, fact, by_mdc))
    };
    is_executor && is_seen && !task::below(study, &methods, 2).into_iter().any(takes_along)
}

/// Whether some call on the same instance makes it carry the context.
fn instrumented_later(study: &Study<'_>, made: ValueRef, by_mdc: bool) -> bool {
    study
        .calls()
        .iter()
        .filter(|fact| study.program.files[fact.call.file as usize].source.unit == unit(study, made))
        .any(|fact| {
            let Some(slot) = fact.effect.instruments.or(fact.effect.carries) else { return false };
            if decorator::is_for_others(study, fact, by_mdc) {
                return false;
            }
            let same = |value: ValueRef| study.program.origins(value, true).contains(&Origin::Call(made, 0));
            study.slot(fact.call, slot).into_iter().any(same)
        })
}

fn unit(study: &Study<'_>, value: ValueRef) -> usize {
    study.program.files[value.file as usize].source.unit
}
