//! Which functions run under a trace that came in, and which are roots by design.

mod commands;
mod contract;
mod dispatch;
mod entries;
mod events;
mod fresh;
mod graph;
mod lasting;
mod links;
mod mentions;
mod remote;
mod resolvers;
mod through;
mod ticks;
mod values;
mod ways;

pub use remote::{is_remote_shape, remote_methods};
pub use values::functions_of;

use super::Study;
use crate::finding::Place;
use crate::ir::Language;
use crate::knowledge::{AnnotationDescription, AnnotationRole, LibraryDescription, TypeDescription, TypeRole};
use crate::link::{FileUnit, FuncRef, Program};
use graph::Graph;
use rustc_hash::{FxHashMap, FxHashSet};
use ustr::Ustr;
use ways::Ways;

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
    entries::find(study, &mut out);
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
            let sets = [ways.under_spans(&out), ways.waiting(), ways.given(&out)];
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
