//! Rules about what is written into and read from messages and requests by hand.

mod around;
mod batch;
mod client;
mod consume;
mod extract;
mod front;
mod handlers;
mod hops;
mod inject;
mod kind;
mod kindless;
mod left_out;
mod looped;
mod made;
mod managed;
mod material;
mod nowhere;
mod produce;
mod read_empty;
mod relay;
mod reply;
mod tasks;
mod unfilled;
mod waiting;
mod work;

pub(super) use extract::reading_units;
pub(super) use handlers::untraced_handlers;
pub(super) use inject::is_traced_by_hand;
pub(super) use kind::says_kind;
pub(super) use material::sets_identity;
pub(super) use unfilled::extracts_nothing;

pub(crate) use produce::sent_into;

use super::Verdicts;
use super::clients::Lives;
use crate::study::Study;

/// Runs the rules of this group.
pub(super) fn check<'a>(lives: &Lives<'_, 'a>, out: &mut Verdicts) {
    let study: &Study<'a> = lives.study;
    let traced = hops::traced_units(study);
    let plugged = client::Plugged::default();
    let current = traced.iter().copied().filter(|unit| !hops::keeps_spans_aside(study, *unit)).collect();
    produce::check(study, &current, &plugged, out);
    consume::check(study, &traced, &plugged, out);
    managed::check(study, &plugged, out);
    extract::check(study, &traced, out);
    inject::check(lives, &traced, out);
    nowhere::check(study, out);
    unfilled::check(study, &traced, out);
    read_empty::check(study, out);
    batch::check(study, out);
    kindless::check(study, &traced, out);
}
