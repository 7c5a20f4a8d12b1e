//! What a call runs or makes.

use super::flow::DefKind;
use super::program::{FuncRef, Program, TypeIndex, ValueRef};
use crate::ir::{ExprKind, Language};
use smallvec::SmallVec;
use std::rc::Rc;
use ustr::Ustr;

/// How many functions that hand on what another hands back are looked into.
const MAX_RETURNING: u32 = 3;

/// How many returns of a function are looked at for the functions that it hands back.
const MAX_RETURNS: usize = 32;

/// What a call runs.
#[derive(Debug, Default, Clone)]
pub struct Callee {
    /// The service's own functions that it may run; several for overloads and for an interface with few implementations.
    pub functions: SmallVec<[FuncRef; 1]>,
    /// The qualified name, also when neither the service nor a description knows it.
    pub name: Option<Ustr>,
    /// The type that is constructed, when the call makes an object.
    pub constructs: Option<Ustr>,
}

impl Program<'_> {
    /// What a call, object creation or composite runs or makes.
    pub fn callee(&self, call: ValueRef) -> Rc<Callee> {
        if let Some(known) = self.callee_memo.get(call) {
            return known;
        }
        self.callee_memo.set_common(call);
        let found = self.find_callee(call);
        if !Rc::ptr_eq(&found, &self.nothing) {
            self.callee_memo.set(call, Rc::clone(&found));
        }
        found
    }

    fn find_callee(&self, call: ValueRef) -> Rc<Callee> {
        let at = |expr| ValueRef { file: call.file, expr };
        match self.expr_kind(call) {
            ExprKind::New { ty, body, args } => {
                let name = match body {
                    Some(id) => self.type_name(TypeIndex { file: call.file, id: *id }),
                    None => self.type_ref(call.file, ty),
                };
                self.fitting(Rc::new(self.construction(name, self.type_ref(call.file, ty))), args.len())
            }
            ExprKind::Composite { ty: Some(ty), .. } | ExprKind::Zero(ty) => {
                let name = self.type_ref(call.file, ty);
                Rc::new(Callee { name: Some(name), constructs: Some(name), functions: SmallVec::new() })
            }
            ExprKind::Call { callee, args } => match self.allocated(at(*callee), args) {
                Some(name) => Rc::new(Callee { name: Some(name), constructs: Some(name), functions: SmallVec::new() }),
                None => {
                    let found = self.fitting(self.called(self.bound(at(*callee))), args.len());
                    match self.likeness(call, &found) {
                        Some(name) => Rc::new(Callee { name: Some(name), ..Callee::default() }),
                        None => found,
                    }
                }
            },
            _ => Rc::clone(&self.nothing),
        }
    }

    /// Of Java overloads only those that take so many arguments; all where none does.
    fn fitting(&self, found: Rc<Callee>, args: usize) -> Rc<Callee> {
        if self.language != Language::Java || found.functions.len() < 2 {
            return found;
        }
        let fits = |function: &FuncRef| {
            let params = &self.function(*function).params;
            let is_open = params.last().is_some_and(|param| param.variadic);
            params.len() == args || (is_open && args + 1 >= params.len())
        };
        let functions: SmallVec<[FuncRef; 1]> = found.functions.iter().copied().filter(fits).collect();
        match functions.len() {
            0 => found,
            n if n == found.functions.len() => found,
            _ => Rc::new(Callee { functions, ..Callee::clone(&found) }),
        }
    }

    /// The type that Go's `new(T)` makes.
    fn allocated(&self, callee: ValueRef, args: &[crate::ir::Arg]) -> Option<Ustr> {
        let is_new = self.language == Language::Go
            && matches!(self.expr_kind(callee), ExprKind::Name(name) if name == "new")
            && self.qualify(callee).is_none()
            && self.reaching(callee).is_empty();
        let [arg] = args else { return None };
        if is_new { self.qualify(ValueRef { expr: arg.value, ..callee }) } else { None }
    }

    fn construction(&self, name: Ustr, described: Ustr) -> Callee {
        let constructor = self.types.get(&name).and_then(|index| {
            let simple = self.type_decl(*index).name;
            let init = if self.language == Language::Python { "__init__" } else { simple.as_str() };
            self.functions.get(&Ustr::from(&format!("{name}.{init}"))).cloned()
        });
        Callee { functions: constructor.unwrap_or_default(), name: Some(described), constructs: Some(name) }
    }

    /// What a Python variable holds that is called: the method `send = session.post` with what it is of, or what a parameter
    /// stands for by default; anything else as it is.
    pub(super) fn bound(&self, callee: ValueRef) -> ValueRef {
        if self.language != Language::Python || !matches!(self.expr_kind(callee), ExprKind::Name(_)) {
            return callee;
        }
        let [def] = self.reaching(callee) else { return callee };
        let def = self.def(callee.file, *def);
        let value = match def.kind {
            DefKind::Value { value, index: None } => value,
            DefKind::Param(n) => return self.default_of(callee.file, def, n).unwrap_or(callee),
            _ => return callee,
        };
        let value = ValueRef { file: callee.file, expr: value };
        if matches!(self.expr_kind(value), ExprKind::Member { .. }) { value } else { callee }
    }

    fn called(&self, callee: ValueRef) -> Rc<Callee> {
        match self.expr_kind(callee) {
            ExprKind::Closure(id) => {
                let function = FuncRef { file: callee.file, id: *id };
                return Rc::new(Callee { functions: SmallVec::from_slice(&[function]), ..Callee::default() });
            }
            // `f(x)(y)` runs what `f` hands back.
            ExprKind::Call { .. } => {
                return Rc::new(Callee { functions: self.returned_functions(callee), ..Callee::default() });
            }
            _ => {}
        }
        if let Some(name) = self.qualify(callee) {
            let found = self.named(callee.file, name);
            if !found.functions.is_empty() || found.constructs.is_some() || self.described(name).is_some() {
                return Rc::new(found);
            }
            if let ExprKind::Member { base, name: method, .. } = self.expr_kind(callee)
                && let Some(owner) = self.type_of(ValueRef { file: callee.file, expr: *base })
            {
                return self.method(owner, *method);
            }
            return Rc::new(found);
        }
        match self.expr_kind(callee) {
            ExprKind::Member { base, name, .. } => match self.type_of(ValueRef { file: callee.file, expr: *base }) {
                Some(owner) => self.method(owner, *name),
                None if self.language == Language::Java => match self.knowledge.method_of_any(*name) {
                    Some(name) => Rc::new(Callee { name: Some(name), ..Callee::default() }),
                    None => Rc::clone(&self.nothing),
                },
                None => Rc::clone(&self.nothing),
            },
            ExprKind::Name(name) => Rc::new(self.unqualified(callee, *name)),
            ExprKind::Index { base, .. } => self.called(ValueRef { file: callee.file, expr: *base }),
            _ => Rc::clone(&self.nothing),
        }
    }

    /// The functions that the service's own functions behind a call hand back: literals, and (Go) what they name, such as
    /// `return s.onPush`, also through one another.
    pub fn returned_functions(&self, call: ValueRef) -> SmallVec<[FuncRef; 1]> {
        let mut out = SmallVec::new();
        self.add_returned(call, MAX_RETURNING, &mut out);
        out
    }

    fn add_returned(&self, call: ValueRef, depth: u32, out: &mut SmallVec<[FuncRef; 1]>) {
        let Some(rest) = depth.checked_sub(1) else { return };
        for function in self.callee(call).functions.iter().take(4) {
            let flow = &self.files[function.file as usize].flow;
            for value in flow.returns_of(function.id).filter_map(|found| found.values.first()).take(MAX_RETURNS) {
                let value = ValueRef { file: function.file, expr: *value };
                match self.expr_kind(value) {
                    ExprKind::Closure(id) => add(out, &[FuncRef { file: value.file, id: *id }]),
                    _ if self.language != Language::Go => {}
                    ExprKind::Call { .. } => self.add_returned(value, rest, out),
                    ExprKind::Member { .. } | ExprKind::Name(_) => add(out, &self.function_value(value)),
                    _ => {}
                }
            }
        }
    }

    /// The own functions that a Go value names: a function, or a method of what stands before the dot.
    fn function_value(&self, value: ValueRef) -> SmallVec<[FuncRef; 1]> {
        if !self.reaching(value).is_empty() {
            return SmallVec::new();
        }
        if let Some(found) = self.qualify(value).and_then(|name| self.functions.get(&name)) {
            return found.clone();
        }
        match self.expr_kind(value) {
            ExprKind::Member { base, name, .. } => match self.type_of(ValueRef { expr: *base, ..value }) {
                Some(owner) => self.method(owner, *name).functions.clone(),
                None => SmallVec::new(),
            },
            _ => SmallVec::new(),
        }
    }

    fn unqualified(&self, callee: ValueRef, name: Ustr) -> Callee {
        let functions = self.reaching(callee).iter().find_map(|def| match self.def(callee.file, *def).kind {
            DefKind::Value { value, index: None | Some(0) } => {
                let value = ValueRef { file: callee.file, expr: value };
                match self.expr_kind(value) {
                    ExprKind::Closure(id) => Some(SmallVec::from_slice(&[FuncRef { file: callee.file, id: *id }])),
                    ExprKind::Call { .. } => Some(self.returned_functions(value)).filter(|found| !found.is_empty()),
                    _ => None,
                }
            }
            _ => None,
        });
        if let Some(functions) = functions {
            return Callee { functions, ..Callee::default() };
        }
        if self.language == Language::Java {
            let mut ty = self.enclosing_type(self.function_covering(callee));
            if name == "super" || name == "this" {
                let functions = ty.map(|owner| self.chained(owner, name == "super")).unwrap_or_default();
                return Callee { functions, ..Callee::default() };
            }
            while let Some(owner) = ty {
                let found = self.method(self.type_name(owner), name);
                if !found.functions.is_empty() {
                    return Callee::clone(&found);
                }
                ty = self.type_decl(owner).owner.map(|id| TypeIndex { file: owner.file, id });
            }
        }
        Callee { name: Some(name), ..Callee::default() }
    }

    /// The constructors that `this(…)`, or with `above` `super(…)`, may run in one of a Java type.
    fn chained(&self, owner: TypeIndex, above: bool) -> SmallVec<[FuncRef; 1]> {
        let name = self.type_name(owner);
        let parent = || self.supertypes(name).iter().copied().find(|ty| self.constructors(*ty).is_some());
        let found = if above { parent() } else { Some(name) };
        found.and_then(|ty| self.constructors(ty)).cloned().unwrap_or_default()
    }

    /// The constructors of one of the service's own Java types.
    pub(super) fn constructors(&self, ty: Ustr) -> Option<&SmallVec<[FuncRef; 1]>> {
        let simple = self.type_decl(*self.types.get(&ty)?).name;
        self.functions.get(&Ustr::from(&format!("{ty}.{simple}")))
    }

    pub(super) fn named(&self, file: u32, name: Ustr) -> Callee {
        if self.types.contains_key(&name) {
            return self.construction(name, name);
        }
        if let Some(functions) = self.functions.get(&name) {
            let unit = self.files[file as usize].source.unit;
            let near: SmallVec<[FuncRef; 1]> = functions
                .iter()
                .copied()
                .filter(|function| self.files[function.file as usize].source.unit == unit)
                .collect();
            let functions = if near.is_empty() { functions.clone() } else { near };
            return Callee { functions, name: Some(name), constructs: None };
        }
        let constructs = self.knowledge.ty(name).map(|_| name);
        if constructs.is_none()
            && let Some((owner, method)) = name.rsplit_once('.')
            && let Some(owner) = Ustr::from_existing(owner).filter(|owner| self.types.contains_key(owner))
        {
            return Callee::clone(&self.method(owner, Ustr::from(method)));
        }
        Callee { functions: self.held(name), name: Some(name), constructs }
    }

    /// The own function that a Go package variable holds, which is written once.
    fn held(&self, variable: Ustr) -> SmallVec<[FuncRef; 1]> {
        let owner = variable.rsplit_once('.').filter(|_| self.language == Language::Go);
        let Some((owner, name)) = owner.and_then(|(owner, name)| Some((Ustr::from_existing(owner)?, Ustr::from(name))))
        else {
            return SmallVec::new();
        };
        let [(value, None | Some(0))] = self.writes((owner, name)) else { return SmallVec::new() };
        match self.expr_kind(*value) {
            ExprKind::Closure(id) => SmallVec::from_slice(&[FuncRef { file: value.file, id: *id }]),
            ExprKind::Name(_) | ExprKind::Member { .. } => {
                self.qualify(*value).and_then(|name| self.functions.get(&name)).cloned().unwrap_or_default()
            }
            _ => SmallVec::new(),
        }
    }

    /// The service's own functions with this qualified name.
    pub fn named_functions(&self, name: Ustr) -> Vec<FuncRef> {
        self.functions.get(&name).map(|found| found.to_vec()).unwrap_or_default()
    }
}

/// Adds functions that are not there yet.
fn add(out: &mut SmallVec<[FuncRef; 1]>, found: &[FuncRef]) {
    for function in found {
        if !out.contains(function) {
            out.push(*function);
        }
    }
}
