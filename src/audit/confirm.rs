//! How to see a cause in a running system: commands with the names that the deployment uses.

use super::Input;
use super::catalogue::{backend, catalogue};
use super::causes::Triage;
use super::settings::{trace_name, values, workloads};
use crate::deploy::is_compose;
use crate::facts::Workload;
use crate::map::{Address, Edge, NodeKind};
use crate::services::stacks;
use schemars::JsonSchema;
use serde::Serialize;

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Confirm {
    /// What it shows.
    pub what: String,
    /// What the command needs to run; empty where there is none.
    pub needs: String,
    /// The command, where there is one.
    pub command: Option<String>,
}

impl Confirm {
    fn run(what: String, needs: &str, command: String) -> Self {
        Self { what, needs: needs.to_owned(), command: Some(command) }
    }

    /// What is told in words alone.
    pub(super) fn told(what: String) -> Self {
        Self { what, needs: String::new(), command: None }
    }
}

/// What a question to Jaeger needs.
const JAEGER: &str = "curl, jq, and the HTTP API of Jaeger at localhost:16686: put its address there";
/// What a question to Tempo needs.
const TEMPO: &str = "curl, jq, and the HTTP API of Tempo at localhost:3200: put its address there";

/// A question in TraceQL, asked at the API of Tempo.
/// Source: <https://grafana.com/docs/tempo/latest/api_docs/#search>.
fn traceql(query: &str) -> String {
    format!(
        "curl -sG http://localhost:3200/api/search --data-urlencode 'q={query}' --data-urlencode limit=50 | jq -c \
         '.traces[]? | [.traceID, .rootServiceName, .rootTraceName]'"
    )
}

/// The port at which a collector tells of itself unless it is set otherwise.
/// Source: <https://opentelemetry.io/docs/collector/internal-telemetry/>.
const METRICS_PORT: u16 = 8888;

/// What may stand in the name of a setting whose value nobody should print.
const SECRET: &str = "key|token|secret|passw|headers|auth";

/// The commands for a cause in a service, and at the ways that it breaks.
pub(super) fn commands(input: &Input<'_>, triage: Triage, at: Option<usize>, edges: &[&Edge]) -> Vec<Confirm> {
    let mut out = Vec::new();
    let Some(node) = at.and_then(|at| input.map.nodes.get(at)) else { return out };
    let name = trace_name(input.facts, node).name;
    let own = workloads(input.facts, node);
    if matches!(triage, Triage::Sampling | Triage::Instrumentation | Triage::Export) {
        out.extend(own.first().and_then(|workload| environment(workload, node)));
    }
    match triage {
        Triage::Instrumentation if !edges.is_empty() => {
            // One end tells as much as many; the first that has spans of its own is asked for.
            let ends =
                edges.iter().filter_map(|edge| Some((input.map.nodes.get(edge.from)?, input.map.nodes.get(edge.to)?)));
            let mut ends = ends.filter(|(_, to)| matches!(to.kind, NodeKind::Service | NodeKind::Process));
            if let Some((from, to)) = ends.next() {
                let (from, to) = (trace_name(input.facts, from).name, trace_name(input.facts, to).name);
                out.extend(joined(&from, &to));
            }
        }
        Triage::Export => {}
        _ => out.extend(roots(&name)),
    }
    if matches!(triage, Triage::Sampling | Triage::Export) {
        out.push(collector(input, &own));
        out.extend(own.first().and_then(|workload| logs(workload)));
    }
    out
}

/// Whether a name can stand in a command without being read as something else.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('-') && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c))
}

/// What the process is really started with.
fn environment(workload: &Workload, node: &crate::map::Node) -> Option<Confirm> {
    if !is_plain(&workload.name) || !is_plain(&workload.path) {
        return None;
    }
    let pages = stacks().iter().filter(|page| node.stacks.iter().any(|stack| stack.stack == page.id));
    let mut starts: Vec<&str> = pages.flat_map(|page| &page.variables).map(String::as_str).collect();
    starts.sort_unstable();
    starts.dedup();
    let starts = if starts.is_empty() { "OTEL_".to_owned() } else { starts.join("|") };
    let name = &workload.name;
    let command = if is_compose(&workload.path) {
        format!("docker compose -f {} exec {name} env | grep -E '^({starts})' | grep -viE '{SECRET}'", workload.path)
    } else {
        format!(
            "kubectl get deployments,statefulsets,daemonsets -A -o json | jq -r '.items[].spec.template.spec.containers[] \
             | select(.name == \"{name}\" or (.image | split(\"/\")[-1] | split(\":\")[0] | split(\"@\")[0]) == \"{name}\") \
             | .env[]? | select(.name | test(\"^({starts})\")) \
             | select(.name | test(\"{SECRET}\"; \"i\") | not) | \"\\(.name)=\\(.value // \"(set elsewhere)\")\"'"
        )
    };
    let needs = match is_compose(&workload.path) {
        true => "docker compose, with the service running",
        false => "jq, and kubectl with the right to list workloads of all namespaces",
    };
    Some(Confirm::run("the tracing settings that it really runs with".to_owned(), needs, command))
}

