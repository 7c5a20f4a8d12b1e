//! Which functions a library calls for work that comes in, and which are roots, by what they are.

use super::{Inbound, annotation_role, contract, functions_of, is_start, remote, resolvers, takes_command};
use crate::ir::{ExprKind, Language};
use crate::knowledge::{AnnotationRole, TypeRole};
use crate::link::{FuncRef, Program, TypeIndex, ValueRef};
use crate::study::Study;
use crate::study::stubs::stub_named;
use rustc_hash::FxHashMap;
use ustr::Ustr;

/// Notes the functions that a library calls, and the roots.
pub(super) fn find(study: &Study<'_>, out: &mut FxHashMap<FuncRef, Inbound>) {
    let program = study.program;
    for function in program.all_functions() {
        let is_root = function.id.0 == 0 || is_start(program, function);
        let is_root = is_root || takes_command(study, function) || listens_to_life(study, function);
        let is_root = is_root || is_for_tests(study, function);
        let how = if is_root {
            Some(Inbound::Root)
        } else {
            by_annotation(study, function)
                .or_else(|| by_type_annotation(study, function))
                .or_else(|| by_override(study, function))
                .or_else(|| contract::by_contract(study, function))
                .or_else(|| by_servicer(study, function))
                .or_else(|| by_param(study, function))
        };
        if let Some(how) = how {
            out.insert(function, how);
        }
    }
    for (method, place) in remote::of_services(study).into_iter().chain(resolvers::of_resolvers(study)) {
        out.entry(method).or_insert(Inbound::Entry(place));
    }
    for fact in study.calls() {
        let Some(registers) = fact.effect.registers else { continue };
        for handler in study.slot(fact.call, registers.handler) {
            for function in functions_of(study, handler) {
                let how = if registers.root { Inbound::Root } else { Inbound::Entry(program.place(fact.call)) };
                out.insert(function, how);
            }
        }
    }
}

/// By an annotation or decorator of its own. In an interface that a framework makes a client of, it says what is asked for.
fn by_annotation(study: &Study<'_>, function: FuncRef) -> Option<Inbound> {
    let program = study.program;
    let is_client = |owner: TypeIndex| {
        let annotations = &program.type_decl(owner).annotations;
        annotations.iter().any(|found| annotation_role(study, owner.file, found) == Some(AnnotationRole::Client))
    };
    if program.function(function).flags.is_abstract && program.enclosing_type(function).is_some_and(is_client) {
        return None;
    }
    program.function(function).annotations.iter().rev().find_map(|annotation| {
        match annotation_role(study, function.file, annotation)? {
            AnnotationRole::Entry | AnnotationRole::Consumer | AnnotationRole::Task => {
                Some(Inbound::Entry(program.place_of(function.file, annotation.span)))
            }
            AnnotationRole::Root | AnnotationRole::Worker => Some(Inbound::Root),
            _ => None,
        }
    })
}

/// By an annotation of its type, which makes every public method an entry.
fn by_type_annotation(study: &Study<'_>, function: FuncRef) -> Option<Inbound> {
    let program = study.program;
    let decl = program.function(function);
    if decl.owner.is_none() || decl.flags.is_private || decl.flags.is_constructor {
        return None;
    }
    let owner = program.enclosing_type(function)?;
    let annotations = &program.type_decl(owner).annotations;
    let entry = annotations
        .iter()
        .find(|found| annotation_role(study, owner.file, found) == Some(AnnotationRole::EntryType))?;
    Some(Inbound::Entry(program.place_of(owner.file, entry.span)))
}

/// Whether an annotation of a function names a step in the life of the process: `@EventListener(Started.class)`.
fn listens_to_life(study: &Study<'_>, function: FuncRef) -> bool {
    let program = study.program;
    let is_step = |expr| {
        let value = ValueRef { file: function.file, expr };
        program.language == Language::Java
            && matches!(program.expr_kind(value), ExprKind::Type(ty)
                if program.role(program.type_ref(function.file, ty)) == Some(TypeRole::Command))
    };
    program.function(function).annotations.iter().any(|annotation| {
        let value = ValueRef { file: function.file, expr: annotation.expr };
        matches!(program.expr_kind(value), ExprKind::Call { args, .. } if args.iter().any(|arg| is_step(arg.value)))
    })
}

