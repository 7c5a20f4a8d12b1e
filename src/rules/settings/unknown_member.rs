//! `instrumentation-not-loaded`: set-up code names what the tracing library does not have, which no version of it had: the
//! error that this raises is swallowed around it, or ends the program (Python).

use super::super::Verdicts;
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprId, ExprKind, Language, Span, StmtKind};
use crate::link::{FileUnit, ValueRef};
use crate::study::{Study, is_aside};
use rustc_hash::{FxHashMap, FxHashSet};
use ustr::Ustr;

/// Reports the first such name of each file that something may swallow the error of.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    if study.language() != Language::Python {
        return;
    }
    let libraries = study.program.knowledge.libraries().iter().flat_map(|library| &library.members);
    let members: FxHashMap<&str, FxHashSet<&str>> =
        libraries.map(|of| (of.module.as_str(), of.names.iter().map(String::as_str).collect())).collect();
    // A module of the program's own by such a name hides the library's.
    if members.keys().any(|module| study.program.module_unit(module).is_some()) {
        return;
    }
    for (at, file) in (0u32..).zip(&study.program.files).filter(|(_, file)| !is_aside(&file.source.path)) {
        let unknown = |name: &str| {
            let (module, member) = name.rsplit_once('.')?;
            let known = members.get(module)?;
            let is_private = member.starts_with('_') || member == "*";
            (!is_private && !known.contains(member)).then(|| (module.to_owned(), member.to_owned()))
        };
        let imported = file.source.facts.imports.iter().filter_map(|import| {
            let found = (import.target != import.module).then(|| unknown(&import.target))??;
            Some((import.span, found))
        });
        let imported = imported.filter(|(span, _)| is_tried(file, *span));
        let read = read(study, at, &members).filter_map(|(value, name)| {
            let span = study.program.expr(value).span;
            Some((span, unknown(&name)?))
        });
        let first = imported.chain(read).min_by_key(|(span, _)| span.start);
        out.findings.extend(first.map(|(span, name)| finding(study, at, span, &name)));
    }
}

/// The members of these modules that a file reads, by their whole names.
fn read<'s>(
    study: &'s Study<'_>,
    file: u32,
    members: &'s FxHashMap<&str, FxHashSet<&str>>,
) -> impl Iterator<Item = (ValueRef, Ustr)> + 's {
    let exprs = study.program.files.get(file as usize).map(|file| &file.source.facts.exprs);
    let all = (0u32..).zip(exprs.into_iter().flatten());
    all.filter_map(move |(id, expr)| {
        let ExprKind::Member { base, .. } = &expr.kind else { return None };
        let value = ValueRef { file, expr: ExprId(id) };
        let base = ValueRef { expr: *base, ..value };
        let is_plain = matches!(study.program.expr_kind(base), ExprKind::Name(_) | ExprKind::Member { .. });
        let module = is_plain.then(|| study.program.qualify(base)).flatten()?;
        members.contains_key(module.as_str()).then(|| study.program.qualify(value)).flatten().map(|name| (value, name))
    })
}

/// Whether something goes on where an import fails: one that stands alone ends the program, which nobody overlooks.
fn is_tried(file: &FileUnit<'_>, span: Span) -> bool {
    let facts = &file.source.facts;
    facts.stmts.iter().any(|stmt| match &stmt.kind {
        // Imports are no statements of their own: the first thing that is done after them tells where the body begins.
        StmtKind::Try { handlers, .. } if !handlers.is_empty() => {
            let handled =
                handlers.iter().flat_map(|handler| facts.statements(&handler.body)).map(|stmt| stmt.span.start);
            stmt.span.contains(span) && handled.min().is_none_or(|start| span.end <= start)
        }
        _ => false,
    })
}

fn finding(study: &Study<'_>, file: u32, span: Span, (module, member): &(String, String)) -> Finding {
    let place = study.program.place_of(file, span);
    let mut out = study.finding_at("instrumentation-not-loaded", file, place, Confidence::Certain);
    out.message = format!("`{module}` has no `{member}`, in no version");
    out.label = "raises an error".to_owned();
    out.effect =
        "what sets tracing up, or what is written here about a trace, ends with this line: where the error is \
                  caught, the service goes on without"
            .to_owned();
    out.help = format!("look the name up in the documentation of `{module}`");
    out.confirm = format!("python -c 'from {module} import {member}'");
    out
}
