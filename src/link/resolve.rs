//! Names and types, as far as they can be seen: qualified names, types of values, callees of calls.
//!
//! Types are strings: a qualified name, with containers written as `[]T` (list, channel, iterator, optional, future) and
//! `map:T`. What cannot be resolved is `None`: unknown, never a guess.

use super::flow::{DefKind, RECEIVER};
use super::homes::plain;
use super::program::{FuncRef, Program, TypeIndex, ValueRef};
use crate::ir::{ExprKind, FunctionId, Language, TypeKind, TypeRef};
use crate::knowledge::TypeRole;
use smallvec::SmallVec;
use std::rc::Rc;
use ustr::Ustr;

/// How far names and types are followed before they are unknown.
const MAX_STEPS: u32 = 24;

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

/// Containers whose element a loop, index or await hands out.
const LISTS: &[&str] = &[
    "[]",
    "chan",
    "list",
    "List",
    "Sequence",
    "Iterable",
    "Iterator",
    "set",
    "Set",
    "tuple",
    "Collection",
    "java.util.List",
    "java.util.Set",
    "java.util.Collection",
    "java.util.Optional",
    "Optional",
    "AsyncIterator",
    "AsyncGenerator",
    "Generator",
    "Awaitable",
    "Coroutine",
    "ArrayList",
];
/// Python types that every value has.
const UNTOLD: &[&str] = &["typing.Any", "Any", "object", "builtins.object", "typing_extensions.Any"];
const MAPS: &[&str] = &["map", "dict", "Dict", "Mapping", "Map", "java.util.Map", "defaultdict"];

