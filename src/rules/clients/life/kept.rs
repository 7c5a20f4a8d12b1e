//! Values that are kept among others in a map or list: `pool.clients[address] = conn`.

use super::later::Walk;
use crate::ir::{ExprKind, Language};
use crate::link::flow::DefKind;
use crate::link::{Program, Step, ValueRef};

/// How many places of a collection are looked at.
const MAX_PLACES: usize = 200;

impl Walk<'_, '_, '_> {
    /// Goes on with all that is taken out of the collection into which `place[key] = value` puts one; false where it is
    /// not seen what collection that is.
    pub(super) fn kept_in(&mut self, place: ValueRef) -> bool {
        let program = self.lives.study.program;
        let ExprKind::Index { base, .. } = program.expr_kind(place) else { return false };
        let collection = ValueRef { expr: *base, ..place };
        let places = match program.step(collection) {
            _ if program.language != Language::Go => return false,
            Step::Field(owner, name) => {
                let named = self.lives.index.members.get(&name).map_or(&[][..], Vec::as_slice);
                let is_it = |at: &&ValueRef| matches!(program.step(**at), Step::Field(found, _) if found == owner);
                named.iter().filter(is_it).copied().collect()
            }
            _ => of_local(program, collection),
        };
        if places.is_empty() || places.len() > MAX_PLACES {
            return false;
        }
        for at in places {
            if let Some(parent) = program.parent(at)
                && matches!(program.expr_kind(parent), ExprKind::Index { base, .. } if *base == at.expr)
            {
                self.work.push(parent);
            }
            // `for _, conn := range pool.clients`
            let flow = &program.files[at.file as usize].flow;
            let elements = flow.defs_from(at.expr).filter(|(_, def)| matches!(def.kind, DefKind::Element(_)));
            let uses = elements.filter_map(|(_, def)| flow.vars.get(def.var.0 as usize)).flat_map(|var| &var.uses);
            self.work.extend(uses.map(|expr| ValueRef { expr: *expr, ..at }));
        }
        true
    }
}

/// The uses of the local variable that a name stands for.
pub(super) fn of_local(program: &Program<'_>, value: ValueRef) -> Vec<ValueRef> {
    let Some(file) = program.files.get(value.file as usize) else { return Vec::new() };
    let reaching = program.reaching(value);
    let Some(def) = reaching.first() else { return Vec::new() };
    let var = file.flow.vars.get(program.def(value.file, *def).var.0 as usize);
    var.into_iter().flat_map(|var| &var.uses).map(|expr| ValueRef { expr: *expr, ..value }).collect()
}
