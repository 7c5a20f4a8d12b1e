//! Go methods that nothing can run: those of a type of which no value is made, and those that nobody names.

use super::Study;
use super::unused::MAX_READ;
use crate::ir::{FunctionId, TypeRef};
use crate::link::{FileUnit, FuncRef, ValueRef};
use ustr::Ustr;

/// Most parameters of methods that libraries ask for through interfaces of their own.
const MAX_PARAMS: usize = 3;
/// How many files are read in which a method may be called by its name.
const MAX_NAMING: usize = 2_000;

impl Study<'_> {
    /// Whether no value of the type that a method belongs to is made: its name stands nowhere but in its declaration, in
    /// its methods and in functions that nothing runs; `types` says how many more types are looked at for that.
    pub(super) fn is_of_unmade_type(&self, method: FuncRef, types: u32) -> bool {
        let program = self.program;
        let name = program.function(method).owner_name;
        let Some(home) = program.files.get(method.file as usize).filter(|_| !name.is_empty()) else { return false };
        if self.is_made_on_call(home.module, name) {
            return false;
        }
        let can_name = |file: &FileUnit<'_>| {
            file.module == home.module || file.source.facts.imports.iter().any(|import| import.target == home.module)
        };
        let files = (0u32..).zip(&program.files).filter(|(_, file)| can_name(file));
        let files: Vec<u32> = files.map(|(at, _)| at).collect();
        let is_left_out = |path: &Ustr| self.file_text(*path).is_none_or(|text| words(&text, &name).next().is_some());
        files.len() <= MAX_READ
            && !self.unread.iter().any(is_left_out)
            && !files.into_iter().any(|file| self.may_make(file, name, home.module, types))
    }

    /// Whether a function of a package that something calls makes a value of a type of it. Most types are made so, and no
    /// text has to be read for them.
    fn is_made_on_call(&self, package: Ustr, name: Ustr) -> bool {
        let program = self.program;
        let Some(ty) = Ustr::from_existing(&format!("{package}.{name}")) else { return false };
        let files = (0u32..).zip(&program.files).filter(|(_, file)| file.module == package);
        files.into_iter().any(|(at, file)| {
            file.flow.calls.iter().any(|site| {
                let function = FuncRef { file: at, id: site.function };
                program.callee(ValueRef { file: at, expr: site.expr }).constructs == Some(ty)
                    && !program.callers(program.outermost(function)).is_empty()
            })
        })
    }

    /// Whether a file may make a value of a type of a package, as its text has the type's name.
    fn may_make(&self, file: u32, name: Ustr, package: Ustr, types: u32) -> bool {
        let unit = &self.program.files[file as usize];
        let Some(text) = self.file_text(unit.source.path) else { return true };
        words(&text, &name).any(|at| {
            let line = text[..at].rsplit('\n').next().unwrap_or_default().trim_start();
            if unit.module == package && (line.starts_with("func (") && !line.contains(')') || line == "type ") {
                return false;
            }
            match self.function_around(file, at) {
                Some(function) if unit.module == package && self.program.function(function).owner_name == name => false,
                Some(function) => !self.is_unused(function, types),
                // A field, an embedded type, an interface that is asserted: somebody counts on it.
                None => true,
            }
        })
    }

    /// The function of a file, no literal, whose text holds a place (in bytes).
    fn function_around(&self, file: u32, at: usize) -> Option<FuncRef> {
        let functions = &self.program.files.get(file as usize)?.source.facts.functions;
        let mut outer = (0u32..).zip(functions).skip(1).filter(|(_, decl)| decl.parent.is_none_or(|of| of.0 == 0));
        let holds = |span: crate::ir::Span| (span.start as usize..span.end as usize).contains(&at);
        let (id, _) = outer.find(|(_, decl)| holds(decl.span))?;
        Some(FuncRef { file, id: FunctionId(id) })
    }

    /// Whether nobody calls a method by its name, and no library is likely to through an interface of its own: it takes
    /// much, what it takes or hands back is of a type of the tree, or an interface of the tree declares it.
    pub(super) fn is_named_by_nobody(&self, method: FuncRef) -> bool {
        let program = self.program;
        let decl = program.function(method);
        let is_own = |ty: &TypeRef| {
            let name = program.type_ref(method.file, ty);
            let name = name.trim_start_matches(|c: char| !c.is_alphanumeric());
            let package = name.rsplit_once('.').and_then(|(package, _)| Ustr::from_existing(package));
            package.is_some_and(|package| program.module_unit(&package).is_some())
        };
        let mut types = decl.params.iter().filter_map(|param| param.ty.as_ref()).chain(&decl.results);
        let methods = program.methods_named(decl.name);
        let is_special = decl.params.len() > MAX_PARAMS;
        if !is_special
            && !types.any(is_own)
            && !methods.iter().any(|method| program.function(*method).flags.is_abstract)
        {
            return false;
        }
        // The bodies of some files are not lowered: what they call is in their texts alone.
        let is_lowered = |file: &&FileUnit<'_>| file.flow.calls.iter().any(|site| site.function.0 != 0);
        let others = program.files.iter().filter(|file| !is_lowered(file));
        let mut unread: Vec<Ustr> = others.map(|file| file.source.path).collect();
        unread.extend(&self.unread);
        unread.len() <= MAX_NAMING
            && methods.iter().all(|other| program.callers(*other).is_empty())
            && !unread.into_iter().any(|path| self.file_text(path).is_none_or(|text| is_asked_for(&text, &decl.name)))
    }
}

/// Where a Go text has a word outside of comments, in bytes.
pub(super) fn words<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = usize> {
    let is_part = |found: Option<char>| found.is_some_and(|found| found.is_alphanumeric() || found == '_');
    text.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let (before, after) = (&text[..*at], &text[*at + word.len()..]);
        let line = before.rsplit('\n').next().unwrap_or_default();
        !is_part(before.chars().next_back()) && !is_part(after.chars().next()) && !line.contains("//")
    })
}

/// Whether a Go text asks something for a method of this name.
pub fn is_asked_for(text: &str, name: &str) -> bool {
    words(text, name).any(|at| text[..at].ends_with('.'))
}
