//! Go code that no program of the tree runs: packages that no command is built with, functions that nothing names.

use super::Study;
use super::evidence::links;
use super::unit::UnitView;
use super::unmade::{is_asked_for, words};
use crate::aside::is_aside;
use crate::finding::Place;
use crate::ir::{ExprId, ExprKind, FunctionId, Language};
use crate::link::{FileUnit, FuncRef, Program, ValueRef};
use crate::paths::folder;
use rustc_hash::{FxHashMap, FxHashSet};
use ustr::Ustr;

/// How many functions that run a function are looked at.
const MAX_CALLERS: usize = 40;
/// How many files that may name a function are read for its name.
pub(super) const MAX_READ: usize = 200;
/// How many types are looked at of which one is only made by methods of another one.
const MAX_TYPES: u32 = 3;

/// The files of packages that no `package main` of the tree imports, directly or not, in modules that are programs whose
/// tracing is switched on. A module without a program is a library, and what examples import is offered to others.
pub(super) fn unimported_files(program: &Program<'_>, units: &[UnitView]) -> FxHashSet<Ustr> {
    if program.language != Language::Go {
        return FxHashSet::default();
    }
    let mut imports: FxHashMap<Ustr, Vec<Ustr>> = FxHashMap::default();
    let mut mains: Vec<Ustr> = Vec::new();
    for file in &program.files {
        let targets = file.source.facts.imports.iter().map(|import| import.target);
        imports.entry(file.module).or_default().extend(targets);
        mains.extend((file.source.facts.package == "main").then_some(file.module));
    }
    let mut programs = programs(program, units);
    let is_traced = |unit: &usize| units.get(*unit).is_some_and(|unit| unit.stacks.iter().any(|found| found.active));
    // Whose packages other modules import is a library too.
    let shared: FxHashSet<usize> = links(program).into_iter().map(|(_, unit)| unit).collect();
    programs.retain(|unit| is_traced(unit) && !shared.contains(unit));
    // Where no import leads to a package of the tree, its module's name is not known.
    let own: FxHashSet<Ustr> = imports.keys().copied().collect();
    let imports_own =
        |file: &&FileUnit<'_>| file.source.facts.imports.iter().any(|import| own.contains(&import.target));
    let joined: FxHashSet<usize> = program.files.iter().filter(imports_own).map(|file| file.source.unit).collect();
    programs.retain(|unit| joined.contains(unit));
    let mut built = FxHashSet::default();
    while let Some(package) = mains.pop() {
        if let Some(next) = imports.get(&package).filter(|_| built.insert(package)) {
            mains.extend(next.iter().copied());
        }
    }
    let files = program.files.iter();
    let unused = files.filter(|file| programs.contains(&file.source.unit) && !built.contains(&file.module));
    unused.map(|file| file.source.path).collect()
}

/// The units that are programs, by their index: a `package main` lies where those of programs do, at the root of the module
/// or in a folder of commands. One elsewhere is a tool of a library.
pub(super) fn programs(program: &Program<'_>, units: &[UnitView]) -> FxHashSet<usize> {
    let is_program = |file: &&FileUnit<'_>| {
        let root = units.get(file.source.unit).map_or("", |unit| unit.root.as_str());
        let inside = folder(&file.source.path).strip_prefix(root).unwrap_or_default();
        file.source.facts.package == "main"
            && !is_aside(&file.source.path)
            && (inside.is_empty() || inside.split('/').any(|part| part == "cmd"))
    };
    program.files.iter().filter(is_program).map(|file| file.source.unit).collect()
}

/// The names by which something else than a call that is seen to run own functions uses what they name: values that are
/// handed around, calls of what is not seen.
pub(super) fn names_handed_around(program: &Program<'_>) -> FxHashSet<Ustr> {
    let mut out = FxHashSet::default();
    for (at, file) in (0u32..).zip(&program.files) {
        let facts = &file.source.facts;
        let mut called: FxHashSet<ExprId> = FxHashSet::default();
        for site in &file.flow.calls {
            let ExprKind::Call { callee, .. } = &facts.expr(site.expr).kind else { continue };
            if !program.callee(ValueRef { file: at, expr: site.expr }).functions.is_empty() {
                called.insert(*callee);
            }
        }
        // The name of a field, and what a field or method is asked of, is no function.
        for expr in &facts.exprs {
            match &expr.kind {
                ExprKind::Composite { fields, .. } => called.extend(fields.iter().filter_map(|field| field.key)),
                ExprKind::Member { base, .. } => {
                    called.insert(*base);
                }
                _ => {}
            }
        }
        let others = (0u32..).zip(&facts.exprs).filter(|(id, _)| !called.contains(&ExprId(*id)));
        out.extend(others.filter_map(|(_, expr)| match &expr.kind {
            ExprKind::Name(name) | ExprKind::Member { name, .. } => Some(*name),
            _ => None,
        }));
    }
    out
}

