//! A service that has what could trace it, and that nothing is seen to switch on.

use super::{Cause, Fit};
use crate::facts::{ServiceFacts, Standing};

/// Rules that report such a service.
pub(super) const TOLD_BY: &[&str] = &["dark-service", "instrumentation-not-loaded"];

/// That this explains why a service makes no spans: the line that starts it, where that is seen, else the one that declares
/// what could trace it. `None` where something traces it, or nothing could.
pub(super) fn cause(facts: &ServiceFacts, name: &str) -> Option<Cause> {
    let stacks = &facts.service.stacks;
    let stack = stacks.first().filter(|_| stacks.iter().all(|stack| !stack.active))?;
    let declared = format!("{}:{} {}", stack.path, stack.line, stack.evidence);
    // A file in its own folder is written for it alone.
    let own = format!("{}/", facts.service.root);
    let start = facts.starts.iter().find(|start| start.path.contains(&own)).or_else(|| facts.starts.first());
    let (path, line, message) = match start {
        Some(start) => {
            let text =
                format!("{name} is started here, and nothing is seen to switch on what could trace it ({declared})");
            (start.path.clone(), start.line, text)
        }
        None => {
            let text = format!("{name} could be traced by {}, and nothing is seen to switch that on", stack.title);
            (stack.path.clone(), stack.line, text)
        }
    };
    Some(Cause {
        fit: Fit::Service,
        path,
        line,
        standing: Standing::Unknown,
        service: name.to_owned(),
        message,
        why: "what is not switched on makes no spans".to_owned(),
        hops: Vec::new(),
        finding: None,
    })
}
