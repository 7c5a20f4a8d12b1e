//! Messages that an endless loop sends, each under the one context from before it (Go).

use crate::ir::{Language, LoopKind, Span, StmtKind};
use crate::knowledge::Slot;
use crate::link::flow::DefKind;
use crate::link::{Origin, ValueRef};
use crate::study::{CallFact, Study};

/// Whether a call sends messages in an endless loop of its function, under a context that is none of the round: whatever
/// trace that held, it is not the one of each message.
pub(super) fn is_sent_by_loop(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let program = study.program;
    if study.language() != Language::Go {
        return false;
    }
    let at = program.expr(fact.call).span;
    let own = program.function(fact.function).span;
    let Some(file) = program.files.get(fact.call.file as usize) else { return false };
    let mut loops = file.source.facts.stmts.iter().filter(|stmt| {
        let is_endless = matches!(stmt.kind, StmtKind::Loop { kind: LoopKind::Forever, .. });
        is_endless && own.contains(stmt.span) && stmt.span.contains(at)
    });
    let context = fact.effect.hop.map_or(Slot::None, |hop| hop.context);
    let given = study.slot(fact.call, context);
    !given.is_empty()
        && loops.any(|stmt| given.iter().all(|value| is_from_before(study, *value, fact.call.file, stmt.span)))
}

/// Whether all that a context may be comes from before a loop.
fn is_from_before(study: &Study<'_>, value: ValueRef, file: u32, around: Span) -> bool {
    let is_inside = |at: ValueRef| at.file == file && around.contains(study.program.expr(at).span);
    let reaching = study.program.reaching(value);
    let made_here = reaching.iter().any(|def| match study.program.def(value.file, *def).kind {
        DefKind::Value { value: made, .. } => is_inside(ValueRef { expr: made, ..value }),
        DefKind::Element(_) => true,
        _ => false,
    });
    let origins = study.program.origins(value, false);
    !made_here
        && !origins.is_empty()
        && origins.into_iter().all(|origin| match origin {
            Origin::Param(..) => true,
            Origin::Call(made, _) => !is_inside(made),
            _ => false,
        })
}
