//! The life of a value that somebody must finish: a span that must be ended, a scope that must be closed.

use super::starts::Start;
use super::uses::Uses;
use crate::ir::{ExprKind, Language};
use crate::knowledge::{FunctionDescription, Slot, TypeRole};
use crate::link::flow::{DefId, RECEIVER};
use crate::link::{FuncRef, ValueRef};
use crate::study::{Study, Summary};
use rustc_hash::FxHashSet;
use ustr::Ustr;

/// How deep a value is followed into the service's own functions.
const MAX_DEPTH: u8 = 4;

/// What finishes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finish {
    /// Ending a span.
    End,
    /// Closing a scope or detaching a token.
    Close,
}

impl Finish {
    /// What a library call finishes.
    pub(super) fn slot(self, effect: &FunctionDescription) -> Option<Slot> {
        match self {
            Self::End => effect.ends,
            Self::Close => effect.closes,
        }
    }

    fn bit(self) -> Summary {
        match self {
            Self::End => Summary::ENDS,
            Self::Close => Summary::CLOSES,
        }
    }

    fn role(self) -> TypeRole {
        match self {
            Self::End => TypeRole::Span,
            Self::Close => TypeRole::Scope,
        }
    }
}

/// How a function hands a value back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Returned {
    /// The function.
    pub function: FuncRef,
    /// As which result.
    pub index: u8,
    /// It is inside one of the service's own objects.
    pub wrapped: bool,
}

/// What becomes of a value.
#[derive(Debug, Default)]
pub(super) struct Fate {
    /// Some use finishes it, or may.
    pub finished: bool,
    /// It goes where it can't be followed.
    pub escapes: bool,
    /// Its own statement or the blank name takes it.
    pub dropped: bool,
    /// It is made current.
    pub activated: bool,
    /// It is put into a context, or handed to another function.
    pub handed: bool,
    /// The functions that return it, or one of the service's own objects around it.
    pub returned: Vec<Returned>,
    /// The functions that return the context with it, and as which result.
    pub contexts: Vec<(FuncRef, u8)>,
    /// The calls that finish it.
    pub finishes: Vec<ValueRef>,
    /// It is managed by a `with` or `try (…)`.
    pub entered: Option<ValueRef>,
    /// A generator hands it to whoever asks for its values.
    pub yielded: bool,
    context_returned: bool,
}

impl Fate {
    /// Nobody finishes it, as far as all of the code shows.
    pub(super) fn is_never_finished(&self) -> bool {
        !self.finished && self.is_kept()
    }

    /// It stays where it was seen.
    pub(super) fn is_kept(&self) -> bool {
        !self.escapes && !self.yielded && self.returned.is_empty() && !self.context_returned
    }
}

/// Follows values forward.
#[allow(missing_debug_implementations, reason = "holds a study")]
pub(super) struct Life<'s, 'a> {
    pub(super) study: &'s Study<'a>,
    pub(super) uses: &'s Uses<'s>,
    pub(super) finish: Finish,
    names: FxHashSet<Ustr>,
    /// The service's own types with a method that finishes such a value: whoever has the object may call it.
    finishers: FxHashSet<Ustr>,
    /// The service's own functions that finish the value inside a context that they are given.
    enders: FxHashSet<FuncRef>,
}

#[derive(Clone, Copy)]
struct Way {
    /// It surely is the value; otherwise a value got from it that may be the same.
    same: bool,
    /// It is one of the service's own objects around the value.
    wrapped: bool,
    depth: u8,
}

