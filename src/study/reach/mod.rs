//! Which functions run under a trace that came in, and which are roots by design.

mod commands;
mod contract;
mod dispatch;
mod events;
mod links;
mod ticks;
mod ways;

use super::Study;
use super::stubs::{stub_named, stub_of};
use crate::finding::Place;
use crate::ir::{ExprKind, Language, TypeId, TypeRef};
use crate::knowledge::{AnnotationDescription, AnnotationRole, LibraryDescription, Slot, TypeDescription, TypeRole};
use crate::link::{FileUnit, FuncRef, Program, Step, TypeIndex, ValueRef};
use rustc_hash::{FxHashMap, FxHashSet};
use ustr::Ustr;
use ways::{Graph, Ways};

/// How a function comes to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inbound {
    /// A library calls it for inbound work; the place is the registration, annotation or signature.
    Entry(Place),
    /// It is called, perhaps through others, by an entry.
    Below(FuncRef),
    /// It takes a context or request, so whoever calls it may hold a trace.
    Takes,
    /// It runs only from roots: `main`, start-up, timers, tests.
    Root,
    /// Nothing is known of its callers.
    Unknown,
}

/// What is known of how the functions of a program come to run.
#[derive(Default)]
pub(super) struct Reach {
    /// How each one does, where anything is known of it.
    pub inbound: FxHashMap<FuncRef, Inbound>,
    /// Those that run under spans that the program starts (Go).
    pub under_spans: FxHashSet<FuncRef>,
    /// Those that run when somebody who is not seen hands a request or a message over (Go).
    pub waiting: FxHashSet<FuncRef>,
    /// Those that somebody who is not seen gives a context, and what they lead to (Go).
    pub given: FxHashSet<FuncRef>,
    /// Those that only commands of a program lead to which never set tracing up, while others of it do (Go).
    pub unset: FxHashSet<FuncRef>,
    /// Those that only methods lead to which run on other threads by annotation (Java), with these.
    pub behind_async: FxHashSet<FuncRef>,
    /// Which functions lead to which (Go).
    pub graph: Graph,
}

/// Classifies every function of the program.
pub(super) fn reach(study: &Study<'_>) -> Reach {
    let mut out: FxHashMap<FuncRef, Inbound> = FxHashMap::default();
    entries(study, &mut out);
    let mut work: Vec<FuncRef> = out.keys().copied().collect();
    work.sort_unstable();
    let entries: Vec<FuncRef> = work.iter().copied().filter(|f| matches!(out[f], Inbound::Entry(_))).collect();
    let ways = Ways::new(study);
    ways.spread(&mut out, entries);
    for function in study.program.all_functions() {
        if !out.contains_key(&function) && study.context_param(function).is_some() {
            out.insert(function, Inbound::Takes);
        }
    }
    ways.only_from_roots(&mut out);
    match study.language() {
        Language::Go => {
            let unset = commands::without_set_up(study, &ways);
            let sets = [ways.under_spans(), ways.waiting(), ways.given(&out)];
            let [under_spans, waiting, given] = sets.map(|mut set| {
                set.retain(|function| !unset.contains(function));
                set
            });
            Reach { inbound: out, under_spans, waiting, given, unset, graph: ways.into_graph(), ..Reach::default() }
        }
        Language::Java => {
            let behind_async = ways.behind(&async_methods(study), &out);
            Reach { inbound: out, behind_async, ..Reach::default() }
        }
        Language::Python => Reach { inbound: out, ..Reach::default() },
    }
}

/// The methods that run on other threads by annotation, where something switches that on.
fn async_methods(study: &Study<'_>) -> FxHashSet<FuncRef> {
    let program = study.program;
    let is = |file: u32, found, role| annotation_role(study, file, found) == Some(role);
    let switched = (0u32..).zip(&program.files).any(|(at, file)| {
        let mut annotations = file.source.facts.types.iter().flat_map(|ty| &ty.annotations);
        annotations.any(|found| is(at, found, AnnotationRole::EnablesAsync))
    });
    let is_async = |function: &FuncRef| {
        let annotations = &program.function(*function).annotations;
        annotations.iter().any(|found| is(function.file, found, AnnotationRole::Async))
    };
    match switched {
        true => program.all_functions().filter(is_async).collect(),
        false => FxHashSet::default(),
    }
}

