//! The walk over functions and statements: which definitions reach what, on which branch.

mod values;

use super::{CallSite, Def, DefId, DefKind, FileFlow, RECEIVER, Return, Var, VarId};
use crate::ir::{ExprId, ExprKind, FileFacts, FunctionId, Span, StmtKind};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use ustr::Ustr;

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
                        let declares = self.facts.language == crate::ir::Language::Java;
                        self.target(target, DefKind::Entered(item.value), Some(id), declares);
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
}
