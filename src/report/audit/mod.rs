//! The checklist of trace propagation, filled in.

mod html;
mod markdown;

pub use html::html;
pub use markdown::markdown;

use crate::analysis::{HopCounts, Skipped};
use crate::audit::{Audit, Item, Outcome, Step};
use crate::map::{Map, NodeKind};
use schemars::JsonSchema;
use serde::Serialize;
use std::io::{self, Write};

/// What is shown.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The checklist.
    pub audit: &'a Audit,
    /// The map that it was made of.
    pub map: &'a Map,
}

/// What `hoplint audit --format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "hoplint audit --format json")]
pub struct AuditOutput<'a> {
    /// The version of this format.
    pub version: u32,
    /// The checklist.
    #[serde(flatten)]
    pub audit: &'a Audit,
    /// How all ways between services stand.
    pub ways: HopCounts,
    /// What was not analysed, and why.
    pub skipped: &'a [Skipped],
}

/// Writes the checklist as one JSON object.
pub fn json(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    let View { audit, map } = view;
    let output = AuditOutput { version: 1, audit, ways: map.counts(), skipped: &map.skipped };
    serde_json::to_writer_pretty(&mut *out, &output).map_err(io::Error::from)?;
    writeln!(out)
}

/// How many items of a step, and how many causes, are written out for people; JSON has all.
const MAX_ITEMS: usize = 100;
const MAX_CAUSES: usize = 50;
/// How many places of one item are written out.
const MAX_PLACES: usize = 5;

/// Items that say the same and show no place, told at once.
struct Group<'a> {
    first: &'a Item,
    subjects: Vec<&'a str>,
    owners: Vec<&'a str>,
}

fn groups(step: &Step) -> Vec<Group<'_>> {
    let mut out: Vec<Group<'_>> = Vec::new();
    for item in &step.items {
        let alike = |group: &&mut Group<'_>| {
            let first = group.first;
            item.evidence.is_empty()
                && first.evidence.is_empty()
                && (first.outcome, &first.because, &first.notes) == (item.outcome, &item.because, &item.notes)
        };
        match out.iter_mut().find(alike) {
            Some(group) => {
                group.subjects.push(&item.subject);
                if !group.owners.contains(&item.owner.as_str()) {
                    group.owners.push(&item.owner);
                }
            }
            None => out.push(Group { first: item, subjects: vec![&item.subject], owners: vec![&item.owner] }),
        }
    }
    out
}

/// The sentence at the top.
fn summary(view: &View<'_>) -> String {
    let services = view.map.nodes.iter().filter(|node| node.kind == NodeKind::Service).count();
    let ways = view.map.counts();
    let count = super::text::count;
    format!(
        "{} · {}: {} carried, {} broken, {} unknown · {}",
        count(services, "service"),
        count(ways.total(), "way"),
        ways.carried,
        ways.broken,
        ways.unknown,
        count(view.audit.causes.len(), "likely cause"),
    )
}

/// What else has to be known to read the checklist.
fn caveats(view: &View<'_>) -> Vec<String> {
    let mut out =
        vec!["Unknown is no pass: it is said where the code and the deployment files do not tell.".to_owned()];
    if view.audit.journeys_cut {
        out.push("There are more journeys than are listed.".to_owned());
    }
    if let Some(unread) = view.map.unread() {
        out.push(format!("Note: {unread}."));
    }
    out
}

/// The word before a step's number of items that stand so.
const OUTCOMES: [Outcome; 3] = [Outcome::Breaks, Outcome::Unknown, Outcome::Passes];
