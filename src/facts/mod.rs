//! What one repository knows of its services and of the hops between them and others: plain records that can be
//! written down, and joined with those of other repositories.

mod called;
mod collect;
mod formats;
mod parted;
mod peers;
mod tasks;
mod text;

pub use collect::{Collected, hops};
pub(crate) use formats::{imports_maker, may_set_others, names_others};
pub(crate) use peers::elements;
pub use text::{Named, Piece, Text};

use crate::analysis::{ServiceReport, Skipped, StackReport};
use crate::finding::{Confidence, Severity};
use crate::knowledge::HopKind;
use crate::report::Diagnostic;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of the format of facts files.
pub const VERSION: u32 = 1;

/// What `hoplint facts` writes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "hoplint facts")]
pub struct Facts {
    /// The version of this format.
    pub version: u32,
    /// What the repository is called.
    pub repository: String,
    /// Its services, in order of their roots.
    pub services: Vec<ServiceFacts>,
    /// The processes that its deployment files start.
    pub workloads: Vec<Workload>,
    /// What breaks.
    pub findings: Vec<FindingFacts>,
    /// What was not analysed, and why.
    pub skipped: Vec<Skipped>,
}

/// One finding, in order of path and line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct FindingFacts {
    /// The file, relative to the repository.
    pub path: String,
    /// 1-based line.
    pub line: u32,
    /// The rule's code.
    pub rule: String,
    /// The rule's name.
    pub name: String,
    /// The rule's bucket.
    pub bucket: String,
    /// How bad it is.
    pub severity: Severity,
    /// How much of the chain was seen.
    pub confidence: Confidence,
    /// The service.
    pub service: String,
    /// What breaks.
    pub message: String,
    /// What the trace will look like.
    pub effect: String,
    /// How to mend it.
    pub help: String,
    /// How to see it in a running system.
    pub confirm: String,
    /// The other places on the chain.
    pub related: Vec<RelatedFacts>,
}

/// Another place on the chain of a finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct RelatedFacts {
    /// The file, relative to the repository.
    pub path: String,
    /// 1-based line.
    pub line: u32,
    /// What happens there.
    pub message: String,
}

impl From<&Diagnostic> for FindingFacts {
    fn from(found: &Diagnostic) -> Self {
        let related = found.related.iter().map(|place| RelatedFacts {
            path: place.path.clone(),
            line: place.range.start.line,
            message: place.message.clone(),
        });
        Self {
            path: found.path.clone(),
            line: found.range.start.line,
            rule: found.rule.clone(),
            name: found.name.clone(),
            bucket: found.bucket.clone(),
            severity: found.severity,
            confidence: found.confidence,
            service: found.service.clone(),
            message: found.message.clone(),
            effect: found.effect.clone(),
            help: found.help.clone(),
            confirm: found.confirm.clone(),
            related: related.collect(),
        }
    }
}

/// One service with its hops.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceFacts {
    /// What it is, what traces it, and how its hops stand.
    #[serde(flatten)]
    pub service: ServiceReport,
    /// Its hops, in order of their places.
    pub crossings: Vec<HopFacts>,
    /// Names by which others find it, as its own settings say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Names that its code gives its spans.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub called: Vec<NameInCode>,
    /// Whether somebody outside calls its code: it takes requests, messages or events.
    #[serde(default)]
    pub entered: bool,
    /// How many calls in its code start a span that somebody must end.
    #[serde(default)]
    pub spans_to_end: usize,
    /// The log pattern by which its records hold the id of the trace, where all of its patterns do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logged: Option<LoggedIds>,
    /// The formats in which its code writes and reads traces, where that is all known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub formats: Option<FormatsInCode>,
    /// Addresses in its own settings: the routes of a gateway, say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Text>,
    /// The remote services that it implements, with the place that says so.
    pub implements: Vec<Implemented>,
    /// The lines of deployment files that start it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub starts: Vec<Line>,
}

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// The file, relative to the repository.
    pub path: String,
    /// 1-based line.
    pub line: u32,
}

