//! The test as a Tracetest definition.
//!
//! Sources: <https://docs.tracetest.io/cli/creating-tests>, <https://docs.tracetest.io/concepts/selectors>.

use super::render::{comments, quoted};
use super::{Plan, PlanError};

/// Writes the test as a Tracetest definition: Tracetest itself makes the trace id, sends it and waits for the trace.
///
/// # Errors
///
/// Names that cannot stand in a selector.
pub fn tracetest(plan: &Plan) -> Result<String, PlanError> {
    if let Some(stop) = plan.stops.iter().find(|stop| stop.trace_name.contains(['"', '\\'])) {
        return Err(PlanError {
            message: format!("the name {} cannot stand in a selector of Tracetest", stop.trace_name),
            help: Some("write the test in another format".to_owned()),
        });
    }
    let mut out =
        String::from("# One trace must go through all services of the journey. Run it with `tracetest run test`.\n");
    out += &comments(&plan.notes, "#");
    out += "type: Test\nspec:\n";
    out += &format!("  name: {}\n", quoted(&format!("one trace: {}", plan.title())));
    out += "  trigger:\n    type: http\n    httpRequest:\n      method: GET\n";
    out += &format!("      url: {}\n", quoted(&plan.entry));
    out += "  specs:\n";
    let span = |name: &str| format!("span[service.name=\"{name}\"]");
    for (at, stop) in plan.stops.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| plan.stops.get(at));
        let (name, selector) = match before {
            None => (format!("{} has a span in the trace", stop.trace_name), span(&stop.trace_name)),
            Some(before) => (
                format!("{} has a span below {}", stop.trace_name, before.trace_name),
                format!("{} {}", span(&before.trace_name), span(&stop.trace_name)),
            ),
        };
        out += &format!("  - name: {}\n    selector: {}\n", quoted(&name), quoted(&selector));
        out += "    assertions:\n    - attr:tracetest.selected_spans.count >= 1\n";
    }
    Ok(out)
}
