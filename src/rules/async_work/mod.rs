//! Work that runs on another thread without the context of the code that handed it over.

mod annotated;
mod callback;
mod decorator;
mod executor;
mod generators;
mod given;
mod handed_in;
mod listeners;
mod mdc;
mod outliving;
mod pipeline;
mod reactive;
mod report;
mod spawned;
mod spawner;
mod stepped;
mod task;
mod variables;

pub(super) use annotated::is_cut_off;
pub(super) use mdc::stands_before;
pub(super) use task::RUNNERS;

use super::Verdicts;
use crate::rules::clients::Lives;

/// Runs the rules of this group.
pub(super) fn check(lives: &Lives<'_, '_>, out: &mut Verdicts) {
    let study = lives.study;
    spawned::check(lives, out);
    annotated::check(study, out);
    listeners::check(study, out);
    generators::check(study, out);
    outliving::check(study, out);
    reactive::check(study, out);
}
