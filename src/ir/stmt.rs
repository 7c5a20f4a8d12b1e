//! Statements: the order in which values come into being.

use super::{ExprId, Span, TypeRef};
use ustr::Ustr;

/// A sequence of statements: indices into the file's statement arena, in source order.
pub type Block = Box<[u32]>;

/// A statement and where it stands.
#[derive(Debug)]
pub struct Stmt {
    /// The bytes it covers.
    pub span: Span,
    /// Its shape.
    pub kind: StmtKind,
}

/// What drives a loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoopKind {
    /// Runs over the elements of something (`range`, `for … in`, enhanced `for`).
    Each,
    /// Runs while a condition holds (with one: `while cond`, `for i := 0; …`).
    While,
    /// Runs until left (`for {}`, `while True`).
    Forever,
}

/// Where a jump goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jump {
    /// Out of the innermost loop, or (Go, Java) switch.
    Break,
    /// To the next round of the innermost loop.
    Continue,
    /// To a label, or into the next arm of a switch.
    Elsewhere,
}

/// One `except`/`catch` clause.
#[derive(Debug)]
pub struct Handler {
    /// The name the exception is bound to.
    pub binding: Option<Ustr>,
    /// What runs.
    pub body: Block,
}

/// One manager of a Python `with`, or one resource of a Java `try (…)`.
#[derive(Debug)]
pub struct WithItem {
    /// The managed value.
    pub value: ExprId,
    /// What it is bound to: for Java the declared resource's name.
    pub target: Option<ExprId>,
    /// Java: the resource's declared type.
    pub ty: Option<TypeRef>,
}

/// The shapes of statements in all three languages.
#[derive(Debug)]
pub enum StmtKind {
    /// An expression for its effect.
    Expr(ExprId),
    /// `targets = values`. Several targets with one value unpack it (Go multiple results, Python tuples).
    /// A declaration without a value has no values, or (Go, one name) the [`super::ExprKind::Zero`] of its type.
    /// Python `x += y` and Go `x += y` have the value as [`super::ExprKind::Binary`].
    Assign {
        /// Names, members, indices; Go `_` is the name `_`.
        targets: Box<[ExprId]>,
        /// The declared type (`var x T`, `T x = …`, `x: T = …`).
        ty: Option<TypeRef>,
        /// The values.
        values: Box<[ExprId]>,
        /// Whether this declares the names (`:=`, `var`, a Java local); a Python assignment to a name does not say.
        declares: bool,
    },
    /// `return values`.
    Return(Box<[ExprId]>),
    /// A branch.
    If {
        /// Runs before the condition in its own scope (Go `if x := f(); …`).
        init: Block,
        /// The condition.
        condition: ExprId,
        /// When true.
        then: Block,
        /// When false (an `elif` is an `If` inside).
        otherwise: Block,
    },
    /// A loop.
    Loop {
        /// What drives it.
        kind: LoopKind,
        /// Runs once before (Go/Java `for` initialiser).
        init: Block,
        /// The condition or the iterated value.
        subject: Option<ExprId>,
        /// What each element is bound to.
        targets: Box<[ExprId]>,
        /// The body, with a `for` post statement at its end.
        body: Block,
        /// Python `async for`.
        is_async: bool,
    },
    /// `switch`, `select`, `match`: arms exclude each other; Java fall-through is not modelled.
    Switch {
        /// Runs before (Go initialiser).
        init: Block,
        /// What is switched over.
        subject: Option<ExprId>,
        /// Each arm, its own bindings and communication as first statements. A default arm is one of them.
        arms: Box<[Block]>,
        /// Whether one arm always runs (there is a default).
        exhaustive: bool,
    },
    /// `try`.
    Try {
        /// The protected part. For Java try-with-resources this holds one [`StmtKind::With`].
        body: Block,
        /// The handlers.
        handlers: Box<[Handler]>,
        /// Python `else`.
        otherwise: Block,
        /// `finally`.
        finally: Block,
    },
    /// Python `with`, Java try-with-resources.
    With {
        /// The managed values in order.
        items: Box<[WithItem]>,
        /// What runs inside.
        body: Block,
        /// Python `async with`.
        is_async: bool,
    },
    /// Go `defer call`.
    Defer(ExprId),
    /// Go `go call`.
    Spawn(ExprId),
    /// Go `ch <- value`.
    Send {
        /// The channel.
        channel: ExprId,
        /// The value.
        value: ExprId,
    },
    /// `throw`, `raise`.
    Throw(Option<ExprId>),
    /// `break`, `continue`, `goto`, `fallthrough`.
    Jump(Jump),
    /// A nested block with its own scope (also Java `synchronized`, labelled statements).
    Block(Block),
}

impl StmtKind {
    /// The blocks that it runs, without initialisers, which belong to the statement itself.
    pub fn blocks(&self) -> Vec<&[u32]> {
        match self {
            StmtKind::If { then, otherwise, .. } => vec![then, otherwise],
            StmtKind::Loop { body, .. } | StmtKind::With { body, .. } => vec![body],
            StmtKind::Switch { arms, .. } => arms.iter().map(|arm| &**arm).collect(),
            StmtKind::Try { body, handlers, otherwise, finally } => {
                let mut out: Vec<&[u32]> = vec![body, otherwise, finally];
                out.extend(handlers.iter().map(|handler| &*handler.body));
                out
            }
            StmtKind::Block(block) => vec![block],
            _ => Vec::new(),
        }
    }
}
