//! The checklist of trace propagation, filled in from facts, their map and the findings.

pub(crate) mod catalogue;
mod causes;
mod confirm;
mod hops;
mod journeys;
mod owners;
mod policy;
pub(crate) mod settings;
mod verification;

pub use causes::{Cause, Triage};
pub use confirm::Confirm;
pub use journeys::Journey;
pub use owners::Owners;
pub use verification::{Tests, look};

use crate::facts::{Facts, FindingFacts, ServiceFacts, Standing};
use crate::map::{Map, Node, NodeKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How one item of the checklist stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It breaks the trace, or is missing.
    Breaks,
    /// It was not found out, with the reason.
    Unknown,
    /// It was seen to be right.
    Passes,
}

impl From<Standing> for Outcome {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Carried => Self::Passes,
            Standing::Unknown => Self::Unknown,
            Standing::Broken => Self::Breaks,
        }
    }
}

/// A place that shows something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Evidence {
    /// The file.
    pub path: String,
    /// 1-based line.
    pub line: u32,
    /// What stands there.
    pub what: String,
}

/// One item of the checklist.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Item {
    /// How it stands.
    pub outcome: Outcome,
    /// What it is about.
    pub subject: String,
    /// Who can mend it: the owners of the file where the repository says so, else the service's folder.
    pub owner: String,
    /// Why: a clause that goes on after "because".
    pub because: String,
    /// What else is known of it.
    pub notes: Vec<String>,
    /// The places that show it.
    pub evidence: Vec<Evidence>,
    /// How many places more there are.
    pub more: usize,
}

/// One step of the checklist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Step {
    /// Its number, from 1.
    pub number: u32,
    /// Its name.
    pub name: &'static str,
    /// What is asked.
    pub question: &'static str,
    /// The items, what breaks first.
    pub items: Vec<Item>,
}

/// The checklist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Audit {
    /// The ways that requests and messages take, from where they come in.
    pub journeys: Vec<Journey>,
    /// Whether there are more journeys than are listed.
    pub journeys_cut: bool,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// What likely breaks traces, in the order in which it is to be looked at.
    pub causes: Vec<Cause>,
}

/// What an audit is made of.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The facts of all repositories.
    pub facts: &'a [Facts],
    /// Their map.
    pub map: &'a Map,
    /// Whose files are whose.
    pub owners: &'a Owners,
    /// What the tests look at.
    pub tests: &'a Tests,
}

/// How many places one item names.
const MAX_EVIDENCE: usize = 20;

impl Audit {
    /// Fills in the checklist.
    pub fn new(input: &Input<'_>) -> Self {
        let (journeys, journeys_cut) = journeys::journeys(input.map);
        let mut steps = vec![
            step(1, "journeys", "Does each journey keep one trace from its entry to its end?", {
                journeys::items(input, &journeys)
            }),
            step(2, "hops", "Does each hop write the header, and does the other end read it?", hops::ways(input)),
            step(3, "async", "Does the context follow the work to threads, tasks and messages?", {
                hops::boundaries(input)
            }),
            step(4, "sampling", "Do all services of a journey decide alike which traces are kept?", {
                policy::sampling(input)
            }),
            step(5, "export", "Do spans leave the process, also under load and at its end?", policy::export(input)),
            step(6, "correlation", "Are logs and metrics found from the trace, and the trace from them?", {
                policy::correlation(input)
            }),
            step(7, "frontend", "Does the trace of the browser or app go on in the backend?", policy::frontend(input)),
            step(8, "spans", "Do spans say what happened, and end?", policy::spans(input)),
            step(9, "verification", "Does a test assert one trace from end to end?", verification::items(input)),
        ];
        for step in &mut steps {
            for item in &mut step.items {
                item.more += item.evidence.len().saturating_sub(MAX_EVIDENCE);
                item.evidence.truncate(MAX_EVIDENCE);
            }
            step.items.sort();
            step.items.dedup();
        }
        Self { causes: causes::causes(input), journeys, journeys_cut, steps }
    }
}

fn step(number: u32, name: &'static str, question: &'static str, items: Vec<Item>) -> Step {
    Step { number, name, question, items }
}