impl Study<'_> {
    /// Whether a place lies in a function that nothing runs: no code of the program names it, nor any function that would
    /// run it.
    pub fn is_in_unused(&self, place: Place) -> bool {
        if self.language() != Language::Go {
            return false;
        }
        let mut files = (0u32..).zip(&self.program.files);
        let Some((at, file)) = files.find(|(_, file)| file.source.path == place.path) else { return false };
        let functions = (1u32..).zip(file.source.facts.functions.iter().skip(1));
        let mut outer = functions.filter(|(_, decl)| decl.parent.is_none_or(|parent| parent.0 == 0));
        let found = outer.find(|(_, decl)| decl.span.contains(place.span));
        found.is_some_and(|(id, _)| self.is_unused(FuncRef { file: at, id: FunctionId(id) }, MAX_TYPES))
    }

    /// Whether nothing runs a function, as far as the program and `types` types on the way tell.
    pub(super) fn is_unused(&self, function: FuncRef, types: u32) -> bool {
        let mut seen = vec![function];
        let mut at = 0;
        while let Some(function) = seen.get(at).copied() {
            at += 1;
            if types > 0 && !self.is_for_others(function) && self.is_of_unmade_type(function, types - 1) {
                continue;
            }
            let callers = self.program.callers(function);
            let above = callers.iter().map(|call| self.program.outermost(self.program.function_at(*call)));
            let mut above: Vec<FuncRef> = above.filter(|caller| *caller != function).collect();
            if !self.is_run_by_calls_alone(function, above.is_empty()) {
                return false;
            }
            above.retain(|caller| !seen.contains(caller));
            seen.append(&mut above);
            if seen.len() > MAX_CALLERS {
                return false;
            }
        }
        true
    }

    /// Whether nothing runs a function but the calls that are seen to. `is_uncalled`: there are none, so that only code
    /// which is not seen could run it.
    fn is_run_by_calls_alone(&self, function: FuncRef, is_uncalled: bool) -> bool {
        let program = self.program;
        let decl = program.function(function);
        let Some(file) = program.files.get(function.file as usize) else { return false };
        let is_entry = function.id.0 == 0 || decl.name == "main" || decl.name == "init" || decl.name.is_empty();
        if is_entry || file.source.facts.generated || is_uncalled && self.is_for_others(function) {
            return false;
        }
        let is_method = decl.owner.is_some() || !decl.owner_name.is_empty();
        let is_declared =
            || program.methods_named(decl.name).iter().any(|method| program.function(*method).flags.is_abstract);
        // A library may call an exported method through an interface; such methods do not make functions.
        let may_fill_interface =
            is_method && (!decl.flags.is_private && !self.makes_function(function) || is_declared());
        (!may_fill_interface || self.is_named_by_nobody(function))
            && !self.handed_around.get_or_init(|| names_handed_around(program)).contains(&decl.name)
            && !self.is_written(function)
    }

    /// Whether a function is there for programs that are not seen: one of a library, or of a package that no program of the
    /// tree is built with.
    fn is_for_others(&self, function: FuncRef) -> bool {
        let Some(file) = self.program.files.get(function.file as usize) else { return true };
        file.source.facts.package != "main"
            && !self.program.function(function).flags.is_private
            && !(self.built.contains(&file.module) && self.programs.contains(&file.source.unit))
    }

    /// Whether a function hands back a function literal.
    fn makes_function(&self, function: FuncRef) -> bool {
        let Some(file) = self.program.files.get(function.file as usize) else { return false };
        let facts = &file.source.facts;
        let is_literal = |value: &ExprId| matches!(facts.expr(*value).kind, ExprKind::Closure(_));
        let mut values = file.flow.returns_of(function.id).flat_map(|found| &found.values);
        values.any(|value| match &facts.expr(*value).kind {
            // `http.HandlerFunc(func(…) {…})`
            ExprKind::Call { args, .. } => matches!(&args[..], [only] if is_literal(&only.value)),
            _ => is_literal(value),
        })
    }

    /// Whether the text of a file that can name a function has its name, beside declarations and comments: of some files no
    /// expressions are known. Those that are seen to call it are left out.
    fn is_written(&self, function: FuncRef) -> bool {
        let (program, name) = (self.program, self.program.function(function).name);
        let is_method = !program.function(function).owner_name.is_empty();
        let Some(package) = program.files.get(function.file as usize).map(|file| file.module) else { return true };
        let calling: FxHashSet<u32> = program.callers(function).iter().map(|call| call.file).collect();
        let can_name = |file: &FileUnit<'_>| {
            file.module == package || file.source.facts.imports.iter().any(|import| import.target == package)
        };
        let files = (0u32..).zip(&program.files).filter(|(at, file)| !calling.contains(at) && can_name(file));
        let files: Vec<Ustr> = files.map(|(_, file)| file.source.path).collect();
        files.len() > MAX_READ
            || files.into_iter().any(|path| {
                // A method is asked of something, but where an interface declares it.
                let uses = |text: String| if is_method { is_asked_for(&text, &name) } else { uses_word(&text, &name) };
                self.file_text(path).is_none_or(uses)
            })
    }
}

/// Whether a Go text has a word, outside of comments, text literals and the declaration of a function by that name.
fn uses_word(text: &str, word: &str) -> bool {
    words(text, word).any(|at| {
        let before = text[..at].rsplit('\n').next().unwrap_or_default();
        // What a text literal says runs nothing.
        let is_quoted = before.matches('"').count() % 2 == 1;
        !is_quoted && !before.starts_with("func ")
    })
}

#[cfg(test)]
mod tests {
    use super::uses_word;

    #[test]
    fn comments_and_declarations_are_no_uses() {
        assert!(uses_word("\tr.Use(mw.Tracing())", "Tracing"));
        assert!(!uses_word("\t// r.Use(mw.Tracing())", "Tracing"));
        assert!(!uses_word("func (mw *Middleware) Tracing() http.Handler {", "Tracing"));
        assert!(!uses_word("\tr.Use(mw.TracingOff())", "Tracing"));
        assert!(!uses_word("\tspan := start(\"Tracing\")", "Tracing"));
        assert!(uses_word("\tr.Use(\"x\", mw.Tracing())", "Tracing"));
    }
}
