//! The life of a value that somebody must finish: a span that must be ended, a scope that must be closed.

pub(super) use super::fate::{Fate, Finish, Returned};
use super::starts::Start;
use super::uses::Uses;
use crate::ir::{ExprKind, Language};
use crate::knowledge::TypeRole;
use crate::link::flow::DefId;
use crate::link::{FuncRef, ValueRef};
use crate::study::Study;
use rustc_hash::FxHashSet;
use ustr::Ustr;

/// How deep a value is followed into the service's own functions.
pub(super) const MAX_DEPTH: u8 = 4;

/// Follows values forward.
#[allow(missing_debug_implementations, reason = "holds a study")]
pub(super) struct Life<'s, 'a> {
    pub(super) study: &'s Study<'a>,
    pub(super) uses: &'s Uses<'s>,
    pub(super) finish: Finish,
    pub(super) names: FxHashSet<Ustr>,
    /// The service's own types with a method that finishes such a value: whoever has the object may call it.
    pub(super) finishers: FxHashSet<Ustr>,
    /// The service's own functions that finish the value inside a context that they are given.
    pub(super) enders: FxHashSet<FuncRef>,
}

/// How a value is held on the way.
#[derive(Clone, Copy)]
pub(super) struct Way {
    /// It surely is the value; otherwise a value got from it that may be the same.
    pub same: bool,
    /// It is one of the service's own objects around the value.
    pub wrapped: bool,
    /// How many own functions it was handed to.
    pub depth: u8,
}

/// What was seen of one value so far.
#[derive(Default)]
pub(super) struct Walk {
    pub fate: Fate,
    seen: FxHashSet<(ValueRef, u8)>,
}

impl<'s, 'a> Life<'s, 'a> {
    /// A way to follow values that `finish` finishes.
    pub(super) fn new(study: &'s Study<'a>, uses: &'s Uses<'s>, finish: Finish) -> Self {
        let libraries = study.program.knowledge.libraries();
        let finishing = libraries.iter().flat_map(|library| &library.functions).filter(|f| finish.slot(f).is_some());
        let names = finishing.flat_map(|function| &function.names).filter_map(|name| name.rsplit('.').next());
        let program = study.program;
        let finishing = program.all_functions().filter(|function| study.summary(*function).has(finish.bit()));
        let finishers = finishing.filter_map(|function| Some(program.type_name(program.enclosing_type(function)?)));
        let enders = match finish {
            Finish::End => super::foreign::enders(study),
            Finish::Close => FxHashSet::default(),
        };
        let (names, finishers) = (names.map(Ustr::from).collect(), finishers.collect());
        Self { study, uses, finish, names, finishers, enders }
    }

    /// What becomes of one result of a call.
    pub(super) fn fate(&self, start: &Start) -> Fate {
        let mut walk = Walk::default();
        self.follow(&mut walk, start.call, start.index, Way { same: true, wrapped: start.wrapped, depth: 0 });
        if let Some(derived) = start.derived {
            self.context(&mut walk, start.call, derived, 0);
        }
        walk.fate
    }

    /// What one use of a variable does to its value.
    pub(super) fn fate_of_use(&self, used: ValueRef, wrapped: bool) -> Fate {
        let mut walk = Walk::default();
        self.follow(&mut walk, used, 0, Way { same: true, wrapped, depth: 0 });
        walk.fate
    }

    /// Whether the context that holds the value leaves the function, so that another one may finish it from there.
    pub(super) fn context_leaves(&self, call: ValueRef, derived: Option<u8>) -> bool {
        let mut walk = Walk::default();
        if let Some(derived) = derived {
            self.context(&mut walk, call, derived, 0);
        }
        !walk.fate.is_kept()
    }

