//! `exporter-endpoint`: seconds in a variable that counts milliseconds.
//!
//! Source: <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>.

use super::super::Verdicts;
use super::Material;
use crate::deploy::{Container, known};
use crate::finding::{Confidence, Finding, Severity};
use crate::ir::Language;

/// The longest time in milliseconds that nobody means: an export over a network takes longer.
const SHORT: u64 = 60;

/// Judges the variables of one container whose language is seen: some SDKs read seconds.
pub(super) fn check(material: &Material<'_>, container: &Container, out: &mut Verdicts) {
    if let Some(unit) = material.unit(container) {
        of_language(container, unit.language, out);
    }
}

/// Judges the variables of a container whose program is written in this language.
pub(super) fn of_language(container: &Container, language: Language, out: &mut Verdicts) {
    for known in known().milliseconds.iter().filter(|known| known.languages.contains(&language)) {
        let Some((value, place)) = container.variable(&known.variable) else { continue };
        let Some(number) = value.parse::<u64>().ok().filter(|number| (1..=SHORT).contains(number)) else { continue };
        let (name, variable) = (&container.name, &known.variable);
        let mut found = Finding::new("exporter-endpoint", place, Confidence::Likely);
        found.message = format!("`{variable}={value}` of {name} is {number} milliseconds");
        found.label = "milliseconds".to_owned();
        found.effect = if known.is_limit {
            format!(
                "{name} gives each export up after {number} ms: its part of the traces is missing whenever the collector takes longer"
            )
        } else {
            format!(
                "{name} sends a request for the few spans of each {number} ms, and loses those that it cannot send in time"
            )
        };
        found.severity = (!known.is_limit).then_some(Severity::Warning);
        found.help = format!("write {} for {number} seconds; this assumes that seconds are meant", number * 1000);
        found.confirm = format!("look for failed exports in the log of {name}");
        found.service.clone_from(name);
        out.findings.push(found);
    }
}
