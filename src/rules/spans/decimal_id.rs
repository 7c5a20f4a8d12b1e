//! Identifiers that are numbers, written as text without a format: decimal, where every backend has hexadecimal digits.

use super::starts::{assumption, judged};
use super::wrong_id::{described, identifier};
use crate::finding::Finding;
use crate::ir::ExprKind;
use crate::link::{FileUnit, Step, ValueRef};
use crate::services::stacks;
use crate::study::Study;

/// Judges a value that goes under the name of an identifier.
pub(super) fn judge(study: &Study<'_>, value: ValueRef, (key, named): (&str, &str)) -> Option<Finding> {
    let (at, id) = as_text(study, value)?;
    let (kind, source) = identifier(study, id)?;
    let (_, effect) = described(study, source)?;
    if kind != named || !effect.yields_number || counts_otherwise(study, value.file) {
        return None;
    }
    if reads_numbers(study, value.file) {
        return None;
    }
    let confidence = judged(study, at)?;
    let text = study.text(at);
    let mut finding = study.finding("wrong-id", at, confidence);
    finding.message = format!("`{key}` is filled with the {kind} id as a decimal number: `{text}`");
    finding.label = "a number as plain text".to_owned();
    finding.effect = format!(
        "a search by `{key}` finds nothing: backends, headers and other services have the {kind} id in hexadecimal \
         digits, with its leading zeros"
    );
    finding.help = format!("format it: `format_{kind}_id({})`", study.text(id));
    finding.help += assumption(confidence);
    finding.confirm = format!("paste a value of `{key}` into the trace search: nothing opens");
    Some(finding)
}

/// The conversion to text without a format that a value is, and what it converts: `str(x)`, `hex(x)`, `f"{x}"`.
fn as_text(study: &Study<'_>, value: ValueRef) -> Option<(ValueRef, ValueRef)> {
    let program = study.program;
    let at = |expr| ValueRef { expr, ..value };
    match program.expr_kind(value) {
        ExprKind::Call { callee, args } => {
            let [arg] = args[..] else { return None };
            let plain = matches!(program.expr_kind(at(*callee)), ExprKind::Name(name)
                if matches!(name.as_str(), "str" | "repr" | "hex"));
            plain.then_some((value, at(arg.value)))
        }
        ExprKind::Unknown(parts) => {
            let [part] = parts[..] else { return None };
            let (whole, inner) = (study.raw_text(value)?, study.raw_text(at(part))?);
            let held =
                whole.strip_prefix(['f', 'F'])?.trim_matches(['"', '\'']).strip_prefix('{')?.strip_suffix('}')?;
            (held.trim() == inner).then_some((value, at(part)))
        }
        ExprKind::Conditional { then, .. } => as_text(study, at(*then)),
        ExprKind::Name(_) => match program.step(value) {
            Step::Values(values) if values.len() == 1 => {
                let next = *values.first()?;
                // What a variable of that name holds is told where it is written.
                matches!(program.expr_kind(next), ExprKind::Call { .. } | ExprKind::Unknown(_))
                    .then(|| as_text(study, next))?
            }
            _ => None,
        },
        _ => None,
    }
}

/// Whether a stack of the unit has a backend to which traces are known by decimal numbers.
fn counts_otherwise(study: &Study<'_>, file: u32) -> bool {
    let view = study.unit(file);
    stacks().iter().any(|page| page.decimal_ids && view.stacks.iter().any(|found| found.stack == page.id))
}

/// Whether the code of a unit reads an identifier back from its decimal text (`int(message["trace_id"])`): it is its own
/// format between its parts, and nobody searches for it.
fn reads_numbers(study: &Study<'_>, file: u32) -> bool {
    let unit = study.unit_of(file);
    let in_file = |(at, file): (u32, &FileUnit<'_>)| {
        file.source.unit == unit
            && file.flow.calls.iter().any(|site| reads_number(study, ValueRef { file: at, expr: site.expr }))
    };
    study.of_unit("reads ids as numbers", unit, || (0u32..).zip(&study.program.files).any(in_file))
}

fn reads_number(study: &Study<'_>, call: ValueRef) -> bool {
    let program = study.program;
    let ExprKind::Call { callee, args } = program.expr_kind(call) else { return false };
    let [arg] = args[..] else { return false };
    let is_int = matches!(program.expr_kind(ValueRef { expr: *callee, ..call }), ExprKind::Name(name) if name == "int");
    is_int && study.text(ValueRef { expr: arg.value, ..call }).contains("trace_id")
}