/// Whether the container makes the type of a method in tests alone, by the profiles that it names.
fn is_for_tests(study: &Study<'_>, function: FuncRef) -> bool {
    let Some(owner) = study.program.enclosing_type(function).filter(|_| study.language() == Language::Java) else {
        return false;
    };
    let annotations = &study.program.type_decl(owner).annotations;
    let profile =
        annotations.iter().find(|found| annotation_role(study, owner.file, found) == Some(AnnotationRole::Profile));
    let names = profile.map(|found| named_texts(study.program, ValueRef { file: owner.file, expr: found.expr }));
    // `!test` is everywhere else.
    let is_test = |name: &Ustr| {
        let mut words = name.split(|c: char| !c.is_alphanumeric() && c != '!');
        words.any(|word| matches!(word.to_ascii_lowercase().as_str(), "test" | "tests" | "it" | "e2e"))
    };
    names.is_some_and(|names| !names.is_empty() && names.iter().all(is_test))
}

/// The texts among the arguments of an annotation, also those in a list.
fn named_texts(program: &Program<'_>, annotation: ValueRef) -> Vec<Ustr> {
    let ExprKind::Call { args, .. } = program.expr_kind(annotation) else { return Vec::new() };
    let mut work: Vec<ValueRef> = args.iter().map(|arg| ValueRef { expr: arg.value, ..annotation }).collect();
    let mut out = Vec::new();
    while let Some(value) = work.pop() {
        match program.expr_kind(value) {
            ExprKind::Str(text) => out.push(*text),
            ExprKind::Composite { fields, .. } => {
                work.extend(fields.iter().map(|field| ValueRef { expr: field.value, ..value }));
            }
            _ => {}
        }
    }
    out
}

/// By overriding or implementing a method that a library calls.
fn by_override(study: &Study<'_>, function: FuncRef) -> Option<Inbound> {
    let program = study.program;
    let decl = program.function(function);
    let flags = decl.flags;
    if decl.owner.is_none() || decl.name.is_empty() || flags.is_static || flags.is_private || flags.is_constructor {
        return None;
    }
    let owner = program.type_name(program.enclosing_type(function)?);
    // Java says which methods override; elsewhere every method of the type may.
    let overrides = program.language != Language::Java || decl.annotations.iter().any(|found| found.name == "Override");
    // Work that comes in is handed over: what takes nothing is a step in the object's life (`shutdown`).
    let takes = program.language != Language::Java || !decl.params.is_empty();
    let names = |methods: &[Ustr]| methods.iter().any(|name| *name == decl.name || (overrides && takes && name == "*"));
    program.supertypes(owner).iter().find_map(|ty| {
        let (_, described) = program.knowledge.ty(*ty)?;
        let is_listed = || described.entry_lists.iter().any(|list| lists(program, owner, *list, decl.name));
        if names(&described.entry_methods) || is_listed() {
            return Some(Inbound::Entry(program.place_of(function.file, decl.name_span)));
        }
        names(&described.root_methods).then_some(Inbound::Root)
    })
}

/// Whether a field that a type is written with lists a name as a text: `actions = ["publish"]`.
fn lists(program: &Program<'_>, owner: Ustr, field: Ustr, name: Ustr) -> bool {
    let is_it = |value: ValueRef| matches!(program.expr_kind(value), ExprKind::Str(text) if *text == name);
    program.all_writes(owner, field).into_iter().any(|(list, _)| match program.expr_kind(list) {
        ExprKind::Composite { fields, .. } => fields.iter().any(|field| is_it(ValueRef { expr: field.value, ..list })),
        _ => false,
    })
}

/// By being a method of a class that derives from what is generated for a remote service (Python): of a request, or of several,
/// and the call's own context.
fn by_servicer(study: &Study<'_>, function: FuncRef) -> Option<Inbound> {
    let program = study.program;
    let decl = program.function(function);
    let is_remote = program.language == Language::Python
        && decl.owner.is_some()
        && decl.params.len() == 3
        && !decl.flags.is_private
        && !decl.flags.is_static
        && !decl.flags.is_constructor;
    let owner = program.enclosing_type(function).filter(|_| is_remote)?;
    // What is generated names itself.
    if program.files.get(function.file as usize)?.source.facts.generated {
        return None;
    }
    let above = program.type_decl(owner).supers.iter().map(|ty| program.type_ref(owner.file, ty));
    let mut served = above.filter(|name| stub_named(study, name, |names| &names.servicers).is_some());
    served.next().map(|_| Inbound::Entry(program.place_of(function.file, decl.name_span)))
}

/// By a parameter that there is only while a request that came in is served, in a function that takes the request.
fn by_param(study: &Study<'_>, function: FuncRef) -> Option<Inbound> {
    let program = study.program;
    study.context_param(function).filter(|param| param.function == function)?;
    let params = &program.function(function).params;
    let is_inbound = |n: &u16| {
        let described = program.param_type(function, *n).and_then(|ty| program.knowledge.ty(ty));
        described.is_some_and(|(_, ty)| ty.inbound)
    };
    let at = (0..params.len() as u16).find(is_inbound)?;
    Some(Inbound::Entry(program.place_of(function.file, params.get(at as usize)?.span)))
}
