//! What is known of collectors, backends, proxies and variables: `rules/deployment.toml`.

use serde::Deserialize;
use std::sync::LazyLock;

static KNOWN: LazyLock<Known> =
    LazyLock::new(|| toml::from_str(include_str!("../../rules/deployment.toml")).unwrap_or_default());

/// The file `rules/deployment.toml`, which documents its fields.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Known {
    pub console_exporters: Vec<String>,
    pub retrying_exporters: Vec<String>,
    pub foreign_images: Vec<String>,
    pub answering_early: Vec<String>,
    /// Plugins of gateways that take part in traces.
    pub gateway_plugins: Vec<String>,
    /// Those of them that send spans that the gateway makes.
    pub gateway_exporters: Vec<String>,
    pub limiters: Vec<String>,
    pub batchers: Vec<String>,
    pub tail_samplers: Vec<String>,
    pub head_samplers: Vec<String>,
    pub balancers: Vec<String>,
    pub trace_keys: Vec<String>,
    pub versioned_images: Vec<String>,
    pub versioned_downloads: Vec<String>,
    pub receiving_images: Vec<String>,
    /// Names of products that show traces.
    pub backends_by_name: Vec<String>,
    /// Extensions by which a collector's program shows what is in its storage.
    pub showing_extensions: Vec<String>,
    pub span_ports: Vec<u16>,
    pub pod_annotations: Vec<String>,
    pub go_propagators: String,
    pub go_exporters: String,
    pub sources: Vec<String>,
    pub tail_sampling: TailSampling,
    pub chart: Vec<Chart>,
    pub removed: Vec<Removed>,
    pub backend: Vec<Backend>,
    pub off: Vec<Off>,
    pub speaks: Vec<Speaks>,
    pub sends: Vec<Sends>,
    pub named: Vec<Named>,
    pub injects: Vec<Injects>,
    pub milliseconds: Vec<Milliseconds>,
    pub ingress_headers: Vec<String>,
    pub beside_images: Vec<String>,
    pub browser_sources: Vec<String>,
    pub mentions: Vec<String>,
    pub plain_images: Vec<String>,
    pub stores: Vec<String>,
    pub store_schemes: Vec<String>,
    pub browser: Vec<BrowserSetting>,
}

/// A setting by which clients in the browser send traces to servers of other origins.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrowserSetting {
    /// Its name in their sources.
    pub setting: String,
    /// The headers that they send then.
    pub headers: Vec<String>,
    /// Words of sources that may send others.
    #[serde(default)]
    pub without: Vec<String>,
}

/// A protocol by which a program exports where no variable names one. All that is said must fit.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Speaks {
    /// A stack that is switched on.
    #[serde(default)]
    pub stack: String,
    /// What it depends on.
    #[serde(default)]
    pub dependency: String,
    /// What it does not depend on.
    #[serde(default)]
    pub without: Vec<String>,
    /// What a command of its image matches.
    #[serde(default, with = "serde_regex_option")]
    pub fetched: Option<regex::Regex>,
    /// A variable of its environment.
    #[serde(default)]
    pub variable: String,
    /// What that variable has in its value.
    #[serde(default)]
    pub contains: String,
    /// The protocol, as variables name it.
    pub protocol: String,
}

/// A variable whose value is a name or an address that must be known letter for letter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// Its name.
    pub variable: String,
    /// The rule that tells of one that is not understood.
    pub rule: String,
    /// What there is not.
    pub unknown: String,
    /// What becomes of the trace.
    pub effect: String,
}

/// The protocol of what the operator puts into pods, where no variable says it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Injects {
    /// The language, as annotations and resources have it.
    pub language: String,
    /// What the tag of its image matches; anything where none is given.
    #[serde(default, with = "serde_regex_option")]
    pub tag: Option<regex::Regex>,
    /// The protocol, as variables name it.
    pub protocol: String,
}

/// Exporters of the collector that send OTLP.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sends {
    /// Their types.
    pub kinds: Vec<String>,
    /// The protocol, as variables name it.
    pub protocol: String,
    /// The port at which it is taken by custom, and that of the other protocol.
    pub own_port: u16,
    /// See `own_port`.
    pub other_port: u16,
    /// What sends by the other protocol.
    pub instead: String,
    /// The paths that are put behind the address, the one of traces first.
    #[serde(default)]
    pub adds: Vec<String>,
    /// The setting for a whole address of traces, to which nothing is added; empty where addresses are no URLs.
    #[serde(default)]
    pub whole: String,
}

