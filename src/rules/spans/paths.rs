//! Ways out of a function on which a value that was started is still open.
//!
//! One walk over the statements with the set of states that the value may be in. It leans to silence: a branch that may
//! finish the value speaks for its siblings where they meet again, a `finally` that may finish it does, and a jump to a
//! label ends the search.

use crate::ir::{ExprId, ExprKind, FileFacts, Handler, Jump, Language, LoopKind, Span, Stmt, StmtKind};

/// Names of calls after which nothing runs in any of the languages.
const ENDS_PROCESS: &[&str] = &["exit", "abort", "_exit", "panic", "fatal", "fatalf", "fatalln", "panicf", "goexit"];

/// The states that a value may be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct States(u8);

impl States {
    const NONE: Self = Self(0);
    const BEFORE: Self = Self(1);
    const OPEN: Self = Self(2);
    const DONE: Self = Self(4);

    fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    fn join(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn finished(self) -> Self {
        if self.has(Self::OPEN) { Self(self.0 & !Self::OPEN.0).join(Self::DONE) } else { self }
    }
}

/// How a path leaves while the value is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaving {
    /// By a `return`.
    Return,
    /// By an exception.
    Throw,
    /// By a jump out of the block in which the value is known.
    Jump,
    /// By reaching the end of that block.
    End,
}

/// A place where a path leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exit {
    /// The statement.
    pub span: Span,
    /// How it leaves.
    pub how: Leaving,
}

/// What is asked of a function.
#[derive(Debug)]
pub(super) struct Question<'q> {
    /// The call that starts the value.
    pub start: Span,
    /// Where it is finished or given away.
    pub done: &'q [Span],
    /// Every place that names it, or another result of the start that says whether there is one.
    pub named: &'q [Span],
}

/// The places where a path leaves the block in which a value lives, with the value open.
pub(super) fn exits(facts: &FileFacts, body: &[u32], question: &Question<'_>) -> Vec<Exit> {
    let (scope, conditional) = scope(facts, body, question);
    let mut walk =
        Walk { facts, question, conditional, frames: Vec::new(), tries: Vec::new(), exits: Vec::new(), unknown: false };
    let out = walk.block(scope, States::BEFORE);
    if out.has(States::OPEN)
        && let Some(last) = scope.last().and_then(|id| facts.stmts.get(*id as usize))
    {
        walk.exits.push(Exit { span: last.span, how: Leaving::End });
    }
    if walk.unknown { Vec::new() } else { walk.exits }
}

/// The innermost block that holds the start and everything that names the value, and whether the start is on a branch
/// inside it.
fn scope<'f>(facts: &'f FileFacts, body: &'f [u32], question: &Question<'_>) -> (&'f [u32], bool) {
    let holds_all = |block: &[u32]| {
        let within = |span: Span| facts.statements(block).any(|stmt| stmt.span.contains(span));
        within(question.start) && question.named.iter().chain(question.done).all(|span| within(*span))
    };
    let mut scope = body;
    while let Some(inner) = facts
        .statements(scope)
        .filter(|stmt| stmt.span.contains(question.start))
        .flat_map(|stmt| stmt.kind.blocks())
        .find(|block| holds_all(block))
    {
        scope = inner;
    }
    let mut conditional = false;
    let mut at = scope;
    while let Some(stmt) = facts.statements(at).find(|stmt| stmt.span.contains(question.start)) {
        let inner = stmt
            .kind
            .blocks()
            .into_iter()
            .find(|block| facts.statements(block).any(|stmt| stmt.span.contains(question.start)));
        let Some(inner) = inner else { break };
        conditional |= matches!(stmt.kind, StmtKind::If { .. } | StmtKind::Switch { .. } | StmtKind::Loop { .. });
        at = inner;
    }
    (scope, conditional)
}

/// A loop or switch that is walked, with the states in which it is left.
#[derive(Default)]
struct Frame {
    is_loop: bool,
    breaks: States,
    continues: States,
}

/// A `try` that is walked.
struct Try<'f> {
    /// The states in which an exception may arise, where a handler is there to see it.
    failing: Option<States>,
    finally: &'f [u32],
}

struct Walk<'f, 'q> {
    facts: &'f FileFacts,
    question: &'q Question<'q>,
    conditional: bool,
    frames: Vec<Frame>,
    tries: Vec<Try<'f>>,
    exits: Vec<Exit>,
    unknown: bool,
}

