//! Rules about what is written into and read from messages and requests by hand.

mod client;
mod consume;
mod extract;
mod hops;
mod inject;
mod kind;
mod left_out;
mod managed;
mod material;
mod nowhere;
mod produce;
mod relay;

pub(super) use extract::reading_units;
pub(super) use inject::is_traced_by_hand;
pub(super) use kind::says_kind;

use super::Verdicts;
use super::clients::Lives;

/// Runs the rules of this group.
pub(super) fn check(lives: &Lives<'_, '_>, out: &mut Verdicts) {
    let study = lives.study;
    produce::check(study, out);
    consume::check(study, out);
    managed::check(study, out);
    extract::check(study, out);
    inject::check(lives, out);
    nowhere::check(study, out);
}
