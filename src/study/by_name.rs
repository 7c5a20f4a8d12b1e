//! What Go code calls and imports from elsewhere that traces by its name alone: packages of an organisation's own that set
//! a stack up, parts of frameworks that work through a stack's API.

use super::unit::UnitView;
use crate::aside::is_aside;
use crate::ir::Language;
use crate::knowledge::{NameOf, speaks_of_tracing};
use crate::link::{FileUnit, Program, ValueRef, owner_of};
use crate::services::{Mode, StackDescription, StackUse, stacks};
use regex::RegexSet;

/// Takes note of stacks that are there and not seen to be switched on. What they instrument is not known.
pub(super) fn note(program: &Program<'_>, units: &mut [UnitView]) {
    if program.language != Language::Go {
        return;
    }
    for page in stacks().iter().filter(|page| page.languages.contains(&Language::Go)) {
        let Ok(names) = RegexSet::new(&page.set_up_names) else { continue };
        if names.is_empty() && page.used_through.is_empty() {
            continue;
        }
        for (at, file) in (0u32..).zip(&program.files) {
            let Some(unit) = units.get_mut(file.source.unit) else { continue };
            if is_aside(&file.source.path) {
                continue;
            }
            // Code that starts spans or instruments something, in a program that calls what sets tracing up.
            if unit.has_family(&page.family) {
                let is_brought = page.brought.iter().any(|module| unit.indirect.contains(module));
                if !unit.has_active(&page.family)
                    && let Some((line, evidence)) = called(program, at, file, &names, true)
                        .or_else(|| called_of_house(program, at, file).filter(|_| is_brought))
                {
                    let place = file.source.path.to_string();
                    unit.stacks.push(StackUse {
                        stack: page.id.clone(),
                        mode: Mode::Code,
                        active: true,
                        path: place,
                        line,
                        evidence,
                    });
                }
                continue;
            }
            let found = called(program, at, file, &names, false).or_else(|| imported(file, page));
            unit.stacks.extend(found.map(|(line, evidence)| StackUse {
                stack: page.id.clone(),
                mode: Mode::Code,
                active: false,
                path: file.source.path.to_string(),
                line,
                evidence,
            }));
        }
    }
}

/// The line of the first call of a function from elsewhere that no description has and that sets a stack up by its name:
/// with that of its package, or, where the unit `takes_part` in the stack's tracing, by its own alone.
fn called(
    program: &Program<'_>,
    at: u32,
    file: &FileUnit<'_>,
    names: &RegexSet,
    takes_part: bool,
) -> Option<(u32, String)> {
    let facts = &file.source.facts;
    let strange = |path: &str| program.module_unit(path).is_none();
    let may_be = takes_part || facts.imports.iter().any(|import| names.is_match(&format!("{}.init", import.target)));
    let mut sites = file.flow.calls.iter().filter(|_| may_be);
    sites.find_map(|site| {
        let callee = program.callee(ValueRef { file: at, expr: site.expr });
        let name = callee.name.filter(|name| callee.functions.is_empty() && names.is_match(name))?;
        // What begins a span sets nothing up.
        let name = Some(name).filter(|name| !name.to_ascii_lowercase().contains("span"))?;
        let package = name.rsplit_once('.')?.0;
        (strange(package) && program.described(name).is_none()).then(|| {
            let line = facts.lines.line(facts.expr(site.expr).span.start);
            (line, format!("calls {name}, which sets it up by its name"))
        })
    })
}

/// The line of the first call of what starts, makes or provides something, in a package about tracing of the organisation that
/// the program is of: `otlptraces.ModuleFromFlags`. That it sets the stack up is told by what the program holds by way of it.
fn called_of_house(program: &Program<'_>, at: u32, file: &FileUnit<'_>) -> Option<(u32, String)> {
    const WORDS: &[&str] = &["init", "setup", "start", "new", "configure", "register", "install", "enable", "module"];
    let facts = &file.source.facts;
    let house = owner_of(&file.module)?;
    let is_ours = |package: &str| {
        owner_of(package) == Some(house)
            && program.module_unit(package).is_none()
            && speaks_of_tracing(package, NameOf::GoPackage)
            && !package.contains("metric")
    };
    if !facts.imports.iter().any(|import| is_ours(&import.target)) {
        return None;
    }
    file.flow.calls.iter().find_map(|site| {
        let callee = program.callee(ValueRef { file: at, expr: site.expr });
        let name = callee.name.filter(|_| callee.functions.is_empty())?;
        let (package, own) = name.rsplit_once('.')?;
        let own = own.to_ascii_lowercase();
        let sets_up = WORDS.iter().any(|word| own.contains(word)) && !own.contains("span");
        (sets_up && is_ours(package) && program.described(name).is_none()).then(|| {
            let line = facts.lines.line(facts.expr(site.expr).span.start);
            (line, format!("calls {name}, of the organisation's own package about tracing"))
        })
    })
}

/// The line of the first import of what makes spans through the stack's API, whoever sets that up.
fn imported(file: &FileUnit<'_>, page: &StackDescription) -> Option<(u32, String)> {
    let facts = &file.source.facts;
    let found =
        facts.imports.iter().find(|import| page.used_through.iter().any(|path| import.target == path.as_str()))?;
    Some((facts.lines.line(found.span.start), format!("uses {}, and nothing here sets it up", found.target)))
}
