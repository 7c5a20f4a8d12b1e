//! Rules about explicit contexts: replaced, gone stale, not passed on, not reachable through a framework's own type.

mod forward;
mod framework;
mod hook;
mod log;
mod not_passed;
mod replaced;
mod stale;

use super::Verdicts;
use crate::study::Study;

/// Runs the rules of this group.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    replaced::check(study, out);
    hook::check(study, out);
    stale::check(study, out);
    not_passed::check(study, out);
    framework::check(study, out);
    log::check(study, out);
}
