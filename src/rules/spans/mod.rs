//! Rules about single spans: started and not ended, made current and not restored, nested by a loop, mislabelled.

mod beneath;
mod by_hand;
mod closed;
mod current;
mod decimal_id;
mod decorated;
mod early;
mod ended;
mod endless;
mod errors;
mod fate;
mod foreign;
mod handed_on;
mod in_calls;
mod in_fields;
mod inert;
mod leaking;
mod leaving;
mod left;
mod life;
mod nested;
mod onward;
mod over;
mod paths;
mod read_after;
mod starts;
mod streamed;
mod uses;
mod wrapped;
mod wrong_id;

pub(in crate::rules) use current::exclude;

use super::Verdicts;
use super::clients::Lives;

/// Runs the rules of this group.
pub(super) fn check(lives: &Lives<'_, '_>, out: &mut Verdicts) {
    let study = lives.study;
    let uses = uses::Uses::new(study.program);
    let life = life::Life::new(study, &uses, life::Finish::End);
    let starts = starts::Starts::new(&life);
    ended::check(&life, &starts, out);
    endless::check(study, out);
    decorated::check(study, out);
    closed::check(study, &uses, out);
    early::check(&life, &starts, out);
    left::check(&life, &starts, out);
    over::check(&life, &starts, out);
    over::check_managed(&life, out);
    foreign::check(&life, &starts, out);
    streamed::check(study, out);
    wrapped::check(study, out);
    current::check(lives, &starts, out);
    onward::check(&life, &starts, out);
    nested::check(&life, &starts, out);
    wrong_id::check(study, out);
    by_hand::check(study, out);
    inert::check(study, out);
    leaking::check(study, out);
    errors::check(&life, &starts, out);
}
