//! The kind that a span is said to have.

use crate::ir::ExprKind;
use crate::link::ValueRef;
use crate::study::Study;

/// Names of the kinds' constants: `SpanKind.SERVER`, Go's `SpanKindServer`, Python's older `SPAN_KIND_SERVER`.
const NAMES: &[(&str, &[&str])] = &[
    ("SERVER", &["SERVER", "SpanKindServer", "SPAN_KIND_SERVER", "SpanKindRPCServer", "SPAN_KIND_RPC_SERVER"]),
    ("CLIENT", &["CLIENT", "SpanKindClient", "SPAN_KIND_CLIENT", "SpanKindRPCClient", "SPAN_KIND_RPC_CLIENT"]),
    ("CONSUMER", &["CONSUMER", "SpanKindConsumer", "SPAN_KIND_CONSUMER"]),
    ("PRODUCER", &["PRODUCER", "SpanKindProducer", "SPAN_KIND_PRODUCER"]),
    ("INTERNAL", &["INTERNAL", "SpanKindInternal"]),
];

/// Whether a constant of one of these kinds stands in the call that starts a span, or in what it is chained to.
pub(in crate::rules) fn says_kind(study: &Study<'_>, call: ValueRef, kinds: &[&str]) -> bool {
    let Some(file) = study.program.files.get(call.file as usize) else { return false };
    let span = study.program.expr(call).span;
    let names: Vec<&str> =
        NAMES.iter().filter(|(kind, _)| kinds.contains(kind)).flat_map(|(_, names)| names.iter().copied()).collect();
    // Operands stand before what they are part of, so what is in the call stands right before it.
    let before = file.source.facts.exprs.iter().take(call.expr.0 as usize + 1).rev();
    before.take_while(|expr| expr.span.end > span.start).any(|expr| {
        let name = match &expr.kind {
            ExprKind::Member { name, .. } | ExprKind::Name(name) => name,
            _ => return false,
        };
        names.contains(&name.as_str()) && span.contains(expr.span)
    })
}
