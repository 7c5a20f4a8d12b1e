//! `default-sampling`: a program keeps the share of traces that its stack keeps when nobody says anything.

use super::super::Verdicts;
use super::super::clients::dark;
use super::super::deploy::misnames_share;
use crate::finding::{Confidence, Finding};
use crate::ir::Language;
use crate::link::SourceFile;
use crate::services::{CitedLines, StackDescription, stacks};
use crate::study::{UnitView, is_aside};

/// Reports the programs whose settings are read in full and say nothing about sampling.
pub(crate) fn check(units: &[UnitView], sources: &[SourceFile], lines: &CitedLines, out: &mut Verdicts) {
    for (at, unit) in units.iter().enumerate().filter(|(_, unit)| unit.language == Language::Java) {
        let setting = unit.stacks.iter().filter(|found| found.active).find_map(|found| {
            let page = stacks().iter().find(|page| page.id == found.stack && !page.share_setting.is_empty())?;
            Some((found, page))
        });
        let Some((used, page)) = setting else { continue };
        let of_unit = || sources.iter().filter(move |file| file.unit == at);
        let is_off = page.refused_by.iter().any(|name| unit.settings.denies(name));
        let is_silent = unit.settings.path().is_some() && !unit.settings.may_be_told(&page.share_setting) && !is_off;
        if !is_silent
            || misnames_share(unit)
            || !unit.configures(&page.family)
            || !may_export(units, page)
            || is_aside(&format!("{}/x", unit.root))
            || !of_unit().any(dark::is_program)
        {
            continue;
        }
        // A sampler of the application's own may lie in any library that it uses.
        let Some(place) = lines.place(&used.path, used.line).filter(|_| !sources.iter().any(names_sampler)) else {
            continue;
        };
        let (service, setting) = (&unit.name, &page.share_setting);
        out.findings.push(Finding {
            rule: "default-sampling",
            severity: None,
            confidence: Confidence::Likely,
            place,
            message: format!("{service} is traced by {}, and nothing sets `{setting}`: one trace in ten is kept", page.title),
            label: "keeps a tenth by default".to_owned(),
            effect: format!("nine of ten requests that begin at {service} have no trace, in none of the services that they reach"),
            help: format!("set `{setting}` to the share that is wanted (1.0 for all); this assumes that no environment outside of this repository does"),
            confirm: format!("send twenty requests to {service} and count the traces"),
            service: service.clone(),
            language: Some(unit.language),
            related: Vec::new(),
        });
    }
}

/// Whether something sends the spans of a stack on, in any part of the workspace, which other parts may be built with.
fn may_export(units: &[UnitView], page: &StackDescription) -> bool {
    let exports = |name: &String| page.exported_by.iter().any(|part| name.contains(part.as_str()));
    page.exported_by.is_empty() || units.iter().any(|unit| unit.dependencies.iter().any(exports))
}

/// Whether a file has to do with a sampler of its own.
fn names_sampler(file: &SourceFile) -> bool {
    file.facts
        .imports
        .iter()
        .any(|import| import.target.rsplit('.').next().is_some_and(|last| last.ends_with("Sampler")))
}
