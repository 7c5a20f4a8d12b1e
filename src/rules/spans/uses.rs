//! Forward links of a program: from a value to the definitions it makes, and from a definition to its uses.

use crate::ir::{ExprId, ExprKind, FunctionId, Language, StmtKind};
use crate::link::flow::{DefId, DefKind, Write};
use crate::link::{FileUnit, FuncRef, Program, ValueRef};
use crate::study::Study;
use rustc_hash::FxHashMap;
use std::cell::OnceCell;

/// A definition that a value makes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Made {
    /// The definition.
    pub def: DefId,
    /// Which of the value's results it takes.
    pub index: u8,
    /// It is what a `with` or `try (…)` hands out.
    pub entered: bool,
}

/// Where the values of a program go: for each file, found when first asked for, as few files start spans.
#[derive(Debug)]
pub(super) struct Uses<'a> {
    program: &'a Program<'a>,
    files: Vec<OnceCell<FileUses>>,
}

/// Where the values of one file go.
#[derive(Debug, Default)]
struct FileUses {
    made: FxHashMap<ExprId, Vec<Made>>,
    used: FxHashMap<DefId, Vec<ExprId>>,
    params: FxHashMap<(FunctionId, u16), DefId>,
    written: FxHashMap<ExprId, Vec<Write>>,
    returned: FxHashMap<ExprId, Vec<(FuncRef, Option<u8>)>>,
    targets: FxHashMap<ExprId, Box<[ExprId]>>,
}

impl FileUses {
    /// Turns the links of a file around.
    fn new(file: u32, unit: &FileUnit<'_>) -> Self {
        let mut out = Self::default();
        out.definitions(unit);
        for (expr, defs) in unit.flow.uses() {
            for def in defs {
                out.used.entry(*def).or_default().push(expr);
            }
        }
        for write in &unit.flow.writes {
            out.written.entry(write.value).or_default().push(*write);
        }
        for found in &unit.flow.returns {
            let several = found.values.len() > 1;
            for (n, expr) in (0u8..).zip(&found.values) {
                let function = FuncRef { file, id: found.function };
                out.returned.entry(*expr).or_default().push((function, several.then_some(n)));
            }
        }
        out.assignments(unit);
        for uses in out.used.values_mut() {
            uses.sort_unstable();
        }
        out
    }

    fn definitions(&mut self, unit: &FileUnit<'_>) {
        for (n, def) in (0u32..).zip(&unit.flow.defs) {
            let id = DefId(n);
            let (value, index, entered) = match def.kind {
                DefKind::Value { value, index } => (value, index.unwrap_or(0), false),
                DefKind::Entered(value) => (value, 0, true),
                DefKind::Param(n) => {
                    self.params.entry((def.function, n)).or_insert(id);
                    continue;
                }
                _ => continue,
            };
            self.made.entry(value).or_default().push(Made { def: id, index, entered });
        }
    }

    fn assignments(&mut self, unit: &FileUnit<'_>) {
        for stmt in &unit.source.facts.stmts {
            let StmtKind::Assign { targets, values, .. } = &stmt.kind else { continue };
            match &**values {
                [one] => {
                    self.targets.insert(*one, targets.clone());
                }
                _ => {
                    for (value, target) in values.iter().zip(targets) {
                        self.targets.insert(*value, Box::new([*target]));
                    }
                }
            }
        }
    }
}

impl<'a> Uses<'a> {
    /// The uses of a program's values.
    pub(super) fn new(program: &'a Program<'a>) -> Self {
        Self { program, files: program.files.iter().map(|_| OnceCell::new()).collect() }
    }

    fn of(&self, file: u32) -> Option<&FileUses> {
        let unit = self.program.files.get(file as usize)?;
        Some(self.files.get(file as usize)?.get_or_init(|| FileUses::new(file, unit)))
    }

    /// The definitions that take this result of a value.
    pub(super) fn definitions_of(&self, value: ValueRef, index: u8) -> impl Iterator<Item = &Made> {
        let found = self.of(value.file).and_then(|file| file.made.get(&value.expr));
        found.into_iter().flatten().filter(move |made| made.index == index)
    }

    /// The definition that a parameter starts as.
    pub(super) fn param(&self, function: FuncRef, n: u16) -> Option<DefId> {
        self.of(function.file)?.params.get(&(function.id, n)).copied()
    }

    /// The writes of this result of a value to fields, globals and elements.
    pub(super) fn writes_of(&self, value: ValueRef, index: u8) -> impl Iterator<Item = &Write> {
        let found = self.of(value.file).and_then(|file| file.written.get(&value.expr));
        found.into_iter().flatten().filter(move |write| write.index.unwrap_or(0) == index)
    }

    /// The functions that return a value, and as which result of several.
    pub(super) fn returns_of(&self, value: ValueRef) -> &[(FuncRef, Option<u8>)] {
        self.of(value.file).and_then(|file| file.returned.get(&value.expr)).map_or(&[], Vec::as_slice)
    }

    /// Whether this result of a value is assigned to the blank name.
    pub(super) fn is_blank(&self, program: &Program<'_>, value: ValueRef, index: u8) -> bool {
        let targets = self.of(value.file).and_then(|file| file.targets.get(&value.expr));
        let target = targets.and_then(|targets| targets.get(index as usize));
        target.is_some_and(|expr| {
            matches!(program.expr_kind(ValueRef { file: value.file, expr: *expr }), ExprKind::Name(name) if *name == "_")
        })
    }

    /// The uses that a definition reaches, and all uses of its variable in other functions, which may run at any time.
    pub(super) fn uses_of(&self, study: &Study<'_>, file: u32, def: DefId) -> Vec<ValueRef> {
        let program = study.program;
        let used = self.of(file).and_then(|uses| uses.used.get(&def));
        let mut out: Vec<ValueRef> = used.into_iter().flatten().map(|expr| ValueRef { file, expr: *expr }).collect();
        let found = program.def(file, def);
        let unit = program.files.get(file as usize);
        let var = unit.and_then(|unit| unit.flow.vars.get(found.var.0 as usize));
        for expr in var.into_iter().flat_map(|var| &var.uses) {
            let value = ValueRef { file, expr: *expr };
            if !out.contains(&value) && program.function_covering(value).id != found.function {
                out.push(value);
            }
        }
        out
    }

    /// Whether a variable outlives what is seen of it: a named result, or (Python) one that an outer function may share.
    pub(super) fn is_shared(program: &Program<'_>, file: u32, def: DefId) -> bool {
        let def = program.def(file, def);
        let Some(unit) = program.files.get(file as usize) else { return true };
        let Some(var) = unit.flow.vars.get(def.var.0 as usize) else { return true };
        let function = program.function(FuncRef { file, id: var.function });
        if function.result_names.contains(&var.name) {
            return true;
        }
        if var.function.0 == 0 {
            return true;
        }
        if program.language != Language::Python {
            return false;
        }
        let mut outer = function.parent;
        while let Some(id) = outer {
            if unit.flow.vars.iter().any(|other| other.function == id && other.name == var.name) {
                return true;
            }
            outer = program.function(FuncRef { file, id }).parent;
        }
        false
    }
}
