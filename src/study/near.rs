//! The units of the workspace and what is around them.

use super::{CallFact, Inbound, Study, UnitView, evidence, reach, stubs};
use crate::ir::Language;
use crate::link::FuncRef;
use rustc_hash::FxHashSet;
use std::borrow::Cow;
use ustr::Ustr;

impl Study<'_> {
    /// The number of the unit that a file belongs to.
    pub fn unit_of(&self, file: u32) -> usize {
        self.program.files.get(file as usize).map_or(0, |file| file.source.unit)
    }

    /// The unit of a file.
    pub fn unit(&self, file: u32) -> &UnitView {
        &self.units[self.unit_of(file)]
    }

    /// What to do for the library of a call where nothing instruments it; empty where nothing is known.
    pub fn mend<'l>(&self, fact: &CallFact<'l>) -> Cow<'l, str> {
        self.unit(fact.call.file).mend(fact.library)
    }

    /// A unit and those whose code it imports.
    pub fn with_imported(&self, unit: usize) -> Vec<usize> {
        let links = self.links();
        (0..self.units.len()).filter(|at| *at == unit || links.contains(&(unit, *at))).collect()
    }

    /// A unit and those that share code with it by import, in either direction.
    pub fn units_near(&self, unit: usize) -> Vec<usize> {
        let links = self.links();
        let near = |at: &usize| *at == unit || links.contains(&(*at, unit)) || links.contains(&(unit, *at));
        (0..self.units.len()).filter(near).collect()
    }

    /// Pairs of units of which the first imports from the second.
    fn links(&self) -> &FxHashSet<(usize, usize)> {
        self.links.get_or_init(|| evidence::links(self.program))
    }

    /// Whether spans are started in a Python unit, by its index, or in one that it imports from, whatever exports them: its
    /// work is part of traces within the process, though nothing is seen to carry them from service to service.
    pub fn has_spans_inside(&self, unit: usize) -> bool {
        let starts = |unit: usize| {
            self.of_unit("spans inside", unit, || {
                self.calls_of_unit(unit).any(|fact| fact.effect.span.is_some())
                    || self.functions_of_unit(unit).any(|function| reach::has_span_around(self, function))
            })
        };
        let imported = || self.links().iter().filter(|(from, _)| *from == unit).any(|(_, other)| starts(*other));
        self.language() == Language::Python && (starts(unit) || imported())
    }

    /// Whether a library calls functions of a unit, by its index, for inbound work.
    pub fn serves(&self, unit: usize) -> bool {
        let of_unit = |function: &FuncRef| {
            self.program.files.get(function.file as usize).is_some_and(|file| file.source.unit == unit)
        };
        self.reach.inbound.iter().any(|(function, inbound)| matches!(inbound, Inbound::Entry(_)) && of_unit(function))
    }

    /// Whether a unit, by its index, has code that starts a process.
    pub fn is_program(&self, unit: usize) -> bool {
        let program = self.program;
        let starts = |decl: &crate::ir::Function| decl.name == "main" && (decl.flags.is_static || decl.owner.is_none());
        let mut files = program.files.iter().filter(|file| file.source.unit == unit);
        files.any(|file| file.source.facts.functions.iter().any(starts))
    }

    /// Whether the program serves a remote service itself, by the name of its stubs, in a command that is traced (`Some(true)`)
    /// or only in such as are not (`Some(false)`); `None` where it does not.
    pub fn serves_calls_of(&self, service: &str) -> Option<bool> {
        self.served.get_or_init(|| stubs::served(self)).get(service).copied()
    }

    /// The names of what the workspace's code is deployed as, in lower case, its units and its Go commands, but for those
    /// that a file is part of.
    pub fn names_of_other_services(&self, file: u32) -> impl Iterator<Item = String> {
        let at = self.program.files.get(file as usize);
        let (unit, module) = at.map_or((usize::MAX, Ustr::default()), |file| (file.source.unit, file.module));
        let units = self.units.iter().enumerate().filter(move |(at, _)| *at != unit);
        let commands = self.commands.without(module).map(|main| main.rsplit('/').next().unwrap_or_default().to_owned());
        units.map(|(_, unit)| unit.name.clone()).chain(commands).map(|name| name.to_ascii_lowercase())
    }
}
