//! instrumentation-not-loaded.

use super::super::Verdicts;
use super::dark;
use crate::aside::is_aside;
use crate::finding::{Confidence, Finding, Place, Related};
use crate::ir::Language;
use crate::knowledge::{Knowledge, LibraryDescription, TypeRole};
use crate::link::SourceFile;
use crate::services::{CitedLines, Dependency, Mode, StackDescription, stacks};
use crate::study::UnitView;
use rustc_hash::FxHashSet;

/// What is declared and does nothing.
struct Idle<'a> {
    dependency: &'a Dependency,
    page: &'static StackDescription,
    /// The dependency that the stack waits for.
    missing: Option<&'static str>,
    /// The place where the process is started without the stack.
    start: Option<Place>,
}

/// Reports programs that declare tracing packages which nothing switches on.
pub(crate) fn check(units: &[UnitView], sources: &[SourceFile], lines: &CitedLines, out: &mut Verdicts) {
    let mut seen = FxHashSet::default();
    for (at, unit) in units.iter().enumerate() {
        if unit.stacks.iter().any(|found| found.active) || !unit.covered.is_empty() || unit.set_up_by_others {
            continue;
        }
        let Some(idle) = idle(unit, lines) else { continue };
        let Some(place) = lines.place(&idle.dependency.path, idle.dependency.line) else { continue };
        if seen.contains(&place) || is_aside(&format!("{}/x", unit.root)) || !runs_untraced(at, units, sources) {
            continue;
        }
        seen.insert(place);
        out.findings.push(finding(unit, place, &idle));
    }
}

fn idle<'a>(unit: &'a UnitView, lines: &CitedLines) -> Option<Idle<'a>> {
    match unit.language {
        Language::Java => waiting(unit).or_else(|| alone(unit)),
        Language::Python => unlaunched(unit, lines),
        Language::Go => None,
    }
}

/// A stack that configures itself, and of which a part is missing.
fn waiting(unit: &UnitView) -> Option<Idle<'_>> {
    if unit.stacks.iter().any(|found| found.mode != Mode::AutoConfiguration) || brings_more(unit) {
        return None;
    }
    let found = unit.stacks.first()?;
    let page = stacks().iter().find(|page| page.id == found.stack)?;
    let missing = page.missing(|name| unit.dependencies.contains(name), |group| unit.platform(group))?;
    let dependency = unit.declared.iter().find(|known| known.path == found.path && known.line == found.line)?;
    Some(Idle { dependency, page, missing: Some(missing), start: None })
}

/// A dependency that serves a stack which is not there, nor any other.
fn alone(unit: &UnitView) -> Option<Idle<'_>> {
    if !unit.stacks.is_empty() || brings_more(unit) {
        return None;
    }
    unit.declared.iter().find_map(|dependency| {
        let serves = |page: &&StackDescription| {
            page.languages.contains(&unit.language)
                && page.is_companion(&dependency.name)
                && page.missing(|name| unit.dependencies.contains(name), |_| None).is_none()
        };
        let page = stacks().iter().find(serves)?;
        Some(Idle { dependency, page, missing: None, start: None })
    })
}

/// Packages for a launcher, in a project whose start is seen and does not run it.
fn unlaunched<'a>(unit: &'a UnitView, lines: &CitedLines) -> Option<Idle<'a>> {
    let start = unit.starts.iter().find_map(|(path, line)| lines.place(path, *line))?;
    // What another project's list declares was meant for that project.
    let own = |found: &&Dependency| unit.root.is_empty() || found.path.starts_with(&format!("{}/", unit.root));
    unit.declared.iter().filter(own).find_map(|dependency| {
        let page = stacks().iter().find(|page| {
            !page.launchers.is_empty() && page.languages.contains(&unit.language) && page.is_companion(&dependency.name)
        })?;
        Some(Idle { dependency, page, missing: None, start: Some(start) })
    })
}

/// Whether a Java starter that is not seen may bring what is missing.
pub(super) fn brings_more(unit: &UnitView) -> bool {
    let mut names = unit.dependencies.iter().filter(|_| unit.language == Language::Java);
    names.any(|name| {
        let artifact = name.split_once(':').map_or(name.as_str(), |(_, artifact)| artifact);
        let telling = ["actuator", "observability", "telemetry", "tracing", "monitoring"];
        let may_bring = artifact.contains("starter") || telling.iter().any(|word| artifact.contains(word));
        may_bring && !stacks().iter().any(|page| page.is_transparent(name))
    })
}

