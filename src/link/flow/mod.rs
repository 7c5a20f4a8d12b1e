//! Which assignment a name's value comes from: reaching definitions, one walk over each function.
//!
//! Branches are walked apart and joined, a branch that leaves (return, throw, break) does not join, closures see the
//! definitions that reach the place where they are made. Loop bodies are walked once: a value that only arrives from an
//! earlier round is not seen.

mod walk;

pub use walk::flow;

use crate::ir::{ExprId, FunctionId, Span};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use ustr::Ustr;

/// Index of a definition in its file's flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DefId(pub u32);

/// Index of a variable in its file's flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VarId(pub u32);

/// The position of a method's receiver among its parameters.
pub const RECEIVER: u16 = u16::MAX;

/// Where a definition's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefKind {
    /// A parameter, by its index in the function's parameters, or [`RECEIVER`].
    Param(u16),
    /// An assigned value; `index` is the position when one value is unpacked to several targets.
    Value {
        /// The assigned expression.
        value: ExprId,
        /// Position among several results.
        index: Option<u8>,
    },
    /// An element of what a loop runs over.
    Element(ExprId),
    /// What a `with` or `try (…)` manager hands out.
    Entered(ExprId),
    /// A declaration without a value.
    Declared,
    /// An exception or another value that is not followed.
    Opaque,
}

/// One definition of a variable.
#[derive(Debug, Clone, Copy)]
pub struct Def {
    /// The variable.
    pub var: VarId,
    /// Where its value comes from.
    pub kind: DefKind,
    /// The statement that declares a type for it.
    pub stmt: Option<u32>,
    /// The function that holds it.
    pub function: FunctionId,
    /// The target's bytes.
    pub span: Span,
    /// The innermost loop around it, numbered in the file from 1; 0 outside loops.
    pub in_loop: u32,
}

/// A variable of a function and its closures.
#[derive(Debug)]
pub struct Var {
    /// Its name.
    pub name: Ustr,
    /// The function that declares it.
    pub function: FunctionId,
    /// All its definitions.
    pub defs: SmallVec<[DefId; 2]>,
    /// All its uses.
    pub uses: SmallVec<[ExprId; 4]>,
}

/// A call and how it is run.
#[derive(Debug, Clone, Copy)]
pub struct CallSite {
    /// The call or object creation.
    pub expr: ExprId,
    /// The function it stands in.
    pub function: FunctionId,
    /// It is the call of a `defer`.
    pub deferred: bool,
    /// It is the call of a `go` statement.
    pub spawned: bool,
    /// It is the value of a `with` item or a resource.
    pub managed: bool,
    /// It is a statement of its own: its result is dropped.
    pub dropped: bool,
    /// The innermost loop around it, as in [`Def::in_loop`].
    pub in_loop: u32,
}

/// What a function hands back at one place.
#[derive(Debug, Clone)]
pub struct Return {
    /// The function.
    pub function: FunctionId,
    /// The values.
    pub values: SmallVec<[ExprId; 2]>,
}

/// A write to a field, a global or an index.
#[derive(Debug, Clone, Copy)]
pub struct Write {
    /// The expression of a member, an element or (a global) a name that is written.
    pub target: ExprId,
    /// The value.
    pub value: ExprId,
    /// Position among several results.
    pub index: Option<u8>,
    /// The function that writes.
    pub function: FunctionId,
}

/// Everything the walk found in one file.
#[derive(Debug, Default)]
pub struct FileFlow {
    /// Variables.
    pub vars: Vec<Var>,
    /// Definitions.
    pub defs: Vec<Def>,
    /// Calls and object creations in order of evaluation.
    pub calls: Vec<CallSite>,
    /// Returns.
    pub returns: Vec<Return>,
    /// Writes to anything but locals.
    pub writes: Vec<Write>,
    /// The expression that makes each closure.
    pub closures: FxHashMap<FunctionId, ExprId>,
    /// The function that each expression stands in, by the expression's index.
    pub functions: Vec<FunctionId>,
    uses: Reaching,
    /// For each expression that is an argument, receiver or value of another, that other one; else [`NO_EXPR`].
    parents: Vec<ExprId>,
    index: Index,
}

/// Stands for "no expression" in a table of them.
const NO_EXPR: ExprId = ExprId(u32::MAX);

/// The definitions that reach each use of a local name, by the expression's index: most uses have one.
#[derive(Debug, Default)]
struct Reaching {
    /// One definition; [`Reaching::NO_LOCAL`]; or, with [`Reaching::MANY`], a position in `sets`.
    single: Vec<DefId>,
    sets: Vec<SmallVec<[DefId; 2]>>,
}

impl Reaching {
    const NO_LOCAL: DefId = DefId(u32::MAX);

    const MANY: u32 = 1 << 31;

    pub(super) fn set(&mut self, expr: ExprId, defs: &[DefId]) {
        let Some(slot) = self.single.get_mut(expr.0 as usize) else { return };
        if let [only] = defs {
            *slot = *only;
        } else {
            *slot = DefId(self.sets.len() as u32 | Self::MANY);
            self.sets.push(SmallVec::from_slice(defs));
        }
    }

