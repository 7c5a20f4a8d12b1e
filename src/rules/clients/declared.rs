//! Clients that are declared as interfaces, which a framework implements by one that nothing instruments.

use super::gate;
use super::life::Lives;
use super::sites::is_in_trace;
use super::told::{Whose, whose};
use crate::facts::Piece;
use crate::finding::{Confidence, Finding, Place, Related};
use crate::ir::{Annotation, ExprKind, Language, TypeDecl, TypeRef};
use crate::knowledge::{AnnotationDescription, AnnotationRole, LibraryDescription, Slot, TypeRole};
use crate::link::{FuncRef, ValueRef};
use crate::rules::Verdicts;
use crate::study::{Study, annotation_role};
use std::collections::BTreeMap;
use ustr::Ustr;

/// How many calls and clients a finding lists.
const MAX_RELATED: usize = 8;

/// An interface that is a client.
struct Declared<'a> {
    name: Ustr,
    file: u32,
    place: Place,
    library: &'a LibraryDescription,
    /// The calls of its methods inside of traces.
    uses: Vec<ValueRef>,
}

/// Finds those of each unit; all of one unit are one finding, as one dependency mends them.
pub(super) fn check(lives: &Lives<'_, '_>, out: &mut Verdicts) {
    let study = lives.study;
    if study.language() != Language::Java {
        return;
    }
    let mut broken: BTreeMap<usize, Vec<Declared<'_>>> = BTreeMap::new();
    for (at, file) in (0u32..).zip(&study.program.files) {
        for ty in &file.source.facts.types {
            let mut annotations = ty.annotations.iter();
            if let Some(found) = annotations.find_map(|annotation| declared(lives, at, ty, annotation)) {
                broken.entry(file.source.unit).or_default().push(found);
            }
        }
    }
    out.findings.extend(broken.values().filter_map(|clients| finding(study, clients)));
}

/// The client that an annotation makes of an interface, if requests go through it that nothing traces.
fn declared<'a>(lives: &Lives<'_, 'a>, file: u32, ty: &TypeDecl, annotation: &Annotation) -> Option<Declared<'a>> {
    let study = lives.study;
    let (library, found) = study.program.described_annotation(file, annotation)?;
    if found.role != AnnotationRole::Client || found.traced_by.is_empty() {
        return None;
    }
    let view = study.unit(file);
    let is_judged = gate::not_by_code(view, library).is_none() && view.coverage(library).is_none();
    if !is_judged || brings(study, file, found) || !is_of_house(study, file, annotation) || plugged(lives, library) {
        return None;
    }
    let own = study.program.own_type(study.program.type_ref(file, &TypeRef { name: ty.name, args: Vec::new() }))?;
    let methods = study.program.declared_methods(own).into_iter();
    let calls = methods.flat_map(|method| study.program.callers(method).iter().copied());
    let uses: Vec<ValueRef> = calls.filter(|call| is_in_trace(study, *call)).collect();
    let place = study.program.place_of(file, annotation.span);
    (!uses.is_empty()).then_some(Declared { name: ty.name, file, place, library, uses })
}

/// Whether a unit, or one that it is built with, has a dependency by which the framework traces such clients.
fn brings(study: &Study<'_>, file: u32, client: &AnnotationDescription) -> bool {
    let units = study.with_imported(study.unit_of(file)).into_iter().filter_map(|unit| study.units.get(unit));
    let mut names = units.flat_map(|unit| &unit.dependencies);
    names.any(|name| client.traced_by.iter().any(|traced| traced == name))
}

/// Whether a client asks a service of the house: it is found by its name alone, or its address is one of the house.
fn is_of_house(study: &Study<'_>, file: u32, annotation: &Annotation) -> bool {
    let value = ValueRef { file, expr: annotation.expr };
    let ExprKind::Call { args, .. } = study.program.expr_kind(value) else { return true };
    let address = args.iter().find(|arg| arg.name.is_some_and(|name| name == "url"));
    let Some(address) = address else { return true };
    let texts = study.texts(ValueRef { file, expr: address.value });
    texts.iter().any(|text| whose(study, file, text) == Some(Whose::House))
}

/// Whether the tree has something of its own in the library's clients that may carry a trace: what names its headers or
/// sends on whatever came in, or a client that stands below.
fn plugged(lives: &Lives<'_, '_>, library: &LibraryDescription) -> bool {
    let study = lives.study;
    let program = study.program;
    let of_library = |ty: Ustr, role: TypeRole| {
        let is_it = |ty: Ustr| program.knowledge.ty(ty).is_some_and(|(of, ty)| of.id == library.id && ty.role == role);
        is_it(ty) || program.supertypes(ty).iter().any(|ty| is_it(*ty))
    };
    let plugs = |function: FuncRef| {
        let decl = program.function(function);
        let result = decl.results.first().map(|ty| program.type_ref(function.file, ty));
        let owner = program.enclosing_type(function).map(|ty| program.type_name(ty));
        let is_client = result.is_some_and(|ty| of_library(ty, TypeRole::HttpClient));
        let is_part = [result, owner].into_iter().flatten().any(|ty| of_library(ty, TypeRole::Middleware));
        let is_bean = || {
            let mut annotations = decl.annotations.iter();
            annotations.any(|found| annotation_role(study, function.file, found) == Some(AnnotationRole::Bean))
        };
        is_client && is_bean() || is_part && carries(lives, library, function)
    };
    program.all_functions().any(plugs)
}

/// Whether a part of a client works on traces, or writes headers whose names are not seen.
fn carries(lives: &Lives<'_, '_>, library: &LibraryDescription, function: FuncRef) -> bool {
    let study = lives.study;
    let mut inner = study.with_nested(function).into_iter();
    inner.any(|function| {
        let open = |call: ValueRef| {
            let key = study.slot(call, Slot::Arg(0));
            key.iter().any(|key| study.texts(*key).iter().any(|text| !matches!(text.0.as_slice(), [Piece::Literal(_)])))
        };
        let mut calls = study.calls_in(function).filter(|fact| fact.library.id == library.id);
        lives.works_on_traces(function) || calls.any(|fact| open(fact.call))
    })
}

fn finding(study: &Study<'_>, clients: &[Declared<'_>]) -> Option<Finding> {
    let (first, others) = clients.split_first()?;
    let (name, library) = (first.name, first.library);
    let mut out = study.finding_at("uninstrumented-http-client", first.file, first.place, Confidence::Likely);
    out.message =
        format!("`{name}` is a client of {} that nothing traces: its requests carry no trace header", library.title);
    out.label = "implemented without tracing".to_owned();
    out.effect =
        "There is no client span, and the service that is called starts a new trace instead of continuing this one"
            .to_owned();
    out.help = format!("For `{name}`: {} (assumed: no dependency brings that along)", library.mend);
    out.confirm = format!("print the headers of a request that comes in by `{name}`: there is no trace header");
    out.related = first
        .uses
        .iter()
        .take(MAX_RELATED)
        .map(|call| study.related(*call, "the trace is lost on this call"))
        .collect();
    out.related.extend(
        others
            .iter()
            .take(MAX_RELATED)
            .map(|client| Related { place: client.place, message: format!("so is `{}`", client.name) }),
    );
    Some(out)
}
