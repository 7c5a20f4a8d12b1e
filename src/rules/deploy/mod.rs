//! Rules on deployment files: collectors, containers, proxies.

mod agent;
mod backend;
mod cors;
mod environment;
mod gateway;
mod headers;
mod inject;
mod injected;
mod links;
mod listening;
mod misplaced;
mod moved;
mod names;
mod onward;
mod pipeline;
mod protocol;
mod quoted;
mod removed;
mod sampler;
mod tail;
mod units;

pub(in crate::rules) use moved::misnames_share;

use super::Verdicts;
use crate::deploy::{Collector, Container, Deployment};
use crate::facts::Workload;
use crate::finding::{Finding, Related};
use crate::link::SourceFile;
use crate::study::UnitView;

/// What the rules on deployment files ask.
pub(super) struct Material<'a> {
    /// The files.
    pub deployment: &'a Deployment,
    /// The processes, with the units that they run.
    pub workloads: &'a [Workload],
    /// The units.
    pub units: &'a [UnitView],
    /// Their code.
    pub sources: &'a [SourceFile],
}

impl<'a> Material<'a> {
    /// Whether something of the workspace is traced.
    pub fn is_traced(&self) -> bool {
        let is_told = |found: &Container| found.variables.iter().any(|one| crate::services::is_of_tracing(&one.name));
        self.units.iter().any(|unit| unit.stacks.iter().any(|stack| stack.active))
            || self.deployment.containers.iter().any(is_told)
    }

    /// The unit that a container runs, where it is seen which.
    pub fn unit(&self, container: &Container) -> Option<&'a UnitView> {
        let image = container.image.as_ref().map(|(image, _)| image.as_str());
        let own = self.workloads.iter().find(|found| {
            found.path == container.path.as_str()
                && (found.name == container.name || !found.image.is_empty() && Some(found.image.as_str()) == image)
        })?;
        let [root] = own.runs.as_slice() else { return None };
        self.units.iter().find(|unit| unit.root == *root)
    }
}

/// Runs every rule on deployment files.
pub(super) fn check(material: &Material<'_>, out: &mut Verdicts) {
    for collector in material.deployment.collectors.iter().filter(|collector| !is_test(&collector.path)) {
        pipeline::check(material, collector, out);
        removed::check(material, collector, out);
        onward::check(material, collector, out);
        listening::check(material, collector, out);
        names::check_collector(material, collector, out);
        tail::check(material, collector, out);
    }
    for partial in material.deployment.partials.iter().filter(|partial| !is_test(&partial.path)) {
        pipeline::check_order(partial, out);
        tail::check_order(partial, out);
    }
    let before = out.findings.len();
    backend::check(material, out);
    environment::check(material, out);
    quoted::check(material, out);
    sampler::check(material, out);
    headers::check(material, out);
    gateway::check(material, out);
    cors::check(material, out);
    inject::check(material, out);
    injected::check(material, out);
    agent::check(material, out);
    misplaced::check(material, out);
    moved::check(material, out);
    names::check(material, out);
    unite(&mut out.findings, before);
}

/// One cause, one finding: what several containers are given at one place, or in the same words.
fn unite(findings: &mut Vec<Finding>, from: usize) {
    let mut kept: Vec<Finding> = Vec::new();
    for found in findings.drain(from..) {
        let is_same = |known: &&mut Finding| known.rule == found.rule && known.place == found.place;
        match kept.iter_mut().find(is_same) {
            Some(known) if known.service == found.service => {}
            Some(known) => {
                let message = format!("{} is given it as well", found.service);
                if known.related.iter().all(|other| other.message != message) {
                    known.related.push(Related { place: found.place, message });
                }
            }
            None => kept.push(found),
        }
    }
    findings.extend(kept);
}

/// How to see that a collector takes its configuration.
fn validate(collector: &Collector) -> String {
    format!("run `otelcol validate --config {}` with the collector's own image", collector.name())
}

/// The words of a path, in lower case.
fn words(path: &str) -> impl Iterator<Item = String> + '_ {
    path.split(|c: char| !c.is_ascii_alphanumeric()).map(str::to_ascii_lowercase)
}

/// Whether a file is one of development, tests or examples, by its path.
fn is_development(path: &str) -> bool {
    const WORDS: &[&str] = &[
        "ci",
        "demo",
        "demos",
        "dev",
        "develop",
        "development",
        "devenv",
        "docs",
        "e2e",
        "example",
        "examples",
        "hack",
        "kind",
        "lab",
        "labs",
        "local",
        "localdev",
        "minikube",
        "playground",
        "quickstart",
        "sample",
        "samples",
        "sandbox",
        "test",
        "testdata",
        "testing",
        "tests",
        "tutorial",
        "workshop",
    ];
    // `shoplocal.yaml` is written as one word.
    words(path).any(|word| WORDS.contains(&word.as_str()) || word.ends_with("local"))
}

/// Whether a file is one of tests, by its path: nobody runs it for its own sake. Values in the folder `ci` of a chart are
/// those that it is tested with (<https://github.com/helm/chart-testing>).
fn is_test(path: &str) -> bool {
    const WORDS: &[&str] = &["conformance", "e2e", "test", "testdata", "testfiles", "testing", "tests"];
    let is_of_chart = path.contains("/ci/") && path.ends_with("values.yaml");
    is_of_chart || words(path).any(|word| WORDS.contains(&word.as_str()))
}

/// Whether a file is one of production, by its path.
fn is_production(path: &str) -> bool {
    words(path).any(|word| matches!(word.as_str(), "prod" | "production" | "prd")) && !is_development(path)
}

/// a, b and c.
fn listed(names: &[String]) -> String {
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_tell_production_from_development() {
        assert!(is_production("k8s/overlays/prod/jaeger.yaml") && is_production("docker-compose.production.yml"));
        assert!(!is_production("examples/prod/a.yaml") && !is_production("product/a.yaml"));
        assert!(
            is_development("compose.dev.yaml")
                && is_development("local-dev/a.yaml")
                && !is_development("device/a.yaml")
        );
    }
}
