//! Definitions: imports, types, functions.

use super::{Block, ExprId, Span};
use ustr::Ustr;

/// Index of a function in its file's arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FunctionId(pub u32);

/// Index of a type in its file's arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub u32);

/// One imported name.
#[derive(Debug, Clone)]
pub struct Import {
    /// The name it gets in this file. Go: the alias, or empty when the package's own name counts. `*` for Python and
    /// Java wildcard imports, `.` for a Go dot import, `_` for a blank one.
    pub local: Ustr,
    /// What it names. Go: the import path. Python: `module.name` for `from module import name`, `module` for `import
    /// module as m`; for plain `import a.b` the target is `a` with local `a` (and `module` says `a.b`). Java: the dotted
    /// class, member or (for a wildcard) package.
    pub target: Ustr,
    /// The imported module as written: Go path, Python module (leading dots kept for relative imports), Java package or class.
    pub module: Ustr,
    /// Java `import static`.
    pub is_static: bool,
    /// Where it stands.
    pub span: Span,
    /// The function it stands in ([`FunctionId`] 0 at file level).
    pub function: FunctionId,
}

/// A type as written, reduced to a dotted name and arguments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TypeRef {
    /// The dotted name without pointer, reference, package-path or array marks: `http.Client`, `List`, `str`.
    /// A Go `[]T` is `[]` with the argument `T`, a map is `map` with two, a function type `func`, a channel `chan`.
    /// A Java array is `[]` too. Python `X | None` and `Optional[X]` are reduced to `X`.
    pub name: Ustr,
    /// Type arguments.
    pub args: Vec<TypeRef>,
}

/// Java annotation or Python decorator, also on types and parameters.
#[derive(Debug, Clone)]
pub struct Annotation {
    /// The dotted name as written: `RestController`, `app.get`, `shared_task`.
    pub name: Ustr,
    /// The whole decorator as an expression ([`super::ExprKind::Name`], `Member` or `Call`); for Java a `Call` whose
    /// arguments are the element values (a lone value has no keyword).
    pub expr: ExprId,
    /// Where it stands.
    pub span: Span,
}

/// What kind of type a declaration makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeKind {
    /// Class, struct, record, enum.
    Class,
    /// Interface, Python `Protocol`, abstract base without fields.
    Interface,
    /// Go `type X = Y` and `type X Y` of a non-struct.
    Alias,
}

/// A field of a type.
#[derive(Debug, Clone)]
pub struct TypeField {
    /// Its name. An embedded Go field has the last segment of its type's name.
    pub name: Ustr,
    /// Its declared type.
    pub ty: Option<TypeRef>,
    /// The value it starts with (Java field initialiser, Python class attribute).
    pub init: Option<ExprId>,
    /// Go embedding.
    pub embedded: bool,
    /// Annotations on it.
    pub annotations: Vec<Annotation>,
    /// Where it stands.
    pub span: Span,
    /// `static`, or a Python class attribute.
    pub is_static: bool,
    /// Java `private`, Go lower-case: only the code of its file (Java) or package (Go) can name it. Never in Python.
    pub is_private: bool,
}

/// A type of this file.
#[derive(Debug)]
pub struct TypeDecl {
    /// Its simple name; an anonymous class has an empty one.
    pub name: Ustr,
    /// Class, interface or alias.
    pub kind: TypeKind,
    /// Supertypes: `extends`, `implements`, Python bases, Go embedded types of interfaces, an alias' target.
    pub supers: Vec<TypeRef>,
    /// Fields in order.
    pub fields: Vec<TypeField>,
    /// Annotations and decorators.
    pub annotations: Vec<Annotation>,
    /// The type it is nested in.
    pub owner: Option<TypeId>,
    /// The whole declaration.
    pub span: Span,
    /// The name alone.
    pub name_span: Span,
    /// `abstract`.
    pub is_abstract: bool,
}

/// A parameter.
#[derive(Debug, Clone)]
pub struct Param {
    /// Its name; empty when the language allows none to be given.
    pub name: Ustr,
    /// Its declared type.
    pub ty: Option<TypeRef>,
    /// Its default value.
    pub default: Option<ExprId>,
    /// Go `...T`, Java `T...`, Python `*args`.
    pub variadic: bool,
    /// Python `**kwargs`.
    pub keywords: bool,
    /// Annotations on it.
    pub annotations: Vec<Annotation>,
    /// Where it stands.
    pub span: Span,
}

/// Yes-or-no properties of a function.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FunctionFlags {
    /// Python `async def`.
    pub is_async: bool,
    /// Has a `yield` of its own.
    pub is_generator: bool,
    /// Java `static`, Python `@staticmethod`.
    pub is_static: bool,
    /// Java `private`, Go lower-case, Python leading underscore.
    pub is_private: bool,
    /// Java constructor, Python `__init__`.
    pub is_constructor: bool,
    /// A function literal, lambda, or anonymous function.
    pub is_closure: bool,
    /// Has no body (interface method, abstract method, native).
    pub is_abstract: bool,
    /// Java `synchronized`, kept because it says that the method is no reactive operator.
    pub is_final: bool,
}

/// A function, method, closure, or (index 0) the file's load-time code.
#[derive(Debug)]
pub struct Function {
    /// Its simple name; empty for a closure and for load-time code.
    pub name: Ustr,
    /// Go receiver name (`s` of `func (s *Server)`); Python's first parameter stays in `params`; Java: empty.
    pub receiver: Option<Param>,
    /// The type it is a method of, by declaration in this file.
    pub owner: Option<TypeId>,
    /// The type it is a method of, by name (Go methods may stand in another file than their type).
    pub owner_name: Ustr,
    /// Parameters in order, without a Go receiver, with Python's `self`.
    pub params: Vec<Param>,
    /// Declared result types.
    pub results: Vec<TypeRef>,
    /// Names of named results (Go), parallel to `results`; empty when unnamed.
    pub result_names: Vec<Ustr>,
    /// Annotations and decorators.
    pub annotations: Vec<Annotation>,
    /// The function it is written in; `None` for load-time code only.
    pub parent: Option<FunctionId>,
    /// Properties.
    pub flags: FunctionFlags,
    /// Its statements. A lambda with an expression body has one `Return`.
    pub body: Block,
    /// The whole definition.
    pub span: Span,
    /// The name alone, or the start of a closure.
    pub name_span: Span,
}

impl Function {
    /// The load-time code of a file, still empty.
    pub fn module_init() -> Self {
        Self {
            name: Ustr::default(),
            receiver: None,
            owner: None,
            owner_name: Ustr::default(),
            params: Vec::new(),
            results: Vec::new(),
            result_names: Vec::new(),
            annotations: Vec::new(),
            parent: None,
            flags: FunctionFlags::default(),
            body: Block::default(),
            span: Span::default(),
            name_span: Span::default(),
        }
    }
}
