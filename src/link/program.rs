//! The symbol table of one language's files: every definition under its qualified name, every call with its place.

use super::callee::Callee;
use super::flow::{CallSite, Def, DefId, FileFlow, flow};
use super::homes::Homes;
use super::imports::{FileScope, Homonyms, module_name};
use super::memo::Memo;
use super::trace::Step;
use crate::finding::Place;
use crate::ir::{Expr, ExprId, FileFacts, Function, FunctionId, Language, Span, TypeDecl, TypeId};
use crate::knowledge::{FunctionDescription, Knowledge, LibraryDescription, TypeRole};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use std::cell::RefCell;
use std::rc::Rc;
use ustr::Ustr;

/// A file that was lowered, and the unit it belongs to.
#[derive(Debug)]
pub struct SourceFile {
    /// Relative path, `/` separated.
    pub path: Ustr,
    /// Its facts.
    pub facts: FileFacts,
    /// The index of its unit among the workspace's units.
    pub unit: usize,
}

/// A file with its flow and its scope.
#[derive(Debug)]
pub struct FileUnit<'a> {
    /// The source file.
    pub source: &'a SourceFile,
    /// Go: the package's import path. Python: the dotted module. Java: the package, told apart from that of another unit
    /// by a number where both declare a type of one name.
    pub module: Ustr,
    /// Reaching definitions, calls, writes.
    pub flow: FileFlow,
    /// What its imports name.
    pub scope: FileScope,
}

/// A function of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FuncRef {
    /// The file's index.
    pub file: u32,
    /// The function in it.
    pub id: FunctionId,
}

/// A value of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueRef {
    /// The file's index.
    pub file: u32,
    /// The expression in it.
    pub expr: ExprId,
}

/// A type of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeIndex {
    /// The file's index.
    pub file: u32,
    /// The type in it.
    pub id: TypeId,
}

/// A call of a described library function.
#[derive(Debug, Clone, Copy)]
pub struct DescribedCall<'a> {
    /// The call, object creation or composite.
    pub call: ValueRef,
    /// How it is run.
    pub site: CallSite,
    /// The library.
    pub library: &'a LibraryDescription,
    /// What the library's description says of it.
    pub effect: &'a FunctionDescription,
}

/// A field or a global, by the qualified name of its owner (type or module).
pub type Owner = (Ustr, Ustr);

/// All files of one language, linked.
#[derive(Debug)]
pub struct Program<'a> {
    /// The language.
    pub language: Language,
    /// What is known of its libraries.
    pub knowledge: &'a Knowledge,
    /// The files.
    pub files: Vec<FileUnit<'a>>,
    pub(super) functions: FxHashMap<Ustr, SmallVec<[FuncRef; 1]>>,
    pub(super) types: FxHashMap<Ustr, TypeIndex>,
    pub(super) type_names: FxHashMap<TypeIndex, Ustr>,
    pub(super) modules: FxHashMap<Ustr, u32>,
    pub(super) methods_by_name: FxHashMap<Ustr, Vec<FuncRef>>,
    pub(super) methods_by_owner: FxHashMap<Ustr, Vec<FuncRef>>,
    /// The first segments of the service's own module names.
    pub(super) own_roots: FxHashSet<Ustr>,
    pub(super) field_writes: FxHashMap<Owner, Vec<(ValueRef, Option<u8>)>>,
    pub(super) callers: FxHashMap<FuncRef, Vec<ValueRef>>,
    pub(super) type_memo: Memo<Option<Ustr>>,
    /// The number of each type's answer in `type_memo`.
    pub(super) type_numbers: RefCell<FxHashMap<Ustr, u32>>,
    pub(super) callee_memo: Memo<Rc<Callee>>,
    described_calls: Vec<DescribedCall<'a>>,
    pub(super) names: Names,
    /// The answer for every call of which nothing is known.
    pub(super) nothing: Rc<Callee>,
    methods: FxHashMap<Ustr, Vec<FuncRef>>,
}