/// A name under which code makes spans.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct NameInCode {
    /// The name.
    pub name: Text,
    /// The file, relative to the repository.
    pub path: String,
    /// 1-based line.
    pub line: u32,
}

/// The formats that code sets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct FormatsInCode {
    /// The families of headers: `tracecontext`, `b3`; empty where it writes none.
    pub formats: Vec<String>,
    /// The file, relative to the repository.
    pub path: String,
    /// 1-based line.
    pub line: u32,
}

/// A pattern by which log records are written with the id of the trace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct LoggedIds {
    /// The file, relative to the repository.
    pub path: String,
    /// 1-based line.
    pub line: u32,
}

/// A remote service that a service implements.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Implemented {
    /// Its name, without its package: `CartService`.
    pub name: String,
    /// The file, relative to the repository.
    pub path: String,
    /// 1-based line.
    pub line: u32,
}

/// Which way a trace crosses a hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Crossing {
    /// A server or a handler.
    Serve,
    /// An outbound HTTP request.
    HttpCall,
    /// An outbound remote call.
    RpcCall,
    /// A message leaves.
    Produce,
    /// Messages arrive.
    Consume,
    /// A database or cache is asked.
    Store,
    /// Work goes to another thread, task or goroutine.
    Spawn,
    /// A span that is made current, or is not.
    Span,
}

impl Crossing {
    /// Whether another process is at the other end.
    pub(crate) fn leaves_service(self) -> bool {
        matches!(self, Self::HttpCall | Self::RpcCall | Self::Produce | Self::Consume)
    }
}

impl From<HopKind> for Crossing {
    fn from(kind: HopKind) -> Self {
        match kind {
            HopKind::HttpCall => Self::HttpCall,
            HopKind::RpcCall => Self::RpcCall,
            HopKind::Produce => Self::Produce,
            HopKind::Consume => Self::Consume,
            HopKind::Serve => Self::Serve,
            HopKind::Store => Self::Store,
        }
    }
}

/// How a hop stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// The trace crosses.
    Carried,
    /// The code does not tell.
    Unknown,
    /// It does not cross.
    Broken,
}

/// One hop.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct HopFacts {
    /// The file, relative to the repository.
    pub path: String,
    /// 1-based line.
    pub line: u32,
    /// 1-based column, in code points.
    pub column: u32,
    /// Which way the trace crosses it.
    pub kind: Crossing,
    /// The library, by the id of its description.
    pub library: String,
    /// The function that it stands in, for people.
    pub function: String,
    /// How it stands.
    pub standing: Standing,
    /// Why: a clause that goes on after "because".
    pub because: String,
    /// The rule that judged it.
    pub rule: String,
    /// Who is at the other end.
    #[serde(default, skip_serializing_if = "Peers::is_empty")]
    pub peers: Peers,
    /// Where the client is made that the call is made with, if that is another line and the code does not tell how it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Line>,
    /// Where the trace was lost on the way to it, if that is another line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<Line>,
}

/// Who is at the other end of a hop, as far as the code tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Peers {
    /// Its address: each may be the one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Text>,
    /// The topic, queue, subject or exchange.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<Text>,
    /// The remote service, by its name without its package.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remote: Vec<String>,
}

impl Facts {
    /// Leaves out the variables that no hop reads and that hold no address: they can be secrets, and say nothing of a
    /// trace. `is_kept` tells which others stay.
    pub fn forget_variables(&mut self, is_kept: &dyn Fn(&Variable) -> bool) {
        let hops = self.services.iter().flat_map(|service| &service.crossings);
        let called = self.services.iter().flat_map(|service| &service.called).map(|found| &found.name);
        let texts = hops.flat_map(|hop| hop.peers.addresses.iter().chain(&hop.peers.channels)).chain(called);
        let names = texts.flat_map(|text| &text.0).filter_map(|piece| match piece {
            Piece::Variable(named) | Piece::Setting(named) => Some(plain(&named.name)),
            _ => None,
        });
        let read: std::collections::BTreeSet<String> = names.collect();
        for workload in &mut self.workloads {
            workload.environment.retain(|variable| read.contains(&plain(&variable.name)) || is_kept(variable));
        }
    }
}

