//! `log-without-trace-id` in Python: what puts ids on log records is switched on, and in the version that is asked for does so
//! only where it is told to, while records are written in a form that has a field for the id.

use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, Language, Spread};
use crate::knowledge::LogIds;
use crate::link::ValueRef;
use crate::rules::Verdicts;
use crate::study::{CallFact, Study, UnitView, is_aside};

/// Finds the calls that were to put ids on records.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    if study.language() != Language::Python {
        return;
    }
    for fact in study.calls() {
        let Some(ids) = &fact.effect.log_ids else { continue };
        let unit = study.unit(fact.call.file);
        let is_left = asks_to_be_told(unit, ids)
            && !is_told(study, fact, ids)
            && study.environments.of(&unit.root, &[&ids.variable]).is_empty()
            && !is_aside(&study.program.place(fact.call).path);
        let form = if is_left { form(study, fact.call.file, ids) } else { None };
        out.findings.extend(form.map(|form| finding(study, fact, ids, form)));
    }
}

/// Whether all that a unit's manifests say of the package asks for a version that has to be told.
fn asks_to_be_told(unit: &UnitView, ids: &LogIds) -> bool {
    let Some(since) = least(&ids.since) else { return false };
    let mut asked = unit.versions.iter().filter(|(name, _)| *name == ids.package).map(|(_, version)| least(version));
    asked.next().flatten().is_some_and(|first| first >= since) && asked.all(|other| other.is_some_and(|v| v >= since))
}

/// The first two numbers of the least version that a requirement allows: `>=0.61b0,<1`.
fn least(requirement: &str) -> Option<(u32, u32)> {
    let first = requirement.split(',').next()?.trim().trim_start_matches(['=', '>', '~', '^', ' ']);
    let mut numbers = first.split('.').map(|part| {
        let end = part.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(part.len());
        part[..end].parse().ok()
    });
    Some((numbers.next()??, numbers.next()??))
}

/// Whether a call is told to put ids on records, or may be: by an argument, or by code that names the variable.
fn is_told(study: &Study<'_>, fact: &CallFact<'_>, ids: &LogIds) -> bool {
    let ExprKind::Call { args, .. } = study.program.expr_kind(fact.call) else { return true };
    let refuses = |expr| matches!(study.program.expr_kind(ValueRef { expr, ..fact.call }), ExprKind::Lit(text) if text == "False");
    let by_argument = args.iter().any(|arg| {
        arg.spread != Spread::None || arg.name.is_some_and(|name| ids.told_by.contains(&name)) && !refuses(arg.value)
    });
    let names = |text: &str| text == ids.variable || text == ids.field;
    let mut exprs = study.program.files.iter().flat_map(|file| &file.source.facts.exprs);
    by_argument
        || exprs.any(|expr| match &expr.kind {
            ExprKind::Str(text) | ExprKind::Name(text) | ExprKind::Member { name: text, .. } => names(text),
            ExprKind::Call { args, .. } => args.iter().any(|arg| arg.name.is_some_and(|name| names(&name))),
            _ => false,
        })
}

/// A form of records with a field for the id, in the unit of a file or in those near it.
fn form(study: &Study<'_>, file: u32, ids: &LogIds) -> Option<ValueRef> {
    let near = study.units_near(study.unit_of(file));
    let fields = [format!("%({})", ids.field), format!("{{{}}}", ids.field)];
    let files = (0u32..).zip(&study.program.files).filter(|(_, file)| near.contains(&file.source.unit));
    let mut texts = files.flat_map(|(at, file)| {
        let exprs = (0u32..).zip(&file.source.facts.exprs);
        exprs.map(move |(id, expr)| (ValueRef { file: at, expr: crate::ir::ExprId(id) }, &expr.kind))
    });
    let is_form =
        |kind: &ExprKind| matches!(kind, ExprKind::Str(text) if fields.iter().any(|field| text.contains(field)));
    texts.find_map(|(value, kind)| is_form(kind).then_some(value))
}

fn finding(study: &Study<'_>, fact: &CallFact<'_>, ids: &LogIds, form: ValueRef) -> Finding {
    let call = study.callee_text(fact.call);
    let mut found = study.finding("log-without-trace-id", fact.call, Confidence::Likely);
    found.message = format!("`{call}` puts no id on log records since {}, unless it is told to", ids.since);
    found.label = format!("`{}` is on no record", ids.field);
    found.effect = format!("a form that has `{}` fails on each record, or prints no id of the trace", ids.field);
    let by = ids.told_by.last().map(|name| name.as_str()).unwrap_or_default();
    found.help =
        format!("write `{call}({by}=True)`, or set {}=true (assumed: nothing outside sets that)", ids.variable);
    found.confirm = "send a request with a known trace id and search the logs of the service for it".to_owned();
    found.related.push(study.related(form, "this form has a field for it"));
    found
}

#[cfg(test)]
mod tests {
    use super::least;

    #[test]
    fn requirements_have_a_least_version() {
        assert_eq!(least(">=0.61b0,<1"), Some((0, 61)));
        assert_eq!(least("==0.64b0"), Some((0, 64)));
        assert_eq!(least("^0.60b1"), Some((0, 60)));
        assert_eq!(least("<1"), None);
        assert_eq!(least(""), None);
    }
}
