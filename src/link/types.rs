//! What type a value has, as far as it can be seen: by what is declared, written, made or handed back.

use super::flow::{DefKind, RECEIVER};
use super::program::{FuncRef, Program, TypeIndex, ValueRef};
use crate::ir::{ExprKind, FunctionId, Language, TypeRef};
use crate::knowledge::TypeRole;
use ustr::Ustr;

/// How far names and types are followed before they are unknown.
const MAX_STEPS: u32 = 24;

/// Python types that every value has.
const UNTOLD: &[&str] = &["typing.Any", "Any", "object", "builtins.object", "typing_extensions.Any"];

impl Program<'_> {
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
    /// where the library is not installed does nothing. So it is with a Go variable that begins with a library's stand-in,
    /// a tracer that does nothing, and gets another one when that is set up. Elsewhere the first.
    fn leading_type(&self, types: impl Iterator<Item = Ustr>) -> Option<Ustr> {
        let mut first = None;
        let is_open = |ty: Ustr| match self.language {
            Language::Python => true,
            Language::Go => ty.contains('.') && !self.types.contains_key(&ty),
            Language::Java => false,
        };
        for ty in types.take(8) {
            if !is_open(ty) || self.role(ty).is_some() {
                return Some(ty);
            }
            first = first.or(Some(ty));
        }
        first
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
                crate::ir::StmtKind::With { items, .. } => match def.kind {
                    DefKind::Entered(value) => {
                        items.iter().find(|item| item.value == value).and_then(|item| item.ty.as_ref())
                    }
                    _ => None,
                },
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
}

/// What a container holds.
pub fn element(ty: Ustr) -> Option<Ustr> {
    ty.strip_prefix("[]").or_else(|| ty.strip_prefix("map:")).map(Ustr::from)
}
