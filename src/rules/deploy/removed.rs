//! `collector-pipeline`: components that the collector does not have any more.

use super::super::Verdicts;
use super::{Material, finding, validate};
use crate::deploy::{Collector, known};
use crate::finding::{Confidence, Severity};

/// A version as three numbers.
type Version = (u32, u32, u32);

/// Judges one configuration against the versions of the collector that the workspace runs.
pub(super) fn check(material: &Material<'_>, collector: &Collector, out: &mut Verdicts) {
    let versions = versions(material);
    for component in &collector.components {
        let is_it = |removed: &&crate::deploy::Removed| {
            removed.section == component.section && removed.kind == component.kind()
        };
        let Some(removed) = known().removed.iter().find(is_it) else { continue };
        let Some(limit) = version(&removed.version) else { continue };
        let runs = versions.iter().map(|seen| seen.is_none_or(|seen| seen >= limit));
        let (some, all) = runs.clone().fold((false, true), |(some, all), newer| (some || newer, all && newer));
        // Every version that is seen has it, or another configuration may be the one of the version that has not.
        if !versions.is_empty() && (!some || !all) {
            continue;
        }
        let is_seen = !versions.is_empty();
        let confidence = if is_seen { Confidence::Certain } else { Confidence::Likely };
        let mut found = finding("collector-pipeline", component.place, confidence);
        found.severity = (!is_seen).then_some(Severity::Warning);
        let (one, kind) = (component.section.trim_end_matches('s'), &removed.kind);
        found.message = format!("the collector has no {one} `{kind}` since version {}", removed.version);
        found.label = format!("gone since {}", removed.version);
        found.effect =
            "a collector of that version or a later one refuses to start: no service's spans arrive".to_owned();
        let assumed = if is_seen { "" } else { "; this assumes that no older collector runs it" };
        found.help = format!("use {} instead{assumed}", removed.instead);
        found.confirm = validate(collector);
        found.service = collector.name().to_owned();
        out.findings.push(found);
    }
}

/// The versions of the collectors that the workspace runs; `None` for the newest.
fn versions(material: &Material<'_>) -> Vec<Option<Version>> {
    let of_image = |image: &str| {
        let image = image.split('@').next()?;
        let name = image.rsplit('/').next()?;
        let (name, tag) = name.split_once(':').unwrap_or((name, "latest"));
        if !known().versioned_images.iter().any(|known| known == name) {
            return None;
        }
        if tag == "latest" { Some(None) } else { version(tag).map(Some) }
    };
    material.deployment.images().filter_map(of_image).collect()
}

fn version(text: &str) -> Option<Version> {
    let numbers = text.trim_start_matches('v').split(['-', '+']).next()?;
    let mut parts = numbers.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??, parts.next().flatten().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(version("0.111.0") > version("v0.85.0-amd64"));
        assert_eq!(version("latest"), None);
    }
}