fn entries(study: &Study<'_>, out: &mut FxHashMap<FuncRef, Inbound>) {
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
    for (method, place) in of_services(study) {
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

/// By an annotation or decorator of its own.
fn by_annotation(study: &Study<'_>, function: FuncRef) -> Option<Inbound> {
    let program = study.program;
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

/// Whether the executors that come into a method as parameters are a library's own, which run work without a trace.
pub fn is_given_plain_executors(study: &Study<'_>, function: FuncRef) -> bool {
    let program = study.program;
    let Some(owner) = program.enclosing_type(function).map(|ty| program.type_name(ty)) else { return false };
    let supers = program.supertypes(owner);
    supers.iter().filter_map(|ty| program.knowledge.ty(*ty)).any(|(_, described)| described.plain_executors)
}

/// Whether a function is given the invocation of a command line, or what a framework says of the process's life.
pub(super) fn takes_command(study: &Study<'_>, function: FuncRef) -> bool {
    let types =
        (0..study.program.function(function).params.len() as u16).filter_map(|n| study.program.param_type(function, n));
    types.into_iter().any(|ty| study.program.role(ty) == Some(TypeRole::Command))
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
        if names(&described.entry_methods) {
            return Some(Inbound::Entry(program.place_of(function.file, decl.name_span)));
        }
        names(&described.root_methods).then_some(Inbound::Root)
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

/// The methods of the types that Go code registers as remote services with generated code, and where it does. A remote
/// method takes a context and a message, or a message and a stream.
fn of_services(study: &Study<'_>) -> Vec<(FuncRef, Place)> {
    let program = study.program;
    let mut out = Vec::new();
    if program.language != Language::Go {
        return out;
    }
    for (at, file) in (0u32..).zip(&program.files).filter(|(_, file)| !file.source.facts.generated) {
        for site in &file.flow.calls {
            let call = ValueRef { file: at, expr: site.expr };
            if stub_of(study, call, |names| &names.servers).is_none() {
                continue;
            }
            let types = study.slot(call, Slot::AnyArg).into_iter().filter_map(|value| program.type_of(value));
            let own = types.filter_map(|ty| program.own_type(ty));
            let remote = remote_methods(study, call);
            for method in own.flat_map(|ty| program.written_in(program.type_name(ty))) {
                let decl = program.function(*method);
                let is_remote = remote.as_ref().is_none_or(|names| names.contains(&decl.name));
                if is_remote && !decl.flags.is_private && !decl.flags.is_closure && decl.params.len() == 2 {
                    out.push((*method, program.place(call)));
                }
            }
        }
        for id in 0..file.source.facts.types.len() {
            out.extend(of_embedding(study, TypeIndex { file: at, id: TypeId(id as u32) }));
        }
    }
    out
}

/// The remote methods of a type that says by what it embeds which remote services it is an implementation of
/// (`pb.UnimplementedTillServer`), wherever and with what help it is registered: those that the generated interface
/// asks for.
fn of_embedding(study: &Study<'_>, ty: TypeIndex) -> Vec<(FuncRef, Place)> {
    let program = study.program;
    let mut out = Vec::new();
    for field in program.type_decl(ty).fields.iter().filter(|field| field.embedded) {
        let Some(embedded) = field.ty.as_ref() else { continue };
        if stub_named(study, &embedded.name, |names| &names.embedded).is_none() {
            continue;
        }
        let place = program.place_of(ty.file, field.span);
        for method in program.written_in(program.type_name(ty)) {
            let decl = program.function(*method);
            if !decl.flags.is_private && !decl.flags.is_closure && is_remote_shape(study, *method) {
                out.push((*method, place));
            }
        }
    }
    out
}

/// Whether a method has the shape of a remote one: a context and a message in, a message and an error out, or what comes
/// in as a stream.
pub fn is_remote_shape(study: &Study<'_>, method: FuncRef) -> bool {
    let program = study.program;
    let decl = program.function(method);
    let takes_context = || program.param_type(method, 0).and_then(|ty| program.role(ty)) == Some(TypeRole::Context);
    let takes_stream = || decl.params.get(1).and_then(|param| param.ty.as_ref()).is_some_and(is_stream);
    let fails = decl.results.last().is_some_and(|ty| ty.name == "error");
    fails
        && match decl.results.len() {
            2 => decl.params.len() == 2 && takes_context(),
            1 => {
                decl.params.len() == 2 && takes_stream()
                    || decl.params.len() == 1 && decl.params[0].ty.as_ref().is_some_and(is_stream)
            }
            _ => false,
        }
}

/// Whether a type is the server's end of a stream, as generated code names them.
fn is_stream(ty: &TypeRef) -> bool {
    ty.name.ends_with("Server") && ty.name.contains(['_', '.'])
}

/// The names of the methods of a remote service, by the interface that its generated registration asks for; `None` where
/// that is not in the tree.
pub fn remote_methods(study: &Study<'_>, call: ValueRef) -> Option<FxHashSet<Ustr>> {
    let program = study.program;
    let function = *program.callee(call).functions.first()?;
    let last = program.function(function).params.len().checked_sub(1)?;
    let interface = program.own_type(program.param_type(function, last as u16)?)?;
    let methods = program.written_in(program.type_name(interface));
    let names: FxHashSet<Ustr> = methods.iter().map(|method| program.function(*method).name).collect();
    (!names.is_empty()).then_some(names)
}

/// The methods of the service's own types to which a library gives messages, with the library.
pub fn handling<'a>(study: &Study<'a>) -> Vec<(FuncRef, &'a LibraryDescription)> {
    let knowledge = study.program.knowledge;
    let consumer = |ty: &&TypeDescription| ty.role == TypeRole::Consumer;
    let types = knowledge.libraries().iter().flat_map(|library| &library.types).filter(consumer);
    let methods: FxHashSet<Ustr> = types.flat_map(|ty| ty.entry_methods.iter().copied()).collect();
    let library_of = |function: FuncRef| {
        let decl = study.program.function(function);
        if !methods.contains(&decl.name) || decl.flags.is_abstract || decl.flags.is_static {
            return None;
        }
        let owner = study.program.enclosing_type(function).filter(|_| decl.owner.is_some())?;
        let supers = study.program.supertypes(study.program.type_name(owner));
        let found = supers
            .iter()
            .filter_map(|ty| knowledge.ty(*ty))
            .find(|(_, ty)| consumer(ty) && ty.entry_methods.contains(&decl.name))?;
        Some((function, found.0))
    };
    study.program.all_functions().filter_map(library_of).collect()
}

/// The role of an annotation or decorator.
pub fn annotation_role(study: &Study<'_>, file: u32, annotation: &crate::ir::Annotation) -> Option<AnnotationRole> {
    described_annotation(study, file, annotation).map(|(_, found)| found.role)
}

/// Whether an annotation or decorator puts a span around a function.
pub(super) fn has_span_around(study: &Study<'_>, function: FuncRef) -> bool {
    let annotations = &study.program.function(function).annotations;
    annotations.iter().any(|found| annotation_role(study, function.file, found) == Some(AnnotationRole::Span))
}

/// What is known of an annotation or decorator, by its imported name or by the type of the object it is a method of.
pub fn described_annotation<'a>(
    study: &Study<'a>,
    file: u32,
    annotation: &crate::ir::Annotation,
) -> Option<(&'a LibraryDescription, &'a AnnotationDescription)> {
    study.program.described_annotation(file, annotation)
}

/// Whether the container of a unit finds its functions that make beans: not where an application is assembled by naming
/// its parts, and nothing says which it names.
pub fn finds_beans(study: &Study<'_>, unit: usize) -> bool {
    let mut assembled = false;
    for (at, file) in study.program.files.iter().enumerate().filter(|(_, file)| file.source.unit == unit) {
        for annotation in file.source.facts.types.iter().flat_map(|ty| &ty.annotations) {
            match annotation_role(study, at as u32, annotation) {
                Some(AnnotationRole::Scans) => return true,
                Some(AnnotationRole::Assembles) => assembled = true,
                _ => {}
            }
        }
    }
    !assembled
}

/// How far function values are followed through wrappers.
const MAX_WRAPPERS: u32 = 5;

/// The functions that a function value may be: a closure, a function's name, a bound method, also behind conversions and
/// wrappers that hand it on.
pub fn functions_of(study: &Study<'_>, value: ValueRef) -> Vec<FuncRef> {
    let mut out = functions_within(study, value, MAX_WRAPPERS);
    out.sort_unstable();
    out.dedup();
    out
}

fn functions_within(study: &Study<'_>, value: ValueRef, depth: u32) -> Vec<FuncRef> {
    let program = study.program;
    match program.expr_kind(value) {
        ExprKind::Closure(id) => return vec![FuncRef { file: value.file, id: *id }],
        ExprKind::MethodRef { base, name } => {
            let base = ValueRef { file: value.file, expr: *base };
            let owner = program.type_of(base).or_else(|| program.qualify(base));
            return owner.map(|owner| program.methods(owner, *name)).unwrap_or_default();
        }
        ExprKind::New { body: Some(id), .. } => {
            let facts = &program.files[value.file as usize].source.facts;
            let methods = facts.functions.iter().enumerate().filter(|(_, function)| function.owner == Some(*id));
            return methods.map(|(n, _)| FuncRef { file: value.file, id: crate::ir::FunctionId(n as u32) }).collect();
        }
        ExprKind::Member { base, name, .. } => {
            if let Some(owner) = program.type_of(ValueRef { file: value.file, expr: *base }) {
                return program.methods(owner, *name);
            }
        }
        ExprKind::Call { .. } if depth > 0 => return wrapped(study, value, depth),
        _ => {}
    }
    if let Some(functions) = program.qualify(value).map(|name| program.named_functions(name)).filter(|f| !f.is_empty())
    {
        return functions;
    }
    match program.step(value) {
        Step::Values(values) if depth > 0 => values
            .iter()
            .filter(|next| **next != value)
            .flat_map(|next| match program.expr_kind(*next) {
                ExprKind::Closure(_) | ExprKind::New { body: Some(_), .. } | ExprKind::Call { .. } => {
                    functions_within(study, *next, depth - 1)
                }
                _ => Vec::new(),
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// The functions behind a wrapper's call: those that it is given, and the one that it hands back.
fn wrapped(study: &Study<'_>, call: ValueRef, depth: u32) -> Vec<FuncRef> {
    let program = study.program;
    // Others' values are followed only where the language has functions as values and names them in the open.
    if program.language != Language::Go {
        return Vec::new();
    }
    let mut out = program.returned_functions(call).to_vec();
    for value in study.slot(call, crate::knowledge::Slot::AnyArg) {
        let is_function = match program.expr_kind(value) {
            ExprKind::Closure(_) | ExprKind::Call { .. } => true,
            ExprKind::Member { .. } | ExprKind::Name(_) => program.type_of(value).is_none(),
            _ => false,
        };
        if is_function {
            out.extend(functions_within(study, value, depth - 1));
        }
    }
    out
}

/// Whether a function is where a program starts, by its name.
pub(super) fn is_start(program: &Program<'_>, function: FuncRef) -> bool {
    let decl = program.function(function);
    let is_method = decl.owner.is_some();
    match program.language {
        Language::Go => !is_method && decl.owner_name.is_empty() && matches!(decl.name.as_str(), "main" | "init"),
        Language::Python => !is_method && decl.name == "main",
        Language::Java => decl.name == "main",
    }
}

/// The Go files that declare the commands of a command line, or take up the process's own work, by their numbers: what
/// their code asks for, it asks for an operator, also where it opens a port to wait for an answer.
pub(super) fn operators(program: &Program<'_>) -> FxHashSet<u32> {
    if program.language != Language::Go {
        return FxHashSet::default();
    }
    let libraries = program.knowledge.libraries().iter();
    let commands = libraries.filter(|library| library.types.iter().any(|ty| ty.role == TypeRole::Command));
    let modules: FxHashSet<&str> = commands.flat_map(|library| &library.modules).map(String::as_str).collect();
    let files = (0u32..).zip(&program.files);
    let imports =
        |file: &FileUnit<'_>| file.source.facts.imports.iter().any(|found| modules.contains(found.target.as_str()));
    files.filter(|(_, file)| imports(file)).map(|(at, _)| at).collect()
}