/// What the process says of its exporter.
fn logs(workload: &Workload) -> Option<Confirm> {
    let name = &workload.name;
    if !is_plain(name) || !is_plain(&workload.path) || !is_compose(&workload.path) {
        return None;
    }
    let command = format!("docker compose -f {} logs --since 10m {name} | grep -iE 'export|otlp|span'", workload.path);
    Some(Confirm::run("what it says of its exporter".to_owned(), "docker compose, with the service running", command))
}

/// The collector's own counts, at the address to which the service sends.
fn collector(input: &Input<'_>, own: &[&Workload]) -> Confirm {
    let all: Vec<&Workload> = input.facts.iter().flat_map(|facts| &facts.workloads).collect();
    let find = |workloads: &[&Workload]| {
        let sets = values(workloads, &catalogue().endpoint);
        let found = sets.iter().find_map(|set| {
            let address = Address::parse(&set.variable.value).filter(|address| !address.is_local())?;
            Some((address.short().to_owned(), is_compose(&set.workload.path)))
        });
        found.filter(|(host, _)| is_plain(host))
    };
    let found = find(own).or_else(|| find(&all));
    let image = found.as_ref().and_then(|(host, _)| {
        let is = |workload: &&&Workload| workload.name == *host || workload.hosts.iter().any(|name| name == host);
        all.iter().find(is).map(|workload| workload.image.as_str())
    });
    let (port, metrics) = match image.and_then(backend) {
        Some(backend) => (backend.port, &backend.metrics),
        None => (METRICS_PORT, &catalogue().collector_metrics),
    };
    let grep = format!("grep -E '^({})'", metrics.join("|"));
    let here = format!("curl, on a machine that reaches port {port} of whoever takes the spans");
    let (needs, command) = match found {
        Some((host, true)) => (here, format!("curl -s http://{host}:{port}/metrics | {grep}")),
        Some((host, false)) => (
            "curl, and kubectl with the right to forward ports, in the namespace of the service that takes the spans"
                .to_owned(),
            format!(
                "kubectl port-forward service/{host} {port}:{port} & sleep 2; curl -s http://localhost:{port}/metrics | {grep}"
            ),
        ),
        None => (here, format!("curl -s http://localhost:{port}/metrics | {grep}")),
    };
    let what = "whether spans arrive where they are sent to: what is accepted, received or sent grows with each request, \
        and what is refused, dropped or failed stays as it is";
    Confirm::run(what.to_owned(), &needs, command)
}

/// Whether traces of one service hold spans of the one that calls it.
fn joined(from: &str, to: &str) -> Vec<Confirm> {
    if !is_plain(from) || !is_plain(to) {
        return Vec::new();
    }
    let jaeger = format!(
        "curl -s 'http://localhost:16686/api/traces?service={to}&limit=50' | jq '[.data[] | [.processes[].serviceName] \
         | index(\"{from}\") != null] | {{with: map(select(.)) | length, without: map(select(not)) | length}}'"
    );
    let tempo = format!("{{ resource.service.name = \"{from}\" }} >> {{ resource.service.name = \"{to}\" }}");
    vec![
        Confirm::run(
            format!("Jaeger: of the traces of {to}, how many are with {from} and how many without"),
            JAEGER,
            jaeger,
        ),
        Confirm::run(
            format!("Tempo: traces with spans of {to} below those of {from}; none where the way breaks"),
            TEMPO,
            traceql(&tempo),
        ),
    ]
}

/// Spans of a service that begin traces of their own.
fn roots(name: &str) -> Vec<Confirm> {
    if !is_plain(name) {
        return Vec::new();
    }
    let jaeger = format!(
        "curl -s 'http://localhost:16686/api/traces?service={name}&limit=50' | jq '[.data[].spans[] | select((.references \
         // []) | length == 0) | .operationName] | group_by(.) | map({{(.[0]): length}}) | add'"
    );
    let tempo = format!("{{ resource.service.name = \"{name}\" && nestedSetParent < 0 }}");
    vec![
        Confirm::run(format!("Jaeger: the spans in traces of {name} that have no parent, by name"), JAEGER, jaeger),
        Confirm::run(format!("Tempo: traces that begin with a span of {name}"), TEMPO, traceql(&tempo)),
    ]
}
