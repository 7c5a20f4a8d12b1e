//! A test for one journey: a request with a trace id of its own, and what the trace must then hold.

mod go;
mod journey;
mod pytest;
mod render;
mod shell;
mod tracetest;

pub use go::go;
pub use pytest::pytest;
pub use shell::shell;
pub use tracetest::tracetest;

use crate::audit::catalogue;
use crate::audit::settings;
use crate::facts::Facts;
use crate::map::Map;

/// Whose query API answers for traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// Jaeger. Source: <https://www.jaegertracing.io/docs/latest/apis/#http-json>.
    Jaeger,
    /// Grafana Tempo. Source: <https://grafana.com/docs/tempo/latest/api_docs/#query>.
    Tempo,
}

/// What is to be tested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The services, in order.
    pub stops: Vec<Stop>,
    /// Where the request goes.
    pub entry: String,
    /// Who is asked for the trace.
    pub backend: Backend,
    /// Its address, without a slash at its end.
    pub backend_url: String,
    /// The headers of the request, with `{trace}` and the like in place of ids.
    pub headers: Vec<(String, String)>,
    /// What whoever runs the test has to know.
    pub notes: Vec<String>,
}

/// A service on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// Its name in the map.
    pub name: String,
    /// The name that its spans carry.
    pub trace_name: String,
}

/// Why no plan can be made, and the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanError {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// The rule that tells of services whose spans have no name.
const NAMELESS: &str = "service-name-missing";

/// Where a test is run, and against what.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The names of the services, separated by `,`, `->` or `→`.
    pub journey: &'a str,
    /// Where the request goes.
    pub entry: &'a str,
    /// Who is asked for the trace.
    pub backend: Backend,
    /// Its address.
    pub backend_url: &'a str,
}

impl Plan {
    /// Checks the journey against the map.
    ///
    /// # Errors
    ///
    /// Addresses that are none, names that the map does not have, and journeys of less than two services.
    pub fn new(facts: &[Facts], map: &Map, request: &Request<'_>) -> Result<Self, PlanError> {
        let entry = address(request.entry, "--entry")?;
        let backend_url = address(request.backend_url, "--backend-url")?.trim_end_matches('/').to_owned();
        let mut notes = Vec::new();
        let nodes = journey::nodes(map, request.journey, &mut notes)?;
        journey::tell_ways(map, &nodes, &mut notes);
        let mut stops = Vec::new();
        for node in nodes.iter().filter_map(|at| map.nodes.get(*at)) {
            let found = settings::trace_name(facts, node);
            notes.push(match found.told {
                Some(told) => format!("{}: its spans carry the name {}, as {told}", node.name, found.name),
                None => format!("{}: no deployment file names its spans; the name {} is taken", node.name, found.name),
            });
            let is_missing = |found: &&crate::facts::FindingFacts| found.name == NAMELESS && found.service == node.name;
            if let Some(found) = facts.iter().flat_map(|facts| &facts.findings).find(is_missing) {
                notes.push(format!("{}: {}:{}: {}", node.name, found.path, found.line, found.message));
            }
            stops.push(Stop { name: node.name.clone(), trace_name: found.name });
        }
        let first = nodes.first().and_then(|at| map.nodes.get(*at));
        let headers = headers(first.and_then(|node| settings::formats(facts, node)), &mut notes);
        Ok(Self { stops, entry, backend: request.backend, backend_url, headers, notes })
    }

    /// `gateway → checkout → email`.
    pub fn title(&self) -> String {
        self.stops.iter().map(|stop| stop.name.as_str()).collect::<Vec<_>>().join(" → ")
    }
}

/// The headers to send: `traceparent`, and those of the formats that the first service reads.
fn headers(read: Option<(Vec<String>, String)>, notes: &mut Vec<String>) -> Vec<(String, String)> {
    let mut formats = settings::known(&["tracecontext".to_owned()]);
    if let Some((names, told)) = read {
        for found in settings::known(&names) {
            if !formats.iter().any(|known| known.id == found.id) {
                formats.push(found);
            }
        }
        // Baggage holds no ids; `none` reads nothing.
        let unknown = names.iter().filter(|name| *name != "baggage" && catalogue::format(name).is_none());
        let unknown: Vec<&str> = unknown.map(String::as_str).collect();
        if !unknown.is_empty() {
            notes.push(format!("the request carries no header of the format {} ({told})", unknown.join(", ")));
        }
    }
    formats.iter().flat_map(|format| format.headers.iter().cloned()).collect()
}

/// An address of HTTP that can stand on one line.
fn address(text: &str, option: &str) -> Result<String, PlanError> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let is_clean = text.len() <= 2000 && !text.chars().any(|c| c.is_control() || c.is_whitespace());
    let has_host = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#', ':']));
    if is_clean && has_host {
        return Ok(text.to_owned());
    }
    Err(PlanError {
        message: format!("{option} is no address: {text}"),
        help: Some("write it in full, such as http://localhost:8080/order".to_owned()),
    })
}
