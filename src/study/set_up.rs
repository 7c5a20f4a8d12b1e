//! Which Go commands are seen to set tracing up, by functions that `main` leads to.

use super::Study;
use crate::ir::{FunctionId, Language};
use crate::knowledge::Setting;
use crate::link::FuncRef;
use rustc_hash::FxHashSet;
use ustr::Ustr;

impl Study<'_> {
    /// Whether the program is seen to set tracing up, and none of the commands that a Go function is built into leads to
    /// what does so: the package that does may be built into it, and is never asked.
    pub fn is_set_up_elsewhere(&self, function: FuncRef) -> bool {
        let module = self.program.files.get(function.file as usize).map(|file| file.module);
        let Some(module) = module.filter(|_| self.language() == Language::Go) else { return false };
        let with_set_up = self.with_set_up.get_or_init(|| self.find_with_set_up());
        let mut around = self.commands.with(module).peekable();
        !with_set_up.is_empty() && around.peek().is_some() && !around.any(|main| with_set_up.contains(&main))
    }

    /// The main packages of the commands that lead to what sets tracing up; none where nothing is seen to.
    fn find_with_set_up(&self) -> FxHashSet<Ustr> {
        let sets = |setting: Option<Setting>| matches!(setting, Some(Setting::TracerProvider | Setting::Everything));
        let found = self.calls().iter().filter(|fact| sets(fact.effect.sets)).map(|fact| fact.function);
        let set_ups: FxHashSet<FuncRef> = found.collect();
        let led_to = |packages: &FxHashSet<Ustr>, main: Ustr| {
            let files = (0u32..).zip(&self.program.files).filter(|(_, file)| packages.contains(&file.module));
            let begins = files.flat_map(|(file, unit)| {
                let functions = (0u32..).zip(&unit.source.facts.functions);
                // Load-time code, and what Go runs by its name.
                let is_begin =
                    move |n: u32, name: &str| n == 0 || name == "init" || name == "main" && unit.module == main;
                functions
                    .filter(move |(n, decl)| is_begin(*n, &decl.name))
                    .map(move |(n, _)| FuncRef { file, id: FunctionId(n) })
            });
            let reached = self.reach.graph.led_to(begins);
            set_ups.iter().copied().filter(|function| reached.contains(function)).collect::<Vec<_>>()
        };
        let mut out = FxHashSet::default();
        let mut seen: FxHashSet<FuncRef> = FxHashSet::default();
        for (main, packages) in self.commands.each() {
            let reached = led_to(packages, main);
            if !reached.is_empty() {
                out.insert(main);
            }
            seen.extend(reached);
        }
        // No way is seen to what a list of services runs, by an interface: each command that is built with it may do so.
        let unseen = set_ups.iter().filter(|function| !seen.contains(function) && !self.is_unused(**function, 1));
        let homes =
            unseen.filter_map(|function| self.program.files.get(function.file as usize)).map(|file| file.module);
        for home in homes.collect::<FxHashSet<Ustr>>() {
            out.extend(self.commands.with(home));
        }
        out
    }
}
