//! The methods of remote services that Go code registers with generated code.

use crate::finding::Place;
use crate::ir::{Language, TypeId, TypeRef};
use crate::knowledge::{Slot, TypeRole};
use crate::link::{FuncRef, Origin, TypeIndex, ValueRef};
use crate::study::Study;
use crate::study::stubs::{stub_named, stub_of};
use rustc_hash::FxHashSet;
use ustr::Ustr;

/// The methods of the types that Go code registers as remote services with generated code, and where it does. A remote
/// method takes a context and a message, or a message and a stream.
pub(super) fn of_services(study: &Study<'_>) -> Vec<(FuncRef, Place)> {
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
            let own = study.slot(call, Slot::AnyArg).into_iter().flat_map(|value| served_types(study, value));
            let remote = remote_methods(study, call);
            for method in own.flat_map(|ty| program.written_in(program.type_name(ty))) {
                let decl = program.function(*method);
                let is_remote = remote.as_ref().is_none_or(|names| names.contains(&decl.name));
                let is_shaped = decl.params.len() == 2 || is_remote_shape(study, *method);
                if is_remote && is_shaped && !decl.flags.is_private && !decl.flags.is_closure {
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

/// The program's own types of which a value may be: its own, or those of what is seen to be made for it where its
/// generated interface is not in the tree.
fn served_types(study: &Study<'_>, value: ValueRef) -> Vec<TypeIndex> {
    let program = study.program;
    let ty = program.type_of(value);
    if let Some(own) = ty.and_then(|ty| program.own_type(ty)) {
        return vec![own];
    }
    // A channel or server is no implementation.
    if ty.is_some_and(|ty| program.role(ty).is_some()) {
        return Vec::new();
    }
    let made = program.origins(value, true).into_iter().filter_map(|origin| match origin {
        Origin::Call(made, 0) | Origin::Literal(made) => {
            program.callee(made).constructs.or_else(|| program.type_of(made))
        }
        _ => None,
    });
    let mut out: Vec<TypeIndex> = made.filter_map(|ty| program.own_type(ty)).collect();
    out.sort_unstable();
    out.dedup();
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
