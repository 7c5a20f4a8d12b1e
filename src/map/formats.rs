//! The formats that a service surely writes and reads: set in its code, or by a variable that its SDK surely reads.

use crate::audit::catalogue;
use crate::facts::{ServiceFacts, Workload};
use crate::services::{Mode, stacks};
use std::collections::BTreeSet;

/// The formats of one service, and what says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sure {
    /// The families of headers.
    pub(crate) formats: BTreeSet<String>,
    /// Where they are set.
    pub(crate) by: SetBy,
}

/// Where formats are set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SetBy {
    /// By code: the file and the 1-based line.
    Code(String, u32),
    /// By a variable of a process: the file that starts it, the variable's name and its value.
    Variable(String, String, String),
}

/// The formats of one service, where nothing else can set others.
pub(super) fn sure(service: &ServiceFacts, workloads: &[&Workload]) -> Option<Sure> {
    let mut active = service.service.stacks.iter().filter(|stack| stack.active);
    // Two that trace one service may write in turn.
    let (Some(stack), None) = (active.next(), active.next()) else { return None };
    let found = match stack.mode {
        Mode::Code => {
            let set = service.formats.as_ref()?;
            let formats = families(set.formats.iter().map(String::as_str));
            Sure { formats, by: SetBy::Code(set.path.clone(), set.line) }
        }
        // Code that sets others is not asked by these.
        Mode::Agent | Mode::Launcher => told(service, &stack.stack, workloads)?,
        _ => return None,
    };
    (!found.formats.is_empty()).then_some(found)
}

/// What all processes of a service are told alike by a variable.
fn told(service: &ServiceFacts, stack: &str, workloads: &[&Workload]) -> Option<Sure> {
    let page = stacks().iter().find(|page| page.id == stack).filter(|_| service.formats.is_none())?;
    let mut out: Option<Sure> = None;
    for workload in workloads {
        let set = workload.environment.iter().find(|variable| {
            let known = &catalogue::catalogue().propagators;
            known.contains(&variable.name)
                && page.variables.iter().any(|start| variable.name.starts_with(start.as_str()))
        })?;
        if set.value.contains(['$', '…', '{']) {
            return None;
        }
        let formats = families(set.value.split(',').map(str::trim));
        let by = SetBy::Variable(workload.path.clone(), set.name.clone(), set.value.clone());
        let found = out.get_or_insert_with(|| Sure { formats: formats.clone(), by });
        if found.formats != formats {
            return None;
        }
    }
    out
}

/// Formats by the families of their headers, without those that write no trace.
fn families<'n>(names: impl Iterator<Item = &'n str>) -> BTreeSet<String> {
    let named = names.map(|name| name.strip_suffix("multi").unwrap_or(name).to_ascii_lowercase());
    named.filter(|name| !matches!(name.as_str(), "" | "baggage" | "none")).collect()
}
