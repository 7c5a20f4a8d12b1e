//! What a Go call whose callee is nowhere to be seen must run, by how it is called and by what is done with its results:
//! a span that an organisation's own library starts is ended like any other.

use super::callee::Callee;
use super::flow::DefKind;
use super::program::{Program, ValueRef};
use crate::ir::{ExprKind, Language};
use crate::knowledge::{FunctionDescription, Likeness, Slot, TypeRole};
use ustr::Ustr;

impl Program<'_> {
    /// The described function that a call is like, where what it runs is neither in the tree nor described.
    pub(super) fn likeness(&self, call: ValueRef, found: &Callee) -> Option<Ustr> {
        let unseen = found.functions.is_empty() && found.constructs.is_none();
        if self.language != Language::Go || !unseen {
            return None;
        }
        let ExprKind::Call { callee, args } = self.expr_kind(call) else { return None };
        let callee = ValueRef { expr: *callee, ..call };
        let (ExprKind::Member { name, .. } | ExprKind::Name(name)) = self.expr_kind(callee) else { return None };
        if args.is_empty() || found.name.is_some_and(|name| self.described(name).is_some()) {
            return None;
        }
        let mut alike = self.knowledge.likenesses().filter(|(_, effect)| {
            effect.like.as_ref().is_some_and(|like| has_word(like, name)) && self.is_used_like(call, effect)
        });
        alike.next().map(|(name, _)| name)
    }

    /// Whether a call is given a context, hands out two things, and the one that would be the span is ended.
    fn is_used_like(&self, call: ValueRef, effect: &FunctionDescription) -> bool {
        let (Some(like), Some(span)) = (&effect.like, effect.span) else { return false };
        let Slot::Result(wanted) = span.span else { return false };
        let Some(flow) = self.files.get(call.file as usize).map(|file| &file.flow) else { return false };
        let index = |kind: &DefKind| match kind {
            DefKind::Value { index, .. } => *index,
            _ => None,
        };
        let ended = flow.defs_from(call.expr).any(|(_, def)| {
            let var = flow.vars.get(def.var.0 as usize);
            index(&def.kind) == Some(wanted)
                && var.is_some_and(|var| var.uses.iter().any(|used| self.is_asked(call.file, *used, like)))
        });
        let pair = flow.defs_from(call.expr).all(|(_, def)| index(&def.kind).is_some_and(|n| n < 2));
        // What it is given is asked last: to know the type of a value takes most.
        ended && pair && {
            let given = self.slot(call, span.context);
            given.iter().all(|value| self.type_of(*value).is_none_or(|ty| self.role(ty) == Some(TypeRole::Context)))
        }
    }

    /// Whether one of the methods of a likeness is called on a value.
    fn is_asked(&self, file: u32, value: crate::ir::ExprId, like: &Likeness) -> bool {
        let Some(member) = self.parent(ValueRef { file, expr: value }) else { return false };
        let ExprKind::Member { base, name, .. } = self.expr_kind(member) else { return false };
        let is_called =
            |outer: ValueRef| matches!(self.expr_kind(outer), ExprKind::Call { callee, .. } if *callee == member.expr);
        *base == value && like.ended_by.contains(name) && self.parent(member).is_some_and(is_called)
    }
}

fn has_word(like: &Likeness, name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    like.words.iter().any(|word| name.contains(word.as_str()))
}
