//! How well something that was found explains a gap.

use super::causes::{End, Place};
use super::{Fit, GapKind};
use crate::facts::{Crossing, FindingFacts, HopFacts};

/// Rules of the bucket `span` whose findings keep a span from arriving.
const LOSES_SPAN: &[&str] = &["span-not-ended", "span-ended-early"];
/// Rules of the bucket `span` whose findings leave the wrong span current. What others of it find, such as a deprecated
/// attribute, changes no trace.
const LEAVES_WRONG: &[&str] = &["scope-not-closed", "span-in-loop"];
/// Rules whose findings lose a few spans: most would still be there.
const LOSES_FEW: &[&str] = &["no-shutdown", "simple-span-processor"];
/// Rules on what a service decides only of traces that begin with it.
const ASKS_ITSELF: &[&str] = &["default-sampling"];
/// Rules whose findings have the spans arrive all the same, under another name.
const RENAMES: &[&str] = &["service-name-missing"];
/// Rules of the bucket `propagation` that concern all that a process sends or takes; the others concern single calls.
const ALL_CALLS: &[&str] = &["header-stripped", "no-propagator", "propagator-mismatch"];

/// The rank of what is merely near.
pub(super) const RANK_NEAR: u32 = 4;

/// The place of a cause among others: the smaller, the better it explains. `is_shown`: it stands at the end at which the
/// recording shows the loss, so that what the code leaves open there is likelier than what is merely near.
pub(super) fn rank(fit: Fit, is_shown: bool) -> u32 {
    match fit {
        Fit::Exact => 0,
        Fit::OnTheWay => 1,
        Fit::Service => 2,
        Fit::Unknown if is_shown => 3,
        Fit::Near => RANK_NEAR,
        Fit::Unknown => 5,
    }
}

/// How well a finding of the service `name` fits, and why; `None` where it cannot make such a gap. `hops` are those that it
/// is about.
pub(super) fn fit(
    place: &Place,
    end: End,
    finding: &FindingFacts,
    hops: &[&HopFacts],
    name: &str,
) -> Option<(Fit, String)> {
    if !can_make(place, end, finding) {
        return None;
    }
    if hops.is_empty() {
        // It concerns the process as a whole, or a place that is no hop.
        let rule = finding.name.as_str();
        let whole = match finding.bucket.as_str() {
            "sampling" | "export" => !LOSES_FEW.contains(&rule) && !RENAMES.contains(&rule),
            "propagation" => ALL_CALLS.contains(&rule),
            bucket => bucket == "instrumentation",
        };
        let fit = if whole { Fit::Service } else { Fit::Near };
        return Some((fit, format!("it is in {name}")));
    }
    let crossing = |kinds: &[Crossing]| hops.iter().any(|hop| kinds.contains(&hop.kind));
    let inside = crossing(&[Crossing::Spawn, Crossing::Span]);
    let incoming = crossing(&[Crossing::Serve, Crossing::Consume]);
    let outgoing: Vec<&&HopFacts> = hops
        .iter()
        .filter(|hop| matches!(hop.kind, Crossing::HttpCall | Crossing::RpcCall | Crossing::Produce))
        .collect();
    match end {
        End::Near if inside => Some((Fit::Near, format!("{name} can lose the trace here before it calls"))),
        End::Near if !outgoing.is_empty() && outgoing.iter().all(|hop| hop.peers.is_empty()) => {
            Some((Fit::Near, format!("{name} calls somebody here, and the code does not tell whom")))
        }
        End::Far if incoming => Some((Fit::Service, format!("{name} takes what comes in here"))),
        End::Inside if inside => Some((Fit::Exact, format!("{name} hands work on here"))),
        // Where it is known which calls begin the new trace, other calls are not what loses it.
        End::Inside if !incoming && place.ends.through.is_some() => None,
        End::Inside if incoming || !outgoing.is_empty() => Some((Fit::Service, format!("it is in {name}"))),
        _ => None,
    }
}

/// Whether a finding at one end can make such a gap at all.
fn can_make(place: &Place, end: End, finding: &FindingFacts) -> bool {
    // What loses spans makes no new trace, and what cuts a trace does not lose the parent's span.
    let loses = matches!(finding.bucket.as_str(), "sampling" | "export");
    let cuts = matches!(finding.bucket.as_str(), "instrumentation" | "propagation" | "async");
    let rule = finding.name.as_str();
    match place.kind {
        GapKind::LostParent => loses || LOSES_SPAN.contains(&rule),
        // Whoever is before the gap is there, so its trace is kept: what loses its own spans does not lose those of others.
        GapKind::Missing if LOSES_FEW.contains(&rule) => false,
        GapKind::Missing if ASKS_ITSELF.contains(&rule) => place.ends.from.is_none(),
        GapKind::Missing => cuts || loses && end != End::Near,
        GapKind::WrongParent => cuts || LEAVES_WRONG.contains(&rule),
        GapKind::NewTrace | GapKind::BrokenCode | GapKind::Unknown => cuts,
    }
}

#[cfg(test)]
mod tests {
    use super::{ALL_CALLS, ASKS_ITSELF, LEAVES_WRONG, LOSES_FEW, LOSES_SPAN, RENAMES};

    #[test]
    fn rules_that_are_named_are_there() {
        let all = [
            (LOSES_SPAN, "span"),
            (LEAVES_WRONG, "span"),
            (LOSES_FEW, "export"),
            (ASKS_ITSELF, "sampling"),
            (RENAMES, "export"),
            (ALL_CALLS, "propagation"),
        ];
        for (names, bucket) in all {
            for name in names {
                assert!(crate::rulepage::find(name).is_some_and(|page| page.bucket == bucket), "{name}");
            }
        }
    }
}
