//! Which functions run where a trace that came in can be, and which never do.

use super::{Inbound, Study, reach, unused};
use crate::ir::Language;
use crate::knowledge::{TypeRole, has_start, vocabulary};
use crate::link::{FuncRef, Origin, ValueRef};
use rustc_hash::FxHashSet;

/// How many callers of a function are looked at.
const MAX_CALLERS: usize = 60;

impl Study<'_> {
    /// Whether a function runs under a trace that came in, and how that is known.
    pub fn inbound(&self, function: FuncRef) -> Inbound {
        self.reach.inbound.get(&function).copied().unwrap_or(Inbound::Unknown)
    }

    /// Whether a Go function starts spans, or is run by one that does, or by what somebody who is not seen hands a request or
    /// a message to, in a command that takes up traces.
    pub fn is_under_span(&self, function: FuncRef) -> bool {
        self.reach.under_spans.contains(&function)
            || (self.reach.waiting.contains(&function) && self.may_join(function))
    }

    /// Takes note of how the functions that take requests stand to the traces of whoever asks (Go). Nothing reads them in
    /// front of the dark ones, something does in front of the bright ones; of the others the command decides: where nothing
    /// in it takes up traces, they have none. They, and what they alone lead to, have none but that of their own spans. To be
    /// told once, before anything is asked of it.
    pub fn light(&self, dark: &FxHashSet<FuncRef>, bright: &FxHashSet<FuncRef>) {
        if self.language() != Language::Go {
            return;
        }
        // What comes in at another command, which nothing traces, brings none either.
        let is_traced = |function: &FuncRef| {
            let path = self.program.files.get(function.file as usize).map(|file| file.source.path);
            path.is_some_and(|path| !self.is_out_of_traces(path)) && !self.is_idle(*function)
        };
        let is_lit =
            |function: &FuncRef| bright.contains(function) || (!dark.contains(function) && self.may_join(*function));
        let entries = self.reach.inbound.iter().filter(|(_, inbound)| matches!(inbound, Inbound::Entry(_)));
        let entries = entries.map(|(function, _)| *function);
        // What is taken for an entry by its parameters alone is as lit as those who call it, where all of them are seen.
        let is_helper = |function: &FuncRef| {
            !bright.contains(function) && (self.is_called_alone(*function) || self.is_generated_handler(*function))
        };
        let lit = entries.filter(|function| is_lit(function) && is_traced(function) && !is_helper(function));
        let mut lit = self.reach.graph.reached(lit);
        lit.retain(|function| !self.reach.unset.contains(function));
        let _ = self.lit.set(lit);
    }

    /// Whether a Go function is generated to stand in front of the methods of a remote service: these are known by where they
    /// are registered.
    fn is_generated_handler(&self, function: FuncRef) -> bool {
        let decl = self.program.function(function);
        let is_generated =
            self.program.files.get(function.file as usize).is_some_and(|file| file.source.facts.generated);
        is_generated && decl.flags.is_private && !decl.flags.is_closure
    }

    /// Whether a Go function is there for the code of its package alone, which calls it and hands it to nobody.
    fn is_called_alone(&self, function: FuncRef) -> bool {
        let decl = self.program.function(function);
        decl.flags.is_private
            && !decl.flags.is_closure
            && !self.program.callers(function).is_empty()
            && !self.is_handed_around(function)
    }

    /// The functions that lead to some by at most so many calls, interfaces with any number of implementations included, and
    /// with themselves.
    pub fn leading_to(&self, to: impl IntoIterator<Item = FuncRef>, calls: u32) -> FxHashSet<FuncRef> {
        self.reach.graph.leading_to(to, calls)
    }

    /// The functions with a context, a request or a message that a Go call may run through the value that it calls: a
    /// parameter, a field, an element of a table.
    pub fn run_through(&self, call: ValueRef) -> &[FuncRef] {
        self.reach.graph.run_through(call)
    }

    /// Whether a Go function is handed around as a value somewhere, by its name, so that who calls it is not seen.
    pub fn is_handed_around(&self, function: FuncRef) -> bool {
        let names = self.handed_around.get_or_init(|| unused::names_handed_around(self.program));
        names.contains(&self.program.function(function).name)
    }

    /// Whether work that comes in with a trace may lead to a function, or it runs under a span of the program's own.
    pub fn is_lit(&self, function: FuncRef) -> bool {
        self.lit.get().is_none_or(|lit| lit.contains(&function)) || self.reach.under_spans.contains(&function)
    }

    /// Whether a function starts the process up, or is run while it does: load-time code, `main`, a command of a command
    /// line, what makes an object.
    pub fn starts_process(&self, function: FuncRef) -> bool {
        let outer = self.program.outermost(function);
        let is_constructor = self.program.function(outer).flags.is_constructor;
        outer.id.0 == 0
            || is_constructor
            || reach::is_start(self.program, outer)
            || reach::takes_command(self, outer)
            || reach::takes_command(self, function)
    }

    /// Whether only commands that never set tracing up lead to a function, while others of the program do (Go).
    pub fn is_in_untraced_command(&self, function: FuncRef) -> bool {
        self.reach.unset.contains(&function)
    }

    /// Whether nothing but a Go function's own spans puts a trace into its work: what comes in brings none, and none of those
    /// who call it have one.
    pub fn has_only_own_spans(&self, function: FuncRef) -> bool {
        let is_lit = self.lit.get().is_none_or(|lit| lit.contains(&function));
        let is_closure = self.program.function(function).flags.is_closure;
        let callers = self.program.callers(function);
        let is_under_spans = |call: &ValueRef| self.reach.under_spans.contains(&self.program.function_at(*call));
        !is_lit
            && !is_closure
            && !callers.is_empty()
            && !callers.iter().any(is_under_spans)
            && !self.is_behind_generated(function)
    }

    /// Whether generated code leads to a function: what stands in front of that is known by registrations alone, and not for
    /// methods that only stream.
    fn is_behind_generated(&self, function: FuncRef) -> bool {
        let mut seen = vec![function];
        let mut at = 0;
        while let Some(function) = seen.get(at).copied() {
            at += 1;
            let file = self.program.files.get(function.file as usize);
            if file.is_some_and(|file| file.source.facts.generated) || seen.len() > MAX_CALLERS {
                return true;
            }
            // What is registered as a remote method is judged by its server, whatever its generated handler.
            if matches!(self.inbound(function), Inbound::Entry(_)) {
                continue;
            }
            let callers = self.program.callers(function).iter().map(|call| self.program.function_at(*call));
            let above: Vec<FuncRef> = callers.filter(|caller| !seen.contains(caller)).collect();
            seen.extend(above);
        }
        false
    }

    /// Whether whoever calls a Go function that takes a context may bring a trace in it: it, or what leads to it, takes one
    /// from somebody who is not seen, in a command that takes up traces.
    pub fn may_be_given_trace(&self, function: FuncRef) -> bool {
        self.reach.given.contains(&function) && !self.is_alone(function.file) && !self.is_run_alone(function, false)
    }

    /// Whether a command that a function is built into may take up the traces of those who ask for it: of HTTP requests, if
    /// it takes one.
    fn may_join(&self, function: FuncRef) -> bool {
        let path = self.program.files.get(function.file as usize).map(|file| file.source.path);
        let is_without = || path.is_some_and(|path| self.untraced.without_requests.contains(&path));
        !(self.is_alone(function.file)
            || self.is_run_alone(function, false)
            || self.takes_http(function) && (is_without() || self.is_run_alone(function, true)))
    }

    /// Whether a function takes an HTTP request: a library's request that is none of a library with stubs.
    fn takes_http(&self, function: FuncRef) -> bool {
        let types = (0..self.program.function(function).params.len() as u16)
            .filter_map(|n| self.program.param_type(function, n));
        types
            .into_iter()
            .filter_map(|ty| self.program.knowledge.ty(ty))
            .any(|(library, ty)| ty.role == TypeRole::Request && library.stubs.is_none())
    }

    /// Whether all commands that a file is built into take up nobody's trace (Go).
    pub fn is_alone(&self, file: u32) -> bool {
        self.program.files.get(file as usize).is_some_and(|file| self.untraced.alone.contains(&file.source.path))
    }

    /// Whether a Java function runs only on threads of methods that are asynchronous by annotation.
    pub fn is_behind_async(&self, function: FuncRef) -> bool {
        self.reach.behind_async.contains(&function)
    }

    /// Whether a function's work belongs to the process, by its own words (`NewServer`, `startPolling`, `Shutdown`): no
    /// library calls it for inbound work, and it makes no span for such work.
    pub fn outlives_request(&self, function: FuncRef) -> bool {
        let outer = self.program.outermost(function);
        let name = self.program.function(outer).name.to_lowercase();
        // What takes a request serves it, whatever its name (`ServeHTTP`).
        let serves = self.context_param(outer).is_some_and(|param| param.is_request);
        // So does what runs for inbound work and has a span of its own (`RegisterUser`).
        let works = || {
            matches!(self.inbound(outer), Inbound::Below(_))
                && self.calls_in(outer).any(|fact| fact.effect.span.is_some())
        };
        has_start(&name, &vocabulary().lifetime)
            && !serves
            && !matches!(self.inbound(outer), Inbound::Entry(_))
            && !works()
            && !self.is_given_requests(outer)
    }

    /// Whether all who call a function run for inbound work, and hand it the context of their request: what it starts is
    /// started for that (`StartReconciliation(r.Context(), …)`), however long it lasts.
    fn is_given_requests(&self, function: FuncRef) -> bool {
        let Some(param) = self.context_param(function).filter(|param| param.function == function) else { return false };
        let params = &self.program.function(function).params;
        let Some(n) = params.iter().position(|own| own.name == param.name) else { return false };
        let callers = self.program.callers(function);
        matches!(self.inbound(function), Inbound::Below(_))
            && self.is_lit(function)
            && !callers.is_empty()
            && callers.iter().take(MAX_CALLERS).all(|call| {
                let given = self.program.argument(*call, function, n as u16);
                given.is_some_and(|given| self.is_of_request(given))
            })
    }

    /// Whether a context is the one inside a request that a function is called with for inbound work.
    fn is_of_request(&self, context: ValueRef) -> bool {
        let origins = self.program.origins(context, false);
        let is_of_request = |origin: &Origin| match origin {
            Origin::Call(made, _) => self.fact(*made).is_some_and(|fact| fact.effect.context_of.is_some()),
            Origin::Param(taker, _) => matches!(self.inbound(*taker), Inbound::Entry(_)),
            _ => false,
        };
        !origins.is_empty() && origins.iter().all(is_of_request)
    }
}
