//! What the code itself shows of a unit's tracing: imports of a stack, and process-wide switches.

use super::tasks::{within_tasks, within_workers};
use super::unit::{Coverage, UnitView, instruments_project};
use super::{packages, tracing};
use crate::aside::is_aside;
use crate::ir::{ExprKind, FileFacts, Import, Language};
use crate::knowledge::{FunctionDescription, LibraryDescription, Setting, Slot};
use crate::link::{FileUnit, FuncRef, Program, ValueRef, plain};
use crate::services::{Mode, StackDescription, StackUse, stacks};
use rustc_hash::{FxHashMap, FxHashSet};
use ustr::Ustr;

/// Adds to the units what their code shows: stacks by import, libraries by a switch (`RequestsInstrumentor().instrument()`).
/// A switch counts for the unit that throws it and for every unit that shares code with it by import, in either
/// direction; one in an example counts for the example alone.
pub fn code_evidence(program: &Program<'_>, units: &mut [UnitView]) {
    imports(program, units);
    listed(program, units);
    without_tracing(program, units);
    own_instrumentors(program, units);
    let within_tasks = within_tasks(program, units);
    let within_workers = within_workers(program);
    let mut switched: FxHashMap<usize, Vec<(String, Coverage)>> = FxHashMap::default();
    for found in program.described_calls().iter().filter(|found| !found.effect.switches_on.is_empty()) {
        let file = &program.files[found.call.file as usize].source;
        if within_tasks.contains(&found.call) {
            continue;
        }
        if needs_telling(program.language, &found.library.family) && !units[file.unit].has_family(&found.library.family)
        {
            continue;
        }
        let coverage = Coverage {
            by: "a process-wide instrumentor".to_owned(),
            at: Some((file.path.to_string(), file.facts.lines.line(program.expr(found.call).span.start))),
            reach: crate::services::Reach::All,
            family: family_of(program.language, found.library).to_owned(),
            in_workers: within_workers.contains(&found.call),
        };
        let libraries = found.effect.switches_on.iter().map(|library| (library.clone(), coverage.clone()));
        switched.entry(file.unit).or_default().extend(libraries);
    }
    shared_set_up(program, units, &within_tasks);
    declared_for_others(program, units);
    set_up_out_of_sight(program, units);
    set_up_by_name(program, units);
    used_by_api(program, units);
    plugged_in(program, units);
    asked_in_code(program, units);
    super::by_name::note(program, units);
    if switched.is_empty() {
        return;
    }
    let links = links(program);
    for (unit, found) in switched {
        let near =
            (0..units.len()).filter(|at| *at == unit || links.contains(&(*at, unit)) || links.contains(&(unit, *at)));
        for at in near {
            let counts =
                |coverage: &Coverage| at == unit || !coverage.at.as_ref().is_some_and(|(path, _)| is_aside(path));
            for (library, coverage) in found.iter().filter(|(_, coverage)| counts(coverage)) {
                units[at].add_coverage(library, coverage.clone());
            }
        }
    }
}

