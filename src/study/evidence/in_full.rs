//! Classes that Java code names by their packages, without an import.

use crate::ir::{ExprId, ExprKind, FunctionId, Import, Language};
use crate::link::{Program, ValueRef};
use rustc_hash::FxHashSet;
use ustr::Ustr;

/// What a file would import where it names classes in full, of packages that begin with one of these words.
pub(super) fn imports(program: &Program<'_>, file: u32, words: &FxHashSet<&str>) -> Vec<Import> {
    let Some(unit) = program.files.get(file as usize).filter(|_| program.language == Language::Java) else {
        return Vec::new();
    };
    let begins = (0u32..).zip(&unit.source.facts.exprs).filter(|(_, expr)| match &expr.kind {
        ExprKind::Name(name) => words.contains(name.as_str()),
        _ => false,
    });
    let classes = begins.filter_map(|(id, _)| class_from(program, ValueRef { file, expr: ExprId(id) }));
    let import = |(class, target): (ValueRef, Ustr)| Import {
        local: target,
        target,
        module: target,
        is_static: false,
        span: program.expr(class).span,
        function: FunctionId(0),
    };
    classes.map(import).collect()
}

/// How a file came by what an import stands for.
pub(super) fn verb(import: &Import) -> &'static str {
    let is_dotted = import.local == import.target && import.local.contains('.');
    if is_dotted { "names" } else { "imports" }
}

/// The class that a chain of names comes to: `io.opentelemetry.api.GlobalOpenTelemetry` of what begins with `io`.
fn class_from(program: &Program<'_>, first: ValueRef) -> Option<(ValueRef, Ustr)> {
    let mut at = first;
    loop {
        let next = program.parent(at)?;
        let ExprKind::Member { base, name, .. } = program.expr_kind(next) else { return None };
        if *base != at.expr {
            return None;
        }
        if name.starts_with(|letter: char| letter.is_ascii_uppercase()) {
            return Some((next, program.qualify(next)?));
        }
        at = next;
    }
}
