//! The indexes of a program: what defines a name, what is written to a field, what calls a function.

use super::callee::Callee;
use super::flow::DefKind;
use super::program::{DescribedCall, FuncRef, Owner, Program, TypeIndex, ValueRef};
use super::trace::Step;
use crate::ir::{ExprId, ExprKind, FileFacts, FunctionId, Language, TypeDecl, TypeId};
use crate::knowledge::{FunctionDescription, Knowledge, LibraryDescription, TypeRole};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use ustr::Ustr;

/// What is written to fields and globals, by what they are.
type Writes = FxHashMap<Owner, Vec<(ValueRef, Option<u8>)>>;

impl<'a> Program<'a> {
    pub(super) fn index_definitions(&mut self) {
        for (at, file) in self.files.iter().enumerate() {
            let at = at as u32;
            self.modules.entry(file.module).or_insert(at);
            self.own_roots.insert(Ustr::from(file.module.split('/').next().unwrap_or_default()));
            let facts = &file.source.facts;
            for (id, ty) in facts.types.iter().enumerate() {
                let index = TypeIndex { file: at, id: TypeId(id as u32) };
                let name = qualified_type(file.module, facts, ty, id);
                self.types.entry(name).or_insert(index);
                self.type_names.insert(index, name);
            }
        }
        for (at, file) in self.files.iter().enumerate() {
            let facts = &file.source.facts;
            for (id, function) in facts.functions.iter().enumerate().skip(1) {
                let reference = FuncRef { file: at as u32, id: FunctionId(id as u32) };
                if function.name.is_empty() {
                    continue;
                }
                let owner = match function.owner {
                    Some(ty) => self.type_names.get(&TypeIndex { file: at as u32, id: ty }).copied(),
                    None if !function.owner_name.is_empty() => {
                        Some(Ustr::from(&format!("{}.{}", file.module, function.owner_name)))
                    }
                    None => None,
                };
                if let Some(owner) = owner {
                    self.methods_by_owner.entry(owner).or_default().push(reference);
                    self.methods_by_name.entry(function.name).or_default().push(reference);
                } else if function.parent.is_some_and(|parent| parent.0 != 0) {
                    continue;
                }
                let scope = owner.unwrap_or(file.module);
                let name = Ustr::from(&format!("{scope}.{}", function.name));
                self.functions.entry(name).or_default().push(reference);
            }
        }
    }

    pub(super) fn index_writes(&mut self) {
        let mut writes = Writes::default();
        for (at, file) in self.files.iter().enumerate() {
            let at = at as u32;
            for (id, ty) in file.source.facts.types.iter().enumerate() {
                let Some(owner) = self.type_names.get(&TypeIndex { file: at, id: TypeId(id as u32) }) else { continue };
                for field in &ty.fields {
                    if let Some(init) = field.init {
                        writes.entry((*owner, field.name)).or_default().push((ValueRef { file: at, expr: init }, None));
                    }
                }
            }
            for var in file.flow.vars.iter().filter(|var| var.function.0 == 0) {
                for def in &var.defs {
                    if let DefKind::Value { value, index } = file.flow.defs[def.0 as usize].kind {
                        let value = ValueRef { file: at, expr: value };
                        writes.entry((file.module, var.name)).or_default().push((value, index));
                    }
                }
            }
            for write in &file.flow.writes {
                let Some(owner) = self.written_to(at, write.target, write.function) else { continue };
                writes.entry(owner).or_default().push((ValueRef { file: at, expr: write.value }, write.index));
            }
            self.composite_writes(at, &mut writes);
            if self.language == Language::Python {
                self.keyword_writes(at, &mut writes);
            }
        }
        self.field_writes = writes;
        self.type_memo.clear();
        self.type_numbers.borrow_mut().clear();
        self.callee_memo.clear();
        self.names.clear();
    }