/// Answers about names that are asked again and again, so that no text is put together and interned twice.
#[derive(Debug, Default)]
pub(super) struct Names {
    joined: RefCell<FxHashMap<(Ustr, Ustr), Ustr>>,
    pub(super) qualified_types: RefCell<FxHashMap<(u32, Ustr), Option<Ustr>>>,
    pub(super) supertypes: RefCell<FxHashMap<Ustr, Rc<[Ustr]>>>,
    pub(super) methods: RefCell<FxHashMap<(Ustr, Ustr), Rc<Callee>>>,
    /// Whether a Go type implements an interface.
    pub(super) implementing: RefCell<FxHashMap<(Ustr, Ustr), bool>>,
    pub(super) described: RefCell<FxHashMap<Ustr, Option<Ustr>>>,
    pub(super) roles: RefCell<FxHashMap<Ustr, Option<TypeRole>>>,
    pub(super) qualified_names: RefCell<FxHashMap<(u32, Ustr), Option<Ustr>>>,
}

impl Names {
    /// `owner.name`.
    pub(super) fn join(&self, owner: Ustr, name: Ustr) -> Ustr {
        *self.joined.borrow_mut().entry((owner, name)).or_insert_with(|| Ustr::from(&format!("{owner}.{name}")))
    }

    /// Forgets what depends on the indexes that are still being made.
    fn clear(&self) {
        self.qualified_types.borrow_mut().clear();
        self.supertypes.borrow_mut().clear();
        self.methods.borrow_mut().clear();
        self.implementing.borrow_mut().clear();
        self.described.borrow_mut().clear();
        self.roles.borrow_mut().clear();
        self.qualified_names.borrow_mut().clear();
    }
}

