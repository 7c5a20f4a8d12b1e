//! Rules about single spans: started and not ended, made current and not restored, nested by a loop, mislabelled.

mod closed;
mod current;
mod decorated;
mod early;
mod ended;
mod inert;
mod leaking;
mod leaving;
mod life;
mod nested;
mod paths;
mod starts;
mod uses;
mod wrong_id;

use super::Verdicts;
use crate::study::Study;

/// Runs the rules of this group.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    let uses = uses::Uses::new(study.program);
    ended::check(study, &uses, out);
    decorated::check(study, out);
    closed::check(study, &uses, out);
    early::check(study, &uses, out);
    current::check(study, &uses, out);
    nested::check(study, &uses, out);
    wrong_id::check(study, out);
    inert::check(study, out);
    leaking::check(study, out);
}
