//! What is put into Go's lists and maps before they are ranged over or handed on.

use super::program::{Program, ValueRef};
use super::trace::Values;
use crate::ir::{ExprKind, Language};

impl Program<'_> {
    /// The values in a list or map that a builtin call hands back: those that it appends, or those that the variable
    /// which takes a made one is given by index. `None` where more may be put into it, or nothing is seen to be.
    pub fn collected(&self, call: ValueRef) -> Option<Values> {
        let ExprKind::Call { callee, args } = self.expr_kind(call) else { return None };
        let ExprKind::Name(name) = self.expr_kind(ValueRef { expr: *callee, ..call }) else { return None };
        let called = self.callee(call);
        if self.language != Language::Go || !called.functions.is_empty() {
            return None;
        }
        match name.as_str() {
            "append" => Some(args.iter().map(|arg| ValueRef { expr: arg.value, ..call }).collect()),
            "make" => self.put_into(call).filter(|values| !values.is_empty()),
            _ => None,
        }
    }

    /// What is written by index into the variables that take a value.
    fn put_into(&self, made: ValueRef) -> Option<Values> {
        let flow = &self.files[made.file as usize].flow;
        let mut out = Values::new();
        for (_, def) in flow.defs_from(made.expr) {
            for used in &flow.vars[def.var.0 as usize].uses {
                let used = ValueRef { expr: *used, ..made };
                let Some(parent) = self.parent(used) else { continue };
                match self.expr_kind(parent) {
                    ExprKind::Index { base, .. } if *base == used.expr => {
                        let written = flow.writes_to(parent.expr).map(|write| ValueRef { expr: write.value, ..made });
                        out.extend(written);
                    }
                    ExprKind::Call { callee, .. } if *callee != used.expr && self.only_reads(parent) => {}
                    ExprKind::Binary { .. } => {}
                    _ => return None,
                }
            }
        }
        Some(out)
    }

    /// Whether a call is one of the builtins that add nothing to the list that they are given.
    fn only_reads(&self, call: ValueRef) -> bool {
        let ExprKind::Call { callee, .. } = self.expr_kind(call) else { return false };
        let name = self.expr_kind(ValueRef { expr: *callee, ..call });
        matches!(name, ExprKind::Name(name) if matches!(name.as_str(), "len" | "cap" | "append" | "clear" | "delete"))
            && self.callee(call).functions.is_empty()
    }
}