    pub(super) fn follow(&self, walk: &mut Walk, value: ValueRef, index: u8, way: Way) {
        if walk.fate.escapes || !walk.seen.insert((value, index)) {
            return;
        }
        if walk.seen.len() > 600 {
            walk.fate.escapes = true;
            return;
        }
        let program = self.study.program;
        let mut handled = false;
        let made: Vec<_> = self.uses.definitions_of(value, index).copied().collect();
        for made in made {
            handled = true;
            if made.entered {
                walk.fate.finished |= way.same;
                walk.fate.entered = Some(value);
            }
            self.definition(walk, value.file, made.def, way);
        }
        for write in self.uses.writes_of(value, index) {
            handled = true;
            let target = ValueRef { file: value.file, expr: write.target };
            match program.expr_kind(target) {
                ExprKind::Name(name) if *name == "_" => walk.fate.dropped |= way.same,
                _ if self.is_kept_in(target, way) => {}
                _ => walk.fate.escapes = true,
            }
        }
        for (function, several) in self.uses.returns_of(value) {
            handled = true;
            self.returned(walk, *function, several.unwrap_or(index), way);
        }
        if let Some(parent) = program.parent(value) {
            self.operand(walk, value, parent, way);
        } else if !handled {
            self.statement(walk, value, index, way);
        }
    }

    fn statement(&self, walk: &mut Walk, value: ValueRef, index: u8, way: Way) {
        let site = self.study.program.call_site(value);
        let is_name = matches!(self.study.program.expr_kind(value), ExprKind::Name(_));
        if site.is_some_and(|site| site.managed) || (is_name && self.is_managed(value)) {
            walk.fate.finished |= way.same;
            walk.fate.entered = Some(value);
        } else if site.is_some_and(|site| site.dropped) || self.uses.is_blank(self.study.program, value, index) {
            walk.fate.dropped |= way.same && !is_name;
        } else if way.same && !self.is_asked(value) {
            walk.fate.escapes = true;
        }
    }

    /// Whether a value is only asked if it is there: `if span:`.
    pub(super) fn is_asked(&self, value: ValueRef) -> bool {
        let Some(file) = self.study.program.files.get(value.file as usize) else { return false };
        file.source.facts.stmts.iter().any(|stmt| match &stmt.kind {
            crate::ir::StmtKind::If { condition, .. } => *condition == value.expr,
            _ => false,
        })
    }

    fn is_managed(&self, value: ValueRef) -> bool {
        let Some(file) = self.study.program.files.get(value.file as usize) else { return false };
        file.source.facts.stmts.iter().any(|stmt| match &stmt.kind {
            crate::ir::StmtKind::With { items, .. } => items.iter().any(|item| item.value == value.expr),
            _ => false,
        })
    }

    fn definition(&self, walk: &mut Walk, file: u32, def: DefId, way: Way) {
        if Uses::is_shared(self.study.program, file, def) {
            walk.fate.escapes = true;
            return;
        }
        for used in self.uses.uses_of(self.study, file, def) {
            self.follow(walk, used, 0, way);
        }
    }

    pub(super) fn returned(&self, walk: &mut Walk, function: FuncRef, index: u8, way: Way) {
        let found = Returned { function, index, wrapped: way.wrapped };
        if !way.same || self.study.program.function(function).flags.is_closure {
            walk.fate.escapes = true;
        } else if !walk.fate.returned.contains(&found) {
            walk.fate.returned.push(found);
        }
    }

