//! Which services there are, what traces them, how their hops stand, and who talks to whom.

mod graph;
mod html;
mod text;

pub use graph::{dot, mermaid};
pub use html::html;
pub use text::text;

use crate::analysis::{HopCounts, ServiceReport, Skipped};
use crate::facts::Facts;
use crate::map::{Edge, Map, Node};
use schemars::JsonSchema;
use serde::Serialize;
use std::io::{self, Write};

/// What is shown.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Who talks to whom.
    pub map: &'a Map,
    /// What was joined.
    pub facts: &'a [Facts],
    /// How many files were analysed now.
    pub files: usize,
}

/// What `hoplint map --format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "hoplint map --format json")]
pub struct MapOutput<'a> {
    /// The version of this format.
    pub version: u32,
    /// The services.
    pub services: Vec<&'a ServiceReport>,
    /// The hops of all services.
    pub hops: HopCounts,
    /// All that take part in the ways below: services, processes whose code was not read, channels, strangers.
    pub nodes: &'a [Node],
    /// Who talks to whom; the ends are positions in `nodes`, counted from 0.
    pub edges: &'a [Edge],
    /// How many files were analysed.
    pub files: usize,
    /// What was not analysed, and why.
    pub skipped: &'a [Skipped],
}

/// Writes the map as one JSON object.
pub fn json(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    let services = view.facts.iter().flat_map(|facts| &facts.services).map(|found| &found.service);
    let services: Vec<&ServiceReport> = services.collect();
    let mut hops = HopCounts::default();
    services.iter().for_each(|service| hops.add(service.hops));
    let Map { nodes, edges, skipped } = view.map;
    let output = MapOutput { version: 1, services, hops, nodes, edges, files: view.files, skipped };
    serde_json::to_writer_pretty(&mut *out, &output).map_err(io::Error::from)?;
    writeln!(out)
}
