//! The test for Go.

use super::render::{comments, quoted, render};
use super::{Backend, Plan};
use crate::report::text::clean;

/// Writes the test for `go test`; it needs nothing but the standard library.
pub fn go(plan: &Plan) -> String {
    let services: Vec<String> = plan.stops.iter().map(|stop| format!("\t{},\n", quoted(&stop.trace_name))).collect();
    let headers: Vec<String> =
        plan.headers.iter().map(|(name, value)| format!("\t{{{}, {}}},\n", quoted(name), quoted(value))).collect();
    let spans = match plan.backend {
        Backend::Jaeger => include_str!("templates/jaeger.go.txt"),
        Backend::Tempo => include_str!("templates/tempo.go.txt"),
    };
    render(
        include_str!("templates/journey_test.go.txt"),
        &[
            ("TITLE", clean(&plan.title())),
            ("NOTES", comments(&plan.notes, "//")),
            ("ENTRY", quoted(&plan.entry)),
            ("BACKEND", quoted(&plan.backend_url)),
            ("SERVICES", services.concat()),
            ("HEADERS", headers.concat()),
            ("SPANS", spans.to_owned()),
        ],
    )
}
