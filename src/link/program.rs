//! The symbol table of one language's files: every definition under its qualified name, every call with its place.

use super::callee::Callee;
use super::flow::{CallSite, Def, DefId, FileFlow, flow};
use super::homes::Homes;
use super::imports::{FileScope, Homonyms, module_name};
use super::memo::Memo;
use crate::finding::Place;
use crate::ir::{Expr, ExprId, FileFacts, Function, FunctionId, Language, Span, TypeDecl, TypeId};
use crate::knowledge::{FunctionDescription, Knowledge, LibraryDescription, TypeRole};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use std::cell::{OnceCell, RefCell};
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
    pub(super) described_calls: Vec<DescribedCall<'a>>,
    pub(super) names: Names,
    /// The answer for every call of which nothing is known.
    pub(super) nothing: Rc<Callee>,
    pub(super) methods: FxHashMap<Ustr, Vec<FuncRef>>,
    /// The names by which calls give arguments; found where they are asked for.
    pub(super) given_names: OnceCell<FxHashSet<Ustr>>,
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
    pub(super) fn clear(&self) {
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
            given_names: OnceCell::new(),
        };
        program.index_definitions();
        program.index_writes();
        program.index_calls();
        program.index_pointed();
        program
    }

    /// The description of a library function by qualified name, also through the supertypes of its owner.
    pub fn described(&self, name: Ustr) -> Option<(&'a LibraryDescription, &'a FunctionDescription)> {
        self.knowledge.function(self.described_name(name)?)
    }

    /// All calls of described library functions, in the order of files and of evaluation.
    pub fn described_calls(&self) -> &[DescribedCall<'a>] {
        &self.described_calls
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

    /// The function, or the outermost one that a closure is written in. What a decorator gives to a library is no part of
    /// the function around it, which only makes it: `@app.get("/")` in `def create_app()`.
    pub fn outermost(&self, function: FuncRef) -> FuncRef {
        let mut at = function;
        while let Some(parent) = self.function(at).parent
            && parent.0 != 0
            && !self.is_given_to_library(at)
        {
            at.id = parent;
        }
        at
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
