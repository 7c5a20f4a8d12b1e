//! Parameters that stand for a function or class unless somebody gives another: `def export(to, processor=Batch): processor(to)`
//! (Python).

use super::flow::Def;
use super::program::{FuncRef, Program, ValueRef};
use crate::ir::ExprKind;
use rustc_hash::FxHashSet;
use ustr::Ustr;

impl Program<'_> {
    /// The function or class that a parameter stands for by default, where no call in the tree gives one by its name.
    pub(super) fn default_of(&self, file: u32, def: &Def, n: u16) -> Option<ValueRef> {
        let param = self.function(FuncRef { file, id: def.function }).params.get(n as usize)?;
        let value = ValueRef { file, expr: param.default? };
        let is_named = matches!(self.expr_kind(value), ExprKind::Name(_) | ExprKind::Member { .. });
        let name = self.qualify(value).filter(|_| is_named)?;
        let is_called = self.functions.contains_key(&name)
            || self.types.contains_key(&name)
            || self.knowledge.ty(name).is_some()
            || self.described(name).is_some();
        (is_called && !self.given_names().contains(&param.name)).then_some(value)
    }

    /// The names by which calls give arguments.
    fn given_names(&self) -> &FxHashSet<Ustr> {
        self.given_names.get_or_init(|| {
            let exprs = self.files.iter().flat_map(|file| &file.source.facts.exprs);
            let args = exprs.filter_map(|expr| match &expr.kind {
                ExprKind::Call { args, .. } => Some(args),
                _ => None,
            });
            args.flatten().filter_map(|arg| arg.name).collect()
        })
    }
}
