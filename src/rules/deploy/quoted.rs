//! `propagator-mismatch`, `exporter-endpoint` and `exporter-off`: quotes that a program gets as a part of a value.
//!
//! Source: <https://github.com/docker/compose/issues/2854>: what a compose file lists as `NAME="value"` is one text for
//! YAML, and compose takes no quotes out of it.

use super::super::Verdicts;
use super::Material;
use crate::deploy::{Platform, known};
use crate::finding::{Confidence, Finding};
use crate::ir::Language;

/// Judges the variables of compose services.
pub(super) fn check(material: &Material<'_>, out: &mut Verdicts) {
    let services = material.deployment.containers.iter().filter(|one| one.platform == Platform::Compose);
    for container in services {
        // In Go code most settings are not read from variables.
        if material.unit(container).is_some_and(|unit| unit.language == Language::Go) {
            continue;
        }
        for named in &known().named {
            if let Some((value, place)) = container.variable(&named.variable).filter(|(value, _)| is_quoted(value)) {
                let (name, variable) = (&container.name, &named.variable);
                let plain = &value[1..value.len() - 1];
                let mut found = Finding::new(rule(&named.rule), place, Confidence::Likely);
                found.message = format!("the quotes in `{variable}={value}` are part of the value that {name} gets");
                found.label = "quotes in the value".to_owned();
                found.effect = format!("{} by this name, quotes included: {}", named.unknown, named.effect);
                found.help = format!(
                    "write `- {variable}={plain}`, or put the quotes around the whole entry; this assumes that {name} reads it by an SDK of OpenTelemetry"
                );
                found.confirm =
                    format!("ask for the value in the container: `docker compose exec {name} printenv {variable}`");
                found.service.clone_from(name);
                out.findings.push(found);
            }
        }
    }
}

/// The name of a rule as the program has it for good.
fn rule(name: &str) -> &'static str {
    crate::rulepage::find(name).map_or("exporter-endpoint", |page| page.name.as_str())
}

fn is_quoted(value: &str) -> bool {
    let within = |quote: char| value.len() > 2 && value.starts_with(quote) && value.ends_with(quote);
    within('"') || within('\'')
}
