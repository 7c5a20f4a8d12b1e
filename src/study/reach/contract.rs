//! Handlers of requests whose routes stand in a contract that is not in the tree: an interface which the controller
//! implements, generated where the code is built (Java).

use super::{Inbound, annotation_role, described_annotation};
use crate::ir::{Annotation, Language};
use crate::knowledge::AnnotationRole;
use crate::link::{FuncRef, TypeIndex};
use crate::study::Study;
use ustr::Ustr;

/// How a method comes to be called for inbound work by a contract that is not seen: its controller declares no route
/// itself, and the method overrides what the controller has from somewhere else.
pub(super) fn by_contract(study: &Study<'_>, function: FuncRef) -> Option<Inbound> {
    let program = study.program;
    let decl = program.function(function);
    let overrides = !decl.params.is_empty() && decl.annotations.iter().any(|found| found.name == "Override");
    if study.language() != Language::Java || !overrides {
        return None;
    }
    let owner = program.enclosing_type(function)?;
    let is_unseen = |ty: &Ustr| program.own_type(*ty).is_none() && program.knowledge.ty(*ty).is_none();
    let is_by_contract = serves(study, owner)
        && program.supertypes(program.type_name(owner)).iter().any(is_unseen)
        && !routes(study, owner);
    is_by_contract.then(|| Inbound::Entry(program.place_of(function.file, decl.name_span)))
}

/// Whether a type declares routes itself.
fn routes(study: &Study<'_>, owner: TypeIndex) -> bool {
    let is_route = |file: u32, found: &Annotation| annotation_role(study, file, found) == Some(AnnotationRole::Entry);
    study.program.declared_methods(owner).into_iter().any(|method| {
        let annotations = &study.program.function(method).annotations;
        annotations.iter().any(|found| is_route(method.file, found))
    })
}

/// Whether the annotations of a type say that it handles requests.
fn serves(study: &Study<'_>, ty: TypeIndex) -> bool {
    let annotations = &study.program.type_decl(ty).annotations;
    annotations.iter().any(|found| described_annotation(study, ty.file, found).is_some_and(|(_, found)| found.serves))
}
