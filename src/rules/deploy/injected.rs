//! `exporter-endpoint` and `sampling-off` by what the operator gives to the programs that it instruments.

use super::super::Verdicts;
use super::environment::{ENDPOINTS, first, off_port};
use super::protocol::{Spoken, VARIABLES};
use super::{Material, is_test, sampler, units};
use crate::deploy::Injection;
use crate::finding::Finding;
use crate::ir::Language;

/// Judges the resources.
pub(super) fn check(material: &Material<'_>, out: &mut Verdicts) {
    for injection in material.deployment.injections.iter().filter(|one| !is_test(&one.container.path)) {
        let container = &injection.container;
        if injection.language.is_empty() {
            sampler::nothing_is_kept(container, out);
            continue;
        }
        if let Some(language) = language(&injection.language) {
            units::of_language(container, language, out);
        }
        out.findings.extend(port(material, injection));
    }
}

/// The language of the programs, where it is one that is read.
fn language(name: &str) -> Option<Language> {
    match name {
        "go" => Some(Language::Go),
        "java" => Some(Language::Java),
        "python" => Some(Language::Python),
        _ => None,
    }
}

/// The port of one protocol with the other.
fn port(material: &Material<'_>, injection: &Injection) -> Option<Finding> {
    let (container, language) = (&injection.container, &injection.language);
    let spoken = match VARIABLES.iter().any(|name| container.sets(name)) {
        true => {
            first(container, &VARIABLES).map(|(_, name, place)| Spoken { name, why: String::new(), at: Some(place) })?
        }
        false => {
            let name = injection.protocol()?;
            let why = format!(" (what the operator puts into programs in {language} does so by itself)");
            Spoken { name, why, at: None }
        }
    };
    let (_, value, place) = first(container, &ENDPOINTS)?;
    let mut found = off_port(material, container, &spoken, value, place)?;
    let name = &container.name;
    found.effect = format!(
        "every export of the programs in {language} that {name} instruments fails: their parts of each trace are missing"
    );
    found.confirm = "look for failed exports in the log of an instrumented pod".to_owned();
    found.service.clone_from(name);
    Some(found)
}
