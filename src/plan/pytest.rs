//! The test for pytest.

use super::render::{comments, quoted, render};
use super::{Backend, Plan};
use crate::report::text::clean;

/// Writes the test for pytest; it needs nothing else.
pub fn pytest(plan: &Plan) -> String {
    let services: Vec<String> = plan.stops.iter().map(|stop| format!("    {},\n", quoted(&stop.trace_name))).collect();
    let headers: Vec<String> =
        plan.headers.iter().map(|(name, value)| format!("    {}: {},\n", quoted(name), quoted(value))).collect();
    let spans = match plan.backend {
        Backend::Jaeger => include_str!("templates/jaeger.py"),
        Backend::Tempo => include_str!("templates/tempo.py"),
    };
    render(
        include_str!("templates/test_journey.py"),
        &[
            // It stands in a comment.
            ("TITLE", clean(&plan.title())),
            ("NOTES", comments(&plan.notes, "#")),
            ("ENTRY", quoted(&plan.entry)),
            ("BACKEND", quoted(&plan.backend_url)),
            ("SERVICES", services.concat()),
            ("HEADERS", headers.concat()),
            ("SPANS", spans.to_owned()),
        ],
    )
}