impl<'f> Walk<'f, '_> {
    fn block(&mut self, block: &'f [u32], mut states: States) -> States {
        for id in block {
            if states == States::NONE || self.unknown {
                break;
            }
            let Some(stmt) = self.facts.stmts.get(*id as usize) else { continue };
            states = self.stmt(stmt, states);
        }
        states
    }

    fn stmt(&mut self, stmt: &'f Stmt, states: States) -> States {
        match &stmt.kind {
            StmtKind::Expr(value) if self.ends_process(*value) => States::NONE,
            StmtKind::Expr(value) if self.cannot_fail(*value) => self.after(stmt.span, states),
            StmtKind::Return(_) => {
                let states = self.simple(stmt.span, states);
                self.leave(stmt.span, Leaving::Return, states)
            }
            StmtKind::Throw(_) => {
                let states = self.simple(stmt.span, states);
                self.throw(stmt.span, states)
            }
            StmtKind::Jump(jump) => self.jump(stmt.span, *jump, states),
            StmtKind::If { init, condition, then, otherwise } => {
                let states = self.block(init, states);
                let span = self.facts.expr(*condition).span;
                let states = match self.cannot_fail(*condition) {
                    true => self.after(span, states),
                    false => self.simple(span, states),
                };
                self.branches(span, [then, otherwise], states)
            }
            StmtKind::Loop { kind, init, subject, body, .. } => {
                let states = self.block(init, states);
                let states = subject.map_or(states, |value| self.simple(self.facts.expr(value).span, states));
                self.iterate(stmt.span, *kind, body, states)
            }
            StmtKind::Switch { init, subject, arms, exhaustive } => {
                let states = self.block(init, states);
                let states = subject.map_or(states, |value| self.simple(self.facts.expr(value).span, states));
                self.switch(arms, *exhaustive, states)
            }
            StmtKind::Try { body, handlers, otherwise, finally } => {
                self.guarded(body, handlers, otherwise, finally, states)
            }
            StmtKind::With { items, body, .. } => {
                let spans = items.iter().map(|item| self.facts.expr(item.value).span);
                let states = spans.fold(states, |states, span| self.simple(span, states));
                self.block(body, states)
            }
            StmtKind::Block(block) => self.block(block, states),
            StmtKind::Expr(_)
            | StmtKind::Assign { .. }
            | StmtKind::Defer(_)
            | StmtKind::Spawn(_)
            | StmtKind::Send { .. } => self.simple(stmt.span, states),
        }
    }

    /// What one piece of code without branches does.
    fn simple(&mut self, span: Span, states: States) -> States {
        let starts = span.contains(self.question.start);
        let after = self.after(span, states);
        if let Some(failing) = self.tries.iter_mut().rev().find_map(|guard| guard.failing.as_mut()) {
            *failing = failing.join(if starts { states } else { after });
        }
        after
    }

    /// The states after a piece of code without branches.
    fn after(&self, span: Span, states: States) -> States {
        if span.contains(self.question.start) {
            States::OPEN
        } else if self.finishes(span) {
            states.finished()
        } else {
            states
        }
    }

    /// Whether nothing in an expression raises an exception: it calls nothing but methods of the value itself, which no
    /// tracing library lets fail, and gives these what is at hand (`if span is not None`, `span.set_attribute("ok", True)`).
    fn cannot_fail(&self, value: ExprId) -> bool {
        match &self.facts.expr(value).kind {
            ExprKind::Name(_) | ExprKind::Str(_) | ExprKind::Lit(_) => true,
            ExprKind::Member { base, .. } => matches!(self.facts.expr(*base).kind, ExprKind::Name(_)),
            ExprKind::Unary { operand, .. } => self.cannot_fail(*operand),
            ExprKind::Binary { left, right, .. } => self.cannot_fail(*left) && self.cannot_fail(*right),
            ExprKind::Call { callee, args } => {
                let receiver = match &self.facts.expr(*callee).kind {
                    ExprKind::Member { base, .. } => self.facts.expr(*base).span,
                    _ => return false,
                };
                self.question.named.contains(&receiver) && args.iter().all(|arg| self.cannot_fail(arg.value))
            }
            _ => false,
        }
    }

    fn finishes(&self, span: Span) -> bool {
        self.question.done.iter().any(|done| span.contains(*done))
    }

    fn any_finishes(&self, block: &[u32]) -> bool {
        self.facts.statements(block).any(|stmt| self.finishes(stmt.span))
    }

    fn ends_process(&self, value: ExprId) -> bool {
        let ExprKind::Call { callee, .. } = &self.facts.expr(value).kind else { return false };
        let (ExprKind::Name(name) | ExprKind::Member { name, .. }) = &self.facts.expr(*callee).kind else {
            return false;
        };
        ENDS_PROCESS.contains(&name.to_lowercase().as_str())
    }

    /// Leaves the function: what stands in the `finally` blocks around runs first.
    fn leave(&mut self, span: Span, how: Leaving, states: States) -> States {
        let finally = self.tries.iter().any(|guard| self.any_finishes(guard.finally));
        if states.has(States::OPEN) && !finally {
            self.exits.push(Exit { span, how });
        }
        States::NONE
    }

    fn throw(&mut self, span: Span, states: States) -> States {
        match self.tries.iter_mut().rev().find_map(|guard| guard.failing.as_mut()) {
            Some(failing) => {
                *failing = failing.join(states);
                States::NONE
            }
            None => self.leave(span, Leaving::Throw, states),
        }
    }

    fn jump(&mut self, span: Span, jump: Jump, states: States) -> States {
        let frame = match jump {
            Jump::Elsewhere => {
                self.unknown = true;
                return States::NONE;
            }
            Jump::Break if self.facts.language == Language::Python => {
                self.frames.iter_mut().rev().find(|frame| frame.is_loop)
            }
            Jump::Break => self.frames.last_mut(),
            Jump::Continue => self.frames.iter_mut().rev().find(|frame| frame.is_loop),
        };
        match (frame, jump) {
            (Some(frame), Jump::Continue) => frame.continues = frame.continues.join(states),
            (Some(frame), _) => frame.breaks = frame.breaks.join(states),
            // The loop is around the block in which the value lives.
            (None, _) => return self.leave(span, Leaving::Jump, states),
        }
        States::NONE
    }

    fn branches(&mut self, condition: Span, blocks: [&'f [u32]; 2], states: States) -> States {
        let asked = self.question.named.iter().any(|named| condition.contains(*named));
        let finishing = blocks.map(|block| self.any_finishes(block));
        let mut results = [States::NONE; 2];
        for (n, block) in blocks.into_iter().enumerate() {
            // Without a value, or on the branch that is not the started one's, nothing is open.
            let sibling = finishing.iter().enumerate().any(|(other, finishes)| other != n && *finishes);
            let absent = (asked || (self.conditional && sibling)) && !finishing.get(n).copied().unwrap_or_default();
            let through = self.block(block, if absent { states.finished() } else { states });
            // What only asks for it (`if span.IsRecording()`, `if err != nil { return err }`) leaves it as it is.
            let only_asks = absent && !sibling && through != States::NONE;
            if let Some(result) = results.get_mut(n) {
                *result = if only_asks { through.join(states) } else { through };
            }
        }
        self.meet(&results, &finishing)
    }

    /// Where branches meet: one that may have finished the value speaks for all.
    fn meet(&self, results: &[States], finishing: &[bool]) -> States {
        let joined = results.iter().fold(States::NONE, |all, one| all.join(*one));
        let settled = results.iter().zip(finishing).any(|(states, finishes)| *finishes && states.has(States::DONE));
        if settled { joined.finished() } else { joined }
    }

    fn switch(&mut self, arms: &'f [Box<[u32]>], exhaustive: bool, states: States) -> States {
        let mut results = Vec::with_capacity(arms.len() + 1);
        let mut finishing: Vec<bool> = arms.iter().map(|arm| self.any_finishes(arm)).collect();
        for (n, arm) in arms.iter().enumerate() {
            self.frames.push(Frame::default());
            let through = self.block(arm, states);
            // A Java arm without a `break` may run into the next one.
            let falls = self.facts.language == Language::Java && n + 1 < arms.len();
            let broken = self.frames.pop().map_or(States::NONE, |frame| frame.breaks);
            results.push(if falls { broken } else { through.join(broken) });
        }
        if !exhaustive {
            let all = !finishing.is_empty() && finishing.iter().all(|finishes| *finishes);
            results.push(if all { states.finished() } else { states });
            finishing.push(false);
        }
        self.meet(&results, &finishing)
    }

    fn iterate(&mut self, span: Span, kind: LoopKind, body: &'f [u32], states: States) -> States {
        self.frames.push(Frame { is_loop: true, ..Frame::default() });
        let through = self.block(body, states);
        let frame = self.frames.pop().unwrap_or_default();
        let round = through.join(frame.continues);
        let ended = if kind == LoopKind::Forever { States::NONE } else { states.join(round) };
        let out = ended.join(frame.breaks);
        if self.finishes(span) { out.finished() } else { out }
    }

    /// Whether a `try` is there for the value alone: it finishes it if there is one, and what fails in that is passed over.
    fn only_ends(&self, body: &[u32], handlers: &[Handler]) -> bool {
        let asks = |stmt: &Stmt| match &stmt.kind {
            StmtKind::If { condition, otherwise, .. } => {
                let at = self.facts.expr(*condition).span;
                otherwise.is_empty() && self.question.named.iter().any(|named| at.contains(*named))
            }
            _ => false,
        };
        let passes_over = |handler: &Handler| {
            let mut inner = self.facts.statements(&handler.body);
            inner.all(|stmt| matches!(stmt.kind, StmtKind::Expr(_)))
        };
        self.any_finishes(body) && self.facts.statements(body).all(asks) && handlers.iter().all(passes_over)
    }

    fn guarded(
        &mut self,
        body: &'f [u32],
        handlers: &'f [Handler],
        otherwise: &'f [u32],
        finally: &'f [u32],
        states: States,
    ) -> States {
        let failing = (!handlers.is_empty() && !self.only_ends(body, handlers)).then_some(States::NONE);
        self.tries.push(Try { failing, finally });
        let mut out = self.block(body, states);
        let failing = self.tries.last_mut().and_then(|guard| guard.failing.take()).unwrap_or_default();
        out = self.block(otherwise, out);
        for handler in handlers {
            out = out.join(self.block(&handler.body, failing));
        }
        self.tries.pop();
        if self.any_finishes(finally) { out.finished() } else { self.block(finally, out) }
    }
}
