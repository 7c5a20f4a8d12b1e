//! Rules about what spans are called and what they carry.

mod attributes;
mod names;
mod paths;
mod provisional;
mod words;

use super::Verdicts;
use crate::study::Study;

/// Runs the rules of this group.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    names::check(study, out);
    attributes::check(study, out);
}
