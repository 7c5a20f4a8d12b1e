//! The small language-neutral record that one source file is lowered to.
//!
//! Everything after lowering works on these facts alone: no grammar, no syntax tree. A file is a handful of flat
//! arenas (`exprs`, `stmts`, `functions`, `types`) that refer to each other by index, so a whole service's facts
//! stay small and can be dropped or kept as one block. Names are interned ([`ustr::Ustr`]: eight bytes, compared
//! by address, freely copied).

mod dump;
mod expr;
mod function;
mod span;
mod stmt;

pub use dump::dump;
pub use expr::{Arg, Expr, ExprId, ExprKind, Field, Spread};
pub use function::{
    Annotation, Function, FunctionFlags, FunctionId, Import, Param, TypeDecl, TypeField, TypeId, TypeKind, TypeRef,
};
pub use span::{LineIndex, Position, Span};
pub use stmt::{Block, Handler, Jump, LoopKind, Stmt, StmtKind, WithItem};

use serde::{Deserialize, Serialize};
use ustr::Ustr;

/// A language that hoplint reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Go.
    Go,
    /// Python 3.
    Python,
    /// Java.
    Java,
}

impl Language {
    /// The language of a file by its extension, or `None` for a file that hoplint does not parse.
    pub fn of_path(path: &std::path::Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "go" => Some(Self::Go),
            "py" => Some(Self::Python),
            "java" => Some(Self::Java),
            _ => None,
        }
    }

    /// The lower-case name used in rule pages, data folders and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Go => "go",
            Self::Python => "python",
            Self::Java => "java",
        }
    }
}

/// What one source file says, without its syntax tree.
///
/// `functions[0]` always exists: it is the code that runs when the file is loaded (Go package-level `var` values,
/// Python module level, Java static and instance field initialisers that belong to no method).
#[derive(Debug)]
pub struct FileFacts {
    /// The language the file was read as.
    pub language: Language,
    /// Go: the package clause's name. Java: the dotted package. Python: empty (the walk knows the module path).
    pub package: Ustr,
    /// Imports in source order.
    pub imports: Vec<Import>,
    /// Types in source order, nested ones after their owners.
    pub types: Vec<TypeDecl>,
    /// Functions, methods, closures and lambdas; index 0 is the file's own load-time code.
    pub functions: Vec<Function>,
    /// All expressions.
    pub exprs: Vec<Expr>,
    /// All statements.
    pub stmts: Vec<Stmt>,
    /// Comments that address hoplint, each with its 1-based line and its text without comment markers.
    pub directives: Vec<Directive>,
    /// The start of every line, to turn byte offsets into lines.
    pub lines: LineIndex,
    /// The syntax tree had error or missing nodes: what lies near them may be absent.
    pub has_errors: bool,
    /// Something was nested deeper than the limit and was replaced by [`ExprKind::Unknown`]; the count of cuts.
    pub cuts: u32,
    /// The file says of itself that it is generated (`// Code generated … DO NOT EDIT.` and the like).
    pub generated: bool,
}

/// A comment addressed to hoplint, such as `hoplint: ignore[context-replaced] detached on purpose`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// The 1-based line on which the comment starts.
    pub line: u32,
    /// Whether nothing but white space stands before it on that line.
    pub own_line: bool,
    /// The text after `hoplint:`, trimmed.
    pub text: String,
}

impl FileFacts {
    /// An empty record, with the load-time function in place.
    pub fn new(language: Language, lines: LineIndex) -> Self {
        Self {
            language,
            package: Ustr::default(),
            imports: Vec::new(),
            types: Vec::new(),
            functions: vec![Function::module_init()],
            exprs: Vec::new(),
            stmts: Vec::new(),
            directives: Vec::new(),
            lines,
            has_errors: false,
            cuts: 0,
            generated: false,
        }
    }

    /// Adds an expression and returns its id.
    pub fn add_expr(&mut self, span: Span, kind: ExprKind) -> ExprId {
        self.exprs.push(Expr { span, kind });
        ExprId(u32::try_from(self.exprs.len() - 1).unwrap_or(u32::MAX))
    }

    /// Adds a statement to the arena and returns it as a one-statement handle to be put in a block.
    pub fn add_stmt(&mut self, span: Span, kind: StmtKind) -> u32 {
        self.stmts.push(Stmt { span, kind });
        u32::try_from(self.stmts.len() - 1).unwrap_or(u32::MAX)
    }

    /// The expression with this id.
    pub fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id.0 as usize]
    }

    /// The function with this id.
    pub fn function(&self, id: FunctionId) -> &Function {
        &self.functions[id.0 as usize]
    }

    /// The statements of a block.
    pub fn statements(&self, block: &[u32]) -> impl Iterator<Item = &Stmt> {
        block.iter().filter_map(|id| self.stmts.get(*id as usize))
    }

    /// The type with this id.
    pub fn type_decl(&self, id: TypeId) -> &TypeDecl {
        &self.types[id.0 as usize]
    }
}
