//! Rules about process-wide settings: propagator, sampler, span processor, provider, exporter.

mod beside;
mod browsers;
mod closers;
mod conventions;
mod defaults;
mod endpoint;
mod flushed;
mod handed_back;
mod misnamed;
mod off;
mod over;
mod own_sampler;
mod propagator;
mod rejecting;
mod removed;
mod sampler;
pub(super) mod share;
mod shutdown;
mod simple;
mod taken_apart;
mod unknown_member;
mod unnamed;
mod unset_global;

use super::Verdicts;
use crate::study::Study;

/// Runs the rules of this group.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    browsers::check(study, out);
    closers::check(study, out);
    conventions::check(study, out);
    endpoint::check(study, out);
    misnamed::check(study, out);
    off::check(study, out);
    over::check(study, out);
    propagator::check(study, out);
    rejecting::check(study, out);
    removed::check(study, out);
    sampler::check(study, out);
    shutdown::check(study, out);
    simple::check(study, out);
    unset_global::check(study, out);
    unknown_member::check(study, out);
    unnamed::check(study, out);
}
