//! Containers that are written in parts: a compose file over another, a patch over a workload.

use super::container::{Container, Platform, Variable};
use crate::paths::{file_name, folder};
use rustc_hash::FxHashMap;

/// Completes the containers that are put over others: a compose file over the first one of its folder, a patch over a
/// workload. What they set is not known where it stands first.
pub(super) fn overlay(containers: &mut [Container]) {
    let mut bases: FxHashMap<(String, String, String), Vec<usize>> = FxHashMap::default();
    for (at, container) in containers.iter().enumerate().filter(|(_, container)| is_base(container)) {
        bases.entry(key(container)).or_default().push(at);
    }
    for at in 0..containers.len() {
        let over = &containers[at];
        if is_base(over) || over.image.is_some() || over.dockerfile.is_some() {
            continue;
        }
        let Some([base]) = bases.get(&key(over)).map(Vec::as_slice) else { continue };
        let (base, path) = (*base, over.path);
        let changes = over.variables.clone();
        let whole = completed(&containers[base], over);
        containers[at] = whole;
        // Compose reads this one by itself; others are asked for, or are deployed in its place.
        let always = file_name(&path).contains(".override.");
        containers[base].variables.extend(changes.into_iter().map(|change| match always {
            true => change,
            false => Variable { value: None, ..change },
        }));
    }
}

/// What a container and others that are put over it are known by.
fn key(container: &Container) -> (String, String, String) {
    let home = match container.platform {
        Platform::Compose => folder(&container.path).to_owned(),
        _ => String::new(),
    };
    (home, container.name.clone(), container.part.clone())
}

/// Whether a container can stand below others: a workload with an image, a service of the first compose file.
fn is_base(container: &Container) -> bool {
    match container.platform {
        Platform::Compose => {
            let stem = file_name(&container.path).split('.').next().unwrap_or_default();
            matches!(stem, "compose" | "docker-compose") && file_name(&container.path).matches('.').count() == 1
        }
        Platform::Kubernetes => container.image.is_some() && !container.part.is_empty(),
        Platform::Task | Platform::Machine | Platform::Function | Platform::Service => true,
    }
}

fn completed(base: &Container, over: &Container) -> Container {
    Container {
        hosts: base.hosts.iter().chain(&over.hosts).cloned().collect(),
        image: base.image.clone(),
        dockerfile: base.dockerfile.clone(),
        fetches: base.fetches.clone(),
        variables: base.variables.iter().chain(&over.variables).cloned().collect(),
        is_open: base.is_open || over.is_open,
        is_alone: base.is_alone && over.is_alone,
        has_command: base.has_command || over.has_command,
        copies: over.copies.clone().or_else(|| base.copies.clone()),
        mounts: base.mounts.iter().chain(&over.mounts).cloned().collect(),
        memory: over.memory.or(base.memory),
        publishes: base.publishes.iter().chain(&over.publishes).copied().collect(),
        ..over.clone()
    }
}
