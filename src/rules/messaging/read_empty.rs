//! `missing-inject`: the header of a trace is read from a carrier that is made here and that nothing fills (Python,
//! Java).

use super::super::Verdicts;
use crate::finding::{Confidence, Finding, Related};
use crate::ir::{ExprKind, Language, StmtKind};
use crate::knowledge::is_trace_header;
use crate::link::ValueRef;
use crate::link::flow::{DefKind, Var};
use crate::rules::contexts::is_only_looked_at;
use crate::study::Study;

/// Methods of maps that only read them.
const READING: &[&str] = &["get", "Get", "items", "keys", "values", "copy", "getOrDefault", "containsKey", "isEmpty"];

/// Finds reads of trace headers from empty carriers.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    if study.language() == Language::Go {
        return;
    }
    for (at, file) in study.program.files.iter().enumerate().filter(|(at, _)| study.unit(*at as u32).is_traced()) {
        for var in &file.flow.vars {
            if let Some((made, read)) = unfilled(study, at as u32, var) {
                out.findings.push(finding(study, var, made, read));
            }
        }
    }
}

/// Where a local is made as an empty map and where a trace header is read from it, if all its uses are reads.
fn unfilled(study: &Study<'_>, file: u32, var: &Var) -> Option<(ValueRef, ValueRef)> {
    let [def] = var.defs[..] else { return None };
    let DefKind::Value { value, index: None } = study.program.def(file, def).kind else { return None };
    let made = ValueRef { file, expr: value };
    let uses = || var.uses.iter().map(|used| ValueRef { file, expr: *used });
    // Asked first, as hardly any map is read so.
    let found = uses().find_map(|used| header_read(study, used)).filter(|_| is_empty_map(study, made))?;
    uses().all(|used| is_read(study, used)).then_some((made, found))
}

/// Whether a value is a map that is made here with nothing in it.
fn is_empty_map(study: &Study<'_>, made: ValueRef) -> bool {
    let program = study.program;
    match program.expr_kind(made) {
        ExprKind::Composite { fields, .. } => fields.is_empty(),
        ExprKind::New { args, ty, body: None } => args.is_empty() && ty.name.ends_with("Map"),
        ExprKind::Call { args, callee } => {
            let callee = ValueRef { expr: *callee, ..made };
            let is_dict = matches!(program.expr_kind(callee), ExprKind::Name(name) if name == "dict");
            args.is_empty() && is_dict && program.reaching(callee).is_empty()
        }
        _ => false,
    }
}

/// The read of a trace header that a use of a map is: `carrier["traceparent"]`, `carrier.get("traceparent")`.
fn header_read(study: &Study<'_>, used: ValueRef) -> Option<ValueRef> {
    let program = study.program;
    let parent = program.parent(used)?;
    let (key, read) = match program.expr_kind(parent) {
        ExprKind::Index { base, index } if *base == used.expr => ((*index)?, parent),
        ExprKind::Member { base, name, .. } if *base == used.expr && name.eq_ignore_ascii_case("get") => {
            let call = program.parent(parent)?;
            let ExprKind::Call { args, .. } = program.expr_kind(call) else { return None };
            (args.first()?.value, call)
        }
        _ => return None,
    };
    let key = program.expr_kind(ValueRef { expr: key, ..used });
    matches!(key, ExprKind::Str(key) if is_trace_header(key)).then_some(read)
}

/// Whether a use of a map neither fills it nor hands it on.
fn is_read(study: &Study<'_>, used: ValueRef) -> bool {
    let program = study.program;
    let Some(parent) = program.parent(used) else { return is_only_looked_at(study, used) };
    match program.expr_kind(parent) {
        ExprKind::Index { base, .. } if *base == used.expr => is_value(study, parent),
        ExprKind::Member { base, name, .. } if *base == used.expr => READING.contains(&name.as_str()),
        ExprKind::Binary { op, right, .. } if *right == used.expr && matches!(op.as_str(), "in" | "not in") => true,
        _ => is_only_looked_at(study, used),
    }
}

/// Whether an element is read as a value, and is not the target of an assignment or deletion.
fn is_value(study: &Study<'_>, element: ValueRef) -> bool {
    let Some(file) = study.program.files.get(element.file as usize) else { return false };
    !file.source.facts.stmts.iter().any(|stmt| match &stmt.kind {
        StmtKind::Assign { targets, .. } => targets.contains(&element.expr),
        StmtKind::Expr(expr) => *expr == element.expr,
        _ => false,
    })
}

fn finding(study: &Study<'_>, var: &Var, made: ValueRef, read: ValueRef) -> Finding {
    let mut found = study.finding("missing-inject", read, Confidence::Certain);
    let text = study.text(read);
    found.message = format!("`{text}` reads the trace's header from `{}`, which nothing fills", var.name);
    found.label = "there is never a trace header in it".to_owned();
    found.effect = "whoever is sent this gets no trace, and starts a new one".to_owned();
    found.help = format!("inject the current context into `{}` before it is read", var.name);
    found.confirm = format!("print `{}` here: it is empty", var.name);
    let place = study.program.place(made);
    found.related.push(Related { place, message: format!("`{}` is made here, empty", var.name) });
    found
}
