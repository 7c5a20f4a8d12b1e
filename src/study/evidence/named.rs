//! Packages from elsewhere that set a stack up, by what they are called.

use super::super::unit::UnitView;
use super::prefixes;
use crate::aside::is_aside;
use crate::ir::{Import, Language};
use crate::link::{FileUnit, Program, ValueRef};
use crate::services::{Mode, StackUse, stacks};

/// Takes note of the units that import from elsewhere what sets a stack up by its name: a package of the organisation's own.
/// What that does is not seen, so the stack counts as present and not as switched on.
pub(super) fn set_up_by_name(program: &Program<'_>, units: &mut [UnitView]) {
    for page in stacks().iter().filter(|page| page.languages.contains(&program.language)) {
        let names: Vec<regex::Regex> =
            page.set_up_names.iter().filter_map(|name| regex::Regex::new(name).ok()).collect();
        // A Go import names no function.
        let names = if program.language == Language::Go { Vec::new() } else { names };
        for (at, file) in (0u32..).zip(&program.files) {
            let unit = &mut units[file.source.unit];
            if names.is_empty() || is_aside(&file.source.path) || unit.set_up_by_others {
                continue;
            }
            // Classes by which a Java program is joined to a stack that is seen set nothing else up.
            if program.language == Language::Java && unit.stacks.iter().any(|found| found.active) {
                continue;
            }
            let Some((line, evidence)) =
                named_import(program, file, &names).or_else(|| named_call(program, at, &names))
            else {
                continue;
            };
            unit.set_up_by_others = true;
            if unit.has_family(&page.family) {
                continue;
            }
            unit.stacks.push(StackUse {
                stack: page.id.clone(),
                mode: Mode::Elsewhere,
                active: false,
                path: file.source.path.to_string(),
                line,
                evidence,
            });
        }
    }
}

/// The line of an import from elsewhere that has one of these names.
fn named_import(program: &Program<'_>, file: &FileUnit<'_>, names: &[regex::Regex]) -> Option<(u32, String)> {
    let is_it = |import: &&Import| {
        names.iter().any(|name| name.is_match(&import.target))
            && program.knowledge.function(import.target).is_none()
            && is_from_elsewhere(program, &import.module)
    };
    let import = file.source.facts.imports.iter().find(is_it)?;
    let line = file.source.facts.lines.line(import.span.start);
    Some((line, format!("imports {}, which sets it up by its name", import.target)))
}

/// The line of a call, through a module from elsewhere, of what has one of these names: `otel_kit.setup()`.
fn named_call(program: &Program<'_>, at: u32, names: &[regex::Regex]) -> Option<(u32, String)> {
    let file = program.files.get(at as usize)?;
    // Whether anything in the module could have one of the names.
    let may_hold = |import: &&Import| names.iter().any(|name| name.is_match(&format!("{}.init", import.target)));
    let strange = file.source.facts.imports.iter().filter(may_hold);
    let strange = strange.filter(|import| is_from_elsewhere(program, &import.module));
    let strange: Vec<&str> = strange.map(|import| import.target.as_str()).collect();
    let found = file.flow.calls.iter().filter(|_| !strange.is_empty()).find_map(|site| {
        let call = ValueRef { file: at, expr: site.expr };
        let callee = program.callee(call);
        let name = callee.name.filter(|_| callee.functions.is_empty())?;
        let is_below = |target: &&str| name.strip_prefix(*target).is_some_and(|rest| rest.starts_with('.'));
        let is_named = names.iter().any(|wanted| wanted.is_match(&name)) && strange.iter().any(is_below);
        (is_named && program.knowledge.function(name).is_none()).then_some((call, name))
    });
    let (call, name) = found?;
    let line = file.source.facts.lines.line(program.expr(call).span.start);
    Some((line, format!("calls {name}, which sets it up by its name")))
}

/// Whether a module is neither the workspace's own nor one of which something is described.
fn is_from_elsewhere(program: &Program<'_>, module: &str) -> bool {
    let libraries = program.knowledge.libraries().iter();
    let mut described = libraries.flat_map(|library| &library.modules);
    let is_below = |known: &String| {
        module.strip_prefix(known.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    !module.starts_with('.')
        && !prefixes(module).any(|name| program.module_unit(name).is_some())
        && !described.any(is_below)
}
