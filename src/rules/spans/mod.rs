//! Rules about single spans: started and not ended, made current and not restored, nested by a loop.

mod closed;
mod ended;
mod life;
mod starts;
mod uses;

use super::Verdicts;
use crate::study::Study;

/// Runs the rules of this group.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    let uses = uses::Uses::new(study.program);
    ended::check(study, &uses, out);
    closed::check(study, &uses, out);
}
