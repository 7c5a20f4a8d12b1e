//! Rules about the ids on log records.

mod chains;
mod formats;
mod keys;
mod left;
mod made_up;
pub(super) mod patterns;
mod settings;
mod untold;

use super::Verdicts;
use crate::study::Study;

/// Runs the rules of this group.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    formats::check(study, out);
    keys::check(study, out);
    left::check(study, out);
    made_up::check(study, out);
    untold::check(study, out);
}
