//! Rules about what is written into and read from messages and requests by hand.

mod client;
mod consume;
mod extract;
mod hops;
mod inject;
mod left_out;
mod managed;
mod material;
mod nowhere;
mod produce;
mod relay;

use super::Verdicts;
use crate::study::Study;

/// Runs the rules of this group.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    produce::check(study, out);
    consume::check(study, out);
    managed::check(study, out);
    extract::check(study, out);
    inject::check(study, out);
    nowhere::check(study, out);
}