    fn operand(&self, walk: &mut Walk, value: ValueRef, parent: ValueRef, way: Way) {
        let program = self.study.program;
        match program.expr_kind(parent) {
            ExprKind::Member { base, name, .. } if *base == value.expr => self.member(walk, parent, *name, way),
            ExprKind::Call { callee, .. } if *callee == value.expr => walk.fate.escapes |= way.same,
            ExprKind::Call { .. } | ExprKind::New { .. } => self.argument(walk, value, parent, way),
            ExprKind::MethodRef { name, .. } => {
                walk.fate.finished = true;
                if self.names.contains(name) {
                    walk.fate.finishes.push(parent);
                }
            }
            ExprKind::Binary { op, .. } if op != "or" && op != "||" => {}
            ExprKind::Unary { op, .. } if op == "!" || op == "not" => {}
            ExprKind::Conditional { condition, .. } if *condition == value.expr => {}
            ExprKind::Binary { .. }
            | ExprKind::Conditional { .. }
            | ExprKind::Await(_)
            | ExprKind::Cast { .. }
            | ExprKind::Assign { .. } => self.follow(walk, parent, 0, way),
            ExprKind::Yield(_) => walk.fate.yielded |= way.same,
            ExprKind::Composite { ty: None, fields } if program.language == Language::Python => {
                let at = (0u8..).zip(fields.iter()).find(|(_, field)| field.value == value.expr);
                match (at, self.uses.returns_of(parent)) {
                    (Some((n, _)), [(function, None)]) => self.returned(walk, *function, n, way),
                    _ => walk.fate.escapes |= way.same,
                }
            }
            ExprKind::Composite { ty: Some(ty), .. } => {
                let owner = program.type_ref(value.file, ty);
                let own = program.own_type(owner).is_some();
                if own && way.same && self.is_kept_at(owner, (value, parent), way) {
                    return;
                }
                if own && way.same {
                    self.follow(walk, parent, 0, Way { wrapped: true, ..way });
                } else {
                    walk.fate.escapes |= way.same;
                }
            }
            _ => walk.fate.escapes |= way.same,
        }
    }

    /// A context that holds the value: whoever gets it can finish the value.
    pub(super) fn context(&self, walk: &mut Walk, value: ValueRef, index: u8, depth: u8) {
        walk.fate.handed |=
            index == 0 && depth == 0 && self.study.fact(value).is_some_and(|fact| fact.effect.span.is_none());
        if self.uses.writes_of(value, index).any(|write| {
            !matches!(self.study.program.expr_kind(ValueRef { file: value.file, expr: write.target }), ExprKind::Name(n) if *n == "_")
        }) {
            walk.fate.escapes = true;
        }
        for (function, several) in self.uses.returns_of(value) {
            walk.fate.context_returned = true;
            walk.fate.contexts.push((*function, several.unwrap_or(index)));
        }
        // What a pointer's target is set to is there for whoever has the pointer: `*r = *r.WithContext(ctx)`.
        let parent = self.study.program.parent(value).map(|parent| self.study.program.expr_kind(parent));
        walk.fate.context_returned |= matches!(parent, Some(ExprKind::Unary { op, .. }) if op == "*");
        if depth > MAX_DEPTH {
            return;
        }
        let made: Vec<_> = self.uses.definitions_of(value, index).copied().collect();
        for made in made {
            if Uses::is_shared(self.study.program, value.file, made.def) {
                walk.fate.context_returned = true;
            }
            for used in self.uses.uses_of(self.study, value.file, made.def) {
                self.context_use(walk, used, depth);
            }
        }
    }

    pub(super) fn context_use(&self, walk: &mut Walk, used: ValueRef, depth: u8) {
        self.context(walk, used, 0, depth + 1);
        let Some(parent) = self.study.program.parent(used) else { return };
        match self.study.program.expr_kind(parent) {
            ExprKind::Composite { .. } => walk.fate.escapes = true,
            ExprKind::Call { .. } => {
                let functions = &self.study.program.callee(parent).functions;
                if functions.iter().any(|function| self.enders.contains(function)) {
                    walk.fate.finished = true;
                }
                let goes_on = match self.study.fact(parent) {
                    Some(fact) => self.is_context(fact.effect) || fact.effect.binds_context.is_some(),
                    // A helper of the service's own that adds something to it.
                    None => !functions.is_empty() && self.study.program.role_of(parent) == Some(TypeRole::Context),
                };
                if goes_on {
                    self.context(walk, parent, 0, depth + 1);
                }
            }
            _ => {}
        }
    }
}
