//! Values: what an expression is, reduced to the shapes that matter for following a context.

use super::{FunctionId, Span, TypeRef};
use ustr::Ustr;

/// Index of an expression in its file's arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExprId(pub u32);

/// An expression and where it stands.
#[derive(Debug)]
pub struct Expr {
    /// The bytes it covers.
    pub span: Span,
    /// Its shape.
    pub kind: ExprKind,
}

/// How an argument is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// One value.
    None,
    /// Go `args...`, Python `*args`: the elements of a list.
    List,
    /// Python `**kwargs`: the entries of a mapping.
    Map,
}

/// One argument of a call.
#[derive(Debug, Clone, Copy)]
pub struct Arg {
    /// The keyword it is passed by (Python), or `None` for a positional one.
    pub name: Option<Ustr>,
    /// The value.
    pub value: ExprId,
    /// Whether the value is spread over several parameters.
    pub spread: Spread,
}

/// One entry of a composite value.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// The key: a struct field's name as [`ExprKind::Name`], a map key, or `None` for a list element.
    pub key: Option<ExprId>,
    /// The value.
    pub value: ExprId,
}

/// The shapes of expressions in all three languages. Types are boxed: there are millions of these, few with a type.
#[derive(Debug)]
pub enum ExprKind {
    /// A plain name: local, parameter, import, function, type. Java `this` and Python `self` are names too.
    Name(Ustr),
    /// A string literal's content without quotes and prefixes, escapes as written, at most 256 bytes of it.
    Str(Ustr),
    /// A number, boolean, `nil`, `None`, `null`, character: the literal's text (at most 64 bytes).
    Lit(Ustr),
    /// `base.name`; Java `Type::name` is [`ExprKind::MethodRef`].
    Member {
        /// What stands before the dot.
        base: ExprId,
        /// What stands after it.
        name: Ustr,
        /// The bytes of `name` alone.
        name_span: Span,
    },
    /// A call of a function, method or (Python) class. A Java unqualified call `f()` has a [`ExprKind::Name`] callee,
    /// `super(…)`/`this(…)` a callee named `super`/`this`.
    Call {
        /// The function value.
        callee: ExprId,
        /// Arguments in order.
        args: Box<[Arg]>,
    },
    /// Java `new T(args) { body }`.
    New {
        /// The class.
        ty: Box<TypeRef>,
        /// Constructor arguments.
        args: Box<[Arg]>,
        /// The anonymous class, where there is a body.
        body: Option<super::TypeId>,
    },
    /// Go `T{…}` and `&T{…}` (the `&` is dropped), Python list, tuple, set and dict displays, Java array initialisers.
    Composite {
        /// The type, where the language names one.
        ty: Option<Box<TypeRef>>,
        /// Its entries.
        fields: Box<[Field]>,
    },
    /// The zero value of a declared type (Go `var x T`, where `T` is no pointer).
    Zero(Box<TypeRef>),
    /// A function literal, lambda or nested definition used as a value.
    Closure(FunctionId),
    /// `base[index]`.
    Index {
        /// The container.
        base: ExprId,
        /// The key, or `None` for a slice.
        index: Option<ExprId>,
    },
    /// A prefix operator: `!`, `-`, `&`, `*`, `not`.
    Unary {
        /// The operator as written.
        op: Ustr,
        /// The operand.
        operand: ExprId,
    },
    /// An infix operator, boolean and comparison operators included.
    Binary {
        /// The operator as written.
        op: Ustr,
        /// Left operand.
        left: ExprId,
        /// Right operand.
        right: ExprId,
    },
    /// `await x`.
    Await(ExprId),
    /// `yield x`, `yield from x`.
    Yield(Option<ExprId>),
    /// Go `x.(T)`, Java `(T) x`.
    Cast {
        /// The target type.
        ty: Box<TypeRef>,
        /// The value.
        value: ExprId,
    },
    /// `c ? a : b`, `a if c else b`.
    Conditional {
        /// The condition.
        condition: ExprId,
        /// Value when true.
        then: ExprId,
        /// Value when false.
        otherwise: ExprId,
    },
    /// An assignment used as a value (Java `x = y`, Python `x := y`).
    Assign {
        /// Where the value goes.
        target: ExprId,
        /// The value.
        value: ExprId,
    },
    /// Go `<-ch`.
    Receive(ExprId),
    /// Java `Type::method`, `value::method`, `Type::new`.
    MethodRef {
        /// Left of `::`.
        base: ExprId,
        /// Right of it.
        name: Ustr,
    },
    /// A type used as a value: Java `Foo.class`, Go `[]byte` in a conversion, generic instantiations.
    Type(Box<TypeRef>),
    /// Anything else; its operands are still visited.
    Unknown(Box<[ExprId]>),
}
