//! `instrumentation-not-loaded`: what switches on the instrumentation of a library is imported, and nothing calls it (Python).

use super::gate;
use crate::finding::{Confidence, Finding, Place};
use crate::ir::{ExprKind, Import, Language};
use crate::knowledge::{HopKind, LibraryDescription, TypeRole};
use crate::rules::Verdicts;
use crate::study::Study;
use ustr::Ustr;

/// The method by which an instrumentor is switched on for the process.
const SWITCH: &str = "instrument";

/// Finds instrumentors that are imported and never used, where the service uses the library and nothing else covers it.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    if study.language() != Language::Python {
        return;
    }
    for (at, file) in study.program.files.iter().enumerate() {
        let at = at as u32;
        for import in &file.source.facts.imports {
            let Some(library) = left_off(study, at, import) else { continue };
            let place = study.program.place_of(at, import.span);
            if !is_told(study, out, at, library) {
                out.findings.push(finding(study, at, import, library, place));
            }
        }
    }
}

/// The library whose instrumentation an import was for, if nothing instruments it although the unit uses it.
fn left_off<'a>(study: &Study<'a>, file: u32, import: &Import) -> Option<&'a LibraryDescription> {
    let program = study.program;
    let (_, name) = import.target.rsplit_once('.')?;
    let switch = Ustr::from_existing(&format!("{}.{SWITCH}", import.target))?;
    let (_, effect) = program.knowledge.function(switch)?;
    let known = program.knowledge.libraries().iter();
    let mut libraries = known.filter(|library| effect.switches_on.contains(&library.id) && is_of_traces(library));
    let unit = study.unit(file);
    let uses = |library: &&LibraryDescription| uses(study, study.unit_of(file), library);
    let library = libraries.find(uses)?;
    let covered = effect.switches_on.iter().any(|id| {
        let mut alike = program.knowledge.libraries().iter().filter(|library| library.id == *id);
        alike.any(|library| unit.coverage(library).is_some())
    });
    let is_left = !covered
        && gate::is_traced_by_code(unit, library)
        && !study.is_aside(&program.place_of(file, import.span).path)
        && !is_named(study, &[name, &import.local]);
    is_left.then_some(library)
}

/// Whether a library takes requests, makes calls or asks stores: things of which a trace has spans.
fn is_of_traces(library: &LibraryDescription) -> bool {
    let crosses = |kind: HopKind| !matches!(kind, HopKind::Consume);
    library.types.iter().any(|ty| ty.role == TypeRole::Server)
        || library.functions.iter().any(|function| function.hop.is_some_and(|hop| crosses(hop.kind)))
}

/// Whether a file of a unit imports something of a library.
fn uses(study: &Study<'_>, unit: usize, library: &LibraryDescription) -> bool {
    let is_below = |module: &str, prefix: &str| {
        module.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let files = study.program.files.iter().filter(|file| file.source.unit == unit);
    let mut imports = files.flat_map(|file| &file.source.facts.imports);
    imports.any(|import| library.modules.iter().any(|module| is_below(&import.module, module)))
}

/// Whether one of some names is written anywhere in the workspace but in imports: what is handed around or looked up by its
/// name may be switched on there.
fn is_named(study: &Study<'_>, names: &[&str]) -> bool {
    study.program.files.iter().any(|file| {
        let facts = &file.source.facts;
        let params = facts.functions.iter().flat_map(|function| &function.params);
        let mut types = params.filter_map(|param| param.ty.as_ref());
        types.any(|ty| names.contains(&ty.name.as_str()))
            || facts.exprs.iter().any(|expr| match &expr.kind {
                ExprKind::Name(name) | ExprKind::Str(name) | ExprKind::Member { name, .. } => {
                    names.contains(&name.as_str())
                }
                _ => false,
            })
    })
}

/// Whether a finding says already that a server or client of a library in the same unit is not instrumented.
fn is_told(study: &Study<'_>, out: &Verdicts, file: u32, library: &LibraryDescription) -> bool {
    let unit = study.unit_of(file);
    let of_library = study.calls_of_unit(unit).filter(|fact| fact.library.id == library.id);
    let places: Vec<Place> = of_library.map(|fact| study.program.place(fact.call)).collect();
    out.findings.iter().any(|found| found.rule.starts_with("uninstrumented-") && places.contains(&found.place))
}

fn finding(study: &Study<'_>, file: u32, import: &Import, library: &LibraryDescription, place: Place) -> Finding {
    let mut found = study.finding_at("instrumentation-not-loaded", file, place, Confidence::Likely);
    let (name, title, service) = (&import.local, &library.title, &study.unit(file).name);
    found.message = format!("`{name}` is imported, and nothing calls it: {title} is not instrumented in {service}");
    found.label = "imported and never switched on".to_owned();
    found.effect =
        format!("{service} traces other things, but makes no spans for {title}: the trace ends or begins anew there");
    found.help = format!("For {title}: {}; this assumes that no launcher does it", library.mend);
    found.confirm = format!("Send a request through {service}: its trace has no span of {title}");
    found
}
