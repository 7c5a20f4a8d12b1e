//! The test as a shell script.

use super::render::{comments, render};
use super::{Backend, Plan};
use crate::report::text::clean;

/// Writes the test as a script for bash with curl and jq.
pub fn shell(plan: &Plan) -> String {
    let services: Vec<String> = plan.stops.iter().map(|stop| format!("  {}\n", single(&stop.trace_name))).collect();
    let headers: Vec<String> =
        plan.headers.iter().map(|(name, value)| format!("  -H \"{name}: {}\"\n", value.replace('{', "${"))).collect();
    let spans = match plan.backend {
        Backend::Jaeger => include_str!("templates/jaeger.jq"),
        Backend::Tempo => include_str!("templates/tempo.jq"),
    };
    render(
        include_str!("templates/journey.sh"),
        &[
            ("TITLE", clean(&plan.title())),
            ("NOTES", comments(&plan.notes, "#")),
            ("ENTRY", single(&plan.entry)),
            ("BACKEND", single(&plan.backend_url)),
            ("SERVICES", services.concat()),
            ("HEADERS", headers.concat()),
            ("SPANS", spans.to_owned()),
        ],
    )
}

/// A text in single quotes.
fn single(text: &str) -> String {
    format!("'{}'", clean(text).replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::single;

    #[test]
    fn names_are_no_commands() {
        assert_eq!(single("a'$(id)\n"), "'a'\\''$(id)\u{FFFD}'");
    }
}
