//! `header-stripped`: a proxy takes the trace's header away.

use super::super::Verdicts;
use super::Material;
use crate::deploy::Removal;
use crate::finding::{Confidence, Finding, Related};
use crate::knowledge::is_trace_header;

/// Reports the first removal of each file; the others are related to it.
pub(super) fn check(material: &Material<'_>, out: &mut Verdicts) {
    if !material.is_traced() {
        return;
    }
    let carries = |removal: &&Removal| removal.header == "*" || is_trace_header(&removal.header);
    let mut removals: Vec<&Removal> =
        material.deployment.removals.iter().filter(carries).filter(|found| !found.traces).collect();
    removals.sort_by_key(|removal| removal.place);
    for of_file in removals.chunk_by(|left, right| left.place.path == right.place.path) {
        let Some((first, rest)) = of_file.split_first() else { continue };
        let mut found = Finding::new("header-stripped", first.place, Confidence::Likely);
        let what =
            if first.header == "*" { "all headers".to_owned() } else { format!("the header `{}`", first.header) };
        found.message = format!("`{}` takes {what} away from the requests that pass through", first.by);
        found.label = "the trace ends here".to_owned();
        found.effect = "each service behind this proxy starts a new trace".to_owned();
        found.help =
            "let the header pass; this assumes that callers before the proxy are traced, and may be trusted".to_owned();
        found.confirm = "send a request with `traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01` through the proxy and look for that trace".to_owned();
        found.service = first.place.path.rsplit('/').next().unwrap_or_default().to_owned();
        found.related =
            rest.iter().map(|other| Related { place: other.place, message: "and here".to_owned() }).collect();
        out.findings.push(found);
    }
}