/// The family whose spans a library makes: its own, or that of the stack whose code it is.
fn family_of(language: Language, library: &LibraryDescription) -> &str {
    let is_of = |page: &&StackDescription| {
        let is_below = |name: &String, outer: &String| {
            name.strip_prefix(outer.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let is_code =
            |module: &String| page.imports.iter().any(|import| is_below(import, module) || is_below(module, import));
        page.languages.contains(&language) && library.modules.iter().all(is_code)
    };
    let found = || stacks().iter().find(is_of).map_or("", |page| page.family.as_str());
    if library.family.is_empty() { found() } else { &library.family }
}

/// Whether the stacks of a family only trace when told to.
pub(super) fn needs_telling(language: Language, family: &str) -> bool {
    let mut pages = stacks().iter().filter(|page| page.family == family && page.languages.contains(&language));
    !family.is_empty() && pages.any(|page| !page.tracing_words.is_empty())
}

/// Takes away the stacks that only trace when told to, from units whose code does not tell them.
fn without_tracing(program: &Program<'_>, units: &mut [UnitView]) {
    for page in stacks().iter().filter(|page| !page.tracing_words.is_empty()) {
        let uses = |unit: &UnitView| unit.stacks.iter().any(|found| found.stack == page.id);
        let candidates: Vec<usize> = (0..units.len()).filter(|at| uses(&units[*at])).collect();
        for at in candidates {
            let mut files = program.files.iter().filter(|file| file.source.unit == at);
            let is_of_language = units[at].language == program.language;
            let is_told = |name: &String| {
                let value = units[at].settings.value(name);
                value.is_some_and(|value| value != "false" && value.parse::<f64>() != Ok(0.0))
            };
            if is_of_language
                && !page.tracing_settings.iter().any(is_told)
                && !files.any(|file| mentions(&file.source.facts, &page.tracing_words))
            {
                units[at].stacks.retain(|found| found.stack != page.id);
            }
        }
    }
}

/// Whether a file names any of these: as a name, a keyword, or in a text.
fn mentions(facts: &FileFacts, words: &[String]) -> bool {
    let is_word = |name: &str| words.iter().any(|word| word == name);
    facts.exprs.iter().any(|expr| match &expr.kind {
        ExprKind::Name(name) | ExprKind::Member { name, .. } | ExprKind::Str(name) => is_word(name),
        ExprKind::Call { args, .. } => args.iter().any(|arg| arg.name.is_some_and(|name| is_word(&name))),
        _ => false,
    })
}

/// Takes note of projects that code of their own imports an instrumentation for: `….instrumentation.<project>`.
fn own_instrumentors(program: &Program<'_>, units: &mut [UnitView]) {
    if program.language != Language::Python {
        return;
    }
    let project = |module: &str| plain(module).split('.').next().map(str::to_owned).unwrap_or_default();
    let mut found: FxHashSet<String> = FxHashSet::default();
    for file in &program.files {
        let own = project(&file.module);
        if file.source.facts.imports.iter().any(|import| instruments_project(&import.module, &own)) {
            found.insert(own);
        }
    }
    for file in program.files.iter().filter(|file| found.contains(&project(&file.module))) {
        units[file.source.unit].own_instrumentor = true;
    }
}

fn imports(program: &Program<'_>, units: &mut [UnitView]) {
    let pages = || stacks().iter().enumerate().filter(|(_, page)| page.languages.contains(&program.language));
    let mut by_prefix: FxHashMap<&str, Vec<usize>> = FxHashMap::default();
    for (at, page) in pages() {
        for prefix in &page.imports {
            by_prefix.entry(prefix).or_default().push(at);
        }
    }
    let mut memo: FxHashMap<(Ustr, Ustr), Vec<usize>> = FxHashMap::default();
    let with_code = with_code(program, units);
    for file in &program.files {
        // What an example sets up is not set up in the program or library that it shows.
        if with_code.contains(&file.source.unit) && is_beside(file, &units[file.source.unit]) {
            continue;
        }
        for import in &file.source.facts.imports {
            let found = memo.entry((import.module, import.target)).or_insert_with(|| {
                let names = [import.module.as_str(), import.target.as_str()];
                let mut found: Vec<usize> = names
                    .into_iter()
                    .flat_map(prefixes)
                    .filter_map(|name| by_prefix.get(name))
                    .flatten()
                    .copied()
                    .collect();
                found.sort_unstable();
                found.dedup();
                found
            });
            for page in found.iter().filter_map(|at| stacks().get(*at)) {
                if !prefixes(&import.target).any(|name| page.imports_beside.iter().any(|beside| beside == name)) {
                    imported(file, import, page, &mut units[file.source.unit]);
                }
            }
        }
    }
}

/// The Python units that have code of their own beside their examples and tools.
fn with_code(program: &Program<'_>, units: &[UnitView]) -> FxHashSet<usize> {
    let files = program.files.iter().filter(|_| program.language == Language::Python);
    let own =
        files.filter(|file| !is_beside(file, &units[file.source.unit]) && !file.source.facts.functions.is_empty());
    own.map(|file| file.source.unit).collect()
}

/// Whether a file is an example or tool of its unit.
fn is_beside(file: &FileUnit<'_>, unit: &UnitView) -> bool {
    let path = file.source.path.strip_prefix(unit.root.as_str()).unwrap_or(&file.source.path);
    const SHOWS: &[&str] = &["example", "examples", "sample", "samples", "docs", "cookbook", "notebooks", "tutorials"];
    path.trim_start_matches('/').split('/').rev().skip(1).any(|folder| SHOWS.contains(&folder))
}

/// Adds the stacks that a framework loads because its settings name them in a text.
fn listed(program: &Program<'_>, units: &mut [UnitView]) {
    let pages = stacks().iter().filter(|page| page.languages.contains(&program.language));
    let names = pages.flat_map(|page| page.listed_as.iter().map(move |name| (Ustr::from(name), page)));
    let names: FxHashMap<Ustr, &StackDescription> = names.collect();
    for file in program.files.iter().filter(|_| !names.is_empty()) {
        for expr in &file.source.facts.exprs {
            let ExprKind::Str(text) = &expr.kind else { continue };
            let Some(page) = names.get(text).filter(|_| !is_aside(&file.source.path)) else { continue };
            let place = (file.source.path.to_string(), file.source.facts.lines.line(expr.span.start));
            let unit = &mut units[file.source.unit];
            unit.patch(page, Mode::Code, place.clone());
            if !unit.stacks.iter().any(|found| found.stack == page.id && found.active) {
                unit.stacks.push(StackUse {
                    stack: page.id.clone(),
                    mode: Mode::Code,
                    active: true,
                    path: place.0,
                    line: place.1,
                    evidence: format!("lists {text}"),
                });
            }
        }
    }
}

/// A name and every package around it.
fn prefixes(name: &str) -> impl Iterator<Item = &str> {
    let ends = name.match_indices(['.', '/']).map(|(at, _)| at).chain([name.len()]);
    ends.filter_map(|end| name.get(..end))
}

/// Takes note of a stack that a file of a unit imports.
fn imported(file: &FileUnit<'_>, import: &Import, page: &StackDescription, unit: &mut UnitView) {
    if page.patching_imports.iter().any(|module| *module == import.module || *module == import.target)
        && !is_aside(&file.source.path)
    {
        unit.patch(page, Mode::Code, (file.source.path.to_string(), file.source.facts.lines.line(import.span.start)));
    }
    let known = unit.stacks.iter().any(|found| found.stack == page.id && found.mode == Mode::Code && found.active);
    if !known {
        unit.stacks.push(StackUse {
            stack: page.id.clone(),
            mode: Mode::Code,
            active: true,
            path: file.source.path.to_string(),
            line: file.source.facts.lines.line(import.span.start),
            evidence: format!("imports {}", import.module),
        });
    }
}

/// Forgets what is seen to be asked of a stack in code, anywhere: `config.celery["distributed_tracing"] = True`.
fn asked_in_code(program: &Program<'_>, units: &mut [UnitView]) {
    let asking: FxHashSet<Ustr> = units
        .iter()
        .flat_map(|unit| unit.not_asked.values())
        .flat_map(|found| found.in_code.iter().map(|word| Ustr::from(word)))
        .collect();
    let of_file = |file: &FileUnit<'_>| -> Vec<Ustr> {
        let words = file.source.facts.exprs.iter().filter_map(|expr| match &expr.kind {
            ExprKind::Str(word) | ExprKind::Name(word) | ExprKind::Member { name: word, .. } => Some(*word),
            _ => None,
        });
        words.filter(|word| asking.contains(word)).collect()
    };
    let files = program.files.iter().filter(|_| !asking.is_empty());
    let asked: FxHashSet<Ustr> = files.flat_map(of_file).collect();
    for unit in units.iter_mut().filter(|_| !asked.is_empty()) {
        unit.not_asked.retain(|_, found| !found.in_code.iter().any(|word| asked.contains(&Ustr::from(word))));
    }
}

/// Adds to each unit the stacks of another unit whose set-up code it runs: a service that calls the tracing set-up of a
/// library in the same workspace is traced by it.
fn shared_set_up(program: &Program<'_>, units: &mut [UnitView], without: &FxHashSet<ValueRef>) {
    let mut seen: FxHashSet<FuncRef> = FxHashSet::default();
    let mut work: Vec<FuncRef> = set_ups(program, without);
    while let Some(function) = work.pop() {
        if !seen.insert(function) {
            continue;
        }
        let home = program.files[function.file as usize].source.unit;
        for call in program.callers(function) {
            let unit = program.files[call.file as usize].source.unit;
            if unit == home {
                let caller = program.function_at(*call);
                // Load-time code is nobody's helper.
                work.extend((caller.id.0 != 0).then(|| program.outermost(caller)));
            } else {
                adopt(program, units, home, unit, *call, function);
            }
        }
    }
}

/// Takes away from the Go units what only their manifest tells of, where nothing in their code has to do with traces: the
/// modules of OpenTelemetry are there for measurements and logs too.
fn declared_for_others(program: &Program<'_>, units: &mut [UnitView]) {
    let is_declared = |unit: &UnitView| {
        unit.language == Language::Go && unit.is_traced() && !unit.stacks.iter().any(|found| found.active)
    };
    if program.language != Language::Go || !units.iter().any(is_declared) {
        return;
    }
    let mut taking_part: FxHashSet<usize> = FxHashSet::default();
    for (at, file) in (0u32..).zip(&program.files) {
        if taking_part.contains(&file.source.unit) || !is_declared(&units[file.source.unit]) {
            continue;
        }
        let calls = file.flow.calls.iter().map(|site| program.callee(ValueRef { file: at, expr: site.expr }));
        let mut effects = calls.filter_map(|callee| Some(program.described(callee.name?)?.1));
        let imports = &file.source.facts.imports;
        if imports.iter().any(|import| packages::may_trace(program, &import.target)) || effects.any(tracing::takes_part)
        {
            taking_part.insert(file.source.unit);
        }
    }
    for (at, unit) in units.iter_mut().enumerate().filter(|(at, unit)| is_declared(unit) && !taking_part.contains(at)) {
        let has_code = program.files.iter().any(|file| file.source.unit == at);
        unit.stacks.retain(|found| !has_code || found.mode != Mode::Code);
    }
}

/// Takes note of the Go units that start spans by an API, or instrument something for it, while nothing in the tree sets
/// its SDK up: a package from elsewhere does, or the program that a library is built into. What else that instruments is not known, so the stack
/// counts as present and not as switched on.
fn set_up_out_of_sight(program: &Program<'_>, units: &mut [UnitView]) {
    if program.language != Language::Go {
        return;
    }
    let by_api = |family: &str| {
        let mut pages = stacks().iter().filter(|page| page.languages.contains(&Language::Go) && page.needs_code);
        pages.find(|page| page.family == family && !page.imports.is_empty())
    };
    let takes_part = |effect: &FunctionDescription| effect.span.is_some() || effect.instruments.is_some();
    for found in program.described_calls().iter().filter(|found| takes_part(found.effect)) {
        let Some(file) = program.files.get(found.call.file as usize).map(|file| &file.source) else { continue };
        let family = found.library.family.as_str();
        let Some(unit) = units.get_mut(file.unit) else { continue };
        if family.is_empty() || unit.has_family(family) || is_aside(&file.path) {
            continue;
        }
        let Some(page) = by_api(family) else { continue };
        unit.stacks.push(StackUse {
            stack: page.id.clone(),
            mode: Mode::Code,
            active: false,
            path: file.path.to_string(),
            line: file.facts.lines.line(program.expr(found.call).span.start),
            evidence: match found.effect.span {
                Some(_) => format!("starts spans of {}, and nothing here sets it up", found.library.title),
                None => format!("uses {}, and nothing here sets it up", found.library.title),
            },
        });
    }
}

/// Takes note of the Python units without a stack that derive types from those of another unit of the tree, which starts
/// spans of a stack: that unit runs what is written here, inside its spans. What else is instrumented is not known, so the
/// stack counts as present and not as switched on.
fn plugged_in(program: &Program<'_>, units: &mut [UnitView]) {
    if program.language != Language::Python {
        return;
    }
    let starting = program.described_calls().iter().filter(|found| found.effect.span.is_some());
    let files = starting.filter_map(|found| program.files.get(found.call.file as usize));
    let starting: FxHashSet<usize> =
        files.filter(|file| !is_aside(&file.source.path)).map(|file| file.source.unit).collect();
    let mut found: FxHashMap<usize, StackUse> = FxHashMap::default();
    for (at, file) in (0u32..).zip(&program.files) {
        let unit = file.source.unit;
        if units[unit].is_traced() || found.contains_key(&unit) || is_aside(&file.source.path) {
            continue;
        }
        let above = file.source.facts.types.iter().flat_map(|ty| ty.supers.iter().map(move |above| (ty, above)));
        let derived = above.filter_map(|(ty, above)| Some((ty, program.own_type(program.type_ref(at, above))?)));
        let stack = derived.filter_map(|(ty, above)| {
            let home = program.files.get(above.file as usize)?.source.unit;
            let by_code = |found: &&StackUse| found.active && found.mode == Mode::Code;
            let stack = units[home].stacks.iter().find(by_code).filter(|_| home != unit && starting.contains(&home))?;
            Some((ty, home, stack))
        });
        if let Some((ty, home, stack)) = stack.into_iter().next() {
            let evidence = format!("`{}` is run by {}, which starts spans", ty.name, units[home].name);
            let (path, line) = (file.source.path.to_string(), file.source.facts.lines.line(ty.span.start));
            let stack = stack.stack.clone();
            found.insert(unit, StackUse { stack, mode: Mode::Elsewhere, active: false, path, line, evidence });
        }
    }
    for (unit, stack) in found {
        units[unit].stacks.push(stack);
    }
}

/// Takes note of the units that import from elsewhere what sets a stack up by its name: a package of the organisation's own.
/// What that does is not seen, so the stack counts as present and not as switched on.
fn set_up_by_name(program: &Program<'_>, units: &mut [UnitView]) {
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

/// Takes note of the Java and Python units that make spans by an API while nothing that is seen sets its SDK up: an agent
/// that the deployment brings, a parent of the build, or the program that a library is built into.
fn used_by_api(program: &Program<'_>, units: &mut [UnitView]) {
    if program.language == Language::Go {
        return;
    }
    for page in stacks().iter().filter(|page| page.languages.contains(&program.language)) {
        for file in program.files.iter().filter(|file| !is_aside(&file.source.path)) {
            let unit = &mut units[file.source.unit];
            if page.used_through.is_empty() || unit.sign.is_some() || !unit.stacks.is_empty() {
                continue;
            }
            let is_it =
                |import: &&Import| prefixes(&import.target).any(|name| page.used_through.iter().any(|api| api == name));
            let Some(import) = file.source.facts.imports.iter().find(is_it) else { continue };
            unit.sign = Some(StackUse {
                stack: page.id.clone(),
                mode: Mode::Elsewhere,
                active: false,
                path: file.source.path.to_string(),
                line: file.source.facts.lines.line(import.span.start),
                evidence: format!("uses {}, and nothing here sets it up", import.target),
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

/// The functions that set tracing up: they install a provider, switch a library's instrumentation on, or instrument an
/// app that they are given.
fn set_ups(program: &Program<'_>, without: &FxHashSet<ValueRef>) -> Vec<FuncRef> {
    let calls = program.described_calls().iter().filter(|found| !without.contains(&found.call));
    let found = calls.filter(|found| found.site.function.0 != 0 && sets_up(found.effect));
    found.map(|found| program.outermost(FuncRef { file: found.call.file, id: found.site.function })).collect()
}

pub(super) fn sets_up(effect: &FunctionDescription) -> bool {
    matches!(effect.sets, Some(Setting::TracerProvider | Setting::Everything))
        || !effect.switches_on.is_empty()
        || matches!(effect.instruments, Some(Slot::Arg(_) | Slot::AnyArg))
}

fn adopt(program: &Program<'_>, units: &mut [UnitView], from: usize, to: usize, call: ValueRef, function: FuncRef) {
    let shared: Vec<StackUse> =
        units[from].stacks.iter().filter(|found| found.active && found.mode == Mode::Code).cloned().collect();
    let place = program.place(call);
    let line = program.files[call.file as usize].source.facts.lines.line(place.span.start);
    for found in shared {
        let known = units[to].stacks.iter().any(|own| own.stack == found.stack && own.active);
        if !known {
            let evidence = format!("calls `{}`, which sets tracing up", program.function(function).name);
            units[to].stacks.push(StackUse { path: place.path.to_string(), line, evidence, ..found });
        }
    }
}

/// Pairs of units of which the first imports from the second.
pub(super) fn links(program: &Program<'_>) -> FxHashSet<(usize, usize)> {
    let mut out = FxHashSet::default();
    for file in &program.files {
        for target in file.scope.targets() {
            let mut name = target.as_str();
            loop {
                if let Some(other) = program.module_unit(name) {
                    if other != file.source.unit {
                        out.insert((file.source.unit, other));
                    }
                    break;
                }
                match name.rsplit_once(['.', '/']) {
                    Some((outer, _)) => name = outer,
                    None => break,
                }
            }
        }
    }
    out
}
