//! Which assignment a name's value comes from: reaching definitions, one walk over each function.
//!
//! Branches are walked apart and joined, a branch that leaves (return, throw, break) does not join, closures see the
//! definitions that reach the place where they are made. Loop bodies are walked once: a value that only arrives from an
//! earlier round is not seen.

use crate::ir::{ExprId, ExprKind, FileFacts, FunctionId, Span, StmtKind};
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
    /// The [`ExprKind::Member`], [`ExprKind::Index`] or (a global) [`ExprKind::Name`] that is written.
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

    fn set(&mut self, expr: ExprId, defs: &[DefId]) {
        let Some(slot) = self.single.get_mut(expr.0 as usize) else { return };
        if let [only] = defs {
            *slot = *only;
        } else {
            *slot = DefId(self.sets.len() as u32 | Self::MANY);
            self.sets.push(SmallVec::from_slice(defs));
        }
    }

    fn get(&self, expr: ExprId) -> Option<&[DefId]> {
        let slot = self.single.get(expr.0 as usize).filter(|slot| **slot != Self::NO_LOCAL)?;
        match slot.0 & Self::MANY {
            0 => Some(std::slice::from_ref(slot)),
            _ => self.sets.get((slot.0 & !Self::MANY) as usize).map(SmallVec::as_slice),
        }
    }
}

/// Which definitions, writes, returns and calls belong to a value or function.
#[derive(Debug, Default)]
struct Index {
    defs_from: FxHashMap<ExprId, SmallVec<[DefId; 1]>>,
    writes_from: FxHashMap<ExprId, SmallVec<[u32; 1]>>,
    writes_to: FxHashMap<ExprId, SmallVec<[u32; 1]>>,
    returns_of: FxHashMap<FunctionId, SmallVec<[u32; 2]>>,
    calls_of: FxHashMap<FunctionId, SmallVec<[u32; 4]>>,
    params_of: FxHashMap<FunctionId, SmallVec<[VarId; 4]>>,
}

