//! `instrumentation-not-loaded` where the wrong library is instrumented: a switch for one that the program does not
//! have, next to another that does the same and that nothing instruments (Python).

use super::super::Verdicts;
use crate::finding::{Confidence, Finding};
use crate::ir::Language;
use crate::knowledge::LibraryDescription;
use crate::study::{CallFact, Study};

/// Finds switches that instrument what is not there, in place of what is.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    if study.language() != Language::Python {
        return;
    }
    for fact in study.calls().iter().filter(|fact| !fact.effect.switches_on.is_empty()) {
        if !study.is_aside(&study.program.place(fact.call).path) {
            out.findings.extend(mistaken(study, fact));
        }
    }
}

fn mistaken(study: &Study<'_>, fact: &CallFact<'_>) -> Option<Finding> {
    let libraries = || study.program.knowledge.libraries().iter();
    let [switched] = &fact.effect.switches_on[..] else { return None };
    let switched = libraries().find(|library| library.id == *switched && !library.talks_to.is_empty())?;
    let view = study.unit(fact.call.file);
    if has(study, fact.call.file, switched) {
        return None;
    }
    let mut others = libraries().filter(|library| library.talks_to == switched.talks_to && library.id != switched.id);
    let used = others.find(|library| is_listed(study, fact.call.file, library))?;
    let above = || libraries().filter(|library| library.over.contains(&used.id));
    if view.coverage(used).is_some() || above().any(|library| view.coverage(library).is_some()) {
        return None;
    }
    let (text, has) = (study.callee_text(fact.call), &used.title);
    let mut finding = study.finding("instrumentation-not-loaded", fact.call, Confidence::Certain);
    finding.message =
        format!("`{text}` instruments {}, which this service does not have: it uses {has}", switched.title);
    finding.label = format!("does nothing for {has}");
    finding.effect = format!("what the service asks by {has} shows in no trace");
    finding.help = used.mend.clone();
    finding.confirm = format!("open a trace of a request that uses {has}: no span stands for it");
    Some(finding)
}

/// Whether a unit declares a library, or imports it.
fn has(study: &Study<'_>, file: u32, library: &LibraryDescription) -> bool {
    let unit = study.unit_of(file);
    let is_below = |target: &str, module: &String| {
        target.strip_prefix(module.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let mut files = study.program.files.iter().filter(|file| file.source.unit == unit);
    is_listed(study, file, library)
        || files.any(|file| {
            let imports = &file.source.facts.imports;
            imports.iter().any(|import| {
                library
                    .modules
                    .iter()
                    .any(|module| is_below(&import.target, module) || is_below(&import.module, module))
            })
        })
}

/// Whether a unit declares a library among what it runs with.
fn is_listed(study: &Study<'_>, file: u32, library: &LibraryDescription) -> bool {
    let names = &study.unit(file).dependencies;
    library.dependencies.iter().any(|name| names.contains(&name.to_ascii_lowercase()))
}