impl Step {
    /// How many items break, are unknown, and pass.
    pub fn counts(&self) -> [usize; 3] {
        [Outcome::Breaks, Outcome::Unknown, Outcome::Passes]
            .map(|wanted| self.items.iter().filter(|item| item.outcome == wanted).count())
    }
}

impl<'a> Input<'a> {
    /// The services whose code was read, with their nodes.
    fn services(&self) -> impl Iterator<Item = (usize, &'a Node, &'a ServiceFacts)> {
        let facts = self.facts;
        let nodes = self.map.nodes.iter().enumerate().filter(|(_, node)| node.kind == NodeKind::Service);
        nodes.filter_map(move |(at, node)| {
            let own = facts.iter().filter(|facts| facts.repository == node.repository);
            let mut services = own.flat_map(|facts| &facts.services);
            let found = services
                .find(|found| found.service.root == node.root && Some(found.service.language) == node.language)?;
            Some((at, node, found))
        })
    }

    /// The findings, each with the node of its service where it has one.
    fn findings(&self) -> impl Iterator<Item = (Option<usize>, &'a FindingFacts)> {
        let map = self.map;
        self.facts
            .iter()
            .flat_map(move |facts| facts.findings.iter().map(move |found| (node_of(map, facts, found), found)))
    }

    /// Who can mend what stands in a file; the service's folder where the repository does not say.
    fn owner(&self, path: &str, node: Option<&Node>) -> String {
        self.owners.of(path).unwrap_or_else(|| folder(node))
    }

    /// Who can mend a service as a whole.
    fn owner_of(&self, node: &Node) -> String {
        let own = self.facts.iter().filter(|facts| facts.repository == node.repository && !node.root.is_empty());
        let found = own.flat_map(|facts| &facts.services).find(|found| found.service.root == node.root);
        let some = found.and_then(|found| {
            let hops = found.crossings.iter().map(|hop| &hop.path);
            hops.chain(found.service.stacks.iter().map(|stack| &stack.path)).next()
        });
        some.map_or_else(|| folder(Some(node)), |path| self.owner(path, Some(node)))
    }
}

/// The folder of a service, for people.
fn folder(node: Option<&Node>) -> String {
    match node {
        Some(node) if node.root == "." || node.root.is_empty() && !node.repository.is_empty() => {
            node.repository.clone()
        }
        Some(node) => node.root.clone(),
        None => String::new(),
    }
}

/// The node of the service that a finding is about.
fn node_of(map: &Map, facts: &Facts, found: &FindingFacts) -> Option<usize> {
    let named = facts.services.iter().filter(|one| one.service.name == found.service);
    let inside = |root: &str| root == "." || format!("/{}", found.path).contains(&format!("/{root}/"));
    let service = named.max_by_key(|one| (inside(&one.service.root), one.service.root.len()))?;
    map.nodes.iter().position(|node| {
        node.kind == NodeKind::Service
            && node.repository == facts.repository
            && node.root == service.service.root
            && node.language == Some(service.service.language)
    })
}

/// The items that findings of some buckets make: each breaks.
fn broken_by(input: &Input<'_>, wanted: &dyn Fn(&FindingFacts) -> bool) -> Vec<Item> {
    let found = input.findings().filter(|(_, found)| wanted(found));
    found
        .map(|(at, found)| {
            let node = at.and_then(|at| input.map.nodes.get(at));
            let mut evidence =
                vec![Evidence { path: found.path.clone(), line: found.line, what: found.message.clone() }];
            evidence.extend(found.related.iter().map(|place| Evidence {
                path: place.path.clone(),
                line: place.line,
                what: place.message.clone(),
            }));
            let service = node.map_or(found.service.as_str(), |node| node.name.as_str());
            let whose = if service.is_empty() { String::new() } else { format!("{service}: ") };
            Item {
                outcome: Outcome::Breaks,
                subject: format!("{whose}{} ({})", found.name, found.rule),
                owner: input.owner(&found.path, node),
                because: found.message.clone(),
                notes: vec![format!("effect: {}", found.effect), format!("help: {}", found.help)],
                evidence,
                more: 0,
            }
        })
        .collect()
}
