//! Spans that nobody records: one library starts them, and only another one is set up (Go).

use super::{Study, packages, tracing};
use crate::finding::Place;
use crate::ir::{ExprKind, Language};
use crate::knowledge::LibraryDescription;
use crate::link::ValueRef;

impl Study<'_> {
    /// Whether a call that stands at a place starts a span by the tracer that a library keeps for the whole process, and
    /// nothing of the program sets that up, while another library is: its spans are those that do nothing, and whatever
    /// happens to them shows in no trace.
    pub fn starts_unrecorded(&self, place: Place) -> bool {
        let is_here = |call| {
            let here = self.program.place(call);
            here.path == place.path && here.span == place.span
        };
        let mut starts = self.facts.iter().filter(|fact| fact.effect.span.is_some());
        self.language() == Language::Go
            && starts.find(|fact| is_here(fact.call)).is_some_and(|fact| {
                self.is_by_global_tracer(fact.call, fact.library) && self.is_without_recorder(fact.library)
            })
    }

    /// Whether a call is one of a function of a library's own packages, or of a tracer that such a function hands out.
    fn is_by_global_tracer(&self, call: ValueRef, library: &LibraryDescription) -> bool {
        let is_of_library = |call| {
            let name = self.program.callee(call).name;
            name.is_some_and(|name| library.modules.iter().any(|module| packages::is_named_in(&name, module)))
        };
        let on_value = self.program.receiver(call).filter(|receiver| self.program.qualify(*receiver).is_none());
        let is_handed_out = |receiver| matches!(self.program.expr_kind(receiver), ExprKind::Call { .. });
        is_of_library(call) && on_value.is_none_or(|receiver| is_handed_out(receiver) && is_of_library(receiver))
    }

    fn is_without_recorder(&self, library: &LibraryDescription) -> bool {
        let sets_itself_up = || library.functions.iter().any(tracing::sets_up);
        let mut set_up = self.facts.iter().filter(|fact| tracing::sets_up(fact.effect)).peekable();
        // What is not seen may set anything up.
        let is_open = || {
            let imports = self.program.files.iter().flat_map(|file| &file.source.facts.imports);
            let mut tracers = imports.map(|import| import.target).filter(|target| packages::names_tracer(target));
            tracers.any(|target| packages::may_trace(self.program, &target))
        };
        sets_itself_up() && set_up.peek().is_some() && set_up.all(|fact| fact.library.id != library.id) && !is_open()
    }
}