    pub(super) fn get(&self, expr: ExprId) -> Option<&[DefId]> {
        let slot = self.single.get(expr.0 as usize).filter(|slot| **slot != Self::NO_LOCAL)?;
        match slot.0 & Self::MANY {
            0 => Some(std::slice::from_ref(slot)),
            _ => self.sets.get((slot.0 & !Self::MANY) as usize).map(SmallVec::as_slice),
        }
    }
}

/// Which definitions, writes, returns and calls belong to a value or function.
#[derive(Debug, Default)]
pub(super) struct Index {
    defs_from: FxHashMap<ExprId, SmallVec<[DefId; 1]>>,
    writes_from: FxHashMap<ExprId, SmallVec<[u32; 1]>>,
    writes_to: FxHashMap<ExprId, SmallVec<[u32; 1]>>,
    returns_of: FxHashMap<FunctionId, SmallVec<[u32; 2]>>,
    calls_of: FxHashMap<FunctionId, SmallVec<[u32; 4]>>,
    params_of: FxHashMap<FunctionId, SmallVec<[VarId; 4]>>,
}

impl FileFlow {
    pub(super) fn new(exprs: usize) -> Self {
        Self {
            functions: vec![FunctionId(0); exprs],
            parents: vec![NO_EXPR; exprs],
            uses: Reaching { single: vec![Reaching::NO_LOCAL; exprs], sets: Vec::new() },
            ..Self::default()
        }
    }

    /// Whether an expression is the use of a local name (of a function, or of the file's load-time code).
    pub fn is_local(&self, expr: ExprId) -> bool {
        self.uses.get(expr).is_some()
    }

    /// The definitions that reach the use of a local name; empty for anything else and where none is seen.
    pub fn reaching(&self, expr: ExprId) -> &[DefId] {
        self.uses.get(expr).unwrap_or_default()
    }

    /// All uses of local names with the definitions that reach them.
    pub fn uses(&self) -> impl Iterator<Item = (ExprId, &[DefId])> {
        let exprs = (0..self.uses.single.len()).map(|at| ExprId(at as u32));
        exprs.filter_map(|expr| Some((expr, self.uses.get(expr)?)))
    }

    /// The expression whose operand this one is.
    pub fn parent(&self, expr: ExprId) -> Option<ExprId> {
        self.parents.get(expr.0 as usize).copied().filter(|parent| *parent != NO_EXPR)
    }

    /// The definitions whose value an expression is, whole or in parts.
    pub fn defs_from(&self, value: ExprId) -> impl Iterator<Item = (DefId, &Def)> {
        let found = self.index.defs_from.get(&value).map_or(&[][..], SmallVec::as_slice);
        found.iter().map(|id| (*id, &self.defs[id.0 as usize]))
    }

    /// The writes whose value an expression is.
    pub fn writes_from(&self, value: ExprId) -> impl Iterator<Item = &Write> {
        let found = self.index.writes_from.get(&value).map_or(&[][..], SmallVec::as_slice);
        found.iter().map(|at| &self.writes[*at as usize])
    }

    /// The writes to a place.
    pub fn writes_to(&self, target: ExprId) -> impl Iterator<Item = &Write> {
        let found = self.index.writes_to.get(&target).map_or(&[][..], SmallVec::as_slice);
        found.iter().map(|at| &self.writes[*at as usize])
    }

    /// The returns of a function.
    pub fn returns_of(&self, function: FunctionId) -> impl Iterator<Item = &Return> {
        let found = self.index.returns_of.get(&function).map_or(&[][..], SmallVec::as_slice);
        found.iter().map(|at| &self.returns[*at as usize])
    }

    /// The calls in a function, without those in its closures.
    pub fn calls_of(&self, function: FunctionId) -> impl Iterator<Item = &CallSite> {
        let found = self.index.calls_of.get(&function).map_or(&[][..], SmallVec::as_slice);
        found.iter().map(|at| &self.calls[*at as usize])
    }

    /// The variable of a function's parameter.
    pub fn param_var(&self, function: FunctionId, n: u16) -> Option<&Var> {
        let found = self.index.params_of.get(&function)?;
        found
            .iter()
            .map(|id| &self.vars[id.0 as usize])
            .find(|var| var.defs.first().is_some_and(|def| self.defs[def.0 as usize].kind == DefKind::Param(n)))
    }

    pub(super) fn build_index(&mut self) {
        let mut index = Index::default();
        for (n, def) in self.defs.iter().enumerate() {
            let id = DefId(n as u32);
            match def.kind {
                DefKind::Value { value, .. } | DefKind::Entered(value) | DefKind::Element(value) => {
                    index.defs_from.entry(value).or_default().push(id);
                }
                DefKind::Param(_) => index.params_of.entry(def.function).or_default().push(def.var),
                DefKind::Declared | DefKind::Opaque => {}
            }
        }
        for (n, write) in self.writes.iter().enumerate() {
            index.writes_from.entry(write.value).or_default().push(n as u32);
            index.writes_to.entry(write.target).or_default().push(n as u32);
        }
        for (n, found) in self.returns.iter().enumerate() {
            index.returns_of.entry(found.function).or_default().push(n as u32);
        }
        for (n, call) in self.calls.iter().enumerate() {
            index.calls_of.entry(call.function).or_default().push(n as u32);
        }
        self.index = index;
    }
}