    fn composite_writes(&self, at: u32, writes: &mut Writes) {
        let file = &self.files[at as usize];
        for expr in &file.source.facts.exprs {
            let ExprKind::Composite { ty: Some(ty), fields } = &expr.kind else { continue };
            let name = self.type_ref(at, ty);
            let Some(index) = self.types.get(&name) else { continue };
            let declared = &self.type_decl(*index).fields;
            // Go `T{a, b}` names no field and gives every one.
            let in_order = fields.len() == declared.len() && fields.iter().all(|field| field.key.is_none());
            for (n, field) in fields.iter().enumerate() {
                let value = ValueRef { file: at, expr: field.value };
                if let Some(declared) = declared.get(n).filter(|_| in_order) {
                    writes.entry((name, declared.name)).or_default().push((value, None));
                }
                if let Some(key) = field.key
                    && let ExprKind::Name(key) = self.expr_kind(ValueRef { file: at, expr: key })
                {
                    writes.entry((name, *key)).or_default().push((value, None));
                }
            }
        }
    }

    /// `Config(url=…)` of a class without a constructor of its own, such as a model, fills the fields that it declares.
    fn keyword_writes(&self, at: u32, writes: &mut Writes) {
        for site in &self.files[at as usize].flow.calls {
            let call = ValueRef { file: at, expr: site.expr };
            let ExprKind::Call { args, .. } = self.expr_kind(call) else { continue };
            if args.iter().all(|arg| arg.name.is_none()) {
                continue;
            }
            let Some(owner) = self.callee(call).constructs else { continue };
            let Some(index) = self.types.get(&owner) else { continue };
            let makes = Ustr::from_existing(&format!("{owner}.__init__"));
            if makes.is_some_and(|name| self.functions.contains_key(&name)) {
                continue;
            }
            let declared = &self.type_decl(*index).fields;
            for arg in args {
                let field = arg.name.filter(|name| declared.iter().any(|field| field.name == *name));
                if let Some(name) = field {
                    writes.entry((owner, name)).or_default().push((ValueRef { file: at, expr: arg.value }, None));
                }
            }
        }
    }

    fn written_to(&self, file: u32, target: ExprId, function: FunctionId) -> Option<Owner> {
        match self.expr_kind(ValueRef { file, expr: target }) {
            ExprKind::Member { base, name, .. } => {
                let base = ValueRef { file, expr: *base };
                // A variable of another package, or a field of a value.
                Some((self.type_of(base).or_else(|| self.qualify(base))?, *name))
            }
            ExprKind::Name(name) => {
                let owner = self.enclosing_type(FuncRef { file, id: function });
                match owner {
                    Some(owner) if self.has_field(owner, *name) => Some((self.type_names.get(&owner).copied()?, *name)),
                    _ => Some((self.files[file as usize].module, *name)),
                }
            }
            _ => None,
        }
    }

    pub(super) fn index_calls(&mut self) {
        let mut callers: FxHashMap<FuncRef, Vec<ValueRef>> = FxHashMap::default();
        let mut described = Vec::new();
        let mut open = Vec::new();
        let propagation = propagation(self.knowledge);
        for (at, file) in self.files.iter().enumerate() {
            for (n, site) in file.flow.calls.iter().enumerate() {
                let call = ValueRef { file: at as u32, expr: site.expr };
                let callee = self.callee(call);
                for function in &callee.functions {
                    callers.entry(*function).or_default().push(call);
                }
                let entry = callee.name.and_then(|name| self.described(name));
                let entry = entry.or_else(|| self.described_by_carrier(call, &callee, &propagation));
                match entry {
                    Some((library, effect)) => {
                        described.push(((at, n), DescribedCall { call, site: *site, library, effect }));
                    }
                    None => open.extend(self.open_method(&callee).map(|method| ((at, n), call, *site, method))),
                }
            }
        }
        self.callers = callers;
        let handed = self.handed_over(open.iter().map(|(_, _, _, method)| method.0));
        for (order, call, site, (interface, name)) in open {
            let Some(Some(ty)) = handed.get(&interface) else { continue };
            let found = self.described(Ustr::from(&format!("{ty}.{name}")));
            described.extend(found.map(|(library, effect)| (order, DescribedCall { call, site, library, effect })));
        }
        described.sort_by_key(|(order, _)| *order);
        self.described_calls = described.into_iter().map(|(_, call)| call).collect();
        let mut methods: FxHashMap<Ustr, Vec<FuncRef>> = FxHashMap::default();
        for function in self.all_functions() {
            if let Some(owner) = self.enclosing_type(function) {
                methods.entry(self.type_name(owner)).or_default().push(function);
            }
        }
        self.methods = methods;
    }

