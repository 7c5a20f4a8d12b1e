//! What the files are part of: commands, services, packages for other programs.

use super::{Study, binary, tracing};
use crate::aside;
use crate::link::FuncRef;
use ustr::Ustr;

impl Study<'_> {
    /// Whether no trace can be in a file, whatever traces its unit: it is support for tests, or part of no command that is
    /// traced.
    pub fn is_out_of_traces(&self, path: Ustr) -> bool {
        self.untraced.files.contains(&path)
    }

    /// Whether a path lies in a folder of examples, tools or tests, and is no part of what services are built with.
    pub fn is_aside(&self, path: &str) -> bool {
        aside::is_aside(path) && !Ustr::from_existing(path).is_some_and(|path| self.parts.contains(&path))
    }

    /// Whether only examples, benchmarks, scripts and commands lead to a Python file: no request runs what is in it.
    pub fn is_beside_services(&self, file: u32) -> bool {
        self.beside.contains(&file)
    }

    /// Whether a file declares the commands of a command line, or takes up the process's own work.
    pub fn is_for_operator(&self, file: u32) -> bool {
        self.operators.contains(&file)
    }

    /// Whether the command that a file is the main package of may run a function; true for a file of another package.
    pub fn may_run(&self, command: u32, functions: &[FuncRef]) -> bool {
        let main = self.program.files.get(command as usize).filter(|file| file.source.facts.package == "main");
        let Some(packages) = main.and_then(|file| self.commands.of(file.module)) else { return true };
        functions.iter().any(|function| binary::may_run(self.program, packages, *function))
    }

    /// Whether what is in two files can be in one process.
    pub fn can_meet(&self, one: u32, other: u32) -> bool {
        let module = |at: u32| self.program.files.get(at as usize).map(|file| file.module);
        let both = module(one).zip(module(other));
        one == other || both.is_none_or(|(one, other)| self.commands.share(one, other))
    }

    /// Whether a Go file belongs to a package that is there for other programs: Go lets all import it, it is no part of a command, and no command of
    /// the tree is built with it but examples and tests.
    pub fn is_offered(&self, file: u32) -> bool {
        let Some(unit) = self.program.files.get(file as usize) else { return false };
        let is_hidden = unit.module.split('/').any(|part| matches!(part, "internal" | "cmd"));
        !is_hidden && unit.source.facts.package != "main" && !self.built.contains(&unit.module)
    }

    /// Whether a command of the workspace that is no example or test is built with a Go file.
    pub fn is_built(&self, file: u32) -> bool {
        self.program.files.get(file as usize).is_some_and(|file| self.built.contains(&file.module))
    }

    /// Whether code whose functions are not read, as no trace can pass them, can call a Go function: it names the function's
    /// package and, where the function takes something of a library, that library's.
    pub fn may_be_called_unread(&self, function: FuncRef) -> bool {
        let Some(home) = self.program.files.get(function.file as usize).map(|file| file.module) else { return false };
        let params = (0..self.program.function(function).params.len()).map_while(|n| u16::try_from(n).ok());
        let types = params.filter_map(|n| self.program.param_type(function, n));
        let packages = types.filter_map(|ty| ty.as_str().rsplit_once('.').map(|(package, _)| package));
        let needed: Vec<&str> = packages.filter(|package| self.program.module_unit(package).is_none()).collect();
        let mut unread = self.program.files.iter().filter(|file| tracing::is_unread(file));
        unread.any(|file| {
            let imports = |package: &&str| file.source.facts.imports.iter().any(|import| import.target == *package);
            tracing::reaches(file, home) && needed.iter().all(imports)
        })
    }

    /// Whether a Go workspace has no command but examples: all that it has is there for others.
    pub fn is_all_offered(&self) -> bool {
        self.built.is_empty()
    }
}
