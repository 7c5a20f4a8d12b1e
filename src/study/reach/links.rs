//! What a library's object runs for the requests that it is given: methods of what its fields hold (Go).

use super::super::Study;
use crate::ir::{ExprId, ExprKind, Language};
use crate::knowledge::TypeDescription;
use crate::link::{FuncRef, ValueRef};
use rustc_hash::FxHashMap;
use ustr::Ustr;

/// The functions that have a request and make such an object for it, each with the program's own methods that the object
/// runs.
pub(super) fn linked(study: &Study<'_>) -> Vec<(FuncRef, Vec<FuncRef>)> {
    let program = study.program;
    let types = program.knowledge.libraries().iter().flat_map(|library| &library.types);
    let names = types.filter(|ty| !ty.runs.is_empty()).flat_map(|ty| ty.names.iter().map(move |name| (*name, ty)));
    let wanted: FxHashMap<Ustr, &TypeDescription> = names.collect();
    let mut out = Vec::new();
    if study.language() != Language::Go || wanted.is_empty() {
        return out;
    }
    let is_likely = |name: &str| wanted.keys().any(|ty| ty.rsplit('.').next() == name.rsplit('.').next());
    let mut note = |ty: Ustr, field: Ustr, value: ValueRef| {
        let Some(method) = wanted.get(&ty).and_then(|ty| ty.runs.get(&field)) else { return };
        let maker = program.function_at(value);
        let own = program.type_of(value).filter(|ty| program.own_type(*ty).is_some());
        if let Some(own) = own.filter(|_| study.context_param(maker).is_some_and(|param| param.is_request)) {
            out.push((maker, program.methods(own, *method)));
        }
    };
    for (file, unit) in (0u32..).zip(&program.files) {
        let at = |expr: ExprId| ValueRef { file, expr };
        for expr in &unit.source.facts.exprs {
            let ExprKind::Composite { ty: Some(ty), fields } = &expr.kind else { continue };
            if !is_likely(&ty.name) {
                continue;
            }
            for field in fields {
                if let Some(ExprKind::Name(key)) = field.key.map(|key| program.expr_kind(at(key))) {
                    note(program.type_ref(file, ty), *key, at(field.value));
                }
            }
        }
        for write in &unit.flow.writes {
            let ExprKind::Member { base, name, .. } = program.expr_kind(at(write.target)) else { continue };
            if wanted.values().any(|ty| ty.runs.contains_key(name))
                && let Some(ty) = program.type_of(at(*base))
            {
                note(ty, *name, at(write.value));
            }
        }
    }
    out
}