    /// The description of a Go call whose own callee is not seen and whose carrier says what it is: nothing but the
    /// propagators of a library have a method of this name that takes the library's carriers.
    fn described_by_carrier(
        &self,
        call: ValueRef,
        callee: &Callee,
        propagation: &FxHashMap<&'a str, Vec<(&'a LibraryDescription, &'a FunctionDescription)>>,
    ) -> Option<(&'a LibraryDescription, &'a FunctionDescription)> {
        let ExprKind::Call { callee: called, .. } = self.expr_kind(call) else { return None };
        let ExprKind::Member { name, .. } = self.expr_kind(ValueRef { expr: *called, ..call }) else {
            return None;
        };
        if self.language != Language::Go || !callee.functions.is_empty() {
            return None;
        }
        propagation.get(name.as_str())?.iter().copied().find(|(library, effect)| {
            let slot = effect.inject.map(|found| found.carrier).or(effect.extract.map(|found| found.carrier));
            let carriers = slot.map(|slot| self.slot(call, slot)).unwrap_or_default();
            carriers
                .into_iter()
                .filter_map(|value| self.knowledge.ty(self.type_of(value)?))
                .any(|(home, ty)| home.id == library.id && ty.role == TypeRole::Carrier)
        })
    }

    /// Adds what Go functions write through pointers to fields and globals that their callers give them.
    pub(super) fn index_pointed(&mut self) {
        if self.language != Language::Go {
            return;
        }
        let mut found: Vec<(Owner, (ValueRef, Option<u8>))> = Vec::new();
        for (at, file) in self.files.iter().enumerate() {
            for write in &file.flow.writes {
                let at = |expr| ValueRef { file: at as u32, expr };
                let owners = self.pointed_to(at(write.target)).into_iter();
                found.extend(owners.map(|owner| (owner, (at(write.value), write.index))));
            }
        }
        for (owner, write) in found {
            self.field_writes.entry(owner).or_default().push(write);
        }
    }

    /// The fields and globals that `*pointer` stands for, where the pointer is a parameter: those whose addresses the
    /// callers give.
    pub fn pointed_to(&self, target: ValueRef) -> SmallVec<[Owner; 2]> {
        let operand = |value: ValueRef, sign: &str| match self.expr_kind(value) {
            ExprKind::Unary { op, operand } if op == sign => Some(ValueRef { expr: *operand, ..value }),
            _ => None,
        };
        let Some(Step::Param(function, n)) = operand(target, "*").map(|pointer| self.step(pointer)) else {
            return SmallVec::new();
        };
        let owner = |argument: &ValueRef| match self.step(operand(*argument, "&")?) {
            Step::Field(owner, name) => Some((owner, name)),
            _ => None,
        };
        self.arguments(function, n).iter().filter_map(owner).collect()
    }
}

fn qualified_type(module: Ustr, facts: &FileFacts, ty: &TypeDecl, id: usize) -> Ustr {
    if ty.name.is_empty() {
        return Ustr::from(&format!("{module}.<anonymous {}:{id}>", ty.span.start));
    }
    let mut names = vec![ty.name];
    let mut owner = ty.owner;
    while let Some(id) = owner {
        let outer = facts.type_decl(id);
        names.push(outer.name);
        owner = outer.owner;
        if names.len() > 16 {
            break;
        }
    }
    names.push(module);
    names.reverse();
    let names: Vec<_> = names.iter().map(|name| name.as_str()).filter(|name| !name.is_empty()).collect();
    Ustr::from(&names.join("."))
}

/// The described functions that inject or extract, by the last part of their names.
fn propagation(knowledge: &Knowledge) -> FxHashMap<&str, Vec<(&LibraryDescription, &FunctionDescription)>> {
    let mut out: FxHashMap<&str, Vec<(&LibraryDescription, &FunctionDescription)>> = FxHashMap::default();
    for library in knowledge.libraries() {
        for function in library.functions.iter().filter(|found| found.inject.is_some() || found.extract.is_some()) {
            let last = function.names.iter().filter_map(|name| name.as_str().rsplit('.').next());
            last.for_each(|name| out.entry(name).or_default().push((library, function)));
        }
    }
    out
}
