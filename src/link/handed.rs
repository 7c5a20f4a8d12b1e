//! Interfaces of the program's own behind which a client of a library stands (Go): no type in the tree has their methods,
//! and what is handed over for them is of a type that is described.

use super::callee::Callee;
use super::program::{FuncRef, Program, ValueRef};
use crate::ir::{Language, TypeKind, TypeRef};
use rustc_hash::{FxHashMap, FxHashSet};
use ustr::Ustr;

/// How many calls of a function are asked what they hand over.
const MAX_CALLERS: usize = 32;

impl Program<'_> {
    /// The interface and the name of the method that a call asks for, where nothing but an interface of the program's own is
    /// seen of it.
    pub(super) fn open_method(&self, callee: &Callee) -> Option<(Ustr, Ustr)> {
        let [function] = callee.functions.as_slice() else { return None };
        let decl = self.function(*function);
        if self.language != Language::Go || !decl.flags.is_abstract {
            return None;
        }
        let interface = self.type_name(self.enclosing_type(*function)?);
        self.implementing(interface, decl.name).is_empty().then_some((interface, decl.name))
    }

    /// The described type that is handed over for each of some interfaces: to parameters, fields and variables of packages.
    /// `None` where several are, or one that is not described.
    pub(super) fn handed_over(&self, interfaces: impl Iterator<Item = Ustr>) -> FxHashMap<Ustr, Option<Ustr>> {
        let wanted: FxHashSet<Ustr> = interfaces.collect();
        let mut out = FxHashMap::default();
        if wanted.is_empty() {
            return out;
        }
        let names: FxHashSet<&str> = wanted.iter().map(|name| last_part(name)).collect();
        let asked = |file: u32, ty: &TypeRef| {
            let is_likely = names.contains(last_part(&ty.name));
            is_likely.then(|| self.type_ref(file, ty)).filter(|name| wanted.contains(name))
        };
        for function in self.all_functions() {
            for (n, param) in (0u16..).zip(&self.function(function).params) {
                let interface = param.ty.as_ref().and_then(|ty| asked(function.file, ty));
                let Some(interface) = interface else { continue };
                self.note_arguments(function, n, interface, &mut out);
            }
        }
        for ((owner, name), values) in &self.field_writes {
            let Some(index) = self.types.get(owner) else { continue };
            let field = self.type_decl(*index).fields.iter().find(|field| field.name == *name);
            let Some(interface) = field.and_then(|field| asked(index.file, field.ty.as_ref()?)) else { continue };
            for (value, _) in values.iter().filter(|(_, n)| n.is_none_or(|n| n == 0)) {
                self.note(*value, interface, &mut out);
            }
        }
        out
    }

    fn note_arguments(&self, function: FuncRef, n: u16, interface: Ustr, out: &mut FxHashMap<Ustr, Option<Ustr>>) {
        for call in self.callers(function).iter().take(MAX_CALLERS) {
            if let Some(value) = self.argument(*call, function, n) {
                self.note(value, interface, out);
            }
        }
    }

    /// Notes the type of what is handed over; what is an interface of the program's own came from elsewhere.
    fn note(&self, value: ValueRef, interface: Ustr, out: &mut FxHashMap<Ustr, Option<Ustr>>) {
        let Some(ty) = self.type_of(value) else { return };
        if self.types.get(&ty).is_some_and(|index| self.type_decl(*index).kind == TypeKind::Interface) {
            return;
        }
        let known = Some(ty).filter(|ty| self.knowledge.ty(*ty).is_some());
        out.entry(interface).and_modify(|old| *old = old.filter(|old| Some(*old) == known)).or_insert(known);
    }
}

fn last_part(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}