impl Program<'_> {
    /// The qualified name of a type as written in a file.
    pub fn type_ref(&self, file: u32, ty: &TypeRef) -> Ustr {
        let name = ty.name.as_str();
        if let Some(first) = ty.args.first() {
            let last = name.rsplit('.').next().unwrap_or(name);
            if LISTS.contains(&name) || LISTS.contains(&last) {
                return Ustr::from(&format!("[]{}", self.type_ref(file, first)));
            }
            if (MAPS.contains(&name) || MAPS.contains(&last)) && ty.args.len() > 1 {
                return Ustr::from(&format!("map:{}", self.type_ref(file, &ty.args[1])));
            }
        }
        self.qualify_type(file, ty.name).unwrap_or(ty.name)
    }

    /// The type as written, unless it says nothing: Python's `Any` and `object` leave the type to what the value shows.
    fn telling_type(&self, file: u32, ty: &TypeRef) -> Option<Ustr> {
        if self.language == Language::Python && ty.name == "Union" {
            return self.leading_type(ty.args.iter().filter_map(|member| self.telling_type(file, member)));
        }
        let name = self.type_ref(file, ty);
        if self.language != Language::Python {
            return Some(name);
        }
        self.bound_of(file, ty.name).or_else(|| (!UNTOLD.contains(&name.as_str())).then_some(name))
    }

    /// The type that a type variable of the file is bound to, or the leading one of those that it may stand for:
    /// `C = TypeVar("C", httpx.Client, httpx.AsyncClient)`.
    fn bound_of(&self, file: u32, name: Ustr) -> Option<Ustr> {
        let unit = &self.files[file as usize];
        // A class of the file or an import is what it says.
        if name.contains('.') || unit.scope.get(name).is_some() {
            return None;
        }
        let made = self.writes((unit.module, name)).iter().find(|(value, _)| value.file == file)?.0;
        let ExprKind::Call { callee, args } = self.expr_kind(made) else { return None };
        let maker = self.qualify(ValueRef { expr: *callee, ..made })?;
        if !matches!(maker.as_str(), "typing.TypeVar" | "typing_extensions.TypeVar") {
            return None;
        }
        let meant = args.iter().skip(1).filter(|arg| arg.name.is_none_or(|name| name == "bound"));
        self.leading_type(meant.filter_map(|arg| self.qualify(ValueRef { expr: arg.value, ..made })))
    }

    /// Of the types that a Python value may have, the first that a library describes: a stand-in of the service's own for
    /// where the library is not installed does nothing. Elsewhere the first.
    fn leading_type(&self, types: impl Iterator<Item = Ustr>) -> Option<Ustr> {
        let mut first = None;
        for ty in types.take(8) {
            if self.language != Language::Python || self.role(ty).is_some() {
                return Some(ty);
            }
            first = first.or(Some(ty));
        }
        first
    }

    fn qualify_type(&self, file: u32, name: Ustr) -> Option<Ustr> {
        if let Some(known) = self.names.qualified_types.borrow().get(&(file, name)) {
            return *known;
        }
        let found = self.find_type(file, name);
        self.names.qualified_types.borrow_mut().insert((file, name), found);
        found
    }

    fn find_type(&self, file: u32, name: Ustr) -> Option<Ustr> {
        let unit = &self.files[file as usize];
        let (first, rest) = name.split_once('.').map_or((name.as_str(), None), |(a, b)| (a, Some(b)));
        let first = Ustr::from(first);
        let join = |target: Ustr| match rest {
            Some(rest) => self.canonical(Ustr::from(&format!("{target}.{rest}"))),
            None => self.canonical(target),
        };
        if let Some(target) = unit.scope.get(first) {
            return Some(join(target));
        }
        let local = self.names.join(unit.module, name);
        if self.types.contains_key(&local) {
            return Some(local);
        }
        if self.language == Language::Java {
            // Nested types are named without their owner inside it.
            for ty in &unit.source.facts.types {
                let nested = Ustr::from_existing(&format!("{}.{}.{name}", unit.module, ty.name));
                if let Some(nested) = nested.filter(|nested| self.types.contains_key(nested)) {
                    return Some(nested);
                }
            }
        }
        let wildcard = unit.scope.wildcards().iter().map(|module| Ustr::from(&format!("{module}.{name}")));
        let known =
            wildcard.into_iter().find(|name| self.types.contains_key(name) || self.knowledge.ty(*name).is_some());
        if known.is_some() || rest.is_some() {
            return known;
        }
        if self.language == Language::Java {
            let lang = Ustr::from(&format!("java.lang.{name}"));
            return self.knowledge.ty(lang).map(|_| lang);
        }
        None
    }

    /// Follows re-exports: the name under which a symbol is defined.
    pub fn canonical(&self, name: Ustr) -> Ustr {
        if self.language != Language::Python {
            return name;
        }
        let mut name = name;
        for _ in 0..6 {
            if self.functions.contains_key(&name) || self.types.contains_key(&name) || self.modules.contains_key(&name)
            {
                return name;
            }
            let mut at = name.len();
            let mut next = None;
            while let Some(dot) = name[..at].rfind('.') {
                at = dot;
                let Some(module) = Ustr::from_existing(&name[..dot]).and_then(|module| self.modules.get(&module))
                else {
                    continue;
                };
                let rest = &name[dot + 1..];
                let (head, tail) = rest.split_once('.').map_or((rest, None), |(a, b)| (a, Some(b)));
                let scope = &self.files[*module as usize].scope;
                if let Some(target) = scope.get(Ustr::from(head)) {
                    next = Some(tail.map_or(target, |tail| Ustr::from(&format!("{target}.{tail}"))));
                } else {
                    next = scope
                        .wildcards()
                        .iter()
                        .map(|module| Ustr::from(&format!("{module}.{rest}")))
                        .find(|name| self.functions.contains_key(name) || self.types.contains_key(name));
                }
                break;
            }
            match next {
                Some(next) if next != name => name = next,
                _ => return name,
            }
        }
        name
    }

    /// The qualified name of a chain of names that starts at an import, module or type; `None` for a value.
    pub fn qualify(&self, value: ValueRef) -> Option<Ustr> {
        self.qualify_raw(value).map(|name| self.canonical(name))
    }

    fn qualify_raw(&self, value: ValueRef) -> Option<Ustr> {
        let mut names: SmallVec<[Ustr; 6]> = SmallVec::new();
        let mut at = value;
        loop {
            match self.expr_kind(at) {
                ExprKind::Member { base, name, .. } if names.len() < 24 => {
                    names.push(*name);
                    at = ValueRef { file: at.file, expr: *base };
                }
                ExprKind::Index { base, .. } if names.is_empty() => at = ValueRef { file: at.file, expr: *base },
                ExprKind::Name(name) => {
                    let unit = &self.files[value.file as usize];
                    if unit.flow.is_local(at.expr) && !self.is_module_level(at) {
                        return None;
                    }
                    let first = self.qualify_name(value.file, *name)?;
                    return Some(names.iter().rev().fold(first, |out, name| self.names.join(out, *name)));
                }
                ExprKind::Type(ty) => {
                    let first = self.type_ref(value.file, ty);
                    return Some(names.iter().rev().fold(first, |out, name| self.names.join(out, *name)));
                }
                _ => return None,
            }
        }
    }

    /// A name that is a variable of the file itself, not of a function.
    fn is_module_level(&self, value: ValueRef) -> bool {
        let flow = &self.files[value.file as usize].flow;
        let defs = flow.reaching(value.expr);
        !defs.is_empty() && defs.iter().all(|def| flow.defs[def.0 as usize].function.0 == 0)
    }

    fn qualify_name(&self, file: u32, name: Ustr) -> Option<Ustr> {
        if let Some(known) = self.names.qualified_names.borrow().get(&(file, name)) {
            return *known;
        }
        let found = self.find_name(file, name);
        self.names.qualified_names.borrow_mut().insert((file, name), found);
        found
    }

    fn find_name(&self, file: u32, name: Ustr) -> Option<Ustr> {
        let unit = &self.files[file as usize];
        if let Some(target) = unit.scope.get(name) {
            return Some(target);
        }
        let local = self.names.join(unit.module, name);
        if self.functions.contains_key(&local)
            || self.types.contains_key(&local)
            || !self.writes((unit.module, name)).is_empty()
        {
            return Some(local);
        }
        if self.language == Language::Java
            && name.starts_with(|first: char| first.is_ascii_uppercase())
            && let Some(found) = self.qualify_type(file, name)
        {
            return Some(found);
        }
        unit.scope
            .wildcards()
            .iter()
            .map(|module| Ustr::from(&format!("{module}.{name}")))
            .find(|name| {
                self.functions.contains_key(name)
                    || self.types.contains_key(name)
                    || self.knowledge.function(*name).is_some()
            })
            .or_else(|| {
                // A member of the file's own package that only other files define (Go), or a Java type that is not seen.
                match self.language {
                    Language::Java if name.starts_with(|first: char| first.is_ascii_uppercase()) => Some(local),
                    _ => None,
                }
            })
    }

    /// The name under which a function is described.
    pub(super) fn described_name(&self, name: Ustr) -> Option<Ustr> {
        if let Some(known) = self.names.described.borrow().get(&name) {
            return *known;
        }
        let found = self.find_described(name);
        self.names.described.borrow_mut().insert(name, found);
        found
    }

    fn find_described(&self, name: Ustr) -> Option<Ustr> {
        // A team describes its modules by the names that its code uses.
        if let Some(name) = Ustr::from_existing(plain(&name)).filter(|name| self.knowledge.function(*name).is_some()) {
            return Some(name);
        }
        let (owner, method) = name.rsplit_once('.')?;
        let (owner, method) = (Ustr::from_existing(owner)?, Ustr::from(method));
        let inherited =
            |ty: &Ustr| Some(self.names.join(*ty, method)).filter(|name| self.knowledge.function(*name).is_some());
        self.supertypes(owner).iter().find_map(inherited)
    }

    /// All supertypes of a type, nearest first, the service's own and the libraries'.
    pub fn supertypes(&self, ty: Ustr) -> Rc<[Ustr]> {
        if let Some(known) = self.names.supertypes.borrow().get(&ty) {
            return Rc::clone(known);
        }
        let found: Rc<[Ustr]> = self.find_supertypes(ty).into();
        self.names.supertypes.borrow_mut().insert(ty, Rc::clone(&found));
        found
    }

    fn find_supertypes(&self, ty: Ustr) -> Vec<Ustr> {
        let mut out: Vec<Ustr> = Vec::new();
        let mut at = 0;
        let mut current = ty;
        loop {
            let own = self.types.get(&current).map(|index| {
                let decl = self.type_decl(*index);
                let embedded = decl.fields.iter().filter(|field| field.embedded).filter_map(|field| field.ty.as_ref());
                decl.supers.iter().chain(embedded).map(|ty| self.type_ref(index.file, ty)).collect::<Vec<_>>()
            });
            let library = self.knowledge.ty(current).map(|(_, ty)| ty.supers.clone());
            for name in own.into_iter().flatten().chain(library.into_iter().flatten()) {
                if name != ty && !out.contains(&name) && out.len() < 32 {
                    out.push(name);
                }
            }
            let Some(next) = out.get(at) else { return out };
            current = *next;
            at += 1;
        }
    }

    /// What a type is for the trace, by its description or a supertype's.
    pub fn role(&self, ty: Ustr) -> Option<TypeRole> {
        if let Some(known) = self.names.roles.borrow().get(&ty) {
            return *known;
        }
        let found = self.find_role(ty);
        self.names.roles.borrow_mut().insert(ty, found);
        found
    }

    fn find_role(&self, ty: Ustr) -> Option<TypeRole> {
        if let Some((_, description)) = self.knowledge.ty(ty) {
            return Some(description.role);
        }
        self.supertypes(ty).iter().find_map(|ty| self.knowledge.ty(*ty).map(|(_, description)| description.role))
    }

    /// The role of a value's type.
    pub fn role_of(&self, value: ValueRef) -> Option<TypeRole> {
        self.role(self.type_of(value)?)
    }

    /// The type of a value, or `None` when it is unknown.
    pub fn type_of(&self, value: ValueRef) -> Option<Ustr> {
        self.type_within(value, MAX_STEPS)
    }

    fn type_within(&self, value: ValueRef, steps: u32) -> Option<Ustr> {
        if let Some(known) = self.type_memo.get(value) {
            return known;
        }
        if steps == 0 {
            return None;
        }
        // A cycle sees itself as unknown.
        self.type_memo.set_common(value);
        let found = self.infer(value, steps - 1)?;
        let mut numbers = self.type_numbers.borrow_mut();
        match numbers.get(&found) {
            Some(number) => self.type_memo.point(value, *number),
            None => {
                numbers.insert(found, self.type_memo.set(value, Some(found)));
            }
        }
        Some(found)
    }

    fn infer(&self, value: ValueRef, steps: u32) -> Option<Ustr> {
        let at = |expr| ValueRef { file: value.file, expr };
        match self.expr_kind(value) {
            ExprKind::Name(name) => self.name_type(value, *name, steps),
            ExprKind::Member { base, name, .. } => self.member_type(value, at(*base), *name, steps),
            ExprKind::Call { .. } | ExprKind::New { .. } => self.result_type(value, 0, steps),
            ExprKind::Composite { ty: Some(ty), .. } | ExprKind::Zero(ty) => Some(self.type_ref(value.file, ty)),
            ExprKind::Composite { ty: None, fields } => {
                let first = fields.first()?;
                let inner = self.type_within(at(first.value), steps)?;
                Some(Ustr::from(&format!("{}{inner}", if first.key.is_some() { "map:" } else { "[]" })))
            }
            ExprKind::Cast { ty, .. } => Some(self.type_ref(value.file, ty)),
            ExprKind::Type(_) => None,
            ExprKind::Conditional { then, otherwise, .. } => {
                self.type_within(at(*then), steps).or_else(|| self.type_within(at(*otherwise), steps))
            }
            ExprKind::Await(inner) | ExprKind::Receive(inner) => {
                let ty = self.type_within(at(*inner), steps)?;
                Some(element(ty).unwrap_or(ty))
            }
            ExprKind::Index { base, .. } => element(self.type_within(at(*base), steps)?),
            ExprKind::Unary { op, operand } if op == "&" || op == "*" => self.type_within(at(*operand), steps),
            ExprKind::Binary { op, left, right } if op == "or" || op == "||" || op == "and" => {
                self.type_within(at(*left), steps).or_else(|| self.type_within(at(*right), steps))
            }
            ExprKind::Assign { value, .. } => self.type_within(at(*value), steps),
            _ => None,
        }
    }

    fn name_type(&self, value: ValueRef, name: Ustr, steps: u32) -> Option<Ustr> {
        let unit = &self.files[value.file as usize];
        let reaching = self.reaching(value);
        if let Some(first) = reaching.first() {
            let found = self.leading_type(reaching.iter().filter_map(|def| self.def_type(value.file, *def, steps)));
            return found.or_else(|| self.declared_type(value.file, *first));
        }
        if unit.flow.is_local(value.expr) {
            return None;
        }
        if name == "this" || name == "super" {
            // The enclosing type is found through any function of the file that covers the use.
            let ty = self.enclosing_type(self.function_covering(value))?;
            return Some(self.type_name(ty));
        }
        if self.language == Language::Java {
            // An inner class reads the fields of the classes around it.
            let mut ty = self.enclosing_type(self.function_covering(value));
            while let Some(owner) = ty {
                if let Some(found) = self.field_type(self.type_name(owner), name, steps) {
                    return Some(found);
                }
                ty = self.type_decl(owner).owner.map(|id| TypeIndex { file: owner.file, id });
            }
        }
        let qualified = self.qualify(value)?;
        self.global_type(qualified, steps)
    }

    /// The innermost function that a value is written in.
    pub fn function_covering(&self, value: ValueRef) -> FuncRef {
        let functions = &self.files[value.file as usize].flow.functions;
        FuncRef { file: value.file, id: functions.get(value.expr.0 as usize).copied().unwrap_or(FunctionId(0)) }
    }

    fn global_type(&self, qualified: Ustr, steps: u32) -> Option<Ustr> {
        if self.language == Language::Python
            && let Some(functions) = self.functions.get(&qualified)
        {
            return functions.iter().find_map(|function| self.decorated_type(*function));
        }
        let (owner, name) = qualified.rsplit_once('.')?;
        let owner = Ustr::from_existing(owner)?;
        if let Some(found) = self.field_type(owner, Ustr::from(name), steps) {
            return Some(found);
        }
        if let Some(file) = self.modules.get(&owner)
            && self.language != Language::Java
        {
            let declared = self
                .files
                .iter()
                .skip(*file as usize)
                .enumerate()
                .take_while(|(n, unit)| *n == 0 || unit.module == owner);
            for (n, unit) in declared {
                let file = file + n as u32;
                let var = unit.flow.vars.iter().find(|var| var.function.0 == 0 && var.name == name);
                let defs = var.into_iter().flat_map(|var| var.defs.iter());
                if let Some(found) = self.leading_type(defs.filter_map(|def| self.def_type(file, *def, steps))) {
                    return Some(found);
                }
            }
        }
        None
    }

    /// The type that a variable is declared with, for a definition that does not show it.
    fn declared_type(&self, file: u32, def: super::flow::DefId) -> Option<Ustr> {
        let facts = self.files[file as usize].source;
        let var = self.files[file as usize].flow.vars.get(self.def(file, def).var.0 as usize)?;
        let stmts = var.defs.iter().filter_map(|def| self.def(file, *def).stmt);
        let declared = stmts.filter_map(|stmt| match &facts.facts.stmts.get(stmt as usize)?.kind {
            crate::ir::StmtKind::Assign { ty, .. } => ty.as_ref(),
            _ => None,
        });
        declared.filter_map(|ty| self.telling_type(file, ty)).next()
    }

    fn def_type(&self, file: u32, def: super::flow::DefId, steps: u32) -> Option<Ustr> {
        let def = *self.def(file, def);
        if let Some(stmt) = def.stmt {
            let declared = match &self.files[file as usize].source.facts.stmts[stmt as usize].kind {
                crate::ir::StmtKind::Assign { ty, .. } => ty.as_ref(),
                crate::ir::StmtKind::With { items, .. } => items.iter().find_map(|item| item.ty.as_ref()),
                _ => None,
            };
            if let Some(found) = declared.and_then(|ty| self.telling_type(file, ty)) {
                return Some(found);
            }
        }
        let at = |expr| ValueRef { file, expr };
        match def.kind {
            DefKind::Param(n) => self.param_type(FuncRef { file, id: def.function }, n),
            DefKind::Value { value, index: None } => self.type_within(at(value), steps),
            DefKind::Value { value, index: Some(n) } => match self.expr_kind(at(value)) {
                ExprKind::Call { .. } | ExprKind::New { .. } => self.result_type(at(value), n, steps),
                ExprKind::Await(call) => self.result_type(at(*call), n, steps),
                _ if n == 0 => self.type_within(at(value), steps),
                _ => None,
            },
            DefKind::Entered(value) => self.type_within(at(value), steps),
            DefKind::Element(value) => element(self.type_within(at(value), steps)?),
            DefKind::Declared | DefKind::Opaque => None,
        }
    }

    /// The declared type of a parameter, or the type of a method's own object.
    pub fn param_type(&self, function: FuncRef, n: u16) -> Option<Ustr> {
        let decl = self.function(function);
        let param = if n == RECEIVER { decl.receiver.as_ref()? } else { decl.params.get(n as usize)? };
        if let Some(ty) = &param.ty {
            let name = self.telling_type(function.file, ty)?;
            return Some(if param.variadic { Ustr::from(&format!("[]{name}")) } else { name });
        }
        if self.language == Language::Python && n == 0 && !decl.flags.is_static {
            let owner = decl.owner?;
            return Some(self.type_name(TypeIndex { file: function.file, id: owner }));
        }
        None
    }

    fn member_type(&self, value: ValueRef, base: ValueRef, name: Ustr, steps: u32) -> Option<Ustr> {
        if let Some(owner) = self.type_within(base, steps) {
            return self.field_type(owner, name, steps);
        }
        self.global_type(self.qualify(value)?, steps)
    }

    /// The type of a field, by declaration, by its writes, by a supertype or by the library's description.
    pub fn field_type(&self, owner: Ustr, name: Ustr, steps: u32) -> Option<Ustr> {
        if steps == 0 {
            return None;
        }
        if let Some(index) = self.types.get(&owner) {
            let field = self.type_decl(*index).fields.iter().find(|field| field.name == name);
            let declared = field.and_then(|field| field.ty.as_ref());
            if let Some(found) = declared.and_then(|ty| self.telling_type(index.file, ty)) {
                return Some(found);
            }
        }
        let written =
            self.leading_type(self.writes((owner, name)).iter().take(8).filter_map(|(value, index)| match index {
                None => self.type_within(*value, steps - 1),
                Some(n) => self.result_type(*value, *n, steps - 1),
            }));
        if written.is_some() {
            return written;
        }
        if let Some((_, ty)) = self.knowledge.ty(owner)
            && let Some(found) = ty.fields.get(&name)
        {
            return Some(*found);
        }
        if let Some(property) = self.property(owner, name) {
            return self.property_type(property, steps - 1);
        }
        self.supertypes(owner).iter().take(8).find_map(|ty| self.inherited_type(*ty, name, steps - 1))
    }

    /// The type of a field that a supertype declares, writes or computes.
    fn inherited_type(&self, owner: Ustr, name: Ustr, steps: u32) -> Option<Ustr> {
        let Some(index) = self.types.get(&owner) else {
            return self.knowledge.ty(owner)?.1.fields.get(&name).copied();
        };
        let field = self.type_decl(*index).fields.iter().find(|field| field.name == name);
        let declared = field.and_then(|field| field.ty.as_ref());
        if let Some(found) = declared.and_then(|ty| self.telling_type(index.file, ty)) {
            return Some(found);
        }
        if self.language != Language::Python {
            return None;
        }
        let written =
            self.leading_type(self.writes((owner, name)).iter().take(8).filter_map(|(value, index)| match index {
                None => self.type_within(*value, steps),
                Some(n) => self.result_type(*value, *n, steps),
            }));
        written.or_else(|| self.property_type(self.property(owner, name)?, steps))
    }

    /// The method of a Python class that computes what is read like a field.
    pub(super) fn property(&self, owner: Ustr, name: Ustr) -> Option<FuncRef> {
        if self.language != Language::Python {
            return None;
        }
        let methods = self.functions.get(&Ustr::from_existing(&format!("{owner}.{name}"))?)?;
        methods.iter().copied().find(|method| self.is_property(*method))
    }

    /// Whether a method is read like a field.
    pub fn is_property(&self, method: FuncRef) -> bool {
        let is_one = |name: &str| name == "property" || name.rsplit('.').next() == Some("cached_property");
        self.language == Language::Python && self.function(method).annotations.iter().any(|found| is_one(&found.name))
    }

    fn property_type(&self, property: FuncRef, steps: u32) -> Option<Ustr> {
        let declared = self.function(property).results.first();
        declared.and_then(|ty| self.telling_type(property.file, ty)).or_else(|| self.returned_type(property, 0, steps))
    }

    /// The type of a call's n-th result.
    pub fn result_type(&self, call: ValueRef, n: u8, steps: u32) -> Option<Ustr> {
        if steps == 0 || !matches!(self.expr_kind(call), ExprKind::Call { .. } | ExprKind::New { .. }) {
            return None;
        }
        let callee = self.callee(call);
        if n == 0
            && let Some(ty) = callee.constructs
        {
            return Some(ty);
        }
        for function in &callee.functions {
            let decl = self.function(*function);
            let declared = decl.results.get(n as usize).and_then(|ty| self.telling_type(function.file, ty));
            if declared.is_some() {
                return declared;
            }
            if (decl.results.is_empty() || self.language == Language::Python)
                && let Some(found) = self.returned_type(*function, n, steps - 1)
            {
                return Some(found);
            }
        }
        let (_, description) = self.described(callee.name?)?;
        if let Some(ty) = description.returns.get(n as usize).filter(|ty| !ty.is_empty()) {
            return Some(*ty);
        }
        let slot = description.derives.filter(|_| n == 0)?;
        self.slot(call, slot).first().and_then(|value| self.type_within(*value, steps - 1))
    }

    fn returned_type(&self, function: FuncRef, n: u8, steps: u32) -> Option<Ustr> {
        if steps == 0 {
            return None;
        }
        let flow = &self.files[function.file as usize].flow;
        self.leading_type(flow.returns_of(function.id).take(8).filter_map(|found| {
            let value = found.values.get(n as usize)?;
            self.type_within(ValueRef { file: function.file, expr: *value }, steps)
        }))
    }

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
                None => self.fitting(self.called(at(*callee)), args.len()),
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

    fn called(&self, callee: ValueRef) -> Rc<Callee> {
        match self.expr_kind(callee) {
            ExprKind::Closure(id) => {
                let function = FuncRef { file: callee.file, id: *id };
                return Rc::new(Callee { functions: SmallVec::from_slice(&[function]), ..Callee::default() });
            }
            // `f(x)(y)` runs what `f` hands back.
            ExprKind::Call { .. } => {
                return Rc::new(Callee { functions: self.returned_closures(callee), ..Callee::default() });
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
                None => Rc::clone(&self.nothing),
            },
            ExprKind::Name(name) => Rc::new(self.unqualified(callee, *name)),
            ExprKind::Index { base, .. } => self.called(ValueRef { file: callee.file, expr: *base }),
            _ => Rc::clone(&self.nothing),
        }
    }

    /// The function literals that the service's own functions behind a call hand back.
    pub fn returned_closures(&self, call: ValueRef) -> SmallVec<[FuncRef; 1]> {
        let callee = self.callee(call);
        let mut out = SmallVec::new();
        for function in callee.functions.iter().take(4) {
            let flow = &self.files[function.file as usize].flow;
            for value in flow.returns_of(function.id).filter_map(|found| found.values.first()).take(8) {
                if let ExprKind::Closure(id) = self.expr_kind(ValueRef { file: function.file, expr: *value }) {
                    out.push(FuncRef { file: function.file, id: *id });
                }
            }
        }
        out
    }

    fn unqualified(&self, callee: ValueRef, name: Ustr) -> Callee {
        let functions = self.reaching(callee).iter().find_map(|def| match self.def(callee.file, *def).kind {
            DefKind::Value { value, index: None | Some(0) } => {
                let value = ValueRef { file: callee.file, expr: value };
                match self.expr_kind(value) {
                    ExprKind::Closure(id) => Some(SmallVec::from_slice(&[FuncRef { file: callee.file, id: *id }])),
                    ExprKind::Call { .. } => Some(self.returned_closures(value)).filter(|found| !found.is_empty()),
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
            while let Some(owner) = ty {
                if name == "super" || name == "this" {
                    return Callee::default();
                }
                let found = self.method(self.type_name(owner), name);
                if !found.functions.is_empty() {
                    return Callee::clone(&found);
                }
                ty = self.type_decl(owner).owner.map(|id| TypeIndex { file: owner.file, id });
            }
        }
        Callee { name: Some(name), ..Callee::default() }
    }

    fn named(&self, file: u32, name: Ustr) -> Callee {
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

    /// A method of a type: its own, inherited, or that of the implementations of an interface.
    fn method(&self, owner: Ustr, name: Ustr) -> Rc<Callee> {
        if let Some(known) = self.names.methods.borrow().get(&(owner, name)) {
            return Rc::clone(known);
        }
        let found = Rc::new(self.find_method(owner, name));
        self.names.methods.borrow_mut().insert((owner, name), Rc::clone(&found));
        found
    }

    fn find_method(&self, owner: Ustr, name: Ustr) -> Callee {
        let qualified = self.names.join(owner, name);
        if let Some(functions) = self.functions.get(&qualified) {
            if functions.iter().all(|function| self.function(*function).flags.is_abstract) {
                let found = self.implementations(owner, name);
                if !found.is_empty() {
                    return Callee { functions: found, name: Some(qualified), constructs: None };
                }
            }
            let mut functions = functions.clone();
            if self.is_java_interface(owner) {
                // What overrides a default method runs in its place.
                let overriding = self.implementations(owner, name);
                functions.extend(overriding.into_iter().filter(|found| !functions.contains(found)).collect::<Vec<_>>());
            }
            return Callee { functions, name: Some(qualified), constructs: None };
        }
        for ty in self.supertypes(owner).iter() {
            if let Some(functions) = self.functions.get(&self.names.join(*ty, name)) {
                let is_open = self.language == Language::Java
                    && functions.iter().all(|function| self.function(*function).flags.is_abstract);
                let found = if is_open { self.implementations(owner, name) } else { SmallVec::new() };
                let functions = if found.is_empty() { functions.clone() } else { found };
                return Callee { functions, name: Some(qualified), constructs: None };
            }
        }
        Callee { functions: SmallVec::new(), name: Some(qualified), constructs: None }
    }

    fn is_java_interface(&self, ty: Ustr) -> bool {
        let decl = self.types.get(&ty).map(|index| self.type_decl(*index).kind);
        self.language == Language::Java && decl == Some(TypeKind::Interface)
    }

    /// The methods of the service's types that implement an interface's method, at most four.
    fn implementations(&self, interface: Ustr, name: Ustr) -> SmallVec<[FuncRef; 1]> {
        let Some(index) = self.types.get(&interface) else { return SmallVec::new() };
        let candidates = self.methods_by_name.get(&name).map_or(&[][..], Vec::as_slice);
        if candidates.len() > 64 {
            return SmallVec::new();
        }
        let needed: Vec<Ustr> = match self.language {
            Language::Go if self.type_decl(*index).kind == TypeKind::Interface => self.method_names(*index),
            _ => Vec::new(),
        };
        let found: SmallVec<[FuncRef; 1]> = candidates
            .iter()
            .copied()
            .filter(|function| !self.function(*function).flags.is_abstract)
            .filter(|function| {
                let Some(owner) = self.enclosing_type(*function) else { return false };
                let owner_name = self.type_name(owner);
                match self.language {
                    Language::Go => {
                        needed.iter().all(|method| self.functions.contains_key(&self.names.join(owner_name, *method)))
                    }
                    _ => self.supertypes(owner_name).contains(&interface),
                }
            })
            .collect();
        if found.len() > 4 { SmallVec::new() } else { found }
    }

    /// Whether a qualified name belongs to the language's own library, as far as names tell (not for Python).
    pub fn is_standard(&self, name: Ustr) -> bool {
        match self.language {
            Language::Go => {
                let first = name.split('/').next().unwrap_or(&name);
                let is_path = first.len() < name.len();
                let (first, is_member) = if is_path {
                    (first, true)
                } else {
                    name.split_once('.').map_or((first, false), |(a, _)| (a, true))
                };
                is_member && !first.contains('.') && !self.own_roots.contains(&Ustr::from(first))
            }
            Language::Java => name.starts_with("java."),
            Language::Python => false,
        }
    }

    /// The service's own functions with this qualified name.
    pub fn named_functions(&self, name: Ustr) -> Vec<FuncRef> {
        self.functions.get(&name).map(|found| found.to_vec()).unwrap_or_default()
    }

    /// The service's own methods that `owner.name` may run.
    pub fn methods(&self, owner: Ustr, name: Ustr) -> Vec<FuncRef> {
        self.method(owner, name).functions.to_vec()
    }

    /// Whether one of the service's own types has methods of its own.
    pub fn has_methods(&self, ty: Ustr) -> bool {
        self.methods_by_owner.contains_key(&ty)
    }

    /// The methods with a body that one of the service's own types has itself, in the order of files.
    pub fn methods_of(&self, ty: TypeIndex) -> Vec<FuncRef> {
        let name = self.type_name(ty);
        let mut out: Vec<FuncRef> = self.methods_by_owner.get(&name).cloned().unwrap_or_default();
        out.retain(|function| !self.function(*function).flags.is_abstract);
        out
    }

    fn method_names(&self, ty: TypeIndex) -> Vec<Ustr> {
        let facts = &self.files[ty.file as usize].source.facts;
        facts.functions.iter().filter(|function| function.owner == Some(ty.id)).map(|function| function.name).collect()
    }
}

/// What a container holds.
pub fn element(ty: Ustr) -> Option<Ustr> {
    ty.strip_prefix("[]").or_else(|| ty.strip_prefix("map:")).map(Ustr::from)
}