impl FileFlow {
    fn new(exprs: usize) -> Self {
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

    fn build_index(&mut self) {
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

#[derive(Clone, Default)]
struct Env {
    /// By variable, counted from the walker's `base`.
    reaching: Vec<SmallVec<[DefId; 2]>>,
    dead: bool,
}

impl Env {
    fn join(&mut self, other: Self) {
        if other.dead {
            return;
        }
        if self.dead {
            *self = other;
            return;
        }
        if self.reaching.len() < other.reaching.len() {
            self.reaching.resize(other.reaching.len(), SmallVec::new());
        }
        for (mine, theirs) in self.reaching.iter_mut().zip(other.reaching) {
            for def in theirs {
                if !mine.contains(&def) {
                    mine.push(def);
                }
            }
        }
    }
}

struct Walker<'a> {
    facts: &'a FileFacts,
    out: FileFlow,
    env: Env,
    /// The first variable of the outermost function that is walked: only its own are in `env`.
    base: usize,
    scopes: Vec<(FunctionId, FxHashMap<Ustr, VarId>)>,
    function: FunctionId,
    loop_id: u32,
    loops: u32,
    exits: Vec<Vec<Env>>,
    visited: Vec<bool>,
    methods: FxHashMap<crate::ir::TypeId, Vec<FunctionId>>,
}

/// Walks every function of a file.
pub fn flow(facts: &FileFacts) -> FileFlow {
    let mut walker = Walker {
        facts,
        out: FileFlow::new(facts.exprs.len()),
        env: Env::default(),
        base: 0,
        scopes: Vec::new(),
        function: FunctionId(0),
        loop_id: 0,
        loops: 0,
        exits: Vec::new(),
        visited: vec![false; facts.functions.len()],
        methods: FxHashMap::default(),
    };
    for (id, function) in facts.functions.iter().enumerate() {
        if let Some(owner) = function.owner {
            walker.methods.entry(owner).or_default().push(FunctionId(id as u32));
        }
    }
    walker.function_body(FunctionId(0));
    for id in 0..facts.functions.len() {
        let function = &facts.functions[id];
        let inside_other = function.parent.is_some_and(|parent| parent.0 != 0) && function.owner.is_none();
        if !walker.visited[id] && !inside_other {
            walker.start(FunctionId(id as u32));
        }
    }
    // Methods of local classes and closures that no walked expression makes.
    for id in 0..facts.functions.len() {
        if !walker.visited[id] {
            walker.start(FunctionId(id as u32));
        }
    }
    for (id, function) in facts.functions.iter().enumerate() {
        for param in &function.params {
            if let Some(default) = param.default {
                walker.function = FunctionId(id as u32);
                walker.expr(default);
            }
        }
    }
    walker.out.build_index();
    walker.out
}

impl Walker<'_> {
    /// Walks a function on its own: nothing around it is in scope.
    fn start(&mut self, id: FunctionId) {
        self.env = Env::default();
        self.base = self.out.vars.len();
        self.scopes.clear();
        self.function_body(id);
    }

    fn function_body(&mut self, id: FunctionId) {
        let Some(seen) = self.visited.get_mut(id.0 as usize) else { return };
        if std::mem::replace(seen, true) {
            return;
        }
        let facts = self.facts;
        let function = facts.function(id);
        let outer = std::mem::replace(&mut self.function, id);
        let outer_loop = std::mem::take(&mut self.loop_id);
        let outer_exits = std::mem::take(&mut self.exits);
        let outer_dead = std::mem::take(&mut self.env.dead);
        self.scopes.push((id, FxHashMap::default()));
        if let Some(receiver) = &function.receiver {
            self.declare(receiver.name, DefKind::Param(RECEIVER), None, receiver.span);
        }
        for (at, param) in function.params.iter().enumerate() {
            self.declare(param.name, DefKind::Param(at as u16), None, param.span);
        }
        for name in &function.result_names {
            self.declare(*name, DefKind::Declared, None, function.name_span);
        }
        self.block(&function.body);
        self.scopes.pop();
        self.function = outer;
        self.loop_id = outer_loop;
        self.exits = outer_exits;
        self.env.dead = outer_dead;
    }

    fn lookup(&self, name: Ustr) -> Option<VarId> {
        self.scopes.iter().rev().find_map(|(_, scope)| scope.get(&name).copied())
    }

    fn lookup_in_function(&self, name: Ustr) -> Option<VarId> {
        let inner = self.scopes.iter().rev().take_while(|(function, _)| *function == self.function);
        inner.into_iter().find_map(|(_, scope)| scope.get(&name).copied())
    }

    fn declare(&mut self, name: Ustr, kind: DefKind, stmt: Option<u32>, span: Span) {
        if name.is_empty() || name == "_" {
            return;
        }
        let var = VarId(self.out.vars.len() as u32);
        self.out.vars.push(Var { name, function: self.function, defs: SmallVec::new(), uses: SmallVec::new() });
        let home = self.home();
        if let Some((_, scope)) = self.scopes.get_mut(home) {
            scope.insert(name, var);
        }
        self.define(var, kind, stmt, span);
    }

    /// The scope that a new name belongs to: the block that declares it, or the whole function in Python.
    fn home(&self) -> usize {
        let inner = self.scopes.iter().rev();
        let blocks = match self.facts.language {
            crate::ir::Language::Python => inner.take_while(|(function, _)| *function == self.function).count(),
            _ => 1,
        };
        self.scopes.len().saturating_sub(blocks.max(1))
    }

    fn define(&mut self, var: VarId, kind: DefKind, stmt: Option<u32>, span: Span) {
        let def = DefId(self.out.defs.len() as u32);
        self.out.defs.push(Def { var, kind, stmt, function: self.function, span, in_loop: self.loop_id });
        self.out.vars[var.0 as usize].defs.push(def);
        let Some(at) = (var.0 as usize).checked_sub(self.base) else { return };
        if self.env.reaching.len() <= at {
            self.env.reaching.resize(at + 1, SmallVec::new());
        }
        self.env.reaching[at] = SmallVec::from_slice(&[def]);
    }

    fn scoped(&mut self, block: &[u32]) {
        self.scopes.push((self.function, FxHashMap::default()));
        self.block(block);
        self.scopes.pop();
    }

    fn block(&mut self, block: &[u32]) {
        for id in block {
            self.stmt(*id);
        }
    }

    fn branch(&mut self, from: &Env, block: &[u32]) -> Env {
        self.env = from.clone();
        self.scoped(block);
        std::mem::take(&mut self.env)
    }

    fn stmt(&mut self, id: u32) {
        let facts = self.facts;
        let Some(stmt) = facts.stmts.get(id as usize) else { return };
        match &stmt.kind {
            StmtKind::Expr(value) => {
                let first = self.out.calls.len();
                self.expr(*value);
                self.mark(first, *value, |call| call.dropped = true);
            }
            StmtKind::Assign { targets, values, declares, .. } => {
                values.iter().for_each(|value| self.expr(*value));
                self.assign(id, targets, values, *declares);
            }
            StmtKind::Return(values) => {
                values.iter().for_each(|value| self.expr(*value));
                let values = values.iter().copied().collect();
                self.out.returns.push(Return { function: self.function, values });
                self.env.dead = true;
            }
            StmtKind::If { init, condition, then, otherwise } => {
                self.scopes.push((self.function, FxHashMap::default()));
                self.block(init);
                self.expr(*condition);
                let before = std::mem::take(&mut self.env);
                let mut joined = self.branch(&before, then);
                joined.join(self.branch(&before, otherwise));
                self.env = joined;
                self.scopes.pop();
            }
            StmtKind::Loop { init, subject, targets, body, .. } => self.iterate(init, *subject, targets, body),
            StmtKind::Switch { init, subject, arms, exhaustive } => {
                self.scopes.push((self.function, FxHashMap::default()));
                self.block(init);
                subject.iter().for_each(|value| self.expr(*value));
                let before = std::mem::take(&mut self.env);
                let mut joined = before.clone();
                joined.dead |= *exhaustive;
                self.exits.push(Vec::new());
                for arm in arms {
                    joined.join(self.branch(&before, arm));
                }
                for exit in self.exits.pop().unwrap_or_default() {
                    joined.join(exit);
                }
                self.env = joined;
                self.scopes.pop();
            }
            StmtKind::Try { body, handlers, otherwise, finally } => {
                let before = self.env.clone();
                self.scoped(body);
                self.scoped(otherwise);
                let mut joined = std::mem::take(&mut self.env);
                let mut failing = before;
                failing.join(joined.clone());
                for handler in handlers {
                    self.env = failing.clone();
                    self.scopes.push((self.function, FxHashMap::default()));
                    if let Some(name) = handler.binding {
                        self.declare(name, DefKind::Opaque, None, stmt.span);
                    }
                    self.block(&handler.body);
                    self.scopes.pop();
                    joined.join(std::mem::take(&mut self.env));
                }
                let dead = joined.dead;
                self.env = joined;
                self.env.dead = false;
                self.scoped(finally);
                self.env.dead |= dead;
            }
            StmtKind::With { items, body, .. } => {
                self.scopes.push((self.function, FxHashMap::default()));
                for item in items {
                    let first = self.out.calls.len();
                    self.expr(item.value);
                    self.mark(first, item.value, |call| call.managed = true);
                    if let Some(target) = item.target {
                        self.target(target, DefKind::Entered(item.value), Some(id), item.ty.is_some());
                    }
                }
                self.block(body);
                self.scopes.pop();
            }
            StmtKind::Defer(value) => {
                let first = self.out.calls.len();
                self.expr(*value);
                self.mark(first, *value, |call| call.deferred = true);
            }
            StmtKind::Spawn(value) => {
                let first = self.out.calls.len();
                self.expr(*value);
                self.mark(first, *value, |call| call.spawned = true);
            }
            StmtKind::Send { channel, value } => {
                self.expr(*channel);
                self.expr(*value);
            }
            StmtKind::Throw(value) => {
                value.iter().for_each(|value| self.expr(*value));
                self.env.dead = true;
            }
            StmtKind::Jump(_) => {
                let leaving = self.env.clone();
                if let Some(exits) = self.exits.last_mut() {
                    exits.push(leaving);
                    self.env.dead = true;
                }
            }
            StmtKind::Block(block) => self.scoped(block),
        }
    }

    fn mark(&mut self, first: usize, value: ExprId, set: impl Fn(&mut CallSite)) {
        let mut value = value;
        while let ExprKind::Await(inner) = &self.facts.expr(value).kind {
            value = *inner;
        }
        self.out.calls[first..].iter_mut().filter(|call| call.expr == value).for_each(set);
    }

    fn iterate(&mut self, init: &[u32], subject: Option<ExprId>, targets: &[ExprId], body: &[u32]) {
        self.scopes.push((self.function, FxHashMap::default()));
        self.block(init);
        subject.iter().for_each(|value| self.expr(*value));
        let before = self.env.clone();
        self.loops += 1;
        let outer = std::mem::replace(&mut self.loop_id, self.loops);
        for target in targets {
            let kind = subject.map_or(DefKind::Opaque, DefKind::Element);
            self.target(*target, kind, None, self.facts.language != crate::ir::Language::Python);
        }
        self.exits.push(Vec::new());
        self.block(body);
        for exit in self.exits.pop().unwrap_or_default() {
            self.env.join(exit);
        }
        self.loop_id = outer;
        self.env.join(before);
        self.scopes.pop();
    }

    fn assign(&mut self, stmt: u32, targets: &[ExprId], values: &[ExprId], declares: bool) {
        for (at, target) in targets.iter().enumerate() {
            let kind = match values {
                [] => DefKind::Declared,
                [value] if targets.len() > 1 => DefKind::Value { value: *value, index: Some(at as u8) },
                _ => match values.get(at) {
                    Some(value) => DefKind::Value { value: *value, index: None },
                    None => DefKind::Opaque,
                },
            };
            self.target(*target, kind, Some(stmt), declares);
        }
    }

    fn target(&mut self, target: ExprId, kind: DefKind, stmt: Option<u32>, declares: bool) {
        let facts = self.facts;
        let span = facts.expr(target).span;
        match &facts.expr(target).kind {
            ExprKind::Name(name) => self.name_target(*name, kind, stmt, declares, span, target),
            ExprKind::Composite { fields, .. } => {
                for (at, field) in fields.iter().enumerate() {
                    let kind = match kind {
                        DefKind::Value { value, .. } | DefKind::Entered(value) => {
                            DefKind::Value { value, index: Some(at as u8) }
                        }
                        _ => DefKind::Opaque,
                    };
                    self.target(field.value, kind, None, declares);
                }
            }
            _ => {
                self.expr(target);
                if let DefKind::Value { value, index } = kind {
                    self.out.writes.push(Write { target, value, index, function: self.function });
                }
            }
        }
    }

    fn name_target(
        &mut self,
        name: Ustr,
        kind: DefKind,
        stmt: Option<u32>,
        declares: bool,
        span: Span,
        target: ExprId,
    ) {
        let existing = match facts_scope(self.facts.language, declares) {
            Lookup::Block => self.scopes.last().and_then(|(_, scope)| scope.get(&name).copied()),
            Lookup::Function => self.lookup_in_function(name),
            Lookup::Anywhere => self.lookup(name),
        };
        match existing {
            Some(var) => self.define(var, kind, stmt, span),
            None if declares || self.facts.language == crate::ir::Language::Python || self.function.0 == 0 => {
                self.declare(name, kind, stmt, span);
            }
            None => {
                if let DefKind::Value { value, index } = kind {
                    self.out.writes.push(Write { target, value, index, function: self.function });
                }
            }
        }
    }

    fn expr(&mut self, id: ExprId) {
        let facts = self.facts;
        if let Some(function) = self.out.functions.get_mut(id.0 as usize) {
            *function = self.function;
        }
        match &facts.expr(id).kind {
            ExprKind::Name(name) => self.name_use(id, *name),
            ExprKind::Str(_) | ExprKind::Lit(_) | ExprKind::Type(_) => {}
            ExprKind::Zero(_) => self.call(id),
            ExprKind::Member { base, .. } | ExprKind::MethodRef { base, .. } => self.child(id, *base),
            ExprKind::Call { callee, args } => {
                self.child(id, *callee);
                args.iter().for_each(|arg| self.child(id, arg.value));
                self.call(id);
            }
            ExprKind::New { args, body, .. } => {
                args.iter().for_each(|arg| self.child(id, arg.value));
                self.call(id);
                if let Some(ty) = body {
                    self.anonymous_class(*ty);
                }
            }
            ExprKind::Composite { fields, ty } => {
                for field in fields {
                    if let Some(key) = field.key
                        && !matches!(facts.expr(key).kind, ExprKind::Name(_))
                    {
                        self.child(id, key);
                    }
                    self.child(id, field.value);
                }
                if ty.is_some() {
                    self.call(id);
                }
            }
            ExprKind::Closure(function) => {
                self.out.closures.insert(*function, id);
                let before = self.env.clone();
                self.function_body(*function);
                let after = std::mem::replace(&mut self.env, before);
                // What the closure assigns may or may not have happened from here on.
                self.env.join(Env { dead: false, ..after });
            }
            ExprKind::Index { base, index } => {
                self.child(id, *base);
                index.iter().for_each(|index| self.child(id, *index));
            }
            ExprKind::Unary { operand: value, .. }
            | ExprKind::Await(value)
            | ExprKind::Yield(Some(value))
            | ExprKind::Cast { value, .. }
            | ExprKind::Receive(value) => self.child(id, *value),
            ExprKind::Yield(None) => {}
            ExprKind::Binary { left, right, .. } => {
                self.child(id, *left);
                self.child(id, *right);
            }
            ExprKind::Conditional { condition, then, otherwise } => {
                self.child(id, *condition);
                self.child(id, *then);
                self.child(id, *otherwise);
            }
            ExprKind::Assign { target, value } => {
                self.child(id, *value);
                self.target(*target, DefKind::Value { value: *value, index: None }, None, false);
            }
            ExprKind::Unknown(children) => children.iter().for_each(|child| self.child(id, *child)),
        }
    }

    fn child(&mut self, parent: ExprId, child: ExprId) {
        if let Some(slot) = self.out.parents.get_mut(child.0 as usize) {
            *slot = parent;
        }
        self.expr(child);
    }

    fn call(&mut self, expr: ExprId) {
        self.out.calls.push(CallSite {
            expr,
            function: self.function,
            deferred: false,
            spawned: false,
            managed: false,
            dropped: false,
            in_loop: self.loop_id,
        });
    }

    fn anonymous_class(&mut self, ty: crate::ir::TypeId) {
        for method in self.methods.remove(&ty).unwrap_or_default() {
            let before = self.env.clone();
            self.function_body(method);
            self.env = before;
        }
    }

    fn name_use(&mut self, id: ExprId, name: Ustr) {
        if let Some(var) = self.lookup(name) {
            self.out.vars[var.0 as usize].uses.push(id);
            let at = (var.0 as usize).checked_sub(self.base);
            let reaching = at.and_then(|at| self.env.reaching.get(at)).cloned().unwrap_or_default();
            self.out.uses.set(id, &reaching);
        }
    }
}

enum Lookup {
    Block,
    Function,
    Anywhere,
}

/// Where an assignment looks for the variable it may already mean.
fn facts_scope(language: crate::ir::Language, declares: bool) -> Lookup {
    match (language, declares) {
        (crate::ir::Language::Python, _) => Lookup::Function,
        (_, true) => Lookup::Block,
        (_, false) => Lookup::Anywhere,
    }
}