impl ServiceFacts {
    /// The names of its spans as its code and the environments of its processes say, each with what the code says.
    pub fn span_names<'a>(&'a self, workloads: &[&Workload]) -> Vec<(String, &'a NameInCode)> {
        let mut out = Vec::new();
        for found in &self.called {
            let filled = |workload: Option<&Workload>| {
                let set = |name: &str| {
                    let mut variables = workload?.environment.iter();
                    variables.find(|variable| variable.name == name).map(|variable| variable.value.clone())
                };
                found.name.filled(&|piece| match piece {
                    Piece::Variable(named) => set(&named.name),
                    _ => None,
                })
            };
            let texts = match workloads {
                [] => vec![filled(None)],
                some => some.iter().map(|workload| filled(Some(workload))).collect(),
            };
            let known = texts.into_iter().filter_map(|text| match text.0.as_slice() {
                [Piece::Literal(name)] if !name.trim().is_empty() && !name.contains("${") => {
                    Some(name.trim().to_owned())
                }
                _ => None,
            });
            out.extend(known.map(|name| (name, found)));
        }
        out.sort();
        out.dedup_by(|one, other| one.0 == other.0);
        out
    }
}

impl Facts {
    /// Changes every path.
    pub fn each_path(&mut self, change: &mut dyn FnMut(&mut String)) {
        for service in &mut self.services {
            service.service.stacks.iter_mut().for_each(|stack| change(&mut stack.path));
            service.crossings.iter_mut().for_each(|hop| {
                change(&mut hop.path);
                hop.made.iter_mut().chain(&mut hop.lost).for_each(|line| change(&mut line.path));
            });
            service.implements.iter_mut().for_each(|found| change(&mut found.path));
            service.called.iter_mut().for_each(|found| change(&mut found.path));
            service.formats.iter_mut().for_each(|found| change(&mut found.path));
            service.logged.iter_mut().for_each(|found| change(&mut found.path));
            service.starts.iter_mut().for_each(|found| change(&mut found.path));
        }
        for workload in &mut self.workloads {
            change(&mut workload.path);
            workload.stacks.iter_mut().for_each(|stack| change(&mut stack.path));
            for copied in &mut workload.copies {
                change(copied);
                copied.truncate(copied.trim_end_matches('/').len());
            }
        }
        for finding in &mut self.findings {
            change(&mut finding.path);
            finding.related.iter_mut().for_each(|place| change(&mut place.path));
        }
    }
}

/// A name of a setting as frameworks compare it: `till.base-url` is TILL_BASEURL and TILL_BASE_URL.
pub fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

impl Peers {
    /// Whether nothing is told of it.
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty() && self.channels.is_empty() && self.remote.is_empty()
    }
}

/// A process that a deployment file starts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Workload {
    /// The file, relative to the repository.
    pub path: String,
    /// 1-based line.
    pub line: u32,
    /// Its name.
    pub name: String,
    /// Names by which others reach it.
    pub hosts: Vec<String>,
    /// The image that it runs, where one is named.
    pub image: String,
    /// The image that this one is built on, where its Dockerfile was read.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub base: String,
    /// The roots of the services whose code it runs.
    pub runs: Vec<String>,
    /// Files and folders beside that code which its image holds too, relative to the repository.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<String>,
    /// What traces it, where none of the code that it runs was read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stacks: Vec<StackReport>,
    /// Addresses to which it passes requests on, as its proxy's configuration says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passes: Vec<String>,
    /// Its environment.
    pub environment: Vec<Variable>,
}

/// A variable in the environment of a process.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value, as far as it is known.
    pub value: String,
    /// It was given together with others that the process need not read, by a map or file of settings.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub common: bool,
    /// 1-based line.
    pub line: u32,
}
