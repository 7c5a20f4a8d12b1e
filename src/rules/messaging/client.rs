//! Whether the instance that sends or receives is instrumented.

use crate::ir::{Expr, ExprId, ExprKind, Language};
use crate::knowledge::{LibraryDescription, Slot};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::study::{CallFact, Study, Summary};
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::OnceCell;
use ustr::Ustr;

/// What is known of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instance {
    /// Something instruments it, or may.
    Instrumented,
    /// It is seen to be made, and nothing instruments it.
    Plain,
    /// It is not seen to be made, and nothing in the code instruments any of its kind.
    Unseen,
    /// Nothing can be said.
    Unknown,
}

/// Units, with the libraries into which their code plugs something that is not seen. Looked for when first asked for:
/// most programs have no hop that depends on it.
#[derive(Debug, Default)]
pub(super) struct Plugged<'a>(OnceCell<FxHashSet<(usize, &'a str)>>);

impl<'a> Plugged<'a> {
    /// Looks for the names by which code gets into a library: in imports, names and strings.
    fn find(study: &Study<'a>) -> FxHashSet<(usize, &'a str)> {
        let mut by_name: FxHashMap<Ustr, Vec<&'a str>> = FxHashMap::default();
        for library in study.program.knowledge.libraries() {
            for plug in &library.plugs {
                by_name.entry(*plug).or_default().push(&library.id);
            }
        }
        let mut out = FxHashSet::default();
        for file in study.program.files.iter().filter(|_| !by_name.is_empty()) {
            let unit = file.source.unit;
            let exprs = &file.source.facts.exprs;
            for (at, expr) in exprs.iter().enumerate() {
                if let ExprKind::Name(name) | ExprKind::Str(name) | ExprKind::Member { name, .. } = &expr.kind
                    && let Some(libraries) = by_name.get(name)
                    && !is_switched_off(exprs, at)
                {
                    out.extend(libraries.iter().map(|library| (unit, *library)));
                }
            }
            for import in &file.source.facts.imports {
                let named = by_name.iter().filter(|(plug, _)| {
                    import.module.starts_with(plug.as_str()) || import.target.starts_with(plug.as_str())
                });
                out.extend(named.flat_map(|(_, libraries)| libraries).map(|library| (unit, *library)));
            }
        }
        out
    }

    /// Whether something is plugged into a library in the unit of a file.
    pub(super) fn has(&self, study: &Study<'a>, file: u32, library: &LibraryDescription) -> bool {
        self.in_unit(study, study.unit_of(file), library)
    }

    /// Whether something is plugged into a library in a unit.
    pub(super) fn in_unit(&self, study: &Study<'a>, unit: usize, library: &LibraryDescription) -> bool {
        self.0.get_or_init(|| Self::find(study)).contains(&(unit, library.id.as_str()))
    }
}

/// Whether a name stands for a method that is called with `false` alone: it leaves out what it is named after.
fn is_switched_off(exprs: &[Expr], at: usize) -> bool {
    let is_off = |value: ExprId| matches!(&exprs[value.0 as usize].kind, ExprKind::Lit(text) if text == "false");
    exprs.iter().any(|expr| match &expr.kind {
        ExprKind::Call { callee, args } if callee.0 as usize == at => {
            matches!(&args[..], [only] if is_off(only.value))
        }
        _ => false,
    })
}

/// Judges the instance behind a hop.
pub(super) fn instance(study: &Study<'_>, fact: &CallFact<'_>) -> Instance {
    let Some(hop) = fact.effect.hop else { return Instance::Unknown };
    if matches!(hop.client, Slot::None | Slot::Ambient) {
        return Instance::Plain;
    }
    // A loop has no call: the value that it runs over is the instance.
    let is_call = study.fact(fact.call).is_some_and(|known| std::ptr::eq(known.effect, fact.effect));
    let values = if is_call || study.language() != Language::Python {
        study.slot(fact.call, hop.client)
    } else {
        vec![fact.call]
    };
    let library = fact.library;
    let mut state = if values.is_empty() { unseen(study, library) } else { Instance::Plain };
    for value in values {
        match one(study, value, library) {
            Instance::Plain => {}
            Instance::Instrumented => return Instance::Instrumented,
            other => state = other,
        }
    }
    state
}

fn one(study: &Study<'_>, value: ValueRef, library: &LibraryDescription) -> Instance {
    let program = study.program;
    if let Some(ty) = program.type_of(value)
        && program.knowledge.ty(ty).is_some_and(|(_, found)| found.instrumented)
    {
        return Instance::Instrumented;
    }
    let mut state = Instance::Plain;
    for origin in program.origins(value, true) {
        match origin {
            Origin::Call(call, _) | Origin::Literal(call) => {
                if made_instrumented(study, call, library) {
                    return Instance::Instrumented;
                }
                if study.fact(call).is_none() {
                    state = unseen(study, library);
                }
            }
            Origin::Param(..) | Origin::Field(..) | Origin::Unknown => state = unseen(study, library),
        }
    }
    state
}

/// Whether the call makes an instrumented value, or the function it stands in instruments anything.
fn made_instrumented(study: &Study<'_>, call: ValueRef, library: &LibraryDescription) -> bool {
    let effect = study.effect_of(call);
    let function = study.program.outermost(study.program.function_at(call));
    effect.has(Summary::INSTRUMENTS) || (function.id.0 != 0 && instruments_near(study, function, library))
}

fn instruments_near(study: &Study<'_>, function: FuncRef, library: &LibraryDescription) -> bool {
    study.with_nested(function).into_iter().any(|inner| {
        study.calls_in(inner).any(|fact| fact.effect.instruments.is_some() && is_about(study, fact, library))
    })
}

/// What is known of an instance of a library that is not seen to be made.
pub(super) fn unseen(study: &Study<'_>, library: &LibraryDescription) -> Instance {
    let any = study.calls().iter().any(|fact| fact.effect.instruments.is_some() && is_about(study, fact, library));
    if any { Instance::Unknown } else { Instance::Unseen }
}

/// Whether an instrumenting call is about a library: it is the library's own, or has to do with its types. One whose
/// values have no known type may be about anything.
fn is_about(study: &Study<'_>, fact: &CallFact<'_>, library: &LibraryDescription) -> bool {
    if fact.library.id == library.id {
        return true;
    }
    let program = study.program;
    let mut values = study.slot(fact.call, Slot::AnyArg);
    values.extend(study.slot(fact.call, Slot::Receiver));
    values.push(fact.call);
    values.into_iter().filter_map(|value| program.type_of(value)).any(|ty| {
        let name = ty.trim_start_matches("[]");
        let owner = ustr::Ustr::from_existing(name).and_then(|name| program.knowledge.ty(name));
        owner.is_some_and(|(owner, _)| owner.id == library.id)
    })
}
