//! Recorded traces: the formats in which backends and exporters write them, read into one model.

mod fetch;
mod jaeger;
mod otlp;
mod raw;
mod read;
mod tree;
mod zipkin;

pub use fetch::{Backend, FetchError, Request, fetch};
pub use read::{MAX_BYTES, MAX_SPANS, ReadError, read};
pub use tree::{Parent, Tree};

use schemars::JsonSchema;
use serde::Serialize;

/// The format of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Of Jaeger's API and of the export of its pages.
    Jaeger,
    /// Zipkin v2.
    Zipkin,
    /// OTLP, one object or one object a line.
    Otlp,
    /// Of Tempo's API.
    Tempo,
}

impl Format {
    /// The word for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Jaeger => "Jaeger JSON",
            Self::Zipkin => "Zipkin JSON",
            Self::Otlp => "OTLP JSON",
            Self::Tempo => "Tempo JSON",
        }
    }
}

/// What a span stands for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Work inside a service, or a kind that was not told.
    #[default]
    Internal,
    /// A request is served.
    Server,
    /// A request is made.
    Client,
    /// A message is sent.
    Producer,
    /// A message is taken.
    Consumer,
}

impl Kind {
    /// The kind of this name, in any case, with or without `SPAN_KIND_`.
    pub(crate) fn named(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        match name.strip_prefix("span_kind_").unwrap_or(&name) {
            "server" => Self::Server,
            "client" => Self::Client,
            "producer" => Self::Producer,
            "consumer" => Self::Consumer,
            _ => Self::Internal,
        }
    }

    /// Whether the span stands where something comes in.
    pub fn is_entry(self) -> bool {
        matches!(self, Self::Server | Self::Consumer)
    }

    /// Whether the span stands where something goes out.
    pub fn is_exit(self) -> bool {
        matches!(self, Self::Client | Self::Producer)
    }
}

/// The number of a trace or of a span: hexadecimal digits, however many zeros stand before them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub u128);

impl std::fmt::Display for Id {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let width = if self.0 > u128::from(u64::MAX) { 32 } else { 16 };
        write!(out, "{:0width$x}", self.0)
    }
}

/// One span.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Span {
    /// The trace that it is part of.
    pub trace: Id,
    /// Its own id.
    pub id: Id,
    /// The id of its parent.
    pub parent: Option<Id>,
    /// Its service, as a place in the recording's list.
    pub service: usize,
    /// What it is called.
    pub name: Box<str>,
    /// What it stands for.
    pub kind: Kind,
    /// When it began, in nanoseconds since 1970; 0 where it is not told.
    pub start: u64,
    /// When it ended, in nanoseconds since 1970; its start where that is not told.
    pub end: u64,
    /// Whether the recording says that the trace was not to be kept: its sampled flag is there and not set.
    pub unsampled: bool,
    /// Whether it is linked to spans of other traces.
    pub linked: bool,
    /// Names of the other end, as far as the span tells: hosts, services, channels.
    pub peers: Box<[Box<str>]>,
}

/// What was recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recording {
    /// The formats that were met.
    pub formats: Vec<Format>,
    /// The names of the services.
    pub services: Vec<String>,
    /// The spans, in the order in which they were written.
    pub spans: Vec<Span>,
    /// What was left out, and why.
    pub notes: Vec<String>,
}

impl Recording {
    /// This recording and another one.
    pub fn with(mut self, other: Self) -> Self {
        let first = self.services.len();
        let known = |name: &String| self.services.iter().position(|own| own == name);
        let places: Vec<Option<usize>> = other.services.iter().map(known).collect();
        self.services.extend(other.services);
        for mut span in other.spans {
            span.service = places.get(span.service).copied().flatten().unwrap_or(first + span.service);
            self.spans.push(span);
        }
        for format in other.formats {
            if !self.formats.contains(&format) {
                self.formats.push(format);
            }
        }
        self.notes.extend(other.notes);
        self
    }
}
