//! `instrumentation-not-loaded`: what traces a program is given to another container of its pod.
//!
//! Source: <https://kubernetes.io/docs/concepts/workloads/pods/>: containers of a pod share volumes where each mounts them,
//! and have each an environment of their own.

use super::super::Verdicts;
use super::Material;
use crate::deploy::{Container, JAVA_ARGUMENTS, Part, Pod, Variable, known};
use crate::finding::{Confidence, Finding, Place, Related};
use crate::ir::Language;
use crate::services::{image_name, is_of_tracing};

/// What loads an agent into the Java machine.
const LOADS: &str = "-javaagent:";

/// Judges the pods whose programs are given nothing of the kind themselves.
pub(super) fn check(material: &Material<'_>, out: &mut Verdicts) {
    for pod in material.deployment.pods.iter().filter(|pod| !pod.is_injected) {
        let all: Vec<&Container> =
            pod.containers.iter().filter_map(|at| material.deployment.containers.get(*at)).collect();
        let programs: Vec<&Container> = all.iter().copied().filter(|one| !is_beside(image_of(one))).collect();
        // What is given by files and objects that are not seen may be the very thing.
        if programs.is_empty() || programs.iter().any(|one| one.is_open) {
            continue;
        }
        let found = pod.parts.iter().find_map(|part| {
            let other = runs_no_program(part, &programs).then_some(part)?;
            agent(material, pod, other, &programs).or_else(|| variable(pod, other, &programs))
        });
        out.findings.extend(found.or_else(|| volume(pod, &programs)));
    }
}

fn is_beside(image: &str) -> bool {
    let name = image_name(image);
    known().beside_images.iter().chain(&known().plain_images).any(|known| known == name)
}

fn image_of(container: &Container) -> &str {
    container.image.as_ref().map_or("", |(image, _)| image.as_str())
}

/// Whether a part of a pod surely runs something else than the programs: it stands beside them, or ends before they start
/// and has another image.
fn runs_no_program(part: &Part, programs: &[&Container]) -> bool {
    let is_same = |one: &&Container| image_name(image_of(one)) == image_name(&part.image);
    is_beside(&part.image) || part.is_first && !part.image.contains("{{") && !programs.iter().any(is_same)
}

/// An agent that another container's variable names, and no program's.
fn agent(material: &Material<'_>, pod: &Pod, part: &Part, programs: &[&Container]) -> Option<Finding> {
    let names_agent = |value: &str| value.contains(LOADS);
    let set = part
        .variables
        .iter()
        .find(|set| JAVA_ARGUMENTS.contains(&set.name.as_str()) && set.value.as_deref().is_some_and(names_agent))?;
    let is_argument = |set: &Variable| JAVA_ARGUMENTS.contains(&set.name.as_str());
    let loads = |one: &&Container| {
        one.variables.iter().any(|set| is_argument(set) && set.value.as_deref().is_none_or(names_agent))
    };
    // One that runs before may be a Java program of its own, with another one behind it that is none.
    let is_java = |one: &&Container| material.unit(one).is_some_and(|unit| unit.language == Language::Java);
    let is_meant = is_beside(&part.image) || programs.iter().any(is_java) || shares_agent(pod, part, set);
    if !is_meant || programs.iter().any(loads) || pod.parts.iter().any(|part| part.command.contains(LOADS)) {
        return None;
    }
    Some(finding(pod, part, set.place, &set.name, "loads the agent here", programs))
}

/// Whether the agent that a variable names lies on a volume which another container of the pod mounts.
fn shares_agent(pod: &Pod, part: &Part, set: &Variable) -> bool {
    let Some((_, path)) = set.value.as_deref().and_then(|value| value.split_once(LOADS)) else { return false };
    let holds = |at: &str| path.strip_prefix(at.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'));
    let mut own = part.volumes.iter().filter(|(_, at, _)| holds(at));
    let is_shared = |name: &str| {
        let others = pod.parts.iter().filter(|other| other.name != part.name && !other.is_first);
        others.flat_map(|other| &other.volumes).any(|(known, ..)| known == name)
    };
    own.any(|(name, ..)| is_shared(name))
}

/// Variables of tracing that a container has which reads none, where no program has any.
fn variable(pod: &Pod, part: &Part, programs: &[&Container]) -> Option<Finding> {
    let is_plain = known().plain_images.iter().any(|known| known == image_name(&part.image));
    let set = part.variables.iter().find(|set| is_of_tracing(&set.name))?;
    let is_traced = |one: &&Container| one.variables.iter().any(|own| is_of_tracing(&own.name));
    // Its command may write the value into a file for the others.
    if !is_plain || part.command.contains(&set.name) || programs.iter().any(is_traced) {
        return None;
    }
    Some(finding(pod, part, set.place, &set.name, "nobody reads it here", programs))
}

/// An agent that is copied to a volume which no program mounts.
fn volume(pod: &Pod, programs: &[&Container]) -> Option<Finding> {
    let copies = |part: &&Part| part.is_first && crate::services::names_agent(&part.command);
    let part = pod.parts.iter().find(copies)?;
    let [(volume, at, place)] = part.volumes.as_slice() else { return None };
    let is_mounted = |other: &Part| !other.is_first && other.volumes.iter().any(|(name, ..)| name == volume);
    if !part.command.contains(at.as_str()) || pod.parts.iter().any(is_mounted) {
        return None;
    }
    let mut found = finding(pod, part, *place, volume, "mounted here alone", programs);
    let (name, programs) = (&pod.name, named(programs));
    found.message =
        format!("{} copies an agent to the volume `{volume}` of {name}, which {programs} does not mount", part.name);
    found.help = format!("mount `{volume}` in {programs} as well, and load the agent from there");
    Some(found)
}

fn finding(pod: &Pod, part: &Part, place: Place, what: &str, label: &str, programs: &[&Container]) -> Finding {
    let (name, own) = (&pod.name, named(programs));
    let mut found = Finding::new("instrumentation-not-loaded", place, Confidence::Likely);
    found.message = format!("`{what}` is given to the container {} of {name}, and not to {own}", part.name);
    label.clone_into(&mut found.label);
    found.effect =
        format!("{name} makes no spans and sends no trace header: each service behind it starts a new trace");
    found.help = format!("give it to {own}; this assumes that the image does not set it itself");
    found.confirm = format!("look for it in {own}: `kubectl exec … -c {own} -- env`");
    found.service.clone_from(name);
    found.related = programs
        .iter()
        .map(|one| Related { place: one.place, message: "the program runs without it".to_owned() })
        .collect();
    found
}

/// The names of the containers that run the programs.
fn named(programs: &[&Container]) -> String {
    let names: Vec<String> = programs.iter().map(|one| one.part.clone()).collect();
    super::listed(&names)
}
