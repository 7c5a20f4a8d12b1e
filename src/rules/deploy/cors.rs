//! `header-stripped`: a browser may not send the header of its trace.
//!
//! Source: <https://fetch.spec.whatwg.org/#cors-preflight-fetch>: it asks before it sends a header that is not on the list
//! of safe ones, and sends nothing where the answer does not name it.

use super::super::Verdicts;
use super::Material;
use crate::deploy::AllowList;
use crate::finding::{Confidence, Finding, Related};

/// Judges the lists of a workspace in which a client in the browser sends traces to other origins.
pub(super) fn check(material: &Material<'_>, out: &mut Verdicts) {
    let mut lists: Vec<AllowList> = std::mem::take(&mut out.allow_lists);
    lists.extend(material.deployment.allow_lists.iter().cloned());
    lists.sort_by_key(|list| list.place);
    lists.dedup_by_key(|list| list.place);
    for list in &lists {
        let Some((browser, missing)) = material.deployment.browsers.iter().find_map(|browser| {
            let missing: Vec<&String> = browser.headers.iter().filter(|header| !list.allows(header)).collect();
            (!missing.is_empty()).then_some((browser, missing))
        }) else {
            continue;
        };
        let names = missing.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ");
        let mut found = Finding::new("header-stripped", list.place, Confidence::Likely);
        found.message = format!("`{}` names the headers that browsers may send, and not {names}", list.by);
        found.label = format!("no {names}");
        found.effect = "the browser does not send its requests with the trace at all, or only without it where it is made to leave it out: the page and what it calls are never one trace".to_owned();
        found.help = format!("add {names}; this assumes that the page calls this server from another origin");
        found.confirm = format!(
            "send `OPTIONS` with `Origin`, `Access-Control-Request-Method: GET` and `Access-Control-Request-Headers: {}`, and look for it in the answer",
            missing[0]
        );
        found.service = list.place.path.rsplit('/').next().unwrap_or_default().to_owned();
        found.related.push(Related {
            place: browser.place,
            message: format!("`{}` sends it to other origins", browser.setting),
        });
        out.findings.push(found);
    }
}
