//! Who calls whom: the facts of one or several repositories, joined.

mod address;
mod configured;
mod elsewhere;
mod formats;
mod house;
mod join;
mod messages;
mod mismatch;
mod names;
mod stand;

pub use address::Address;
pub(crate) use address::in_connection;
pub(crate) use configured::given;
pub(crate) use formats::SetBy;
pub use join::join;
pub(crate) use join::value as setting_in;
pub(crate) use mismatch::{Mismatch, mismatches};
pub(crate) use names::plain;
pub use stand::End;

use crate::analysis::{HopCounts, Skipped, StackReport};
use crate::facts::{Crossing, HopFacts, Standing};
use crate::ir::Language;
use schemars::JsonSchema;
use serde::Serialize;

/// Services, what they talk to, and how each way between them stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Map {
    /// What takes part: services, processes whose code was not read, channels, strangers.
    pub nodes: Vec<Node>,
    /// The ways between them, in order of their ends.
    pub edges: Vec<Edge>,
    /// What was not analysed, and why.
    pub skipped: Vec<Skipped>,
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NodeKind {
    /// A service whose code was read.
    Service,
    /// A process of which only the deployment is known.
    Process,
    /// A topic, queue, subject or exchange of which one end was not found.
    Channel,
    /// A service of somebody else.
    Stranger,
}

/// One that takes part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Node {
    /// Its name, told apart from others of the same name by its folder.
    pub name: String,
    /// What it is.
    pub kind: NodeKind,
    /// The repository that it was found in.
    pub repository: String,
    /// Its folder in the repository; empty for what has none.
    pub root: String,
    /// The language of its sources.
    pub language: Option<Language>,
    /// What traces it.
    pub stacks: Vec<StackReport>,
    /// How its hops stand.
    pub hops: HopCounts,
    /// Names by which others reach it.
    pub hosts: Vec<String>,
}

/// How one end of a way is joined to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// HTTP requests.
    Http,
    /// Remote calls.
    Rpc,
    /// Messages.
    Message,
    /// An address that only the deployment names; the code was not read, or does not show the call.
    Configured,
}

/// A way from one to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Edge {
    /// The number of the node that calls or sends.
    pub from: usize,
    /// The number of the node that is called or takes.
    pub to: usize,
    /// How they are joined.
    pub via: Via,
    /// What they have in common: the remote service, the channel, the address.
    pub by: String,
    /// How the way stands.
    pub standing: Standing,
    /// Why: a clause that goes on after "because".
    pub because: String,
    /// How the end stands at which the trace leaves.
    pub leaves: End,
    /// How the end stands at which it arrives.
    pub arrives: End,
    /// The hops at the near end.
    pub near: Vec<HopFacts>,
    /// The hops at the far end.
    pub far: Vec<HopFacts>,
}

/// How many files are named that were not read.
const MAX_UNREAD: usize = 3;

impl Map {
    /// What was not read, and why, in one sentence; `None` where all was.
    pub fn unread(&self) -> Option<String> {
        let shown = self.skipped.iter().take(MAX_UNREAD).map(|file| format!("{} ({})", file.path, file.reason));
        let shown = shown.collect::<Vec<_>>().join(", ");
        let more = match self.skipped.len().saturating_sub(MAX_UNREAD) {
            0 => String::new(),
            more => format!(" and {more} more, which the JSON names"),
        };
        let what = match self.skipped.len() {
            0 => return None,
            1 => "one file was not read, and what it says is missing here",
            _ => "some files were not read, and what they say is missing here",
        };
        Some(format!("{what}: {shown}{more}"))
    }

    /// How all ways stand.
    pub fn counts(&self) -> HopCounts {
        let mut out = HopCounts::default();
        for edge in &self.edges {
            match edge.standing {
                Standing::Carried => out.carried += 1,
                Standing::Unknown => out.unknown += 1,
                Standing::Broken => out.broken += 1,
            }
        }
        out
    }

    /// The node of this name, or of a name that ends in it; letters in either case.
    pub fn find(&self, name: &str) -> Option<usize> {
        let wanted = names::plain(name);
        let by = |fits: &dyn Fn(&str) -> bool| {
            let mut found = (0..self.nodes.len()).filter(|at| {
                let node = &self.nodes[*at];
                fits(&names::plain(&node.name)) || node.hosts.iter().any(|host| fits(&names::plain(host)))
            });
            found.next()
        };
        by(&|name| name == wanted)
            .or_else(|| by(&|name| name.ends_with(&format!("-{wanted}")) || name.starts_with(&format!("{wanted}-"))))
    }

    /// The ways that leave a node.
    pub fn leaving(&self, node: usize) -> impl Iterator<Item = &Edge> {
        self.edges.iter().filter(move |edge| edge.from == node)
    }
}

impl Via {
    /// The kinds of hops that such a way has at its near end, and at its far end.
    pub(crate) fn kinds(self) -> (&'static [Crossing], &'static [Crossing]) {
        match self {
            Self::Http | Self::Configured => (&[Crossing::HttpCall], &[Crossing::Serve]),
            Self::Rpc => (&[Crossing::RpcCall], &[Crossing::Serve]),
            Self::Message => (&[Crossing::Produce], &[Crossing::Consume]),
        }
    }

    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Http => "HTTP",
            Self::Rpc => "RPC",
            Self::Message => "messages",
            Self::Configured => "configured",
        }
    }
}
