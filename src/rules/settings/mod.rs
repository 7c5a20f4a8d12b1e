//! Rules about process-wide settings: propagator, sampler, span processor.

mod propagator;
mod sampler;
mod simple;

use super::Verdicts;
use crate::study::Study;

/// Runs the rules of this group.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    propagator::check(study, out);
    sampler::check(study, out);
    simple::check(study, out);
}