/// A variable that counts milliseconds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Milliseconds {
    /// Its name.
    pub variable: String,
    /// The languages whose SDK reads it so.
    pub languages: Vec<crate::ir::Language>,
    /// Whether what takes longer is given up.
    pub is_limit: bool,
}

/// A regular expression that may be left out.
mod serde_regex_option {
    use serde::{Deserialize, Deserializer, de::Error};

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<regex::Regex>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| regex::Regex::new(&text).map_err(D::Error::custom)).transpose()
    }
}

/// The settings of tail sampling and their defaults.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TailSampling {
    /// The setting for how many traces are kept in memory.
    pub traces: String,
    /// How many without it.
    pub default_traces: u64,
    /// The setting for how long a decision waits.
    pub wait: String,
    /// How many seconds without it.
    pub default_wait: u64,
    /// The setting for how many traces are expected in a second.
    pub rate: String,
    /// Policies that ask for nothing but the trace's id: all collectors decide alike.
    pub by_id: Vec<String>,
    /// Those of them that keep every trace whatever they are told.
    pub all: Vec<String>,
    /// The setting for the share of traces that a policy keeps, in percent.
    pub share: String,
    /// Policies by which traces are dropped that another one keeps.
    pub dropping: Vec<String>,
}

/// A chart that installs the collector.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chart {
    /// Its name.
    pub name: String,
    /// Versions of the chart from which on it installs a version of the collector, the oldest first.
    pub versions: Vec<(String, String)>,
}

impl Chart {
    /// The version of the collector that a version of the chart installs; `None` for ranges of versions, and for one that is
    /// older or newer than those that are known.
    pub fn installs(&self, version: &str) -> Option<&str> {
        let wanted = numbers(version)?;
        let (last, _) = self.versions.last()?;
        let mut known = self.versions.iter().rev();
        let found = known.find(|(from, _)| numbers(from).is_some_and(|from| from <= wanted));
        found.filter(|_| numbers(last).is_some_and(|last| wanted <= last)).map(|(_, installed)| installed.as_str())
    }
}

/// A version that is written out, as its three numbers.
fn numbers(version: &str) -> Option<[u32; 3]> {
    let mut parts = version.trim().trim_start_matches('v').split('.').map(|part| part.parse().ok());
    let found = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(found)
}

/// A component that a later collector does not have.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Removed {
    /// The section that defines it.
    pub section: String,
    /// Its type.
    pub kind: String,
    /// The first version without it.
    pub version: String,
    /// What to use.
    pub instead: String,
    /// Where that is said.
    pub source: String,
}

/// A backend that keeps traces in memory unless it is told to store them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backend {
    /// Its image, without registry and tag.
    pub image: String,
    /// Its name for people.
    pub title: String,
    /// The variable that names its storage; empty where only a command does.
    #[serde(default)]
    pub variable: String,
    /// The value that means memory.
    pub in_memory: String,
}

/// A variable that switches a program's traces off.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Off {
    /// Its name.
    pub variable: String,
    /// The value that does it, in lower case.
    pub value: String,
    /// The rule that says so.
    pub rule: String,
}

/// What is known.
pub fn known() -> &'static Known {
    &KNOWN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_tell_what_they_install() {
        let chart = known().chart.first().expect("one is known");
        assert_eq!(chart.installs("0.97.1"), Some("0.104.0"));
        assert_eq!((chart.installs("0.1.0"), chart.installs("~0.97.0"), chart.installs("9.0.0")), (None, None, None));
        let order: Vec<_> = chart.versions.iter().map(|(from, _)| numbers(from)).collect();
        assert!(order.is_sorted() && order.iter().all(Option::is_some));
    }

    #[test]
    fn the_file_reads() {
        let read: Known = toml::from_str(include_str!("../../rules/deployment.toml")).expect("reads");
        assert!(read.removed.len() > 5 && read.sources.iter().all(|source| source.starts_with("https://")));
        let rules = read.off.iter().all(|off| crate::rulepage::find(&off.rule).is_some());
        assert!(rules, "each variable names a rule");
    }
}
