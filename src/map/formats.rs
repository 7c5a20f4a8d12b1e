//! The formats that a service surely writes and reads: set in its code, or by a variable that its SDK surely reads.

use crate::audit::catalogue;
use crate::facts::{ServiceFacts, Workload};
use crate::services::{Mode, stacks};
use std::collections::BTreeSet;

/// The families of headers of one service, where nothing else can set others.
pub(super) fn sure(service: &ServiceFacts, workloads: &[&Workload]) -> Option<BTreeSet<String>> {
    let mut active = service.service.stacks.iter().filter(|stack| stack.active);
    // Two that trace one service may write in turn.
    let (Some(stack), None) = (active.next(), active.next()) else { return None };
    let found = match stack.mode {
        Mode::Code => families(service.formats.as_ref()?.formats.iter().map(String::as_str)),
        // Code that sets others is not asked by these.
        Mode::Agent | Mode::Launcher => told(service, &stack.stack, workloads)?,
        _ => return None,
    };
    (!found.is_empty()).then_some(found)
}

/// What all processes of a service are told alike by a variable.
fn told(service: &ServiceFacts, stack: &str, workloads: &[&Workload]) -> Option<BTreeSet<String>> {
    let page = stacks().iter().find(|page| page.id == stack).filter(|_| service.formats.is_none())?;
    let mut all: BTreeSet<BTreeSet<String>> = BTreeSet::new();
    for workload in workloads {
        let set = workload.environment.iter().find(|variable| {
            let known = &catalogue::catalogue().propagators;
            known.contains(&variable.name)
                && page.variables.iter().any(|start| variable.name.starts_with(start.as_str()))
        })?;
        if set.value.contains(['$', '…', '{']) {
            return None;
        }
        all.insert(families(set.value.split(',').map(str::trim)));
    }
    (all.len() == 1).then(|| all.pop_first()).flatten()
}

/// Formats by the families of their headers, without those that write no trace.
fn families<'n>(names: impl Iterator<Item = &'n str>) -> BTreeSet<String> {
    let named = names.map(|name| name.strip_suffix("multi").unwrap_or(name).to_ascii_lowercase());
    named.filter(|name| !matches!(name.as_str(), "" | "baggage" | "none")).collect()
}