struct Walk {
    fate: Fate,
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
        let mut walk = Walk { fate: Fate::default(), seen: FxHashSet::default() };
        self.follow(&mut walk, start.call, start.index, Way { same: true, wrapped: start.wrapped, depth: 0 });
        if let Some(derived) = start.derived {
            self.context(&mut walk, start.call, derived, 0);
        }
        walk.fate
    }

    /// What one use of a variable does to its value.
    pub(super) fn fate_of_use(&self, used: ValueRef, wrapped: bool) -> Fate {
        let mut walk = Walk { fate: Fate::default(), seen: FxHashSet::default() };
        self.follow(&mut walk, used, 0, Way { same: true, wrapped, depth: 0 });
        walk.fate
    }

    /// Whether the context that holds the value leaves the function, so that another one may finish it from there.
    pub(super) fn context_leaves(&self, call: ValueRef, derived: Option<u8>) -> bool {
        let mut walk = Walk { fate: Fate::default(), seen: FxHashSet::default() };
        if let Some(derived) = derived {
            self.context(&mut walk, call, derived, 0);
        }
        !walk.fate.is_kept()
    }

    fn follow(&self, walk: &mut Walk, value: ValueRef, index: u8, way: Way) {
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
    fn is_asked(&self, value: ValueRef) -> bool {
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

    fn returned(&self, walk: &mut Walk, function: FuncRef, index: u8, way: Way) {
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
                let own = program.own_type(program.type_ref(value.file, ty)).is_some();
                if own && way.same {
                    self.follow(walk, parent, 0, Way { wrapped: true, ..way });
                } else {
                    walk.fate.escapes |= way.same;
                }
            }
            _ => walk.fate.escapes |= way.same,
        }
    }

    fn member(&self, walk: &mut Walk, member: ValueRef, name: Ustr, way: Way) {
        let program = self.study.program;
        let call = program
            .parent(member)
            .filter(|call| matches!(program.expr_kind(*call), ExprKind::Call { callee, .. } if *callee == member.expr));
        let Some(call) = call else {
            walk.fate.finished |= self.names.contains(&name);
            self.follow(walk, member, 0, Way { same: false, ..way });
            return;
        };
        if let Some(fact) = self.study.fact(call) {
            if self.finish.slot(fact.effect) == Some(Slot::Receiver) {
                walk.fate.finished = true;
                walk.fate.finishes.push(call);
            }
            self.activation(walk, call, fact.effect, Slot::Receiver);
            if fact.effect.derives == Some(Slot::Receiver) {
                self.result(walk, call, fact.effect, way);
            }
            return;
        }
        if self.names.contains(&name)
            || self.study.effect_of(call).has(self.finish.bit())
            || self.may_finish(call, name)
        {
            walk.fate.finished = true;
            walk.fate.finishes.push(call);
            return;
        }
        if way.wrapped && way.same {
            self.own_method(walk, call, way);
        }
        let foreign =
            program.type_of(call).and_then(|ty| program.role(ty)).is_some_and(|role| role != self.finish.role());
        if !foreign {
            self.follow(walk, call, 0, Way { same: false, ..way });
        }
    }

    /// Whether a method is called through an interface of the service's own, and one that implements it finishes the value.
    fn may_finish(&self, call: ValueRef, name: Ustr) -> bool {
        let program = self.study.program;
        let functions = &program.callee(call).functions;
        functions.iter().any(|function| program.function(*function).flags.is_abstract)
            && program.methods_named(name).iter().any(|method| self.study.summary(*method).has(self.finish.bit()))
    }

    /// A method of the service's own object around the value may keep the object.
    fn own_method(&self, walk: &mut Walk, call: ValueRef, way: Way) {
        let functions = self.study.program.callee(call).functions.clone();
        for function in functions {
            let receiver = match self.study.language() {
                Language::Go => self.uses.param(function, RECEIVER),
                Language::Python => self.uses.param(function, 0),
                Language::Java => None,
            };
            let Some(def) = receiver.filter(|_| way.depth < MAX_DEPTH) else {
                walk.fate.escapes |= self.study.language() != Language::Go;
                continue;
            };
            let returned = walk.fate.returned.len();
            for used in self.uses.uses_of(self.study, function.file, def) {
                self.follow(walk, used, 0, Way { depth: way.depth + 1, ..way });
            }
            // A method that hands its own object back, for a chain of calls.
            if walk.fate.returned.len() > returned {
                walk.fate.escapes = true;
            }
        }
    }

    /// The result of a call that continues the value, unless its type says that it is something else.
    fn result(&self, walk: &mut Walk, call: ValueRef, effect: &FunctionDescription, way: Way) {
        let role = effect.returns.first().and_then(|ty| self.study.program.role(*ty));
        match role {
            Some(role) if role == self.finish.role() => self.follow(walk, call, 0, way),
            Some(_) => {}
            None => self.follow(walk, call, 0, Way { same: false, ..way }),
        }
    }

    fn activation(&self, walk: &mut Walk, call: ValueRef, effect: &FunctionDescription, slot: Slot) {
        if effect.activates != Some(slot) {
            return;
        }
        walk.fate.activated = true;
        let args = self.study.slot(call, Slot::AnyArg);
        let program = self.study.program;
        // A flag that is on may hand the value over to its scope.
        let handed = args
            .iter()
            .any(|arg| matches!(program.expr_kind(*arg), ExprKind::Lit(text) if text.eq_ignore_ascii_case("true")));
        walk.fate.escapes |= handed;
    }

    fn argument(&self, walk: &mut Walk, value: ValueRef, call: ValueRef, way: Way) {
        let holds = |slot: Option<Slot>| slot.filter(|slot| self.study.slot(call, *slot).contains(&value));
        if let Some(fact) = self.study.fact(call) {
            let effect = fact.effect;
            walk.fate.handed |= way.same;
            if holds(self.finish.slot(effect)).is_some() {
                walk.fate.finished = true;
                walk.fate.finishes.push(call);
            } else if let Some(slot) = holds(effect.activates) {
                self.activation(walk, call, effect, slot);
                if effect.derives == Some(slot) {
                    self.result(walk, call, effect, way);
                }
            } else if holds(effect.binds_context).is_some() {
                self.context(walk, call, 0, 0);
            } else if holds(effect.derives).is_some() {
                self.result(walk, call, effect, way);
            } else if self.is_context(effect) {
                // Whoever knows its key takes it out again: `context.WithValue(ctx, key, span)`.
                walk.fate.escapes |= way.same;
            } else if effect.span.is_none() && effect.inject.is_none() && effect.log.is_none() {
                walk.fate.escapes |= way.same;
            }
            return;
        }
        if !way.same || self.labels(call) {
            return;
        }
        let effect = self.study.effect_of(call);
        walk.fate.handed |= !effect.has(self.finish.bit()) || effect.has(Summary::STARTS | Summary::CALLS_OUT);
        let callee = self.study.program.callee(call);
        if callee.functions.is_empty() || callee.constructs.is_some() {
            // A foreign function knows nothing of the service's own object, unless the object is in what it returns.
            let called_on = self.study.program.parent(call).map(|parent| self.study.program.expr_kind(parent));
            let unused = matches!(called_on, Some(ExprKind::Member { .. }))
                || self.study.program.call_site(call).is_some_and(|site| site.dropped);
            let foreign = callee.constructs.is_none() && way.wrapped && unused;
            walk.fate.escapes |= !foreign || self.is_finisher(value);
            return;
        }
        if self.study.effect_of(call).has(self.finish.bit()) {
            walk.fate.finished = true;
            walk.fate.finishes.push(call);
            return;
        }
        for function in &callee.functions {
            self.parameter(walk, value, call, *function, way);
        }
    }

    /// Whether a call is a statement that runs a function of a tracing API of which nothing else is known: it notes something
    /// on the span that it is given (Go: `ext.Component.Set(span, name)`).
    fn labels(&self, call: ValueRef) -> bool {
        let program = self.study.program;
        let is_statement = || program.call_site(call).is_some_and(|site| site.dropped && !site.spawned);
        let Some(name) = program.callee(call).name.filter(|_| self.study.language() == Language::Go) else {
            return false;
        };
        let of_module = |module: &String| name.strip_prefix(module.as_str()).is_some_and(|rest| rest.starts_with('.'));
        let mut libraries = program.knowledge.libraries().iter();
        is_statement()
            && self.finish == Finish::End
            && libraries.any(|library| {
                library.types.iter().any(|ty| ty.role == TypeRole::Tracer) && library.modules.iter().any(of_module)
            })
    }

    fn is_finisher(&self, value: ValueRef) -> bool {
        self.study.program.type_of(value).is_none_or(|ty| self.finishers.contains(&ty))
    }

    fn is_context(&self, effect: &FunctionDescription) -> bool {
        effect.returns.first().and_then(|ty| self.study.program.role(*ty)) == Some(TypeRole::Context)
    }

    fn parameter(&self, walk: &mut Walk, value: ValueRef, call: ValueRef, function: FuncRef, way: Way) {
        let program = self.study.program;
        let decl = program.function(function);
        let params = (0u16..).zip(&decl.params).find(|(n, param)| {
            !param.variadic && !param.keywords && program.argument(call, function, *n) == Some(value)
        });
        let def = params.and_then(|(n, _)| self.uses.param(function, n));
        let Some(def) = def.filter(|_| way.depth < MAX_DEPTH && !decl.flags.is_abstract) else {
            walk.fate.escapes = true;
            return;
        };
        let before = std::mem::take(&mut walk.fate.returned);
        for used in self.uses.uses_of(self.study, function.file, def) {
            self.follow(walk, used, 0, Way { depth: way.depth + 1, ..way });
        }
        let handed_back = std::mem::replace(&mut walk.fate.returned, before);
        for from in handed_back {
            if from.function == function {
                self.follow(walk, call, from.index, Way { wrapped: from.wrapped, ..way });
            } else {
                walk.fate.escapes = true;
            }
        }
    }

    /// A context that holds the value: whoever gets it can finish the value.
    fn context(&self, walk: &mut Walk, value: ValueRef, index: u8, depth: u8) {
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

    fn context_use(&self, walk: &mut Walk, used: ValueRef, depth: u8) {
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