impl<'a> Program<'a> {
    /// Links files of one language. `roots` gives for each unit its folder and (Go) its module path.
    pub fn new(
        language: Language,
        knowledge: &'a Knowledge,
        sources: &[&'a SourceFile],
        roots: &[(String, String)],
    ) -> Self {
        let python_packages = super::imports::python_packages(sources);
        let homonyms = Homonyms::new(sources);
        let named = |source: &SourceFile| {
            let (root, module) = roots.get(source.unit).map_or(("", ""), |(a, b)| (a.as_str(), b.as_str()));
            module_name(source, root, module, &python_packages)
        };
        let modules: Vec<Ustr> = sources.par_iter().map(|source| named(source)).collect();
        let homes = Homes::new(sources, &modules, knowledge);
        let files: Vec<FileUnit<'a>> = sources
            .par_iter()
            .zip(&modules)
            .map(|(source, module)| {
                let module = homes.within(source.unit, *module);
                let flow = flow(&source.facts);
                let within = |name| homes.within(source.unit, name);
                let mut scope = FileScope::new(&source.facts, module, source.path, &within);
                homonyms.rename(source, &mut scope);
                let module = homonyms.package(source).unwrap_or(module);
                FileUnit { source, module, flow, scope }
            })
            .collect();
        let sizes = || files.iter().map(|file| file.source.facts.exprs.len());
        let nothing: Rc<Callee> = Rc::default();
        let (type_memo, callee_memo) = (Memo::new(sizes(), None), Memo::new(sizes(), Rc::clone(&nothing)));
        let mut program = Self {
            language,
            knowledge,
            files,
            functions: FxHashMap::default(),
            types: FxHashMap::default(),
            type_names: FxHashMap::default(),
            modules: FxHashMap::default(),
            methods_by_name: FxHashMap::default(),
            methods_by_owner: FxHashMap::default(),
            own_roots: FxHashSet::default(),
            field_writes: FxHashMap::default(),
            callers: FxHashMap::default(),
            type_memo,
            type_numbers: RefCell::default(),
            callee_memo,
            described_calls: Vec::new(),
            names: Names::default(),
            nothing,
            methods: FxHashMap::default(),
        };
        program.index_definitions();
        program.index_writes();
        program.index_calls();
        program.index_pointed();
        program
    }

    fn index_definitions(&mut self) {
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

    fn index_writes(&mut self) {
        let mut writes: FxHashMap<Owner, Vec<(ValueRef, Option<u8>)>> = FxHashMap::default();
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
                    if let super::flow::DefKind::Value { value, index } = file.flow.defs[def.0 as usize].kind {
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

    fn composite_writes(&self, at: u32, writes: &mut FxHashMap<Owner, Vec<(ValueRef, Option<u8>)>>) {
        let file = &self.files[at as usize];
        for expr in &file.source.facts.exprs {
            let crate::ir::ExprKind::Composite { ty: Some(ty), fields } = &expr.kind else { continue };
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
                    && let crate::ir::ExprKind::Name(key) = self.expr_kind(ValueRef { file: at, expr: key })
                {
                    writes.entry((name, *key)).or_default().push((value, None));
                }
            }
        }
    }

    /// `Config(url=…)` of a class without a constructor of its own, such as a model, fills the fields that it declares.
    fn keyword_writes(&self, at: u32, writes: &mut FxHashMap<Owner, Vec<(ValueRef, Option<u8>)>>) {
        for site in &self.files[at as usize].flow.calls {
            let call = ValueRef { file: at, expr: site.expr };
            let crate::ir::ExprKind::Call { args, .. } = self.expr_kind(call) else { continue };
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
            crate::ir::ExprKind::Member { base, name, .. } => {
                let base = ValueRef { file, expr: *base };
                // A variable of another package, or a field of a value.
                Some((self.type_of(base).or_else(|| self.qualify(base))?, *name))
            }
            crate::ir::ExprKind::Name(name) => {
                let owner = self.enclosing_type(FuncRef { file, id: function });
                match owner {
                    Some(owner) if self.has_field(owner, *name) => Some((self.type_names.get(&owner).copied()?, *name)),
                    _ => Some((self.files[file as usize].module, *name)),
                }
            }
            _ => None,
        }
    }

    fn index_calls(&mut self) {
        let mut callers: FxHashMap<FuncRef, Vec<ValueRef>> = FxHashMap::default();
        let mut described = Vec::new();
        let propagation = propagation(self.knowledge);
        for (at, file) in self.files.iter().enumerate() {
            for site in &file.flow.calls {
                let call = ValueRef { file: at as u32, expr: site.expr };
                let callee = self.callee(call);
                for function in &callee.functions {
                    callers.entry(*function).or_default().push(call);
                }
                let entry = callee.name.and_then(|name| self.described(name));
                let entry = entry.or_else(|| self.described_by_carrier(call, &callee, &propagation));
                described.extend(entry.map(|(library, effect)| DescribedCall { call, site: *site, library, effect }));
            }
        }
        self.callers = callers;
        self.described_calls = described;
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
        let crate::ir::ExprKind::Call { callee: called, .. } = self.expr_kind(call) else { return None };
        let crate::ir::ExprKind::Member { name, .. } = self.expr_kind(ValueRef { expr: *called, ..call }) else {
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

    /// The description of a library function by qualified name, also through the supertypes of its owner.
    pub fn described(&self, name: Ustr) -> Option<(&'a LibraryDescription, &'a FunctionDescription)> {
        self.knowledge.function(self.described_name(name)?)
    }

    /// All calls of described library functions, in the order of files and of evaluation.
    pub fn described_calls(&self) -> &[DescribedCall<'a>] {
        &self.described_calls
    }

    /// Adds what Go functions write through pointers to fields and globals that their callers give them.
    fn index_pointed(&mut self) {
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
            crate::ir::ExprKind::Unary { op, operand } if op == sign => Some(ValueRef { expr: *operand, ..value }),
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

    /// The expression behind a value.
    pub fn expr(&self, value: ValueRef) -> &Expr {
        self.files[value.file as usize].source.facts.expr(value.expr)
    }

    /// The shape of the expression behind a value.
    pub fn expr_kind(&self, value: ValueRef) -> &crate::ir::ExprKind {
        &self.expr(value).kind
    }

    /// The function behind a reference.
    pub fn function(&self, function: FuncRef) -> &Function {
        self.files[function.file as usize].source.facts.function(function.id)
    }

    /// The declaration behind a type index.
    pub fn type_decl(&self, ty: TypeIndex) -> &TypeDecl {
        self.files[ty.file as usize].source.facts.type_decl(ty.id)
    }

    /// The service's own type with this qualified name.
    pub fn own_type(&self, name: Ustr) -> Option<TypeIndex> {
        self.types.get(&name).copied()
    }

    /// The qualified name of one of the service's own types.
    pub fn type_name(&self, ty: TypeIndex) -> Ustr {
        self.type_names.get(&ty).copied().unwrap_or_default()
    }

    /// The unit that defines a module.
    pub fn module_unit(&self, module: &str) -> Option<usize> {
        let file = self.modules.get(&Ustr::from_existing(module)?)?;
        Some(self.files[*file as usize].source.unit)
    }

    /// Where a value stands.
    pub fn place(&self, value: ValueRef) -> Place {
        Place { path: self.files[value.file as usize].source.path, span: self.expr(value).span }
    }

    /// A place in a file.
    pub fn place_of(&self, file: u32, span: Span) -> Place {
        Place { path: self.files[file as usize].source.path, span }
    }

    /// The call sites that may run a function.
    pub fn callers(&self, function: FuncRef) -> &[ValueRef] {
        self.callers.get(&function).map_or(&[], Vec::as_slice)
    }

    /// The methods of this name that the service's own types have.
    pub fn methods_named(&self, name: Ustr) -> &[FuncRef] {
        self.methods_by_name.get(&name).map_or(&[], Vec::as_slice)
    }

    /// How a call is run: its function, loop, `defer`.
    pub fn call_site(&self, call: ValueRef) -> Option<&CallSite> {
        let flow = &self.files[call.file as usize].flow;
        flow.calls_of(self.function_covering(call).id).find(|site| site.expr == call.expr)
    }

    /// A definition of a file.
    pub fn def(&self, file: u32, def: DefId) -> &Def {
        &self.files[file as usize].flow.defs[def.0 as usize]
    }

    /// The definitions that reach a use of a local name; empty for anything else.
    pub fn reaching(&self, value: ValueRef) -> &[DefId] {
        self.files[value.file as usize].flow.reaching(value.expr)
    }

    /// The value whose operand this one is.
    pub fn parent(&self, value: ValueRef) -> Option<ValueRef> {
        let parent = self.files[value.file as usize].flow.parent(value.expr)?;
        Some(ValueRef { file: value.file, expr: parent })
    }

    /// The type whose method a function is, also for a closure inside a method.
    pub fn enclosing_type(&self, function: FuncRef) -> Option<TypeIndex> {
        let mut at = Some(function.id);
        while let Some(id) = at {
            let current = self.function(FuncRef { file: function.file, id });
            if let Some(owner) = current.owner {
                return Some(TypeIndex { file: function.file, id: owner });
            }
            if !current.owner_name.is_empty() {
                let name = self.names.join(self.files[function.file as usize].module, current.owner_name);
                return self.types.get(&name).copied();
            }
            at = current.parent;
        }
        None
    }

    /// The function, or the outermost one that a closure is written in.
    pub fn outermost(&self, function: FuncRef) -> FuncRef {
        let mut id = function.id;
        while let Some(parent) = self.function(FuncRef { file: function.file, id }).parent
            && parent.0 != 0
        {
            id = parent;
        }
        FuncRef { file: function.file, id }
    }

    /// The functions and closures that are written in one of the service's own types.
    pub fn written_in(&self, ty: Ustr) -> &[FuncRef] {
        self.methods.get(&ty).map_or(&[], Vec::as_slice)
    }

    /// The innermost function in a file whose definition covers a span.
    pub fn function_at(&self, value: ValueRef) -> FuncRef {
        self.function_covering(value)
    }

    /// Whether a type declares this field itself.
    pub fn has_field(&self, ty: TypeIndex, name: Ustr) -> bool {
        self.type_decl(ty).fields.iter().any(|field| field.name == name)
    }

    /// Every write to a field or global that was seen.
    pub fn writes(&self, owner: Owner) -> &[(ValueRef, Option<u8>)] {
        self.field_writes.get(&owner).map_or(&[], Vec::as_slice)
    }

    /// All functions with bodies or without, in file order.
    pub fn all_functions(&self) -> impl Iterator<Item = FuncRef> + '_ {
        self.files.iter().enumerate().flat_map(|(file, unit)| {
            (0..unit.source.facts.functions.len())
                .map(move |id| FuncRef { file: file as u32, id: FunctionId(id as u32) })
        })
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
