//! Go code that only those commands of a program run which never set tracing up.

use super::Study;
use crate::finding::Place;
use crate::ir::{FunctionId, Language};
use crate::link::FuncRef;

impl Study<'_> {
    /// Whether a place lies in a function that nothing but untraced commands runs: those of a command line that never set
    /// tracing up while their siblings do, and programs of their own that do without it.
    pub fn is_run_untraced(&self, place: Place) -> bool {
        self.language() == Language::Go
            && self.functions_around(place).is_some_and(|(inner, outer)| {
                [inner, outer].into_iter().any(|at| self.is_in_untraced_command(at) || self.is_run_by_untraced(at))
            })
    }

    /// The innermost function around a place, and the outermost.
    fn functions_around(&self, place: Place) -> Option<(FuncRef, FuncRef)> {
        let mut files = (0u32..).zip(&self.program.files);
        let (at, file) = files.find(|(_, file)| file.source.path == place.path)?;
        let functions = (1u32..).zip(file.source.facts.functions.iter().skip(1));
        let around = functions.filter(|(_, decl)| decl.span.contains(place.span));
        let (id, _) = around.min_by_key(|(_, decl)| decl.span.end - decl.span.start)?;
        let inner = FuncRef { file: at, id: FunctionId(id) };
        Some((inner, self.program.outermost(inner)))
    }
}
