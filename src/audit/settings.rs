//! What the environments of a service's processes say of its tracing.

use super::catalogue::{Format, catalogue, format};
use crate::facts::{Facts, Variable, Workload};
use crate::map::{Node, NodeKind};
use crate::services::stacks;

/// A value that a deployment file sets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Set<'a> {
    /// The process.
    pub(crate) workload: &'a Workload,
    /// The variable.
    pub(crate) variable: &'a Variable,
}

/// The name that spans of a service carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TraceName {
    /// The name.
    pub(crate) name: String,
    /// What says so: `compose.yaml:5 sets OTEL_SERVICE_NAME`; `None` where it is only the service's own name.
    pub(crate) told: Option<String>,
}

/// The processes of a node.
pub(crate) fn workloads<'a>(facts: &'a [Facts], node: &Node) -> Vec<&'a Workload> {
    let own = facts.iter().filter(|facts| facts.repository == node.repository);
    let all = own.flat_map(|facts| facts.workloads.iter().map(move |workload| (facts, workload)));
    let is_own = |(facts, workload): &(&Facts, &Workload)| match node.kind {
        NodeKind::Service => workload.runs.contains(&node.root),
        // Names that several have are told apart by what stands behind them.
        NodeKind::Process => {
            let is_known = |root: &String| facts.services.iter().any(|found| found.service.root == *root);
            (node.name == workload.name || node.name.starts_with(&format!("{} (", workload.name)))
                && !workload.runs.iter().any(is_known)
        }
        NodeKind::Channel | NodeKind::Stranger => false,
    };
    all.filter(is_own).map(|(_, workload)| workload).collect()
}

/// The values of variables in the environments of processes, those of the first name first.
pub(crate) fn values<'a>(workloads: &[&'a Workload], names: &[String]) -> Vec<Set<'a>> {
    let mut out = Vec::new();
    for name in names {
        for workload in workloads {
            let own = workload.environment.iter().filter(|variable| variable.name == *name && is_told(&variable.value));
            out.extend(own.map(|variable| Set { workload, variable }));
        }
    }
    out
}

/// Whether a value is written out, and not put in by something that is not known here.
fn is_told(value: &str) -> bool {
    !value.trim().is_empty() && !value.contains(['$', '…']) && !value.contains("{{")
}

/// The name under which a node's spans are found.
pub(crate) fn trace_name(facts: &[Facts], node: &Node) -> TraceName {
    let own = workloads(facts, node);
    // A resource that code makes itself goes over the environment.
    let mut read = facts.iter().filter(|facts| facts.repository == node.repository).flat_map(|facts| &facts.services);
    let service = read.find(|found| node.kind == NodeKind::Service && found.service.root == node.root);
    if let Some([(name, place)]) = service.map(|found| found.span_names(&own)).as_deref() {
        let told = format!("{}:{} names the service", place.path, place.line);
        return TraceName { name: name.clone(), told: Some(told) };
    }
    let told = |set: &Set<'_>| format!("{}:{} sets {}", set.workload.path, set.variable.line, set.variable.name);
    if let Some(set) = values(&own, &catalogue().service_name).first() {
        return TraceName { name: set.variable.value.trim().to_owned(), told: Some(told(set)) };
    }
    for set in values(&own, &catalogue().resource_attributes) {
        let named = set.variable.value.split(',').find_map(|pair| pair.trim().strip_prefix("service.name="));
        if let Some(name) = named.map(str::trim).filter(|name| !name.is_empty()) {
            return TraceName { name: name.to_owned(), told: Some(told(&set)) };
        }
    }
    // What is told apart in the map is one name in a trace.
    let name = node.name.split_once(" (").map_or(node.name.as_str(), |(name, _)| name);
    TraceName { name: name.to_owned(), told: None }
}

/// The formats that a node reads and writes, with what says so; `None` where nothing does.
pub(crate) fn formats(facts: &[Facts], node: &Node) -> Option<(Vec<String>, String)> {
    let mut read = facts.iter().filter(|facts| facts.repository == node.repository).flat_map(|facts| &facts.services);
    let service = read.find(|found| node.kind == NodeKind::Service && found.service.root == node.root);
    if let Some(set) = service.and_then(|found| found.formats.as_ref()) {
        return Some((set.formats.clone(), format!("{}:{} sets them", set.path, set.line)));
    }
    let own = workloads(facts, node);
    if let Some(set) = values(&own, &catalogue().propagators).first() {
        let found = set.variable.value.split(',').map(|name| name.trim().to_ascii_lowercase());
        let told = format!("{}:{} sets {}", set.workload.path, set.variable.line, set.variable.name);
        return Some((found.filter(|name| !name.is_empty()).collect(), told));
    }
    let active = node.stacks.iter().filter(|stack| stack.active);
    let mut pages = active.filter_map(|stack| stacks().iter().find(|page| page.id == stack.stack));
    // A stack that propagates nothing by itself is told what to propagate by code.
    let page = pages.find(|page| page.propagators.iter().any(|name| name != "none"))?;
    Some((page.propagators.clone(), format!("the default of {}, unless its code sets others", page.title)))
}

/// The headers of formats by their names, those that are known.
pub(crate) fn known(names: &[String]) -> Vec<&'static Format> {
    let mut out: Vec<&Format> = Vec::new();
    for found in names.iter().filter_map(|name| format(name)) {
        if !out.iter().any(|known| known.id == found.id) {
            out.push(found);
        }
    }
    out
}
