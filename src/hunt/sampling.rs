//! How traces are chosen to be kept, and what the deployment says of it.
//!
//! Source: <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#general-sdk-configuration>.

use super::names::Names;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// The variable that chooses.
const SAMPLER: &str = "OTEL_TRACES_SAMPLER";

/// How traces are chosen to be kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Approach {
    /// It is not known
    #[default]
    Unknown,
    /// Every trace is kept
    Always,
    /// The first service decides, the others follow it
    Parent,
    /// Each service decides by a share of its own
    Ratio,
    /// A collector decides when the trace is whole
    Tail,
    /// No trace is kept
    Off,
}

/// The approach, and how it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Sampling {
    /// The approach.
    pub approach: Approach,
    /// How it is known; a clause.
    pub because: String,
}

/// What the environments of these services say; of all services where none are named.
pub fn found(names: &Names, nodes: &[usize]) -> Sampling {
    let all: Vec<usize> = names.all().map(|(at, _)| at).collect();
    let nodes = if nodes.is_empty() { &all } else { nodes };
    let mut told: BTreeMap<Approach, String> = BTreeMap::new();
    for workload in nodes.iter().flat_map(|at| names.workloads(*at)) {
        for variable in workload.environment.iter().filter(|variable| variable.name == SAMPLER) {
            let approach = match variable.value.trim().trim_matches(['"', '\'']) {
                "always_on" => Approach::Always,
                "always_off" => Approach::Off,
                "traceidratio" => Approach::Ratio,
                value if value.starts_with("parentbased_") => Approach::Parent,
                _ => continue,
            };
            let place = format!("{}:{} sets {SAMPLER}={}", workload.path, variable.line, variable.value.trim());
            told.entry(approach).or_insert(place);
        }
    }
    let mut told = told.into_iter();
    match (told.next(), told.next()) {
        (None, _) => Sampling::default(),
        (Some((approach, because)), None) => Sampling { approach, because },
        (Some((_, one)), Some((_, other))) => {
            Sampling { approach: Approach::Unknown, because: format!("services differ: {one}, {other}") }
        }
    }
}

impl Approach {
    /// The words for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Unknown => "not known",
            Self::Always => "every trace is kept",
            Self::Parent => "the first service decides, the others follow it",
            Self::Ratio => "each service decides by a share of its own",
            Self::Tail => "a collector decides when the trace is whole",
            Self::Off => "no trace is kept",
        }
    }
}
