//! Methods that generated code runs on what the program hands it back for an interface of that code (Go):
//! `func (r *Resolver) Query() QueryResolver { return &queryResolver{r} }`.

use crate::finding::Place;
use crate::ir::Language;
use crate::knowledge::{LibraryDescription, TypeRole};
use crate::link::{FuncRef, TypeIndex, ValueRef};
use crate::study::Study;
use crate::study::stubs::stub_named;
use rustc_hash::FxHashSet;

/// The methods with a context that generated code runs, and where the program hands back what they are of.
pub(super) fn of_resolvers(study: &Study<'_>) -> Vec<(FuncRef, Place)> {
    let program = study.program;
    let units = units_with_resolvers(study);
    if program.language != Language::Go || units.is_empty() {
        return Vec::new();
    }
    let mut out = Vec::new();
    for function in program.all_functions().filter(|function| units.contains(&study.unit_of(function.file))) {
        let decl = program.function(function);
        let [result] = decl.results.as_slice() else { continue };
        let hands_out = decl.params.is_empty() && !decl.owner_name.is_empty() && !decl.flags.is_abstract;
        if !hands_out || stub_named(study, &result.name, |names| &names.resolvers).is_none() {
            continue;
        }
        let place = program.place_of(function.file, decl.name_span);
        let methods = handed_back(study, function).into_iter().flat_map(|ty| program.methods_of(ty));
        out.extend(methods.filter(|method| takes_context(study, *method)).map(|method| (method, place)));
    }
    out
}

/// The units whose code uses a library that runs resolvers.
fn units_with_resolvers(study: &Study<'_>) -> FxHashSet<usize> {
    let runs = |library: &&LibraryDescription| library.stubs.as_ref().is_some_and(|names| !names.resolvers.is_empty());
    let modules: Vec<&String> =
        study.program.knowledge.libraries().iter().filter(runs).flat_map(|library| &library.modules).collect();
    let is_of = |target: &str, module: &str| {
        target.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let files = study.program.files.iter().filter(|file| {
        let mut imports = file.source.facts.imports.iter();
        imports.any(|import| modules.iter().any(|module| is_of(&import.module, module)))
    });
    files.map(|file| file.source.unit).collect()
}

/// The program's own types of what a function hands back.
fn handed_back(study: &Study<'_>, function: FuncRef) -> Vec<TypeIndex> {
    let program = study.program;
    let Some(file) = program.files.get(function.file as usize) else { return Vec::new() };
    let values = file.flow.returns_of(function.id).filter_map(|found| found.values.first());
    let types = values.filter_map(|expr| program.type_of(ValueRef { file: function.file, expr: *expr }));
    types.filter_map(|ty| program.own_type(ty)).collect()
}

fn takes_context(study: &Study<'_>, method: FuncRef) -> bool {
    let program = study.program;
    !program.function(method).flags.is_private
        && program.param_type(method, 0).and_then(|ty| program.role(ty)) == Some(TypeRole::Context)
}
