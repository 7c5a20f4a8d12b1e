//! What Java functions do by interfaces that a framework implements, and by functions that they name: `client.load()`,
//! `orders.forEach(this::send)`.

use super::{Study, functions_of};
use crate::ir::{Annotation, ExprId, ExprKind, Language, TypeId, TypeKind};
use crate::knowledge::AnnotationRole;
use crate::link::{FuncRef, TypeIndex, ValueRef};
use rustc_hash::{FxHashMap, FxHashSet};
use ustr::Ustr;

/// The functions that call a declarative client whose requests may have spans, or name a method of one.
pub(super) fn callers_of_clients(study: &Study<'_>) -> FxHashSet<FuncRef> {
    let clients = clients(study);
    let program = study.program;
    let mut out = FxHashSet::default();
    for (file, unit) in (0u32..).zip(&program.files).filter(|_| !clients.is_empty()) {
        for (at, expr) in (0u32..).zip(&unit.source.facts.exprs) {
            let (base, is_named) = match &expr.kind {
                ExprKind::Member { base, .. } => (*base, false),
                ExprKind::MethodRef { base, .. } => (*base, true),
                _ => continue,
            };
            let value = ValueRef { file, expr: ExprId(at) };
            let is_client = || program.type_of(ValueRef { file, expr: base }).is_some_and(|ty| clients.contains(&ty));
            if (is_named || is_callee(study, value)) && is_client() {
                out.insert(program.function_at(value));
            }
        }
    }
    out
}

/// The functions that are named in others, as `this::send`, each with those that name it: they run it, or hand it on, like
/// a literal that is written in them.
pub(super) fn namers(study: &Study<'_>) -> FxHashMap<FuncRef, Vec<FuncRef>> {
    let program = study.program;
    let mut out: FxHashMap<FuncRef, Vec<FuncRef>> = FxHashMap::default();
    if study.language() != Language::Java {
        return out;
    }
    for (file, unit) in (0u32..).zip(&program.files) {
        for (at, expr) in (0u32..).zip(&unit.source.facts.exprs) {
            let ExprKind::MethodRef { name, .. } = &expr.kind else { continue };
            if program.methods_named(*name).is_empty() {
                continue;
            }
            let value = ValueRef { file, expr: ExprId(at) };
            let from = program.function_at(value);
            for named in functions_of(study, value) {
                out.entry(named).or_default().push(from);
            }
        }
    }
    out
}

fn is_callee(study: &Study<'_>, value: ValueRef) -> bool {
    let parent = study.program.parent(value).map(|parent| study.program.expr_kind(parent));
    matches!(parent, Some(ExprKind::Call { callee, .. }) if *callee == value.expr)
}

/// The interfaces that a framework implements by requests to another service.
fn clients(study: &Study<'_>) -> FxHashSet<Ustr> {
    let program = study.program;
    let mut out = FxHashSet::default();
    for (at, file) in (0u32..).zip(&program.files).filter(|_| study.language() == Language::Java) {
        let facts = &file.source.facts;
        let declares = |annotations: &[Annotation]| annotations.iter().any(|found| is_client(study, at, found));
        let methods = facts.functions.iter();
        let owners = methods.filter(|decl| declares(&decl.annotations)).filter_map(|decl| decl.owner);
        let owners: FxHashSet<TypeId> = owners.collect();
        for (id, ty) in (0u32..).map(TypeId).zip(&facts.types).filter(|(_, ty)| ty.kind == TypeKind::Interface) {
            if owners.contains(&id) || declares(&ty.annotations) {
                out.insert(program.type_name(TypeIndex { file: at, id }));
            }
        }
    }
    out
}

/// Whether an annotation makes an interface a client whose requests are seen to have spans, or of a library that leaves these
/// to the client behind it.
fn is_client(study: &Study<'_>, file: u32, annotation: &Annotation) -> bool {
    let Some((library, found)) = study.program.described_annotation(file, annotation) else { return false };
    let brings = || {
        let units = study.with_imported(study.unit_of(file)).into_iter().filter_map(|unit| study.units.get(unit));
        units.flat_map(|unit| &unit.dependencies).any(|name| found.traced_by.contains(name))
    };
    found.role == AnnotationRole::Client
        && (found.traced_by.is_empty() || study.unit(file).coverage(library).is_some() || brings())
}