/// Whether a unit is a program, and no code of it or of a shared library of the workspace sets tracing up.
fn runs_untraced(unit: usize, units: &[UnitView], sources: &[SourceFile]) -> bool {
    let language = units[unit].language;
    let of = |at: usize| sources.iter().filter(move |file| file.unit == at && file.facts.language == language);
    // A Python server is started from outside of its code.
    let serves = |file: &SourceFile| file.facts.imports.iter().any(|import| dark::serves(language, &import.module));
    let is_program = of(unit).any(|file| dark::is_program(file) || (language == Language::Python && serves(file)));
    let libraries: Vec<&LibraryDescription> =
        Knowledge::built_in(language).libraries().iter().filter(|library| sets_up(library)).collect();
    let traces = |at: usize| {
        let modules = || libraries.iter().flat_map(|library| &library.modules);
        of(at)
            .flat_map(|file| &file.facts.imports)
            .any(|import| modules().any(|prefix| is_below(&import.module, prefix)))
    };
    let is_shared = |at: &usize| *at != unit && units[*at].starts.is_empty() && !of(*at).any(dark::is_program);
    let shared = (0..units.len()).filter(is_shared).any(traces);
    is_program && !traces(unit) && !shared && !is_set_up_beside(unit, units, sources, &libraries)
}

/// Whether a Python unit imports a file that sets tracing up from a folder beside it, which no manifest claims: the
/// process runs in the folder around both.
fn is_set_up_beside(
    unit: usize,
    units: &[UnitView],
    sources: &[SourceFile],
    libraries: &[&LibraryDescription],
) -> bool {
    let Some((around, _)) = units[unit].root.rsplit_once('/') else { return false };
    let of_unit = sources.iter().filter(|file| file.unit == unit && file.facts.language == Language::Python);
    let wanted: FxHashSet<&str> =
        of_unit.flat_map(|file| &file.facts.imports).flat_map(|import| [&*import.module, &*import.target]).collect();
    let modules = || libraries.iter().flat_map(|library| &library.modules);
    let beside = sources.iter().filter(|file| file.facts.language == Language::Python && file.unit != unit);
    beside.into_iter().any(|file| {
        let Some(path) = file.path.strip_prefix(around).and_then(|rest| rest.strip_prefix('/')) else { return false };
        let module = path.trim_end_matches(".py").trim_end_matches("/__init__").replace('/', ".");
        wanted.contains(module.as_str())
            && file.facts.imports.iter().any(|import| modules().any(|prefix| is_below(&import.module, prefix)))
    })
}

/// Whether a library is one of tracing: it has a switch for others, a provider or a tracer.
fn sets_up(library: &LibraryDescription) -> bool {
    let switches = |ids: &[String]| ids.iter().any(|id| *id != library.id);
    library.functions.iter().any(|function| switches(&function.switches_on) || function.sets.is_some())
        || library.types.iter().any(|ty| matches!(ty.role, TypeRole::Tracer | TypeRole::Provider))
}

fn is_below(module: &str, prefix: &str) -> bool {
    module.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '/']))
}

fn finding(unit: &UnitView, place: Place, idle: &Idle<'_>) -> Finding {
    let name = &idle.dependency.name;
    let (service, title) = (&unit.name, &idle.page.title);
    let message = match (idle.missing, idle.start) {
        (Some(missing), _) => {
            format!("`{name}` is configured only together with `{missing}`, which {service} does not have")
        }
        (None, Some(_)) => format!("`{name}` is installed, but {service} is started without what loads it"),
        (None, None) => format!("`{name}` sends spans, but nothing in {service} makes any"),
    };
    let help = match (idle.missing, idle.start) {
        (Some(missing), _) => {
            format!("Declare `{missing}` in {service}; this assumes that no parent or starter brings it")
        }
        (None, Some(_)) => {
            format!("For {service}: {}; this assumes that no other deployment does it", idle.page.switch_on)
        }
        (None, None) => format!(
            "For {title}: {}; this assumes that no agent is added outside of this repository",
            idle.page.switch_on
        ),
    };
    Finding {
        rule: "instrumentation-not-loaded",
        severity: None,
        confidence: Confidence::Likely,
        place,
        message,
        label: "does nothing by itself".to_owned(),
        effect: format!(
            "{service} makes no spans and sends no trace header: each service behind it starts a new trace"
        ),
        help,
        confirm: format!("Send a request through {service}: its name appears in no trace"),
        service: service.clone(),
        language: Some(unit.language),
        related: idle
            .start
            .map(|place| Related { place, message: "the process is started here".to_owned() })
            .into_iter()
            .collect(),
    }
}
