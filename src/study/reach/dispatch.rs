//! Which methods a call of an interface's or an abstract class's method may run, however many there are.

use super::super::Study;
use crate::ir::{ExprKind, Language, TypeKind};
use crate::knowledge::TypeRole;
use crate::link::{FuncRef, Origin, TypeIndex, ValueRef};
use rustc_hash::FxHashMap;
use ustr::Ustr;

/// Methods without parameters by which all sorts of things are begun and ended.
const LIFECYCLE: &[&str] = &["start", "stop", "close", "shutdown", "init", "initialize", "destroy"];

/// Most methods of one name that are looked at.
const MAX_NAMESAKES: usize = 200;

/// The methods that implement each abstract method of the service's own types.
pub(super) fn implementing(study: &Study<'_>) -> FxHashMap<FuncRef, Vec<FuncRef>> {
    match study.language() {
        Language::Go => by_shape(study),
        Language::Java => by_declaration(study),
        Language::Python => FxHashMap::default(),
    }
}

/// Java's: what a method overrides is declared.
fn by_declaration(study: &Study<'_>) -> FxHashMap<FuncRef, Vec<FuncRef>> {
    let program = study.program;
    let mut out: FxHashMap<FuncRef, Vec<FuncRef>> = FxHashMap::default();
    for function in program.all_functions() {
        let decl = program.function(function);
        let is_override = !decl.flags.is_abstract && decl.annotations.iter().any(|found| found.name == "Override");
        // Whoever starts or closes something seldom does it to all that can be started or closed.
        let is_of_lifetime = decl.params.is_empty() && LIFECYCLE.contains(&decl.name.as_str());
        if !is_override || is_of_lifetime {
            continue;
        }
        let Some(owner) = program.enclosing_type(function).map(|ty| program.type_name(ty)) else { continue };
        for ty in program.supertypes(owner).iter() {
            let Some(name) = Ustr::from_existing(&format!("{ty}.{}", decl.name)) else { continue };
            for above in program.named_functions(name) {
                if program.function(above).flags.is_abstract {
                    out.entry(above).or_default().push(function);
                }
            }
        }
    }
    out
}

/// Go's: a type implements an interface by having its methods. Looked at for methods that take a context with something
/// to work on: what takes a context alone (`Run(ctx)`) is how all sorts of things are begun.
fn by_shape(study: &Study<'_>) -> FxHashMap<FuncRef, Vec<FuncRef>> {
    let program = study.program;
    let mut out: FxHashMap<FuncRef, Vec<FuncRef>> = FxHashMap::default();
    // All methods of an interface ask the same of the types that have them.
    let mut known: FxHashMap<(TypeIndex, TypeIndex), bool> = FxHashMap::default();
    for method in program.all_functions() {
        let decl = program.function(method);
        if !decl.flags.is_abstract || decl.params.len() < 2 || !takes_context(study, method) {
            continue;
        }
        let Some(interface) =
            program.enclosing_type(method).filter(|ty| program.type_decl(*ty).kind == TypeKind::Interface)
        else {
            continue;
        };
        let namesakes = program.methods_named(decl.name);
        if namesakes.len() > MAX_NAMESAKES {
            continue;
        }
        let needed = program.written_in(program.type_name(interface));
        let mut has_all = |found: FuncRef| {
            program.enclosing_type(found).is_some_and(|owner| {
                let has = || needed.iter().filter(|wanted| has_method(study, owner, **wanted)).count();
                let is_it = || program.is_enough(program.type_name(owner), has(), needed.len());
                *known.entry((owner, interface)).or_insert_with(is_it)
            })
        };
        let implements = |found: &FuncRef| {
            !program.function(*found).flags.is_abstract && program.has_shape_of(*found, method) && has_all(*found)
        };
        let found: Vec<FuncRef> = namesakes.iter().copied().filter(implements).collect();
        if !found.is_empty() {
            out.insert(method, found);
        }
    }
    out
}

fn takes_context(study: &Study<'_>, method: FuncRef) -> bool {
    let program = study.program;
    let types = (0..program.function(method).params.len() as u16).filter_map(|n| program.param_type(method, n));
    types.into_iter().any(|ty| matches!(program.role(ty), Some(TypeRole::Context | TypeRole::Request)))
}

/// Whether a type has a method with the name, parameters and results of another one.
fn has_method(study: &Study<'_>, owner: TypeIndex, wanted: FuncRef) -> bool {
    let program = study.program;
    let found = program.methods(program.type_name(owner), program.function(wanted).name);
    found.into_iter().any(|found| program.has_shape_of(found, wanted))
}

/// The methods that a call of an interface's method runs, where all that its receiver may be is seen being made; `None`
/// where it is not, or only one is known.
pub(super) fn chosen(study: &Study<'_>, call: ValueRef, functions: &[FuncRef]) -> Option<Vec<FuncRef>> {
    let program = study.program;
    let is_open = functions.len() > 1 || functions.iter().any(|function| program.function(*function).flags.is_abstract);
    if program.language != Language::Go || !is_open {
        return None;
    }
    let name = program.function(*functions.first()?).name;
    let mut out = Vec::new();
    for origin in program.origins(program.receiver(call)?, true) {
        let made = match origin {
            Origin::Call(made, 0) | Origin::Literal(made) => made,
            _ => return None,
        };
        if matches!(program.expr_kind(made), ExprKind::Lit(_)) {
            continue;
        }
        let ty = program.callee(made).constructs.or_else(|| program.type_of(made))?;
        let decl = program.type_decl(program.own_type(ty)?);
        if decl.kind == TypeKind::Interface {
            return None;
        }
        out.extend(program.methods(ty, name));
    }
    (!out.is_empty()).then_some(out)
}
