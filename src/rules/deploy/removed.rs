//! `collector-pipeline`: components that the collector does not have any more.

use super::super::Verdicts;
use super::{Material, validate};
use crate::deploy::{Collector, Container, Kind, Removed, known};
use crate::finding::{Confidence, Finding, Severity};
use crate::paths::{folder, is_below};

/// A version as three numbers.
type Version = (u32, u32, u32);

/// Which collector runs a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Runs {
    /// The newest one.
    Newest,
    /// One of this version.
    Of(Version),
    /// Somebody's build, or a version that is filled in.
    Unknown,
}

/// Judges one configuration against the versions of the collectors that may run it.
pub(super) fn check(material: &Material<'_>, collector: &Collector, out: &mut Verdicts) {
    let runs = runs(material, collector);
    for component in &collector.components {
        let is_it = |removed: &&Removed| removed.section == component.section && removed.kind == component.kind();
        let Some(removed) = known().removed.iter().find(is_it) else { continue };
        let Some(limit) = version(&removed.version) else { continue };
        // One that still has it may be the one that is meant.
        let has_not = |runs: &Runs| match runs {
            Runs::Newest => true,
            Runs::Of(version) => *version >= limit,
            Runs::Unknown => false,
        };
        if !runs.iter().all(has_not) {
            continue;
        }
        let is_seen = !runs.is_empty();
        let confidence = if is_seen { Confidence::Certain } else { Confidence::Possible };
        let mut found = Finding::new("collector-pipeline", component.place, confidence);
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

/// The collectors that may run a configuration: its own image, those that are given its file, those of folders around
/// it or below it that are given no other, and if there is none of these, all such ones of the workspace.
fn runs(material: &Material<'_>, collector: &Collector) -> Vec<Runs> {
    if let Kind::Resource { image: Some(image), .. } = &collector.kind {
        return vec![of_image(image).unwrap_or(Runs::Unknown)];
    }
    if let Kind::Values { image: Some((name, tag)), .. } = &collector.kind {
        // Without a name it is the chart's own image, whose tags are its versions.
        let named = name.as_ref().map(|name| of_image(&format!("{name}:{tag}")).unwrap_or(Runs::Unknown));
        return vec![named.unwrap_or_else(|| of_tag(tag))];
    }
    let own = |container: &Container| is_given(container, collector);
    // One that is given another configuration does not run this one.
    let is_free = |container: &Container| {
        let others = material.deployment.collectors.iter().filter(|other| other.path != collector.path);
        !others.into_iter().any(|other| is_given(container, other))
    };
    let near = |container: &Container| {
        let (one, other) = (folder(&container.path), folder(&collector.path));
        is_free(container) && (one == other || is_below(one, other) || is_below(other, one))
    };
    let seen = |test: &dyn Fn(&Container) -> bool| -> Vec<Runs> {
        let containers = material.deployment.containers.iter().filter(|container| test(container));
        containers.filter_map(|container| of_image(&container.image.as_ref()?.0)).collect()
    };
    let fetched = |test: &dyn Fn(&str) -> bool| -> Vec<Runs> {
        let pins = material.deployment.pins.iter().filter(|pin| test(&pin.path));
        pins.map(|pin| of_tag(&pin.version)).collect()
    };
    let beside = |path: &str| folder(path) == folder(&collector.path);
    let (given, near) = (seen(&own), [seen(&near), fetched(&beside)].concat());
    let all = || [seen(&is_free), fetched(&|_| true)].concat();
    if !given.is_empty() {
        given
    } else if !near.is_empty() {
        near
    } else {
        all()
    }
}

/// Whether all collectors that may run a configuration are of this version or a later one, and there is one.
pub(super) fn is_since(material: &Material<'_>, collector: &Collector, limit: (u32, u32, u32)) -> bool {
    let runs = runs(material, collector);
    let is_it = |runs: &Runs| *runs == Runs::Newest || matches!(runs, Runs::Of(version) if *version >= limit);
    !runs.is_empty() && runs.iter().all(is_it)
}

/// Whether a container is given a configuration: its ConfigMap, its file, or as a collector a folder that holds the file.
pub(super) fn is_given(container: &Container, collector: &Collector) -> bool {
    let holds = |mount: &String| {
        let image = || container.image.as_ref().and_then(|(image, _)| of_image(image));
        *mount == *collector.path || !mount.is_empty() && is_below(&collector.path, mount) && image().is_some()
    };
    match &collector.kind {
        Kind::ConfigMap(name) => container.mounts.contains(name),
        _ => container.mounts.iter().any(holds),
    }
}

/// Which collector an image is; `None` for one of something else.
fn of_image(image: &str) -> Option<Runs> {
    // What only a digest names may be any.
    let (image, unnamed) = image.split_once('@').map_or((image, "latest"), |(image, _)| (image, ""));
    let name = image.rsplit('/').next()?;
    let (name, tag) = name.split_once(':').unwrap_or((name, unnamed));
    if !known().versioned_images.iter().any(|known| known == name) {
        return image.contains("collector").then_some(Runs::Unknown);
    }
    // The collector's own versions begin with a zero: others are those of somebody's product, built under this name.
    Some(match of_tag(tag) {
        Runs::Of((1.., ..)) => Runs::Unknown,
        runs => runs,
    })
}

/// Whether an image is one of the collector's own, in which nothing else runs.
pub(super) fn is_collector(image: &str) -> bool {
    known().versioned_images.iter().any(|known| known == crate::services::image_name(image))
}

/// Which collector a tag or a release is.
fn of_tag(tag: &str) -> Runs {
    if tag == "latest" { Runs::Newest } else { version(tag).map_or(Runs::Unknown, Runs::Of) }
}

fn version(text: &str) -> Option<Version> {
    let numbers = text.trim_start_matches('v').split(['-', '+']).next()?;
    let mut parts = numbers.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??, parts.next().flatten().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::{Runs, of_image, version};

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(version("0.111.0") > version("v0.85.0-amd64"));
        assert_eq!(version("latest"), None);
        assert_eq!(of_image("otel/opentelemetry-collector"), Some(Runs::Newest));
        assert_eq!(of_image("otel/opentelemetry-collector:${V}"), Some(Runs::Unknown));
        assert_eq!(of_image("otel/opentelemetry-collector@sha256:ab"), Some(Runs::Unknown));
        assert_eq!(of_image("otel/opentelemetry-collector:0.90.1"), Some(Runs::Of((0, 90, 1))));
        assert_eq!(of_image("vendor/our-collector:3"), Some(Runs::Unknown));
        assert_eq!(of_image("vendor/opentelemetry-collector:6.1.0"), Some(Runs::Unknown));
        assert_eq!(of_image("redis:7"), None);
    }
}
